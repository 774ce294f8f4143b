# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The XRootD checks of a whole host: a copy of its files, or the host itself, which also tells which servers are in use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import xrootd
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.host import Host
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.xrootd_tables import parse_release

FILES = (
    "etc/xrootd/*",
    "etc/default/xrootd",
    "etc/sysconfig/xrootd",
    "etc/systemd/system/xrootd@*",
    xrootd.AUTHDB_OLD_DEFAULT.lstrip("/"),
)
"""What of a host the XRootD checks read: patterns relative to its root."""

UNITS = ("xrootd@*.service",)
USERS = ("xrootd",)
STATS = ("/var/spool/xrootd", "/var/lib/xrootd", "/etc/xrootd/*", "/etc/grid-security/*.pem", "/etc/grid-security/xrd/*.pem")


def check(files: Mapping[str, str], release: str) -> list[Finding]:
    """Findings about every server whose main file is in a copy. files: text by path relative to the root."""
    return _relative(xrootd.check(_absolute(files), release=release or None))


def check_host(files: Mapping[str, str], release: str, host: Host) -> list[Finding]:
    """Findings about the servers that are enabled or running on a host; about all when systemd tells of none."""
    homes = {name: user["home"] for name, user in host.users.items() if user}
    facts = xrootd.Facts(_in_use(host) or None, release or None, host.name or None, entries=host.entries, homes=homes)
    return _relative(xrootd.check(_absolute(files), facts))


def named_files(files: Mapping[str, str], release: str) -> Iterator[str]:
    """Files that the main files read and that lie elsewhere."""
    for server in servers(files, release):
        yield from (path for path in (server.tokens_path, server.authdb_path if server.asks_authdb else None) if path)
        yield from (pattern for each in server.find("continue") for pattern in xrootd.continued_paths(each))


def named_paths(files: Mapping[str, str], release: str) -> Iterator[str]:
    """Files and directories whose existence, owner or mode a rule asks for."""
    for server in servers(files, release):
        yield from xrootd.named_paths(server)


def servers(files: Mapping[str, str], release: str) -> Iterator[xrootd.Server]:
    """Every server that has a main file, in use or not."""
    absolute = _absolute(files)
    for path in sorted(absolute):
        if xrootd.MAIN_FILE.fullmatch(path):
            yield xrootd.Server(path, absolute, xrootd.Facts(), parse_release(release))


def _in_use(host: Host) -> tuple[str, ...]:
    names = (name for name, service in host.services.items() if service.get("active") == "active" or service.get("enabled") == "enabled")
    return tuple(sorted(name.removeprefix("xrootd@").removesuffix(".service") for name in names))


def _absolute(files: Mapping[str, str]) -> dict[str, str]:
    return {f"/{path}": text for path, text in files.items()}


def _relative(findings: list[Finding]) -> list[Finding]:
    return [replace(finding, file=finding.file.lstrip("/")) for finding in findings]
