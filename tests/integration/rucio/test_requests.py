"""How many requests a first, a second and a check run of each module send, by the access log; docs/rucio-modules.md shows the same."""

from __future__ import annotations

import socket
import ssl
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils import rucio_store
from ansible_collections.escape.datalake.plugins.plugin_utils.services.rucio import RucioClient
from rucio_server import ROOT, RucioServer
from rucio_tools import Run, record

pytestmark = pytest.mark.rucio


def test_broken_connection_counts_once(quiet: RucioServer) -> None:
    tls = ssl.create_default_context(cafile=str(quiet.ca))
    with socket.create_connection(("127.0.0.1", quiet.port)) as plain:
        wrapped = tls.wrap_socket(plain, server_hostname="localhost")
        wrapped.sendall(b"POST /rses/X HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{}")
        with socket.socket(fileno=wrapped.detach()) as below:
            below.sendall(b"no record of TLS")
            while below.recv(4096):
                pass  # the server closes when it is done with the call
    (call,) = quiet.calls()
    assert call.method == "POST"
    assert call.path.startswith("/rses/X")


def test_requests_per_run(run: Run, quiet: RucioServer, client: RucioClient, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rucio_store, "FEW", 10**6)  # as in a lake of these RSEs alone, whatever else the server holds
    scope = name.lower()
    names = [f"{name}-{number}" for number in range(4)]
    people = [
        {
            "name": f"{scope}-{number}",
            "identities": [{"type": "OIDC", "issuer": "https://iam.lake.test/", "subject": f"{scope}-{number}"}],
            "attributes": {"admin": "True"},
            "local_quotas": dict.fromkeys(names, "infinite"),
        }
        for number in range(2)
    ]
    tasks: list[tuple[str, str, dict[str, Any]]] = [
        ("4 RSEs, 4 attributes, 2 doors and a limit each", "rucio_rse", {"rses": [{**record(each), "space": None} for each in names]}),
        ("their space", "rucio_rse", {"rses": [{"name": each, "space": "50TB"} for each in names]}),
        ("12 distances", "rucio_distance", {"matrix": {source: dict.fromkeys(set(names) - {source}, 1) for source in names}}),
        ("2 accounts, an identity, an attribute and 4 quotas each", "rucio_account", {"accounts": people}),
        ("a rule for 2 data sets", "rucio_rule", {"rules": [{"dids": [f"{scope}:one", f"{scope}:two"], "rse_expression": names[0]}]}),
    ]
    client.add_scope("root", scope)
    rows = []
    for what, module, options in tasks:
        if module == "rucio_rule":
            client.set_quota("root", names[0], -1)
            for each in ("one", "two"):
                client.request("POST", f"dids/{scope}/{each}", json={"type": "DATASET"})
        counts = []
        for check in (True, False, False):
            quiet.calls()
            answer = run(module, check=check, **options)
            assert not answer.get("failed"), answer["msg"]
            calls = quiet.calls()
            assert answer["traffic"] == {"requests": len(calls), "writes": sum(call.writes for call in calls)}
            counts.append(answer["traffic"])
        checked, first, second = counts
        assert (checked["writes"], second["writes"]) == (0, 0)
        rows.append(f"| {what} | `{module}` | {checked['requests']} | {first['requests']} ({first['writes']}) | {second['requests']} (0) |")
    table = "\n".join(rows)
    assert table in (ROOT / "docs/rucio-modules.md").read_text(encoding="utf-8"), f"docs/rucio-modules.md must say:\n{table}"
