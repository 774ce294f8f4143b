# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of dcache_config."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import dcache_host, dcache_properties
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_site import Site, load_site
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding, Severity
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.gplazma_login import FILE_OF_PLUGIN, FILE_PROPERTIES
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import gplazma_conf
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.tape_wellknown import SHIPPED_PATH
from ansible_collections.escape.datalake.plugins.plugin_utils.host_action import (
    ARGUMENTS,
    Found,
    HostAction,
    Stop,
    actions,
    as_dicts,
    differing,
    diffs,
    missing_sources,
    refuse,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import load_lake, load_storage
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Storage
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import MASK
from ansible_collections.escape.datalake.plugins.plugin_utils.systems import (
    dcache,
    dcache_events,
    dcache_qos,
    dcache_restarts,
    dcache_upgrade,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_draft import Draft, without_secrets
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_logins import Account, User
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_qos_files import LINK_GROUPS
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_qos_options import POOLS, QOS, load_options
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.wanted_file import WantedFile

PACKAGE = "dcache"
TEXTS = (
    "/etc/hostname",
    "/etc/default/dcache",
    "/etc/dcache.env",
    "/etc/dcache/*.conf",
    "/etc/dcache/layouts/*.conf",
    "/usr/share/dcache/plugins/*/*.properties",
    "/usr/local/share/dcache/plugins/*/*.properties",
    dcache_host.POOLMANAGER_SETUP,
    dcache_restarts.RECORD,
    LINK_GROUPS,
    SHIPPED_PATH,
    *FILE_PROPERTIES.values(),
)
UNITS = "dcache@*.service"
TARGET = "dcache.target"
ROLES = {"type": "list", "elements": "str", "default": []}
PROPERTIES = {"type": "dict", "default": {}}


class ActionModule(HostAction):
    ARGUMENTS = {
        **ARGUMENTS,
        "host": {"type": "str"},
        "release": {"type": "str"},
        "user": {"type": "str", "default": "dcache"},
        "domains": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "name": {"type": "str", "required": True},
                "properties": PROPERTIES,
                "services": {"type": "list", "elements": "raw", "default": []},
            },
        },
        "pools": POOLS,
        "qos": QOS,
        "events": {"type": "dict", "default": {}},
        "pool_domain": {"type": "str", "default": dcache.POOL_DOMAIN},
        "accounts": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "group": {"type": "str"},
                "issuer": {"type": "str"},
                "name": {"type": "str"},
                "uid": {"type": "int"},
                "gid": {"type": "int", "required": True},
                "roles": ROLES,
            },
            "mutually_exclusive": [("group", "issuer")],
            "required_one_of": [("group", "issuer")],
            "required_together": [("name", "uid")],
        },
        "users": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "name": {"type": "str", "required": True},
                "uid": {"type": "int", "required": True},
                "gid": {"type": "int", "required": True},
                "roles": ROLES,
                "password_hash": {"type": "str", "no_log": True},
            },
        },
        "profiles": {"type": "dict", "default": {}},
        "properties": PROPERTIES,
        "zookeeper": {"type": "str"},
        "database_host": {"type": "str"},
        "database_user": {"type": "str"},
        "database_password_file": {"type": "path", "no_log": False},
        "certificate": {"type": "path", "default": "/etc/grid-security/dcache/hostcert.pem"},
        "key": {"type": "path", "default": "/etc/grid-security/dcache/hostkey.pem", "no_log": False},
        "certificate_source": {"type": "path"},
        "key_source": {"type": "path", "no_log": False},
    }

    def configure(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Reads once, plans, checks, and writes once."""
        storage = load_storage(arguments["storage"], load_lake(arguments["lake"]))
        host = self.read(Found(), **_places(arguments, storage))
        self._follow(host, arguments, storage.release)
        release = arguments["release"] or host.packages.get(PACKAGE) or storage.release
        name = arguments["host"] or host.hostname
        texts = {path.lstrip("/"): text for path, text in host.texts.items()}
        try:
            events = dcache_events.settings(arguments["events"], release)
            options = _options(arguments, name, host, replace(storage, release=release), events.properties)
            site = dcache.plan(storage, options, texts, release)
        except ValueError as problem:
            raise Stop({"msg": str(problem)}) from None
        fresh_selection = dcache_host.POOLMANAGER_SETUP in {each.path for each in site.files if each.owner}
        findings = _check(site.texts, release, name, storage, options.areas if fresh_selection else ())
        restarts = dcache_restarts.plan(texts, site.texts, release, name, host.services, host.now)
        wanted = list(site.files)
        if restarts.record != texts.get(dcache_restarts.RECORD.lstrip("/")):
            wanted.append(WantedFile(dcache_restarts.RECORD, restarts.record, None, "root", "root", "0644"))
        installed = host.packages.get(PACKAGE)
        upgrade = dcache_upgrade.steps(installed, release, Draft(site.texts, release, name)) if installed else []
        files, directories = differing(host, wanted, site.directories)
        refuse(findings, arguments["accept"], missing_sources(host, files))
        backups: dict[str, str] = {}
        if (files or directories) and not self.check_mode:
            backups = self.write(host, files, directories, backup=arguments["backup"])
        done = actions(host, files, directories)
        return {
            "changed": bool(done or restarts.reasons),
            "actions": done + [f"restart {unit}: {reason}" for unit, reason in restarts.reasons.items()],
            "diff": [
                {name: without_secrets(text, MASK) if name in ("before", "after") else text for name, text in each.items()}
                for each in diffs(host, files, directories)
            ],
            "findings": as_dicts(findings),
            "found": as_dicts(_check(texts, release, name, storage) if load_site(texts, release, name).hosts[0].domains else []),
            "restart": list(restarts.reasons),
            "reload": dcache_restarts.reloads(site.texts, host.entries, load_site(site.texts, release, name), host.services),
            "domains": list(restarts.domains),
            "listeners": [{"address": address, "port": port} for address, port in site.listeners],
            "notes": [*site.notes, *events.notes, *(str(finding) for finding in findings if finding.severity is not Severity.NOTICE)],
            "upgrade": upgrade,
            "backups": {path: kept for path, kept in backups.items() if path != dcache_restarts.RECORD},
            "target": host.services.get(TARGET, {}),
            "host": name,
            "release": release,
            "calls": host.calls,
        }

    def holds_secrets(self, text: str) -> bool:
        return without_secrets(text, MASK) != text

    def _follow(self, host: Found, arguments: Mapping[str, Any], release: str) -> None:
        """Reads what the configuration names and what was not read yet."""
        for _round in range(2):  # the layout that is named can name further files
            texts = {path.lstrip("/"): text for path, text in host.texts.items()}
            site = load_site(texts, host.packages.get(PACKAGE) or release, arguments["host"] or host.hostname)
            missing = [path for path in _named(site, texts) if not host.knows(path)]
            key = site.hosts[0].layout.value(dcache.KEY)
            stats = [key] if key.startswith("/") and not host.knows(key) else []
            if not missing and not stats:
                return
            self.read(host, paths=missing, stats=stats)


def _places(arguments: Mapping[str, Any], storage: Storage) -> dict[str, list[str]]:
    """What is read at first."""
    secrets = [arguments[name] for name in ("certificate", "key", "certificate_source", "key_source") if arguments[name]]
    partitions = [path for area in storage.areas for path in area.partitions]
    pool_paths = [*partitions, *(pool["path"] for pool in arguments["pools"])]
    return {
        "paths": [*TEXTS, *(f"{path.rstrip('/')}/setup" for path in pool_paths)],
        "secrets": secrets,
        "stats": [
            "/etc/dcache/layouts",
            "/etc/grid-security/hostkey.pem",
            *sorted({path.rpartition("/")[0] for path in secrets}),
            *(path for pool in pool_paths for path in (pool, f"{pool}/data")),
        ],
        "services": [UNITS, TARGET],
        "packages": [PACKAGE],
        "users": [arguments["user"]],
    }


def _named(site: Site, texts: Mapping[str, str]) -> list[str]:
    """The files that the configuration names, by absolute path."""
    scope = next((service.scope for service in site.hosts[0].services() if service.type == "gplazma"), site.hosts[0].layout)
    named = [f"/{site.layout}", *(scope.value(name) or default for name, default in FILE_PROPERTIES.items())]
    named += [part if part.endswith(".conf") else f"{part}/*.properties" for part in scope.value("dcache.paths.setup").split(":") if part]
    conf = scope.value("gplazma.configuration.file") or FILE_PROPERTIES["gplazma.configuration.file"]
    for _number, line in gplazma_conf.parse(texts.get(conf.lstrip("/"), "")).entries():
        named += [value for name, value in line.arguments if name in FILE_OF_PLUGIN.values()]
    return [path for path in dict.fromkeys(named) if path.startswith("/") and "${" not in path]


def _options(arguments: Mapping[str, Any], name: str, host: Found, storage: Storage, events: Mapping[str, str]) -> dcache.Options:
    """storage: with the release that is installed. events: properties for storage events."""
    plain = ("user", "zookeeper", "certificate", "key", "certificate_source", "key_source")
    qos = load_options(arguments["qos"], arguments["pools"], name)
    placed = {each.area for each in qos.placements}
    # Areas that nobody places have their pools in the layout already.
    own = tuple(area for area in storage.areas if area.name in placed or area.partitions)
    areas = dcache_qos.plan_areas(replace(storage, areas=own), qos) if own or placed else ()
    domains = {domain["name"] for domain in arguments["domains"]}
    carries = not domains or arguments["pool_domain"] in domains
    return dcache.Options(
        host=name,
        domains=tuple(
            dcache.DomainOptions(
                each["name"],
                tuple(_service(service, each["name"]) for service in each["services"]),
                _texts(each["properties"]),
            )
            for each in arguments["domains"]
        ),
        accounts=tuple(
            Account(each["gid"], each["group"] or "", each["issuer"] or "", each["name"] or "", each["uid"], tuple(each["roles"]))
            for each in arguments["accounts"]
        ),
        users=tuple(User(**{**each, "roles": tuple(each["roles"])}) for each in arguments["users"]),
        profiles=tuple(sorted(arguments["profiles"].items())),
        pools=tuple(pool for each in areas for pool in each.pools if pool.host == name and carries),
        pool_domain=arguments["pool_domain"],
        areas=areas,
        qos=qos,
        owned=frozenset(path for path, entry in host.entries.items() if entry.get("owner") == arguments["user"]),
        database=dcache.Database(arguments["database_host"], arguments["database_user"], arguments["database_password_file"]),
        properties={**events, **_texts(arguments["properties"])},
        **{key: arguments[key] for key in plain},
    )


def _service(given: Any, domain: str) -> dcache.Service:
    """A service as a person names it: its name, or a mapping of name and properties."""
    if isinstance(given, str):
        return dcache.Service(given)
    if isinstance(given, Mapping) and isinstance(given.get("name"), str) and isinstance(given.get("properties", {}), Mapping):
        return dcache.Service(given["name"], _texts(given.get("properties", {})))
    raise Stop({"msg": f"domains: {domain}: {given!r} is no service. Write its name, or {{name: NAME, properties: {{KEY: VALUE}}}}."})


def _texts(properties: Mapping[str, Any]) -> dict[str, str]:
    """Values as dCache writes them: YAML makes ``true`` and numbers of what is text here."""
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in properties.items()}


def _check(texts: Mapping[str, str], release: str, name: str, storage: Storage, areas: Sequence[dcache_qos.AreaQos] = ()) -> list[Finding]:
    """areas: those whose pools the selection unit must find."""
    known = dcache_host.Known(areas=tuple(each.use for each in areas), issuers=tuple(issuer.url for issuer in storage.issuers))
    found = {
        **dict.fromkeys(dcache_properties.check(texts, release, name)),
        **dict.fromkeys(dcache_host.check(texts, release, name, known)),
    }
    return sorted(found, key=lambda finding: (finding.file, finding.line, finding.rule))
