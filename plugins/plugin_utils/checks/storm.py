# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks of a StoRM site: WebDAV, backend, frontend, and what they say of the same things."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import storm_backend, storm_release, storm_webdav, storm_webdav_site
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.host import Host
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.storm_rules import finding

MARKERS = ("etc/storm/webdav/*", "etc/storm/backend-server/*", "etc/systemd/system/storm-webdav.service.d/*")
FILES = (
    f"{storm_webdav_site.AREAS}*.properties",
    "etc/storm/webdav/config/application*.y*ml",
    storm_webdav_site.WELL_KNOWN,
    "etc/storm/webdav/vo-mapfiles.d/*",
    f"{storm_webdav_site.DROP_INS}*.conf",
    storm_webdav_site.SYSCONFIG,
    "etc/grid-security/vomsdir/*",
    *storm_backend.FILES,
)
SECRET_FILES = (storm_backend.PROPERTIES, storm_backend.FRONTEND, storm_webdav_site.DROP_IN)


@dataclass(frozen=True)
class Facts:
    """What is known of a host beside its texts. entries: what host_read says of paths (absolute). user: of the service."""

    entries: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    user: str = "storm"


def check(files: Mapping[str, str], release: str) -> list[Finding]:
    """Every finding about a tree. files: text by path relative to the root; release: that of StoRM WebDAV, empty when unknown."""
    known = storm_release.parse_release(release)
    site = storm_webdav_site.read(files, known)
    return [*_release(release, known), *_webdav(site, files), *storm_backend.check(files, site)]


def check_host(files: Mapping[str, str], release: str, facts: Facts) -> list[Finding]:
    """Every finding about a host: that of its texts, and what owners, modes and missing directories tell."""
    site = storm_webdav_site.read(files, storm_release.parse_release(release))
    return [*check(files, release), *_roots(site, facts), *_keys(site, facts), *_open_secrets(files, facts)]


def check_live(files: Mapping[str, str], release: str, host: Host) -> list[Finding]:
    """Every finding about a host that was asked."""
    return check_host(files, release, Facts(host.entries))


def named_paths(files: Mapping[str, str], release: str) -> list[str]:
    """What a host is to be asked about: roots of storage areas, the key of the service, and files with secrets."""
    site = storm_webdav_site.read(files, storm_release.parse_release(release))
    key = str(site.setting("storm.tls.private-key-path")[0])
    return [*(area.root for area in site.areas if area.root.startswith("/")), key, *(f"/{file}" for file in SECRET_FILES if file in files)]


def _webdav(site: storm_webdav_site.Webdav, files: Mapping[str, str]) -> Iterator[Finding]:
    if any(path.startswith(("etc/storm/webdav/", storm_webdav_site.DROP_INS)) for path in files):
        yield from storm_webdav.check(site, files)


def _release(release: str, known: storm_release.Release | None) -> Iterator[Finding]:
    if known is None or known > storm_release.NEWEST:
        words = f'"{release}" is no release of StoRM WebDAV that is known here' if release else "The release of StoRM WebDAV was not given"
        yield finding("storm.release-unknown", "etc/storm", 0, f"{words}: settings are checked against the newest one.")


def _roots(site: storm_webdav_site.Webdav, facts: Facts) -> Iterator[Finding]:
    for area in site.areas:
        entry = facts.entries.get(area.root)
        if entry is not None and not entry.get("exists"):
            yield finding("storm.root-missing", area.file, area.line("rootPath"), f"{area.root} does not exist.")


def _keys(site: storm_webdav_site.Webdav, facts: Facts) -> Iterator[Finding]:
    path, file, line = site.setting("storm.tls.private-key-path")
    entry = facts.entries.get(str(path))
    if entry is None:
        return
    if not entry.get("exists"):
        yield finding("storm.key-unreadable", file, line, f"{path} does not exist.")
    elif entry.get("owner") != facts.user and not int(str(entry.get("mode", "0")), 8) & 0o004:
        yield finding("storm.key-unreadable", file, line, f"{path} belongs to {entry.get('owner')}, and {facts.user} cannot read it.")


def _open_secrets(files: Mapping[str, str], facts: Facts) -> Iterator[Finding]:
    for file in SECRET_FILES:
        mode = facts.entries.get(f"/{file}", {}).get("mode")
        holds = file in (storm_backend.PROPERTIES, storm_backend.FRONTEND) or "STORM_WEBDAV_AUTHZ_SERVER_SECRET" in files.get(file, "")
        if mode and int(str(mode), 8) & 0o004 and holds:
            yield finding("storm.secret-mode", file, 0, f"Everybody on the host may read the secrets in it (mode {mode}).")
