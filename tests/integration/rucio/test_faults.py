"""Every request of a run is broken once in every way: the run that follows ends as an undisturbed one, and nothing was deleted.

Registration, an empty server, accounts and CRIC, each with as few objects as show every kind of request. FAULTS=all gives the accounts all
kinds of faults too; otherwise those that say least about what the server did.
"""

from __future__ import annotations

import os
import queue
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils import lake_sync
from ansible_collections.escape.datalake.tests.fault_proxy import KINDS, FaultProxy
from ansible_collections.escape.datalake.tests.standins import free_port, make_ca, running, write_config
from conftest import runs_against
from iam_people import IamPeople, certificate, person
from rucio_server import RucioServer
from rucio_tools import Issuer, Run, door

pytestmark = pytest.mark.rucio

ROLES = [{"groups": ["escape"], "attributes": {"sign-gcs": "True"}}, {"groups": ["escape/admins"], "attributes": {"admin": "True"}}]
HARDEST = ("reset after", "truncated", "duplicate")
OF_ACCOUNTS = KINDS if os.environ.get("FAULTS") == "all" else HARDEST
TRIED = [*((what, kind) for what in ("registration", "filling") for kind in KINDS), *(("accounts", kind) for kind in OF_ACCOUNTS)]
# Tables that make up what people know as the lake, without ids and times.
RSE = "(select rse from rses where rses.id = {0})"
STATE = {
    "rses": "select rse, deleted, rse_type, availability_write, country_name from rses",
    "attributes": f"select {RSE.format('rse_id')}, key, value from rse_attr_map",
    "protocols": f"select {RSE.format('rse_id')}, scheme, hostname, port, prefix, impl, read_wan, delete_lan from rse_protocols",
    "limits": f"select {RSE.format('rse_id')}, name, value from rse_limits",
    "usage": f"select {RSE.format('rse_id')}, source, used, free from rse_usage",
    "distances": f"select {RSE.format('src_rse_id')}, {RSE.format('dest_rse_id')}, distance from distances",
    "accounts": "select account, account_type, status, email from accounts",
    "identities": "select identity, identity_type, account from account_map",
    "account attributes": "select account, key, value from account_attr_map where key not like '%.off'",
    "quotas": f"select account, {RSE.format('rse_id')}, bytes from account_limits",
}


@dataclass
class Lake:
    """A Rucio server whose database goes back to a remembered state within milliseconds, behind a proxy that breaks requests."""

    server: RucioServer
    proxy: FaultProxy
    run: Run
    before: Path = field(init=False)

    def __post_init__(self) -> None:
        self.before = self.server.home / "before.db"

    @property
    def database(self) -> Path:
        return self.server.home / "rucio.db"

    def remember(self) -> None:
        with sqlite3.connect(self.database, timeout=30) as held, sqlite3.connect(self.before) as copy:
            held.backup(copy)

    def go_back(self) -> None:
        with sqlite3.connect(self.database, timeout=30) as held:
            held.execute("attach database ? as before", (str(self.before),))
            for (table,) in held.execute("select name from before.sqlite_master where type = 'table'").fetchall():
                held.execute(f"delete from main.{table}")
                held.execute(f"insert into main.{table} select * from before.{table}")
            held.commit()
            held.execute("detach database before")

    def state(self) -> dict[str, Any]:
        with sqlite3.connect(self.database, timeout=30) as held:
            return {what: sorted(held.execute(query).fetchall(), key=repr) for what, query in STATE.items()}

    def requests(self, work: Callable[[str], str | None]) -> int:
        """How many requests an undisturbed run sends."""
        self.go_back()
        self.proxy.break_request("", 0)
        assert work(self.proxy.url) is None
        return len(self.proxy.calls)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Iterator[Lake]:
    server = RucioServer(tmp_path_factory.mktemp("faults"), issuer.url)
    server.start()
    proxy = FaultProxy(server.url, server.ca)
    made = Lake(server, proxy, runs_against(server))
    others = [{"name": "OTHERS-RSE", "attributes": {"QOS": "SAFE"}, "protocols": [door()]}]
    assert not made.run("rucio_rse", rses=others).get("failed")
    assert not made.run("rucio_account", accounts=[{"name": "others", "attributes": {"admin": "True"}}]).get("failed")
    made.remember()
    yield made
    proxy.stop()
    server.stop()


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries wait in vain here: the next request is sound."""
    real = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: real(min(seconds, 0.01)))


# What is run


def registration(lake: Lake) -> Callable[[str], str | None]:
    """RSEs with all they have, and distances in several imports; then a distance by the module for distances alone."""
    records = [
        {"name": "LAB-1", "properties": {"country_name": "FR"}, "attributes": {"QOS": "FAST"}, "protocols": [door()], "space": "5TB"},
        {"name": "OTHERS-RSE", "attributes": {"QOS": "FAST"}, "protocols": [door(prefix="/other")]},
    ]

    distances = {"explicit": {"LAB-1": {"OTHERS-RSE": 2}, "OTHERS-RSE": {"LAB-1": 4}}}

    def work(url: str, **options: Any) -> str | None:
        with mock.patch.object(lake_sync, "PAIRS_PER_IMPORT", 1):
            first = lake.run("rucio_sync", url=url, rses=records, distances=distances, **options)
        if first.get("failed"):
            return str(first["msg"])
        second = lake.run("rucio_distance", url=url, matrix={"OTHERS-RSE": {"LAB-1": 3}}, **options)
        return str(second["msg"]) if second.get("failed") else None

    return work


def filling(lake: Lake) -> Callable[[str], str | None]:
    """A server without RSEs gets them by one import."""
    assert not lake.run("rucio_rse", state="absent", rses=[{"name": "OTHERS-RSE"}]).get("failed")
    lake.remember()
    names = ("NEW-1", "NEW-2")
    records = [{"name": each, "attributes": {"QOS": "FAST"}, "protocols": [door()], "space": "5TB"} for each in names]

    def work(url: str, **options: Any) -> str | None:
        answer = lake.run("rucio_sync", url=url, rses=records, distances={"rules": [{"distance": 3}]}, **options)
        return str(answer["msg"]) if answer.get("failed") else None

    lake.go_back()
    lake.server.calls()
    assert work(lake.server.url) is None
    assert [call.path for call in lake.server.writes() if not call.path.startswith("/rses/")] == ["/import/?"] * 2
    return work


def accounts(lake: Lake, iam: IamPeople) -> Callable[[str], str | None]:
    """One who comes with a certificate, one who leaves, one who is an administrator no more, others who stay."""
    open_guard = {"suspensions": {"percent": 100}, "removals": {"percent": 100}, "shrink_percent": 100}
    options = {"iam": iam.options, "roles": ROLES, "guard": open_guard}
    people = [person("leaves"), person("admin", "escape/admins")]
    iam.has(*people)
    lake.go_back()
    assert not lake.run("rucio_iam_account", **options).get("failed")
    lake.remember()
    iam.has(person("admin"), person("comes", certificates=[certificate("CN=Comes,O=Lake")]))

    def work(url: str, **more: Any) -> str | None:
        answer = lake.run("rucio_iam_account", url=url, **options, **more)
        return str(answer["msg"]) if answer.get("failed") else None

    return work


@pytest.fixture(scope="module")
def iam(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IamPeople]:
    made = IamPeople(tmp_path_factory.mktemp("faults-iam"))
    yield made
    made.stop()


@pytest.fixture(scope="module", params=["registration", "filling", "accounts"])
def case(
    request: pytest.FixtureRequest, lake: Lake, iam: IamPeople
) -> Iterator[tuple[Lake, Callable[..., str | None], dict[str, Any], int]]:
    """A run, the state it ends in undisturbed, and how many requests it sends."""
    lake.go_back()
    kept = lake.before.read_bytes()
    prepared = {"registration": registration, "filling": filling, "accounts": lambda lake: accounts(lake, iam)}
    work = prepared[request.param](lake)
    # A connection that a busy server closed is asked once more: that is one request too many.
    count = min(lake.requests(work) for _attempt in range(2))
    yield lake, work, lake.state(), count
    lake.before.write_bytes(kept)


# The tests


@pytest.mark.parametrize(("case", "kind"), TRIED, indirect=["case"])
def test_each_broken_request_is_made_good_by_the_next_run(case: Any, kind: str) -> None:
    lake, work, undisturbed, count = case
    reported = []
    for number in range(1, count + 1):
        lake.go_back()
        lake.proxy.break_request(kind, number)
        options = {"timeout": 0.2} if kind == "time-out" else {}
        problem = work(lake.proxy.url, **options)
        broken = lake.proxy.broken
        assert broken, f"request {number} was never sent"
        reported += [(*broken, problem)] if problem else []
        lake.proxy.break_request("", 0)
        again = work(lake.proxy.url)
        assert again is None, f"{kind} at request {number} {broken}, then {problem}: the repeated run failed: {again}"
        assert lake.state() == undisturbed, f"{kind} at request {number} {broken}, then {problem}: the repeated run ended otherwise"
    if kind == "stale token":  # what carries a token is mended within the run
        assert all(path == "/ping" or path.startswith("/auth/") for _method, path, _problem in reported)
    elif kind in ("500", "500 after"):
        assert reported
    elif kind != "time-out":  # where a slow machine may time out once more
        assert reported == []


def test_killed_at_each_request_and_repeated(case: Any) -> None:
    lake, work, undisturbed, count = case
    children: queue.Queue[int] = queue.Queue()

    def kill() -> None:
        os.kill(children.get(timeout=10), signal.SIGKILL)

    for number in range(1, count + 1):
        lake.go_back()
        lake.proxy.on_break = kill
        lake.proxy.break_request("reset after", number)
        child = os.fork()
        if child == 0:
            work(lake.proxy.url)
            os._exit(0)
        children.put(child)
        ended = os.waitpid(child, 0)[1]
        lake.proxy.on_break = None
        assert os.WIFSIGNALED(ended), f"request {number} was never sent"
        lake.proxy.break_request("", 0)
        again = work(lake.proxy.url)
        assert again is None, f"killed at request {number} {lake.proxy.broken}: the repeated run failed: {again}"
        assert lake.state() == undisturbed, f"killed at request {number}: the repeated run ended otherwise"


def test_a_light_run_broken_at_each_request(lake: Lake, tmp_path: Path) -> None:
    """Between two reads of everything a list of RSEs that is broken changes nothing."""
    options: dict[str, Any] = {
        "url": lake.proxy.url,
        "rses": [{"name": "LAB-1", "attributes": {"QOS": "FAST"}, "protocols": [door()]}],
        "distances": {"explicit": {"LAB-1": {"OTHERS-RSE": 2}}},
        "copies": str(tmp_path),
        "full_read_every": 3600,
    }
    lake.go_back()
    lake.proxy.break_request("", 0)
    for _run in range(3):
        assert not lake.run("rucio_sync", **options).get("failed")
    undisturbed = lake.state()
    lake.proxy.break_request("", 0)
    assert lake.run("rucio_sync", **options)["actions"] == []
    count = len(lake.proxy.calls)
    assert count == 3  # version, log-in, list of RSEs
    for kind in KINDS:
        for number in range(1, count + 1):
            lake.proxy.break_request(kind, number)
            broken = lake.run("rucio_sync", **{**options, "timeout": 0.2 if kind == "time-out" else 60.0})
            assert lake.proxy.broken, f"request {number} was never sent"
            assert not broken.get("actions"), f"{kind} at request {number}: {broken['actions']}"
            assert lake.state() == undisturbed
            lake.proxy.break_request("", 0)
            assert lake.run("rucio_sync", **options)["actions"] == []


def test_the_list_of_people_broken_at_each_request(lake: Lake, tmp_path: Path) -> None:
    """The IAM behind the proxy: a broken list suspends nobody, and the next run is right."""
    make_ca(tmp_path)
    port = free_port()
    proxy = FaultProxy(
        f"https://localhost:{port}", tmp_path / "ca.pem", certificate=(tmp_path / "localhost.pem", tmp_path / "localhost.key")
    )
    people = IamPeople(tmp_path)
    people.port, people.shown_as = port, proxy.url + "/"
    crowd = [person(f"p{number}") for number in range(120)]
    people.has(*crowd)
    options = {"iam": people.options, "roles": [{"groups": ["escape"]}], "ledger": "other-iam"}
    try:
        lake.go_back()
        assert not lake.run("rucio_iam_account", **options).get("failed")
        undisturbed = lake.state()
        proxy.break_request("", 0)
        assert not lake.run("rucio_iam_account", **options).get("failed")
        count = len(proxy.calls)
        assert count == 4  # discovery, token, two pages
        for kind in KINDS:
            for number in range(1, count + 1):
                proxy.break_request(kind, number)
                iam = {**people.options, "timeout": 0.2 if kind == "time-out" else 60.0}
                answer = lake.run("rucio_iam_account", **{**options, "iam": iam})
                assert proxy.broken
                assert not answer.get("actions"), f"{kind} at request {number}: {answer['actions']}"
                assert lake.state() == undisturbed
        proxy.break_request("", 0)
        assert not lake.run("rucio_iam_account", **options).get("failed")
    finally:
        people.stop()
        proxy.stop()


def test_a_lake_synchronised_from_a_cric_that_breaks_at_each_request(lake: Lake, tmp_path: Path) -> None:
    """What CRIC did not say closes nothing, removes nothing, and the next run is right."""
    make_ca(tmp_path)
    config = write_config(tmp_path / "cric.yml", f"data: {tmp_path / 'data'}\nwriter: {{enabled: true, token: of-the-tests}}\n")
    with running("cric", config, tmp_path, free_port()) as cric:
        ca = tmp_path / "ca.pem"
        proxy = FaultProxy(cric.url, ca, certificate=(tmp_path / "localhost.pem", tmp_path / "localhost.key"), hold=1.2)
        rses = [{"name": f"C{number}", "site": "LAB", "attributes": {"QOS": "FAST"}, "protocols": [door()]} for number in range(3)]
        writer = {"enabled": True, "token": "of-the-tests"}
        assert not lake.run("cric_rse", alone=True, url=cric.url, ca_path=str(ca), rses=rses, allow_empty=True, writer=writer).get("failed")
        source = {"url": proxy.url, "ca_path": str(ca), "extras": ["sites", "downtimes"], "timeout": 1}
        options = {"absent": "disable", "distances": {"rules": [{"distance": 1}]}, "guard": {"disabling": {"percent": 100}}}
        lake.go_back()
        assert not lake.run("rucio_sync", cric=source, **options).get("failed")
        undisturbed = lake.state()
        proxy.break_request("", 0)
        assert lake.run("rucio_sync", cric=source, **options)["actions"] == []
        count = len(proxy.calls)
        assert count == 4  # two views, sites, downtimes
        for copies in ({}, {"copies": str(tmp_path / "copies")}):
            for kind in KINDS:
                for number in range(1, count + 1):
                    proxy.break_request(kind, number)
                    broken = lake.run("rucio_sync", cric={**source, **copies}, **options)
                    assert proxy.broken, f"request {number} was never sent"
                    assert not broken.get("actions"), f"{kind} at request {number}: {broken['actions']}"
                    assert lake.state() == undisturbed
                    proxy.break_request("", 0)
                    assert lake.run("rucio_sync", cric={**source, **copies}, **options)["actions"] == []
        proxy.stop()


def test_cric_broken_at_each_request(run: Run, tmp_path: Path) -> None:
    make_ca(tmp_path)
    config = write_config(tmp_path / "cric.yml", f"data: {tmp_path / 'data'}\nwriter: {{enabled: true, token: of-the-tests}}\n")
    with running("cric", config, tmp_path, free_port()) as cric:
        ca = tmp_path / "ca.pem"
        proxy = FaultProxy(cric.url, ca, certificate=(tmp_path / "localhost.pem", tmp_path / "localhost.key"))
        numbers = iter(range(1, 10**6))

        def work(name: str) -> dict[str, Any]:
            rse = {"name": name, "site": "LAB", "properties": {"rse_type": "DISK"}, "attributes": {"QOS": "FAST"}, "protocols": [door()]}
            writer = {"enabled": True, "token": "of-the-tests"}
            options = {"url": proxy.url, "ca_path": str(ca), "rses": [rse], "allow_empty": True, "writer": writer}
            return run("cric_rse", alone=True, **options)

        first = work("T0")
        assert not first.get("failed"), first["msg"]
        proxy.break_request("", 0)
        wanted = work(f"T{next(numbers)}")
        count = len(proxy.calls)
        for kind in KINDS:
            for number in range(1, count + 1):
                name = f"T{next(numbers)}"
                proxy.break_request(kind, number)
                work(name)
                assert proxy.broken, f"request {number} was never sent"
                proxy.break_request("", 0)
                again = work(name)
                assert not again.get("failed"), f"{kind} at request {number} {proxy.broken}: {again.get('msg')}"
                unchanged = work(name)
                assert unchanged["actions"] == []
                assert repr(unchanged["rses"]).replace(name, "X") == repr(wanted["rses"]).replace("'T1'", "'X'"), kind
        proxy.stop()
