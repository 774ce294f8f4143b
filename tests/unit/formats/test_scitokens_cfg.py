"""scitokens.cfg."""

from __future__ import annotations

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import scitokens_cfg
from hypothesis import given
from hypothesis import strategies as st

SITE = """\
; our tokens
[Global]
onmissing = passthrough   ; groups go to authdb
audience = https://a.example.org:1094, a.example.org

# the lake
[Issuer lake]
issuer = https://iam.example.org/
base_path: /escape
"""

NAME = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
VALUE = st.from_regex(r"[A-Za-z0-9/:.,=_-]([A-Za-z0-9/:.,=_ -]{0,18}[A-Za-z0-9/])?", fullmatch=True)
SECTIONS = st.lists(
    st.tuples(NAME.map(lambda name: f"Issuer {name}"), st.dictionaries(NAME.map(str.lower), VALUE, min_size=1, max_size=4)),
    max_size=4,
    unique_by=lambda section: section[0].lower(),
)
PIECES = st.sampled_from(["[Global]", "[Issuer a]", "issuer = x", "base_path = /a", " ;c", "#", " ", "\n", "\n  ", "]", "=", "é", "\r\n"])
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=30).map("".join))


@given(TEXTS)
def test_what_is_read_is_written(text):
    assert scitokens_cfg.parse(text).render() == text


@given(SECTIONS)
def test_what_is_written_is_read(sections):
    document = scitokens_cfg.parse(scitokens_cfg.render(sections, "made here"))
    assert [(section.name, {key.name: key.value for key in section.keys}) for section in document.sections] == sections
    assert document.faults == ()


@given(SECTIONS.filter(bool), NAME, VALUE, st.data())
def test_setting_a_key_leaves_all_other_lines(sections, name, value, data):
    text = scitokens_cfg.render(sections).replace("\n\n", "\n# between\n\n")
    section = data.draw(st.sampled_from([section for section, _keys in sections]))
    document = scitokens_cfg.parse(text)
    edited = document.set(section, name, value)
    assert edited.get(section, name) == value
    old = document.key(section, name)
    lines, now = list(document.lines), list(edited.lines)
    if old is None:
        added = next(at for at, line in enumerate([*now, ""]) if at >= len(lines) or line != lines[at])
        now.pop(added)
    else:
        lines.pop(old.at)
        now.pop(old.at)
    assert now == lines
    assert edited.set(section, name, value) == edited


@given(TEXTS, NAME, VALUE)
def test_a_set_value_is_got_from_any_text(text, name, value):
    assert scitokens_cfg.parse(text).set("Issuer new", name, value).get("Issuer new", name) == value


def test_a_site_is_read():
    document = scitokens_cfg.parse(SITE)
    assert [(section.name, section.line, section.kind) for section in document.sections] == [
        ("Global", 2, "global"),
        ("Issuer lake", 7, "issuer"),
    ]
    assert document.get("GLOBAL", "OnMissing") == "passthrough"
    assert scitokens_cfg.as_list(document.get("Global", "audience")) == ("https://a.example.org:1094", "a.example.org")
    assert document.key("Issuer lake", "base_path").line == 9


def test_setting_keeps_the_remark_and_the_separator():
    document = (
        scitokens_cfg.parse(SITE)
        .set("Global", "onmissing", "deny")
        .set("issuer LAKE", "base_path", "/lake")
        .set("Issuer lake", "map_subject", "false")
    )
    assert document.render() == (
        SITE.replace("passthrough   ;", "deny   ;").replace("base_path: /escape\n", "base_path: /lake\nmap_subject = false\n")
    )


def test_a_section_is_appended():
    assert scitokens_cfg.parse(SITE).set("Issuer b", "issuer", "https://b/").render() == SITE + "\n[Issuer b]\nissuer = https://b/\n"


def test_the_last_value_counts():
    document = scitokens_cfg.parse("[Issuer a]\nbase_path = /x\n[issuer A]\nbase_path = /y\n")
    assert document.get("Issuer a", "base_path") == "/y"
    assert document.set("Issuer a", "base_path", "/z").render() == "[Issuer a]\nbase_path = /x\n[issuer A]\nbase_path = /z\n"
    assert document.remove("Issuer a", "base_path").render() == "[Issuer a]\n[issuer A]\n"


def test_an_indented_line_replaces_the_value_above():
    document = scitokens_cfg.parse("[Issuer a]\n  issuer = https://a/\n  base_path = /x\n")
    assert document.get("Issuer a", "issuer") == "base_path = /x"
    assert document.get("Issuer a", "base_path") is None
    assert document.set("Issuer a", "issuer", "https://a/").render() == "[Issuer a]\n  issuer = https://a/\n"


@pytest.mark.parametrize(
    ("text", "faults"),
    [("[Global\n", [("no-bracket", 1)]), ("[Global]\nwords\n", [("no-separator", 2)]), ("a ;= b\n", [("no-separator", 1)])],
)
def test_faults_name_the_line(text, faults):
    assert [(fault.kind, fault.line) for fault in scitokens_cfg.parse(text).faults] == faults
