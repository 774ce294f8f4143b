# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module storage_probe as Ansible runs it, against the same servers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from xrootd_lake import CLIENT, ROOT, SECRET, Faults, LabLake

pytestmark = pytest.mark.xrootd


def run(folder: Path, lake: LabLake, *words: str, **options: Any) -> tuple[int, dict[str, Any], str]:
    """Exit code, the module's result, and all that was printed."""
    issuers = [{"name": name, "client_id": CLIENT, "client_secret": SECRET, "lab_mint": True} for name in lake.means]
    task = {**lake.description, "issuers": issuers, "ca_path": lake.ca, "timeout": 20, **options}
    result = folder / "result.json"
    tasks = [
        {"escape.datalake.storage_probe": task, "register": "probe", "ignore_errors": True},
        {"ansible.builtin.copy": {"content": "{{ probe | to_json }}", "dest": str(result), "mode": "0600"}, "check_mode": False},
        {"ansible.builtin.assert": {"that": "probe is success"}},
    ]
    play = folder / "play.yml"
    local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    play.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "vars": local, "tasks": tasks}]))
    config = folder / "ansible.cfg"
    config.touch()
    environment = {**os.environ, "ANSIBLE_CONFIG": str(config), "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache")}
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", str(play), *words]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder, check=False)
    assert result.exists(), done.stdout + done.stderr
    return done.returncode, json.loads(result.read_text()), done.stdout + done.stderr


def test_it_passes_reports_and_shows_no_secret(lab_lake: LabLake, tmp_path: Path) -> None:
    code, result, printed = run(tmp_path, lab_lake, "-vvv")
    assert (code, result["changed"]) == (0, False), printed[-3000:]
    assert {rse["name"]: rse["verdict"] for rse in result["rses"]} == dict.fromkeys(
        ("TEST-ONE-FAST", "TEST-ONE-SAFE", "TEST-TWO-SCRATCH"), "ok"
    )
    assert result["token_support"][0] == {"name": "TEST-ONE-FAST", "attributes": {"oidc_support": True}}
    assert result["traffic"]["writes"] > 0
    assert "6 of 6 passes done" in printed
    assert "read-modify-all      ok" in result["text"]
    for shown in (json.dumps(result), printed):
        assert SECRET not in shown
        assert "eyJ" not in shown


def test_it_fails_after_all_were_probed(lab_lake: LabLake, tmp_path: Path) -> None:
    lab_lake.first.start(Faults(authorize=""))
    code, result, _printed = run(tmp_path, lab_lake)
    assert code != 0
    assert result["failed"]
    assert [rse["verdict"] for rse in result["rses"]] == ["failed", "failed", "ok"]
    assert "2 of 3 RSEs did not pass" in result["msg"]
    assert [each["attributes"]["oidc_support"] for each in result["token_support"]] == [None, None, True]
    code, result, _printed = run(tmp_path, lab_lake, fail=False)
    assert (code, result["failed"]) == (0, False)
    assert result["rses"][0]["verdict"] == "failed"


def test_check_mode_writes_nothing(lab_lake: LabLake, tmp_path: Path) -> None:
    code, result, _printed = run(tmp_path, lab_lake, "--check")
    assert code == 0
    assert {rse["verdict"] for rse in result["rses"]} == {"skipped"}
    assert result["traffic"]["writes"] == 0
    assert result["token_support"] == []


def test_bad_input_is_told_all_at_once_and_sends_nothing(lab_lake: LabLake, tmp_path: Path) -> None:
    issuers = [
        {"name": "escape", "url": "https://elsewhere.example.org/", "client_id": "probe"},
        {"name": "unheard-of", "client_secret_file": "/nonexistent"},
        {"name": "partner", "lab_mint": True},
    ]
    code, result, _printed = run(tmp_path, lab_lake, issuers=issuers)
    assert code != 0
    assert [problem["path"] for problem in result["problems"]] == [
        "issuers[0].url",
        "issuers[0].client_id",
        "issuers[1].url",
        "issuers[1].client_secret_file",
        "issuers[2].lab_mint",
    ]
    assert "rses" not in result
    _code, result, _printed = run(tmp_path, lab_lake, peer="NO-SUCH", workers=0)
    assert {problem["path"] for problem in result["problems"]} == {"workers", "peer"}
