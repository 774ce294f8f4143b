"""One real Rucio server for all tests of this folder, a token issuer that it trusts, and ways to run the modules against it."""

from __future__ import annotations

import importlib
import itertools
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError, Tls
from ansible_collections.escape.datalake.plugins.plugin_utils.services.rucio import Login, RucioClient
from joserfc import jwt
from joserfc.jwk import ECKey

sys.path.insert(0, str(Path(__file__).parent))
from server import PASSWORD, ROOT, RucioServer

Run = Callable[..., dict[str, Any]]
ACTIONS = "ansible_collections.escape.datalake.plugins.action"


class Issuer:
    """A token issuer as small as the server lets it be: discovery and keys."""

    def __init__(self) -> None:
        self.key = ECKey.generate_key("P-256", {"kid": "test", "use": "sig", "alg": "ES256"})
        issuer = self

        class Pages(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page = issuer.discovery() if "openid-configuration" in self.path else {"keys": [issuer.key.as_dict(private=False)]}
                body = json.dumps(page).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        self.url = f"http://127.0.0.1:{self.http.server_port}/"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def discovery(self) -> dict[str, Any]:
        ends = ("authorization", "token", "introspection", "registration", "userinfo")
        return {"issuer": self.url, "jwks_uri": f"{self.url}jwk", **{f"{end}_endpoint": self.url + end for end in ends}}

    def token(self, subject: str, *, audience: str = "rucio", seconds: int = 600) -> str:
        now = int(time.time())
        claims = {"iss": self.url, "sub": subject, "aud": audience, "scope": "openid profile", "iat": now, "exp": now + seconds}
        return jwt.encode({"alg": "ES256", "kid": "test"}, claims, self.key)


@pytest.fixture(scope="session")
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    yield made
    made.http.shutdown()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Iterator[RucioServer]:
    made = RucioServer(tmp_path_factory.mktemp("rucio"), issuer.url)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def quiet(server: RucioServer) -> Iterator[RucioServer]:
    """The server with nothing of other tests left in its log, and mended afterwards."""
    server.calls()
    yield server
    server.mend()


def login(**changes: Any) -> Login:
    return Login(**{"kind": "userpass", "account": "root", "username": "ddmlab", "password": PASSWORD, **changes})


@pytest.fixture
def client(server: RucioServer) -> RucioClient:
    """The root account, for setting up and looking."""
    return RucioClient(server.url, login(), tls=Tls(ca=str(server.ca)))


@pytest.fixture
def run(quiet: RucioServer) -> Run:
    """Runs a module's action in this process, argument spec and all: run("rucio_rse", rses=[...], check=True)."""

    def running(module: str, *, check: bool = False, **options: Any) -> dict[str, Any]:
        action_class = importlib.import_module(f"{ACTIONS}.{module}").ActionModule
        validator = ArgumentSpecValidator(action_class.ARGUMENTS, **action_class.CONSTRAINTS)
        checked = validator.validate({**quiet.arguments, **options})
        if checked.error_messages:
            return {"failed": True, "msg": "; ".join(checked.error_messages)}
        action = action_class.__new__(action_class)
        action._task = SimpleNamespace(check_mode=check)
        try:
            result: dict[str, Any] = action.act(checked.validated_parameters, {})
        except (ApiError, DescriptionError) as problem:
            return {"failed": True, "msg": str(problem)}
        json.dumps(result)  # Ansible sends results around as JSON
        return result

    return running


@pytest.fixture
def playbook(quiet: RucioServer, tmp_path: Path) -> Run:
    """Runs tasks with ansible-playbook; gives the recap, the text and the registered results of all tasks by name."""

    def running(
        tasks: list[dict[str, Any]], *words: str, defaults: dict[str, Any] | None = None, environment: dict[str, str] | None = None
    ) -> dict[str, Any]:
        results = tmp_path / "results.json"
        results.unlink(missing_ok=True)
        named = [{"name": f"task{number}", "register": f"task{number}", **task} for number, task in enumerate(tasks)]
        kept = {
            "ansible.builtin.copy": {"content": "{{ dict(names | zip(names | map('extract', vars))) | to_json }}", "dest": str(results)},
            "vars": {"names": [task["register"] for task in named]},
            "check_mode": False,
            "diff": False,
        }
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "module_defaults": {"group/escape.datalake.rucio": quiet.arguments if defaults is None else defaults},
            "tasks": [{"block": named, "always": [kept]}],
        }
        book = tmp_path / "play.yml"
        book.write_text(yaml.safe_dump([play], sort_keys=False))
        paths = f"{ROOT}/.cache:{next((ROOT / '.venv/lib').glob('python*/site-packages'))}"
        settings = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": paths, "ANSIBLE_NOCOLOR": "1", **(environment or {})}
        command = [str(ROOT / ".venv/bin/ansible-playbook"), "-i", "localhost,", "-c", "local", *words, str(book)]
        done = subprocess.run(command, capture_output=True, text=True, env=settings, cwd=ROOT, check=False, timeout=120)
        return {
            "code": done.returncode,
            "text": done.stdout + done.stderr,
            "results": json.loads(results.read_text()) if results.exists() else {},
        }

    return running


_numbers = itertools.count(1)


@pytest.fixture
def name() -> str:
    """An RSE name of the test's own."""
    return f"T{next(_numbers)}"


def door(**changes: Any) -> dict[str, Any]:
    """A complete door."""
    every = {"read": 1, "write": 1, "delete": 1}
    return {
        "scheme": "davs",
        "hostname": "se.example.org",
        "port": 443,
        "prefix": "/escape/fast",
        "impl": "rucio.rse.protocols.gfal.Default",
        "domains": {"lan": every, "wan": {**every, "third_party_copy_read": 1, "third_party_copy_write": 1}},
        **changes,
    }


def record(name: str, **changes: Any) -> dict[str, Any]:
    """A complete record."""
    root_door = door(scheme="root", port=1094, prefix="//escape/fast", domains={"lan": {"read": 2}, "wan": {"read": 2, "write": None}})
    return {
        "name": name,
        "site": "LAB",
        "properties": {"rse_type": "DISK", "country_name": "FR", "continent": "EU", "latitude": 45.9, "availability_write": True},
        "attributes": {"QOS": "FAST", "verify_checksum": False, "lfn2pfn_algorithm": "hash", "maximum_pin_lifetime": 86400},
        "protocols": [door(), root_door],
        "limits": {"MinFreeSpace": 10**12},
        "space": 50 * 10**12,
        **changes,
    }
