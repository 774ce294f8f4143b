# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules that look at several properties of a dCache together: doors for tokens, shipped values, services that exclude one another.

What `dcache check-config` finds, and what one property alone shows, is for the property rules. Source: dcache.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..formats import linkgroup_authorization, qos_policy, srr_settings, tape_wellknown
from .dcache_release import (
    FRONTEND_OIDC_CLIENT,
    QOS_POLICIES,
    QOS_ROLE_NEEDED,
    TAPE_API,
    WELLKNOWN_OF_DCACHE,
    XROOTD_TOKENS_BY_DEFAULT,
    Release,
)
from .finding import Finding, Severity
from .gplazma_loading import shown
from .gplazma_login import LoginSetup

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
    """tape: whether an area has tape behind it, None when unknown. client_batch: files in one bulk request of the clients, 0 unknown."""

    release: Release
    services: tuple[Service, ...]
    login: LoginSetup | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    policies: Mapping[str, str] = field(default_factory=dict)
    tape: bool | None = None
    client_batch: int = 0

    def of(self, *kinds: str) -> Sequence[Service]:
        return [service for service in self.services if service.kind in kinds]


def check(given: ServicesInput) -> list[Finding]:
    """All findings."""
    found: list[Finding] = []
    tokens = given.login is not None and (given.login.uses("oidc") or given.login.uses("scitoken"))
    for service in given.services:
        if service.kind in ("webdav", "frontend"):
            found += _http_door(given, service, tokens=tokens)
        if service.kind == "xrootd":
            found += _xrootd_door(given, service, tokens=tokens)
        if service.kind == "frontend":
            found += _frontend(given, service)
        if service.kind == "pnfsmanager" and given.tape is False:
            found += _defaults(service)
        if service.kind == "bulk" and given.client_batch:
            found += _bulk(given, service)
    found += _together(given)
    found += _qos_roles(given)
    found += _identity(given)
    found += _wellknown(given)
    found += _policies(given)
    found += _link_groups(given)
    return found


def _protocol(service: Service) -> str:
    return service.get(f"{service.kind}.authn.protocol", "http" if service.kind == "webdav" else "https")


def _http_door(given: ServicesInput, service: Service, *, tokens: bool) -> Iterator[Finding]:
    prefix = service.kind
    protocol = _protocol(service)
    unencrypted = service.get("webdav.macaroons.accept-over-unencrypted-channel", "false") == "true"
    if tokens and protocol == "http" and prefix == "webdav" and not unencrypted:
        others = any(_protocol(other) != "http" for other in given.of("webdav"))
        message = "The door speaks plain http and refuses every bearer token, OIDC and macaroon alike."
        remedy = "Set webdav.authn.protocol = https, or serve tokens by a second door."
        severity = Severity.NOTICE if others else Severity.ERROR
        yield Finding("door.token-over-http", severity, *service.place("webdav.authn.protocol"), message, remedy, _DOORS)
    if tokens and protocol != "http" and service.get(f"{prefix}.authn.require-client-cert") == "true":
        message = "The door demands a client certificate: nobody who has only a token gets in."
        remedy = f"Set {prefix}.authn.require-client-cert = false; certificates are still accepted."
        yield Finding(
            "door.certificate-demanded", Severity.LOCK_OUT, *service.place(f"{prefix}.authn.require-client-cert"), message, remedy, _DOORS
        )
    name = f"{prefix}.authz.anonymous-operations"
    if service.get(name) == "FULL":
        message = "Anybody without credentials may write and delete."
        yield Finding("door.anonymous-writes", Severity.OPEN, *service.place(name), message, f"Set {name} = NONE or READONLY.", _DOORS)
    if protocol == "http" and service.get(f"{prefix}.authn.basic") == "true":
        message = "Passwords are sent over plain http."
        remedy = f"Set {prefix}.authn.protocol = https."
        yield Finding("door.password-over-http", Severity.OPEN, *service.place(f"{prefix}.authn.basic"), message, remedy, _DOORS)


def _xrootd_door(given: ServicesInput, service: Service, *, tokens: bool) -> Iterator[Finding]:
    plugins = service.get("xrootd.plugins", "gplazma:ztn,gplazma:gsi,gplazma:none,authz:scitokens")
    old_default = not XROOTD_TOKENS_BY_DEFAULT.covers(given.release) and "xrootd.plugins" not in service.properties
    writes_by_token = "authz:scitokens" in plugins and not old_default
    if not service.get("xrootd.authz.write-paths"):
        message = "xrootd.authz.write-paths is empty: the door is read-only."
        meant = "xrootd.authz.write-paths" in service.places
        severity = Severity.WARNING if tokens and writes_by_token and not meant else Severity.NOTICE
        place = service.place("xrootd.authz.write-paths")
        yield Finding(
            "door.xrootd-read-only", severity, *place, message, "Set xrootd.authz.write-paths = / or the paths of the areas.", _DOORS
        )
    if tokens and writes_by_token and service.get("xrootd.security.tls.mode", "OPTIONAL") == "OFF":
        message = "The door takes tokens in URLs or ZTN but has no TLS: ZTN is refused, and tokens in URLs travel in the clear."
        place = service.place("xrootd.security.tls.mode")
        yield Finding("door.xrootd-token-without-tls", Severity.WARNING, *place, message, "Set xrootd.security.tls.mode = STRICT.", _DOORS)


_SHIPPED_CLIENT = ("frontend.authn.oidc.client-id", "frontend.authn.oidc.client-secret", "frontend.authn.oidc.token-url")


def _frontend(given: ServicesInput, service: Service) -> Iterator[Finding]:
    if not FRONTEND_OIDC_CLIENT.covers(given.release):
        return
    left = [name for name in _SHIPPED_CLIENT if name not in service.places]
    if left:
        message = f"{', '.join(left)} keep the shipped values, which belong to another site: dCache-View log-ins go there."
        remedy = "Set all three to those of your own client."
        used = service.get("frontend.static!dcache-view.oidc-client-id-list")
        severity = Severity.WARNING if used else Severity.NOTICE
        yield Finding("frontend.shipped-oidc-client", severity, *service.place(), message, remedy, _DOORS)


def _defaults(service: Service) -> Iterator[Finding]:
    latency = service.get("dcache.default-access-latency", "NEARLINE")
    latency = service.get("pnfsmanager.default-access-latency", latency)
    retention = service.get("dcache.default-retention-policy", "CUSTODIAL")
    retention = service.get("pnfsmanager.default-retention-policy", retention)
    if (latency, retention) != ("ONLINE", "REPLICA"):
        message = f"Files in directories without tags are {latency}/{retention}: they wait for a tape that this site does not have."
        remedy = "Set dcache.default-access-latency = ONLINE and dcache.default-retention-policy = REPLICA."
        place = service.place("pnfsmanager.default-access-latency", "dcache.default-access-latency", "dcache.default-retention-policy")
        yield Finding("namespace.tape-default", Severity.WARNING, *place, message, remedy, "dcache.md section 4.4")


def _bulk(given: ServicesInput, service: Service) -> Iterator[Finding]:
    name = "bulk.limits.max.targets-per-flat-request"
    limit = service.get(name, "500")
    if limit.isdigit() and int(limit) < given.client_batch:
        message = f"{name} = {limit}, but the clients send {given.client_batch} files in one request, which is refused."
        yield Finding(
            "bulk.limit", Severity.ERROR, *service.place(name), message, f"Set {name} = {given.client_batch}.", "dcache.md section 5.2"
        )


def _together(given: ServicesInput) -> Iterator[Finding]:
    qos = [service for service in given.services if service.kind.startswith("qos")]
    for service in given.of("resilience") if qos else ():
        message = f"resilience and {qos[0].kind} both copy and remove replicas and work against each other."
        yield Finding(
            "services.resilience-with-qos",
            Severity.ERROR,
            *service.place(),
            message,
            "Remove resilience; qos-* replaces it.",
            "dcache.md section 9",
        )


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


def _identity(given: ServicesInput) -> Iterator[Finding]:
    reported = set()
    for service in given.services:
        for name in srr_settings.left_as_shipped(service.properties):
            if name in service.places and name not in reported:
                reported.add(name)
                message = f"{name} still names example.org."
                yield Finding(
                    "publish.example-org", Severity.WARNING, *service.places[name], message, "Name your own site.", "dcache.md section 5.3"
                )
        published = service.kind == "frontend" and (service.get("frontend.srr.public") == "true" or service.get("frontend.srr.shares"))
        if published and "info-provider.se-unique-id" not in service.places and "info-provider.se-unique-id" not in reported:
            reported.add("info-provider.se-unique-id")
            message = "The SRR is published with the shipped info-provider.se-unique-id of example.org."
            place = service.place("frontend.srr.public", "frontend.srr.shares")
            yield Finding(
                "publish.example-org",
                Severity.WARNING,
                *place,
                message,
                "Set info-provider.se-unique-id to your host.",
                "dcache.md section 5.3",
            )
        shares = service.get("frontend.srr.shares") if service.kind == "frontend" else ""
        try:
            srr_settings.parse_shares(shares)
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
        for index, endpoint in enumerate(tape_wellknown.endpoints(document)):
            if "example.org" in endpoint.uri:
                message = f"The endpoint {endpoint.uri} is the shipped example: clients look for tape on a host that is not yours."
                line = document.line(("endpoints", index, "uri"))
                yield Finding("publish.example-org", Severity.WARNING, shown(path), line, message, "Name your frontend.", source)


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


def _link_groups(given: ServicesInput) -> Iterator[Finding]:
    for service in given.of("spacemanager"):
        path = service.get("spacemanager.authz.link-group-file-name", "/etc/dcache/LinkGroupAuthorization.conf")
        text = given.files.get(path)
        if text is None:
            continue
        for line in linkgroup_authorization.parse(text).problems():
            message = f"{line.problem}; the file is refused and nobody can reserve space."
            remedy = "Begin each record with LinkGroup NAME and end it with an empty line."
            yield Finding("space.link-group-file", Severity.ERROR, shown(path), line.number, message, remedy, "dcache.md section 4.5")
