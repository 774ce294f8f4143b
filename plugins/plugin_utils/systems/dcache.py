# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a dCache host that serves a storage as described: found ones edited in place, missing ones written anew."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import dcache_data
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_host import POOLMANAGER_SETUP
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_release import (
    CLEANERS_SPLIT,
    XROOTD_TOKENS_BY_DEFAULT,
    Release,
    since,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_site import place
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.dcache_layout import Domain
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.dcache_layout import Service as LayoutService
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Door, Storage
from ansible_collections.escape.datalake.plugins.plugin_utils.systems import dcache_logins, dcache_migration, dcache_qos, dcache_qos_files
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_draft import CONF, HEAD, Draft
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_logins import Account, LoginOptions, User
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_pools import Pool
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.wanted_file import WantedFile, copies

KINDS = {"davs": "webdav", "https": "webdav", "root": "xrootd", "roots": "xrootd", "xroot": "xrootd", "xroots": "xrootd"}
"""Services by the scheme of doors. Doors of other schemes are left to the site."""
CERTIFICATE = "dcache.authn.hostcert.cert"
KEY = "dcache.authn.hostcert.key"
XROOTD_TLS = since("6.2.0")
SHIPPED_CLIENT = ("frontend.authn.oidc.client-id", "frontend.authn.oidc.client-secret", "frontend.authn.oidc.token-url")
DOOR_DOMAIN = "doorsDomain"
LOCAL = "127.0.0.1"
EVERY_ADDRESS = ("", "any", "0.0.0.0", "::")
"""Values of net.listen with which a service can be reached at the local address too."""
POOL_DOMAIN = "poolsDomain"
CENTRAL_DOMAIN = "centralDomain"


@dataclass(frozen=True)
class Service:
    """A service of a domain and the properties that it must have."""

    kind: str
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DomainOptions:
    """A domain that a host carries."""

    name: str
    services: tuple[Service, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Database:
    """PostgreSQL, where it is not the one on localhost without a password. password_file: in the form of pgpass."""

    host: str | None = None
    user: str | None = None
    password_file: str | None = None


@dataclass(frozen=True)
class Options:
    """What is said about a host beside the description of the storage.

    host: its full name. domains: what it carries; none: a host with a layout keeps its domains, another one gets all that a dCache needs.
    pools: of this host. pool_domain: the domain that runs those that the layout lacks. areas, qos: areas with pools in dCache's words.
    zookeeper: HOST:PORT list; None: the one inside dCache, on this host. properties: further ones for the whole host.
    certificate_source, key_source: files of the host that are copied to certificate and key for the service.
    owned: files that belong to the user of dCache. A site whose key is among them keeps its certificate.
    """

    host: str
    domains: tuple[DomainOptions, ...] = ()
    accounts: tuple[Account, ...] = ()
    users: tuple[User, ...] = ()
    profiles: tuple[tuple[str, str], ...] = ()
    pools: tuple[Pool, ...] = ()
    pool_domain: str = POOL_DOMAIN
    areas: tuple[dcache_qos.AreaQos, ...] = ()
    qos: dcache_qos.Options | None = None
    properties: Mapping[str, str] = field(default_factory=dict)
    user: str = "dcache"
    certificate: str = "/etc/grid-security/dcache/hostcert.pem"
    key: str = "/etc/grid-security/dcache/hostkey.pem"
    certificate_source: str | None = None
    key_source: str | None = None
    owned: frozenset[str] = frozenset()
    zookeeper: str | None = None
    database: Database = Database()


@dataclass(frozen=True)
class Site:
    """Everything that a host needs.

    files: those that differ from what was found. texts: all texts as they will be, by path relative to the root. directories: path, owner
    and mode. listeners: address and port of the doors and the admin shell of this host. notes: what a person should know.
    """

    files: tuple[WantedFile, ...]
    texts: Mapping[str, str]
    directories: tuple[tuple[str, str, str], ...]
    listeners: tuple[tuple[str, int], ...]
    notes: tuple[str, ...]


def plan(storage: Storage, options: Options, files: Mapping[str, str], release: str) -> Site:
    """What the files of one host should be.

    files: text of all that was found, by path relative to the root. release: of dCache, all numbers. Raises DescriptionError for what
    dCache cannot serve, and ValueError for a release that cannot be read.
    """
    problems = _problems(storage, options, release)
    if problems:
        raise DescriptionError(problems)
    draft = Draft(files, release, options.host)
    fresh = not draft.host.domains
    notes: list[str] = dcache_migration.migrate(draft, tape=any(area.media == "tape" for area in storage.areas))
    _host_wide(draft, storage, options, fresh=fresh)
    domains = options.domains or (default_domains(storage, options, draft.release) if fresh else ())
    for domain in domains:
        _domain(draft, domain)
    if fresh or options.domains or _serves_doors(draft, storage, options):
        notes += _doors(draft, storage, options)
    _pools(draft, options)
    if options.qos:
        notes += _quality(draft, storage, options, options.qos, fresh=fresh)
    if draft.services("gplazma"):
        found = bool(_found_login(files, release, options.host))
        prefix = _real(_root(draft, storage), storage.base_path)
        logins = LoginOptions(options.accounts, options.users, options.profiles, prefix)
        notes += _unused_accounts(storage, options.accounts)
        notes += dcache_logins.configure(draft, storage, logins, fresh=not found)
    return Site(_wanted(draft, files, options), draft.files, _directories(draft, options), _listeners(draft), tuple(notes))


def default_domains(storage: Storage, options: Options, release: Release) -> tuple[DomainOptions, ...]:
    """All that a dCache on one host needs: a central domain, one for the doors; pools bring their own."""
    tape = CLEANERS_SPLIT.covers(release) and any(area.media == "tape" for area in storage.areas)
    central = [
        *(["zookeeper"] if options.zookeeper is None else []),
        *("admin", "poolmanager", "pnfsmanager", "gplazma", "billing", "topo", "info"),
        *dcache_qos.services(options.areas, release),
        *(["cleaner-hsm"] if tape else []),
    ]
    doors = [kind for kind in ("webdav", "xrootd") if any(KINDS.get(door.scheme) == kind for door in storage.doors)]
    return (
        DomainOptions(CENTRAL_DOMAIN, tuple(map(Service, dict.fromkeys(central))), {"dcache.broker.scheme": "core"}),
        DomainOptions(DOOR_DOMAIN, tuple(map(Service, [*doors, "frontend", "transfermanagers"]))),
    )


def _problems(storage: Storage, options: Options, release: str) -> list[Problem]:
    problems = []
    known = dcache_data.load(release)
    for domain in options.domains:
        for service in domain.services:
            if known is not None and service.kind not in known.services:
                where = dcache_data.releases_with_service(service.kind)
                words = f"dCache {release} has no service {service.kind}" + (f", it is in {where}." if where else ".")
                problems.append(Problem(f"dcache_domains.{domain.name}", words, "Correct the name, or take it out."))
    if not any(door.scheme in KINDS for door in storage.doors):
        words = "None of the doors is one that takes tokens in dCache (davs, https, root)."
        problems.append(Problem("datalake_storage.doors", words, "Add one."))
    issuers = [issuer.name for issuer in storage.issuers]
    for name, profile in options.profiles:
        if profile not in dcache_logins.PROFILES:
            words = f"dCache has no profile {profile!r} (issuer {name})."
            problems.append(Problem("dcache_profiles", words, f"Choose one of {', '.join(dcache_logins.PROFILES)}."))
        if name not in issuers:
            words = f"{name} is not among the issuers of this storage, so its profile would count for nobody."
            problems.append(Problem("dcache_profiles", words, f"Take it out, or name one of: {', '.join(issuers)}."))
    return problems


def _unused_accounts(storage: Storage, accounts: Sequence[Account]) -> list[str]:
    """Accounts of issuers may be declared for more storages than one, or be misspelt."""
    issuers = {issuer.name for issuer in storage.issuers}
    names = dict.fromkeys(account.issuer for account in accounts if account.issuer and account.issuer not in issuers)
    return [f"dcache_accounts: {name} is not among the issuers of this storage, so its account is not used here." for name in names]


def _found_login(files: Mapping[str, str], release: str, hostname: str) -> bool:
    """Whether the host had a gPlazma of its own before. The package's gplazma.conf alone is none."""
    before = Draft(files, release, hostname)
    return bool(before.services("gplazma")) and before.login.conf_path.lstrip("/") in files


# --- the whole host --------------------------------------------------------------------------------------------------------------------


def _host_wide(draft: Draft, storage: Storage, options: Options, *, fresh: bool) -> None:
    if CONF not in draft.files:
        draft.files[CONF] = f"# {HEAD}\n"
    if fresh:
        if draft.layout not in draft.files:
            draft.files[draft.layout] = f"# {HEAD}\n"
        _fresh_properties(draft, storage, options)
    if copies_certificate(draft, options):
        draft.set_host_wide(CERTIFICATE, options.certificate)
        draft.set_host_wide(KEY, options.key)
    if options.zookeeper:
        draft.set_host_wide("dcache.zookeeper.connection", options.zookeeper)
    for name, value in (
        ("dcache.db.host", options.database.host),
        ("dcache.db.user", options.database.user),
        ("dcache.db.password.file", options.database.password_file),
    ):
        if value:
            draft.set_host_wide(name, value)
    for name, value in options.properties.items():
        draft.set_host_wide(name, value)


def copies_certificate(draft: Draft, options: Options) -> bool:
    """Whether the certificate of the host is copied for dCache: not where the site has a key that dCache owns."""
    key = draft.host.layout.value(KEY)
    return bool(options.certificate_source and options.key_source) and (key == options.key or key not in options.owned)


def _fresh_properties(draft: Draft, storage: Storage, options: Options) -> None:
    """What a new host needs and what a person may change later."""
    tape = any(area.media == "tape" for area in storage.areas)
    wanted = {
        "dcache.enable.space-reservation": "false",
        "dcache.default-access-latency": "NEARLINE" if tape else "ONLINE",
        "dcache.default-retention-policy": "CUSTODIAL" if tape else "REPLICA",
        "info-provider.se-unique-id": storage.doors[0].host,
        **(dcache_qos.properties(options.areas, draft.release) if options.areas else {}),
    }
    for name, value in wanted.items():
        if name not in options.properties and place(draft.host.layout, name) is None:
            draft.set_host_wide(name, value)


# --- domains, doors, pools -------------------------------------------------------------------------------------------------------------


def _domain(draft: Draft, wanted: DomainOptions) -> None:
    domain = draft.domain(wanted.name)
    if domain is None:
        draft.add_domain(wanted.name, wanted.properties)
    else:
        for name, value in wanted.properties.items():
            draft.set_in_domain(_at(draft, wanted.name), name, value)
    for service in wanted.services:
        here = [each for each in _at(draft, wanted.name).services if each.type == service.kind]
        if not here and service.kind in KINDS.values():
            continue  # doors are added with their port
        if not here:
            properties = dict(service.properties)
            if service.kind == "frontend":
                properties |= {name: "" for name in SHIPPED_CLIENT if name not in properties and _knows(draft, name)}
            draft.add_service(_at(draft, wanted.name), service.kind, properties)
        for name, value in service.properties.items():
            draft.set_in_service(next(each for each in _at(draft, wanted.name).services if each.type == service.kind), name, value)


def _at(draft: Draft, name: str) -> Domain:
    domain = draft.domain(name)
    if domain is None:
        raise KeyError(name)
    return domain


def _knows(draft: Draft, name: str) -> bool:
    known = dcache_data.load(draft.release_name)
    return known is not None and name in known.properties


def _serves_doors(draft: Draft, storage: Storage, options: Options) -> bool:
    """Whether a host that nobody gave domains to is one of the doors: pool nodes are not."""
    kinds = {service.type for service in draft.host.services()}
    return bool(kinds & {"webdav", "xrootd", "poolmanager"}) or any(door.host == options.host for door in storage.doors)


def _doors(draft: Draft, storage: Storage, options: Options) -> list[str]:
    notes = []
    own = [door for door in storage.doors if door.host == options.host]
    offered = {service.kind for domain in options.domains for service in domain.services}
    for door in own or storage.doors:
        kind = KINDS.get(door.scheme)
        if kind is None:
            notes.append(f"The {door.scheme} door at port {door.port} is left as it is: it takes no tokens.")
        elif not options.domains or kind in offered:
            _door(draft, storage, options, door, kind)
    head = bool(draft.services("poolmanager")) and not options.domains
    if head and draft.services("webdav") and not draft.services("transfermanagers"):
        draft.add_service(draft.services("webdav")[0][0], "transfermanagers", {})
        notes.append("The service transfermanagers was added: without it there are no third-party copies over HTTP.")
    return notes


def _door(draft: Draft, storage: Storage, options: Options, door: Door, kind: str) -> None:
    found = [service for _domain, service in draft.services(kind) if service.scope.value(f"{kind}.net.port") == str(door.port)]
    if not found:
        known = draft.services(kind)
        properties = {f"{kind}.net.port": str(door.port)}
        if known:
            properties[f"{kind}.cell.name"] = f"{'WebDAV' if kind == 'webdav' else 'Xrootd'}-{door.port}-${{host.name}}"
        if kind == "webdav":
            properties["webdav.authn.protocol"] = "https"
        if door.prefix != "/":
            properties[f"{kind}.root"] = door.prefix
        declared = next((service for domain in options.domains for service in domain.services if service.kind == kind), None)
        draft.add_service(_door_domain(draft, options, kind), kind, {**properties, **(declared.properties if declared else {})})
    if door.prefix not in ("/", _service_at(draft, kind, door.port).scope.value(f"{kind}.root")):
        draft.set_in_service(_service_at(draft, kind, door.port), f"{kind}.root", door.prefix)
    if kind == "webdav":
        _ensure_webdav(draft, door)
    else:
        _ensure_xrootd(draft, storage, door, new=not found)


def _service_at(draft: Draft, kind: str, port: int) -> LayoutService:
    return next(service for _domain, service in draft.services(kind) if service.scope.value(f"{kind}.net.port") == str(port))


def _door_domain(draft: Draft, options: Options, kind: str) -> Domain:
    """Where a door goes: the domain declared for it, else beside doors of its kind, else beside other doors, else an own domain."""
    declared = [domain.name for domain in options.domains if any(service.kind == kind for service in domain.services)]
    if declared:
        return _at(draft, declared[0])
    beside = [
        domain for kinds in ((kind,), ("webdav", "xrootd", "frontend")) for each in kinds for domain, _service in draft.services(each)
    ]
    if beside:
        return beside[0]
    if draft.host.domains and draft.host.domains[0].scope.value("dcache.broker.scheme") == "none":
        return draft.host.domains[0]  # without messages between domains there can be one only
    if draft.domain(DOOR_DOMAIN) is None:
        draft.add_domain(DOOR_DOMAIN, {})
    return _at(draft, DOOR_DOMAIN)


def _ensure_webdav(draft: Draft, door: Door) -> None:
    draft.set_in_service(_service_at(draft, "webdav", door.port), "webdav.authn.protocol", "https")
    if _service_at(draft, "webdav", door.port).scope.value("webdav.authn.require-client-cert") == "true":
        draft.set_in_service(_service_at(draft, "webdav", door.port), "webdav.authn.require-client-cert", "false")


def _ensure_xrootd(draft: Draft, storage: Storage, door: Door, *, new: bool) -> None:
    def door_now() -> LayoutService:
        return _service_at(draft, "xrootd", door.port)

    if XROOTD_TLS.covers(draft.release) and storage.issuers:
        plugins = door_now().scope.value("xrootd.plugins").split(",")
        if not any(plugin.startswith("authz:scitokens") for plugin in plugins):
            draft.set_in_service(door_now(), "xrootd.plugins", _xrootd_plugins(plugins, storage, draft.release))
        if new:
            draft.set_in_service(door_now(), "xrootd.security.tls.mode", "STRICT")
        elif door_now().scope.value("xrootd.security.tls.mode") == "OFF":
            draft.set_in_service(door_now(), "xrootd.security.tls.mode", "OPTIONAL")
    path = _real(_root(draft, storage), storage.base_path)
    paths = [each for each in door_now().scope.value("xrootd.authz.write-paths").split(":") if each]
    if not any(_covers(each, path) for each in paths):
        draft.set_in_service(door_now(), "xrootd.authz.write-paths", ":".join([*paths, path]))


def _xrootd_plugins(plugins: Sequence[str], storage: Storage, release: Release) -> str:
    """The plug-ins of a door with tokens. What authenticates today stays; before 8.1 there can be one of these only."""
    kept = [plugin for plugin in plugins if plugin.startswith("gplazma:") and plugin != "gplazma:none"]
    if XROOTD_TOKENS_BY_DEFAULT.covers(release):
        chain = ["gplazma:ztn", *(["gplazma:gsi"] if storage.x509 else []), *kept, "gplazma:none"]
        return ",".join([*dict.fromkeys(chain), "authz:scitokens"])
    return ",".join([*(kept[:1] or ["gplazma:gsi" if storage.x509 else "gplazma:none"]), "authz:scitokens"])


def _covers(path: str, other: str) -> bool:
    top = path.rstrip("/")
    return other == top or other.startswith(f"{top}/")


def _pools(draft: Draft, options: Options) -> None:
    """Adds the pools that are missing; one that is there keeps its section."""
    for pool in options.pools:
        if any(service.scope.value("pool.name") == pool.name for _domain, service in draft.services("pool")):
            continue
        if draft.domain(options.pool_domain) is None:
            draft.add_domain(options.pool_domain, {})
        size = {"pool.size": pool.size_text} if pool.size_text else {}
        section = {"pool.name": pool.name, "pool.path": pool.path, **size, "pool.tags": pool.tags_text}
        draft.add_service(_at(draft, options.pool_domain), "pool", section)


def _quality(draft: Draft, storage: Storage, options: Options, qos: dcache_qos.Options, *, fresh: bool) -> list[str]:
    """The files that say quality of service, where they are read.

    A running PoolManager and running pools do not read theirs again, and what they hold may be newer: a dCache that is there is left to the
    module dcache_qos, which talks to it.
    """
    found = {f"/{path}": text for path, text in draft.files.items()}
    heads = draft.services("poolmanager")
    wanted: dict[str, str] = {}
    notes: list[str] = []
    if heads and options.areas:
        scope = heads[0][1].scope
        paths = dcache_qos_files.Paths(
            pool_manager=scope.value("poolmanager.setup.file") or POOLMANAGER_SETUP,
            link_groups=scope.value("spacemanager.authz.link-group-file-name") or dcache_qos_files.LINK_GROUPS,
            wellknown=scope.value("dcache.wellknown!wlcg-tape-rest-api.path")
            or scope.value("frontend.wellknown!wlcg-tape-rest-api.path")
            or dcache_qos_files.Paths().wellknown,
        )
        head = dcache_qos_files.head_files(options.areas, qos, draft.release, found, storage.site, paths)
        wanted |= {path: text for path, text in head.files.items() if path != paths.pool_manager or fresh}
        notes += head.notes if fresh else ()
    setups = dcache_qos_files.setup_files(options.areas, qos, options.host, found)
    wanted |= {path: text for path, text in setups.items() if path not in found}
    draft.files |= {path.lstrip("/"): text for path, text in wanted.items()}
    return notes


def _root(draft: Draft, storage: Storage) -> str:
    """What the paths of the description lack: the root of WebDAV doors, unless the description knows of it (``prefix`` of a door)."""
    if any(door.prefix != "/" for door in storage.doors):
        return "/"
    return _webdav_root(draft)


def _webdav_root(draft: Draft) -> str:
    doors = draft.services("webdav")
    root = doors[0][1].scope.value("webdav.root") if doors else draft.host.layout.value("dcache.root")
    return root or "/"


def in_name_space(draft: Draft, path: str) -> str:
    """A path that clients of WebDAV use, as the name space has it; for doors without a prefix of their own."""
    return _real(_webdav_root(draft), path)


def _real(root: str, path: str) -> str:
    """A path that clients use, in the name space."""
    return posixpath.normpath(f"{root}/{path}") if root != "/" else path


# --- the rest --------------------------------------------------------------------------------------------------------------------------


def _wanted(draft: Draft, files: Mapping[str, str], options: Options) -> tuple[WantedFile, ...]:
    wanted = []
    for path, text in draft.files.items():
        if files.get(path) == text:
            continue
        name = f"/{path}"
        secret = "htpasswd" in posixpath.basename(path)
        if path in files:
            wanted.append(WantedFile(name, text, secret=secret))
        elif path.startswith("var/lib/dcache/") or path.endswith("/setup"):  # dCache writes these itself
            wanted.append(WantedFile(name, text, None, options.user, options.user, "0644"))
        elif secret:
            wanted.append(WantedFile(name, text, None, "root", options.user, "0640", secret=True))
        else:
            wanted.append(WantedFile(name, text, None, "root", "root", "0644"))
    if copies_certificate(draft, options):
        wanted += copies(options.certificate, options.certificate_source, options.key, options.key_source, options.user)
    return tuple(wanted)


def _listeners(draft: Draft) -> tuple[tuple[str, int], ...]:
    found = []
    for kind in ("webdav", "xrootd", "frontend", "admin"):
        for _domain, service in draft.services(kind):
            address, port = (service.scope.value(f"{kind}.net.{name}").strip() for name in ("listen", "port"))
            if port.isdigit():
                found.append((LOCAL if address in EVERY_ADDRESS else address, int(port)))
    return tuple(dict.fromkeys(found))


def _directories(draft: Draft, options: Options) -> tuple[tuple[str, str, str], ...]:
    """Path, owner and mode of what must be there before dCache starts."""
    made = []
    if copies_certificate(draft, options):
        made += [(posixpath.dirname(path), options.user, "0755") for path in (options.certificate, options.key)]
    made.append((posixpath.dirname(f"/{draft.layout}"), "root", "0755"))
    for pool in options.pools:
        made += [(pool.path, options.user, "0755"), (f"{pool.path}/data", options.user, "0755")]
    return tuple(dict.fromkeys(made))
