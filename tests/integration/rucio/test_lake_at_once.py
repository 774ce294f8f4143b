"""Many RSEs and distances in one task: imports where they are safe, no distance read that is noted, against a server of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.distances import found_distances
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import Tls
from ansible_collections.escape.datalake.plugins.plugin_utils.services.rucio import RucioClient
from conftest import runs_against
from rucio_server import RucioServer
from rucio_tools import Issuer, Run, login, record

pytestmark = pytest.mark.rucio

NAMES = [f"LAKE-{number}" for number in range(25)]
MESH = {
    source: {destination: 1 + (len(source) + len(destination)) % 3 for destination in NAMES if destination != source} for source in NAMES
}
FIRST, SECOND = NAMES[:2]


@pytest.fixture
def empty(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Iterator[RucioServer]:
    """A server without RSEs."""
    made = RucioServer(tmp_path_factory.mktemp("empty"), issuer.url)
    made.start()
    yield made
    made.stop()


def lake_of(server: RucioServer) -> tuple[RucioClient, Run]:
    return RucioClient(server.url, login(), tls=Tls(ca=str(server.ca))), runs_against(server)


def records() -> list[dict[str, Any]]:
    listed = [{**record(name), "space": None} for name in NAMES]
    listed[0]["attributes"] = {**listed[0]["attributes"], "verify_checksum": False, "lfn2pfn_algorithm": "identity"}
    return listed


def distances(client: RucioClient) -> dict[tuple[str, str], int]:
    return found_distances(client.lake(distances=True)["distances"])


WANTED = {(source, destination): distance for source, row in MESH.items() for destination, distance in row.items()}


def test_an_empty_lake_is_made_by_imports_and_then_only_looked_at(empty: RucioServer) -> None:
    client, run = lake_of(empty)
    planned = run("rucio_rse", rses=records(), distances=MESH, check=True)
    assert planned["changed"]
    assert empty.writes() == []

    answer = run("rucio_rse", rses=records(), distances=MESH)
    assert not answer.get("failed"), answer["msg"]
    assert sorted(answer["actions"]) == sorted(planned["actions"])
    writes = empty.writes()
    assert [call.path for call in writes if "import" in call.path] == ["/import/?"] * 3  # the RSEs, 500 and 100 distances
    assert {call.path.split("/")[4].rstrip("?") for call in writes if "import" not in call.path} == {"declared_distances"}
    assert len(writes) == 3 + len(NAMES)
    assert distances(client) == WANTED
    held = client.lake()["rses"]
    assert held[FIRST]["attributes"]["verify_checksum"] is False
    assert held[FIRST]["attributes"]["lfn2pfn_algorithm"] == "identity"

    empty.calls()
    again = run("rucio_rse", rses=records(), distances=MESH)
    assert not again["changed"]
    assert again["traffic"] == {"requests": 3, "writes": 0}
    assert [call.path for call in empty.calls()][1:] == ["/export/?distance=False", "/ping?"]


def test_an_importer_that_deletes_what_is_not_named_deletes_nothing(empty: RucioServer) -> None:
    client, run = lake_of(empty)
    client.add_rse("OLDER", {})
    client.request("PUT", "config/importer/rse_sync_method/hard")
    answer = run("rucio_rse", rses=records(), distances=MESH)
    assert not answer.get("failed"), answer["msg"]
    assert set(client.lake()["rses"]) == {"OLDER", *NAMES}
    client.delete_rse("OLDER")
    revived = run("rucio_rse", rses=[{"name": "OLDER"}], revive=True)
    assert "set to hard" in revived["msg"]
    assert set(client.lake()["rses"]) == set(NAMES)


def test_distances_that_others_change_are_found_when_asked(empty: RucioServer) -> None:
    client, run = lake_of(empty)
    few = {FIRST: {SECOND: 1}, SECOND: {FIRST: 2}}
    pair = records()[:2]
    assert run("rucio_rse", rses=pair, distances=few)["changed"]
    client.update_distance(FIRST, SECOND, 9)
    assert not run("rucio_rse", rses=pair, distances=few)["changed"]
    assert run("rucio_rse", rses=pair, distances=few, reread_distances=True)["actions"] == [f"{FIRST}: update distance to {SECOND}: 9 -> 1"]
    assert distances(client) == {(FIRST, SECOND): 1, (SECOND, FIRST): 2}

    empty.calls()
    few[FIRST][SECOND] = 3
    changed = run("rucio_rse", rses=pair, distances=few)
    assert changed["actions"][0] == f"{FIRST}: update distance to {SECOND}: 1 -> 3"
    assert [action.split(" = ")[0].split(":")[0] for action in changed["actions"]] == [FIRST, FIRST]
    assert [call.method for call in empty.writes()] == ["PUT", "POST"]
    few[FIRST][SECOND] = None
    assert run("rucio_rse", rses=pair, distances=few)["changed"]
    assert distances(client) == {(SECOND, FIRST): 2}
    assert not run("rucio_rse", rses=pair, distances=few)["changed"]


def test_what_a_refused_import_holds_is_written_one_by_one(empty: RucioServer) -> None:
    client, run = lake_of(empty)
    empty.breaks("POST", "/import/", times=9)
    answer = run("rucio_rse", rses=records(), distances=MESH)
    assert not answer.get("failed"), answer["msg"]
    assert distances(client) == WANTED
    empty.mend()
    assert not run("rucio_rse", rses=records(), distances=MESH, reread_distances=True)["changed"]


def test_a_row_with_a_failed_distance_is_not_noted(empty: RucioServer) -> None:
    client, run = lake_of(empty)
    rows = {FIRST: {SECOND: 1, "NOWHERE": 1}, SECOND: {FIRST: 1}}
    answer = run("rucio_rse", rses=records()[:2], distances=rows)
    assert [failure["action"] for failure in answer["failures"]] == [f"{FIRST}: create distance to NOWHERE = 1"]
    assert "declared_distances" not in client.attributes(FIRST)
    assert "declared_distances" in client.attributes(SECOND)
    assert distances(client) == {(FIRST, SECOND): 1, (SECOND, FIRST): 1}
