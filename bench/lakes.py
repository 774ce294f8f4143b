# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lakes of any size for the benchmarks: RSEs of 3 protocols and 8 attributes, distances between all of them or to a few neighbours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

NEIGHBOURS = 10  # declared distances from each RSE of a sparse lake
PER_SITE = 3
OPERATIONS = {"lan": ("read", "write", "delete"), "wan": ("read", "write", "delete", "third_party_copy_read", "third_party_copy_write")}
CLASSES = ("SAFE", "FAST", "CHEAP-ANALYSIS", "OPPORTUNISTIC")

Call = tuple[str, str, Any]
"""Method, path below the server's address, JSON body."""


@dataclass(frozen=True)
class Lake:
    """records: in the form of the rses option of rucio_rse. distances: ``{source: {destination: distance}}``."""

    records: tuple[dict[str, Any], ...]
    distances: dict[str, dict[str, int]]

    @property
    def names(self) -> list[str]:
        return [record["name"] for record in self.records]


def lake(size: int, mesh: str) -> Lake:
    """size: number of RSEs. mesh: full or sparse."""
    names = [f"SITE{number // PER_SITE}-RSE{number % PER_SITE}" for number in range(size)]
    return Lake(tuple(_record(name, number) for number, name in enumerate(names)), _distances(names, mesh))


def only_new(whole: Lake, new: int) -> Lake:
    """What the last RSEs of a lake add to the others: themselves, and the distances from and to them."""
    names = set(whole.names[-new:])
    rows = {
        source: {destination: distance for destination, distance in row.items() if source in names or destination in names}
        for source, row in whole.distances.items()
    }
    return Lake(whole.records[-new:], {source: row for source, row in rows.items() if row})


def without_last(whole: Lake, new: int) -> Lake:
    """The lake before its last RSEs were added."""
    names = set(whole.names[:-new])
    rows = {
        source: {each: distance for each, distance in row.items() if each in names}
        for source, row in whole.distances.items()
        if source in names
    }
    return Lake(whole.records[:-new], rows)


def calls(some: Lake) -> tuple[list[Call], ...]:
    """The bare REST calls that make a lake, in stages that must follow each other."""
    rses: list[Call] = [("POST", f"rses/{each['name']}", each["properties"]) for each in some.records]
    parts: list[Call] = []
    for each in some.records:
        parts += [("POST", f"rses/{each['name']}/attr/{key}", {"value": value}) for key, value in each["attributes"].items()]
        parts += [("POST", f"rses/{each['name']}/protocols/{door['scheme']}", door) for door in each["protocols"]]
    pairs: list[Call] = [
        ("POST", f"rses/{source}/distances/{destination}", {"distance": distance})
        for source, row in some.distances.items()
        for destination, distance in row.items()
    ]
    return rses, parts, pairs


def import_body(some: Lake) -> dict[str, Any]:
    """The same as the body of one import."""
    rses = {
        each["name"]: {
            **each["properties"],
            "attributes": dict(each["attributes"]),
            "protocols": [dict(door) for door in each["protocols"]],
        }
        for each in some.records
    }
    for body in rses.values():
        body["verify_checksum"] = body["attributes"].pop("verify_checksum")
    return {"rses": rses, "distances": _import_rows(some.distances)}


def import_chunks(some: Lake, rses: int = 50, pairs: int = 2000) -> Iterator[dict[str, Any]]:
    """The same as the bodies of many imports."""
    body = import_body(some)
    names = list(body["rses"])
    for start in range(0, len(names), rses):
        yield {"rses": {name: body["rses"][name] for name in names[start : start + rses]}}
    flat = [(source, each, distance) for source, row in some.distances.items() for each, distance in row.items()]
    for start in range(0, len(flat), pairs):
        rows: dict[str, dict[str, int]] = {}
        for source, each, distance in flat[start : start + pairs]:
            rows.setdefault(source, {})[each] = distance
        yield {"distances": _import_rows(rows)}


def _import_rows(distances: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, dict[str, int]]]:
    return {source: {each: {"distance": distance} for each, distance in row.items()} for source, row in distances.items()}


def _record(name: str, number: int) -> dict[str, Any]:
    host = f"{name.lower()}.example.org"
    site = f"SITE-{number // PER_SITE}"
    door = {
        "hostname": host,
        "prefix": f"/escape/{name.lower()}/",
        "impl": "rucio.rse.protocols.gfal.Default",
        "domains": {domain: dict.fromkeys(operations, 1) for domain, operations in OPERATIONS.items()},
    }
    return {
        "name": name,
        "properties": {"rse_type": "DISK", "country_name": "FR", "time_zone": "Europe/Paris", "availability_write": True},
        "attributes": {
            "QOS": CLASSES[number % len(CLASSES)],
            "site": site,
            "fts": "https://fts.example.org:8446",
            "oidc_support": True,
            "oidc_base_path": "/escape",
            "verify_checksum": True,
            "tier": "T2",
            "qos_media": "hdd",
        },
        "protocols": [{**door, "scheme": scheme, "port": port} for scheme, port in (("davs", 2880), ("root", 1094), ("https", 443))],
    }


def _distances(names: list[str], mesh: str) -> dict[str, dict[str, int]]:
    def others(number: int) -> Iterator[str]:
        if mesh == "full":
            yield from (name for name in names if name != names[number])
        else:
            steps = range(1, min(NEIGHBOURS, len(names) - 1) + 1)
            yield from (names[(number + step) % len(names)] for step in steps)

    return {name: {other: 1 + (number + len(other)) % 5 for other in others(number)} for number, name in enumerate(names)}
