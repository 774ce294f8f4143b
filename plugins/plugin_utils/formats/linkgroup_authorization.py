# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``LinkGroupAuthorization.conf``: who may reserve space in a link group.

Records begin with ``LinkGroup NAME`` and end at an empty line; each line between is an FQAN pattern or a user name. A record that begins
with another word refuses the file. Source: dCache LinkGroupAuthorizationFileParser.java.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ansible_collections.escape.datalake.plugins.plugin_utils.formats import line_document
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.line_document import Document, Language, Line, java_trim

_KEY = "LinkGroup"
_WORD = re.compile(r"[^ \t\n\r\f]+")


@dataclass(frozen=True)
class GroupLine:
    """``LinkGroup NAME``."""

    name: str


@dataclass(frozen=True)
class MemberLine:
    """An FQAN (``/escape/Role=production``, ``*/Role=*``) or a user name that may reserve space in the link group above it."""

    member: str


@dataclass(frozen=True)
class Record:
    """A link group, its members and the number of its first line."""

    name: str
    members: tuple[str, ...]
    line: int = 0


LinkGroupAuthorization = Document[GroupLine | MemberLine]


def _read(text: str) -> GroupLine | MemberLine | None:
    trimmed = java_trim(text)
    if not trimmed or trimmed.startswith("#"):
        return None
    words = _WORD.findall(trimmed)
    return GroupLine(words[1]) if words[:1] == [_KEY] and len(words) > 1 else MemberLine(trimmed)


def _write(entry: GroupLine | MemberLine) -> str:
    return f"{_KEY} {entry.name}" if isinstance(entry, GroupLine) else entry.member


LANGUAGE: Language[GroupLine | MemberLine] = Language(_read, _write)


def parse(text: str) -> LinkGroupAuthorization:
    """Any text; what stands outside a record is a fatal problem of its line, what looks like a record inside one is a member."""
    lines: list[Line[GroupLine | MemberLine]] = []
    inside = False
    for line in line_document.parse(text, LANGUAGE).lines:
        trimmed = java_trim(line.text)
        if not trimmed:
            inside = False
        elif not inside and isinstance(line.entry, MemberLine):
            line = replace(line, entry=None, problem=f"the first word of a record must be {_KEY}, followed by a name", fatal=True)
        elif inside and isinstance(line.entry, GroupLine):
            line = replace(line, entry=MemberLine(trimmed))
        elif isinstance(line.entry, GroupLine):
            inside = True
        lines.append(line)
    return Document(LANGUAGE, tuple(lines))


def records(document: LinkGroupAuthorization) -> tuple[Record, ...]:
    """The records; of two with one name dCache keeps the last."""
    found: list[Record] = []
    for number, entry in document.entries():
        if isinstance(entry, GroupLine):
            found.append(Record(entry.name, (), number))
        elif found:
            found[-1] = replace(found[-1], members=(*found[-1].members, entry.member))
    return tuple(found)


def render(wanted: Iterable[Record], header: Sequence[str] = ()) -> str:
    """A fresh file, records parted by an empty line."""
    blocks = ["\n".join([f"{_KEY} {record.name}", *record.members]) + "\n" for record in wanted]
    return line_document.render((), LANGUAGE, header) + "\n".join(blocks)
