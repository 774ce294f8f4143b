# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""XML that people write: elements with their place in the text, so that one is changed and every other byte stays.

Entities are not resolved: a document that declares some is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

_TAG = re.compile(rb"<(?:[^\"'>]|\"[^\"]*\"|'[^']*')*>")


@dataclass(frozen=True)
class Element:
    """start, end: bytes of the whole element. inner_start, inner_end: of what stands between its tags. text: its characters, stripped."""

    tag: str
    attributes: Mapping[str, str]
    line: int
    start: int
    inner_start: int
    inner_end: int
    end: int
    text: str
    children: tuple[Element, ...] = ()

    def all(self, *path: str) -> Iterator[Element]:
        """The descendants at a path of tags."""
        if not path:
            yield self
            return
        for child in self.children:
            if child.tag == path[0]:
                yield from child.all(*path[1:])

    def first(self, *path: str) -> Element | None:
        return next(self.all(*path), None)

    def value(self, *path: str) -> str | None:
        """The text of the first descendant at a path."""
        found = self.first(*path)
        return None if found is None else found.text


@dataclass(frozen=True)
class XmlText:
    """text: as read. root: None when it is no XML; problem, problem_line: why, and where."""

    text: str
    root: Element | None = None
    problem: str = ""
    problem_line: int = 0
    data: bytes = field(default=b"", compare=False, repr=False)

    def render(self) -> str:
        return self.text

    def with_text(self, element: Element, text: str) -> XmlText:
        """The document with other characters in an element that has no children."""
        if element.text == text:
            return self
        if element.inner_start == element.inner_end == element.end:  # <tag/>
            opened = self.data[element.start : element.end].rstrip(b"/> \t\r\n") + b">"
            return self._spliced(element.start, element.end, opened + escape(text).encode() + f"</{element.tag}>".encode())
        inner = self.data[element.inner_start : element.inner_end]
        lead = inner[: len(inner) - len(inner.lstrip())] if inner.strip() else b""
        tail = inner[len(inner.rstrip()) :] if inner.strip() else b""
        return self._spliced(element.inner_start, element.inner_end, lead + escape(text).encode() + tail)

    def with_attribute(self, element: Element, name: str, value: str) -> XmlText:
        """The document with an attribute of an element set."""
        if element.attributes.get(name) == value:
            return self
        tag = _TAG.match(self.data, element.start)
        if tag is None:  # expat saw a tag there
            raise AssertionError(element)
        opening = tag.group().decode()
        written = f"{name}={quoteattr(value)}"
        changed, count = re.subn(rf"(?<=\s){re.escape(name)}\s*=\s*(?:\"[^\"]*\"|'[^']*')", lambda _match: written, opening, count=1)
        if not count:
            changed = re.sub(r"\s*(/?>)$", lambda match: f" {written}{match[1]}", opening)
        return self._spliced(tag.start(), tag.end(), changed.encode())

    def insert(self, parent: Element, lines: Sequence[str], *, before: Element | None = None) -> XmlText:
        """The document with lines, indented like the children of a parent, at its end or before one of its children."""
        indent = self._indent(parent.children[0]) if parent.children else self._indent(parent) + "  "
        block = "".join(f"{indent}{line}\n" for line in lines).encode()
        if before is not None:
            at = self._line_start(before.start)
            return self._spliced(at, at, block)
        if parent.children:
            at = self._line_end(parent.children[-1].end)
            return self._spliced(at, at, (b"" if self.data[at - 1 : at] == b"\n" else b"\n") + block)
        if parent.inner_end == parent.end:  # <tag/>
            opened = self.data[parent.start : parent.end].rstrip(b"/> \t\r\n") + b">\n"
            return self._spliced(parent.start, parent.end, opened + block + f"{self._indent(parent)}</{parent.tag}>".encode())
        rest = self.data[parent.inner_start : parent.inner_end].rstrip()
        return self._spliced(parent.inner_start, parent.inner_end, rest + b"\n" + block + self._indent(parent).encode())

    def _indent(self, element: Element) -> str:
        head = self.data[self._line_start(element.start) : element.start].decode()
        return head if not head.strip() else head[: len(head) - len(head.lstrip())]

    def _line_start(self, at: int) -> int:
        return self.data.rfind(b"\n", 0, at) + 1

    def _line_end(self, at: int) -> int:
        """Behind the line when nothing but blanks follows, else the place itself."""
        found = self.data.find(b"\n", at)
        return found + 1 if found >= 0 and not self.data[at:found].strip() else at

    def _spliced(self, start: int, end: int, new: bytes) -> XmlText:
        return parse((self.data[:start] + new + self.data[end:]).decode())


class _Builder:
    """Collects what expat reports."""

    def __init__(self, data: bytes, parser: Any) -> None:
        self.data, self.parser = data, parser
        self.open: list[dict[str, Any]] = []
        self.root: Element | None = None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        at = self.parser.CurrentByteIndex
        found = _TAG.match(self.data, at)
        self.open.append(
            {
                "tag": tag,
                "attributes": attributes,
                "line": self.parser.CurrentLineNumber,
                "start": at,
                "inner_start": found.end() if found else at,
                "empty": bool(found and found.group().endswith(b"/>")),
                "text": [],
                "children": [],
            }
        )

    def end(self, _tag: str) -> None:
        made = self.open.pop()
        empty = made.pop("empty")
        inner_end = made["inner_start"] if empty else self.parser.CurrentByteIndex
        end = inner_end if empty else self.data.index(b">", inner_end) + 1
        text = "".join(made.pop("text")).strip()
        element = Element(**{**made, "children": tuple(made["children"])}, inner_end=inner_end, end=end, text=text)
        if self.open:
            self.open[-1]["children"].append(element)
        else:
            self.root = element

    def characters(self, text: str) -> None:
        if self.open:
            self.open[-1]["text"].append(text)


class _Entities(Exception):
    pass


def _refuse_entities(*_arguments: Any) -> None:
    raise _Entities


def parse(text: str) -> XmlText:
    """Any text."""
    data = text.encode("utf-8", "surrogatepass")
    parser = expat.ParserCreate("UTF-8")
    builder = _Builder(data, parser)
    parser.StartElementHandler, parser.EndElementHandler = builder.start, builder.end
    parser.CharacterDataHandler = builder.characters
    parser.EntityDeclHandler = _refuse_entities
    try:
        parser.Parse(data, True)
    except expat.ExpatError as problem:
        return XmlText(text, None, expat.ErrorString(problem.code), problem.lineno, data)
    except _Entities:
        return XmlText(text, None, "declares entities", parser.CurrentLineNumber, data)
    return XmlText(text, builder.root, data=data)
