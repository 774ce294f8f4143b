"""The stand-in of dCache's storage events, with a real directory behind it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import HttpClient
from lab.dcache import events
from werkzeug.serving import BaseWSGIServer, make_server

TOKEN = "a-token-of-the-test"


@dataclass
class Frontend:
    url: str
    root: Path
    state: Any
    servers: list[BaseWSGIServer]
    port: int

    def client(self, token: str = TOKEN) -> HttpClient:
        client = HttpClient("dCache frontend", self.url, retries=0)
        client.headers["Authorization"] = f"Bearer {token}"
        return client


@pytest.fixture
def frontend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Frontend]:
    monkeypatch.setattr(events, "BEAT", 0.2)
    root = tmp_path / "namespace"
    (root / "lake" / "fast").mkdir(parents=True)
    app = events.create_app(root, {"maria": TOKEN})
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    pages = app.blueprints["events"]
    yield Frontend(f"http://127.0.0.1:{server.port}", root, pages, [server], server.port)
    server.shutdown()
