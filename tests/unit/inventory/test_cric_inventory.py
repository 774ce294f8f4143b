"""The inventory plug-in cric: pure part, and ansible-inventory and ansible-doc as a person calls them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.cric.inventory import inventory_of
from ansible_collections.escape.datalake.plugins.plugin_utils.cric.wanted import CricState
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cric_doma import listing_from_views
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cric_service import services_from

ROOT = Path(__file__).resolve().parents[3]
FIXTURES = ROOT / "tests/fixtures/cric"
SERVICES = {"pic_SE": {"implementation": "dCache", "protocols": {"pic_SE-WEBDAV-door05.pic.es": {"endpoint": "davs://door05.pic.es:8452"}}}}


def test_hosts_and_groups() -> None:
    listing = listing_from_views(json.loads((FIXTURES / "plain.json").read_text()), json.loads((FIXTURES / "doma.json").read_text()))
    lake = inventory_of(CricState("x", listing, services=services_from(SERVICES)[0]), exclude=["CNAF*"])
    assert sorted(lake["hosts"]) == ["door05.pic.es", "lapp-esc02.in2p3.fr", "xrootd.pic.es"]
    assert lake["hosts"]["door05.pic.es"]["groups"] == ["qos_FAST", "site_pic", "state_ACTIVE", "storages", "system_dcache"]
    assert lake["hosts"]["xrootd.pic.es"]["groups"] == ["qos_FAST", "site_pic", "state_ACTIVE", "storages"]
    assert lake["hosts"]["lapp-esc02.in2p3.fr"]["groups"] == ["site_LAPP", "state_DISABLED", "storages"]
    (rse,) = lake["hosts"]["door05.pic.es"]["vars"]["datalake_rses"]
    assert (rse["name"], rse["state"], rse["attributes"]["QOS"]) == ("PIC-DCACHE", "ACTIVE", "FAST")
    assert json.loads(json.dumps(lake)) == lake


def called(command: str, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    paths = f"{ROOT}/.cache:{sysconfig.get_path('purelib')}"
    settings = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": paths, "ANSIBLE_NOCOLOR": "1"}
    return subprocess.run(
        [Path(sys.executable).parent / command, *words], capture_output=True, text=True, env=settings, cwd=cwd, check=False, timeout=120
    )


def listed(cwd: Path) -> Any:
    done = called("ansible-inventory", "-i", "lake.cric.yml", "--list", cwd=cwd)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout, object_hook=lambda found: found.get("__ansible_unsafe", found))


def test_ansible_inventory(tmp_path: Path) -> None:
    for name in ("doma.json", "plain.json"):
        (tmp_path / name).write_text((FIXTURES / name).read_text())
    (tmp_path / "services.json").write_text(json.dumps(SERVICES))
    settings = "cache: true\ncache_plugin: ansible.builtin.jsonfile\ncache_connection: cache\n"
    (tmp_path / "lake.cric.yml").write_text(f"plugin: escape.datalake.cric\nurl: .\n{settings}")
    lake = listed(tmp_path)
    assert lake["system_dcache"]["hosts"] == ["door05.pic.es"]
    assert lake["_meta"]["hostvars"]["door05.pic.es"]["datalake_system"] == "dcache"
    (tmp_path / "doma.json").unlink()  # now the cache answers
    assert listed(tmp_path) == lake


def test_a_wrong_file_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "lake.cric.yml").write_text("plugin: escape.datalake.cric\nurl: nowhere.json\n")
    done = called("ansible-inventory", "-i", "lake.cric.yml", "--list", cwd=tmp_path)
    assert "nowhere.json" in done.stderr
    assert "No such file" in done.stderr


def test_ansible_doc_shows_it(tmp_path: Path) -> None:
    done = called("ansible-doc", "-t", "inventory", "escape.datalake.cric", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Makes a host of every door host" in done.stdout
