"""Progress of long work is told, and not for each change."""

from __future__ import annotations

from types import SimpleNamespace

from ansible_collections.escape.datalake.plugins.plugin_utils.action_base import DatalakeAction


def test_progress_is_told_after_some_seconds_and_then_now_and_then() -> None:
    told: list[str] = []
    action = DatalakeAction.__new__(DatalakeAction)
    action._task = SimpleNamespace(action="escape.datalake.rucio_sync")
    action._display = SimpleNamespace(display=told.append)
    for number, seconds in enumerate((1.0, 6.0, 7.0), start=1):
        action.progress(number, 3, seconds, "distances")
    assert told == ["rucio_sync: 2 of 3 distances done, 6.0 s"]
