"""The module storage_events and its playbook against the stand-in."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.action.storage_events import ActionModule
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError
from ansible_collections.escape.datalake.tests.playbooks import play
from event_frontend import TOKEN, Frontend

ROOT = Path(__file__).parents[3]


def listen(frontend: Frontend, check_mode: bool = False, **arguments: Any) -> dict[str, Any]:
    action = ActionModule.__new__(ActionModule)
    action._task = SimpleNamespace(check_mode=check_mode)
    defaults = {name: spec.get("default") for name, spec in ActionModule.ARGUMENTS.items()}
    given = {"url": frontend.url, "paths": ["/lake/fast"], "token": TOKEN, **arguments}
    return action.act({**defaults, **given}, {})


def make_files(folder: Path, names: list[str]) -> None:
    for name in names:
        time.sleep(0.2)
        (folder / name).write_text("bytes")


def test_events_for_people_and_machines(frontend: Frontend) -> None:
    folder = frontend.root / "lake" / "fast"
    worker = threading.Thread(target=make_files, args=(folder, ["a", "b"] * 10))
    worker.start()
    answer = listen(frontend, flags=["IN_CLOSE_WRITE"], count=2, seconds=20)
    worker.join()
    assert [event["flags"] for event in answer["events"]] == [["IN_CLOSE_WRITE"]] * 2
    assert "/lake/fast/a written\n" in answer["text"]
    assert answer["text"].endswith("2 written\n")
    assert (answer["changed"], answer["lost"]) == (False, False)
    assert answer["traffic"] == {"requests": 4, "writes": 3}


def test_silence_is_said(frontend: Frontend) -> None:
    assert listen(frontend, seconds=0.3)["text"] == "nothing happened\n"


def test_check_mode_makes_no_channel(frontend: Frontend) -> None:
    assert listen(frontend, check_mode=True)["skipped"]


def test_passwords_and_token_files(frontend: Frontend, tmp_path: Path) -> None:
    assert listen(frontend, token=None, username="maria", password=TOKEN, seconds=0.1)["events"] == []
    assert "cannot be read" in listen(frontend, token=None, token_file=str(tmp_path / "none"))["msg"]
    with pytest.raises(ApiError, match="401"):
        listen(frontend, token=None, username="maria", password="wrong")


def test_the_playbook(frontend: Frontend, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    folder = frontend.root / "lake" / "fast"
    worker = threading.Thread(target=make_files, args=(folder, [f"f{number}" for number in range(60)]), daemon=True)
    worker.start()
    done = play("events", events_url=frontend.url, path="/lake/fast", token_file=tmp_path / "token", count=2, seconds=30)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " written" in done.stdout
    assert TOKEN not in done.stdout + done.stderr
