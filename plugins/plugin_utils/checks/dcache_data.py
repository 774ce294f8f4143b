# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each dCache release line knows: its properties, their annotations and defaults, and its services.

The table is ``data/dcache_properties.json``; its head names the repository and the commits that it was read from.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

from ansible_collections.escape.datalake.plugins.plugin_utils.checks.near_names import NearNames
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.dcache_layout import Setting, default_settings

State = Literal["active", "deprecated", "obsolete", "forbidden"]
RELEASE = re.compile(r"(\d+\.\d+)(?:\.(\d+))?(?:[-+~.].*)?")
TABLE = Path(__file__).parent / "data" / "dcache_properties.json"


@dataclass(frozen=True, slots=True)
class Property:
    """A property of one release line.

    one_of, any_of: the allowed literal values; empty when any value is allowed. default: raw; None where assignments have no effect.
    kind: int, float, path or iso-duration, inferred from the default; empty for text. service: the service whose prefix the name carries.
    """

    name: str
    state: State = "active"
    flags: frozenset[str] = frozenset()
    one_of: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    default: str | None = None
    kind: str = ""
    service: str = ""
    replaced_by: tuple[str, ...] = ()

    @property
    def annotated(self) -> bool:
        return bool(self.state != "active" or self.flags or self.one_of or self.any_of)


@dataclass(frozen=True)
class Release:
    """What one release of dCache knows.

    builtin: names that dCache sets itself. must_be_set: per service, what has no usable default. nonempty: per service, what must not
    be empty at its start (facts of 12.1). commit: where the table was read.
    """

    name: str
    line: str
    properties: Mapping[str, Property]
    services: frozenset[str]
    builtin: frozenset[str]
    must_be_set: Mapping[str, tuple[str, ...]]
    nonempty: Mapping[str, tuple[str, ...]]
    commit: str

    @cached_property
    def settings(self) -> dict[str, Setting]:
        """The defaults, as settings without a place."""
        return default_settings({entry.name: entry.default for entry in self.properties.values() if entry.default is not None})

    @cached_property
    def near(self) -> NearNames:
        """The names that a site can assign; those of maps end in ``!``."""
        usable = (entry for entry in self.properties.values() if entry.state in ("active", "deprecated") and "immutable" not in entry.flags)
        return NearNames(f"{entry.name}!" if "prefix" in entry.flags else entry.name for entry in usable)

    @cached_property
    def prefixes(self) -> tuple[str, ...]:
        """The names that, with ``!KEY`` behind, take entries of the site's choice."""
        return tuple(entry.name for entry in self.properties.values() if "prefix" in entry.flags)

    def at_least(self, line: str) -> bool:
        return _order(self.line) >= _order(line)


@lru_cache(maxsize=1)
def _table() -> Any:
    return json.loads(TABLE.read_text(encoding="utf-8"))


def lines() -> tuple[str, ...]:
    """Every known release line, oldest first; the last one may be a snapshot (``-dev``)."""
    return tuple(_table()["lines"])


def line_of(release: str) -> str | None:
    """The known line of a release such as ``9.2.30``, ``11.2`` or ``10.2.5-1``; None for an unknown one."""
    match = RELEASE.fullmatch(release.strip())
    if not match:
        return None
    return next((line for line in lines() if line.removesuffix("-dev") == match[1]), None)


@lru_cache(maxsize=32)
def load(release: str) -> Release | None:
    """What a release knows; None when its line is unknown. Without a patch number the line's last patch release is meant."""
    line = line_of(release)
    if line is None:
        return None
    table = _table()
    known = lines()
    properties = {}
    for name, entry in table["properties"].items():
        period = _period(entry["periods"], line, known)
        if period is not None and not _too_old(entry.get("since_patch", {}).get(line), release):
            properties[name] = _property(name, entry, _as_patched(entry, period, line, release))
    services = {name: entry for name, entry in table["services"].items() if _covers(entry, line, known)}
    return Release(
        name=release.strip(),
        line=line,
        properties=properties,
        services=frozenset(services),
        builtin=frozenset(table["builtin_names"]) | frozenset(table["generated_names"]),
        must_be_set={name: tuple(entry["must_be_set"]) for name, entry in services.items() if "must_be_set" in entry},
        nonempty={name: tuple(prop for prop in entry.get("nonempty", ()) if prop in properties) for name, entry in services.items()},
        commit=table["lines"][line]["commit"],
    )


def releases_with(name: str) -> str:
    """In words, which releases know a property; empty when none does."""
    entry = _table()["properties"].get(name)
    if entry is None:
        return ""
    words = _span(entry["periods"][0].get("from"), entry["periods"][-1].get("to"))
    patches = ", ".join(entry.get("since_patch", {}).values())
    return f"{words} (late in some lines: {patches})" if patches else words


def releases_with_service(name: str) -> str:
    """In words, which releases have a service; empty when none has."""
    entry = _table()["services"].get(name)
    return _span(entry.get("from"), entry.get("to")) if entry else ""


def _span(first: str | None, last: str | None) -> str:
    first = first or lines()[0]
    return f"{first} to {last}" if last else f"{first} and later"


def _order(line: str) -> tuple[int, ...]:
    return tuple(int(part) for part in line.removesuffix("-dev").split("."))


def _covers(entry: Mapping[str, Any], line: str, known: tuple[str, ...]) -> bool:
    return known.index(entry.get("from", known[0])) <= known.index(line) <= known.index(entry.get("to", known[-1]))


def _period(periods: list[dict[str, Any]], line: str, known: tuple[str, ...]) -> dict[str, Any] | None:
    return next((period for period in periods if _covers(period, line, known)), None)


def _too_old(since: str | None, release: str) -> bool:
    match = RELEASE.fullmatch(release.strip())
    if since is None or match is None or match[2] is None:
        return False
    return int(match[2]) < int(since.rsplit(".", 1)[1])


def _as_patched(entry: Mapping[str, Any], period: Mapping[str, Any], line: str, release: str) -> Mapping[str, Any]:
    """The period with the annotations of this patch release, where a later one changed them."""
    before = entry.get("before_patch", {}).get(line)
    if before is None or not _too_old(before["until"], release):
        return period
    kept = {key: period[key] for key in ("from", "to", "default") if key in period}
    return {**kept, **before}


def _property(name: str, entry: Mapping[str, Any], period: Mapping[str, Any]) -> Property:
    return Property(
        name=name,
        state=period.get("state", "active"),
        flags=frozenset(period.get("flags", ())),
        one_of=tuple(period["one-of"].split("|")) if "one-of" in period else (),
        any_of=tuple(period["any-of"].split("|")) if "any-of" in period else (),
        default=period.get("default"),
        kind=entry.get("kind", ""),
        service=entry.get("service", ""),
        replaced_by=tuple(entry.get("replaced_by", ())),
    )
