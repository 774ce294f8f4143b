from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from ansible_collections.escape.datalake.plugins.module_utils import host_trees
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import tree
from ansible_collections.escape.datalake.plugins.plugin_utils.site_files import Copy, gather
from dcache_sites import CONF, LAYOUT, site

TOOL = Path(__file__).parents[3] / "tools" / "check"
XROOTD = "etc/xrootd/xrootd-lake.cfg"


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode(errors="surrogateescape"))


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([TOOL, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)


def test_the_system_is_told_by_its_files():
    assert tree.detect(site("9.2.30")).name == "dcache"
    assert tree.detect([XROOTD]).name == "xrootd"
    assert tree.detect([CONF, "etc/xrootd/client.conf"]).name == "dcache"


def test_no_system_or_several():
    with pytest.raises(tree.UnknownTreeError, match="Looked for: dcache: etc/dcache/"):
        tree.detect(["etc/passwd"])
    with pytest.raises(tree.UnknownTreeError, match="dcache and xrootd"):
        tree.detect([CONF, XROOTD])
    with pytest.raises(tree.UnknownTreeError, match="no checks for 'castor'"):
        tree.system_named("castor")


def test_only_configuration_is_read():
    system = tree.system_named("dcache")
    assert tree.wanted(system, LAYOUT)
    assert tree.wanted(system, "usr/local/share/dcache/plugins/cta/cta.properties")
    assert not tree.wanted(system, "etc/grid-security/hostkey.pem")
    assert not tree.wanted(system, "var/lib/dcache/billing/2026/01.txt")


def test_findings_of_xrootd_are_relative_to_the_root():
    findings = tree.check({XROOTD: "all.export /data\n"}, tree.system_named("xrootd"), "5.5.3")
    assert {finding.file for finding in findings} == {XROOTD}


def test_command_on_a_sound_site(tmp_path):
    write(tmp_path, site("9.2.30"))
    done = run(tmp_path, "--release", "9.2.30", "--report", tmp_path / "report.json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((tmp_path / "report.json").read_text())["release"] == "9.2.30"


@pytest.mark.parametrize(
    ("text", "code"),
    [("dcache.broker.port = 11111\n", 1), ("webdav.net.ports.tcp = 1\n", 2), ("webdav.authz.anonymous-operations = FULL\n", 2)],
)
def test_command_exit_codes_and_reports(tmp_path, text, code):
    files = site("9.2.30")
    write(tmp_path, {**files, CONF: files[CONF] + text})
    done = run(tmp_path, "--release", "9.2.30", "--report", tmp_path / "report.json", "--sarif", tmp_path / "report.sarif")
    assert done.returncode == code
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["system"], report["findings"][0]["file"]) == ("dcache", CONF)
    assert f"{CONF}:{files[CONF].count(chr(10)) + 1}: " in done.stdout
    assert json.loads((tmp_path / "report.sarif").read_text())["version"] == "2.1.0"


def test_a_file_that_cannot_be_opened_is_named_and_the_rest_is_checked(tmp_path, monkeypatch):
    def read(path):
        if path.endswith("authdb"):
            raise PermissionError(13, "Permission denied")
        return Path(path).read_bytes()

    write(tmp_path, {XROOTD: "all.export /data r/o\n", "etc/xrootd/authdb": "u * / a\n"})
    monkeypatch.setattr(host_trees, "_text", read)
    found = gather(Copy(tmp_path), "", "5.5.3")
    assert sorted(found.files) == [XROOTD]
    assert found.not_read == {"etc/xrootd/authdb": "unreadable: Permission denied"}


def test_command_says_what_it_cannot_check(tmp_path):
    for arguments, words in (
        ((tmp_path,), "No configuration"),
        ((tmp_path / "none",), "no directory"),
        ((tmp_path, "--system", "x"), "no checks"),
        (("",), "No root is given"),
        ((tmp_path, "--system", "storm"), "No configuration of storm"),
    ):
        done = run(*arguments)
        assert (done.returncode, done.stdout) == (3, "")
        assert words in done.stderr


def test_a_report_that_cannot_be_written_is_no_warning(tmp_path):
    write(tmp_path, site("9.2.30"))
    done = run(tmp_path, "--release", "9.2.30", "--report", tmp_path / CONF / "report.json")
    assert (done.returncode, done.stdout) == (3, "")
    assert "The report is not written" in done.stderr
    assert run(tmp_path, "--release", "9.2.30", "--report", tmp_path / "new" / "report.json").returncode == 0


def test_links_of_a_copy_mean_what_they_mean_on_the_host(tmp_path):
    files = site("9.2.30")
    layout = files.pop(LAYOUT)
    root = tmp_path / "copy"
    write(root, {**files, "srv/config/se1.conf": layout})
    write(tmp_path, {"outside": "[x/y/z]\n"})
    for target, code in (
        ("/srv/config/se1.conf", 0),
        ("../../../srv/config/se1.conf", 0),
        (str(tmp_path / "outside"), 1),
        ("../../../../outside", 1),
        (LAYOUT.rpartition("/")[2], 1),
    ):
        (root / LAYOUT).parent.mkdir(exist_ok=True)
        (root / LAYOUT).unlink(missing_ok=True)
        (root / LAYOUT).symlink_to(target)
        done = run(root, "--release", "9.2.30")
        assert (done.returncode, "layout-missing" in done.stdout) == (code, bool(code)), target


def test_command_survives_other_encodings_and_binary_files(tmp_path):
    files = site("9.2.30")
    files[CONF] += "our.text = caf\udce9\n"
    files["etc/dcache/keystore"] = "\0\1\2"
    write(tmp_path, files)
    assert run(tmp_path, "--release", "9.2.30", "--report", tmp_path / "report.json").returncode == 0


def test_a_system_whose_files_are_not_there_is_not_sound(tmp_path):
    write(tmp_path, site("9.2.30"))
    done = run(tmp_path, "--release", "9.2.30", "--system", "xrootd")
    assert (done.returncode, done.stdout) == (3, "")
    assert "No configuration of xrootd is below this root. Looked for: xrootd: etc/xrootd/xrootd-*.cfg" in done.stderr


def test_a_wrong_command_line_is_no_finding():
    assert run().returncode == 3
    assert run("--help").returncode == 0


def test_a_release_that_nobody_gave(tmp_path):
    write(tmp_path, site("9.2.30"))
    done = run(tmp_path)
    assert done.returncode == 1
    assert "The release of dCache is not given" in done.stdout
