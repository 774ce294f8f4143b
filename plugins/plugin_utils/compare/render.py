# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A comparison as plain data, as text for a terminal, and as a page."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.compare.compared import VERDICTS, Compared, Comparison
from ansible_collections.escape.datalake.plugins.plugin_utils.model.units import about_size
from jinja2 import Environment, FileSystemLoader

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")  # what moves a cursor or colours a terminal
MARKS = {"same": "=", "differs": "≠", "partly": "·"}
NAMES = {"text": "compare.txt", "json": "compare.json", "html": "compare.html"}


def as_dict(comparison: Comparison) -> dict[str, Any]:
    """Everything, in plain data."""
    return {
        "sources": list(comparison.sources),
        "differing": [rse.name for rse in comparison.differing],
        "rses": [
            {
                "name": rse.name,
                "differs": rse.differs,
                "missing": list(rse.missing),
                "fields": [{"field": row.field, "verdict": row.verdict, "values": dict(row.values)} for row in rse.rows],
            }
            for rse in comparison.rses
        ],
        "notes": [note.as_dict() for note in comparison.notes],
    }


def as_text(comparison: Comparison, *, only_differences: bool = True) -> str:
    """A table for each RSE. only_differences: fields and RSEs that agree are counted, not shown."""
    shown = comparison.differing if only_differences else comparison.rses
    parts = [_summary(comparison), *("\n".join(_table(rse, comparison, only_differences)) for rse in shown)]
    if comparison.notes:
        parts.append("Notes\n" + "\n".join(f"  {note}" for note in comparison.notes))
    return "\n\n".join(parts) + "\n"


def as_page(comparison: Comparison) -> str:
    """One HTML page that needs nothing else."""
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = environment.get_template("compare.html.j2")
    return template.render(comparison=comparison, summary=_summary(comparison), marks=MARKS, words=VERDICTS, shown=shown)


def texts(comparison: Comparison) -> dict[str, str]:
    """The files of a report by name."""
    return {
        NAMES["text"]: as_text(comparison, only_differences=False),
        NAMES["json"]: json.dumps(as_dict(comparison), indent=1, ensure_ascii=False) + "\n",
        NAMES["html"]: as_page(comparison),
    }


def write(directory: Path, files: dict[str, str]) -> bool:
    """Writes the files that differ, each in one step; whether there were any."""
    directory.mkdir(parents=True, exist_ok=True)
    written = False
    for name, text in files.items():
        path = directory / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        draft = path.with_name(f".{name}.{os.getpid()}")
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
        written = True
    return written


def shown(field: str, value: Any) -> str:
    """A value for people."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and (field == "space" or field.startswith("limit ")):
        return about_size(value)
    return str(value)


def _summary(comparison: Comparison) -> str:
    count, different = len(comparison.rses), len(comparison.differing)
    sources = ", ".join(comparison.sources)
    return f"{count} RSE{'s' if count != 1 else ''} compared ({sources}): {different} differ{'s' if different == 1 else ''}."


def _table(rse: Compared, comparison: Comparison, only_differences: bool) -> Iterator[str]:
    sources = [source for source in comparison.sources if any(source in row.values for row in rse.rows) or source in rse.missing]
    yield f"{rse.name}" + (f"   not in {', '.join(rse.missing)}" if rse.missing else "")
    rows = [row for row in rse.rows if row.verdict == "differs" or not only_differences]
    cells = [[f"{MARKS[row.verdict]} {row.field}", *(shown(row.field, row.values.get(source)) for source in sources)] for row in rows]
    cells = [[CONTROL.sub(" ", cell) for cell in line] for line in cells]
    table = [["  field", *sources], *cells]
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    for line in table if rows else ():
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
    hidden = len(rse.rows) - len(rows)
    if hidden:
        yield f"  {hidden} fields do not differ"
