# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of eos_config."""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import eos as checks
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding
from ansible_collections.escape.datalake.plugins.plugin_utils.eos_arguments import ACCOUNTS, accounts_of
from ansible_collections.escape.datalake.plugins.plugin_utils.host_action import (
    ARGUMENTS,
    Directory,
    Found,
    HostAction,
    actions,
    as_dicts,
    differing,
    diffs,
    missing_parents,
    missing_sources,
    refuse,
    relative,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import load_lake, load_storage
from ansible_collections.escape.datalake.plugins.plugin_utils.systems import eos

PACKAGE = "eos-server"
OPTIONS = ("instance", "certificate", "key", "certificate_source", "key_source", "authorities", "fst_port", "macaroons_file")


class ActionModule(HostAction):
    ARGUMENTS = {
        **ARGUMENTS,
        "parts": {"type": "list", "elements": "str", "choices": ["mgm", "fst"], "default": ["mgm", "fst"]},
        "instance": {"type": "str", "default": "eosdev"},
        "accounts": ACCOUNTS,
        "certificate": {"type": "path", "default": "/etc/grid-security/daemon/hostcert.pem"},
        "key": {"type": "path", "default": "/etc/grid-security/daemon/hostkey.pem", "no_log": False},
        "certificate_source": {"type": "path"},
        "key_source": {"type": "path", "no_log": False},
        "authorities": {"type": "path", "default": "/etc/grid-security/certificates"},
        "fst_port": {"type": "int", "default": 9001},
        "macaroons_file": {"type": "path", "default": "/etc/eos.macaroon.secret"},
        "directives": {"type": "list", "elements": "str", "default": []},
    }

    def configure(self, arguments: dict[str, Any]) -> dict[str, Any]:
        storage = load_storage(arguments["storage"], load_lake(arguments["lake"]))
        options = eos.Options(
            accounts=accounts_of(arguments["accounts"]),
            parts=tuple(arguments["parts"]),
            directives=tuple(arguments["directives"]),
            **{name: arguments[name] for name in OPTIONS},
        )
        secrets = [options.certificate, options.key, options.certificate_source, options.key_source, options.macaroons_file]
        host = self.read(
            Found(),
            paths=[
                *(f"/{pattern}" for pattern in checks.FILES),
                *(eos.groups_file(issuer) for issuer in storage.issuers),
                "/etc/systemd/system/eos@*/*.conf",
                eos.AUTHFILE,
                eos.ACCOUNTS_FILE,
                eos.FST_UNIT_FILE,
            ],
            secrets=[path for path in secrets if path],
            stats=[posixpath.dirname(options.certificate)],
            services=[eos.UNITS[part] for part in options.parts],
            packages=[PACKAGE],
            users=sorted({account.user for account in options.accounts}),
        )
        release = host.packages.get(PACKAGE) or storage.release
        site = eos.plan(replace(storage, release=release), options, host.texts)
        findings = _check({**host.texts, **site.texts}, release)
        places: list[Directory] = [(posixpath.dirname(options.certificate), eos.USER, "0755")] if options.certificate_source else []
        files, directories = differing(host, site.files, places)
        refuse(findings, arguments["accept"], missing_sources(host, files))
        backups: dict[str, str] = {}
        if (files or directories) and not self.check_mode:
            backups = self.write(host, files, directories, backup=arguments["backup"], parents=missing_parents(host, files))
        reasons = eos.restart_reasons(options, host.services, host.entries, [each.path for each in files])
        done = actions(host, files, directories)
        return {
            "changed": bool(done or reasons),
            "actions": done + [f"restart {unit}: {reason}" for unit, found in reasons.items() for reason in found],
            "diff": diffs(host, files, directories),
            "findings": as_dicts(findings),
            "found": as_dicts(_check(host.texts, release)),
            "restart": list(reasons),
            "missing_users": [name for name, known in host.users.items() if known is None],
            "services": {unit: host.services.get(unit, {}) for unit in (eos.UNITS[part] for part in options.parts)},
            "macaroons_secret": host.there(options.macaroons_file),
            "backups": backups,
            "release": release,
            "calls": host.calls,
        }


def _check(texts: dict[str, str], release: str) -> list[Finding]:
    return checks.check(relative(texts), release)
