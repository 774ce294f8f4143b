# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of rucio_distance: few changes by single calls, many by imports."""

from __future__ import annotations

from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import Change
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.distances import (
    Pair,
    by_source,
    declared_distances,
    found_distances,
    plan_distances,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio_action import PLANNING, PLANNING_CONSTRAINTS, RucioAction
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio_bulk import BulkWriter
from ansible_collections.escape.datalake.plugins.plugin_utils.services.rucio import RucioClient


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
        bulk = BulkWriter(client, self.progress)

        def write(change: Change) -> None:
            if not bulk.was_sent(change):
                bulk.write_distance(change)

        return self.converge(
            client,
            read=lambda: read_distances(client, list(wanted)),
            plan=lambda found: plan_distances(wanted, found),
            write=write,
            ahead=bulk.ahead,
            file=self.plan_file(arguments),
            objects=by_source,
        )


def read_distances(client: RucioClient, pairs: list[Pair]) -> dict[Pair, int]:
    """Distances of the server: one call where the account may export, otherwise one for each of these pairs."""
    lake = client.lake((), distances=True)
    return found_distances(lake["distances"] if "distances" in lake else client.distances_between(pairs))
