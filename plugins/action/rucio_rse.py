# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of rucio_rse: records from the description or from CRIC, one plan for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cric_doma import records_from_views, states_from_view
from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import rse_record_as_dict
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.model.rse import RseRecord
from ansible_collections.escape.datalake.plugins.plugin_utils.model.rucio import DECLARED_DISTANCES
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import Change, Plan
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.distances import (
    KIND as DISTANCE,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.distances import (
    Pair,
    between,
    by_source,
    declared_distances,
    distance_changes,
    found_distances,
    note_changes,
    to_look_at,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.planned import Planned
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.rses import (
    MIN_FREE_SPACE,
    Purge,
    RseFound,
    Space,
    declares_other_space,
    found_rse,
    load_records,
    plan_removal,
    plan_rses,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio_action import PLANNING, PLANNING_CONSTRAINTS, NotShown, RucioAction
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio_bulk import BulkWriter
from ansible_collections.escape.datalake.plugins.plugin_utils.services.cric import CricClient
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import Tls
from ansible_collections.escape.datalake.plugins.plugin_utils.services.rucio import RucioClient, in_parallel

SINGLE_READS = 100  # distances; from more on, one export is cheaper than a call for each (4 ms a call)
SPACE_SOURCE = "storage"  # where Rucio's reaper looks for the space of an RSE unless told otherwise


class ActionModule(RucioAction):
    ARGUMENTS = {
        **PLANNING,
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "rses": {
            "type": "list",
            "elements": "dict",
            "options": {
                "name": {"type": "str", "required": True},
                "site": {"type": "str"},
                "properties": {"type": "dict"},
                "attributes": {"type": "dict"},
                "protocols": {"type": "list", "elements": "dict"},
                "limits": {"type": "dict"},
                "space": {"type": "raw"},
            },
        },
        "cric": {
            "type": "dict",
            "options": {
                "url": {"type": "str", "required": True},
                "application": {"type": "str", "default": "doma"},
                "names": {"type": "list", "elements": "str", "required": True},
                "ca_path": {"type": "path"},
                "client_cert": {"type": "path"},
                "client_key": {"type": "path", "no_log": False},
            },
        },
        "distances": {"type": "dict", "default": {}},
        "reread_distances": {"type": "bool", "default": False},
        "purge_protocols": {"type": "list", "elements": "str", "default": []},
        "purge_attributes": {"type": "list", "elements": "str", "default": []},
        "revive": {"type": "bool", "default": False},
        "removal_limit": {"type": "int", "default": 5},
    }
    CONSTRAINTS = {
        **PLANNING_CONSTRAINTS,
        "mutually_exclusive": [*PLANNING_CONSTRAINTS["mutually_exclusive"], ["rses", "cric"]],
        "required_one_of": [["rses", "cric"]],
        "required_if": [*PLANNING_CONSTRAINTS["required_if"], ["state", "absent", ["rses"]]],
    }

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        if arguments["state"] == "absent":
            return self._remove(arguments)
        cric = cric_client(arguments["cric"]) if arguments["cric"] else None
        records = records_from_cric(cric, arguments["cric"]["names"]) if cric else records_from_option(arguments["rses"])
        pairs = declared_distances((), arguments["distances"], at="distances")
        client = self.client(arguments)
        bulk = BulkWriter(client, self.progress)
        purge = Purge(tuple(arguments["purge_protocols"]), tuple(arguments["purge_attributes"]))

        def read() -> LakeFound:
            return read_lake(client, records, pairs, bulk, every_distance=arguments["reread_distances"])

        def plan(found: LakeFound) -> Planned:
            planned = plan_rses(records, found.rses, purge=purge, revive=arguments["revive"])
            return replace(planned, plan=Plan.of((*planned.plan.changes, *lake_distance_changes(pairs, found))))

        def write(change: Change) -> None:
            if bulk.was_sent(change):
                return
            if change.kind == DISTANCE:
                bulk.write_distance(change)
            else:
                write_change(client, change)

        answer = self.converge(
            client, read=read, plan=plan, write=write, ahead=bulk.ahead, file=self.plan_file(arguments), objects=lake_objects
        )
        if cric:
            answer["traffic"] = {what: count + cric.traffic[what] for what, count in answer["traffic"].items()}
        return {**answer, "rses": [rse_record_as_dict(record) for record in records]}

    def _remove(self, arguments: dict[str, Any]) -> dict[str, Any]:
        names = [each["name"] for each in arguments["rses"]]
        client = self.client(arguments)
        return self.converge(
            client,
            read=lambda: {name: found_rse(name, raw, client.major) for name, raw in client.lake(names)["rses"].items()},
            plan=lambda found: plan_removal(names, found, arguments["removal_limit"]),
            write=lambda change: write_change(client, change),
            file=self.plan_file(arguments),
        )


def records_from_option(listed: list[dict[str, Any]]) -> tuple[RseRecord, ...]:
    """Records of the rses option; raises DescriptionError with the problems of all of them."""
    return load_records([{key: value for key, value in each.items() if value is not None} for each in listed])


def cric_client(options: dict[str, Any]) -> CricClient:
    tls = Tls(ca=options["ca_path"], certificate=options["client_cert"], key=options["client_key"])
    return CricClient(options["url"], options["application"], tls, read_only=True)


def records_from_cric(cric: CricClient, names: list[str]) -> tuple[RseRecord, ...]:
    """Records of the RSEs named, as CRIC has them; raises DescriptionError for names that it does not have or that are not active there."""
    plain, doma = cric.rse_views()
    states = states_from_view(doma)
    problems = [
        Problem("cric.names", f"{name} is {states.get(name, 'not')} in {cric.url}.", "Publish it there first, or correct the name.")
        for name in names
        if states.get(name) != "ACTIVE"
    ]
    if problems:
        raise DescriptionError(problems)
    chosen = [record for record in records_from_views(plain, doma) if record.name in names]
    return load_records([rse_record_as_dict(record) for record in chosen], "cric")


@dataclass(frozen=True)
class LakeFound:
    """What the server holds. distances: of the pairs in looked_at; noted: digest of the distances that were declared last, by source."""

    rses: Mapping[str, RseFound]
    looked_at: Mapping[Pair, int | None]
    distances: Mapping[Pair, int]
    noted: Mapping[str, str | None]


def read_lake(
    client: RucioClient, records: tuple[RseRecord, ...], pairs: Mapping[Pair, int | None], bulk: BulkWriter, *, every_distance: bool
) -> LakeFound:
    """RSEs and distances, without the distances that are noted as written the way they are declared.

    Distances cost the server more than all the rest: the export of 500 RSEs takes 86 s with them and 1.6 s without.
    """
    names = dict.fromkeys((*(record.name for record in records), *(source for source, _destination in pairs)))
    raw = client.lake(names)["rses"]
    bulk.noting(raw)
    noted = {name: each.get("attributes", {}).get(DECLARED_DISTANCES) for name, each in raw.items()}
    looked_at = dict(pairs) if every_distance else to_look_at(pairs, noted)
    existing = between(looked_at, raw)
    if len(existing) <= SINGLE_READS:
        distances = client.distances_between(existing)
    else:
        lake = client.lake((), distances=True)
        distances = lake["distances"] if "distances" in lake else client.distances_between(existing)
    return LakeFound(read_rses(client, records, raw), looked_at, found_distances(distances), noted)


def lake_objects(found: LakeFound) -> dict[str, Any]:
    """What a plan rests on, by RSE, for its file."""
    rows = by_source(found.distances)
    return {name: {"rse": found.rses.get(name), "distances": rows.get(name)} for name in found.rses.keys() | rows.keys()}


def lake_distance_changes(pairs: Mapping[Pair, int | None], found: LakeFound) -> Iterator[Change]:
    """Distances after their RSEs, and the notes of them at the very end."""
    yield from distance_changes(found.looked_at, found.distances, stage=3)
    yield from note_changes(pairs, found.noted, stage=4)


def read_rses(client: RucioClient, records: tuple[RseRecord, ...], raw: Mapping[str, Mapping[str, Any]]) -> dict[str, RseFound]:
    """The RSEs of records as the server holds them. raw: what its export said.

    One more call for each RSE with another declared space than last time, with a limit that the export lacks, or missing (is its name
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
        case "properties", _:
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
