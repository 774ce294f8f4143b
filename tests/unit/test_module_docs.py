"""What ansible-doc says about a module is what its action takes: for every module with an action of the same name."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
COLLECTION = "ansible_collections.escape.datalake.plugins"
MODULES = sorted(path.stem for path in (PLUGINS / "modules").glob("*.py") if (PLUGINS / "action" / path.name).exists())
SECRET_WORDS = ("password", "secret", "token", "passphrase")


def documented(module: str) -> dict[str, Any]:
    """Options of a module as ansible-doc shows them, those of its fragments included; what the module says of an option wins."""
    page = yaml.safe_load(importlib.import_module(f"{COLLECTION}.modules.{module}").DOCUMENTATION)
    fragments = page.get("extends_documentation_fragment", [])
    options: dict[str, Any] = {}
    for fragment in [fragments] if isinstance(fragments, str) else fragments:
        if fragment.startswith("escape.datalake."):
            name, _dot, part = fragment.removeprefix("escape.datalake.").partition(".")
            holder = importlib.import_module(f"{COLLECTION}.doc_fragments.{name}").ModuleDocFragment
            options |= yaml.safe_load(getattr(holder, part.upper() or "DOCUMENTATION")).get("options", {})
    for name, told in (page.get("options") or {}).items():
        options[name] = options.get(name, {}) | told
    return options


def accepted(module: str) -> dict[str, Any]:
    """The argument spec of a module's action."""
    arguments: dict[str, Any] = importlib.import_module(f"{COLLECTION}.action.{module}").ActionModule.ARGUMENTS
    return arguments


def facts(option: dict[str, Any]) -> dict[str, Any]:
    """What documentation and argument spec both say about an option."""
    return {
        "type": option.get("type", "str"),
        "elements": option.get("elements"),
        "required": option.get("required", False),
        "default": option.get("default"),
        "choices": sorted(option.get("choices") or (), key=str),
        "aliases": sorted(option.get("aliases") or ()),
    }


def differences(place: str, documentation: dict[str, Any], arguments: dict[str, Any]) -> Iterator[str]:
    for name in sorted(documentation.keys() ^ arguments.keys()):
        yield f"{place}{name} is only in the {'documentation' if name in documentation else 'argument spec'}"
    for name in sorted(documentation.keys() & arguments.keys()):
        told, taken = documentation[name], arguments[name]
        if facts(told) != facts(taken):
            yield f"{place}{name}: documented as {facts(told)}, taken as {facts(taken)}"
        for variable in taken.get("fallback", (None, []))[1]:
            if variable not in str(told["description"]):
                yield f"{place}{name}: the environment variable {variable} is not documented"
        yield from differences(f"{place}{name}.", told.get("suboptions") or {}, taken.get("options") or {})


def secrets_in_the_open(place: str, arguments: dict[str, Any]) -> Iterator[str]:
    for name, option in arguments.items():
        if any(word in name for word in SECRET_WORDS) and "no_log" not in option:
            yield place + name
        yield from secrets_in_the_open(f"{place}{name}.", option.get("options") or {})


def test_there_are_modules() -> None:
    assert MODULES


@pytest.mark.parametrize("module", MODULES)
def test_documentation_and_argument_spec_agree(module: str) -> None:
    assert list(differences("", documented(module), accepted(module))) == []


@pytest.mark.parametrize("module", MODULES)
def test_options_with_secrets_say_whether_they_are_logged(module: str) -> None:
    assert list(secrets_in_the_open("", accepted(module))) == []


@pytest.mark.parametrize("module", MODULES)
def test_examples_and_return_values_are_yaml(module: str) -> None:
    page = importlib.import_module(f"{COLLECTION}.modules.{module}")
    tasks = yaml.safe_load(page.EXAMPLES)
    assert all(any(key.startswith(("escape.datalake.", "ansible.")) for key in task) for task in tasks)
    assert all("description" in value and "returned" in value for value in yaml.safe_load(page.RETURN).values())


def test_a_difference_is_noticed() -> None:
    told = {"a": {"type": "int", "description": "x"}, "b": {"description": "x"}}
    taken = {"a": {"type": "str"}, "c": {}}
    assert len(list(differences("", told, taken))) == 3
    assert list(secrets_in_the_open("", {"outer": {"options": {"password": {}}}})) == ["outer.password"]
