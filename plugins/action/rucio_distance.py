# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of rucio_distance: few changes by single calls, many by imports."""

from __future__ import annotations

from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import Change, Plan
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.distances import (
    Pair,
    declared_distances,
    found_distances,
    pair_name,
    pair_of,
    plan_distances,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio_action import PLANNING, PLANNING_CONSTRAINTS, RucioAction
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError
from ansible_collections.escape.datalake.plugins.plugin_utils.services.rucio import RucioClient, in_parallel

# From so many changes on, imports are quicker than single calls; an import is one transaction, so its size limits what one bad pair undoes.
BULK_FROM = 20
CHUNK = 500


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
        )


class DistanceWriter:
    """Reads and writes distances. What an import refused is sent pair by pair afterwards, so that each pair gets its own reason."""

    def __init__(self, client: RucioClient) -> None:
        self.client = client
        self._rses: set[str] = set()
        self._sent: set[Pair] = set()

    def read(self, pairs: list[Pair]) -> dict[Pair, int]:
        """Distances of the server: one call where the account may export, otherwise one for each of these pairs."""
        lake = self.client.lake((), distances=True)
        self._rses = set(lake["rses"])
        return found_distances(lake["distances"] if "distances" in lake else self.client.distances_between(pairs))

    def send_ahead(self, plan: Plan) -> None:
        """Imports what a large plan adds and changes; a pair with an RSE that is not there is left to its own call, which says so."""
        pairs = {pair_of(change.subject): change.after for change in plan.changes if change.verb != "delete"}
        known = {pair: distance for pair, distance in pairs.items() if self._rses.issuperset(pair)}
        if len(known) < BULK_FROM:
            return
        listed = list(known.items())
        chunks = [dict(listed[start : start + CHUNK]) for start in range(0, len(listed), CHUNK)]
        for chunk, imported in zip(chunks, in_parallel(self._import, chunks), strict=True):
            if imported:
                self._sent.update(chunk)

    def _import(self, chunk: dict[Pair, int]) -> bool:
        try:
            self.client.import_distances(chunk)
        except ApiError:
            return False
        return True

    def write(self, change: Change) -> None:
        pair = pair_of(change.subject)
        match change.verb:
            case "delete":
                self.client.delete_distance(*pair)
            case _ if pair in self._sent:
                pass
            case "create":
                self.client.add_distance(*pair, change.after)
            case "update":
                self.client.update_distance(*pair, change.after)
