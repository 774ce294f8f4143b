"""After a plan that touches little of a lake, that little is read again, and what is then known is what reading everything would say."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils import rucio_store
from ansible_collections.escape.datalake.plugins.plugin_utils.model.rse import RseRecord
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import Change, Plan
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.distances import pair_name
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio_store import FEW, DistanceWriter, RseReader

NAMES = [f"LAB-{number}" for number in range(4 * FEW)]


class Server:
    """What of RucioClient reads RSEs and distances. calls: names of the calls, with the objects that were asked for."""

    major = 41

    def __init__(self) -> None:
        self.rses_held = {name: {"attributes": {"QOS": "FAST"}, "protocols": [], "MinFreeSpace": None} for name in NAMES}
        self.deleted: dict[str, dict[str, Any]] = {}
        self.distances = {(source, to): 1 for source in NAMES[:4] for to in NAMES if to != source}
        self.calls: list[tuple[str, Any]] = []

    def lake(self, names: Any = None, *, distances: bool = False) -> dict[str, Any]:
        self.calls.append(("lake", distances))
        pairs = {"distances": self._shown(self.distances)} if distances else {}
        return copy.deepcopy({"rses": self.rses_held, **pairs})

    def single_rses(self, names: Any) -> dict[str, Any]:
        """Of RSEs that are not named only the columns, of which these have none."""
        self.calls.append(("single", sorted(names)))
        return copy.deepcopy({name: held if name in names else {} for name, held in self.rses_held.items()})

    def deleted_attributes(self, name: str) -> dict[str, Any] | None:
        return self.deleted.get(name)

    def distances_between(self, pairs: Any) -> dict[str, Any]:
        self.calls.append(("pairs", sorted(pairs)))
        return self._shown({pair: self.distances[pair] for pair in pairs if pair in self.distances})

    def _shown(self, distances: dict[tuple[str, str], int]) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        for (source, to), number in distances.items():
            shown.setdefault(source, {})[to] = {"distance": number}
        return shown


def touching(*names: str, kind: str = "attribute") -> Plan:
    return Plan.of(Change(name, kind, "update", name="QOS", after="SAFE") for name in names)


@pytest.mark.parametrize("touched", [["LAB-1"], ["LAB-1", "LAB-2"], ["LAB-1", "LAB-2", "NEW"], ["NEW"]])
def test_a_few_rses_are_read_by_themselves(touched: list[str]) -> None:
    server: Any = Server()
    server.deleted["LAB-9"] = {}
    reader = RseReader(server, [RseRecord(name) for name in [*NAMES, "NEW"]])
    found = reader.read()
    assert set(found) == set(NAMES)
    server.rses_held["LAB-1"]["attributes"]["QOS"] = "SAFE"
    server.rses_held.pop("LAB-2")
    if "NEW" in touched:
        server.rses_held["NEW"] = {"attributes": {}, "protocols": [], "MinFreeSpace": 5}
    server.calls.clear()
    again = reader.reread(found, touching(*touched))
    assert server.calls == [("single", sorted(touched))]
    now = reader.read()
    assert {name: again.get(name) for name in touched} == {name: now.get(name) for name in touched}
    assert {name: again[name] for name in NAMES if name not in touched} == {name: found[name] for name in NAMES if name not in touched}
    if "LAB-2" in touched:
        assert again == now


def test_many_rses_are_read_all_at_once() -> None:
    server: Any = Server()
    reader = RseReader(server, [RseRecord(name) for name in NAMES])
    found = reader.read()
    server.calls.clear()
    assert reader.reread(found, touching(*NAMES[: len(NAMES) // FEW + 1])) == found
    assert server.calls == [("lake", False)]


def test_distances_touch_no_rse() -> None:
    server: Any = Server()
    reader = RseReader(server, [RseRecord(name) for name in NAMES])
    found = reader.read()
    server.calls.clear()
    assert reader.reread(found, touching(*NAMES, kind="distances")) == found
    assert server.calls == [("single", [])]


def test_a_few_distances_are_read_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    server: Any = Server()
    writer = DistanceWriter(server)
    pairs = list(server.distances)
    found = writer.read(pairs)
    assert found == server.distances
    changed, gone = pairs[0], pairs[1]
    server.distances[changed] = 7
    del server.distances[gone]
    server.calls.clear()
    plan = Plan.of(Change(pair_name(pair), "distance", "update", after=7) for pair in (changed, gone))
    assert writer.reread(pairs, found, plan) == server.distances
    assert server.calls == [("pairs", [changed, gone])]
    server.calls.clear()
    many = Plan.of(Change(pair_name(pair), "distance", "update", after=7) for pair in pairs[: len(pairs) // FEW + 1])
    assert writer.reread(pairs, found, many) == server.distances
    assert server.calls == [("lake", True)]
    server.calls.clear()
    monkeypatch.setattr(rucio_store, "CHUNK", 1)
    assert writer.reread(pairs, found, plan) == server.distances
    assert server.calls == [("lake", True)]
