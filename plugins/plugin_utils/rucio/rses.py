# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""RSEs in Rucio: what may be asked, what was found, and the plan from one to the other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import load_rse_record
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.model.rse import LAN_OPERATIONS, WAN_OPERATIONS, Protocol, RseRecord, Scalar
from ansible_collections.escape.datalake.plugins.plugin_utils.model.rucio import DECLARED_SPACE, MATCHABLE, SRM_WEB_SERVICE_PATH
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import Change, Plan, Verb
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio import values
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.planned import Planned

FLAGS = frozenset({"deterministic", "volatile", "staging_area", "availability_read", "availability_write", "availability_delete"})
NUMBERS = frozenset({"latitude", "longitude"})
# Columns that the server also shows as attributes; ISP and ASN can only be given when an RSE is made, so they are not managed.
LOCATION = frozenset({"city", "country_name", "region_code", "continent", "time_zone"})
FROZEN_LOCATION = frozenset({"ISP", "ASN"})
NO_ATTRIBUTES = LOCATION | FROZEN_LOCATION | {DECLARED_SPACE}
PROPERTIES = FLAGS | NUMBERS | LOCATION | {"rse_type"}
MIN_FREE_SPACE = "MinFreeSpace"  # the only limit that the export holds
SCHEME = r"[a-z][a-z0-9+.-]*"

REASON_DELETED = (
    "the name belongs to a deleted RSE: choose another one, or set revive to bring it back with its attributes, doors and distances"
)


@dataclass(frozen=True)
class Space:
    """The usage that source "storage" reported, bytes; None where it did not say."""

    used: int | None = None
    free: int | None = None
    files: int | None = None

    def holds(self, total: int) -> bool:
        """Whether this already says that the RSE has that many bytes in all (a fuller RSE has nothing free)."""
        used, free = self.used or 0, self.free or 0
        return self.free is not None and (used + free == total or (used > total and free == 0))

    def of_total(self, total: int) -> Space:
        """The same with the free space that makes that total."""
        used = max(self.used or 0, 0)
        return Space(used, max(total - used, 0), self.files)


@dataclass(frozen=True)
class RseFound:
    """An RSE as the server holds it, in normal form. deleted: only its name and attributes are left.

    declared_space: bytes of the capacity that was declared last, None when none was. space: what is reported; needed only where
    declares_other_space().
    """

    name: str
    properties: Mapping[str, Scalar] = field(default_factory=dict)
    attributes: Mapping[str, Scalar] = field(default_factory=dict)
    protocols: Mapping[tuple[str, str, int], Protocol] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)
    declared_space: int | None = None
    space: Space = Space()
    deleted: bool = False


@dataclass(frozen=True)
class Purge:
    """What may be removed because it is not declared: shell patterns on schemes of doors and on names of attributes."""

    protocols: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()


def found_rse(name: str, raw: Mapping[str, Any], major: int, *, limits: Mapping[str, int] | None = None) -> RseFound:
    """An RSE from the server's export, or from its columns with ``attributes`` and ``protocols`` added.

    limits: all limits, where they were read; otherwise MinFreeSpace alone is known.
    """
    shown = raw.get("attributes") or {}
    columns = {key: raw.get(key, shown.get(key)) for key in PROPERTIES}
    if limits is None:
        limits = {MIN_FREE_SPACE: int(raw[MIN_FREE_SPACE])} if raw.get(MIN_FREE_SPACE) is not None else {}
    doors = [found_protocol(door, major) for door in raw.get("protocols") or ()]
    return RseFound(
        name=name,
        properties={key: property_value(key, value) for key, value in columns.items()},
        attributes={key: values.attribute(value) for key, value in shown.items() if key != name and key not in NO_ATTRIBUTES},
        protocols={door.key: door for door in doors},
        limits={key: int(value) for key, value in limits.items()},
        declared_space=_bytes(shown.get(DECLARED_SPACE)),
    )


def _bytes(value: Scalar) -> int | None:
    """The bytes that an attribute states; None for anything else that somebody may have put there."""
    return int(str(value)) if re.fullmatch(r"[0-9]+", str(value)) else None


def found_protocol(raw: Mapping[str, Any], major: int) -> Protocol:
    """A door from the server's answer."""
    domains = raw.get("domains") or {}
    lan, wan = domains.get("lan") or {}, domains.get("wan") or {}
    return Protocol(
        scheme=str(raw["scheme"]),
        hostname=str(raw["hostname"]),
        port=int(raw["port"]),
        prefix=str(raw.get("prefix") or ""),
        impl=str(raw.get("impl") or ""),
        lan={operation: values.priority(lan.get(operation), major) for operation in LAN_OPERATIONS},
        wan={operation: values.priority(wan.get(operation), major) for operation in WAN_OPERATIONS},
        extended_attributes=values.extended_attributes(raw.get("extended_attributes")),
    )


def property_value(key: str, value: Scalar) -> Scalar:
    """A column in normal form: coordinates as numbers, the type in capitals, an empty text as null."""
    if value is None or key in FLAGS:
        return value
    if key in NUMBERS:
        return float(value)
    text = str(value)
    if key == "rse_type":
        return text.upper()
    return text or None


def protocol_as_dict(door: Protocol) -> dict[str, Any]:
    """A door in the shape of Rucio's API, every operation named: one that is left out of an update keeps its old priority."""
    return {
        "scheme": door.scheme,
        "hostname": door.hostname,
        "port": door.port,
        "prefix": door.prefix,
        "impl": door.impl,
        "domains": {
            "lan": {operation: door.lan.get(operation) for operation in LAN_OPERATIONS},
            "wan": {operation: door.wan.get(operation) for operation in WAN_OPERATIONS},
        },
        "extended_attributes": values.extended_attributes(door.extended_attributes),
    }


def rse_as_dict(found: RseFound) -> dict[str, Any]:
    """A found RSE in the form of the rses option; its space is the one that was declared last, left out when none was."""
    plain: dict[str, Any] = {
        "name": found.name,
        "properties": dict(found.properties),
        "attributes": dict(found.attributes),
        "protocols": [protocol_as_dict(door) for door in found.protocols.values()],
        "limits": dict(found.limits),
    }
    return plain if found.declared_space is None else {**plain, "space": found.declared_space}


def load_records(listed: Sequence[Mapping[str, Any]], at: str = "rses") -> tuple[RseRecord, ...]:
    """Records from the form of the rses option. at: where they are, for messages.

    Raises DescriptionError for everything that Rucio would refuse, drop silently, or store so that it cannot be used: the form of each
    value is the model's business, what depends on how Rucio treats it is looked at here.
    """
    problems: list[Problem] = []
    records: list[RseRecord] = []
    names: set[str] = set()
    for number, each in enumerate(listed):
        path = f"{at}[{number}]"
        try:
            record = load_rse_record(each, path)
        except DescriptionError as error:
            problems += error.problems
            continue
        problems += _record_problems(path, record)
        if record.name in names:
            problems.append(Problem(path, f"{record.name} is declared more than once; one would undo the other.", "Declare each RSE once."))
        names.add(record.name)
        records.append(record)
    if problems:
        raise DescriptionError(problems)
    return tuple(records)


def _record_problems(path: str, record: RseRecord) -> Iterator[Problem]:
    for key, value in record.attributes.items():
        yield from _attribute_problems(f"{path}.attributes.{key}", key, value, record.name)
    seen: set[tuple[str, str, int]] = set()
    for number, door in enumerate(record.protocols or ()):
        yield from _protocol_problems(f"{path}.protocols[{number}]", door)
        if door.key in seen:
            yield Problem(
                f"{path}.protocols[{number}]",
                f"{door_name(door.key)} is declared more than once; Rucio knows doors by scheme, host and port.",
                "Declare each door once.",
            )
        seen.add(door.key)


def _attribute_problems(path: str, key: str, value: Scalar, name: str) -> Iterator[Problem]:
    if key == name:
        yield Problem(path, "is the mark that Rucio itself sets on every RSE.", "Leave it out.")
    if key in LOCATION | FROZEN_LOCATION:
        remedy = "Declare it under properties." if key in LOCATION else "Leave it out: Rucio takes it only when an RSE is made."
        yield Problem(path, "is a column that Rucio only shows as an attribute; writing it here would leave the column as it was.", remedy)
    if key == DECLARED_SPACE:
        yield Problem(path, "is where this collection keeps the space that was declared last.", "Declare it as space of the RSE.")
    if key == "QOS" and value is not None and not re.fullmatch(MATCHABLE, str(value)):
        yield Problem(path, f"{value!r} can be stored, but no rule could ever ask for it.", "Use letters, digits, - and _ only.")


def _protocol_problems(path: str, door: Protocol) -> Iterator[Problem]:
    if not re.fullmatch(SCHEME, door.scheme):
        yield Problem(f"{path}.scheme", f"{door.scheme!r} is no URL scheme.", "Give for example davs or root.")
    if "/" in door.hostname or ":" in door.hostname:
        yield Problem(f"{path}.hostname", f"{door.hostname!r} is no host name.", "Give the name alone, without scheme and port.")
    if door.scheme == "srm" and "web_service_path" not in (door.extended_attributes or {}):
        yield Problem(
            f"{path}.extended_attributes",
            "lacks web_service_path, without which Rucio refuses srm.",
            f"Add it, for example {SRM_WEB_SERVICE_PATH}.",
        )
    for domain, priorities in (("lan", door.lan), ("wan", door.wan)):
        for operation, priority in priorities.items():
            if priority is not None and priority < 1:
                yield Problem(
                    f"{path}.domains.{domain}.{operation}",
                    f'{priority} is "not offered" to Rucio before 39 and the best priority since.',
                    "Count from 1, and give null where the operation is not offered.",
                )


def plan_rses(records: Iterable[RseRecord], found: Mapping[str, RseFound], *, purge: Purge = Purge(), revive: bool = False) -> Planned:
    """The writes that give the server what the records declare; what they do not declare is left alone.

    Doors are declared whole: an operation without a priority is not offered. Patterns of purge do not touch an RSE that declares no doors
    (attributes). Reported space counts only where another space is declared than last time: later reports are the site's own.
    """
    changes: list[Change] = []
    refused: dict[str, str] = {}
    more = False
    for record in records:
        there = found.get(record.name)
        if there is not None and there.deleted:
            changes.append(Change(record.name, "deleted rse", "update", before="deleted", after="active"))
            more = revive or more
            if not revive:
                refused[record.name] = REASON_DELETED
            continue
        changes += _rse_changes(record, there, purge)
    return Planned(Plan.of(changes), refused, more)


def _rse_changes(record: RseRecord, there: RseFound | None, purge: Purge) -> Iterator[Change]:
    name = record.name
    wanted = {key: property_value(key, value) for key, value in record.properties.items()}
    if there is None:
        yield Change(name, "rse", "create", after={key: value for key, value in wanted.items() if value is not None})
        there = RseFound(name)
    else:
        different = sorted(key for key, value in wanted.items() if there.properties.get(key) != value)
        if different:
            before, after = ({key: source.get(key) for key in different} for source in (there.properties, wanted))
            yield Change(name, "properties", "update", name=", ".join(different), before=before, after=after)
    yield from _attribute_changes(record, there, purge.attributes)
    yield from _protocol_changes(record, there, purge.protocols)
    for limit, value in record.limits.items():
        if there.limits.get(limit) != value:
            verb: Verb = "update" if limit in there.limits else "create"
            yield Change(name, "limit", verb, name=limit, before=there.limits.get(limit), after=value, stage=1)
    if declares_other_space(record, there):
        yield from _space_changes(name, record.space or 0, there)


def declares_other_space(record: RseRecord, there: RseFound) -> bool:
    """Whether a record declares another space than was declared last, so that the reported one has to be read and perhaps written."""
    return record.space is not None and record.space != there.declared_space


def _space_changes(name: str, total: int, there: RseFound) -> Iterator[Change]:
    """The note of what was declared comes in a later stage than the report, so that an interrupted run is repeated."""
    if not there.space.holds(total):
        before, after = vars(there.space), vars(there.space.of_total(total))
        yield Change(name, "space", "create" if there.space.free is None else "update", before=dict(before), after=dict(after), stage=1)
    noted = None if there.declared_space is None else str(there.declared_space)
    yield Change(name, "attribute", "update" if noted else "create", name=DECLARED_SPACE, before=noted, after=str(total), stage=2)


def _attribute_changes(record: RseRecord, there: RseFound, purge: Sequence[str]) -> Iterator[Change]:
    for key, raw in record.attributes.items():
        value = values.attribute(raw)
        if value is None:
            if key in there.attributes:
                yield Change(record.name, "attribute", "delete", name=key, before=there.attributes[key], stage=2)
        elif key not in there.attributes:
            yield Change(record.name, "attribute", "create", name=key, after=value, stage=1)
        elif there.attributes[key] != value:
            yield Change(record.name, "attribute", "update", name=key, before=there.attributes[key], after=value, stage=1)
    if record.attributes:
        for key, value in there.attributes.items():
            if key not in record.attributes and any(fnmatchcase(key, pattern) for pattern in purge):
                yield Change(record.name, "attribute", "delete", name=key, before=value, stage=2)


def _protocol_changes(record: RseRecord, there: RseFound, purge: Sequence[str]) -> Iterator[Change]:
    declared = {door.key for door in record.protocols or ()}
    for door in record.protocols or ():
        wanted = protocol_as_dict(door)
        if door.key not in there.protocols:
            yield Change(record.name, "protocol", "create", name=door_name(door.key), after=wanted, stage=1)
        elif (held := protocol_as_dict(there.protocols[door.key])) != wanted:
            yield Change(record.name, "protocol", "update", name=door_name(door.key), before=held, after=wanted, stage=1)
    if declared:
        for key, door in there.protocols.items():
            if key not in declared and any(fnmatchcase(door.scheme, pattern) for pattern in purge):
                yield Change(record.name, "protocol", "delete", name=door_name(key), before=protocol_as_dict(door), stage=2)


def plan_removal(names: Sequence[str], found: Mapping[str, RseFound], limit: int) -> Planned:
    """Deletes RSEs; raises DescriptionError when more than limit of them are there."""
    there = [name for name in dict.fromkeys(names) if name in found and not found[name].deleted]
    if len(there) > limit:
        listed = ", ".join(there[:10]) + (", ..." if len(there) > 10 else "")
        raise DescriptionError(
            [
                Problem(
                    "rses",
                    f"{len(there)} RSEs would be deleted ({listed}), more than removal_limit allows ({limit}); "
                    "their names cannot be used again for new RSEs.",
                    "Check the list, then raise removal_limit.",
                )
            ]
        )
    return Planned(Plan.of(Change(name, "rse", "delete", before=dict(found[name].properties)) for name in there))


def door_name(key: tuple[str, str, int]) -> str:
    """davs://se.example.org:443"""
    scheme, hostname, port = key
    return f"{scheme}://{hostname}:{port}"
