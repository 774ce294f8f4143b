# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pools that hold the areas of a dCache storage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Pool:
    """A pool service of a layout. path: its directory. size: bytes, None for the whole file system. domain: the domain that runs it.

    properties: what else stands in its section (``pool.tags``).
    """

    name: str
    path: str
    domain: str
    size: int | None = None
    properties: Mapping[str, str] = field(default_factory=dict)
