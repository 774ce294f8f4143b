# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The JSON Schema of descriptions, and the tables of the reference page, made from the tables of fields. ``tools/schema`` writes both."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.model import tables
from ansible_collections.escape.datalake.plugins.plugin_utils.model.fields import Field, Kind, ListOf, MapOf, Table, json_schema, words

DOCUMENTED = {table.name: table for table in (tables.LAKE, tables.STORAGE)}
MARKED = re.compile(r"(<!-- fields: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def site_description_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a variables file that holds ``datalake_storage``, ``datalake_lake`` or both among other variables."""
    definitions: dict[str, Any] = {}
    properties = {name: {**json_schema(table, definitions), "description": table.doc} for name, table in DOCUMENTED.items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Description of a data lake and its storages for escape.datalake",
        "type": "object",
        "properties": properties,
        "$defs": definitions,
    }


def schema_text() -> str:
    """The schema as it is committed."""
    return json.dumps(site_description_schema(), indent=2, ensure_ascii=False) + "\n"


def reference_page(page: str) -> str:
    """The page with every table between ``<!-- fields: NAME -->`` and ``<!-- end -->`` made anew."""
    known = {table.name: table for root in DOCUMENTED.values() for table in _tables(root)}
    return MARKED.sub(lambda match: f"{match[1]}{_field_table(known[match[2]])}{match[3]}", page)


def tables_of_page(page: str) -> list[str]:
    """The names of the tables that a page shows."""
    return [match[2] for match in MARKED.finditer(page)]


def documented_tables() -> list[str]:
    """The names of all tables that a reader can meet in a description."""
    return list(dict.fromkeys(table.name for root in DOCUMENTED.values() for table in _tables(root)))


def _tables(kind: Kind) -> Iterator[Table]:
    match kind:
        case Table():
            yield kind
            for field in kind.fields:
                yield from _tables(field.kind)
        case ListOf() | MapOf():
            yield from _tables(kind.item)


def _field_table(table: Table) -> str:
    rows = ["| Key | Value | Default | Meaning | Example |", "| --- | --- | --- | --- | --- |"]
    rows += [
        f"| `{field.key}` | {_cell(words(field.kind))} | {_default(field)} | {_cell(field.doc)} | `{_example(field)}` |"
        for field in table.fields
    ]
    return "\n".join(rows) + "\n"


def _default(field: Field) -> str:
    if field.required:
        return "**needed**"
    if field.default_words:
        return _cell(field.default_words)
    return "none" if field.default in (None, "") else f"`{json.dumps(field.default)}`"


def _example(field: Field) -> str:
    return _cell(re.sub(r'"([a-zA-Z_]+)": ', r"\1: ", json.dumps(field.example)))


def _cell(words_of_it: str) -> str:
    return words_of_it.replace("|", "\\|")
