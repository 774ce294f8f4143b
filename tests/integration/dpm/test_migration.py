"""dpm_migration against the stand-in for DOME, and playbooks/migrate.yml with the stand-in for CRIC."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.escape.datalake.plugins.action.dpm_migration import ActionModule
from ansible_collections.escape.datalake.plugins.plugin_utils.model import derive
from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import load_lake, load_storage, rse_record_as_dict
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError
from ansible_collections.escape.datalake.tests.standins import ROOT, StandIn, free_port, running, write_config
from dome_head import LAKE, STORAGE, Head, Run

TARGET = {"host": "dcache.example.org", "release": "9.2.47"}
TOKEN = "writer-of-the-tests"
Migrate = Callable[..., dict[str, Any]]


@pytest.fixture
def storage(run: Run) -> dict[str, Any]:
    """A described storage that the head node has."""
    described = {**STORAGE, "areas": [STORAGE["areas"][0]]}
    assert not run(lake=LAKE, storage=described).get("failed")
    return described


@pytest.fixture
def migrate(head: Head, tmp_path: Path, storage: dict[str, Any]) -> Migrate:
    def migrating(state: str, step: str | None = None, *, check: bool = False, **options: Any) -> dict[str, Any]:
        given = {
            "url": head.url,
            "ca_path": str(head.tls / "ca.pem"),
            "client_cert": str(head.tls / "admin.example.org.pem"),
            "client_key": str(head.tls / "admin.example.org.key"),
            "lake": LAKE,
            "storage": storage,
            "target": TARGET,
            "folder": str(tmp_path / "plan"),
            "state": state,
            **({"step": step} if step else {}),
            **options,
        }
        checked = ArgumentSpecValidator(ActionModule.ARGUMENTS, **ActionModule.CONSTRAINTS).validate(given)
        if checked.error_messages:
            return {"failed": True, "msg": "; ".join(checked.error_messages)}
        action = ActionModule.__new__(ActionModule)
        action._task = SimpleNamespace(check_mode=check)
        try:
            return action.act(checked.validated_parameters, {})
        except DescriptionError as problem:
            return {"failed": True, "msg": str(problem)}

    return migrating


def test_planning_reads_only_and_is_stable(migrate: Migrate, head: Head, tmp_path: Path) -> None:
    orders = head.orders()
    assert migrate("planned", check=True)["changed"]
    assert not (tmp_path / "plan").exists()
    first = migrate("planned")
    assert first["changed"]
    assert first["blockers"] == []
    assert first["traffic"]["writes"] == 0
    assert migrate("planned")["changed"] is False
    assert head.orders() == orders
    assert "LAB-DPM-FAST" in (tmp_path / "plan/plan.md").read_text()


def test_steps_are_kept_in_the_file(migrate: Migrate) -> None:
    migrate("planned")
    assert "comes after describe" in migrate("due", "drain")["msg"]
    assert migrate("due", "describe")["changed"] is False
    for step in ("describe", "build", "consistent"):
        assert migrate("done", step)["changed"]
    due = migrate("due", "drain")
    assert due["rses"] == [
        {"name": "LAB-DPM-FAST", "properties": {"availability_read": True, "availability_write": False, "availability_delete": False}}
    ]
    assert "not the last one" in migrate("undue", "build")["msg"]
    undone = migrate("undone", "consistent")
    assert undone["next"] == "consistent"
    assert migrate("planned")["changed"] is False


@pytest.mark.parametrize(
    ("disturb", "words"),
    [
        ("quota", "Pools, quota tokens, groups or directories of the DPM changed"),
        ("described", "The descriptions are not those"),
        ("edited", "was changed by hand"),
        ("gone", "There is no plan"),
        ("other", "is no plan of this module"),
    ],
)
def test_a_plan_whose_world_changed_is_refused(
    migrate: Migrate, run: Run, storage: dict[str, Any], tmp_path: Path, disturb: str, words: str
) -> None:
    migrate("planned")
    options: dict[str, Any] = {}
    file = tmp_path / "plan/plan.json"
    if disturb == "quota":
        run(pools=[{"name": "new"}])
    elif disturb == "described":
        options = {"target": {**TARGET, "release": "10.2.3"}}
    elif disturb == "edited":
        document = json.loads(file.read_text())
        document["rses"][0]["protocols_after"][0]["hostname"] = "evil.example.org"
        file.write_text(json.dumps(document))
    elif disturb == "gone":
        file.unlink()
    else:
        file.write_text("{}")
    answer = migrate("due", "describe", **options)
    assert answer["failed"]
    assert words in answer["msg"]


def test_blockers_that_were_cut_out_of_the_file_still_block(migrate: Migrate, head: Head, storage: dict[str, Any], tmp_path: Path) -> None:
    head.fill(storage["areas"][0]["path"], 600_000_000_000)
    assert migrate("planned")["blockers"]
    file = tmp_path / "plan/plan.json"
    document = json.loads(file.read_text())
    document["blockers"] = []
    file.write_text(json.dumps(document))
    assert "would take no more writes" in migrate("due", "describe")["msg"]


def test_the_stopped_dpm_is_not_asked(migrate: Migrate, head: Head) -> None:
    migrate("planned")
    for step in ("describe", "build", "consistent", "drain", "quiet", "disable"):
        migrate("done", step)
    head.server.shutdown()
    head.server.server_close()
    assert not migrate("done", "stop").get("failed")
    assert not migrate("done", "export").get("failed")


# --- the playbook ----------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def cric(tls: Path, tmp_path: Path) -> Iterator[StandIn]:
    text = f"data: {tmp_path / 'data'}\nwriter: {{enabled: true, token: {TOKEN}}}\n"
    with running("cric", write_config(tmp_path / "cric.yml", text), tls, free_port()) as stand_in:
        yield stand_in


def test_the_playbook_goes_up_to_the_switch_and_back(head: Head, cric: StandIn, storage: dict[str, Any], tmp_path: Path) -> None:
    folder = tmp_path / "migration"
    variables = {
        "datalake_lake": LAKE,
        "datalake_ca": str(head.tls / "ca.pem"),
        "datalake_cric": {"url": cric.url, "writer_token": TOKEN},
        "datalake_migration": {"source": "dpm1", "target": TARGET, "folder": str(folder)},
    }
    host = {
        "datalake_storage": storage,
        "dpm_dome_url": head.url,
        "dpm_client_certificate": str(head.tls / "admin.example.org.pem"),
        "dpm_client_key": str(head.tls / "admin.example.org.key"),
    }
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(yaml.safe_dump({"all": {"vars": variables, "hosts": {"dpm1": host}}}))
    records = [rse_record_as_dict(each) for each in derive.rse_records(load_storage(storage, load_lake(LAKE)), load_lake(LAKE))]
    publish = tmp_path / "publish.yml"
    task = {
        "escape.datalake.cric_rse": {
            "url": cric.url,
            "ca_path": cric.ca,
            "rses": records,
            "allow_empty": True,
            "writer": {"enabled": True, "token": TOKEN},
        }
    }
    publish.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]))

    def play(book: Path, *words: str) -> subprocess.CompletedProcess[str]:
        paths = f"{ROOT}/.cache:{next((ROOT / '.venv/lib').glob('python*/site-packages'))}"
        settings = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": paths, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "false"}
        command = [str(ROOT / ".venv/bin/ansible-playbook"), "-i", str(inventory), *words, str(book)]
        return subprocess.run(command, capture_output=True, text=True, env=settings, cwd=ROOT, check=False, timeout=120)

    def step(name: str, *, undo: bool = False, fails: bool = False) -> str:
        done = play(
            ROOT / "playbooks/migrate.yml", "-e", f"datalake_migration_step={name}", "-e", f"datalake_migration_undo={str(undo).lower()}"
        )
        assert (done.returncode != 0) is fails, done.stdout + done.stderr
        return done.stdout

    def rse() -> dict[str, Any]:
        view = requests.get(f"{cric.url}/api/doma/rse/query/?json&preset=doma", verify=cric.ca, timeout=10).json()
        found: dict[str, Any] = view["rses"]["LAB-DPM-FAST"]
        return found

    assert play(publish).returncode == 0
    done = play(ROOT / "playbooks/migrate.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The step that is due is describe." in done.stdout
    assert "comes after describe" in step("switch", fails=True)
    step("describe")
    described = yaml.safe_load((folder / "host_vars/dcache.example.org.yml").read_text())
    assert load_storage(described["datalake_storage"], load_lake(LAKE)).system == "dcache"
    planned = json.loads((folder / "plan.json").read_text())
    assert described == {"datalake_storage": planned["description"], **planned["variables"]}
    for name in ("build", "consistent", "drain"):
        step(name)
    assert (rse()["availability_read"], rse()["availability_write"]) == (True, False)
    step("drain", undo=True)
    assert rse()["availability_write"] is True
    for name in ("drain", "quiet", "disable", "stop", "export", "import", "verify"):
        step(name)
    assert (rse()["availability_read"], {int(each["port"]) for each in rse()["protocols"]}) == (False, {443})
    step("switch")
    assert {(each["hostname"], int(each["port"])) for each in rse()["protocols"]} == {
        ("dcache.example.org", 2880),
        ("dcache.example.org", 1094),
    }
    assert rse()["availability_read"] is False
    assert "cannot be undone" in step("switch", undo=True, fails=True)
    for name in ("read", "open", "retire"):
        step(name)
    assert (rse()["availability_read"], rse()["availability_write"], rse()["availability_delete"]) == (True, True, True)
