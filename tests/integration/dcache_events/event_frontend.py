"""The stand-in of dCache's storage events on a port of its own, with a real directory behind it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.escape.datalake.lab.dcache import events
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import HttpClient
from werkzeug.serving import make_server

TOKEN = "a-token-of-the-test"


@dataclass
class Frontend:
    """root: stands for the / of the name space."""

    url: str
    root: Path

    def client(self, token: str = TOKEN) -> HttpClient:
        client = HttpClient("dCache frontend", self.url, retries=0)
        client.headers["Authorization"] = f"Bearer {token}"
        return client


@contextlib.contextmanager
def running(root: Path) -> Iterator[Frontend]:
    server = make_server("127.0.0.1", 0, events.create_app(root, {"maria": TOKEN}), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Frontend(f"http://127.0.0.1:{server.port}", root)
    finally:
        server.shutdown()
