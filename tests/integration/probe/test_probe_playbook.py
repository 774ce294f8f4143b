# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Playbook probe.yml on an inventory of the two storages, with the lab's CRIC: the flag follows the verdict."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from ansible_collections.escape.datalake.tests.standins import StandIn, free_port, running, write_config
from xrootd_lake import CLIENT, ROOT, SECRET, Faults, LabLake

pytestmark = pytest.mark.xrootd

WRITER = "writer-of-the-tests"


@pytest.fixture
def cric(lab_lake: LabLake, tmp_path: Path) -> Iterator[StandIn]:
    text = f"data: {tmp_path / 'data'}\nwriter: {{enabled: true, token: {WRITER}}}\n"
    with running("cric", write_config(tmp_path / "cric.yml", text), Path(lab_lake.ca).parent, free_port()) as stand_in:
        yield stand_in


def inventory(lake: LabLake, cric: StandIn, folder: Path) -> Path:
    everyone = {
        "datalake_lake": lake.description["lake"],
        "datalake_ca": lake.ca,
        "datalake_cric": {"url": cric.url, "writer_token": WRITER},
        "datalake_report": str(folder / "report.json"),
        "datalake_probe_issuers": [{"name": name, "client_id": CLIENT, "client_secret": SECRET, "lab_mint": True} for name in lake.means],
    }
    local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    hosts = {name: {"datalake_storage": storage} for name, storage in lake.description["storages"].items()}
    file = folder / "hosts.yml"
    file.write_text(yaml.safe_dump({"all": {"vars": everyone, "hosts": {"localhost": local}, "children": {"storages": {"hosts": hosts}}}}))
    return file


def play(name: str, hosts: Path, *words: str) -> tuple[int, str]:
    config = hosts.with_name("ansible.cfg")
    config.touch()
    environment = {**os.environ, "ANSIBLE_CONFIG": str(config), "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache")}
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(hosts), str(ROOT / "playbooks" / name), *words]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=hosts.parent, check=False)
    return done.returncode, done.stdout + done.stderr


def flags(cric: StandIn) -> dict[str, Any]:
    """What CRIC says of oidc_support, by RSE."""
    with requests.Session() as session:
        session.trust_env = False
        session.verify = cric.ca
        found = session.get(f"{cric.url}/api/doma/rse/query/?json&preset=doma", timeout=5).json()
    return {name: rse.get("params", {}).get("oidc_support") for name, rse in found["rses"].items()}


def test_the_flag_follows_the_verdict(lab_lake: LabLake, cric: StandIn, tmp_path: Path) -> None:
    hosts = inventory(lab_lake, cric, tmp_path)
    # Probing alone registers nothing.
    code, printed = play("probe.yml", hosts)
    assert code == 0, printed
    assert flags(cric) == {}
    names = ["TEST-ONE-FAST", "TEST-ONE-SAFE", "TEST-TWO-SCRATCH"]
    code, printed = play("register.yml", hosts)
    assert code == 0, printed
    assert flags(cric) == dict.fromkeys(names)

    code, printed = play("probe.yml", hosts)
    assert code == 0, printed
    assert flags(cric) == dict.fromkeys(names, True)
    assert "TEST-ONE-FAST (FAST, TEST-ONE): ok" in printed
    report = json.loads((tmp_path / "report.json").read_text())
    assert [rse["name"] for rse in report["rses"]] == names

    lab_lake.first.start(Faults(bind_groups=False))
    code, printed = play("probe.yml", hosts)
    assert code != 0
    assert "TEST-ONE-FAST, TEST-ONE-SAFE did not pass" in printed
    assert flags(cric) == {"TEST-ONE-FAST": None, "TEST-ONE-SAFE": None, "TEST-TWO-SCRATCH": True}

    code, printed = play("probe.yml", hosts, "--check")
    assert code == 0, printed
    assert flags(cric) == {"TEST-ONE-FAST": None, "TEST-ONE-SAFE": None, "TEST-TWO-SCRATCH": True}
