"""A stand-in dCache on loopback, and the tasks that are run against it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import yaml
from ansible_collections.escape.datalake.tests.standins import ROOT, free_port
from joserfc import jwt
from joserfc.jwk import ECKey

ISSUER = "https://iam.lake.test/"
PASSWORD = "door of the tests"


def storage(*names: str, release: str = "9.2.47") -> dict[str, Any]:
    """A description with the areas named."""
    areas = {
        "fast": {"qos": "FAST", "media": "ssd", "capacity": "2TB", "latency": "1ms"},
        "safe": {"qos": "SAFE", "media": "hdd", "capacity": "3TB", "copies": 2, "redundancy": "replica"},
        "tape": {"qos": "SAFE", "media": "tape", "capacity": "9TB"},
    }
    parts = {"fast": ["/data/fast"], "safe": ["/data/s1", "/data/s2"], "tape": ["/data/tape"]}
    return {
        "name": "LAB-DC1",
        "site": "LAB",
        "system": "dcache",
        "release": release,
        "issuers": ["escape"],
        "base_path": "/escape",
        "doors": [{"scheme": "davs", "host": "dcache1.lake.test", "port": 2880}],
        "areas": [{"name": name, "path": f"/escape/{name}", "partitions": parts[name], **areas[name]} for name in names],
    }


LAKE = {"name": "lab", "issuers": {"escape": {"url": ISSUER, "access": [{"group": "/escape/data-manager", "rights": "write"}]}}}


@dataclass
class Dcache:
    """A stand-in and how to reach it."""

    folder: Path
    tls: Path
    ssh_port: int
    rest_port: int
    key: ECKey
    process: subprocess.Popen[str] | None = None

    @property
    def config(self) -> Path:
        return self.folder / "dcache.yml"

    @property
    def url(self) -> str:
        return f"https://localhost:{self.rest_port}"

    @property
    def ca(self) -> str:
        return str(self.tls / "ca.pem")

    @property
    def host_key(self) -> str:
        return (self.folder / "data/ssh_host_key.pub").read_text().strip()

    @property
    def pool_manager_file(self) -> Path:
        return self.folder / "poolmanager.conf"

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads((self.folder / "data/dcache.json").read_text())
        return state

    def edit(self, **parts: Any) -> None:
        """Puts parts of the state in place, as if somebody else had."""
        file = self.folder / "data/dcache.json"
        file.write_text(json.dumps({**self.state(), **parts}))

    def log(self) -> list[dict[str, Any]]:
        file = self.folder / "data/access.log"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def writes(self) -> list[str]:
        return [entry["what"] for entry in self.log() if entry["write"]]

    def forget(self) -> None:
        (self.folder / "data/access.log").unlink(missing_ok=True)

    def token(self, *groups: str, **claims: Any) -> str:
        now = int(time.time())
        audience = "https://localhost:3880"
        every = {"iss": ISSUER, "sub": "alice", "aud": audience, "iat": now, "exp": now + 600, "wlcg.ver": "1.0", "scope": "openid"}
        return jwt.encode({"alg": "ES256", "kid": "test"}, {**every, "wlcg.groups": list(groups), **claims}, self.key)

    def put(self, *paths: str, size: int = 1000) -> None:
        """Files that are there already."""
        for path in paths:
            requests.put(f"{self.url}/lab/file{path}?size={size}", verify=self.ca, timeout=10).raise_for_status()

    def start(self) -> None:
        command = [sys.executable, "-m", "lab.dcache.server", str(self.config)]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert self.process.stdout
        said = self.process.stdout.readline()
        assert said.strip() == "ready", said + self.process.stdout.read()

    def stop(self) -> None:
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(10)
            if self.process.stdout:
                self.process.stdout.close()
            self.process = None


@contextmanager
def running(folder: Path, tls: Path, *, release: str = "9.2.47", **changes: Any) -> Iterator[Dcache]:
    """A new stand-in while the block runs."""
    key = ECKey.generate_key("P-256", {"kid": "test", "use": "sig", "alg": "ES256"})
    (folder / "keys.json").write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "admin")], check=True)
    dcache = Dcache(folder, tls, free_port(), free_port(), key)
    pools = {name: str(folder / name) for name in ("dcache1-data-fast", "dcache1-data-s1", "dcache1-data-s2", "dcache1-data-tape")}
    config = {
        "data": str(folder / "data"),
        "release": release,
        "poolmanager": str(dcache.pool_manager_file),
        "wellknown": str(folder / "wellknown.json"),
        "pools": pools,
        "directories": ["/", "/escape", "/escape/fast"],
        "ssh": {"port": dcache.ssh_port, "password": PASSWORD, "authorized_keys": str(folder / "admin.pub")},
        "rest": {
            "port": dcache.rest_port,
            "certificate": str(tls / "localhost.pem"),
            "key": str(tls / "localhost.key"),
            "audiences": ["https://localhost:3880"],
            "issuers": [{"url": ISSUER, "keys": str(folder / "keys.json")}],
            "users": {"root": {"password": PASSWORD, "roles": ["admin"]}},
            "admin_groups": ["/escape/data-manager"],
            "qos_groups": ["/escape"],
        },
        **changes,
    }
    dcache.config.write_text(yaml.safe_dump(config))
    dcache.config.chmod(0o600)
    shell = f'#!/bin/sh\ncd "{ROOT}" && exec "{sys.executable}" -m lab.dcache.chimera --config "{dcache.config}" "$@"\n'
    (folder / "chimera").write_text(shell)
    (folder / "chimera").chmod(0o755)
    dcache.start()
    try:
        yield dcache
    finally:
        dcache.stop()


@dataclass
class Task:
    """A playbook with one dcache_qos task; its result comes back through a file."""

    dcache: Dcache
    storage: dict[str, Any]
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def admin(self) -> dict[str, Any]:
        key = str(self.dcache.folder / "admin")
        return {"host": "127.0.0.1", "port": self.dcache.ssh_port, "key_file": key, "host_key": self.dcache.host_key}

    @property
    def chimera(self) -> dict[str, Any]:
        return {"command": str(self.dcache.folder / "chimera"), "owner": "2000:2000", "mode": "0775"}

    def frontend(self, token: str, *roles: str) -> dict[str, Any]:
        return {"url": self.dcache.url, "ca_path": self.dcache.ca, "token": token, "roles": list(roles), "wait": 30}

    def book(self, told: Path) -> Path:
        options = {
            "lake": LAKE,
            "storage": self.storage,
            "host": "dcache1.lake.test",
            "qos": {"hsm": {"options": {"command": "/usr/local/sbin/tape"}}},
            "admin": self.admin,
            "chimera": self.chimera,
            **self.options,
        }
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "tasks": [
                {"escape.datalake.dcache_qos": {name: value for name, value in options.items() if value is not None}, "register": "told"},
            ],
        }
        play["tasks"][0]["ignore_errors"] = True
        copy = {"content": "{{ told | to_json }}", "dest": str(told), "mode": "0600"}
        play["tasks"].append({"ansible.builtin.copy": copy, "check_mode": False, "diff": False})
        book = self.dcache.folder / "play.yml"
        book.write_text(yaml.safe_dump([play]))
        return book

    def command(self, book: Path, *flags: str) -> list[str]:
        return [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", "-c", "local", str(book), *flags]

    @property
    def environment(self) -> dict[str, str]:
        (self.dcache.folder / "ansible.cfg").write_text("[defaults]\n")
        return {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": f"{ROOT}/.cache",
            "ANSIBLE_CONFIG": str(self.dcache.folder / "ansible.cfg"),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        }

    def run(self, *flags: str, fails: bool = False) -> dict[str, Any]:
        told = self.dcache.folder / "told.json"
        told.unlink(missing_ok=True)
        command = self.command(self.book(told), *flags)
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=120, check=False)
        assert told.exists(), done.stdout + done.stderr
        answer: dict[str, Any] = json.loads(told.read_text())
        assert bool(answer.get("failed")) is fails, answer
        answer["output"] = done.stdout + done.stderr
        return answer
