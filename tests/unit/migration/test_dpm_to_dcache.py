"""The plan of the way from DPM to dCache, and the order of its steps."""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.dpm import pools
from ansible_collections.escape.datalake.plugins.plugin_utils.migration import dpm_to_dcache, steps
from ansible_collections.escape.datalake.plugins.plugin_utils.migration.document import markdown
from ansible_collections.escape.datalake.plugins.plugin_utils.migration.dpm_to_dcache import AclEntry, Target, World
from ansible_collections.escape.datalake.plugins.plugin_utils.model import parse
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError

HOME = "/dpm/annecy.example.org/home/escape"
LAKE = {
    "name": "lab",
    "issuers": {
        "escape": {
            "url": "https://iam.example.org/",
            "access": [{"group": "/escape/data-manager", "rights": "write"}, {"group": "/escape", "rights": "read"}],
        }
    },
}
STORAGE = {
    "name": "LAPP-DPM",
    "site": "LAPP",
    "system": "dpm",
    "release": "1.15.2",
    "issuers": ["escape"],
    "base_path": HOME,
    "doors": [
        {"scheme": "davs", "host": "se.annecy.example.org", "port": 443},
        {"scheme": "root", "host": "se.annecy.example.org", "port": 1094},
    ],
    "areas": [
        {"name": "fast", "path": f"{HOME}/fast", "qos": "FAST", "capacity": "50TB", "media": "ssd"},
        {"name": "cheap", "path": f"{HOME}/cheap", "qos": "CHEAP-ANALYSIS", "capacity": "200TB", "media": "hdd", "redundancy": "raid6"},
    ],
}
GROUPS = {"escape": 101, "escape/data-manager": 102, "escape/Role=production": 103}
FOUND = pools.Found(
    {"ssd": pools.FoundPool("P", 3 * 1024**3, 60 * 10**12), "big": pools.FoundPool("P", 3 * 1024**3, 300 * 10**12)},
    {("disk01.annecy.example.org", "/srv/ssd"): ("ssd", 0), ("disk02.annecy.example.org", "/srv/big"): ("big", 0)},
    (
        pools.FoundToken("t1", f"{HOME}/fast", "ssd", 50 * 10**12, 12 * 10**12, "fast", frozenset({"escape/data-manager"})),
        pools.FoundToken("t2", f"{HOME}/cheap", "big", 200 * 10**12, 10**12, "cheap", frozenset({"escape/data-manager"})),
    ),
)
DIRECTORIES = {
    f"{HOME}/fast": {"mode": 0o40775, "uid": 0, "gid": 102, "acl": "A70,C70,D5101,E70,F50,a70,d5101"},
    f"{HOME}/cheap": {"mode": 0o40775, "uid": 0, "gid": 102, "acl": ""},
}
WORLD = World(FOUND, GROUPS, DIRECTORIES)
TARGET = Target("dcache.annecy.example.org", "9.2.47")


def plan(storage=None, world=WORLD, target=TARGET):
    return dpm_to_dcache.plan(storage or STORAGE, LAKE, world, target)


def changed_area(number, **changes):
    storage = copy.deepcopy(STORAGE)
    storage["areas"][number].update(changes)
    return storage


def test_the_plan_of_a_sound_site():
    document = plan()
    assert document["blockers"] == []
    assert json.loads(json.dumps(document)) == document
    assert document["to"] == {"storage": "LAPP-DCACHE", "release": "9.2.47", "host": "dcache.annecy.example.org"}
    goal = parse.load_storage(document["description"], parse.load_lake(LAKE))
    assert (goal.system, goal.base_path) == ("dcache", HOME)
    assert [(area.rse, area.path, area.capacity) for area in goal.areas] == [
        ("LAPP-DPM-FAST", f"{HOME}/fast", 50 * 10**12),
        ("LAPP-DPM-CHEAP", f"{HOME}/cheap", 200 * 10**12),
    ]
    assert document["variables"]["dcache_accounts"] == [
        {"group": "/escape", "name": "escape", "uid": 20000, "gid": 101},
        {"group": "/escape/data-manager", "name": "escape-data-manager", "uid": 20001, "gid": 102},
    ]
    assert {(each["host"], each["area"], each["path"]) for each in document["variables"]["dcache_pools"]} == {
        ("disk01.annecy.example.org", "fast", "/srv/ssd/dcache"),
        ("disk02.annecy.example.org", "cheap", "/srv/big/dcache"),
    }


def test_the_same_rses_get_other_doors_and_nothing_else():
    for rse in plan()["rses"]:
        assert rse["attributes"] == {}
        before, after = rse["protocols_before"], rse["protocols_after"]
        assert [each["prefix"] for each in before] == [each["prefix"] for each in after]
        assert {(each["hostname"], each["port"]) for each in after} == {
            ("dcache.annecy.example.org", 2880),
            ("dcache.annecy.example.org", 1094),
        }


def test_acls_are_read():
    assert dpm_to_dcache.parse_acl("A70,D5101,f10,nonsense") == (
        AclEntry("owner", 0, "rwx", False),
        AclEntry("group", 101, "r-x", False),
        AclEntry("other", 0, "--x", True),
    )
    acls = plan()["acls"][0]
    assert (acls["group"], acls["mode"]) == ("escape/data-manager", "0775")
    assert {"who": "group escape", "rights": "r-x", "inherited": True, "dcache": "GROUP:101:+rlntcx:fdo"} in acls["entries"]


@pytest.mark.parametrize(
    ("storage", "world", "words"),
    [
        ({**STORAGE, "release": "1.15.1"}, WORLD, "cannot export itself"),
        (STORAGE, replace(WORLD, found=replace(FOUND, tokens=FOUND.tokens[1:])), "no quota token covers"),
        (changed_area(0, capacity="1TB"), WORLD, "would take no more writes"),
        (
            STORAGE,
            replace(WORLD, found=replace(FOUND, tokens=(replace(FOUND.tokens[0], groups=frozenset({"escape/students"})), FOUND.tokens[1]))),
            "escape/students may write",
        ),
        (STORAGE, replace(WORLD, directories={**DIRECTORIES, f"{HOME}/fast": None}), "is not in DPM's tree of names"),
        (
            STORAGE,
            replace(WORLD, found=replace(FOUND, file_systems={("d", "/x"): ("ssd", 1), ("d", "/y"): ("big", 0)})),
            "are disabled: d:/x",
        ),
        (
            STORAGE,
            replace(WORLD, found=replace(FOUND, file_systems={("d", "/x"): ("ssd", 0)})),
            "Pool big has a quota token and no file system",
        ),
    ],
)
def test_what_would_lose_data_or_lock_people_out_blocks(storage, world, words):
    document = plan(storage, world)
    assert any(words in each for each in document["blockers"])
    with pytest.raises(steps.OutOfOrder, match="blockers"):
        steps.may_take(document, "describe")


def test_doubts_are_told():
    open_acl = replace(WORLD, directories={**DIRECTORIES, f"{HOME}/fast": {"mode": 0o777, "gid": 102, "acl": "D7101,F70"}})
    questions = "\n".join(plan(world=open_acl)["questions"])
    assert "lets group escape write" in questions
    assert "lets everybody write" in questions
    assert "escape/Role=production" in questions
    assert "described with 49000000000000 bytes" in "\n".join(plan(changed_area(0, capacity="49TB"))["questions"])


def test_only_a_dpm_is_left():
    with pytest.raises(DescriptionError, match="this is the way from dpm"):
        plan({**STORAGE, "system": "xrootd", "release": "5.5.3"})


def test_the_plan_rests_on_what_does_not_change_by_itself():
    document = plan()
    fuller = replace(WORLD, found=replace(FOUND, tokens=(replace(FOUND.tokens[0], used=13 * 10**12), FOUND.tokens[1])))
    assert (plan(world=fuller)["world"], plan(world=fuller)["declared"]) == (document["world"], document["declared"])
    assert plan(world=replace(WORLD, groups={**GROUPS, "new": 104}))["world"] != document["world"]
    assert plan(changed_area(0, qos="OPPORTUNISTIC"))["declared"] != document["declared"]
    assert plan(target=replace(TARGET, release="10.2.1"))["declared"] != document["declared"]


def test_steps_are_taken_in_order_and_undone_up_to_the_switch():
    document = plan()
    order = [step["id"] for step in document["steps"]]
    switch = order.index("switch")
    for number, id_ in enumerate(order):
        for other in order:
            if other != id_:
                with pytest.raises(steps.OutOfOrder):
                    steps.may_take(document, other)
        steps.may_take(document, id_)
        document["done"].append({"step": id_, "at": "now"})
        with pytest.raises(steps.OutOfOrder, match="has been taken"):
            steps.may_take(document, id_)
        if number < switch:
            assert steps.may_undo(document, id_)["undo"]
        else:
            with pytest.raises(steps.OutOfOrder, match="cannot be undone"):
                steps.may_undo(document, id_)
        if number:
            with pytest.raises(steps.OutOfOrder, match="not the last one"):
                steps.may_undo(document, order[number - 1])
    assert steps.next_step(document) == ""
    with pytest.raises(steps.OutOfOrder, match="no step 'fly'"):
        steps.may_take(document, "fly")


def test_states_of_the_rses():
    document = plan()
    states = {step["id"]: step["state"] for step in document["steps"] if step["state"]}
    assert states == {"drain": "draining", "disable": "disabled", "read": "draining", "open": "active"}
    assert steps.state_before(document, "drain") == "active"
    assert steps.state_before(document, "disable") == "draining"
    assert dpm_to_dcache.records_in_state(document, "draining")[0] == {
        "name": "LAPP-DPM-FAST",
        "properties": {"availability_read": True, "availability_write": False, "availability_delete": False},
    }
    switched = dpm_to_dcache.records_with_doors(document, "after")[0]
    assert not any(switched["properties"].values())
    assert {each["port"] for each in switched["protocols"]} == {2880, 1094}
    for record in (*dpm_to_dcache.records_in_state(document, "active"), switched):
        parse.load_rse_record(record)


def test_the_page_says_it_all():
    document = plan()
    document["done"].append({"step": "describe", "at": "2026-11-22T04:00:00+00:00"})
    page = markdown(document)
    for words in (
        "LAPP-DPM-FAST",
        "ssd (P)",
        "50TB",
        "/escape/data-manager",
        "davs://dcache.annecy.example.org:2880",
        "**cannot be undone**",
        "2026-11-22T04",
    ):
        assert words in page
    assert all(f"`{step['id']}`" in page for step in document["steps"])


def test_entries_of_an_acl_as_dcache_writes_them():
    entries = dpm_to_dcache.parse_acl("A70,C70,D7101,D5102,B6103,E50,F50,a70,c50,d7101,e70,f00,D0104")
    assert [dpm_to_dcache.ace(each, entries) for each in entries] == [
        "",
        "",
        "GROUP:101:+rlntcx",  # the mask takes w away
        "GROUP:102:+rlntcx",
        "USER:103:+rlntc",
        "",
        "",
        "",
        "",
        "GROUP:101:+rlntcwfsadDNTx:fdo",
        "",
        "",
        "",
    ]
