"""The JSON Schema, the reference page and the example inventory agree with the model."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from ansible_collections.escape.datalake.plugins.plugin_utils.model import parse, qos, schema, tables
from ansible_collections.escape.datalake.plugins.plugin_utils.model.derive import rse_records
from ansible_collections.escape.datalake.plugins.plugin_utils.model.fields import Kind, ListOf, MapOf, Table, read

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "inventories" / "example"
PAGE = (ROOT / "docs" / "description.md").read_text()

Data = dict[str, Any]


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    wanted = schema.site_description_schema()
    jsonschema.Draft202012Validator.check_schema(wanted)
    return jsonschema.Draft202012Validator(wanted)


def example(path: str) -> Data:
    data: Data = yaml.safe_load((EXAMPLE / path).read_text())
    return data


def test_the_committed_files_are_in_step() -> None:
    """Run tools/schema when this fails."""
    assert (ROOT / "docs" / "site-description.schema.json").read_text() == schema.schema_text()
    assert schema.reference_page(PAGE) == PAGE


def test_the_page_shows_every_table() -> None:
    assert sorted(schema.tables_of_page(PAGE)) == sorted(schema.documented_tables())
    assert all(f"\n### {name}\n" in PAGE for name in schema.documented_tables())


def test_the_page_names_every_class_medium_and_redundancy() -> None:
    for name in (*qos.BUILT_IN, *qos.MEDIA, *qos.REDUNDANCY):
        assert f"`{name}`" in PAGE
    assert all(f"| `{name}` | {words} |" in PAGE for name, words in qos.REDUNDANCY.items())


def test_the_example_inventory_has_no_problem(validator: jsonschema.Draft202012Validator) -> None:
    shared, host = example("group_vars/all.yml"), example("host_vars/se.example.org.yml")
    assert not [error.message for error in validator.iter_errors({**shared, **host})]
    lake, storages = parse.load_all(shared["datalake_lake"], {"se.example.org": host["datalake_storage"]})
    assert [record.name for record in rse_records(storages["se.example.org"], lake)] == ["EXAMPLE-XRD-FAST", "EXAMPLE-SAFE"]


def test_the_example_shows_every_key_of_a_storage() -> None:
    shown = example("host_vars/se.example.org.yml")["datalake_storage"]
    assert set(shown) == set(tables.STORAGE.index)
    assert {key for area in shown["areas"] for key in area} == set(tables.AREA.index) - {"volatile", "base_path"}
    assert set(shown["location"]) == set(tables.LOCATION.index)


def every_table(kind: Kind) -> list[Table]:
    match kind:
        case Table():
            return [kind, *(found for field in kind.fields for found in every_table(field.kind))]
        case ListOf() | MapOf():
            return every_table(kind.item)
        case _:
            return []


@pytest.mark.parametrize("root", [tables.LAKE, tables.STORAGE, tables.RSE], ids=lambda table: table.name)
def test_examples_and_defaults_of_fields_are_valid(root: Table) -> None:
    for table in every_table(root):
        definitions: Data = {}
        for field in table.fields:
            problems: list[Any] = []
            read(field.kind, field.example, field.key, problems)
            assert not problems, f"{table.name}.{field.key}: {problems}"
            kind = schema.json_schema(field.kind, definitions)
            jsonschema.Draft202012Validator({**kind, "$defs": definitions}).validate(field.example)
            assert field.doc.endswith("."), f"{table.name}.{field.key}"


def test_descriptions_of_the_tests_are_valid(validator: jsonschema.Draft202012Validator, storage_data: Data, lake_data: Data) -> None:
    validator.validate({"datalake_lake": lake_data, "datalake_storage": storage_data, "other_variable": 1})


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(relase="5"),
        lambda d: d.pop("site"),
        lambda d: d.update(system="xroot"),
        lambda d: d.update(areas=[]),
        lambda d: d["areas"][0].update(path="/escape/fast/"),
        lambda d: d["areas"][0].update(path="//escape/fast"),
        lambda d: d["areas"][0].update(capacity="much"),
        lambda d: d["areas"][0].update(rse="lower"),
        lambda d: d["doors"][0].update(port=0),
        lambda d: d["doors"][0].update(host="short"),
        lambda d: d["location"].update(country="UK"),
    ],
)
def test_the_schema_refuses_what_the_parser_refuses(validator: jsonschema.Draft202012Validator, storage_data: Data, change: Any) -> None:
    broken = copy.deepcopy(storage_data)
    change(broken)
    assert not validator.is_valid({"datalake_storage": broken})


def test_the_schema_is_json_that_stands_alone() -> None:
    text = schema.schema_text()
    found = json.loads(text)
    references = {line.split('"')[3] for line in text.splitlines() if '"$ref"' in line}
    assert references == {f"#/$defs/{name}" for name in found["$defs"]}
