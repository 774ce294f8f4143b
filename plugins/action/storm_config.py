# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of storm_config."""

from __future__ import annotations

import posixpath
import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import storm as checks
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import storm_release, storm_webdav_site
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.path_authz import Row
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.storm_namespace import Quota
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.tape_wellknown import Endpoint
from ansible_collections.escape.datalake.plugins.plugin_utils.host_action import (
    ARGUMENTS,
    Found,
    HostAction,
    actions,
    after,
    as_dicts,
    differing,
    diffs,
    missing_parents,
    missing_sources,
    refuse,
    relative,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.model import units
from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import load_lake, load_storage
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Storage
from ansible_collections.escape.datalake.plugins.plugin_utils.named_options import checked, stop_at
from ansible_collections.escape.datalake.plugins.plugin_utils.systems import storm
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.storm_layout import AreaOptions, Options, Secrets, access_points
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.wanted_file import WantedFile

MOUNTS, FSTAB = "/proc/self/mountinfo", "/etc/fstab"
SAFE_SECRET = re.compile(r"[A-Za-z0-9_.~+/=-]{32,}")
QUOTA_KINDS = {"fileset": "filesetName", "group": "groupName", "user": "userName"}
QUOTA = {
    "type": "dict",
    "options": {"device": {"type": "str", "required": True}, **{kind: {"type": "str"} for kind in QUOTA_KINDS}},
    "required_one_of": [tuple(QUOTA_KINDS)],
    "mutually_exclusive": [tuple(QUOTA_KINDS)],
}
AREA: dict[str, dict[str, Any]] = {
    "storage_class": {"type": "str", "choices": ["T0D1", "T1D0", "T1D1"]},
    "space_token": {"type": "str"},
    "online_size": {"type": "str"},
    "used_size": {"type": "str"},
    "quota": QUOTA,
    "file_system": {"type": "str", "choices": ["posixfs", "gpfs", "xfs"], "default": "posixfs"},
}
"""What is said of an area beside its description."""


class ActionModule(HostAction):
    ARGUMENTS = {
        **ARGUMENTS,
        "services": {"type": "list", "elements": "str", "choices": list(storm.UNITS), "default": ["webdav"]},
        "user": {"type": "str", "default": "storm"},
        "root": {"type": "path", "default": "/storage"},
        "certificate": {"type": "path", "default": "/etc/grid-security/storm-webdav/hostcert.pem"},
        "key": {"type": "path", "default": "/etc/grid-security/storm-webdav/hostkey.pem", "no_log": False},
        "certificate_source": {"type": "path"},
        "key_source": {"type": "path", "no_log": False},
        "http_port": {"type": "int", "default": 8085},
        "connections": {"type": "int", "default": 300},
        "aliases": {"type": "list", "elements": "str", "default": []},
        "macaroons": {"type": "bool", "default": False},
        "flat_vos": {"type": "list", "elements": "str", "default": []},
        "environment": {"type": "dict", "default": {}},
        "properties": {"type": "dict", "default": {}},
        "tape_endpoints": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {"uri": {"type": "str", "required": True}, "version": {"type": "str", "default": "v1"}},
        },
        "vomsdir": {"type": "dict", "default": {}},
        "report": {"type": "bool", "default": False},
        "report_root": {"type": "path", "default": "/storage/info"},
        "report_script": {"type": "str", "default": ""},
        "database_host": {"type": "str", "default": "localhost"},
        "database_user": {"type": "str", "default": "storm"},
        "database_password": {"type": "str", "no_log": True},
        "xmlrpc_token": {"type": "str", "no_log": True},
        "macaroons_secret": {"type": "str", "no_log": True},
        "path_authz": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "group": {"type": "str", "required": True},
                "path": {"type": "str", "required": True},
                "operations": {"type": "str", "required": True},
                "effect": {"type": "str", "choices": ["permit", "deny"], "default": "permit"},
            },
        },
        "areas": {"type": "dict", "default": {}},
    }

    def configure(self, arguments: dict[str, Any]) -> dict[str, Any]:
        storage = load_storage(arguments["storage"], load_lake(arguments["lake"]))
        options, given = _options(arguments, storage), _given_secrets(arguments)
        host = self._read_for(storage, options)
        texts = {path: text for path, text in host.texts.items() if path not in (MOUNTS, FSTAB)}
        told = host.packages.get(storm.PACKAGE) or storage.release
        release = storm_release.parse_release(told)
        site = storm.plan(storage, options, texts, release, _fresh_secrets(), given)
        self.look(host, site.directories)
        files, directories = differing(host, site.files, site.directories)
        files = _closed(files, host, options)
        before = _check(host, texts, told, options) if storm_webdav_site.read(relative(texts), release).areas else []
        findings = _check(host, {**texts, **site.texts}, told, options, after(host, files, directories))
        refuse(findings, arguments["accept"], missing_sources(host, files))
        backups: dict[str, str] = {}
        if (files or directories) and not self.check_mode:
            backups = self.write(host, files, directories, backup=arguments["backup"], parents=missing_parents(host, files))
        states = {storm.UNITS[name]: host.services.get(storm.UNITS[name], {}) for name in storm.UNITS if name in options.services}
        reasons = storm.restart_reasons(site, options, host.services, host.entries, [each.path for each in files])
        done = actions(host, files, directories) + [f"restart {unit}: {reason}" for unit, each in reasons.items() for reason in each]
        return {
            "changed": bool(done),
            "actions": done,
            "diff": diffs(host, files, directories, lambda _path, text: storm.masked(text)),
            "findings": as_dicts(findings),
            "found": as_dicts(before),
            "restart": list(reasons),
            "mounts": [{"source": source, "path": target} for source, target in site.mounts if not _mounted(host, target)],
            "backups": backups,
            "services": states,
            "enable": [unit for unit, state in states.items() if state.get("enabled") != "enabled"],
            "report_timer": host.services.get(posixpath.basename(storm.REPORT_TIMER), {}),
            "health": _health(options, release),
            "roots": [point.root for point in site.points],
            "release": told,
            "calls": host.calls,
        }

    def _read_for(self, storage: Storage, options: Options) -> Found:
        copies = [path for path in (options.certificate, options.key, options.certificate_source, options.key_source) if path]
        units = [storm.UNITS[name] for name in storm.UNITS if name in options.services]
        return self.read(
            Found(),
            paths=[*storm.read_paths(options), MOUNTS, FSTAB],
            secrets=copies,
            stats=_looked_at(storage, options),
            services=[*units, posixpath.basename(storm.REPORT_TIMER)],
            packages=[storm.PACKAGE],
        )


def _mounted(host: Found, directory: str) -> bool:
    """Whether something is mounted at a directory now and after the next boot."""
    texts = host.texts
    now, later = ([line.split() for line in texts.get(file, "").splitlines()] for file in (MOUNTS, FSTAB))
    return any(words[4:5] == [directory] for words in now) and any(words[1:2] == [directory] for words in later)


def _check(
    host: Found, texts: Mapping[str, str], release: str, options: Options, entries: Mapping[str, Mapping[str, Any]] | None = None
) -> list[Finding]:
    """entries: of the host as it will be."""
    return checks.check_host(relative(texts), release, checks.Facts(host.entries if entries is None else entries, options.user))


def _looked_at(storage: Storage, options: Options) -> list[str]:
    """Directories that the plan will want, as far as they follow from the description alone."""
    nothing_found = storm_webdav_site.read({}, None)
    points = access_points(storage, options, nothing_found)
    return [path for path, _owner, _mode in storm.own_directories(points, options)]


def _options(arguments: Mapping[str, Any], storage: Storage) -> Options:
    same = (
        "user",
        "root",
        "certificate",
        "key",
        "certificate_source",
        "key_source",
        "http_port",
        "connections",
        "macaroons",
        "report",
        "report_root",
        "report_script",
        "database_host",
        "database_user",
    )
    return Options(
        **{name: arguments[name] for name in same},
        services=frozenset(arguments["services"]),
        aliases=tuple(arguments["aliases"]),
        flat_vos=tuple(arguments["flat_vos"]),
        environment={name: _plain(value) for name, value in arguments["environment"].items()},
        properties={name: _plain(value) for name, value in arguments["properties"].items()},
        tape_endpoints=tuple(Endpoint(each["uri"], each["version"]) for each in arguments["tape_endpoints"]),
        vomsdir=_vomsdir(arguments["vomsdir"]),
        path_authz=tuple(Row(each["group"], each["path"], each["operations"], each["effect"]) for each in arguments["path_authz"]),
        areas=_area_options(arguments["areas"], storage),
    )


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _area_options(given: Mapping[str, Any], storage: Storage) -> dict[str, AreaOptions]:
    """Options of areas. Raises DescriptionError with everything that is wrong."""
    areas = [area.name for area in storage.areas]
    known = f"Areas: {', '.join(areas)}."
    problems = [Problem(f"storm_areas.{name}", "is no area of the storage.", known) for name in given if name not in areas]

    def size(name: str, key: str, text: str | None) -> int | None:
        try:
            return None if text is None else units.parse_size(text)
        except ValueError as problem:
            problems.append(Problem(f"storm_areas.{name}.{key}", str(problem), 'Write a size, such as "50TB".'))
            return None

    result = {
        name: AreaOptions(
            each["storage_class"],
            each["space_token"],
            size(name, "online_size", each["online_size"]),
            size(name, "used_size", each["used_size"]),
            _quota(each["quota"]),
            each["file_system"],
        )
        for name, each in checked("storm_areas", given, AREA, problems).items()
    }
    stop_at(problems)
    return result


def _quota(given: Mapping[str, Any] | None) -> Quota | None:
    """A quota of GPFS; the spec has seen to its keys."""
    kind = next((kind for kind in QUOTA_KINDS if given and given[kind]), None)
    return Quota(given["device"], QUOTA_KINDS[kind], given[kind]) if given and kind else None


def _vomsdir(given: Mapping[str, Any]) -> dict[str, dict[str, tuple[str, ...]]]:
    remedy = "Write {voms.example.org: [SUBJECT, ITS AUTHORITY]}."
    stop_at(
        [
            Problem(f"storm_vomsdir.{vo}", "is no mapping of hosts to lists of subjects.", remedy)
            for vo, hosts in given.items()
            if not isinstance(hosts, Mapping) or not all(isinstance(each, list) for each in hosts.values())
        ]
    )
    return {vo: {host: tuple(map(str, each)) for host, each in hosts.items()} for vo, hosts in given.items()}


def _fresh_secrets() -> Secrets:
    return Secrets(*(secrets.token_urlsafe(36) for _number in range(3)))


def _given_secrets(arguments: Mapping[str, Any]) -> Secrets:
    names = ("database_password", "xmlrpc_token", "macaroons_secret")
    words, remedy = "is short, or has characters that not all of its files can hold.", "Use at least 32 letters, digits and _.~+/=-."
    stop_at([Problem(f"storm_{name}", words, remedy) for name in names if arguments[name] and not SAFE_SECRET.fullmatch(arguments[name])])
    return Secrets(*(arguments[name] or None for name in names))


def _health(options: Options, release: storm_release.Release | None) -> str:
    """Where the service says that it is well."""
    prefix = "" if release is not None and release < storm_release.HEALTH_MOVED else "/.storm-webdav"
    return f"http://localhost:{options.http_port}{prefix}/actuator/health"


def _closed(files: list[WantedFile], host: Found, options: Options) -> list[WantedFile]:
    """The files to write, and with them those that hold secrets and that everybody can read."""
    texts = host.texts
    open_ones = [path for path in sorted(storm.hidden_paths(options)) if path in texts and host.open_to_all(path)]
    named = {each.path for each in files}
    closed = [replace(each, group=options.user, mode="0640") if each.path in open_ones else each for each in files]
    return closed + [WantedFile(path, texts[path], None, None, options.user, "0640", True) for path in open_ones if path not in named]
