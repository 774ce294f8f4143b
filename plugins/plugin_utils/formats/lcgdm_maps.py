# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The map files of DPM, for clients that come without VOMS attributes: ``/etc/lcgdm-mapfile`` and its local part, and the settings of the
generator, ``/etc/lcgdm-mkgridmap.conf``. Both are one entry per line with ``#`` remarks; a distinguished name is quoted.

Source: edg-mkgridmap (conf and map file manual pages), which the packages of DPM run every six hours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.escape.datalake.plugins.plugin_utils.formats import line_document
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.line_document import BadLine, Document, Language

_MAPPING = re.compile(r'\s*"(?P<quoted>[^"]*)"\s+(?P<group>\S+)\s*\Z|\s*(?P<bare>[^"\s]\S*)\s+(?P<group2>\S+)\s*\Z')
DIRECTIVES = frozenset({"group", "gmf_local", "auth", "acl", "allow", "deny", "default_lcluser"})


@dataclass(frozen=True)
class Mapping:
    """A certificate's subject and the group (or VO) that it stands for."""

    subject: str
    group: str


@dataclass(frozen=True)
class Source:
    """A line of the generator's settings: ``group URI [NAME]``, ``gmf_local FILE`` and the like."""

    directive: str
    arguments: tuple[str, ...] = ()


def _read_mapping(text: str) -> Mapping | None:
    if not text.strip() or text.lstrip().startswith("#"):
        return None
    found = _MAPPING.match(text)
    if not found:
        raise BadLine('expected "SUBJECT" GROUP')
    return Mapping(found["quoted"] if found["quoted"] is not None else found["bare"], found["group"] or found["group2"])


def _write_mapping(entry: Mapping) -> str:
    return f'"{entry.subject}" {entry.group}'


def _read_source(text: str) -> Source | None:
    words = text.split()
    if not words or words[0].startswith("#"):
        return None
    if words[0] not in DIRECTIVES:
        raise BadLine(f"{words[0]} is none of {', '.join(sorted(DIRECTIVES))}")
    return Source(words[0], tuple(words[1:]))


def _write_source(entry: Source) -> str:
    return " ".join([entry.directive, *entry.arguments])


MAPFILE: Language[Mapping] = Language(_read_mapping, _write_mapping)
GENERATOR: Language[Source] = Language(_read_source, _write_source)


def parse_mapfile(text: str) -> Document[Mapping]:
    return line_document.parse(text, MAPFILE)


def parse_generator(text: str) -> Document[Source]:
    return line_document.parse(text, GENERATOR)
