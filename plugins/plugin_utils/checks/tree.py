# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks of a whole configuration tree: which storage system it is of, which of its files to read, and every finding.

Reading the files is the caller's: a script on a laptop, or a module on the storage host.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import dcache_host, dcache_properties, dcache_site, eos, xrootd
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding

Check = Callable[[Mapping[str, str], str], list[Finding]]
"""From the files (text by path relative to the root) and the release to findings; pure."""


@dataclass(frozen=True)
class System:
    """markers: a path below the root that matches one of these patterns tells the system. files: patterns of what its checks read."""

    name: str
    markers: tuple[str, ...]
    files: tuple[str, ...]
    checks: tuple[Check, ...]


def _xrootd(files: Mapping[str, str], release: str) -> list[Finding]:
    """The XRootD checks know files by their place on the host."""
    findings = xrootd.check({f"/{path}": text for path, text in files.items()}, release=release or None)
    return [replace(finding, file=finding.file.lstrip("/")) for finding in findings]


SYSTEMS: tuple[System, ...] = (
    System("dcache", ("etc/dcache/*",), (*dcache_site.FILES, *dcache_host.FILES), (dcache_properties.check, dcache_host.check)),
    System("eos", eos.MARKERS, eos.FILES, (eos.check,)),
    System("xrootd", ("etc/xrootd/xrootd-*.cfg",), ("etc/xrootd/*", "etc/systemd/system/xrootd@*"), (_xrootd,)),
)


class UnknownTreeError(Exception):
    """The tree is of no storage system that can be checked, or of several."""


def system_named(name: str) -> System:
    """Raises UnknownTreeError for a name that has no checks."""
    for system in SYSTEMS:
        if system.name == name:
            return system
    raise UnknownTreeError(f"There are no checks for {name!r}; known systems: {_names()}.")


def detect(paths: Iterable[str]) -> System:
    """The system of a tree, from the paths below its root.

    Raises:
        UnknownTreeError: no system, or several.
    """
    known = tuple(paths)
    found = [system for system in SYSTEMS if any(_matches(path, system.markers) for path in known)]
    if len(found) == 1:
        return found[0]
    markers = "; ".join(f"{system.name}: {', '.join(system.markers)}" for system in SYSTEMS)
    if not found:
        raise UnknownTreeError(f"No configuration of a known storage system is below this root. Looked for: {markers}.")
    raise UnknownTreeError(f"This tree holds {' and '.join(system.name for system in found)}. Say which one to check.")


def wanted(system: System, path: str) -> bool:
    """Whether the system's checks read a file."""
    return _matches(path, system.files)


def check(files: Mapping[str, str], system: System, release: str) -> list[Finding]:
    """Every finding, by file and line."""
    findings = {finding: None for run in system.checks for finding in run(files, release)}
    return sorted(findings, key=lambda finding: (finding.file, finding.line, finding.rule))


def _matches(path: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in patterns)


def _names() -> str:
    return ", ".join(system.name for system in SYSTEMS)
