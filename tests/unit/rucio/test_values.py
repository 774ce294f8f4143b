"""Normal forms: what the server says about a value that it was sent is the same as that value."""

from __future__ import annotations

import math

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio import values
from hypothesis import given
from hypothesis import strategies as st

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
MAJORS = st.sampled_from([1, 32, 35, 38, 39, 41])


@given(SCALARS)
def test_attribute_is_idempotent(value: str | float | None) -> None:
    assert values.attribute(values.attribute(value)) == values.attribute(value)
    assert type(values.attribute(value)) in (str, bool, type(None))


@pytest.mark.parametrize(
    ("value", "normal"), [("TRUE", True), ("false", False), (1, "1"), (0, "0"), (1.5, "1.5"), (None, None), (" true", " true")]
)
def test_attribute(value: object, normal: object) -> None:
    result = values.attribute(value)  # type: ignore[arg-type]
    assert result == normal
    assert type(result) is type(normal)


@given(st.none() | st.integers(min_value=1), MAJORS)
def test_a_priority_survives_the_way_there_and_back(value: int | None, major: int) -> None:
    assert values.priority(values.sent_priority(value, major), major) == value


@pytest.mark.parametrize(("value", "major", "normal"), [(0, 38, None), (0, 39, 0), (None, 38, None), ("2", 1, 2), (3, 41, 3)])
def test_priority(value: object, major: int, normal: int | None) -> None:
    assert values.priority(value, major) == normal


def test_null_is_not_sent_to_old_servers() -> None:
    assert values.sent_priority(None, 38) == 0
    assert values.sent_priority(None, 39) is None


@given(st.none() | st.just("") | st.just("null") | st.dictionaries(st.text(), st.text()))
def test_extended_attributes_are_idempotent(value: object) -> None:
    normal = values.extended_attributes(value)
    assert values.extended_attributes(normal) == normal
    assert normal is None or normal == value


@given(st.integers(min_value=-5) | st.floats(min_value=0, allow_nan=False))
def test_quota_is_idempotent(value: float) -> None:
    assert values.quota(values.quota(value)) == values.quota(value)


def test_infinite_quota() -> None:
    assert values.quota(math.inf) == values.UNLIMITED
    assert values.quota(-1) == values.UNLIMITED
    assert values.quota(5.0) == 5


@pytest.mark.parametrize(("version", "major"), [("41.5.1", 41), ("1.29.19", 1), ("39.0.0rc1", 39), ("", 0), ("master", 0)])
def test_major_version(version: str, major: int) -> None:
    assert values.major_version(version) == major
