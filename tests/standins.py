"""Starts the lab's stand-ins as they run in the lab: gunicorn, TLS with a certificate of a throw-away authority."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parent.parent
START_TIMEOUT = 20.0  # seconds


@dataclass
class StandIn:
    """A running stand-in. log: its access log, one request a line."""

    url: str
    ca: str
    log: Path

    def requests(self) -> list[str]:
        """Method and path of the requests so far, health checks left out."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        asked = [line.split('"')[1].rsplit(" ", 1)[0] for line in lines]
        return [each for each in asked if not each.endswith("/health")]


def make_ca(directory: Path) -> None:
    """ca.pem, and localhost.pem with localhost.key."""
    subprocess.run([sys.executable, ROOT / "lab/ca.py", directory, "localhost"], check=True, capture_output=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def write_config(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


@contextlib.contextmanager
def running(name: str, config: Path, tls: Path, port: int) -> Iterator[StandIn]:
    """The stand-in "iam" or "cric" while the block runs."""
    log = config.with_suffix(".access.log")
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "--workers",
        "1",
        "--threads",
        "8",
        "--no-control-socket",
        "--graceful-timeout",
        "2",
        "--bind",
        f"127.0.0.1:{port}",
    ]
    command += ["--certfile", str(tls / "localhost.pem"), "--keyfile", str(tls / "localhost.key"), "--access-logfile", str(log)]
    errors = config.with_suffix(".errors.log")
    with errors.open("w") as output:
        process = subprocess.Popen([*command, f'lab.{name}.app:create_app("{config}")'], cwd=ROOT, stdout=output, stderr=output)
    stand_in = StandIn(f"https://localhost:{port}", str(tls / "ca.pem"), log)
    try:
        _wait(stand_in, process, errors)
        yield stand_in
    finally:
        process.terminate()
        process.wait(10)


def _wait(stand_in: StandIn, process: subprocess.Popen[bytes], errors: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(requests.ConnectionError):
            if requests.get(stand_in.url + "/health", verify=stand_in.ca, timeout=2).ok:
                return
        time.sleep(0.1)
    raise AssertionError(f"the stand-in did not start:\n{errors.read_text()}")
