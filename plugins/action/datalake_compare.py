# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of datalake_compare: reads every source that is given, compares, and writes the report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.compare import sides
from ansible_collections.escape.datalake.plugins.plugin_utils.compare.compared import Comparison, Side, compare
from ansible_collections.escape.datalake.plugins.plugin_utils.compare.render import as_dict, as_text, texts, write
from ansible_collections.escape.datalake.plugins.plugin_utils.cric.wanted import Selection
from ansible_collections.escape.datalake.plugins.plugin_utils.cric_action import SOURCE, cric_source
from ansible_collections.escape.datalake.plugins.plugin_utils.cric_reader import CricRead, read_cric
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.srr_report import StorageReport, read_report
from ansible_collections.escape.datalake.plugins.plugin_utils.model.derive import rse_records
from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import load_all
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.model.rse import RseRecord
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.rses import RseFound, found_rse
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio_action import CONNECTION, RucioAction
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError, Tls
from ansible_collections.escape.datalake.plugins.plugin_utils.services.srr import fetch_report


class ActionModule(RucioAction):
    ARGUMENTS = {
        **CONNECTION,
        "url": {**CONNECTION["url"], "required": False},
        "cric": {"type": "dict", "options": SOURCE},
        "lake": {"type": "dict"},
        "described": {"type": "dict"},
        "configured": {"type": "dict"},
        "srr": {"type": "dict", "default": {}},
        "names": {"type": "list", "elements": "str", "default": ["*"]},
        "exclude": {"type": "list", "elements": "str", "default": []},
        "only_differences": {"type": "bool", "default": True},
        "report": {"type": "path"},
    }
    CONSTRAINTS: dict[str, Any] = {"required_by": {"described": ["lake"]}, "mutually_exclusive": [["token", "token_file"]]}

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        notes: list[Problem] = []
        traffic = {"requests": 0, "writes": 0}
        described = self._described(arguments)
        cric = self._cric(arguments, traffic, notes)
        found = self._found(arguments, traffic)
        records = [*described, *(listed.record for listed in (cric.state.listing.rses if cric else {}).values())]
        records += [sides.record_of(rse) for rse in found.values()]
        compared: list[Side] = []
        if arguments["described"] is not None:
            compared.append(sides.records_side(sides.DESCRIPTION, described))
        reports = self._reports(arguments, notes)
        if arguments["configured"] is not None or reports:
            side, more = sides.storage_side(
                arguments["configured"] or {}, reports, sides.places_of(records), {record.name for record in records}
            )
            compared.append(side)
            notes += more
        if cric:
            compared.append(sides.cric_side(cric.state))
            notes += [*cric.state.problems, *cric.state.listing.problems]
        if arguments["url"]:
            compared.append(sides.rucio_side(found))
        if len(compared) < 2:
            given = f"only {compared[0].name} is given" if compared else "no source is given"
            remedy = "Give two of url (of Rucio), cric, described and configured or srr."
            raise DescriptionError([Problem("sources", f"there is nothing to compare: {given}.", remedy)])
        selection = Selection(tuple(arguments["names"]), tuple(arguments["exclude"]))
        chosen = [
            Side(side.name, {name: facts for name, facts in side.rses.items() if selection.takes(name)}, side.partial) for side in compared
        ]
        return {**self._answer(compare(chosen, notes), arguments), "traffic": traffic}

    def _answer(self, comparison: Comparison, arguments: Mapping[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = {"changed": False, **as_dict(comparison)}
        answer["text"] = as_text(comparison, only_differences=arguments["only_differences"])
        if arguments["report"] and not self.check_mode:
            directory = Path(arguments["report"]).expanduser()
            files = texts(comparison)
            answer["changed"] = write(directory, files)
            answer["files"] = [str(directory / name) for name in files]
        return answer

    @staticmethod
    def _described(arguments: Mapping[str, Any]) -> list[RseRecord]:
        if arguments["described"] is None:
            return []
        lake, storages = load_all(arguments["lake"], arguments["described"])
        return [record for storage in storages.values() for record in rse_records(storage, lake)]

    @staticmethod
    def _cric(arguments: Mapping[str, Any], traffic: dict[str, int], notes: list[Problem]) -> CricRead | None:
        if not arguments["cric"]:
            return None
        source = cric_source(arguments["cric"])
        read = read_cric(source)
        _count(traffic, source.client.traffic)
        if read.state.copy_because:
            notes.append(Problem("CRIC", f"{read.state.copy_because}.", "Compare again when CRIC answers."))
        return read

    def _found(self, arguments: dict[str, Any], traffic: dict[str, int]) -> dict[str, RseFound]:
        if not arguments["url"]:
            return {}
        client = self.client(arguments)
        raw = client.lake()["rses"]
        found = {name: found_rse(name, each, client.major) for name, each in raw.items()}
        _count(traffic, client.traffic)
        return found

    @staticmethod
    def _reports(arguments: Mapping[str, Any], notes: list[Problem]) -> dict[str, StorageReport]:
        """The reports that can be read; the others are noted and stop nothing."""
        reports: dict[str, StorageReport] = {}
        for host, url in arguments["srr"].items():
            try:
                document = fetch_report(str(url), Tls(ca=arguments["ca_path"]))
            except ApiError as problem:
                notes.append(Problem(f"{host}: SRR", f"{problem}.", "Correct the address, or leave it out."))
                continue
            reports[host], problems = read_report(document, f"{host}: SRR")
            notes += problems
        return reports


def _count(traffic: dict[str, int], more: Mapping[str, int]) -> None:
    for what, count in more.items():
        traffic[what] += count
