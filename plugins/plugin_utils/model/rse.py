# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""RSE records: what CRIC and Rucio hold about one area, in the terms of Rucio 39 and later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

LAN_OPERATIONS = ("read", "write", "delete")
WAN_OPERATIONS = ("read", "write", "delete", "third_party_copy_read", "third_party_copy_write")

Scalar = str | int | float | bool | None


@dataclass(frozen=True)
class Protocol:
    """One door of an RSE. lan, wan: priority per operation, None when the operation is not offered (1 is best)."""

    scheme: str
    hostname: str
    port: int
    prefix: str
    impl: str
    lan: Mapping[str, int | None]
    wan: Mapping[str, int | None]
    extended_attributes: Mapping[str, Scalar] | None = None

    @property
    def key(self) -> tuple[str, str, int]:
        """What Rucio tells protocols of one RSE apart by."""
        return (self.scheme, self.hostname, self.port)


@dataclass(frozen=True)
class RseRecord:
    """All that is registered of one RSE.

    properties: columns of Rucio's RSE table (deterministic, volatile, staging_area, rse_type, availability_read/write/delete, country_name,
    region_code, city, continent, time_zone, latitude, longitude). attributes: free attributes, QOS among them.
    limits: bytes by name (MinFreeSpace).
    Keys that are missing are left alone on the server; an attribute that is None is removed.
    protocols: None leaves all alone. site: CRIC's experiment site. space: capacity in bytes, None when not known.
    """

    name: str
    site: str = ""
    properties: Mapping[str, Scalar] = field(default_factory=dict)
    attributes: Mapping[str, Scalar] = field(default_factory=dict)
    protocols: tuple[Protocol, ...] | None = None
    limits: Mapping[str, int] = field(default_factory=dict)
    space: int | None = None
