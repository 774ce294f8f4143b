# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of dpm_migration: makes the plan and keeps its file, says whether a step may be taken, notes that it was."""

from __future__ import annotations

import json
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import env_fallback
from ansible_collections.escape.datalake.plugins.plugin_utils.action_base import DatalakeAction
from ansible_collections.escape.datalake.plugins.plugin_utils.adopt.render import host_vars_text
from ansible_collections.escape.datalake.plugins.plugin_utils.dpm import pools
from ansible_collections.escape.datalake.plugins.plugin_utils.migration import dpm_to_dcache, steps
from ansible_collections.escape.datalake.plugins.plugin_utils.migration.document import markdown
from ansible_collections.escape.datalake.plugins.plugin_utils.migration.dpm_to_dcache import Target, World
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.services.dome import DomeClient
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import Tls

PLAN, PAGE = "plan.json", "plan.md"


class ActionModule(DatalakeAction):
    ARGUMENTS = {
        "url": {"type": "str", "fallback": (env_fallback, ["DATALAKE_DOME_URL"])},
        "ca_path": {"type": "path", "fallback": (env_fallback, ["DATALAKE_CA_PATH"])},
        "client_cert": {"type": "path", "fallback": (env_fallback, ["DATALAKE_DOME_CERT"])},
        "client_key": {"type": "path", "no_log": False, "fallback": (env_fallback, ["DATALAKE_DOME_KEY"])},
        "timeout": {"type": "float", "default": 60.0},
        "lake": {"type": "dict", "required": True},
        "storage": {"type": "dict", "required": True},
        "target": {
            "type": "dict",
            "required": True,
            "options": {
                "host": {"type": "str", "required": True},
                "release": {"type": "str", "required": True},
                "name": {"type": "str"},
                "doors": {"type": "list", "elements": "dict", "default": []},
            },
        },
        "folder": {"type": "path", "required": True},
        "state": {"type": "str", "choices": ["planned", "due", "done", "undue", "undone"], "default": "planned"},
        "step": {"type": "str"},
    }
    CONSTRAINTS = {"required_if": [(("state"), state, ("step",)) for state in ("due", "done", "undue", "undone")]}

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        self._arguments = arguments
        self._folder = Path(arguments["folder"]).expanduser()
        self._traffic = {"requests": 0, "writes": 0}
        given = arguments["target"]
        self._target = Target(given["host"], given["release"], given["name"], tuple(given["doors"]))
        try:
            return self._plan() if arguments["state"] == "planned" else self._step(arguments["state"], arguments["step"])
        except steps.OutOfOrder as problem:
            return {"failed": True, "msg": str(problem), "traffic": self._traffic}

    def _plan(self) -> dict[str, Any]:
        fresh = self._fresh()
        old = self._stored()
        if old and old["done"]:
            self._compare(old, fresh)
            fresh = old
        page = markdown(fresh)
        differs = fresh != old or not (self._folder / PAGE).exists() or (self._folder / PAGE).read_text() != page
        if differs and not self.check_mode:
            self._store(fresh)
        return {**self._answer(fresh), "changed": differs}

    def _step(self, state: str, id_: str) -> dict[str, Any]:
        document = self._stored()
        if not document:
            raise DescriptionError(
                [Problem("folder", f"There is no plan in {self._folder}.", "Make it with state=planned, and have it reviewed.")]
            )
        forward = state in ("due", "done")
        step = steps.may_take(document, id_) if forward else steps.may_undo(document, id_)
        fresh = self._fresh() if step["reads_dpm"] and forward else None
        self._compare(document, fresh)
        if fresh:
            steps.may_take({**document, "blockers": fresh["blockers"]}, id_)
        if state in ("done", "undone"):
            kept = [each for each in document["done"] if each["step"] != id_]
            now = datetime.now(UTC).isoformat(timespec="seconds")
            document["done"] = [*kept, {"step": id_, "at": now}] if forward else kept
            if not self.check_mode:
                self._store(document)
            return {**self._answer(document), "changed": True}
        return {
            **self._answer(document),
            "changed": False,
            "step": step,
            "text": _host_vars(document),
            **self._work(document, step, forward),
        }

    @staticmethod
    def _work(document: dict[str, Any], step: dict[str, Any], forward: bool) -> dict[str, Any]:
        """What a step of ours writes: records for CRIC and Rucio, and the RSEs whose old doors go."""
        if step["id"] == steps.SWITCH:
            records = dpm_to_dcache.records_with_doors(document, "after")
            attributes = {each["name"]: each["attributes"] for each in document["rses"]}
            records = [{**record, "attributes": attributes[record["name"]]} for record in records]
            return {"rses": records, "purge": [record["name"] for record in records]}
        state = step["state"] if forward else steps.state_before(document, step["id"])
        return {"rses": dpm_to_dcache.records_in_state(document, state) if step["state"] else [], "purge": []}

    def _fresh(self) -> dict[str, Any]:
        """The plan of now."""
        return dpm_to_dcache.plan(self._arguments["storage"], self._arguments["lake"], self._world(), self._target)

    def _world(self) -> World:
        for name in ("url", "client_cert"):
            if not self._arguments[name]:
                raise DescriptionError(
                    [Problem(name, "is missing, and the DPM has to be read.", "Give the address of DOME and a certificate.")]
                )
        tls = Tls(ca=self._arguments["ca_path"], certificate=self._arguments["client_cert"], key=self._arguments["client_key"])
        client = DomeClient(self._arguments["url"], tls, timeout=self._arguments["timeout"], read_only=True)
        found = pools.from_answers(client.space(), client.quota_tokens())
        paths = [str(area["path"]) for area in self._arguments["storage"].get("areas", []) if area.get("path")]
        world = World(found, client.groups(), {path: client.directory(path) for path in paths})
        self._traffic = client.traffic
        return world

    def _compare(self, old: dict[str, Any], fresh: dict[str, Any] | None) -> None:
        """Raises OutOfOrder when a plan that is under way no longer fits. fresh: None when the DPM is no longer asked."""
        facts = dpm_to_dcache.declared(self._arguments["storage"], self._arguments["lake"], self._target)
        if old["declared"] != dpm_to_dcache.digest_of(facts):
            raise steps.OutOfOrder(f"The descriptions are not those that the plan in {self._folder} was made from. {self._remedy(old)}")
        if fresh and fresh["world"] != old["world"]:
            raise steps.OutOfOrder(
                f"Pools, quota tokens, groups or directories of the DPM changed since the plan was made. {self._remedy(old)}"
            )
        mine = {key: value for key, value in old.items() if key not in ("done", "areas", "questions", "blockers")}
        theirs = {key: value for key, value in (fresh or old).items() if key in mine}
        if mine != theirs:
            raise steps.OutOfOrder(f"{self._folder / PLAN} was changed by hand. {self._remedy(old)}")

    @staticmethod
    def _remedy(old: dict[str, Any]) -> str:
        if not old["done"]:
            return "Plan again (state=planned) and have it reviewed."
        return (
            f"Put it back as it was, or undo the steps that were taken ({', '.join(each['step'] for each in old['done'])}) and plan again."
        )

    def _stored(self) -> dict[str, Any] | None:
        path = self._folder / PLAN
        if not path.exists():
            return None
        try:
            found = json.loads(path.read_text())
        except ValueError:
            found = None
        if not isinstance(found, dict) or found.get("format") != dpm_to_dcache.FORMAT:
            words = f"{path} is no plan of this module."
            raise DescriptionError([Problem("folder", words, "Give another folder, or take the file away.")])
        return found

    def _store(self, document: dict[str, Any]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        for name, text in ((PAGE, markdown(document)), (PLAN, json.dumps(document, indent=1) + "\n")):
            handle, draft = tempfile.mkstemp(dir=self._folder, prefix=f".{name}.")
            with os.fdopen(handle, "w") as stream:
                stream.write(text)
            os.replace(draft, self._folder / name)

    def _answer(self, document: dict[str, Any]) -> dict[str, Any]:
        return {
            "plan": document,
            "files": [str(self._folder / PLAN), str(self._folder / PAGE)],
            "next": steps.next_step(document),
            "blockers": document["blockers"],
            "traffic": self._traffic,
        }


def _host_vars(document: dict[str, Any]) -> str:
    """The file of the dCache for an inventory."""
    remark = f"Planned from {document['from']['storage']}. Review it, then put it into the inventory."
    return host_vars_text([remark], document["description"], document["variables"])
