# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of dpm_pools: two questions to DOME, one plan, the orders that are left, and the two questions again."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import env_fallback
from ansible_collections.escape.datalake.plugins.plugin_utils.action_base import DatalakeAction
from ansible_collections.escape.datalake.plugins.plugin_utils.dpm import pools
from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import load_lake, load_storage
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.model.units import parse_size
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import Change, apply, result
from ansible_collections.escape.datalake.plugins.plugin_utils.services.dome import DomeClient
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import Tls

STATE = {"type": "str", "choices": ["present", "absent"], "default": "present"}


class ActionModule(DatalakeAction):
    ARGUMENTS = {
        "url": {"type": "str", "required": True, "fallback": (env_fallback, ["DATALAKE_DOME_URL"])},
        "ca_path": {"type": "path", "fallback": (env_fallback, ["DATALAKE_CA_PATH"])},
        "client_cert": {"type": "path", "required": True, "fallback": (env_fallback, ["DATALAKE_DOME_CERT"])},
        "client_key": {"type": "path", "no_log": False, "fallback": (env_fallback, ["DATALAKE_DOME_KEY"])},
        "timeout": {"type": "float", "default": 60.0},
        "lake": {"type": "dict"},
        "storage": {"type": "dict"},
        "area_pools": {"type": "dict", "default": {}},
        "server": {"type": "str"},
        "make_directories": {"type": "bool", "default": True},
        "pools": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "name": {"type": "str", "required": True},
                "type": {"type": "str", "choices": ["P", "V"]},
                "defsize": {"type": "str"},
                "state": STATE,
            },
        },
        "file_systems": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "server": {"type": "str", "required": True},
                "path": {"type": "path", "required": True},
                "pool": {"type": "str", "required": True},
                "status": {"type": "str", "choices": ["enabled", "disabled", "read-only"]},
                "state": STATE,
            },
        },
        "quota_tokens": {
            "no_log": False,
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "path": {"type": "path", "required": True},
                "pool": {"type": "str", "required": True},
                "size": {"type": "str"},
                "description": {"type": "str"},
                "groups": {"type": "list", "elements": "str"},
                "state": STATE,
            },
        },
    }
    CONSTRAINTS = {"required_together": [("lake", "storage")]}

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        wanted = wanted_of(arguments)
        tls = Tls(ca=arguments["ca_path"], certificate=arguments["client_cert"], key=arguments["client_key"])
        client = DomeClient(arguments["url"], tls, timeout=arguments["timeout"], read_only=self.check_mode)
        found = pools.from_answers(client.space(), client.quota_tokens())
        refused = pools.problems_of(wanted, found)
        if refused:
            words = "Nothing was ordered:\n" + "\n".join(f"  {each}" for each in refused)
            return {"failed": True, "msg": words, "found": pools.as_dict(found), "traffic": client.traffic}
        groups = client.groups() if pools.groups_needed(wanted, found) else None
        missing = self._missing(client, pools.new_paths(wanted, found)) if arguments["make_directories"] else []
        orders = pools.plan(wanted, found, groups, missing)

        def write(change: Change) -> None:
            order = orders.of(change)
            client.order(order.command, dict(order.fields))

        plan = orders.plan
        outcome = apply(plan, write, check_mode=self.check_mode, workers=1)
        if outcome.done and not self.check_mode:
            found = pools.from_answers(client.space(), client.quota_tokens())
            failed = {change.subject for change, _reason in outcome.failed} | {change.subject for change in outcome.skipped}
            outcome.failed += [
                (change, "the server answered that it was written, but does not show it")
                for change in pools.plan(wanted, found).plan.changes
                if change.subject not in failed
            ]
        return {
            **result(plan, outcome, client.traffic),
            "warnings": pools.warnings(wanted, found),
            "found": pools.as_dict(found),
        }

    @staticmethod
    def _missing(client: DomeClient, paths: list[str]) -> list[str]:
        """Directories that are not there, with those above them, the highest first."""
        known: dict[str, bool] = {}
        for path in paths:
            parts = path.strip("/").split("/")
            for depth in range(len(parts), 0, -1):
                folder = "/" + "/".join(parts[:depth])
                if folder not in known:
                    known[folder] = client.directory(folder) is not None
                if known[folder]:
                    break
        return sorted(folder for folder, there in known.items() if not there)


def wanted_of(arguments: dict[str, Any]) -> pools.Wanted:
    """What the options ask for; raises DescriptionError with every problem."""
    described = pools.Wanted()
    if arguments["storage"]:
        storage = load_storage(arguments["storage"], load_lake(arguments["lake"]))
        described = pools.of_storage(storage, arguments["area_pools"], arguments["server"])
    problems: list[Problem] = []
    named = {pool.name: pool for pool in described.pools}
    for number, each in enumerate(arguments["pools"]):
        size = _size(each["defsize"], f"pools[{number}].defsize", problems)
        known = named.get(each["name"])
        named[each["name"]] = pools.Pool(each["name"], each["type"] or (known.type if known else None), size, each["state"] == "absent")
    places = {(place.server, place.path): place for place in described.file_systems}
    for each in arguments["file_systems"]:
        places[(each["server"], each["path"])] = pools.FileSystem(
            each["server"], each["path"], each["pool"], each["status"], each["state"] == "absent"
        )
    tokens = {(token.path, token.pool): token for token in described.tokens}
    for number, each in enumerate(arguments["quota_tokens"]):
        here, absent = f"quota_tokens[{number}]", each["state"] == "absent"
        size = _size(each["size"], f"{here}.size", problems)
        if size is None and not absent:
            problems.append(Problem(f"{here}.size", "is missing.", "Say how much the directory may hold, such as 50TB."))
        groups = None if each["groups"] is None else frozenset(pools.dpm_group(group) for group in each["groups"])
        tokens[(each["path"], each["pool"])] = pools.QuotaToken(each["path"], each["pool"], size or 0, each["description"], groups, absent)
    if problems:
        raise DescriptionError(problems)
    return pools.Wanted(tuple(named.values()), tuple(places.values()), tuple(tokens.values()))


def _size(text: str | None, at: str, problems: list[Problem]) -> int | None:
    if text is None:
        return None
    try:
        return parse_size(text)
    except ValueError as problem:
        problems.append(Problem(at, str(problem), "Write a number with a unit, such as 50TB or 3GiB."))
        return None
