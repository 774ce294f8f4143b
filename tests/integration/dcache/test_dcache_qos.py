"""The module dcache_qos in playbooks, over real SSH and TLS; commands and writes counted in the stand-in's own log."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest
from dcache_lake import PASSWORD, Dcache, Task, running, storage

POLICY = {
    "name": "hot-then-tape-1",
    "states": [
        {"duration": "P10D", "media": [{"storageMedium": "DISK", "numberOfCopies": 1}]},
        {"media": [{"storageMedium": "HSM"}]},
    ],
}
TAPE = {"hsm": {"options": {"command": "/usr/local/sbin/tape", "c:puts": 4}}}


def test_areas_become_pool_selection_tape_and_tags(dcache: Dcache) -> None:
    task = Task(dcache, storage("fast", "safe", "tape"), {"qos": TAPE})
    shown = task.run("--check", "--diff")
    assert shown["changed"]
    assert dcache.writes() == []
    done = task.run()
    assert done["actions"] == shown["actions"]
    state = dcache.state()
    manager = state["poolmanager"]
    assert manager["pgroups"]["escape-fast"]["pools"] == ["dcache1-data-fast"]
    assert manager["units"]["escape:safe@osm"]["required"] == 2
    assert manager["pgroups"]["escape-safe"]["primary"]
    assert manager["links"]["escape-tape-link"]["cachepref"] == 10
    assert manager["partitions"]["default"]["values"] == {"stage-allowed": "yes"}
    assert state["hsm"]["dcache1-data-tape"]["osm"] == {
        "type": "osm",
        "provider": "script",
        "options": {"command": "/usr/local/sbin/tape", "c:puts": "4"},
    }
    assert state["tags"]["/escape/tape"] == {
        "OSMTemplate": "StoreName escape\n",
        "sGroup": "tape\n",
        "AccessLatency": "NEARLINE\n",
        "RetentionPolicy": "CUSTODIAL\n",
    }
    assert state["modes"]["/escape/safe"] == {"chown": "2000:2000", "chmod": "0775"}
    assert "/escape/fast" not in state["modes"]


def test_a_second_run_logs_in_once_and_sends_no_write(dcache: Dcache) -> None:
    task = Task(dcache, storage("fast", "safe", "tape"), {"qos": {**TAPE, "reservations": True}})
    first = task.run()
    assert first["traffic"]["writes"] == len(dcache.writes())
    dcache.forget()
    second = task.run()
    assert not second["changed"]
    assert dcache.writes() == []
    shell = [entry["what"] for entry in dcache.log() if entry["door"] == "ssh"]
    assert shell == [
        "login",
        "PoolManager psu dump setup",
        "PoolManager pm ls -l",
        "SrmSpaceManager ls spaces",
        "dcache1-data-tape hsm ls",
    ]
    assert second["traffic"]["writes"] == 0


def test_commands_of_a_first_run_share_one_log_in(dcache: Dcache) -> None:
    Task(dcache, storage("fast", "safe")).run()
    assert [entry["what"] for entry in dcache.log()].count("login") == 1


def test_reservations_are_made_and_led_to(dcache: Dcache) -> None:
    task = Task(dcache, storage("fast", "tape"), {"qos": {**TAPE, "reservations": True}})
    task.run()
    state = dcache.state()
    spaces = {space["description"]: (token, space["size"], space["group"]) for token, space in state["spaces"].items()}
    assert spaces["LAB-DC1-FAST"][1:] == (2 * 10**12, "escape-fast")
    assert state["tags"]["/escape/tape"]["WriteToken"].strip() == spaces["LAB-DC1-TAPE"][0]
    task.storage["areas"][0]["capacity"] = "4TB"
    grown = task.run()
    assert grown["actions"] == [f"area fast: update reservation LAB-DC1-FAST: {2 * 10**12} -> {4 * 10**12}"]
    assert dcache.state()["spaces"][spaces["LAB-DC1-FAST"][0]]["size"] == 4 * 10**12


def test_what_the_server_refuses_fails_with_its_words_and_the_rest_is_done(tmp_path: Path, tls: Path) -> None:
    with running(tmp_path, tls, free=10**12 * 5) as dcache:
        task = Task(dcache, storage("fast", "tape"), {"qos": {**TAPE, "reservations": True}})
        answer = task.run(fails=True)
        assert "only has" in answer["msg"]
        state = dcache.state()
        assert [space["description"] for space in state["spaces"].values()] == ["LAB-DC1-FAST"]
        assert "WriteToken" in state["tags"]["/escape/fast"]


def test_work_of_others_stays(tmp_path: Path, tls: Path) -> None:
    text = (
        "psu create unit -store *@*\npsu create ugroup any-store\npsu addto ugroup any-store *@*\n"
        "psu create pool guest\npsu create pgroup default\npsu addto pgroup default guest\n"
        "psu create link default-link any-store\npsu set link default-link -readpref=5 -writepref=5\npsu addto link default-link default\n"
    )
    (tmp_path / "poolmanager.conf").write_text(text)
    with running(tmp_path, tls) as dcache:
        before = dcache.state()["poolmanager"]
        dcache.edit(tags={"/escape/fast": {"OSMTemplate": "StoreName old\n", "note": "ours\n"}})
        Task(dcache, storage("fast")).run()
        after = dcache.state()["poolmanager"]
        assert after["links"]["default-link"] == before["links"]["default-link"]
        assert "guest" in after["pgroups"]["default"]["pools"]
        assert dcache.state()["tags"]["/escape/fast"]["note"] == "ours\n"
        assert (tmp_path / "poolmanager.conf").read_text() == text


@pytest.mark.parametrize("seconds", [0.0, 0.1, 0.4])
def test_an_interrupted_run_is_finished_by_the_next(dcache: Dcache, seconds: float) -> None:
    task = Task(dcache, storage("fast", "safe", "tape"), {"qos": {**TAPE, "reservations": True}})
    command = task.command(task.book(dcache.folder / "told.json"))
    process = subprocess.Popen(command, env=task.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not dcache.writes() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(seconds)
    process.kill()
    process.wait()
    task.run()
    dcache.forget()
    assert not task.run()["changed"]
    assert dcache.writes() == []
    state = dcache.state()
    assert sorted(space["description"] for space in state["spaces"].values()) == ["LAB-DC1-FAST", "LAB-DC1-SAFE", "LAB-DC1-TAPE"]
    assert all("WriteToken" in state["tags"][f"/escape/{name}"] for name in ("fast", "safe", "tape"))


def test_a_changed_file_is_reloaded_once(dcache: Dcache) -> None:
    Task(dcache, storage("fast")).run()
    task = Task(dcache, storage("fast"), {"reload": True, "pool_manager_file": str(dcache.pool_manager_file), "chimera": None})
    missing = task.run(fails=True)
    assert "the file is not there" in missing["msg"]
    dcache.pool_manager_file.write_text("psu create pgroup by-hand\npm create -type=wass default\npm set default -p2p-allowed=yes\n")
    answer = task.run()
    assert answer["actions"][0].startswith("PoolManager: update setup reload -yes")
    assert "by-hand" in dcache.state()["poolmanager"]["pgroups"]
    assert "escape-fast" in dcache.state()["poolmanager"]["pgroups"]


def test_a_live_state_is_saved_where_it_is_asked_for(dcache: Dcache) -> None:
    dcache.pool_manager_file.write_text("# of the site\npm create -type=wass default\n")
    task = Task(dcache, storage("fast", "tape"), {"save": True, "pool_manager_file": str(dcache.pool_manager_file), "chimera": None})
    task.run()
    assert "psu create unit -store escape:tape@osm" in dcache.pool_manager_file.read_text()
    assert "hsm create osm osm script -command=/usr/local/sbin/tape" in (dcache.folder / "dcache1-data-tape/setup").read_text()
    dcache.forget()
    assert not task.run()["changed"]
    assert dcache.writes() == []


def test_files_move_between_classes(dcache: Dcache) -> None:
    task = Task(dcache, storage("fast", "tape"), {"qos": TAPE})
    task.run()
    dcache.put("/escape/fast/a", "/escape/fast/b", "/escape/fast/c")
    token = dcache.token("/escape")
    task.options |= {
        "admin": None,
        "chimera": None,
        "frontend": task.frontend(token),
        "files": [{"paths": ["/escape/fast/a", "/escape/fast/b"], "qos": "tape"}],
    }
    dcache.forget()
    answer = task.run()
    assert [action.partition(":")[0] for action in answer["actions"]] == ["2 files to tape"]
    assert {path: file["qos"] for path, file in dcache.state()["files"].items()} == {
        "/escape/fast/a": "tape",
        "/escape/fast/b": "tape",
        "/escape/fast/c": "disk",
    }
    assert dcache.writes() == ["POST /api/v1/bulk-requests"]
    dcache.forget()
    assert not task.run()["changed"]
    assert dcache.writes() == []
    assert token not in json.dumps(answer)


def test_policies_are_stored_once_and_files_come_under_them(dcache: Dcache) -> None:
    qos = {**TAPE, "policies": [POLICY], "area_policies": {"tape": POLICY["name"]}}
    task = Task(dcache, storage("fast", "tape"), {"qos": qos, "frontend": {}})
    task.options["frontend"] = task.frontend(dcache.token("/escape", "/escape/data-manager"), "admin")
    task.run()
    state = dcache.state()
    assert state["policies"][POLICY["name"]]["states"][0]["duration"] == "P10D"
    assert state["tags"]["/escape/tape"]["QosPolicy"].strip() == POLICY["name"]
    dcache.put("/escape/fast/a")
    task.options["files"] = [{"paths": ["/escape/fast"], "directories": True, "policy": POLICY["name"], "policy_state": 1}]
    task.run()
    assert dcache.state()["files"]["/escape/fast/a"]["policy"] == POLICY["name"]
    dcache.forget()
    assert not task.run()["changed"]
    assert dcache.writes() == []
    states = [{"duration": "P20D", "media": POLICY["states"][0]["media"]}, POLICY["states"][1]]
    qos["policies"] = [{**POLICY, "states": states}]
    changed = task.run(fails=True)
    assert "give it a new name" in changed["msg"]
    assert dcache.writes() == []


def test_accounts_without_a_role_are_told_what_they_lack(dcache: Dcache) -> None:
    Task(dcache, storage("fast")).run()
    dcache.put("/escape/fast/a")
    task = Task(dcache, storage("fast"), {"admin": None, "chimera": None})
    task.options |= {"frontend": task.frontend(dcache.token("/elsewhere")), "files": [{"paths": ["/escape/fast/a"], "qos": "tape"}]}
    assert "the account needs a role" in task.run(fails=True)["msg"]
    task.options["frontend"] = task.frontend(dcache.token("/escape", exp=int(time.time()) - 100))
    assert "token has expired" in task.run(fails=True)["msg"]
    task.options["frontend"] = task.frontend(dcache.token("/escape", aud="https://other.example.org"))
    assert "intended for https://other.example.org" in task.run(fails=True)["msg"]


def test_files_that_are_not_there_do_not_stop_the_others(dcache: Dcache) -> None:
    Task(dcache, storage("fast")).run()
    dcache.put("/escape/fast/a")
    task = Task(dcache, storage("fast"), {"admin": None, "chimera": None})
    paths = ["/escape/fast/missing", "/escape/fast/a"]
    task.options |= {"frontend": task.frontend(dcache.token("/escape")), "files": [{"paths": paths, "qos": "disk+tape"}]}
    answer = task.run(fails=True)
    assert "/escape/fast/missing" in answer["msg"]
    assert dcache.state()["files"]["/escape/fast/a"]["qos"] == "disk+tape"


def test_older_releases_move_one_file_at_a_time(tmp_path: Path, tls: Path) -> None:
    with running(tmp_path, tls, release="6.2.49") as dcache:
        task = Task(dcache, storage("fast", release="6.2.49"))
        task.run()
        dcache.put("/escape/fast/a", "/escape/fast/b")
        paths = ["/escape/fast/a", "/escape/fast/b"]
        task.options |= {"admin": None, "chimera": None, "files": [{"paths": paths, "qos": "tape"}]}
        task.options["frontend"] = task.frontend(dcache.token("/escape"))
        dcache.forget()
        task.run()
        assert dcache.writes() == [f"POST /api/v1/namespace{path}" for path in paths]


def test_nothing_is_sent_to_a_host_with_another_key(dcache: Dcache) -> None:
    task = Task(dcache, storage("fast"))
    other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIlRyWDI6X4eVUNTHz5DQVa0c1SgvbnxJoMRzlQPaR9l"
    task.options["admin"] = {**task.admin, "host_key": other}
    assert "the host key of the server is not the expected one" in task.run(fails=True)["msg"]
    assert dcache.log() == []


def test_what_is_not_there_is_named(dcache: Dcache) -> None:
    task = Task(dcache, storage("fast"))
    key = str(dcache.folder / "none")
    answer = Task(dcache, storage("fast"), {"admin": {**task.admin, "key_file": key}}).run(fails=True)
    assert f"the key file {key} cannot be read" in answer["msg"]
    answer = Task(dcache, storage("fast"), {"chimera": {"command": "/nonexistent/chimera"}}).run(fails=True)
    assert "chimera: run /nonexistent/chimera: it cannot be run" in answer["msg"]
    assert dcache.writes() == []


def test_a_password_logs_in_and_is_shown_nowhere(dcache: Dcache) -> None:
    task = Task(dcache, storage("fast"), {"chimera": None})
    task.options["admin"] = {**{name: value for name, value in task.admin.items() if name != "key_file"}, "password": PASSWORD}
    command = [*task.command(task.book(dcache.folder / "told.json"), "-vvv")]
    process = subprocess.Popen(command, env=task.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    seen = []
    while process.poll() is None:
        for arguments in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                text = arguments.read_bytes()
            except OSError:
                continue
            if PASSWORD.encode() in text:
                seen.append(text)
        time.sleep(0.01)
    output = process.stdout.read() if process.stdout else ""
    assert process.returncode == 0, output
    assert seen == []
    assert PASSWORD not in output
    task.options["admin"]["password"] = "wrong"
    assert "the log-in was refused" in task.run(fails=True)["msg"]


def test_bad_input_changes_nothing(dcache: Dcache) -> None:
    task = Task(dcache, storage("fast", "tape"), {"qos": {"policies": [{"name": "x", "states": [{"duration": "P1M", "media": []}]}]}})
    assert "P1M" in task.run(fails=True)["msg"]
    task.options = {"qos": {}, "frontend": None}
    assert "nothing says how pools reach the tape" in task.run(fails=True)["msg"]
    task.options = {"admin": None, "chimera": None}
    assert "There is nothing to talk to" in task.run(fails=True)["msg"]
    assert dcache.log() == []
