# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JSON that people write: values with their place in the text, so that one value can be replaced and the rest stays as it was."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Path = tuple[str | int, ...]

_BLANKS = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class JsonText:
    """text: as read. value: what it means, None when it is not JSON. problem, problem_line: why it is not, and where."""

    text: str
    value: Any = None
    problem: str = ""
    problem_line: int = 0
    spans: dict[Path, tuple[int, int]] = field(default_factory=dict, compare=False, repr=False)

    def render(self) -> str:
        return self.text

    def line(self, path: Sequence[str | int]) -> int:
        """Line number of the value at a path, of its nearest known parent otherwise, from 1."""
        at = tuple(path)
        while at and at not in self.spans:
            at = at[:-1]
        start = self.spans.get(at, (0, 0))[0]
        return self.text.count("\n", 0, start) + 1

    def with_value(self, path: Sequence[str | int], value: Any) -> JsonText:
        """The document with the value at a path replaced. Raises KeyError when there is nothing at the path."""
        start, end = self.spans[tuple(path)]
        if json.loads(self.text[start:end]) == value:
            return self
        column = start - (self.text.rfind("\n", 0, start) + 1)
        indent = re.match(r"[ \t]*", self.text[start - column :])
        written = (
            json.dumps(value, indent=2, ensure_ascii=False) if isinstance(value, dict | list) else json.dumps(value, ensure_ascii=False)
        )
        written = written.replace("\n", "\n" + (indent.group(0) if indent else ""))
        return parse(self.text[:start] + written + self.text[end:])


def parse(text: str) -> JsonText:
    """Any text."""
    spans: dict[Path, tuple[int, int]] = {}
    try:
        value = json.loads(text)
        _walk(text, _skip(text, 0), (), spans)
    except json.JSONDecodeError as problem:
        return JsonText(text, None, problem.msg, problem.lineno)
    except RecursionError:
        return JsonText(text, None, "nested too deeply", 1)
    return JsonText(text, value, spans=spans)


def render(value: Any) -> str:
    """A fresh document."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _skip(text: str, at: int) -> int:
    found = _BLANKS.match(text, at)
    return found.end() if found else at


def _walk(text: str, at: int, path: Path, spans: dict[Path, tuple[int, int]]) -> int:
    """Records the span of the value at `at` and of all inside it; gives the place after it. The text is known to be JSON."""
    if text[at] == "{":
        end = _walk_object(text, at, path, spans)
    elif text[at] == "[":
        end = _walk_array(text, at, path, spans)
    else:
        _value, end = _DECODER.raw_decode(text, at)
    spans[path] = (at, end)
    return end


def _walk_object(text: str, at: int, path: Path, spans: dict[Path, tuple[int, int]]) -> int:
    at = _skip(text, at + 1)
    while text[at] != "}":
        key, at = _DECODER.raw_decode(text, at)
        at = _walk(text, _skip(text, _skip(text, at) + 1), (*path, key), spans)
        at = _skip(text, at)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return at + 1


def _walk_array(text: str, at: int, path: Path, spans: dict[Path, tuple[int, int]]) -> int:
    at = _skip(text, at + 1)
    index = 0
    while text[at] != "]":
        at = _skip(text, _walk(text, at, (*path, index), spans))
        index += 1
        if text[at] == ",":
            at = _skip(text, at + 1)
    return at + 1
