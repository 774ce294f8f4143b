"""YAML in the many ways that people write it: one value changes, every other byte stays, and what cannot be so is refused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import yaml_text
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.yaml_text import EditError, YamlText
from hypothesis import assume, given
from hypothesis import strategies as st

ISSUERS = ("oauth", "issuers")
B = {"name": "b", "issuer": "https://b/"}
ADDED = "    - name: b\n      issuer: https://b/\n"

COMMENTS = """\
# top
oauth:  # o
  # before
  issuers:   # i
    # first
    - name: a   # n
      # between
      issuer: https://a/ # u
      # end of a
    # end of list
# end
storm: # s
  # in
"""


def parsed(text: str) -> YamlText:
    document = yaml_text.parse(text, yaml_text.relaxed)
    assert document.problem == ""
    return document


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(COMMENTS, COMMENTS.replace("of a\n", "of a\n" + ADDED), id="comments stay, those of an item with it"),
        pytest.param(
            "oauth:\r\n  issuers:\r\n    - name: a # x\r\nz: 1\r\n",
            "oauth:\r\n  issuers:\r\n    - name: a # x\r\n    - name: b\r\n      issuer: https://b/\r\nz: 1\r\n",
            id="Windows line ends",
        ),
        pytest.param(
            "oauth:\n  issuers:\n  - name: a",
            "oauth:\n  issuers:\n  - name: a\n  - name: b\n    issuer: https://b/\n",
            id="no last line end",
        ),
        pytest.param("oauth:\n  issuers: # none yet\nz:\n", f"oauth:\n  issuers: # none yet\n{ADDED}z:\n", id="no value, a comment"),
        pytest.param("oauth: ~ # c\n", f"oauth:\n  issuers:\n{ADDED.rstrip()} # c\n", id="null"),
        pytest.param(
            "oauth: {issuers: [ # c\n]}\n", "oauth: {issuers: [ # c\n{name: b, issuer: 'https://b/'}]}\n", id="empty list with a comment"
        ),
        pytest.param(
            "oauth.issuers:\n  -   name: a\n", "oauth.issuers:\n  -   name: a\n  - name: b\n    issuer: https://b/\n", id="dotted key"
        ),
        pytest.param(
            "oauth:\n  issuers: !!seq\n    - !!map\n      name: a\n",
            f"oauth:\n  issuers: !!seq\n    - !!map\n      name: a\n{ADDED}",
            id="tags",
        ),
        pytest.param(
            "oauth:\n  issuers: &l\n    -\n      name: a\n",
            f"oauth:\n  issuers: &l\n    -\n      name: a\n{ADDED}",
            id="dash in a line of its own",
        ),
        pytest.param(
            "x: &x {name: a}\noauth:\n  issuers:\n    - *x # a\n",
            f"x: &x {{name: a}}\noauth:\n  issuers:\n    - *x # a\n{ADDED}",
            id="alias",
        ),
        pytest.param("\ufeffoauth:\n  issuers: []\n", "\ufeffoauth:\n  issuers: [{name: b, issuer: 'https://b/'}]\n", id="byte order mark"),
        pytest.param(
            "---\n'oauth': # c\n  \"issuers\":\n    - 'name': 'a'\n...\n",
            f"---\n'oauth': # c\n  \"issuers\":\n    - 'name': 'a'\n{ADDED}...\n",
            id="quotes",
        ),
        pytest.param(
            "oauth:\n  issuers:\n    - name: |\n        a\n\n\n# z\n",
            f"oauth:\n  issuers:\n    - name: |\n        a\n{ADDED}\n\n# z\n",
            id="block scalar",
        ),
    ],
)
def test_an_item_is_added_and_nothing_else_is_touched(before: str, after: str) -> None:
    changed = parsed(before).append(ISSUERS, B)
    assert changed.text == after
    assert changed.get(ISSUERS)[-1] == B


def test_a_key_is_added_below_a_byte_order_mark() -> None:
    assert parsed("\ufeffa: 1\n").set(("b",), 2).text == "\ufeffa: 1\nb: 2\n"


@pytest.mark.parametrize(
    ("text", "index", "after"),
    [
        ("a:\n  -\n    x: 1\n  # two\n  - x: 2\n", 0, "a:\n  # two\n  - x: 2\n"),
        ("a:\n  -\n    x: 1\n  # two\n  - x: 2\n", 1, "a:\n  -\n    x: 1\n  # two\n"),
        ("a:\r\n- 1\r\n- 2 # two\r\n", 0, "a:\r\n- 2 # two\r\n"),
    ],
)
def test_an_item_is_taken_away_and_nothing_else(text: str, index: int, after: str) -> None:
    assert parsed(text).remove_item(("a",), index).text == after


def test_items_of_lists_in_lists() -> None:
    document = parsed("a:\n  - - 1\n    - 2\n  - 3\n")
    assert document.remove_item(("a", 0), 0).text == "a:\n  - - 2\n  - 3\n"
    assert document.append(("a", 0), 9).text == "a:\n  - - 1\n    - 2\n    - 9\n  - 3\n"
    with pytest.raises(EditError, match="begins in the line of another"):
        document.insert(("a", 0), 0, 9)


SHARED = """\
base: &base {audiences: [x]}
oauth:
  issuers:
    - <<: *base
      name: a
    - name: c
      audiences: &c [y]
    - name: d
      audiences: *c
"""


def test_merged_and_shared_values_are_read() -> None:
    document = parsed(SHARED)
    assert [document.get((*ISSUERS, index, "audiences")) for index in range(3)] == [["x"], ["y"], ["y"]]


def test_a_merged_value_is_overridden_where_it_is_merged() -> None:
    changed = parsed(SHARED).append((*ISSUERS, 0, "audiences"), "z")
    assert changed.get(("base", "audiences")) == ["x"]
    assert changed.get((*ISSUERS, 0, "audiences")) == ["x", "z"]


def test_an_alias_is_written_out_where_it_stands() -> None:
    changed = parsed(SHARED).append((*ISSUERS, 2, "audiences"), "z")
    assert changed.text == SHARED.replace("*c", "[y, z]")


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        pytest.param(SHARED, (*ISSUERS, 1, "audiences"), 7, id="other places use it"),
        pytest.param("a: 1\n---\noauth:\n  issuers: []\n", ISSUERS, 3, id="several documents"),
        pytest.param("oauth: [\n", ISSUERS, 2, id="no YAML"),
        pytest.param("oauth:\n  issuers: none\n", ISSUERS, 2, id="no list"),
        pytest.param("just words\n", ISSUERS, 1, id="no mapping"),
        pytest.param("? oauth\n: issuers\n", ("z",), 1, id="keys written the long way"),
        pytest.param("a:\r  b:\r    - 1\r", ("a", "b"), 2, id="line ends of old"),
    ],
)
def test_what_cannot_be_changed_alone_is_refused(text: str, path: tuple[str, ...], line: int) -> None:
    with pytest.raises(EditError) as caught:
        yaml_text.parse(text, yaml_text.relaxed).append(path, "z")
    assert caught.value.line == line


def test_repeated_keys_are_told_and_the_last_one_counts() -> None:
    document = parsed("a: 1\nb:\n  c: 1\n  c: 2\na: 3\n")
    assert sorted(document.repeated()) == [("a", 5), ("c", 4)]
    assert document.set(("a",), 4).text == "a: 1\nb:\n  c: 1\n  c: 2\na: 4\n"


PIECES = st.sampled_from(
    ["# c\n", "\n", "  # deep\n", "x: &x [1, 2]\n", "y: |\n  # text\n\n  more\n", "z: {a: 1, # c\n  b: 2}\n", "w: *x # alias\n"]
)
ITEMS = st.sampled_from(
    ["- 1 # one\n", "-\n  k: v\n", "- {k: v}\n", "# c\n", "\n", "- >-\n  long\n  text\n", "- k: v\n  l: # none\n", "-   - 1\n    - 2\n"]
)


@given(
    st.lists(PIECES, max_size=3, unique=True), st.lists(ITEMS, min_size=1, max_size=4), st.lists(PIECES, max_size=2, unique=True), st.data()
)
def test_lines_survive_every_change(before: list[str], items: list[str], after: list[str], data: Any) -> None:
    """Whatever stands around and in a list: added lines are new ones, and a removal takes nothing but the item's own."""
    tail = "".join(f"t{number}{each}" for number, each in enumerate(after) if each[0].isalpha() and "x" not in each)
    document = yaml_text.parse("".join(before) + "list:\n" + "".join(items) + tail)
    have = document.get(("list",))
    assume(not document.problem and isinstance(have, list))
    index = data.draw(st.integers(0, len(have)))
    changed = document.insert(("list",), index, {"new": "item"})
    assert changed.get(("list",)) == [*have[:index], {"new": "item"}, *have[index:]]
    lines = changed.text.splitlines()
    lines.remove("- new: item")
    assert lines == document.text.splitlines()
    assert changed.remove_item(("list",), index).text == document.text


def test_an_alias_inside_what_it_names_is_a_problem() -> None:
    assert yaml_text.parse("a: &x\n  b: [1, *x]\n").problem == "an alias stands inside what it names"
    assert not yaml_text.parse("a: &x {b: 1}\nc: [*x, *x]\n").problem
