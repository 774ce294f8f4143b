# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a CRIC says of its RSEs, whatever view it came from: records, states, distances, and what could not be read.

A reader never fails because of one object. What cannot be read of an RSE is left out of its record, so that it is left alone in Rucio; an
RSE that cannot be read at all is named in ``unreadable``, so that it does not count as gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import load_rse_record, rse_record_as_dict
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.model.rse import RseRecord, Scalar

Rows = dict[str, dict[str, int]]  # distance by source and destination
ACTIVE = "ACTIVE"
# CRIC's state fields: the words for them. An object is usable only when all of them are ACTIVE (query parameters of the DDM end points).
STATES: Mapping[str, str] = {"state": "RSE", "site_state": "site", "rc_site_state": "RC site"}
# States of what must not be used. Another word closes nothing: whatever it means, nobody decided that here.
CLOSED_STATES = frozenset({"DISABLED", "INACTIVE", "OFFLINE", "DOWNTIME", "TEST"})
TRUTH: Mapping[str, bool] = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class Listed:
    """One RSE of CRIC. states: the states that are not ACTIVE, by what they are the state of. rc_site: its name in GOCDB."""

    record: RseRecord
    states: Mapping[str, str] = field(default_factory=dict)
    rc_site: str = ""
    service: str = ""

    @property
    def state(self) -> str:
        """ACTIVE, or what keeps it from being so: "RC site DISABLED"."""
        return ", ".join(f"{what} {state}" if what != "RSE" else state for what, state in self.states.items()) or ACTIVE


@dataclass(frozen=True)
class Listing:
    """All RSEs of one CRIC. unreadable: RSEs that are there and of which nothing could be read. problems: everything that was left out."""

    rses: Mapping[str, Listed] = field(default_factory=dict)
    distances: Rows = field(default_factory=dict)
    unreadable: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """Every RSE that CRIC has, readable or not."""
        return frozenset(self.rses) | self.unreadable


def renamed(listing: Listing, names: Mapping[str, str]) -> Listing:
    """The listing with other names of RSEs. names: the name in Rucio by that in CRIC. Two RSEs of one name are both unreadable."""
    if not names:
        return listing
    rses: dict[str, Listed] = {}
    unreadable = {names.get(name, name) for name in listing.unreadable}
    problems = list(listing.problems)
    for name, each in listing.rses.items():
        new = names.get(name, name)
        if new in rses or new in unreadable:
            problems.append(Problem(f"rename.{name}", f"{new} is the name of another RSE too.", "Give each its own name."))
            rses.pop(new, None)
            unreadable.add(new)
        else:
            rses[new] = replace(each, record=replace(each.record, name=new))
    rows = {
        names.get(source, source): {names.get(to, to): number for to, number in row.items()} for source, row in listing.distances.items()
    }
    return Listing(rses, rows, frozenset(unreadable), tuple(problems))


class Reading:
    """Takes single values out of an object of CRIC, and notes what is not as it should be."""

    def __init__(self, path: str, fields: Mapping[str, Any], problems: list[Problem]) -> None:
        self.path, self.fields, self.problems = path, fields, problems

    def wrong(self, key: str, message: str, remedy: str = "It is left alone in Rucio until it is mended in CRIC.") -> None:
        self.problems.append(Problem(f"{self.path}.{key}" if key else self.path, message, remedy))

    def text(self, key: str) -> str:
        """A text, empty for null; numbers count as text."""
        value = self.fields.get(key)
        if value is None or isinstance(value, bool | list | dict):
            if value not in (None, [], {}):
                self.wrong(key, f"{_short(value)} is no text.")
            return ""
        return str(value).strip()

    def flag(self, key: str) -> bool | None:
        """A truth value, written as one, as text or as 0 and 1; None when it is not stated."""
        value = self.fields.get(key)
        if value is None or value == "" or isinstance(value, bool):
            return None if value == "" else value
        found = TRUTH.get(str(value).strip().lower()) if isinstance(value, str | int) else None
        if found is None:
            self.wrong(key, f"{_short(value)} is neither true nor false.")
        return found

    def whole(self, key: str) -> int | None:
        """A whole number of 0 or more, also written as text; None when it is not stated."""
        value = self.fields.get(key)
        if value is None or value == "":
            return None
        number = whole_number(value)
        if number is None:
            self.wrong(key, f"{_short(value)} is no whole number of 0 or more.")
        return number

    def degrees(self, key: str, limit: float) -> float | None:
        value = self.fields.get(key)
        if value is None or value == "":
            return None
        try:
            number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
        except ValueError:
            number = None
        if number is None or not -limit <= number <= limit:
            self.wrong(key, f"{_short(value)} is no angle between -{limit:g} and {limit:g} degrees.")
            return None
        return number

    def mapping(self, key: str) -> Mapping[str, Any]:
        value = self.fields.get(key)
        if isinstance(value, Mapping):
            return value
        if value not in (None, "", []):
            self.wrong(key, f"{_short(value)} is no object.")
        return {}

    def states(self) -> dict[str, str]:
        """The states that are not ACTIVE, also those that are no state; see checked()."""
        stated = {words: self.fields[key] for key, words in STATES.items() if self.fields.get(key) is not None}
        found = {words: str(state).strip().upper()[:60] for words, state in stated.items()}
        return {words: state for words, state in found.items() if state not in ("", ACTIVE)}


def whole_number(value: Any) -> int | None:
    """A whole number of 0 or more from a number or a text; None for everything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value) if isinstance(value, float) else int(str(value).strip())
        return int(number) if number >= 0 and number == int(number) else None
    except (ValueError, OverflowError):
        return None


def scalar(value: Any) -> Scalar:
    """A value of params as an attribute: the texts true and false become truth values."""
    return {"true": True, "false": False}.get(value.strip().lower(), value) if isinstance(value, str) else value


def checked(listed: Mapping[str, Listed], where: str) -> tuple[dict[str, Listed], frozenset[str], list[Problem]]:
    """What of these RSEs the model takes, the names of the others, and why."""
    good: dict[str, Listed] = {}
    problems: list[Problem] = []
    for name, each in listed.items():
        strange = [f"{what} {state}" for what, state in each.states.items() if state not in CLOSED_STATES]
        if strange:
            words = f"has a state that is not known: {', '.join(strange)}."
            problems.append(Problem(f"{where}: {name}", words, "It is left alone in Rucio until it is mended in CRIC."))
            continue
        try:
            load_rse_record(rse_record_as_dict(each.record), f"{where}: {name}")
        except DescriptionError as error:
            problems += error.problems
            continue
        good[name] = each
    return good, frozenset(listed.keys() - good.keys()), problems


def objects(document: Any, where: str, problems: list[Problem]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Name and fields of each object of a document, which is an object of objects; all else is noted."""
    if not isinstance(document, Mapping):
        problems.append(Problem(where, f"{_short(document)} is no object of RSEs.", "Check the address and the preset."))
        return
    for name, fields in document.items():
        if isinstance(fields, Mapping):
            yield str(name), fields
        else:
            problems.append(
                Problem(f"{where}: {name}", f"{_short(fields)} is no object.", "It is left alone in Rucio until it is mended in CRIC.")
            )


def _short(value: Any) -> str:
    words = repr(value)
    return words if len(words) <= 60 else words[:57] + "..."
