"""A real Rucio server on loopback, from PyPI in an environment of its own: gunicorn with TLS, one access log line per request."""

from __future__ import annotations

import ast
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Which server: tools/test-releases runs the tests against each supported one.
RELEASE = os.environ.get("DATALAKE_RUCIO_RELEASE") or "41.5.1"
ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).resolve().parent
PASSWORD = "secret of the tests"
MARK = "lake.arrived"  # wsgi.py gives each call this variable, with its own name as the value

RUCIO_CFG = """
[common]
logdir = {home}/log
loglevel = WARNING
[client]
rucio_host = https://localhost:{port}
auth_host = https://localhost:{port}
auth_type = userpass
username = ddmlab
password = {password}
account = root
[database]
default = {database}
pool_size = 10
max_overflow = 20
[bootstrap]
userpass_identity = ddmlab
userpass_pwd = {password}
userpass_email = root@example.org
[policy]
permission = generic
schema = generic
lfn2pfn_algorithm_default = hash
[alembic]
cfg = {home}/etc/alembic.ini
[conveyor]
scheme = root,davs,https
transfertool = fts3
[trace]
tracedir = {home}/trace
[oidc]
idpsecrets = {home}/etc/idpsecrets.json
admin_issuer = escape
expected_audience = rucio
expected_scope = openid profile
"""

ALEMBIC_INI = """
[alembic]
script_location = {site_packages}/rucio/db/sqla/migrate_repo
sqlalchemy.url = {database}
[loggers]
keys = root
[handlers]
keys = console
[formatters]
keys = generic
[logger_root]
level = WARN
handlers = console
[handler_console]
class = StreamHandler
args = (sys.stderr,)
formatter = generic
[formatter_generic]
format = %(message)s
"""

BOOTSTRAP = (
    "from rucio.db.sqla.util import build_database, create_base_vo, create_root_account as root; build_database(); create_base_vo(); root()"
)


@dataclass(frozen=True)
class Call:
    """One line of the server's access log. size: bytes of the two bodies together."""

    method: str
    path: str
    status: int
    size: int = 0

    @property
    def writes(self) -> bool:
        return self.method not in ("GET", "HEAD", "OPTIONS")


@dataclass
class RucioServer:
    """A server in the folder home. start() makes what is missing.

    issuer: address of the token issuer it trusts. database: SQLAlchemy URL, a SQLite file in home when empty. workers: server processes.
    several_vos: the server is for several VOs, each made with add_vo().
    """

    home: Path
    issuer: str
    port: int = 0
    database: str = ""
    workers: int = 1
    several_vos: bool = False
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _read: int = 0

    @property
    def process(self) -> int:
        """Number of the server's main process."""
        if self._process is None:
            raise RuntimeError("the server is not started")
        return self._process.pid

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def ca(self) -> Path:
        return self.home / "ca.pem"

    @property
    def arguments(self) -> dict[str, Any]:
        """The connection options of every rucio module, for the root account."""
        return {
            "url": self.url,
            "ca_path": str(self.ca),
            "auth_type": "userpass",
            "username": "ddmlab",
            "password": PASSWORD,
            "account": "root",
        }

    def start(self) -> None:
        python = environment()
        self.port = self.port or _free_port()
        for folder in ("etc", "log", "trace"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        site_packages = next((python.parent.parent / "lib").glob("python*/site-packages"))
        words = {"home": self.home, "port": self.port, "password": PASSWORD, "site_packages": site_packages}
        words["database"] = self.database or f"sqlite:///{self.home}/rucio.db"
        config = RUCIO_CFG.format(**words)
        if self.several_vos:
            config = config.replace("[common]", "[common]\nmulti_vo = True").replace("= generic\n", "= generic_multi_vo\n")
            config += f"[api]\nendpoints = {', '.join([*default_endpoints(site_packages), 'vos'])}\n"
        (self.home / "etc/rucio.cfg").write_text(config)
        (self.home / "etc/alembic.ini").write_text(ALEMBIC_INI.format(**words))
        client = {"client_id": "rucio", "client_secret": "unused", "issuer": self.issuer, "redirect_uris": [self.url]}
        (self.home / "etc/idpsecrets.json").write_text(
            json.dumps({"escape": {**client, "SCIM": {"client_id": "rucio", "client_secret": "unused"}}})
        )
        make_certificates(self.home)
        settings = {
            **os.environ,
            "RUCIO_HOME": str(self.home),
            "RUCIO_CONFIG": str(self.home / "etc/rucio.cfg"),
            "FAULTS": str(self.home / "faults.json"),
            "ARRIVED": str(self.home / "arrived"),
            "READY": str(self.home / "ready"),
        }
        subprocess.run([python, "-c", BOOTSTRAP], env=settings, check=True, capture_output=True)
        command = [
            python,
            "-m",
            "gunicorn",
            "--workers",
            str(self.workers),
            "--threads",
            "8",
            "--worker-class",
            "gthread",
            "--no-control-socket",
        ]
        command += ["--bind", f"127.0.0.1:{self.port}", "--timeout", "600", "--keep-alive", "30", "--chdir", str(HERE)]
        command += [
            "--certfile",
            str(self.home / "server.pem"),
            "--keyfile",
            str(self.home / "server.key"),
            "--ca-certs",
            str(self.ca),
            "--cert-reqs",
            "1",
        ]
        command += [
            "--access-logfile",
            str(self.home / "access.log"),
            "--access-logformat",
            f"%(m)s %(U)s?%(q)s %(s)s %(B)s %({{content-length}}i)s %({{{MARK}}}e)s",
        ]
        command += ["wsgi:application"]
        (self.home / "ready").unlink(missing_ok=True)
        with (self.home / "log/server.log").open("wb") as log:
            self._process = subprocess.Popen(command, env=settings, stdout=log, stderr=log)
        until = time.monotonic() + 30
        while not self._answers():
            if time.monotonic() > until or self._process.poll() is not None:
                raise RuntimeError((self.home / "log/server.log").read_text()[-3000:])
            time.sleep(0.1)

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(timeout=20)

    def calls(self) -> list[Call]:
        """The calls that the server logged since the last question, complete."""
        counted = self.home / "arrived"
        arrived = counted.stat().st_size if counted.exists() else 0  # made by the worker, which may still be starting
        until = time.monotonic() + 10
        while len(lines := self._logged()) < arrived:
            if time.monotonic() > until:
                raise RuntimeError(f"{arrived} calls arrived, {len(lines)} were logged")
            time.sleep(0.005)
        fresh, self._read = lines[self._read :], len(lines)
        parts = [line.rsplit(" ", 4) for line in fresh]
        return [Call(*front.split(" ", 1), int(status), _number(sent) + _number(got)) for front, status, sent, got, _mark in parts]

    def writes(self) -> list[Call]:
        return [call for call in self.calls() if call.writes]

    def breaks(self, method: str, path: str, *, after: int = 0, times: int = 1) -> None:
        """After that many calls of this kind, the next ones are answered 500."""
        (self.home / "faults.json").write_text(json.dumps({"method": method, "path": path, "after": after, "times": times}))

    def mend(self) -> None:
        (self.home / "faults.json").unlink(missing_ok=True)

    def _logged(self) -> list[str]:
        """Of the access log the lines of calls that arrived: gunicorn logs a connection that breaks within TLS as one more request."""
        return [line for line in (self.home / "access.log").read_text().splitlines() if line.endswith(f" {MARK}")]

    def _answers(self) -> bool:
        """Whether all its processes have loaded Rucio."""
        ready = self.home / "ready"
        with socket.socket() as probe:
            return ready.exists() and ready.read_text().count("\n") >= self.workers and probe.connect_ex(("127.0.0.1", self.port)) == 0


def default_endpoints(site_packages: Path) -> list[str]:
    """Parts of the API that a server has by itself; before release 38 an option can only name all that it shall have."""
    source = ast.parse((site_packages / "rucio/web/rest/flaskapi/v1/main.py").read_text())
    for node in source.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "DEFAULT_ENDPOINTS":
            return sorted(ast.literal_eval(node.value))
    raise RuntimeError("this release of Rucio does not say which endpoints it has")


def environment() -> Path:
    """The Python of Rucio's own environment; made on first use (half a minute)."""
    folder = ROOT / ".cache" / f"rucio-{RELEASE}"
    python = folder / "bin/python"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", f"rucio=={RELEASE}", "gunicorn"], check=True)
        (folder / "complete").touch()
    return python


def make_certificates(home: Path) -> None:
    """ca.pem; server.pem and .key for localhost; client.pem and .key for /O=Lake/CN=robot."""
    if (home / "ca.pem").exists():
        return

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=home, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    openssl("req", "-x509", *key, "-subj", "/O=Lake/CN=test authority", "-keyout", "ca.key", "-out", "ca.pem")
    for name, subject, extension in (
        ("server", "/O=Lake/CN=localhost", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
        ("client", "/O=Lake/CN=robot", "extendedKeyUsage=clientAuth"),
    ):
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-addext", extension)
        openssl("req", "-x509", *key, *signed, "-subj", subject, "-keyout", f"{name}.key", "-out", f"{name}.pem")


def _number(text: str) -> int:
    """A size of the access log, which writes "-" for none."""
    return int(text) if text.isdigit() else 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
