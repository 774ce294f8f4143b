"""storage_check: a host, and a copy of its files, with the findings of `tools/check`."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from ansible_collections.escape.datalake.plugins.action.storage_check import ActionModule
from ansible_collections.escape.datalake.plugins.module_utils.host_trees import unpack
from site_host import SiteHost, run, write

TOOL = Path(__file__).parents[3] / "tools" / "check"
CONF = "etc/dcache/dcache.conf"
LAYOUT = "etc/dcache/layouts/se.conf"
DCACHE = {
    CONF: "dcache.layout = se\ndcache.broker.port = 11111\nwebdav.authz.anonymous-operations = FULL\n",
    LAYOUT: """\
dcache.broker.scheme = none
[oneDomain]
[oneDomain/zookeeper]
[oneDomain/gplazma]
[oneDomain/webdav]
[oneDomain/pool]
pool.name = p1
pool.path = /srv/pools/p1
""",
    "etc/dcache/gplazma.conf": "auth optional x509\nmap optional multimap gplazma.multimap.file=/opt/site/users\nsession requisite roles\n",
    "srv/pools/p1/setup": "hsm create osm osm copy -directory=/srv/tape\n",
    "opt/site/users": "dn:/CN=a username:a uid:1 gid:1,true\n",
    "etc/dcache/admin/ssh_host_rsa_key": "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n",
    "etc/dcache/other.key": "-----BEGIN PRIVATE KEY-----\nx\n",
    "etc/dcache/old.txt": "caf\udce9\n",
    "etc/dcache/keystore": "\0\1",
    "srv/pools/p1/data/0000A": "bytes of users",
}
XROOTD = {
    "etc/xrootd/xrootd-lake.cfg": "all.export /lake\nxrd.tls /etc/grid-security/xrd/hostcert.pem /etc/grid-security/xrd/hostkey.pem\n"
    "xrd.tlsca certdir /etc/grid-security/certificates\n",
    "etc/xrootd/xrootd-standalone.cfg": "all.export /pub\n",
    "etc/grid-security/xrd/hostkey.pem": "x",
}


def through_the_tool(root: Path, release: str, report: Path) -> dict[str, object]:
    subprocess.run([TOOL, root, "--release", release, "--report", report], capture_output=True, timeout=60, check=False)
    return json.loads(report.read_text())


@pytest.mark.parametrize(("files", "release"), [(DCACHE, "9.2.30"), (DCACHE, "6.2.41"), (XROOTD, "5.5.3"), (DCACHE, "")])
def test_a_copy_gives_the_report_of_the_command(tmp_path: Path, files: dict[str, str], release: str) -> None:
    root = write(tmp_path / "root", files)
    answer = run(ActionModule, root=root, release=release, report=tmp_path / "a" / "ours.json", fail_at="never")
    told = through_the_tool(root, release, tmp_path / "theirs.json")
    assert told["findings"]
    assert json.loads((tmp_path / "a" / "ours.json").read_text()) == told
    assert {name: answer[name] for name in told} == told


def test_a_dcache_host_gives_the_report_of_its_copy(tmp_path: Path) -> None:
    root = write(tmp_path / "root", DCACHE)
    host = SiteHost(root, {"dcache": "9.2.30-1"})
    answer = run(ActionModule, host, report=tmp_path / "ours.json")
    assert json.loads((tmp_path / "ours.json").read_text()) == through_the_tool(root, "9.2.30", tmp_path / "theirs.json")
    assert (answer["failed"], answer["exit_code"], answer["release"]) == (True, 2, "9.2.30")
    assert "anonymous" in answer["msg"]
    assert answer["calls"] == len(host.calls) == 2
    assert host.calls[1]["trees"] == ["/opt/site/users", "/srv/pools/p1/setup"]


def test_what_lies_where_it_usually_does_is_read_in_one_call(tmp_path: Path) -> None:
    files = {CONF: DCACHE[CONF], "etc/dcache/gplazma.conf": "auth optional x509\n"}
    host = SiteHost(write(tmp_path, files), {"dcache": "1:11.2.5-1"})
    assert run(ActionModule, host, fail_at="never")["release"] == "11.2.5"
    later = [each for call in host.calls[1:] for each in call["trees"]]
    assert all(each.startswith("/etc/grid-security") for each in later)


def test_keys_and_data_do_not_travel(tmp_path: Path) -> None:
    host = SiteHost(write(tmp_path, DCACHE), {"dcache": "9.2.30"})
    answered = []
    plain = host.host_read
    host.host_read = lambda arguments: answered.append(plain(arguments)) or answered[-1]  # type: ignore[method-assign, func-returns-value]
    run(ActionModule, host)
    texts = {path for answer in answered for path in unpack(answer["trees"]).texts}
    assert {CONF, LAYOUT, "opt/site/users", "srv/pools/p1/setup", "etc/dcache/old.txt"} <= texts
    assert not {path for path in texts if "key" in path or "data" in path}


def test_a_running_xrootd_tells_which_servers_count(tmp_path: Path) -> None:
    root = write(tmp_path, XROOTD)
    (root / "etc/grid-security/xrd/hostkey.pem").chmod(0o644)
    services = {"xrootd@lake.service": {"active": "active", "enabled": "enabled", "started": 1.0}}
    answer = run(ActionModule, SiteHost(root, {"xrootd-server": "5.5.3-1"}, services))
    assert {finding["file"] for finding in answer["findings"]} == {"etc/xrootd/xrootd-lake.cfg"}
    assert {"xrootd.key-mode", "xrootd.file-missing"} <= {finding["rule"] for finding in answer["findings"]}


def test_warnings_are_said_and_fail_only_on_demand(tmp_path: Path) -> None:
    root = write(tmp_path, {CONF: "dcache.broker.port = 11111\n"})
    answer = run(ActionModule, root=root, release="9.2.30")
    assert (answer.get("failed"), answer["exit_code"]) == (None, 1)
    assert any("warning" in each for each in answer["warnings"])
    assert run(ActionModule, root=root, release="9.2.30", fail_at="warning")["failed"]


def test_what_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    assert "no directory" in run(ActionModule, root=tmp_path / "gone")["msg"]
    assert "No configuration" in run(ActionModule, root=tmp_path)["msg"]
    assert "no checks for 'castor'" in run(ActionModule, root=tmp_path, system="castor")["msg"]
    host = SiteHost(tmp_path)
    host.host_read = lambda arguments: {"unreachable": True, "msg": "no route"}  # type: ignore[method-assign]
    assert run(ActionModule, host) == {"failed": True, "unreachable": True, "msg": "no route"}
    host.host_read = lambda arguments: {"failed": True, "msg": "no json", "module_stderr": "sudo: not found\n"}  # type: ignore[method-assign]
    assert run(ActionModule, host)["msg"] == "The host could not be read: sudo: not found"


def test_a_file_that_is_too_large_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write(tmp_path, DCACHE)
    monkeypatch.setattr("ansible_collections.escape.datalake.plugins.module_utils.host_trees.read_trees.__defaults__", ((), 100, 1000))
    answer = run(ActionModule, root=root, release="9.2.30", fail_at="never")
    assert any(LAYOUT in each and "larger than 100 bytes" in each for each in answer["warnings"])
