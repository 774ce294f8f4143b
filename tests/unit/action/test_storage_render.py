"""Configurations as trees of files."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible_collections.escape.datalake.plugins.action.storage_render import ActionModule
from ansible_collections.escape.datalake.plugins.modules import storage_render
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError

LAKE = {"name": "lab", "issuers": {"escape": {"url": "https://iam.lake.test/"}}}
COMMON = {"qos": "OPPORTUNISTIC", "capacity": "1TB", "media": "hdd", "name": "data"}
XROOTD = {
    "name": "LAB-XRD",
    "site": "LAB",
    "system": "xrootd",
    "release": "5.5.3",
    "issuers": ["escape"],
    "doors": [{"scheme": "davs", "host": "se1.lake.test", "port": 1094}],
    "areas": [{**COMMON, "path": "/escape/data"}],
}
DPM = {
    **XROOTD,
    "name": "LAB-DPM",
    "system": "dpm",
    "release": "1.15.2",
    "doors": [{"scheme": "davs", "host": "se2.lake.test", "port": 443}],
    "areas": [{**COMMON, "path": "/dpm/lake.test/home/escape/data"}],
}
VARIABLES = {"se2": {"dpm_authorized": ["/DC=test/CN=se2.lake.test"], "dpm_client": {"id": "se2"}}}


def run(directory: Path, storages: dict[str, Any], *, check_mode: bool = False, variables: dict[str, Any] | None = None) -> dict[str, Any]:
    action = ActionModule.__new__(ActionModule)
    action._task = SimpleNamespace(check_mode=check_mode)
    arguments = {
        "lake": LAKE,
        "storages": storages,
        "variables": VARIABLES if variables is None else variables,
        "directory": str(directory),
        "accept": [],
    }
    answer: dict[str, Any] = action.act(arguments, {})
    return answer


def test_a_second_run_writes_nothing_and_makes_no_new_secrets(tmp_path: Path) -> None:
    first = run(tmp_path, {"se1": XROOTD, "se2": DPM})
    assert first["changed"]
    assert "write se1/etc/xrootd/authdb" in first["actions"]
    head = tmp_path / "se2/etc/domehead.conf"
    assert head.stat().st_mode & 0o777 == 0o600
    kept = head.read_text()
    again = run(tmp_path, {"se1": XROOTD, "se2": DPM})
    assert (again["changed"], again["actions"], again["diff"]) == (False, [], [])
    assert head.read_text() == kept


def test_secrets_are_in_no_result(tmp_path: Path) -> None:
    answer = run(tmp_path, {"se2": DPM})
    texts = [path.read_text() for path in (tmp_path / "se2").rglob("*.conf")]
    secrets = {word for text in texts for word in re.findall(r"[A-Za-z0-9_-]{80,}", text)}
    assert len(secrets) >= 3
    assert not any(secret in str(answer) for secret in secrets)


def test_check_mode_writes_nothing(tmp_path: Path) -> None:
    assert run(tmp_path, {"se1": XROOTD}, check_mode=True)["changed"]
    assert list(tmp_path.iterdir()) == []


def test_what_was_written_by_hand_stays(tmp_path: Path) -> None:
    run(tmp_path, {"se1": XROOTD})
    main = tmp_path / "se1/etc/xrootd/xrootd-datalake.cfg"
    main.write_text(main.read_text() + "# ours\nxrd.timeout idle 30m\n")
    assert not run(tmp_path, {"se1": XROOTD})["changed"]
    assert main.read_text().endswith("# ours\nxrd.timeout idle 30m\n")


def test_a_trap_stops_all_and_nothing_is_written(tmp_path: Path) -> None:
    run(tmp_path, {"se1": XROOTD})
    rights = tmp_path / "se1/etc/xrootd/authdb"
    rights.write_text(rights.read_text() + "u * /escape a\n")
    answer = run(tmp_path, {"se1": XROOTD, "se2": DPM})
    assert answer["failed"]
    assert "authdb.anyone-writes" in answer["msg"]
    assert not (tmp_path / "se2").exists()


def test_problems_of_all_storages_are_told_together(tmp_path: Path) -> None:
    eos = {**XROOTD, "name": "LAB-EOS", "system": "eos", "release": "5.2.0", "doors": [{"scheme": "davs", "host": "a.b", "port": 443}]}
    with pytest.raises(DescriptionError) as caught:
        run(tmp_path, {"se2": DPM, "eos": eos}, variables={})
    assert {problem.path.partition(":")[0] for problem in caught.value.problems} == {"se2", "eos"}


def test_a_full_site_of_storm_is_rendered_as_its_variables_say(tmp_path: Path) -> None:
    storm = {**XROOTD, "system": "storm", "release": "1.9.0", "x509": {"vos": ["escape"]}}
    given = {"storm_services": ["webdav", "backend", "frontend"], "storm_areas": {"data": {"space_token": "ESCAPE_DATA"}}}
    answer = run(tmp_path, {"se3": storm}, variables={"se3": given})
    assert answer["changed"]
    assert "ESCAPE_DATA" in (tmp_path / "se3/etc/storm/backend-server/namespace.xml").read_text()
    assert (tmp_path / "se3/etc/storm/backend-server/storm.properties").stat().st_mode & 0o777 == 0o600
    assert not run(tmp_path, {"se3": storm}, variables={"se3": given})["changed"]


def test_the_documentation_names_every_argument() -> None:
    assert set(yaml.safe_load(storage_render.DOCUMENTATION)["options"]) == set(ActionModule.ARGUMENTS)
