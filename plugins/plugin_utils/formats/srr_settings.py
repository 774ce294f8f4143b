# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The language inside ``frontend.srr.shares``: which pool groups a dCache publishes as shares of VOs in its storage resource report.

Source: dCache skel/share/defaults/frontend.properties.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Share:
    """A pool group published as a share of VOs (``/escape``)."""

    pool_group: str
    vos: tuple[str, ...]


def parse_shares(value: str) -> tuple[Share, ...]:
    """``group:/vo,group2:/vo``; one group may stand several times. Raises ValueError on a piece without colon."""
    shares: dict[str, list[str]] = {}
    for piece in filter(None, (piece.strip() for piece in value.split(","))):
        group, colon, vo = piece.partition(":")
        if not colon or not group or not vo:
            raise ValueError(f'"{piece}" is not POOLGROUP:/VO')
        shares.setdefault(group, []).append(vo)
    return tuple(Share(group, tuple(vos)) for group, vos in shares.items())


def render_shares(shares: Iterable[Share]) -> str:
    return ",".join(f"{share.pool_group}:{vo}" for share in shares for vo in share.vos)
