# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Environment of a service: ``Environment=`` lines of a systemd drop-in, or ``NAME=value`` lines of a file in /etc/sysconfig.

Edits keep every other line. Sources: systemd.exec(5), systemd.syntax(7); of repeated names the last one counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from ansible_collections.escape.datalake.plugins.plugin_utils.formats.text_lines import replace_lines, split_lines

Kind = Literal["drop-in", "file"]
_ASSIGNMENT = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|\S+')
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_SHELL = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)")


@dataclass(frozen=True)
class Variable:
    """at, end: first line, counted from 0, and the one behind the last: a backslash continues a line. alone: no other variable is there."""

    name: str
    value: str
    at: int
    end: int
    alone: bool = True

    @property
    def line(self) -> int:
        return self.at + 1


@dataclass(frozen=True)
class Environment:
    """A file with variables for a service."""

    text: str
    kind: Kind = "drop-in"

    def render(self) -> str:
        return self.text

    @cached_property
    def lines(self) -> tuple[str, ...]:
        return split_lines(self.text)

    @cached_property
    def variables(self) -> tuple[Variable, ...]:
        """All of them, in order."""
        found: list[Variable] = []
        in_service = False
        for at, end, body in self._joined():
            if self.kind == "file":
                match = _SHELL.match(body)
                if match:
                    found.append(Variable(match[1], _unquoted(match[2].strip()), at, end))
            elif body.startswith("["):
                in_service = body == "[Service]"
            elif in_service and body.partition("=")[0].strip() == "Environment":
                words = [_unquoted(word).replace("%%", "%") for word in _ASSIGNMENT.findall(body.partition("=")[2])]
                pairs = [word.partition("=") for word in words if _NAME.match(word)]
                found += [Variable(name, value, at, end, len(words) == 1) for name, _equals, value in pairs]
        return tuple(found)

    def _joined(self) -> Iterator[tuple[int, int, str]]:
        """First line, line behind the last, and text of every setting; comments inside a continued one are left out."""
        at, parts = 0, list[str]()
        for number, line in enumerate(self.lines):
            body = line.strip()
            if body[:1] in ("", "#", ";") and (body or not parts):
                continue
            at = at if parts else number
            goes_on = body.endswith("\\")
            parts.append(body[:-1].rstrip() if goes_on else body)
            if not goes_on:
                yield at, number + 1, " ".join(part for part in parts if part)
                parts = []
        if parts:
            yield at, len(self.lines), " ".join(part for part in parts if part)

    @cached_property
    def values(self) -> Mapping[str, str]:
        """What the service sees."""
        return {each.name: each.value for each in self.variables}

    def variable(self, name: str) -> Variable | None:
        """The one that counts."""
        return next((each for each in reversed(self.variables) if each.name == name), None)

    def set(self, name: str, value: str) -> Environment:
        """The file with a variable set: in its own line where it has one, else in a new line behind the last one of its kind."""
        found = self.variable(name)
        if found and found.value == value:
            return self
        written = self._written(name, value)
        if found and found.alone:
            return Environment(replace_lines(self.lines, found.at, found.end, [written]), self.kind)
        if self.variables:
            at = self.variables[-1].end
        else:
            headers = [at for at, line in enumerate(self.lines) if line.strip() == "[Service]"]
            at = headers[-1] + 1 if headers else len(self.lines)
        added = (
            [written]
            if self.kind == "file" or self.variables or any(line.strip() == "[Service]" for line in self.lines)
            else [
                "[Service]",
                written,
            ]
        )
        return Environment(replace_lines(self.lines, at, at, added), self.kind)

    def _written(self, name: str, value: str) -> str:
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        if self.kind == "file":
            return f'{name}="{escaped}"'
        return f'Environment="{name}={escaped.replace("%", "%%")}"'


def parse(text: str, kind: Kind = "drop-in") -> Environment:
    """Any text."""
    return Environment(text, kind)


def render(values: Mapping[str, str], kind: Kind, comment: str) -> str:
    """A fresh file."""
    document = Environment("".join(f"# {line}\n" for line in comment.splitlines()) + ("[Service]\n" if kind == "drop-in" else ""), kind)
    for name, value in values.items():
        document = document.set(name, value)
    return document.render()


def _unquoted(word: str) -> str:
    if len(word) >= 2 and word[0] == word[-1] and word[0] in "\"'":
        word = re.sub(r"\\(.)", r"\1", word[1:-1])
    return word
