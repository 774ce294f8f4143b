# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Properties that dCache accepts and that make a site something else than was meant: doors, copies, published identity."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import dcache_rules as rules
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_data import Release
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_site import place
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding, Severity
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.dcache_layout import Host, Service

TOKEN_PLUGIN = re.compile(r"^\s*auth\s+\w+\s+(?:oidc|scitoken)\b", re.MULTILINE | re.IGNORECASE)
TOKEN_MAPS = ("gplazma.oidc.provider!", "gplazma.scitoken.issuer!")
LOCAL = ("127.0.0.1", "::1", "localhost")
XROOTD_PLUGINS = ("gplazma:none", "gplazma:gsi", "gplazma:ztn", "gplazma:unix", "authz:none", "authz:scitokens", "authz:alice-token")
CLIENT = ("frontend.authn.oidc.client-id", "frontend.authn.oidc.client-secret", "frontend.authn.oidc.token-url")
VIEW_LISTS = ("frontend.static!dcache-view.oidc-provider-name-list", "frontend.static!dcache-view.oidc-client-id-list")
BULK_FILES = "bulk.limits.max.targets-per-flat-request"
BULK_BATCH = 1000


def check(host: Host, release: Release, files: Mapping[str, str]) -> Iterator[Finding]:
    services: dict[str, list[Service]] = {}
    for service in host.services():
        services.setdefault(service.type, []).append(service)
    tokens = uses_tokens(host, files)
    yield from _anonymous(host, services)
    for kind in ("webdav", "frontend"):
        yield from _client_certificates(host, services.get(kind, []), kind, tokens=tokens)
    yield from _plain_http(host, services.get("webdav", []), tokens=tokens)
    yield from _clear_tokens(host, services.get("webdav", []))
    yield from _xrootd(host, services.get("xrootd", []))
    yield from _xrootd_plugins(host, services.get("xrootd", []), release)
    yield from _copies(host, services, release, files)
    yield from _leftovers(host, release)
    yield from _identity(host, services)
    yield from _tape_endpoint(host, services, files)
    yield from _frontend_client(host, services.get("frontend", []), release, tokens=tokens)
    yield from _bulk(host, services.get("bulk", []), release)


def uses_tokens(host: Host, files: Mapping[str, str]) -> bool:
    """Whether this host's files configure an issuer."""
    if TOKEN_PLUGIN.search(files.get("etc/dcache/gplazma.conf", "")):
        return True
    return any(name.startswith(TOKEN_MAPS) for scope in host.scopes() for name in scope.settings)


def _at(rule: rules.Rule, host: Host, service: Service, name: str, message: str, remedy: str, severity: Severity | None = None) -> Finding:
    setting = place(service.scope, name)
    file, line = (setting.file, setting.line) if setting else (host.file, service.line)
    return rule.at(file, line, message, remedy, severity)


def _anonymous(host: Host, services: Mapping[str, list[Service]]) -> Iterator[Finding]:
    for kind in ("webdav", "frontend", "xrootd", "dcap"):
        for service in services.get(kind, []):
            name = f"{kind}.authz.anonymous-operations"
            if service.scope.value(name) != "FULL" or service.scope.value(f"{kind}.net.listen") in LOCAL:
                continue
            if kind == "xrootd" and not _xrootd_lets_write(service):
                continue
            if service.scope.value(f"{kind}.authz.readonly") == "true":
                continue
            yield _at(
                rules.ANONYMOUS_WRITE,
                host,
                service,
                name,
                f"[{service.scope.name}] lets clients without login write and delete wherever the namespace lets others write.",
                f"Set {name} to NONE or READONLY.",
            )


def _xrootd_lets_write(service: Service) -> bool:
    """Without write paths nobody writes; an authorisation plug-in decides, scitokens that is not strict only about those with a token."""
    words = service.scope.value("xrootd.plugins").replace(",", " ").split()
    deciding = {word for word in words if word.startswith("authz:")} - {"authz:none"}
    if service.scope.value("xrootd.plugin!scitokens.strict") == "false":
        deciding.discard("authz:scitokens")
    return not deciding and bool(service.scope.value("xrootd.authz.write-paths"))


def _clear_tokens(host: Host, services: list[Service]) -> Iterator[Finding]:
    name = "webdav.macaroons.accept-over-unencrypted-channel"
    for service in services:
        plain = service.scope.value("webdav.authn.protocol") == "http" and service.scope.value("webdav.net.listen") not in LOCAL
        if plain and service.scope.value(name) == "true":
            yield _at(
                rules.CLEAR_TOKENS,
                host,
                service,
                name,
                f"[{service.scope.name}] takes tokens over plain HTTP: whoever reads along can use them.",
                "Set webdav.authn.protocol to https, or the property to false.",
            )


def _client_certificates(host: Host, services: list[Service], kind: str, *, tokens: bool) -> Iterator[Finding]:
    name = f"{kind}.authn.require-client-cert"
    encrypted = [service for service in services if service.scope.value(f"{kind}.authn.protocol") != "http"]
    demanding = [service for service in encrypted if service.scope.value(name) == "true"]
    all_doors = tokens and len(demanding) == len(encrypted)
    for service in demanding:
        yield _at(
            rules.CLIENT_CERTIFICATE,
            host,
            service,
            name,
            f"[{service.scope.name}] refuses every client without a certificate, so also those that come with a token.",
            f"Set {name} to false; {kind}.authn.accept-client-cert still takes certificates.",
            rules.LOCK_OUT if all_doors else rules.NOTICE,
        )


def _plain_http(host: Host, services: list[Service], *, tokens: bool) -> Iterator[Finding]:
    plain = [service for service in services if service.scope.value("webdav.authn.protocol") == "http"]
    accepting = [service for service in plain if service.scope.value("webdav.macaroons.accept-over-unencrypted-channel") == "true"]
    if accepting:
        return
    if not tokens or len(plain) < len(services):
        return
    for service in plain:
        yield _at(
            rules.TOKEN_OVER_HTTP,
            host,
            service,
            "webdav.authn.protocol",
            f"[{service.scope.name}] is plain HTTP, where dCache refuses tokens, and this host has no other WebDAV door.",
            "Set webdav.authn.protocol to https on the door for tokens.",
        )


def _xrootd(host: Host, services: list[Service]) -> Iterator[Finding]:
    for service in services:
        if not service.scope.value("xrootd.authz.write-paths"):
            yield _at(
                rules.XROOTD_READ_ONLY,
                host,
                service,
                "xrootd.authz.write-paths",
                f"[{service.scope.name}] has no write paths, so nobody can write through it.",
                "Set xrootd.authz.write-paths where writing is wanted.",
            )


def _xrootd_plugins(host: Host, services: list[Service], release: Release) -> Iterator[Finding]:
    name = "xrootd.plugins"
    for service in services:
        words = [word for word in re.split(r"[,\s]+", service.scope.value(name)) if word]
        for word in words:
            near = difflib.get_close_matches(word, XROOTD_PLUGINS, 1, 0.85) if word not in XROOTD_PLUGINS else []
            if near:
                message = f"[{service.scope.name}] has the plug-in {word}, which dCache does not bring."
                yield _at(rules.XROOTD_PLUGINS, host, service, name, message, f"Did you mean {near[0]}?")
        proofs = [word for word in words if word.startswith("gplazma:")]
        if len(proofs) > 1 and not release.at_least("8.1"):
            message = f"[{service.scope.name}] lists {', '.join(proofs)}: before 8.1 a door has one way to authenticate."
            yield _at(rules.XROOTD_PLUGINS, host, service, name, message, "Keep one of them; start a second door for the other.")


def _copies(host: Host, services: Mapping[str, list[Service]], release: Release, files: Mapping[str, str]) -> Iterator[Finding]:
    managers = [name for name in services if name == "qos" or name.startswith("qos-")]
    for service in services.get("resilience", []) if managers else []:
        yield rules.QOS_TWICE.at(
            host.file,
            service.line,
            f"resilience runs beside {', '.join(sorted(managers))}; both make and remove copies of the same files.",
            "Remove the resilience service: the qos services take its place.",
        )
    if "cleaner-hsm" not in services and any("hsm create" in text for text in _setups(services, files)):
        for service in services.get("cleaner-disk", []):
            yield rules.TAPE_CLEANER.at(
                host.file,
                service.line,
                "A pool of this host has a tape store, and no cleaner-hsm runs here: without one, deleted files stay on tape.",
                "Run the service cleaner-hsm on one host.",
                rules.WARNING if service.scope.value("dcache.broker.scheme") == "none" else None,
            )
    for service in services.get("pnfsmanager", []):
        latency = service.scope.value("pnfsmanager.default-access-latency")
        retention = service.scope.value("pnfsmanager.default-retention-policy")
        if (latency, retention) == ("NEARLINE", "REPLICA"):
            owner = "pnfsmanager" if place(service.scope, "pnfsmanager.default-retention-policy") else "dcache"
            meant = any(place(service.scope, f"{one}.default-access-latency") for one in ("pnfsmanager", "dcache"))
            yield _at(
                rules.VOLATILE_DEFAULTS,
                host,
                service,
                f"{owner}.default-retention-policy",
                "Files in directories without tags are NEARLINE and REPLICA: a pool that needs space deletes their only copy.",
                "Set the default access latency to ONLINE too.",
                rules.NOTICE if meant else None,
            )
        if (latency, retention) == ("NEARLINE", "CUSTODIAL") and "cleaner-hsm" not in services:
            yield _at(
                rules.TAPE_DEFAULTS,
                host,
                service,
                "dcache.default-access-latency",
                "Files in directories without tags are NEARLINE and CUSTODIAL: they stay precious until they are on tape.",
                "On a site without tape set dcache.default-access-latency = ONLINE and dcache.default-retention-policy = REPLICA.",
                rules.WARNING if _has_no_tape(services, release, files) else None,
            )


def _has_no_tape(services: Mapping[str, list[Service]], release: Release, files: Mapping[str, str]) -> bool:
    """Whether this host is a whole dCache, and none of its pools has a tape store."""
    alone = all(service.scope.value("dcache.broker.scheme") == "none" for service in services.get("pnfsmanager", []))
    pools = services.get("pool", [])
    setups = _setups(services, files)
    stores = any("hsm create" in text for text in setups)
    return alone and bool(pools) and not stores and (release.at_least("9.0") or len(setups) == len(pools))


def _setups(services: Mapping[str, list[Service]], files: Mapping[str, str]) -> list[str]:
    """The set-up files of the host's pools that are at hand."""
    paths = [service.scope.value("pool.path").strip("/") + "/setup" for service in services.get("pool", [])]
    return [files[path] for path in paths if path in files]


def _leftovers(host: Host, release: Release) -> Iterator[Finding]:
    for scope in host.scopes():
        for name, setting in scope.settings.items():
            if not setting.file or name.partition("!")[0] not in ("dcache.oidc.provider", "dcache.oidc.hostnames"):
                continue
            if name == "dcache.oidc.provider" and release.at_least("10.1"):
                continue  # the default of gplazma.oidc-te.url refers to it
            yield rules.OIDC_LEFTOVER.at(
                setting.file,
                setting.line,
                f"Nothing reads {name}; logins with tokens will not work.",
                "Write gplazma.oidc.provider!NAME = https://issuer/.",
            )


def _identity(host: Host, services: Mapping[str, list[Service]]) -> Iterator[Finding]:
    for name in ("info-provider.se-unique-id", "storage-descriptor.unique-id"):
        for scope in host.scopes():
            setting = scope.settings.get(name)
            if setting and setting.file and "example.org" in setting.value:
                yield rules.EXAMPLE_ID.at(
                    setting.file, setting.line, f"{name} = {setting.value} names example.org.", "Write the site's own id."
                )
    name = "info-provider.se-unique-id"
    for service in services.get("frontend", []):
        value = service.scope.value(name)
        published = service.scope.value("frontend.srr.public") == "true" or bool(service.scope.value("frontend.srr.shares"))
        if published and "example.org" in value and place(service.scope, name) is None:
            yield _at(
                rules.EXAMPLE_ID,
                host,
                service,
                "frontend.srr.public" if place(service.scope, "frontend.srr.public") else "frontend.srr.shares",
                f"The storage resource record is published with the id {value}, the default of {name}.",
                f"Set {name} to the site's own id.",
            )


def _tape_endpoint(host: Host, services: Mapping[str, list[Service]], files: Mapping[str, str]) -> Iterator[Finding]:
    """The shipped description of the tape REST interface is on every host; it matters where there is tape."""
    for service in services.get("frontend", [])[:1]:
        path = service.scope.value("dcache.wellknown!wlcg-tape-rest-api.path") or service.scope.value(
            "frontend.wellknown!wlcg-tape-rest-api.path"
        )
        text = files.get(path.lstrip("/"), "")
        if "example.org" in text:
            yield rules.EXAMPLE_ID.at(
                path.lstrip("/"),
                text[: text.index("example.org")].count("\n") + 1,
                "The tape REST interface is announced at example.org.",
                "Write the site's name and the address of its frontend.",
                rules.WARNING if "cleaner-hsm" in services else rules.NOTICE,
            )


def _frontend_client(host: Host, services: list[Service], release: Release, *, tokens: bool) -> Iterator[Finding]:
    if not all(name in release.properties for name in CLIENT):
        return
    for service in services:
        kept = [name for name in CLIENT if place(service.scope, name) is None]
        if not kept:
            continue
        used = any(place(service.scope, name) for name in VIEW_LISTS)
        yield rules.FOREIGN_CLIENT.at(
            host.file,
            service.line,
            f"[{service.scope.name}] keeps the shipped {', '.join(kept)}, which belong to another site; a login in dCache-View goes there.",
            "Set all three to the client that your issuer knows, or to nothing.",
            rules.WARNING if used else rules.NOTICE,
        )


def _bulk(host: Host, services: list[Service], release: Release) -> Iterator[Finding]:
    if BULK_FILES not in release.properties:
        return
    for service in services:
        value, lowered = service.scope.value(BULK_FILES), place(service.scope, BULK_FILES)
        shipped = release.properties[BULK_FILES].default
        if value.isdigit() and int(value) < BULK_BATCH:
            yield _at(
                rules.BULK_LIMIT,
                host,
                service,
                BULK_FILES,
                f"A bulk request may name {value} files; one with more is refused.",
                f"Raise {BULK_FILES} to the batch size of FTS.",
                rules.WARNING if lowered and int(value) < int(shipped or 0) else None,
            )
