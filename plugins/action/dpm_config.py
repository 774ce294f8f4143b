# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of dpm_config: one call reads the node, one lets its Apache judge, one writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.action_base import DatalakeAction
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import dpm as checks
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding, refused
from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import load_lake, load_storage
from ansible_collections.escape.datalake.plugins.plugin_utils.systems import dpm

PACKAGE = "dmlite-dome"
SECRET_MODE = "0640"


class Stop(Exception):
    """Ends the task with a result that says why."""

    def __init__(self, result: dict[str, Any]) -> None:
        self.result = {"failed": True, **result}
        super().__init__(result.get("msg", ""))


class ActionModule(DatalakeAction):
    ARGUMENTS = {
        "lake": {"type": "dict"},
        "storage": {"type": "dict"},
        "check_only": {"type": "bool", "default": False},
        "release": {"type": "str"},
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
        """Reads an existing node and says what was found; needs no description."""
        host = self._read(arguments)
        texts = _texts(host)
        if not any(f"/{marker}" in texts for marker in checks.MARKERS):
            raise Stop({"msg": f"There is no DPM on this host: neither {dpm.HEAD} nor {dpm.DISK} is there."})
        found = _findings(texts, arguments["release"] or host["packages"].get(PACKAGE) or "", host["files"])
        return {"changed": False, "findings": _as_dicts(found), "refused": bool(refused(found)), "calls": self._calls}

    def _configure(self, arguments: dict[str, Any]) -> dict[str, Any]:
        storage = load_storage(arguments["storage"], load_lake(arguments["lake"]))
        options = _options(arguments)
        host = self._read(arguments)
        texts, entries = _texts(host), host["files"]
        site = dpm.plan(storage, options, texts)
        release = host["packages"].get(PACKAGE) or storage.release
        modes = {path: _mode(path, options, entries) for path in site.texts}
        differing = [path for path in site.texts if path in site.changed or modes[path]]
        after = {**entries, **{path: {**entries.get(path, {}), "mode": mode} for path, mode in modes.items() if mode}}
        findings = _findings(site.texts, release, after)
        bad = [finding for finding in refused(findings) if finding.rule not in arguments["accept"]]
        if bad:
            words = "\n".join(f"  {finding}" for finding in bad)
            raise Stop({"msg": f"The configuration was refused and nothing was written:\n{words}", "findings": _as_dicts(findings)})
        tested = self._test(site, options, arguments)
        written: dict[str, Any] = {}
        if differing and not self.check_mode:
            self._narrow([path for path in differing if modes[path] and path in texts], texts, modes, arguments)
            written = self._write(differing, site, modes, options, arguments)
        reasons = dpm.restart_reasons(site, options, host["services"], entries, [path for path in differing if path in site.changed])
        actions = [f"{'update' if path in texts else 'create'} {path}" for path in differing]
        actions += [f"restart {unit}: {why}" for unit, words in reasons.items() for why in words]
        return {
            "changed": bool(actions),
            "actions": actions,
            "diff": [_diff(path, texts, site, entries, modes[path]) for path in differing],
            "findings": _as_dicts(findings),
            "restart": sorted(reasons),
            "backups": written.get("backups", {}),
            "apache": tested,
            "release": release,
            "calls": self._calls,
        }

    def _read(self, arguments: dict[str, Any]) -> dict[str, Any]:
        patterns = [f"/{pattern}" for pattern in checks.FILES]
        answer = self._module(
            "host_read",
            {
                "paths": list(dict.fromkeys([*patterns, arguments["dav_file"]])),
                "services": [arguments["dome_unit"], arguments["dav_unit"]],
                "packages": [PACKAGE],
            },
        )
        strange = [path for path, entry in answer["files"].items() if entry.get("binary")]
        if strange:
            raise Stop({"msg": f"{', '.join(strange)}: not UTF-8 text, so it cannot be edited safely. Convert it with iconv."})
        return answer

    def _test(self, site: dpm.Site, options: dpm.Options, arguments: dict[str, Any]) -> dict[str, Any]:
        """What the host's Apache says about the doors before they are written."""
        if not arguments["configtest"] or options.dav_file not in site.changed:
            return {"tested": False, "output": "not asked" if not arguments["configtest"] else "nothing to test"}
        files = [{"path": options.dav_file, "content": site.texts[options.dav_file]}]
        answer = self._module("apache_configtest", {"files": files})
        if not answer["installed"]:
            if self.check_mode:
                return {"tested": False, "output": answer["output"]}
            raise Stop({"msg": f"{answer['output']} So nobody can judge {options.dav_file}; configtest=false writes it unseen."})
        if not answer["valid"]:
            raise Stop({"msg": f"Apache refuses the new {options.dav_file}, so nothing was written:\n{answer['output']}"})
        return {"tested": True, "output": answer["output"], "version": answer["version"]}

    def _narrow(self, paths: list[str], texts: Mapping[str, str], modes: Mapping[str, str | None], arguments: dict[str, Any]) -> None:
        """Closes files that are open to everybody before their old texts are kept beside them."""
        files = [{"path": path, "secret_content": texts[path], "mode": modes[path]} for path in paths]
        if files and arguments["backup"]:
            self._module("host_write", {"files": files, "directories": []})

    def _write(
        self, paths: list[str], site: dpm.Site, modes: Mapping[str, str | None], options: dpm.Options, arguments: dict[str, Any]
    ) -> dict[str, Any]:
        group = {options.dav_file: arguments["dav_group"]}
        files = []
        for path in paths:
            wanted: dict[str, Any] = {"path": path, "secret_content": site.texts[path], "backup": arguments["backup"]}
            if modes[path]:
                wanted |= {"owner": "root", "group": group.get(path, arguments["dome_group"]), "mode": modes[path]}
            files.append(wanted)
        return self._module("host_write", {"files": files, "directories": []})

    def _module(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self._execute_module(
            module_name=f"escape.datalake.{name}", module_args=arguments, task_vars=self._variables
        )
        self._calls += 1
        if answer.get("failed") or answer.get("unreachable"):
            raise Stop({key: value for key, value in answer.items() if key in ("msg", "problems", "unreachable", "module_stderr", "rc")})
        return answer


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


def _texts(host: Mapping[str, Any]) -> dict[str, str]:
    return {path: entry["content"] for path, entry in host["files"].items() if "content" in entry}


def _findings(texts: Mapping[str, str], release: str, entries: Mapping[str, Mapping[str, Any]]) -> list[Finding]:
    relative = {path.lstrip("/"): text for path, text in texts.items()}
    return checks.check(relative, release, {path.lstrip("/"): entry for path, entry in entries.items()})


def _mode(path: str, options: dpm.Options, entries: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The mode that a file with secrets gets when it is new or open to everybody; None leaves it alone."""
    if path not in (dpm.HEAD, dpm.DISK, options.dav_file):
        return None
    mode = entries.get(path, {}).get("mode")
    return SECRET_MODE if mode is None or int(mode, 8) & 0o007 else None


def _diff(
    path: str, texts: Mapping[str, str], site: dpm.Site, entries: Mapping[str, Mapping[str, Any]], mode: str | None
) -> dict[str, str]:
    """Both texts without their secrets; what else changes is said in the headers."""
    before, after, old_mode = texts.get(path, ""), site.texts[path], entries.get(path, {}).get("mode")
    words = [f"{name} changes" for name in dpm.secrets_changed(path, before, after) if before]
    words += [f"mode {old_mode} becomes {mode}"] if mode and old_mode else []
    note = f" ({', '.join(words)})" if words else ""
    return {"before_header": path, "after_header": path + note, "before": dpm.masked(path, before), "after": dpm.masked(path, after)}


def _as_dicts(findings: list[Finding]) -> list[dict[str, Any]]:
    return [finding.as_dict() for finding in findings]
