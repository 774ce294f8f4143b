"""authdb."""

from __future__ import annotations

from ansible_collections.escape.datalake.plugins.plugin_utils.formats import authdb
from hypothesis import given
from hypothesis import strategies as st

SITE = """\
# groups are bound to their issuer
= dm o: https://iam.example.org/ g: /escape/data-manager
t common /escape/pub rl
x dm  /escape a \\
   # and more
   common
u * /escape/open rl
"""

WORD = st.text(st.characters(codec="utf-8", exclude_characters=" \t\n\\#\0"), min_size=1, max_size=8)
RULES = st.lists(st.lists(WORD, min_size=2, max_size=6), max_size=6)
PIECES = st.sampled_from(["= a o: x", "s a /p rl", "u * /x a", " ", "\t", "\n", "\\\n", "# c", "\r\n", "é"])
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=30).map("".join))
PATHS = st.lists(st.sampled_from(["/a", "/a/b", "/a/b/c", "/ab", "/c"]), min_size=1, unique=True)


@given(TEXTS)
def test_what_is_read_is_written(text):
    assert authdb.parse(text).render() == text


@given(RULES)
def test_what_is_written_is_read(rules):
    document = authdb.parse("").insert(rules)
    assert [list(rule.record.words) for rule in authdb.parse(document.render()).rules] == rules


@given(TEXTS, st.data())
def test_an_edit_touches_one_record(text, data):
    document = authdb.parse(text)
    if not document.rules:
        return
    old = data.draw(st.sampled_from(document.rules))
    replaced = document.replace(old, ["s", "new", "/p", "a"]).render()
    assert replaced.startswith("".join(document.lines[: old.record.first]))
    assert replaced.endswith("".join(document.lines[old.record.end :]))


@given(PATHS)
def test_grants_never_hide_each_other(paths):
    document = authdb.parse("s vo /z rl\n")
    for path in paths:
        document = document.grant(document.rules[0], path, "a")
    found = [grant.path for grant in document.rules[0].grants]
    assert set(found) == {*paths, "/z"}
    for at, path in enumerate(found):
        assert not any(path.startswith(earlier) for earlier in found[:at])


def test_a_site_is_read():
    identity, template, rule, everybody = authdb.parse(SITE).rules
    assert identity.identity == {"o": "https://iam.example.org/", "g": "/escape/data-manager"}
    assert template.grants == (authdb.Grant("/escape/pub", "rl"),)
    assert (rule.type, rule.name, rule.line) == ("x", "dm", 4)
    assert rule.grants == (authdb.Grant("/escape", "a"), authdb.Grant("common", None))
    assert (everybody.name, everybody.line) == ("*", 7)


def test_a_grant_changes_one_record():
    document = authdb.parse(SITE)
    assert document.grant(document.rules[3], "/escape/open", "lr") is document
    assert document.grant(document.rules[3], "/escape/open/more", "a").render() == SITE.replace("u * ", "u * /escape/open/more a ")
    assert document.grant(document.rules[2], "/escape", "rl").render() == SITE.replace(
        "x dm  /escape a \\\n   # and more\n   common\n", "x dm /escape rl common\n   # and more\n"
    )


def test_longer_paths_first():
    assert authdb.by_length(["/a", "/a/b", "/c/d/e"]) == ["/c/d/e", "/a/b", "/a"]
