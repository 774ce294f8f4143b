# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""scitokens.cfg, the settings of XRootD's token plug-in: read as its INI reader reads it, edited in place, written.

Source: the inih copy of xrootd (src/XrdSciTokens/vendor/inih or vendor/inih) and OverrideINIReader in
src/XrdSciTokens/XrdSciTokensAccess.cc: ``;`` and ``#`` begin comments; a ``;`` behind a blank ends a value; ``=`` or ``:`` parts key and
value; keys and section names are compared without case; of repeated keys the last one counts, also across sections of one name; an indented
line gives the key above it a new value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from ansible_collections.escape.datalake.plugins.plugin_utils.formats.text_lines import replace_lines, split_lines

_SPACE = " \t\r\v\f\n"
_LIST = re.compile(r"[, ]+")


@dataclass(frozen=True)
class Key:
    """One value. at: its line, counted from 0. continuation: the line is an indented one that replaces the value of the key above."""

    section: str
    name: str
    value: str
    at: int
    continuation: bool = False

    @property
    def line(self) -> int:
        return self.at + 1


@dataclass(frozen=True)
class Section:
    """A section. at: line of its header; end: the line behind its last key (blank lines and comments that follow are not its own)."""

    name: str
    at: int
    end: int
    keys: tuple[Key, ...]

    @property
    def line(self) -> int:
        return self.at + 1

    @property
    def kind(self) -> Literal["global", "issuer", "ignored"]:
        """What the plug-in takes the section for."""
        lowered = self.name.lower()
        if lowered.startswith("global"):
            return "global"
        return "issuer" if lowered.startswith("issuer ") else "ignored"


@dataclass(frozen=True)
class Fault:
    """A line that the reader refuses. kind: no-bracket (section header without ``]``), no-separator (neither ``=`` nor ``:``)."""

    kind: str
    line: int


@dataclass(frozen=True)
class Document:
    """A scitokens.cfg. Editing returns a new document; every byte outside the edited key stays."""

    text: str

    def render(self) -> str:
        return self.text

    @cached_property
    def lines(self) -> tuple[str, ...]:
        return split_lines(self.text)

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        return self._read[0]

    @cached_property
    def faults(self) -> tuple[Fault, ...]:
        return self._read[1]

    def named(self, name: str) -> tuple[Section, ...]:
        """All sections of that name."""
        return tuple(section for section in self.sections if _same(section.name, name))

    def key(self, section: str, name: str) -> Key | None:
        """The value that counts: the last one."""
        found = None
        for each in self.named(section):
            for key in each.keys:
                if _same(key.name, name):
                    found = key
        return found

    def get(self, section: str, name: str) -> str | None:
        found = self.key(section, name)
        return found.value if found else None

    def set(self, section: str, name: str, value: str) -> Document:
        """Gives a key a value: changes the line that counts, or adds the key behind the section's last one, or the section at the end."""
        here = self.named(section)
        if not here:
            return self.append(section, {name: value})
        found = self.key(section, name)
        if found is None:
            last = here[-1]
            return Document(replace_lines(self.lines, last.end, last.end, [f"{name} = {value}"]))
        if found.value == value:
            return self
        first, end = found.at, found.at + 1
        while self._is_continuation(first, name):
            first -= 1
        end = self._run_end(first, name)
        return Document(replace_lines(self.lines, first, end, [_with_value(self.lines[first].rstrip("\n"), value)]))

    def remove(self, section: str, name: str) -> Document:
        """Takes away every value of a key."""
        at = {key.at for each in self.named(section) for key in each.keys if _same(key.name, name)}
        return Document("".join(line for number, line in enumerate(self.lines) if number not in at))

    def append(self, section: str, values: Mapping[str, str]) -> Document:
        """Adds a section at the end, parted by a blank line."""
        gap = [""] if self.text.strip(_SPACE) and not self.text.endswith("\n\n") else []
        new = [*gap, f"[{section}]", *(f"{name} = {value}" for name, value in values.items())]
        return Document(replace_lines(self.lines, len(self.lines), len(self.lines), new))

    def _is_continuation(self, at: int, name: str) -> bool:
        return any(key.at == at and key.continuation and _same(key.name, name) for each in self.sections for key in each.keys)

    def _run_end(self, first: int, name: str) -> int:
        end = first + 1
        while self._is_continuation(end, name):
            end += 1
        return end

    @cached_property
    def _read(self) -> tuple[tuple[Section, ...], tuple[Fault, ...]]:
        sections: list[Section] = []
        faults: list[Fault] = []
        name, header, end = "", -1, 0
        keys: list[Key] = []
        above = ""

        def close() -> None:
            if header >= 0 or keys:
                sections.append(Section(name, max(header, 0), end, tuple(keys)))

        for at, line in enumerate(self.lines):
            body = line.removeprefix("\ufeff") if at == 0 else line
            text = body.strip(_SPACE)
            if not text or text[0] in ";#":
                continue
            if above and body[0] in _SPACE:
                keys.append(Key(name, above, _cut(text), at, continuation=True))
                end = at + 1
            elif text[0] == "[":
                inside = re.match(r"\[((?:[^\]\s]|\s(?!;))*)\]", text)
                if not inside:
                    faults.append(Fault("no-bracket", at + 1))
                    continue
                close()
                name, header, keys, end, above = inside.group(1), at, [], at + 1, ""
            else:
                key, separator, value = _parted(text)
                if not separator:
                    faults.append(Fault("no-separator", at + 1))
                    continue
                above = key
                keys.append(Key(name, key, _cut(value.lstrip(_SPACE)), at))
                end = at + 1
        close()
        return tuple(sections), tuple(faults)


def parse(text: str) -> Document:
    """Never fails: lines that the reader refuses are in Document.faults."""
    return Document(text)


def render(sections: Sequence[tuple[str, Mapping[str, str]]], comment: str = "") -> str:
    """A new file. comment: lines of text for its head."""
    document = Document("".join(f"; {line}\n" for line in comment.splitlines()))
    for name, values in sections:
        document = document.append(name, values)
    return document.render()


def as_list(value: str) -> tuple[str, ...]:
    """The members of a value such as ``audience`` or ``base_path``."""
    return tuple(member for member in _LIST.split(value) if member)


def _same(one: str, other: str) -> bool:
    return one.lower() == other.lower()


def _parted(text: str) -> tuple[str, str, str]:
    """Key, separator and the rest; a comment before the separator leaves no separator."""
    found = re.match(r"((?:[^=:\s]|\s(?!;))*)([=:])(.*)", text, re.DOTALL)
    return (found.group(1).rstrip(_SPACE), found.group(2), found.group(3)) if found else (text, "", "")


def _cut(value: str) -> str:
    """A value without the comment behind it."""
    return re.split(r"(?<=[ \t\r\v\f]);", value, maxsplit=1)[0].rstrip(_SPACE)


def _with_value(line: str, value: str) -> str:
    """A line with another value; what stands around the value stays."""
    found = re.match(r"(\s*(?:[^=:\s]|\s(?!;))*[=:][ \t]*)(.*)", line, re.DOTALL)
    if not found:
        return value
    head, rest = found.groups()
    old = _cut(rest)
    return head + value + (rest[len(old) :] if old else (" " + rest.lstrip() if rest.strip() else ""))
