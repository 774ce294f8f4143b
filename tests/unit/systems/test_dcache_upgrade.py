"""Upgrades: the configuration of an older release is put in the words of the newer one, step by step, and users stay who they are."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import gplazma, tree
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding, Severity
from ansible_collections.escape.datalake.plugins.plugin_utils.systems import dcache, dcache_upgrade
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_draft import Draft
from dcache_descriptions import ACCOUNTS, HOST, storage

WAY = ("6.2.49", "9.2.47", "11.2.5", "12.0.1")
X509 = {"x509": {"vos": ["escape"]}}


def serious(files: Any, release: str) -> list[Finding]:
    found = tree.check({**files, "etc/hostname": f"{HOST}\n"}, tree.system_named("dcache"), release)
    return [finding for finding in found if finding.severity is not Severity.NOTICE]


def plan(release: str, files: Any) -> dcache.Site:
    return dcache.plan(storage(release, **X509), dcache.Options(host=HOST, accounts=ACCOUNTS), files, release)


def test_a_site_of_ours_goes_from_6_2_to_12() -> None:
    files: Any = {}
    said = []
    for release in WAY:
        site = plan(release, files)
        assert serious(site.texts, release) == []
        assert plan(release, site.texts).texts == site.texts
        files = site.texts
        said.append(" ".join(site.notes))
    assert "cleaner-disk" in said[1]
    assert "cleaner" not in said[2]


OLD = {
    "etc/dcache/dcache.conf": (
        "dcache.layout = old\ndcache.enable.space-reservation = false\n"
        "dcache.default-access-latency = ONLINE\ndcache.default-retention-policy = REPLICA\ncleaner.limits.threads = 7\n"
    ),
    "etc/dcache/layouts/old.conf": (
        "dcache.broker.scheme = none\n[all]\n[all/poolmanager]\n[all/pnfsmanager]\n# deletes\n[all/cleaner]\ncleaner.enable.hsm = true\n"
        "[all/gplazma]\n[all/webdav]\nwebdav.authn.protocol = https\n[all/transfermanagers]\n"
    ),
    "etc/dcache/gplazma.conf": (
        "auth optional x509\nauth optional voms\nmap optional gridmap\nmap optional vorolemap\n"
        "map requisite authzdb\nsession requisite authzdb\n"
    ),
    "etc/grid-security/grid-mapfile": '"/C=XX/O=Grid/CN=Local Admin" operator\n',
    "etc/grid-security/grid-vorolemap": '"*" "/escape" escape\n',
    "etc/grid-security/storage-authzdb": (
        "version 2.1\nauthorize escape read-write 2000 2000 / / /\nauthorize operator read-write 1000 1000 / / /\n"
    ),
}


@pytest.mark.parametrize("release", ["9.2.47", "12.0.1"])
def test_a_hand_written_site_is_brought_over(release: str) -> None:
    site = plan(release, OLD)
    assert serious(site.texts, release) == []
    layout = site.texts["etc/dcache/layouts/old.conf"]
    assert "# deletes\n[all/cleaner-disk]\n" in layout
    assert "[all/cleaner-hsm]" in layout
    assert "cleaner.enable.hsm" not in layout
    assert "cleaner-disk.limits.threads = 7\n" in site.texts["etc/dcache/dcache.conf"]
    before, after = Draft(OLD, "8.2.41", HOST).login, Draft(site.texts, release, HOST).login
    credentials = [one.credential for family in gplazma.families(before) for one in family.candidates]
    assert credentials
    for credential in credentials:
        kept = {each for each in before.login(credential).principals if each.kind in ("uid", "username")}
        assert kept == {each for each in after.login(credential).principals if each.kind in ("uid", "username")}
    assert ("gridmap" in site.texts["etc/dcache/gplazma.conf"].replace("multimap-gridmap", "")) is (release == "9.2.47")


TAPE = {"var/lib/dcache/config/poolmanager.conf": "pm create -type=wass default\npm set default -stage-allowed=yes\n"}


@pytest.mark.parametrize(
    ("line", "more", "kept"),
    [
        ("", {}, False),
        ("", TAPE, True),
        ("", {"srv/pool/setup": "hsm create osm osm script -command=/usr/local/sbin/tape\n"}, True),
        ("cleaner.enable.hsm = true\n", {}, True),
        ("cleaner.enable.hsm = false\n", TAPE, False),
    ],
)
def test_what_is_deleted_on_tape_stays_deleted(line: str, more: dict[str, str], kept: bool) -> None:
    layout = OLD["etc/dcache/layouts/old.conf"].replace("cleaner.enable.hsm = true\n", line)
    site = plan("9.2.47", {**OLD, **more, "etc/dcache/layouts/old.conf": layout})
    assert ("[all/cleaner-hsm]" in site.texts["etc/dcache/layouts/old.conf"]) is kept
    assert any("cleaner-hsm was added" in note for note in site.notes) is kept
    assert any("cleaner-hsm was not added" in note for note in site.notes) is (not line and not more)


def told(installed: str, release: str, files: Any) -> str:
    return "\n".join(dcache_upgrade.steps(installed, release, Draft(files, release, HOST)))


def test_the_way_to_another_release_is_explained() -> None:
    assert told("9.2.30-1", "9.2.47", OLD) == ""
    first = told("6.2.49-1", "9.2.47", plan("9.2.47", OLD).texts)
    for words in ("From 8.0: tokens that carry an audience", "From 8.1: WebDAV", "From 9.1: the heap", "between the two: 7.2, 8.2."):
        assert words in first
    assert "From 6.2" not in first
    assert "bulk" not in first
    assert "Java 17" in told("9.2.47-1", "11.2.5", plan("11.2.5", OLD).texts)
    assert "is older than 11.2.5, which is installed" in told("11.2.5", "9.2.47", OLD)


def test_only_what_concerns_a_host_is_explained() -> None:
    quiet = {
        **OLD,
        "etc/dcache/dcache.conf": OLD["etc/dcache/dcache.conf"] + "dcache.java.memory.heap = 4g\nwebdav.redirect.allow-https = true\n",
        "etc/dcache/layouts/old.conf": "[doors]\n[doors/webdav]\n",
    }
    words = told("7.2.43", "9.2.47", quiet)
    assert "heap" not in words
    assert "allow-https" not in words
    assert "audience" not in words


def test_nothing_is_brought_over_before_its_release() -> None:
    site = plan("8.2.41", OLD)
    assert "[all/cleaner]\ncleaner.enable.hsm = true\n" in site.texts["etc/dcache/layouts/old.conf"]


def test_the_one_service_qos_becomes_four() -> None:
    layout = OLD["etc/dcache/layouts/old.conf"].replace("[all/cleaner]\ncleaner.enable.hsm = true\n", "[all/cleaner-disk]\n[all/qos]\n")
    site = plan("9.2.47", {**OLD, "etc/dcache/dcache.conf": "dcache.layout = old\n", "etc/dcache/layouts/old.conf": layout})
    text = site.texts["etc/dcache/layouts/old.conf"]
    assert all(f"[all/qos-{name}]" in text for name in ("engine", "verifier", "adjuster", "scanner"))
    assert "[all/qos]" not in text
