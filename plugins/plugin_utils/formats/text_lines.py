# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lines of text that are edited without touching their neighbours, and the records of XRootD's line reader.

The reader (src/XrdOuc/XrdOucStream.cc of xrootd, GetLine and GetWord) knows: words parted by blanks and tabs; lines whose first word begins
with ``#`` are comments; a backslash as last non-blank character of a line joins the next line that is neither blank nor a comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_WORD = re.compile(r"[^ \t]+")


def split_lines(text: str) -> tuple[str, ...]:
    """The lines of a text with their endings; only ``\\n`` ends a line. ``"".join()`` gives the text back."""
    pieces = text.split("\n")
    lines = [piece + "\n" for piece in pieces[:-1]]
    if pieces[-1]:
        lines.append(pieces[-1])
    return tuple(lines)


def replace_lines(lines: Sequence[str], first: int, end: int, new: Iterable[str]) -> str:
    """The text with lines[first:end] replaced; a line before the new ones that lacks its ending gets one.

    new: lines without endings.
    """
    added = [line + "\n" for line in new]
    head = list(lines[:first])
    if added and head and not head[-1].endswith("\n"):
        head[-1] += "\n"
    return "".join([*head, *added, *lines[end:]])


@dataclass(frozen=True)
class Record:
    """One logical line. first, end: physical lines [first:end], counted from 0. between: comments and blank lines inside it."""

    first: int
    end: int
    words: tuple[str, ...]
    indent: str
    between: tuple[str, ...] = ()

    @property
    def line(self) -> int:
        """Line number for people, from 1."""
        return self.first + 1


def records(lines: Sequence[str]) -> tuple[Record, ...]:
    """All records of a file, comments and blank lines left out."""
    found: list[Record] = []
    at = 0
    while at < len(lines):
        body = lines[at].rstrip("\n")
        if _skipped(body):
            at += 1
            continue
        first, words, between = at, [], []
        indent = body[: len(body) - len(body.lstrip(" \t"))]
        while True:
            body, continued = _without_continuation(body)
            words += _WORD.findall(body)
            at += 1
            if not continued:
                break
            skipped = []
            while at < len(lines) and _skipped(lines[at].rstrip("\n")):
                skipped.append(lines[at].rstrip("\n"))
                at += 1
            if at == len(lines):
                at -= len(skipped)
                break
            between += skipped
            body = lines[at].rstrip("\n")
        if words:
            found.append(Record(first, at, tuple(words), indent, tuple(between)))
    return tuple(found)


def _skipped(body: str) -> bool:
    words = body.strip(" \t")
    return not words or words.startswith("#")


def _without_continuation(body: str) -> tuple[str, bool]:
    trimmed = body.rstrip(" \t")
    return (trimmed[:-1], True) if trimmed.endswith("\\") else (body, False)
