# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of storage_check."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils import site_action
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import report, tree
from ansible_collections.escape.datalake.plugins.plugin_utils.site_files import Site

FAILING = {"error": 2, "warning": 1, "never": 3}
"""The exit code from which a task fails."""


class ActionModule(site_action.SiteAction):
    ARGUMENTS = {
        **site_action.ARGUMENTS,
        "report": {"type": "path"},
        "sarif": {"type": "path"},
        "fail_at": {"type": "str", "choices": list(FAILING), "default": "error"},
    }

    def study(self, site: Site, arguments: dict[str, Any]) -> dict[str, Any]:
        findings = tree.check(site.files, site.system, site.release, site.host)
        name, release = site.system.name, site.release
        if arguments["report"]:
            site_action.write_file(arguments["report"], report.as_json(name, release, findings))
        if arguments["sarif"]:
            site_action.write_file(arguments["sarif"], json.dumps(report.as_sarif(name, release, findings), indent=2) + "\n")
        code, text = report.exit_code(findings), report.as_text(name, release, findings)
        answer = {**report.as_dict(name, release, findings), "exit_code": code, "summary": report.summary(findings), "text": text}
        if code >= FAILING[arguments["fail_at"]]:
            return {**answer, "failed": True, "msg": text}
        return {**answer, "warnings": [f"{name}: {answer['summary']}"] if code == 1 else []}
