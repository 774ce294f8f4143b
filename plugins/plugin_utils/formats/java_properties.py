# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

r"""Java properties files, plain (dcache.conf) and with dCache's sections (layout files): parse, edit in place, render.

A document keeps every byte of its text: comments, order, spacing and hand-written continuation lines survive an edit of another key.

Sources: java.util.Properties.load (syntax); dCache 12.1 modules/dcache/src/main/java/org/dcache/boot/Layout.java (section headers are found
line by line before the properties syntax is looked at, so a header ends a continued line).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
BLANKS = " \t\f"
HEADER = re.compile(r"[ \t\n\x0b\f\r]*\[([^\]/]+)(?:/([^\]/]+))?\][ \t\n\x0b\f\r]*")
LOGICAL = re.compile(r"(?P<key>(?:\\.|[^=: \t\f\\])*)(?P<separator>[ \t\f]*[=:]?[ \t\f]*)", re.DOTALL)
ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
BAD_UNICODE = re.compile(r"(?<!\\)(?:\\\\)*\\u(?![0-9a-fA-F]{4})")
CONTROL = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
WRITTEN = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\f": "\\f"}
MALFORMED = "malformed \\uxxxx encoding"


@dataclass(frozen=True, slots=True)
class Filler:
    """A blank line or a comment."""

    raw: str
    line: int


@dataclass(frozen=True, slots=True)
class Header:
    """``[domain]`` or ``[domain/service]``, names as written."""

    raw: str
    line: int
    domain: str
    service: str | None


@dataclass(frozen=True, slots=True)
class Assignment:
    """A key and its value, unescaped, trailing blanks kept.

    line, last_line: first and last physical line. value_start, value_end: where the value stands in raw.
    separator: what parts key and value. problem: why Java refuses the line; empty for a good one.
    """

    raw: str
    line: int
    last_line: int
    key: str
    value: str
    separator: str
    value_start: int
    value_end: int
    problem: str = ""


Node = Filler | Header | Assignment


@dataclass(frozen=True)
class Section:
    """A header with the assignments below it; header None is the part before the first header (host-wide)."""

    header: Header | None
    assignments: tuple[Assignment, ...]
    first: int = field(repr=False)
    """Index of the first node below the header."""
    last: int = field(repr=False)
    """Index after the section's last node."""

    @property
    def domain(self) -> str | None:
        return self.header.domain if self.header else None

    @property
    def service(self) -> str | None:
        return self.header.service if self.header else None


@dataclass(frozen=True)
class Document:
    """A parsed file. sectioned: whether header lines have a meaning (layout) or not (dcache.conf)."""

    nodes: tuple[Node, ...]
    sectioned: bool

    def assignments(self) -> Iterator[Assignment]:
        return (node for node in self.nodes if isinstance(node, Assignment))

    def sections(self) -> tuple[Section, ...]:
        """The host-wide part first, then every header in file order."""
        starts = [-1, *(index for index, node in enumerate(self.nodes) if isinstance(node, Header)), len(self.nodes)]
        result = []
        for start, end in pairwise(starts):
            header = self.nodes[start] if start >= 0 else None
            assignments = tuple(node for node in self.nodes[start + 1 : end] if isinstance(node, Assignment))
            result.append(Section(header if isinstance(header, Header) else None, assignments, start + 1, end))
        return tuple(result)


def parse(text: str, *, sectioned: bool = True) -> Document:
    """Never fails: what Java refuses is kept, with ``problem`` set."""
    lines = LINE.findall(text)
    nodes: list[Node] = []
    index = 0
    while index < len(lines):
        raw = lines[index]
        body = raw.rstrip("\r\n").lstrip(BLANKS)
        header = HEADER.fullmatch(raw.rstrip("\r\n")) if sectioned and "[" in raw else None
        if header:
            nodes.append(Header(raw, index + 1, header[1], header[2]))
            index += 1
        elif not body or body[0] in "#!":
            nodes.append(Filler(raw, index + 1))
            index += 1
        else:
            end = _logical_end(lines, index, sectioned)
            nodes.append(_assignment("".join(lines[index:end]), lines[index:end], index + 1))
            index = end
    return Document(tuple(nodes), sectioned)


def render(document: Document) -> str:
    return "".join(node.raw for node in document.nodes)


def set_property(
    document: Document, key: str, value: str, *, domain: str | None = None, service: str | None = None, occurrence: int = 0
) -> Document:
    """The document with key = value in one scope; nothing else changes, and nothing at all when the value is there already.

    domain, service: the section, both None for the host-wide part. occurrence: which of several equal ``[domain/service]`` sections.
    A domain may be opened several times; the key is edited where it stands, else added below the first opening.

    Raises:
        KeyError: there is no such section.
    """
    sections = _scope(document, domain, service, occurrence)
    for section in sections:
        for index in range(section.first, section.last):
            node = document.nodes[index]
            if isinstance(node, Assignment) and node.key == key:
                if node.value == value and not node.problem:
                    return document
                return _replace(document, index, index + 1, _edited(node, value))
    return _insert(document, sections[0], _line(key, value, _newline(document)))


def remove_property(
    document: Document, key: str, *, domain: str | None = None, service: str | None = None, occurrence: int = 0
) -> Document:
    """The document without the key in one scope (all its assignments there).

    Raises:
        KeyError: there is no such section.
    """
    ranges = [range(section.first, section.last) for section in _scope(document, domain, service, occurrence)]
    drop = {index for part in ranges for index in part if getattr(document.nodes[index], "key", None) == key}
    if not drop:
        return document
    return parse("".join(node.raw for index, node in enumerate(document.nodes) if index not in drop), sectioned=document.sectioned)


def add_section(document: Document, properties: Mapping[str, str], *, domain: str, service: str | None = None) -> Document:
    """The document with one more section: a service goes below the last section of its domain, a domain to the end of the file.

    Raises:
        KeyError: a service is added to a domain that is not declared before.
        ValueError: a name that a header cannot hold, or a document without sections.
    """
    if not document.sectioned:
        raise ValueError("This file has no sections.")
    for name in (domain, service):
        if name is not None and not re.fullmatch(r"[^\]/\r\n]+", name):
            raise ValueError(f"{name!r} cannot stand in a section header.")
    newline = _newline(document)
    name = domain if service is None else f"{domain}/{service}"
    text = f"[{name}]{newline}" + "".join(_line(key, value, newline) for key, value in properties.items())
    if service is None:
        position = len(document.nodes)
    else:
        position = max((section.last for section in document.sections() if section.domain == domain), default=-1)
        if position < 0 or not any(section.domain == domain and section.service is None for section in document.sections()):
            raise KeyError(f"[{domain}]")
        while isinstance(document.nodes[position - 1], Filler):  # comments above the next section stay with it
            position -= 1
    return _replace(document, position, position, _joint(document, position) + text)


def escape_value(value: str) -> str:
    """As it must be written so that Java reads the value back; ASCII, because dCache reads files in the locale's encoding."""
    text = "".join(WRITTEN.get(char, char) if char < "\x7f" else _unicode(char) for char in value)
    return "\\" + text if text[:1] == " " else text


def escape_key(key: str) -> str:
    """As it must be written so that Java reads the key back and dCache sees no section header."""
    text = "".join("\\" + char if char in "=: " else WRITTEN.get(char, char) if char < "\x7f" else _unicode(char) for char in key)
    return "\\" + text if text[:1] in ("#", "!", "[") else text


def _unicode(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text

    def replacement(match: re.Match[str]) -> str:
        return chr(int(match[1], 16)) if match[1] else CONTROL.get(match[2], match[2])

    result = ESCAPE.sub(replacement, text)
    if any("\ud800" <= char <= "\udfff" for char in result):  # Java counts in UTF-16: two escapes make one character
        result = result.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return result


def _continues(body: str) -> bool:
    return (len(body) - len(body.rstrip("\\"))) % 2 == 1


def _logical_end(lines: list[str], start: int, sectioned: bool) -> int:
    end = start + 1
    while end < len(lines) and _continues(lines[end - 1].rstrip("\r\n")):
        if sectioned and HEADER.fullmatch(lines[end].rstrip("\r\n")):
            break
        end += 1
    return end


def _assignment(raw: str, lines: list[str], line: int) -> Assignment | Filler:
    logical, places = _logical(lines)
    if not logical:
        return Filler(raw, line)
    match = LOGICAL.match(logical)
    if match is None:  # the pattern matches the empty string
        raise AssertionError(logical)
    key, separator, value = match["key"], match["separator"], logical[match.end() :]
    end = len(raw) - len(lines[-1]) + len(lines[-1].rstrip("\r\n"))
    start = places[match.end()] if match.end() < len(places) else places[-1] + 1
    problem = MALFORMED if BAD_UNICODE.search(logical) else ""
    if problem:
        return Assignment(raw, line, line + len(lines) - 1, key, value, separator, start, end, problem)
    return Assignment(raw, line, line + len(lines) - 1, _unescape(key), _unescape(value), separator, start, end)


def _logical(lines: list[str]) -> tuple[str, range | list[int]]:
    """The logical line and, for each of its characters, its place in the raw text."""
    if len(lines) == 1 and not _continues(lines[0].rstrip("\r\n")):
        body = lines[0].rstrip("\r\n")
        logical = body.lstrip(BLANKS)
        return logical, range(len(body) - len(logical), len(body))
    text: list[str] = []
    places: list[int] = []
    offset = 0
    for line in lines:
        body = line.rstrip("\r\n")
        part = body.lstrip(BLANKS)
        lead = len(body) - len(part)
        if _continues(part):
            part = part[:-1]
        text.append(part)
        places.extend(range(offset + lead, offset + lead + len(part)))
        offset += len(line)
    return "".join(text), places


def _newline(document: Document) -> str:
    for node in document.nodes:
        body = node.raw.rstrip("\r\n")
        if len(body) < len(node.raw):
            return "\r\n" if node.raw[len(body) :].startswith("\r\n") else node.raw[len(body)]
    return "\n"


def _line(key: str, value: str, newline: str) -> str:
    return f"{escape_key(key)} = {escape_value(value)}".rstrip(" " if not value else "") + newline


def _edited(node: Assignment, value: str) -> str:
    """The raw text with another value, its key and spacing kept."""
    text = escape_value(value)
    end = node.raw[node.value_end :]
    head = node.raw[: node.value_start]
    if node.problem or any(line.lstrip(BLANKS).startswith("[") for line in LINE.findall(head)):  # might become a header
        return f"{escape_key(node.key)} = {text}{end}"
    if not node.separator:
        head += " = "
    elif not node.separator.strip(BLANKS) and text[:1] in ("=", ":"):
        text = "\\" + text
    return head + text + end


def _scope(document: Document, domain: str | None, service: str | None, occurrence: int) -> list[Section]:
    sections = [section for section in document.sections() if section.domain == domain and section.service == service]
    if service is not None:
        sections = sections[occurrence : occurrence + 1]
    if not sections:
        raise KeyError(f"[{domain}/{service}]" if service else f"[{domain}]")
    return sections


def _joint(document: Document, position: int) -> str:
    """What must come before text that is put at this position, so that the line above stays what it is."""
    if position == 0:
        return ""
    above = document.nodes[position - 1]
    body = above.raw.rstrip("\r\n")
    tail = LINE.findall(body)[-1] if body else ""
    joint = "" if len(body) < len(above.raw) or not above.raw else _newline(document)
    if _continues(tail) and not above.raw.lstrip(BLANKS).startswith(("#", "!")):
        joint += _newline(document)
    return joint


def _insert(document: Document, section: Section, text: str) -> Document:
    position = section.first
    for index in range(section.first, section.last):
        if isinstance(document.nodes[index], Assignment):
            position = index + 1
    if position == section.first and section.header is None:
        position = section.last if section.last == len(document.nodes) else _below_preamble(document, section)
    return _replace(document, position, position, _joint(document, position) + text)


def _below_preamble(document: Document, section: Section) -> int:
    """Below the comment that opens the file, when a blank line parts it from what follows."""
    for index in range(section.first, section.last):
        if not document.nodes[index].raw.strip():
            return index + 1
    return section.first


def _replace(document: Document, start: int, end: int, text: str) -> Document:
    before = "".join(node.raw for node in document.nodes[:start])
    after = "".join(node.raw for node in document.nodes[end:])
    return parse(before + text + after, sectioned=document.sectioned)
