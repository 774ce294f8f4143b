"""Rules for the setup file of a pool, each by one mistake in a sound file."""

from __future__ import annotations

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import dcache_host, pool_setup
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Severity
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.pool_setup import PoolSetupInput

SOUND = """\
#
# Created by tape1(org.dcache.pool.classic.PoolV4)
#
csm set checksumtype ADLER32
csm set policy -scrub=off -limit=0.0 -period=24 -onread=off -onwrite=on -onflush=off -onrestore=on -ontransfer=on -enforcecrc=on
flush set max active 1000
hsm create osm osm script -command=/usr/local/sbin/tape -c:puts=4
mover queue create slow -order=fifo
mover set max active -queue=slow 10
mover set max active -queue=regular 100
set heartbeat 30
set max diskspace 4096g
set gap 4294967296
rh set timeout 14400
set breakeven 0.7
set mover cost factor 0.5
set report remove on
jtm set timeout -queue=slow -lastAccess=0 -total=0
queue define class osm escape:tape -pending=1 -total=0 -expire=0
sweeper reclaim margin 0.0
pool suppress hsmload on
"""


def rules(text: str, **facts: str) -> list[tuple[str, Severity, int]]:
    given = PoolSetupInput(text, "pools/tape1/setup", "tape1", **{"size": "4T", **facts})
    return [(finding.rule, finding.severity, finding.line) for finding in pool_setup.check(given)]


def test_a_sound_setup_has_no_finding() -> None:
    assert rules(SOUND) == []


@pytest.mark.parametrize(
    ("change", "rule", "severity", "line"),
    [
        (("set gap 4294967296", "set gap"), "pool.setup-line", Severity.ERROR, 13),
        (("set gap 4294967296", "sett gap 4"), "pool.setup-line", Severity.WARNING, 13),
        (("set heartbeat 30", "set replication -off"), None, None, 0),
        (("set heartbeat 30", "hsm create osm osm script -command=/other"), "pool.hsm-twice", Severity.ERROR, 11),
        ((" -command=/usr/local/sbin/tape", ""), "pool.hsm-option", Severity.ERROR, 7),
        (("osm osm script -command=/usr", "osm osm copy -dir=/usr"), "pool.hsm-option", Severity.ERROR, 7),
        (("-command=/usr", "-command=usr"), "pool.hsm-path", Severity.WARNING, 7),
        (("hsm create osm osm", "hsm create enstore osm"), "pool.hsm-type", Severity.NOTICE, 7),
        (("osm osm script -command", "osm osm scripts -command"), "pool.hsm-provider", Severity.WARNING, 7),
        (("osm osm script -command", "osm osm endit-polling -directory"), None, None, 7),
        (("mover queue create slow -order=fifo", "# nothing"), "pool.queue-unknown", Severity.WARNING, 9),
        (("diskspace 4096g", "diskspace 5T"), "pool.size-hidden", Severity.NOTICE, 12),
        (("diskspace 4096g", "diskspace 5TB"), "pool.size-bad", Severity.ERROR, 12),
        (("diskspace 4096g", "diskspace 120%"), "pool.size-bad", Severity.ERROR, 12),
    ],
)
def test_one_mistake_yields_exactly_its_rule(change: tuple[str, str], rule: str | None, severity: Severity | None, line: int) -> None:
    assert rules(SOUND.replace(*change)) == ([(rule, severity, line)] if rule else [])


def test_a_pool_that_keeps_everything_never_flushes() -> None:
    assert rules(SOUND, lfs="precious") == [("pool.hsm-lfs", Severity.ERROR, 7)]


def test_setups_of_a_host_are_found_by_its_layout() -> None:
    files = {
        "etc/hostname": "p1.example.org",
        "etc/dcache/dcache.conf": "dcache.layout = pools\n",
        "etc/dcache/layouts/pools.conf": (
            "[pools]\n[pools/pool]\npool.name = tape1\npool.path = /var/lib/dcache/pools/tape1\npool.size = 4T\npool.lfs = precious\n"
        ),
        "var/lib/dcache/pools/tape1/setup": SOUND,
    }
    found = {finding.rule: finding.file for finding in dcache_host.check(files, "9.2.47")}
    assert found["pool.hsm-lfs"] == "var/lib/dcache/pools/tape1/setup"
