"""A frontend with one directory to watch, /lake/fast."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import event_frontend
import pytest
from ansible_collections.escape.datalake.lab.dcache import events


@pytest.fixture
def frontend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[event_frontend.Frontend]:
    monkeypatch.setattr(events, "BEAT", 0.2)
    root = tmp_path / "namespace"
    (root / "lake" / "fast").mkdir(parents=True)
    with event_frontend.running(root) as found:
        yield found
