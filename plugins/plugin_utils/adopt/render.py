# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An adopted site as the YAML files that a person would write: what is missing stands there as a key to fill in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.adopt.adopted import Adopted
from ansible_collections.escape.datalake.plugins.plugin_utils.model import tables
from ansible_collections.escape.datalake.plugins.plugin_utils.model.fields import Field, Table

PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9._/:@+-]*|[0-9]+(?:\.[0-9]+)?[kKMGTPE]i?B|[0-9]+(?:ms|s|min|h|d|w)")
KEYWORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})
NEW_LINE = "\n"
TEMPLATE = re.compile(r"\{[{%#]")
WIDTH = 120  # characters of a mapping or list on one line


def storage_text(adopted: Adopted, host: str, system: str, release: str) -> str:
    """host_vars of a storage."""
    remarks = [f"Read from the files of {host} ({f'{system} {release}'.strip()})."]
    if adopted.notes:
        remarks += ["Look at these places, then take this list away:", *(f" * {note}" for note in adopted.notes)]
    return host_vars_text(remarks, adopted.storage, adopted.variables)


def host_vars_text(remarks: Iterable[str], storage: Mapping[str, Any], variables: Mapping[str, Any]) -> str:
    """A file of host_vars: remarks on top, the description of a storage, other variables below."""
    lines = ["---", *(_remark(f"# {remark}") for remark in remarks)]
    lines += ["datalake_storage:", *_table(storage, tables.STORAGE, "  ")]
    if variables:
        lines += ["", "# What the description does not say."]
        lines += [line for name, value in variables.items() for line in _entry(_key(name), value, "")]
    return "\n".join(lines) + "\n"


def with_lake(adopted: Adopted, issuers: Mapping[str, Any]) -> Adopted:
    """The same with the names that a lake gives to its issuers. issuers: of the lake, as its description has them."""
    known = {str(entry.get("url")): name for name, entry in issuers.items()}
    names = {name: known.get(entry["url"], name) for name, entry in adopted.issuers.items()}
    storage = {**adopted.storage}
    if "issuers" in storage:
        storage["issuers"] = [names.get(name, name) for name in storage["issuers"]]
    if "areas" in storage:
        storage["areas"] = [_area_with(area, names) for area in storage["areas"]]
    notes = list(adopted.notes)
    for name, entry in adopted.issuers.items():
        if entry["url"] not in known:
            notes.append(f"The issuer {entry['url']} is not in datalake_lake; add it as {names[name]}.")
    granted = [{"issuer": names[name], **each} for name, entry in adopted.issuers.items() for each in entry.get("access", ())]
    usual = [{"issuer": name, **each} for name in storage.get("issuers", ()) for each in issuers.get(name, {}).get("access", ())]
    if sorted(map(json.dumps, granted)) != sorted(map(json.dumps, usual)) and granted:
        storage["areas"] = [{"access": granted, **area} for area in storage["areas"]]
        notes.append("The site lets other groups in than datalake_lake says, so its areas have access lists of their own.")
    return replace(adopted, storage=storage, issuers={names[name]: entry for name, entry in adopted.issuers.items()}, notes=tuple(notes))


def without_templates(adopted: Adopted) -> Adopted:
    """Without issuers that Ansible would take for templates: the file of the lake is written by a filter that cannot mark them as texts."""
    strange = [name for name, entry in adopted.issuers.items() if TEMPLATE.search(name + json.dumps(entry))]
    notes = [f"The issuer {name} is left out: what the files say of it would be a template of Ansible." for name in strange]
    issuers = {name: entry for name, entry in adopted.issuers.items() if name not in strange}
    return replace(adopted, issuers=issuers, notes=(*adopted.notes, *notes))


def _area_with(area: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    if "access" not in area:
        return dict(area)
    return {**area, "access": [{**each, "issuer": names.get(each.get("issuer"), each.get("issuer"))} for each in area["access"]]}


def _table(values: Mapping[str, Any], table: Table, indent: str) -> Iterator[str]:
    """The keys in the order of the documentation; a needed key without value is one to fill in."""
    fields = table.index
    for name, field in fields.items():
        if name in values and values[name] not in ("", None):
            yield from _field(field, values[name], indent)
        elif field.required:
            yield f"{indent}{name}: # fill in, such as {_flow(field.example)}: {field.doc}"
    for name in values:
        if name not in fields:
            yield from _entry(name, values[name], indent)


def _field(field: Field, value: Any, indent: str) -> Iterator[str]:
    item = getattr(field.kind, "item", None)
    if isinstance(item, Table) and isinstance(value, list):
        yield f"{indent}{field.key}:" + ("" if value else " []")
        for each in value:
            complete = all(each.get(one.key) not in ("", None) for one in item.fields if one.required)
            if complete and len(_flow(each)) + len(indent) + 4 <= WIDTH and not any(isinstance(one, list | dict) for one in each.values()):
                yield f"{indent}  - {_flow(each)}"
            else:
                lines = list(_table(each, item, indent + "    "))
                yield f"{indent}  - {lines[0].strip()}"
                yield from lines[1:]
    else:
        yield from _entry(field.key, value, indent)


def _entry(name: str, value: Any, indent: str) -> Iterator[str]:
    """A key and its value, on one line where that is short."""
    flow = _flow(value)
    if isinstance(value, str) and "\n" in value:
        yield f"{indent}{name}: {_tag(value)}|{'' if value.endswith(NEW_LINE) else '-'}"
        yield from (f"{indent}  {line}".rstrip() for line in value.rstrip("\n").split("\n"))
    elif not isinstance(value, Mapping | list) or (len(flow) + len(indent) + len(name) + 2 <= WIDTH and "\\n" not in flow):
        yield f"{indent}{name}: {flow}"
    elif isinstance(value, Mapping):
        yield f"{indent}{name}:"
        yield from _mapping(value, indent + "  ")
    else:
        yield f"{indent}{name}:"
        for each in value:
            if isinstance(each, Mapping) and each:
                lines = list(_mapping(each, indent + "    "))
                yield f"{indent}  - {lines[0].strip()}"
                yield from lines[1:]
            else:
                yield f"{indent}  - {_flow(each)}"


def _mapping(values: Mapping[str, Any], indent: str) -> Iterator[str]:
    for name, value in values.items():
        yield from _entry(_key(name), value, indent)


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)}: {_flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, str):
        return _tag(value) + _key(value)
    return json.dumps(value)


def _key(name: Any) -> str:
    text = str(name)
    return text if _is_plain(text) else json.dumps(text, ensure_ascii=False)


def _tag(text: str) -> str:
    """What keeps Ansible from taking the text of a site for a template and running what is in it on the controller."""
    return "!unsafe " if TEMPLATE.search(text) else ""


def _remark(text: str) -> str:
    """A remark stays on its line: some characters of files are line ends to YAML."""
    return "".join(each if each.isprintable() else " " for each in text)


def _is_plain(text: str) -> bool:
    return bool(PLAIN.fullmatch(text)) and text.lower() not in KEYWORDS and not text.endswith(":")
