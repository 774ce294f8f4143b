"""rucio_rule and rucio_info against a real server."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.services.rucio import RucioClient
from rucio_server import RELEASE, RucioServer
from rucio_tools import Run, record

pytestmark = pytest.mark.rucio


@pytest.fixture
def data(client: RucioClient, name: str) -> str:
    """A scope with two data sets, one and two, and an RSE of the class named like the test's RSE."""
    scope = name.lower()
    client.add_rse(name, {})
    client.set_attribute(name, "QOS", name)
    client.add_scope("root", scope)
    for each in ("one", "two"):
        client.request("POST", f"dids/{scope}/{each}", json={"type": "DATASET"})
    client.set_quota("root", name, -1)
    return scope


def applied(run: Run, *rules: dict[str, Any]) -> dict[str, Any]:
    answer = run("rucio_rule", rules=list(rules))
    assert not answer.get("failed"), answer["msg"]
    again = run("rucio_rule", rules=list(rules))
    assert (again["changed"], again["actions"], again["traffic"]["writes"]) == (False, [], 0)
    return answer


def test_create_change_delete(run: Run, quiet: RucioServer, client: RucioClient, data: str, name: str) -> None:
    rule = {"dids": [f"{data}:one", f"{data}:two"], "rse_expression": f"QOS={name}", "activity": "Debug", "comment": "first"}
    quiet.calls()
    assert run("rucio_rule", rules=[rule], check=True)["changed"]
    assert quiet.writes() == []
    assert len(applied(run, rule)["actions"]) == 2
    quiet.calls()
    assert run("rucio_rule", rules=[rule])["traffic"] == {"requests": 3, "writes": 0}  # log-in and one for each data set
    applied(run, {**rule, "comment": "second", "priority": 4, "locked": True})
    held = client.rules(scope=data, name="one")
    assert [(each["comments"], each["priority"], each["locked"], each["activity"]) for each in held] == [("second", 4, True, "Debug")]
    assert "locked" in run("rucio_rule", rules=[rule], state="absent")["msg"].lower()
    applied(run, {**rule, "locked": False})
    assert run("rucio_rule", rules=[rule], state="absent")["changed"]
    assert not run("rucio_rule", rules=[rule], state="absent")["changed"]
    # Declared again within the hour in which the server still lists it: it must stay.
    assert applied(run, {**rule, "locked": None})["changed"]
    assert [each["expires_at"] for each in client.rules(scope=data, name="one")] == [None]


def test_lifetime_is_set_once_and_renewed_when_asked(run: Run, client: RucioClient, data: str, name: str) -> None:
    rule = {"dids": [f"{data}:one"], "rse_expression": f"QOS={name}", "lifetime": "2d"}
    applied(run, rule)
    applied(run, {**rule, "lifetime": "9d"})
    before = client.rules(scope=data, name="one")[0]["expires_at"]
    assert not run("rucio_rule", rules=[{**rule, "renew_before": "1d"}])["changed"]
    assert applied(run, {**rule, "lifetime": "9d", "renew_before": "3d"})["changed"]
    assert client.rules(scope=data, name="one")[0]["expires_at"] != before


def test_failures_name_their_rule(run: Run, client: RucioClient, data: str, name: str) -> None:
    good = {"dids": [f"{data}:one"], "rse_expression": f"QOS={name}"}
    answer = run("rucio_rule", rules=[good, {**good, "rse_expression": "QOS=NOTHING"}, {**good, "dids": [f"{data}:missing"]}])
    reasons = {failure["action"].split(" 1 x ")[0]: failure["reason"] for failure in answer["failures"]}
    assert "matches no RSE" in reasons[f"{data}:one"]
    assert "DataIdentifierNotFound" in reasons[f"{data}:missing"]
    assert len(client.rules(scope=data, name="one")) == 1
    account = data + "-poor"
    client.add_account(account, "USER", "")
    poor = run("rucio_rule", rules=[{**good, "dids": [f"{data}:two"], "account": account}])
    assert "InsufficientAccountLimit" in poor["msg"]
    assert "quota" in poor["msg"]


def test_bad_rules(run: Run, quiet: RucioServer) -> None:
    rule = {"dids": ["nothing"], "rse_expression": "A", "copies": 0, "lifetime": "soon", "renew_before": "1d"}
    answer = run("rucio_rule", rules=[rule, {"dids": ["a:b", "a:b"], "rse_expression": "A"}])
    assert all(words in answer["msg"] for words in ("scope:name", "0 copies", "soon", "more than once"))
    assert quiet.calls() == []


def test_info(run: Run, quiet: RucioServer, client: RucioClient, data: str, name: str) -> None:
    run("rucio_rse", rses=[record(f"{name}-A"), record(f"{name}-B")])
    client.add_distance(f"{name}-A", f"{name}-B", 4)
    run("rucio_rule", rules=[{"dids": [f"{data}:one"], "rse_expression": f"QOS={name}"}])
    quiet.calls()
    answer = run(
        "rucio_info",
        gather=["rses", "distances", "accounts", "rules"],
        rses=[f"{name}-A", f"{name}-B", "MISSING"],
        rule_filter={"scope": data},
    )
    assert len(quiet.calls()) == 5  # log-in, ping, export, accounts, rules
    assert answer["version"] == RELEASE
    assert set(answer["rses"]) == {f"{name}-A", f"{name}-B"}
    assert answer["distances"] == {f"{name}-A": {f"{name}-B": 4}}
    assert answer["accounts"]["root"]["type"] == "SERVICE"
    assert len(answer["rules"]) == 1
    assert "declared_space" not in answer["rses"][f"{name}-A"]["attributes"]
    assert answer["rses"][f"{name}-A"]["space"] == 50 * 10**12
    # What info returns can be declared again and is already there.
    assert not run("rucio_rse", rses=[answer["rses"][f"{name}-A"]])["changed"]
    assert "rule_filter" in run("rucio_info", gather=["rules"])["msg"]
