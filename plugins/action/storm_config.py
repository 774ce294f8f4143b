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

from ansible_collections.escape.datalake.plugins.plugin_utils.action_base import DatalakeAction
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import storm as checks
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import storm_release, storm_webdav_site
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding, refused
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.path_authz import Row
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.storm_namespace import Quota
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.tape_wellknown import Endpoint
from ansible_collections.escape.datalake.plugins.plugin_utils.model import units
from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import load_lake, load_storage
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Storage
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import MASK
from ansible_collections.escape.datalake.plugins.plugin_utils.systems import storm
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.storm_layout import AreaOptions, Options, Secrets, access_points

MOUNTS, FSTAB = "/proc/self/mountinfo", "/etc/fstab"
SAFE_SECRET = re.compile(r"[A-Za-z0-9_.~+/=-]{32,}")
QUOTA_KINDS = {"fileset": "filesetName", "group": "groupName", "user": "userName"}


class Stop(Exception):
    """Ends the task with a result that says why."""

    def __init__(self, result: dict[str, Any]) -> None:
        self.result = {"failed": True, **result}
        super().__init__(result.get("msg", ""))


class Host:
    """What was read of the host."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        self.entries: dict[str, dict[str, Any]] = answer["files"]
        self.services: dict[str, dict[str, Any]] = answer["services"]
        self.installed: str | None = answer["packages"].get(storm.PACKAGE)

    @property
    def texts(self) -> dict[str, str]:
        return {path: entry["content"] for path, entry in self.entries.items() if "content" in entry and path not in (MOUNTS, FSTAB)}

    def is_there(self, path: str) -> bool:
        return bool(self.entries.get(path, {}).get("exists"))

    def mounted(self, directory: str) -> bool:
        """Whether something is mounted at a directory now and after the next boot."""
        now = [line.split() for line in self.entries.get(MOUNTS, {}).get("content", "").splitlines()]
        later = [line.split() for line in self.entries.get(FSTAB, {}).get("content", "").splitlines()]
        return any(words[4:5] == [directory] for words in now) and any(words[1:2] == [directory] for words in later)


class ActionModule(DatalakeAction):
    ARGUMENTS = {
        "lake": {"type": "dict"},
        "storage": {"type": "dict"},
        "check_only": {"type": "bool", "default": False},
        "release": {"type": "str"},
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
        "accept": {"type": "list", "elements": "str", "default": []},
        "backup": {"type": "bool", "default": True},
    }
    CONSTRAINTS = {"required_together": [("lake", "storage")], "required_if": [("check_only", False, ("lake", "storage"))]}

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        self._variables = task_vars
        self._calls = 0
        try:
            return self._check(arguments) if arguments["check_only"] else self._configure(arguments)
        except Stop as stop:
            return stop.result

    def _check(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Reads an existing site and says what was found; needs no description."""
        options = Options(services=frozenset(storm.UNITS), report=True)
        host = self._read(options, [])
        release = arguments["release"] or host.installed or ""
        found = checks.check_host(_relative(host.texts), release, checks.Facts(host.entries, arguments["user"]))
        return {
            "changed": False,
            "findings": _as_dicts(found),
            "refused": bool(refused(found)),
            "services": sorted(name for name, unit in storm.UNITS.items() if host.services.get(unit, {}).get("active") == "active"),
            "release": release,
            "calls": self._calls,
        }

    def _configure(self, arguments: dict[str, Any]) -> dict[str, Any]:
        storage = load_storage(arguments["storage"], load_lake(arguments["lake"]))
        options, given = _options(arguments, storage), _given_secrets(arguments)
        host = self._read(options, _looked_at(storage, options))
        told = host.installed or storage.release
        release = storm_release.parse_release(told)
        site = storm.plan(storage, options, host.texts, release, _fresh_secrets(), given)
        host = self._look_again(host, site)
        files = [each for each in site.files if not each.source or not _same_copy(each, host.entries)]
        files = _closed(files, host, options)
        directories = [(path, mode) for path, mode in site.directories if host.entries.get(path, {}).get("owner") != options.user]
        facts = checks.Facts(host.entries, options.user)
        before = (
            checks.check_host(_relative(host.texts), told, facts) if storm_webdav_site.read(_relative(host.texts), release).areas else []
        )
        after = checks.check_host(
            _relative({**host.texts, **site.texts}), told, replace(facts, entries=_after(host.entries, files, directories, options))
        )
        bad = [finding for finding in refused(after) if finding.rule not in arguments["accept"]]
        if bad:
            words = "\n".join(f"  {finding}" for finding in bad)
            raise Stop({"msg": f"The configuration was refused and nothing was written:\n{words}", "findings": _as_dicts(after)})
        backups: dict[str, str] = {}
        if (files or directories) and not self.check_mode:
            backups = self._write(host, files, directories, options, backup=arguments["backup"])
        written = [each.path for each in files]
        mounts = [(source, target) for source, target in site.mounts if not host.mounted(target)]
        states = {storm.UNITS[name]: host.services.get(storm.UNITS[name], {}) for name in storm.UNITS if name in options.services}
        reasons = storm.restart_reasons(site, options, host.services, host.entries, written)
        actions = [f"{'update' if host.is_there(each.path) else 'create'} {each.path}" for each in files]
        actions += [f"{'update' if host.is_there(path) else 'create'} directory {path}" for path, _mode in directories]
        actions += [f"restart {unit}: {reason}" for unit, each in reasons.items() for reason in each]
        return {
            "changed": bool(actions),
            "actions": actions,
            "diff": [_diff(each, host.entries) for each in files]
            + [_directory_diff(path, mode, host.entries) for path, mode in directories],
            "findings": _as_dicts(after),
            "found": _as_dicts(before),
            "restart": list(reasons),
            "mounts": [{"source": source, "path": target} for source, target in mounts],
            "backups": backups,
            "services": states,
            "enable": [unit for unit, state in states.items() if state.get("enabled") != "enabled"],
            "report_timer": host.services.get(posixpath.basename(storm.REPORT_TIMER), {}),
            "health": _health(options, release),
            "roots": [point.root for point in site.points],
            "release": told,
            "calls": self._calls,
        }

    def _read(self, options: Options, stats: list[str]) -> Host:
        copies = [path for path in (options.certificate, options.key, options.certificate_source, options.key_source) if path]
        answer = self._module(
            "host_read",
            {
                "paths": [*storm.read_paths(options), MOUNTS, FSTAB],
                "secrets": copies,
                "stats": stats,
                "services": [
                    *(storm.UNITS[name] for name in storm.UNITS if name in options.services),
                    posixpath.basename(storm.REPORT_TIMER),
                ],
                "packages": [storm.PACKAGE],
            },
        )
        strange = [path for path, entry in answer["files"].items() if entry.get("binary")]
        if strange:
            raise Stop(
                {"msg": f"{', '.join(strange)}: not UTF-8 text, so it cannot be edited safely. Convert it with iconv, or move it away."}
            )
        return Host(answer)

    def _look_again(self, host: Host, site: storm.Site) -> Host:
        """Directories that follow from files of the host, such as the roots of storage areas made by hand."""
        unseen = [path for path, _mode in site.directories if path not in host.entries]
        if unseen:
            host.entries.update(self._module("host_read", {"stats": unseen})["files"])
        return host

    def _write(
        self, host: Host, files: list[storm.WantedFile], directories: list[tuple[str, str]], options: Options, *, backup: bool
    ) -> dict[str, str]:
        wanted = [{name: value for name, value in vars(each).items() if value is not None} for each in files]
        for each in wanted:
            each["backup"] = backup and "source" not in each and not each["secret"]
            if each["secret"] and "content" in each:
                each["secret_content"] = each.pop("content")
        named = {path for path, _mode in directories}
        parents = dict.fromkeys(posixpath.dirname(each.path) for each in files if not host.is_there(each.path))
        places: list[dict[str, Any]] = [{"path": path} for path in parents if path not in named]
        for path, mode in directories:
            new = {} if host.is_there(path) else {"mode": mode}
            places.append({"path": path, "owner": options.user, "group": options.user, **new})
        answer = self._module("host_write", {"files": wanted, "directories": places})
        backups: dict[str, str] = answer["backups"]
        return backups

    def _module(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self._execute_module(
            module_name=f"escape.datalake.{name}", module_args=arguments, task_vars=self._variables
        )
        self._calls += 1
        if answer.get("failed") or answer.get("unreachable"):
            raise Stop({key: value for key, value in answer.items() if key in ("msg", "problems", "unreachable", "module_stderr", "rc")})
        return answer


def _looked_at(storage: Storage, options: Options) -> list[str]:
    """Directories that the plan will want, as far as they follow from the description alone."""
    nothing_found = storm_webdav_site.read({}, None)
    points = access_points(storage, options, nothing_found)
    return [path for path, _mode in storm.own_directories(points, options)]


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
        vomsdir={vo: {host: tuple(each) for host, each in hosts.items()} for vo, hosts in arguments["vomsdir"].items()},
        path_authz=tuple(Row(each["group"], each["path"], each["operations"], each["effect"]) for each in arguments["path_authz"]),
        areas=_area_options(arguments["areas"], storage),
    )


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _area_options(given: Mapping[str, Any], storage: Storage) -> dict[str, AreaOptions]:
    """Options of areas. Raises DescriptionError with everything that is wrong."""
    problems: list[Problem] = []
    result = {}
    known = {"storage_class", "space_token", "online_size", "used_size", "quota", "file_system"}
    for name, each in given.items():
        at = f"areas.{name}"
        if name not in {area.name for area in storage.areas}:
            problems.append(Problem(at, "is no area of the storage.", f"Areas: {', '.join(area.name for area in storage.areas)}."))
            continue
        problems += [Problem(f"{at}.{key}", "is not known.", f"Known: {', '.join(sorted(known))}.") for key in each if key not in known]
        quota = each.get("quota")
        kinds = [kind for kind in QUOTA_KINDS if quota and kind in quota]
        if quota and (len(kinds) != 1 or not quota.get("device")):
            problems.append(
                Problem(f"{at}.quota", "needs device and one of fileset, group and user.", "Write {device: gpfs0, fileset: escape}.")
            )
            continue
        if each.get("file_system", "posixfs") not in ("posixfs", "gpfs", "xfs"):
            problems.append(Problem(f"{at}.file_system", f'"{each["file_system"]}" is not known.', "Use posixfs, gpfs or xfs."))
        try:
            result[name] = AreaOptions(
                each.get("storage_class"),
                each.get("space_token"),
                units.parse_size(each["online_size"]) if "online_size" in each else None,
                units.parse_size(each["used_size"]) if "used_size" in each else None,
                Quota(quota["device"], QUOTA_KINDS[kinds[0]], quota[kinds[0]]) if quota else None,
                each.get("file_system", "posixfs"),
            )
        except ValueError as problem:
            problems.append(Problem(at, str(problem), 'Write a size, such as "50TB".'))
    if problems:
        raise DescriptionError(problems)
    return result


def _fresh_secrets() -> Secrets:
    return Secrets(*(secrets.token_urlsafe(36) for _number in range(3)))


def _given_secrets(arguments: Mapping[str, Any]) -> Secrets:
    names = ("database_password", "xmlrpc_token", "macaroons_secret")
    problems = [
        Problem(name, "is short, or has characters that not all of its files can hold.", "Use at least 32 letters, digits and _.~+/=-.")
        for name in names
        if arguments[name] and not SAFE_SECRET.fullmatch(arguments[name])
    ]
    if problems:
        raise DescriptionError(problems)
    return Secrets(*(arguments[name] or None for name in names))


def _health(options: Options, release: storm_release.Release | None) -> str:
    """Where the service says that it is well."""
    prefix = "" if release is not None and release < storm_release.HEALTH_MOVED else "/.storm-webdav"
    return f"http://localhost:{options.http_port}{prefix}/actuator/health"


def _relative(texts: Mapping[str, str]) -> dict[str, str]:
    return {path.lstrip("/"): text for path, text in texts.items()}


def _same_copy(wanted: storm.WantedFile, entries: Mapping[str, Mapping[str, Any]]) -> bool:
    have, source = entries.get(wanted.path, {}), entries.get(wanted.source or "", {})
    same = source.get("sha256") is not None and have.get("sha256") == source["sha256"]
    return same and (have.get("owner"), have.get("mode")) == (wanted.owner, wanted.mode)


def _closed(files: list[storm.WantedFile], host: Host, options: Options) -> list[storm.WantedFile]:
    """The files to write, and with them those that hold secrets and that everybody can read."""
    texts = host.texts
    open_ones = [
        path for path in sorted(storm.hidden_paths(options)) if path in texts and int(str(host.entries[path].get("mode", "0")), 8) & 0o004
    ]
    named = {each.path for each in files}
    closed = [replace(each, group=options.user, mode="0640") if each.path in open_ones else each for each in files]
    return closed + [
        storm.WantedFile(path, texts[path], None, None, options.user, "0640", secret=True) for path in open_ones if path not in named
    ]


def _after(
    entries: Mapping[str, Mapping[str, Any]], files: list[storm.WantedFile], directories: list[tuple[str, str]], options: Options
) -> dict[str, Mapping[str, Any]]:
    """What is known of the host's paths when all is written."""
    after: dict[str, Mapping[str, Any]] = dict(entries)
    for each in files:
        if each.source and not entries.get(each.source, {}).get("exists"):
            continue  # the check says that it is missing
        new = {name: value for name, value in (("owner", each.owner), ("group", each.group), ("mode", each.mode)) if value}
        after[each.path] = {"kind": "file", **entries.get(each.path, {}), **new, "exists": True}
    for path, mode in directories:
        after[path] = {"kind": "directory", "mode": mode, **entries.get(path, {}), "owner": options.user, "exists": True}
    return after


def _diff(wanted: storm.WantedFile, entries: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    have = entries.get(wanted.path, {})
    if wanted.source:
        before = f"{MASK} {have.get('owner')} {have.get('mode')}\n" if have.get("exists") else ""
        after = f"{MASK} {wanted.owner} {wanted.mode}, copied from {wanted.source}\n"
    else:
        before, after = storm.masked(have.get("content", "")), storm.masked(wanted.content or "")
    return {"before_header": wanted.path, "after_header": wanted.path, "before": before, "after": after}


def _directory_diff(path: str, mode: str, entries: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    have = entries.get(path, {})
    before = f"directory of {have.get('owner')}, mode {have.get('mode')}\n" if have.get("exists") else ""
    after = f"directory of the service, mode {have.get('mode', mode)}\n"
    return {"before_header": path, "after_header": path, "before": before, "after": after}


def _as_dicts(findings: list[Finding]) -> list[dict[str, Any]]:
    return [finding.as_dict() for finding in findings]
