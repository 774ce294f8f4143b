# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What action plug-ins share that configure a host: one call that reads it, one that writes what differs."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.action_base import DatalakeAction
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding, refused
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import MASK
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.wanted_file import WantedFile

ARGUMENTS: dict[str, Any] = {
    "lake": {"type": "dict", "required": True},
    "storage": {"type": "dict", "required": True},
    "accept": {"type": "list", "elements": "str", "default": []},
    "backup": {"type": "bool", "default": True},
}
"""Of every such module; the documentation fragment host_config has them too."""
Entries = Mapping[str, Mapping[str, Any]]
Directory = tuple[str, str, str]
"""Path, owner and mode."""
Masked = Callable[[str, str], str]
"""From a path and the text of its file to the text without its secrets."""
Changed = Callable[[str, str, str], list[str]]
"""From a path and two texts to the names of the secrets that differ."""


class Stop(Exception):
    """Ends the task with a result that says why."""

    def __init__(self, result: dict[str, Any]) -> None:
        self.result = {"failed": True, **result}
        super().__init__(result.get("msg", ""))


class Found:
    """What was read of a host so far. asked: paths and patterns."""

    def __init__(self) -> None:
        self.entries: dict[str, dict[str, Any]] = {}
        self.asked: set[str] = set()
        self.services: dict[str, dict[str, Any]] = {}
        self.packages: dict[str, str | None] = {}
        self.users: dict[str, Any] = {}
        self.answers: dict[str, bool | None] = {}
        self.hostname = ""
        self.now = 0.0
        self.calls = 0

    @property
    def texts(self) -> dict[str, str]:
        """Text by absolute path."""
        return {path: entry["content"] for path, entry in self.entries.items() if "content" in entry}

    def knows(self, path: str) -> bool:
        """Whether a path was asked for, by name or by pattern."""
        return any(path == each or (path.count("/") == each.count("/") and fnmatchcase(path, each)) for each in self.asked)

    def there(self, path: str) -> bool:
        return bool(self.entries.get(path, {}).get("exists"))

    def open_to_all(self, path: str) -> bool:
        """Whether everybody on the host may read or write a file that is there."""
        return bool(int(str(self.entries.get(path, {}).get("mode") or "0"), 8) & 0o006)


class HostAction(DatalakeAction):
    """A subclass gives configure(); a Stop that it raises becomes the result."""

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        self._variables = task_vars
        try:
            return self.configure(arguments)
        except Stop as stop:
            return stop.result

    def configure(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Does the work and returns the result."""
        raise NotImplementedError

    def read(self, host: Found, **arguments: Iterable[Any]) -> Found:
        """Reads more of the host. arguments: those of host_read."""
        answer = self.module("host_read", {name: list(value) for name, value in arguments.items()})
        host.calls += 1
        host.asked.update(*(arguments.get(name, ()) for name in ("paths", "secrets", "stats")))
        host.entries.update(answer["files"])
        host.services.update(answer["services"])
        host.packages.update(answer["packages"])
        host.users.update(answer["users"])
        host.answers.update(answer["answers"])
        host.hostname = answer["hostname"]
        host.now = answer["now"]
        strange = [path for path, entry in answer["files"].items() if entry.get("binary")]
        if strange:
            words = f"{', '.join(strange)}: not UTF-8 text, so it cannot be edited safely. Convert it with iconv, or move it away."
            raise Stop({"msg": words})
        return host

    def look(self, host: Found, directories: Iterable[Directory]) -> None:
        """Reads what is not known yet of directories that follow from files of the host."""
        unseen = [path for path, _owner, _mode in directories if path not in host.entries]
        if unseen:
            self.read(host, stats=unseen)

    def write(
        self,
        host: Found,
        files: Sequence[WantedFile],
        directories: Sequence[Directory],
        *,
        backup: bool,
        parents: Iterable[str] = (),
    ) -> dict[str, str]:
        """Writes in one call and returns where the old files are kept.

        parents: directories that are made where they are missing. Secrets that everybody can read are closed by a call before, so that
        their old text is not kept for everybody.
        """
        wanted = []
        closing = []
        for each in files:
            request = {name: value for name, value in vars(each).items() if value is not None}
            if "content" in request and (each.secret or self.holds_secrets(request["content"])):
                request["secret_content"] = request.pop("content")
            old = host.entries.get(each.path, {}).get("content")
            kept = backup and each.source is None and (old is not None or not each.secret)
            wanted.append({**request, "backup": kept})
            if kept and each.secret and each.mode and old is not None and host.open_to_all(each.path):
                closing.append({**request, "secret_content": old})
        named = {path for path, _owner, _mode in directories}
        places: list[dict[str, Any]] = [{"path": path} for path in dict.fromkeys(parents) if path not in named]
        places += [
            {"path": path, "owner": owner, **({} if host.there(path) else {"group": owner, "mode": mode})}
            for path, owner, mode in directories
        ]
        if closing:
            self.module("host_write", {"files": closing, "directories": []})
            host.calls += 1
        answer = self.module("host_write", {"files": wanted, "directories": places})
        host.calls += 1
        backups: dict[str, str] = answer["backups"]
        return backups

    def holds_secrets(self, text: str) -> bool:
        """Whether a text must not be in the logs that Ansible keeps of its modules on the host."""
        return False

    def module(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Runs a module of this collection on the host. Raises Stop when it fails."""
        answer: dict[str, Any] = self._execute_module(
            module_name=f"escape.datalake.{name}", module_args=arguments, task_vars=self._variables
        )
        if answer.get("failed") or answer.get("unreachable"):
            raise Stop({key: value for key, value in answer.items() if key in ("msg", "problems", "unreachable", "module_stderr", "rc")})
        return answer


def differing(host: Found, files: Iterable[WantedFile], directories: Iterable[Directory]) -> tuple[list[WantedFile], list[Directory]]:
    """The files and directories that are not as they should be. Files with a text are taken to differ: a planner names no others."""
    return (
        [each for each in files if not each.source or not _same_copy(each, host.entries)],
        [each for each in directories if not host.there(each[0]) or host.entries[each[0]].get("owner", each[1]) != each[1]],
    )


def actions(host: Found, files: Iterable[WantedFile], directories: Iterable[Directory]) -> list[str]:
    """What is done to files and directories, in words."""
    done = [f"{'update' if host.there(each.path) else 'create'} {each.path}" for each in files]
    return done + [f"{'update' if host.there(path) else 'create'} directory {path}" for path, _owner, _mode in directories]


def missing_parents(host: Found, files: Iterable[WantedFile]) -> list[str]:
    """The directories of files that are not there yet."""
    return list(dict.fromkeys(posixpath.dirname(each.path) for each in files if not host.there(each.path)))


def after(host: Found, files: Iterable[WantedFile], directories: Iterable[Directory]) -> dict[str, dict[str, Any]]:
    """What is known of the host's paths when all is written."""
    entries = dict(host.entries)
    for each in files:
        new = {name: value for name, value in (("owner", each.owner), ("group", each.group), ("mode", each.mode)) if value}
        entries[each.path] = {"kind": "file", **host.entries.get(each.path, {}), **new, "exists": True}
    for path, owner, mode in directories:
        entries[path] = {"kind": "directory", "mode": mode, **host.entries.get(path, {}), "owner": owner, "exists": True}
    return entries


def missing_sources(host: Found, files: Iterable[WantedFile]) -> list[str]:
    """What is to be said of files that are to be copied on the host and are not there."""
    return [
        f"{each.source} does not exist, and {each.path} is to be a copy of it. "
        "Put it there, or name another source; without one the copy stays as it is."
        for each in files
        if each.source and not host.there(each.source)
    ]


def refuse(findings: Sequence[Finding], accepted: Iterable[str], further: Iterable[str] = (), what: str = "configuration") -> None:
    """Raises Stop when findings forbid a change. accepted: rules that do not. further: other reasons. what: is refused."""
    bad = [str(finding) for finding in refused(findings) if finding.rule not in accepted] + list(further)
    if bad:
        words = "\n".join(f"  {each}" for each in bad)
        raise Stop({"msg": f"The {what} was refused and nothing was written:\n{words}", "findings": as_dicts(findings)})


def as_dicts(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Findings for the result of a task."""
    return [finding.as_dict() for finding in findings]


def relative(texts: Mapping[str, str]) -> dict[str, str]:
    """Texts by path relative to the root, as checks want them."""
    return {path.lstrip("/"): text for path, text in texts.items()}


def diffs(
    host: Found,
    files: Iterable[WantedFile],
    directories: Iterable[Directory],
    masked: Masked | None = None,
    secrets_changed: Changed | None = None,
) -> list[dict[str, str]]:
    """Before and after of each; of copies only that they change.

    masked: takes secrets out; without it a secret file is not shown at all. secrets_changed: names those that differ for the header.
    """
    return [_diff(each, host.entries, masked, secrets_changed) for each in files] + [
        _shown(path, _directory(host.entries.get(path, {})), f"directory of {owner}, mode {host.entries.get(path, {}).get('mode', mode)}\n")
        for path, owner, mode in directories
    ]


def _same_copy(wanted: WantedFile, entries: Entries) -> bool:
    have, source = entries.get(wanted.path, {}), entries.get(wanted.source or "", {})
    same = source.get("sha256") is not None and have.get("sha256") == source["sha256"]
    return same and (have.get("owner"), have.get("mode")) == (wanted.owner, wanted.mode)


def _diff(wanted: WantedFile, entries: Entries, masked: Masked | None, secrets_changed: Changed | None) -> dict[str, str]:
    have = entries.get(wanted.path, {})
    old, new = have.get("content", ""), wanted.content or ""
    if not wanted.source and (masked or not wanted.secret):
        hide = masked or _as_it_is
        before, now = hide(wanted.path, old), hide(wanted.path, new)
        notes = [f"{name} changes" for name in secrets_changed(wanted.path, old, new)] if secrets_changed and old else []
        notes = notes or (["a secret changes"] if old != new and before == now else [])
        notes += [f"mode {have['mode']} becomes {wanted.mode}"] if wanted.mode and have.get("mode", wanted.mode) != wanted.mode else []
        return _shown(wanted.path, before, now, f" ({', '.join(notes)})" if notes else "")
    before = f"{MASK} {have.get('owner')} {have.get('mode')}\n" if have.get("exists") else ""
    copied = f", copied from {wanted.source}" if wanted.source else ""
    return _shown(
        wanted.path, before, f"{MASK} {wanted.owner or have.get('owner')} {wanted.mode or have.get('mode')}{copied}, new content\n"
    )


def _as_it_is(_path: str, text: str) -> str:
    return text


def _directory(have: Mapping[str, Any]) -> str:
    return f"directory of {have.get('owner')}, mode {have.get('mode')}\n" if have.get("exists") else ""


def _shown(path: str, before: str, now: str, note: str = "") -> dict[str, str]:
    return {"before_header": path, "after_header": path + note, "before": before, "after": now}
