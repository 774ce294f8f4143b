# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps the report of a lake."""

from __future__ import annotations

DOCUMENTATION = r"""
name: run_report
type: aggregate
short_description: Keeps a report of what site.yml cost and what its probe proved
version_added: 0.1.0
description:
  - After each run of the playbook, adds one entry to C(report.json) in O(directory) and renders it as C(report.html).
  - Does nothing where no directory is named.
author:
  - The escape.datalake authors (@escape-wp2)
requirements:
  - enabled in C(callbacks_enabled)
options:
  directory:
    description: Folder of the report. Made when missing.
    type: path
    env:
      - name: DATALAKE_REPORT_DIR
    ini:
      - section: callback_run_report
        key: directory
  playbooks:
    description: Base names of the playbooks whose runs count.
    type: list
    elements: str
    default: [site.yml]
    ini:
      - section: callback_run_report
        key: playbooks
"""

import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase
from ansible_collections.escape.datalake.plugins.plugin_utils.report.lake_report import LakeReport, Run

RUCIO_MODULES = "escape.datalake.rucio_"
PROBE_MODULE = "escape.datalake.storage_probe"


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Counts what passes by and writes once, at the end."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "escape.datalake.run_report"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, display: Any = None) -> None:
        super().__init__(display)
        self._started = time.time()
        self._playbook = ""
        self._counts = {"tasks": 0, "changed": 0, "failed": 0, "rucio_requests": 0, "rucio_writes": 0}
        self._probed: dict[str, dict[str, Any]] = {}

    def v2_playbook_on_start(self, playbook: Any) -> None:
        self._playbook = Path(playbook._file_name).name

    def v2_runner_on_ok(self, result: Any) -> None:
        self._count(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._counts["failed"] += not ignore_errors
        self._count(result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._counts["failed"] += 1
        self._count(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        directory = self.get_option("directory")
        if not directory or self._playbook not in self.get_option("playbooks"):
            return
        report = LakeReport.read(Path(directory))
        started = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self._started))
        report.add(Run(seconds=round(time.time() - self._started, 1), started=started, **self._counts), self._probed)
        report.write(Path(directory))
        self._display.display(f"Report: {directory}/report.html and {directory}/report.json")

    def _count(self, result: Any) -> None:
        answer, action = result.result, result.task.resolved_action or result.task.action
        self._counts["tasks"] += 1
        self._counts["changed"] += bool(answer.get("changed"))
        if action.startswith(RUCIO_MODULES):
            traffic = answer.get("traffic", {})
            self._counts["rucio_requests"] += traffic.get("requests", 0)
            self._counts["rucio_writes"] += traffic.get("writes", 0)
        if action == PROBE_MODULE:
            self._probed.update({rse["name"]: rse for rse in answer.get("rses", [])})
