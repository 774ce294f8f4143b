# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``grid-vorolemap``: ``"DN" "FQAN" NAME``, the group name for a pair of DN and FQAN; the DN may hold ``*``.

A line that does not fit is skipped with a warning in the log. Source: dCache VOMapLineParser.java, VoRoleMapPlugin.java.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ansible_collections.escape.datalake.plugins.plugin_utils.formats import line_document
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.line_document import BadLine, Document, Language, java_trim

_QUOTED = r'"[^"]*"'
_LINE = re.compile(
    rf"\s*(?P<dn>\*|(?:/[\w\s,;:@\-*.=]+)+|{_QUOTED})"
    rf"(?:\s+(?P<fqan>(?:/[\w,;:@\-*.]+)+(?:/[\w\s,;:@\-*=]+)*|{_QUOTED}))?"
    r"\s+(?P<name>[\w.][\w.\-]*)\s*(?:#.*)?\Z",
    re.ASCII,
)


@dataclass(frozen=True)
class RoleMapping:
    """dn: pattern with ``*``. fqan: "" fits every FQAN. name: group name that authzdb, multimap or nsswitch turn into numbers."""

    dn: str
    fqan: str
    name: str


Vorolemap = Document[RoleMapping]


def _read(text: str) -> RoleMapping | None:
    if not java_trim(text) or text.startswith("#"):
        return None
    found = _LINE.match(text)
    if not found:
        raise BadLine('the line is not "DN" "FQAN" NAME')
    return RoleMapping(found["dn"].replace('"', ""), (found["fqan"] or "").replace('"', ""), found["name"])


def _write(mapping: RoleMapping) -> str:
    return " ".join([f'"{mapping.dn}"', *([f'"{mapping.fqan}"'] if mapping.fqan else []), mapping.name])


LANGUAGE = Language(_read, _write)


def parse(text: str) -> Vorolemap:
    return line_document.parse(text, LANGUAGE)


def render(mappings: Iterable[RoleMapping], header: Sequence[str] = ()) -> str:
    return line_document.render(mappings, LANGUAGE, header)
