# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sides of a comparison: storages as they are described and as they are configured, their reports, CRIC and Rucio. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.compare.compared import Side, clean_path, facts_of
from ansible_collections.escape.datalake.plugins.plugin_utils.cric.wanted import CricState
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.srr_report import ShareReport, StorageReport
from ansible_collections.escape.datalake.plugins.plugin_utils.model import units
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.model.rse import RseRecord
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.rses import RseFound

DESCRIPTION, STORAGE, CRIC, RUCIO = "description", "storage", "CRIC", "Rucio"
Place = tuple[str, str, int, str]  # scheme, host, port, path: what tells the area of an RSE


def records_side(name: str, records: Iterable[RseRecord], *, partial: bool = True) -> Side:
    return Side(name, {record.name: facts_of(record) for record in records}, partial, declares=True)


def cric_side(cric: CricState) -> Side:
    """CRIC, with its RSEs in every state. Those that cannot be read are there all the same, so that they do not look missing."""
    rses: dict[str, Any] = {name: {} for name in cric.listing.unreadable}
    rses |= {name: facts_of(listed.record, listed.state) for name, listed in cric.listing.rses.items()}
    return Side(CRIC, rses, declares=True)


def rucio_side(found: Mapping[str, RseFound]) -> Side:
    return Side(RUCIO, {name: facts_of(record_of(rse)) for name, rse in found.items() if not rse.deleted})


def record_of(found: RseFound) -> RseRecord:
    """What the server holds, as a record. Its space is the one that was declared last."""
    site = str(found.attributes.get("site") or "")
    return RseRecord(
        found.name, site, found.properties, found.attributes, tuple(found.protocols.values()), found.limits, found.declared_space
    )


def places_of(records: Iterable[RseRecord]) -> dict[Place, str]:
    """The RSE at each place; places that several RSEs claim are left out."""
    found: dict[Place, str | None] = {}
    for record in records:
        for door in record.protocols or ():
            place = _place(door.scheme, door.hostname, door.port, door.prefix)
            found[place] = record.name if found.get(place, record.name) == record.name else None
    return {place: name for place, name in found.items() if name is not None}


def storage_side(
    configured: Mapping[str, Mapping[str, Any]], reports: Mapping[str, StorageReport], known: Mapping[Place, str], names: Iterable[str]
) -> tuple[Side, list[Problem]]:
    """Storages as they run. configured: what was read of their configuration, in the form of a description, by host; facts may be missing.

    reports: their SRR by host. known: RSEs by the place of their area, by which an area finds the name of its RSE. names: of all RSEs.
    """
    notes: list[Problem] = []
    rses: dict[str, dict[str, Any]] = {}
    spellings = {name.casefold(): name for name in names}
    counted: set[tuple[str, str]] = set()
    for host, storage in configured.items():
        doors = [door for door in _objects(storage.get("doors")) if {"scheme", "host", "port"} <= door.keys()]
        report = reports.get(host)
        for area in _objects(storage.get("areas")):
            path = str(area.get("path") or "")
            places = [_place(str(door["scheme"]), str(door["host"]), door["port"], path) for door in doors]
            name = next((known[place] for place in places if place in known), None)
            stated = str(area.get("rse") or f"{storage.get('name', host)}-{area.get('name', '')}".upper())
            if name is None and known:
                notes.append(
                    Problem(f"{host}: {path}", f"is an area that no RSE has; {stated} would be its name.", "Register it, or leave it.")
                )
            share = _share(report, area, name or stated)
            counted.update({(host, share.name)} if share else ())
            rses[name or stated] = _area_facts(storage, area, doors, share)
    for host, report in reports.items():
        for share in report.shares:
            if (host, share.name) in counted:
                continue
            name = spellings.get(share.name.casefold()) or _rse_of_share(share, known)
            if name and share.total is not None:
                rses.setdefault(name, {})["space"] = share.total
            elif not name:
                notes.append(Problem(f"{host}: share {share.name}", "belongs to no RSE that is known.", "Name its path in the report."))
    return Side(STORAGE, rses, partial=True), notes


def _area_facts(
    storage: Mapping[str, Any], area: Mapping[str, Any], doors: Sequence[Mapping[str, Any]], share: ShareReport | None
) -> dict[str, Any]:
    # Neither site nor QoS class stand in a configuration: what was read of them is a guess.
    facts: dict[str, Any] = {"space": _bytes(area.get("capacity"))}
    if area.get("media"):
        facts["rse_type"] = "TAPE" if area["media"] == "tape" else "DISK"
        facts["attribute qos_media"] = area["media"]
    facts["attribute qos_copies"] = area.get("copies")
    base = storage.get("base_path")
    facts["attribute oidc_base_path"] = base if base not in (None, "/") else None
    if share is not None and share.total is not None:
        facts["space"] = share.total
    if doors:
        facts["doors"] = ", ".join(sorted(f"{door['scheme']}://{door['host']}:{door['port']}" for door in doors))
    facts |= {f"{door['scheme']}://{door['host']}:{door['port']} path": clean_path(str(area.get("path") or "/")) for door in doors}
    return {key: value for key, value in facts.items() if value not in (None, "")}


def _share(report: StorageReport | None, area: Mapping[str, Any], rse: str) -> ShareReport | None:
    """The share of an area: the one of its path, else of its name."""
    shares = report.shares if report else ()
    path = clean_path(str(area.get("path") or "/"))
    by_path = next((share for share in shares if path in map(clean_path, share.paths)), None)
    names = {str(area.get("name") or "").casefold(), rse.casefold()} - {""}
    return by_path or next((share for share in shares if share.name.casefold() in names), None)


def _rse_of_share(share: ShareReport, known: Mapping[Place, str]) -> str | None:
    paths = set(map(clean_path, share.paths))
    names = {name for place, name in known.items() if place[3] in paths}
    return names.pop() if len(names) == 1 else None


def _place(scheme: str, host: str, port: Any, path: str) -> Place:
    return scheme, host.lower(), int(port) if str(port).isdigit() else -1, clean_path(path)


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list | tuple) else []


def _bytes(value: Any) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    try:
        return units.parse_size(str(value)) if value else None
    except ValueError:
        return None
