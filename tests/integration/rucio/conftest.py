"""One real Rucio server for all tests of this folder, a token issuer that it trusts, and ways to run the modules against it."""

from __future__ import annotations

import importlib
import itertools
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError, Tls
from ansible_collections.escape.datalake.plugins.plugin_utils.services.rucio import RucioClient
from rucio_server import ROOT, RucioServer
from rucio_tools import Issuer, Run, login

ACTIONS = "ansible_collections.escape.datalake.plugins.action"


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


@pytest.fixture
def client(server: RucioServer) -> RucioClient:
    """The root account, for setting up and looking."""
    return RucioClient(server.url, login(), tls=Tls(ca=str(server.ca)))


def runs_against(server: RucioServer) -> Run:
    """Runs a module's action in this process, argument spec and all: run("rucio_rse", rses=[...], check=True).

    alone: the options are all there are; otherwise those of the connection are added.
    """

    def running(module: str, *, check: bool = False, alone: bool = False, **options: Any) -> dict[str, Any]:
        action_class = importlib.import_module(f"{ACTIONS}.{module}").ActionModule
        validator = ArgumentSpecValidator(action_class.ARGUMENTS, **action_class.CONSTRAINTS)
        checked = validator.validate(options if alone else {**server.arguments, **options})
        if checked.error_messages:
            return {"failed": True, "msg": "; ".join(checked.error_messages)}
        action = action_class.__new__(action_class)
        action._task = SimpleNamespace(check_mode=check, action=f"escape.datalake.{module}")
        action._display = SimpleNamespace(display=print)
        try:
            result: dict[str, Any] = action.act(checked.validated_parameters, {})
        except (ApiError, DescriptionError) as problem:
            return {"failed": True, "msg": str(problem)}
        json.dumps(result)  # Ansible sends results around as JSON
        return result

    return running


@pytest.fixture
def run(quiet: RucioServer) -> Run:
    return runs_against(quiet)


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
