# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What several sources say of the same RSEs, side by side and field by field. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.model.rse import LAN_OPERATIONS, WAN_OPERATIONS, Protocol, RseRecord
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.lake import DIGEST, SOURCE_MARK

Verdict = Literal["same", "differs", "partly"]
VERDICTS: Mapping[Verdict, str] = {"same": "the same wherever it is stated", "differs": "differs", "partly": "not stated everywhere"}
SPACE_TOLERANCE = 0.01  # sizes that are measured, not declared, differ by rounding
NOT_COMPARED = frozenset({SOURCE_MARK, DIGEST, "site"})
Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """One field of one RSE. values: by source; a source that does not state it is missing."""

    field: str
    values: Mapping[str, Any]
    verdict: Verdict


@dataclass(frozen=True)
class Compared:
    """One RSE. missing: sources that do not have it."""

    name: str
    rows: tuple[Row, ...]
    missing: tuple[str, ...] = ()

    @property
    def differs(self) -> bool:
        return bool(self.missing) or any(row.verdict == "differs" for row in self.rows)


@dataclass(frozen=True)
class Comparison:
    """sources: their names, in the order of the columns. notes: what could not be compared."""

    sources: tuple[str, ...]
    rses: tuple[Compared, ...]
    notes: tuple[Problem, ...] = ()

    @property
    def differing(self) -> tuple[Compared, ...]:
        return tuple(rse for rse in self.rses if rse.differs)


@dataclass(frozen=True)
class Side:
    """What one source says. rses: facts by RSE. partial: it is no list of all RSEs, so that one which it lacks is not missing.

    declares: the full sources after it should hold what it states.
    """

    name: str
    rses: Mapping[str, Facts] = field(default_factory=dict)
    partial: bool = False
    declares: bool = False


def facts_of(record: RseRecord, state: str | None = None) -> dict[str, Any]:
    """An RSE record as flat facts; what it does not state is left out."""
    facts: dict[str, Any] = {"site": record.site or record.attributes.get("site") or None, "state": state}
    facts |= {key: value for key, value in record.properties.items() if value not in (None, "")}
    facts["space"] = record.space
    facts |= {f"attribute {key}": _plain(value) for key, value in record.attributes.items() if key not in NOT_COMPARED}
    facts |= {f"limit {key}": value for key, value in record.limits.items()}
    if record.protocols is not None:
        facts["doors"] = ", ".join(sorted(map(_door, record.protocols))) or "none"
    for door in record.protocols or ():
        facts |= door_facts(door)
    return {key: value for key, value in facts.items() if value is not None}


def door_facts(door: Protocol) -> dict[str, Any]:
    """Facts of one door."""
    at = _door(door)
    facts: dict[str, Any] = {f"{at} path": clean_path(door.prefix), f"{at} class": door.impl}
    for domain, operations, priorities in (("lan", LAN_OPERATIONS, door.lan), ("wan", WAN_OPERATIONS, door.wan)):
        offered = [f"{operation} {priorities[operation]}" for operation in operations if priorities.get(operation) is not None]
        facts[f"{at} {domain}"] = ", ".join(offered) or "nothing"
    return facts


def clean_path(prefix: str) -> str:
    """A path without doubled, leading double and trailing slashes, which mean nothing to a storage."""
    return re.sub(r"/+", "/", prefix).rstrip("/") or "/"


def compare(sides: Sequence[Side], notes: Iterable[Problem] = ()) -> Comparison:
    """All RSEs that any source has."""
    names = sorted({name for side in sides for name in side.rses})
    compared = []
    for name in names:
        stated = {side.name: side.rses[name] for side in sides if name in side.rses}
        missing = tuple(side.name for side in sides if name not in side.rses and not side.partial)
        keys = dict.fromkeys(key for facts in stated.values() for key in facts)
        having = [side for side in sides if name in side.rses]
        rows = tuple(
            _row(key, {side.name: side.rses[name][key] for side in having if key in side.rses[name]}, having) for key in _ordered(keys)
        )
        compared.append(Compared(name, rows, missing))
    return Comparison(tuple(side.name for side in sides), tuple(compared), tuple(notes))


def _row(key: str, values: Mapping[str, Any], having: Sequence[Side]) -> Row:
    """having: the sources that have the RSE."""
    first, *others = values.values()
    if not all(_same(key, first, other) for other in others) or _is_not_held(key, values, having):
        return Row(key, values, "differs")
    return Row(key, values, "same" if len(values) == len(having) else "partly")


def _is_not_held(key: str, values: Mapping[str, Any], having: Sequence[Side]) -> bool:
    """Whether a later source lacks what an earlier one declares; of doors, their list tells it already."""
    if not key.startswith(("attribute ", "limit ")) and key != "space":
        return False
    declared = False
    for side in having:
        if declared and not side.partial and side.name not in values:
            return True
        declared = declared or (side.declares and side.name in values)
    return False


def _same(key: str, one: Any, other: Any) -> bool:
    if key == "space" and isinstance(one, int) and isinstance(other, int):
        return abs(one - other) <= SPACE_TOLERANCE * max(one, other)
    if isinstance(one, bool) or isinstance(other, bool):
        return str(one).lower() == str(other).lower()
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one == other
    return str(one) == str(other)


def _plain(value: Any) -> Any:
    return {"true": True, "false": False}.get(value.lower(), value) if isinstance(value, str) else value


def _door(door: Protocol) -> str:
    return f"{door.scheme}://{door.hostname}:{door.port}"


FIRST = ("state", "site", "attribute QOS", "rse_type", "space", "availability_read", "availability_write", "availability_delete", "doors")


def _ordered(keys: Iterable[str]) -> list[str]:
    """What matters most first, then by name, doors last."""
    return sorted(keys, key=lambda key: (FIRST.index(key) if key in FIRST else len(FIRST) + ("://" in key), key))
