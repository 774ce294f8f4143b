# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of one entry per line (most of dCache's small languages): read without loss, changed in place.

A document keeps every character of its text: comments, blank lines, endings and lines that cannot be read. Only the lines that a change
names are written anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Entry = TypeVar("Entry")

_LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")
_BLANKS = "".join(map(chr, range(33)))  # what java.lang.String.trim() cuts off


def java_trim(text: str) -> str:
    """The text without leading and trailing characters up to U+0020, as Java's String.trim."""
    return text.strip(_BLANKS)


class BadLine(ValueError):
    """A line that the reader of the language refuses. fatal: the whole file is refused because of it."""

    def __init__(self, message: str, *, fatal: bool = False) -> None:
        super().__init__(message)
        self.fatal = fatal


@dataclass(frozen=True)
class Language(Generic[Entry]):
    """How one line is read and written.

    read: text of a line -> entry, None for a comment or blank line; raises BadLine. write: entry -> text without line ending.
    """

    read: Callable[[str], Entry | None]
    write: Callable[[Entry], str]


@dataclass(frozen=True)
class Line(Generic[Entry]):
    """number: from 1. ending: "", "\\n", "\\r\\n" or "\\r". problem: why the line cannot be read, "" otherwise."""

    number: int
    text: str
    ending: str
    entry: Entry | None = None
    problem: str = ""
    fatal: bool = False


@dataclass(frozen=True)
class Document(Generic[Entry]):
    """A file: its lines and the language that they are in."""

    language: Language[Entry]
    lines: tuple[Line[Entry], ...] = field(default=())

    def render(self) -> str:
        """The text, character for character."""
        return "".join(line.text + line.ending for line in self.lines)

    def entries(self) -> Iterator[tuple[int, Entry]]:
        """(line number, entry) of every line that holds one."""
        return ((line.number, line.entry) for line in self.lines if line.entry is not None)

    def problems(self) -> Iterator[Line[Entry]]:
        """The lines that cannot be read."""
        return (line for line in self.lines if line.problem)

    def replace(self, number: int, entry: Entry) -> Document[Entry]:
        """The document with line `number` written anew; its indentation and ending stay. A line that already says it is not touched."""
        old = self._line(number)
        if old.entry == entry:
            return self
        indent = old.text[: len(old.text) - len(old.text.lstrip(" \t"))]
        return self._spliced(number - 1, number, [indent + self.language.write(entry)])

    def insert(self, before: int, entries: Iterable[Entry]) -> Document[Entry]:
        """The document with entries put before line `before`; one more than the last line number appends."""
        if not 1 <= before <= len(self.lines) + 1:
            raise IndexError(f"there is no line {before}")
        return self._spliced(before - 1, before - 1, [self.language.write(entry) for entry in entries])

    def append(self, entries: Iterable[Entry]) -> Document[Entry]:
        """The document with entries at its end."""
        return self.insert(len(self.lines) + 1, entries)

    def remove(self, numbers: Iterable[int]) -> Document[Entry]:
        """The document without the lines of these numbers."""
        gone = set(numbers)
        return parse("".join(line.text + line.ending for line in self.lines if line.number not in gone), self.language)

    def _line(self, number: int) -> Line[Entry]:
        if not 1 <= number <= len(self.lines):
            raise IndexError(f"there is no line {number}")
        return self.lines[number - 1]

    def _spliced(self, start: int, stop: int, texts: Sequence[str]) -> Document[Entry]:
        ending = next((line.ending for line in self.lines if line.ending), "\n")
        before = [line.text + line.ending for line in self.lines[:start]]
        after = [line.text + line.ending for line in self.lines[stop:]]
        if texts and before and not self.lines[start - 1].ending:
            before.append(ending)
        last = self.lines[stop - 1].ending if stop > start else ending
        added = [text + ending for text in texts[:-1]] + [text + last for text in texts[-1:]]
        return parse("".join([*before, *added, *after]), self.language)


def parse(text: str, language: Language[Entry]) -> Document[Entry]:
    """Any text as a document; lines that cannot be read are kept and say why."""
    lines: list[Line[Entry]] = []
    for number, (body, ending) in enumerate(split_lines(text), 1):
        try:
            lines.append(Line(number, body, ending, language.read(body)))
        except BadLine as problem:
            lines.append(Line(number, body, ending, problem=str(problem), fatal=problem.fatal))
    return Document(language, tuple(lines))


def render(entries: Iterable[Entry], language: Language[Entry], header: Sequence[str] = ()) -> str:
    """A fresh file: comment lines of the header, then one line for each entry."""
    return "".join([*(f"# {line}\n" if line else "#\n" for line in header), *(language.write(entry) + "\n" for entry in entries)])


def split_lines(text: str) -> list[tuple[str, str]]:
    """(line, ending) pairs as java.io.BufferedReader.readLine parts them: ``\\n``, ``\\r\\n`` or ``\\r``."""
    if "\r" not in text:
        pieces = text.split("\n")
        return [(piece, "\n") for piece in pieces[:-1]] + ([(pieces[-1], "")] if pieces[-1] else [])
    return [(found.group(1), found.group(2)) for found in _LINE.finditer(text) if found.group(0)]
