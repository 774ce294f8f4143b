"""The module cric_rse in playbooks, against the stand-in; requests counted in the stand-in's own access log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.escape.datalake.tests.standins import ROOT, StandIn

CRIC_TOKEN = "writer-of-the-tests"


def rse(name: str, qos: str) -> dict[str, Any]:
    offered = {"read": 1, "write": 1, "delete": 1}
    davs = {
        "scheme": "davs",
        "hostname": "se1.lake.test",
        "port": 1094,
        "prefix": f"/escape/{qos.lower()}/",
        "impl": "rucio.rse.protocols.gfal.Default",
    }
    root = {**davs, "scheme": "root", "prefix": f"//escape/{qos.lower()}/", "impl": "rucio.rse.protocols.xrootd.Default"}
    copies = {"third_party_copy_read": 1, "third_party_copy_write": 1}
    none = dict.fromkeys(copies)
    second = dict.fromkeys(offered, 2)
    return {
        "name": name,
        "site": "LAB",
        "properties": {"rse_type": "DISK", "deterministic": True, "country_name": "FR", "latitude": 45.9},
        "attributes": {"QOS": qos, "site": "LAB", "qos_copies": 2, "verify_checksum": True, "lfn2pfn_algorithm": "hash"},
        "protocols": [
            {**davs, "domains": {"lan": offered, "wan": {**offered, **copies}}},
            {**root, "domains": {"lan": second, "wan": {**second, **none}}},
        ],
        "space": 50_000_000_000,
    }


class Task:
    """A playbook with one cric_rse task; its result comes back through a file."""

    def __init__(self, folder: Path, cric: StandIn) -> None:
        self.folder, self.cric = folder, cric
        self.options: dict[str, Any] = {"url": cric.url, "allow_empty": True, "rses": [rse("LAB-FAST", "FAST"), rse("LAB-SAFE", "SAFE")]}

    def enable_writer(self, token: str = CRIC_TOKEN) -> None:
        self.options["writer"] = {"enabled": True, "token": token}

    def run(self, *flags: str, fails: bool = False) -> dict[str, Any]:
        told = self.folder / "result.json"
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            # The connection comes from module_defaults, so that the action group is tried too.
            "module_defaults": {"group/escape.datalake.cric": {"ca_path": self.cric.ca}},
            "tasks": [
                {"escape.datalake.cric_rse": self.options, "register": "told", "ignore_errors": True},
                {
                    "ansible.builtin.copy": {"content": "{{ told | to_json }}", "dest": str(told), "mode": "0600"},
                    "check_mode": False,
                    "diff": False,
                },
                {"ansible.builtin.fail": {"msg": "the task under test failed"}, "when": "told is failed"},
            ],
        }
        book = self.folder / "play.yml"
        (self.folder / "ansible.cfg").write_text("[defaults]\n")
        book.write_text(yaml.safe_dump([play]))
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": f"{ROOT}/.cache",
            "ANSIBLE_CONFIG": str(self.folder / "ansible.cfg"),
            "ANSIBLE_LOCALHOST_WARNING": "0",
        }
        command = [
            str(ROOT / ".venv/bin/ansible-playbook"),
            "-i",
            "localhost,",
            "-c",
            "local",
            str(book),
            "-e",
            f"ansible_python_interpreter={sys.executable}",
            *flags,
        ]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=120, check=False)
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        assert CRIC_TOKEN not in done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        return dict(json.loads(told.read_text()))


@pytest.fixture
def task(tmp_path: Path, cric: StandIn) -> Task:
    return Task(tmp_path, cric)


def test_second_run_reads_twice_and_writes_nothing(task: Task) -> None:
    task.enable_writer()
    task.options["document"] = str(task.folder / "cric.md")
    checked = task.run("--check", "--diff")
    assert checked["changed"]
    assert [each["name"] for each in checked["rses"]] == ["LAB-FAST", "LAB-SAFE"]
    assert task.cric.requests() == ["GET /api/doma/rse/query/?json&state=ANY&site_state=ANY&rcsite_state=ANY", READ_DOMA]
    assert not (task.folder / "cric.md").exists()

    first = task.run()
    assert first["changed"]
    assert first["actions"] == ["LAB-FAST: create rse", "LAB-SAFE: create rse"]
    assert first["pending"] == []
    assert first["traffic"] == {"requests": 5, "writes": 1}
    assert [each for each in task.cric.requests() if each.startswith("POST")] == ["POST /api/doma/rse/update/set_data/?json"]

    before = len(task.cric.requests())
    second = task.run()
    assert not second["changed"]
    assert second["traffic"] == {"requests": 2, "writes": 0}
    assert [each.split()[0] for each in task.cric.requests()[before:]] == ["GET", "GET"]
    assert second["states"] == {"LAB-FAST": "ACTIVE", "LAB-SAFE": "ACTIVE"}
    held = second["rses"][0]
    wanted = rse("LAB-FAST", "FAST")
    assert held["protocols"] == [{**each, "extended_attributes": None} for each in wanted["protocols"]]
    assert wanted["attributes"].items() <= held["attributes"].items()
    assert wanted["properties"].items() <= held["properties"].items()


READ_DOMA = "GET /api/doma/rse/query/?json&state=ANY&site_state=ANY&rcsite_state=ANY&preset=doma"


def test_without_a_writer_differences_are_reported(task: Task) -> None:
    document = task.folder / "cric.md"
    task.options["document"] = str(document)
    first = task.run()
    assert first["changed"]
    assert first["pending"] == ["LAB-FAST: create rse", "LAB-SAFE: create rse"]
    assert set(first["change_set"]["rses"]) == {"LAB-FAST", "LAB-SAFE"}
    text = document.read_text()
    assert text.index("1. RC site") < text.index("2. Service") < text.index("RSE\n") < text.index("Params\n")
    assert "LAB-FAST: QOS = FAST" in text
    assert json.loads(document.with_suffix(".json").read_text()) == first["change_set"]
    assert not task.run()["changed"]
    assert not [each for each in task.cric.requests() if each.startswith("POST")]


def test_one_change_is_one_write_and_other_params_stay(task: Task) -> None:
    task.enable_writer()
    task.options["rses"][0]["attributes"]["by_hand"] = "kept"
    task.run()
    del task.options["rses"][0]["attributes"]["by_hand"]
    task.options["rses"][0]["attributes"]["QOS"] = "OPPORTUNISTIC"
    told = task.run("--diff")
    assert told["actions"] == ["LAB-FAST: update param QOS: 'FAST' -> 'OPPORTUNISTIC'"]
    held = told["rses"][0]["attributes"]
    assert (held["QOS"], held["by_hand"]) == ("OPPORTUNISTIC", "kept")


def test_doors_are_removed_only_when_asked(task: Task) -> None:
    task.enable_writer()
    task.run()
    task.options["rses"][0]["protocols"].pop()
    kept = task.run()
    assert not kept["changed"]
    assert kept["unmanaged"] == {"LAB-FAST": ["root://se1.lake.test:1094"]}
    task.options["purge_protocols"] = True
    told = task.run()
    assert told["actions"] == ["LAB-FAST: delete protocol root://se1.lake.test:1094"]
    assert [each["scheme"] for each in told["rses"][0]["protocols"]] == ["davs"]


def test_a_reviewed_plan_is_applied_as_it_is_or_not_at_all(task: Task) -> None:
    task.enable_writer()
    plan = str(task.folder / "plan.json")
    task.options["write_plan"] = plan
    assert "LAB-FAST: create rse" in task.run()["pending"]
    assert not [each for each in task.cric.requests() if each.startswith("POST")]
    document = json.loads(Path(plan).read_text())
    assert document["summary"] == {"create rse": 2}
    assert CRIC_TOKEN not in json.dumps(document)
    task.options["apply_plan"] = task.options.pop("write_plan")
    assert task.run()["actions"] == ["LAB-FAST: create rse", "LAB-SAFE: create rse"]

    task.options["write_plan"] = task.options.pop("apply_plan")
    task.options["rses"][0]["attributes"]["QOS"] = "OPPORTUNISTIC"
    task.run()
    task.options["apply_plan"] = task.options.pop("write_plan")
    task.options["rses"][0]["attributes"]["tier"] = "2"  # nobody reviewed that
    told = task.run(fails=True)
    assert "the world or the wanted state changed" in told["msg"]
    assert told["msg"].count("tier") == 1
    del task.options["writer"]
    assert "no writer is enabled" in task.run(fails=True)["msg"]


def test_refused_log_in_fails_and_writes_nothing(task: Task) -> None:
    task.enable_writer("wrong")
    told = task.run(fails=True)
    assert told["status"] == 401
    assert "shows the token" in told["msg"]
    task.options.pop("writer")
    assert len(task.run()["pending"]) == 2


def test_bad_records_are_refused_before_anything_is_read(task: Task) -> None:
    task.options["rses"] = [{"name": "lower"}, {"name": "GOOD", "protocols": [{"scheme": "davs"}]}]
    told = task.run(fails=True)
    assert len(told["problems"]) >= 2
    assert task.cric.requests() == []


def test_reading_alone_gives_every_rse(task: Task) -> None:
    task.enable_writer()
    task.run()
    told = Task(task.folder, task.cric)
    told.options = {"url": task.cric.url}
    answer = told.run()
    assert [each["name"] for each in answer["rses"]] == ["LAB-FAST", "LAB-SAFE"]
    assert not answer["changed"]


def test_unreachable_cric_is_a_sentence(task: Task) -> None:
    task.options["url"] = "https://localhost:1"
    assert "check the address" in task.run(fails=True)["msg"]
