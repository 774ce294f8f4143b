# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The configuration files of a site, from a copy on the controller or from the storage host: which system, which release, which texts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ansible_collections.escape.datalake.plugins.module_utils.host_trees import Trees, read_trees, unpack
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import tree
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.host import Host

HOSTNAME = "etc/hostname"
VERSION = re.compile(r"(?:\d+:)?(\d+(?:\.\d+)*)")


@dataclass(frozen=True)
class Site:
    """What was read. files: text by path relative to the root. left_out: why a file was not read, by path. host: None for a copy."""

    system: tree.System
    release: str
    hostname: str
    files: Mapping[str, str]
    left_out: Mapping[str, str] = field(default_factory=dict)
    host: Host | None = None

    @property
    def not_read(self) -> dict[str, str]:
        """Files that would have been checked and were not."""
        return {path: why for path, why in self.left_out.items() if why.startswith(("larger", "unreadable"))}


class Source(Protocol):
    """Where files come from. versions: of installed packages, known after the first reading. host: None for a copy."""

    versions: dict[str, str | None]
    host: Host | None

    def read(self, patterns: Iterable[str], secrets: Iterable[str], systems: Iterable[tree.System], looks: Iterable[str]) -> Trees:
        """Texts of what matches patterns, relative to the root; systems: whose facts are wanted; looks: paths to look at."""
        raise NotImplementedError


class Copy:
    """A directory of the controller that stands for the / of a host."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.versions: dict[str, str | None] = {}
        self.host: Host | None = None

    def read(self, patterns: Iterable[str], secrets: Iterable[str], systems: Iterable[tree.System], looks: Iterable[str]) -> Trees:
        """Raises OSError."""
        del systems, looks  # a copy has only texts
        if not self.root.is_dir():
            raise NotADirectoryError(f"{self.root} is no directory.")
        return read_trees(str(self.root), patterns, tuple(secrets))


class Remote:
    """A host, through calls of host_read. call: from its arguments to its answer."""

    def __init__(self, call: Callable[[dict[str, Any]], Mapping[str, Any]]) -> None:
        self._call = call
        self.calls = 0
        self.versions: dict[str, str | None] = {}
        self.host: Host | None = None

    def read(self, patterns: Iterable[str], secrets: Iterable[str], systems: Iterable[tree.System], looks: Iterable[str]) -> Trees:
        """Facts of one call are added to those of earlier ones."""
        known, lives = tuple(systems), [system.live for system in systems if system.live]
        answer = self._call(
            {
                "trees": [f"/{pattern.lstrip('/')}" for pattern in patterns],
                "secrets": [f"/{pattern.lstrip('/')}" for pattern in secrets],
                "stats": sorted({*looks, *(path for live in lives for path in live.stats)}),
                "services": sorted({name for live in lives for name in live.services}),
                "users": sorted({name for live in lives for name in live.users}),
                "packages": sorted({name for system in known for name in system.packages}),
                "limit": 16 * 1024 * 1024,
            }
        )
        self.calls += 1
        old = self.host or Host()
        self.host = Host(
            answer["hostname"],
            {**old.entries, **answer["files"]},
            {**old.services, **answer["services"]},
            {**old.users, **answer["users"]},
        )
        self.versions.update(answer["packages"])
        return unpack(answer["trees"])


def gather(source: Source, system: str = "", release: str = "", also: Mapping[str, tuple[str, ...]] | None = None) -> Site:
    """Everything that the checks of a site, or what reads more of it, want to see.

    system: its name, empty to find out. release: empty for that of the installed package. also: further patterns by system.
    Raises UnknownTreeError.
    """
    also = also or {}
    systems = (tree.system_named(system),) if system else tree.SYSTEMS
    patterns = [pattern for each in systems for pattern in (*each.markers, *each.files, *also.get(each.name, ()))]
    secrets = [pattern for each in systems for pattern in each.secrets]
    first = source.read([HOSTNAME, *patterns], secrets, systems, ())
    told = first.texts.get(HOSTNAME, "").strip()
    found = tree.detect([path for path in (*first.texts, *first.left_out) if path != HOSTNAME], systems)
    read = (*found.files, *also.get(found.name, ()))
    files = {path: text for path, text in first.texts.items() if tree.matches(path, read)}
    left_out = {path: why for path, why in first.left_out.items() if tree.matches(path, read)}
    release = release or _installed(found, source.versions)
    hostname = source.host.name if source.host else told
    if hostname and found.name == "dcache":
        files.setdefault(HOSTNAME, hostname + "\n")
    named = {path.lstrip("/") for path in found.named(files, release)} if found.named else set()
    elsewhere = sorted(path for path in named if not tree.matches(path, read))
    looks = _looks(found, files, release, source.host, elsewhere)
    if elsewhere or looks:
        more = source.read(elsewhere, found.secrets, (), looks)
        files |= more.texts
        left_out |= more.left_out
    return Site(found, release, hostname, files, left_out, source.host)


def _looks(system: tree.System, files: Mapping[str, str], release: str, host: Host | None, elsewhere: Iterable[str]) -> list[str]:
    """Paths that a check of the running host asks for and that were not looked at yet."""
    if not (host and system.live and system.live.named):
        return []
    named = {*system.live.named(files, release), *(f"/{path}" for path in elsewhere)}
    return sorted(path for path in named if path not in host.entries)


def _installed(system: tree.System, versions: Mapping[str, str | None]) -> str:
    """The upstream release of the first package that is installed."""
    found = next((version for name in system.packages if (version := versions.get(name))), "")
    match = VERSION.match(found or "")
    return match[1] if match else ""
