"""StoRM's languages: read as its services read them, edited without touching anything else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import (
    path_authz,
    service_environment,
    storm_namespace,
    vomsdir_lsc,
    xml_text,
    yaml_text,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.storm_namespace import AppRule, Filesystem, MapRule, Quota
from hypothesis import given
from hypothesis import strategies as st

FULL = Path(__file__).parents[2] / "fixtures" / "storm" / "full"
YML = (FULL / "etc/storm/webdav/config/application.yml").read_text(encoding="utf-8")
NAMESPACE = (FULL / "etc/storm/backend-server/namespace.xml").read_text(encoding="utf-8")
NAMES = st.text("abcdef-", min_size=1, max_size=6).filter(lambda text: not text.startswith("-"))
SCALARS = st.one_of(st.integers(-9, 99), st.booleans(), st.text("ab: #'\"{[-", max_size=8))
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8)
TREES = st.dictionaries(NAMES, VALUES, min_size=1, max_size=4)


def added_and_gone(before: str, after: str) -> tuple[list[str], list[str]]:
    old, new = before.splitlines(), after.splitlines()
    return [line for line in new if line not in old], [line for line in old if line not in new]


# --- YAML ------------------------------------------------------------------------------------------------------------------------------


def test_an_item_is_added_where_it_belongs() -> None:
    document = yaml_text.parse(YML, yaml_text.relaxed)
    changed = document.append(("oauth", "issuers", 0, "audiences"), "alias.example.org").append(
        ("oauth", "issuers"), {"name": "b", "issuer": "https://b/"}
    )
    new, gone = added_and_gone(YML, changed.text)
    assert len(gone) == 1
    assert new[1:] == ["    - name: b", "      issuer: https://b/"]
    assert changed.get(("oauth", "issuers", 0, "audiences"))[-1] == "alias.example.org"
    assert "# the lake's IAM" in changed.text


def test_keys_are_compared_as_spring_does() -> None:
    document = yaml_text.parse("storm.authz:\n  policies: []\noauth: {refreshPeriodMinutes: 1}\n", yaml_text.relaxed)
    assert document.get(("storm", "authz", "policies")) == []
    changed = document.set(("oauth", "refresh-period-minutes"), 5).append(("storm", "authz", "policies"), {"sa": "a"})
    assert changed.text == "storm.authz:\n  policies: [{sa: a}]\noauth: {refreshPeriodMinutes: 5}\n"


@pytest.mark.parametrize(
    ("text", "path", "value", "wanted"),
    [
        ("", ("a", "b"), 1, "a:\n  b: 1\n"),
        ("# only a remark", ("a",), 1, "# only a remark\na: 1\n"),
        ("a:\n# end\n", ("a", "b"), [1, 2], "a:\n  b: [1, 2]\n# end\n"),
        ("a:\n  b: 1 # one\n\n# end\n", ("a", "c"), True, "a:\n  b: 1 # one\n  c: true\n\n# end\n"),
        ("a: {b: 1}\n", ("a", "c"), "x", "a: {b: 1, c: x}\n"),
        ("a:\n  - 1\n  - 2\nz: 9\n", ("a",), [3], "a:\n    [3]\nz: 9\n"),
    ],
)
def test_values_are_set(text: str, path: tuple[str, ...], value: Any, wanted: str) -> None:
    assert yaml_text.parse(text).set(path, value).text == wanted


def test_items_are_taken_away() -> None:
    document = yaml_text.parse("a:\n  # one\n  - x: 1\n    y: 2\n  - x: 3\nb: [1, 2, 3]\n")
    assert document.remove_item(("a",), 0).get(("a",)) == [{"x": 3}]
    assert document.remove_item(("a",), 1).text == "a:\n  # one\n  - x: 1\n    y: 2\nb: [1, 2, 3]\n"
    assert document.remove_item(("b",), 1).get(("b",)) == [1, 3]
    assert document.remove_item(("b",), 0).get(("b",)) == [2, 3]


def test_bad_yaml_tells_its_line() -> None:
    assert yaml_text.parse("a: 1\nb: [\n").problem_line == 3
    assert yaml_text.parse("a: 1\n\tb: 2\n").problem


@given(TREES, st.booleans(), NAMES, VALUES)
def test_a_set_value_is_read_back_and_the_rest_stays(tree: dict[str, Any], flow: bool, key: str, value: Any) -> None:
    text = yaml.safe_dump(tree, default_flow_style=flow, sort_keys=False)
    changed = yaml_text.parse(text).set((key,), value)
    assert changed.problem == ""
    assert changed.value == {**tree, key: value}
    assert changed.set((key,), value).text == changed.text


@given(TREES, st.booleans(), st.lists(VALUES, min_size=1, max_size=3))
def test_appended_items_are_read_back(tree: dict[str, Any], flow: bool, items: list[Any]) -> None:
    document = yaml_text.parse(yaml.safe_dump({**tree, "listed": ["first"]}, default_flow_style=flow, sort_keys=False))
    for item in items:
        document = document.append(("listed",), item)
    assert document.get(("listed",)) == ["first", *items]
    assert {key: value for key, value in document.value.items() if key != "listed"} == {
        key: value for key, value in tree.items() if key != "listed"
    }


# --- XML -------------------------------------------------------------------------------------------------------------------------------


def test_a_namespace_is_read() -> None:
    namespace = storm_namespace.read(storm_namespace.parse(NAMESPACE))
    disk, archive = namespace.filesystems
    assert (disk.name, disk.root, disk.token, disk.storage_class, disk.kind) == (
        "DISK-FS",
        "/gpfs/escape/disk",
        "ESCAPE_DISK",
        "T0D1",
        "gpfs",
    )
    assert (disk.online, disk.nearline, disk.quota) == (400 * 10**12, 0, Quota("gpfs0", "filesetName", "escape_disk"))
    assert (archive.online, archive.nearline, archive.retention, archive.latency) == (50 * 10**12, 2 * 10**15, "custodial", "nearline")
    assert namespace.filesystem_of("/archive/") == archive
    assert [(rule.vo, rule.filesystem) for rule in namespace.app_rules] == [("escape", "DISK-FS"), ("escape", "ARCHIVE-FS")]


def test_a_class_is_changed_and_nothing_else() -> None:
    document = storm_namespace.parse(NAMESPACE)
    disk = storm_namespace.read(document).filesystems[0]
    assert storm_namespace.update(document, disk).text == NAMESPACE
    wanted = Filesystem("DISK-FS", disk.root, disk.token, "T1D1", disk.online, 10**15, quota=disk.quota)
    changed = storm_namespace.update(document, wanted).text
    new, gone = added_and_gone(NAMESPACE, changed)
    assert [line.strip() for line in new] == [
        "<storage-class>T1D1</storage-class>",
        '<TotalNearlineSize unit="Byte">1000000000000000</TotalNearlineSize>',
    ]
    assert len(gone) == 3  # replica was the policy of the old class; custodial stands elsewhere in the file already
    assert "<!-- disk of the lake -->" in changed


def test_a_new_file_system_follows_the_schema_s_order() -> None:
    document = storm_namespace.parse(NAMESPACE)
    new = Filesystem("FAST-FS", "/gpfs/fast", "FAST_TOKEN", "T0D1", 7, 0)
    changed = storm_namespace.add(document, new, MapRule("fast", "/fast", "FAST-FS"), [AppRule("fast-rule", "*", "escape", "FAST-FS")])
    assert storm_namespace.read(changed).filesystem_of("/fast") is not None
    element = storm_namespace.element_of(changed, "FAST-FS")
    assert element is not None
    pattern = storm_namespace.element_of(document, "DISK-FS")
    assert pattern is not None
    assert [child.tag for child in element.children] == [child.tag for child in pattern.children]
    assert not added_and_gone(NAMESPACE, changed.text)[1]


def test_entities_are_refused() -> None:
    assert xml_text.parse('<!DOCTYPE a [<!ENTITY x "y">]>\n<a>&x;</a>').problem == "declares entities"


@given(st.text("<>&'\"äb \n", max_size=12))
def test_any_text_fits_into_an_element(text: str) -> None:
    document = xml_text.parse("<a>\n  <!-- kept -->\n  <b x='1'/><c> old </c>\n</a>\n")
    for tag in ("b", "c"):
        element = document.root.first(tag) if document.root else None
        assert element is not None
        document = document.with_text(element, text)
        assert document.problem == ""
        assert document.root is not None
        assert document.root.value(tag) == text.strip()
    assert "<!-- kept -->" in document.text


# --- the small ones --------------------------------------------------------------------------------------------------------------------


def test_variables_of_a_drop_in() -> None:
    text = '[Unit]\nEnvironment=NOT=here\n[Service]\n# remark\nEnvironment="A=x y" B=2\nEnvironment=A=3\nUser=storm\n'
    document = service_environment.parse(text)
    assert document.values == {"A": "3", "B": "2"}
    changed = document.set("A", "4").set("B", "5").set("C", 'q"%')
    assert changed.values == {"A": "4", "B": "5", "C": 'q"%'}
    assert changed.text.startswith('[Unit]\nEnvironment=NOT=here\n[Service]\n# remark\nEnvironment="A=x y" B=2\nEnvironment="A=4"\n')
    assert changed.text.endswith("User=storm\n")
    assert document.set("A", "3") is document


@given(
    st.dictionaries(st.from_regex(r"[A-Z]{1,5}", fullmatch=True), st.text("ab %\"'\\=#", max_size=8), max_size=5),
    st.sampled_from(["drop-in", "file"]),
)
def test_variables_are_read_back(values: dict[str, str], kind: Any) -> None:
    text = service_environment.render(values, kind, "made")
    assert service_environment.parse(text, kind).values == values


def test_variables_of_a_line_that_goes_on() -> None:
    text = '[Service]\nEnvironment="A=1" \\\n  # between\n  "B=2 3" \\\n  C=4\nUser=storm\n'
    document = service_environment.parse(text)
    assert document.values == {"A": "1", "B": "2 3", "C": "4"}
    changed = document.set("B", "5")
    assert changed.text == text.replace("User=storm\n", 'Environment="B=5"\nUser=storm\n')
    assert changed.values == {"A": "1", "B": "5", "C": "4"}
    alone = service_environment.parse("[Service]\nEnvironment= \\\n A=1\nUser=storm\n")
    assert alone.set("A", "2").text == '[Service]\nEnvironment="A=2"\nUser=storm\n'


def test_rows_of_path_authz() -> None:
    text = "# head\nalgorithm=PathAuthzAlgBestMatch\n  @ALL@ / RL permit\nnonsense\nx y WR deny\n"
    document = path_authz.parse(text)
    assert document.render() == text
    assert [(number, row.group, row.operations, row.effect) for number, row in path_authz.rows(document)] == [(3, "@ALL@", "RL", "permit")]
    assert [line.number for line in document.problems()] == [4, 5]
    changed = document.replace(3, path_authz.Row("@ALL@", "/", "RLN", "permit")).render()
    assert changed.splitlines()[:2] == text.splitlines()[:2]
    assert changed.splitlines()[3:] == text.splitlines()[3:]


def test_chains_of_lsc_files() -> None:
    assert vomsdir_lsc.chains("# c\n/a\n/b\n------ NEXT CHAIN ------\n/c\n/d\n") == (("/a", "/b"), ("/c", "/d"))
    assert vomsdir_lsc.problems("/a\n/b\n") == []
    assert len(vomsdir_lsc.problems("CN=a\n")) == 2
