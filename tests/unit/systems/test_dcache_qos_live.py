"""What a running dCache answers is read as it is written, and becomes the changes that are missing."""

from __future__ import annotations

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.dcache_live import Chimera
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.pool_setup import NearlineStorage
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.qos_policy import Medium, Policy, State
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError
from ansible_collections.escape.datalake.plugins.plugin_utils.systems import dcache_qos_live as live
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_qos import Options
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_qos_live import FileQos, Live, Space, WantedQos, Wishes
from test_dcache_qos import HSM, KINDS, SITE, planned, storage

SPACES = """\
TOKEN LINKGROUP    RETENTION LATENCY ALLO   USED           FREE           SIZE DESCRIPTION
    1 escape-fast  REPLICA   ONLINE     0 +   11 + 1999999999989 = 2000000000000 LAB-DC1-FAST
   12 escape-tape  CUSTODIAL NEARLINE   0 +    0 +             7 =             7 two words
  300 escape-tape  CUSTODIAL NEARLINE   0 +    9 +            -2 =             7
"""
STORES = """\
osm(osm):script
   command             /usr/local/sbin/tape -x
   c:puts              4
   bare                <set>
old(enstore):tar
"""
TAPE = Options("dcache1", hsm=HSM, reservations=True)


def test_spaces_are_read_from_their_table() -> None:
    assert live.spaces_of(SPACES) == (
        Space("1", "escape-fast", "REPLICA", "ONLINE", 2 * 10**12, "LAB-DC1-FAST"),
        Space("12", "escape-tape", "CUSTODIAL", "NEARLINE", 7, "two words"),
        Space("300", "escape-tape", "CUSTODIAL", "NEARLINE", 7, ""),
    )


def test_tape_stores_are_read_with_their_options() -> None:
    assert live.stores_of(STORES) == (
        NearlineStorage("osm", "osm", "script", (("command", "/usr/local/sbin/tape -x"), ("c:puts", "4"), ("bare", ""))),
        NearlineStorage("enstore", "old", "tar", ()),
    )


@pytest.mark.parametrize(
    ("found", "command"),
    [
        ((), "hsm create osm osm script -command=/usr/local/sbin/tape"),
        ((NearlineStorage("osm", "osm", "script", (("command", "/old"), ("c:puts", "4"))),), "hsm set osm -command=/usr/local/sbin/tape"),
        ((NearlineStorage("osm", "osm", "script", (("command", "/usr/local/sbin/tape"), ("c:puts", "4"))),), ""),
    ],
)
def test_stores_get_what_they_lack(found: tuple[NearlineStorage, ...], command: str) -> None:
    areas, release = planned(storage(tape=KINDS["tape"]))
    name = areas[0].pools[0].name
    changes = live.plan(areas, release, Live(setup="", stores={name: found}), Wishes(hsm=HSM)).changes
    assert [change.name for change in changes if change.subject.startswith("pool")] == ([command] if command else [])


def test_a_store_of_another_kind_is_a_matter_for_a_person() -> None:
    areas, release = planned(storage(tape=KINDS["tape"]))
    found = (NearlineStorage("osm", "osm", "copy", (("directory", "/x"),)),)
    result = live.plan(areas, release, Live(setup="", stores={areas[0].pools[0].name: found}), Wishes(hsm=HSM))
    assert [reason for _change, reason in result.refused] == [
        "it is a copy store of type osm, which no command changes: remove it by hand first"
    ]


def test_reservations_and_their_tag() -> None:
    areas, release = planned(storage(fast=KINDS["fast"]), TAPE)
    path = areas[0].area.path
    fresh = live.plan(areas, release, Live(setup="", spaces=(), tags={"/escape": {}, path: {}}), Wishes())
    by_kind = {change.kind: change for change in fresh.changes if change.kind != "command"}
    assert by_kind["reservation"].after == 8 * 10**12
    assert by_kind["tags"].after["WriteToken"] == live.NEW_TOKEN
    assert by_kind["link groups"].stage < by_kind["reservation"].stage < by_kind["tags"].stage
    space = Space("7", "escape-fast", "REPLICA", "ONLINE", 8 * 10**12, areas[0].reservation)
    later = live.plan(
        areas, release, Live(spaces=(space,), tags={"/escape": {}, path: by_kind["tags"].after | {"WriteToken": "7\n"}}), Wishes()
    )
    assert later.changes == []
    other = Space("7", "elsewhere", "REPLICA", "ONLINE", 8 * 10**12, areas[0].reservation)
    assert "cannot be changed" in live.plan(areas, release, Live(spaces=(other,)), Wishes()).notes[0]


def test_missing_directories_are_made_from_the_top_once() -> None:
    areas, release = planned(storage(a=KINDS["disk"], b=KINDS["disk"]))
    changes = live.plan(areas, release, Live(tags={"/escape": None, "/escape/a": None, "/escape/b": None}), Wishes()).changes
    made = [change.after for change in changes if change.kind == "directory"]
    assert made == [["/escape", "/escape/a"], ["/escape/b"]]
    assert live.making_commands(made[0], Wishes(owner="1:2", mode="0775"))[:3] == [
        "mkdir /escape",
        "chown 1:2 /escape",
        "chmod 0775 /escape",
    ]


def test_a_template_with_more_lines_is_not_written_over() -> None:
    areas, release = planned(storage(a=KINDS["disk"]))
    mine = {"OSMTemplate": "StoreName old\nOther thing\n", "sGroup": "a\n"}
    result = live.plan(areas, release, Live(tags={"/escape": {}, "/escape/a": mine}), Wishes())
    assert [change.name for change, _reason in result.refused] == ["OSMTemplate"]
    assert set(result.changes[0].after) == {"AccessLatency", "RetentionPolicy"}
    right = {**mine, "OSMTemplate": "StoreName escape\nOther thing\n"}
    assert live.plan(areas, release, Live(tags={"/escape": {}, "/escape/a": right}), Wishes()).refused == []


def test_a_policy_of_the_same_name_must_be_the_same() -> None:
    areas, release = planned(storage(a=KINDS["disk"]))
    one, other = Policy("p", (State((Medium("DISK", 1),)),)), Policy("p", (State((Medium("DISK", 2),)),))
    for found, changes, refused in (({}, 1, 0), ({"p": one}, 0, 0), ({"p": other}, 0, 1), ({"p": None}, 0, 1)):
        result = live.plan(areas, release, Live(policies=found), Wishes(policies=(one,)))
        assert (len(result.changes), len(result.refused)) == (changes, refused)


def test_files_under_way_are_not_sent_again() -> None:
    wish = WantedQos(("/a", "/b", "/c", "/d"), qos="tape")
    found = {"/a": FileQos("/a", "disk"), "/b": FileQos("/b", "disk", "tape"), "/c": FileQos("/c", "tape", "disk"), "/d": None}
    result = live.file_changes([wish], found)
    assert [change.after["paths"] for change in result.changes] == [["/a", "/c"]]
    assert [change.subject for change, _reason in result.refused] == ["/d"]


def test_numbers_go_as_text() -> None:
    assert WantedQos(("/a",), policy="p", policy_state=1).arguments == {"qosPolicy": "p", "qosState": "1"}


@pytest.mark.parametrize(
    ("live_text", "differs"),
    [
        (SITE, False),
        (SITE.replace("psu create pool old1", "psu create pool old1\npsu create pool new"), False),
        (SITE.replace("addto pgroup default old1", "addto pgroup default old1\npsu create pool n\npsu addto pgroup default n"), False),
        (SITE.replace("writepref=10", "writepref=0"), True),
        (SITE.replace("-p2p-allowed=no", "-p2p-allowed=yes"), True),
        (SITE.replace("psu addto pgroup default old1\n", ""), True),
        (SITE + "psu create pgroup extra\n", True),
    ],
)
def test_only_what_decides_makes_a_difference(live_text: str, differs: bool) -> None:
    assert live.differs_from_file(live_text, SITE) is differs


class Namespace:
    """What chimera does with commands, and how often it was started."""

    def __init__(self, tags: dict[str, dict[str, str]], problem: str = "") -> None:
        self.tags, self.problem, self.runs = tags, problem, 0

    def __call__(self, text: str) -> tuple[int, str, str]:
        self.runs += 1
        said = []
        for line in text.splitlines():
            said.append(line)
            words = line.split()
            if self.problem or words[1] not in self.tags:
                return 1, "\n".join(said), self.problem or f"java.io.IOException: No such file or directory: {words[1]}"
            tags = self.tags[words[1]]
            said.append(f"Total: {len(tags)}\n" + "".join(f"{name}\n" for name in tags) if words[0] == "lstag" else tags[words[2]] + "\n")
        return 0, "\n".join(said) + "\n", ""


def test_all_tags_cost_two_starts_of_chimera() -> None:
    run = Namespace({"/e": {}, "/e/a": {"sGroup": "a\n", "OSMTemplate": "StoreName e\nmore x\n"}, "/e/b": {"sGroup": "b\n"}})
    chimera = Chimera(run)
    assert chimera.tags(["/e", "/e/a", "/e/b"]) == run.tags
    assert run.runs == 2
    assert chimera.traffic == {"requests": 6, "writes": 0}


def test_directories_that_are_not_there_are_told_apart_from_a_broken_chimera() -> None:
    run = Namespace({"/e": {}, "/f": {"sGroup": "f\n"}})
    assert Chimera(run).tags(["/e", "/x", "/x/y", "/f"]) == {"/e": {}, "/x": None, "/x/y": None, "/f": {"sGroup": "f\n"}}
    with pytest.raises(ApiError, match="password authentication failed"):
        Chimera(Namespace({}, "FATAL: password authentication failed")).tags(["/e"])


def test_a_directory_that_somebody_makes_meanwhile_is_there_as_wanted() -> None:
    runs: list[str] = []

    def run(text: str) -> tuple[int, str, str]:
        runs.append(text)
        if len(runs) == 1:
            return 1, "mkdir /e\nmkdir /e/f\n", 'Exception in thread "main" org.dcache.chimera.FileExistsChimeraFsException: /e/f\n'
        return 0, text, ""

    chimera = Chimera(run)
    chimera.write(["mkdir /e", "mkdir /e/f", "chmod 755 /e/f"])
    assert runs == ["mkdir /e\nmkdir /e/f\nchmod 755 /e/f\n", "chmod 755 /e/f\n"]

    def refuse(text: str) -> tuple[int, str, str]:
        return 1, text.splitlines()[0] + "\n", "no permission\n"

    with pytest.raises(ApiError, match="no permission"):
        Chimera(refuse).write(["mkdir /e", "chmod 755 /e"])
