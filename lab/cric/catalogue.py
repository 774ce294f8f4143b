# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The RSEs of the CRIC stand-in: what is kept, the views of it that are served, and the check of what a writer sends."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..shared.jsonfile import JsonFile

NAME = re.compile(r"^([A-Z0-9]+([_-][A-Z0-9]+)*)$")
ACTIVE, ANY = "ACTIVE", "ANY"
# Query parameter: field. CRIC hides what is not ACTIVE in one of the three unless it is asked not to.
STATE_FILTERS = {"state": "state", "site_state": "site_state", "rcsite_state": "rc_site_state"}
DEFAULTS: dict[str, Any] = {
    "site": "",
    "rcsite": "",
    "state": ACTIVE,
    "site_state": ACTIVE,
    "rc_site_state": ACTIVE,
    "rse_type": "",
    "deterministic": True,
    "volatile": False,
    "staging_area": False,
    "availability_read": True,
    "availability_write": True,
    "availability_delete": True,
    "country_name": None,
    "region_code": None,
    "timezone": None,
    "latitude": None,
    "longitude": None,
    "fts": "",
    "impl": "",
    "lfn2pfn_algorithm": "",
    "space": 0,
    "space_usage_method": "",
    "MinFreeSpace": None,
    "MaxBeingDeletedFiles": None,
    "verify_checksum": True,
    "params": {},
    "protocols": [],
}
FLAGS = frozenset(key for key, value in DEFAULTS.items() if isinstance(value, bool))
NUMBERS = frozenset({"latitude", "longitude", "space", "MinFreeSpace", "MaxBeingDeletedFiles"})
PLAIN_ONLY = frozenset({"verify_checksum"})
NOT_IN_DOMA = PLAIN_ONLY | {"rcsite"}
PROTOCOL_FIELDS = frozenset({"name", "scheme", "hostname", "port", "prefix", "ext_attrs", "domains"})
DOMAINS = {"lan": {"read", "write", "delete"}, "wan": {"read", "write", "delete"}, "third_party_copy": {"read", "write"}}
FLAVOURS = {"davs": "WEBDAV", "https": "WEBDAV", "root": "XROOTD", "srm": "SRM", "gsiftp": "GSIFTP", "s3": "S3"}


class Catalogue:
    """RSEs, distances and services, kept in one file."""

    def __init__(self, path: Path) -> None:
        self._file = JsonFile(path, {"rses": {}, "distances": {}, "services": {}})

    def rses(self, query: Mapping[str, str]) -> dict[str, dict[str, Any]]:
        """The stored records that a query selects by name, state and equal fields; fields that no record has select nothing away."""
        wanted = {field: query.get(parameter, ACTIVE) for parameter, field in STATE_FILTERS.items()}
        wanted |= {field: query[field] for field in ("name", "site", "rse_type", "rcsite") if field in query}
        return {
            name: record
            for name, record in sorted(self._file.read()["rses"].items())
            if all(value == ANY or str(record[field]) == value for field, value in wanted.items())
        }

    def plain_view(self, query: Mapping[str, str]) -> dict[str, Any]:
        """RSE -> record with ``protocols`` as label -> flavour, endpoint, path; the only view with verify_checksum."""
        return {name: _plain(record) for name, record in self.rses(query).items()}

    def doma_view(self, query: Mapping[str, str]) -> dict[str, Any]:
        """What Rucio is fed from: records with priorities, and distances between the RSEs that are shown."""
        records = self.rses(query)
        distances = {
            source: kept
            for source, row in sorted(self._file.read()["distances"].items())
            if source in records and (kept := {destination: value for destination, value in sorted(row.items()) if destination in records})
        }
        shown = {name: {key: value for key, value in record.items() if key not in NOT_IN_DOMA} for name, record in records.items()}
        return {"rses": shown, "distances": distances}

    def services(self, query: Mapping[str, str]) -> dict[str, Any]:
        """Storage services: those in the file, and one for each site that has RSEs."""
        state = query.get("state", ACTIVE)
        found: dict[str, Any] = {}
        for record in self.rses(dict.fromkeys(STATE_FILTERS, ANY)).values():
            site = record["rcsite"] or record["site"]
            if site:
                _add_to_service(found, site, record)
        found |= self._file.read()["services"]
        kind = query.get("type")
        return {
            name: service
            for name, service in sorted(found.items())
            if (kind is None or service.get("type", "SE") == kind) and (state == ANY or service.get("state", ACTIVE) == state)
        }

    def sites(self) -> dict[str, Any]:
        """RC sites: those in the file, and one for each site that has RSEs, where the first of them lies."""
        found: dict[str, Any] = {}
        for record in self.rses(dict.fromkeys(STATE_FILTERS, ANY)).values():
            name = record["rcsite"] or record["site"]
            place = {"country": record["country_name"], **{key: record[key] for key in ("latitude", "longitude", "timezone")}}
            found.setdefault(name, {"name": name, "state": record["rc_site_state"], **place})
        return {name: site for name, site in sorted({**found, **self.kept("sites")}.items()) if name}

    def kept(self, name: str) -> dict[str, Any]:
        """Objects that are only in the file: sites, downtimes, status (nobody writes them over HTTP)."""
        held: dict[str, Any] = self._file.read().get(name, {})
        return held

    def change(self, rses: Mapping[str, Any], distances: Mapping[str, Any]) -> dict[str, Any]:
        """Writes what is good of a change set; the answer says for each object whether it was created, updated, unchanged or refused."""
        answer: dict[str, Any] = {"rses": {}, "distances": {}}
        with self._file.change() as data:
            for name, fields in rses.items():
                before = data["rses"].get(name)
                reasons = problems_of(name, fields)
                if reasons:
                    answer["rses"][name] = {"status": "refused", "reasons": reasons}
                    continue
                after = _merged(before or {"id": _next_id(data["rses"]), "name": name, **DEFAULTS}, fields)
                if after == before:
                    answer["rses"][name] = {"status": "unchanged"}
                    continue
                data["rses"][name] = {**after, "updated_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")}
                answer["rses"][name] = {"status": "updated" if before else "created"}
            for source, row in distances.items():
                reasons = _distance_problems(source, row, data["rses"])
                if reasons:
                    answer["distances"][source] = {"status": "refused", "reasons": reasons}
                    continue
                held = data["distances"].get(source, {})
                data["distances"][source] = {name: value for name, value in {**held, **row}.items() if value is not None}
                answer["distances"][source] = {"status": "unchanged" if data["distances"][source] == held else "updated"}
        return answer


def problems_of(name: str, fields: Any) -> list[str]:
    """What is wrong with the fields that a writer sends for an RSE."""
    if not NAME.match(name) or len(name) > 255:
        return [f"{name!r} is no RSE name ({NAME.pattern}, at most 255 characters)"]
    if not isinstance(fields, dict):
        return ["expected an object of fields"]
    problems = [f"unknown field {key!r}" for key in fields if key not in DEFAULTS and key not in ("id", "name", "updated_at")]
    wrong = {key: "true or false" for key in FLAGS & set(fields) if not isinstance(fields[key], bool)}
    wrong |= {key: "a number or null" for key in NUMBERS & set(fields) if not _is_number(fields[key])}
    problems += [f"{key}: expected {expected}, found {fields[key]!r}" for key, expected in sorted(wrong.items())]
    if not isinstance(fields.get("params", {}), dict):
        problems.append("params: expected an object")
    protocols = fields.get("protocols", [])
    if not isinstance(protocols, list):
        return [*problems, "protocols: expected a list"]
    for number, protocol in enumerate(protocols):
        problems += [f"protocols[{number}]: {words}" for words in _protocol_problems(protocol)]
    keys: list[Any] = [(p.get("scheme"), p.get("hostname"), str(p.get("port"))) for p in protocols if isinstance(p, dict)]
    keys += [p.get("name") for p in protocols if isinstance(p, dict)]
    return problems + [f"protocols: {key} is there twice" for key in sorted({key for key in keys if keys.count(key) > 1}, key=str)]


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _protocol_problems(protocol: Any) -> list[str]:
    if not isinstance(protocol, dict) or set(protocol) != PROTOCOL_FIELDS:
        return [f"expected exactly the fields {sorted(PROTOCOL_FIELDS)}"]
    problems = []
    if not str(protocol["port"]).isdigit() or not 0 <= int(protocol["port"]) < 65536:
        problems.append(f"port: expected a port number, found {protocol['port']!r}")
    if not isinstance(protocol["ext_attrs"], dict) or not isinstance(protocol["domains"], dict) or set(protocol["domains"]) != set(DOMAINS):
        return [*problems, f"expected an object ext_attrs, and domains {sorted(DOMAINS)}"]
    for domain, operations in DOMAINS.items():
        given = protocol["domains"][domain]
        wrong = not isinstance(given, dict) or not all(isinstance(value, int) and value >= 0 for value in given.values())
        if wrong or not set(given) <= operations:
            problems.append(f"domains.{domain}: expected {sorted(operations)} with integers of 0 (not offered) and above, found {given!r}")
    return problems


def _distance_problems(source: str, row: Any, rses: Mapping[str, Any]) -> list[str]:
    if not isinstance(row, dict):
        return ["expected an object destination -> {ranking, distance}"]
    unknown = [f"unknown RSE {name!r}" for name in (source, *row) if name not in rses]
    return unknown + [
        f"{name}: expected ranking or distance" for name, value in row.items() if value is not None and not _is_distance(value)
    ]


def _is_distance(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and bool(value)
        and set(value) <= {"ranking", "distance"}
        and all(isinstance(n, int) for n in value.values())
    )


def _merged(before: dict[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    after = {**before, **{key: value for key, value in fields.items() if key in DEFAULTS}}
    params = {**before["params"], **fields.get("params", {})}
    return {**after, "params": {key: value for key, value in params.items() if value is not None}}


def _next_id(rses: Mapping[str, Any]) -> int:
    return 1 + max((record["id"] for record in rses.values()), default=0)


def _plain(record: Mapping[str, Any]) -> dict[str, Any]:
    shown = {key: record[key] for key in ("id", "name", "site", "rcsite", "state", "site_state", "rc_site_state", "verify_checksum")}
    protocols = {
        each["name"]: {"flavour": each["scheme"], "endpoint": f"{each['hostname']}:{each['port']}", "path": each["prefix"]}
        for each in record["protocols"]
    }
    return {**shown, "protocols": protocols}


def _add_to_service(services: dict[str, Any], site: str, record: Mapping[str, Any]) -> None:
    name = f"{site}_SE"
    empty = {
        "name": name,
        "type": "SE",
        "rcsite": site,
        "state": record["rc_site_state"],
        "status": "Enabled",
        "protocols": {},
        "resources": {},
    }
    service = services.setdefault(name, empty)
    for each in record["protocols"]:
        flavour = FLAVOURS.get(each["scheme"], each["scheme"].upper())
        endpoint = f"{each['scheme']}://{each['hostname']}:{each['port']}"
        service["protocols"][f"{name}-{flavour}-{each['hostname']}"] = {"flavour": flavour, "endpoint": endpoint, "state": ACTIVE}
        service["resources"][record["name"]] = {"name": record["name"], "basepath": each["prefix"]}
