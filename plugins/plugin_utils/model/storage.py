# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A storage as its site describes it (``datalake_storage``), and the lake around it (``datalake_lake``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

System = Literal["dcache", "storm", "dpm", "xrootd", "eos"]
Rights = Literal["read", "write"]


@dataclass(frozen=True)
class Access:
    """Members of a group of an issuer may read, or do everything (write), in an area. group: WLCG form, ``/escape/data-manager``."""

    issuer: str
    group: str
    rights: Rights


@dataclass(frozen=True)
class Issuer:
    """A token issuer of the lake. url: the exact text of the ``iss`` claim. access: what its groups may do where an area says nothing."""

    name: str
    url: str
    access: tuple[Access, ...] = ()


@dataclass(frozen=True)
class Requirement:
    """Facts that together earn a class. An empty set, and None, ask for nothing."""

    media: frozenset[str] = frozenset()
    min_copies: int = 1
    redundancy: frozenset[str] = frozenset()
    max_latency_ms: int | None = None


@dataclass(frozen=True)
class QosClass:
    """A label of the lake's vocabulary and the facts that let an area claim it (rules in qos.py).

    any_of: the ways to earn it, one of them is enough; none at all asks for nothing. permanent: a volatile area may not claim it.
    """

    name: str
    description: str = ""
    any_of: tuple[Requirement, ...] = ()
    permanent: bool = False


@dataclass(frozen=True)
class Lake:
    """What all storages of a lake share. impl: Rucio protocol class by scheme where the default of the release is not wanted."""

    name: str
    issuers: Mapping[str, Issuer]
    qos_classes: Mapping[str, QosClass]
    fts: str | None = None
    rucio_release: str | None = None
    impl: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Door:
    """A protocol end point. scheme: davs, https, root, ... prefix: directory of the name space that the door shows as its root."""

    scheme: str
    host: str
    port: int
    prefix: str = "/"


@dataclass(frozen=True)
class Area:
    """A directory tree with one QoS class.

    path: in the name space that doors serve. partitions: directories or file systems of the host that hold its bytes.
    base_path: what the paths of token scopes are relative to in this area, None for that of the storage; it may be the area's own path.
    capacity: bytes. latency_ms: expected time to the first byte. copies, redundancy, media: facts that its class is checked against.
    """

    name: str
    path: str
    qos: str
    capacity: int
    rse: str
    media: str
    copies: int = 1
    redundancy: str = "none"
    latency_ms: int | None = None
    volatile: bool = False
    partitions: tuple[str, ...] = ()
    access: tuple[Access, ...] = ()
    attributes: Mapping[str, str | int | bool] = field(default_factory=dict)
    base_path: str | None = None


@dataclass(frozen=True)
class Location:
    """Where the storage stands; None where the site does not say."""

    country: str | None = None
    region: str | None = None
    city: str | None = None
    continent: str | None = None
    timezone: str | None = None
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True)
class X509:
    """X.509 and VOMS beside tokens. vos: VOMS organisations that are let in."""

    vos: tuple[str, ...]
    certificates: str = "/etc/grid-security/certificates"
    vomsdir: str = "/etc/grid-security/vomsdir"


@dataclass(frozen=True)
class Storage:
    """One storage of a site.

    base_path: the prefix that the paths of token scopes are relative to; a proper prefix of every area's path.
    audiences: accepted ``aud`` values: the URL form of each HTTP door, bare host names (what Rucio asks for), the WLCG wildcard, and
    what the site adds.
    """

    name: str
    site: str
    system: System
    release: str
    issuers: tuple[Issuer, ...]
    base_path: str
    audiences: tuple[str, ...]
    doors: tuple[Door, ...]
    areas: tuple[Area, ...]
    location: Location = Location()
    x509: X509 | None = None
