"""Reading and writing the files of a host."""

from __future__ import annotations

import hashlib
import os
import pathlib
import socket
import stat
import threading

import pytest
from ansible_collections.escape.datalake.plugins.module_utils import host_files


def tree(folder):
    """Every path below a folder with mode and content."""
    return {
        str(path.relative_to(folder)): (stat.S_IMODE(path.stat().st_mode), path.read_bytes() if path.is_file() else None)
        for path in sorted(folder.rglob("*"))
    }


def write(files=(), directories=(), check_mode=False):
    return host_files.write(host_files.plan_writes(files, directories, check_mode), check_mode)


# --- reading


def test_texts_secrets_and_missing_paths(tmp_path):
    (tmp_path / "a.cfg").write_text("text é\n")
    (tmp_path / "b.cfg").write_bytes(b"\xff\xfe")
    (tmp_path / "key").write_text("hush")
    (tmp_path / "key").chmod(0o400)
    found = host_files.read_paths([f"{tmp_path}/*.cfg", f"{tmp_path}/gone", f"{tmp_path}/key"], [f"{tmp_path}/key"], [str(tmp_path)])
    assert found[f"{tmp_path}/a.cfg"]["content"] == "text é\n"
    assert found[f"{tmp_path}/b.cfg"]["binary"] is True
    assert "content" not in found[f"{tmp_path}/b.cfg"]
    assert found[f"{tmp_path}/gone"] == {"exists": False, "kind": None}
    key = found[f"{tmp_path}/key"]
    assert (key["mode"], key["sha256"]) == ("0400", hashlib.sha256(b"hush").hexdigest())
    assert "content" not in key
    assert found[str(tmp_path)]["kind"] == "directory"


def test_long_files_have_no_text(tmp_path):
    (tmp_path / "a").write_text("12345")
    found = host_files.read_paths([f"{tmp_path}/a"], limit=4)
    assert "content" not in found[f"{tmp_path}/a"]
    assert found[f"{tmp_path}/a"]["size"] == 5


def test_what_is_only_looked_at_is_not_read(tmp_path):
    (tmp_path / "a").write_text("12345")
    assert "sha256" not in host_files.read_paths([], [], [f"{tmp_path}/a"])[f"{tmp_path}/a"]


def test_services_are_dated():
    text = (
        "Id=a.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\nActiveEnterTimestampMonotonic=5000000\nNeedDaemonReload=no\n\n"
        "Id=b.service\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\nActiveEnterTimestampMonotonic=0\nNeedDaemonReload=yes\n"
    )
    services = host_files.parse_services(text, now=1000.0, uptime=100.0)
    assert services["a.service"] == {"load": "loaded", "active": "active", "enabled": "enabled", "started": 905.0, "daemon_reload": False}
    assert services["b.service"]["started"] is None
    assert services["b.service"]["daemon_reload"] is True


def test_a_service_that_ended_has_no_start():
    text = "Id=a.service\nActiveState=failed\nActiveEnterTimestampMonotonic=5000000\n"
    assert host_files.parse_services(text, 1000.0, 100.0)["a.service"]["started"] is None


# --- writing


def test_files_and_directories_are_made_once(tmp_path):
    request = {
        "directories": [{"path": f"{tmp_path}/x/y", "mode": "0750"}],
        "files": [{"path": f"{tmp_path}/x/y/a", "content": "a\n", "mode": "0640"}, {"path": f"{tmp_path}/b", "content": "b"}],
    }
    written = write(**request)
    assert written.changed == [f"{tmp_path}/x/y", f"{tmp_path}/x/y/a", f"{tmp_path}/b"]
    assert tree(tmp_path) == {"b": (0o644, b"b"), "x": (0o755, None), "x/y": (0o750, None), "x/y/a": (0o640, b"a\n")}
    before = (tmp_path / "b").stat()
    assert write(**request).changed == []
    assert (tmp_path / "b").stat().st_ino == before.st_ino


def test_check_mode_writes_nothing(tmp_path):
    written = write([{"path": f"{tmp_path}/new/a", "content": "a", "owner": "nobody-there"}], [{"path": f"{tmp_path}/d"}], check_mode=True)
    assert written.changed == [f"{tmp_path}/d", f"{tmp_path}/new/a"]
    assert tree(tmp_path) == {}


def test_the_mode_of_an_old_file_stays(tmp_path):
    (tmp_path / "a").write_text("old")
    (tmp_path / "a").chmod(0o600)
    write([{"path": f"{tmp_path}/a", "content": "new"}])
    assert tree(tmp_path) == {"a": (0o600, b"new")}


def test_only_the_mode_changes(tmp_path):
    (tmp_path / "a").write_text("same")
    assert write([{"path": f"{tmp_path}/a", "content": "same", "mode": "0600"}]).changed == [f"{tmp_path}/a"]
    assert tree(tmp_path) == {"a": (0o600, b"same")}


def test_a_backup_is_kept(tmp_path):
    (tmp_path / "a").write_text("old")
    written = write([{"path": f"{tmp_path}/a", "content": "new", "backup": True}])
    kept = written.backups[f"{tmp_path}/a"]
    assert kept.endswith("~")
    assert pathlib.Path(kept).read_text() == "old"
    assert (tmp_path / "a").read_text() == "new"


def test_a_source_is_copied_and_not_shown(tmp_path):
    (tmp_path / "key").write_text("hush")
    written = write([{"path": f"{tmp_path}/copy", "source": f"{tmp_path}/key", "mode": "0400", "secret": True}])
    assert (tmp_path / "copy").read_text() == "hush"
    assert "hush" not in str(written.diff)


def test_absence_is_asked_for(tmp_path):
    (tmp_path / "a").write_text("old")
    assert write([{"path": f"{tmp_path}/a", "state": "absent"}]).changed == [f"{tmp_path}/a"]
    assert tree(tmp_path) == {}
    assert write([{"path": f"{tmp_path}/a", "state": "absent"}]).changed == []


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    write([{"path": f"{tmp_path}/link", "content": "new"}])
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_every_problem_is_told_and_nothing_written(tmp_path):
    (tmp_path / "d").mkdir()
    with pytest.raises(host_files.Refused) as refusal:
        write(
            [
                {"path": "relative", "content": ""},
                {"path": f"{tmp_path}/a", "content": "x", "owner": "nobody-there"},
                {"path": f"{tmp_path}/a", "content": "y", "mode": "rw"},
                {"path": f"{tmp_path}/d", "content": "z"},
                {"path": f"{tmp_path}/none/b", "content": "z"},
                {"path": f"{tmp_path}/c"},
                {"path": f"{tmp_path}/e", "source": f"{tmp_path}/gone"},
            ]
        )
    told = "\n".join(refusal.value.problems)
    for words in (
        "relative: not an absolute",
        "no user nobody-there",
        "mode 'rw'",
        "already a directory",
        "none does not exist",
        "give one of content,",
        "gone",
    ):
        assert words in told
    assert "a: asked for twice" in told
    assert tree(tmp_path) == {"d": (0o755, None)}


@pytest.mark.parametrize("broken", ["write", "rename", "_keep"])
@pytest.mark.parametrize("backup", [True, False])
def test_a_failure_in_the_middle_puts_everything_back(tmp_path, monkeypatch, broken, backup):
    for name in "ab":
        (tmp_path / name).write_text("old")
    before = tree(tmp_path)
    wanted = host_files.plan_writes(
        [
            {"path": f"{tmp_path}/a", "content": "new", "backup": backup},
            {"path": f"{tmp_path}/c", "content": "new"},
            {"path": f"{tmp_path}/b", "state": "absent"},
            {"path": f"{tmp_path}/d/e", "content": "new"},
        ],
        [{"path": f"{tmp_path}/d"}],
    )
    owner = host_files if broken == "_keep" else os
    real = getattr(owner, broken)
    calls = []

    def failing(*arguments, **options):
        calls.append(arguments)
        if len(calls) == 2:
            raise OSError(28, "No space left on device", "somewhere")
        return real(*arguments, **options)

    monkeypatch.setattr(owner, broken, failing)
    with pytest.raises(OSError, match="No space left"):
        host_files.write(wanted)
    assert tree(tmp_path) == before


def test_the_diff_shows_text_and_rights(tmp_path):
    (tmp_path / "a").write_text("old\n")
    (tmp_path / "a").chmod(0o600)
    (entry,) = write([{"path": f"{tmp_path}/a", "content": "new\n", "mode": "0644"}], check_mode=True).diff
    assert entry["before"].endswith(" 0600)\nold\n")
    assert entry["after"].endswith(" 0644)\nnew\n")


def test_ownership_is_set(tmp_path):
    if os.getuid():
        pytest.skip("needs root")
    write([{"path": f"{tmp_path}/a", "content": "x", "owner": "nobody", "group": "65534", "mode": "0400"}])
    info = (tmp_path / "a").stat()
    assert (info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode)) == (65534, 65534, 0o400)


def test_a_server_that_stopped_to_accept_does_not_answer():
    with socket.socket() as silent, socket.socket() as plain:
        silent.bind(("localhost", 0))
        silent.listen()
        plain.bind(("localhost", 0))
        plain.listen()
        talker = threading.Thread(target=lambda: plain.accept()[0].sendall(b"SSH-2.0-talks\r\n" * 10), daemon=True)
        talker.start()
        assert host_files.answers_tls(silent.getsockname()[1], 0.2) is False
        assert host_files.answers_tls(plain.getsockname()[1], 5.0) is True
        free = silent.getsockname()[1]
    assert host_files.answers_tls(free, 0.2) is None
