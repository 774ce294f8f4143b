# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Distances between RSEs: what may be asked, what was found, and the plan from one to the other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.model.rucio import DECLARED_DISTANCES
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import Change, Plan, Verb
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.planned import Planned

Pair = tuple[str, str]
Distance = TypeVar("Distance", int, int | None)
KIND = "distance to"  # of a change whose subject is the source and whose name is the destination


def declared_distances(
    listed: Iterable[Mapping[str, Any]], matrix: Mapping[str, Any], *, absent: bool = False, at: str = "matrix"
) -> dict[Pair, int | None]:
    """All declared pairs; None asks for removal. Raises DescriptionError for what is no distance and for pairs declared twice differently.

    listed: ``{source, destination, distance, bidirectional}``; matrix: ``{source: {destination: distance}}``, where null asks for removal.
    absent: all of them are to be removed, whatever their distance. at: where the matrix is, for messages.
    """
    problems: list[Problem] = []
    pairs: dict[Pair, int | None] = {}

    def declare(path: str, pair: Pair, distance: Any) -> None:
        if distance is not None and (isinstance(distance, bool) or not isinstance(distance, int) or distance < 0):
            problems.append(
                Problem(path, f"{distance!r} is no distance.", "Give a whole number from 0 (closest), or null in the matrix to remove it.")
            )
        elif pairs.setdefault(pair, distance) != distance and not absent:
            problems.append(Problem(path, f"{pair[0]} to {pair[1]} is declared twice with different distances.", "Keep one of them."))

    for number, each in enumerate(listed):
        pair = (each["source"], each["destination"])
        if each.get("distance") is None and not absent:
            problems.append(Problem(f"distances[{number}]", "has no distance.", "Give one, or set state absent to remove it."))
            continue
        declare(f"distances[{number}]", pair, each.get("distance"))
        if each.get("bidirectional"):
            declare(f"distances[{number}]", (pair[1], pair[0]), each.get("distance"))
    for source, row in matrix.items():
        if not isinstance(row, Mapping):
            problems.append(Problem(f"{at}.{source}", "is no mapping of destinations to distances.", "Write SOURCE: {DESTINATION: 1}."))
            continue
        for destination, distance in row.items():
            declare(f"{at}.{source}.{destination}", (source, destination), distance)
    if problems:
        raise DescriptionError(problems)
    return dict.fromkeys(pairs) if absent else pairs


def found_distances(raw: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> dict[Pair, int]:
    """Distances from the server's export; servers before 32 say ``ranking`` or ``agis_distance``."""
    found: dict[Pair, int] = {}
    for source, row in raw.items():
        for destination, entry in row.items():
            number = next((entry[key] for key in ("distance", "ranking", "agis_distance") if entry.get(key) is not None), None)
            if number is not None:
                found[source, destination] = int(number)
    return found


def by_source(found: Mapping[Pair, int]) -> dict[str, dict[str, int]]:
    """Distances by source and destination, as a plan has them by subject and name."""
    rows: dict[str, dict[str, int]] = {}
    for (source, destination), distance in found.items():
        rows.setdefault(source, {})[destination] = distance
    return rows


def distance_changes(wanted: Mapping[Pair, int | None], found: Mapping[Pair, int], stage: int = 0) -> Iterator[Change]:
    """The writes that give the server the declared distances; pairs that are not declared are left alone."""
    for (source, destination), distance in wanted.items():
        held = found.get((source, destination))
        if held == distance:
            continue
        verb: Verb = "delete" if distance is None else "create" if held is None else "update"
        yield Change(source, KIND, verb, name=destination, before=held, after=distance, stage=stage)


def plan_distances(wanted: Mapping[Pair, int | None], found: Mapping[Pair, int]) -> Planned:
    """The plan of distance_changes() alone."""
    return Planned(Plan.of(distance_changes(wanted, found)))


def digests(wanted: Mapping[Pair, int | None]) -> dict[str, str]:
    """By source, a digest of the distances that are declared from it."""
    rows = by_source(wanted)
    return {source: hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()[:16] for source, row in rows.items()}


def by_source(distances: Mapping[Pair, Distance]) -> dict[str, dict[str, Distance]]:
    """Distances as ``{source: {destination: distance}}``."""
    rows: dict[str, dict[str, Distance]] = {}
    for (source, destination), distance in distances.items():
        rows.setdefault(source, {})[destination] = distance
    return rows


def to_look_at(wanted: Mapping[Pair, int | None], noted: Mapping[str, str | None]) -> dict[Pair, int | None]:
    """The declared pairs that are not noted as written the way they are declared now.

    noted: value of the attribute DECLARED_DISTANCES by RSE, for every RSE of the server. Where a source carries the note of its pairs with
    those RSEs alone, only its pairs with new RSEs are left: a site that joins a lake costs no look at the lake.
    """
    now = digests(wanted)
    before = digests({pair: distance for pair, distance in wanted.items() if pair[1] in noted})
    left: dict[Pair, int | None] = {}
    for (source, destination), distance in wanted.items():
        note = noted.get(source)
        if note is None or (note != now[source] and (destination not in noted or note != before.get(source))):
            left[source, destination] = distance
    return left


def note_changes(wanted: Mapping[Pair, int | None], noted: Mapping[str, str | None], stage: int) -> Iterator[Change]:
    """Notes of what is declared now. They come in a later stage than the distances, so that an interrupted run is repeated."""
    for source, digest in digests(wanted).items():
        held = noted.get(source)
        if held != digest:
            yield Change(
                source, "attribute", "update" if held else "create", name=DECLARED_DISTANCES, before=held, after=digest, stage=stage
            )


def between(pairs: Iterable[Pair], rses: Collection[str]) -> list[Pair]:
    """The pairs whose both ends are among rses: others cannot have a distance yet."""
    known = frozenset(rses)
    return [pair for pair in pairs if pair[0] in known and pair[1] in known]
