# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of storage_survey."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils import site_action
from ansible_collections.escape.datalake.plugins.plugin_utils.adopt import survey, tree
from ansible_collections.escape.datalake.plugins.plugin_utils.report.survey_page import render_page
from ansible_collections.escape.datalake.plugins.plugin_utils.site_files import Site


class ActionModule(site_action.SiteAction):
    ARGUMENTS = {
        **site_action.ARGUMENTS,
        "host": {"type": "str"},
        "surveys": {"type": "list", "elements": "dict"},
        "report": {"type": "path"},
        "page": {"type": "path"},
    }
    ALSO = {name: adopter.files for name, adopter in tree.ADOPTERS.items()}

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        if arguments["surveys"] is None:
            return super().act(arguments, task_vars)
        try:
            _write(arguments["surveys"], arguments)
        except OSError as problem:
            return {"failed": True, "msg": str(problem)}
        return {"changed": False, "calls": 0}

    def study(self, site: Site, arguments: dict[str, Any]) -> dict[str, Any]:
        name = site_action.name_of(site, arguments["host"])
        found = survey.as_dict(tree.adopter_of(site.system.name).survey(site.files, site.release, name))
        _write([found], arguments)
        return {"survey": found, "text": survey.as_text(found)}


def _write(surveys: list[dict[str, Any]], arguments: dict[str, Any]) -> None:
    if arguments["report"]:
        site_action.write_file(arguments["report"], json.dumps({"surveys": surveys}, indent=2) + "\n")
    if arguments["page"]:
        site_action.write_file(arguments["page"], render_page(surveys))
