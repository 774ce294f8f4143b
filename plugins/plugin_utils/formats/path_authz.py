# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""path-authz.db of StoRM's backend: which local group may do what below which path.

Source: italiangrid/storm etc/path-authz.db and src/main/java/it/grid/storm/authz/path/.
"""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.escape.datalake.plugins.plugin_utils.formats import line_document
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.line_document import BadLine, Document, Language

BEST_MATCH = "it.grid.storm.authz.path.model.PathAuthzAlgBestMatch"
EVERYBODY = "@ALL@"
OPERATIONS = {
    "W": "write files",
    "R": "read files",
    "F": "move or rename",
    "D": "delete",
    "L": "list directories",
    "M": "make directories",
    "N": "create files",
}


@dataclass(frozen=True)
class Algorithm:
    """How rows are combined; there is one algorithm only."""

    name: str = BEST_MATCH


@dataclass(frozen=True)
class Row:
    """effect: permit or deny. operations: letters of OPERATIONS."""

    group: str
    path: str
    operations: str
    effect: str


Entry = Algorithm | Row


def _read(text: str) -> Entry | None:
    body = text.strip()
    if not body or body.startswith("#"):
        return None
    name, equals, value = body.partition("=")
    if equals and name.strip() == "algorithm":
        return Algorithm(value.strip())
    words = body.split()
    if len(words) != 4:
        raise BadLine(f"{len(words)} words where group, path, mask and permit or deny are expected")
    group, path, operations, effect = words
    if not path.startswith("/"):
        raise BadLine(f'the path "{path}" does not begin with a slash')
    unknown = sorted(set(operations.upper()) - set(OPERATIONS))
    if unknown:
        raise BadLine(f'unknown letters {"".join(unknown)} in the mask "{operations}"; known: {"".join(OPERATIONS)}')
    if effect.lower() not in ("permit", "deny"):
        raise BadLine(f'"{effect}" is neither permit nor deny')
    return Row(group, path, operations, effect.lower())


def _write(entry: Entry) -> str:
    if isinstance(entry, Algorithm):
        return f"algorithm={entry.name}"
    return f"{entry.group:<24} {entry.path:<32} {entry.operations:<8} {entry.effect}"


PATH_AUTHZ: Language[Entry] = Language(_read, _write)


def parse(text: str) -> Document[Entry]:
    return line_document.parse(text, PATH_AUTHZ)


def rows(document: Document[Entry]) -> list[tuple[int, Row]]:
    """(line number, row)."""
    return [(number, entry) for number, entry in document.entries() if isinstance(entry, Row)]


def render(entries: list[Row], comment: str) -> str:
    """A fresh file."""
    listed: list[Entry] = [Algorithm(), *entries]
    return line_document.render(listed, PATH_AUTHZ, comment.splitlines())
