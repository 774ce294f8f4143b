"""rucio_rse against a real server: what is written, what is not, and each trap of its API."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils import rucio_store
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio import values
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.rses import found_rse
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import Tls
from ansible_collections.escape.datalake.plugins.plugin_utils.services.rucio import RucioClient
from rucio_server import RucioServer
from rucio_tools import Run, door, login, record

pytestmark = pytest.mark.rucio


def held(client: RucioClient, name: str) -> dict[str, Any]:
    found: dict[str, Any] = client.lake()["rses"][name]
    return found


def applied(run: Run, *records: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Applies records, then shows that a second run writes nothing."""
    answer = run("rucio_rse", rses=list(records), **options)
    assert not answer.get("failed"), answer["msg"]
    again = run("rucio_rse", rses=list(records), **options)
    assert (again["changed"], again["actions"], again["traffic"]["writes"]) == (False, [], 0)
    return answer


def test_first_run_creates_and_second_run_sends_no_write(playbook: Run, quiet: RucioServer, client: RucioClient, name: str) -> None:
    names = [f"{name}-FAST", f"{name}-SAFE"]
    task = {"escape.datalake.rucio_rse": {"rses": [record(names[0]), record(names[1], attributes={"QOS": "SAFE"})]}}
    checked = playbook([task], "--check", "--diff")
    assert checked["code"] == 0, checked["text"]
    assert quiet.writes() == []
    assert f'"{names[0]}"' in checked["text"]
    assert '"attribute QOS": "SAFE"' in checked["text"]
    assert names[0] not in client.lake()["rses"]

    quiet.calls()
    first = playbook([task, task])
    assert first["code"] == 0, first["text"]
    made, again = first["results"]["task0"], first["results"]["task1"]
    calls = quiet.calls()
    # Two RSEs with five attributes, two doors each, one limit and one space each, which is noted; one export before and one after.
    assert sorted(call.status for call in calls if call.writes) == [200] * 4 + [201] * 13
    assert made["changed"]
    assert made["traffic"]["writes"] == 17
    assert made["actions"] == checked["results"]["task0"]["actions"]
    assert (again["changed"], again["traffic"]) == (False, {"requests": 3, "writes": 0})
    found = held(client, names[0])
    assert (found["country_name"], found["attributes"]["QOS"], found["MinFreeSpace"]) == ("FR", "FAST", 10**12)
    assert client.usage(names[0], "storage")["total"] == 50 * 10**12
    assert found["attributes"]["declared_space"] == str(50 * 10**12)


def test_rses_read_one_by_one_look_as_those_of_the_export(run: Run, client: RucioClient, name: str) -> None:
    names = [f"{name}-{number}" for number in range(3)]
    bare = {"name": names[1], "properties": {"rse_type": "TAPE", "volatile": False, "availability_write": False}}
    away = {"name": names[2], "properties": {"deterministic": False, "city": "Annecy", "time_zone": "Europe/Paris"}, "protocols": [door()]}
    applied(run, record(names[0]), bare, away)
    exported, single = client.lake()["rses"], client.single_rses(names)
    assert set(single) == set(exported)
    for each in names:
        assert found_rse(each, single[each], client.major) == found_rse(each, exported[each], client.major)


def test_a_few_changes_of_a_large_lake_are_read_back_by_themselves(
    run: Run, quiet: RucioServer, client: RucioClient, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rucio_store, "FEW", 0)  # as if all others were many
    names = [f"{name}-{number}" for number in range(2)]
    quiet.calls()
    answer = run("rucio_rse", rses=[record(each) for each in names])
    assert not answer.get("failed"), answer["msg"]
    reads = [call.path.split("?")[0].rstrip("/") for call in quiet.calls() if not call.writes]
    assert (reads.count("/export"), reads.count("/rses")) == (1, 1)
    applied(run, record(names[0], attributes={"QOS": "SAFE"}), record(names[1], protocols=[]))
    matrix = {names[0]: {names[1]: 2}, names[1]: {names[0]: 3}}
    quiet.calls()
    made = run("rucio_distance", matrix=matrix)
    assert not made.get("failed"), made["msg"]
    assert [call.path.split("?")[0].rstrip("/") for call in quiet.calls() if not call.writes].count("/export") == 1
    assert run("rucio_distance", matrix=matrix)["actions"] == []


def test_an_unchanged_run_is_log_in_ping_and_export(run: Run, quiet: RucioServer, name: str) -> None:
    records = [record(f"{name}-{number}") for number in range(5)]
    applied(run, *records)
    quiet.calls()
    run("rucio_rse", rses=records)
    assert [(call.method, call.path.split("?")[0]) for call in quiet.calls()] == [
        ("GET", "/auth/userpass"),
        ("GET", "/export/"),
        ("GET", "/ping"),
    ]


def test_only_what_differs_is_written(run: Run, quiet: RucioServer, client: RucioClient, name: str) -> None:
    applied(run, record(name))
    quiet.calls()
    changed = record(name, attributes={"QOS": "SAFE", "maximum_pin_lifetime": None}, limits={"MinFreeSpace": 5, "MaxBeingDeletedFiles": 7})
    changed["properties"] |= {"availability_write": False, "city": "Annecy"}
    changed["protocols"] = [door(prefix="/other", domains={"wan": {"read": 3}})]
    changed["space"] = 10**9
    answer = applied(run, changed)
    writes = sorted((call.method, call.path.removeprefix(f"/rses/{name}").rstrip("?")) for call in quiet.writes())
    assert writes == [
        ("DELETE", "/attr/maximum_pin_lifetime"),
        ("POST", "/attr/QOS"),
        ("POST", "/attr/declared_space"),
        ("PUT", ""),
        ("PUT", "/limits"),
        ("PUT", "/limits"),
        ("PUT", "/protocols/davs/se.example.org/443"),
        ("PUT", "/usage"),
    ]
    assert answer["diff"]["before"][name]["attribute QOS"] == "FAST"
    assert answer["diff"]["after"][name]["attribute QOS"] == "SAFE"
    found = held(client, name)
    doors = {each["scheme"]: each for each in found["protocols"]}
    assert found["availability_write"] is False
    lan = {operation: values.priority(priority, client.major) for operation, priority in doors["davs"]["domains"]["lan"].items()}
    assert lan == {"read": None, "write": None, "delete": None}
    assert "root" in doors  # not declared any more, so left alone
    assert found["attributes"]["verify_checksum"] is False


def test_attribute_values(run: Run, client: RucioClient, name: str) -> None:
    forms = [(True, True), ("True", True), ("FALSE", False), (86400, "86400"), (1.5, "1.5"), (" blank ", " blank "), ("", ""), ("1", "1")]
    applied(run, {"name": name, "attributes": {f"key{number}": given for number, (given, _back) in enumerate(forms)}})
    found = held(client, name)["attributes"]
    assert [found[f"key{number}"] for number in range(len(forms))] == [back for _given, back in forms]


def test_null_attribute_of_the_server_is_removed_only_when_asked(run: Run, client: RucioClient, name: str) -> None:
    applied(run, {"name": name})
    client.set_attribute(name, "empty", None)
    assert not run("rucio_rse", rses=[{"name": name}])["changed"]
    assert applied(run, {"name": name, "attributes": {"empty": None}})["changed"]
    assert "empty" not in held(client, name)["attributes"]


def test_location_is_a_property_although_it_shows_as_an_attribute(run: Run, client: RucioClient, name: str) -> None:
    where = {"city": "Annecy", "country_name": "FR", "region_code": "74", "continent": "EU", "time_zone": "Europe/Paris", "longitude": 6}
    answer = applied(run, {"name": name, "properties": where, "attributes": {"QOS": "FAST"}}, purge_attributes=["*"])
    assert answer["changed"]
    applied(run, {"name": name, "properties": {**where, "continent": "AF"}})
    assert held(client, name)["attributes"]["continent"] == "AF"


def test_purging_is_limited_to_what_is_asked(run: Run, client: RucioClient, name: str) -> None:
    applied(run, record(name))
    for key in ("old_one", "old_two", "kept"):
        client.set_attribute(name, key, "x")
    declared = record(name, protocols=[door()])
    applied(run, declared, purge_attributes=["old_*"], purge_protocols=["gsiftp", "root"])
    found = held(client, name)
    assert {"kept", name} <= set(found["attributes"])
    assert not {"old_one", "old_two"} & set(found["attributes"])
    assert [each["scheme"] for each in found["protocols"]] == ["davs"]
    applied(run, {"name": name}, purge_attributes=["*"], purge_protocols=["*"])
    assert held(client, name)["protocols"]


def test_doors_of_one_scheme_are_told_apart_by_host_and_port(run: Run, client: RucioClient, name: str) -> None:
    doors = [door(port=port) for port in (443, 444, 445)]
    applied(run, {"name": name, "protocols": doors})
    applied(run, {"name": name, "protocols": doors[:2]}, purge_protocols=["davs"])
    assert [each["port"] for each in held(client, name)["protocols"]] == [443, 444]


def test_extended_attributes(run: Run, client: RucioClient, name: str) -> None:
    forms = [None, {}, {"web_service_path": "/srm?SFN=", "space_token": "X"}]
    srm = door(scheme="srm", extended_attributes={"web_service_path": "/a"})

    def records_with(extended: list[Any]) -> list[dict[str, Any]]:
        return [{"name": f"{name}-{number}", "protocols": [door(extended_attributes=each)]} for number, each in enumerate(extended)]

    first, other = records_with(forms), records_with([{"other": "b"}] * 3)
    first[0]["protocols"].append(srm)
    for records in (first, other, first):
        assert applied(run, *records)["changed"]
    for each, form in zip(first, forms, strict=True):
        doors = {found["scheme"]: found["extended_attributes"] for found in held(client, each["name"])["protocols"]}
        assert (doors["davs"] or None) == (form or None)


def test_what_somebody_else_makes_in_the_meantime_is_no_failure(
    run: Run, client: RucioClient, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the last calls of a killed run arrive after its repetition has read the state."""
    add_protocol = RucioClient.add_protocol

    def overtaken(self: RucioClient, rse: str, protocol: dict[str, Any]) -> None:
        if protocol["port"] == 443:
            add_protocol(client, rse, {**protocol, "prefix": "/of/somebody/else"})
        add_protocol(self, rse, protocol)

    monkeypatch.setattr(RucioClient, "add_protocol", overtaken)
    applied(run, record(name))
    assert {each["prefix"] for each in held(client, name)["protocols"]} == {"/escape/fast", "//escape/fast"}


def test_stale_availability_does_not_count(run: Run, client: RucioClient, name: str) -> None:
    applied(run, {"name": name, "properties": {"availability_read": False, "availability_write": True, "availability_delete": False}})
    applied(run, {"name": name, "properties": {"availability_read": True, "availability_write": False, "availability_delete": True}})
    found = held(client, name)
    assert [found[f"availability_{what}"] for what in ("read", "write", "delete")] == [True, False, True]


def test_used_space_of_a_monitor_is_kept(run: Run, client: RucioClient, name: str) -> None:
    applied(run, {"name": name, "space": "10TB"})
    client.set_usage(name, "storage", 4 * 10**12, 5 * 10**12, 12)
    assert run("rucio_rse", rses=[{"name": name, "space": "10TB"}])["traffic"] == {"requests": 3, "writes": 0}
    assert client.usage(name, "storage")["total"] == 9 * 10**12
    applied(run, {"name": name, "space": "20TB"})
    usage = client.usage(name, "storage")
    assert (usage["used"], usage["free"], usage["files"]) == (4 * 10**12, 16 * 10**12, 12)
    client.set_usage(name, "storage", 4 * 10**12, 5 * 10**12, 12)
    client.delete_attribute(name, "declared_space")
    applied(run, {"name": name, "space": "20TB"})
    assert client.usage(name, "storage")["total"] == 20 * 10**12


def test_space_that_was_reported_already_is_only_noted(run: Run, quiet: RucioServer, client: RucioClient, name: str) -> None:
    applied(run, {"name": name})
    client.set_usage(name, "storage", 4 * 10**12, 6 * 10**12, 12)
    quiet.calls()
    answer = run("rucio_rse", rses=[{"name": name, "space": "10TB"}])
    assert answer["actions"] == [f"{name}: create attribute declared_space = '{10 * 10**12}'"]
    assert [call.path.split("?")[0] for call in quiet.writes()] == [f"/rses/{name}/attr/declared_space"]


@pytest.mark.parametrize(("method", "path"), [("PUT", "/usage"), ("POST", "/attr/declared_space")])
def test_space_is_noted_only_after_it_was_reported(
    run: Run, quiet: RucioServer, client: RucioClient, name: str, method: str, path: str
) -> None:
    applied(run, {"name": name, "space": "10TB"})
    quiet.breaks(method, path)
    assert "broken by the test" in run("rucio_rse", rses=[{"name": name, "space": "20TB"}])["msg"]
    assert held(client, name)["attributes"]["declared_space"] == str(10 * 10**12)
    quiet.mend()
    assert applied(run, {"name": name, "space": "20TB"})["changed"]
    assert client.usage(name, "storage")["total"] == 20 * 10**12
    assert held(client, name)["attributes"]["declared_space"] == str(20 * 10**12)


def test_space_that_the_server_does_not_keep_is_a_failure(
    run: Run, client: RucioClient, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RucioClient, "set_usage", lambda *arguments: None)
    answer = run("rucio_rse", rses=[{"name": name, "space": "10TB"}])
    assert answer["failed"]
    assert [failure["action"] for failure in answer["failures"]] == [f"{name}: create space"]
    assert "does not show it" in answer["msg"]
    assert "declared_space" not in held(client, name)["attributes"]
    monkeypatch.undo()
    applied(run, {"name": name, "space": "10TB"})
    assert client.usage(name, "storage")["total"] == 10 * 10**12


def test_absent_needs_a_limit_and_a_deleted_name_a_word(run: Run, quiet: RucioServer, client: RucioClient, name: str) -> None:
    names = [f"{name}-{number}" for number in range(3)]
    applied(run, *[record(each) for each in names])
    quiet.calls()
    refused = run("rucio_rse", state="absent", rses=[{"name": each} for each in names], removal_limit=2)
    assert "more than removal_limit allows (2)" in refused["msg"]
    assert quiet.writes() == []
    for changed in (True, False):
        assert run("rucio_rse", state="absent", rses=[{"name": each} for each in names])["changed"] is changed
    assert not set(names) & set(client.lake()["rses"])

    back = {**record(names[0]), "attributes": {"QOS": "SAFE"}, "protocols": [door(port=500)]}
    fresh = record(f"{name}-NEW")
    answer = run("rucio_rse", rses=[back, fresh])
    assert answer["failed"]
    assert answer["changed"]
    assert [failure["reason"][:38] for failure in answer["failures"]] == ["the name belongs to a deleted RSE: cho"]
    assert fresh["name"] in client.lake()["rses"]
    assert names[0] not in client.lake()["rses"]
    assert run("rucio_rse", rses=[back], revive=True, check=True)["actions"] == [f"{names[0]}: update deleted rse: 'deleted' -> 'active'"]
    applied(run, back, revive=True)
    found = held(client, names[0])
    assert found["attributes"]["QOS"] == "SAFE"
    assert sorted(each["port"] for each in found["protocols"]) == [443, 500, 1094]


BAD = [
    ({"attributes": {"QOS": "disk+tape"}}, "no rule could ever ask for it"),
    ({"attributes": {"key": ["a"]}}, "key"),
    ({"attributes": {"bad key!": "a"}}, "bad key!"),
    ({"attributes": {"country_name": "FR"}}, "Declare it under properties"),
    ({"attributes": {"declared_space": "5"}}, "Declare it as space"),
    ({"properties": {"availability": 7}}, "availability"),
    ({"properties": {"rse_type": "CLOUD"}}, "rse_type"),
    ({"properties": {"ISP": "x"}}, "ISP"),
    ({"protocols": [door(impl="gfal")]}, "impl"),
    ({"protocols": [door(domains={"third_party_copy": {"read": 1}})]}, "third_party_copy"),
    ({"protocols": [door(domains={"wan": {"read": 0}})]}, "Count from 1"),
    ({"protocols": [door(), door(prefix="/b")]}, "more than once"),
    ({"protocols": [door(scheme="srm")]}, "web_service_path"),
    ({"protocols": [{**door(), "unknown": 1}]}, "unknown"),
    ({"name": "lower-case"}, "name"),
    ({"limits": {"MinFreeSpace": "many"}}, "MinFreeSpace"),
]


def test_bad_input_is_reported_at_once_and_changes_nothing(run: Run, quiet: RucioServer, name: str) -> None:
    records = [{"name": f"{name}-{number}", **bad} for number, (bad, _words) in enumerate(BAD)]
    for bad, (_record, words) in zip(records, BAD, strict=True):
        answer = run("rucio_rse", rses=[record(name), bad])
        assert answer["failed"]
        assert words in answer["msg"]
    assert "once" in run("rucio_rse", rses=[record(name), record(name)])["msg"]
    assert "rses.unknown" in run("rucio_rse", rses=[{"name": name, "unknown": 1}])["msg"]
    all_of_them = run("rucio_rse", rses=records)["msg"]
    assert [number for number in range(len(BAD)) if f"rses[{number}]" not in all_of_them] == []
    assert quiet.calls() == []


def test_one_bad_object_does_not_stop_the_others(run: Run, quiet: RucioServer, client: RucioClient, name: str) -> None:
    quiet.breaks("POST", f"/rses/{name}-BAD/attr/")
    answer = run("rucio_rse", rses=[record(f"{name}-BAD"), record(f"{name}-GOOD")])
    assert answer["failed"]
    assert answer["changed"]
    assert {failure["action"].split(":")[0] for failure in answer["failures"]} == {f"{name}-BAD"}
    assert "HTTP 500: broken by the test" in answer["msg"]
    quiet.mend()
    assert not run("rucio_rse", rses=[record(f"{name}-GOOD")])["changed"]
    applied(run, record(f"{name}-BAD"), record(f"{name}-GOOD"))
    assert len(held(client, f"{name}-BAD")["protocols"]) == 2


def test_what_the_server_does_not_keep_is_a_failure(run: Run, client: RucioClient, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RucioClient, "set_attribute", lambda *arguments: None)
    answer = run("rucio_rse", rses=[{"name": name, "attributes": {"QOS": "FAST"}}])
    assert answer["failed"]
    assert "does not show it" in answer["msg"]


def test_an_account_without_export_rights(run: Run, quiet: RucioServer, client: RucioClient, name: str) -> None:
    account = name.lower()
    client.add_account(account, "SERVICE", "a@example.org")
    client.add_account_attribute(account, "admin", "True")
    client.add_identity(account, "USERPASS", account, "a@example.org", password="its secret")
    own = {"username": account, "password": "its secret", "account": account}
    records = [{**record(f"{name}-{letter}"), "space": None} for letter in "AB"]
    applied(run, *records, **own)
    denied = run("rucio_rse", rses=[record(f"{name}-A")], **own)
    assert "AccessDenied" in denied["msg"]
    assert "space need root" in denied["msg"]
    assert "declared_space" not in held(client, f"{name}-A")["attributes"]
    quiet.calls()
    assert not run("rucio_rse", rses=records[:1], **own)["changed"]
    calls = [call.path.split("?")[0] for call in quiet.calls()]
    assert calls[:3] == ["/auth/userpass", "/export/", "/rses/"]
    assert len(calls) == 7
    pair = {"source": f"{name}-A", "destination": f"{name}-B", "distance": 3}
    assert run("rucio_distance", distances=[pair], **own)["changed"]
    assert not run("rucio_distance", distances=[pair], **own)["changed"]
    assert run("rucio_rse", rses=[record(f"{name}-A")])["changed"]
    assert not run("rucio_rse", rses=[record(f"{name}-A")], **own)["changed"]  # declared before, by root
    assert RucioClient(quiet.url, login(kind="userpass", **own), tls=Tls(ca=str(quiet.ca))).whoami() == account
