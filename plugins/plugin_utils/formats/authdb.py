# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""authdb, XRootD's table of rights: read, edited in place, written.

Source: src/XrdAcc/XrdAccAuthFile.cc and ConfigDBrec in src/XrdAcc/XrdAccConfig.cc of xrootd 5.5.3 to 6.1.0. A record is a type (one of
``= g h n o r s t u x``), a name, and for ``=`` pairs of identity selector and value, for others pairs of path and privileges or names of
templates. Comments are whole lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ansible_collections.escape.datalake.plugins.plugin_utils.formats.text_lines import Record, records, replace_lines, split_lines

TYPES = frozenset("=ghnorstux")
SELECTORS = frozenset("ghoru")
PRIVILEGES = frozenset("adiklnrw-")


@dataclass(frozen=True)
class Grant:
    """Privileges on a path prefix, or the use of a template (privileges None)."""

    path: str
    privileges: str | None

    @property
    def words(self) -> tuple[str, ...]:
        return (self.path,) if self.privileges is None else (self.path, self.privileges)


@dataclass(frozen=True)
class Rule:
    """One record. type and name as written; selectors of an ``=`` record; grants of every other one."""

    record: Record

    @property
    def type(self) -> str:
        return self.record.words[0]

    @property
    def name(self) -> str:
        return self.record.words[1] if len(self.record.words) > 1 else ""

    @property
    def line(self) -> int:
        return self.record.line

    @property
    def selectors(self) -> tuple[tuple[str, str], ...]:
        """Pairs of selector as written (``o:``) and value; a value that is missing is empty."""
        if self.type != "=":
            return ()
        words = self.record.words[2:]
        return tuple((words[at], words[at + 1] if at + 1 < len(words) else "") for at in range(0, len(words), 2))

    @property
    def identity(self) -> dict[str, str]:
        """The selectors by their letter."""
        return {selector[:1]: value for selector, value in self.selectors}

    @property
    def grants(self) -> tuple[Grant, ...]:
        if self.type == "=":
            return ()
        words = list(self.record.words[2:])
        found = []
        while words:
            word = words.pop(0)
            if word.startswith(("/", "\\")):
                found.append(Grant(word, words.pop(0) if words else ""))
            else:
                found.append(Grant(word, None))
        return tuple(found)


@dataclass(frozen=True)
class Document:
    """An authdb. Editing returns a new document; every byte outside the edited record stays."""

    text: str

    def render(self) -> str:
        return self.text

    @cached_property
    def lines(self) -> tuple[str, ...]:
        return split_lines(self.text)

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        return tuple(Rule(record) for record in records(self.lines))

    def find(self, type_: str, name: str) -> Rule | None:
        return next((rule for rule in self.rules if rule.type == type_ and rule.name == name), None)

    def replace(self, old: Rule, words: Sequence[str]) -> Document:
        """Puts other words in the place of a record; comments between its lines stay behind it."""
        line = old.record.indent + " ".join(words)
        return Document(replace_lines(self.lines, old.record.first, old.record.end, [line, *old.record.between]))

    def remove(self, old: Rule) -> Document:
        return Document(replace_lines(self.lines, old.record.first, old.record.end, old.record.between))

    def insert(self, new: Sequence[Sequence[str]], after: Rule | None = None) -> Document:
        """Adds records behind another one, or at the end."""
        at = after.record.end if after else len(self.lines)
        return Document(replace_lines(self.lines, at, at, [" ".join(words) for words in new]))

    def grant(self, rule: Rule, path: str, privileges: str) -> Document:
        """Sets the privileges of a record on one path; a new path stands before every shorter one that contains it."""
        grants = list(rule.grants)
        for at, each in enumerate(grants):
            if each.path == path and each.privileges is not None:
                if set(each.privileges) == set(privileges):
                    return self
                grants[at] = Grant(path, privileges)
                break
        else:
            before = next((at for at, each in enumerate(grants) if each.privileges is not None and path.startswith(each.path)), len(grants))
            grants.insert(before, Grant(path, privileges))
        return self.replace(rule, [rule.type, rule.name, *(word for each in grants for word in each.words)])


def parse(text: str) -> Document:
    """Never fails: what the server would refuse is for the checks to say."""
    return Document(text)


def by_length(paths: Sequence[str]) -> list[str]:
    """Paths in the order that a record needs: of two paths one of which contains the other, the longer one first."""
    return sorted(paths, key=lambda path: (-len(path), path))
