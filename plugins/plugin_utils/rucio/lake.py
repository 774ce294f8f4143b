# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A whole lake in Rucio: the plan from what a source wants and what was found to what must be written, with its guards. Pure.

Two attributes of our own make it cheap and safe. ``synchronised_from`` on every RSE names the source that it comes from: only such RSEs can
be missing from that source, and those of another source are left alone. ``distances_digest`` on one RSE stands for all distances that were
written last: as long as it is the digest of what is wanted, nobody needs to read them, which costs the server more than all the rest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ansible_collections.escape.datalake.plugins.plugin_utils.cric.wanted import AVAILABILITY, WantedLake
from ansible_collections.escape.datalake.plugins.plugin_utils.guard import Act, Guard, Source, hold_back
from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import rse_record_as_dict
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.model.rse import RseRecord
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import Change, Plan
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio import rses
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.planned import Planned
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.rses import Purge, RseFound

SOURCE_MARK = "synchronised_from"
DIGEST = "distances_digest"
DISTANCES_STAGE, DIGEST_STAGE = 3, 4
Rows = Mapping[str, Mapping[str, int]]
Absent = Literal["keep", "disable"]


@dataclass(frozen=True)
class LakeOptions:
    """source: name of the source in the mark. absent: what happens to RSEs that the source no longer has.

    purge, purge_distances: what may be removed because it is not declared. verify_distances: distances are read whatever the digest says.
    """

    source: str = "CRIC"
    guard: Guard = field(default_factory=Guard)
    purge: Purge = field(default_factory=Purge)
    absent: Absent = "keep"
    purge_distances: bool = False
    verify_distances: bool = False


@dataclass(frozen=True)
class LakeFound:
    """What the server holds. rses: all of them, and deleted ones whose names are wanted. rows: distances, None where nobody asked."""

    rses: Mapping[str, RseFound] = field(default_factory=dict)
    rows: Rows | None = None

    @property
    def names(self) -> frozenset[str]:
        return frozenset(name for name, rse in self.rses.items() if not rse.deleted)


@dataclass(frozen=True)
class LakePlan:
    """planned: what to write. absent: RSEs of the source that it no longer has. foreign: wanted RSEs that belong to another source.

    rows: the distances that are there once the plan is carried out, which its digest stands for.
    """

    planned: Planned
    absent: tuple[str, ...] = ()
    foreign: Mapping[str, str] = field(default_factory=dict)
    rows: Rows = field(default_factory=dict)


def digest_of(rows: Rows) -> str:
    """A short text for all distances, the same for the same ones in any order."""
    sum_of_rows = hashlib.sha256()
    for source in sorted(rows):
        if rows[source]:
            row = ";".join(f"{destination}={distance}" for destination, distance in sorted(rows[source].items()))
            sum_of_rows.update(f"{source}:{row}\n".encode())
    return sum_of_rows.hexdigest()[:24]


def known_rows(rows: Rows, names: frozenset[str]) -> dict[str, dict[str, int]]:
    """The distances between RSEs that are there."""
    kept = {source: {to: number for to, number in row.items() if to in names} for source, row in rows.items() if source in names}
    return {source: row for source, row in kept.items() if row}


def noted_digest(wanted: WantedLake, found: LakeFound, options: LakeOptions) -> tuple[str | None, str | None]:
    """The RSE that holds the digest of the distances that were written last from this source, and the digest."""
    for name in _ours(wanted, found, options):
        if digest := found.rses[name].attributes.get(DIGEST):
            return name, str(digest)
    return None, None


def believed_rows(
    wanted: WantedLake, found: LakeFound, options: LakeOptions, kept: Callable[[], Rows | None] = lambda: None
) -> Rows | None:
    """The distances that the server must have, as far as they matter here; None when they have to be read.

    The digest is that of the wanted distances between the RSEs that were there at the end of the last run. RSEs that this run is going to
    make have none yet, so that adding a site needs no reading either. kept: a copy of what was written last, which is believed if it is
    what the digest stands for; then a change of some distances needs no reading either.
    """
    if wanted.rows is None:
        return {}
    if options.verify_distances:
        return None
    free = _free(found, options)
    between = known_rows(wanted.rows, free)
    noted = noted_digest(wanted, found, options)[1]
    if noted == digest_of(between):
        return between
    if noted is not None and (copy := kept()) is not None and noted == digest_of(copy):
        return known_rows(copy, free)
    return {} if not between and not (options.purge_distances and found.names) else None


def plan_lake(wanted: WantedLake, found: LakeFound, options: LakeOptions) -> LakePlan:
    """All changes that bring the server to what the source wants, without those that the guards hold back.

    What the source does not mention is left alone. RSEs that it no longer has are reported, or closed where that is asked for.
    wanted: with records that Rucio takes, see usable().
    """
    foreign = {
        record.name: str(mark) for record in wanted.records if (mark := _mark(found, record.name)) is not None and mark != options.source
    }
    records = [
        record
        for record in wanted.records
        if record.name not in foreign and (record.name in found.rses or record.name not in wanted.inactive)
    ]
    marked = [
        replace(record, attributes={**record.attributes, SOURCE_MARK: options.source})
        for record in records
        if record.name not in wanted.inactive
    ]
    closed = [record for record in records if record.name in wanted.inactive]
    ours = _ours(wanted, found, options)
    absent = tuple(name for name in ours if name not in wanted.names)
    planned = rses.plan_rses(marked, _without_digest(found), purge=options.purge)
    changes = [*planned.plan.changes, *rses.plan_rses(closed, found.rses).plan.changes]
    if options.absent == "disable":
        closing = [RseRecord(name, properties=dict.fromkeys(AVAILABILITY, False)) for name in absent]
        changes += rses.plan_rses(closing, found.rses).plan.changes
    changes = [part for change in changes for part in _availability_apart(change)]
    synchronised = frozenset(record.name for record in marked)
    rows = known_rows(wanted.rows or {}, (_free(found, options) | synchronised) - planned.refused.keys())
    changes += _distance_changes(wanted, found, options, synchronised, rows)
    if wanted.additions_only:
        changes = [change for change in changes if change.verb == "create" and change.name != DIGEST]
    refused = {subject: reason for subject, reason in planned.refused.items() if any(change.subject == subject for change in changes)}
    held_names = len(wanted.names)
    unread = len(wanted.unreadable)
    doubt = (f"{unread} of {held_names} cannot be read",) if unread * 100 > options.guard.shrink_percent * held_names else ()
    source = Source(f"RSEs of {options.source}", held_names, before=held_names + len(absent), problems=doubt)
    allowed, held = hold_back(Plan.of(changes), takes_away, _totals(found), [source], options.guard, counted=_counted)
    if any(change.kind == "distances" for change in held.changes):
        allowed = Plan(tuple(change for change in allowed.changes if change.name != DIGEST))
    return LakePlan(Planned(allowed, refused, planned.more, held), absent, foreign, rows)


def usable(records: Sequence[RseRecord]) -> tuple[list[RseRecord], list[Problem]]:
    """The records that Rucio takes, and what is wrong with the others."""
    good: list[RseRecord] = []
    problems: list[Problem] = []
    for record in records:
        try:
            rses.load_records([rse_record_as_dict(record)], record.name)
        except DescriptionError as error:
            problems += [replace(each, path=each.path.replace(f"{record.name}[0]", record.name, 1)) for each in error.problems]
        else:
            good.append(record)
    return good, problems


def takes_away(change: Change) -> Act | None:
    """What a change takes from the lake: removals of what is registered, disabling of what can be used."""
    if change.verb == "delete":
        return "removals"
    before, after = (value if isinstance(value, Mapping) else {} for value in (change.before, change.after))
    if change.kind == "availability" and any(before.get(flag) and after.get(flag) is False for flag in AVAILABILITY):
        return "disabling"
    if (
        change.kind == "protocol"
        and change.verb == "update"
        and any(number is not None and new is None for number, new in _priorities(before, after))
    ):
        return "disabling"
    return None


def _counted(change: Change) -> list[str]:
    """What a guard counts: RSEs that are disabled, and everything that is removed, each distance by itself."""
    if change.kind == "distances":
        return [f"{change.subject} -> {destination}" for destination in change.before]
    return [change.subject if takes_away(change) == "disabling" else f"{change.subject} {change.kind} {change.name}"]


def fingerprinted(wanted: WantedLake, found: LakeFound) -> dict[str, Any]:
    """What a plan rests on, by RSE: what was found of it, without what only says how it was found."""
    rows = found.rows or {}
    return {
        name: {
            "rse": rse,
            "distances": {to: rows.get(name, {}).get(to) for to in (wanted.rows or {}).get(name, {})},
        }
        for name, rse in _without_digest(found).items()
    }


def _free(found: LakeFound, options: LakeOptions) -> frozenset[str]:
    """The RSEs that belong to this source or to nobody."""
    return frozenset(name for name in found.names if _mark(found, name) in (None, options.source))


def _ours(wanted: WantedLake, found: LakeFound, options: LakeOptions) -> list[str]:
    """The RSEs that came from this source and are among those that are synchronised."""
    return sorted(name for name in found.names if _mark(found, name) == options.source and wanted.selection.takes(name))


def _mark(found: LakeFound, name: str) -> Any:
    there = found.rses.get(name)
    return None if there is None or there.deleted else there.attributes.get(SOURCE_MARK)


def _without_digest(found: LakeFound) -> dict[str, RseFound]:
    """The RSEs without the note of the digest, which no purge list means."""
    return {
        name: replace(rse, attributes={key: value for key, value in rse.attributes.items() if key != DIGEST})
        if DIGEST in rse.attributes
        else rse
        for name, rse in found.rses.items()
    }


def _availability_apart(change: Change) -> Iterator[Change]:
    """A change of columns as two where it opens or closes an RSE, so that a guard can hold back that alone."""
    if change.kind != "properties":
        yield change
        return
    flags = [key for key in change.after if key in AVAILABILITY]
    others = [key for key in change.after if key not in AVAILABILITY]
    for kind, keys in (("properties", others), ("availability", flags)):
        if keys:
            before, after = ({key: side[key] for key in keys} for side in (change.before, change.after))
            yield replace(change, kind=kind, name=", ".join(keys), before=before, after=after)


def _distance_changes(
    wanted: WantedLake, found: LakeFound, options: LakeOptions, synchronised: frozenset[str], between: Rows
) -> Iterator[Change]:
    """One change for each source and kind of write; the note of the digest comes last. between: wanted ones of RSEs that are there then."""
    if wanted.rows is None:
        return
    rows = found.rows or {}
    for source, row in between.items():
        held: Mapping[str, int] = rows.get(source, {})
        fresh = {to: number for to, number in row.items() if to not in held}
        other = {to: number for to, number in row.items() if to in held and held[to] != number}
        if fresh:
            yield Change(source, "distances", "create", name=_to(fresh), after=fresh, stage=DISTANCES_STAGE)
        if other:
            before = {to: held[to] for to in other}
            yield Change(source, "distances", "update", name=_to(other), before=before, after=other, stage=DISTANCES_STAGE)
    if options.purge_distances and found.rows is not None:
        ours = synchronised & found.names
        for source, found_row in rows.items():
            declared = wanted.rows.get(source, {})
            gone = {to: number for to, number in found_row.items() if source in ours and to in ours and to not in declared}
            if gone:
                yield Change(source, "distances", "delete", name=_to(gone), before=gone, stage=DISTANCES_STAGE)
    digest = digest_of(between)
    holder, noted = noted_digest(wanted, found, options)
    holder = holder or min((source for source in wanted.rows if source in synchronised), default=None)
    if holder is not None and noted != digest:
        verb: Literal["create", "update"] = "create" if noted is None else "update"
        yield Change(holder, "attribute", verb, name=DIGEST, before=noted, after=digest, stage=DIGEST_STAGE)


def _to(row: Iterable[str]) -> str:
    names = list(row)
    return f"to {names[0]}" if len(names) == 1 else f"to {len(names)} RSEs"


def _priorities(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    for domain, operations in (before.get("domains") or {}).items():
        new = (after.get("domains") or {}).get(domain) or {}
        yield from ((number, new.get(operation)) for operation, number in operations.items())


def _totals(found: LakeFound) -> dict[Act, int]:
    there = [rse for rse in found.rses.values() if not rse.deleted]
    parts = sum(len(rse.attributes) + len(rse.protocols) for rse in there) + sum(map(len, (found.rows or {}).values()))
    return {"removals": parts, "disabling": len(there)}
