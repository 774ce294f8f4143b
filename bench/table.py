# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the tables of docs/benchmarks.md from bench/results/*.json.

usage: python bench/table.py [RESULT.json ...]
"""

from __future__ import annotations

import json
import sys
from itertools import groupby
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs/benchmarks.md"
MARK = "<!-- made by bench/table.py from here on -->\n"
ORDER = ("ours", "ours-light", "bare", "raw8", "import", "import-chunks", "export", "client", "escape")
CASES = {
    "first": "First registration",
    "noop": "A run without change (for export: one read of everything)",
    "add-site": "A site of three RSEs joins",
    "iam": "Accounts of the people of an IAM",
}
HEAD = "| method | seconds | server seconds | requests | writes | MB sent | peak MB |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n"

Row = dict[str, Any]


def tables(rows: list[Row]) -> str:
    """One table for each case, size, mesh and backend."""

    def place(row: Row) -> tuple[int, str, str, int]:
        return list(CASES).index(row["case"]), row["backend"], row["mesh"], row["n"]

    text = ""
    for (case, backend, mesh, n), members in groupby(sorted(rows, key=place), key=place):
        words = f"{n} people" if list(CASES)[case] == "iam" else f"{n} RSEs, {mesh} mesh"
        text += f"### {list(CASES.values())[case]}: {words}, {backend}\n\n{HEAD}"
        for row in sorted(members, key=lambda row: (ORDER.index(row["method"]), row["seconds"])):
            figures = [row["seconds"], row["server_cpu"], row["requests"], row["writes"], row["bytes"] / 1e6, row["peak_mb"]]
            shown = [f"{figure:.2f}" if isinstance(figure, float) else f"{figure}" for figure in figures]
            name = f"{row['method']}, {row['run']}" if "run" in row else row["method"]
            text += f"| {name} | {' | '.join(shown)} |\n"
        text += "\n"
    return text


def main() -> None:
    results = [Path(each) for each in sys.argv[1:]] or sorted((HERE / "results").glob("*.json"))
    rows = [row for path in results for row in json.loads(path.read_text()) if isinstance(row, dict) and "method" in row]
    words = PAGE.read_text().split(MARK)[0]
    PAGE.write_text(words + MARK + "\n" + tables(rows).rstrip() + "\n")


if __name__ == "__main__":
    main()
