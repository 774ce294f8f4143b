# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said about a StoRM host beside the description of its storage, and where every area of the storage lies on it.

WebDAV and backend are both rendered from the places computed here, so they cannot mean different directories.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ansible_collections.escape.datalake.plugins.plugin_utils.checks.storm_webdav_site import StorageArea, Webdav
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.path_authz import Row
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.storm_namespace import Quota
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.tape_wellknown import Endpoint
from ansible_collections.escape.datalake.plugins.plugin_utils.model import paths
from ansible_collections.escape.datalake.plugins.plugin_utils.model.derive import area_base_path
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Area, Storage

HEAD = "Written by the Ansible collection escape.datalake. What is added by hand stays."
OWN = "datalake: "
"""Begins the descriptions of the policies that this code owns, and may take away."""
ALWAYS_ON_DISK_MS = 1000
"""A tape area that promises its first byte this soon keeps every file on disk too (T1D1)."""


@dataclass(frozen=True)
class AreaOptions:
    """What a description does not say of an area.

    storage_class: in the place of the one that follows from the facts. online: bytes of disk in front of tape, the capacity otherwise.
    used: bytes that lie there already at the backend's first start.
    """

    storage_class: str | None = None
    token: str | None = None
    online: int | None = None
    used: int | None = None
    quota: Quota | None = None
    file_system: str = "posixfs"


@dataclass(frozen=True)
class Secrets:
    """database: password of StoRM's database user. xmlrpc: token between the services. macaroons: what macaroons are signed with."""

    database: str | None = field(default=None, repr=False)
    xmlrpc: str | None = field(default=None, repr=False)
    macaroons: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Options:
    """services: of webdav, backend, frontend, gridftp. root: directory for areas that name no partition.

    flat_vos: VOs that go on to read and write everything, whatever the policies say, in storage areas that have them, and in new ones.
    environment, properties: further settings of WebDAV and of the backend. vomsdir: subjects of each VOMS server's chain by VO and host.
    report: whether the storage report is published; report_script: what makes it where there is no backend.
    """

    services: frozenset[str] = frozenset({"webdav"})
    user: str = "storm"
    root: str = "/storage"
    certificate: str = "/etc/grid-security/storm-webdav/hostcert.pem"
    key: str = "/etc/grid-security/storm-webdav/hostkey.pem"
    certificate_source: str | None = None
    key_source: str | None = None
    http_port: int = 8085
    connections: int = 300
    aliases: tuple[str, ...] = ()
    macaroons: bool = False
    flat_vos: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    tape_endpoints: tuple[Endpoint, ...] = ()
    vomsdir: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    report: bool = False
    report_root: str = "/storage/info"
    report_script: str = ""
    database_host: str = "localhost"
    database_user: str = "storm"
    path_authz: tuple[Row, ...] = ()
    areas: Mapping[str, AreaOptions] = field(default_factory=dict)

    @property
    def full(self) -> bool:
        return "backend" in self.services

    def area(self, name: str) -> AreaOptions:
        return self.areas.get(name, AreaOptions())


@dataclass(frozen=True)
class Place:
    """Where an area lies. directory: as services open it. partition: mounted there, None when it is the directory itself."""

    area: Area
    directory: str
    relative: str
    partition: str | None


@dataclass(frozen=True)
class AccessPoint:
    """One storage area of WebDAV: all areas whose tokens count from one path. found: the file that serves the path already."""

    path: str
    name: str
    root: str
    places: tuple[Place, ...]
    found: StorageArea | None

    @property
    def file(self) -> str:
        return f"/{self.found.file}" if self.found else f"/etc/storm/webdav/sa.d/{self.name}.properties"

    @property
    def tape(self) -> bool:
        return any(place.area.media == "tape" for place in self.places)


def access_points(storage: Storage, options: Options, found: Webdav) -> tuple[AccessPoint, ...]:
    """The storage areas of WebDAV, in the order of the areas."""
    groups: dict[str, list[Area]] = {}
    for area in storage.areas:
        groups.setdefault(area_base_path(area, storage), []).append(area)
    names = {each.name for each in found.areas}
    result = []
    for path, areas in groups.items():
        have = next((each for each in found.areas if path in {point.rstrip("/") or "/" for point in each.access_points}), None)
        name = have.name if have else _new_name(path, areas, storage, names)
        names.add(name)
        root = have.root if have else _root(path, areas, f"{options.root}/{name}")
        result.append(AccessPoint(path, name, root, tuple(_place(area, path, root) for area in areas), have))
    return tuple(result)


def places(points: Iterable[AccessPoint], storage: Storage) -> tuple[Place, ...]:
    """Every area's place, in the order of the description."""
    by_name = {place.area.name: place for point in points for place in point.places}
    return tuple(by_name[area.name] for area in storage.areas)


def storage_class(area: Area, options: Options) -> str:
    """T0D1 for disk, T1D0 for tape behind a buffer, T1D1 for tape with a permanent copy on disk."""
    chosen = options.area(area.name).storage_class
    if chosen:
        return chosen
    if area.media != "tape":
        return "T0D1"
    return "T1D1" if area.latency_ms is not None and area.latency_ms <= ALWAYS_ON_DISK_MS else "T1D0"


def space_token(area: Area, options: Options) -> str:
    return options.area(area.name).token or plain_token(area.name)


def plain_token(name: str) -> str:
    """The space token that an area of a name gets."""
    return "".join(char for char in name.upper() if char.isalnum()) + "_TOKEN"


def plain_name(area: Area) -> str:
    """The name of an area as the vendor's modules write it in the names of other things."""
    return plain_token(area.name).removesuffix("_TOKEN")


def _new_name(path: str, areas: list[Area], storage: Storage, taken: set[str]) -> str:
    whole = len(areas) == 1 and areas[0].path == path
    name = areas[0].name if whole else path.strip("/").replace("/", "-") or storage.name.lower()
    return next(each for each in (name, f"{name}-{storage.name.lower()}", f"{name}-datalake") if each not in taken)


def _root(path: str, areas: list[Area], otherwise: str) -> str:
    """The directory whose subdirectories the partitions are already, where there is one."""
    for area in areas:
        relative = paths.relative_to(area.path, path) if area.path != path else ""
        if area.partitions and area.partitions[0].endswith(relative):
            root = area.partitions[0][: len(area.partitions[0]) - len(relative)]
            if root.strip("/"):
                return root
    return otherwise


def _place(area: Area, path: str, root: str) -> Place:
    relative = paths.relative_to(area.path, path) if area.path != path else ""
    directory = root.rstrip("/") + relative
    partition = area.partitions[0] if area.partitions and area.partitions[0].rstrip("/") != directory else None
    return Place(area, directory, relative, partition)
