# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Configuration of the Apache HTTP server: read as the server reads it, edited in place.

Source: ap_cfg_getline in server/util.c and ap_build_config in server/config.c of httpd 2.4. A backslash at the very end of a line joins the
next one, also in remarks; a line whose first character that is no blank is ``#`` is a remark; ``<Name argument>`` and ``</Name>`` enclose
sections, which nest; words are parted by blanks, and quotes of both kinds hold blanks together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from ansible_collections.escape.datalake.plugins.plugin_utils.formats.text_lines import replace_lines, split_lines

CONDITIONS = frozenset({"ifmodule", "ifdefine", "ifversion", "iffile", "ifsection", "ifdirective"})
_WORD = re.compile(r"""\s*("(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?|[^\s"']\S*)""", re.DOTALL)
_ESCAPED = re.compile(r"""\\(["'\\])""")
_BLANKS = " \t\r\n\f\v"  # what apr_isspace takes for one
_PLAIN = re.compile(r"""[^\s"'\\<>#]+\Z""")


@dataclass(frozen=True)
class Section:
    """One ``<Name argument>`` as it stands in a file. first, end: physical lines of its opening and behind its closing, from 0."""

    name: str
    argument: str
    first: int
    opened: int
    end: int = -1

    @property
    def line(self) -> int:
        return self.first + 1

    @property
    def is_condition(self) -> bool:
        return self.name.lower() in CONDITIONS

    @property
    def args(self) -> tuple[str, ...]:
        return words(self.argument)


@dataclass(frozen=True)
class Directive:
    """One directive. first, end: physical lines [first:end], from 0. within: the sections around it, the outermost first."""

    name: str
    argument: str
    first: int
    end: int
    indent: str
    within: tuple[Section, ...] = ()

    @property
    def line(self) -> int:
        """Line number for people, from 1."""
        return self.first + 1

    @property
    def args(self) -> tuple[str, ...]:
        """Words, without the quotes around them."""
        return words(self.argument)

    @property
    def scope(self) -> tuple[Section, ...]:
        """The sections that say where it counts, conditions left out."""
        return tuple(section for section in self.within if not section.is_condition)

    def inside(self, section: Section) -> bool:
        return any(each.first == section.first for each in self.within)


@dataclass(frozen=True)
class Problem:
    """What the server's reader refuses. line: from 1."""

    line: int
    message: str


@dataclass(frozen=True)
class Document:
    """A configuration file. Editing returns a new document; every byte outside the edited directive stays."""

    text: str

    def render(self) -> str:
        return self.text

    @cached_property
    def lines(self) -> tuple[str, ...]:
        return split_lines(self.text)

    @property
    def directives(self) -> tuple[Directive, ...]:
        return self._read[0]

    @property
    def sections(self) -> tuple[Section, ...]:
        return self._read[1]

    @property
    def problems(self) -> tuple[Problem, ...]:
        return self._read[2]

    def find(self, *names: str) -> list[Directive]:
        """Directives of these names; case does not matter to the server."""
        wanted = {name.lower() for name in names}
        return [each for each in self.directives if each.name.lower() in wanted]

    def named_sections(self, name: str) -> list[Section]:
        return [each for each in self.sections if each.name.lower() == name.lower()]

    def set_arguments(self, directive: Directive, arguments: Sequence[str]) -> Document:
        """Other arguments for a directive; the same ones leave its line alone, however it writes them."""
        if directive.args == tuple(arguments):
            return self
        line = directive.indent + written(directive.name, arguments)
        return Document(replace_lines(self.lines, directive.first, directive.end, [line]))

    def remove(self, directive: Directive) -> Document:
        return Document(replace_lines(self.lines, directive.first, directive.end, []))

    def insert(
        self, directives: Iterable[tuple[str, Sequence[str]]], *, after: Directive | None = None, into: Section | None = None
    ) -> Document:
        """Adds directives behind another one, at the end of a section, or at the end of the file."""
        if after:
            at, indent = after.end, after.indent
        elif into:
            at = into.end - 1
            inner = [each for each in self.directives if each.inside(into) and len(each.within) == 1 + self._depth(into)]
            opening = self.lines[into.first]
            indent = inner[-1].indent if inner else opening[: len(opening) - len(opening.lstrip(" \t"))] + "  "
        else:
            at, indent = len(self.lines), ""
        return Document(replace_lines(self.lines, at, at, [indent + written(name, arguments) for name, arguments in directives]))

    def _depth(self, section: Section) -> int:
        """How many sections are around a section."""
        return sum(each.first < section.first and each.end > section.first for each in self.sections)

    @cached_property
    def _read(self) -> tuple[tuple[Directive, ...], tuple[Section, ...], tuple[Problem, ...]]:
        logical = list(_logical(self.lines))
        closed, problems = _pair(logical)
        directives: list[Directive] = []
        for first, end, body in logical:
            if not body.startswith("<"):
                name = re.split(r"[ \t\r\n\f\v]", body, maxsplit=1)[0]
                around = tuple(each for each in closed if each.first < first < each.end)
                indent = self.lines[first][: len(self.lines[first]) - len(self.lines[first].lstrip(" \t"))]
                directives.append(Directive(name, body[len(name) :].strip(_BLANKS), first, end, indent, around))
        return tuple(directives), tuple(closed), tuple(problems)


def parse(text: str) -> Document:
    """Never fails: what the server would refuse is in `problems`."""
    return Document(text)


def words(argument: str) -> tuple[str, ...]:
    """The words of an argument as ap_getword_conf parts them."""
    found = []
    for each in _WORD.findall(argument):
        if each[0] in "\"'":
            inner = each[1:-1] if len(each) > 1 and each[-1] == each[0] else each[1:]
            found.append(_ESCAPED.sub(r"\1", inner))
        else:
            found.append(each)
    return tuple(found)


def written(name: str, arguments: Sequence[str]) -> str:
    """A directive on one line; words that need it are quoted."""
    return " ".join([name, *(word if _PLAIN.match(word) else _quoted(word) for word in arguments)])


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"') if '"' in word else word
    return f'"{escaped}"'


def _logical(lines: Sequence[str]) -> Iterable[tuple[int, int, str]]:
    """(first, end, text) of every logical line that is neither blank nor a remark."""
    at = 0
    while at < len(lines):
        first, body = at, lines[at].rstrip("\n").removesuffix("\r")
        at += 1
        while body.endswith("\\") and at < len(lines):
            body = body[:-1] + lines[at].rstrip("\n").removesuffix("\r")
            at += 1
        body = body.strip(_BLANKS)
        if body and not body.startswith("#"):
            yield first, at, body


def _pair(logical: Sequence[tuple[int, int, str]]) -> tuple[list[Section], list[Problem]]:
    """The sections in the order of their opening, and what does not fit."""
    open_: list[Section] = []
    closed: list[Section] = []
    problems: list[Problem] = []
    last = max((end for _first, end, _body in logical), default=0)
    for first, end, body in logical:
        if not body.startswith("<"):
            continue
        if not body.endswith(">"):
            problems.append(Problem(first + 1, f"{body} has no > at its end."))
            body += ">"
        if body.startswith("</"):
            name = body[2:-1].strip()
            if open_ and open_[-1].name.lower() == name.lower():
                section = open_.pop()
                closed.append(Section(section.name, section.argument, section.first, section.opened, end))
            else:
                expected = f"</{open_[-1].name}> of line {open_[-1].line} is expected" if open_ else "no section is open"
                problems.append(Problem(first + 1, f"{body} closes nothing: {expected}."))
        else:
            name, *argument = body[1:-1].split(None, 1) or [""]
            open_.append(Section(name, "".join(argument).strip(), first, end))
    for section in open_:
        problems.append(Problem(section.line, f"<{section.name}> is never closed."))
        closed.append(Section(section.name, section.argument, section.first, section.opened, last + 1))
    return sorted(closed, key=lambda each: each.first), problems
