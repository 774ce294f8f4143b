# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""RSEs and distances in a Rucio server: reading them in the planners' terms, and carrying single changes out. Needs no Ansible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.model.rse import RseRecord
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import Change, Plan
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.distances import Pair, found_distances, pair_of
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.rses import (
    MIN_FREE_SPACE,
    RseFound,
    Space,
    declares_other_space,
    found_rse,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError
from ansible_collections.escape.datalake.plugins.plugin_utils.services.rucio import RucioClient, in_parallel

SPACE_SOURCE = "storage"  # where Rucio's reaper looks for the space of an RSE unless told otherwise
# From so many changes on, imports are quicker than single calls; an import is one transaction, so its size limits what one bad pair undoes.
BULK_FROM = 20
CHUNK = 500


# At most one in so many is read one by one, three calls for an RSE and one for a pair: the server has done that sooner than all in one.
FEW = 10


class NotShown(Exception):
    """A write that the server took and did not keep."""

    def __init__(self) -> None:
        super().__init__("the server answered that it was written, but does not show it")


class RseReader:
    """Reads the RSEs of records: at first all of the server by one call, after a plan only those that it touched, where they are few."""

    def __init__(self, client: RucioClient, records: Sequence[RseRecord]) -> None:
        self.client, self.records = client, records
        self._held = 0

    def read(self) -> dict[str, RseFound]:
        raw = self.client.lake(record.name for record in self.records)["rses"]
        self._held = len(raw)
        return found_rses(self.client, self.records, raw)

    def reread(self, found: Mapping[str, RseFound], plan: Plan) -> dict[str, RseFound]:
        touched = touched_rses(plan, self._held)
        return self.read() if touched is None else with_touched(self.client, self.records, found, touched)


def touched_rses(plan: Plan, held: int) -> set[str] | None:
    """The RSEs that a plan changes, but for their distances; None where they are not few of those that the server holds."""
    touched = {change.subject for change in plan.changes if change.kind != "distances"}
    return touched if len(touched) * FEW <= held else None


def with_touched(
    client: RucioClient, records: Sequence[RseRecord], found: Mapping[str, RseFound], touched: set[str]
) -> dict[str, RseFound]:
    """What was found, with the touched ones of records read again."""
    again = found_rses(client, [record for record in records if record.name in touched], client.single_rses(touched))
    return {**{name: rse for name, rse in found.items() if name not in touched}, **again}


def found_rses(client: RucioClient, records: Sequence[RseRecord], raw: Mapping[str, Any]) -> dict[str, RseFound]:
    """The RSEs of records from the server's export.

    One call more for each RSE with another declared space than last time, with a limit that the export lacks, or missing (is its name
    taken?).
    """
    major = client.major

    def one(record: RseRecord) -> RseFound | None:
        name = record.name
        if name not in raw:
            attributes = client.deleted_attributes(name)
            return None if attributes is None else RseFound(name, attributes=attributes, deleted=True)
        limits = client.limits(name) if set(record.limits) - {MIN_FREE_SPACE} else None
        found = found_rse(name, raw[name], major, limits=limits)
        return replace(found, space=reported_space(client, name)) if declares_other_space(record, found) else found

    return {found.name: found for found in in_parallel(one, records) if found is not None}


def reported_space(client: RucioClient, rse: str) -> Space:
    """What source SPACE_SOURCE reported of an RSE."""
    usage = client.usage(rse, SPACE_SOURCE)
    return Space(usage.get("used"), usage.get("free"), usage.get("files"))


def report_space(client: RucioClient, rse: str, space: Space) -> None:
    """Reports space and reads it back at once: nobody looks at it again after the declared space was noted."""
    client.set_usage(rse, SPACE_SOURCE, space.used or 0, space.free or 0, space.files)
    if reported_space(client, rse) != space:
        raise NotShown()


def write_change(client: RucioClient, change: Change) -> None:
    """Does one change of an RSE."""
    rse, name, after = change.subject, change.name, change.after
    match change.kind, change.verb:
        case "rse", "create":
            client.add_rse(rse, after)
        case "rse", "delete":
            client.delete_rse(rse)
        case "deleted rse", _:
            client.revive_rse(rse)
        case "properties" | "availability", _:
            client.update_rse(rse, after)
        case "attribute", "delete":
            client.delete_attribute(rse, name)
        case "attribute", _:
            client.set_attribute(rse, name, after)
        case "protocol", "create":
            client.add_protocol(rse, after)
        case "protocol", "update":
            client.update_protocol(rse, after)
        case "protocol", "delete":
            client.delete_protocol(rse, change.before)
        case "limit", _:
            client.set_limit(rse, name, after)
        case "space", _:
            report_space(client, rse, Space(**after))
        case unknown:
            raise AssertionError(unknown)


class DistanceWriter:
    """Reads and writes distances. What an import refused is sent pair by pair afterwards, so that each pair gets its own reason."""

    def __init__(self, client: RucioClient) -> None:
        self.client = client
        self._rses: set[str] = set()
        self._held = 0
        self._sent: set[Pair] = set()

    def read(self, pairs: list[Pair]) -> dict[Pair, int]:
        """Distances of the server: one call where the account may export, otherwise one for each of these pairs."""
        lake = self.client.lake((), distances=True)
        self._rses = set(lake["rses"])
        found = found_distances(lake["distances"] if "distances" in lake else self.client.distances_between(pairs))
        self._held = len(found)
        return found

    def reread(self, pairs: list[Pair], found: Mapping[Pair, int], plan: Plan) -> dict[Pair, int]:
        """Distances after a plan: by one call for each pair that it touched, where they are few of all and no more than an import takes."""
        touched = {pair_of(change.subject) for change in plan.changes}
        if len(touched) > CHUNK or len(touched) * FEW > self._held:
            return self.read(pairs)
        kept = {pair: distance for pair, distance in found.items() if pair not in touched}
        return {**kept, **found_distances(self.client.distances_between(list(touched)))}

    def send_ahead(self, plan: Plan) -> None:
        """Imports what a large plan adds and changes; a pair with an RSE that is not there is left to its own call, which says so."""
        pairs = {pair_of(change.subject): change.after for change in plan.changes if change.verb != "delete"}
        known = {pair: distance for pair, distance in pairs.items() if self._rses.issuperset(pair)}
        if len(known) < BULK_FROM:
            return
        listed = list(known.items())
        chunks = [dict(listed[start : start + CHUNK]) for start in range(0, len(listed), CHUNK)]
        for chunk, imported in zip(chunks, in_parallel(self._import, chunks), strict=True):
            if imported:
                self._sent.update(chunk)

    def _import(self, chunk: dict[Pair, int]) -> bool:
        try:
            self.client.import_distances(chunk)
        except ApiError:
            return False
        return True

    def write(self, change: Change) -> None:
        pair = pair_of(change.subject)
        match change.verb:
            case "delete":
                self.client.delete_distance(*pair)
            case _ if pair in self._sent:
                pass
            case "create":
                self.client.add_distance(*pair, change.after)
            case "update":
                self.client.update_distance(*pair, change.after)
