# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks of a whole configuration tree: which storage system it is of, which of its files to read, and every finding.

Reading the files is the caller's: from a copy on a laptop, or from the storage host itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import (
    dcache_events,
    dcache_host,
    dcache_properties,
    dcache_site,
    dpm,
    eos,
    storm,
    xrootd_host,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.host import Host

Check = Callable[[Mapping[str, str], str], list[Finding]]
"""From the files (text by path relative to the root) and the release to findings; pure."""
Named = Callable[[Mapping[str, str], str], Iterable[str]]
"""From the same to absolute paths, or patterns of such, that the files name."""


@dataclass(frozen=True)
class Live:
    """What is asked of a running host beside its files, and the check that uses the answer in the place of those of a copy.

    services, users, stats: what host_read is asked for. named: further paths to look at, from the files and the release.
    """

    check: Callable[[Mapping[str, str], str, Host], list[Finding]]
    services: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    stats: tuple[str, ...] = ()
    named: Named | None = None


@dataclass(frozen=True)
class System:
    """A storage system.

    markers: a path below the root that matches one of these patterns tells the system. files: patterns of what its checks read.
    packages: whose version is the release. secrets: patterns of files among those whose text is never read.
    named: further files that those name, as absolute paths. parts: systems that it runs inside itself, whose markers do not count
    beside its own.
    """

    name: str
    markers: tuple[str, ...]
    files: tuple[str, ...]
    checks: tuple[Check, ...]
    packages: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    named: Named | None = None
    live: Live | None = None
    parts: tuple[str, ...] = ()


SYSTEMS: tuple[System, ...] = (
    System(
        "dcache",
        ("etc/dcache/*",),
        (*dcache_site.FILES, *dcache_host.FILES),
        (dcache_properties.check, dcache_host.check, dcache_events.check),
        packages=("dcache",),
        secrets=("etc/dcache/admin/ssh_host_*", "etc/dcache/*key.pem"),
        named=dcache_host.named_files,
    ),
    System(
        "storm",
        storm.MARKERS,
        storm.FILES,
        (storm.check,),
        packages=("storm-webdav", "storm-backend-server"),
        live=Live(storm.check_live, named=storm.named_paths),
    ),
    System(
        "dpm",
        dpm.MARKERS,
        dpm.FILES,
        (dpm.check,),
        packages=dpm.PACKAGES,
        parts=("xrootd",),
    ),
    System(
        "eos",
        eos.MARKERS,
        eos.FILES,
        (eos.check,),
        packages=("eos-server",),
        secrets=("etc/xrootd/*secret*", "etc/xrootd/*.keytab", "etc/xrootd/*key.pem"),
        parts=("xrootd",),
    ),
    System(
        "xrootd",
        ("etc/xrootd/xrootd-*.cfg",),
        xrootd_host.FILES,
        (xrootd_host.check,),
        packages=("xrootd-server", "xrootd"),
        secrets=("etc/xrootd/*secret*", "etc/xrootd/*.keytab", "etc/xrootd/*key.pem"),
        named=xrootd_host.named_files,
        live=Live(xrootd_host.check_host, xrootd_host.UNITS, xrootd_host.USERS, xrootd_host.STATS, xrootd_host.named_paths),
    ),
)


class UnknownTreeError(Exception):
    """The tree is of no storage system that can be checked, or of several."""


def system_named(name: str) -> System:
    """Raises UnknownTreeError for a name that has no checks."""
    for system in SYSTEMS:
        if system.name == name:
            return system
    raise UnknownTreeError(f"There are no checks for {name!r}; known systems: {_names()}.")


def detect(paths: Iterable[str], systems: tuple[System, ...] = SYSTEMS) -> System:
    """The system of a tree, from the paths below its root. systems: those that it may be.

    Raises:
        UnknownTreeError: no system, or several.
    """
    known = tuple(paths)
    found = [system for system in systems if any(matches(path, system.markers) for path in known)]
    inside = {part for system in found for part in system.parts}
    found = [system for system in found if system.name not in inside]
    if len(found) == 1:
        return found[0]
    markers = "; ".join(f"{system.name}: {', '.join(system.markers)}" for system in systems)
    if not found:
        raise UnknownTreeError(f"No configuration of {_whose(systems)} is below this root. Looked for: {markers}.")
    raise UnknownTreeError(f"This tree holds {' and '.join(system.name for system in found)}. Say which one to check.")


def wanted(system: System, path: str) -> bool:
    """Whether the system's checks read a file."""
    return matches(path, system.files)


def check(files: Mapping[str, str], system: System, release: str, host: Host | None = None) -> list[Finding]:
    """Every finding, by file and line. host: where the files are those of a running host."""
    if system.live and host:
        findings = dict.fromkeys(system.live.check(files, release, host))
    else:
        findings = {finding: None for run in system.checks for finding in run(files, release)}
    return sorted(findings, key=lambda finding: (finding.file, finding.line, finding.rule))


def matches(path: str, patterns: tuple[str, ...]) -> bool:
    """Whether a path is one that a pattern names; a star covers slashes too."""
    return any(fnmatchcase(path, pattern) for pattern in patterns)


def _whose(systems: tuple[System, ...]) -> str:
    return systems[0].name if len(systems) == 1 else "a known storage system"


def _names() -> str:
    return ", ".join(system.name for system in SYSTEMS)
