"""For every storage system: another class of one area changes what derives from it, and nothing else, in configuration, CRIC and Rucio."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.cric import changes as cric
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import cric_doma
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.eos_answers import Directory, Instance
from ansible_collections.escape.datalake.plugins.plugin_utils.model import parse
from ansible_collections.escape.datalake.plugins.plugin_utils.model.derive import rse_records
from ansible_collections.escape.datalake.plugins.plugin_utils.model.rse import RseRecord
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Storage
from ansible_collections.escape.datalake.plugins.plugin_utils.rendering import render
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio import rses as rucio
from ansible_collections.escape.datalake.plugins.plugin_utils.systems import eos_instance
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.eos_instance import Account, Wanted

LAKE = parse.load_lake(
    {
        "name": "lab",
        "issuers": {
            "escape": {
                "url": "https://iam.lake.test/",
                "access": [{"group": "/escape/data-manager", "rights": "write"}, {"group": "/escape", "rights": "read"}],
            }
        },
    }
)
VARIABLES: dict[str, dict[str, Any]] = {
    "dcache": {
        "dcache_accounts": [
            {"group": "/escape", "name": "escape", "uid": 2000, "gid": 2000},
            {"group": "/escape/data-manager", "gid": 2001},
        ]
    },
    "dpm": {"dpm_authorized": ["/DC=test/CN=se.lake.test"], "dpm_client": {"id": "se"}},
    "eos": {"eos_accounts": [{"issuer": "escape", "user": "escape", "uid": 2000, "gid": 2000}]},
    "storm": {},
    "xrootd": {},
}
RELEASES = {"dcache": "9.2.47", "dpm": "1.15.2", "eos": "5.2.0", "storm": "1.9.0", "xrootd": "5.5.3"}
BASES = {"dcache": "/pnfs/lake.test/escape", "dpm": "/dpm/lake.test/home/escape", "eos": "/eos/lake"}
# How each system earns SAFE for the second area: with tape where it has some, else with copies.
TAPE = {"qos": "SAFE", "media": "tape"}
COPIES = {"qos": "SAFE", "copies": 2, "redundancy": "replica"}
SAFE: dict[str, dict[str, Any]] = {"dcache": TAPE, "dpm": COPIES, "eos": COPIES, "storm": TAPE, "xrootd": COPIES}
# What of the configuration says so. Lines that go and lines that come.
CONFIGURED: dict[str, tuple[set[str], set[str]]] = {
    # The first area with tape: a service that cleans the tape, no default of disk alone, and a buffer as large as its file system.
    "dcache": (
        {"dcache.default-access-latency = ONLINE", "dcache.default-retention-policy = REPLICA", "pool.size = 1000000000000"},
        {"[centralDomain/cleaner-hsm]"},
    ),
    "dpm": (set(), set()),
    # The commands for a new instance, which name the area.
    "eos": ({"attr set sys.forced.layout=plain /eos/lake/beta"}, {"attr set sys.forced.layout=replica /eos/lake/beta"}),
    "storm": ({"tapeEnabled=false"}, {"tapeEnabled=true"}),
    "xrootd": (set(), set()),
}
SYSTEMS = sorted(RELEASES)


def described(system: str, second: dict[str, Any] | None = None) -> Storage:
    base = BASES.get(system, "/escape")
    common = {"qos": "OPPORTUNISTIC", "capacity": "1TB", "media": "hdd"}
    areas = [
        {**common, "name": "alpha", "path": f"{base}/alpha", "partitions": ["/data/alpha"]},
        {**common, "name": "beta", "path": f"{base}/beta", "partitions": ["/data/beta"], **(second or {})},
    ]
    data = {
        "name": "LAB",
        "site": "LAB",
        "system": system,
        "release": RELEASES[system],
        "issuers": ["escape"],
        "base_path": base,
        "doors": [{"scheme": "davs", "host": "se.lake.test", "port": 443}],
        "areas": areas,
    }
    return parse.load_storage(copy.deepcopy(data), LAKE)


def rendered(storage: Storage) -> dict[str, str]:
    return dict(render(storage, VARIABLES[storage.system], {}, lambda: "7c1d" * 16).texts)


def lines(texts: dict[str, str]) -> list[tuple[str, str]]:
    return [(path, line) for path, text in texts.items() for line in text.splitlines()]


def less(some: Iterable[tuple[str, str]], others: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Some without others, each counted."""
    rest = list(others)
    left = []
    for each in some:
        if each in rest:
            rest.remove(each)
        else:
            left.append(each)
    return left


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_files_say_no_more_than_the_class(system: str) -> None:
    before, after = lines(rendered(described(system))), lines(rendered(described(system, SAFE[system])))
    gone, come = less(before, after), less(after, before)
    mine = CONFIGURED[system]
    strange = [(path, line) for path, line in gone if line not in mine[0] and "beta" not in line]
    strange += [(path, line) for path, line in come if line not in mine[1] and "beta" not in line]
    assert strange == []
    assert bool(gone or come) == bool(mine[0] or mine[1])


def test_an_instance_of_eos_changes_one_directory_and_its_quota() -> None:
    wanted = Wanted((Account("escape", "escape", 2000, 2000),), conversion=False)
    old, new = described("eos"), described("eos", SAFE["eos"])
    found = Instance(
        {name: {} for name in eos_instance.spaces(old, wanted)},
        directories={
            area.path: Directory(0o2700, {**eos_instance.attributes(area, wanted), "sys.acl": "u:2000:rwx"}) for area in old.areas
        },
        quotas={area.path: eos_instance.raw_bytes(area, wanted) for area in old.areas},
        identities={("https", "<pwd>", "uid"): "0"},
    )
    assert eos_instance.plan(old, wanted, found) == []
    assert [step.command for step in eos_instance.plan(new, wanted, found)] == [
        "attr set sys.forced.layout=replica /eos/lake/beta",
        "attr set sys.forced.nstripes=2 /eos/lake/beta",
        "quota set -g 99 -v 2000000000000 -p /eos/lake/beta/",
    ]


def registered(record: RseRecord) -> rucio.RseFound:
    return rucio.RseFound(
        record.name,
        dict(record.properties),
        {key: value if isinstance(value, bool) else str(value) for key, value in record.attributes.items()},
        {each.key: each for each in record.protocols or ()},
        declared_space=record.space,
    )


@pytest.mark.parametrize("system", SYSTEMS)
def test_cric_and_rucio_change_the_facts_of_one_rse(system: str) -> None:
    old, new = rse_records(described(system), LAKE), rse_records(described(system, SAFE[system]), LAKE)
    facts = {"QOS", "qos_media" if SAFE[system] is TAPE else "qos_copies"}
    fields = facts | ({"rse_type"} if SAFE[system] is TAPE else set())

    made = cric.plan_rses(old, {}, {"rses": {}, "distances": {}}).change_set
    doma = {"rses": {name: {"state": "ACTIVE", **each} for name, each in made.items()}, "distances": {}}
    plain = {name: {cric_doma.CHECKSUM: each[cric_doma.CHECKSUM]} for name, each in made.items()}
    published = cric.plan_rses(new, plain, doma).plan.changes
    assert {change.subject for change in published} == {"LAB-BETA"}
    assert {change.name.rpartition(".")[2] for change in published} == fields

    there = {record.name: registered(record) for record in old}
    assert rucio.plan_rses(old, there).plan.changes == ()
    written = rucio.plan_rses(new, there).plan.changes
    assert {change.subject for change in written} == {"LAB-BETA"}
    assert {change.name for change in written if change.kind == "attribute"} == facts
    assert [change.after for change in written if change.kind == "properties"] == ([{"rse_type": "TAPE"}] if SAFE[system] is TAPE else [])
    assert {change.kind for change in written} <= {"attribute", "properties"}
