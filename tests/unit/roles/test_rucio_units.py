"""Which of Rucio's units must be restarted: decided from what systemd and the file system say."""

from __future__ import annotations

import importlib.util
import os
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "roles/rucio/files/units.py"
STARTED = datetime(2026, 1, 2, 3, 4, 5, 500000, UTC)
RUNNING = {
    "ActiveState": "active",
    "UnitFileState": "enabled",
    "NeedDaemonReload": "no",
    "ExecMainStartTimestamp": "Fri 2026-01-02 03:04:05.500000 UTC",
}


@pytest.fixture
def units() -> ModuleType:
    specification = importlib.util.spec_from_file_location("rucio_units", SCRIPT)
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def written(path: Path, seconds_after_start: float) -> str:
    path.touch()
    moment = STARTED.timestamp() + seconds_after_start
    os.utime(path, (moment, moment))
    return str(path)


def test_a_unit_that_runs_with_its_files_is_left_alone(units: ModuleType, tmp_path: Path) -> None:
    assert units.reason_to_restart(RUNNING, [written(tmp_path / "old", -0.1), str(tmp_path / "absent")]) == ""


def test_a_file_newer_than_the_process_asks_for_a_restart(units: ModuleType, tmp_path: Path) -> None:
    newer = written(tmp_path / "new", 0.1)
    assert newer in units.reason_to_restart(RUNNING, [written(tmp_path / "old", -100), newer])


@pytest.mark.parametrize(
    "change",
    [
        {"ActiveState": "inactive", "ExecMainStartTimestamp": ""},
        {"ActiveState": "failed"},
        {"ActiveState": "activating"},
        {"UnitFileState": "disabled"},
        {"UnitFileState": ""},
        {"NeedDaemonReload": "yes"},
    ],
)
def test_anything_but_active_enabled_and_loaded_asks_for_a_restart(units: ModuleType, change: dict[str, str]) -> None:
    assert units.reason_to_restart({**RUNNING, **change}, [])


def test_units_that_run_and_are_not_wanted_are_to_be_stopped(
    units: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def systemctl(*arguments: str) -> str:
        if arguments[0] == "show":
            return "".join(f"{key}={value}\n" for key, value in RUNNING.items())
        return "a@one.service loaded active running One\na@two.service loaded active running Two\n"

    monkeypatch.setattr(units, "systemctl", systemctl)
    monkeypatch.setattr(units.sys, "argv", ["-", '{"a@one.service": []}', "a@*.service"])
    units.main()
    answer: Any = capsys.readouterr().out
    assert answer == '{"restart": {}, "stop": ["a@two.service"]}\n'
