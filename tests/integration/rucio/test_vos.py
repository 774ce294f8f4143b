"""Accounts on a server of several VOs: a run for one of them neither sees nor touches those of another."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import Tls
from ansible_collections.escape.datalake.plugins.plugin_utils.services.rucio import RucioClient
from conftest import runs_against
from iam_people import IamPeople, person
from rucio_server import PASSWORD, RucioServer
from rucio_tools import Issuer, Run, login

pytestmark = pytest.mark.rucio

ROLES = [{"groups": ["escape"], "attributes": {"sign-gcs": "True"}, "quotas": [{"rses": "QOS=FAST", "size": "1TB"}]}]
TABLES = ("accounts", "account_map", "account_attr_map", "account_limits")


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Iterator[RucioServer]:
    made = RucioServer(tmp_path_factory.mktemp("vos"), issuer.url, several_vos=True)
    made.start()
    over_all = RucioClient(made.url, login(account="super_root"), tls=Tls(ca=str(made.ca)))
    for vo in ("esc", "ska"):
        over_all.request("POST", f"vos/{vo}", json={"description": vo, "email": "root@example.org"})
        first = {"identity": f"root-{vo}", "authtype": "USERPASS", "email": "root@example.org", "password": PASSWORD, "default": True}
        over_all.request("POST", f"vos/{vo}/recover", json=first)
    yield made
    made.stop()


@pytest.fixture
def iam(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IamPeople]:
    made = IamPeople(tmp_path_factory.mktemp("vos-iam"))
    yield made
    made.stop()


def rows_of(server: RucioServer, vo: str) -> dict[str, list[Any]]:
    """All rows of accounts of a VO, times included."""
    with sqlite3.connect(server.home / "rucio.db") as database:
        return {
            table: sorted(database.execute(f"select * from {table} where account like ?", (f"%@{vo}",)).fetchall(), key=repr)
            for table in TABLES
        }


def run_for(run: Run, vo: str, module: str, **options: Any) -> dict[str, Any]:
    answer = run(module, vo=vo, username=f"root-{vo}", **options)
    assert not answer.get("failed"), answer["msg"]
    return answer


def test_another_vo_is_neither_seen_nor_touched(server: RucioServer, iam: IamPeople) -> None:
    run = runs_against(server)
    for vo in ("esc", "ska"):
        run_for(run, vo, "rucio_rse", rses=[{"name": "LAB-1", "attributes": {"QOS": "FAST"}}])
    run_for(run, "ska", "rucio_account", accounts=[{"name": "dora", "attributes": {"admin": "True"}}, {"name": "iam-accounts"}])
    other = rows_of(server, "ska")
    iam.has(person("dora"), person("mio"))
    first = run_for(run, "esc", "rucio_iam_account", iam=iam.options, roles=ROLES)
    assert first["summary"]["create account"] == 3
    assert rows_of(server, "ska") == other
    server.calls()
    assert run_for(run, "esc", "rucio_iam_account", iam=iam.options, roles=ROLES)["actions"] == []
    assert server.writes() == []
    iam.has(person("mio"))
    limits = {"suspensions": {"percent": 100}, "shrink_percent": 60}
    run_for(run, "esc", "rucio_iam_account", iam=iam.options, roles=ROLES, guard=limits)
    assert rows_of(server, "ska") == other
    second = run_for(run, "ska", "rucio_iam_account", iam=iam.options, roles=ROLES, ledger="iam-escape")
    assert second["people"]["accounts"] == 1
    assert len(rows_of(server, "ska")["accounts"]) == len(other["accounts"]) + 2
