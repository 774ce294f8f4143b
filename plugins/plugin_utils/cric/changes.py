# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must change in CRIC so that it holds what RSE records say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.formats import cric_doma
from ansible_collections.escape.datalake.plugins.plugin_utils.model.rse import RseRecord
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import Change, Plan, Verb

# Spellings that CRIC uses for "not stated", beside null, by field.
UNSTATED: Mapping[str, tuple[Any, ...]] = {"space": (0,), "rse_type": ("DISK",)}


@dataclass(frozen=True)
class Planned:
    """plan: all differences, in CRIC's words. change_set: RSE -> the fields to be written, in the shape of the preset=doma view.

    unmanaged: RSE -> doors that CRIC has and the record lacks; they are left alone. missing: RSEs that are not in CRIC and cannot be made,
    because their records name no doors.
    """

    plan: Plan = field(default_factory=Plan)
    change_set: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    unmanaged: Mapping[str, list[str]] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


def plan_rses(wanted: Iterable[RseRecord], plain: Mapping[str, Any], doma: Mapping[str, Any], *, purge_protocols: bool = False) -> Planned:
    """Compares records with the two views of CRIC. Fields and params that a record does not mention are left alone.

    purge_protocols: doors that a record lacks are removed.
    """
    changes: list[Change] = []
    change_set: dict[str, dict[str, Any]] = {}
    unmanaged: dict[str, list[str]] = {}
    missing: list[str] = []
    for record in wanted:
        found = doma["rses"].get(record.name)
        if found is None and record.protocols is None:
            missing.append(record.name)
            continue
        if found is None:
            change_set[record.name] = cric_doma.new_fields(record)
            changes.append(Change(record.name, "rse", "create", after=change_set[record.name]))
            continue
        checksum = {key: value for key, value in plain.get(record.name, {}).items() if key == cric_doma.CHECKSUM}
        differing = _Differences(record, {**found, **checksum}, purge_protocols)
        if differing.changes:
            changes += differing.changes
            change_set[record.name] = differing.fields
        if differing.unmanaged:
            unmanaged[record.name] = differing.unmanaged
    return Planned(Plan.of(changes), change_set, unmanaged, tuple(missing))


def same(name: str, one: Any, other: Any) -> bool:
    """Whether two values of a field mean the same: CRIC keeps texts where others keep numbers and truth values."""
    return _spelling(name, one) == _spelling(name, other)


def door(protocol: Mapping[str, Any]) -> str:
    """How a protocol is called in messages."""
    return f"{protocol['scheme']}://{protocol['hostname']}:{protocol['port']}"


class _Differences:
    """The differences of one RSE that is in CRIC already."""

    def __init__(self, record: RseRecord, found: Mapping[str, Any], purge_protocols: bool) -> None:
        self.record, self.found, self.purge = record, found, purge_protocols
        self.fields: dict[str, Any] = {}
        self.unmanaged: list[str] = []
        stated = cric_doma.stated_fields(record)
        self.changes = [*self._fields(stated), *self._params(stated["params"])]
        if record.protocols is not None:
            self.changes += self._protocols(stated["protocols"])

    def _fields(self, stated: Mapping[str, Any]) -> Iterator[Change]:
        for name, value in stated.items():
            before = self.found.get(name)
            if name not in ("params", "protocols") and not same(name, before, value):
                self.fields[name] = value
                yield Change(self.record.name, "field", "update", name, before, value)

    def _params(self, stated: Mapping[str, Any]) -> Iterator[Change]:
        held = self.found.get("params") or {}
        for name, value in stated.items():
            before = held.get(name)
            if not same(name, before, value):
                self.fields.setdefault("params", {})[name] = value
                verb: Verb = "delete" if value is None else "create" if before is None else "update"
                yield Change(self.record.name, "param", verb, name, before, value)

    def _protocols(self, stated: Iterable[Mapping[str, Any]]) -> list[Change]:
        held = {cric_doma.protocol_key(each): each for each in self.found.get("protocols") or []}
        wanted = {cric_doma.protocol_key(each): each for each in stated}
        changes: list[Change] = []
        result: list[Mapping[str, Any]] = []
        for key, value in wanted.items():
            there = held.get(key)
            if there is None:
                changes.append(Change(self.record.name, "protocol", "create", door(value), after=cric_doma.plain_protocol(value)))
                result.append(value)
                continue
            old, new = cric_doma.plain_protocol(there), cric_doma.plain_protocol(value)
            differing = [name for name in new if old[name] != new[name]]
            if differing:
                before, after = ({name: side[name] for name in differing} for side in (old, new))
                changes.append(Change(self.record.name, "protocol", "update", door(value), before, after))
            result.append({**value, "name": there["name"]} if differing else there)
        for key, value in held.items():
            if key in wanted:
                continue
            if self.purge:
                changes.append(Change(self.record.name, "protocol", "delete", door(value), before=cric_doma.plain_protocol(value)))
            else:
                result.append(value)
                self.unmanaged.append(door(value))
        if changes:
            self.fields["protocols"] = result
        return changes


def _spelling(name: str, value: Any) -> str:
    if value is None or value in ("", {}) or (not isinstance(value, bool) and value in UNSTATED.get(name, ())):
        return ""
    if isinstance(value, str) and value in cric_doma.TRUTH:
        return str(cric_doma.TRUTH[value])
    if isinstance(value, bool):
        return str(value)
    try:
        return repr(float(value))
    except (TypeError, ValueError):
        return str(value)
