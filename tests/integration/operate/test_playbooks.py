"""check.yml, adopt.yml and survey.yml as a person runs them on copies of hosts' files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from ansible_collections.escape.datalake.tests.playbooks import play

ROOT = Path(__file__).parents[3]
SITE = ROOT / "tests/fixtures/dcache/roles-9.2"


def copy(root: Path, *, conf: str) -> Path:
    (root / "etc/dcache").mkdir(parents=True)
    (root / "etc/dcache/dcache.conf").write_text(conf)
    return root


@pytest.mark.parametrize(
    ("conf", "fail_at", "code"),
    [
        ("dcache.layout = se\n", "error", 0),
        ("dcache.broker.port = 11111\n", "error", 0),
        ("dcache.broker.port = 11111\n", "warning", 2),
        ("webdav.net.ports.tcp = 1\n", "error", 2),
        ("webdav.net.ports.tcp = 1\n", "never", 0),
    ],
)
def test_check_ends_as_the_findings_ask(tmp_path: Path, conf: str, fail_at: str, code: int) -> None:
    root = copy(tmp_path / "root", conf=conf)
    done = play("check", root=root, release="9.2.30", report=tmp_path / "r.json", sarif=tmp_path / "r.sarif", fail_at=fail_at)
    assert done.returncode == code, done.stdout + done.stderr
    told = json.loads((tmp_path / "r.json").read_text())
    assert (told["system"], told["release"]) == ("dcache", "9.2.30")
    assert len(json.loads((tmp_path / "r.sarif").read_text())["runs"][0]["results"]) == len(told["findings"])
    assert "changed=0" in done.stdout
    if "broker" in conf:
        assert "2 warnings" in done.stdout  # the property, and the layout that is not there


def test_check_of_what_is_no_storage(tmp_path: Path) -> None:
    done = play("check", root=tmp_path)
    assert done.returncode == 2
    assert "No configuration of a known storage system" in done.stdout + done.stderr


def test_adopt_writes_an_inventory_that_lacks_facts_only(tmp_path: Path) -> None:
    inventory = tmp_path / "mylake"
    done = play("adopt", root=SITE, release="9.2.30", host="se.example.net", dest=inventory)
    assert done.returncode == 0, done.stdout + done.stderr
    described = yaml.safe_load((inventory / "host_vars/se.example.net.yml").read_text())
    lake = yaml.safe_load((inventory / "group_vars/all.yml").read_text())["datalake_lake"]
    hosts = yaml.safe_load((inventory / "hosts.yml").read_text())
    assert hosts == {"storages": {"children": {"dcache": {"hosts": {"se.example.net": {}}}}}}
    assert list(lake["issuers"]) == described["datalake_storage"]["issuers"] == ["escape"]
    (inventory / "host_vars/se.example.net.yml").write_text("# filled in by a person\n")
    again = play("adopt", root=SITE, release="9.2.30", host="se.example.net", dest=inventory)
    assert again.returncode == 2
    assert (inventory / "host_vars/se.example.net.yml").read_text() == "# filled in by a person\n"


def test_adopt_of_a_copy_does_not_ask_the_lab_for_its_lake(tmp_path: Path) -> None:
    done = play("adopt", "--diff", root=SITE, release="9.2.30", host="se.example.net", dest=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(yaml.safe_load((tmp_path / "group_vars/all.yml").read_text())["datalake_lake"]["issuers"]) == ["escape"]
    assert "is not in datalake_lake" not in (tmp_path / "host_vars/se.example.net.yml").read_text()


def test_survey_writes_page_and_report(tmp_path: Path) -> None:
    done = play("survey", root=SITE, release="9.2.30", host="se.example.net", page=tmp_path / "s.html", report=tmp_path / "s.json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "earns SAFE, OPPORTUNISTIC" in done.stdout
    assert json.loads((tmp_path / "s.json").read_text())["surveys"][0]["offers"][1]["tape"] is True
    assert "se.example.net" in (tmp_path / "s.html").read_text()


def test_adopt_takes_a_relative_path_from_where_it_was_started(tmp_path: Path) -> None:
    done = play("adopt", folder=tmp_path, root=SITE, release="9.2.30", host="se.example.net", dest="lakes/mine")
    assert done.returncode == 0, done.stdout + done.stderr
    written = {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file()}
    assert written == {"lakes/mine/hosts.yml", "lakes/mine/group_vars/all.yml", "lakes/mine/host_vars/se.example.net.yml"}


def test_a_copy_tells_the_name_of_its_host(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "etc/xrootd").mkdir(parents=True)
    (root / "etc/hostname").write_text("se.example.net\n")
    (root / "etc/xrootd/xrootd-lake.cfg").write_text("all.export /escape\nxrd.port 1094\nofs.authorize\n")
    done = play("adopt", root=root, release="5.5.3", dest=tmp_path / "lake")
    assert done.returncode == 0, done.stdout + done.stderr
    doors = yaml.safe_load((tmp_path / "lake/host_vars/se.example.net.yml").read_text())["datalake_storage"]["doors"]
    assert {door["host"] for door in doors} == {"se.example.net"}
    assert "se.example.net" in (tmp_path / "lake/hosts.yml").read_text()


def test_describe_shows_the_rses_that_follow() -> None:
    done = play("describe", "-i", "inventories/example")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "EXAMPLE-XRD-FAST: FAST, 50TB, /fast in tokens" in done.stdout


def test_describe_says_what_the_inventory_lacks(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text("storages: {hosts: {se1.example.org: , se2.example.org: }}\n")
    done = play("describe", "-i", str(tmp_path))
    assert done.returncode == 2
    told = done.stdout + done.stderr
    assert "datalake_lake: is missing. Describe the lake in group_vars/all.yml" in told
    assert all(
        f"{host}: datalake_storage: is missing. Describe the storage in host_vars/{host}.yml" in told
        for host in ("se1.example.org", "se2.example.org")
    )


def test_describe_of_an_inventory_without_storages(tmp_path: Path) -> None:
    lake = {"datalake_lake": {"name": "lake", "issuers": {"escape": {"url": "https://iam.example.org/"}}}}
    (tmp_path / "hosts.yml").write_text(json.dumps({"all": {"vars": lake}}))
    done = play("describe", "-i", str(tmp_path))
    assert done.returncode == 2
    assert "put their hosts into the group storages" in done.stdout + done.stderr
