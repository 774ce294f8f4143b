# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of xrootd_config."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import xrootd as checks
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.xrootd_tables import parse_release
from ansible_collections.escape.datalake.plugins.plugin_utils.host_action import (
    ARGUMENTS,
    Entries,
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
)
from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import load_lake, load_storage
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Storage
from ansible_collections.escape.datalake.plugins.plugin_utils.systems import xrootd
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.wanted_file import WantedFile

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


class ActionModule(HostAction):
    ARGUMENTS = {
        **ARGUMENTS,
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
    }

    def configure(self, arguments: dict[str, Any]) -> dict[str, Any]:
        storage = load_storage(arguments["storage"], load_lake(arguments["lake"]))
        options = _options(arguments)
        host = self._read_for(storage, options, arguments)
        installed = host.packages.get(PACKAGE)
        facts = _facts(host, host.entries, arguments, (options.instance,))
        site = xrootd.plan(storage, options, host.texts, facts, parse_release(installed or storage.release))
        self.look(host, site.directories)
        files, directories = differing(host, site.files, site.directories)
        files += _macaroons(host, options, arguments["macaroons_secret"])
        before = checks.check(host.texts, facts, storage.release) if options.main_file in host.texts else []
        known = _facts(host, after(host, files, directories), arguments, (options.instance,))
        findings = checks.check({**host.texts, **site.texts}, known, storage.release)
        refuse(findings, arguments["accept"], missing_sources(host, files))
        backups: dict[str, str] = {}
        if (files or directories) and not self.check_mode:
            units = missing_parents(host, [each for each in files if each.path == options.unit_file])
            backups = self.write(host, files, directories, backup=arguments["backup"], parents=units)
        written = [each.path for each in files]
        reasons = xrootd.restart_reasons(site, options, host.services.get(options.unit, {}), host.entries, host.answers, written)
        done = actions(host, files, directories)
        return {
            "changed": bool(done or reasons),
            "actions": done + [f"restart {options.unit}: {reason}" for reason in reasons],
            "diff": diffs(host, files, directories),
            "findings": as_dicts(findings),
            "found": as_dicts(before),
            "restart": [options.unit] if reasons else [],
            "reload": {path: seconds for path, seconds in site.reread.items() if path in written},
            "backups": backups,
            "service": host.services.get(options.unit, {}),
            "release": installed or storage.release,
            "calls": host.calls,
        }

    def _read_for(self, storage: Storage, options: xrootd.Options, arguments: dict[str, Any]) -> Found:
        """Everything that the plan needs, in one call unless the site keeps files in unusual places."""
        secrets = [options.certificate, options.key, options.certificate_source, options.key_source, options.macaroons_file]
        host = self.read(
            Found(),
            paths=[*TEXTS, options.main_file, options.unit_file],
            secrets=[path for path in secrets if path],
            stats=[
                *HOMES,
                *(path for path, _owner, _mode in xrootd.directories_of(storage, options)),
                *([options.authorities] if options.authorities else []),
            ],
            services=[options.unit],
            packages=[PACKAGE],
            users=[options.user],
            tls_ports=sorted({door.port for door in storage.doors}),
        )
        self._follow(host, options.main_file, arguments)
        return host

    def _follow(self, host: Found, main: str, arguments: dict[str, Any]) -> None:
        """Reads what a main file names and what was not read yet."""
        for _round in range(2):  # fragments can name further files
            if main not in host.texts:
                return
            server = checks.Server(main, host.texts, _facts(host, host.entries, arguments, None), None)
            texts = [path for path in (server.tokens_path, server.authdb_path if server.asks_authdb else None) if path]
            texts += [pattern for each in server.find("continue") for pattern in checks.continued_paths(each)]
            texts = [path for path in texts if path not in host.asked]
            stats = [path for path in checks.named_paths(server) if path not in host.asked]
            if not texts and not stats:
                return
            self.read(host, paths=texts, stats=stats)


def _facts(host: Found, entries: Entries, arguments: Mapping[str, Any], instances: tuple[str, ...] | None) -> checks.Facts:
    """entries: of the host as it is, or as it will be."""
    user = arguments["user"]
    account = host.users.get(user)
    return checks.Facts(
        instances=instances,
        installed=host.packages.get(PACKAGE),
        host=host.hostname,
        user=user,
        lab=arguments["lab"],
        entries=entries,
        homes={user: account["home"]} if account else {},
    )


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


def _macaroons(host: Found, options: xrootd.Options, secret: str | None) -> list[WantedFile]:
    """The file with the secret of macaroons, where it is not as it should be. Its text is never read from the host."""
    if not options.macaroons_file or not secret:
        return []
    text = secret.strip() + "\n"
    wanted = WantedFile(options.macaroons_file, text, None, options.user, options.user, "0400", secret=True)
    have = host.entries.get(wanted.path, {})
    digest = hashlib.sha256(text.encode()).hexdigest()
    return [] if (have.get("sha256"), have.get("owner"), have.get("mode")) == (digest, wanted.owner, wanted.mode) else [wanted]
