"""Areas become units, links, tags and files; what serves an area already is not touched."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import pool_selection
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_release import Release, parse_release
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Severity
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.pool_selection import SelectionInput
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.pool_selection_unit import PoolSelectionUnit
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import poolmanager_conf
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.pool_setup import NearlineStorage
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.qos_policy import Medium, Policy, State
from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import load_lake, load_storage
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Storage
from ansible_collections.escape.datalake.plugins.plugin_utils.systems import dcache_qos_files as qos_files
from ansible_collections.escape.datalake.plugins.plugin_utils.systems import dcache_qos_selection as selection
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_pools import Placement
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_qos import (
    AreaQos,
    Options,
    plan_areas,
    properties,
    release_of,
    services,
)
from hypothesis import given
from hypothesis import strategies as st

LAKE = load_lake({"name": "lab", "issuers": {"escape": {"url": "https://iam.lake.test/"}}})
HSM = NearlineStorage("osm", "osm", "script", (("command", "/usr/local/sbin/tape"),))
OPTIONS = Options("dcache1.lake.test", hsm=HSM)
RELEASES = ("5.2.52", "6.2.49", "7.0.40", "7.2.43", "8.1.27", "8.2.41", "9.0.26", "9.2.47", "10.1.25", "10.2.25", "11.2.5", "12.0.1")
KINDS: dict[str, dict[str, Any]] = {
    "disk": {"media": "hdd"},
    "fast": {"media": "ssd", "qos": "FAST", "latency": "1ms"},
    "tape": {"media": "tape", "qos": "SAFE"},
    "volatile": {"media": "hdd", "volatile": True},
    "copies": {"media": "hdd", "copies": 2, "redundancy": "replica", "qos": "SAFE"},
}
SITE = """\
# Storage units of our own people
psu set regex off
psu create unit -store *@*
psu create unit -net 0.0.0.0/0.0.0.0
psu create unit -net ::/0
psu create unit -net 131.169.0.0/255.255.0.0
psu create unit -protocol */*
psu create ugroup any-store
psu addto ugroup any-store *@*
psu create ugroup world-net
psu addto ugroup world-net 0.0.0.0/0.0.0.0
psu addto ugroup world-net ::/0
psu create ugroup inside
psu addto ugroup inside 131.169.0.0/255.255.0.0
psu create ugroup any-protocol
psu addto ugroup any-protocol */*

psu create pool old1
psu create pgroup default
psu addto pgroup default old1
psu create link default-link any-store world-net any-protocol
psu set link default-link -readpref=10 -writepref=10 -cachepref=10 -p2ppref=-1
psu addto link default-link default
psu create link inside-link any-store inside any-protocol
psu set link inside-link -readpref=10 -writepref=10 -cachepref=10 -p2ppref=-1
psu addto link inside-link default
pm create -type=wass default
# tuned in spring
pm set default -cpucostfactor=0.0   -p2p-allowed=no
"""


def storage(release: str = "9.2.47", **areas: dict[str, Any]) -> Storage:
    data = {
        "name": "LAB-DC1",
        "site": "LAB",
        "system": "dcache",
        "release": release,
        "issuers": ["escape"],
        "base_path": "/escape",
        "doors": [
            {"scheme": "davs", "host": "dcache1.lake.test", "port": 2880},
            {"scheme": "root", "host": "dcache1.lake.test", "port": 1094},
        ],
        "areas": [
            {
                "name": name,
                "path": f"/escape/{name}",
                "qos": "OPPORTUNISTIC",
                "capacity": "8TB",
                "partitions": [f"/data/{name}/{number}" for number in range(int(facts.get("copies", 1)))],
                **facts,
            }
            for name, facts in areas.items()
        ],
    }
    return load_storage(data, LAKE)


def planned(described: Storage, options: Options = OPTIONS) -> tuple[tuple[AreaQos, ...], Release]:
    return plan_areas(described, options), release_of(described)


def findings(text: str, areas: tuple[AreaQos, ...], release: Release, reservation: bool = False) -> list[str]:
    """What the check of pool selection says above notice."""
    pools = tuple(pool.name for each in areas for pool in each.pools)
    uses = tuple(each.use for each in areas)
    given = SelectionInput(text, "poolmanager.conf", release, pools, uses, space_reservation=reservation)
    return [str(one) for one in pool_selection.check(given) if one.severity is not Severity.NOTICE]


kinds = st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=5)


@given(kinds, st.sampled_from(RELEASES), st.booleans(), st.sampled_from(["", SITE, SITE.replace("\n", "\r\n")]))
def test_every_area_finds_its_pools_and_a_second_plan_is_empty(chosen: list[str], release: str, reserved: bool, start: str) -> None:
    described = storage(release, **{f"{kind}{number}": KINDS[kind] for number, kind in enumerate(chosen)})
    areas, parsed = planned(described, Options("dcache1.lake.test", hsm=HSM, reservations=reserved))
    text = selection.edited(start, selection.missing(start, areas, parsed))
    assert findings(text, areas, parsed, reserved) == []
    unit = PoolSelectionUnit(poolmanager_conf.parse(text))
    assert unit.refused == []
    assert all(selection.served(unit, each) for each in areas)
    again = selection.missing(text, areas, parsed)
    assert again.commands == ()
    assert again.notes == ()
    if start and not any(each.tape for each in areas):
        assert text.startswith(start)


def test_narrow_networks_of_a_site_take_no_pool_away() -> None:
    areas, release = planned(storage(fast=KINDS["fast"]))
    text = selection.edited(SITE, selection.missing(SITE, areas, release))
    unit = PoolSelectionUnit(poolmanager_conf.parse(text))
    (level,) = unit.select(pool_selection.Direction.WRITE, "escape:fast@osm", "131.169.4.4", "http/1")
    assert level.pools == ("dcache1-data-fast-0",)


def test_an_area_that_is_served_by_hand_gets_no_command() -> None:
    mine = SITE.replace("psu create pool old1", "psu create unit -store lsst:raw@osm\npsu create pool ssd1\npsu create pool old1") + (
        "psu create ugroup raw\npsu addto ugroup raw lsst:raw@osm\npsu create pgroup ssds\npsu addto pgroup ssds ssd1\n"
        "psu create link raw-link world-net raw any-protocol\n"
        "psu set link raw-link -readpref=30 -writepref=30 -cachepref=0 -p2ppref=-1\n"
        "psu addto link raw-link ssds\n"
    )
    described = storage(raw={**KINDS["fast"], "partitions": []})
    options = Options("dcache1", placements=(Placement("dcache1", "raw", "/ssd", name="ssd1"),), store="lsst")
    areas, release = planned(described, options)
    assert selection.edited(mine, selection.missing(mine, areas, release)) == mine


def test_a_new_partition_joins_the_group_that_is_there() -> None:
    before, release = planned(storage(fast=KINDS["fast"]))
    text = selection.edited("", selection.missing("", before, release))
    after, release = planned(storage(fast={**KINDS["fast"], "partitions": ["/data/fast/0", "/data/fast/new"]}))
    lacking = selection.missing(text, after, release)
    assert [selection.spoken(command) for _area, command in lacking.commands] == [
        "psu create pool dcache1-data-fast-new",
        "psu addto pgroup escape-fast dcache1-data-fast-new",
    ]


def test_settings_are_changed_where_they_stand() -> None:
    areas, release = planned(storage(tape=KINDS["tape"]))
    text = selection.edited(SITE, selection.missing(SITE, areas, release))
    assert "pm set default -cpucostfactor=0.0 -p2p-allowed=no -stage-allowed=yes\n" in text
    assert text.count("pm set") == 1
    assert "# tuned in spring\n" in text


@pytest.mark.parametrize(("release", "said"), [("10.1.25", True), ("10.2.0", False)])
def test_staging_is_allowed_before_it_was_the_default(release: str, said: bool) -> None:
    areas, parsed = planned(storage(release, tape=KINDS["tape"]))
    assert ("-stage-allowed=yes" in selection.edited("", selection.missing("", areas, parsed))) is said


@pytest.mark.parametrize(("release", "option"), [("7.0.40", "-resilient"), ("7.1.0", "-primary")])
def test_groups_with_copies_are_marked_in_the_words_of_the_release(release: str, option: str) -> None:
    areas, parsed = planned(storage(release, safe=KINDS["copies"]))
    text = selection.edited("", selection.missing("", areas, parsed))
    assert f"psu create pgroup escape-safe {option}\n" in text
    assert "psu set storage unit escape:safe@osm -required=2\n" in text


def test_copies_are_kept_on_different_hosts_where_there_are_enough() -> None:
    places = tuple(Placement(f"pool{number}", "safe", "/d") for number in range(2))
    areas, release = planned(storage(safe={**KINDS["copies"], "partitions": []}), Options("dcache1", placements=places))
    assert "-required=2 -onlyOneCopyPer=hostname\n" in selection.edited("", selection.missing("", areas, release))


def test_the_live_state_lacks_what_the_file_lacks() -> None:
    areas, release = planned(storage(tape=KINDS["tape"]))
    partitions = "Inherited by all partitions\n    -stage-allowed=no  [default]\ndefault (wass)\n    -p2p-allowed=no\nfast (random)\n"
    live = selection.setup_of(SITE.replace("pm create -type=wass default\n", "").replace("pm set", "# pm set"), partitions)
    assert poolmanager_conf.parse(live).entries()
    commands = [selection.spoken(command) for _area, command in selection.missing(live, areas, release).commands]
    assert commands[-1] == "pm set default -stage-allowed=yes"
    assert selection.missing(live + "\n".join(commands), areas, release).commands == ()


def test_what_commands_cannot_mend_is_noted() -> None:
    areas, release = planned(storage(safe=KINDS["copies"]))
    text = selection.edited("", selection.missing("", areas, release))
    assert "was not made with -primary" in " ".join(selection.missing(text.replace(" -primary", ""), areas, release).notes)
    off = text.replace("psu create pool dcache1-data-safe-0", "psu create pool dcache1-data-safe-0 -disabled")
    assert "still not all of its pools" in " ".join(selection.missing(off, areas, release).notes)
    guest = text + "psu create pool guest\npsu addto link escape-safe-link guest\n"
    assert "may also go to guest" in " ".join(selection.missing(guest, areas, release).notes)


def test_classes_and_tags() -> None:
    areas, _release = planned(
        storage(a=KINDS["disk"], b=KINDS["tape"], c=KINDS["tape"], d=KINDS["volatile"]),
        Options("dcache1", hsm=HSM, online_tape=frozenset({"c"})),
    )
    assert [(each.qos.name, each.tags().access_latency, each.tags().retention_policy) for each in areas] == [
        ("disk", "ONLINE", "REPLICA"),
        ("tape", "NEARLINE", "CUSTODIAL"),
        ("disk+tape", "ONLINE", "CUSTODIAL"),
        ("volatile", "NEARLINE", "REPLICA"),
    ]
    assert areas[0].unit == "escape:a@osm"
    assert areas[0].tags("42").write_token == "42"


@pytest.mark.parametrize(
    ("release", "wanted", "not_wanted"),
    [
        ("6.2.49", {"resilience", "cleaner"}, {"qos-engine", "bulk", "cleaner-hsm"}),
        ("8.2.41", {"qos-engine", "bulk", "cleaner"}, {"resilience", "cleaner-hsm"}),
        ("9.2.47", {"qos-scanner", "cleaner-disk", "cleaner-hsm"}, {"resilience", "cleaner"}),
    ],
)
def test_services_by_release(release: str, wanted: set[str], not_wanted: set[str]) -> None:
    areas, parsed = planned(storage(release, safe=KINDS["copies"], tape=KINDS["tape"]))
    found = set(services(areas, parsed))
    assert wanted <= found
    assert not not_wanted & found


def test_properties_that_differ_from_the_defaults() -> None:
    disk, release = planned(storage(a=KINDS["disk"]))
    assert properties(disk, release)["dcache.default-retention-policy"] == "REPLICA"
    tape, release = planned(storage("8.2.41", a=KINDS["tape"]))
    assert properties(tape, release) == {"dcache.enable.space-reservation": "false", "cleaner.enable.hsm": "true"}


HOT = Policy("hot-then-tape-1", (State((Medium("DISK", 1),), "P10D"), State((Medium("HSM"),))))


def test_policies_must_agree_with_their_area() -> None:
    described = storage(a=KINDS["disk"], b=KINDS["tape"])
    options = Options("dcache1", hsm=HSM, policies=(HOT,), area_policies={"b": HOT.name})
    assert plan_areas(described, options)[1].tags().qos_policy == "hot-then-tape-1"
    wrong = Options("dcache1", hsm=HSM, policies=(HOT,), area_policies={"a": HOT.name, "b": "missing", "z": HOT.name})
    with pytest.raises(DescriptionError) as problem:
        plan_areas(described, wrong)
    for words in ("puts files on tape, and the area has no tape", "missing is not among the policies", "There is no area of this name"):
        assert words in str(problem.value)


def test_what_a_release_cannot_do_is_said() -> None:
    with pytest.raises(DescriptionError) as problem:
        plan_areas(
            storage("8.1.27", b=KINDS["tape"]),
            Options(
                "dcache1",
                hsm=NearlineStorage("enstore", "x", "script", ()),
                policies=(HOT,),
                tape_api="https://f:3880",
                online_tape=frozenset({"q"}),
                store="a b",
            ),
        )
    for words in ("no QoS policies", "no tape REST API", "type enstore is never asked", "q is no area", "cannot be part"):
        assert words in str(problem.value)
    with pytest.raises(DescriptionError, match="nothing says how pools reach the tape"):
        plan_areas(storage(b=KINDS["tape"]), Options("dcache1"))


def test_files_of_the_head() -> None:
    described = storage(tape=KINDS["tape"], a={**KINDS["disk"], "access": [{"issuer": "escape", "group": "/escape/dm", "rights": "write"}]})
    options = Options("dcache1", hsm=HSM, reservations=True, reservers=("ops",), tape_api="https://dcache1.lake.test:3880")
    areas, release = planned(described, options)
    found = {
        qos_files.LINK_GROUPS: "# ours\nLinkGroup escape-a\n/escape/dm\nsomebody\n\nLinkGroup other\n*/Role=*",
        qos_files.Paths().wellknown: json.dumps({"sitename": "x", "endpoints": [{"uri": "https://a.example.org/t", "version": "v1"}]}),
    }
    files = qos_files.head_files(areas, options, release, found, "LAB").files
    assert files[qos_files.LINK_GROUPS] == (
        "# ours\nLinkGroup escape-a\n/escape/dm\nsomebody\n/escape/dm/Role=*\nops\n\n"
        "LinkGroup other\n*/Role=*\n\nLinkGroup escape-tape\nops\n"
    )
    assert json.loads(files[qos_files.Paths().wellknown])["endpoints"][0]["uri"] == "https://dcache1.lake.test:3880/api/v1/tape"
    assert qos_files.head_files(areas, options, release, files, "LAB").files == files


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("", "# Written by the Ansible collection escape.datalake. Lines added by hand stay.\nhsm create osm osm script -command=/t\n"),
        ("# own\nset gap 4g\n", "# own\nset gap 4g\nhsm create osm osm script -command=/t\n"),
        ("hsm create osm osm -command=/old -c:puts=4\nset gap 4g", "hsm create osm osm script -command=/t -c:puts=4\nset gap 4g"),
        ("hsm create osm osm -command=/t -c:puts=4\n", "hsm create osm osm -command=/t -c:puts=4\n"),
    ],
)
def test_setup_of_a_tape_pool(text: str, after: str) -> None:
    areas, _release = planned(storage(tape=KINDS["tape"]))
    hsm = NearlineStorage("osm", "osm", "script", (("command", "/t"),))
    (pool,) = areas[0].pools
    assert qos_files.setup(text, pool, hsm) == after
    assert qos_files.setup(after, pool, hsm) == after


def test_setup_files_of_one_host() -> None:
    areas, _release = planned(storage(tape=KINDS["tape"], a=KINDS["disk"], b=KINDS["disk"]))
    found = {"/data/b/0/setup": "set max diskspace 50%\n"}
    files = qos_files.setup_files(areas, OPTIONS, "dcache1.lake.test", found)
    assert sorted(files) == ["/data/b/0/setup", "/data/tape/0/setup"]
    assert files["/data/b/0/setup"] == f"set max diskspace {8 * 10**12}\n"
    assert qos_files.setup_files(areas, OPTIONS, "elsewhere", found) == {}


def test_releases_of_the_tests_can_be_read() -> None:
    assert all(parse_release(release) for release in RELEASES)


def test_a_unit_for_everything_is_no_class_of_its_own() -> None:
    """PoolManager's built-in setup leads everything to all pools; areas there need units of their own."""
    built_in = SITE.replace("old1", "dcache1-data-a-0") + "psu create pool dcache1-data-b-0\npsu addto pgroup default dcache1-data-b-0\n"
    areas, release = planned(storage(a=KINDS["disk"], b=KINDS["disk"]))
    lacking = selection.missing(built_in, areas, release)
    assert "psu create link escape-b-link escape-b" in [selection.spoken(command) for _area, command in lacking.commands]
    after = selection.missing(selection.edited(built_in, lacking), areas, release)
    assert after.commands == ()
    assert "`psu removefrom pgroup default dcache1-data-a-0`" in after.notes[0]
    alone, release = planned(storage(a=KINDS["disk"]))
    assert selection.missing(SITE.replace("old1", "dcache1-data-a-0"), alone, release).commands == ()


def test_pools_that_only_join_the_default_group_serve_one_area() -> None:
    unnamed = SITE.replace("psu create pool old1\n", "").replace("psu addto pgroup default old1\n", "")
    alone, release = planned(storage(a=KINDS["disk"]))
    assert selection.edited(unnamed, selection.missing(unnamed, alone, release)) == unnamed
    both, release = planned(storage(a=KINDS["disk"], b=KINDS["disk"]))
    text = selection.edited(unnamed, selection.missing(unnamed, both, release))
    assert "psu create pool dcache1-data-a-0\npsu addto pgroup escape-a dcache1-data-a-0\n" in text
    assert findings(text, both, release) == []
