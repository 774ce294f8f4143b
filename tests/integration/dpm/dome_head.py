"""A head node on loopback, and the storage that the tests describe."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.escape.datalake.lab.dpm.server import make_server
from ansible_collections.escape.datalake.tests.standins import free_port

HOME = "/dpm/example.org/home/escape"
LAKE = {
    "name": "lab",
    "issuers": {
        "escape": {
            "url": "https://iam.example.org/",
            "access": [{"group": "/escape/data-manager", "rights": "write"}, {"group": "/escape", "rights": "read"}],
        }
    },
}
STORAGE: dict[str, Any] = {
    "name": "LAB-DPM",
    "site": "LAB",
    "system": "dpm",
    "release": "1.15.2",
    "issuers": ["escape"],
    "base_path": HOME,
    "doors": [{"scheme": "davs", "host": "disk1.example.org", "port": 443}],
    "areas": [
        {"name": "fast", "path": f"{HOME}/fast", "qos": "FAST", "capacity": "500GB", "media": "ssd", "partitions": ["/srv/a"]},
        {
            "name": "scratch",
            "path": f"{HOME}/scratch",
            "qos": "OPPORTUNISTIC",
            "capacity": "123456789012B",
            "media": "hdd",
            "volatile": True,
        },
    ],
}
Run = Callable[..., dict[str, Any]]
DISKS = {"disk1.example.org": {"/srv/a": 10**12, "/srv/b": 10**12}, "disk2.example.org": {"/srv/a": 4 * 10**12}}


class Head:
    """A head node that runs in this process."""

    def __init__(self, folder: Path, tls: Path) -> None:
        self.folder, self.tls, self.port = folder, tls, free_port()
        self.log, self.state = folder / "access.log", folder / "state.json"
        self.config = {
            "listen": ["127.0.0.1", self.port],
            "certificate": str(tls / "localhost.pem"),
            "key": str(tls / "localhost.key"),
            "ca": str(tls / "ca.pem"),
            "authorized": ["CN=admin.example.org,O=Data lake lab"],
            "state": str(self.state),
            "disks": DISKS,
            "log": str(self.log),
        }
        self.server = make_server(self.config)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}/domehead"

    def orders(self) -> list[str]:
        """The orders so far, questions left out."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line.split()[1].rsplit("/", 1)[-1] for line in lines if line.startswith('"POST')]

    def fill(self, path: str, used: int) -> None:
        """Lets a directory hold bytes."""
        self.server.dome.fill(path, used)

    def kept(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.state.read_text())
        return found
