# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about dCache's services beside the log-in: doors, the tape interface, QoS policies and roles, space reservations.

What `dcache check-config` finds and what properties alone show is found by dcache_properties and dcache_doors. Source: dcache.md.
"""

from __future__ import annotations

import difflib
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_release import (
    QOS_POLICIES,
    QOS_ROLE_NEEDED,
    TAPE_API,
    WELLKNOWN_OF_DCACHE,
    XROOTD_TOKENS_BY_DEFAULT,
    Release,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding, Severity
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.gplazma_loading import shown
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.gplazma_login import LoginSetup
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import (
    linkgroup_authorization,
    qos_policy,
    srr_settings,
    tape_wellknown,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.linkgroup_authorization import GroupLine, MemberLine

_DOORS = "dcache.md section 3.6"
_LAYOUT = "etc/dcache/layouts"


@dataclass(frozen=True)
class Service:
    """One service instance of a layout.

    properties: effective, expanded values that apply to it; what is missing counts as dCache's default. places: property -> (file, line) of
    its assignment. file, line: its section header.
    """

    kind: str
    domain: str
    properties: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    file: str = _LAYOUT
    line: int = 0

    def get(self, name: str, default: str = "") -> str:
        return self.properties.get(name, default).strip()

    def place(self, *names: str) -> tuple[str, int]:
        """Where the first of these properties is assigned, else the section header."""
        return next((self.places[name] for name in names if name in self.places), (self.file, self.line))


@dataclass(frozen=True)
class ServicesInput:
    """files: absolute path -> text. policies: QoS policies that are to be uploaded, file name -> text. link_groups: of PoolManager."""

    release: Release
    services: tuple[Service, ...]
    login: LoginSetup | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    policies: Mapping[str, str] = field(default_factory=dict)
    link_groups: tuple[str, ...] = ()

    def of(self, *kinds: str) -> Sequence[Service]:
        return [service for service in self.services if service.kind in kinds]


def check(given: ServicesInput) -> list[Finding]:
    """All findings."""
    found: list[Finding] = []
    tokens = given.login is not None and (given.login.uses("oidc") or given.login.uses("scitoken"))
    for service in given.services:
        if service.kind in ("webdav", "frontend"):
            found += _http_door(service)
        if service.kind == "xrootd" and tokens:
            found += _xrootd_door(given, service)
    found += _qos_roles(given)
    found += _shares(given)
    found += _wellknown(given)
    found += _policies(given)
    found += _link_groups(given)
    return found


def _http_door(service: Service) -> Iterator[Finding]:
    protocol = service.get(f"{service.kind}.authn.protocol", "http" if service.kind == "webdav" else "https")
    local = service.get(f"{service.kind}.net.listen") in ("127.0.0.1", "::1", "localhost")  # a proxy on the host encrypts
    if protocol == "http" and service.get(f"{service.kind}.authn.basic") == "true" and not local:
        message = "Passwords are sent over plain http."
        remedy = f"Set {service.kind}.authn.protocol = https."
        place = service.place(f"{service.kind}.authn.basic")
        yield Finding("door.password-over-http", Severity.OPEN, *place, message, remedy, _DOORS)


def _xrootd_door(given: ServicesInput, service: Service) -> Iterator[Finding]:
    plugins = service.get("xrootd.plugins", _TOKEN_PLUGINS if XROOTD_TOKENS_BY_DEFAULT.covers(given.release) else "gplazma:none,authz:none")
    if "authz:scitokens" in plugins and service.get("xrootd.security.tls.mode", "OPTIONAL") == "OFF":
        message = "The door takes tokens in URLs or ZTN but has no TLS: ZTN is refused, and tokens in URLs travel in the clear."
        place = service.place("xrootd.security.tls.mode")
        yield Finding("door.xrootd-token-without-tls", Severity.WARNING, *place, message, "Set xrootd.security.tls.mode = STRICT.", _DOORS)


_TOKEN_PLUGINS = "gplazma:ztn,gplazma:gsi,gplazma:none,authz:scitokens"


def _qos_roles(given: ServicesInput) -> Iterator[Finding]:
    if given.login is None or not given.login.lines or not QOS_ROLE_NEEDED.covers(given.release):
        return
    services = [service for service in given.services if service.kind.startswith("qos-")]
    if not services or _gives_qos_role(given.login):
        return
    file, line = shown(given.login.conf_path), 0
    message = "From 9.2 a change of QoS needs the role qos-user or qos-group, and no map line or property gives it to anybody."
    remedy = "Add roles:qos-user to map lines, or set gplazma.roles.qos-gid (and `session requisite roles`)."
    yield Finding("qos.no-role", Severity.WARNING, file, line, message, remedy, "dcache.md sections 1 and 3.4")


def _gives_qos_role(login: LoginSetup) -> bool:
    if login.uses("roles") and login.properties.get("gplazma.roles.qos-gid"):
        return True
    paths = {login.path(line) for _number, line in login.lines if line.plugin == "multimap"}
    mappings = [mapping for path in paths for mapping in login.mappings(path).mappings.values()]
    if any("qos-" in role.value or "admin" in role.value for mapping in mappings for role in mapping.values("roles")):
        return True
    rules = [rule for document in login.session_rules.values() for _number, rule in document.entries()]
    return any(attribute.startswith("role:qos") for rule in rules for attribute in rule.attributes) or any(
        login.unknown(path) for path in paths
    )


def _shares(given: ServicesInput) -> Iterator[Finding]:
    for service in given.of("frontend"):
        try:
            srr_settings.parse_shares(service.get("frontend.srr.shares"))
        except ValueError as problem:
            place = service.place("frontend.srr.shares")
            message = f"frontend.srr.shares: {problem}."
            yield Finding("publish.srr-shares", Severity.ERROR, *place, message, "Write group:/vo,group2:/vo.", "dcache.md section 5.3")


def _wellknown(given: ServicesInput) -> Iterator[Finding]:
    if not given.of("frontend") or not TAPE_API.covers(given.release):
        return
    name = "dcache.wellknown!wlcg-tape-rest-api.path"
    if not WELLKNOWN_OF_DCACHE.covers(given.release):
        name = "frontend.wellknown!wlcg-tape-rest-api.path"
    paths = {service.get(name, tape_wellknown.SHIPPED_PATH) for service in given.of("frontend")}
    for path in sorted(paths):
        text = given.files.get(path)
        if text is None:
            continue
        document = tape_wellknown.parse(text)
        source = "dcache.md section 5.2; WLCG Tape REST API v1"
        for line, problem in tape_wellknown.problems(document):
            message = f"Clients of the tape REST API cannot use the file: {problem}."
            yield Finding("tape.wellknown", Severity.ERROR, shown(path), line, message, "Correct it.", source)


def _policies(given: ServicesInput) -> Iterator[Finding]:
    for path, text in given.policies.items():
        if not QOS_POLICIES.covers(given.release):
            message = f"QoS policies exist from {QOS_POLICIES.since()}; this is {given.release}."
            yield Finding(
                "qos.policy-release", Severity.ERROR, shown(path), 0, message, "Upgrade, or use directory tags.", "dcache.md section 1"
            )
        for line, problem in qos_policy.problems(qos_policy.parse(text)):
            message = f"dCache refuses the policy: {problem}."
            yield Finding(
                "qos.policy", Severity.ERROR, shown(path), line, message, "Correct it before the upload.", "dcache.md section 5.2"
            )


def _unknown_link_groups(given: ServicesInput, file: str, document: linkgroup_authorization.LinkGroupAuthorization) -> Iterator[Finding]:
    """Records for link groups that PoolManager, where its file is at hand, does not have."""
    if not given.link_groups:
        return
    for line in document.lines:
        if isinstance(line.entry, GroupLine) and line.entry.name not in given.link_groups:
            name = line.entry.name
            near = difflib.get_close_matches(name.lower(), [known.lower() for known in given.link_groups], 1, 0.85)
            meant = next((known for known in given.link_groups if near and known.lower() == near[0]), "")
            message = f"PoolManager has no link group {name}, so the record lets nobody reserve space."
            severity = Severity.WARNING if meant else Severity.NOTICE
            remedy = f"Did you mean {meant}?" if meant else "Remove the record, or create the link group."
            yield Finding("space.link-group-unknown", severity, file, line.number, message, remedy, "dcache.md section 4.5")


def _link_groups(given: ServicesInput) -> Iterator[Finding]:
    for service in given.of("spacemanager"):
        name = "spacemanager.authz.link-group-file-name"
        path = service.get(name)
        text = given.files.get(path)
        source = "dcache.md section 4.5; dCache LinkGroupLoader.java"
        if text is None:
            if path and "$" not in path and any(posixpath.dirname(other) == posixpath.dirname(path) for other in given.files):
                message = f"{path} does not exist, so nobody can reserve space."
                yield Finding("space.link-group-file", Severity.WARNING, *service.place(name), message, "Create it.", source)
            continue
        document = linkgroup_authorization.parse(text)
        for line in document.lines:
            if isinstance(line.entry, MemberLine) and line.entry.member.startswith("LinkGroup "):
                message = f"`{line.entry.member}` is read as a member of the link group above it, as no empty line ends that one."
                remedy = "Put an empty line before it."
                yield Finding("space.link-group-swallowed", Severity.ERROR, shown(path), line.number, message, remedy, source)
        yield from _unknown_link_groups(given, shown(path), document)
        for line in document.problems():
            message = f"{line.problem}; the file is refused and nobody can reserve space."
            remedy = "Begin each record with LinkGroup NAME and end it with an empty line."
            yield Finding("space.link-group-file", Severity.ERROR, shown(path), line.number, message, remedy, "dcache.md section 4.5")
