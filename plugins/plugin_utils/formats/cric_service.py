# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The topology of a CRIC: storage services with their doors and states (``core/service``), and sites with their places (``core/rcsite``).

Neither names RSEs. They tell where a site lies, whether a service is in use, where its SRR document is, and which doors the site runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cric_endpoint import Endpoint, is_place_holder, parse_endpoint
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cric_listing import ACTIVE, Reading, objects
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import Problem

SRR_FIELDS = ("srr_url", "space_usage_url", "usage_url", "srr")


@dataclass(frozen=True)
class Service:
    """A storage service. rc_site: empty where the answer does not say. srr: address of its SRR document, empty for none."""

    name: str
    rc_site: str
    state: str
    doors: tuple[Endpoint, ...]
    implementation: str = ""
    version: str = ""
    srr: str = ""


@dataclass(frozen=True)
class Site:
    """An RC site. Numbers are None where they are not stated."""

    name: str
    country: str = ""
    latitude: float | None = None
    longitude: float | None = None
    time_zone: str = ""
    state: str = ACTIVE


def services_from(document: Any, where: str = "CRIC services") -> tuple[dict[str, Service], tuple[Problem, ...]]:
    """Storage services by name, grouped by site (``groupby=rcsite``) or not."""
    problems: list[Problem] = []
    found: dict[str, Service] = {}
    for name, site, fields in _flat(document, where, problems):
        reading = Reading(f"{where}: {name}", fields, problems)
        doors: list[Endpoint] = []
        for key, protocol in reading.mapping("protocols").items():
            door = _door(reading, str(key), protocol)
            if door and str(door) not in map(str, doors):
                doors.append(door)
        srr = next((text for key in SRR_FIELDS if (text := reading.text(key)).startswith("http")), "")
        state = reading.text("state").upper() or ACTIVE
        implementation = reading.text("implementation") or reading.text("flavour")
        found[name] = Service(name, reading.text("rcsite") or site, state, tuple(doors), implementation, reading.text("version"), srr)
    return found, tuple(problems)


def sites_from(document: Any, where: str = "CRIC sites") -> tuple[dict[str, Site], tuple[Problem, ...]]:
    """RC sites by name. 0, 0 is no place but two fields that nobody filled."""
    problems: list[Problem] = []
    found: dict[str, Site] = {}
    for name, fields in objects(document, where, problems):
        reading = Reading(f"{where}: {name}", fields, problems)
        latitude, longitude = reading.degrees("latitude", 90), reading.degrees("longitude", 180)
        if latitude is None or longitude is None or (latitude, longitude) == (0, 0):
            latitude = longitude = None
        country = reading.text("country_code") or reading.text("country")
        zone = reading.text("timezone") or reading.text("time_zone")
        found[name] = Site(name, country, latitude, longitude, zone, reading.text("state").upper() or ACTIVE)
    return found, tuple(problems)


def _flat(document: Any, where: str, problems: list[Problem]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Name, site and fields of each service."""
    if not isinstance(document, Mapping) or not any(isinstance(each, list) for each in document.values()):
        yield from ((name, "", fields) for name, fields in objects(document, where, problems))
        return
    for site, services in document.items():
        for number, fields in enumerate(services if isinstance(services, list) else [services]):
            if isinstance(fields, Mapping):
                yield str(fields.get("name") or f"{site}[{number}]"), str(site), fields
            else:
                problems.append(Problem(f"{where}: {site}[{number}]", "is no object.", "Mend it in CRIC."))


def _door(reading: Reading, key: str, protocol: Any) -> Endpoint | None:
    """The door of a protocol. Its key is ``<SE>-<FLAVOUR>-<host>``; for some entries only that tells the flavour."""
    text = protocol.get("endpoint") if isinstance(protocol, Mapping) else protocol
    stated = protocol.get("flavour") if isinstance(protocol, Mapping) else None
    for flavour in [str(stated or ""), *reversed(key.split("-"))]:
        door = parse_endpoint(text, flavour) if isinstance(text, str) else None
        if door:
            return None if is_place_holder(door) else door
    reading.wrong(f"protocols.{key}", f"{text!r:.80} is no address of a door.", "Mend it in CRIC.")
    return None
