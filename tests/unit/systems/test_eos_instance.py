"""An EOS instance from a description: what is planned is done by the stand-in of the console, and nothing is left to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.eos import check_instance
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import refused
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import eos_answers
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.eos_answers import AnswerError, Directory, Instance
from ansible_collections.escape.datalake.plugins.plugin_utils.model import parse
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Storage
from ansible_collections.escape.datalake.plugins.plugin_utils.systems import eos_instance
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.eos_instance import Account, Disk, Placement, Wanted
from hypothesis import given, settings
from hypothesis import strategies as st

CONSOLE = Path(__file__).resolve().parents[3] / "lab" / "eos" / "eos.py"
LAKE = parse.load_lake(
    {
        "name": "lab",
        "issuers": {
            "escape": {
                "url": "https://iam.lake.test/",
                "access": [{"group": "/escape/data-manager", "rights": "write"}, {"group": "/escape", "rights": "read"}],
            },
            "partner": {"url": "https://iam.lake.test/partner/"},
        },
    }
)
AREAS: list[dict[str, Any]] = [
    {"name": "fast", "path": "/eos/lake/fast", "qos": "FAST", "capacity": "10TB", "media": "ssd"},
    {
        "name": "safe",
        "path": "/eos/lake/safe",
        "qos": "SAFE",
        "capacity": "100TB",
        "media": "hdd",
        "redundancy": "ec-servers",
        "access": [{"group": "/escape/data-manager", "rights": "write"}],
    },
]
DESCRIPTION: dict[str, Any] = {
    "name": "LAB-EOS",
    "site": "LAB",
    "system": "eos",
    "release": "5.2.0",
    "issuers": ["escape"],
    "base_path": "/eos/lake",
    "doors": [{"scheme": "davs", "host": "eos.lake.test", "port": 443}, {"scheme": "root", "host": "eos.lake.test", "port": 1094}],
    "areas": AREAS,
}
ANYBODY = Account("escape", "escape", 2001, 2001)
MANAGER = Account("escape", "escapedm", 2002, 2001, "/escape/data-manager")
READER = Account("escape", "escapero", 2003, 2001, "/escape")
DISKS = tuple(Disk(f"disk-{number}", f"fst{number}.lake.test", "/data1", "hdd" if number < 7 else "ssd") for number in range(1, 9))
WANTED = Wanted((ANYBODY, MANAGER, READER), {"fast": Placement("ssd"), "safe": Placement("hdd")}, DISKS, groups={"hdd": 1})


def storage(**changes: Any) -> Storage:
    return parse.load_storage({**DESCRIPTION, **changes}, LAKE)


Run = Callable[..., str]


@pytest.fixture
def console(tmp_path: Path) -> Run:
    """Runs commands in the stand-in."""

    def run(*commands: str, as_json: bool = False) -> str:
        script = tmp_path / "run.eosh"
        script.write_text("".join(f"{command}\n" for command in commands))
        words = [sys.executable, str(CONSOLE), "-b", *(["-j"] if as_json else []), str(script)]
        return subprocess.run(
            words, env={**os.environ, "EOS_STANDIN_STATE": str(tmp_path / "state.json")}, capture_output=True, text=True, check=True
        ).stdout

    return run


def look(console: Run, described: Storage, wanted: Wanted) -> Instance:
    spaces, paths = eos_instance.spaces(described, wanted), [area.path for area in described.areas]
    return eos_answers.read(console(*eos_answers.questions(spaces, paths), as_json=True), spaces, paths)


def settle(console: Run, described: Storage, wanted: Wanted = WANTED) -> list[str]:
    """Carries a plan out; the commands."""
    commands = [step.command for step in eos_instance.plan(described, wanted, look(console, described, wanted))]
    if commands:
        console(*commands)
    return commands


def test_a_new_instance_is_made_in_one_go(console: Run) -> None:
    assert settle(console, storage())
    assert settle(console, storage()) == []
    found = look(console, storage(), WANTED)
    assert {area: found.directories[f"/eos/lake/{area}"].attributes["sys.forced.space"] for area in ("fast", "safe")} == {
        "fast": "ssd",
        "safe": "hdd",
    }
    assert found.quotas == {"/eos/lake/fast": 10 * 10**12, "/eos/lake/safe": 150 * 10**12}
    assert set(found.groups.values()) == {"on"}
    assert not refused(check_instance(found))


def test_rights_follow_the_access_lists(console: Run) -> None:
    settle(console, storage())
    found = look(console, storage(), WANTED)
    assert found.directories["/eos/lake/fast"].attributes["sys.acl"] == "u:2001:rwx,u:2002:rwx,u:2003:rx"
    assert found.directories["/eos/lake/safe"].attributes["sys.acl"] == "u:2001:rwx,u:2002:rwx"
    assert found.directories["/eos/lake/safe"].mode == 0o2700


def test_one_changed_class_changes_one_directory(console: Run) -> None:
    settle(console, storage())
    described = storage(areas=[{**AREAS[0], "copies": 2, "redundancy": "replica"}, AREAS[1]])
    assert settle(console, described) == [
        "attr set sys.forced.layout=replica /eos/lake/fast",
        "attr set sys.forced.nstripes=2 /eos/lake/fast",
        "quota set -g 99 -v 20000000000000 -p /eos/lake/fast/",
    ]


def test_entries_of_others_and_attributes_of_others_stay(console: Run) -> None:
    settle(console, storage())
    console("attr set sys.acl=egroup:ops:rwx,u:2003:rwx /eos/lake/fast", "attr set sys.recycle=/recycle /eos/lake/fast")
    assert settle(console, storage()) == ["attr set sys.acl=egroup:ops:rwx,u:2003:rx,u:2001:rwx,u:2002:rwx /eos/lake/fast"]
    assert look(console, storage(), WANTED).directories["/eos/lake/fast"].attributes["sys.recycle"] == "/recycle"


def test_rights_of_everybody_are_taken_away_and_others_kept(console: Run) -> None:
    settle(console, storage())
    console("chmod 0775 /eos/lake/fast")
    assert {each.rule for each in check_instance(look(console, storage(), WANTED))} == {"eos.others-read", "eos.not-inherited"}
    assert settle(console, storage()) == ["chmod 2770 /eos/lake/fast"]


def test_settings_of_a_space_whose_names_begin_alike_are_read(console: Run) -> None:
    """In JSON the server cannot say policy.conversion beside policy.conversion.creation."""
    policies = {"policy.conversion": "on", "policy.conversion.creation": "replica:2@ssd"}
    wanted = Wanted((ANYBODY,), WANTED.placements, DISKS, groups={"hdd": 1}, settings={"ssd": policies})
    assert settle(console, storage(), wanted)
    assert settle(console, storage(), wanted) == []


def test_oauth2_and_voms_identities(console: Run) -> None:
    described = storage(x509={"vos": ["escape"]})
    person = Account("escape", "maria", 3001, 2001, subject="3b5c7a0e")
    wanted = Wanted((ANYBODY, MANAGER, person), WANTED.placements, DISKS, groups={"hdd": 1}, oauth2=True)
    commands = settle(console, described, wanted)
    assert 'vid set map -oauth2 "key:iam.lake.test/userinfo" vuid:0' in commands
    assert 'vid set map -oauth2 "sub:3b5c7a0e" vuid:3001' in commands
    assert 'vid set map -voms "/escape/data-manager:" vuid:2002 vgid:2001' in commands
    assert settle(console, described, wanted) == []


@given(
    copies=st.integers(1, 4),
    redundancy=st.sampled_from(["none", "raid1", "raid6", "ec-servers"]),
    terabytes=st.integers(1, 10**4),
)
@settings(max_examples=100)
def test_quotas_hold_the_capacity(copies: int, redundancy: str, terabytes: int) -> None:
    area = {**AREAS[0], "qos": "OPPORTUNISTIC", "copies": copies, "redundancy": redundancy, "capacity": f"{terabytes}TB"}
    described = storage(areas=[area])
    layout, stripes = eos_instance.layout_of(described.areas[0], WANTED)
    data = stripes - eos_instance.PARITY.get(layout, 0) if layout in eos_instance.PARITY else 1
    per_byte = stripes / data if layout in eos_instance.PARITY else stripes
    assert eos_instance.raw_bytes(described.areas[0], WANTED) >= described.areas[0].capacity * per_byte - 1
    assert (layout == "replica") == (copies > 1)


@pytest.mark.parametrize(
    ("described", "wanted", "told"),
    [
        ({}, Wanted(), "locked out"),
        ({}, Wanted((ANYBODY, ANYBODY)), "2 accounts without group"),
        ({}, Wanted((Account("escape", "root", 0, 0),)), "would be root"),
        ({}, Wanted((ANYBODY, Account("partner", "p", 1, 1))), '"partner" is not an issuer of this storage'),
        ({}, Wanted((ANYBODY,), {"slow": Placement()}), '"slow" is not an area'),
        ({}, Wanted((ANYBODY,), {"fast": Placement(layout="raid7")}), "no layout of EOS"),
        ({}, Wanted((ANYBODY,), {"fast": Placement(layout="raid6", stripes=3)}), "holds no data"),
        ({"areas": [{**AREAS[0], "copies": 2}]}, Wanted((ANYBODY,), {"fast": Placement(layout="plain")}), "fewer than 2 copies"),
        ({"areas": [{**AREAS[0], "qos": "SAFE", "media": "tape"}]}, Wanted((ANYBODY,)), "CTA"),
    ],
)
def test_what_eos_cannot_serve(described: dict[str, Any], wanted: Wanted, told: str) -> None:
    with pytest.raises(DescriptionError, match=told):
        eos_instance.check(storage(**described), wanted)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("", "0 of the commands"),
        ('{"errormsg": "no access", "retc": "1"}\n' * 4 + "/\n", "no access"),
        ('{"errormsg": ', "no JSON"),
        (json.dumps({"result": [], "retc": "0"}) * 4 + "\n/\n/\n", "2 of 1 questions"),
    ],
)
def test_other_answers_are_no_empty_instance(answer: str, told: str) -> None:
    with pytest.raises(AnswerError, match=told):
        eos_answers.read(answer, [], [])


def test_answers_of_eos_4_have_other_names() -> None:
    space = {"errormsg": "", "retc": "0", "space": {"ls": [{"name": "default", "cfg": {"groupsize": 0.0}}]}}
    others = [{"retc": "0", name: {"ls": None}} for name in ("group", "fs", "quota")]
    text = "".join(json.dumps(each) for each in (space, *others)) + '\n/\nhttps:"<pwd>":uid => 0\n'
    assert eos_answers.read(text, [], []) == Instance({"default": {"groupsize": "0"}}, identities={("https", "<pwd>", "uid"): "0"})


def test_traps_of_an_instance() -> None:
    place = Directory(0o2757, {"sys.forced.space": "ssd", "sys.forced.nstripes": "4"})
    found = Instance(
        file_systems=tuple(eos_answers.FileSystem(str(n), f"h{n}", 1095, "/d", "ssd.0", "rw") for n in range(3)),
        directories={"/eos/a": place, "/eos/b": Directory(0o2700, {"sys.forced.space": "none"})},
        identities={("unix", "<pwd>", "uid"): "0"},
    )
    assert {(each.rule, each.file) for each in check_instance(found)} == {
        ("eos.unix-open", "eos vid"),
        ("eos.https-off", "eos vid"),
        ("eos.others-write", "/eos/a"),
        ("eos.too-few-disks", "/eos/a"),
        ("eos.space-empty", "/eos/b"),
    }
