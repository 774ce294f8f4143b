# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of rucio_info."""

from __future__ import annotations

from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.distances import found_distances
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.rses import found_rse, rse_as_dict
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio_action import CONNECTION, CONNECTION_CONSTRAINTS, RucioAction


class ActionModule(RucioAction):
    ARGUMENTS = {
        **CONNECTION,
        "gather": {"type": "list", "elements": "str", "choices": ["rses", "distances", "accounts", "rules"], "default": ["rses"]},
        "rses": {"type": "list", "elements": "str"},
        "rule_filter": {
            "type": "dict",
            "options": {"account": {"type": "str"}, "scope": {"type": "str"}, "name": {"type": "str"}},
            "required_one_of": [["account", "scope", "name"]],
        },
    }
    CONSTRAINTS = CONNECTION_CONSTRAINTS

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        gather, names = arguments["gather"], arguments["rses"]
        if "rules" in gather and not arguments["rule_filter"]:
            raise DescriptionError(
                [
                    Problem(
                        "rule_filter", "is missing; a lake has millions of rules.", "Name the account, scope or DID whose rules you want."
                    )
                ]
            )
        client = self.client(arguments)
        answer: dict[str, Any] = {"changed": False, "version": client.version}
        if "rses" in gather or "distances" in gather:
            lake = client.lake(names, distances="distances" in gather)
            chosen = sorted(lake["rses"] if names is None else set(names) & set(lake["rses"]))
            if "rses" in gather:
                answer["rses"] = {name: rse_as_dict(found_rse(name, lake["rses"][name], client.major)) for name in chosen}
            if "distances" in gather:
                pairs = [(source, destination) for source in chosen for destination in chosen]
                raw = lake["distances"] if "distances" in lake else client.distances_between(pairs)
                answer["distances"] = {}
                for (source, destination), distance in found_distances(raw).items():
                    if source in chosen and destination in chosen:
                        answer["distances"].setdefault(source, {})[destination] = distance
        if "accounts" in gather:
            answer["accounts"] = {name: {"type": raw["type"], "email": raw["email"]} for name, raw in client.accounts().items()}
        if "rules" in gather:
            answer["rules"] = client.rules(**{key: value for key, value in arguments["rule_filter"].items() if value})
        return {**answer, "traffic": client.traffic}
