"""The plan for RSEs, with the answers of old and new servers."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError
from ansible_collections.escape.datalake.plugins.plugin_utils.model.rse import LAN_OPERATIONS, WAN_OPERATIONS, Protocol, RseRecord
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio import rses, values
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.rses import Purge, RseFound, Space
from hypothesis import given
from hypothesis import strategies as st

DOOR = Protocol("davs", "se.example.org", 443, "/a", "rucio.rse.protocols.gfal.Default", {"read": 1}, {"read": 1, "write": 2})

NAMES = st.from_regex(r"[a-z][A-Za-z0-9_]{0,8}", fullmatch=True)
PRIORITIES = st.none() | st.integers(min_value=1, max_value=9)
DOORS = st.builds(
    Protocol,
    scheme=st.sampled_from(["davs", "root"]),
    hostname=st.just("se.example.org"),
    port=st.integers(min_value=1, max_value=3),
    prefix=st.just("/a"),
    impl=st.just("rucio.rse.protocols.gfal.Default"),
    lan=st.dictionaries(st.sampled_from(LAN_OPERATIONS), PRIORITIES),
    wan=st.dictionaries(st.sampled_from(WAN_OPERATIONS), PRIORITIES),
    extended_attributes=st.none() | st.just({}) | st.just({"a": "b"}),
)
RECORDS = st.builds(
    RseRecord,
    name=st.just("LAB"),
    properties=st.fixed_dictionaries(
        {},
        optional={"rse_type": st.sampled_from(["DISK", "TAPE"]), "city": st.none() | st.text(max_size=3), "latitude": st.floats(-90, 90)},
    ),
    attributes=st.dictionaries(NAMES, st.none() | st.booleans() | st.integers() | st.text(max_size=5), max_size=4),
    protocols=st.none() | st.lists(DOORS, max_size=3, unique_by=lambda door: door.key).map(tuple),
    limits=st.dictionaries(st.sampled_from(["MinFreeSpace", "Other"]), st.integers(min_value=0)),
    space=st.none() | st.integers(min_value=0),
)


def obeying_server(raw: dict[str, Any], record: RseRecord, major: int) -> dict[str, Any]:
    """What a server holds after the plan for a record was carried out, in the notation of its version."""
    found = {} if not raw else {"LAB": rses.found_rse("LAB", raw, major, limits=raw["limits"], space=Space(**raw["usage"]))}
    for change in rses.plan_rses([record], found).plan.changes:
        match change.kind, change.verb:
            case "rse", "create":
                columns = {**dict.fromkeys(rses.PROPERTIES), "rse_type": "DISK", **change.after}
                raw = {**columns, "attributes": {"LAB": True}, "protocols": [], "limits": {}, "usage": {}}
            case "properties", _:
                raw |= change.after
            case "attribute", "delete":
                del raw["attributes"][change.name]
            case "attribute", _:
                raw["attributes"][change.name] = change.after
            case "protocol", _:
                key = (change.after["scheme"], change.after["hostname"], change.after["port"])
                others = [each for each in raw["protocols"] if (each["scheme"], each["hostname"], each["port"]) != key]
                domains = {
                    domain: {operation: values.sent_priority(value, major) for operation, value in priorities.items()}
                    for domain, priorities in change.after["domains"].items()
                }
                raw["protocols"] = [*others, {**change.after, "port": str(change.after["port"]), "domains": domains}]
            case "limit", _:
                raw["limits"][change.name] = change.after
            case "space", _:
                raw["usage"] = change.after
    return raw


@given(RECORDS, RECORDS, st.sampled_from([1, 38, 39, 41]))
def test_after_a_plan_is_carried_out_the_next_one_is_empty(first: RseRecord, second: RseRecord, major: int) -> None:
    raw: dict[str, Any] = {}
    for record in (first, second):
        raw = obeying_server(raw, record, major)
        found = {"LAB": rses.found_rse("LAB", raw, major, limits=raw["limits"], space=Space(**raw["usage"]))}
        assert rses.plan_rses([record], found).plan.changes == ()


@given(RECORDS)
def test_found_values_are_in_normal_form(record: RseRecord) -> None:
    raw = obeying_server({}, record, 41)
    found = rses.found_rse("LAB", raw, 41, limits=raw["limits"])
    assert {key: rses.property_value(key, value) for key, value in found.properties.items()} == found.properties
    assert {key: values.attribute(value) for key, value in found.attributes.items()} == found.attributes


def test_an_old_servers_zero_is_not_offered_and_a_new_ones_is_best() -> None:
    raw = {
        "protocols": [
            {**rses.protocol_as_dict(DOOR), "domains": {"lan": {"read": 1, "write": 0}, "wan": {"read": 1, "write": 2, "delete": 0}}}
        ]
    }
    record = RseRecord("LAB", protocols=(DOOR,))
    assert not rses.plan_rses([record], {"LAB": rses.found_rse("LAB", raw, 38)}).plan
    assert [change.kind for change in rses.plan_rses([record], {"LAB": rses.found_rse("LAB", raw, 39)}).plan.changes] == ["protocol"]


def test_own_name_and_location_are_no_attributes() -> None:
    raw = {"city": "Annecy", "attributes": {"LAB": True, "city": "Annecy", "continent": "EU", "ISP": "x", "tier": "1"}}
    found = rses.found_rse("LAB", raw, 41)
    assert found.attributes == {"tier": "1"}
    assert found.properties["continent"] == "EU"
    purged = rses.plan_rses([RseRecord("LAB", attributes={"QOS": "FAST"})], {"LAB": found}, purge=Purge(attributes=("*",))).plan
    assert [(change.verb, change.name) for change in purged.changes] == [("create", "QOS"), ("delete", "tier")]


def test_nothing_declared_nothing_planned() -> None:
    found = RseFound("LAB", {"rse_type": "TAPE"}, {"tier": "1"}, {DOOR.key: DOOR}, {"MinFreeSpace": 5}, Space(1, 2))
    assert not rses.plan_rses([RseRecord("LAB", protocols=())], {"LAB": found}, purge=Purge(("*",), ("*",))).plan
    assert not rses.plan_rses([], {"LAB": found}, purge=Purge(("*",), ("*",))).plan


def test_limits_of_the_export_are_only_min_free_space() -> None:
    assert rses.found_rse("LAB", {"MinFreeSpace": 5}, 41).limits == {"MinFreeSpace": 5}
    assert rses.found_rse("LAB", {"MinFreeSpace": None}, 41).limits == {}


@pytest.mark.parametrize(
    ("space", "total", "enough"),
    [
        (Space(), 5, False),
        (Space(2, 3), 5, True),
        (Space(7, 0), 5, True),
        (Space(-1, 6), 5, True),
        (Space(2, 2), 5, False),
        (Space(0, 0), 0, True),
    ],
)
def test_space(space: Space, total: int, enough: bool) -> None:
    assert space.holds(total) is enough
    assert space.of_total(total).holds(total)


def test_removal_counts_only_what_is_there() -> None:
    found = {"A": RseFound("A"), "B": RseFound("B"), "C": RseFound("C", deleted=True)}
    assert [change.subject for change in rses.plan_removal(["A", "A", "C", "D"], found, 1).plan.changes] == ["A"]
    with pytest.raises(DescriptionError, match="2 RSEs would be deleted"):
        rses.plan_removal(["A", "B"], found, 1)


def test_a_deleted_name_is_refused_or_revived() -> None:
    found = {"A": RseFound("A", deleted=True)}
    refused = rses.plan_rses([RseRecord("A")], found)
    assert (list(refused.refused), refused.more) == (["A"], False)
    revived = rses.plan_rses([RseRecord("A")], found, revive=True)
    assert (dict(revived.refused), revived.more) == ({}, True)
