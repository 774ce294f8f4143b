"""scim: users of INDIGO IAM, with all that it leaves out."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.scim import INDIGO_GROUP, INDIGO_USER, Person, groups, people, person
from hypothesis import given
from hypothesis import strategies as st

WHOLE: dict[str, Any] = {
    "id": "3b5c7a0e-0000-4000-8000-000000000001",
    "userName": "m.rossi",
    "active": True,
    "name": {"givenName": "Maria", "familyName": "Rossi", "formatted": "Maria Rossi"},
    "emails": [{"value": "second@example.org"}, {"value": "first@example.org", "primary": True}],
    "groups": [{"display": "escape/ska", "value": "7d1f"}, {"display": "/escape", "value": "8e"}],
    INDIGO_USER: {
        "certificates": [{"subjectDn": "CN=Maria Rossi,O=Example"}, {"subjectDn": "CN=Maria Rossi,O=Example"}, {"display": "no subject"}],
        "serviceAccount": False,
    },
}


def test_a_whole_user() -> None:
    assert person(WHOLE) == Person(
        id=WHOLE["id"],
        username="m.rossi",
        active=True,
        name="Maria Rossi",
        email="first@example.org",
        groups=frozenset({"escape", "escape/ska"}),
        subjects=("CN=Maria Rossi,O=Example",),
    )


def test_a_user_with_nothing_but_what_is_compulsory() -> None:
    assert person({"id": "1", "userName": "x", "active": False}) == Person("1", "x", False)


@pytest.mark.parametrize(
    "wrong",
    [
        {"userName": None},
        {"active": None},
        {"active": "true"},
        {"groups": [{}]},
        {"emails": "x"},
        {"groups": 7},
        {"groups": [{"display": None}]},
    ],
)
def test_an_entry_that_cannot_be_read_does_not_stop_the_others(wrong: dict[str, Any]) -> None:
    found, problems = people([{**WHOLE, **wrong, "id": "broken"}, WHOLE])
    assert [each.id for each in found] == [WHOLE["id"]]
    assert problems[0].startswith("user broken ")


def test_groups() -> None:
    parent = {INDIGO_GROUP: {"parentGroup": {"display": "escape", "value": "8e"}, "description": "SKA"}}
    broken = [
        {"id": "1"},
        {"id": "2", "displayName": "x", INDIGO_GROUP: []},
        {"id": "3", "displayName": "x", INDIGO_GROUP: {"parentGroup": 5}},
    ]
    found, problems = groups([{"id": "7d", "displayName": "escape/ska", **parent}, {"id": "8e", "displayName": "escape"}, *broken])
    assert found == [
        {"id": "7d", "name": "escape/ska", "parent": "escape", "description": "SKA"},
        {"id": "8e", "name": "escape", "parent": None, "description": ""},
        {"id": "2", "name": "x", "parent": None, "description": ""},
    ]
    assert [problem.split()[1] for problem in problems] == ["1", "3"]


NONSENSE = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.lists(st.none(), max_size=2) | st.sampled_from([{}, {"": 1}])
)


@given(st.sampled_from(sorted(WHOLE)), NONSENSE, st.sampled_from(["groups", "emails", INDIGO_USER, "certificates"]), NONSENSE)
def test_nonsense_anywhere_is_an_entry_left_out_or_one_that_can_be_used(key: str, value: Any, inside: str, other: Any) -> None:
    indigo: Any = {"certificates": [other]} if inside == "certificates" else WHOLE[INDIGO_USER]
    nested = {INDIGO_USER: indigo} if inside == "certificates" else {inside: [other] if inside != INDIGO_USER else other}
    for damaged in ({**WHOLE, key: value}, {**WHOLE, **nested}):
        found, problems = people([damaged, {**WHOLE, "id": "another"}])
        assert (len(found), len(problems)) in ((2, 0), (1, 1))
        assert all(isinstance(group, str) and group not in ("None", "True") for each in found for group in each.groups)
