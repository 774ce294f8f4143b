# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which domains of a dCache host must be restarted, from the state of the host alone.

gplazma.conf, the files behind it, certificates and well-known documents are read again by a running dCache. dcache.conf and the layout are
read when a domain starts. What each domain reads there is summed up in a digest; a record on the host says since when a domain has its
digest, and a domain that started before must be restarted. So a change of a property of gplazma restarts the domain of gPlazma only, and
nothing is lost when a run ends between writing and restarting. Source: dCache book, config files; dcache.md section 7.3.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_host import POOLMANAGER_SETUP
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_site import Site, load_site
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.dcache_layout import Domain, Scope

RECORD = "/var/lib/dcache/config/datalake-domains.json"
REFERENCE = re.compile(r"\$\{([^${}]+)\}")


@dataclass(frozen=True)
class Restarts:
    """reasons: why, by unit. record: text of the record as it must be from now on. domains: all of the host."""

    reasons: Mapping[str, str]
    record: str
    domains: tuple[str, ...]


def unit(domain: str) -> str:
    """The systemd unit of a domain, which dCache's generator makes from the layout."""
    return f"dcache@{domain}.service"


def plan(
    before: Mapping[str, str],
    after: Mapping[str, str],
    release: str,
    hostname: str,
    services: Mapping[str, Mapping[str, Any]],
    now: float,
) -> Restarts:
    """What must be restarted when the files are as they will be.

    before, after: text by path relative to the root, the record among them. services: state of units as host_read tells it.
    now: time of the host, seconds since the epoch.
    """
    known = _known(before.get(RECORD.lstrip("/"), ""))
    new = digests(after, release, hostname)
    old = digests(before, release, hostname) if new.keys() - known.keys() else {}
    record: dict[str, dict[str, Any]] = {}
    reasons: dict[str, str] = {}
    for domain, digest in new.items():
        have = known.get(domain)
        if have is not None and have["digest"] == digest:
            since = have["since"]
        elif have is None and old.get(domain) == digest and services.get(unit(domain), {}).get("started") is not None:
            since = 0.0  # never seen before, and not changed now: what runs is taken to be what the files say
        else:
            since = now
        record[domain] = {"digest": digest, "since": since}
        started = services.get(unit(domain), {}).get("started")
        if started is None:
            reasons[unit(domain)] = "it does not run"
        elif started < since:
            reasons[unit(domain)] = "what it reads at its start was changed after it"
    return Restarts(reasons, json.dumps({"domains": record}, indent=1, sort_keys=True) + "\n", tuple(record))


def digests(files: Mapping[str, str], release: str, hostname: str) -> dict[str, str]:
    """What each domain of a host reads at its start, as a digest."""
    site = load_site(files, release, hostname)
    references = _references(site)
    return {domain.name: _digest(domain, site, references) for domain in site.hosts[0].domains}


def reloads(
    files: Mapping[str, str], entries: Mapping[str, Mapping[str, Any]], site: Site, services: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Admin commands that are due: poolmanager.conf only seeds ZooKeeper, so a newer file needs ``reload -yes``."""
    due = []
    for domain in site.hosts[0].domains:
        for service in domain.services:
            path = service.scope.value("poolmanager.setup.file") or POOLMANAGER_SETUP
            started = services.get(unit(domain.name), {}).get("started")
            seeded = service.type == "poolmanager" and path.lstrip("/") in files and started is not None
            if seeded and entries.get(path, {}).get("mtime", 0) > started:
                due.append("\\sp reload -yes")
    return due


def _known(text: str) -> dict[str, dict[str, Any]]:
    try:
        domains = json.loads(text)["domains"]
        return {name: {"digest": str(entry["digest"]), "since": float(entry["since"])} for name, entry in domains.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _references(site: Site) -> dict[str, set[str]]:
    """The properties whose default names another one, by that one."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, setting in site.hosts[0].defaults.settings.items():
        for other in REFERENCE.findall(setting.value):
            found[other].add(name)
    return found


def _digest(domain: Domain, site: Site, references: Mapping[str, set[str]]) -> str:
    kinds = {service.type for service in domain.services}
    scopes = [("", domain.scope), *((service.type, service.scope) for service in domain.services)]
    read = [[kind, sorted(_values(scope, kinds if not kind else {kind}, site, references))] for kind, scope in scopes]
    text = json.dumps([site.release.name if site.release else "", read])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _values(scope: Scope, kinds: set[str], site: Site, references: Mapping[str, set[str]]) -> Iterator[tuple[str, str]]:
    """Properties that a person assigned, and those that follow from them, as far as services of these types read them."""
    written = [(name, setting.value) for one in scope.chain() if one.kind != "defaults" for name, setting in one.settings.items()]
    followers: dict[str, list[str]] = defaultdict(list)
    for name, value in written:
        for other in REFERENCE.findall(value) if "${" in value else ():
            followers[other].append(name)
    waiting = [name for name, _value in written]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += [*references.get(name, ()), *followers.get(name, ())]
    for name in seen:
        entry = site.release.properties.get(name.partition("!")[0]) if site.release else None
        service = entry.service if entry else name.partition(".")[0]
        known = site.release is not None and service in site.release.services
        if (not known or service in kinds) and scope.lookup(name):
            yield name, scope.value(name)
