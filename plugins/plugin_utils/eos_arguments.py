# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules of EOS are told alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.eos_instance import Account, Placement

ACCOUNTS = {
    "type": "list",
    "elements": "dict",
    "default": [],
    "options": {
        "issuer": {"type": "str", "required": True},
        "user": {"type": "str", "required": True},
        "uid": {"type": "int", "required": True},
        "gid": {"type": "int", "required": True},
        "group": {"type": "str"},
        "subject": {"type": "str"},
    },
}
PLACEMENT = {"space": {"type": "str"}, "layout": {"type": "str"}, "stripes": {"type": "int"}}
SPACE = {"group_size": {"type": "int"}, "groups": {"type": "int"}, "settings": {"type": "dict"}}


def accounts_of(listed: list[dict[str, Any]]) -> tuple[Account, ...]:
    """The accounts of the option."""
    return tuple(Account(**each) for each in listed)


def placements_of(given: Mapping[str, Any]) -> dict[str, Placement]:
    """The placements of the option, by area. Raises DescriptionError."""
    return {name: Placement(**each) for name, each in checked("eos_placements", given, PLACEMENT).items()}


def checked(option: str, given: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Mappings by name, each with the keys of a spec; what is not given is None. Raises DescriptionError with all that is wrong."""
    result: dict[str, dict[str, Any]] = {}
    problems = []
    for name, each in given.items():
        if not isinstance(each, Mapping):
            problems.append(Problem(f"{option}.{name}", "is no mapping.", f"Give some of {', '.join(spec)}."))
            continue
        answer = ArgumentSpecValidator(dict(spec)).validate(dict(each))
        problems += [Problem(f"{option}.{name}", f"{words}.", f"Known: {', '.join(spec)}.") for words in answer.error_messages]
        result[name] = answer.validated_parameters
    if problems:
        raise DescriptionError(problems)
    return result
