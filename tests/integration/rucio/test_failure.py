"""Servers that are away, refuse, break in the middle; runs that are killed; playbooks with module_defaults, environment and check mode."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils import rucio_store
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio_store import FEW
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import Tls, WriteRefused
from ansible_collections.escape.datalake.plugins.plugin_utils.services.rucio import RucioClient
from rucio_server import PASSWORD, ROOT, RucioServer
from rucio_tools import Run, login, record

pytestmark = pytest.mark.rucio

KILLED = """
import sys
from ansible_collections.escape.datalake.plugins.action.rucio_rse import ActionModule
from rucio_tools import record
from types import SimpleNamespace
action = ActionModule.__new__(ActionModule)
action._task = SimpleNamespace(check_mode=False)
url, ca, password, name = sys.argv[1:]
options = {"url": url, "ca_path": ca, "auth_type": "userpass", "username": "ddmlab", "password": password, "account": "root"}
options |= dict.fromkeys(["write_plan", "apply_plan"])
options |= dict.fromkeys(["token", "token_file", "client_cert", "client_key", "vo", "cric"]) | {"timeout": 60.0, "state": "present"}
options |= dict.fromkeys(["write_plan", "apply_plan"])
options |= {"purge_protocols": [], "purge_attributes": [], "revive": False}
action.act({**options, "rses": [record(f"{name}-{number}") for number in range(30)]}, {})
"""


def test_refused_log_in(run: Run, quiet: RucioServer, name: str) -> None:
    answer = run("rucio_rse", rses=[record(name)], password="wrong words")
    assert "auth/userpass: HTTP 401 (CannotAuthenticate)" in answer["msg"]
    assert "check account, user name and password" in answer["msg"]
    assert "wrong words" not in answer["msg"]
    assert len(quiet.calls()) == 1


@pytest.mark.parametrize("check", [False, True])
def test_unreachable_server(run: Run, name: str, check: bool) -> None:
    answer = run("rucio_rse", rses=[record(name)], url="https://localhost:1", check=check)
    assert "check the address and that the service runs" in answer["msg"]


def test_untrusted_server(run: Run, name: str) -> None:
    answer = run("rucio_rse", rses=[record(name)], ca_path="/etc/ssl/certs/ca-certificates.crt")
    assert "check the certificate and the CA" in answer["msg"]


def test_not_a_rucio_server(run: Run, quiet: RucioServer, name: str) -> None:
    answer = run("rucio_rse", rses=[record(name)], url=quiet.url + "/somewhere")
    assert "HTTP 404" in answer["msg"]
    assert "this is no Rucio server" in answer["msg"]


@pytest.mark.parametrize(
    ("method", "path", "after", "few"),
    [
        ("POST", "/rses/", 3, FEW),
        ("POST", "/protocols/", 1, FEW),
        ("PUT", "/limits", 0, FEW),
        ("GET", "/export/", 1, 10**6),  # everything is read again
        ("GET", "/protocols", 0, 0),  # the RSEs of the plan are read again
    ],
)
def test_a_server_that_breaks_in_the_middle(
    run: Run, quiet: RucioServer, name: str, method: str, path: str, after: int, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rucio_store, "FEW", few)
    records = [record(f"{name}-{number}") for number in range(3)]
    quiet.breaks(method, path, after=after, times=2)
    answer = run("rucio_rse", rses=records)
    assert answer["failed"]
    assert "broken by the test" in answer["msg"]
    quiet.mend()
    assert not run("rucio_rse", rses=records).get("failed")
    assert run("rucio_rse", rses=records)["traffic"]["writes"] == 0


def test_a_session_that_ends_in_the_middle(quiet: RucioServer, client: RucioClient, name: str) -> None:
    client.add_rse(name, {})
    client._token = "root-ddmlab-unknown-ended"
    quiet.calls()
    client.set_attribute(name, "QOS", "FAST")
    assert [call.status for call in quiet.calls()] == [401, 200, 201]


def test_killed_in_the_middle_and_repeated(run: Run, quiet: RucioServer, name: str) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}/.cache:{Path(__file__).parent}"}
    command = [sys.executable, "-c", KILLED, quiet.url, str(quiet.ca), PASSWORD, name]
    with subprocess.Popen(command, env=environment, cwd=ROOT) as process:
        written = 0
        until = time.monotonic() + 60
        while written < 40 and time.monotonic() < until:
            time.sleep(0.01)
            written += len(quiet.writes())
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    records = [record(f"{name}-{number}") for number in range(30)]
    repeated = run("rucio_rse", rses=records)
    assert not repeated.get("failed"), repeated["msg"]
    assert 0 < len(repeated["actions"]) < 30 * 10
    assert run("rucio_rse", rses=records)["actions"] == []


def test_check_mode_cannot_write(quiet: RucioServer, name: str) -> None:
    client = RucioClient(quiet.url, login(), tls=Tls(ca=str(quiet.ca)), read_only=True)
    with pytest.raises(WriteRefused):
        client.add_rse(name, {})
    assert quiet.writes() == []


def test_playbook_of_all_modules(playbook: Run, quiet: RucioServer, client: RucioClient, name: str) -> None:
    scope = name.lower()
    tasks = [
        {"escape.datalake.rucio_rse": {"rses": [record(f"{name}-A", attributes={"QOS": name}), record(f"{name}-B")]}},
        {
            "escape.datalake.rucio_distance": {
                "distances": [{"source": f"{name}-A", "destination": f"{name}-B", "distance": 1, "bidirectional": True}]
            }
        },
        {
            "escape.datalake.rucio_account": {
                "accounts": [
                    {
                        "name": scope,
                        "identities": [{"type": "USERPASS", "identity": scope, "password": "hidden words"}],
                        "local_quotas": {f"{name}-A": "infinite"},
                        "scopes": [scope],
                    }
                ]
            }
        },
        {"escape.datalake.rucio_rule": {"rules": [{"dids": [f"{scope}:one"], "rse_expression": f"QOS={name}", "account": scope}]}},
        {"escape.datalake.rucio_info": {"gather": ["rses", "distances"], "rses": [f"{name}-A", f"{name}-B"]}},
    ]
    on_a_bare_server = playbook(tasks[:3], "--check", "--diff")
    assert on_a_bare_server["code"] == 0, on_a_bare_server["text"]
    assert quiet.writes() == []
    first = playbook(tasks[:3], "-vvv", "--diff")
    assert first["code"] == 0, first["text"]
    assert "hidden words" not in first["text"]
    assert PASSWORD not in first["text"]
    client.request("POST", f"dids/{scope}/one", json={"type": "DATASET"})
    assert playbook(tasks[3:])["code"] == 0
    quiet.calls()
    second = playbook(tasks)
    assert second["code"] == 0, second["text"]
    assert quiet.writes() == []
    assert [second["results"][f"task{number}"]["changed"] for number in range(5)] == [False] * 5
    assert second["results"]["task4"]["distances"] == {f"{name}-A": {f"{name}-B": 1}, f"{name}-B": {f"{name}-A": 1}}


def test_playbook_with_bad_input(playbook: Run, quiet: RucioServer, name: str) -> None:
    answer = playbook([{"escape.datalake.rucio_rse": {"rses": [{"name": name, "attributes": {"QOS": "a+b"}}, {"name": "bad name"}]}}])
    assert answer["code"] == 2
    assert len(answer["results"]["task0"]["problems"]) == 2
    assert quiet.calls() == []


def test_playbook_with_its_connection_from_the_environment(playbook: Run, quiet: RucioServer) -> None:
    names = {"URL": quiet.url, "USERNAME": "ddmlab", "PASSWORD": PASSWORD, "ACCOUNT": "root", "CA_PATH": str(quiet.ca)}
    environment = {f"DATALAKE_RUCIO_{key}": value for key, value in names.items()}
    answer = playbook([{"escape.datalake.rucio_info": {"gather": ["accounts"]}}], defaults={}, environment=environment)
    assert answer["code"] == 0, answer["text"]
    assert "root" in answer["results"]["task0"]["accounts"]
