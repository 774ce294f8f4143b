"""The report of a lake, and the callback that keeps it."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.callback.run_report import CallbackModule
from ansible_collections.escape.datalake.plugins.plugin_utils.report.lake_report import LakeReport, Run, render_page

RSE = {
    "name": "LAB-FAST",
    "storage": "LAB",
    "qos": "FAST",
    "verdict": "failed",
    "checks": [{"id": "anonymous-refused", "expected": "401 or 403", "got": "<b>200</b>", "result": "failed"}],
}
RUN = Run(seconds=1.5, tasks=3, changed=1, rucio_requests=7, rucio_writes=2)


def test_runs_are_appended_and_rses_replaced(tmp_path: Path) -> None:
    for verdict in ("failed", "ok"):
        report = LakeReport.read(tmp_path)
        report.add(RUN, {"LAB-FAST": {**RSE, "verdict": verdict}})
        report.write(tmp_path)
    kept = json.loads((tmp_path / "report.json").read_text())
    assert [rse["verdict"] for rse in kept["rses"]] == ["ok"]
    assert [(run["seconds"], run["rucio_writes"]) for run in kept["runs"]] == [(1.5, 2), (1.5, 2)]


def test_unprobed_rses_keep_their_results(tmp_path: Path) -> None:
    report = LakeReport({"LAB-FAST": RSE}, [])
    report.add(RUN, {"LAB-SAFE": {**RSE, "name": "LAB-SAFE"}})
    assert [rse["name"] for rse in report.as_dict()["rses"]] == ["LAB-FAST", "LAB-SAFE"]


def test_check_mode_takes_no_proof_away(tmp_path: Path) -> None:
    report = LakeReport.read(tmp_path)
    report.add(RUN, {"LAB-FAST": {**RSE, "verdict": "ok"}})
    report.add(RUN, {"LAB-FAST": {**RSE, "verdict": "skipped"}})
    assert report.rses["LAB-FAST"]["verdict"] == "ok"


@pytest.mark.parametrize("text", ["", "{", '{"rses": 3}', "[]"])
def test_damaged_report_starts_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / "report.json").write_text(text)
    assert LakeReport.read(tmp_path).as_dict() == {"rses": [], "runs": []}


def test_page_shows_verdicts_and_escapes_what_servers_said() -> None:
    page = render_page({"rses": [RSE], "runs": [vars(RUN)]})
    assert "0 of 1 RSEs proven" in page
    assert "&lt;b&gt;200&lt;/b&gt;" in page
    assert "<b>200</b>" not in page


def outcome(action: str, **answer: Any) -> SimpleNamespace:
    return SimpleNamespace(result=answer, task=SimpleNamespace(resolved_action=action, action=action))


@pytest.fixture
def callback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CallbackModule:
    module = CallbackModule()
    options = {"directory": str(tmp_path), "playbooks": ["site.yml"]}
    monkeypatch.setattr(module, "get_option", options.__getitem__)
    return module


def test_callback_counts_a_run(callback: CallbackModule, tmp_path: Path) -> None:
    callback.v2_playbook_on_start(SimpleNamespace(_file_name="/x/playbooks/site.yml"))
    callback.v2_runner_on_ok(outcome("escape.datalake.rucio_rse", changed=True, traffic={"requests": 5, "writes": 2}))
    callback.v2_runner_on_ok(outcome("escape.datalake.cric_rse", changed=False, traffic={"requests": 2, "writes": 1}))
    callback.v2_runner_on_failed(outcome("escape.datalake.storage_probe", failed=True, rses=[RSE]))
    callback.v2_playbook_on_stats(None)
    kept = json.loads((tmp_path / "report.json").read_text())
    assert {key: kept["runs"][0][key] for key in ("tasks", "changed", "failed", "rucio_requests", "rucio_writes")} == {
        "tasks": 3,
        "changed": 1,
        "failed": 1,
        "rucio_requests": 5,
        "rucio_writes": 2,
    }
    assert kept["rses"] == [RSE]
    assert (tmp_path / "report.html").exists()


def test_callback_ignores_other_playbooks(callback: CallbackModule, tmp_path: Path) -> None:
    callback.v2_playbook_on_start(SimpleNamespace(_file_name="lab.yml"))
    callback.v2_playbook_on_stats(None)
    assert list(tmp_path.iterdir()) == []
