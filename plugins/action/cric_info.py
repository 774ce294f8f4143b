# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of cric_info."""

from __future__ import annotations

import time
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.action_base import DatalakeAction
from ansible_collections.escape.datalake.plugins.plugin_utils.cric.report import cric_facts
from ansible_collections.escape.datalake.plugins.plugin_utils.cric.wanted import Selection, wanted_from_cric
from ansible_collections.escape.datalake.plugins.plugin_utils.cric_action import SOURCE, cric_source
from ansible_collections.escape.datalake.plugins.plugin_utils.cric_reader import read_cric


class ActionModule(DatalakeAction):
    ARGUMENTS = {
        **SOURCE,
        "names": {"type": "list", "elements": "str", "default": ["*"]},
        "exclude": {"type": "list", "elements": "str", "default": []},
    }

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        source = cric_source(arguments)
        read = read_cric(source)
        now = time.time()
        wanted = wanted_from_cric(read.state, now, selection=Selection(tuple(arguments["names"]), tuple(arguments["exclude"])))
        facts = cric_facts(read.state, wanted, now)
        if wanted.names and not self.check_mode and (unkept := read.keep()):
            facts["warnings"] = [*facts.get("warnings", []), *unkept]
        return {"changed": False, **facts, "traffic": source.client.traffic}
