# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of dpm_config: one call reads the node, one lets its Apache judge, one writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import dpm as checks
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding
from ansible_collections.escape.datalake.plugins.plugin_utils.host_action import (
    ARGUMENTS,
    Entries,
    Found,
    HostAction,
    Stop,
    actions,
    after,
    as_dicts,
    diffs,
    refuse,
    relative,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import load_lake, load_storage
from ansible_collections.escape.datalake.plugins.plugin_utils.systems import dpm
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.wanted_file import WantedFile

SECRET_MODE = "0640"


class ActionModule(HostAction):
    ARGUMENTS = {
        **ARGUMENTS,
        "dav_file": {"type": "path", "default": "/etc/httpd/conf.d/zlcgdm-dav.conf"},
        "dav_group": {"type": "str", "default": "root"},
        "dome_group": {"type": "str", "default": "dpmmgr"},
        "dome_unit": {"type": "str", "default": "xrootd@dpmredir.service"},
        "dav_unit": {"type": "str", "default": "httpd.service"},
        "certificate": {"type": "path", "default": "/etc/grid-security/dpmmgr/dpmcert.pem"},
        "key": {"type": "path", "default": "/etc/grid-security/dpmmgr/dpmkey.pem", "no_log": False},
        "authorities": {"type": "path", "default": "/etc/grid-security/certificates"},
        "authorized": {"type": "list", "elements": "str", "default": []},
        "shared_key": {"type": "str", "no_log": True},
        "macaroon_secret": {"type": "str", "no_log": True},
        "database_password": {"type": "str", "no_log": True},
        "client": {
            "type": "dict",
            "default": {},
            "options": {
                "id": {"type": "str"},
                "secret": {"type": "str", "no_log": True},
                "passphrase": {"type": "str", "no_log": True},
                "scope": {"type": "str", "default": "openid email profile wlcg.groups"},
                "redirect_uri": {"type": "str"},
                "jwks_uri": {"type": "str"},
            },
        },
        "configtest": {"type": "bool", "default": True},
    }

    def configure(self, arguments: dict[str, Any]) -> dict[str, Any]:
        storage = load_storage(arguments["storage"], load_lake(arguments["lake"]))
        options = _options(arguments)
        host = self.read(
            Found(),
            paths=dict.fromkeys([*(f"/{pattern}" for pattern in checks.FILES), options.dav_file]),
            services=[options.dome_unit, options.dav_unit],
            packages=checks.PACKAGES,
        )
        release = next((version for name in checks.PACKAGES if (version := host.packages.get(name))), storage.release)
        site = dpm.plan(replace(storage, release=release), options, host.texts)
        files = _wanted(site, options, host, arguments)
        findings = _check(site.texts, release, after(host, files, ()))
        refuse(findings, arguments["accept"])
        tested = self._test(host, site, options, configtest=arguments["configtest"])
        backups: dict[str, str] = {}
        if files and not self.check_mode:
            backups = self.write(host, files, (), backup=arguments["backup"])
        reasons = dpm.restart_reasons(
            site, options, host.services, host.entries, [each.path for each in files if each.path in site.changed]
        )
        done = actions(host, files, ()) + [f"restart {unit}: {why}" for unit, words in reasons.items() for why in words]
        return {
            "changed": bool(done),
            "actions": done,
            "diff": diffs(host, files, (), dpm.masked, dpm.secrets_changed),
            "findings": as_dicts(findings),
            "found": as_dicts(_check(host.texts, release, host.entries) if dpm.HEAD in host.texts or dpm.DISK in host.texts else []),
            "restart": sorted(reasons),
            "backups": backups,
            "apache": tested,
            "release": release,
            "calls": host.calls,
        }

    def _test(self, host: Found, site: dpm.Site, options: dpm.Options, *, configtest: bool) -> dict[str, Any]:
        """What the host's Apache says about the doors before they are written."""
        if not configtest or options.dav_file not in site.changed:
            return {"tested": False, "output": "nothing to test" if configtest else "not asked"}
        files = [{"path": options.dav_file, "content": site.texts[options.dav_file]}]
        answer = self.module("apache_configtest", {"files": files})
        host.calls += 1
        if not answer["installed"]:
            if self.check_mode:
                return {"tested": False, "output": answer["output"]}
            raise Stop({"msg": f"{answer['output']} So nobody can judge {options.dav_file}; configtest=false writes it unseen."})
        if not answer["valid"]:
            raise Stop({"msg": f"Apache refuses the new {options.dav_file}, so nothing was written:\n{answer['output']}"})
        return {"tested": True, "output": answer["output"], "version": answer["version"]}


def _options(arguments: Mapping[str, Any]) -> dpm.Options:
    names = ("dav_file", "certificate", "key", "authorities", "dome_unit", "dav_unit")
    given = {name: value for name, value in arguments["client"].items() if value}
    return dpm.Options(
        **{name: arguments[name] for name in names},
        shared_key=arguments["shared_key"] or None,
        macaroon_secret=arguments["macaroon_secret"] or None,
        database_password=arguments["database_password"] or None,
        authorized=tuple(arguments["authorized"]),
        client=dpm.Client(**given),
    )


def _check(texts: Mapping[str, str], release: str, entries: Entries) -> list[Finding]:
    return checks.check(relative(texts), release, {path.lstrip("/"): entry for path, entry in entries.items()})


def _wanted(site: dpm.Site, options: dpm.Options, host: Found, arguments: Mapping[str, Any]) -> list[WantedFile]:
    """The files that differ, and those with secrets that are open to everybody."""
    files = []
    for path, text in site.texts.items():
        close = path in (dpm.HEAD, dpm.DISK, options.dav_file) and (not host.there(path) or host.open_to_all(path))
        group = arguments["dav_group" if path == options.dav_file else "dome_group"]
        if close:
            files.append(WantedFile(path, text, None, "root", group, SECRET_MODE, secret=True))
        elif path in site.changed:
            files.append(WantedFile(path, text, secret=True))
    return files
