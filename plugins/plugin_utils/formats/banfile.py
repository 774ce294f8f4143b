# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ban file of the plug-in ``banfile``: ``ban TYPE:VALUE`` and ``alias NAME=CLASS``.

One line that cannot be read makes the plug-in fail for every log-in. Source: dCache BanFilePlugin.java, Subjects.principalsFromArgs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ansible_collections.escape.datalake.plugins.plugin_utils.formats import line_document
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.line_document import BadLine, Document, Language
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.principals import SUBJECT_KINDS, Principal, is_email, is_number

_BAN = re.compile(r"ban\s+([^:]+):(.*)\Z", re.ASCII)
_ALIAS = re.compile(r"alias\s+([^:]+)=(.*)\Z", re.ASCII)


@dataclass(frozen=True)
class Ban:
    """Nobody with this principal may log in."""

    principal: Principal


@dataclass(frozen=True)
class Alias:
    """name: stands for the Java class in bans."""

    name: str
    java_class: str


Banfile = Document[Ban | Alias]


def _read(text: str) -> Ban | Alias | None:
    stripped = text.strip()
    if not stripped or stripped.startswith("#"):
        return None
    if found := _BAN.match(stripped):
        return Ban(Principal(found.group(1), found.group(2)))
    if found := _ALIAS.match(stripped):
        return Alias(found.group(1), found.group(2))
    raise BadLine("the line is neither `ban TYPE:VALUE` nor `alias NAME=CLASS`", fatal=True)


def _write(entry: Ban | Alias) -> str:
    return f"ban {entry.principal}" if isinstance(entry, Ban) else f"alias {entry.name}={entry.java_class}"


LANGUAGE: Language[Ban | Alias] = Language(_read, _write)


def principal_problem(principal: Principal) -> str:
    """Why dCache cannot build this principal, or ""; names of Java classes (with a dot) are not judged."""
    kind, value = principal.kind, principal.value
    if "." in kind:
        return ""
    if kind not in SUBJECT_KINDS:
        return f'"{kind}" is no type of principal'
    if kind in ("uid", "gid") and not is_number(value):
        return f"{kind} {value} is no number"
    if kind == "oidc" and "@" not in value:
        return f"oidc:{value} needs the alias of the provider: oidc:SUB@ALIAS"
    if kind == "email" and not is_email(value):
        return f"{value} is no e-mail address"
    return ""


def parse(text: str) -> Banfile:
    """Any text; a ban of an unknown type is a fatal problem of its line."""
    document = line_document.parse(text, LANGUAGE)
    aliases = {entry.name for _number, entry in document.entries() if isinstance(entry, Alias)}
    lines = []
    for line in document.lines:
        known = not isinstance(line.entry, Ban) or line.entry.principal.kind in aliases
        problem = "" if known or not isinstance(line.entry, Ban) else principal_problem(line.entry.principal)
        lines.append(replace(line, entry=None, problem=problem, fatal=True) if problem else line)
    return Document(LANGUAGE, tuple(lines))


def render(entries: Iterable[Ban | Alias], header: Sequence[str] = ()) -> str:
    return line_document.render(entries, LANGUAGE, header)
