# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sizes and times with units, as people write them: ``50TB``, ``10GiB``, ``1d``, ``20ms``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction

DECIMAL_SIZES: Mapping[str, int] = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "PB": 10**15, "EB": 10**18}
BINARY_SIZES: Mapping[str, int] = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40, "PiB": 2**50, "EiB": 2**60}
SIZES: Mapping[str, int] = {**DECIMAL_SIZES, "KB": 10**3, **BINARY_SIZES}
TIMES_MS: Mapping[str, int] = {"ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}

LONGEST = 40  # characters of a quantity; Python refuses to read numbers of thousands of digits
WHOLE = r"[0-9]{1,24}"
NUMBER = rf"{WHOLE}(?:\.[0-9]{{1,10}})?"  # with a unit no longer than LONGEST
SIZE_PATTERN = rf"{NUMBER} ?(?:{'|'.join(SIZES)})|{WHOLE}"
LATENCY_PATTERN = rf"{NUMBER} ?(?:{'|'.join(TIMES_MS)})"


def parse_size(value: str | int) -> int:
    """Bytes of a size: decimal (``50TB``) or binary (``10GiB``) unit, or plain bytes. Raises ValueError."""
    return _whole(_quantity(value, SIZES, "B", "size"), value, "bytes")


def parse_duration(value: str | int) -> int:
    """Seconds of a duration (``1d``, ``12h``, ``90``). Raises ValueError, also for parts of a second."""
    return _whole(_quantity(value, TIMES_MS, "s", "duration") / 1000, value, "seconds")


def parse_milliseconds(value: str | int) -> int:
    """Milliseconds of a duration that must have a unit (``20ms``, ``10min``). Raises ValueError."""
    if not isinstance(value, str) or value.strip().isdigit():
        raise ValueError(f"{value!r} has no unit.")
    return _whole(_quantity(value, TIMES_MS, "s", "duration"), value, "milliseconds")


def format_size(count: int) -> str:
    """The shortest text that parse_size() reads as exactly this number of bytes, in decimal units where there is a choice."""
    units = [*reversed(list(DECIMAL_SIZES.items())), *reversed(list(BINARY_SIZES.items()))]
    exact = [
        f"{_decimals(Fraction(count, factor))}{unit}"
        for unit, factor in units
        if count * 100 % factor == 0 and (count >= factor or unit == "B")
    ]
    return min(exact, key=len)


def about_size(count: int) -> str:
    """A size for people, rounded to two decimals in the largest decimal unit that fits: ``1.23TB``."""
    unit, factor = next(((unit, factor) for unit, factor in reversed(list(DECIMAL_SIZES.items())) if abs(count) >= factor), ("B", 1))
    return f"{_decimals(Fraction(round(Fraction(count * 100, factor)), 100))}{unit}"


def format_milliseconds(milliseconds: int) -> str:
    """The largest unit that holds a time in whole numbers: ``20ms``, ``10min``."""
    for unit, factor in reversed(list(TIMES_MS.items())):
        if unit != "w" and milliseconds and milliseconds % factor == 0:
            return f"{milliseconds // factor}{unit}"
    return f"{milliseconds}s"


def _quantity(value: str | int, units: Mapping[str, int], bare: str, what: str) -> Fraction:
    """The value in the smallest unit. bare: the unit of a number without one."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"{value!r} is no {what}.")  # noqa: TRY004 -- one kind of error for every bad input
    given = str(value).strip()
    if len(given) > LONGEST:
        raise ValueError(f"{given[:LONGEST]!r}... is no {what}.")
    match = re.fullmatch(rf"({NUMBER}) ?([A-Za-z]*)", given, re.ASCII)
    if not match:
        raise ValueError(f"{value!r} is no {what}.")
    number, unit = match.groups()
    if not unit and "." in number:
        raise ValueError(f"{value!r} has no unit.")
    unit = unit or bare
    if unit not in units:
        raise ValueError(f"{value!r} has the unknown unit {unit!r}; known are {', '.join(units)}.")
    return Fraction(number) * units[unit]


def _whole(quantity: Fraction, value: object, unit: str) -> int:
    if quantity.denominator != 1:
        raise ValueError(f"{value!r} is not a whole number of {unit}.")
    return quantity.numerator


def _decimals(number: Fraction) -> str:
    """A number with at most two decimals as text, without needless zeros."""
    whole, hundredths = divmod(abs(number.numerator) * 100 // number.denominator, 100)
    sign = "-" if number < 0 else ""
    return f"{sign}{whole}.{hundredths:02d}".rstrip("0").rstrip(".")
