"""rucio_distance against a real server."""

from __future__ import annotations

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.distances import found_distances
from ansible_collections.escape.datalake.plugins.plugin_utils.services.rucio import RucioClient, in_parallel
from rucio_server import RucioServer
from rucio_tools import Run

pytestmark = pytest.mark.rucio


def made(client: RucioClient, name: str, count: int) -> list[str]:
    names = [f"{name}-{number}" for number in range(count)]
    in_parallel(lambda each: client.add_rse(each, {}), names)
    return names


def held(client: RucioClient, names: list[str]) -> dict[tuple[str, str], int]:
    distances = found_distances(client.lake(distances=True)["distances"])
    return {pair: distance for pair, distance in distances.items() if set(pair) <= set(names)}


def test_create_change_and_remove(run: Run, quiet: RucioServer, client: RucioClient, name: str) -> None:
    a, b, c = names = made(client, name, 3)
    client.add_distance(a, c, 9)
    quiet.calls()
    listed = [{"source": a, "destination": b, "distance": 1, "bidirectional": True}]
    options = {"distances": listed, "matrix": {a: {a: 0, c: 2}, b: {c: 0}}}
    assert run("rucio_distance", check=True, **options)["changed"]
    assert quiet.writes() == []
    answer = run("rucio_distance", **options)
    assert sorted(answer["actions"]) == sorted(
        [
            f"{a} -> {b}: create distance = 1",
            f"{b} -> {a}: create distance = 1",
            f"{a} -> {a}: create distance = 0",
            f"{a} -> {c}: update distance: 9 -> 2",
            f"{b} -> {c}: create distance = 0",
        ]
    )
    assert held(client, names) == {(a, b): 1, (b, a): 1, (a, a): 0, (a, c): 2, (b, c): 0}
    quiet.calls()
    again = run("rucio_distance", **options)
    assert (again["changed"], again["traffic"]) == (False, {"requests": 2, "writes": 0})  # log-in and export
    assert quiet.writes() == []

    assert run("rucio_distance", matrix={a: {c: None}})["changed"]
    assert run("rucio_distance", distances=[{"source": b, "destination": a}], state="absent")["changed"]
    assert not run("rucio_distance", distances=[{"source": b, "destination": a}], state="absent")["changed"]
    assert held(client, names) == {(a, b): 1, (a, a): 0, (b, c): 0}


def test_a_full_mesh_goes_by_import(run: Run, quiet: RucioServer, client: RucioClient, name: str) -> None:
    names = made(client, name, 24)  # 552 pairs: two imports
    client.add_distance(names[0], names[1], 7)
    matrix = {source: {destination: 1 for destination in names if destination != source} for source in names}
    quiet.calls()
    assert run("rucio_distance", matrix=matrix)["changed"]
    assert [call.path for call in quiet.writes()] == ["/import/?"] * 2
    assert set(held(client, names).values()) == {1}
    assert run("rucio_distance", matrix=matrix)["traffic"] == {"requests": 2, "writes": 0}


def test_a_missing_rse_fails_alone(run: Run, client: RucioClient, name: str) -> None:
    names = made(client, name, 6)
    matrix = {source: {destination: 1 for destination in names if destination != source} for source in names}
    matrix[names[0]][f"{name}-MISSING"] = 1
    assert not run("rucio_distance", matrix=matrix, check=True).get("failed")
    answer = run("rucio_distance", matrix=matrix)
    assert [failure["action"] for failure in answer["failures"]] == [f"{names[0]} -> {name}-MISSING: create distance = 1"]
    assert "register the RSE first" in answer["failures"][0]["reason"]
    assert len(held(client, names)) == 30


def test_a_refused_import_is_sent_pair_by_pair(run: Run, quiet: RucioServer, client: RucioClient, name: str) -> None:
    names = made(client, name, 5)
    quiet.breaks("POST", "/import/")
    quiet.calls()
    assert not run("rucio_distance", matrix={source: dict.fromkeys(names, 2) for source in names}).get("failed")
    assert len(quiet.writes()) == 26
    assert len(held(client, names)) == 25


def test_bad_distances(run: Run, quiet: RucioServer) -> None:
    answer = run("rucio_distance", distances=[{"source": "A", "destination": "B"}], matrix={"A": {"B": -1, "C": "far"}, "D": 3})
    assert all(place in answer["msg"] for place in ("4 problems", "distances[0]", "matrix.A.B", "matrix.A.C", "matrix.D"))
    twice = run("rucio_distance", distances=[{"source": "A", "destination": "B", "distance": 1}], matrix={"A": {"B": 2}})
    assert "twice with different" in twice["msg"]
    assert quiet.calls() == []
