# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of rucio_distance: few changes by single calls, many by imports."""

from __future__ import annotations

from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.distances import declared_distances, pair_name, plan_distances
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio_action import PLANNING, PLANNING_CONSTRAINTS, RucioAction
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio_store import DistanceWriter


class ActionModule(RucioAction):
    ARGUMENTS = {
        **PLANNING,
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "distances": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "source": {"type": "str", "required": True},
                "destination": {"type": "str", "required": True},
                "distance": {"type": "int"},
                "bidirectional": {"type": "bool", "default": False},
            },
        },
        "matrix": {"type": "dict", "default": {}},
    }
    CONSTRAINTS = PLANNING_CONSTRAINTS

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        wanted = declared_distances(arguments["distances"], arguments["matrix"], absent=arguments["state"] == "absent")
        client = self.client(arguments)
        writer = DistanceWriter(client)
        return self.converge(
            client,
            read=lambda: writer.read(list(wanted)),
            plan=lambda found: plan_distances(wanted, found),
            write=writer.write,
            ahead=writer.send_ahead,
            file=self.plan_file(arguments),
            objects=lambda found: {pair_name(pair): distance for pair, distance in found.items()},
            reread=lambda found, plan: writer.reread(list(wanted), found, plan),
        )
