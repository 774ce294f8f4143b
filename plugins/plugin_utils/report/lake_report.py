# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a lake: what was proven of each RSE, and what each run of site.yml cost. JSON for machines, a page for people."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

JSON_NAME = "report.json"
PAGE_NAME = "report.html"


@dataclass(frozen=True)
class Run:
    """One run of site.yml. tasks: task executions, one per task and host. rucio_requests, rucio_writes: what its tasks sent to Rucio."""

    seconds: float
    tasks: int
    changed: int
    rucio_requests: int
    rucio_writes: int
    failed: int = 0
    started: str = ""


@dataclass
class LakeReport:
    """rses: the newest results of storage_probe, by RSE name. runs: newest last."""

    rses: dict[str, dict[str, Any]] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def read(cls, directory: Path) -> LakeReport:
        """The report kept in a directory; an empty one where there is none or it cannot be read (a report is no source of truth)."""
        try:
            kept = json.loads((directory / JSON_NAME).read_text(encoding="utf-8"))
            return cls({rse["name"]: rse for rse in kept["rses"]}, list(kept["runs"]))
        except (OSError, ValueError, KeyError, TypeError):
            return cls()

    def add(self, run: Run, probed: Mapping[str, dict[str, Any]]) -> None:
        """Adds a run and the RSEs that it proved; those that it did not probe, or only looked at in check mode, keep their last results."""
        self.runs.append(asdict(run))
        self.rses.update({name: rse for name, rse in probed.items() if rse["verdict"] != "skipped"})

    def as_dict(self) -> dict[str, Any]:
        return {"rses": [self.rses[name] for name in sorted(self.rses)], "runs": self.runs}

    def write(self, directory: Path) -> None:
        """Writes both forms, each replaced in one step."""
        directory.mkdir(parents=True, exist_ok=True)
        _replace(directory / JSON_NAME, json.dumps(self.as_dict(), indent=1) + "\n")
        _replace(directory / PAGE_NAME, render_page(self.as_dict()))


def render_page(report: Mapping[str, Any]) -> str:
    """The report as one HTML page that needs nothing else."""
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    classes: dict[str, list[Any]] = {}
    for rse in report["rses"]:
        classes.setdefault(rse["qos"], []).append(rse)
    return environment.get_template("report.html.j2").render(classes=classes, **report)


def _replace(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)
