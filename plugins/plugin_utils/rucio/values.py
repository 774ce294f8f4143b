# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How Rucio answers what it was told: one normal form for each kind of value, so that only real differences are written.

Facts observed on servers 1.29 to 41 (rucio.md 3.1).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.model.rse import Scalar

# From this server on null means "not offered" and 0 "offered, best"; before, 0 meant "not offered" and null was refused.
NULL_PRIORITIES_SINCE = 39
UNLIMITED = -1


def attribute(value: Scalar) -> Scalar:
    """An attribute as it reads back: booleans for true and false in any case, all else as text, null kept."""
    if value is None or isinstance(value, bool):
        return value
    text = str(value)
    return {"true": True, "false": False}.get(text.lower(), text)


def priority(value: Any, major: int) -> int | None:
    """A protocol's priority in the terms of current servers: None is "not offered"."""
    if value is None:
        return None
    number = int(value)
    return None if number == 0 and major < NULL_PRIORITIES_SINCE else number


def sent_priority(value: int | None, major: int) -> int | None:
    """A priority in the terms of the server."""
    return 0 if value is None and major < NULL_PRIORITIES_SINCE else value


def extended_attributes(value: Any) -> dict[str, Any] | None:
    """A protocol's extended attributes: null, an empty object and their texts are all "none"."""
    return dict(value) if isinstance(value, Mapping) and value else None


def quota(value: float | int) -> int:
    """Bytes of a quota; the server prints UNLIMITED as infinity."""
    return UNLIMITED if value < 0 or math.isinf(value) else int(value)


def major_version(version: str) -> int:
    """41 of "41.5.1", 1 of the servers before 32."""
    head = version.split(".", maxsplit=1)[0]
    return int(head) if head.isdigit() else 0
