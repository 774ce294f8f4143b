# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The places of a dCache where data can lie, and their facts: storage classes with the pools that the selection unit gives them.

Which directory has which storage class is in directory tags, which are in the database of the name space and in no file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.escape.datalake.plugins.plugin_utils.adopt import naming
from ansible_collections.escape.datalake.plugins.plugin_utils.adopt.survey import Offer
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_host import POOLMANAGER_SETUP
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.pool_selection_unit import (
    Direction,
    Level,
    PoolSelectionUnit,
    SelectionError,
    Unit,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import pool_setup, poolmanager_conf
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.dcache_layout import Host

VOLATILE = frozenset({"volatile", "transient"})
SIZE_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
SITE_WIDE = frozenset({"*@*", "*@osm"})


@dataclass(frozen=True)
class Pool:
    """A pool as its layout section and its setup describe it. size: bytes, None where it is not said. tags: of pool.tags."""

    name: str
    path: str
    domain: str
    size: int | None
    tags: Mapping[str, str] = field(default_factory=dict)
    volatile: bool = False
    tape: bool = False
    where: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)


def pools_of(host: Host, files: Mapping[str, str]) -> dict[str, Pool]:
    """The pools of a layout, by name."""
    found = {}
    for domain in host.domains:
        for service in domain.services:
            if service.type != "pool" or not service.scope.value("pool.name"):
                continue
            scope = service.scope
            path = scope.value("pool.path").rstrip("/")
            setup = pool_setup.parse(files.get(f"{path}/setup".lstrip("/"), ""))
            spoken = [command.arguments[0] for _number, command in setup.entries() if command.name == "set max diskspace"]
            tags = dict(word.split("=", 1) for word in scope.value("pool.tags").split() if "=" in word)
            written = {name: setting.value for name, setting in scope.settings.items() if setting.file}
            own = {name: value for name, value in written.items() if name not in ("pool.name", "pool.path", "pool.size")}
            name = scope.value("pool.name")
            found[name] = Pool(
                name,
                path,
                domain.name,
                parse_size(scope.value("pool.size")) or parse_size(spoken[-1] if spoken else ""),
                tags,
                scope.value("pool.lfs") in VOLATILE,
                bool(pool_setup.nearline_storages(setup)),
                f"{host.file}:{service.line}",
                own,
            )
    return found


def parse_size(text: str) -> int | None:
    """Bytes of ``10T``; None for a share of the file system (``90%``), for nothing, and for what is no size."""
    text = text.strip().upper().removesuffix("B")
    number, unit = (text[:-1], text[-1]) if text and not text[-1].isdigit() else (text, "")
    return int(number) * SIZE_UNITS[unit] if number.isdigit() and unit in SIZE_UNITS else None


def offers(host: Host, files: Mapping[str, str]) -> list[Offer]:
    """One offer for each storage class, cache class or link group that files can be written to.

    Without PoolManager's file (a host that only has pools or doors), one for all its pools.
    """
    pools = pools_of(host, files)
    path = next(
        (
            value.lstrip("/")
            for each in host.services()
            if each.type == "poolmanager" and (value := each.scope.value("poolmanager.setup.file"))
        ),
        POOLMANAGER_SETUP.lstrip("/"),
    )
    if path not in files:
        tape = any(pool.tape for pool in pools.values())
        return [_offer("pools", "pools of this host", "", list(pools), pools, cache=tape)] if pools else []
    conf = poolmanager_conf.parse(files[path])
    unit = PoolSelectionUnit(conf, pools)
    copies = {
        command.arguments[0]: int(command.option("required") or "1")
        for _number, command in conf.entries()
        if command.name == "psu set storage unit" and command.arguments and (command.option("required") or "1").isdigit()
    }
    return list(_classes(unit, path, pools, copies))


def _classes(unit: PoolSelectionUnit, path: str, pools: Mapping[str, Pool], copies: Mapping[str, int]) -> Iterator[Offer]:
    stores = [each for each in unit.units.values() if each.kind == "store" and not (unit.regex and each.name not in SITE_WIDE)]
    own = [each for each in stores if each.name not in SITE_WIDE]
    for each in own or stores:
        for link_group in ("", *unit.link_groups):
            levels = _levels(unit, each.name if each in own else "any:any@osm", link_group)
            if levels:
                words = {"" if not link_group else f"Written to with a reservation in link group {link_group} only."} - {""}
                yield _class(unit, each, f"{path}:{each.line}", levels[0], pools, copies.get(each.name), words)
                break
    for each in unit.units.values():
        if each.kind == "dcache":
            base = own[0].name if own else "any:any@osm"
            levels = _levels(unit, base, "", each.name)
            if levels:
                told = {f"Chosen by the directory tag cacheClass = {each.name}."}
                yield _class(unit, each, f"{path}:{each.line}", levels[0], pools, None, told)


def _levels(unit: PoolSelectionUnit, storage_class: str, link_group: str, cache_class: str | None = None) -> tuple[Level, ...]:
    """What a write over any protocol that has units of its own, or http, may use."""
    protocols = [each.name for each in unit.units.values() if each.kind == "protocol" and not each.name.startswith("*")]
    for protocol in ("http/1", *(name.replace("/*", "/1") for name in protocols)):
        try:
            found = unit.select(Direction.WRITE, storage_class, protocol=protocol, cache_class=cache_class, link_group=link_group)
        except SelectionError:
            continue
        levels = tuple(level for level in found if level.pools or level.open)
        if levels:
            return levels
    return ()


def _class(
    unit: PoolSelectionUnit, each: Unit, where: str, level: Level, pools: Mapping[str, Pool], copies: int | None, words: set[str]
) -> Offer:
    links = [unit.links[name] for name in level.links]
    names = [target for link in links for target in link.targets]
    staging = any(link.cache > 0 for link in links)
    kind = {"store": "storage class", "dcache": "cache class"}[each.kind]
    notes = [*words, *(f"Pools of {name} join by their tags or when they start, so not all are known." for name in level.open)]
    return _offer(
        each.name, kind, where, list(level.pools), pools, cache=staging, copies=copies, names=(each.name, *names, *level.links), notes=notes
    )


def _offer(
    name: str,
    kind: str,
    where: str,
    members: Sequence[str],
    pools: Mapping[str, Pool],
    *,
    cache: bool,
    copies: int | None = None,
    names: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> Offer:
    known = [pools[each] for each in members if each in pools]
    told = list(notes)
    absent = [each for each in members if each not in pools]
    if absent:
        told.append(
            f"{len(absent)} of {len(members)} pools are on other hosts ({', '.join(absent[:3])}{', ...' if len(absent) > 3 else ''})."
        )
    sizes = [pool.size for pool in known]
    complete = bool(known) and not absent and all(size is not None for size in sizes)
    tags = [value for pool in known for key, value in pool.tags.items() if key != "hostname"]
    named = naming.medium_named((*names, *members))
    medium = naming.medium_named(tags) or (named if named != "tape" else None)
    if medium and not naming.medium_named(tags):
        told.append("The medium was taken from a name.")
    tape = any(pool.tape for pool in known) or (cache and named == "tape")
    if cache and not tape:
        told.append("Its links allow staging, and no pool with a tape system is on this host.")
    return Offer(
        name,
        kind,
        where,
        media=medium,
        copies=copies,
        redundancy="replica" if copies and copies > 1 else None,
        capacity=sum(size or 0 for size in sizes) if complete else None,
        pools=tuple(members),
        tape=tape,
        staging=tape and cache,
        volatile=bool(known) and all(pool.volatile for pool in known),
        notes=tuple(told),
    )
