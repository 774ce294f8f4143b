# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How an object of a description is declared: a table of fields.

The same table drives reading (values, unknown keys, missing keys), the JSON Schema and the reference page, so that the three agree.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import Problem


class Wrong(Exception):
    """A single value that cannot be used: what is wrong with it, and what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


@dataclass(frozen=True)
class Value:
    """A kind of single value. words: what it is, for people. parse: gives the value that the model uses, or raises Wrong."""

    words: str
    parse: Callable[[Any], Any]
    schema: Mapping[str, Any]


@dataclass(frozen=True)
class ListOf:
    """A list. least: how many items it needs."""

    item: Kind
    least: int = 0


@dataclass(frozen=True)
class MapOf:
    """A mapping whose keys the person chooses. key: kind of the keys."""

    key: Value
    item: Kind
    least: int = 0


@dataclass(frozen=True)
class Field:
    """A key of an object. default: what the model uses when the key is missing. default_words: the default in words where it is derived."""

    key: str
    kind: Kind
    doc: str
    example: Any
    required: bool = False
    default: Any = None
    default_words: str = ""


@dataclass(frozen=True)
class Table:
    """An object with fixed keys. name: its name in the schema and on the reference page."""

    name: str
    doc: str
    fields: tuple[Field, ...]
    index: Mapping[str, Field] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", {each.key: each for each in self.fields})


Kind = Value | ListOf | MapOf | Table


def read(kind: Kind, value: Any, path: str, problems: list[Problem]) -> Any:
    """The value as the model uses it; what is wrong goes to problems.

    A wrong single value gives None, which is also what an object holds for it; lists and mappings leave it out.
    A list of objects keeps one (perhaps empty) object per item, so that positions stay true.
    """
    match kind:
        case Value():
            return _read_value(kind, value, path, problems)
        case ListOf():
            return _read_list(kind, value, path, problems)
        case MapOf():
            return _read_map(kind, value, path, problems)
        case Table():
            return _read_object(kind, value, path, problems)


def json_schema(kind: Kind, definitions: dict[str, Any]) -> dict[str, Any]:
    """JSON Schema of a kind. Objects are put into definitions and referred to."""
    match kind:
        case Value():
            return dict(kind.schema)
        case ListOf():
            return {"type": "array", "items": json_schema(kind.item, definitions), **({"minItems": kind.least} if kind.least else {})}
        case MapOf():
            names = {"propertyNames": dict(kind.key.schema), "additionalProperties": json_schema(kind.item, definitions)}
            return {"type": "object", **names, **({"minProperties": kind.least} if kind.least else {})}
        case Table():
            if kind.name not in definitions:
                definitions[kind.name] = {}  # holds the place while members are visited
                definitions[kind.name] = _object_schema(kind, definitions)
            return {"$ref": f"#/$defs/{kind.name}"}


def words(kind: Kind) -> str:
    """What a kind is, for people."""
    match kind:
        case Value():
            return kind.words
        case ListOf():
            return f"list: {words(kind.item)}"
        case MapOf():
            return f"mapping: {kind.key.words} to {words(kind.item)}"
        case Table():
            return f"[{kind.name}](#{kind.name})"


def quoted(names: Iterable[str]) -> str:
    """Names for a message: ``"davs", "root"``."""
    return ", ".join(f'"{name}"' for name in names) or "none"


def nearest(name: str, known: Iterable[str]) -> str:
    """The remedy for an unknown name: the nearest known one, and all of them."""
    known = list(known)
    spellings = {each.lower(): each for each in known}
    found = difflib.get_close_matches(name.lower(), spellings, n=1)
    return (f'Did you mean "{spellings[found[0]]}"? ' if found else "") + f"Known: {quoted(known)}."


def text(what: str, pattern: str = r"[\s\S]*\S[\s\S]*", remedy: str = "Write some text.", limit: int = 255) -> Value:
    """A text that matches a pattern as a whole."""

    def parse(value: Any) -> str:
        found = as_text(value)
        if len(found) > limit:
            raise Wrong(f"has {len(found)} characters.", f"At most {limit} are possible.")
        if not re.fullmatch(pattern, found):
            raise Wrong(f'"{found}" is not a valid {what}.', remedy)
        return found

    return Value(what, parse, {"type": "string", "pattern": f"^(?:{pattern})$", "maxLength": limit})


def choice(what: str, values: Sequence[str]) -> Value:
    """One of a few words."""

    def parse(value: Any) -> str:
        found = as_text(value)
        if found not in values:
            raise Wrong(f'"{found}" is not a known {what}.', nearest(found, values))
        return found

    return Value(" | ".join(values), parse, {"enum": list(values)})


def whole(low: int, high: int | None = None) -> Value:
    """A whole number in a range."""
    limits = f"at least {low}" if high is None else f"{low} to {high}"

    def parse(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise Wrong(f"{shown(value)} is not a whole number.", f"Write a whole number, {limits}, without quotes.")
        if value < low or (high is not None and value > high):
            raise Wrong(f"{value} is out of range.", f"Write a whole number, {limits}.")
        return int(value)

    return Value(f"whole number, {limits}", parse, {"type": "integer", "minimum": low, **({} if high is None else {"maximum": high})})


def degrees(limit: int) -> Value:
    """An angle on the globe, positive to the north and the east."""

    def parse(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not -limit <= value <= limit:
            raise Wrong(
                f"{shown(value)} is not a number from -{limit} to {limit}.", "Write decimal degrees, positive to the north and the east."
            )
        return float(value)

    return Value(f"decimal degrees, -{limit} to {limit}", parse, {"type": "number", "minimum": -limit, "maximum": limit})


def _parse_flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Wrong(f"{shown(value)} is neither true nor false.", "Write true or false, without quotes.")
    return bool(value)


FLAG = Value("true | false", _parse_flag, {"type": "boolean"})


def _parse_scalar(value: Any) -> str | int | float | bool | None:
    if value is not None and not isinstance(value, str | int | float | bool):
        raise Wrong(
            f"is {shown(value)}, which Rucio would store as Python's way to print it.", "Write a single text, number or truth value."
        )
    if isinstance(value, str) and len(value) > 255:
        raise Wrong(f"has {len(value)} characters.", "Rucio keeps at most 255.")
    return value


SCALAR = Value("text, number or truth value", _parse_scalar, {"type": ["string", "number", "boolean", "null"], "maxLength": 255})


def as_text(value: Any) -> str:
    """A text as it is; raises Wrong for what YAML reads as something else."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        raise Wrong(
            f"is read as the truth value {shown(value)}, because YAML takes words like NO, yes and on for one.", "Put it in quotes."
        )
    if isinstance(value, int | float):
        raise Wrong(f"is read as the number {value}.", "Put it in quotes.")
    raise Wrong(f"is {shown(value)} where a text is expected.", "Write a text.")


def shown(value: Any) -> str:
    """A wrong value for a message, shortened to its type where it is no scalar."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple | set):
        return "a list"
    if isinstance(value, date):
        return f"the date {value}"
    return repr(value) if isinstance(value, str | int | float) else "something else"


def _read_value(kind: Value, value: Any, path: str, problems: list[Problem]) -> Any:
    try:
        return kind.parse(value)
    except Wrong as wrong:
        # What cannot be seen on a screen (line ends, marks of direction) is written out.
        message = "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in wrong.message)
        problems.append(Problem(path, message, wrong.remedy))
        return None


def _read_list(kind: ListOf, value: Any, path: str, problems: list[Problem]) -> list[Any]:
    if not isinstance(value, list | tuple):
        problems.append(
            Problem(
                path,
                f"is {shown(value)} where a list is expected.",
                "Write a list, also for a single item: one line per item, beginning with a dash.",
            )
        )
        return []
    if len(value) < kind.least:
        problems.append(Problem(path, "is an empty list.", f"Give at least {kind.least}."))
    items = [read(kind.item, item, f"{path}[{number}]", problems) for number, item in enumerate(value)]
    return [item for item in items if item is not None]


def _read_map(kind: MapOf, value: Any, path: str, problems: list[Problem]) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        problems.append(_not_a_mapping(value, path))
        return {}
    if len(value) < kind.least:
        problems.append(Problem(path, "is empty.", f"Give at least {kind.least}."))
    found: dict[str, Any] = {}
    for key, item in value.items():
        name = _read_value(kind.key, key, f"{path}.{key}", problems)
        wrong_before = len(problems)
        parsed = read(kind.item, item, f"{path}.{key}", problems)
        if name is not None and (isinstance(kind.item, Table) or len(problems) == wrong_before):
            found[name] = parsed
    return found


def _read_object(table: Table, value: Any, path: str, problems: list[Problem]) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        problems.append(_not_a_mapping(value, path))
        return {}
    known = table.index
    problems += [
        Problem(f"{path}.{key}", f'"{key}" is not a key of {table.name}.', nearest(str(key), known)) for key in value if key not in known
    ]
    found: dict[str, Any] = {}
    for each in table.fields:
        given = value.get(each.key)
        if given is not None:
            parsed = read(each.kind, given, f"{path}.{each.key}", problems)
            if parsed != [] or given == []:  # a list of wrong items only is not an empty list
                found[each.key] = parsed
        elif each.required:
            problems.append(Problem(f"{path}.{each.key}", "is missing.", f"Give it: {each.doc}"))
        elif each.default is not None:
            found[each.key] = each.default
    return found


def _not_a_mapping(value: Any, path: str) -> Problem:
    return Problem(path, f"is {shown(value)} where a mapping is expected.", 'Write indented "key: value" lines below it.')


def _object_schema(table: Table, definitions: dict[str, Any]) -> dict[str, Any]:
    properties = {}
    for each in table.fields:
        notes = {"description": each.doc, "examples": [each.example]}
        if each.default is not None:
            notes["default"] = each.default
        properties[each.key] = {**json_schema(each.kind, definitions), **notes}
    required = [each.key for each in table.fields if each.required]
    return {
        "type": "object",
        "description": table.doc,
        "properties": properties,
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }
