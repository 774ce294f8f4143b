# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of cric_rse: both views once, one plan, one write where it is enabled, and both views again after it."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import env_fallback
from ansible_collections.escape.datalake.plugins.plugin_utils import plan_file, reconcile
from ansible_collections.escape.datalake.plugins.plugin_utils.action_base import DatalakeAction
from ansible_collections.escape.datalake.plugins.plugin_utils.cric.changes import Planned, plan_rses
from ansible_collections.escape.datalake.plugins.plugin_utils.cric.document import markdown
from ansible_collections.escape.datalake.plugins.plugin_utils.cric_action import CONNECTION
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import cric_doma
from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import load_rse_records, rse_record_as_dict
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.model.rse import RseRecord
from ansible_collections.escape.datalake.plugins.plugin_utils.plan_file import PlanFile
from ansible_collections.escape.datalake.plugins.plugin_utils.rse_options import RSES, stated
from ansible_collections.escape.datalake.plugins.plugin_utils.services.cric import CricClient, Writer
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import Tls

Views = tuple[dict[str, Any], dict[str, Any]]


class ActionModule(DatalakeAction):
    ARGUMENTS = {
        **CONNECTION,
        **plan_file.ARGUMENTS,
        "rses": RSES,
        "purge_protocols": {"type": "bool", "default": False},
        "allow_empty": {"type": "bool", "default": False},
        "writer": {
            "type": "dict",
            "default": {},
            "options": {
                "enabled": {"type": "bool", "default": False},
                "url": {"type": "str"},
                "token": {"type": "str", "no_log": True, "fallback": (env_fallback, ["DATALAKE_CRIC_TOKEN"])},
            },
        },
        "document": {"type": "path"},
    }
    CONSTRAINTS = {"mutually_exclusive": [plan_file.EXCLUSIVE]}

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        given = arguments["rses"]
        wanted = None if given is None else load_rse_records(stated(given))
        document = _document_path(arguments["document"])
        file = _plan_file(arguments)
        client = self._client(arguments)
        names = [record.name for record in wanted or ()]
        views = client.rse_views(names, allow_empty=arguments["allow_empty"])
        planned = plan_rses(wanted or (), *views, purge_protocols=arguments["purge_protocols"])
        found = {name: [view.get(name) for view in (views[0], views[1]["rses"])] for name in names}
        if file.apply_from:
            file.verify(planned.plan, found)
        if file.write_to:
            file.write(planned.plan, found)
        outcome = reconcile.Outcome()
        pending = planned
        if arguments["writer"]["enabled"] and planned.plan and not file.write_to:
            outcome, views, pending = self._publish(client, arguments, wanted or (), planned, views)
        answer = reconcile.result(planned.plan, outcome, client.traffic)
        simulated = planned.change_set if self.check_mode and outcome.done else {}
        predicted = {record.name: record for record in wanted or () if record.name in simulated}
        answer.update(_held(views, wanted, predicted))
        answer["pending"] = [change.words() for change in pending.plan.changes]
        answer["change_set"] = {"rses": pending.change_set, "distances": {}}
        answer["unmanaged"] = pending.unmanaged
        answer["missing"] = list(planned.missing)
        answer["left_out"] = client.left_out
        warnings = [f"{', '.join(planned.missing)}: not in CRIC, and not made because no protocols are given"] if planned.missing else []
        if client.left_out:
            warnings.append(f"left out, because CRIC's records of them cannot be read: {', '.join(list(client.left_out)[:20])}")
        if warnings:
            answer["warnings"] = warnings
        if document:
            texts = _documents(document, pending, arguments["url"], len(wanted or ()))
            answer["changed"] |= _write_documents(texts, check_mode=self.check_mode)
        return answer

    def _client(self, arguments: Mapping[str, Any]) -> CricClient:
        writer = arguments["writer"]
        path = writer["url"] or f"api/{arguments['application']}/rse/update/set_data/?json"
        return CricClient(
            arguments["url"],
            arguments["application"],
            Tls(ca=arguments["ca_path"], certificate=arguments["client_cert"], key=arguments["client_key"]),
            timeout=arguments["timeout"],
            read_only=self.check_mode,
            writer=Writer(path, writer["token"] or "") if writer["enabled"] else None,
        )

    def _publish(
        self, client: CricClient, arguments: Mapping[str, Any], wanted: tuple[RseRecord, ...], planned: Planned, views: Views
    ) -> tuple[reconcile.Outcome, Views, Planned]:
        """Sends the plan in one call and reads back: what was done, what CRIC holds then, and what still differs."""
        if self.check_mode:
            return reconcile.apply(planned.plan, _nothing, check_mode=True), views, Planned(unmanaged=planned.unmanaged)
        refused = client.write(planned.change_set)

        def confirm(change: reconcile.Change) -> None:
            if change.subject in refused:
                raise RuntimeError(f"CRIC refused it: {refused[change.subject]}")

        outcome = reconcile.apply(planned.plan, confirm, check_mode=False)
        after = client.rse_views([record.name for record in wanted], allow_empty=arguments["allow_empty"])
        return outcome, after, plan_rses(wanted, *after, purge_protocols=arguments["purge_protocols"])


def _nothing(change: reconcile.Change) -> None:
    """The write of check mode, which is never called."""


def _held(views: Views, wanted: tuple[RseRecord, ...] | None, predicted: Mapping[str, RseRecord]) -> dict[str, Any]:
    """What CRIC holds of the RSEs that were asked for."""
    plain, doma = views
    found = {record.name: record for record in cric_doma.records_from_views(plain, doma)}
    found |= predicted
    names = sorted(found) if wanted is None else [record.name for record in wanted if record.name in found]
    states = cric_doma.states_from_view(doma)
    distances = cric_doma.distances_from_view(doma)
    return {
        "rses": [rse_record_as_dict(found[name]) for name in names],
        "states": {name: states[name] for name in names if name in states},
        "distances": [{"source": pair[0], "destination": pair[1], "distance": number} for pair, number in distances.items()],
    }


def _plan_file(arguments: Mapping[str, Any]) -> PlanFile:
    """The plan file of the task; raises DescriptionError for one to be applied where nothing can be written."""
    if arguments["apply_plan"] and not arguments["writer"]["enabled"]:
        remedy = "Enable the writer, or let a person apply the page of option document."
        raise DescriptionError([Problem("apply_plan", "cannot be carried out, because no writer is enabled.", remedy)])
    target = f"{arguments['url'].rstrip('/')} application {arguments['application']}"
    return PlanFile("cric_rse", target, arguments["write_plan"], arguments["apply_plan"])


def _document_path(given: str | None) -> Path | None:
    """Where the document goes; raises DescriptionError before anything is read when it cannot be written."""
    if given is None:
        return None
    path = Path(given)
    if path.suffix == ".json":
        raise DescriptionError([Problem("document", f"{path} would be overwritten by its JSON form.", "Give a name that ends in .md.")])
    if not os.access(path.parent, os.W_OK):
        raise DescriptionError(
            [Problem("document", f"{path.parent} is no directory that can be written to.", "Make it, or correct the path.")]
        )
    return path


def _documents(path: Path, pending: Planned, url: str, described: int) -> dict[Path, str]:
    body = json.dumps({"rses": pending.change_set, "distances": {}}, indent=1, sort_keys=True) + "\n"
    return {path: markdown(pending, url, described), path.with_suffix(".json"): body}


def _write_documents(texts: Mapping[Path, str], *, check_mode: bool) -> bool:
    """Writes the files that differ; whether there were any."""
    differing = {path: text for path, text in texts.items() if not path.exists() or path.read_text() != text}
    for path, text in differing.items() if not check_mode else ():
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w") as stream:
            stream.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    return bool(differing)
