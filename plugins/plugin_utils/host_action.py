# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What action plug-ins share that configure a host: one call that reads it, one that writes what differs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.action_base import DatalakeAction
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import MASK
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.xrootd import WantedFile

Entries = Mapping[str, Mapping[str, Any]]
Directory = tuple[str, str, str]
"""Path, owner and mode."""


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
        host.hostname = answer["hostname"]
        host.now = answer["now"]
        strange = [path for path, entry in answer["files"].items() if entry.get("binary")]
        if strange:
            words = f"{', '.join(strange)}: not UTF-8 text, so it cannot be edited safely. Convert it with iconv, or move it away."
            raise Stop({"msg": words})
        return host

    def write(self, host: Found, files: Sequence[WantedFile], directories: Sequence[Directory], *, backup: bool) -> dict[str, str]:
        """Writes in one call and returns where the old files are kept."""
        wanted = []
        for each in files:
            request = {name: value for name, value in vars(each).items() if value is not None}
            if "content" in request and (each.secret or self.holds_secrets(request["content"])):
                request["secret_content"] = request.pop("content")
            wanted.append({**request, "backup": backup and each.source is None and not each.secret})
        places = [
            {"path": path, "owner": owner, **({} if host.there(path) else {"group": owner, "mode": mode})}
            for path, owner, mode in directories
        ]
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


def diffs(host: Found, files: Iterable[WantedFile], directories: Iterable[Directory]) -> list[dict[str, str]]:
    """Before and after of each; of secrets and copies only that they change."""
    return [_diff(each, host.entries) for each in files] + [
        _shown(path, _directory(host.entries.get(path, {})), f"directory of {owner}, mode {host.entries.get(path, {}).get('mode', mode)}\n")
        for path, owner, mode in directories
    ]


def _same_copy(wanted: WantedFile, entries: Entries) -> bool:
    have, source = entries.get(wanted.path, {}), entries.get(wanted.source or "", {})
    same = source.get("sha256") is not None and have.get("sha256") == source["sha256"]
    return same and (have.get("owner"), have.get("mode")) == (wanted.owner, wanted.mode)


def _diff(wanted: WantedFile, entries: Entries) -> dict[str, str]:
    have = entries.get(wanted.path, {})
    if not wanted.secret and not wanted.source:
        return _shown(wanted.path, have.get("content", ""), wanted.content or "")
    before = f"{MASK} {have.get('owner')} {have.get('mode')}\n" if have.get("exists") else ""
    copied = f", copied from {wanted.source}" if wanted.source else ""
    return _shown(
        wanted.path, before, f"{MASK} {wanted.owner or have.get('owner')} {wanted.mode or have.get('mode')}{copied}, new content\n"
    )


def _directory(have: Mapping[str, Any]) -> str:
    return f"directory of {have.get('owner')}, mode {have.get('mode')}\n" if have.get("exists") else ""


def _shown(path: str, before: str, after: str) -> dict[str, str]:
    return {"before_header": path, "after_header": path, "before": before, "after": after}
