"""Adopted sites as YAML files, and surveys for people."""

from __future__ import annotations

from typing import Any

import yaml
from ansible_collections.escape.datalake.plugins.plugin_utils.adopt import naming, render, survey
from ansible_collections.escape.datalake.plugins.plugin_utils.adopt.adopted import Adopted
from ansible_collections.escape.datalake.plugins.plugin_utils.adopt.survey import Offer, Survey
from ansible_collections.escape.datalake.plugins.plugin_utils.report.survey_page import render_page
from hypothesis import given
from hypothesis import strategies as st

STORAGE: dict[str, Any] = {
    "name": "LAB-XRD",
    "site": "LAB",
    "system": "xrootd",
    "release": "5.10",
    "issuers": ["mine"],
    "doors": [{"scheme": "davs", "host": "se.example.org", "port": 1094}],
    "areas": [{"name": "no", "path": "/lake/no", "qos": "FAST", "access": [{"issuer": "mine", "group": "/lake", "rights": "write"}]}],
}
ISSUERS = {"mine": {"url": "https://iam.example.org/", "access": [{"group": "/lake", "rights": "read"}]}}
TEXT = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=30)


class Loader(yaml.SafeLoader):
    """Reads as Ansible does, which knows texts that are no templates."""


Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


def load(text: str) -> Any:
    return yaml.load(text, Loader)


VALUES = st.recursive(
    TEXT | st.integers() | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def test_the_file_says_what_was_read_and_what_is_missing() -> None:
    adopted = Adopted(STORAGE, ISSUERS, {"xrootd_instance": "site"}, ("etc/x:3: look here",))
    text = render.storage_text(adopted, "se.example.org", "xrootd", "5.10")
    read = load(text)
    assert read["xrootd_instance"] == "site"
    area = read["datalake_storage"]["areas"][0]
    assert (area.pop("capacity"), area.pop("media")) == (None, None)
    assert read["datalake_storage"] == STORAGE
    assert "#  * etc/x:3: look here\n" in text
    assert "      capacity: # fill in, such as 50TB" in text
    assert "    - {scheme: davs, host: se.example.org, port: 1094}\n" in text


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,20}", fullmatch=True), VALUES, max_size=6))
def test_any_variables_can_be_read_back(variables: dict[str, Any]) -> None:
    read = load(render.storage_text(Adopted(STORAGE, {}, variables), "h", "xrootd", ""))
    read.pop("datalake_storage")
    assert read == {name: value for name, value in variables.items() if name != "datalake_storage"}


def test_long_texts_and_lines() -> None:
    variables = {"x": [{"name": "a" * 60, "text": "b" * 90}], "block": "one\ntwo\n"}
    assert load(render.storage_text(Adopted({}, {}, variables), "h", "dcache", "9"))["x"] == variables["x"]
    assert load(render.storage_text(Adopted({}, {}, variables), "h", "dcache", "9"))["block"] == variables["block"]


def test_a_lake_gives_its_names_and_keeps_the_rights_of_the_site() -> None:
    lake = {"escape": {"url": "https://iam.example.org/", "access": [{"group": "/lake", "rights": "write"}]}}
    storage = {**STORAGE, "areas": [STORAGE["areas"][0], {"name": "b", "path": "/lake/b"}]}
    adopted = render.with_lake(Adopted(storage, ISSUERS), lake)
    assert adopted.storage["issuers"] == ["escape"]
    assert adopted.storage["areas"][0]["access"] == [{"issuer": "escape", "group": "/lake", "rights": "write"}]
    assert adopted.storage["areas"][1]["access"] == [{"issuer": "escape", "group": "/lake", "rights": "read"}]
    same = render.with_lake(Adopted(storage, {"mine": {**ISSUERS["mine"], **lake["escape"]}}), lake)
    assert "access" not in same.storage["areas"][1]
    other = render.with_lake(Adopted(storage, ISSUERS), {"x": {"url": "https://other.example.org/"}})
    assert any("is not in datalake_lake" in note for note in other.notes)


def test_names() -> None:
    assert naming.full_name("se1", ["https://other.example.org", "https://se1.example.org:1094"]) == "se1.example.org"
    assert naming.full_name("SE1.example.org", []) == "se1.example.org"
    assert naming.site_named("se.lapp.example.org") == "EXAMPLE"
    assert naming.storage_name("PIC-T1", "DCACHE") == "PIC-T1-DCACHE"
    assert naming.area_name("/a/Fast data", ["fast-data"]) == "fast-data-2"
    assert naming.medium_named(["pool_nvme01"]) == "nvme"
    assert naming.class_of("fast", None) == "FAST"


def test_classes_that_offers_earn() -> None:
    assert survey.classes_of(Offer("a", "pool", media="nvme", copies=1, redundancy="none")) == (["FAST", "OPPORTUNISTIC"], [])
    assert survey.classes_of(Offer("a", "pool", staging=True, tape=True))[0] == ["SAFE", "OPPORTUNISTIC"]
    assert survey.classes_of(Offer("a", "pool", copies=2, redundancy="replica")) == (["SAFE", "CHEAP-ANALYSIS", "OPPORTUNISTIC"], ["FAST"])
    assert survey.classes_of(Offer("a", "pool", volatile=True, copies=2))[0] == ["OPPORTUNISTIC"]


def test_a_survey_for_people() -> None:
    offer = Offer("fast", "space", "etc/x.cfg:3", ("/lake/fast",), "nvme", capacity=50 * 10**12, pools=("/d1",), notes=("Look <here>.",))
    plain = survey.as_dict(Survey("xrootd", "5.5.3", "se.example.org", (offer,), ("davs://se.example.org:1094",)))
    text = survey.as_text(plain)
    assert "earns FAST, OPPORTUNISTIC; depending on what no file tells: SAFE, CHEAP-ANALYSIS" in text
    assert "size: 50TB in 1 pool," in text
    page = render_page([plain])
    assert "Look &lt;here&gt;." in page
    assert "✔ FAST" in page


def test_a_template_in_the_files_of_a_site_stays_a_text() -> None:
    command = '{{ lookup("pipe", "id") }}'
    variables = {"dcache_properties": {"a": command, command: "b"}, "listed": ["{% raw %}", "{# x #}"], "block": f"one\n{command}\n"}
    storage = {**STORAGE, "site": command}
    text = render.storage_text(Adopted(storage, {}, variables), "h", "dcache", "9.2")
    assert text.count("!unsafe") == 5  # keys are no templates to Ansible
    assert load(text)["dcache_properties"]["a"] == load(text)["datalake_storage"]["site"] == command
    assert load(text)["block"] == variables["block"]


def test_remarks_stay_on_their_lines() -> None:
    text = render.storage_text(Adopted(STORAGE, {}, {}, ("etc/x: a\x85evil: 1\u2028evil: 2\revil: 3",)), "h", "dcache", "9.2")
    assert "evil" not in load(text)


def test_an_issuer_that_is_a_template_is_left_out() -> None:
    strange = {"url": "https://iam.example.org/{{ x }}"}
    adopted = render.without_templates(Adopted(STORAGE, {**ISSUERS, "strange": strange}))
    assert adopted.issuers == ISSUERS
    assert "strange is left out" in adopted.notes[0]


def test_variables_of_a_host_are_texts_to_ansible_too() -> None:
    variables = {"dcache_pools": [{"host": "disk1.example.org", "path": "/data/{{ lookup('pipe', 'id') }}"}]}
    text = render.host_vars_text(["Planned."], {"name": "LAB", "system": "dcache"}, variables)
    assert text.startswith("---\n# Planned.\ndatalake_storage:\n")
    assert load(text)["dcache_pools"] == variables["dcache_pools"]
    assert text.count("!unsafe") == 1
