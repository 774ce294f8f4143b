# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``omnisession.conf``: home, root and limits of a session, ``PREDICATE ATTRIBUTE...`` or ``DEFAULT ATTRIBUTE...``.

For each type of attribute the first matching line in file order wins, then DEFAULT. A bad predicate, a bad or second DEFAULT refuses the
whole file: every log-in fails. A line with bad attributes fails the log-ins that it matches. Source: dCache omnisession
ConfigurationParser.java, PrincipalPredicates.java, ParsedConfiguration.java.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ansible_collections.escape.datalake.plugins.plugin_utils.formats import line_document
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.line_document import BadLine, Document, Language, java_trim
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.principals import (
    OMNISESSION_KINDS,
    Principal,
    is_email,
    is_fqan,
    is_number,
)

_PREDICATE = re.compile(r"([^:]+):([^\"][^ \t]*|\"[^\"]*\"?) *")
_SIZE = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:B|[kMGTPE]B|[KMGTPE]iB)?\Z", re.ASCII)
ATTRIBUTES = ("root", "home", "prefix", "max-upload", "role", "read-only")


@dataclass(frozen=True)
class SessionRule:
    """predicate: None for DEFAULT. attributes: words such as ``root:/``, ``read-only``. bad_attributes: why they are refused, or ""."""

    predicate: Principal | None
    attributes: tuple[str, ...]
    bad_attributes: str = ""

    def types(self) -> tuple[str, ...]:
        """The types of the attributes, in order."""
        return tuple(attribute.split(":", 1)[0] for attribute in self.attributes)


Omnisession = Document[SessionRule]


def _read(text: str) -> SessionRule | None:
    trimmed = java_trim(text)
    if not trimmed or trimmed.startswith("#"):
        return None
    if trimmed.startswith("DEFAULT"):
        attributes = tuple(trimmed[8:].split())
        if len(trimmed) < 8 or not trimmed[7].isspace():
            raise BadLine("DEFAULT needs a blank and attributes after it", fatal=True)
        if problem := _attribute_problem(attributes):
            raise BadLine(problem, fatal=True)
        return SessionRule(None, attributes)
    found = _PREDICATE.match(trimmed)
    if not found:
        raise BadLine("the line has no TYPE:VALUE predicate", fatal=True)
    predicate = _checked(found.group(1), found.group(2))
    attributes = tuple(trimmed[found.end() :].split())
    return SessionRule(predicate, attributes, _attribute_problem(attributes))


def _checked(kind: str, value: str) -> Principal:
    if value.startswith('"'):
        if len(value) < 2 or not value.endswith('"'):
            raise BadLine("the closing quote of the predicate is missing", fatal=True)
        value = value[1:-1]
    if problem := _predicate_problem(kind, value):
        raise BadLine(problem, fatal=True)
    return Principal(kind, value)


def _predicate_problem(kind: str, value: str) -> str:
    if kind not in OMNISESSION_KINDS:
        return f'"{kind}" is no type of predicate'
    name = value
    if kind in ("gid", "group", "fqan") and "," in value:
        name, _comma, mark = value.rpartition(",")
        if mark not in ("primary", "nonprimary"):
            return f'"{value}": after the comma stands primary or nonprimary'
    if kind in ("gid", "uid") and not is_number(name):
        return f"{kind} {name} is no number"
    if kind == "dn" and not name.startswith("/"):
        return "a DN begins with /"
    if kind == "oidc" and not re.match(r".+@[^@]+\Z", name, re.DOTALL):
        return f"oidc:{name} needs the alias of the provider: oidc:SUB@ALIAS"
    if kind == "kerberos" and "@" not in name:
        return f"kerberos:{name} has no realm"
    if kind == "email" and not is_email(name):
        return f"{name} is no e-mail address"
    if kind == "fqan" and not is_fqan(name):
        return f"{name} is no valid FQAN"
    return ""


def _attribute_problem(attributes: Sequence[str]) -> str:
    seen = set()
    for attribute in attributes:
        kind, colon, value = attribute.partition(":")
        if kind in seen:
            return f"{kind} stands twice"
        seen.add(kind)
        if attribute == "read-only":
            continue
        if not colon or not kind or not value:
            return f'"{attribute}" is not TYPE:VALUE'
        if kind not in ATTRIBUTES or kind == "read-only":
            return f'"{kind}" is no type of attribute ({", ".join(ATTRIBUTES)})'
        if kind in ("root", "home", "prefix") and not value.startswith("/"):
            return f'"{attribute}": the path must be absolute'
        if kind == "max-upload" and not _SIZE.match(value):
            return f'"{attribute}" is no size (for example 10GiB)'
    return ""


def _write(rule: SessionRule) -> str:
    if rule.predicate is None:
        return " ".join(["DEFAULT", *rule.attributes])
    value = f'"{rule.predicate.value}"' if re.search(r"\s", rule.predicate.value) else rule.predicate.value
    return " ".join([f"{rule.predicate.kind}:{value}", *rule.attributes])


LANGUAGE = Language(_read, _write)


def parse(text: str) -> Omnisession:
    """Any text; a second DEFAULT is a fatal problem of its line."""
    document = line_document.parse(text, LANGUAGE)
    lines = []
    seen = False
    for line in document.lines:
        is_default = line.entry is not None and line.entry.predicate is None
        lines.append(replace(line, entry=None, problem="DEFAULT is already defined", fatal=True) if is_default and seen else line)
        seen = seen or is_default
    return Document(LANGUAGE, tuple(lines))


def render(rules: Iterable[SessionRule], header: Sequence[str] = ()) -> str:
    return line_document.render(rules, LANGUAGE, header)
