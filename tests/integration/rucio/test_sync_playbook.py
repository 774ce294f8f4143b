"""sync.yml and compare.yml as an operator runs them: the CRIC stand-in over TLS, a real Rucio server, plan files, the report."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cric_doma import views_from_records
from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import load_rse_record
from ansible_collections.escape.datalake.plugins.plugin_utils.services.cric import CricClient, Writer
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import Tls
from ansible_collections.escape.datalake.plugins.plugin_utils.services.kept_copy import KeptCopy
from ansible_collections.escape.datalake.plugins.plugin_utils.services.rucio import RucioClient
from ansible_collections.escape.datalake.tests.standins import StandIn, free_port, make_ca, running, write_config
from rucio_server import PASSWORD, ROOT, RucioServer
from rucio_tools import door, record

pytestmark = pytest.mark.rucio
TOKEN = "writer-of-the-tests"


@pytest.fixture
def cric(tmp_path: Path) -> Iterator[StandIn]:
    tls = tmp_path / "tls"
    tls.mkdir()
    make_ca(tls)
    config = write_config(tmp_path / "cric.yml", f"data: {tmp_path / 'data'}\nwriter: {{enabled: true, token: {TOKEN}}}\n")
    with running("cric", config, tls, free_port()) as stand_in:
        yield stand_in


class Operator:
    """A person with an inventory, who trusts both authorities."""

    def __init__(self, folder: Path, cric: StandIn, server: RucioServer) -> None:
        self.folder = folder
        trusted = folder / "ca.pem"
        trusted.write_text(Path(cric.ca).read_text() + server.ca.read_text())
        self.variables: dict[str, Any] = {
            "datalake_ca": str(trusted),
            "datalake_cric": {"url": cric.url, "writer_token": "not to be sent"},
            "datalake_rucio": {"url": server.url, "account": "root", "username": "ddmlab", "password": PASSWORD},
            "datalake_sync_copies": str(folder / "copies"),
            "datalake_sync_distances": {"rules": [{"same": "site", "distance": 1}, {"distance": 9}]},
        }

    def runs(self, playbook: str, *words: str, fails: bool = False, **variables: Any) -> str:
        told = self.folder / "variables.yml"
        told.write_text(yaml.safe_dump({**self.variables, **variables}))
        paths = f"{ROOT}/.cache:{next((ROOT / '.venv/lib').glob('python*/site-packages'))}"
        settings = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": paths, "ANSIBLE_NOCOLOR": "1"}
        command = [
            str(ROOT / ".venv/bin/ansible-playbook"),
            "-i",
            str(self.folder / "hosts.yml"),
            f"playbooks/{playbook}",
            "-e",
            f"@{told}",
            *words,
        ]
        done = subprocess.run(command, capture_output=True, text=True, env=settings, cwd=ROOT, check=False, timeout=120)
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stdout + done.stderr


def published(cric: StandIn, *records: dict[str, Any]) -> None:
    plain, doma = views_from_records([load_rse_record(each) for each in records])
    fields = {
        name: {
            **{key: value for key, value in each.items() if key not in ("id", "updated_at")},
            "verify_checksum": plain[name]["verify_checksum"],
        }
        for name, each in doma["rses"].items()
    }
    client = CricClient(cric.url, tls=Tls(ca=cric.ca), writer=Writer("api/doma/rse/update/set_data/?json", TOKEN))
    assert client.write(fields) == {}


@pytest.fixture
def operator(tmp_path: Path, cric: StandIn, quiet: RucioServer) -> Operator:
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"storages": {"hosts": {}}}))
    return Operator(tmp_path, cric, quiet)


def test_plan_review_apply_and_compare(operator: Operator, cric: StandIn, quiet: RucioServer, client: RucioClient, name: str) -> None:
    names = [f"{name}-A", f"{name}-B", f"{name}-C"]
    area = door(port=2880, prefix="/pnfs/example.net/escape/disk/")
    doors = [[door()], [door(port=444)], [area]]
    published(
        cric,
        *(record(each, site=f"SITE{number // 2}", space=10**13, limits={}, protocols=doors[number]) for number, each in enumerate(names)),
    )
    operator.variables["datalake_sync"] = {"names": [f"{name}-*"]}
    plan = str(operator.folder / "plan.json")
    quiet.calls()

    operator.runs("sync.yml", datalake_sync_write_plan=plan)
    assert quiet.writes() == []
    assert json.loads(Path(plan).read_text())["summary"]["create rse"] == 3
    text = operator.runs("sync.yml", "--diff", datalake_sync_apply_plan=plan)
    assert f"{names[0]}: create rse" in text
    quiet.calls()
    text = operator.runs("sync.yml")
    assert "changed=0" in text
    calls = quiet.calls()
    assert (len(calls), [call for call in calls if call.writes]) == (3, [])
    operator.variables["datalake_sync"]["full_read_every"] = 600
    operator.runs("sync.yml")
    quiet.calls()
    assert "changed=0" in operator.runs("sync.yml")
    assert quiet.calls()[-1].path.rstrip("?") == "/rses/"
    assert sorted(each.name.split("-")[0] for each in (operator.folder / "copies").iterdir()) == ["cric", "distances", "rses"]

    client.set_attribute(names[0], "QOS", "SAFE")
    assert "the world or the wanted state changed" in operator.runs("sync.yml", datalake_sync_apply_plan=plan, fails=True)
    reports = operator.folder / "reports"
    report = {"storageservice": {"storageshares": [{"name": names[1], "totalsize": 5 * 10**12}]}}
    (operator.folder / "srr.json").write_text(json.dumps(report))
    copy = {"datalake_root": str(ROOT / "tests/fixtures/dcache/roles-9.2"), "datalake_release": "9.2.20"}
    hosts = {"storages": {"hosts": {"se.example.org": {"datalake_srr": str(operator.folder / "srr.json"), **copy}}}}
    (operator.folder / "hosts.yml").write_text(yaml.safe_dump(hosts))
    text = operator.runs("compare.yml", datalake_compare_report=str(reports))
    assert "attribute QOS" in text
    plain = json.loads((reports / "compare.json").read_text())
    assert plain["sources"] == ["storage", "CRIC", "Rucio"]
    rses = {rse["name"]: rse for rse in plain["rses"]}
    assert (rses[names[0]]["differs"], rses[names[1]]["differs"]) == (True, True)
    # The storage serves the area by two doors, of which one is registered.
    assert [row["field"] for row in rses[names[2]]["fields"] if row["verdict"] == "differs"] == ["doors"]
    space = next(row for row in rses[names[1]]["fields"] if row["field"] == "space")
    assert space["values"] == {"storage": 5 * 10**12, "CRIC": 10**13, "Rucio": 10**13}
    # The configuration is that of a dCache with two areas, one of which is the third RSE.
    paths = {row["field"]: row["values"] for row in rses[names[2]]["fields"] if row["field"].endswith("path")}
    assert paths["davs://se.example.org:2880 path"] == dict.fromkeys(("storage", "CRIC", "Rucio"), "/pnfs/example.net/escape/disk")
    assert [note["path"] for note in plain["notes"]] == ["se.example.org: /pnfs/example.net/escape/tape"]
    assert "changed=0" in operator.runs("compare.yml", datalake_compare_report=str(reports))


def test_a_cric_that_is_down(operator: Operator, cric: StandIn, quiet: RucioServer, client: RucioClient, name: str) -> None:
    published(cric, record(f"{name}-A", space=None), record(f"{name}-B", space=None))
    operator.variables["datalake_sync"] = {"names": [f"{name}-*"]}
    operator.runs("sync.yml")
    operator.variables["datalake_cric"]["timeout"] = 1
    client.delete_attribute(f"{name}-A", "QOS")
    # The address answers no longer: the copy is of the same address, and only adds.
    cric_url = operator.variables["datalake_cric"]["url"]
    copy = next((operator.folder / "copies").glob("cric-*"))
    held = json.loads(copy.read_text())
    gone = f"https://localhost:{free_port()}"
    held["address"] = held["address"].replace(cric_url, gone)
    operator.variables["datalake_cric"]["url"] = gone
    KeptCopy(copy.parent, held["address"]).path.write_text(json.dumps(held))
    text = operator.runs("sync.yml")
    assert "this is the copy of" in text
    assert client.lake()["rses"][f"{name}-A"]["attributes"]["QOS"] == "FAST"
