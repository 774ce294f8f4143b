# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ddmendpoint records of ATLAS-style CRIC instances (datalake-cric, atlas-cric) as RSE records.

``/api/atlas/ddmendpoint/query/?json``. What its fields mean to Rucio follows rucio/probes:atlas/check_sync_rses_with_cric:

* doors come from ``aprotocols``, activity -> list of [address, priority, path]; without them from ``arprotocols``, else ``rprotocols``;
* the priority is the place in the list, not the number that CRIC gives;
* without any lan activity the wan numbers hold for lan too; third_party_copy counts for reading and writing;
* the short activities r, w, d, pr, pw are old names and count only where the long ones are missing;
* deterministic disk keeps Rucio's files below ``rucio/``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cric_doma import clean_prefix
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cric_endpoint import Endpoint, is_place_holder, parse_endpoint
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cric_listing import Listed, Listing, Reading, checked, objects, scalar
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.model.rse import LAN_OPERATIONS, WAN_OPERATIONS, Protocol, RseRecord, Scalar
from ansible_collections.escape.datalake.plugins.plugin_utils.model.rucio import DECLARED_SPACE, DEFAULT_IMPL, SRM_WEB_SERVICE_PATH

OLD_ACTIVITIES: Mapping[str, str] = {"r": "read_wan", "w": "write_wan", "d": "delete_wan", "pr": "read_lan", "pw": "write_lan"}
COPY = "third_party_copy"
DOORS = frozenset({"https", "http", "srm", "srm+https", "gsiftp", "root", "davs", "dav", "storm", "globus"})
IMPL: Mapping[str, str] = {
    "https": "rucio.rse.protocols.gfal.NoRename",
    "http": "rucio.rse.protocols.gfal.NoRename",
    "storm": "rucio.rse.protocols.storm.Default",
    "globus": "rucio.rse.protocols.globus.GlobusRSEProtocol",
}
NO_RENAME = "rucio.rse.protocols.gfal.NoRename"  # for WebDAV doors that make directories themselves (is_mkdir)
ATTRIBUTES: Mapping[str, str] = {
    "tier_level": "tier",
    "cloud": "cloud",
    "token": "spacetoken",
    "type": "type",
    "space_usage_url": "srr_url",
}
Door = tuple[Endpoint, str]  # and the path


def listing_from_ddmendpoints(document: Any, where: str = "CRIC") -> Listing:
    """All that can be read of an answer, whatever is in it. where: its place, for messages."""
    problems: list[Problem] = []
    listed: dict[str, Listed] = {}
    for name, fields in objects(document, where, problems):
        reading = Reading(f"{where}: {name}", fields, problems)
        rc_site = reading.text("rcsite") or reading.text("rc_site")
        listed[name] = Listed(_record(name, reading), reading.states(), rc_site, reading.text("se"))
    good, unreadable, wrong = checked(listed, where)
    if isinstance(document, Mapping):
        unreadable |= frozenset(str(name) for name in document) - good.keys()
    return Listing(good, {}, unreadable, tuple(dict.fromkeys((*problems, *wrong))))


def _record(name: str, reading: Reading) -> RseRecord:
    tape, site = bool(reading.flag("is_tape")), reading.text("site")
    deterministic = reading.flag("is_deterministic")
    properties: dict[str, Scalar] = {
        "rse_type": "TAPE" if tape else "DISK",
        "deterministic": deterministic is not False,
        "volatile": bool(reading.flag("is_cache")) or bool(reading.flag("is_volatile")),
    }
    country = reading.text("country_code") or reading.text("rc_country_code") or reading.text("country")
    properties |= {"country_name": country} if country else {}
    attributes: dict[str, Scalar] = {"site": site} if site else {}
    attributes |= {ours: value for theirs, ours in ATTRIBUTES.items() if (value := reading.text(theirs))}
    servers = [str(url) for _kind, url in sorted(reading.mapping("servedrestfts").items()) if isinstance(url, str) and url]
    attributes |= {"fts": ",".join(servers)} if servers else {}
    for key, value in reading.mapping("params").items():
        if isinstance(value, str | int | float) and key != DECLARED_SPACE:
            attributes[str(key)] = scalar(value)
        elif value is not None:
            reading.wrong(f"params.{key}", "is no single value, which is all that an attribute can hold.")
    below = "rucio/" if deterministic is not False and not tape else ""
    return RseRecord(name, site, properties, attributes, _protocols(reading, below))


def _protocols(reading: Reading, below: str) -> tuple[Protocol, ...] | None:
    """The doors; None, which leaves those in Rucio alone, where there is none, or one that cannot be read: it may be the best."""
    activities = _activities(reading)
    if activities is None:
        return None
    if not any(key.endswith("_lan") for key in activities):
        activities |= {key.replace("_wan", "_lan"): doors for key, doors in activities.items() if key.endswith("_wan")}
    priorities: dict[tuple[str, str, int], dict[str, int]] = {}
    first: dict[tuple[str, str, int], Door] = {}
    for activity, doors in activities.items():
        place = 0
        for endpoint, path in doors:
            key = (endpoint.scheme, endpoint.host, endpoint.port)
            if activity not in priorities.setdefault(key, {}):
                place += 1
                priorities[key][activity] = place
            first.setdefault(key, (endpoint, path))
    if not first:
        return None
    return tuple(
        _protocol(reading, *first[key], priorities[key], below) for key in sorted(first, key=lambda key: min(priorities[key].values()))
    )


def _protocol(reading: Reading, endpoint: Endpoint, path: str, priorities: Mapping[str, int], below: str) -> Protocol:
    prefix = clean_prefix("", f"/{endpoint.path}/{path}/")
    prefix += below if not prefix.endswith("/rucio/") else ""
    web_dav = endpoint.scheme in ("davs", "dav")
    extended: dict[str, Scalar] = {}
    if endpoint.scheme == "srm":
        extended["web_service_path"] = endpoint.service_path or SRM_WEB_SERVICE_PATH
        extended |= {"space_token": token} if (token := reading.text("token")) else {}
    copies = priorities.get(COPY)
    return Protocol(
        scheme=endpoint.scheme,
        hostname=endpoint.host,
        port=endpoint.port,
        prefix=f"/{prefix}" if endpoint.scheme == "root" else prefix,
        impl=NO_RENAME if web_dav and reading.fields.get("is_mkdir") is True else IMPL.get(endpoint.scheme, DEFAULT_IMPL),
        lan={operation: priorities.get(f"{operation}_lan") for operation in LAN_OPERATIONS},
        wan={each: copies if each.startswith(COPY) else priorities.get(f"{each}_wan") for each in WAN_OPERATIONS},
        extended_attributes=extended or None,
    )


def _activities(reading: Reading) -> dict[str, list[Door]] | None:
    """The doors of each activity, in their order, by the long names; None as soon as one cannot be read."""
    for key, entries in (("aprotocols", _of_lists), ("arprotocols", _of_objects), ("rprotocols", _of_resources)):
        found: dict[str, list[Door]] = {}
        for activity, text, flavour, path in entries(reading.mapping(key)):
            endpoint = parse_endpoint(text, flavour) if isinstance(text, str) else None
            if endpoint is None:
                reading.wrong(key, f"{text!r:.80} is no address of a door; all doors of this RSE are left alone.")
                return None
            door = _door(reading, key, endpoint, path)
            if door:
                found.setdefault(activity, []).append(door)
        long = {activity: doors for activity, doors in found.items() if activity not in OLD_ACTIVITIES}
        for short, name in OLD_ACTIVITIES.items():
            if short in found and name not in long:
                long[name] = found[short]
        if long:
            return long
    return {}


def _of_lists(held: Mapping[str, Any]) -> Iterator[tuple[str, Any, str, Any]]:
    for activity, doors in held.items():
        for door in _listed(doors):
            entry = door if isinstance(door, list) and door else [door]
            yield activity, entry[0], "", entry[2] if len(entry) > 2 else ""


def _of_objects(held: Mapping[str, Any]) -> Iterator[tuple[str, Any, str, Any]]:
    for activity, doors in held.items():
        for door in _listed(doors):
            entry = door if isinstance(door, Mapping) else {"endpoint": door}
            yield activity, entry.get("endpoint"), str(entry.get("flavour") or ""), entry.get("path") or ""


def _of_resources(held: Mapping[str, Any]) -> Iterator[tuple[str, Any, str, Any]]:
    for resource in held.values():
        entry = resource if isinstance(resource, Mapping) else {"endpoint": resource, "activities": ["read_wan"]}
        for activity in _listed(entry.get("activities")):
            yield str(activity), entry.get("endpoint"), str(entry.get("flavour") or ""), entry.get("basepath") or ""


def _listed(entries: Any) -> list[Any]:
    """The entries of a list; what is none counts as one entry, which then cannot be read."""
    return entries if isinstance(entries, list) else [] if entries is None else [entries]


def _door(reading: Reading, at: str, endpoint: Endpoint, path: Any) -> Door | None:
    """A door that Rucio can use; others are noted."""
    if is_place_holder(endpoint):
        reading.wrong(at, f"{endpoint} only fills the field.")
    elif endpoint.scheme not in DOORS:
        reading.wrong(at, f"{endpoint.scheme} doors are not known to Rucio.", "Declare the doors of this RSE by hand.")
    else:
        return endpoint, path.strip() if isinstance(path, str) else ""
    return None
