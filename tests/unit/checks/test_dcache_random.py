"""Random layouts: the checks agree with a slow second implementation of the documented rules, for every release line.

The second implementation shares nothing with the first but the table of properties: it reads its text character by character, keeps no
scopes and decides each assignment by going through all earlier ones.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import dcache_properties, report
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EXAMPLES = 500 if os.environ.get("HYPOTHESIS_PROFILE") == "ci" else 40
DATA = Path(__file__).parents[3] / "plugins/plugin_utils/checks/data/dcache_properties.json"
TABLE = json.loads(DATA.read_text(encoding="utf-8"))
LINES = list(TABLE["lines"])
LEVELS = {"error": "ERROR", "warning": "WARNING", "notice": "INFO"}
MOVES_FILES = re.compile(r"dcache\.(layout|home|paths\.)")  # tested elsewhere, for then other files are read
Row = tuple[str, str, int]  # level, file, line


def covers(entry: dict, line: str) -> bool:
    return LINES.index(entry.get("from", LINES[0])) <= LINES.index(line) <= LINES.index(entry.get("to", LINES[-1]))


@cache
def known(line: str) -> dict[str, dict]:
    """Name to annotations, of the last patch release of a line."""
    return {name: period for name, entry in TABLE["properties"].items() for period in entry["periods"] if covers(period, line)}


class Slow:
    """Reads dcache.conf and a layout the way section 2 of the facts about dCache describes it."""

    def __init__(self, line: str, conf: str, layout: str) -> None:
        self.line = line
        self.known = known(line)
        self.services = {name for name, entry in TABLE["services"].items() if covers(entry, line)}
        self.rows: list[Row] = []
        self.assigned: list[tuple[tuple[str, ...], str]] = []  # scope, name; in load order
        self.copied: list[tuple[tuple[str, ...], str]] = []  # where a name was assigned with "(deprecated)" before it
        for number, key, value in self.logical(conf.split("\n"), 1):
            self.assign(("conf",), "conf", number, key, value)
        self.read_layout(layout.split("\n"))

    def read_layout(self, rows: list[str]) -> None:
        starts = [i for i, row in enumerate(rows) if self.header(row)]
        for key in self.logical(rows[: starts[0] if starts else len(rows)], 1):
            self.assign(("conf", "layout"), "layout", *key)
        domains: set[str] = set()
        for count, start in enumerate(starts):
            end = starts[count + 1] if count + 1 < len(starts) else len(rows)
            name, service = self.header(rows[start]) or ("", "")
            name = name.replace("${host.name}", "se1")
            scope: tuple[str, ...] = ("conf", "layout", name)
            if service:
                if name not in domains:
                    self.rows.append(("ERROR", "layout", start + 1))
                    continue
                scope = (*scope, f"{service}#{count}")
                if service not in self.services:
                    self.rows.append(("ERROR", "layout", start + 1))
            domains.add(name)
            for key in self.logical(rows[start + 1 : end], start + 2):
                self.assign(scope, "layout", *key)

    @staticmethod
    def header(row: str) -> tuple[str, str] | None:
        text = row.strip()
        if not (text.startswith("[") and text.endswith("]")):
            return None
        parts = text[1:-1].split("/")
        if "]" in text[1:-1] or len(parts) > 2 or "" in parts:
            return None
        return parts[0], parts[1] if len(parts) == 2 else ""

    @staticmethod
    def logical(rows: list[str], first: int) -> Iterator[tuple[int, str, str]]:
        """Number of the first row, key and value of each assignment, one character after the other."""
        text, number, pending = "", 0, False
        for offset, row in enumerate(rows):
            stripped = row.lstrip(" \t\f")
            if not pending:
                if not stripped or stripped[0] in "#!":
                    continue
                text, number = "", first + offset
            backslashes = 0
            for char in reversed(stripped):
                if char != "\\":
                    break
                backslashes += 1
            pending = backslashes % 2 == 1
            text += stripped[:-1] if pending else stripped
            if not pending or offset == len(rows) - 1:
                pending = False
                yield (number, *Slow.split(text))

    @staticmethod
    def split(text: str) -> tuple[str, str]:
        place = 0
        while place < len(text) and text[place] not in "=: \t\f":
            place += 1
        key = text[:place]
        while place < len(text) and text[place] in " \t\f":
            place += 1
        if place < len(text) and text[place] in "=:":
            place += 1
            while place < len(text) and text[place] in " \t\f":
                place += 1
        return key, text[place:]

    def declaration(self, scope: tuple[str, ...], name: str) -> dict | None:
        """The annotations that hold for a name: copied ones in an outer scope before those of the defaults."""
        if any(where == scope[: len(where)] and other == name for where, other in self.copied):
            return {"state": "deprecated"}
        return self.known.get(name)

    def assign(self, scope: tuple[str, ...], file: str, number: int, key: str, value: str) -> None:
        annotated = re.fullmatch(r"\(([^)]+)\)(.*)", key)
        name = annotated[2] if annotated else key
        if any(where == scope and other == name for where, other in self.assigned):
            self.rows.append(("ERROR", file, number))
            return
        outside = any(where == scope[: len(where)] and len(where) < len(scope) and other == name for where, other in self.assigned)
        self.assigned.append((scope, name))
        levels: list[str] = []
        period = self.declaration(scope, name)
        if annotated and not any(where == scope and other == name for where, other in self.copied):
            self.copied.append((scope, name))
        if period is not None and set(period) & {"state", "flags", "one-of", "any-of"}:
            state, flags = period.get("state", ""), period.get("flags", [])
            levels += ["ERROR"] if annotated else []
            levels += ["ERROR"] if state == "forbidden" or "immutable" in flags or "prefix" in flags else []
            levels += ["WARNING"] if state in ("obsolete", "deprecated") or ("not-for-services" in flags and len(scope) == 4) else []
            levels += ["ERROR"] if "one-of" in period and value not in period["one-of"].split("|") else []
            items = [item.strip() for item in value.split(",") if item.strip()]
            levels += ["ERROR"] if "any-of" in period and not set(items) <= set(period["any-of"].split("|")) else []
        elif "/" in name:
            levels.append("ERROR")
        elif period is None and not outside and name not in TABLE["builtin_names"] + TABLE["generated_names"]:
            maps = (other for other, entry in self.known.items() if "prefix" in entry.get("flags", ()))
            levels += [] if any(name.startswith(prefix + "!") for prefix in maps) else ["INFO"]
        self.rows += [(level, file, number) for level in levels]

    def exit_code(self) -> int:
        levels = {level for level, _entry, _number in self.rows}
        return 2 if "ERROR" in levels else 1 if "WARNING" in levels else 0


def candidates(line: str) -> list[str]:
    """Lines of text: some of every class of property, of every kind of value and of every kind of mistake."""
    by_class: dict[str, list[str]] = {}
    for name, period in known(line).items():
        kind = json.dumps([period.get("state"), period.get("flags"), "one-of" in period, "any-of" in period, "!" in name])
        by_class.setdefault(kind, []).append(name)
    rows = [
        "",
        "  ",
        "# a comment \\",
        "! another",
        "   more",
        "a = b \\",
        "webdav.root = /a\\",
        "[d1]",
        "[d2]",
        " [d1]  ",
        "[d-${host.name}]",
        "[d-se1]",
    ]
    rows += [
        "[d1/x/y]",
        "[d1] # remark",
        "[d1",
        "my.var = 1",
        "my.var = 1",
        "other.var=${my.var}",
        "x/y = 1",
        "host.fqdn = a",
        "dcache.domains=b",
        "= x",
    ]
    rows += [
        f"[{domain}/{service}]"
        for domain in ("d1", "d-se1")
        for service in ("webdav", "pool", "cleaner", "qos", "bulk", "cleaner-disk", "nothing")
    ]
    for names in by_class.values():
        for name in names[:: max(1, len(names) // 8)][:8]:
            period = known(line)[name]
            allowed = (period.get("one-of") or period.get("any-of") or "1").split("|")
            rows += [f"{name} = {value}" for value in (allowed[0], allowed[-1], "wrong")]
            rows += [
                f"{name}={allowed[0]} ",
                f"{name}: {allowed[0]},{allowed[-1]}",
                f"{name} {allowed[0]} , zz",
                f"(deprecated){name} = {allowed[0]}",
                name,
            ]
            rows += [f"{name}!key = 1"]
    gone = [name for name in TABLE["properties"] if name not in known(line)]
    rows += [f"{name} = 1" for name in gone[:: max(1, len(gone) // 10)]]
    return rows


def shape(row: tuple[str, str, int]) -> Row:
    severity, file, line = row
    return LEVELS[severity], "conf" if file.endswith("dcache.conf") else "layout", line


@pytest.mark.parametrize("line", LINES)
def test_agrees_with_the_documented_rules(line):
    rows = [row for row in candidates(line) if not MOVES_FILES.search(row)]
    seen: Counter[int] = Counter()

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(st.lists(st.sampled_from(rows), max_size=5), st.lists(st.sampled_from(rows), max_size=14))
    def compare(conf: list[str], layout: list[str]) -> None:
        texts = "\n".join(conf), "\n".join(layout)
        slow = Slow(line, *texts)
        files = {
            "etc/hostname": "se1",
            "etc/dcache/dcache.conf": texts[0],
            "etc/dcache/layouts/se1.conf": texts[1],
        }
        found = dcache_properties.check_config(files, line.removesuffix("-dev"))
        assert Counter(shape((f.severity.value, f.file, f.line)) for f in found) == Counter(slow.rows)
        assert report.exit_code(found) == slow.exit_code()
        seen[slow.exit_code()] += 1

    compare()
    assert set(seen) == {0, 1, 2} or EXAMPLES < 100
