# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""domehead.conf and domedisk.conf, the settings of DPM's DOME daemon: read as the daemon reads them, edited in place.

Source: Config::ProcessFile of dmlite's settings reader. A line that begins with ``#`` is a remark, and ``INCLUDE /directory`` reads more
files. Any other line counts only when it has a colon: before it the key letter by letter, blanks included, behind it the value without the
blanks around it. ``key[]`` adds to a list, of any other key the last value counts. Tabs and carriage returns stay.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ansible_collections.escape.datalake.plugins.plugin_utils.formats.text_lines import replace_lines, split_lines

LINE_LIMIT = 1023  # characters that fit the reader's buffer
LIST_MARK = "[]"
_ASSIGNED = re.compile(r"\s*((?:glb|head|disk)\.[\w.]+(?:\[\])?)(?:\s*=|\s+\S|\s*$)")


@dataclass(frozen=True)
class Entry:
    """One setting. line: from 1. key: as the daemon takes it, without the mark of lists. value: likewise, quotes included."""

    line: int
    key: str
    value: str
    is_list: bool = False

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of a value such as ``"/prefix" "https://issuer/"``; the whole value where its quotes do not match."""
        try:
            return tuple(shlex.split(self.value))
        except ValueError:
            return (self.value,)


@dataclass(frozen=True)
class Document:
    """A settings file. Editing returns a new document; every byte outside the edited line stays."""

    text: str

    def render(self) -> str:
        return self.text

    @cached_property
    def lines(self) -> tuple[str, ...]:
        return split_lines(self.text)

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        found = []
        for number, line in enumerate(self.lines, 1):
            body = line.removesuffix("\n")
            if body.startswith(("#", "INCLUDE")) or ":" not in body:
                continue
            key, _colon, value = body.partition(":")
            if key:
                is_list = key.find(LIST_MARK) > 0
                found.append(Entry(number, key.partition(LIST_MARK)[0] if is_list else key, value.strip(" "), is_list))
        return tuple(found)

    @cached_property
    def includes(self) -> tuple[tuple[int, str], ...]:
        """(line, directory) of the lines that read more files."""
        return tuple((number, line[7:].strip(" \n")) for number, line in enumerate(self.lines, 1) if line.startswith("INCLUDE"))

    @cached_property
    def assignments(self) -> tuple[tuple[int, str], ...]:
        """(line, key) of the lines that name a key without a colon behind it, which the daemon does not read."""
        return tuple(
            (number, found[1])
            for number, line in enumerate(self.lines, 1)
            if not line.startswith("#") and ":" not in line and (found := _ASSIGNED.match(line))
        )

    def last(self, key: str) -> Entry | None:
        """The setting of a plain key that counts."""
        found = [entry for entry in self.entries if entry.key == key and not entry.is_list]
        return found[-1] if found else None

    def value(self, key: str, default: str = "") -> str:
        entry = self.last(key)
        return entry.value if entry else default

    def all(self, key: str) -> list[Entry]:
        """The members of a list."""
        return [entry for entry in self.entries if entry.key == key and entry.is_list]

    def set(self, key: str, value: str) -> Document:
        """The document in which a plain key has a value: its last line is changed, or a line is added beside its relatives."""
        entry = self.last(key)
        if entry is None:
            return self._add(key, f"{key}: {value}")
        return self if entry.value == value else self.replace(entry, value)

    def add(self, key: str, value: str) -> Document:
        """The document with one more member of a list."""
        return self._add(key, f"{key}{LIST_MARK}: {value}")

    def replace(self, entry: Entry, value: str) -> Document:
        """The document with another value in the line of an entry."""
        mark = LIST_MARK if entry.is_list else ""
        return Document(replace_lines(self.lines, entry.line - 1, entry.line, [f"{entry.key}{mark}: {value}"]))

    def remove(self, entry: Entry) -> Document:
        return Document(replace_lines(self.lines, entry.line - 1, entry.line, []))

    def _add(self, key: str, line: str) -> Document:
        """Puts a line behind the last one of the same key, else of the same family (``head.oidc.``, ``head.``), else at the end."""
        parts = key.split(".")
        at = len(self.lines)
        for count in range(len(parts), 0, -1):
            prefix = ".".join(parts[:count])
            alike = [entry for entry in self.entries if entry.key == prefix or entry.key.startswith(prefix + ".")]
            if alike:
                at = alike[-1].line
                break
        return Document(replace_lines(self.lines, at, at, [line]))


def parse(text: str) -> Document:
    """Never fails: what the daemon would not understand is for the checks to say."""
    return Document(text)


def quoted(*fields: str) -> str:
    """Fields as ``head.oidc.allowissuer[]`` wants them."""
    return " ".join(f'"{field}"' for field in fields)


def render(settings: Sequence[tuple[str, str]], header: Sequence[str] = ()) -> str:
    """A fresh file: remarks, then one line for each setting; keys of lists are given with their mark."""
    return "".join([*(f"# {line}\n" if line else "#\n" for line in header), *(f"{key}: {value}\n" for key, value in settings)])
