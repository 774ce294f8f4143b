"""The ten RSEs of 2020: what the stand-in for CRIC and the real Rucio say of them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

LAB = Path(__file__).resolve().parents[3] / ".cache" / "molecule-lab"
TEN = {
    "CNAF-STORM",
    "DESY-DCACHE",
    "EULAKE-1",
    "EULAKE-2",
    "IN2P3-CC-DCACHE",
    "INFN-NA-DPM",
    "LAPP-DCACHE",
    "LAPP-DPM",
    "PIC-DCACHE",
    "SARA-DCACHE",
}
TAPES = {"CNAF-STORM-TAPE", "DESY-DCACHE-TAPE", "PIC-DCACHE-TAPE", "SARA-DCACHE-TAPE"}

LAKE = {"LAB-XRD1-FAST", "LAB-XRD1-SAFE", "LAB-XRD2-CHEAP", "LAB-XRD2-SCRATCH"}  # of scenario lake, which may have run before


@pytest.fixture(scope="module")
def token(rucio: Host, domain: str) -> str:
    password = (LAB / "secrets" / "rucio-root").read_text().strip()
    lines = f'header = "X-Rucio-Account: root"\nheader = "X-Rucio-Username: ddmlab"\nheader = "X-Rucio-Password: {password}"\n'
    answer = rucio.check_output(f"printf %s '{lines}' | curl -sS -i -K - https://rucio.{domain}/auth/userpass")
    return re.search(r"(?im)^x-rucio-auth-token: (\S+)", answer)[1]  # type: ignore[index]


def get(rucio: Host, domain: str, token: str, path: str) -> Any:
    return json.loads(rucio.check_output(f"curl -sS --fail -H 'X-Rucio-Auth-Token: {token}' https://rucio.{domain}{path}"))


def test_rucio_finds_the_rses_by_class(rucio: Host, domain: str, token: str) -> None:
    found = {}
    for label in ("SAFE", "FAST", "CHEAP-ANALYSIS", "OPPORTUNISTIC"):
        answer = rucio.check_output(
            f"curl -sS --fail -H 'X-Rucio-Auth-Token: {token}' 'https://rucio.{domain}/rses/?expression=QOS={label}'"
        )
        found[label] = {json.loads(line)["rse"] for line in answer.splitlines() if line} - LAKE
    assert set.union(*found.values()) == TEN | TAPES
    assert found["SAFE"] == {"EULAKE-1", "LAPP-DCACHE", *TAPES}
    assert found["FAST"] == {"EULAKE-2", "IN2P3-CC-DCACHE"}


def test_rucio_knows_that_the_doors_of_pic_show_different_paths(rucio: Host, domain: str, token: str) -> None:
    doors = {each["scheme"]: each for each in get(rucio, domain, token, "/rses/PIC-DCACHE")["protocols"]}
    assert (doors["davs"]["hostname"], doors["davs"]["port"], doors["davs"]["prefix"]) == ("door05.pic.es", 8452, "/rucio/pic_dcache/")
    assert doors["root"]["prefix"] == "//pnfs/pic.es/data/escape/rucio/pic_dcache/"


def test_tape_is_tape(rucio: Host, domain: str, token: str) -> None:
    assert {name: get(rucio, domain, token, f"/rses/{name}")["rse_type"] for name in TAPES} == dict.fromkeys(TAPES, "TAPE")


def test_cric_shows_them_too(cric: Host, domain: str) -> None:
    answer = json.loads(cric.check_output(f"curl -sS --fail 'https://cric.{domain}/api/doma/rse/query/?json&preset=doma'"))
    assert set(answer["rses"]) - LAKE == TEN | TAPES
    assert answer["rses"]["EULAKE-1"]["params"]["QOS"] == "SAFE"


def test_every_configuration_was_rendered() -> None:
    hosts = {path.name for path in (LAB / "rendered").iterdir()}
    assert hosts == {
        *("desy-dcache", "in2p3-cc-dcache", "lapp-dcache", "pic-dcache", "sara-dcache"),
        *("cnaf-storm", "infn-na-dpm", "lapp-dpm", "eulake"),
    }
    assert "libXrdAccSciTokens.so" in (LAB / "rendered/eulake/etc/xrd.cf.mgm").read_text()
    secret = LAB / "rendered/lapp-dpm/etc/domehead.conf"
    assert oct(secret.stat().st_mode & 0o777) == "0o600"
