# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of rucio_rule."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import Change
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.rules import (
    Key,
    Rule,
    RuleFound,
    declared_rules,
    found_rules,
    plan_removal,
    plan_rules,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio_action import PLANNING, PLANNING_CONSTRAINTS, RucioAction
from ansible_collections.escape.datalake.plugins.plugin_utils.services.rucio import RucioClient, in_parallel


class ActionModule(RucioAction):
    ARGUMENTS = {
        **PLANNING,
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "rules": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "dids": {"type": "list", "elements": "str", "required": True},
                "rse_expression": {"type": "str", "required": True},
                "copies": {"type": "int", "default": 1},
                "account": {"type": "str"},
                "lifetime": {"type": "str"},
                "renew_before": {"type": "str"},
                "activity": {"type": "str"},
                "comment": {"type": "str"},
                "grouping": {"type": "str", "choices": ["ALL", "DATASET", "NONE"]},
                "ignore_availability": {"type": "bool"},
                "locked": {"type": "bool"},
                "priority": {"type": "int"},
                "purge_replicas": {"type": "bool"},
                "source_replica_expression": {"type": "str"},
                "weight": {"type": "str"},
            },
        },
    }
    CONSTRAINTS = PLANNING_CONSTRAINTS

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        listed = arguments["rules"]
        declared_rules(listed, "root")  # problems are reported before anything is asked of the server
        client = self.client(arguments)
        ours = "" if all(each["account"] for each in listed) else arguments["account"] or client.whoami()
        rules = declared_rules(listed, ours)
        plan = plan_removal if arguments["state"] == "absent" else plan_rules
        return self.converge(
            client,
            read=lambda: read_rules(client, rules),
            plan=lambda found: plan(rules, found, datetime.now(UTC)),
            write=lambda change: write_change(client, change),
            file=self.plan_file(arguments),
            objects=lambda found: {Rule(*key).subject: rule for key, rule in found.items()},
        )


def read_rules(client: RucioClient, rules: tuple[Rule, ...]) -> dict[Key, RuleFound]:
    """The rules of the DIDs that are declared: one call for each DID."""
    dids = dict.fromkeys((rule.scope, rule.name) for rule in rules)
    answers = in_parallel(lambda did: client.rules(scope=did[0], name=did[1]), dids)
    return found_rules(raw for answer in answers for raw in answer)


def write_change(client: RucioClient, change: Change) -> None:
    """Does one change of a rule."""
    match change.verb:
        case "create":
            client.add_rule(change.after)
        case "update":
            client.update_rule(change.after["id"], {key: value for key, value in change.after.items() if key != "id"})
        case "delete":
            client.delete_rule(change.before["id"])
