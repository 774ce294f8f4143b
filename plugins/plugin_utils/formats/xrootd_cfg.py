# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The configuration language of xrootd: read, edited in place, written.

Source: src/XrdOuc/XrdOucStream.cc (reader, if/else/fi, set, continue) and src/XrdOuc/XrdOucUtils.cc (doIf) of xrootd 5.5.3 to 6.1.0.
What the reader does not know: quotes, nested ``if`` blocks, comments behind a directive (``#`` is a word there; here kept as a remark).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property

from ansible_collections.escape.datalake.plugins.plugin_utils.formats.text_lines import Record, records, replace_lines, split_lines

_REFERENCE = re.compile(r"\$(?:\((\w+)\)|\{(\w+)\}|\[(\w+)\]|(\w+))")
_KEYWORDS = ("defined", "exec", "named")
_IGNORED_SUFFIXES = (".cfsaved", ".rpmsave", ".rpmnew", ".dpkg-old", ".dpkg-dist", "~")


@dataclass(frozen=True)
class Condition:
    """The words behind an ``if``; negated in the ``else`` branches that follow it."""

    words: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True)
class Directive:
    """One directive. remark: words from the first one that begins with ``#``, which people use as a comment."""

    record: Record
    words: tuple[str, ...]
    remark: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()

    @property
    def name(self) -> str:
        return self.words[0]

    @property
    def args(self) -> tuple[str, ...]:
        return self.words[1:]

    @property
    def line(self) -> int:
        return self.record.line


@dataclass(frozen=True)
class Fault:
    """A block structure that the server refuses. kind: unclosed-if, nested-if, fi-without-if, else-without-if, continue-in-if."""

    kind: str
    line: int


@dataclass(frozen=True)
class Situation:
    """Who reads a file: program, instance name (``-n``), host. None where not known."""

    program: str = "xrootd"
    instance: str | None = None
    host: str | None = None


@dataclass(frozen=True)
class Document:
    """A configuration file. Editing returns a new document; every byte outside the edited record stays."""

    text: str

    def render(self) -> str:
        return self.text

    @cached_property
    def lines(self) -> tuple[str, ...]:
        return split_lines(self.text)

    @cached_property
    def directives(self) -> tuple[Directive, ...]:
        """All directives but ``if``, ``else`` and ``fi``, in order, with the conditions they stand under."""
        return self._structure[0]

    @cached_property
    def faults(self) -> tuple[Fault, ...]:
        return self._structure[1]

    def find(self, name: str, *args: str) -> tuple[Directive, ...]:
        """The directives of that name whose arguments begin with args."""
        return tuple(each for each in self.directives if each.name == name and each.args[: len(args)] == args)

    def replace(self, old: Directive, words: Sequence[str]) -> Document:
        """Puts other words in the place of a directive; its indent, its remark and comments between its lines stay."""
        line = old.record.indent + " ".join([*words, *old.remark])
        return Document(replace_lines(self.lines, old.record.first, old.record.end, [line, *old.record.between]))

    def remove(self, old: Directive) -> Document:
        return Document(replace_lines(self.lines, old.record.first, old.record.end, old.record.between))

    def insert(self, new: Iterable[Sequence[str]], after: Directive | None = None) -> Document:
        """Adds directives behind another, or where the file ends for the reader: before its first unconditional ``continue``."""
        at = after.record.end if after else self._end
        indent = after.record.indent if after else ""
        return Document(replace_lines(self.lines, at, at, [indent + " ".join(words) for words in new]))

    @cached_property
    def _end(self) -> int:
        for each in self.directives:
            if each.name == "continue" and not each.conditions:
                return each.record.first
        return len(self.lines)

    @cached_property
    def _structure(self) -> tuple[tuple[Directive, ...], tuple[Fault, ...]]:
        found: list[Directive] = []
        faults: list[Fault] = []
        opened: Record | None = None
        before: list[Condition] = []  # branches of the open block that were tried earlier
        current: tuple[Condition, ...] = ()
        for record in records(self.lines):
            word = record.words[0]
            if word == "if":
                if opened:
                    faults.append(Fault("nested-if", record.line))
                opened, before, current = record, [], (Condition(record.words[1:]),)
            elif word == "else":
                if not opened:
                    faults.append(Fault("else-without-if", record.line))
                    continue
                before += [Condition(each.words, negated=True) for each in current if not each.negated]
                branch = (Condition(record.words[2:]),) if record.words[1:2] == ("if",) else ()
                current = (*before, *branch)
            elif word == "fi":
                if not opened:
                    faults.append(Fault("fi-without-if", record.line))
                opened, before, current = None, [], ()
            else:
                if word == "continue" and opened:
                    faults.append(Fault("continue-in-if", record.line))
                words, remark = _part_remark(record.words)
                found.append(Directive(record, words, remark, current))
        if opened:
            faults.append(Fault("unclosed-if", opened.line))
        return tuple(found), tuple(faults)


def parse(text: str) -> Document:
    """Never fails: what the server would refuse is in Document.faults."""
    return Document(text)


def holds(conditions: Iterable[Condition], situation: Situation) -> bool | None:
    """Whether directives under these conditions are read; None when that depends on what is not known."""
    answer: bool | None = True
    for condition in conditions:
        here = _holds(condition.words, situation)
        if here is not None and condition.negated:
            here = not here
        if here is False:
            return False
        if here is None:
            answer = None
    return answer


def variables(directives: Iterable[Directive]) -> dict[str, str | None]:
    """Values given by ``set NAME = VALUE``; None where a value comes from the environment or from a file."""
    values: dict[str, str | None] = {}
    for each in directives:
        if each.name != "set" or not each.args or each.args[0].startswith("-"):
            continue
        name, sign, value = re.match(r"([^=<]*)([=<]?)(.*)", " ".join(each.args)).groups()  # type: ignore[union-attr]
        value = value.strip().split(" ")[0]
        values[name.strip()] = None if sign == "<" or value.startswith("$") else value
    return values


def expand(word: str, values: Mapping[str, str | None]) -> str:
    """A word with the variables that are known put in; others stay as they are written."""

    def put(found: re.Match[str]) -> str:
        value = values.get(next(group for group in found.groups() if group))
        return found.group(0) if value is None else value

    return _REFERENCE.sub(put, word)


def references(word: str) -> tuple[str, ...]:
    """Names of the variables that a word needs; ``$[name]`` may be undefined and is left out."""
    return tuple(round_ or curly or plain for round_, curly, _square, plain in _REFERENCE.findall(word) if round_ or curly or plain)


def defined_names(conditions: Iterable[Condition]) -> Iterator[str]:
    """Variables that are set wherever the conditions hold: those that ``if defined ?NAME`` asks for."""
    for condition in conditions:
        if not condition.negated and "defined" in condition.words:
            yield from (word.lstrip("?~") for word in condition.words if word.startswith("?"))


def continued(directive: Directive, paths: Iterable[str]) -> Iterator[str]:
    """The files among paths that a ``continue`` directive reads, in the reader's order."""
    if directive.name != "continue" or not directive.args:
        return
    target = directive.args[0].removeprefix("?")
    suffixes = [word[1:] for word in directive.args[1:] if word.startswith("*")]
    known = sorted(paths)
    if target in known:
        yield target
        return
    folder = target.rstrip("/") + "/"
    for path in known:
        name = path.removeprefix(folder)
        if not path.startswith(folder) or name.startswith("."):
            continue
        if any(name.endswith(suffix) for suffix in suffixes) if suffixes else not name.endswith(_IGNORED_SUFFIXES):
            yield path


def _part_remark(words: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    for at, word in enumerate(words):
        if at and word.startswith("#"):
            return words[:at], words[at:]
    return words, ()


def _holds(words: Sequence[str], situation: Situation) -> bool | None:
    at = 0
    hosts = []
    while at < len(words) and words[at] not in _KEYWORDS:
        hosts.append(words[at])
        at += 1
    answer: bool | None = True
    if hosts:
        if situation.host is None:
            answer = None
        elif not any(fnmatchcase(situation.host, pattern) for pattern in hosts):
            return False
    while at < len(words):
        keyword, at = words[at], at + 1
        values = []
        while at < len(words) and words[at] not in (*_KEYWORDS, "&&"):
            values.append(words[at])
            at += 1
        if at < len(words) and words[at] == "&&":
            at += 1
        here: bool | None = None
        if keyword == "exec":
            here = situation.program in values
        elif keyword == "named" and situation.instance is not None:
            here = situation.instance in values
        if here is False:
            return False
        if here is None:
            answer = None
    return answer
