"""Sizes and times with units."""

from __future__ import annotations

import re

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.model import units
from hypothesis import given
from hypothesis import strategies as st

COUNTS = st.integers(min_value=0, max_value=10**21)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("50TB", 50 * 10**12),
        ("50 TB", 50 * 10**12),
        (" 1.5PB ", 1_500_000_000_000_000),
        ("10GiB", 10 * 2**30),
        ("0.5KiB", 512),
        ("1kB", 1000),
        ("1KB", 1000),
        ("7B", 7),
        ("1024", 1024),
        (1024, 1024),
    ],
)
def test_sizes(text: str | int, count: int) -> None:
    assert units.parse_size(text) == count


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("50XB", "unknown unit 'XB'"),
        ("50tb", "unknown unit 'tb'"),
        ("fifty TB", "no size"),
        ("-1TB", "no size"),
        (-1, "no size"),
        ("", "no size"),
        ("1.5", "no unit"),
        ("0.3B", "not a whole number of bytes"),
        (True, "no size"),
        (1.5, "no size"),
        (None, "no size"),
        ("٣TB", "no size"),
    ],
)
def test_bad_sizes(value: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        units.parse_size(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "seconds"), [("1d", 86400), ("12h", 43200), ("1.5h", 5400), ("10min", 600), ("2w", 1209600), ("90", 90), (90, 90)]
)
def test_durations(text: str | int, seconds: int) -> None:
    assert units.parse_duration(text) == seconds


@pytest.mark.parametrize(("value", "said"), [("500ms", "whole number of seconds"), ("1y", "unknown unit"), ("soon", "no duration")])
def test_bad_durations(value: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        units.parse_duration(value)


def test_milliseconds_need_a_unit() -> None:
    assert units.parse_milliseconds("20ms") == 20
    assert units.parse_milliseconds("10min") == 600_000
    for bare in ("20", 20):
        with pytest.raises(ValueError, match="no unit"):
            units.parse_milliseconds(bare)


@given(COUNTS)
def test_format_size_is_exact(count: int) -> None:
    assert units.parse_size(units.format_size(count)) == count


@given(COUNTS)
def test_about_size_is_near(count: int) -> None:
    assert abs(units.parse_size(units.about_size(count)) - count) <= count / 100


@given(COUNTS, st.sampled_from(sorted(units.SIZES)))
def test_what_is_written_with_any_unit_is_read(count: int, unit: str) -> None:
    assert units.parse_size(f"{count}{unit}") == count * units.SIZES[unit]


@given(st.integers(min_value=1, max_value=10**10))
def test_format_milliseconds_is_exact(milliseconds: int) -> None:
    assert units.parse_milliseconds(units.format_milliseconds(milliseconds)) == milliseconds


@given(st.text(max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        count = units.parse_size(text)
    except ValueError:
        return
    assert count >= 0


@pytest.mark.parametrize("number", ["0" * (units.LONGEST + 1), "1." + "0" * units.LONGEST + "TB"])
def test_the_published_pattern_ends_where_the_parser_does(number: str) -> None:
    with pytest.raises(ValueError, match="is no size"):
        units.parse_size(number)
    assert not re.fullmatch(units.SIZE_PATTERN, number)


@given(st.from_regex(rf"\A(?:{units.SIZE_PATTERN})\Z"))
def test_the_published_pattern_promises_nothing_that_the_parser_does_not_know(text: str) -> None:
    if "." not in text:
        assert units.parse_size(text) >= 0


@pytest.mark.parametrize(
    ("count", "exact", "about"),
    [
        (0, "0B", "0B"),
        (50 * 10**12, "50TB", "50TB"),
        (1_500_000_000_000, "1.5TB", "1.5TB"),
        (10 * 2**30, "10GiB", "10.74GB"),
        (123_456_789, "123456789B", "123.46MB"),
    ],
)
def test_sizes_for_people(count: int, exact: str, about: str) -> None:
    assert units.format_size(count) == exact
    assert units.about_size(count) == about
