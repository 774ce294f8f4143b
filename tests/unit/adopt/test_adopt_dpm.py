"""A DPM read back: its description plans no change of its files."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.adopt import dpm, survey, tree
from ansible_collections.escape.datalake.plugins.plugin_utils.dpm import pools
from ansible_collections.escape.datalake.plugins.plugin_utils.model import parse
from ansible_collections.escape.datalake.plugins.plugin_utils.systems import dpm as planner

ROOT = Path(__file__).parents[2] / "fixtures" / "dpm"
HOME = "/dpm/annecy.example.org/home/escape"
HOST = "se.annecy.example.org"


def site(name: str) -> dict[str, str]:
    folder = ROOT / name
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


def filled(adopted):
    """The description with the facts that no file tells."""
    facts = {"ssd": {"media": "ssd"}, "spinning": {"media": "hdd", "redundancy": "raid6"}, "cache": {"media": "hdd"}}
    chosen = adopted.variables.get("dpm_area_pools", {})
    areas = [{"capacity": "1TB", **area, **facts.get(chosen.get(area["name"], ""), {"media": "hdd"})} for area in adopted.storage["areas"]]
    lake = {"name": "adopted", "issuers": adopted.issuers or {"none": {"url": "https://none.example.org/"}}}
    return parse.load_storage({**adopted.storage, "areas": areas}, parse.load_lake(lake))


def test_the_description_of_a_head_node():
    adopted = tree.adopter_of("dpm").adopt(site("tokens-1.15"), "1.15.2", "se")
    storage = adopted.storage
    assert (storage["name"], storage["site"], storage["base_path"]) == ("EXAMPLE-DPM", "EXAMPLE", HOME)
    assert storage["doors"] == [{"scheme": "davs", "host": HOST, "port": 443}, {"scheme": "root", "host": HOST, "port": 1094}]
    assert [(area["name"], area["path"], area["capacity"]) for area in storage["areas"]] == [
        ("cheap", f"{HOME}/cheap", "200TB"),
        ("fast", f"{HOME}/fast", "50TB"),
        ("scratch", f"{HOME}/scratch", "20TB"),
    ]
    assert [area.get("volatile", False) for area in storage["areas"]] == [False, False, True]
    assert adopted.issuers == {"escape": {"url": "https://iam.example.org/"}}
    assert adopted.variables["dpm_area_pools"] == {"cheap": "spinning", "fast": "ssd", "scratch": "cache"}
    assert any("Site and name" in note for note in adopted.notes)


def test_rendering_it_back_changes_nothing():
    files = site("tokens-1.15")
    adopted = dpm.adopt(files, "1.15.2", HOST)
    storage = filled(adopted)
    absolute = {f"/{path}": text for path, text in files.items()}
    assert planner.plan(storage, planner.Options(), absolute).changed == ()
    found = dpm._dome(files, [])
    wanted = pools.of_storage(storage, adopted.variables["dpm_area_pools"])
    space = {"poolinfo": {each["name"]: {"s_type": each["type"], "defsize": each["defsize"]} for each in found["pools"]}}
    tokens = {
        each["id"]: {
            "path": each["path"],
            "quotatkpoolname": each["pool"],
            "quotatktotspace": str(each["size"]),
            "quotatkname": each["description"],
            "groups": {str(number): name for number, name in enumerate(each["groups"], 101)},
        }
        for each in found["quota_tokens"]
    }
    assert pools.plan(wanted, pools.from_answers(space, tokens)).plan.changes == ()
    assert pools.warnings(wanted, pools.from_answers(space, tokens)) == []
    assert {(token.path, token.pool, token.size) for token in wanted.tokens} == {
        (token["path"], token["pool"], token["size"]) for token in found["quota_tokens"]
    }
    assert {(pool.name, pool.type) for pool in wanted.pools} == {(pool["name"], pool["type"]) for pool in found["pools"]} - {("spare", "P")}


def test_a_site_of_certificates_has_nothing_to_guess():
    adopted = dpm.adopt(site("certificates-1.13"), "", "se01.naples.example.org")
    assert adopted.storage["areas"] == []
    assert adopted.storage["issuers"] == []
    assert "release" not in adopted.storage
    assert any("No token issuer" in note for note in adopted.notes)
    assert any(dpm.DOME_FILE in note for note in adopted.notes)


def test_without_quota_tokens_the_directories_of_issuers_are_areas():
    files = site("tokens-1.15")
    del files[dpm.DOME_FILE]
    adopted = dpm.adopt(files, "1.15.2", HOST)
    assert [area["path"] for area in adopted.storage["areas"]] == [HOME]
    assert any("both an area and the base path" in note for note in adopted.notes)


def test_a_disk_node_says_so():
    adopted = dpm.adopt(site("disk-1.15"), "1.15.2", "disk01.annecy.example.org")
    assert adopted.storage == {"system": "dpm"}
    assert "disk node" in adopted.notes[0]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"pools": 3}'])
def test_a_broken_answer_is_said(text):
    files = {**site("tokens-1.15"), dpm.DOME_FILE: text}
    notes = dpm.adopt(files, "1.15.2", HOST).notes
    assert any("is not what dpm_pools returns" in note for note in notes)


def test_the_survey():
    found = dpm.survey(site("tokens-1.15"), "1.15.2", HOST)
    assert [(offer.name, offer.media, offer.volatile) for offer in found.offers] == [
        ("cheap", "hdd", False),
        ("fast", "ssd", False),
        ("scratch", None, True),
        ("spare", None, False),
    ]
    assert found.offers[1].pools == ("disk01.annecy.example.org:/srv/ssd",)
    assert survey.classes_of(found.offers[1])[0] == ["FAST", "OPPORTUNISTIC"]
    assert found.doors == (f"davs://{HOST}:443", f"root://{HOST}:1094")
    assert found.issuers == ("https://iam.example.org/",)
