# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pools, file systems and quota tokens of a DPM: from what is wanted and what DOME shows to the orders that are left.

Facts of the orders (dmlite src/dome/DomeCoreXeq.cpp): ``dome_modifypool`` and ``dome_modifyfs`` set what is not named back to defaults, so
everything is always named; ``dome_modquotatoken`` leaves alone what is not named; group 0 is added to every token's groups by the daemon.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ansible_collections.escape.datalake.plugins.plugin_utils.model.derive import area_access
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Storage
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import Change, Plan

PoolType = Literal["P", "V"]
STATUS = {"enabled": 0, "disabled": 1, "read-only": 2}
DEFAULT_SIZE = 3 * 1024**3  # bytes that a new file is taken for
LEAST_SIZE = 1024**2
ADDED_BY_DAEMON = frozenset({"root", "<unknown>"})
DIRECTORY_MODE = 0o775
GROUPS, POOLS, FILE_SYSTEMS, DIRECTORIES, TOKENS, NO_TOKENS, NO_FILE_SYSTEMS, NO_POOLS = range(8)  # stages


@dataclass(frozen=True)
class Pool:
    """type: P keeps files, V is a cache that purges them. defsize: bytes; None leaves what is there, or the daemon's default."""

    name: str
    type: PoolType | None = None
    defsize: int | None = None
    absent: bool = False


@dataclass(frozen=True)
class FileSystem:
    """A directory of a disk server. status: None leaves what is there."""

    server: str
    path: str
    pool: str
    status: str | None = None
    absent: bool = False


@dataclass(frozen=True)
class QuotaToken:
    """What a directory may hold, and in which pool. size: bytes. groups: who may write; None leaves what is there.

    described: comes from the description of a storage. Then description names a new token only, because SRM and storage reports know
    tokens by that name, and groups that a token has and that are not described stay.
    """

    path: str
    pool: str
    size: int = 0
    description: str | None = None
    groups: frozenset[str] | None = None
    absent: bool = False
    described: bool = False


@dataclass(frozen=True)
class Wanted:
    pools: tuple[Pool, ...] = ()
    file_systems: tuple[FileSystem, ...] = ()
    tokens: tuple[QuotaToken, ...] = ()


@dataclass(frozen=True)
class FoundPool:
    type: str
    defsize: int
    size: int


@dataclass(frozen=True)
class FoundToken:
    id: str
    path: str
    pool: str
    size: int
    used: int
    description: str
    groups: frozenset[str]


@dataclass(frozen=True)
class Found:
    """What DOME shows. file_systems: (pool, status) by server and path."""

    pools: Mapping[str, FoundPool] = field(default_factory=dict)
    file_systems: Mapping[tuple[str, str], tuple[str, int]] = field(default_factory=dict)
    tokens: tuple[FoundToken, ...] = ()


@dataclass(frozen=True)
class Order:
    """One call that a change stands for."""

    change: Change
    command: str
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Orders:
    orders: tuple[Order, ...] = ()

    @property
    def plan(self) -> Plan:
        return Plan.of(order.change for order in self.orders)

    def of(self, change: Change) -> Order:
        return next(order for order in self.orders if order.change is change)


def from_answers(space: Mapping[str, Any], tokens: Mapping[str, Any]) -> Found:
    """What was found, from the answers of dome_getspaceinfo and dome_getquotatoken."""
    pools = {
        name: FoundPool(str(each.get("s_type", "P")), _number(each, "defsize"), _number(each, "physicalsize"))
        for name, each in _mapping(space, "poolinfo").items()
    }
    file_systems = {
        (server, path): (str(each.get("poolname", "")), _number(each, "fsstatus"))
        for server, places in _mapping(space, "fsinfo").items()
        for path, each in places.items()
    }
    found = [
        FoundToken(
            id_,
            str(each["path"]),
            str(each["quotatkpoolname"]),
            _number(each, "quotatktotspace"),
            _number(each, "pathusedspace"),
            str(each.get("quotatkname", "")),
            frozenset(str(name) for gid, name in _mapping(each, "groups").items() if gid != "0" and name not in ADDED_BY_DAEMON),
        )
        for id_, each in tokens.items()
    ]
    return Found(pools, file_systems, tuple(sorted(found, key=lambda token: (token.path, token.pool))))


def as_dict(found: Found) -> dict[str, Any]:
    """What was found as plain data for results and reports: sizes in bytes."""
    words = {number: word for word, number in STATUS.items()}
    return {
        "pools": [
            {"name": name, "type": pool.type, "defsize": pool.defsize, "size": pool.size} for name, pool in sorted(found.pools.items())
        ],
        "file_systems": [
            {"server": server, "path": path, "pool": pool, "status": words.get(status, str(status))}
            for (server, path), (pool, status) in sorted(found.file_systems.items())
        ],
        "quota_tokens": [
            {
                "id": token.id,
                "path": token.path,
                "pool": token.pool,
                "size": token.size,
                "used": token.used,
                "description": token.description,
                "groups": sorted(token.groups),
            }
            for token in found.tokens
        ],
    }


def of_storage(storage: Storage, area_pools: Mapping[str, str], server: str | None = None) -> Wanted:
    """Pools, file systems and quota tokens of a described storage: one pool and one token for each area.

    area_pools: name of the pool by area where it is not the area's own name. server: disk server of the partitions.
    Raises DescriptionError for what DPM cannot serve.
    """
    problems = [
        Problem(
            f"datalake_storage.areas[{number}].media",
            f"is tape, and DPM has no tape behind its disks, so {area.name} cannot be served.",
            "Describe what its disks offer.",
        )
        for number, area in enumerate(storage.areas)
        if area.media == "tape"
    ]
    problems += [
        Problem("area_pools", f"{name} is no area of {storage.name}.", f"Areas: {', '.join(area.name for area in storage.areas)}.")
        for name in area_pools
        if name not in {area.name for area in storage.areas}
    ]
    if problems:
        raise DescriptionError(problems)
    pools: dict[str, Pool] = {}
    for number, area in enumerate(storage.areas):
        name = area_pools.get(area.name, area.name)
        pool = Pool(name, "V" if area.volatile else "P")
        if pools.setdefault(name, pool) != pool:
            raise DescriptionError(
                [
                    Problem(
                        f"datalake_storage.areas[{number}].volatile",
                        f"differs among the areas of pool {name}, and DPM purges files of a whole pool or of none of it.",
                        "Give the cache a pool of its own.",
                    )
                ]
            )
    places = tuple(
        FileSystem(server or storage.doors[0].host, partition, area_pools.get(area.name, area.name))
        for area in storage.areas
        for partition in area.partitions
    )
    tokens = tuple(
        QuotaToken(
            area.path,
            area_pools.get(area.name, area.name),
            area.capacity,
            area.name,
            frozenset(dpm_group(access.group) for access in area_access(area, storage) if access.rights == "write"),
            described=True,
        )
        for area in storage.areas
    )
    return Wanted(tuple(pools.values()), places, tokens)


def dpm_group(group: str) -> str:
    """The name that a group of tokens or VOMS has inside DPM: without its leading slash."""
    return group.lstrip("/")


def plan(wanted: Wanted, found: Found, groups: Mapping[str, int] | None = None, missing_directories: Sequence[str] = ()) -> Orders:
    """What is left to order.

    groups: ids by name; None when nobody asked, then none is made. missing_directories: directories of wanted tokens that are not there.
    """
    orders = [*_pool_orders(wanted, found), *_file_system_orders(wanted, found), *_token_orders(wanted, found)]
    if groups is not None:
        for name in sorted(groups_needed(wanted, found) - set(groups)):
            change = Change(f"group {name}", "group", "create", after={"groupname": name}, stage=GROUPS)
            orders.append(Order(change, "dome_newgroup", {"groupname": name}))
    for path in missing_directories:
        # An order of DOME takes the mode as a decimal number.
        change = Change(
            f"directory {path}", "directory", "create", after={"path": path, "mode": f"{DIRECTORY_MODE:04o}"}, stage=DIRECTORIES
        )
        orders.append(Order(change, "dome_makedir", {"path": path, "mode": DIRECTORY_MODE}))
    return Orders(tuple(orders))


def groups_needed(wanted: Wanted, found: Found) -> set[str]:
    """Groups that tokens are going to get and that DOME would refuse if they were not there."""
    needed: set[str] = set()
    for token in wanted.tokens:
        have = _token_of(token, wanted, found)
        if token.groups and not token.absent:
            needed |= token.groups - (have.groups if have else frozenset())
    return needed


def new_paths(wanted: Wanted, found: Found) -> list[str]:
    """Directories of tokens that are going to be made, which may not exist yet."""
    return sorted({token.path for token in wanted.tokens if not token.absent and _token_of(token, wanted, found) is None})


def warnings(wanted: Wanted, found: Found) -> list[str]:
    """Pools whose tokens promise more than they hold, once the plan is carried out, and groups that write and that nobody described."""
    promised: dict[str, int] = {}
    tokens = {(token.path, token.pool): token.size for token in found.tokens}
    tokens.update({(token.path, token.pool): 0 if token.absent else token.size for token in wanted.tokens})
    for (_path, pool), size in tokens.items():
        promised[pool] = promised.get(pool, 0) + size
    strangers = [
        f"{', '.join(sorted(more))} may write to {token.path} and is not described. Describe it, or take it away by quota_tokens."
        for token in wanted.tokens
        if token.described
        and (have := _token_of(token, wanted, found))
        and token.groups is not None
        and (more := have.groups - token.groups)
    ]
    return strangers + [
        f"The quota tokens of pool {name} promise {size} bytes, its disks hold {found.pools[name].size}: areas can fill each other up."
        for name, size in sorted(promised.items())
        if name in found.pools and size > found.pools[name].size > 0
    ]


def problems_of(wanted: Wanted, found: Found) -> list[str]:
    """What DOME would refuse, or what would lose data, said before anything is ordered."""
    said = []
    pools = {*found.pools, *(pool.name for pool in wanted.pools)} - {pool.name for pool in wanted.pools if pool.absent}
    for pool in wanted.pools:
        if pool.defsize is not None and pool.defsize < LEAST_SIZE:
            said.append(f"pool {pool.name}: defsize is {pool.defsize} bytes, DOME takes {LEAST_SIZE} and more.")
        kept = [token.path for token in found.tokens if token.pool == pool.name and not _goes(token, wanted)]
        if pool.absent and pool.name in found.pools and kept:
            said.append(f"pool {pool.name} cannot go: quota tokens of {', '.join(kept)} are in it. Ask for their absence first.")
    for place in wanted.file_systems:
        have = found.file_systems.get((place.server, place.path))
        if not place.absent and place.pool not in pools:
            said.append(f"file system {place.server}:{place.path}: there is no pool {place.pool}. Declare it.")
        elif have and not place.absent and have[0] != place.pool:
            said.append(
                f"file system {place.server}:{place.path} is in pool {have[0]}: only a drain brings it to {place.pool}, not this module."
            )
    for token in wanted.tokens:
        if not token.absent and token.pool not in pools:
            said.append(f"quota token {token.path}: there is no pool {token.pool}. Declare it.")
        if token.path != "/" and token.path.endswith("/"):
            said.append(f"quota token {token.path}: DPM takes paths without a slash at the end.")
        used = next((each.used for each in found.tokens if (each.path, each.pool) == (token.path, token.pool)), 0)
        if not token.absent and token.size < used:
            said.append(f"quota token {token.path}: {used} bytes are used already, so {token.size} would stop every write.")
    return said


def _pool_orders(wanted: Wanted, found: Found) -> list[Order]:
    orders = []
    for pool in wanted.pools:
        subject, have = f"pool {pool.name}", found.pools.get(pool.name)
        if pool.absent:
            if have:
                before = {"type": have.type, "defsize": have.defsize}
                change = Change(subject, "pool", "delete", before=before, stage=NO_POOLS)
                orders.append(Order(change, "dome_rmpool", {"poolname": pool.name}))
            continue
        after: dict[str, Any] = {
            "type": pool.type or (have.type if have else "P"),
            "defsize": pool.defsize or (have.defsize if have else DEFAULT_SIZE),
        }
        fields = {"poolname": pool.name, "pool_defsize": after["defsize"], "pool_stype": after["type"]}
        if have is None:
            orders.append(Order(Change(subject, "pool", "create", after=after, stage=POOLS), "dome_addpool", fields))
            continue
        before = {"type": have.type, "defsize": have.defsize}
        if before != after:
            orders.append(Order(_update(subject, before, after, POOLS), "dome_modifypool", fields))
    return orders


def _file_system_orders(wanted: Wanted, found: Found) -> list[Order]:
    orders = []
    for place in wanted.file_systems:
        subject = f"file system {place.server}:{place.path}"
        have = found.file_systems.get((place.server, place.path))
        fields: dict[str, Any] = {"fs": place.path, "server": place.server}
        if place.absent:
            if have:
                change = Change(subject, "file system", "delete", before={"pool": have[0], "status": have[1]}, stage=NO_FILE_SYSTEMS)
                orders.append(Order(change, "dome_rmfs", fields))
            continue
        status = STATUS[place.status] if place.status else (have[1] if have else 0)
        fields |= {"poolname": place.pool, "status": status}
        if have is None:
            after = {"pool": place.pool, "status": status}
            orders.append(Order(Change(subject, "file system", "create", after=after, stage=FILE_SYSTEMS), "dome_addfstopool", fields))
        elif have[1] != status:
            orders.append(Order(_update(subject, {"status": have[1]}, {"status": status}, FILE_SYSTEMS), "dome_modifyfs", fields))
    return orders


def _token_orders(wanted: Wanted, found: Found) -> list[Order]:
    orders = []
    for token in wanted.tokens:
        subject, have = f"quota token {token.path}", _token_of(token, wanted, found)
        if token.absent:
            if have:
                before = {"pool": have.pool, "size": have.size, "groups": sorted(have.groups)}
                change = Change(subject, "quota token", "delete", before=before, stage=NO_TOKENS)
                orders.append(Order(change, "dome_delquotatoken", {"path": have.path, "poolname": have.pool}))
            continue
        after: dict[str, Any] = {"pool": token.pool, "size": token.size}
        if token.description is not None and not (have and token.described):
            after["description"] = token.description
        if token.groups is not None:
            after["groups"] = sorted(token.groups | (have.groups if have and token.described else frozenset()))
        if have is None:
            change = Change(subject, "quota token", "create", after=after, stage=TOKENS)
            orders.append(Order(change, "dome_setquotatoken", {"path": token.path, **_token_fields(after)}))
            continue
        before = {"pool": have.pool, "size": have.size, "description": have.description, "groups": sorted(have.groups)}
        differing = {name: value for name, value in after.items() if before[name] != value}
        if differing:
            change = _update(subject, before, {**before, **differing}, TOKENS)
            orders.append(Order(change, "dome_modquotatoken", {"tokenid": have.id, **_token_fields(differing)}))
    return orders


def _token_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """The words of DOME for what a token says."""
    names = {"pool": "poolname", "size": "quotaspace", "description": "description", "groups": "groups"}
    return {names[name]: ",".join(value) if name == "groups" else value for name, value in values.items()}


def _token_of(token: QuotaToken, wanted: Wanted, found: Found) -> FoundToken | None:
    """The token that is meant: that of the path and pool, else the only one of the path, which then changes its pool."""
    here = [each for each in found.tokens if each.path == token.path]
    exact = next((each for each in here if each.pool == token.pool), None)
    if exact or token.absent:
        return exact
    others = {each.pool for each in wanted.tokens if each.path == token.path and each is not token}
    return here[0] if len(here) == 1 and here[0].pool not in others else None


def _goes(token: FoundToken, wanted: Wanted) -> bool:
    """Whether a found token is asked to be absent, or moves to another pool."""
    return any(
        each.path == token.path and ((each.absent and each.pool == token.pool) or (not each.absent and each.pool != token.pool))
        for each in wanted.tokens
    )


def _update(subject: str, before: Mapping[str, Any], after: Mapping[str, Any], stage: int) -> Change:
    """A change that names the fields that differ."""
    differing = [name for name in after if before.get(name) != after[name]]
    one = differing[0] if len(differing) == 1 else None
    if one:
        return Change(subject, one, "update", before=before.get(one), after=after[one], stage=stage)
    kind = ", ".join(differing)
    return Change(
        subject,
        kind,
        "update",
        before={name: before.get(name) for name in differing},
        after={name: after[name] for name in differing},
        stage=stage,
    )


def _mapping(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A part of an answer; an empty one is written as an empty text by the daemon."""
    value = data.get(key)
    return value if isinstance(value, Mapping) else {}


def _number(data: Mapping[str, Any], key: str) -> int:
    return int(data.get(key) or 0)
