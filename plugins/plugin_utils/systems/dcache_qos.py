# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the areas of a storage to dCache's words for quality of service: storage classes, tags, link groups, services and properties."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_release import (
    BULK_SERVICE,
    CLEANERS_SPLIT,
    QOS_POLICIES,
    QOS_SERVICES,
    TAPE_API,
    Release,
    parse_release,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.pool_selection import AreaUse
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.directory_tags import Tags
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.pool_setup import NearlineStorage
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.qos_policy import Policy
from ansible_collections.escape.datalake.plugins.plugin_utils.model.derive import area_access
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Area, Storage
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_pools import Placement, Pool, pools, pools_of

STORAGE_INFO = "osm"  # the type that dCache's default extractor gives every file, on disk or tape
QOS_SERVICE_NAMES = ("qos-engine", "qos-verifier", "qos-adjuster", "qos-scanner")
PROTOCOLS: Mapping[str, str] = {
    "davs": "http/1",
    "https": "http/1",
    "http": "http/1",
    "root": "Xrootd/5",
    "roots": "Xrootd/5",
    "xroot": "Xrootd/5",
    "xroots": "Xrootd/5",
    "gsiftp": "GFtp/2",
    "nfs": "NFS4/4",
    "dcap": "DCap/3",
    "gsidcap": "DCap/3",
}
"""The name that the pool selection unit has for transfers through a door, by scheme."""


@dataclass(frozen=True)
class QosClass:
    """What dCache calls a quality of service. read, write, cache: preferences of its links; cache is for stages from tape."""

    name: str
    access_latency: str
    retention_policy: str
    read: int = 10
    write: int = 10
    cache: int = 0


CLASSES: Mapping[str, QosClass] = {
    each.name: each
    for each in (
        QosClass("disk", "ONLINE", "REPLICA"),
        QosClass("tape", "NEARLINE", "CUSTODIAL", cache=10),
        QosClass("disk+tape", "ONLINE", "CUSTODIAL", cache=10),
        QosClass("volatile", "NEARLINE", "REPLICA"),
    )
}


@dataclass(frozen=True)
class Options:
    """What is said about quality of service beside the description of the storage.

    host: of partitions that have no placement. placements: pools where the partitions do not say enough. store: first half of the storage
    classes, "" for the last directory of the base path. hsm: how tape pools reach the tape. online_tape: tape areas whose files stay on
    disk as well. reservations: writes go to a space reservation of the area's capacity. reservers: who may reserve beside the groups with
    write access (FQANs or user names). policies: QoS policies to be there. area_policies: policy of new files, by area.
    tape_api: URL of the frontend (``https://HOST:3880``), "" for none.
    """

    host: str
    placements: tuple[Placement, ...] = ()
    store: str = ""
    hsm: NearlineStorage | None = None
    online_tape: frozenset[str] = frozenset()
    reservations: bool = False
    reservers: tuple[str, ...] = ()
    policies: tuple[Policy, ...] = ()
    area_policies: Mapping[str, str] = field(default_factory=dict)
    tape_api: str = ""


@dataclass(frozen=True)
class AreaQos:
    """An area in dCache's words. group: its unit group, pool group and link group. one_copy_per: pool tags that copies differ in."""

    area: Area
    qos: QosClass
    store: str
    pools: tuple[Pool, ...]
    protocols: tuple[str, ...]
    policy: str = ""
    reservers: tuple[str, ...] = ()
    one_copy_per: tuple[str, ...] = ()
    reserved: bool = False

    @property
    def unit(self) -> str:
        """The storage unit: ``STORE:GROUP@osm``."""
        return f"{self.store}:{self.area.name}@{STORAGE_INFO}"

    @property
    def group(self) -> str:
        return f"{self.store}-{self.area.name}"

    @property
    def link(self) -> str:
        return f"{self.group}-link"

    @property
    def write_link(self) -> str:
        """The link of its link group."""
        return f"{self.group}-write-link"

    @property
    def link_group(self) -> str:
        return self.group if self.reserved else ""

    @property
    def reservation(self) -> str:
        """Description of its space reservation, by which it is found again; the name of the RSE, as storage records show it."""
        return self.area.rse

    @property
    def tape(self) -> bool:
        return self.qos.retention_policy == "CUSTODIAL"

    @property
    def use(self) -> AreaUse:
        """For the check of pool selection."""
        return AreaUse(self.area.name, self.unit, self.protocols, self.tape, link_group=self.link_group)

    def tags(self, token: str = "") -> Tags:
        """Tags of its directory. token: of its space reservation."""
        return Tags(
            store=self.store,
            group=self.area.name,
            access_latency=self.qos.access_latency,
            retention_policy=self.qos.retention_policy,
            write_token=token,
            qos_policy=self.policy,
        )


def plan_areas(storage: Storage, options: Options) -> tuple[AreaQos, ...]:
    """The areas in dCache's words. Raises DescriptionError with all that dCache cannot do."""
    release = release_of(storage)
    problems = _problems(storage, options, release)
    every: tuple[Pool, ...] = ()
    try:
        every = pools(storage, options.host, options.placements)
    except DescriptionError as error:
        problems += error.problems
    if problems:
        raise DescriptionError(problems)
    protocols = tuple(dict.fromkeys(PROTOCOLS[door.scheme] for door in storage.doors if door.scheme in PROTOCOLS)) or ("http/1",)
    return tuple(_area(area, storage, options, pools_of(area, every), protocols) for area in storage.areas)


def release_of(storage: Storage) -> Release:
    """Raises DescriptionError for what is no release of dCache."""
    try:
        return parse_release(storage.release)
    except ValueError as error:
        raise DescriptionError([Problem("datalake_storage.release", f"{error}.", "Write it as `dcache version` says it.")]) from error


def services(areas: Sequence[AreaQos], release: Release) -> tuple[str, ...]:
    """Services that the areas need beside doors, pools and the core. All of one dCache, each once."""
    needed = ["pinmanager"]
    if QOS_SERVICES.covers(release):
        needed += QOS_SERVICE_NAMES
    elif any(each.area.copies > 1 for each in areas):
        needed.append("resilience")
    if BULK_SERVICE.covers(release):
        needed.append("bulk")
    if any(each.reserved for each in areas):
        needed.append("spacemanager")
    split = CLEANERS_SPLIT.covers(release)
    needed.append("cleaner-disk" if split else "cleaner")
    if split and any(each.tape for each in areas):
        needed.append("cleaner-hsm")
    return tuple(needed)


def properties(areas: Sequence[AreaQos], release: Release) -> dict[str, str]:
    """Host-wide properties that the areas need where the default of dCache says otherwise."""
    wanted = {"dcache.enable.space-reservation": "true" if any(each.reserved for each in areas) else "false"}
    if not any(each.tape for each in areas):
        # A directory without tags would otherwise collect files that wait for a tape for ever.
        wanted |= {"dcache.default-access-latency": "ONLINE", "dcache.default-retention-policy": "REPLICA"}
    elif not CLEANERS_SPLIT.covers(release):
        wanted["cleaner.enable.hsm"] = "true"
    return wanted


def _area(area: Area, storage: Storage, options: Options, mine: tuple[Pool, ...], protocols: tuple[str, ...]) -> AreaQos:
    hosts = {pool.host for pool in mine}
    return AreaQos(
        area,
        CLASSES[_class_of(area, options)],
        _store(storage, options),
        mine,
        protocols,
        policy=options.area_policies.get(area.name, ""),
        reservers=_reservers(area, storage, options) if options.reservations else (),
        one_copy_per=("hostname",) if area.copies > 1 and len(hosts) >= area.copies else (),
        reserved=options.reservations,
    )


def _class_of(area: Area, options: Options) -> str:
    if area.media == "tape":
        return "disk+tape" if area.name in options.online_tape else "tape"
    return "volatile" if area.volatile else "disk"


def _store(storage: Storage, options: Options) -> str:
    name = options.store or storage.base_path.rpartition("/")[2] or storage.name.lower()
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name)


def _reservers(area: Area, storage: Storage, options: Options) -> tuple[str, ...]:
    """FQANs of groups that may write, and who was named."""
    groups = [access.group for access in area_access(area, storage) if access.rights == "write"]
    return tuple(dict.fromkeys([*groups, *(f"{group}/Role=*" for group in groups), *options.reservers]))


def _problems(storage: Storage, options: Options, release: Release) -> list[Problem]:
    names = {area.name: area for area in storage.areas}
    problems = [
        Problem("qos.online_tape", f"{name} is no area with media tape.", "Name areas on tape only.")
        for name in sorted(options.online_tape)
        if name not in names or names[name].media != "tape"
    ]
    if options.store and not re.fullmatch(r"[A-Za-z0-9_-]+", options.store):
        problems.append(Problem("qos.store", f"{options.store!r} cannot be part of a storage class.", "Use letters, digits, - and _."))
    if any(area.media == "tape" for area in storage.areas) and options.hsm is None:
        message = "An area is on tape, and nothing says how pools reach the tape."
        problems.append(Problem("qos.hsm", message, "Give provider and options, such as options: {command: /usr/local/sbin/tape}."))
    if options.hsm is not None and options.hsm.kind != STORAGE_INFO:
        message = f"Files have the type {STORAGE_INFO}, so an HSM of type {options.hsm.kind} is never asked."
        problems.append(Problem("qos.hsm.type", message, f"Write type: {STORAGE_INFO}; its instance may have any name."))
    if options.tape_api and not TAPE_API.covers(release):
        message = f"{release} has no tape REST API; it exists from {TAPE_API.since()}."
        problems.append(Problem("qos.tape_api", message, "Leave it out."))
    return problems + _policy_problems(names, options, release)


def _policy_problems(areas: Mapping[str, Area], options: Options, release: Release) -> list[Problem]:
    problems: list[Problem] = []
    if (options.policies or options.area_policies) and not QOS_POLICIES.covers(release):
        message = f"{release} has no QoS policies; they exist from {QOS_POLICIES.since()}."
        problems.append(Problem("qos.policies", message, "Leave them out: the tags of the areas say their class."))
    known = {policy.name: policy for policy in options.policies}
    for name, policy in options.area_policies.items():
        if name not in areas:
            problems.append(Problem(f"qos.area_policies.{name}", "There is no area of this name.", f"Name one of {', '.join(areas)}."))
        elif policy not in known:
            message = f"The policy {policy} is not among the policies; new files of the area would have none."
            problems.append(Problem(f"qos.area_policies.{name}", message, "Add it to policies."))
        else:
            problems += _disagreements(areas[name], known[policy], options)
    return problems


def _disagreements(area: Area, policy: Policy, options: Options) -> list[Problem]:
    """A policy overrides the tags, so it must not say something else than the class of the area."""
    at = f"qos.area_policies.{area.name}"
    media = [{medium.storage_medium for medium in state.media} for state in policy.states]
    problems = []
    if any("HSM" in kinds for kinds in media) and area.media != "tape":
        message = f"{policy.name} puts files on tape, and the area has no tape."
        problems.append(Problem(at, message, "Give the area media: tape, or take another policy."))
    if area.media == "tape" and "HSM" not in set().union(*media):
        message = f"{policy.name} never puts files on tape, and the area promises tape."
        problems.append(Problem(at, message, "Give the policy a state with HSM."))
    last = policy.states[-1]
    copies = max((medium.copies for medium in last.media if medium.storage_medium == "DISK"), default=0)
    if area.media != "tape" and copies < area.copies:
        message = f"{policy.name} ends with {copies} copies on disk, and the area promises {area.copies}."
        problems.append(Problem(at, message, "Give its last state as many copies as the area."))
    if area.media == "tape" and area.name in options.online_tape and "DISK" not in media[-1]:
        problems.append(Problem(at, f"{policy.name} ends without disk, and the area keeps files online.", "Add DISK to its last state."))
    return problems
