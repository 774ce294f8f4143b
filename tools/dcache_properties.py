# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the property table of the dCache checks from the researched facts (dcache-properties.json) and a clone of dCache.

The facts give what the last patch release of each line knows; the clone adds which patch release brought what its first one did not have.

usage: tools/dcache_properties.py FACTS.json [--repository DCACHE.git] > plugins/plugin_utils/checks/data/dcache_properties.json
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterable
from typing import Any

Patches = dict[str, dict[str, Any]]
ABOUT = "dCache configuration properties by release line. Written by tools/dcache_properties.py; facts about dCache, not its text."
FORMAT = (
    "periods: from, to (lines, inclusive; left out: all), state (left out: active), flags, one-of or any-of (values parted by |), default; "
    "since_patch: first patch release of a line, where its first release lacks the property; before_patch: the annotations up to a patch "
    "release."
)
ASSIGNMENT = re.compile(r"\s*(?:\(([^)]*)\))?([^#!\s=:()]+)\s*=")


def periods(name: str, entry: dict[str, Any], lines: list[str]) -> list[dict[str, Any]]:
    """What the property is, from line to line, without the lines that do not have it."""
    history = entry.get("history") or [{**entry, "from": lines[0], "to": lines[-1]}]
    kept = [period for period in history if period["state"] != "absent"]
    return [compact(name, period, lines) for period in kept]


def compact(name: str, period: dict[str, Any], lines: list[str]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    if period["from"] != lines[0]:
        row["from"] = period["from"]
    if period["to"] != lines[-1]:
        row["to"] = period["to"]
    if period["state"] != "active":
        row["state"] = period["state"]
    if period.get("flags"):
        row["flags"] = period["flags"]
    if period.get("check"):
        row[period["check"]] = "|".join(period["allowed"])
    if "default" in period and "prefix" not in period.get("flags", ()) and period["state"] in ("active", "deprecated"):
        row["default"] = period["default"]
    return row


def annotation(text: str) -> dict[str, Any]:
    """``one-of?a|b,not-for-services`` as the fields of a period."""
    row: dict[str, Any] = {}
    for word in filter(None, text.split(",")):
        label, mark, parameter = word.partition("?")
        if label in ("deprecated", "obsolete", "forbidden"):
            row["state"] = label
        elif mark:
            row[label] = parameter
        else:
            row.setdefault("flags", []).append(label)
    return row


def rows(facts: dict[str, Any], lines: list[str], since_patch: Patches, before_patch: Patches) -> dict[str, dict[str, Any]]:
    result = {}
    for name, entry in sorted({**facts["retired"], **facts["properties"]}.items()):
        row: dict[str, Any] = {}
        for key in ("kind", "service", "replaced_by"):
            if entry.get(key) and entry.get(key) != "text":
                row[key] = entry[key]
        if row.get("kind") in ("time-unit", "enum", "set", "map-prefix", "bool"):
            del row["kind"]  # the annotation says it
        for key, patches in (("since_patch", since_patch), ("before_patch", before_patch)):
            if name in patches:
                row[key] = patches[name]
        row["periods"] = periods(name, entry, lines)
        result[name] = row
    return result


def git(repository: str, *arguments: str) -> str:
    return subprocess.run(["git", "-C", repository, *arguments], check=True, capture_output=True, text=True, errors="replace").stdout


def declared_at(repository: str, tag: str) -> dict[str, str]:
    """The annotation of each name that is assigned in the defaults of a release."""
    text = git(repository, "grep", "-h", "=", tag, "--", "skel/share/defaults")
    return {match[2]: match[1] or "" for match in map(ASSIGNMENT.match, text.splitlines()) if match}


def patch_history(repository: str, known: Iterable[str], lines: list[str]) -> tuple[Patches, Patches]:
    """What changed between the first and the last patch release of a line.

    First: per property and line, the patch release that brought it. Second: per property and line, the patch release that gave it its
    annotations of today (``until``), and those that it had before.
    """
    known = set(known)
    tags = git(repository, "tag").split()
    since: Patches = {}
    before: Patches = {}
    for line in lines:
        own = sorted((tag for tag in tags if re.fullmatch(re.escape(line) + r"\.\d+", tag)), key=lambda tag: int(tag.rsplit(".", 1)[1]))
        if not own:
            continue
        first, last = declared_at(repository, own[0]), declared_at(repository, own[-1])
        missing = {name for name in known & last.keys() if name not in first}
        other = {name for name in known & last.keys() & first.keys() if first[name] != last[name]}
        for tag in own[1:]:
            if not missing and not other:
                break
            here = declared_at(repository, tag)
            for name in sorted(missing & here.keys()):
                since.setdefault(name, {})[line] = tag
            for name in sorted(name for name in other if here[name] == last[name]):
                before.setdefault(name, {})[line] = {"until": tag} | annotation(first[name])
            missing -= here.keys()
            other = {name for name in other if here[name] != last[name]}
    return since, before


def write(facts: dict[str, Any], since_patch: Patches, before_patch: Patches) -> None:
    lines = list(facts["release_lines"])
    services = {name: {"from": entry["since"]} for name, entry in facts["services"].items()}
    for name, entry in facts["services"].items():
        must = [prop for prop in entry["must_be_set_by_admin"] if not prop.endswith(".changelog")]  # a default has it
        services[name] |= ({"must_be_set": must} if must else {}) | {"nonempty": sorted(set(entry["nonempty_at_start"]))}
    for name, last in facts["services_gone"].items():
        services[name] = {"from": first_line(facts, f"{name}.cell.name"), "to": last}
    source = facts["source"] | {"files": "skel/share/defaults/*.properties, skel/share/services/*.batch"}
    releases = {line: {key: entry[key] for key in ("tag", "commit", "date")} for line, entry in facts["release_lines"].items()}
    print("{")
    print(f'"about": {json.dumps(ABOUT)},')
    print(f'"format": {json.dumps(FORMAT)},')
    print(f'"source": {json.dumps(source)},')
    print('"lines": ' + mapping(releases) + ",")
    print('"services": ' + mapping(dict(sorted(services.items()))) + ",")
    print(f'"builtin_names": {json.dumps(facts["builtin_names"])},')
    print(f'"generated_names": {json.dumps(facts["generated_names"])},')
    print('"properties": ' + mapping(rows(facts, lines, since_patch, before_patch)))
    print("}")


def first_line(facts: dict[str, Any], name: str) -> str:
    """The line that brought a service, told by its cell name."""
    entry = facts["retired"].get(name) or facts["properties"].get(name) or {}
    known = [period["from"] for period in entry.get("history", ()) if period["state"] != "absent"]
    return str(known[0]) if known else str(next(iter(facts["release_lines"])))


def mapping(entries: dict[str, Any]) -> str:
    return "{\n" + ",\n".join(f"{json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}" for key, value in entries.items()) + "\n}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("facts", type=argparse.FileType())
    parser.add_argument("--repository", help="git directory of a dCache clone with its tags")
    options = parser.parse_args()
    facts = json.load(options.facts)
    names = {**facts["retired"], **facts["properties"]}
    write(facts, *(patch_history(options.repository, names, list(facts["release_lines"])) if options.repository else ({}, {})))
    return 0


if __name__ == "__main__":
    sys.exit(main())
