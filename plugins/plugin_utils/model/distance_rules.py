# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which distances RSEs should have: from rules over the places where they stand, or declared pair by pair; only pairs that may transfer.

Pure. Work and memory grow with the pairs that come out (and those that a rule groups together), not with the square of the RSEs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.model.rse import RseRecord
from ansible_collections.escape.datalake.plugins.plugin_utils.model.rucio import removed_in

Rows = dict[str, dict[str, int]]  # distance by source and destination
SAME = ("site", "region", "country", "continent")
EARTH_KM = 6371.0
KM_PER_DEGREE = 111.19  # of latitude
# Schemes between which Rucio makes transfers (lib/rucio/common/constants.py, SCHEME_MAP); all others go with themselves only.
WEB = frozenset({"https", "davs", "srm+https", "cs3s"})
STAGING_DISTANCE = 1


@dataclass(frozen=True)
class Place:
    """What the distances of an RSE depend on. reads, writes: kinds of doors by which it can be source and destination of a copy."""

    name: str
    site: str = ""
    country: str = ""
    region: str = ""
    continent: str = ""
    latitude: float | None = None
    longitude: float | None = None
    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    staging: bool = False

    def key(self, same: str) -> tuple[str, ...]:
        """What two RSEs share that are in the same site (region, ...); empty where that is not known. A region lies in a country."""
        values = {"site": (self.site,), "country": (self.country,), "region": (self.country, self.region), "continent": (self.continent,)}[
            same
        ]
        return tuple(value.casefold() for value in values) if values[-1] else ()

    def copies_to(self, other: Place) -> bool:
        """Whether Rucio can ask for a copy from here to there."""
        return bool(self.reads & other.writes)


@dataclass(frozen=True)
class Rule:
    """A distance for all pairs of which everything stated is true; a rule that states nothing is for all pairs.

    same: what both have in common. within_km: how far apart they may be. sources, destinations: shell patterns of names.
    """

    distance: int
    same: str | None = None
    within_km: float | None = None
    sources: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()


@dataclass(frozen=True)
class Declared:
    """All that was declared of distances. explicit: pairs, None for one that is to have none. rules: the first that fits a pair counts.

    A pair that no rule fits has no distance.
    """

    rules: tuple[Rule, ...] = ()
    explicit: Mapping[str, Mapping[str, int | None]] = field(default_factory=dict)


def declared_from(rules: Sequence[Mapping[str, Any]], explicit: Mapping[str, Any], at: str = "distances") -> Declared:
    """Rules and pairs from plain data; raises DescriptionError with all that is wrong."""
    problems: list[Problem] = []
    read = [_rule(f"{at}.rules[{number}]", each, problems) for number, each in enumerate(rules)]
    rows: dict[str, dict[str, int | None]] = {}
    for source, row in explicit.items():
        if not isinstance(row, Mapping):
            problems.append(
                Problem(f"{at}.explicit.{source}", "is no mapping of destinations to distances.", "Write SOURCE: {DESTINATION: 1}.")
            )
            continue
        for destination, number in row.items():
            if number is not None and not _is_distance(number):
                problems.append(_no_distance(f"{at}.explicit.{source}.{destination}", number))
        rows[str(source)] = {str(destination): number for destination, number in row.items()}
    if problems:
        raise DescriptionError(problems)
    return Declared(tuple(read), rows)


def _rule(at: str, given: Mapping[str, Any], problems: list[Problem]) -> Rule:
    if not _is_distance(given.get("distance")):
        problems.append(_no_distance(f"{at}.distance", given.get("distance")))
    if given.get("same") not in (None, *SAME):
        problems.append(
            Problem(f"{at}.same", f"{given['same']!r} is nothing that two RSEs could share.", f"Write one of {', '.join(SAME)}.")
        )
    within = given.get("within_km")
    if within is not None and (isinstance(within, bool) or not isinstance(within, int | float) or not within > 0):
        problems.append(Problem(f"{at}.within_km", f"{within!r} is no length.", "Give kilometres, more than 0."))
    names = [tuple(str(each) for each in given.get(key) or ()) for key in ("sources", "destinations")]
    return Rule(given.get("distance") or 0, given.get("same"), within, *names)


def _is_distance(number: Any) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number >= 0


def _no_distance(at: str, number: Any) -> Problem:
    return Problem(at, f"{number!r} is no distance.", "Give a whole number from 0 (closest).")


def place_of(record: RseRecord, release: str | None = None) -> Place:
    """The place of an RSE. release: of the Rucio server; schemes that it no longer moves files with do not count."""

    def text(key: str) -> str:
        return str(record.properties.get(key) or record.attributes.get(key) or "")

    def number(key: str) -> float | None:
        value = record.properties.get(key)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    doors = [door for door in record.protocols or () if removed_in(door.scheme, release) is None]
    return Place(
        name=record.name,
        site=str(record.attributes.get("site") or record.site),
        country=text("country_name"),
        region=text("region_code"),
        continent=text("continent"),
        latitude=number("latitude"),
        longitude=number("longitude"),
        reads=frozenset(_kind(door.scheme) for door in doors if door.wan.get("third_party_copy_read") is not None),
        writes=frozenset(_kind(door.scheme) for door in doors if door.wan.get("third_party_copy_write") is not None),
        staging=str(record.attributes.get("staging_required")).lower() == "true",
    )


def _kind(scheme: str) -> str:
    return "web" if scheme in WEB else scheme


def wanted_rows(places: Sequence[Place], declared: Declared) -> Rows:
    """The distances of these RSEs.

    Pairs that cannot transfer get none from rules; those declared explicitly get theirs, because the doors may be registered elsewhere.
    No RSE has a distance to itself, except one whose files are staged in place: Rucio then needs it (lib/rucio/core/rule_grouping.py).
    """
    rows: Rows = {place.name: {} for place in places}
    for place in places:
        if place.staging:
            rows[place.name][place.name] = STAGING_DISTANCE
    refused: set[tuple[str, str]] = set()
    for source, row in declared.explicit.items():
        for destination, number in row.items():
            if source in rows and destination in rows and (source != destination or destination in rows[source]):
                if number is None:
                    refused.add((source, destination))
                    rows[source].pop(destination, None)
                else:
                    rows[source][destination] = number
    for rule in declared.rules:
        for place, others in _pairs(rule, places):
            row_of_place = rows[place.name]
            for other in others:
                name = other.name
                if name not in row_of_place and other is not place and place.copies_to(other) and (place.name, name) not in refused:
                    row_of_place[name] = rule.distance
    return {source: row for source, row in rows.items() if row}


def _pairs(rule: Rule, places: Sequence[Place]) -> Iterator[tuple[Place, Iterable[Place]]]:
    """Each source with the destinations that a rule is for, perhaps itself among them."""
    sources, destinations = _named(places, rule.sources), _named(places, rule.destinations)
    if rule.same is not None:
        groups: dict[tuple[str, ...], list[Place]] = {}
        for place in destinations:
            groups.setdefault(place.key(rule.same), []).append(place)
        groups.pop((), None)
        same = rule.same
        if rule.within_km is None:
            yield from ((source, groups.get(source.key(same), ())) for source in sources)
            return
        neighbours = {key: _Neighbourhood(members, rule.within_km) for key, members in groups.items()}
        yield from ((source, neighbours[source.key(same)].of(source)) for source in sources if source.key(same) in neighbours)
    elif rule.within_km is not None:
        neighbourhood = _Neighbourhood(destinations, rule.within_km)
        yield from ((source, neighbourhood.of(source)) for source in sources)
    else:
        yield from ((source, destinations) for source in sources)


def _named(places: Sequence[Place], patterns: Sequence[str]) -> Sequence[Place]:
    return [place for place in places if any(fnmatchcase(place.name, pattern) for pattern in patterns)] if patterns else places


class _Neighbourhood:
    """Finds the places within a distance of another by cells of latitude and longitude, so that far ones are never looked at."""

    def __init__(self, places: Iterable[Place], km: float) -> None:
        self.km = km
        self.step = max(km / KM_PER_DEGREE, 0.05)
        self.cells: dict[tuple[int, int], list[Place]] = {}
        for place in places:
            if place.latitude is not None and place.longitude is not None:
                self.cells.setdefault(self._cell(place.latitude, place.longitude), []).append(place)

    def _cell(self, latitude: float, longitude: float) -> tuple[int, int]:
        return math.floor(latitude / self.step), math.floor(longitude / self.step)

    def of(self, place: Place) -> Iterator[Place]:
        if place.latitude is None or place.longitude is None:
            return
        latitude, longitude = place.latitude, place.longitude
        rows = range(*_around(math.floor(latitude / self.step), 1))
        # Degrees of longitude shrink towards the poles, and begin again at 180.
        furthest = min(abs(latitude) + self.step, 90.0)
        reach = math.ceil(1 / max(math.cos(math.radians(furthest)), 1e-6)) + 1
        wide = (2 * reach + 1) * self.step >= 360
        for row in rows:
            columns: Iterable[int]
            if wide or (2 * reach + 1) * len(rows) > len(self.cells):
                columns = [column for held, column in self.cells if held == row]
            else:
                turns = (self._cell(0, longitude + turn)[1] for turn in (-360, 0, 360))
                columns = dict.fromkeys(column for turn in turns for column in range(*_around(turn, reach)))
            for column in columns:
                for other in self.cells.get((row, column), ()):
                    if kilometres(latitude, longitude, other.latitude or 0.0, other.longitude or 0.0) <= self.km:
                        yield other


def _around(middle: int, reach: int) -> tuple[int, int]:
    return middle - reach, middle + reach + 1


def kilometres(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """The way between two places along the surface of the earth (haversine)."""
    one, other = math.radians(latitude), math.radians(other_latitude)
    turn = math.radians(other_longitude - longitude)
    chord = math.sin((other - one) / 2) ** 2 + math.cos(one) * math.cos(other) * math.sin(turn / 2) ** 2
    return 2 * EARTH_KM * math.asin(min(1.0, math.sqrt(chord)))
