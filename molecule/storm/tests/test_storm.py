"""The StoRM site that the role made, seen from its own host, and what the probe proved from outside."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

UNITS = ("storm-webdav", "storm-backend-server", "storm-frontend-server", "storm-globus-gridftp")
"""StoRM compares scope paths letter by letter."""


@pytest.fixture(scope="module")
def door(domain: str) -> str:
    return f"https://storm1.{domain}:8443"


@pytest.fixture(scope="module")
def probed() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((Path(os.environ["LAB_DIRECTORY"]) / "storm-probe.json").read_text())["rses"]
    return found


def status(host: Host, url: str, *options: str) -> int:
    """HTTP status of a request with the system's trust."""
    return int(host.check_output("curl -s -o /dev/null -w %%{http_code} --max-time 20 " + " ".join(options) + " %s", url))


@pytest.mark.parametrize("unit", UNITS)
def test_the_services_run_and_start_with_the_host(storm1: Host, unit: str) -> None:
    service = storm1.service(unit)
    assert service.is_running
    assert service.is_enabled


@pytest.mark.parametrize("port", [8443, 8085, 8444, 9998, 2811])
def test_the_doors_are_open(storm1: Host, port: int) -> None:
    assert storm1.socket(f"tcp://0.0.0.0:{port}").is_listening or storm1.socket(f"tcp://:::{port}").is_listening


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PROPFIND"])
@pytest.mark.parametrize("area", ["disk", "fast"])
def test_nobody_gets_in_without_a_token(storm1: Host, door: str, area: str, method: str) -> None:
    upload = ["-T", "/etc/hostname"] if method == "PUT" else []
    assert status(storm1, f"{door}/escape/{area}/anonymous", "-X", method, *upload) == 401
    assert not storm1.file(f"/storage/escape/{area}/anonymous").exists


def test_every_area_passed_the_probe(probed: list[dict[str, Any]]) -> None:
    assert sorted(each["name"] for each in probed) == ["LAB-STORM-DISK", "LAB-STORM-FAST"]
    assert {each["name"]: each["verdict"] for each in probed if each["verdict"] == "failed"} == {}


def test_secrets_are_random_and_for_few_eyes(storm1: Host) -> None:
    backend = storm1.file("/etc/storm/backend-server/storm.properties")
    frontend = storm1.file("/etc/storm/frontend-server/storm-frontend-server.conf")
    for file in (backend, frontend):
        assert (file.user, file.group, file.mode) == ("root", "storm", 0o640)
    ours = dict(line.split("=", 1) for line in backend.content_string.splitlines() if "=" in line)
    theirs = dict(line.split("=", 1) for line in frontend.content_string.splitlines() if "=" in line)
    assert len(ours["storm.service.request-db.passwd"]) >= 32
    assert ours["storm.service.request-db.passwd"] == theirs["db.passwd"]
    assert ours["synchcall.xmlrpc.security.token"] == theirs["be.xmlrpc.token"]
    assert storm1.file("/etc/storm/datalake/database.sql").mode == 0o600


def test_the_database_takes_storm_and_nobody_else(storm1: Host) -> None:
    question = "mysql --protocol=tcp --host=127.0.0.1 -e 'SELECT count(*) FROM storm_db.db_version'"
    assert storm1.run(question.replace("mysql", "mysql --defaults-extra-file=/etc/storm/datalake/database.cnf", 1)).rc == 0
    assert storm1.run(question.replace("mysql", "mysql --user=storm --password=storm", 1)).rc != 0


def test_webdav_and_backend_mean_the_same_directories(storm1: Host) -> None:
    namespace = storm1.file("/etc/storm/backend-server/namespace.xml").content_string
    area = storm1.file("/etc/storm/webdav/sa.d/escape.properties").content_string
    assert "rootPath=/storage/escape\n" in area
    for name in ("disk", "fast"):
        assert f"<root>/storage/escape/{name}</root>" in namespace
        assert f"<stfn-root>/escape/{name}</stfn-root>" in namespace
        assert storm1.file(f"/storage/escape/{name}").user == "storm"


def test_the_key_is_the_service_s_own(storm1: Host) -> None:
    key = storm1.file("/etc/grid-security/storm-webdav/hostkey.pem")
    assert (key.user, key.mode) == ("storm", 0o400)


def test_what_was_written_by_hand_stays(storm1: Host) -> None:
    settings = storm1.file("/etc/storm/webdav/config/application.yml").content_string
    assert "tpc: # kept by hand\n" in settings
    area = storm1.file("/etc/storm/webdav/sa.d/escape.properties").content_string
    assert "orgsGrantReadPermission=false\n" in area
    assert "orgsGrantWritePermission" in area


def test_the_storage_report_is_made(storm1: Host) -> None:
    assert storm1.service("storm-site-report.timer").is_running
    report = json.loads(storm1.file("/storage/info/report.json").content_string)
    assert {share["path"][0] for share in report["storageservice"]["storageshares"]} == {"/escape/disk", "/escape/fast"}
