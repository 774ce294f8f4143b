# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Descriptions and RSE records from plain data (YAML, JSON).

What cannot be used raises DescriptionError with all its problems.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.model import derive, paths, qos, rules, tables
from ansible_collections.escape.datalake.plugins.plugin_utils.model.fields import read
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.model.rse import LAN_OPERATIONS, WAN_OPERATIONS, Protocol, RseRecord
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import (
    X509,
    Access,
    Area,
    Door,
    Issuer,
    Lake,
    Location,
    QosClass,
    Requirement,
    Storage,
)


def load_lake(data: Any, at: str = "datalake_lake") -> Lake:
    """The lake of ``datalake_lake``. at: path of the object in messages."""
    lake, problems = read_lake(data, at)
    if problems:
        raise DescriptionError(problems)
    return lake


def read_lake(data: Any, at: str = "datalake_lake") -> tuple[Lake, list[Problem]]:
    """The lake as far as it can be read, good enough to look for the problems of storages too, and its problems."""
    problems: list[Problem] = []
    found = read(tables.LAKE, data, at, problems)
    problems += rules.lake_problems(found, at)
    return _lake(found), problems


def load_storage(data: Any, lake: Lake, at: str = "datalake_storage") -> Storage:
    """The storage of ``datalake_storage``, checked against its lake. at: path of the object in messages."""
    problems: list[Problem] = []
    found = read(tables.STORAGE, data, at, problems)
    problems += rules.storage_problems(found, lake, at)
    if problems:
        raise DescriptionError(problems)
    return _storage(found, lake)


def check_lake(storages: Mapping[str, Storage]) -> list[Problem]:
    """What storages of one lake contradict each other in: names, RSEs, doors. storages: by the path of their description."""
    return list(rules.lake_wide_problems(storages))


def load_all(lake_data: Any, storages_data: Mapping[str, Any]) -> tuple[Lake, dict[str, Storage]]:
    """The lake and all its storages, by host. Raises DescriptionError with the problems of all of them at once."""
    if lake_data is None:
        lake, problems = _lake({}), [Problem("datalake_lake", "is missing.", "Describe the lake in group_vars/all.yml of the inventory.")]
    else:
        lake, problems = read_lake(lake_data)
    storages: dict[str, Storage] = {}
    for host, data in storages_data.items():
        if data is None:
            remedy = f"Describe the storage in host_vars/{host}.yml, or take the host out of the group storages."
            problems.append(Problem(_at(host), "is missing.", remedy))
            continue
        try:
            storages[host] = load_storage(data, lake, _at(host))
        except DescriptionError as error:
            problems += error.problems
    problems += check_lake({_at(host): storage for host, storage in storages.items()})
    if problems:
        raise DescriptionError(problems)
    return lake, storages


def load_rse_record(data: Any, at: str = "rse") -> RseRecord:
    """An RSE record from the form that modules take and return. at: path of the object in messages."""
    problems: list[Problem] = []
    found = read(tables.RSE, data, at, problems)
    if problems:
        raise DescriptionError(problems)
    protocols = found.get("protocols")
    return RseRecord(
        name=found["name"],
        site=found.get("site", ""),
        properties=found.get("properties", {}),
        attributes=found.get("attributes", {}),
        protocols=None if protocols is None else tuple(_protocol(each) for each in protocols),
        limits=found.get("limits", {}),
        space=found.get("space"),
    )


def load_rse_records(data: Sequence[Any], at: str = "rses") -> tuple[RseRecord, ...]:
    """A list of RSE records. Raises DescriptionError with the problems of all of them; one name twice is one."""
    problems: list[Problem] = []
    records: list[RseRecord] = []
    for number, each in enumerate(data):
        try:
            record = load_rse_record(each, f"{at}[{number}]")
        except DescriptionError as error:
            problems += error.problems
            continue
        if any(record.name == other.name for other in records):
            problems.append(Problem(f"{at}[{number}].name", f'"{record.name}" is there already.', "Give every RSE once."))
        records.append(record)
    if problems:
        raise DescriptionError(problems)
    return tuple(records)


def rse_record_as_dict(record: RseRecord) -> dict[str, Any]:
    """The form of an RSE record that modules take and return; load_rse_record() reads it back."""
    return {
        "name": record.name,
        "site": record.site,
        "properties": dict(record.properties),
        "attributes": dict(record.attributes),
        "protocols": None if record.protocols is None else [_protocol_as_dict(each) for each in record.protocols],
        "limits": dict(record.limits),
        "space": record.space,
    }


def storage_as_dict(storage: Storage) -> dict[str, Any]:
    """A storage with everything that was derived, in plain data for results: sizes in bytes, times in milliseconds."""
    plain: dict[str, Any] = _lists(asdict(storage))
    return plain


def _lists(value: Any) -> Any:
    """Plain data with lists in the place of tuples."""
    if isinstance(value, Mapping):
        return {key: _lists(item) for key, item in value.items()}
    return [_lists(item) for item in value] if isinstance(value, list | tuple) else value


def _at(host: str) -> str:
    return f"{host}: datalake_storage"


def _lake(found: Mapping[str, Any]) -> Lake:
    issuers = {name: _issuer(name, issuer) for name, issuer in found.get("issuers", {}).items()}
    own_classes = {name: _qos_class(name, qos_class) for name, qos_class in found.get("qos_classes", {}).items()}
    return Lake(
        name=found.get("name", ""),
        issuers=issuers,
        qos_classes={**qos.BUILT_IN, **own_classes},
        fts=found.get("fts"),
        rucio_release=found.get("rucio_release"),
        impl=found.get("impl", {}),
    )


def _issuer(name: str, found: Mapping[str, Any]) -> Issuer:
    access = (Access(name, each.get("group", ""), each.get("rights", "read")) for each in found.get("access", []))
    return Issuer(name, found.get("url", ""), tuple(access))


def _qos_class(name: str, found: Mapping[str, Any]) -> QosClass:
    ways = tuple(
        Requirement(
            media=frozenset(way.get("media", ())),
            min_copies=way.get("min_copies", 1),
            redundancy=frozenset(way.get("redundancy", ())),
            max_latency_ms=way.get("max_latency"),
        )
        for way in found.get("any_of", [])
    )
    return QosClass(name, found.get("description", ""), ways, found.get("permanent", False))


def _storage(found: Mapping[str, Any], lake: Lake) -> Storage:
    """A storage from values without problems."""
    doors = tuple(Door(door["scheme"], door["host"], door["port"], door["prefix"]) for door in found["doors"])
    issuers = tuple(lake.issuers[name] for name in found["issuers"] if name in lake.issuers)  # a lake without any has its own problem
    return Storage(
        name=found["name"],
        site=found["site"],
        system=found["system"],
        release=found["release"],
        issuers=issuers,
        base_path=found.get("base_path") or paths.common_parent([area["path"] for area in found["areas"] if "base_path" not in area]),
        audiences=tuple(dict.fromkeys((*derive.default_audiences(doors), *found.get("audiences", ())))),
        doors=doors,
        areas=tuple(_area(area, found["name"], issuers) for area in found["areas"]),
        location=Location(**found.get("location", {})),
        x509=_x509(found.get("x509")),
    )


def _x509(found: Mapping[str, Any] | None) -> X509 | None:
    return None if found is None else X509(tuple(found["vos"]), found["certificates"], found["vomsdir"])


def _area(found: Mapping[str, Any], storage_name: str, issuers: Sequence[Issuer]) -> Area:
    facts = rules.facts_of(found)
    return Area(
        name=found["name"],
        path=found["path"],
        qos=found["qos"],
        capacity=found["capacity"],
        rse=rules.rse_name(storage_name, found),
        media=facts.media,
        copies=facts.copies,
        redundancy=facts.redundancy,
        latency_ms=facts.latency_ms,
        volatile=facts.volatile,
        partitions=tuple(found.get("partitions", ())),
        access=tuple(Access(each.get("issuer") or issuers[0].name, each["group"], each["rights"]) for each in found.get("access", ())),
        attributes=found.get("attributes", {}),
        base_path=found.get("base_path"),
    )


def _protocol(found: Mapping[str, Any]) -> Protocol:
    domains = found["domains"]
    return Protocol(
        scheme=found["scheme"],
        hostname=found["hostname"],
        port=found["port"],
        prefix=found["prefix"],
        impl=found["impl"],
        lan={operation: domains.get("lan", {}).get(operation) for operation in LAN_OPERATIONS},
        wan={operation: domains.get("wan", {}).get(operation) for operation in WAN_OPERATIONS},
        extended_attributes=found.get("extended_attributes"),
    )


def _protocol_as_dict(protocol: Protocol) -> dict[str, Any]:
    return {
        "scheme": protocol.scheme,
        "hostname": protocol.hostname,
        "port": protocol.port,
        "prefix": protocol.prefix,
        "impl": protocol.impl,
        "domains": {"lan": dict(protocol.lan), "wan": dict(protocol.wan)},
        "extended_attributes": None if protocol.extended_attributes is None else dict(protocol.extended_attributes),
    }
