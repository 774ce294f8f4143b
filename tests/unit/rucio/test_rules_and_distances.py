"""Plans for rules and distances where a server's clock or age matters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio import distances, rules

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


def test_pairs_have_names() -> None:
    assert distances.pair_of(distances.pair_name(("A-1", "B_2"))) == ("A-1", "B_2")
