# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules of EOS are told alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.named_options import checked, stop_at
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
    problems: list[Problem] = []
    listed = checked("eos_placements", given, PLACEMENT, problems)
    stop_at(problems)
    return {name: Placement(**each) for name, each in listed.items()}


def spaces_of(given: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What is said of spaces, by name. Raises DescriptionError."""
    problems: list[Problem] = []
    listed = checked("eos_spaces", given, SPACE, problems)
    stop_at(problems)
    return listed
