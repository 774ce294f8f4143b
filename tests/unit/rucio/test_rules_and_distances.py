"""Plans for rules and distances where a server's clock or age matters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio import distances, rules
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ENTRY = {"dids": ["a:b"], "rse_expression": "QOS=SAFE", "copies": 1}


def held(**changes: Any) -> dict[rules.Key, rules.RuleFound]:
    raw = {"id": "1", "scope": "a", "name": "b", "account": "root", "rse_expression": "QOS=SAFE", "copies": 1, "expires_at": None}
    return rules.found_rules([{**raw, **changes}])


def in_hours(hours: float) -> str:
    return (NOW + timedelta(hours=hours)).strftime("%a, %d %b %Y %H:%M:%S UTC")


def planned(found: dict[rules.Key, rules.RuleFound], **entry: Any) -> list[tuple[str, Any]]:
    declared = rules.declared_rules([{**ENTRY, **entry}], "root")
    return [(change.verb, change.after) for change in rules.plan_rules(declared, found, NOW).plan.changes]


def test_a_rule_ending_on_its_own_is_left_alone() -> None:
    assert planned(held(expires_at=in_hours(5)), lifetime="2d") == []
    assert planned(held(expires_at=in_hours(0.5)), lifetime="2d") == []


def test_a_rule_that_somebody_deleted_is_kept() -> None:
    assert planned(held(expires_at=in_hours(0.9))) == [("update", {"id": "1", "lifetime": None})]
    assert planned(held(expires_at=in_hours(1.1))) == []


@pytest.mark.parametrize(("hours", "writes"), [(23, 1), (25, 0)])
def test_renewal(hours: int, writes: int) -> None:
    assert len(planned(held(expires_at=in_hours(hours)), lifetime="7d", renew_before="1d")) == writes


def test_a_moved_rule_is_left_to_its_end() -> None:
    assert planned(held(child_rule_id="2", expires_at=in_hours(0)), comment="x") == []


def test_removal_ignores_what_is_ending() -> None:
    declared = rules.declared_rules([ENTRY], "root")
    assert not rules.plan_removal(declared, held(expires_at=in_hours(0.9)), NOW).plan
    assert rules.plan_removal(declared, held(), NOW).plan
    assert not rules.plan_removal(declared, {}, NOW).plan


def test_comments_have_two_names() -> None:
    assert planned(held(comments="x"), comment="x") == []
    assert planned(held(comments="x"), comment="y") == [("update", {"id": "1", "comment": "y"})]


def test_distances_of_old_servers() -> None:
    raw = {
        "A": {"B": {"ranking": 3}, "C": {"agis_distance": 2, "ranking": None}, "D": {"distance": 0, "ranking": 9}, "E": {"distance": None}}
    }
    assert distances.found_distances(raw) == {("A", "B"): 3, ("A", "C"): 2, ("A", "D"): 0}


def test_the_digest_of_a_row_does_not_depend_on_order_and_tells_removals_apart() -> None:
    one = distances.digests({("A", "B"): 1, ("A", "C"): 2, ("B", "A"): 1})
    other = distances.digests({("B", "A"): 1, ("A", "C"): 2, ("A", "B"): 1})
    assert one == other
    assert one["A"] != distances.digests({("A", "B"): 1, ("A", "C"): None})["A"]
    assert one["A"] != distances.digests({("A", "B"): 1})["A"]


def test_only_rows_that_are_not_noted_are_looked_at() -> None:
    wanted = {("A", "B"): 1, ("A", "C"): 2, ("B", "A"): 1}
    digests = distances.digests(wanted)
    assert distances.to_look_at(wanted, digests) == {}
    assert distances.to_look_at(wanted, {"A": digests["A"], "B": None}) == {("B", "A"): 1}
    assert distances.to_look_at(wanted, {"A": digests["B"], "B": digests["B"]}) == {("A", "B"): 1, ("A", "C"): 2}
    assert [change.words() for change in distances.note_changes(wanted, {"A": digests["A"]}, 4)] == [
        f"B: create attribute declared_distances = {digests['B']!r}"
    ]


RSES = st.sampled_from(["A", "B", "C", "D"])
PAIRS = st.dictionaries(st.tuples(RSES, RSES), st.one_of(st.none(), st.integers(0, 3)))


@given(wanted=PAIRS, held=PAIRS)
def test_one_plan_brings_any_lake_to_the_declared_distances(
    wanted: dict[distances.Pair, int | None], held: dict[distances.Pair, int | None]
) -> None:
    found = {pair: distance for pair, distance in held.items() if distance is not None}
    after = dict(found)
    for change in distances.plan_distances(wanted, found).plan.changes:
        pair = (change.subject, change.name)
        assert (change.verb == "create") == (pair not in found)
        if change.verb == "delete":
            del after[pair]
        else:
            after[pair] = change.after
    assert {pair: after.get(pair) for pair in wanted} == wanted
    assert {pair: after.get(pair) for pair in found if pair not in wanted} == {pair: found[pair] for pair in found if pair not in wanted}
    assert not distances.plan_distances(wanted, after).plan
