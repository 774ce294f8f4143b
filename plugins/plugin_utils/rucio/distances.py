# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Distances between RSEs: what may be asked, what was found, and the plan from one to the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import Change, Plan, Verb
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.planned import Planned

Pair = tuple[str, str]


def declared_distances(listed: Iterable[Mapping[str, Any]], matrix: Mapping[str, Any], *, absent: bool = False) -> dict[Pair, int | None]:
    """All declared pairs; None asks for removal. Raises DescriptionError for what is no distance and for pairs declared twice differently.

    listed: ``{source, destination, distance, bidirectional}``; matrix: ``{source: {destination: distance}}``, where null asks for removal.
    absent: all of them are to be removed, whatever their distance.
    """
    problems: list[Problem] = []
    pairs: dict[Pair, int | None] = {}

    def declare(path: str, pair: Pair, distance: Any) -> None:
        if distance is not None and (isinstance(distance, bool) or not isinstance(distance, int) or distance < 0):
            problems.append(
                Problem(path, f"{distance!r} is no distance.", "Give a whole number from 0 (closest), or null in the matrix to remove it.")
            )
        elif pairs.setdefault(pair, distance) != distance and not absent:
            problems.append(Problem(path, f"{pair_name(pair)} is declared twice with different distances.", "Keep one of them."))

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
            problems.append(Problem(f"matrix.{source}", "is no mapping of destinations to distances.", "Write SOURCE: {DESTINATION: 1}."))
            continue
        for destination, distance in row.items():
            declare(f"matrix.{source}.{destination}", (source, destination), distance)
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


def plan_distances(wanted: Mapping[Pair, int | None], found: Mapping[Pair, int]) -> Planned:
    """The writes that give the server the declared distances; pairs that are not declared are left alone."""

    def changes() -> Iterable[Change]:
        for pair, distance in wanted.items():
            held = found.get(pair)
            if held == distance:
                continue
            verb: Verb = "delete" if distance is None else "create" if held is None else "update"
            yield Change(pair_name(pair), "distance", verb, before=held, after=distance)

    return Planned(Plan.of(changes()))


def pair_name(pair: Pair) -> str:
    return f"{pair[0]} -> {pair[1]}"


def pair_of(name: str) -> Pair:
    """The pair that pair_name() named (RSE names have no blanks)."""
    source, destination = name.split(" -> ")
    return source, destination
