# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option by which modules are given records of RSEs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

RSES: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "options": {
        "name": {"type": "str", "required": True},
        "site": {"type": "str"},
        "properties": {"type": "dict"},
        "attributes": {"type": "dict"},
        "protocols": {"type": "list", "elements": "dict"},
        "limits": {"type": "dict"},
        "space": {"type": "raw"},
    },
}


def stated(listed: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The records of the checked option without the keys that were not given, which the argument spec fills with null."""
    return [{key: value for key, value in each.items() if value is not None} for each in listed]
