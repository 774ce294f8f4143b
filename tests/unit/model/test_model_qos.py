"""Which facts earn which class (qos.md section 7)."""

from __future__ import annotations

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.model.qos import BUILT_IN, MEDIA, REDUNDANCY, Facts, claimable, shortcomings
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import QosClass, Requirement
from hypothesis import given
from hypothesis import strategies as st

FACTS = st.builds(
    Facts,
    media=st.sampled_from(sorted(MEDIA)),
    copies=st.integers(1, 4),
    redundancy=st.sampled_from(sorted(REDUNDANCY)),
    latency_ms=st.none() | st.integers(1, 10**7),
    volatile=st.booleans(),
)


@pytest.mark.parametrize(
    ("facts", "classes"),
    [
        (Facts("tape"), ["SAFE", "OPPORTUNISTIC"]),
        (Facts("hdd", copies=2, redundancy="replica"), ["SAFE", "CHEAP-ANALYSIS", "OPPORTUNISTIC"]),
        (Facts("hdd", redundancy="ec-servers"), ["SAFE", "CHEAP-ANALYSIS", "OPPORTUNISTIC"]),
        (Facts("hdd", redundancy="raid6"), ["CHEAP-ANALYSIS", "OPPORTUNISTIC"]),
        (Facts("hdd", redundancy="raid6", latency_ms=5000), ["OPPORTUNISTIC"]),
        (Facts("hdd"), ["OPPORTUNISTIC"]),
        (Facts("hdd", redundancy="raid5"), ["OPPORTUNISTIC"]),
        (Facts("hdd", latency_ms=1), ["OPPORTUNISTIC"]),
        (Facts("ssd"), ["FAST", "OPPORTUNISTIC"]),
        (Facts("nvme", latency_ms=20), ["FAST", "OPPORTUNISTIC"]),
        (Facts("nvme", latency_ms=21), ["OPPORTUNISTIC"]),
        (Facts("nvme", copies=2, redundancy="replica", volatile=True), ["FAST", "CHEAP-ANALYSIS", "OPPORTUNISTIC"]),
    ],
)
def test_built_in_classes(facts: Facts, classes: list[str]) -> None:
    assert claimable(BUILT_IN, facts) == classes


def test_every_way_to_earn_a_class_is_explained() -> None:
    assert shortcomings(BUILT_IN["SAFE"], Facts("hdd")) == [
        "media is hdd where tape is asked for",
        "copies is 1 where 2 are asked for",
        "redundancy is none where ec-servers is asked for",
    ]
    assert shortcomings(BUILT_IN["FAST"], Facts("tape")) == [
        "media is tape where nvme or ssd is asked for and latency is 10min (typical of tape) where at most 20ms is asked for"
    ]


@given(FACTS)
def test_opportunistic_is_open_to_all(facts: Facts) -> None:
    assert "OPPORTUNISTIC" in claimable(BUILT_IN, facts)


@given(FACTS)
def test_more_copies_never_lose_a_class(facts: Facts) -> None:
    more = Facts(facts.media, facts.copies + 1, facts.redundancy, facts.latency_ms, facts.volatile)
    assert set(claimable(BUILT_IN, facts)) <= set(claimable(BUILT_IN, more))


@given(FACTS)
def test_volatile_never_earns_a_permanent_class(facts: Facts) -> None:
    gold = QosClass("GOLD", any_of=(Requirement(),), permanent=True)
    assert bool(shortcomings(gold, facts)) == facts.volatile
