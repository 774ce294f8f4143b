"""Runs of site.yml that are killed without warning, and what the next run makes of what they left."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import site_runs
from outside import Outside, Traffic
from testinfra.host import Host

MAIN = "/etc/xrootd/xrootd-datalake.cfg"
TOKENS = "/etc/xrootd/scitokens.cfg"
UNIT = "xrootd@datalake"
NAMES = "/var/lib/xrootd/ns/escape"
# What is published and registered, before and after the change below: bytes by RSE.
CAPACITIES = {
    "LAB-XRD1-FAST": (2 * 10**9, 3 * 10**9),
    "LAB-XRD1-SAFE": (5 * 10**9, 6 * 10**9),
    "LAB-XRD2-CHEAP": (10 * 10**9, 11 * 10**9),
    "LAB-XRD2-SCRATCH": (10**9, 12 * 10**9),
}


@pytest.fixture
def changed(inventory: Path, restored: None) -> Path:
    """A description that differs from the one of the lake in files of the storages, CRIC and Rucio."""
    for path in (inventory / "host_vars").glob("se*.yml"):
        for before, after in CAPACITIES.values():
            text = path.read_text()
            path.write_text(text.replace(f"capacity: {before // 10**9}GB\n", f"capacity: {after // 10**9}GB\n"))
        site_runs.replace(path, "  base_path: /escape\n", "  base_path: /escape\n  audiences: [https://added.example.org]\n")
    site_runs.replace(inventory / "host_vars/se1.yml", "latency: 1ms", "latency: 2ms")
    site_runs.replace(inventory / "group_vars/xrootd.yml", "xrootd_directives: [", "xrootd_directives: [xrd.timeout idle 31m, ")
    return inventory


def test_after_the_configuration_was_written_and_before_the_restart(changed: Path, lake: Outside, storages: dict[str, Host]) -> None:
    site_runs.run_and_kill_at(changed, "Restart now when a restart is due", at_once)
    assert lake.capacity("LAB-XRD1-FAST") == CAPACITIES["LAB-XRD1-FAST"][0]
    for host in storages.values():
        assert "xrd.timeout idle 31m" in host.file(MAIN).content_string
        assert started(host) < written(host), "the run got to the restart"
    assert_repeated_run_ends_right(changed, lake, storages)


def test_while_files_are_being_written(changed: Path, lake: Outside, storages: dict[str, Host]) -> None:
    main = on_disk("se1", MAIN)
    site_runs.run_and_kill_at(changed, "Configure the server", lambda: "xrd.timeout idle 31m" in main.read_text())
    assert_repeated_run_ends_right(changed, lake, storages)


def test_during_the_registration(changed: Path, lake: Outside, storages: dict[str, Host], traffic: Traffic) -> None:
    log = on_disk("rucio", "/var/log/rucio/access.log")
    size = log.stat().st_size
    site_runs.run_and_kill_at(changed, "Register the RSEs in Rucio", lambda: b'"POST /rses/' in log.read_bytes()[size:])
    assert {each["space"] for each in lake.cric().values()} == {after for _found, after in CAPACITIES.values()}
    assert traffic.rucio()["POST"] > 0
    assert_repeated_run_ends_right(changed, lake, storages)


def test_during_the_probe(changed: Path, lake: Outside, storages: dict[str, Host]) -> None:
    places = [on_disk(host, NAMES) for host in storages]
    site_runs.run_and_kill_at(
        changed, "Probe every area, door and issuer", lambda: any(True for place in places for _found in place.glob("*/.probe-*"))
    )
    host, left = next((host, path) for host in storages.values() for path in leftovers(host))
    assert_repeated_run_ends_right(changed, lake, storages)
    # The directory of a probe may be in use for an hour; after that the next one takes it away.
    assert left in leftovers(host)
    folder, name = left.rsplit("/", 1)
    _found, stamp, rest = name[1:].split("-", 2)
    assert abs(int(stamp) - time.time()) < 600
    old = f"{folder}/.probe-{int(stamp) - 3700}-{rest}"
    host.check_output("mv %s %s", left, old)
    done = site_runs.run(changed)
    assert (done.status, done.changed) == (0, 0), done.output
    assert not host.file(old).exists


def assert_repeated_run_ends_right(inventory: Path, lake: Outside, storages: dict[str, Host]) -> None:
    again = site_runs.run(inventory)
    assert again.status == 0, again.output
    for host in storages.values():
        assert "\nxrd.timeout idle 31m\n" in host.file(MAIN).content_string
        assert host.file(TOKENS).content_string.count("https://added.example.org") == 1
        assert host.service(UNIT).is_running
        assert started(host) >= written(host)
        assert host.check_output(r"find /etc /var/cache/xrootd \( -name '.*.new~' -o -name '*.old~' -o -name '*.tmp' \) -type f") == ""
    in_cric = lake.cric()
    for rse, (_found, capacity) in CAPACITIES.items():
        assert lake.capacity(rse) == in_cric[rse]["space"] == capacity
        assert lake.attributes(rse)["oidc_support"] is in_cric[rse]["params"]["oidc_support"] is True
    assert lake.attributes("LAB-XRD1-FAST")["qos_latency_ms"] == "2"
    assert in_cric["LAB-XRD1-FAST"]["params"]["qos_latency_ms"] == 2
    further = site_runs.run(inventory)
    assert (further.status, further.changed) == (0, 0), further.output


def at_once() -> bool:
    return True


def on_disk(host: str, path: str) -> Path:
    """A path of a container as this machine sees it, which is quicker than to ask the container."""
    return site_runs.root_of(host) / path.lstrip("/")


def started(host: Host) -> float:
    """Seconds since 1970."""
    answer = host.check_output("systemctl show --property ActiveEnterTimestamp --timestamp=us+utc --value %s", UNIT)
    return float(host.check_output("date --date %s +%%s.%%N", answer))


def written(host: Host) -> float:
    """When the newest file that needs a restart was written, in seconds since 1970."""
    return float(host.check_output("stat --format %%.Y %s", MAIN))


def leftovers(host: Host) -> list[str]:
    return str(host.check_output("find %s -maxdepth 2 -name '.probe-*'", NAMES)).split()
