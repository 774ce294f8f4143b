# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values that decide what a dCache publishes about itself (SRR of the frontend, info provider, storage descriptor).

The properties are read and written as dCache properties; this is the language inside ``frontend.srr.shares`` and the defaults that a site
must replace. Source: dCache skel/share/defaults/{frontend,info-provider,storage-descriptor}.properties.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

IDENTITY_PROPERTIES = ("info-provider.se-unique-id", "info-provider.se-name", "storage-descriptor.unique-id", "storage-descriptor.name")
QUALITY_LEVELS = ("development", "testing", "pre-production", "production")


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


def left_as_shipped(properties: Mapping[str, str]) -> tuple[str, ...]:
    """Identity properties that still name example.org."""
    return tuple(name for name in IDENTITY_PROPERTIES if "example.org" in properties.get(name, ""))
