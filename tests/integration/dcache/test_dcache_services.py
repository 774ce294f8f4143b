"""The services by themselves: admin shell over SSH, frontend and tape API over TLS."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.services.dcache_admin import AdminError, AdminLogin, AdminShell
from ansible_collections.escape.datalake.plugins.plugin_utils.services.dcache_rest import DcacheRest, Unfinished
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError, Tls, WriteRefused
from dcache_lake import PASSWORD, Dcache, running


def login(dcache: Dcache, **changes: object) -> AdminLogin:
    given = {
        "host": "127.0.0.1",
        "port": dcache.ssh_port,
        "key_file": str(dcache.folder / "admin"),
        "host_key": dcache.host_key,
        "timeout": 20.0,
    }
    return AdminLogin(**{**given, **changes})  # type: ignore[arg-type]


def rest(dcache: Dcache, *groups: str, **changes: object) -> DcacheRest:
    given = {"token": dcache.token(*groups), "tls": Tls(ca=dcache.ca), "wait": 20.0, "pause": 0.1}
    return DcacheRest(dcache.url, **{**given, **changes})  # type: ignore[arg-type]


def test_answers_and_errors_stay_with_their_commands(dcache: Dcache) -> None:
    with AdminShell(login(dcache)) as shell:
        for number in range(30):
            shell.write(f"\\sp psu create pgroup g{number}")
            with pytest.raises(AdminError, match=f"g{number}"):
                shell.write(f"\\sp psu create pgroup g{number}")
        assert shell.read("\\sp psu ls pgroup").split() == sorted(["default", *(f"g{number}" for number in range(30))])
        assert shell.read("\\s nowhere,dcache1-data-fast hsm ls") == "dcache1-data-fast: OK"
        assert shell.traffic == {"requests": 62, "writes": 60}
    assert [entry["what"] for entry in dcache.log()].count("login") == 1


def test_a_command_is_one_line(dcache: Dcache) -> None:
    with AdminShell(login(dcache)) as shell, pytest.raises(AdminError, match="one line"):
        shell.write("\\sp psu create pgroup a\n\\sp psu create pgroup b")
    assert dcache.writes() == []


def test_check_mode_refuses_writes(dcache: Dcache) -> None:
    with AdminShell(login(dcache), read_only=True) as shell:
        assert "default" in shell.read("\\sp psu ls pgroup")
        with pytest.raises(WriteRefused):
            shell.write("\\sp psu create pgroup a")


def test_refusals_in_ordinary_answers_are_recognised(dcache: Dcache) -> None:
    with AdminShell(login(dcache)) as shell, pytest.raises(AdminError, match="does not exist"):
        shell.write("\\sp reload -yes")


def test_a_shell_that_ends_and_one_that_never_answers(dcache: Dcache) -> None:
    with AdminShell(login(dcache)) as shell:
        shell.read("\\l")
        dcache.stop()
        with pytest.raises(AdminError, match="the connection ended"):
            shell.read("\\l")
    with pytest.raises(AdminError, match="Connection refused"):
        AdminShell(login(dcache)).read("\\l")


def test_known_hosts_of_a_file_count(dcache: Dcache, tmp_path: Path) -> None:
    known = tmp_path / "known hosts"
    known.write_text(f"[127.0.0.1]:{dcache.ssh_port} {dcache.host_key}\n")
    with AdminShell(login(dcache, host_key=None, known_hosts=str(known))) as shell:
        assert "PoolManager" in shell.read("\\l")
    known.write_text("")
    with pytest.raises(AdminError, match="not the expected one"):
        AdminShell(login(dcache, host_key=None, known_hosts=str(known))).read("\\l")


def test_who_am_i(dcache: Dcache) -> None:
    assert rest(dcache, "/escape").user()["roles"] == ["qos-group", "qos-user"]
    assert rest(dcache, "/escape/data-manager", roles=["admin"]).user()["roles"] == ["admin"]
    assert rest(dcache, token=None, username="root", password=PASSWORD, roles=["admin"]).user()["username"] == "root"
    assert rest(dcache, token=None).user()["status"] == "ANONYMOUS"
    assert rest(dcache, "/escape").qos_classes() == ["disk", "tape", "disk+tape", "volatile"]
    with pytest.raises(ApiError, match="requires the admin role"):
        rest(dcache, "/escape").pools()


def test_credentials_go_to_https_only(dcache: Dcache) -> None:
    with pytest.raises(ApiError, match="https addresses only"):
        DcacheRest("http://localhost:3880", token="x")


def test_many_files_are_parted_by_the_servers_limit(dcache: Dcache) -> None:
    files = {
        f"/escape/fast/{number}": {"size": 1, "qos": "disk", "target": "", "policy": "", "state": 0, "class": "", "pinned": False}
        for number in range(1001)
    }
    dcache.edit(files=files)
    seen: list[tuple[int, int]] = []
    failures = rest(dcache, "/escape").bulk(
        "UPDATE_QOS",
        [*files, "/escape/fast/missing"],
        {"targetQos": "tape"},
        progress=lambda done, every, _seconds: seen.append((done, every)),
    )
    assert failures == {"/escape/fast/missing": "No such file or directory /escape/fast/missing"}
    assert dcache.writes() == ["POST /api/v1/bulk-requests"] * 3
    assert seen[-1] == (1002, 1002)
    assert seen == sorted(seen)
    assert {file["qos"] for file in dcache.state()["files"].values()} == {"tape"}


def test_a_busy_server_is_asked_again(tmp_path: Path, tls: Path) -> None:
    with running(tmp_path, tls) as dcache:
        waiting = {
            "activity": "PIN",
            "targets": [],
            "depth": "NONE",
            "arguments": {},
            "status": "QUEUED",
            "user": "x",
            "roles": [],
            "arrived": 1,
        }
        dcache.edit(bulk={str(number): waiting for number in range(100)})
        dcache.put("/escape/fast/a")
        client = rest(dcache, "/escape", wait=0.5)
        with pytest.raises(ApiError, match="429"):
            client.bulk("UPDATE_QOS", ["/escape/fast/a"], {"targetQos": "tape"})
        threading.Timer(0.5, lambda: dcache.edit(bulk={})).start()
        assert rest(dcache, "/escape").bulk("UPDATE_QOS", ["/escape/fast/a"], {"targetQos": "tape"}) == {}


def test_tape_api(dcache: Dcache) -> None:
    dcache.edit(tags={"/escape/fast": {"AccessLatency": "ONLINE\n", "RetentionPolicy": "REPLICA\n"}})
    dcache.put("/escape/fast/a", "/escape/fast/b")
    client = rest(dcache, "/escape")
    client.set_qos("/escape/fast/a", "tape")
    assert client.namespace("/escape/fast/a", "qos") is not None
    info = client.namespace("/escape/fast/a", "qos", "locality")
    assert info
    assert (info["currentQos"], info["fileLocality"]) == ("tape", "NEARLINE")
    paths = ["/escape/fast/a", "/escape/fast/b", "/escape/fast/none"]
    before = client.traffic["writes"]
    assert client.archive_info(paths) == {
        paths[0]: "TAPE",
        paths[1]: "DISK",
        paths[2]: "error: No such file or directory",
    }
    assert client.traffic["writes"] == before
    done = client.stage(dict.fromkeys([paths[0], paths[2]], "P1D"))
    assert done == {paths[0]: "COMPLETED", paths[2]: "No such file or directory"}
    assert client.archive_info(paths[:1]) == {paths[0]: "DISK_AND_TAPE"}
    number = next(iter(dcache.state()["stages"]))
    client.release(number, paths[:1])
    assert client.archive_info(paths[:1]) == {paths[0]: "TAPE"}
    with pytest.raises(Unfinished, match="the request goes on"):
        rest(dcache, "/escape", wait=0.0).stage({paths[0]: "P1D"})
    (dcache.folder / "wellknown.json").write_text('{"sitename": "LAB", "endpoints": []}')
    assert client.tape_discovery()["sitename"] == "LAB"


def test_bad_tokens_are_refused(dcache: Dcache) -> None:
    """Expired, of another issuer, no token at all."""
    for token in (dcache.token("/escape", exp=int(time.time()) - 5), dcache.token("/escape", iss="https://other/"), "x.y.z"):
        with pytest.raises(ApiError) as problem:
            rest(dcache, token=token).user()
        assert problem.value.status == 401
