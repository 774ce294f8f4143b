"""check.yml, adopt.yml and survey.yml as a person runs them on copies of hosts' files."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
SITE = ROOT / "tests/fixtures/dcache/roles-9.2"


def play(name: str, *words: str, **variables: object) -> subprocess.CompletedProcess[str]:
    extra = [word for key, value in variables.items() for word in ("-e", f"datalake_{key}={value}")]
    return subprocess.run(
        ["ansible-playbook", f"playbooks/{name}.yml", *(words or ("-i", "/dev/null")), *extra],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{ROOT / '.venv/bin'}:{os.environ['PATH']}", "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


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
