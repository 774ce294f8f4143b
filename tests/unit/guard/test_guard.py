"""guard: what is taken away is limited, and refused when its source cannot be believed."""

from __future__ import annotations

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.escape.datalake.plugins.plugin_utils.guard import (
    ARGUMENTS,
    Act,
    Guard,
    Held,
    Limit,
    Source,
    doubts,
    excess,
    guard_from,
    hold_back,
    report,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import Change, Plan
from hypothesis import given
from hypothesis import strategies as st


def suspension(name: str) -> Change:
    return Change(name, "status", "update", before="ACTIVE", after="SUSPENDED")


def taking(change: Change) -> Act | None:
    return "suspensions" if change.kind == "status" else "removals" if change.verb == "delete" else None


ADDED = Change("new", "account", "create")
GOOD = Source("users of IAM", 100, 100)


@pytest.mark.parametrize(
    ("limit", "total", "allowed"),
    [
        (Limit(5, 10), 1000, 5),
        (Limit(5, 10), 20, 2),
        (Limit(5, 10), 3, 1),
        (Limit(0, 100), 50, 0),
        (Limit(5, 0), 50, 0),
        (Limit(5, 10), 0, 0),
    ],
)
def test_number_and_percent_both_hold(limit: Limit, total: int, allowed: int) -> None:
    assert limit.allowed(total) == allowed


def test_a_few_pass_and_too_many_are_all_held_back() -> None:
    few = Plan.of([ADDED, *(suspension(f"a{number}") for number in range(10))])
    assert hold_back(few, taking, {"suspensions": 100}, [GOOD], Guard()) == (few, Held())
    many = Plan.of([ADDED, *(suspension(f"a{number}") for number in range(11))])
    allowed, held = hold_back(many, taking, {"suspensions": 100}, [GOOD], Guard())
    assert allowed.changes == (ADDED,)
    assert len(held.changes) == 11
    assert "11 of 100 would be suspended (a0, a1," in str(held.reasons[0])
    assert "set guard.suspensions.percent to 11 for this run" in str(held.reasons[0])


def test_what_it_says_to_set_is_enough() -> None:
    many = Plan.of(suspension(f"a{number}") for number in range(70))
    _allowed, held = hold_back(many, taking, {"suspensions": 75}, [GOOD], Guard())
    assert "number to 70 and guard.suspensions.percent to 94" in str(held.reasons[0])
    assert hold_back(many, taking, {"suspensions": 75}, [GOOD], Guard(suspensions=Limit(70, 94)))[0] == many


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (Source("users of IAM", 0), "set guard.allow_empty"),
        (Source("users of IAM", 0, 50), "set guard.allow_empty"),
        (Source("users of IAM", 70, 100), "set guard.shrink_percent to 30"),
        (Source("users of IAM", 100, 100, ("entry 4 has no name",)), "entry 4 has no name"),
    ],
)
def test_a_source_that_is_empty_shrunken_or_malformed_takes_nothing_away(source: Source, words: str) -> None:
    plan = Plan.of([ADDED, suspension("one")])
    allowed, held = hold_back(plan, taking, {"suspensions": 100}, [source], Guard())
    assert allowed.changes == (ADDED,)
    assert [change.subject for change in held.changes] == ["one"]
    assert words in str(held.reasons[0])


def test_a_doubtful_source_is_no_trouble_where_nothing_is_taken_away() -> None:
    assert hold_back(Plan.of([ADDED]), taking, {}, [Source("users", 0)], Guard()) == (Plan.of([ADDED]), Held())


def test_what_is_said_about_the_source_is_enough() -> None:
    assert doubts([Source("users", 70, 100)], Guard(shrink_percent=30)) == []
    assert doubts([Source("users", 0, 100)], Guard(allow_empty=True, shrink_percent=100)) == []


def test_the_other_kinds_are_not_held_back_by_one_that_is_too_many() -> None:
    removal = Change("LAB-1", "attribute", "delete", name="QOS")
    plan = Plan.of([removal, *(suspension(f"a{number}") for number in range(30))])
    allowed, held = hold_back(plan, taking, {"suspensions": 100, "removals": 100}, [GOOD], Guard())
    assert allowed.changes == (removal,)
    assert {change.kind for change in held.changes} == {"status"}


def test_flags_of_one_rse_count_once_and_removals_each() -> None:
    plan = Plan.of(Change("LAB-1", "attribute", "delete", name=f"key{number}") for number in range(11))
    assert hold_back(plan, taking, {"removals": 1000}, [GOOD], Guard())[1]
    twice = Plan.of(Change("LAB-1", kind, "update") for kind in ("status", "status"))
    assert not hold_back(twice, taking, {"suspensions": 1}, [GOOD], Guard())[1]


def test_the_task_fails_with_what_was_held_back() -> None:
    held = Held((suspension("one"),), tuple(excess("suspensions", ["one"], 5, Guard(suspensions=Limit(0, 0)))))
    answer = report({"changed": True, "actions": ["new: create account"]}, held)
    assert answer["failed"]
    assert answer["changed"]
    assert answer["held_back"] == ["one: update status: 'ACTIVE' -> 'SUSPENDED'"]
    assert "guard.suspensions.number to 1" in answer["msg"]
    assert report({"changed": False}, Held()) == {"changed": False}


def test_the_options_default_to_the_guard() -> None:
    checked = ArgumentSpecValidator(ARGUMENTS).validate({})
    assert checked.error_messages == []
    assert guard_from(checked.validated_parameters["guard"]) == Guard()
    given_one = ArgumentSpecValidator(ARGUMENTS).validate({"guard": {"removals": {"number": 3}}}).validated_parameters["guard"]
    assert guard_from(given_one) == Guard(removals=Limit(3, Guard().removals.percent))


@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 100), st.floats(0, 100))
def test_never_more_than_the_limit(taken: int, total: int, number: int, percent: float) -> None:
    plan = Plan.of([ADDED, *(suspension(f"a{each}") for each in range(taken))])
    allowed, held = hold_back(plan, taking, {"suspensions": total}, [GOOD], Guard(suspensions=Limit(number, percent)))
    gone = len(allowed.changes) - 1
    assert gone in (0, taken)
    assert gone <= number
    assert gone <= total * percent / 100 + 1
    assert gone + len(held.changes) == taken
