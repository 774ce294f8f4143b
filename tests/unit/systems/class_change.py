"""What changes when one area gets another class: configuration, CRIC's record and Rucio's. For the tests of every storage system."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.formats import cric_doma
from ansible_collections.escape.datalake.plugins.plugin_utils.model import parse
from ansible_collections.escape.datalake.plugins.plugin_utils.model.derive import rse_records
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Storage

Render = Callable[[Storage], Mapping[str, str]]
"""From a storage to its configuration: text by path."""


@dataclass(frozen=True)
class Changed:
    """configuration: lines that went (``-``) and came (``+``), by path. cric, rucio: before and after of each field, by RSE and field."""

    configuration: dict[str, list[str]]
    cric: dict[tuple[str, str], tuple[Any, Any]]
    rucio: dict[tuple[str, str], tuple[Any, Any]]


def changed(lake: Mapping[str, Any], description: Mapping[str, Any], area: str, facts: Mapping[str, Any], render: Render) -> Changed:
    """What differs when an area of a description states other facts (``qos`` among them); None as a fact takes it away."""
    after = copy.deepcopy(dict(description))
    for each in after["areas"]:
        if each["name"] == area:
            each.update(facts)
            for key in [key for key, value in each.items() if value is None]:
                del each[key]
    loaded = parse.load_lake(lake)
    old, new = (parse.load_storage(each, loaded) for each in (description, after))
    return Changed(
        _lines(render(old), render(new)),
        _fields(
            {each.name: cric_doma.stated_fields(each) for each in rse_records(old, loaded)},
            {each.name: cric_doma.stated_fields(each) for each in rse_records(new, loaded)},
        ),
        _fields(_rucio(old, loaded), _rucio(new, loaded)),
    )


def _rucio(storage: Storage, lake: Any) -> dict[str, dict[str, Any]]:
    return {each.name: parse.rse_record_as_dict(each) for each in rse_records(storage, lake)}


def _lines(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, list[str]]:
    found = {}
    for path in sorted({*before, *after}):
        lines = difflib.unified_diff(before.get(path, "").splitlines(), after.get(path, "").splitlines(), n=0)
        told = [line[0] + line[1:].strip() for line in list(lines)[2:] if not line.startswith("@@")]
        if told:
            found[path] = told
    return found


def _fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[tuple[str, str], tuple[Any, Any]]:
    one, other = dict(_flat(before)), dict(_flat(after))
    return {(key[0], ".".join(key[1:])): (one.get(key), other.get(key)) for key in sorted({*one, *other}) if one.get(key) != other.get(key)}


def _flat(value: Any, path: tuple[str, ...] = ()) -> Any:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _flat(each, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for number, each in enumerate(value):
            yield from _flat(each, (*path, str(number)))
    else:
        yield path, value
