# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of rucio_sync: a whole lake from CRIC, or from records, in one plan."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils import guard
from ansible_collections.escape.datalake.plugins.plugin_utils.cric.report import cric_source_facts
from ansible_collections.escape.datalake.plugins.plugin_utils.cric.wanted import (
    Selection,
    WantedLake,
    wanted_from_cric,
    wanted_from_records,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.cric_action import SOURCE, cric_source
from ansible_collections.escape.datalake.plugins.plugin_utils.cric_reader import CricRead, read_cric
from ansible_collections.escape.datalake.plugins.plugin_utils.lake_sync import Synchronised, synchronise
from ansible_collections.escape.datalake.plugins.plugin_utils.model.distance_rules import SAME, Declared, declared_from
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import shortened
from ansible_collections.escape.datalake.plugins.plugin_utils.rse_options import RSES, stated
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.lake import LakeOptions
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.rses import Purge, load_records
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio_action import PLANNING, PLANNING_CONSTRAINTS, RucioAction

SHOWN_NAMES = 20
RULE: dict[str, Any] = {
    "distance": {"type": "int", "required": True},
    "same": {"type": "str", "choices": list(SAME)},
    "within_km": {"type": "float"},
    "sources": {"type": "list", "elements": "str", "default": []},
    "destinations": {"type": "list", "elements": "str", "default": []},
}


class ActionModule(RucioAction):
    ARGUMENTS = {
        **PLANNING,
        **guard.ARGUMENTS,
        "cric": {"type": "dict", "options": SOURCE},
        "rses": RSES,
        "source": {"type": "str", "default": "CRIC"},
        "names": {"type": "list", "elements": "str", "default": ["*"]},
        "exclude": {"type": "list", "elements": "str", "default": []},
        "distances": {
            "type": "dict",
            "apply_defaults": True,
            "options": {
                "rules": {"type": "list", "elements": "dict", "default": [], "options": RULE},
                "explicit": {"type": "dict", "default": {}},
                "from_cric": {"type": "bool", "default": True},
                "verify": {"type": "bool", "default": False},
                "purge": {"type": "bool", "default": False},
            },
        },
        "absent": {"type": "str", "choices": ["keep", "disable"], "default": "keep"},
        "purge_protocols": {"type": "list", "elements": "str", "default": []},
        "purge_attributes": {"type": "list", "elements": "str", "default": []},
        "bulk": {"type": "bool", "default": True},
        "copies": {"type": "path"},
        "full_read_every": {"type": "float"},
    }
    CONSTRAINTS = {
        **PLANNING_CONSTRAINTS,
        "mutually_exclusive": [*PLANNING_CONSTRAINTS["mutually_exclusive"], ["cric", "rses"]],
        "required_one_of": [["cric", "rses"]],
        "required_by": {"full_read_every": ["copies"]},
    }

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        stated = arguments["distances"]
        declared = declared_from(stated["rules"], stated["explicit"])
        selection = Selection(tuple(arguments["names"]), tuple(arguments["exclude"]))
        client = self.client(arguments)
        now = time.time()
        read: CricRead | None = None
        if arguments["cric"]:
            source = cric_source(arguments["cric"])
            read = read_cric(source)
            wanted = wanted_from_cric(
                read.state, now, selection=selection, declared=declared, release=client.version, cric_distances=stated["from_cric"]
            )
        else:
            wanted = self._from_records(arguments["rses"], declared, selection, client.version)
        options = LakeOptions(
            source=arguments["source"],
            guard=guard.guard_from(arguments["guard"]),
            purge=Purge(tuple(arguments["purge_protocols"]), tuple(arguments["purge_attributes"])),
            absent=arguments["absent"],
            purge_distances=stated["purge"],
            verify_distances=stated["verify"],
        )
        file = self.plan_file(arguments)
        done = synchronise(
            client,
            wanted,
            options,
            check_mode=self.check_mode,
            file=file,
            bulk=arguments["bulk"],
            progress=self.progress,
            copies=Path(arguments["copies"]) if arguments["copies"] else None,
            full_read_every=arguments["full_read_every"] or 0.0,
        )
        answer = {
            **shortened(done.answer),
            "absent": list(done.plan.absent),
            "foreign": dict(done.plan.foreign),
            "closed": dict(wanted.closed),
            "inactive": dict(wanted.inactive),
            "read_age": round(done.read_age),
        }
        warnings = list(done.not_kept)
        if read:
            facts = cric_source_facts(read.state, wanted, now)
            warnings += facts.pop("warnings", [])
            answer |= facts
            answer["traffic"] = {what: count + source.client.traffic[what] for what, count in answer["traffic"].items()}
            if wanted.names and not done.plan.planned.held and not self.check_mode:
                warnings += read.keep()
        else:
            answer["unread"] = [problem.as_dict() for problem in wanted.problems]
        answer["unread"] += [problem.as_dict() for problem in done.unusable]
        answer["warnings"] = [*warnings, *_words(wanted, done)]
        return answer

    @staticmethod
    def _from_records(listed: list[dict[str, Any]], declared: Declared, selection: Selection, release: str) -> WantedLake:
        records = load_records(stated(listed))
        return wanted_from_records(records, declared=declared, release=release, selection=selection)


def _words(wanted: WantedLake, done: Synchronised) -> list[str]:
    """What a person should know although nothing failed."""
    absent, foreign = done.plan.absent, sorted(done.plan.foreign)
    words = [] if wanted.names else ["the source has not a single RSE; if that is not so, look at its address and its rights"]
    words += [f"no longer in the source, and left as they are unless absent says otherwise: {_first(absent)}"] if absent else []
    words += [f"left alone, because they belong to another source: {_first(foreign)}"] if foreign else []
    words += [f"left alone, because Rucio would not take them: {len(done.unusable)} problems, see unread"] if done.unusable else []
    return words


def _first(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN_NAMES]) + (f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else "")
