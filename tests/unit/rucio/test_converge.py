"""converge: a write whose fate is not known is looked at again, a few times; others fail at once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils import converge as module
from ansible_collections.escape.datalake.plugins.plugin_utils.converge import MORE_ROUNDS, Incomplete, converge
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import Change, Plan
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.planned import Planned
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError

WANTED = ("one", "two")


class Lake:
    """Objects by name. faults: by object, whether a write does its work, and what it meets; later ones work (writes go side by side)."""

    def __init__(self, **faults: list[tuple[bool, Exception]]) -> None:
        self.held: set[str] = set()
        self.faults = faults
        self.writes: list[str] = []

    def write(self, change: Change) -> None:
        self.writes.append(change.subject)
        faults = self.faults.get(change.subject)
        works, problem = faults.pop(0) if faults else (True, None)
        if works:
            self.held.add(change.subject)
        if problem:
            raise problem

    def run(self) -> dict[str, Any]:
        def read() -> set[str]:
            return set(self.held)

        def plan(found: set[str]) -> Planned:
            return Planned(Plan.of(Change(name, "rse", "create", after=name) for name in WANTED if name not in found))

        client: Any = SimpleNamespace(traffic={"requests": 0, "writes": 0})
        return converge(client, read, plan, self.write, objects=dict.fromkeys)


def fault(status: int | None, error_class: str | None = None) -> ApiError:
    return ApiError("Rucio", "POST", "x", status, "broken", error_class)


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    taken: list[float] = []
    monkeypatch.setattr(module, "time", SimpleNamespace(sleep=taken.append))
    return taken


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize("problem", [fault(None), fault(502), fault(503), fault(409, "Duplicate"), fault(500, "DatabaseException")])
def test_a_lost_write_is_made_good(problem: ApiError, done: bool, pauses: list[float]) -> None:
    lake = Lake(one=[(done, problem)])
    answer = lake.run()
    assert not answer.get("failed"), answer["msg"]
    assert lake.held == set(WANTED)
    assert len(lake.writes) == 2 + (not done)  # what was done is not written again
    assert bool(pauses) is not done


@pytest.mark.parametrize("problem", [fault(500), fault(400, "InvalidObject"), fault(401, "AccessDenied"), fault(500, "AccessDenied")])
def test_what_the_server_refuses_is_not_tried_again(problem: ApiError) -> None:
    lake = Lake(one=[(False, problem)])
    answer = lake.run()
    assert answer["failed"]
    assert "broken" in answer["msg"]
    assert len(lake.writes) == 2


def test_what_waited_for_a_lost_write_is_done_after_it() -> None:
    lake = Lake(one=[(False, fault(None))], two=[(False, Incomplete("one could not be registered"))])
    answer = lake.run()
    assert not answer.get("failed"), answer["msg"]
    assert lake.held == set(WANTED)
    assert len(lake.writes) == 4


def test_what_waited_for_a_refused_write_is_told_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "WANTED", (*WANTED, "three"))
    lake = Lake(one=[(False, fault(400, "InvalidObject"))], two=[(False, Incomplete("one could not be registered"))])
    answer = lake.run()
    assert [each["reason"].split(": ")[-1] for each in answer["failures"]] == ["broken", "one could not be registered"]
    assert lake.held == {"three"}
    assert len(lake.writes) == 3


def test_what_waits_in_vain_is_told() -> None:
    """The write that it waited for is refused when it is tried again."""
    waits = (False, Incomplete("one could not be registered"))
    lake = Lake(one=[(False, fault(None)), (False, fault(400, "InvalidObject"))], two=[waits, waits])
    assert len(lake.run()["failures"]) == 2
    assert len(lake.writes) == 4


def test_there_is_an_end(pauses: list[float]) -> None:
    lake = Lake(one=[(False, fault(None))] * 100)
    lake.held.add("two")
    answer = lake.run()
    assert answer["failed"]
    assert "broken" in answer["msg"]
    assert lake.writes == ["one"] * (1 + MORE_ROUNDS)
    assert pauses == sorted(pauses)
    assert len(pauses) == MORE_ROUNDS


def test_after_a_plan_only_what_it_touched_is_read_again() -> None:
    lake = Lake()
    lake.held.add("two")
    reads: list[str] = []

    def read() -> set[str]:
        reads.append("all")
        return set(lake.held)

    def reread(found: set[str], plan: Plan) -> set[str]:
        reads.append(" ".join(change.subject for change in plan.changes))
        return found  # the server took the write and does not show it

    def plan(found: set[str]) -> Planned:
        return Planned(Plan.of(Change(name, "rse", "create", after=name) for name in WANTED if name not in found))

    client: Any = SimpleNamespace(traffic={"requests": 0, "writes": 0})
    answer = converge(client, read, plan, lake.write, objects=dict.fromkeys, reread=reread)
    assert reads == ["all", "one"]
    assert "does not show it" in answer["msg"]
