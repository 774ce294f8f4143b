"""storage_adopt and storage_survey, with a host in a directory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.escape.datalake.plugins.action.storage_adopt import ActionModule as Adopt
from ansible_collections.escape.datalake.plugins.action.storage_survey import ActionModule as Survey
from site_host import SiteHost, run, write

FIXTURE = Path(__file__).parents[2] / "fixtures" / "dcache" / "roles-9.2"
XROOTD = {
    "etc/xrootd/xrootd-a.cfg": "all.sitename A\nall.export /lake\noss.space s /data/nvme\noss.space s assign /lake/nvme\nxrd.tls /c /k\n"
    "xrd.protocol XrdHttp:1095 libXrdHttp.so\n",
}


def test_a_host_is_described(tmp_path: Path) -> None:
    host = SiteHost(write(tmp_path / "root", XROOTD), {"xrootd-server": "5.5.3-1"})
    file = tmp_path / "inventory" / "host_vars" / "se.example.org.yml"
    answer = run(Adopt, host, dest=file)
    assert (answer["changed"], answer["complete"], answer["release"]) == (True, False, "5.5.3")
    assert {problem["path"] for problem in answer["problems"]} >= {"datalake_storage.areas[0].capacity"}
    assert yaml.safe_load(file.read_text())["datalake_storage"]["doors"][0] == {"scheme": "davs", "host": "se.example.org", "port": 1095}
    assert run(Adopt, host, dest=file)["changed"] is False


def test_the_work_of_a_person_is_not_overwritten(tmp_path: Path) -> None:
    root, file = write(tmp_path / "root", XROOTD), tmp_path / "host.yml"
    file.write_text("# filled in\n")
    answer = run(Adopt, root=root, dest=file)
    assert answer["failed"]
    assert "force" in answer["msg"]
    assert file.read_text() == "# filled in\n"
    assert run(Adopt, root=root, dest=file, force=True)["changed"]


def test_check_mode_writes_nothing(tmp_path: Path) -> None:
    answer = run(Adopt, root=write(tmp_path / "root", XROOTD), dest=tmp_path / "host.yml", check_mode=True)
    assert answer["changed"]
    assert "datalake_storage" in answer["diff"]["after"]
    assert not (tmp_path / "host.yml").exists()


@pytest.mark.parametrize(
    ("own", "given", "used"),
    [("se1", "se1.lake.org", "se1.lake.org"), ("vm7.lake.org", "se1.lake.org", "vm7.lake.org"), ("", "x.y", "x.y")],
)
def test_the_name_of_the_host(tmp_path: Path, own: str, given: str, used: str) -> None:
    files = {**XROOTD, **({"etc/hostname": own + "\n"} if own else {})}
    host = SiteHost(write(tmp_path, files))
    host.name = own
    answer: dict[str, Any] = run(Adopt, host, host=given)
    assert answer["storage"]["doors"][0]["host"] == used


def test_surveys_of_two_sites_on_one_page(tmp_path: Path) -> None:
    one = run(Survey, root=FIXTURE, release="9.2.30", host="dcache.example.org")["survey"]
    two = run(Survey, SiteHost(write(tmp_path / "root", XROOTD)))["survey"]
    assert run(Survey, surveys=[one, two], page=tmp_path / "a.html", report=tmp_path / "a.json")["changed"] is False
    told = json.loads((tmp_path / "a.json").read_text())["surveys"]
    assert [each["system"] for each in told] == ["dcache", "xrootd"]
    page = (tmp_path / "a.html").read_text()
    assert "escape:tape@osm" in page
    assert "/lake/nvme" in page


def test_a_system_without_an_adopter_is_a_sentence(tmp_path: Path) -> None:
    assert "No configuration" in run(Survey, root=tmp_path)["msg"]
