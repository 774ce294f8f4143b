# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The configuration of one dCache host: defaults, dcache.conf and layout put together in the order in which dCache loads them.

A value is looked up from the inside out: service, domain, host-wide part of the layout, setup files (the last one first), defaults.
Within a scope the first assignment of a key holds. ``${name}`` is replaced when a value is used, in the scope where it is used.

Sources: dCache 12.1 modules/dcache/src/main/java/org/dcache/boot/{LayoutBuilder,Layout,Domain}.java,
org/dcache/util/configuration/{ConfigurationProperties,AnnotatedKey}.java, modules/cells/src/main/java/dmg/util/Formats.java.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ansible_collections.escape.datalake.plugins.plugin_utils.formats.java_properties import Assignment, Document

Kind = Literal["defaults", "setup", "layout", "domain", "service"]
ANNOTATED = re.compile(r"(\(([^),]+(?:,[^),]+)*)\))(.*)", re.DOTALL)
TRIMMED = "".join(map(chr, range(0x21)))  # what Java's String.trim takes away
NO_VALUE = frozenset({"obsolete", "forbidden"})


@dataclass(frozen=True, slots=True)
class Setting:
    """A value with its origin. raw: as assigned, untrimmed. file is empty for a default or a value that dCache sets itself."""

    value: str
    raw: str
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Key:
    """An assignment's key: its name and the annotations written before it (``(one-of?a|b)name``), if any."""

    name: str
    declaration: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Placed:
    """An assignment and where it is. key: its key taken apart."""

    key: Key
    assignment: Assignment
    file: str


@dataclass(frozen=True)
class Expansion:
    """A value with its references replaced. undefined: names that nothing defines. loops: names that refer to themselves."""

    text: str
    undefined: tuple[str, ...] = ()
    loops: tuple[str, ...] = ()


@dataclass(eq=False)
class Scope:
    """One level of the look-up. assignments: all, in load order, also those that do not hold."""

    kind: Kind
    name: str
    parent: Scope | None
    settings: dict[str, Setting] = field(default_factory=dict)
    assignments: list[Placed] = field(default_factory=list)

    def chain(self) -> Iterator[Scope]:
        """This scope and those around it, the innermost first."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def lookup(self, name: str) -> Setting | None:
        """The setting that holds here."""
        scope: Scope | None = self
        while scope is not None:
            setting = scope.settings.get(name)
            if setting is not None:
                return setting
            scope = scope.parent
        return None

    def value(self, name: str) -> str:
        """The expanded value that holds here; empty when there is none."""
        setting = self.lookup(name)
        return self.expand(setting.value).text if setting else ""

    def expand(self, text: str) -> Expansion:
        if "$" not in text:
            return Expansion(text)
        undefined: list[str] = []
        loops: list[str] = []
        expanded = _replace(text, 0, self, [], undefined, loops, inside=False)[0]
        return Expansion(expanded, tuple(dict.fromkeys(undefined)), tuple(dict.fromkeys(loops)))

    def load(self, file: str, assignments: Sequence[Assignment]) -> None:
        for assignment in assignments:
            key = split_key(assignment.key)
            self.assignments.append(Placed(key, assignment, file))
            if not assignment.problem and key.name not in self.settings and not NO_VALUE & key.annotations.keys():
                self.settings[key.name] = Setting(assignment.value.strip(TRIMMED), assignment.value, file, assignment.line)


@dataclass(eq=False)
class Service:
    """``[domain/service]``: type is the word behind the slash."""

    type: str
    line: int
    scope: Scope


@dataclass(eq=False)
class Domain:
    """name: expanded. lines: every header that opens it."""

    name: str
    lines: list[int]
    scope: Scope
    services: list[Service] = field(default_factory=list)


@dataclass(frozen=True)
class Orphan:
    """``[domain/service]`` before its ``[domain]``: dCache drops it."""

    domain: str
    service: str
    line: int


@dataclass(frozen=True)
class Host:
    """The whole configuration of one host. setups: scopes of the setup files, the first loaded first. file: the layout's name."""

    defaults: Scope
    setups: tuple[Scope, ...]
    layout: Scope
    domains: tuple[Domain, ...]
    orphans: tuple[Orphan, ...]
    file: str

    def services(self) -> Iterator[Service]:
        return (service for domain in self.domains for service in domain.services)

    def scopes(self) -> Iterator[Scope]:
        """Every scope that a person wrote, in load order."""
        yield from self.setups
        yield self.layout
        for domain in self.domains:
            yield domain.scope
            for service in domain.services:
                yield service.scope


def split_key(key: str) -> Key:
    """Takes the annotations off a key."""
    match = ANNOTATED.fullmatch(key) if key.startswith("(") else None
    if not match:
        return Key(key)
    annotations = {}
    for annotation in match[2].split(","):
        label, mark, parameter = annotation.partition("?")
        annotations[label] = parameter if mark else ""
    return Key(match[3], match[1], annotations)


def default_settings(values: Mapping[str, str]) -> dict[str, Setting]:
    return {name: Setting(value.strip(TRIMMED), value) for name, value in values.items()}


def load_setup(defaults: Mapping[str, Setting], setups: Sequence[Sequence[tuple[str, Document]]]) -> tuple[Scope, tuple[Scope, ...]]:
    """The scopes of the defaults and of the setup path.

    setups: one entry for each part of ``dcache.paths.setup``; a part that is a directory gives several files, which share a scope.
    """
    root = Scope("defaults", "", None, dict(defaults))
    scopes: list[Scope] = []
    for part in setups:
        scope = Scope("setup", part[0][0] if part else "", scopes[-1] if scopes else root)
        for file, document in part:
            scope.load(file, list(document.assignments()))
        scopes.append(scope)
    return root, tuple(scopes)


def load_host(defaults: Scope, setups: tuple[Scope, ...], file: str, document: Document) -> Host:
    """A host from its setup scopes and its layout file."""
    layout = Scope("layout", file, setups[-1] if setups else defaults)
    domains: dict[str, Domain] = {}
    orphans: list[Orphan] = []
    for section in document.sections():
        if section.header is None:
            layout.load(file, section.assignments)
            continue
        header = section.header
        name = layout.expand(header.domain).text
        domain = domains.get(name)
        if header.service is None:
            if domain is None:
                own = {"dcache.domain.name": Setting(name, name)}
                domain = domains[name] = Domain(name, [], Scope("domain", name, layout, own))
            domain.lines.append(header.line)
            domain.scope.load(file, section.assignments)
        elif domain is None:
            orphans.append(Orphan(name, header.service, header.line))
        else:
            own = {"dcache.domain.service": Setting(header.service, header.service)}
            scope = Scope("service", f"{name}/{header.service}", domain.scope, own)
            scope.load(file, section.assignments)
            domain.services.append(Service(header.service, header.line, scope))
    return Host(defaults, setups, layout, tuple(domains.values()), tuple(orphans), file)


def _replace(
    text: str, position: int, scope: Scope, stack: list[str], undefined: list[str], loops: list[str], *, inside: bool
) -> tuple[str, int]:
    """The text from position on with its references replaced; inside a reference, up to its closing brace."""
    out: list[str] = []
    end = len(text)
    while position < end and not (inside and text[position] == "}"):
        char = text[position]
        following = text[position + 1] if position + 1 < end else ""
        if char != "$" or not following:
            out.append(char)
            position += 1
        elif following == "$":
            out.append("$")
            position += 2
        elif following == "{":
            name, position = _replace(text, position + 2, scope, stack, undefined, loops, inside=True)
            if position >= end:
                out.append("${" + name)
            else:
                position += 1
                out.append(_reference(name, scope, stack, undefined, loops))
        else:
            out.append(char + following)
            position += 2
    return "".join(out), position


def _reference(name: str, scope: Scope, stack: list[str], undefined: list[str], loops: list[str]) -> str:
    setting = scope.lookup(name)
    if setting is None:
        undefined.append(name)
        return "${" + name + "}"
    if name in stack:
        loops.append(name)
        return "${" + name + "}"
    if "$" not in setting.value:
        return setting.value
    return _replace(setting.value, 0, scope, [*stack, name], undefined, loops, inside=False)[0]
