"""rucio_rse with records from CRIC: a saved answer of it, and a real Rucio server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cric_doma import views_from_records
from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import load_rse_record
from ansible_collections.escape.datalake.plugins.plugin_utils.services.rucio import RucioClient
from rucio_server import RucioServer
from rucio_tools import Run, record

pytestmark = pytest.mark.rucio


def saved(folder: Path, *records: dict[str, Any], **options: Any) -> dict[str, Any]:
    plain, doma = views_from_records([load_rse_record(each) for each in records], **options)
    (folder / "plain.json").write_text(json.dumps(plain))
    (folder / "doma.json").write_text(json.dumps(doma))
    return {"url": str(folder)}


def test_records_come_from_cric(run: Run, client: RucioClient, name: str, tmp_path: Path) -> None:
    ours, other = record(f"{name}-OURS"), record(f"{name}-OTHER")
    cric = {**saved(tmp_path, ours, other), "names": [ours["name"]]}
    assert run("rucio_rse", cric=cric)["changed"]
    assert run("rucio_rse", cric=cric)["traffic"]["writes"] == 0
    found = client.lake()["rses"]
    assert other["name"] not in found
    assert found[ours["name"]]["attributes"]["QOS"] == "FAST"
    assert {each["scheme"] for each in found[ours["name"]]["protocols"]} == {"davs", "root"}


def test_what_cric_does_not_have_is_reported_at_once(run: Run, quiet: RucioServer, name: str, tmp_path: Path) -> None:
    one, two = record(f"{name}-A"), record(f"{name}-B")
    cric = {**saved(tmp_path, one, two, states={two["name"]: "DISABLED"}), "names": [one["name"], two["name"], f"{name}-C"]}
    answer = run("rucio_rse", cric=cric)
    assert f"{name}-B is DISABLED in" in answer["msg"]
    assert f"{name}-C is not in" in answer["msg"]
    assert quiet.calls() == []
