"""The inventory plug-in cric: pure part, and ansible-inventory and ansible-doc as a person calls them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
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


ODD = ["all", "storages", "site_pic", "-x", "a,b", "ünïcode", "{{ 1 }}", "a b", "x[1:9].y", "#x", "*", "!x", "~re", "x."]


def with_hosts(*names: str) -> dict[str, Any]:
    """The preset=doma view with one more RSE for each host."""
    doma: dict[str, Any] = json.loads((FIXTURES / "doma.json").read_text())
    fields = doma["rses"]["PIC-DCACHE"]
    for number, name in enumerate(names):
        doma["rses"][f"ODD-{number}"] = {**fields, "protocols": [{**fields["protocols"][0], "hostname": name}]}
    return doma


def test_names_that_ansible_would_misunderstand_are_no_hosts() -> None:
    lake = inventory_of(CricState("x", listing_from_views({}, with_hosts(*ODD, "se-1.example.org"))))
    assert {"!x", "all", "site_pic", "storages"} <= set(lake["left_out"])  # some are refused with their RSEs before
    assert not lake["hosts"].keys() & set(ODD)
    assert {"se-1.example.org", "door05.pic.es"} <= lake["hosts"].keys()


class Cric:
    """Answers the two views over HTTP, and counts."""

    def __init__(self, doma: dict[str, Any]) -> None:
        self.asked = 0
        cric = self

        class Pages(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                cric.asked += 1
                body = json.dumps(doma if "preset" in self.path else {}).encode() if "/rse/" in self.path else b""
                self.send_response(200 if body else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_words: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.http.shutdown()
        self.http.server_close()


def test_from_an_address_with_a_cache_and_a_last_good_copy(tmp_path: Path) -> None:
    cric = Cric(with_hosts(*ODD))
    settings = "cache: true\ncache_plugin: ansible.builtin.jsonfile\ncache_connection: cache\ncopies: copies\n"
    (tmp_path / "lake.cric.yml").write_text(f"plugin: escape.datalake.cric\nurl: http://127.0.0.1:{cric.http.server_port}\n{settings}")
    done = called("ansible-inventory", "-i", "lake.cric.yml", "--list", cwd=tmp_path)
    assert "on no host that Ansible could use: '!x'" in done.stderr
    assert "Failed to parse" not in done.stderr
    assert cric.asked == 3  # two views, services
    lake = listed(tmp_path)
    assert (cric.asked, lake["site_pic"]["hosts"]) == (3, ["door05.pic.es", "xrootd.pic.es"])
    cric.stop()
    done = called("ansible-inventory", "-i", "lake.cric.yml", "--list", "--flush-cache", cwd=tmp_path)
    assert "this is the copy of" in done.stderr
    assert json.loads(done.stdout)["site_pic"]["hosts"] == lake["site_pic"]["hosts"]


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
