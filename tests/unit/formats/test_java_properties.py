from __future__ import annotations

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import java_properties as jp
from hypothesis import given, settings
from hypothesis import strategies as st

LAYOUT = """# head of the site
! other comment

webdav.root = /pnfs
long = one, \\
       two
[doors-${host.name}]
dcache.java.memory.heap: 1g
[doors-${host.name}/webdav]
  webdav.net.port   2880
  path = C:\\\\data\\u0041
#[doors/frontend]
[doors-${host.name}/webdav]
webdav.net.port=2881\r
"""

text_pieces = st.sampled_from(
    [
        "a",
        "key",
        "x.y",
        "=",
        " = ",
        ":",
        " ",
        "\t",
        "\n",
        "\n",
        "\r\n",
        "\r",
        "\\",
        "\\\n",
        "\\u0041",
        "\\u00",
        "#",
        "!",
        "[d]",
        "\n[d]\n",
        "\n[d/s]\n",
        "[a/b/c]",
        "é",
        "\f",
        "value",
    ]
)
texts = st.lists(text_pieces, max_size=40).map("".join)
keys = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=8)
values = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)


def values_of(document: jp.Document) -> list[tuple[str | None, str | None, str, str]]:
    return [(s.domain, s.service, a.key, a.value) for s in document.sections() for a in s.assignments]


def test_reads_keys_values_lines_and_sections():
    document = jp.parse(LAYOUT)
    assert values_of(document) == [
        (None, None, "webdav.root", "/pnfs"),
        (None, None, "long", "one, two"),
        ("doors-${host.name}", None, "dcache.java.memory.heap", "1g"),
        ("doors-${host.name}", "webdav", "webdav.net.port", "2880"),
        ("doors-${host.name}", "webdav", "path", "C:\\dataA"),
        ("doors-${host.name}", "webdav", "webdav.net.port", "2881"),
    ]
    assert [(a.line, a.last_line) for a in document.assignments()] == [(4, 4), (5, 6), (8, 8), (10, 10), (11, 11), (14, 14)]


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("a=b ", "a", "b "),
        ("a b=c", "a", "b=c"),
        ("a   :   b", "a", "b"),
        ("a\\ b=c", "a b", "c"),
        ("a\\=b=c", "a=b", "c"),
        ("a=\\\n   b", "a", "b"),
        ("a=b\\\n# no comment", "a", "b# no comment"),
        ("a=b\\\\", "a", "b\\"),
        ("a=b\\", "a", "b"),
        ("a=\\ b", "a", " b"),
        ("a=\\z\\t", "a", "z\t"),
        ("a", "a", ""),
        ("=b", "", "b"),
        ("a==b", "a", "=b"),
        ("\\\n#a=b", "#a", "b"),
        ("a=\\ud83d\\ude00", "a", "\U0001f600"),
        ("[x] # y", "[x]", "# y"),
        ("[a/b/c]", "[a/b/c]", ""),
    ],
)
def test_java_rules(text, key, value):
    (assignment,) = jp.parse(text).assignments()
    assert (assignment.key, assignment.value) == (key, value)


@pytest.mark.parametrize("text", ["", "\n", "# a=b", "  ! a", "\\\n", "\\\n\n"])
def test_nothing_assigned(text):
    assert list(jp.parse(text).assignments()) == []


def test_a_header_ends_a_continued_line_only_in_layouts():
    assert values_of(jp.parse("a=b\\\n[d]\nc=d")) == [(None, None, "a", "b"), ("d", None, "c", "d")]
    assert values_of(jp.parse("a=b\\\n[d]\nc=d", sectioned=False)) == [(None, None, "a", "b[d]"), (None, None, "c", "d")]


def test_malformed_escape_is_named():
    (assignment,) = jp.parse("a=\\u12x").assignments()
    assert assignment.problem == jp.MALFORMED
    (good,) = jp.parse("a=\\\\u12x").assignments()
    assert (good.problem, good.value) == ("", "\\u12x")


def test_edit_keeps_key_spacing_and_line_end():
    document = jp.set_property(jp.parse(LAYOUT), "webdav.net.port", "2443", domain="doors-${host.name}", service="webdav", occurrence=1)
    assert jp.render(document) == LAYOUT.replace("webdav.net.port=2881\r\n", "webdav.net.port=2443\r\n")
    document = jp.set_property(jp.parse(LAYOUT), "webdav.net.port", "2443", domain="doors-${host.name}", service="webdav")
    assert jp.render(document) == LAYOUT.replace("  webdav.net.port   2880", "  webdav.net.port   2443")
    document = jp.set_property(jp.parse(LAYOUT), "long", "three")
    assert jp.render(document) == LAYOUT.replace("one, \\\n       two", "three")


def test_edit_without_change_is_no_edit():
    document = jp.parse(LAYOUT)
    assert jp.set_property(document, "long", "one, two") is document


def test_new_key_goes_below_the_last_of_its_scope():
    added = jp.render(jp.set_property(jp.parse(LAYOUT), "webdav.authn.protocol", "https", domain="doors-${host.name}", service="webdav"))
    assert added == LAYOUT.replace("u0041\n", "u0041\nwebdav.authn.protocol = https\n")
    assert jp.render(jp.set_property(jp.parse("a=b", sectioned=False), "c", "d")) == "a=b\nc = d\n"
    assert jp.render(jp.set_property(jp.parse("# head\n\n# about d\n[d]\n"), "c", "d")) == "# head\n\nc = d\n# about d\n[d]\n"
    assert jp.render(jp.set_property(jp.parse("a=b\\\n[d]\n"), "c", "d")) == "a=b\\\n\nc = d\n[d]\n"


def test_reopened_domain_is_edited_where_the_key_stands():
    text = "[d]\na=1\n[d/pool]\n[d]\nb=2\n"
    assert jp.render(jp.set_property(jp.parse(text), "b", "3", domain="d")) == text.replace("b=2", "b=3")


def test_remove():
    text = "[d]\na=1\n# keep\nb=2\\\n  3\n[d/pool]\nb=4\n"
    assert jp.render(jp.remove_property(jp.parse(text), "b", domain="d")) == "[d]\na=1\n# keep\n[d/pool]\nb=4\n"
    document = jp.parse(text)
    assert jp.remove_property(document, "absent", domain="d") is document


def test_add_section():
    text = "[d]\n[d/pool]\nb=4\n\n# the next one\n[e]\n"
    added = jp.render(jp.add_section(jp.parse(text), {"webdav.net.port": "2880"}, domain="d", service="webdav"))
    assert added == "[d]\n[d/pool]\nb=4\n[d/webdav]\nwebdav.net.port = 2880\n\n# the next one\n[e]\n"
    assert jp.render(jp.add_section(jp.parse("a=b"), {}, domain="d")) == "a=b\n[d]\n"


def test_errors():
    with pytest.raises(KeyError, match=r"\[x/y\]"):
        jp.set_property(jp.parse(LAYOUT), "a", "b", domain="x", service="y")
    with pytest.raises(KeyError, match=r"\[x\]"):
        jp.add_section(jp.parse(LAYOUT), {}, domain="x", service="y")
    with pytest.raises(ValueError, match="header"):
        jp.add_section(jp.parse(LAYOUT), {}, domain="x/y")
    with pytest.raises(ValueError, match="no sections"):
        jp.add_section(jp.parse("", sectioned=False), {}, domain="x")


@given(texts, st.booleans())
def test_render_gives_the_text_back(text, sectioned):
    document = jp.parse(text, sectioned=sectioned)
    assert jp.render(document) == text
    assert jp.parse(jp.render(document), sectioned=sectioned) == document


@given(keys, values)
def test_written_lines_are_read_back(key, value):
    document = jp.set_property(jp.parse(""), key, value)
    assert values_of(document) == [(None, None, key, value)]


@settings(max_examples=400)
@given(texts, keys, values, st.booleans(), st.data())
def test_edit_of_one_key_leaves_the_rest(text, key, value, sectioned, data):
    document = jp.parse(text, sectioned=sectioned)
    section = data.draw(st.sampled_from(document.sections()))
    known = [a.key for a in section.assignments if not a.problem]
    if known and data.draw(st.booleans()):
        key = data.draw(st.sampled_from(known))
    same = [s for s in document.sections() if (s.domain, s.service) == (section.domain, section.service)]
    occurrence = same.index(section) if section.service else 0
    edited = jp.set_property(document, key, value, domain=section.domain, service=section.service, occurrence=occurrence)
    assert jp.parse(jp.render(edited), sectioned=sectioned) == edited

    def other_nodes(of: jp.Document) -> list[str]:
        return [node.raw for node in of.nodes if getattr(node, "key", None) != key]

    def unchanged(rows: list[str]) -> list[str]:
        return [row.rstrip("\r\n") for row in rows if row.strip(" \t\f\r\n")]

    assert unchanged(other_nodes(edited)) == unchanged(other_nodes(document))
    mine = [s for s in edited.sections() if (s.domain, s.service) == (section.domain, section.service)]
    scope = [mine[occurrence]] if section.service else mine
    assert value == next(a.value for s in scope for a in s.assignments if a.key == key)


@given(texts, st.booleans(), st.data())
def test_removal_takes_the_key_and_nothing_else(text, sectioned, data):
    document = jp.parse(text, sectioned=sectioned)
    section = data.draw(st.sampled_from(document.sections()[:1]))
    if not section.assignments:
        return
    key = data.draw(st.sampled_from([a.key for a in section.assignments]))
    before = [a for a in values_of(document) if a[2] != key or a[0] is not None]
    assert values_of(jp.remove_property(document, key)) == before
