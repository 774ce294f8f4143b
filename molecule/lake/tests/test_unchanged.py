"""A further run of site.yml changes nothing, sends no write and costs little."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import site_runs
from outside import READS, Traffic, secrets

# Executions of tasks, on all hosts, that are not skipped; and requests to Rucio.
TASKS = 25
RUCIO_REQUESTS = 13


def test_a_further_run_changes_nothing_and_only_reads(traffic: Traffic, tmp_path: Path) -> None:
    done = site_runs.run(DATALAKE_REPORT_DIR=str(tmp_path))
    assert done.status == 0, done.output
    assert done.changed == 0, done.output
    to_rucio, to_cric = traffic.rucio(), traffic.cric()
    assert set(to_rucio) == {"GET"} <= READS
    assert set(to_cric) == {"GET"}
    last = json.loads((tmp_path / "report.json").read_text())["runs"][-1]
    assert (last["changed"], last["failed"], last["rucio_writes"]) == (0, 0, 0)
    assert last["rucio_requests"] == sum(to_rucio.values()) <= RUCIO_REQUESTS
    assert last["tasks"] <= TASKS


def test_check_mode_changes_nothing_and_only_reads(traffic: Traffic) -> None:
    done = site_runs.run(site_runs.INVENTORY, "--check", "--diff")
    assert done.status == 0, done.output
    assert done.changed == 0, done.output
    assert set(traffic.rucio()) == {"GET"}
    assert set(traffic.cric()) == {"GET"}


@pytest.mark.parametrize("playbook", ["site.yml", "lab/services.yml"])
def test_no_secret_is_shown_however_much_is_asked_for(playbook: str) -> None:
    done = site_runs.run(site_runs.INVENTORY, "-vvv", "--diff", playbook=playbook)
    assert done.status == 0, done.output
    assert not [name for name, word in secrets().items() if word in done.output]
    assert "eyJ" not in done.output  # how each token begins
