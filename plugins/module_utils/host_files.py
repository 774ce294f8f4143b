# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading and writing many files of a host in one call: what host_read and host_write do, without Ansible."""

from __future__ import annotations

import contextlib
import errno
import glob
import grp
import hashlib
import os
import pwd
import shutil
import socket
import ssl
import stat
import time
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterable, List, Optional

KINDS = ((stat.S_ISREG, "file"), (stat.S_ISDIR, "directory"), (stat.S_ISLNK, "link"))
MASK = "********"


# --- reading ---------------------------------------------------------------------------------------------------------------------------


def read_paths(
    paths: Iterable[str], secrets: Iterable[str] = (), stats: Iterable[str] = (), limit: int = 1048576
) -> Dict[str, Dict[str, Any]]:
    """What is known of each path.

    paths: files whose text is wanted; secrets: files of which only a digest is; stats: paths that are only looked at. All may be patterns.
    limit: bytes; of longer files only a digest is returned. A path without pattern that does not exist is in the answer with exists False.
    """
    found: Dict[str, Dict[str, Any]] = {}
    texts, secret = set(expand(paths)), set(expand(secrets))
    for path in sorted(texts | secret | set(expand(stats))):
        found[path] = describe(path)
        if found[path]["kind"] != "file" or path not in texts | secret:
            continue
        with open(path, "rb") as handle:
            data = handle.read()
        found[path]["sha256"] = hashlib.sha256(data).hexdigest()
        if path not in secret and len(data) <= limit:
            try:
                found[path]["content"] = data.decode("utf-8")
            except UnicodeDecodeError:
                found[path]["binary"] = True
    return found


def expand(patterns: Iterable[str]) -> List[str]:
    """Paths that match; a pattern without special characters stands for itself."""
    found: List[str] = []
    for pattern in patterns:
        found += glob.glob(pattern) if glob.has_magic(pattern) else [pattern]
    return found


def describe(path: str) -> Dict[str, Any]:
    """Kind, owner, group, mode (octal text), size (bytes) and time of change (seconds since the epoch) of what a path leads to."""
    try:
        info = os.stat(path)
    except OSError as problem:
        if problem.errno not in (errno.ENOENT, errno.ENOTDIR):
            raise
        return {"exists": os.path.islink(path), "kind": "link" if os.path.islink(path) else None}
    return {
        "exists": True,
        "kind": next((name for test, name in KINDS if test(info.st_mode)), "other"),
        "owner": _name(pwd.getpwuid, info.st_uid),
        "group": _name(grp.getgrgid, info.st_gid),
        "mode": f"{stat.S_IMODE(info.st_mode):04o}",
        "size": info.st_size,
        "mtime": info.st_mtime,
    }


def answers_tls(port: int, timeout: float) -> Optional[bool]:
    """True when a TLS server on this host finishes a handshake in time (seconds), None when nothing listens.

    An open port says little: the kernel takes connections for a server that has stopped to accept them.
    """
    context = ssl.create_default_context()
    context.check_hostname = False  # whether it lives is asked here, not who it is
    context.verify_mode = ssl.CERT_NONE
    try:
        with socket.create_connection(("localhost", port), timeout) as plain, context.wrap_socket(plain):
            return True
    except ssl.SSLError:
        return True  # it answered, if only to refuse
    except ConnectionError:
        return None
    except OSError:  # time-outs among them
        return False


def describe_user(name: str) -> Optional[Dict[str, Any]]:
    """Ids and home of a user, None when there is no such user."""
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return {"uid": entry.pw_uid, "gid": entry.pw_gid, "group": _name(grp.getgrgid, entry.pw_gid), "home": entry.pw_dir}


def parse_services(text: str, now: float, uptime: float) -> Dict[str, Dict[str, Any]]:
    """The answer of ``systemctl show`` for several units.

    now: seconds since the epoch; uptime: seconds on the monotonic clock, which systemd counts in microseconds.
    """
    services = {}
    for block in text.strip().split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if "Id" not in values:
            continue
        entered = int(values.get("ActiveEnterTimestampMonotonic") or 0)
        services[values["Id"]] = {
            "load": values.get("LoadState", ""),
            "active": values.get("ActiveState", ""),
            "enabled": values.get("UnitFileState", ""),
            "started": now - uptime + entered / 1e6 if entered and values.get("ActiveState") == "active" else None,
            "daemon_reload": values.get("NeedDaemonReload") == "yes",
        }
    return services


def _name(look_up: Callable[[int], Any], number: int) -> str:
    try:
        return str(look_up(number)[0])
    except KeyError:
        return str(number)


# --- writing ---------------------------------------------------------------------------------------------------------------------------


class Refused(Exception):
    """A request that cannot be carried out; nothing was changed."""

    def __init__(self, problems: List[str]) -> None:
        self.problems = problems
        super().__init__("nothing was written: " + "; ".join(problems))


@dataclass
class Wanted:
    """A file or a directory as it should be. None leaves a property alone (new files: mode 0644, new directories 0755)."""

    path: str
    directory: bool = False
    absent: bool = False
    data: Optional[bytes] = None
    uid: Optional[int] = None
    gid: Optional[int] = None
    mode: Optional[int] = None
    backup: bool = False
    secret: bool = False
    real: str = ""


@dataclass
class Written:
    """What a call did (or, in check mode, would do)."""

    changed: List[str] = field(default_factory=list)
    backups: Dict[str, str] = field(default_factory=dict)
    diff: List[Dict[str, str]] = field(default_factory=list)


def plan_writes(files: Iterable[Dict[str, Any]], directories: Iterable[Dict[str, Any]], check_mode: bool = False) -> List[Wanted]:
    """Checks a whole request and turns it into what is wanted; raises Refused with every problem.

    files: path, content or secret_content or source or state absent, owner, group, mode, backup, secret.
    directories: path, owner, group, mode; their missing parents are made too.
    check_mode: users, groups, directories and sources that are missing are taken for the work of earlier tasks.
    """
    problems: List[str] = []
    missing: List[str] = []
    wanted = [_wanted(each, True, problems, missing) for each in directories] + [_wanted(each, False, problems, missing) for each in files]
    seen = set()
    made = set()
    for each in wanted:
        each.real = os.path.realpath(each.path)
        if each.real in seen:
            problems.append(f"{each.path}: asked for twice")
        seen.add(each.real)
        if each.directory:
            made |= {each.real, *_missing_parents(each.real)}
    for each in wanted:
        parent = os.path.dirname(each.real)
        if not each.absent and not os.path.isdir(parent) and parent not in made:
            missing.append(f"{each.path}: the directory {parent} does not exist; name it among the directories")
        if os.path.lexists(each.real) and os.path.isdir(each.real) != each.directory:
            problems.append("{}: is {} a directory".format(each.path, "not" if each.directory else "already"))
    if not check_mode:
        problems += missing
    if problems:
        raise Refused(problems)
    return wanted


def write(wanted: List[Wanted], check_mode: bool = False) -> Written:
    """Brings files and directories into the wanted state.

    All new contents are written beside their targets first, then put in place by renaming. When one cannot be put in place, those before it
    are put back, so that a set of files is never half new. Raises OSError.
    """
    written = Written()
    differing = [each for each in wanted if _differs(each)]
    for each in differing:
        written.changed.append(each.path)
        written.diff.append(_diff(each))
    if check_mode or not differing:
        return written
    undo: List[Callable[[], None]] = []
    try:
        for each in differing:
            if each.directory:
                _make_directory(each, undo)
        prepared = [(each, _prepare(each, undo)) for each in differing if not each.directory and not each.absent]
        stamp = time.strftime("%Y%m%dT%H%M%S")
        kept: List[str] = []
        for each in differing:
            if each.directory or not os.path.lexists(each.real):
                continue
            old = "{}.{}{}~".format(each.real, stamp, "" if each.backup else ".old")
            _keep(each.real, old)
            if each.backup:
                written.backups[each.path] = old
            else:
                kept.append(old)
            undo.append(_mover(old, each.real))
            if each.absent:
                os.unlink(each.real)
        for each, temporary in prepared:
            new = not os.path.lexists(each.real)
            os.rename(temporary, each.real)
            if new:
                undo.append(_remover(each.real))
    except BaseException:
        for step in reversed(undo):
            step()
        raise
    for old in kept:
        os.unlink(old)
    return written


def _wanted(request: Dict[str, Any], directory: bool, problems: List[str], missing: List[str]) -> Wanted:
    path = request["path"]
    hidden = request.get("secret_content")
    wanted = Wanted(path, directory, absent=request.get("state") == "absent", backup=bool(request.get("backup")))
    wanted.secret = bool(request.get("secret")) or hidden is not None
    if not os.path.isabs(path) or os.path.normpath(path) != path.rstrip("/"):
        problems.append(f"{path}: not an absolute path without . and ..")
    wanted.path = path.rstrip("/") or "/"
    wanted.uid = _id(request.get("owner"), pwd.getpwnam, "user", path, missing)
    wanted.gid = _id(request.get("group"), grp.getgrnam, "group", path, missing)
    wanted.mode = _mode(request.get("mode"), path, problems)
    if directory or wanted.absent:
        return wanted
    source = request.get("source")
    texts = [text for text in (request.get("content"), hidden) if text is not None]
    if len(texts) + (source is not None) != 1:
        problems.append(f"{path}: give one of content, secret_content and source")
    elif source is None:
        wanted.data = texts[0].encode("utf-8")
    else:
        try:
            with open(source, "rb") as handle:
                wanted.data = handle.read()
        except OSError as problem:
            missing.append(f"{path}: cannot read its source {source}: {problem.strerror}")
    return wanted


def _id(name: Optional[str], look_up: Callable[[str], Any], what: str, path: str, missing: List[str]) -> Optional[int]:
    if name is None:
        return None
    try:
        return int(look_up(name)[2])
    except KeyError:
        if name.isdigit():
            return int(name)
        missing.append(f"{path}: there is no {what} {name} on this host")
        return None


def _mode(text: Optional[str], path: str, problems: List[str]) -> Optional[int]:
    if text is None:
        return None
    try:
        mode = int(text, 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= 0o7777:
        problems.append(f"{path}: mode {text!r} is not an octal text such as '0640'")
        return None
    return mode


def _missing_parents(path: str) -> List[str]:
    """The directories above a path that do not exist, the highest first."""
    parents: List[str] = []
    parent = os.path.dirname(path)
    while not os.path.lexists(parent):
        parents.insert(0, parent)
        parent = os.path.dirname(parent)
    return parents


def _differs(wanted: Wanted) -> bool:
    if wanted.absent:
        return os.path.lexists(wanted.real)
    try:
        info = os.stat(wanted.real)
    except OSError:
        return True
    if any(
        want is not None and want != have
        for want, have in ((wanted.uid, info.st_uid), (wanted.gid, info.st_gid), (wanted.mode, stat.S_IMODE(info.st_mode)))
    ):
        return True
    return not wanted.directory and _content(wanted.real) != wanted.data


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as handle:
            return handle.read()
    except OSError:
        return b""


def _diff(wanted: Wanted) -> Dict[str, str]:
    have = describe(wanted.real)
    before = _head(have.get("owner"), have.get("group"), have.get("mode")) if have["exists"] else ""
    owner = have.get("owner") if wanted.uid is None else _name(pwd.getpwuid, wanted.uid)
    group = have.get("group") if wanted.gid is None else _name(grp.getgrgid, wanted.gid)
    mode = have.get("mode", "0755" if wanted.directory else "0644") if wanted.mode is None else f"{wanted.mode:04o}"
    after = "" if wanted.absent else _head(owner, group, mode)
    if not wanted.directory:
        old = _content(wanted.real)
        before += _shown(old, wanted, "the content that was there\n")
        if not wanted.absent:
            after += _shown(wanted.data or b"", wanted, "the content that was there\n" if old == wanted.data else "another content\n")
    return {"before_header": wanted.path, "after_header": wanted.path, "before": before, "after": after}


def _head(owner: Optional[str], group: Optional[str], mode: Optional[str]) -> str:
    return "({}:{} {})\n".format(owner or "-", group or "-", mode)


def _shown(data: bytes, wanted: Wanted, instead: str) -> str:
    if not data:
        return ""
    if wanted.secret:
        return f"{MASK} {instead}"
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return "(not text) " + instead


def _make_directory(wanted: Wanted, undo: List[Callable[[], None]]) -> None:
    if not os.path.isdir(wanted.real):
        for parent in _missing_parents(wanted.real):
            os.mkdir(parent)
            undo.append(_directory_remover(parent))
            os.chmod(parent, 0o755)
        os.mkdir(wanted.real, 0o700)
        undo.append(_directory_remover(wanted.real))
        os.chmod(wanted.real, 0o755 if wanted.mode is None else wanted.mode)
    else:
        info = os.stat(wanted.real)
        undo.append(_restorer(wanted.real, info))
    _own(wanted.real, wanted.uid, wanted.gid)
    if wanted.mode is not None:
        os.chmod(wanted.real, wanted.mode)


def _prepare(wanted: Wanted, undo: List[Callable[[], None]]) -> str:
    """Writes the new content beside its target and returns where; owner and mode are set before the first byte."""
    folder, name = os.path.split(wanted.real)
    temporary = os.path.join(folder, f".{name}.{os.getpid()}.new~")
    old = os.stat(wanted.real) if os.path.exists(wanted.real) else None
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    undo.append(_remover(temporary))
    try:
        if old:
            os.fchown(handle, old.st_uid, old.st_gid)
        _own(handle, wanted.uid, wanted.gid)
        os.fchmod(handle, wanted.mode if wanted.mode is not None else stat.S_IMODE(old.st_mode) if old else 0o644)
        _copy_label(wanted.real if old else None, temporary)
        view = memoryview(wanted.data or b"")
        while view:
            view = view[os.write(handle, view) :]
        os.fsync(handle)
    finally:
        os.close(handle)
    return temporary


def _own(target: Any, uid: Optional[int], gid: Optional[int]) -> None:
    if uid is not None or gid is not None:
        os.chown(target, -1 if uid is None else uid, -1 if gid is None else gid)


def _copy_label(old: Optional[str], new: str) -> None:
    """A file that replaces another keeps its SELinux label."""
    if old is None or not hasattr(os, "getxattr"):
        return
    with contextlib.suppress(OSError):  # no SELinux, or no label
        os.setxattr(new, "security.selinux", os.getxattr(old, "security.selinux"))


def _keep(path: str, old: str) -> None:
    try:
        os.link(path, old)
    except OSError:  # a file system without hard links
        shutil.copy2(path, old)
        info = os.stat(path)
        os.chown(old, info.st_uid, info.st_gid)


def _mover(source: str, target: str) -> Callable[[], None]:
    def move() -> None:
        os.rename(source, target)
        if os.path.lexists(source):  # renaming does nothing when both are names of one file
            os.unlink(source)

    return move


def _remover(path: str) -> Callable[[], None]:
    def remove() -> None:
        if os.path.lexists(path):
            os.unlink(path)

    return remove


def _directory_remover(path: str) -> Callable[[], None]:
    return lambda: os.rmdir(path)


def _restorer(path: str, info: os.stat_result) -> Callable[[], None]:
    def restore() -> None:
        os.chown(path, info.st_uid, info.st_gid)
        os.chmod(path, stat.S_IMODE(info.st_mode))

    return restore
