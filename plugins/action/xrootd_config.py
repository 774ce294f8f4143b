# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of xrootd_config."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Mapping
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.action_base import DatalakeAction
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import xrootd as checks
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding, refused
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.xrootd_tables import parse_release
from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import load_lake, load_storage
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Storage
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import MASK
from ansible_collections.escape.datalake.plugins.plugin_utils.systems import xrootd

PACKAGE = "xrootd-server"
TEXTS = (
    "/etc/xrootd/*.cfg",
    "/etc/xrootd/config.d",
    "/etc/xrootd/config.d/*",
    "/etc/xrootd/authdb",
    "/etc/xrootd/scitokens.cfg",
    "/etc/xrootd/environment",
    "/etc/default/xrootd",
    "/etc/sysconfig/xrootd",
    "/etc/systemd/system/xrootd@*.service.d/*.conf",
    checks.AUTHDB_OLD_DEFAULT,
)
HOMES = ("/var/spool/xrootd", "/var/lib/xrootd")


class Stop(Exception):
    """Ends the task with a result that says why."""

    def __init__(self, result: dict[str, Any]) -> None:
        self.result = {"failed": True, **result}
        super().__init__(result.get("msg", ""))


class Host:
    """What was read of the host so far."""

    def __init__(self) -> None:
        self.entries: dict[str, dict[str, Any]] = {}
        self.asked: set[str] = set()
        self.services: dict[str, dict[str, Any]] = {}
        self.users: dict[str, Any] = {}
        self.answers: dict[str, bool | None] = {}
        self.installed: str | None = None
        self.name: str | None = None
        self.calls = 0

    @property
    def texts(self) -> dict[str, str]:
        return {path: entry["content"] for path, entry in self.entries.items() if "content" in entry}

    def facts(self, arguments: Mapping[str, Any], instances: tuple[str, ...] | None) -> checks.Facts:
        user = arguments["user"]
        account = self.users.get(user)
        return checks.Facts(
            instances=instances,
            installed=self.installed,
            host=self.name,
            user=user,
            lab=arguments["lab"],
            entries=self.entries,
            homes={user: account["home"]} if account else {},
        )


class ActionModule(DatalakeAction):
    ARGUMENTS = {
        "lake": {"type": "dict", "required": True},
        "storage": {"type": "dict", "required": True},
        "instance": {"type": "str", "default": "datalake"},
        "user": {"type": "str", "default": "xrootd"},
        "name_space": {"type": "path", "default": "/var/lib/xrootd/ns"},
        "certificate": {"type": "path", "default": "/etc/grid-security/xrd/hostcert.pem"},
        "key": {"type": "path", "default": "/etc/grid-security/xrd/hostkey.pem", "no_log": False},
        "certificate_source": {"type": "path"},
        "key_source": {"type": "path", "no_log": False},
        "authorities": {"type": "path"},
        "cache": {"type": "path", "default": "/var/cache/xrootd"},
        "lab": {"type": "bool", "default": False},
        "monitoring": {
            "type": "dict",
            "default": {},
            "options": {"report": {"type": "str"}, "detailed": {"type": "str"}, "transfers": {"type": "str"}},
        },
        "macaroons_secret": {"type": "str", "no_log": True},
        "macaroons_file": {"type": "path", "default": "/etc/xrootd/macaroon-secret"},
        "directives": {"type": "list", "elements": "str", "default": []},
        "service": {"type": "dict", "default": {}},
        "directories": {"type": "list", "elements": "path", "default": []},
        "accept": {"type": "list", "elements": "str", "default": []},
        "backup": {"type": "bool", "default": True},
    }

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        self._variables = task_vars
        try:
            return self._configure(arguments)
        except Stop as stop:
            return stop.result

    def _configure(self, arguments: dict[str, Any]) -> dict[str, Any]:
        storage = load_storage(arguments["storage"], load_lake(arguments["lake"]))
        options = _options(arguments)
        host = self._read_for(storage, options, arguments)
        facts = host.facts(arguments, (options.instance,))
        release = parse_release(host.installed or storage.release)
        site = xrootd.plan(storage, options, host.texts, facts, release)
        files, directories = _differing(site, options, host.entries, arguments["macaroons_secret"])
        before = checks.check({path: text for path, text in host.texts.items() if options.main_file in host.texts}, facts, storage.release)
        after = _after(host, files, directories, options)
        findings = checks.check({**host.texts, **site.texts}, after.facts(arguments, (options.instance,)), storage.release)
        bad = [finding for finding in refused(findings) if finding.rule not in arguments["accept"]]
        if bad:
            raise Stop(
                {
                    "msg": "The configuration was refused and nothing was written:\n" + "\n".join(f"  {finding}" for finding in bad),
                    "findings": _as_dicts(findings),
                }
            )
        backups: dict[str, str] = {}
        if (files or directories) and not self.check_mode:
            backups = self._write(host, files, directories, options, backup=arguments["backup"])
        written = [each.path for each in files]
        reasons = xrootd.restart_reasons(site, options, host.services.get(options.unit, {}), host.entries, host.answers, written)
        actions = [f"{'update' if _is_there(host.entries, each.path) else 'create'} {each.path}" for each in files]
        actions += [f"{'update' if _is_there(host.entries, path) else 'create'} directory {path}" for path, _mode in directories]
        return {
            "changed": bool(actions or reasons),
            "actions": actions + [f"restart {options.unit}: {reason}" for reason in reasons],
            "diff": [_diff(each, host.entries) for each in files]
            + [_directory_diff(path, mode, host.entries) for path, mode in directories],
            "findings": _as_dicts(findings),
            "found": _as_dicts(before),
            "restart": [options.unit] if reasons else [],
            "reload": {path: seconds for path, seconds in site.reread.items() if path in written},
            "backups": backups,
            "service": host.services.get(options.unit, {}),
            "release": host.installed or storage.release,
            "calls": host.calls,
        }

    def _read_for(self, storage: Storage, options: xrootd.Options, arguments: dict[str, Any]) -> Host:
        """Everything that the plan needs, in one call unless the site keeps files in unusual places."""
        secrets = [options.certificate, options.key, options.certificate_source, options.key_source]
        if options.macaroons_file:
            secrets.append(options.macaroons_file)
        host = self._read(
            Host(),
            paths=[*TEXTS, options.main_file, options.unit_file],
            secrets=[path for path in secrets if path],
            stats=[
                *HOMES,
                *(path for path, _mode in xrootd.directories_of(storage, options)),
                *([options.authorities] if options.authorities else []),
            ],
            services=[options.unit],
            packages=[PACKAGE],
            users=[options.user],
            tls_ports=sorted({door.port for door in storage.doors}),
        )
        self._follow(host, options.main_file, arguments)
        return host

    def _follow(self, host: Host, main: str, arguments: dict[str, Any]) -> None:
        """Reads what a main file names and what was not read yet."""
        for _round in range(2):  # fragments can name further files
            if main not in host.texts:
                return
            server = checks.Server(main, host.texts, host.facts(arguments, None), None)
            texts = [path for path in (server.tokens_path, server.authdb_path if server.asks_authdb else None) if path]
            texts += [pattern for each in server.find("continue") for pattern in checks.continued_paths(each)]
            texts = [path for path in texts if path not in host.asked]
            stats = [path for path in checks.named_paths(server) if path not in host.asked]
            if not texts and not stats:
                return
            self._read(host, paths=texts, stats=stats)

    def _read(self, host: Host, **arguments: Any) -> Host:
        answer = self._module("host_read", {name: list(value) for name, value in arguments.items()})
        host.calls += 1
        host.asked.update(*(arguments.get(name, ()) for name in ("paths", "secrets", "stats")))
        host.entries.update(answer["files"])
        host.services.update(answer["services"])
        host.answers.update(answer["answers"])
        host.users.update(answer["users"])
        host.installed = answer["packages"].get(PACKAGE) or host.installed
        host.name = answer["hostname"]
        strange = [path for path, entry in answer["files"].items() if entry.get("binary")]
        if strange:
            raise Stop(
                {"msg": f"{', '.join(strange)}: not UTF-8 text, so it cannot be edited safely. Convert it with iconv, or move it away."}
            )
        return host

    def _write(
        self, host: Host, files: list[xrootd.WantedFile], directories: list[tuple[str, str]], options: xrootd.Options, *, backup: bool
    ) -> dict[str, str]:
        wanted = [{name: value for name, value in vars(each).items() if value is not None} for each in files]
        for each in wanted:
            if each["secret"] and "content" in each:
                each["secret_content"] = each.pop("content")
            each["backup"] = backup and "source" not in each and not each["secret"]
        places = [{"path": posixpath.dirname(each.path)} for each in files if each.path == options.unit_file]
        for path, mode in directories:
            new = {} if _is_there(host.entries, path) else {"mode": mode}
            places.append({"path": path, "owner": options.user, "group": options.user, **new})
        request = {"files": wanted, "directories": places}
        answer = self._module("host_write", request)
        host.calls += 1
        backups: dict[str, str] = answer["backups"]
        return backups

    def _module(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self._execute_module(
            module_name=f"escape.datalake.{name}", module_args=arguments, task_vars=self._variables
        )
        if answer.get("failed") or answer.get("unreachable"):
            raise Stop({key: value for key, value in answer.items() if key in ("msg", "problems", "unreachable", "module_stderr", "rc")})
        return answer


def _options(arguments: Mapping[str, Any]) -> xrootd.Options:
    names = ("instance", "user", "name_space", "certificate", "key", "certificate_source", "key_source", "authorities", "cache", "lab")
    return xrootd.Options(
        **{name: arguments[name] for name in names},
        monitoring=xrootd.Monitoring(**{name: arguments["monitoring"].get(name) for name in ("report", "detailed", "transfers")}),
        macaroons_file=arguments["macaroons_file"] if arguments["macaroons_secret"] else None,
        directives=tuple(arguments["directives"]),
        directories=tuple(arguments["directories"]),
        service={name: str(value) for name, value in arguments["service"].items()},
    )


def _differing(
    site: xrootd.Site, options: xrootd.Options, entries: Mapping[str, Mapping[str, Any]], secret: str | None
) -> tuple[list[xrootd.WantedFile], list[tuple[str, str]]]:
    """The files and directories that are not as they should be."""
    files = [each for each in site.files if not each.source or not _same_copy(each, entries)]
    if options.macaroons_file and secret:
        wanted = xrootd.WantedFile(options.macaroons_file, secret.strip() + "\n", None, options.user, options.user, "0400", secret=True)
        digest = hashlib.sha256((wanted.content or "").encode()).hexdigest()
        have = entries.get(wanted.path, {})
        if (have.get("sha256"), have.get("owner"), have.get("mode")) != (digest, wanted.owner, wanted.mode):
            files.append(wanted)
    directories = [(path, mode) for path, mode in site.directories if entries.get(path, {}).get("owner") != options.user]
    return files, directories


def _same_copy(wanted: xrootd.WantedFile, entries: Mapping[str, Mapping[str, Any]]) -> bool:
    have, source = entries.get(wanted.path, {}), entries.get(wanted.source or "", {})
    same = source.get("sha256") is not None and have.get("sha256") == source["sha256"]
    return same and (have.get("owner"), have.get("mode")) == (wanted.owner, wanted.mode)


def _after(host: Host, files: list[xrootd.WantedFile], directories: list[tuple[str, str]], options: xrootd.Options) -> Host:
    """The host as it will be."""
    after = Host()
    after.__dict__.update(vars(host))
    after.entries = dict(host.entries)
    for each in files:
        if each.source and not _is_there(host.entries, each.source):
            continue  # the check says that it is missing
        new = {name: value for name, value in (("owner", each.owner), ("group", each.group), ("mode", each.mode)) if value}
        after.entries[each.path] = {"kind": "file", **host.entries.get(each.path, {}), **new, "exists": True}
    for path, mode in directories:
        after.entries[path] = {"kind": "directory", "mode": mode, **host.entries.get(path, {}), "owner": options.user, "exists": True}
    return after


def _is_there(entries: Mapping[str, Mapping[str, Any]], path: str) -> bool:
    return bool(entries.get(path, {}).get("exists"))


def _diff(wanted: xrootd.WantedFile, entries: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    have = entries.get(wanted.path, {})
    before = have.get("content", "")
    after = wanted.content or ""
    if wanted.secret or wanted.source:
        before = f"{MASK} {have.get('owner')} {have.get('mode')}\n" if have.get("exists") else ""
        after = f"{MASK} {wanted.owner} {wanted.mode}" + (f", copied from {wanted.source}\n" if wanted.source else "\n")
    return {"before_header": wanted.path, "after_header": wanted.path, "before": before, "after": after}


def _directory_diff(path: str, mode: str, entries: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    have = entries.get(path, {})
    before = f"directory of {have.get('owner')}, mode {have.get('mode')}\n" if have.get("exists") else ""
    return {
        "before_header": path,
        "after_header": path,
        "before": before,
        "after": f"directory of the service, mode {have.get('mode', mode)}\n",
    }


def _as_dicts(findings: list[Finding]) -> list[dict[str, Any]]:
    return [finding.as_dict() for finding in findings]
