"""rucio_sync against a real server: a lake from CRIC, by the server's own access log."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cric_doma import views_from_records
from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import load_rse_record
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.distances import found_distances
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.lake import DIGEST, SOURCE_MARK
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import Tls
from ansible_collections.escape.datalake.plugins.plugin_utils.services.rucio import RucioClient
from rucio_server import RucioServer
from rucio_tools import Issuer, Run, door, login, record

pytestmark = pytest.mark.rucio

FULL_MESH = {"rules": [{"same": "site", "distance": 1}, {"same": "country", "distance": 3}, {"distance": 10}]}


class Cric:
    """A CRIC in a folder: both DOMA views, and what else is written there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.records: dict[str, dict[str, Any]] = {}
        self.states: dict[str, str] = {}
        self.distances: dict[tuple[str, str], int] = {}

    def save(self) -> Cric:
        records = [load_rse_record(each) for each in self.records.values()]
        plain, doma = views_from_records(records, states=self.states, distances=self.distances)
        self.write("plain", plain)
        self.write("doma", doma)
        return self

    def add(self, name: str, site: str = "LAB", country: str = "FR", **changes: Any) -> str:
        properties = {"rse_type": "DISK", "country_name": country}
        base = record(name, site=site, properties=properties, space=None, limits={"MinFreeSpace": 10**12})
        self.records[name] = {**base, **changes}
        return name

    def write(self, name: str, document: Any) -> None:
        (self.folder / f"{name}.json").write_text(json.dumps(document))

    @property
    def options(self) -> dict[str, Any]:
        return {"cric": {"url": str(self.folder), "extras": ["downtimes", "status", "sites"]}, "names": [f"{self.prefix}*"]}

    @property
    def prefix(self) -> str:
        return next(iter(self.records)).split("-")[0]


@pytest.fixture
def cric(tmp_path: Path) -> Cric:
    folder = tmp_path / "cric"
    folder.mkdir()
    return Cric(folder)


def made(cric: Cric, name: str, sites: int = 3) -> list[str]:
    """Two RSEs at each of some sites, all in CRIC."""
    names = [cric.add(f"{name}-S{site}-{area}", f"{name}SITE{site}", "FR" if site % 2 else "DE") for site in range(sites) for area in "AB"]
    cric.save()
    return names


def distances(client: RucioClient, prefix: str) -> dict[tuple[str, str], int]:
    found = found_distances(client.lake(distances=True)["distances"])
    return {pair: number for pair, number in found.items() if all(each.startswith(f"{prefix}-") for each in pair)}


def test_a_lake_is_made_and_the_second_run_writes_nothing(run: Run, quiet: RucioServer, client: RucioClient, cric: Cric, name: str) -> None:
    names = made(cric, name)
    options = {**cric.options, "distances": FULL_MESH}
    planned = run("rucio_sync", check=True, **options)
    assert planned["changed"]
    assert quiet.writes() == []
    first = run("rucio_sync", **options)
    assert not first.get("failed"), first["msg"]
    assert sorted(first["actions"]) == sorted(planned["actions"])
    found = client.lake()["rses"]
    assert {found[each]["attributes"][SOURCE_MARK] for each in names} == {"CRIC"}
    assert [each for each in names if DIGEST in found[each]["attributes"]] == [names[0]]
    mesh = distances(client, name)
    assert len(mesh) == 30
    assert mesh[f"{name}-S0-A", f"{name}-S0-B"] == 1
    assert mesh[f"{name}-S0-A", f"{name}-S2-B"] == 3
    assert mesh[f"{name}-S0-A", f"{name}-S1-A"] == 10
    quiet.calls()
    again = run("rucio_sync", **options)
    assert (again["changed"], again["traffic"]) == (False, {"requests": 3, "writes": 0})  # version, log-in and export
    calls = quiet.calls()
    assert not any(call.writes for call in calls)
    assert [call.path for call in calls if "export" in call.path] == ["/export/?distance=False"]


def test_between_two_reads_of_everything_a_run_is_light(
    run: Run, quiet: RucioServer, client: RucioClient, cric: Cric, name: str, issuer: Issuer, tmp_path: Path
) -> None:
    names = made(cric, name)
    options = {**cric.options, "distances": FULL_MESH, "copies": str(tmp_path / "copies"), "full_read_every": 3600}

    def paths() -> list[str]:
        quiet.calls()
        answer = run("rucio_sync", **options)
        assert not answer.get("failed"), answer["msg"]
        calls = quiet.calls()
        assert [call for call in calls if call.writes] == []
        assert answer["traffic"] == {"requests": len(calls), "writes": 0}
        return [call.path.rstrip("?") for call in calls if not call.path.startswith(("/auth/", "/ping"))]

    assert not run("rucio_sync", **options).get("failed")
    paths()
    assert paths() == ["/rses/"]
    client.set_attribute(names[0], "QOS", "SAFE")  # is seen with the next read of everything
    assert paths() == ["/rses/"]
    client.update_rse(names[1], {"availability_write": False})  # is seen at once, and so is all else then
    answer = run("rucio_sync", **options)
    assert sorted(answer["actions"]) == [
        f"{names[0]}: update attribute QOS: 'SAFE' -> 'FAST'",
        f"{names[1]}: update availability availability_write",
    ]
    assert client.lake()["rses"][names[0]]["attributes"]["QOS"] == "FAST"
    paths()
    assert paths() == ["/rses/"]
    # Who may not export asks some things about each RSE, and in between one about all.
    identity = {"type": "OIDC", "issuer": issuer.url, "subject": name, "default": True}
    account = {"name": name.lower(), "attributes": {"admin": "True"}, "identities": [identity]}
    assert not run("rucio_account", accounts=[account]).get("failed")
    options |= {"auth_type": "token", "token": issuer.token(name), "copies": str(tmp_path / "others")}
    assert len([path for path in paths() if path.startswith("/rses/")]) > 3 * len(names)
    assert paths() == ["/rses/"]


def test_one_more_site_costs_only_itself(run: Run, quiet: RucioServer, client: RucioClient, cric: Cric, name: str) -> None:
    made(cric, name, 6)
    options = {**cric.options, "distances": FULL_MESH}
    run("rucio_sync", **options)
    for area in "ABC":
        cric.add(f"{name}-NEW-{area}", f"{name}NEW")
    cric.save()
    quiet.calls()
    assert not run("rucio_sync", **options).get("failed")
    calls = quiet.calls()
    writes = [call for call in calls if call.writes]
    bare = 3 * (1 + 7 + 2 + 1)  # RSE, attributes, doors, limit
    assert len([call for call in writes if call.path.startswith("/import")]) == 1
    assert len(writes) <= bare + 1 + 3 + 1  # one import of distances, three marks, the digest
    assert all("distance=True" not in call.path for call in calls)
    assert len(distances(client, name)) == 15 * 14
    assert run("rucio_sync", **options)["traffic"] == {"requests": 3, "writes": 0}


def test_what_others_changed_is_mended(run: Run, client: RucioClient, cric: Cric, name: str) -> None:
    a, b, *_others = made(cric, name)
    options = {**cric.options, "distances": FULL_MESH}
    run("rucio_sync", **options)
    client.set_attribute(a, "QOS", "SAFE")
    client.delete_attribute(b, "QOS")
    client.update_rse(a, {"country_name": "IT"})
    client.update_distance(a, b, 7)
    answer = run("rucio_sync", **options)
    assert sorted(answer["actions"]) == sorted(
        [f"{a}: update attribute QOS: 'SAFE' -> 'FAST'", f"{b}: create attribute QOS = 'FAST'", f"{a}: update properties country_name"]
    )
    # Distances are believed as long as the digest says so; reading them is asked for.
    options["distances"] = {**FULL_MESH, "verify": True}
    assert run("rucio_sync", **options)["actions"] == [f"{a}: update distances to {b}"]
    assert distances(client, name)[a, b] == 1


def test_states_downtimes_and_exclusions_close_and_open(run: Run, client: RucioClient, cric: Cric, name: str) -> None:
    a, b, c, d, e, *_rest = made(cric, name)
    options = {**cric.options, "guard": {"disabling": {"number": 99, "percent": 100.0}}}
    run("rucio_sync", **options)
    cric.states = {a: "DISABLED"}
    cric.save()
    now = datetime.now(UTC)
    outage = {
        "rc_site": f"{name}SITE1",
        "severity": "OUTAGE",
        "start_time": (now - timedelta(hours=1)).isoformat(),
        "end_time": (now + timedelta(hours=1)).isoformat(),
        "description": "power",
    }
    cric.write("downtimes", {"1": outage, "2": {**outage, "rc_site": f"{name}SITE0", "severity": "WARNING"}})
    cric.write("status", {e: {"write_wan": {"status": {"value": "OFF", "reason": "full"}}}})
    answer = run("rucio_sync", **options)
    assert sorted(answer["closed"]) == [a, c, d, e]

    def flags(rse: str) -> tuple[bool, ...]:
        held = client.lake()["rses"][rse]
        return tuple(held[f"availability_{each}"] for each in ("read", "write", "delete"))

    assert flags(a) == flags(c) == flags(d) == (False, False, False)
    assert (flags(b), flags(e)) == ((True, True, True), (True, False, True))
    cric.states = {}
    cric.save()
    cric.write("downtimes", {})
    cric.write("status", {})
    assert not run("rucio_sync", **options).get("failed")
    assert {flags(each) for each in (a, b, c, d, e)} == {(True, True, True)}


def test_an_rse_that_is_not_active_is_not_made(run: Run, client: RucioClient, cric: Cric, name: str) -> None:
    a, b, *_others = made(cric, name, 1)
    cric.states = {b: "DISABLED"}
    cric.save()
    answer = run("rucio_sync", **cric.options, distances=FULL_MESH)
    assert not answer.get("failed")
    assert answer["inactive"] == {b: "DISABLED in CRIC"}
    assert a in client.lake()["rses"]
    assert b not in client.lake()["rses"]


def test_guards_hold_back_what_takes_away_and_do_the_rest(run: Run, client: RucioClient, cric: Cric, name: str) -> None:
    names = made(cric, name)
    options = {**cric.options, "distances": FULL_MESH, "guard": {"disabling": {"number": 2, "percent": 100.0}}}
    run("rucio_sync", **options)
    cric.states = dict.fromkeys(names[:3], "DISABLED")
    cric.records[names[5]]["attributes"]["QOS"] = "SAFE"
    cric.save()
    answer = run("rucio_sync", **options)
    assert answer["failed"]
    assert "guard.disabling" in answer["msg"]
    assert answer["actions"][0] == f"{names[5]}: update attribute QOS: 'FAST' -> 'SAFE'"
    assert all(client.lake()["rses"][each]["availability_read"] for each in names)
    options["guard"] = {"disabling": {"number": 3, "percent": 100.0}}
    assert not run("rucio_sync", **options).get("failed")
    assert not client.lake()["rses"][names[0]]["availability_read"]


def test_what_is_absent_is_reported_or_closed_but_never_deleted(run: Run, client: RucioClient, cric: Cric, name: str) -> None:
    names = made(cric, name)
    options = {**cric.options, "guard": {"disabling": {"number": 9, "percent": 100.0}}}
    run("rucio_sync", **options)
    del cric.records[names[0]]
    cric.save()
    answer = run("rucio_sync", **options)
    assert (answer["changed"], answer["absent"]) == (False, [names[0]])
    assert run("rucio_sync", **options, absent="disable")["actions"] == [
        f"{names[0]}: update availability availability_delete, availability_read, availability_write"
    ]
    for gone in names[1:4]:
        del cric.records[gone]
    cric.save()
    answer = run("rucio_sync", **options, absent="disable")
    assert "fewer" in answer["msg"]  # shrunk by more than a fifth
    assert answer["held_back"]
    cric.write("doma", {"rses": {}, "distances": {}})
    cric.write("plain", {})
    answer = run("rucio_sync", **options, absent="disable")
    assert "are none at all" in answer["msg"]
    assert set(names) <= set(client.lake()["rses"])


def test_rses_of_others_are_left_alone(run: Run, quiet: RucioServer, client: RucioClient, cric: Cric, name: str) -> None:
    a, b = made(cric, name, 1)
    client.add_rse(a, {})
    client.set_attribute(a, SOURCE_MARK, "elsewhere")
    client.add_rse(f"{name}-HAND", {})
    client.set_attribute(f"{name}-HAND", "QOS", "FAST")
    answer = run("rucio_sync", **cric.options, distances=FULL_MESH, purge_attributes=["*"], absent="disable")
    assert not answer.get("failed"), answer["msg"]
    assert answer["foreign"] == {a: "elsewhere"}
    found = client.lake()["rses"]
    assert "QOS" not in found[a]["attributes"]
    assert found[f"{name}-HAND"]["availability_read"]
    assert found[f"{name}-HAND"]["attributes"]["QOS"] == "FAST"
    assert found[b]["attributes"]["QOS"] == "FAST"
    assert run("rucio_sync", **cric.options, distances=FULL_MESH, purge_attributes=["*"])["traffic"]["writes"] == 0


def test_the_last_good_copy_only_adds(run: Run, client: RucioClient, cric: Cric, name: str, tmp_path: Path) -> None:
    names = made(cric, name)
    options = cric.options
    options["cric"]["copies"] = str(tmp_path / "copies")
    assert not run("rucio_sync", **options).get("failed")
    for broken in ("", "<html>log in</html>", "[]", '{"rses": null}'):
        (cric.folder / "doma.json").write_text(broken)
        client.set_attribute(names[0], "QOS", "SAFE")
        client.update_rse(names[1], {"availability_write": False})
        client.delete_attribute(names[2], "QOS")
        answer = run("rucio_sync", **options)
        assert answer["actions"] == [f"{names[2]}: create attribute QOS = 'FAST'"]
        assert "copy" in answer["cric"]["copy_because"]
    options["cric"]["copy_days"] = 0.0
    answer = run("rucio_sync", **options)
    assert answer["failed"]
    assert "not of its kind" in answer["msg"]


def test_a_reviewed_plan_is_applied_unless_the_world_changed(
    run: Run, quiet: RucioServer, client: RucioClient, cric: Cric, name: str, tmp_path: Path
) -> None:
    names = made(cric, name)
    options = {**cric.options, "distances": FULL_MESH}
    plan = tmp_path / "plan.json"
    quiet.calls()
    assert run("rucio_sync", **options, write_plan=str(plan))["changed"]
    assert quiet.writes() == []
    document = json.loads(plan.read_text())
    assert document["summary"]["create rse"] == 6
    client.add_rse(names[0], {})
    refused = run("rucio_sync", **options, apply_plan=str(plan))
    assert refused["failed"]
    assert names[0] in refused["msg"]
    run("rucio_sync", **options, write_plan=str(plan))
    assert not run("rucio_sync", **options, apply_plan=str(plan)).get("failed")
    assert len(distances(client, name)) == 30


def test_an_interrupted_run_is_finished_by_the_next(run: Run, quiet: RucioServer, client: RucioClient, cric: Cric, name: str) -> None:
    made(cric, name, 4)
    options = {**cric.options, "distances": FULL_MESH}
    chance = random.Random(name)
    for number, (path, times) in enumerate((("/import/", 99), ("/rses/", 3), ("/protocols/", 1), (f"/attr/{DIGEST}", 1))):
        cric.add(f"{name}-MORE-{number}")  # so that every run has something to do
        cric.save()
        quiet.breaks("POST", path, after=0 if times != 3 else chance.randrange(2), times=times)
        assert run("rucio_sync", **options).get("failed"), path
        quiet.mend()
    assert not run("rucio_sync", **options).get("failed")
    assert len(distances(client, name)) == 12 * 11
    assert run("rucio_sync", **options)["traffic"] == {"requests": 3, "writes": 0}


def test_a_deleted_name_is_refused_alone(run: Run, client: RucioClient, cric: Cric, name: str) -> None:
    a, *_others = made(cric, name, 2)
    client.add_rse(a, {})
    client.delete_rse(a)
    options = {**cric.options, "distances": FULL_MESH}
    answer = run("rucio_sync", **options)
    assert [failure["action"] for failure in answer["failures"]] == [f"{a}: update deleted rse: 'deleted' -> 'active'"]
    assert len(distances(client, name)) == 3 * 2
    assert run("rucio_sync", **options)["traffic"]["writes"] == 0


@pytest.fixture
def empty_server(tmp_path: Path, issuer: Issuer) -> Iterator[RucioServer]:
    """A server of its own, without any RSE."""
    server = RucioServer(tmp_path / "rucio", issuer.url)
    server.start()
    yield server
    server.stop()


def test_an_empty_server_is_filled_by_imports(run: Run, empty_server: RucioServer, cric: Cric, name: str) -> None:
    srm = door(scheme="srm", port=8443, extended_attributes={"web_service_path": "/srm/managerv2?SFN="})
    for number in range(24):
        cric.add(f"{name}-{number}", f"SITE{number // 2}", protocols=[door(), srm] if number % 2 else [door()])
    cric.records[f"{name}-0"]["space"] = 10**13
    cric.save()
    options = {**cric.options, **empty_server.arguments, "distances": FULL_MESH}
    first = run("rucio_sync", **options)
    assert not first.get("failed"), first["msg"]
    writes = empty_server.writes()
    # The RSEs, 552 pairs in two, space with its note, the digest.
    assert sorted(call.path.split("/")[-1].rstrip("?") for call in writes if "import" not in call.path) == [
        "declared_space",
        DIGEST,
        "usage",
    ]
    assert len([call for call in writes if "import" in call.path]) == 3
    client = RucioClient(empty_server.url, login(), tls=Tls(ca=str(empty_server.ca)))
    assert len(distances(client, name)) == 24 * 23
    held = client.lake()["rses"][f"{name}-1"]
    assert held["attributes"]["QOS"] == "FAST"
    assert held["attributes"]["verify_checksum"] is False
    assert {each["scheme"] for each in held["protocols"]} == {"davs", "srm"}
    empty_server.calls()
    assert run("rucio_sync", **options)["traffic"] == {"requests": 3, "writes": 0}
    assert [call.method for call in empty_server.calls()] == ["GET"] * 3
