# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two DOMA views of CRIC's RSEs, to and from RSE records.

``/api/doma/rse/query/?json`` is the plain view, the only one with verify_checksum; ``&preset=doma`` has everything else and the distances.
The shapes are known from the programs that read them: ESCAPE-WP2/Utilities-and-Operations-Scripts:cric-rucio-sync/sync_cric_rucio.py,
cric-info-tools/*, rucio/probes:attic/import_cric.py. CRIC publishes no description of them.

How the two differ from a record:

* third_party_copy is a domain of its own in CRIC, two operations of the wan domain in Rucio;
* an operation that is not offered has priority 0 in CRIC and none in Rucio, where 0 would be the best;
* CRIC has one impl for an RSE. Where the doors of a record differ, the others are kept in params as ``impl_<scheme>``;
* every entry of params is an attribute; fts, lfn2pfn_algorithm, site and verify_checksum are fields;
* the attribute that notes in Rucio which space was declared is none of CRIC's, which has a field for the space;
* timezone is time_zone; rse_type may be empty, which means DISK; ports are texts; a space of 0 is not known; ext_attrs ``{}`` are none;
* city and continent have no place in CRIC.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cric_listing import (
    Listed,
    Listing,
    Reading,
    Rows,
    checked,
    objects,
    scalar,
    whole_number,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.model.rse import LAN_OPERATIONS, Protocol, RseRecord, Scalar
from ansible_collections.escape.datalake.plugins.plugin_utils.model.rucio import DECLARED_SPACE

# Rucio's name of a property: CRIC's field.
PROPERTIES: Mapping[str, str] = {
    "rse_type": "rse_type",
    "deterministic": "deterministic",
    "volatile": "volatile",
    "staging_area": "staging_area",
    "availability_read": "availability_read",
    "availability_write": "availability_write",
    "availability_delete": "availability_delete",
    "country_name": "country_name",
    "region_code": "region_code",
    "latitude": "latitude",
    "longitude": "longitude",
    "time_zone": "timezone",
}
NOT_CARRIED = frozenset({"city", "continent"})
ATTRIBUTE_FIELDS = ("fts", "lfn2pfn_algorithm")
LIMITS = ("MinFreeSpace", "MaxBeingDeletedFiles")
CHECKSUM = "verify_checksum"
# Third-party copy in Rucio's wan domain: CRIC's operation in its own domain.
COPIES: Mapping[str, str] = {"third_party_copy_read": "read", "third_party_copy_write": "write"}
DEFAULT_IMPL = "rucio.rse.protocols.gfal.Default"
# What a record that says nothing means for a new RSE.
NEW: Mapping[str, Any] = {
    "site": "",
    "state": "ACTIVE",
    "rse_type": "DISK",
    "deterministic": True,
    "volatile": False,
    "staging_area": False,
    "availability_read": True,
    "availability_write": True,
    "availability_delete": True,
    "country_name": None,
    "region_code": None,
    "latitude": None,
    "longitude": None,
    "timezone": None,
    "fts": "",
    "impl": "",
    "lfn2pfn_algorithm": "",
    "space": 0,
    "space_usage_method": "",
    "MinFreeSpace": None,
    "MaxBeingDeletedFiles": None,
    "params": {},
    "protocols": [],
}
TRUTH: Mapping[str, bool] = {"true": True, "True": True, "false": False, "False": False}


def records_from_views(plain: Mapping[str, Any], doma: Mapping[str, Any]) -> tuple[RseRecord, ...]:
    """The records of all RSEs of the second view, by name. An RSE that the plain view lacks has no verify_checksum."""
    return tuple(record_from_fields(name, {**fields, **_only_plain(plain.get(name))}) for name, fields in sorted(doma["rses"].items()))


def listing_from_views(plain: Any, doma: Any, where: str = "CRIC") -> Listing:
    """All that can be read of two answers, whatever is in them. where: their place, for messages.

    An RSE that only the plain view has counts as unreadable: it is there, and nothing is known of its priorities.
    """
    problems: list[Problem] = []
    halves = doma if isinstance(doma, Mapping) else {"rses": doma}
    plain_fields = dict(objects(plain, f"{where} plain view", problems)) if plain not in (None, {}) else {}
    listed: dict[str, Listed] = {}
    for name, fields in objects(halves.get("rses"), where, problems):
        reading = Reading(f"{where}: {name}", {**fields, **_only_plain(plain_fields.get(name))}, problems)
        more = plain_fields.get(name, {})
        states = {**Reading(reading.path, more, problems).states(), **reading.states()}
        rc_site = Reading(reading.path, {**more, **fields}, problems)
        listed[name] = Listed(record_from_fields(name, _tidy(reading)), states, rc_site.text("rcsite") or rc_site.text("rc_site"))
    good, unreadable, wrong = checked(listed, where)
    named = halves.get("rses")
    unreadable |= frozenset(str(name) for name in (named if isinstance(named, Mapping) else ())) - good.keys()
    unreadable |= plain_fields.keys() - good.keys()
    problems += wrong
    rows = _rows(halves.get("distances"), f"{where} distances", problems)
    return Listing(good, rows, unreadable, tuple(problems))


def _tidy(reading: Reading) -> dict[str, Any]:
    """The fields of an RSE in the form that record_from_fields() takes; what cannot be used is left out and noted."""
    flags = [key for key, value in NEW.items() if isinstance(value, bool)] + [CHECKSUM]
    tidy: dict[str, Any] = {key: reading.flag(key) for key in flags}
    tidy |= {key: reading.text(key) for key in ("site", "country_name", "region_code", "timezone", "impl", *ATTRIBUTE_FIELDS)}
    if len(tidy["region_code"]) > 2:
        reading.wrong("region_code", f"{tidy['region_code']!r} does not fit into Rucio's column of two characters.")
        tidy["region_code"] = ""
    tidy |= {"latitude": reading.degrees("latitude", 90), "longitude": reading.degrees("longitude", 180)}
    tidy |= {key: reading.whole(key) for key in (*LIMITS, "space")}
    kind = reading.text("rse_type").upper()
    if kind not in ("", "DISK", "TAPE"):
        reading.wrong("rse_type", f"{kind!r} is neither DISK nor TAPE.")
    tidy["rse_type"] = kind if kind in ("DISK", "TAPE") else ""
    tidy["params"] = {}
    for key, value in reading.mapping("params").items():
        if value is None or isinstance(value, str | int | float):
            tidy["params"][str(key)] = scalar(value)
        else:
            reading.wrong(f"params.{key}", "is no single value, which is all that an attribute can hold.")
    tidy["protocols"] = _tidy_protocols(reading)
    return tidy


def _tidy_protocols(reading: Reading) -> list[dict[str, Any]] | None:
    """The doors; None, which leaves them all alone, as soon as one of them cannot be read."""
    listed = reading.fields.get("protocols")
    if isinstance(listed, Mapping):
        listed = list(listed.values())
    if not isinstance(listed, list):
        if listed is not None:
            reading.wrong("protocols", "is no list.")
        return None
    doors: list[dict[str, Any]] = []
    keys: set[tuple[str, str, int]] = set()
    for number, fields in enumerate(listed):
        at = f"protocols[{number}]"
        if not isinstance(fields, Mapping):
            reading.wrong(at, "is no object.")
            return None
        door = Reading(f"{reading.path}.{at}", fields, reading.problems)
        before = len(reading.problems)
        port = whole_number(fields.get("port"))
        texts = {key: door.text(key) for key in ("scheme", "hostname", "prefix")}
        domains = {}
        for domain, operations in door.mapping("domains").items():
            priorities = Reading(f"{door.path}.domains.{domain}", operations if isinstance(operations, Mapping) else {}, reading.problems)
            if operations and not isinstance(operations, Mapping):
                door.wrong(f"domains.{domain}", "is no object.")
            domains[str(domain)] = {operation: priorities.whole(operation) for operation in ("read", "write", "delete")}
        if port is None or port > 65535 or not all(texts.values()) or not texts["prefix"].startswith("/"):
            door.wrong("", "lacks a scheme, a host name, a port between 0 and 65535, or a prefix that begins with a slash.")
        elif (key := (texts["scheme"].lower(), texts["hostname"], port)) in keys:
            door.wrong("", "has scheme, host and port of another door of this RSE; Rucio takes one.")
        else:
            keys.add(key)
        if len(reading.problems) > before:
            return None
        extended = {
            str(key): value for key, value in door.mapping("ext_attrs").items() if value is None or isinstance(value, str | int | float)
        }
        doors.append({**texts, "scheme": texts["scheme"].lower(), "port": port, "domains": domains, "ext_attrs": extended})
    return doors


def _rows(document: Any, where: str, problems: list[Problem]) -> Rows:
    """Distances that are numbers above 0; others are noted, except null, 0 and nothing, which mean that there is none."""
    rows: Rows = {}
    for source, row in objects(document or {}, where, problems):
        for destination, value in row.items():
            stated = value if not isinstance(value, Mapping) else value.get("distance") or value.get("ranking")
            number = whole_number(stated)
            if number:
                rows.setdefault(source, {})[str(destination)] = number
            elif number is None and stated not in (None, ""):
                problems.append(Problem(f"{where}: {source} -> {destination}", f"{stated!r} is no distance.", "Mend it in CRIC."))
    return rows


def states_from_view(doma: Mapping[str, Any]) -> dict[str, str]:
    """CRIC's state of each RSE, ``ACTIVE`` where it says none. Rucio has no such thing."""
    return {name: str(fields.get("state") or "ACTIVE") for name, fields in sorted(doma["rses"].items())}


def distances_from_view(doma: Mapping[str, Any]) -> dict[tuple[str, str], int]:
    """(source, destination) -> distance, from ``distance`` or else ``ranking``; 0 and nothing mean that there is none."""
    rows = _rows(doma["distances"], "distances", [])
    return {(source, destination): number for source, row in sorted(rows.items()) for destination, number in sorted(row.items())}


def views_from_records(
    records: Iterable[RseRecord],
    *,
    states: Mapping[str, str] | None = None,
    distances: Mapping[tuple[str, str], int] | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The plain view and the preset=doma view of records, as CRIC would serve them."""
    plain: dict[str, Any] = {}
    rses: dict[str, Any] = {}
    for record in records:
        fields = {"name": record.name, **new_fields(record)}
        fields["state"] = (states or {}).get(record.name, fields["state"])
        checksum = fields.pop(CHECKSUM, None)
        rses[record.name] = fields
        labels = {
            each["name"]: {"flavour": each["scheme"], "endpoint": f"{each['hostname']}:{each['port']}", "path": each["prefix"]}
            for each in fields["protocols"]
        }
        plain[record.name] = {"name": record.name, "state": fields["state"], CHECKSUM: checksum, "protocols": labels}
    rows: dict[str, Any] = {}
    for (source, destination), number in sorted((distances or {}).items()):
        rows.setdefault(source, {})[destination] = {"distance": number, "ranking": number}
    return plain, {"rses": rses, "distances": rows}


def record_from_fields(name: str, fields: Mapping[str, Any]) -> RseRecord:
    """The record of one RSE. fields: those of the preset=doma view, and verify_checksum of the plain one.

    protocols that are null are not known, so that those in Rucio are left alone.
    """
    properties = {key: _scalar(fields[field]) for key, field in PROPERTIES.items() if fields.get(field) not in (None, "")}
    properties["rse_type"] = properties.get("rse_type", "DISK")
    site = str(fields.get("site") or "")
    attributes: dict[str, Scalar] = {"site": site} if site else {}
    attributes |= {key: str(fields[key]) for key in ATTRIBUTE_FIELDS if fields.get(key)}
    if fields.get(CHECKSUM) not in (None, ""):
        attributes[CHECKSUM] = _scalar(fields[CHECKSUM])
    params = dict(fields.get("params") or {})
    unknown = "protocols" in fields and fields["protocols"] is None
    listed = fields.get("protocols") or []
    schemes = {str(each["scheme"]) for each in listed}
    impl = {scheme: str(params.pop(f"impl_{scheme}", None) or fields.get("impl") or DEFAULT_IMPL) for scheme in schemes}
    attributes |= {key: _scalar(value) for key, value in params.items() if value is not None and key != DECLARED_SPACE}
    return RseRecord(
        name=name,
        site=site,
        properties=properties,
        attributes=attributes,
        protocols=None if unknown else tuple(_protocol(each, impl[each["scheme"]]) for each in listed),
        limits={key: int(fields[key]) for key in LIMITS if fields.get(key) not in (None, "")},
        space=int(fields.get("space") or 0) or None,
    )


def new_fields(record: RseRecord) -> dict[str, Any]:
    """All fields of a new RSE, verify_checksum among them where the record states it."""
    stated = stated_fields(record)
    params = {key: value for key, value in stated["params"].items() if value is not None}
    return {**NEW, **stated, "params": params}


def stated_fields(record: RseRecord) -> dict[str, Any]:
    """The fields that a record says something about, verify_checksum among them; params that are None are to be removed."""
    fields: dict[str, Any] = {field: record.properties[key] for key, field in PROPERTIES.items() if key in record.properties}
    attributes = {key: value for key, value in record.attributes.items() if key != DECLARED_SPACE}
    if record.site:
        fields["site"] = record.site
        if attributes.get("site") == record.site:
            del attributes["site"]
    fields |= {key: attributes.pop(key) or "" for key in ATTRIBUTE_FIELDS if key in attributes}
    if CHECKSUM in attributes:
        fields[CHECKSUM] = attributes.pop(CHECKSUM)
    fields |= {key: number for key, number in record.limits.items() if key in LIMITS}
    if record.space is not None:
        fields["space"] = record.space
    fields["params"] = attributes
    if record.protocols is not None:
        fields["protocols"] = _protocols(record.name, record.protocols)
        impl = record.protocols[0].impl if record.protocols else ""
        fields["impl"] = impl
        attributes.update({f"impl_{each.scheme}": each.impl if each.impl != impl else None for each in record.protocols})
    return fields


def protocol_key(protocol: Mapping[str, Any]) -> tuple[str, str, int]:
    """What tells the doors of one RSE apart."""
    return (str(protocol["scheme"]), str(protocol["hostname"]), int(protocol["port"]))


def plain_protocol(protocol: Mapping[str, Any]) -> dict[str, Any]:
    """A protocol of CRIC without its label, in one spelling, so that two that mean the same are equal."""
    domains = {
        domain: {operation: int(number) for operation, number in (operations or {}).items() if number}
        for domain, operations in protocol["domains"].items()
    }
    return {
        "prefix": protocol["prefix"],
        "ext_attrs": protocol.get("ext_attrs") or {},
        **{f"domains.{domain}": domains.get(domain, {}) for domain in ("lan", "wan", "third_party_copy")},
    }


def clean_prefix(scheme: str, prefix: str) -> str:
    """A prefix without doubled slashes, which make token scopes that issuers refuse; root keeps the two at its front, it needs them."""
    cleaned = re.sub(r"/+", "/", prefix)
    return "/" + cleaned if scheme == "root" and prefix.startswith("//") else cleaned


def _only_plain(fields: Mapping[str, Any] | None) -> dict[str, Any]:
    return {CHECKSUM: fields[CHECKSUM]} if fields and CHECKSUM in fields else {}


def _protocol(fields: Mapping[str, Any], impl: str) -> Protocol:
    domains = fields.get("domains") or {}
    lan, wan, copies = ({**(domains.get(name) or {})} for name in ("lan", "wan", "third_party_copy"))
    scheme = str(fields["scheme"])
    return Protocol(
        scheme=scheme,
        hostname=str(fields["hostname"]),
        port=int(fields["port"]),
        prefix=clean_prefix(scheme, str(fields["prefix"])),
        impl=impl,
        lan={operation: _priority(lan.get(operation)) for operation in LAN_OPERATIONS},
        wan={
            **{operation: _priority(wan.get(operation)) for operation in LAN_OPERATIONS},
            **{ours: _priority(copies.get(theirs)) for ours, theirs in COPIES.items()},
        },
        extended_attributes=dict(fields.get("ext_attrs") or {}) or None,
    )


def _protocols(rse: str, protocols: Iterable[Protocol]) -> list[dict[str, Any]]:
    protocols = list(protocols)
    schemes = [each.scheme for each in protocols]
    return [_protocol_fields(rse, each, alone=schemes.count(each.scheme) == 1) for each in protocols]


def _protocol_fields(rse: str, protocol: Protocol, *, alone: bool) -> dict[str, Any]:
    copies = {theirs: protocol.wan.get(ours) or 0 for ours, theirs in COPIES.items()}
    return {
        "name": f"{rse}-{protocol.scheme}" if alone else f"{rse}-{protocol.scheme}-{protocol.hostname}-{protocol.port}",
        "scheme": protocol.scheme,
        "hostname": protocol.hostname,
        "port": str(protocol.port),
        "prefix": protocol.prefix,
        "ext_attrs": dict(protocol.extended_attributes or {}),
        "domains": {
            "lan": {operation: protocol.lan.get(operation) or 0 for operation in LAN_OPERATIONS},
            "wan": {operation: protocol.wan.get(operation) or 0 for operation in LAN_OPERATIONS},
            "third_party_copy": copies if any(copies.values()) else {},
        },
    }


def _priority(value: Any) -> int | None:
    return int(value) if value else None


def _scalar(value: Any) -> Scalar:
    return TRUTH.get(value, value) if isinstance(value, str) else value
