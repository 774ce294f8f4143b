# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the domains of a host find one another, and what a host that is a whole dCache must run."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import dcache_rules as rules
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_site import place
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.dcache_layout import Domain, Host

SCHEME = "dcache.broker.scheme"
RESERVATION = "dcache.enable.space-reservation"
DOORS = ("webdav", "frontend", "xrootd", "ftp", "dcap", "nfs", "srm")


def check(host: Host) -> Iterator[Finding]:
    talking = [domain for domain in host.domains if {service.type for service in domain.services} - {"zookeeper"}]
    for domain in talking:
        if domain.scope.value(SCHEME) != "none":
            continue
        if len(talking) == 1:
            yield from _whole(host, domain)
            continue
        setting = place(domain.scope, SCHEME)
        others = ", ".join(other.name for other in talking if other is not domain)
        yield rules.BROKER_NONE.at(
            setting.file if setting else host.file,
            setting.line if setting else domain.lines[0],
            f"The domain {domain.name} talks to no other domain, so not to {others}.",
            f"Set {SCHEME} to core in one domain, and take it out elsewhere.",
        )


def _whole(host: Host, domain: Domain) -> Iterator[Finding]:
    """A domain that stands alone has to have all that its doors ask."""
    running = {service.type for service in domain.services}
    doors = [service for service in domain.services if service.type in DOORS]
    needed = ["pnfsmanager", "poolmanager"]
    if any(door.type != "nfs" and door.scope.value(f"{door.type}.authz.anonymous-operations") in ("NONE", "") for door in doors):
        needed.append("gplazma")
    missing = [name for name in needed if name not in running]
    if doors and missing:
        yield rules.SERVICES_MISSING.at(
            host.file,
            doors[0].line,
            f"[{doors[0].scope.name}] finds no {' and no '.join(missing)}: the domain stands alone ({SCHEME} = none).",
            "Add the missing services.",
        )
    reserving = [door for door in doors if door.scope.value(f"{door.type}.enable.space-reservation") == "true"]
    if reserving and "spacemanager" not in running:
        setting = place(domain.scope, RESERVATION)
        yield rules.SERVICES_MISSING.at(
            setting.file if setting else host.file,
            setting.line if setting else reserving[0].line,
            f"[{reserving[0].scope.name}] asks the space manager for pools, and there is none: no file can be written.",
            f"Set {RESERVATION} = false, or add the service spacemanager.",
        )
