# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of rucio_rse: records from the description or from CRIC, one plan for all of them."""

from __future__ import annotations

from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cric_doma import records_from_views, states_from_view
from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import rse_record_as_dict
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.model.rse import RseRecord
from ansible_collections.escape.datalake.plugins.plugin_utils.rse_options import RSES, stated
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.rses import Purge, found_rse, load_records, plan_removal, plan_rses
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio_action import PLANNING, PLANNING_CONSTRAINTS, RucioAction
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio_store import RseReader, write_change
from ansible_collections.escape.datalake.plugins.plugin_utils.services.cric import CricClient
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import Tls


class ActionModule(RucioAction):
    ARGUMENTS = {
        **PLANNING,
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "rses": RSES,
        "cric": {
            "type": "dict",
            "options": {
                "url": {"type": "str", "required": True},
                "application": {"type": "str", "default": "doma"},
                "names": {"type": "list", "elements": "str", "required": True},
                "ca_path": {"type": "path"},
                "client_cert": {"type": "path"},
                "client_key": {"type": "path", "no_log": False},
            },
        },
        "purge_protocols": {"type": "list", "elements": "str", "default": []},
        "purge_attributes": {"type": "list", "elements": "str", "default": []},
        "revive": {"type": "bool", "default": False},
        "removal_limit": {"type": "int", "default": 5},
    }
    CONSTRAINTS = {
        **PLANNING_CONSTRAINTS,
        "mutually_exclusive": [*PLANNING_CONSTRAINTS["mutually_exclusive"], ["rses", "cric"]],
        "required_one_of": [["rses", "cric"]],
        "required_if": [*PLANNING_CONSTRAINTS["required_if"], ["state", "absent", ["rses"]]],
    }

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        if arguments["state"] == "absent":
            return self._remove(arguments)
        cric = cric_client(arguments["cric"]) if arguments["cric"] else None
        records = records_from_cric(cric, arguments["cric"]["names"]) if cric else records_from_option(arguments["rses"])
        client = self.client(arguments)
        reader = RseReader(client, records)
        purge = Purge(tuple(arguments["purge_protocols"]), tuple(arguments["purge_attributes"]))
        answer = self.converge(
            client,
            read=reader.read,
            plan=lambda found: plan_rses(records, found, purge=purge, revive=arguments["revive"]),
            write=lambda change: write_change(client, change),
            file=self.plan_file(arguments),
            reread=reader.reread,
        )
        if cric:
            answer["traffic"] = {what: count + cric.traffic[what] for what, count in answer["traffic"].items()}
        return {**answer, "rses": [rse_record_as_dict(record) for record in records]}

    def _remove(self, arguments: dict[str, Any]) -> dict[str, Any]:
        names = [each["name"] for each in arguments["rses"]]
        client = self.client(arguments)
        return self.converge(
            client,
            read=lambda: {name: found_rse(name, raw, client.major) for name, raw in client.lake(names)["rses"].items()},
            plan=lambda found: plan_removal(names, found, arguments["removal_limit"]),
            write=lambda change: write_change(client, change),
            file=self.plan_file(arguments),
        )


def records_from_option(listed: list[dict[str, Any]]) -> tuple[RseRecord, ...]:
    """Records of the rses option; raises DescriptionError with the problems of all of them."""
    return load_records(stated(listed))


def cric_client(options: dict[str, Any]) -> CricClient:
    tls = Tls(ca=options["ca_path"], certificate=options["client_cert"], key=options["client_key"])
    return CricClient(options["url"], options["application"], tls, read_only=True)


def records_from_cric(cric: CricClient, names: list[str]) -> tuple[RseRecord, ...]:
    """Records of the RSEs named, as CRIC has them; raises DescriptionError for names that it does not have or that are not active there."""
    plain, doma = cric.rse_views(names)
    states = states_from_view(doma)
    problems = [
        Problem("cric.names", f"{name} is {states.get(name, 'not')} in {cric.url}.", "Publish it there first, or correct the name.")
        for name in names
        if states.get(name) != "ACTIVE"
    ]
    if problems:
        raise DescriptionError(problems)
    chosen = [record for record in records_from_views(plain, doma) if record.name in names]
    return load_records([rse_record_as_dict(record) for record in chosen], "cric")
