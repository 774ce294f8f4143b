# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of quality of service as playbooks give them, checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.formats import json_text, qos_policy
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.pool_setup import NearlineStorage
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.qos_policy import Policy
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.model.units import parse_size
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_pools import Placement
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_qos import STORAGE_INFO, Options

POOLS: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "default": [],
    "options": {
        "host": {"type": "str"},
        "area": {"type": "str", "required": True},
        "path": {"type": "path", "required": True},
        "size": {"type": "str"},
        "name": {"type": "str"},
        "tags": {"type": "dict", "default": {}},
    },
}
"""Argument spec of the list of pools."""

QOS: dict[str, Any] = {
    "type": "dict",
    "default": {},
    "options": {
        "store": {"type": "str", "default": ""},
        "hsm": {
            "type": "dict",
            "options": {
                "type": {"type": "str", "default": STORAGE_INFO},
                "instance": {"type": "str"},
                "provider": {"type": "str", "default": "script"},
                "options": {"type": "dict", "default": {}},
            },
        },
        "online_tape": {"type": "list", "elements": "str", "default": []},
        "reservations": {"type": "bool", "default": False},
        "reservers": {"type": "list", "elements": "str", "default": []},
        "policies": {"type": "list", "elements": "dict", "default": []},
        "area_policies": {"type": "dict", "default": {}},
        "tape_api": {"type": "str", "default": ""},
    },
}
"""Argument spec of the options of quality of service."""


def load_options(qos: Mapping[str, Any] | None, pools: Sequence[Mapping[str, Any]], host: str) -> Options:
    """Options from what a task gives. host: of partitions that name none. Raises DescriptionError with all problems."""
    given = {name: value for name, value in (qos or {}).items() if value is not None}
    problems: list[Problem] = []
    placements = tuple(_placement(number, each, host, problems) for number, each in enumerate(pools))
    policies = tuple(policy for number, each in enumerate(given.get("policies", [])) for policy in _policy(number, each, problems))
    if problems:
        raise DescriptionError(problems)
    return Options(
        host,
        placements,
        store=given.get("store", ""),
        hsm=_hsm(given["hsm"]) if given.get("hsm") else None,
        online_tape=frozenset(given.get("online_tape", [])),
        reservations=bool(given.get("reservations")),
        reservers=tuple(given.get("reservers", [])),
        policies=policies,
        area_policies={str(name): str(policy) for name, policy in given.get("area_policies", {}).items()},
        tape_api=given.get("tape_api", ""),
    )


def _placement(number: int, data: Mapping[str, Any], host: str, problems: list[Problem]) -> Placement:
    size = None
    if data.get("size"):
        try:
            size = parse_size(data["size"])
        except ValueError as error:
            problems.append(Problem(f"pools[{number}].size", str(error), "Write a size with its unit, such as 50TB."))
    tags = {str(name): str(value) for name, value in (data.get("tags") or {}).items()}
    return Placement(data.get("host") or host, data["area"], data["path"], size, data.get("name"), tags)


def _hsm(data: Mapping[str, Any]) -> NearlineStorage:
    kind = data.get("type") or STORAGE_INFO
    options = tuple((str(name), "" if value is None else str(value)) for name, value in (data.get("options") or {}).items())
    return NearlineStorage(kind, data.get("instance") or kind, data.get("provider") or "script", options)


def _policy(number: int, data: Mapping[str, Any], problems: list[Problem]) -> list[Policy]:
    document = qos_policy.parse(json_text.render(dict(data)))
    found = [
        Problem(f"qos.policies[{number}]", f"{why}.", "dCache would refuse the policy.") for _line, why in qos_policy.problems(document)
    ]
    problems += found
    return [] if found else [qos_policy.policy_of(document)]
