"""A Rucio in memory with what synchronising uses of it: values as they read back, soft deletion, imports in one transaction."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.rucio import values
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.rses import LOCATION, PROPERTIES
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError


class Killed(BaseException):
    """The tool was killed."""


def refusal(error_class: str) -> ApiError:
    return ApiError("Rucio", "CALL", "model", 409, "refused", error_class)


class RucioModel:
    """kill_at: number of the write before which the tool is killed. refuse: number of the write that is refused."""

    major, version, base = 41, "41.5.1", "https://rucio.example.org/"

    def __init__(self) -> None:
        self.rses: dict[str, dict[str, Any]] = {}
        self.deleted: dict[str, dict[str, Any]] = {}
        self.distances: dict[tuple[str, str], int] = {}
        self.usages: dict[str, dict[str, Any]] = {}
        self.login = SimpleNamespace(vo=None)
        self.writes = self.exports = self.singles = self.column_reads = self.distance_exports = self.made = 0
        self.kill_at = self.refuse_at = -1

    @property
    def traffic(self) -> dict[str, int]:
        return {"requests": self.exports + self.singles + self.column_reads + self.writes, "writes": self.writes}

    def _write(self) -> None:
        self.writes += 1
        if self.writes == self.kill_at:
            raise Killed
        if self.writes == self.refuse_at:
            raise refusal("InvalidObject")

    def _rse(self, name: str) -> dict[str, Any]:
        if name not in self.rses:
            raise refusal("RSENotFound")
        return self.rses[name]

    # Reading

    def lake(self, names: Iterable[str] | None = None, *, distances: bool = False) -> dict[str, Any]:
        self.exports += 1
        self.distance_exports += distances
        # dict() copies in one step, deepcopy() does not: RSEs may come and go meanwhile.
        lake: dict[str, Any] = {"rses": copy.deepcopy(dict(self.rses))}
        if distances:
            lake["distances"] = {}
            for (source, destination), number in self.distances.items():
                lake["distances"].setdefault(source, {})[destination] = {"distance": number}
        return lake

    def single_rses(self, names: Iterable[str]) -> dict[str, Any]:
        """As Rucio does: of those that are not named there are only the columns."""
        self.singles += 1
        found = copy.deepcopy(self.rses)
        for name in set(found) - set(names):
            del found[name]["attributes"], found[name]["protocols"]
        return found

    def columns(self) -> dict[str, dict[str, Any]]:
        self.column_reads += 1
        others = ("attributes", "protocols", "MinFreeSpace")
        return {name: {key: value for key, value in rse.items() if key not in others} for name, rse in self.rses.items()}

    def deleted_attributes(self, rse: str) -> dict[str, Any] | None:
        return self.deleted.get(rse)

    def limits(self, rse: str) -> dict[str, int]:
        held = self._rse(rse)
        return {name: held[name] for name in ("MinFreeSpace", "MaxBeingDeletedFiles") if held.get(name) is not None}

    def usage(self, rse: str, source: str) -> dict[str, Any]:
        return dict(self.usages.get(rse, {}))

    # Writing

    def add_rse(self, rse: str, properties: Mapping[str, Any]) -> None:
        self._write()
        self._add(self.rses, rse, properties)

    def _add(self, rses: dict[str, Any], rse: str, properties: Mapping[str, Any]) -> None:
        if rse in rses or rse in self.deleted:
            raise refusal("Duplicate")
        new = {"deterministic": True, "volatile": False, "staging_area": False, "rse_type": "DISK", "MinFreeSpace": None}
        new |= dict.fromkeys((f"availability_{each}" for each in ("read", "write", "delete")), True)
        self.made += 1
        rses[rse] = {"id": f"{self.made:032x}", **dict.fromkeys(PROPERTIES), **new, "attributes": {rse: True}, "protocols": []}
        self._update(rses[rse], properties)

    def update_rse(self, rse: str, properties: Mapping[str, Any]) -> None:
        self._write()
        self._update(self._rse(rse), properties)

    @staticmethod
    def _update(rse: dict[str, Any], properties: Mapping[str, Any]) -> None:
        for key, value in properties.items():
            rse[key] = value
            if key in LOCATION:
                rse["attributes"][key] = value

    def set_attribute(self, rse: str, key: str, value: Any) -> None:
        self._write()
        self._rse(rse)["attributes"][key] = values.attribute(value)

    def delete_attribute(self, rse: str, key: str) -> None:
        self._write()
        del self._rse(rse)["attributes"][key]

    def add_protocol(self, rse: str, protocol: Mapping[str, Any]) -> None:
        self._write()
        self._add_protocol(self._rse(rse), protocol)

    @staticmethod
    def _add_protocol(rse: dict[str, Any], protocol: Mapping[str, Any]) -> None:
        if any(key_of(each) == key_of(protocol) for each in rse["protocols"]):
            raise refusal("Duplicate")
        rse["protocols"].append(copy.deepcopy(dict(protocol)))

    def update_protocol(self, rse: str, protocol: Mapping[str, Any]) -> None:
        self.delete_protocol(rse, protocol)
        self._rse(rse)["protocols"].append(copy.deepcopy(dict(protocol)))

    def delete_protocol(self, rse: str, protocol: Mapping[str, Any]) -> None:
        self._write()
        held = self._rse(rse)
        held["protocols"] = [each for each in held["protocols"] if key_of(each) != key_of(protocol)]

    def set_limit(self, rse: str, name: str, value: int) -> None:
        self._write()
        self._rse(rse)[name] = value

    def set_usage(self, rse: str, source: str, used: int, free: int, files: int | None) -> None:
        self._write()
        self.usages[rse] = {"used": used, "free": free, "files": files}

    def delete_distance(self, source: str, destination: str) -> None:
        self._write()
        self.distances.pop((source, destination), None)

    def import_distances(self, distances: Mapping[tuple[str, str], int]) -> None:
        self._write()
        for pair in distances:
            if not self.rses.keys() >= set(pair):
                raise refusal("RSENotFound")
        self.distances.update(distances)

    def import_rses(self, rses: Mapping[str, Mapping[str, Any]]) -> None:
        self._write()
        new = copy.deepcopy(self.rses)
        for name, body in rses.items():
            self._add(new, name, {key: value for key, value in body.items() if key in PROPERTIES})
            attributes = {**body["attributes"], **{key: body.get(key) for key in ("lfn2pfn_algorithm", "verify_checksum")}}
            new[name]["attributes"] |= {key: values.attribute(value) for key, value in attributes.items() if value is not None}
            new[name]["MinFreeSpace"] = body.get("MinFreeSpace") or None
            for door in body["protocols"]:
                self._add_protocol(new[name], door)
        self.rses = new


def key_of(protocol: Mapping[str, Any]) -> tuple[Any, ...]:
    return protocol["scheme"], protocol["hostname"], protocol["port"]
