# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks of log-ins, services and pool selection on a copy of a dCache host's files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import dcache_services, gplazma, gplazma_loading, pool_selection
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import pool_setup as pool_setup_rules
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_release import Release, parse_release
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_services import Service, ServicesInput
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_site import load_site, place
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.gplazma_login import CONF_PROPERTY, FILE_PROPERTIES, LoginSetup
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.pool_selection import AreaUse, SelectionInput
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.pool_setup import PoolSetupInput
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import pool_setup, poolmanager_conf
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.dcache_layout import Host, Scope
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.dcache_layout import Service as LayoutService

FILES = (
    "etc/grid-security/grid-vorolemap",
    "etc/grid-security/storage-authzdb",
    "etc/grid-security/grid-mapfile",
    "var/lib/dcache/pools/*/setup",
)
"""What of a host is read beside the files of the property checks."""

SET_IN_LAYOUTS = frozenset(
    {"oidc.no-provider", "oidc.audience-empty", "scitoken.no-issuer", "scitoken.audience-empty", "gplazma.property-missing"}
)
"""Rules about properties that are not set, which nobody knows where the layout is not at hand."""

POOLMANAGER_SETUP = "/var/lib/dcache/config/poolmanager.conf"


NAMED_BY = {
    "nfs": ("nfs.export.file",),
    "poolmanager": ("poolmanager.setup.file",),
    "spacemanager": ("spacemanager.authz.link-group-file-name",),
    "frontend": ("dcache.wellknown!wlcg-tape-rest-api.path", "frontend.wellknown!wlcg-tape-rest-api.path"),
}
"""Properties of a service that name a file to read."""


@dataclass(frozen=True)
class Known:
    """What the files do not say. issuers: URLs of the lake's issuers. live: output of `psu dump setup`. policies: by file name."""

    areas: tuple[AreaUse, ...] = ()
    issuers: tuple[str, ...] = ()
    live: str | None = None
    policies: Mapping[str, str] = field(default_factory=dict)


NOTHING = Known()


def check(files: Mapping[str, str], release: str, hostname: str = "", known: Known = NOTHING) -> list[Finding]:
    """Every finding about log-ins, services and pool selection of one host.

    files: text by path relative to the root of the copy. release: ``9.2.30`` or ``9.2``; one that cannot be read gives no finding here.
    hostname: full name, where ``etc/hostname`` is missing.
    """
    try:
        parsed = parse_release(release)
    except ValueError:
        return []
    absolute = {f"/{path}": text for path, text in files.items()}
    found: dict[Finding, None] = {}
    site = load_site(files, release, hostname)
    for host in site.hosts:
        found.update(dict.fromkeys(_host(host, parsed, absolute, known)))
    return [finding for finding in found if not (site.missing and finding.rule in SET_IN_LAYOUTS)]


def named_files(files: Mapping[str, str], release: str) -> Iterator[str]:
    """Absolute paths of what the configuration reads and that may lie elsewhere: maps of log-ins, set-ups of pools."""
    for host in load_site(files, release).hosts:
        for scope in _scopes(host, "gplazma"):
            yield from (path for path in map(scope.value, FILE_PROPERTIES) if path.startswith("/"))
            conf = files.get(scope.value(CONF_PROPERTY).lstrip("/"), "")
            words = (line.partition("#")[0].split() for line in conf.splitlines())
            yield from (value for each in words for word in each if (value := word.partition("=")[2].strip('"')).startswith("/"))
        for service in host.services():
            yield from (path for path in map(service.scope.value, NAMED_BY.get(service.type, ())) if path.startswith("/"))
            if service.type == "pool" and service.scope.value("pool.path").startswith("/"):
                yield service.scope.value("pool.path").rstrip("/") + "/setup"


def _host(host: Host, release: Release, files: Mapping[str, str], known: Known) -> Iterator[Finding]:
    logins = []
    for login, places in login_setups(host, release, files):
        logins.append(login)
        yield from gplazma.check(login, places, known.issuers)
    services = tuple(_service(host, domain.name, service) for domain in host.domains for service in domain.services)
    groups = _link_groups(host, files)
    policies = {**_policies(files), **known.policies}
    yield from dcache_services.check(ServicesInput(release, services, logins[0] if logins else None, files, policies, groups))
    for scope in _scopes(host, "poolmanager"):
        path = scope.value("poolmanager.setup.file") or POOLMANAGER_SETUP
        if path in files:
            yield from pool_selection.check(_selection(host, scope, path, release, files, known))
    for scope in [service.scope for service in host.services() if service.type == "pool"]:
        path = _setup_path(scope)
        if path in files:
            given = PoolSetupInput(
                files[path], path.lstrip("/"), scope.value("pool.name"), scope.value("pool.size"), scope.value("pool.lfs")
            )
            yield from pool_setup_rules.check(given)


def _policies(files: Mapping[str, str]) -> dict[str, str]:
    """QoS policies that wait on the host for their upload, told by what they look like."""
    found = {path: text for path, text in files.items() if path.endswith(".json") and path.startswith("/etc/dcache/")}
    return {path: text for path, text in found.items() if '"states"' in text and '"media"' in text}


def _link_groups(host: Host, files: Mapping[str, str]) -> tuple[str, ...]:
    paths = [scope.value("poolmanager.setup.file") or POOLMANAGER_SETUP for scope in _scopes(host, "spacemanager")]
    commands = [command for path in paths[:1] for _number, command in poolmanager_conf.parse(files.get(path, "")).entries()]
    return tuple(command.arguments[0] for command in commands if command.name == "psu create linkGroup")


def _setup_path(pool: Scope) -> str:
    return pool.value("pool.path").rstrip("/") + "/setup"


def login_setups(host: Host, release: Release, files: Mapping[str, str]) -> Iterator[tuple[LoginSetup, gplazma_loading.Places]]:
    """The log-in configuration of each gplazma service, and where its properties are assigned. files: text by absolute path."""
    for scope in _scopes(host, "gplazma"):
        values, places = _login(scope)
        yield LoginSetup(release, values, files), places


def _scopes(host: Host, kind: str) -> list[Scope]:
    """The scopes of the services of one type; that of the host where the copy holds no layout."""
    scopes = [service.scope for service in host.services() if service.type == kind]
    return scopes if scopes or host.domains else [host.layout]


def _login(scope: Scope) -> tuple[dict[str, str], dict[str, tuple[str, int]]]:
    names = {name for one in scope.chain() for name in one.settings if name.startswith(("gplazma.", "dcache.oidc.provider!"))}
    return _values(scope, names)


def _values(scope: Scope, names: set[str]) -> tuple[dict[str, str], dict[str, tuple[str, int]]]:
    """Expanded values, and where a person assigned them."""
    places = {}
    for name in names:
        setting = place(scope, name)
        if setting is not None:
            places[name] = (setting.file, setting.line)
    return {name: scope.value(name) for name in names}, places


_SERVICE_NAMES = {
    "webdav": ("webdav.authn.protocol", "webdav.authn.basic", "webdav.net.listen"),
    "frontend": (
        "frontend.authn.protocol",
        "frontend.authn.basic",
        "frontend.net.listen",
        "frontend.srr.shares",
        "dcache.wellknown!wlcg-tape-rest-api.path",
        "frontend.wellknown!wlcg-tape-rest-api.path",
    ),
    "xrootd": ("xrootd.plugins", "xrootd.security.tls.mode"),
    "spacemanager": ("spacemanager.authz.link-group-file-name",),
}


def _service(host: Host, domain: str, service: LayoutService) -> Service:
    names = {name for name in _SERVICE_NAMES.get(service.type, ()) if service.scope.lookup(name) is not None}
    values, places = _values(service.scope, names)
    return Service(service.type, domain, values, places, host.file, service.line)


def _selection(host: Host, scope: Scope, path: str, release: Release, files: Mapping[str, str], known: Known) -> SelectionInput:
    pools = [service.scope for service in host.services() if service.type == "pool"]
    setups = [files.get(_setup_path(pool), "") for pool in pools]
    stores = [bool(pool_setup.nearline_storages(pool_setup.parse(text))) for text in setups]
    kinds = {service.type for service in host.services()}
    reservation = scope.value("dcache.enable.space-reservation")
    return SelectionInput(
        files[path],
        path.lstrip("/"),
        release,
        pools=tuple(name for name in (pool.value("pool.name") for pool in pools) if name),
        tags={pool.value("pool.name"): frozenset(pool.value("pool.tags").split()) for pool in pools if "$" not in pool.value("pool.tags")},
        areas=known.areas,
        space_reservation=reservation == "true" if reservation in ("true", "false") else None,
        live=known.live,
        tape="cleaner-hsm" in kinds or any(stores),
        tape_pools=frozenset(pool.value("pool.name") for pool, store in zip(pools, stores, strict=True) if store),
    )
