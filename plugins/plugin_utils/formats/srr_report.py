# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Storage resource reports (SRR 4.x): what a storage says of its capacity, one share for each area.

dCache serves them at ``/api/v1/srr`` of its frontend, StoRM as a file in a storage area; the shape is that of the WLCG schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cric_listing import Reading
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import Problem

REMEDY = "It is left out; mend what the storage publishes."


@dataclass(frozen=True)
class ShareReport:
    """Bytes of one share; None where it does not say. paths: directories that it is for, where it says so."""

    name: str
    total: int | None
    used: int | None
    paths: tuple[str, ...] = ()
    vos: tuple[str, ...] = ()


@dataclass(frozen=True)
class StorageReport:
    """updated: seconds since 1970, None where it does not say."""

    name: str = ""
    implementation: str = ""
    version: str = ""
    updated: int | None = None
    shares: tuple[ShareReport, ...] = ()
    endpoints: tuple[str, ...] = ()


def read_report(document: Any, where: str = "SRR") -> tuple[StorageReport, tuple[Problem, ...]]:
    """All that can be read of a report, whatever is in it."""
    problems: list[Problem] = []
    held = document.get("storageservice") if isinstance(document, Mapping) else None
    if not isinstance(held, Mapping):
        return StorageReport(), (Problem(where, "has no object storageservice.", "Check the address of the report."),)
    service = Reading(f"{where}: storageservice", held, problems)
    shares = []
    for number, fields in enumerate(_objects(service, "storageshares")):
        share = Reading(f"{service.path}.storageshares[{number}]", fields, problems)
        shares.append(
            ShareReport(
                share.text("name"), share.whole("totalsize"), share.whole("usedsize"), _texts(fields, "path"), _texts(fields, "vos")
            )
        )
    endpoints = tuple(
        str(each["endpointurl"]) for each in _objects(service, "storageendpoints") if isinstance(each.get("endpointurl"), str)
    )
    report = StorageReport(
        service.text("name"),
        service.text("implementation"),
        service.text("implementationversion"),
        service.whole("latestupdate"),
        tuple(shares),
        endpoints,
    )
    return report, tuple(problems)


def _objects(service: Reading, key: str) -> list[Mapping[str, Any]]:
    """The objects of a list; what is none is noted."""
    listed = service.fields.get(key)
    if listed is not None and not isinstance(listed, list):
        service.wrong(key, "is no list.", REMEDY)
    objects = []
    for number, each in enumerate(listed if isinstance(listed, list) else []):
        if isinstance(each, Mapping):
            objects.append(each)
        else:
            service.wrong(f"{key}[{number}]", "is no object.", REMEDY)
    return objects


def _texts(fields: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = fields.get(key)
    return tuple(str(each) for each in value) if isinstance(value, list) else (value,) if isinstance(value, str) else ()
