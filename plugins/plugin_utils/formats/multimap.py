# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""multimap files: ``MATCH RESULT [RESULT ...]``, each ``type:value``.

Every line whose MATCH fits the log-in adds its results. A line that cannot be read is skipped with a warning in the log, the others still
load. Values match whole and exactly. ``,true`` after a group kind (gid, group, fqan) demands or makes a primary group.
Source: dCache GplazmaMultiMapFile.java; which release knows which type is a matter of the checks, not of this reader.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ansible_collections.escape.datalake.plugins.plugin_utils.formats import line_document
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.dcache_args import parse_args, quoted
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.line_document import BadLine, Document, Language, java_trim
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.principals import (
    GROUP_KINDS,
    MULTIMAP_KINDS,
    ROLES,
    Principal,
    is_email,
    is_number,
    split_principal,
)


@dataclass(frozen=True)
class Mapping:
    """match: whom the line is for. results: what is added to the log-in."""

    match: Principal
    results: tuple[Principal, ...]

    def values(self, kind: str) -> tuple[Principal, ...]:
        """The results of one kind."""
        return tuple(result for result in self.results if result.kind == kind)


Multimap = Document[Mapping]


def _principal(text: str, *, left: bool) -> Principal:
    try:
        principal = split_principal(text)
    except ValueError as problem:
        raise BadLine(str(problem)) from None
    kind, value = principal.kind, principal.value
    if kind not in MULTIMAP_KINDS:
        raise BadLine(f'"{kind}" in "{text}" is no type of principal')
    if kind in GROUP_KINDS and value.count(",") > 1:
        raise BadLine(f'"{text}" has more than one comma')
    if kind in ("gid", "uid") and not is_number(principal.name):
        raise BadLine(f'"{text}": {kind} must be a number')
    if kind == "oidc" and not left and "@" not in value:
        raise BadLine(f'"{text}" needs the alias of the provider: oidc:SUB@ALIAS')
    if kind == "email" and not is_email(value):
        raise BadLine(f'"{text}" is no e-mail address')
    if kind == "roles" and not {role.lower() for role in value.split(",")} <= ROLES:
        raise BadLine(f'"{text}": roles are {", ".join(sorted(ROLES))}')
    return principal


def _read(text: str) -> Mapping | None:
    trimmed = java_trim(text)
    if not trimmed or trimmed.startswith("#"):
        return None
    words = parse_args(trimmed).arguments
    if len(words) < 2:
        raise BadLine("the line maps to nothing: MATCH RESULT [RESULT ...]" if words else "the line matches nobody")
    return Mapping(_principal(words[0], left=True), tuple(_principal(word, left=False) for word in words[1:]))


def _write(mapping: Mapping) -> str:
    return " ".join([f"{quoted(str(mapping.match)):<40}", *(quoted(str(result)) for result in mapping.results)])


LANGUAGE = Language(_read, _write)


def parse(text: str) -> Multimap:
    return line_document.parse(text, LANGUAGE)


def render(mappings: Iterable[Mapping], header: Sequence[str] = ()) -> str:
    return line_document.render(mappings, LANGUAGE, header)
