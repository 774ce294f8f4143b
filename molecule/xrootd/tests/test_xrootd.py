"""The storages that the role made, seen from their own hosts."""

from __future__ import annotations

import pytest
from testinfra.host import Host

UNIT = "xrootd@datalake"
MAIN = "/etc/xrootd/xrootd-datalake.cfg"
AREAS = {"se1": ("fast", "safe"), "se2": ("cheap", "scratch")}


@pytest.fixture(params=AREAS)
def storage(request: pytest.FixtureRequest) -> tuple[str, Host]:
    return request.param, request.getfixturevalue(request.param)


def status(host: Host, url: str, *options: str) -> int:
    """HTTP status of a request with the system's trust."""
    return int(host.check_output("curl -s -o /dev/null -w %%{http_code} --max-time 20 " + " ".join(options) + " %s", url))


def test_the_server_runs_and_starts_with_the_host(storage: tuple[str, Host]) -> None:
    service = storage[1].service(UNIT)
    assert service.is_running
    assert service.is_enabled


def test_the_door_speaks_https_and_root(storage: tuple[str, Host], domain: str) -> None:
    name, host = storage
    assert host.socket("tcp://:::1094").is_listening or host.socket("tcp://0.0.0.0:1094").is_listening
    assert status(host, f"https://{name}.{domain}:1094/escape/") == 403
    answer = host.run("X509_CERT_DIR=/etc/ssl/certs xrdfs roots://%s.%s:1094 ls /escape", name, domain)
    assert answer.rc != 0
    assert "Auth failed" in answer.stderr


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PROPFIND"])
def test_nobody_gets_in_without_a_token(storage: tuple[str, Host], domain: str, method: str) -> None:
    name, host = storage
    for area in AREAS[name]:
        upload = ["-T", "/etc/hostname"] if method == "PUT" else []
        assert status(host, f"https://{name}.{domain}:1094/escape/{area}/anonymous", "-X", method, *upload) == 403
    assert not host.file(f"/var/lib/xrootd/ns/escape/{AREAS[name][0]}/anonymous").exists


def test_a_forged_token_is_refused(storage: tuple[str, Host], domain: str) -> None:
    name, host = storage
    header = "'Authorization: Bearer eyJhbGciOiJub25lIn0.eyJzY29wZSI6InN0b3JhZ2UucmVhZDovIn0.'"
    assert status(host, f"https://{name}.{domain}:1094/escape/", "-H", header) == 403


def test_the_key_is_the_server_s_own(storage: tuple[str, Host]) -> None:
    key = storage[1].file("/etc/grid-security/xrd/hostkey.pem")
    assert (key.user, key.mode) == ("xrootd", 0o400)


def test_each_area_has_its_partition(storage: tuple[str, Host]) -> None:
    name, host = storage
    main = host.file(MAIN).content_string
    for area in AREAS[name]:
        assert f"oss.space {area} /data/{area}\noss.space {area} assign /escape/{area}\n" in main
        assert host.file(f"/data/{area}").user == "xrootd"


def test_rights_are_not_for_all_eyes(storage: tuple[str, Host]) -> None:
    rights = storage[1].file("/etc/xrootd/authdb")
    assert (rights.user, rights.group, rights.mode) == ("root", "xrootd", 0o640)
    assert "o: https://iam." in rights.content_string


def test_keys_of_issuers_are_kept_by_the_server(storage: tuple[str, Host]) -> None:
    assert "XDG_CACHE_HOME=/var/cache/xrootd" in storage[1].check_output("systemctl show -p Environment %s", UNIT)
    assert storage[1].file("/var/cache/xrootd").user == "xrootd"


def test_what_was_written_by_hand_stays(storage: tuple[str, Host]) -> None:
    main = storage[1].file(MAIN).content_string
    assert "# kept by hand\n" in main
    assert "xrd.timeout idle 30m\n" in main
    assert "\nofs.authorize\n" in main


def test_old_texts_are_kept(storage: tuple[str, Host]) -> None:
    assert storage[1].check_output("ls /etc/xrootd").count("xrootd-datalake.cfg.") >= 1
