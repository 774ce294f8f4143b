# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way of a storage from DPM to dCache as a plan: what becomes of areas, quotas, groups and ACLs, what changes in Rucio, and the steps.

Facts of the way (CERN, DPM wiki page DpmDCache): dmlite-shell from 1.15.2 on exports name space, pools, quota tokens, users and groups for
dCache; files stay where they are and get a second name, a hard link, on their disk server; the tree of names keeps its paths, the doors get
other ports. ACLs: an entry is a letter for its type, a digit for its rights, and an id (dmlite src/cpp/utils/security.cpp);
dCache writes them as NFSv4 does (dCache, The Book, config-ACLs: setfacl).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.checks.xrootd_tables import parse_release
from ansible_collections.escape.datalake.plugins.plugin_utils.dpm import pools
from ansible_collections.escape.datalake.plugins.plugin_utils.migration.steps import DISABLED, STATES, steps
from ansible_collections.escape.datalake.plugins.plugin_utils.model import derive, parse, paths
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Access, Area, Storage

FORMAT = "escape.datalake migration 1"
EXPORT_FROM = (1, 15, 2)
FIRST_UID = 20000
POOL_DIRECTORY = "dcache"
ACL_TYPES = {"A": "owner", "B": "user", "C": "owning group", "D": "group", "E": "mask", "F": "other"}
ACE_SUBJECTS = {"user": "USER", "group": "GROUP"}
ACE_MASKS = {"r": "rlntc", "w": "wfsadDNT", "x": "x"}
INHERIT_ONLY = "fdo"  # to files, to directories, not to the directory itself
_ACL_ENTRY = re.compile(r"([A-Fa-f])([0-7])(\d+)")


@dataclass(frozen=True)
class World:
    """What DOME shows. groups: gid by name. directories: mode, gid and acl of the areas' directories, by path; None is missing."""

    found: pools.Found
    groups: Mapping[str, int] = field(default_factory=dict)
    directories: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Target:
    """The dCache that is to be. name: of the storage; None makes one of the DPM's. doors: as in a description; empty for the usual ones."""

    host: str
    release: str
    name: str | None = None
    doors: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class AclEntry:
    """Who may do what in a directory. inherited: it is handed down to new entries."""

    kind: str
    id: int
    rights: str
    inherited: bool


def plan(storage_data: Mapping[str, Any], lake_data: Mapping[str, Any], world: World, target: Target) -> dict[str, Any]:
    """The plan as plain data, for JSON. Raises DescriptionError when the description of either side cannot be used."""
    lake = parse.load_lake(lake_data)
    source = parse.load_storage(storage_data, lake)
    if source.system != "dpm":
        raise DescriptionError([Problem("datalake_storage.system", f"is {source.system}, and this is the way from dpm.", "Name a DPM.")])
    described = target_description(storage_data, source, target)
    goal = parse.load_storage(described, lake, "target")
    before, after = derive.rse_records(source, lake), derive.rse_records(goal, lake)
    return {
        "format": FORMAT,
        "from": {"storage": source.name, "release": source.release, "host": source.doors[0].host},
        "to": {"storage": goal.name, "release": goal.release, "host": target.host},
        "declared": digest_of(declared(storage_data, lake_data, target)),
        "world": digest_of(observed(world)),
        "blockers": list(_blockers(source, world)),
        "questions": list(_questions(source, world)),
        "areas": [_area(area, source, world) for area in source.areas],
        "groups": _groups(source, world),
        "acls": [_acls(area, world) for area in source.areas],
        "description": described,
        "variables": _variables(source, world, target),
        "rses": [
            {
                "name": old.name,
                "properties": {name: old.properties[name] for name in STATES["active"]},
                "protocols_before": parse.rse_record_as_dict(old)["protocols"],
                "protocols_after": parse.rse_record_as_dict(new)["protocols"],
                "attributes": _differing(old.attributes, new.attributes),
            }
            for old, new in zip(before, after, strict=True)
        ],
        "steps": [dict(vars(step)) for step in steps(source.doors[0].host, target.host)],
        "done": [],
    }


def target_description(storage_data: Mapping[str, Any], source: Storage, target: Target) -> dict[str, Any]:
    """``datalake_storage`` of the dCache: the same RSEs and paths, other doors."""
    doors = [dict(door) for door in target.doors] or [
        {"scheme": "davs", "host": target.host, "port": 2880},
        {"scheme": "root", "host": target.host, "port": 1094},
    ]
    name = target.name or (source.name.replace("DPM", "DCACHE") if "DPM" in source.name else f"{source.name}-DCACHE")
    areas = []
    for area, data in zip(source.areas, storage_data["areas"], strict=True):
        areas.append({**{key: value for key, value in data.items() if key != "partitions"}, "rse": area.rse})
    described = {
        key: value for key, value in storage_data.items() if key not in ("doors", "areas", "name", "system", "release", "base_path")
    }
    return {
        "name": name,
        "system": "dcache",
        "release": target.release,
        **described,
        "base_path": source.base_path,
        "doors": doors,
        "areas": areas,
    }


def declared(storage_data: Mapping[str, Any], lake_data: Mapping[str, Any], target: Target) -> dict[str, Any]:
    """What people said and the plan rests on."""
    return {"storage": storage_data, "lake": lake_data, "target": vars(target)}


def observed(world: World) -> dict[str, Any]:
    """What DOME showed and the plan rests on; bytes in use are left out, they change all the time."""
    found = pools.as_dict(world.found)
    for token in found["quota_tokens"]:
        del token["used"]
    for pool in found["pools"]:
        del pool["size"]
    directories = {path: None if each is None else _lasting(each) for path, each in world.directories.items()}
    return {"found": found, "groups": world.groups, "directories": directories}


def digest_of(facts: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=list).encode()).hexdigest()


def _lasting(directory: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in directory.items() if key in ("mode", "uid", "gid", "acl")}


def records_in_state(document: Mapping[str, Any], state: str) -> list[dict[str, Any]]:
    """Records that bring all RSEs of a plan into a state, leaving all else alone."""
    return [
        {"name": each["name"], "properties": {name: value and each["properties"][name] for name, value in STATES[state].items()}}
        for each in document["rses"]
    ]


def records_with_doors(document: Mapping[str, Any], which: str) -> list[dict[str, Any]]:
    """Records with the doors "before" or "after", closed for everything."""
    return [
        {**record, "protocols": each[f"protocols_{which}"]}
        for record, each in zip(records_in_state(document, DISABLED), document["rses"], strict=True)
    ]


def parse_acl(text: str) -> tuple[AclEntry, ...]:
    """The entries of a serialised ACL such as ``A70,C50,D7102``; what is not an entry is left out."""
    entries = []
    for part in text.split(","):
        found = _ACL_ENTRY.fullmatch(part.strip())
        if found:
            letter, bits, id_ = found.groups()
            rights = "".join(name if int(bits) & bit else "-" for name, bit in (("r", 4), ("w", 2), ("x", 1)))
            entries.append(AclEntry(ACL_TYPES[letter.upper()], int(id_), rights, letter.islower()))
    return tuple(entries)


def ace(entry: AclEntry, entries: Sequence[AclEntry]) -> str:
    """An entry as an argument of dCache's setfacl, such as ``GROUP:2001:+rlntcx``; ids stay.

    Empty for owner, owning group and others, whose rights are the mode, for the mask, which is taken off the others, and for no rights.
    """
    if entry.kind not in ACE_SUBJECTS:
        return ""
    mask = next((each.rights for each in entries if each.kind == "mask" and each.inherited == entry.inherited), "rwx")
    letters = "".join(ACE_MASKS[right] for right in entry.rights if right in ACE_MASKS and right in mask)
    if not letters:
        return ""
    return f"{ACE_SUBJECTS[entry.kind]}:{entry.id}:+{letters}" + (f":{INHERIT_ONLY}" if entry.inherited else "")


# --- parts of the plan -------------------------------------------------------------------------------------------------------------------


def _token_of(area: Area, world: World) -> pools.FoundToken | None:
    """The quota token that decides on an area: that of its directory, else the nearest above it."""
    above = [token for token in world.found.tokens if token.path == area.path or paths.is_below(area.path, token.path)]
    return max(above, key=lambda token: len(token.path), default=None)


def _area(area: Area, source: Storage, world: World) -> dict[str, Any]:
    token = _token_of(area, world)
    pool = token.pool if token else ""
    kind = world.found.pools[pool].type if pool in world.found.pools else "P"
    return {
        "name": area.name,
        "rse": area.rse,
        "path": area.path,
        "qos": area.qos,
        "dpm": {"pool": pool, "type": kind, "quota_token": token.id if token else "", "size": token.size if token else 0},
        "dcache": {
            "pool_group": area.name,
            "reservation": area.capacity,
            "tags": {
                "AccessLatency": "ONLINE",
                "RetentionPolicy": "OUTPUT" if area.volatile or kind == "V" else "REPLICA",
            },
        },
        "used": token.used if token else 0,
    }


def _groups(source: Storage, world: World) -> list[dict[str, Any]]:
    """Every group that the plan meets, as it is in DPM and in dCache; ids stay, so that ownership stays."""
    named = {pools.dpm_group(access.group) for area in source.areas for access in derive.area_access(area, source)}
    named |= {name for token in world.found.tokens for name in token.groups} & set(world.groups)
    return [
        {
            "dpm": name,
            "token_group": None if "=" in name else f"/{name}",
            "fqan": f"/{name}",
            "gid": world.groups.get(name),
        }
        for name in sorted(named)
    ]


def _acls(area: Area, world: World) -> dict[str, Any]:
    names = {gid: name for name, gid in world.groups.items()}
    found = world.directories.get(area.path) or {}
    entries = parse_acl(str(found.get("acl", "")))
    return {
        "path": area.path,
        "group": names.get(int(found.get("gid") or 0), found.get("gid")),
        "mode": f"{int(found.get('mode') or 0) & 0o7777:04o}",
        "entries": [
            {
                "who": f"{entry.kind} {names.get(entry.id, entry.id)}"
                if entry.kind in ("group", "owning group")
                else f"{entry.kind} {entry.id}",
                "rights": entry.rights,
                "inherited": entry.inherited,
                "dcache": ace(entry, entries),
            }
            for entry in entries
        ],
    }


def _variables(source: Storage, world: World, target: Target) -> dict[str, Any]:
    """Variables of the role dcache that the description does not hold."""
    accounts = [
        {
            "group": group["token_group"],
            "name": re.sub(r"[^a-z0-9]+", "-", group["dpm"].lower()).strip("-"),
            "uid": FIRST_UID + number,
            "gid": group["gid"] or FIRST_UID + number,
        }
        for number, group in enumerate(_groups(source, world))
        if group["token_group"]
    ]
    area_of = {token.pool: area.name for area in reversed(source.areas) if (token := _token_of(area, world))}
    places = [
        {"host": server, "area": area_of[pool], "path": f"{path.rstrip('/')}/{POOL_DIRECTORY}", "name": _pool_name(server, path)}
        for (server, path), (pool, _status) in sorted(world.found.file_systems.items())
        if pool in area_of
    ]
    return {"dcache_accounts": accounts, "dcache_pools": places}


def _pool_name(server: str, path: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", f"{server.split('.')[0]}{path}".lower()).strip("_")


def _writers(area: Area, source: Storage) -> set[str]:
    accesses: Sequence[Access] = derive.area_access(area, source)
    return {pools.dpm_group(access.group) for access in accesses if access.rights == "write"}


def _blockers(source: Storage, world: World) -> Iterator[str]:
    """What would lose data or lock people out; no step is taken before it is settled."""
    release = parse_release(source.release)
    if release and release < EXPORT_FROM:
        yield f"DPM {source.release} cannot export itself: upgrade to 1.15.2 first."
    for area in source.areas:
        token = _token_of(area, world)
        if token is None:
            yield f"Area {area.name}: no quota token covers {area.path}, so its files would not be exported. Make one with dpm_pools."
            continue
        if token.used > area.capacity:
            yield f"Area {area.name} holds {token.used} bytes and is described with {area.capacity}: dCache would take no more writes."
        unknown = sorted(token.groups - _writers(area, source))
        if unknown:
            words = f"{', '.join(unknown)} may write below {token.path} in DPM and not in the description"
            yield f"Area {area.name}: {words}, so dCache would lock them out. Give them access, or take them out of the quota token."
        if world.directories.get(area.path) is None:
            yield f"Area {area.name}: {area.path} is not in DPM's tree of names."
    used = {pool for pool, _status in world.found.file_systems.values()}
    off = sorted(f"{server}:{path}" for (server, path), (_pool, status) in world.found.file_systems.items() if status == 1)
    if off:
        yield f"File systems are disabled: {', '.join(off)}. Their files cannot be linked; enable or drain them."
    for pool in sorted({token.pool for token in world.found.tokens} - used):
        yield f"Pool {pool} has a quota token and no file system."


def _questions(source: Storage, world: World) -> Iterator[str]:
    """What a person should look at."""
    names = {gid: name for name, gid in world.groups.items()}
    described = {area.path for area in source.areas}
    for token in world.found.tokens:
        if token.path not in described and not any(paths.is_below(path, token.path) for path in described):
            yield f"The quota token of {token.path} belongs to no described area: it is not moved by this plan."
    shared: dict[str, list[str]] = {}
    for area in source.areas:
        covering = _token_of(area, world)
        if covering:
            shared.setdefault(covering.pool, []).append(area.name)
        if covering and covering.size != area.capacity:
            yield f"Area {area.name} is described with {area.capacity} bytes, its quota token has {covering.size}."
        if covering and world.found.pools.get(covering.pool, pools.FoundPool("P", 0, 0)).type == "V":
            yield f"Area {area.name} is on a volatile pool: what has been purged until the export stays away."
        for entry in parse_acl(str((world.directories.get(area.path) or {}).get("acl", ""))):
            name = names.get(entry.id, str(entry.id))
            if entry.kind == "group" and "w" in entry.rights and name not in _writers(area, source):
                yield f"Area {area.name}: the ACL lets group {name} write, which the description does not."
            if entry.kind == "other" and "w" in entry.rights:
                yield f"Area {area.name}: the ACL lets everybody write. dCache must not take this over."
    for pool, areas in sorted(shared.items()):
        if len(areas) > 1:
            yield f"Areas {', '.join(areas)} share pool {pool}: its file systems go to the pool group of {areas[0]}; part them by hand."
    roles = sorted(name for name in world.groups if "=" in name)
    if roles:
        yield f"VOMS roles stay VOMS roles, tokens have none: {', '.join(roles)}."


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    return {key: new.get(key) for key in sorted({*old, *new}) if old.get(key) != new.get(key)}
