# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What changes for a host between two releases of dCache although none of its lines does: defaults, demands, duties of its administrator.

What must be written in newer words is done, and told, by dcache_migration and dcache_logins. Sources: dcache.md sections 1, 2.6, 3 and 5.1;
defaults of the release lines (dcache_properties.json).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_release import parse_release
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_site import place
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_draft import Draft


@dataclass(frozen=True)
class Step:
    """since: the release line that brings it. concerns: whether a host has what it is about."""

    since: str
    words: str
    concerns: Callable[[Draft], bool] = lambda draft: True


def steps(installed: str, release: str, draft: Draft) -> list[str]:
    """What a person should know about the way from one release to another, in the order of the releases.

    draft: the configuration as it will be. Raises ValueError for a release that cannot be read.
    """
    old, new = parse_release(installed), parse_release(release)
    if new.line < old.line:
        return [f"{release} is older than {installed}, which is installed: dCache brings no tables of databases back."]
    told = [
        f"From {step.since}: {step.words}"
        for step in STEPS
        if old.line < parse_release(step.since).line <= new.line and step.concerns(draft)
    ]
    between = [f"{major}.2" for major in range(old.major, new.major + 1) if old.line < (major, 2) < new.line]
    if between:
        told.append(
            f"Long-term releases lie between the two: {', '.join(between)}. Read their release notes too, or install one after the other."
        )
    return told


def _runs(*services: str) -> Callable[[Draft], bool]:
    return lambda draft: any(draft.services(service) for service in services)


def _default(service: str, name: str) -> Callable[[Draft], bool]:
    """Whether a service takes the default of a property, because nobody assigned it."""
    return lambda draft: any(place(each.scope, name) is None for _domain, each in draft.services(service))


def _has_provider(draft: Draft) -> bool:
    return bool(draft.services("gplazma")) and bool(draft.login.providers)


def _heap_is_default(draft: Draft) -> bool:
    return any(place(domain.scope, "dcache.java.memory.heap") is None for domain in draft.host.domains)


STEPS = (
    Step("6.2", "dCache needs Java 11."),
    Step("6.2", "`dcache start`, `stop` and `restart` are refused on hosts with systemd: use systemctl and dcache@DOMAIN."),
    Step("8.0", "tokens that carry an audience are refused unless gplazma.oidc.audience-targets lists it.", _has_provider),
    Step(
        "8.0",
        "doors of xrootd offer TLS by default (xrootd.security.tls.mode), with the host certificate.",
        _default("xrootd", "xrootd.security.tls.mode"),
    ),
    Step(
        "8.0",
        "pools offer TLS to clients of xrootd, with the host certificate.",
        _default("pool", "pool.mover.xrootd.security.tls.mode"),
    ),
    Step("8.1", "doors of xrootd take tokens by default: what xrootd.plugins says was not set.", _default("xrootd", "xrootd.plugins")),
    Step(
        "8.1",
        "WebDAV sends clients to pools over TLS where the client wants it (webdav.redirect.allow-https).",
        _default("webdav", "webdav.redirect.allow-https"),
    ),
    Step("8.1", "resilience can be replaced by the services qos-*, which QoS policies need; never run both.", _runs("resilience")),
    Step("8.2", "the service bulk keeps its requests in a database of its own, bulk.", _runs("bulk")),
    Step("9.1", "the heap of a domain grows from 512 MB to 2 GB unless dcache.java.memory.heap is set.", _heap_is_default),
    Step("9.2", "who changes the QoS of files needs a role: roles:qos-user or roles:qos-group in the multimap.", _runs("qos-engine")),
    Step("10.1", "dCache needs Java 17."),
    Step("10.2", "partitions of PoolManager allow stages from tape unless they say -stage-allowed=no.", _runs("poolmanager")),
)
