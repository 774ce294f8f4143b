# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""dCache's pool selection unit: which pools a transfer may use.

The state that the commands of poolmanager.conf make, and the answer to ``psu match``. Source: dCache PoolSelectionUnitV2, LinkMap,
NetHandler, PGroup. Unlike the Book says, pools of nested groups (``@group``) are not selected through a link to the outer group:
the code looks at the pools that were added to the group itself (seen at 8.2.0, 9.2.0, 11.2.0 and 12.1).
"""

from __future__ import annotations

import fnmatch
import ipaddress
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, TypeVar

from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cell_commands import Command
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.poolmanager_conf import PoolManagerConf

Thing = TypeVar("Thing")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Direction(StrEnum):
    """What a transfer does; CACHE is a stage from tape."""

    READ = "read"
    WRITE = "write"
    CACHE = "cache"
    P2P = "p2p"


class SelectionError(Exception):
    """What PoolManager answers a request with, or why it refuses a command."""


@dataclass
class Pool:
    name: str
    line: int
    enabled: bool = True
    read_only: bool = False
    ping: bool = True


@dataclass
class PoolGroup:
    """pools: members added by name. nested: names of groups in it. dynamic: pools with all of the tags join when they start."""

    name: str
    line: int
    pools: dict[str, Pool] = field(default_factory=dict)
    nested: list[str] = field(default_factory=list)
    dynamic: bool = False
    tags: frozenset[str] = frozenset()


@dataclass
class Unit:
    """kind: store, net, dcache or protocol. groups: names of the unit groups that it is in."""

    name: str
    kind: str
    line: int
    groups: list[str] = field(default_factory=list)
    network: Network | None = None


@dataclass
class UnitGroup:
    name: str
    line: int
    units: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)


@dataclass
class Link:
    """targets: pools and pool groups. A preference of 0 forbids; p2p below 0 is the same as read."""

    name: str
    line: int
    unit_groups: tuple[str, ...]
    read: int = 0
    write: int = 0
    cache: int = 0
    p2p: int = -1
    section: str = ""
    targets: list[str] = field(default_factory=list)
    link_group: str = ""

    def preference(self, direction: Direction) -> int:
        if direction is Direction.P2P:
            return self.read if self.p2p < 0 else self.p2p
        return {Direction.READ: self.read, Direction.WRITE: self.write, Direction.CACHE: self.cache}[direction]


@dataclass
class LinkGroup:
    """allowed: kinds of space (custodial, replica, nearline, online, output)."""

    name: str
    line: int
    links: list[str] = field(default_factory=list)
    allowed: dict[str, bool] = field(
        default_factory=lambda: {"custodial": True, "replica": True, "nearline": True, "online": False, "output": True}
    )


@dataclass
class Partition:
    name: str
    line: int
    kind: str = "wass"
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Level:
    """Pools of equal preference. open: groups whose members are not known here (dynamic, or filled as pools start)."""

    preference: int
    pools: tuple[str, ...]
    links: tuple[str, ...]
    open: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refused:
    """A command that aborts the file."""

    line: int
    why: str


class PoolSelectionUnit:
    """The state after all commands of a file. refused: commands that dCache does not take, each left out here."""

    def __init__(self, conf: PoolManagerConf, pools: Iterable[str] = ()) -> None:
        self.pools: dict[str, Pool] = {}
        self.pool_groups: dict[str, PoolGroup] = {}
        self.units: dict[str, Unit] = {}
        self.unit_groups: dict[str, UnitGroup] = {}
        self.links: dict[str, Link] = {}
        self.link_groups: dict[str, LinkGroup] = {}
        self.partitions: dict[str, Partition] = {}
        self.regex = False
        self.refused: list[Refused] = [Refused(line.number, line.problem) for line in conf.problems()]
        for number, command in conf.entries():
            try:
                self._run(number, command)
            except SelectionError as problem:
                self.refused.append(Refused(number, str(problem)))
        self.refused.sort(key=lambda one: one.line)
        self._join_default(pools)

    def _join_default(self, pools: Iterable[str]) -> None:
        """Pools of the layouts that the file does not name join `default` when they start."""
        default = self.pool_groups.get("default")
        for name in pools:
            if name not in self.pools:
                self.pools[name] = Pool(name, 0)
                if default is not None:
                    default.pools[name] = self.pools[name]

    def _run(self, number: int, command: Command) -> None:
        if command.name.startswith("psu set linkGroup "):
            what = command.name.rsplit(" ", 1)[1].removesuffix("Allowed")
            self._known(self.link_groups, command.arguments[0]).allowed[what] = command.arguments[1].lower() == "true"
        else:
            action = _ACTIONS.get(command.name)
            if action is not None:
                action(self, number, command)

    @staticmethod
    def _known(things: dict[str, Thing], name: str) -> Thing:
        try:
            return things[name]
        except KeyError:
            raise SelectionError(f"{name} is not defined before this line") from None

    @staticmethod
    def _new(things: dict[str, Thing], name: str, thing: Thing) -> None:
        if name in things:
            raise SelectionError(f"{name} is defined twice")
        things[name] = thing

    def _create_unit(self, number: int, command: Command) -> None:
        name = command.arguments[0]
        kind = next((kind for kind in ("net", "store", "dcache", "protocol") if command.option(kind) is not None), None)
        if kind is None:
            raise SelectionError("the type of the unit is missing: -store, -net, -protocol or -dcache")
        network = _network(name) if kind == "net" else None
        if kind == "protocol" and not re.match(r"[^/]+/(?:\*|-?[0-9]+)\Z", name):
            raise SelectionError(f"{name} is not PROTOCOL/VERSION, with a number or * as version")
        self._new(self.units, name, Unit(name, kind, number, network=network))

    def _create_ugroup(self, number: int, command: Command) -> None:
        self._new(self.unit_groups, command.arguments[0], UnitGroup(command.arguments[0], number))

    def _create_pool(self, number: int, command: Command) -> None:
        name = command.arguments[0]
        pool = Pool(
            name, number, command.option("disabled") is None, command.option("rdonly") is not None, command.option("noping") is None
        )
        self._new(self.pools, name, pool)

    def _create_pgroup(self, number: int, command: Command) -> None:
        name = command.arguments[0]
        tags = frozenset((command.option("tags") or "").split(",")) - {""}
        self._new(self.pool_groups, name, PoolGroup(name, number, dynamic=command.option("dynamic") is not None, tags=tags))

    def _create_link(self, number: int, command: Command) -> None:
        name, *groups = command.arguments
        link = Link(name, number, tuple(dict.fromkeys(groups)))
        for group in link.unit_groups:
            self._known(self.unit_groups, group)
        self._new(self.links, name, link)
        for group in link.unit_groups:
            self.unit_groups[group].links.append(name)

    def _create_link_group(self, number: int, command: Command) -> None:
        name = command.arguments[0]
        if command.option("reset") is not None:
            self.link_groups.pop(name, None)
        self._new(self.link_groups, name, LinkGroup(name, number))

    def _addto_ugroup(self, _number: int, command: Command) -> None:
        group, name = self._known(self.unit_groups, command.arguments[0]), command.arguments[1]
        unit = self._known(self.units, name)
        if name in group.units:
            raise SelectionError(f"{name} is in {group.name} already")
        group.units.append(name)
        unit.groups.append(group.name)

    def _addto_pgroup(self, _number: int, command: Command) -> None:
        group, name = self._known(self.pool_groups, command.arguments[0]), command.arguments[1]
        if group.dynamic:
            raise SelectionError(f"{group.name} is dynamic: pools join it by their tags only")
        if name.startswith("@"):
            inner = self._known(self.pool_groups, name[1:])
            if inner.name in group.nested or group.name in self._nested(inner.name):
                raise SelectionError(f"{name} in {group.name} stands twice or makes a loop")
            group.nested.append(inner.name)
        else:
            group.pools[name] = self._known(self.pools, name)

    def _nested(self, name: str) -> set[str]:
        """The group and all groups inside it."""
        found: set[str] = set()
        open_ends = [name]
        while open_ends:
            one = open_ends.pop()
            if one not in found:
                found.add(one)
                open_ends += self.pool_groups[one].nested
        return found

    def _addto_link(self, _number: int, command: Command) -> None:
        link, name = self._known(self.links, command.arguments[0]), command.arguments[1]
        if name not in self.pools and name not in self.pool_groups:
            raise SelectionError(f"there is no pool and no pool group {name} before this line")
        if name not in link.targets:
            link.targets.append(name)

    def _addto_link_group(self, _number: int, command: Command) -> None:
        group, link = self._known(self.link_groups, command.arguments[0]), self._known(self.links, command.arguments[1])
        if link.link_group:
            raise SelectionError(f"{link.name} is in link group {link.link_group} already")
        group.links.append(link.name)
        link.link_group = group.name

    def _removefrom_ugroup(self, _number: int, command: Command) -> None:
        group, unit = self._known(self.unit_groups, command.arguments[0]), self._known(self.units, command.arguments[1])
        if unit.name not in group.units:
            raise SelectionError(f"{unit.name} is not in {group.name}")
        group.units.remove(unit.name)
        unit.groups.remove(group.name)

    def _removefrom_pgroup(self, _number: int, command: Command) -> None:
        group, name = self._known(self.pool_groups, command.arguments[0]), command.arguments[1]
        if name.removeprefix("@") not in (group.nested if name.startswith("@") else group.pools):
            raise SelectionError(f"{name} is not in {group.name}")
        if name.startswith("@"):
            group.nested.remove(name[1:])
        else:
            del group.pools[name]

    def _removefrom_link(self, _number: int, command: Command) -> None:
        link, name = self._known(self.links, command.arguments[0]), command.arguments[1]
        if name not in link.targets:
            raise SelectionError(f"{name} is not in {link.name}")
        link.targets.remove(name)

    def _removefrom_link_group(self, _number: int, command: Command) -> None:
        group, link = self._known(self.link_groups, command.arguments[0]), self._known(self.links, command.arguments[1])
        if link.link_group != group.name:
            raise SelectionError(f"{link.name} is not in {group.name}")
        group.links.remove(link.name)
        link.link_group = ""

    def _remove(self, _number: int, command: Command) -> None:
        things: dict[str, dict[str, Any]] = {
            "unit": self.units,
            "ugroup": self.unit_groups,
            "pool": self.pools,
            "pgroup": self.pool_groups,
            "link": self.links,
            "linkGroup": self.link_groups,
        }
        name = command.arguments[0]
        kept = things[command.name.rsplit(" ", 1)[1]]
        self._known(kept, name)
        del kept[name]
        for group in self.pool_groups.values():
            group.pools.pop(name, None)
        for link in self.links.values():
            link.targets = [target for target in link.targets if target != name]
        for unit_group in self.unit_groups.values():
            unit_group.units = [unit for unit in unit_group.units if unit != name]
            unit_group.links = [link for link in unit_group.links if link in self.links]

    def _set_link(self, _number: int, command: Command) -> None:
        link = self._known(self.links, command.arguments[0])
        for option, attribute in (("readpref", "read"), ("writepref", "write"), ("cachepref", "cache"), ("p2ppref", "p2p")):
            value = command.option(option)
            if value is not None:
                if not re.match(r"[+-]?[0-9]+\Z", value):
                    raise SelectionError(f"-{option}={value} is no number")
                setattr(link, attribute, int(value))
        section = command.option("section")
        if section is not None:
            link.section = "" if section.upper() == "NONE" else section

    def _set_pool(self, _number: int, command: Command) -> None:
        pattern, mode = command.arguments if len(command.arguments) == 2 else (command.arguments[0], command.name.rsplit(" ", 1)[1])
        if mode not in ("enabled", "disabled", "ping", "noping", "rdonly", "notrdonly"):
            raise SelectionError(f"{mode} is no mode of a pool")
        for pool in self.pools.values():
            if fnmatch.fnmatchcase(pool.name, pattern):
                pool.enabled = {"enabled": True, "disabled": False}.get(mode, pool.enabled)
                pool.read_only = {"rdonly": True, "notrdonly": False}.get(mode, pool.read_only)
                pool.ping = {"ping": True, "noping": False}.get(mode, pool.ping)

    def _set_storage_unit(self, _number: int, command: Command) -> None:
        unit = self._known(self.units, command.arguments[0])
        required = command.option("required")
        if unit.kind != "store":
            raise SelectionError(f"{unit.name} is no storage unit")
        if required is not None and not (required.isdigit() and int(required) >= 1):
            raise SelectionError(f"-required={required} must be 1 or more")
        if required is None and command.option("onlyOneCopyPer") is not None:
            raise SelectionError("-onlyOneCopyPer needs -required")

    def _set_switch(self, _number: int, command: Command) -> None:
        value = command.arguments[0]
        regex = command.name.endswith("regex")
        if value not in (("on", "off") if regex else ("on", "off", "true", "false")):
            raise SelectionError(f"{value} is neither on nor off")
        if regex:
            self.regex = value == "on"

    def _clear(self, _number: int, _command: Command) -> None:
        for things in (self.pools, self.pool_groups, self.units, self.unit_groups, self.links, self.link_groups):
            things.clear()

    def _pm_create(self, number: int, command: Command) -> None:
        name, kind = command.arguments[0], command.option("type") or "wass"
        if kind not in ("wass", "classic", "wrandom", "random", "lru", "buffer"):
            raise SelectionError(f"there is no partition type {kind}")
        self._new(self.partitions, name, Partition(name, number, kind))

    def _pm_set(self, number: int, command: Command) -> None:
        if len(command.arguments) > 1:
            raise SelectionError("pm set takes one partition; options begin with -")
        name = command.arguments[0] if command.arguments else "default"
        if name == "default":
            self.partitions.setdefault(name, Partition(name, number))
        for option, value in command.options:
            if option in ("p2p-allowed", "p2p-oncost", "p2p-fortransfer", "stage-allowed", "stage-oncost") and value not in (
                "yes",
                "no",
                "off",
            ):
                raise SelectionError(f"-{option}={value} is neither yes nor no")
        self._known(self.partitions, name).values.update(command.options)

    @cached_property
    def _networks(self) -> tuple[tuple[Network, Unit], ...]:
        nets = [(unit.network, unit) for unit in self.units.values() if unit.network is not None]
        return tuple(sorted(nets, key=lambda pair: (-pair[0].prefixlen, pair[1].name)))

    def matching_units(self, storage_class: str, net: str | None, protocol: str | None, cache_class: str | None = None) -> list[Unit]:
        """The most specific unit of each type. storage_class: ``STORE:GROUP@osm``. Raises SelectionError when a unit is not defined."""
        found = [self._store_unit(storage_class)]
        if protocol is not None:
            name = protocol.partition("/")[0]
            unit = next((self.units[one] for one in (protocol, f"{name}/*", "*/*") if one in self.units), None)
            found += [unit] if unit else []
        if cache_class:
            unit = self.units.get(cache_class)
            if unit is None or unit.kind != "dcache":
                raise SelectionError(f"there is no -dcache unit {cache_class}: every transfer with that cache class fails")
            found.append(unit)
        if net is not None:
            address = ipaddress.ip_address(net)
            unit = next((unit for network, unit in self._networks if network.version == address.version and address in network), None)
            found += [unit] if unit else []
        return found

    def _store_unit(self, storage_class: str) -> Unit:
        hsm = storage_class.rpartition("@")[2]
        names = [storage_class, f"*@{hsm}", "*@*"]
        if self.regex:
            patterns = (unit for unit in self.units.values() if unit.kind == "store" and unit.name not in names[1:])
            unit = next((unit for unit in patterns if _fully_matches(unit.name, storage_class)), None)
            if unit is not None:
                return unit
            names = names[1:]
        unit = next((self.units[name] for name in names if name in self.units and self.units[name].kind == "store"), None)
        if unit is None:
            raise SelectionError(f"no storage unit fits {storage_class}: neither it nor *@{hsm} nor *@* is defined")
        return unit

    def select(
        self,
        direction: Direction,
        storage_class: str,
        net: str | None = "192.0.2.1",
        protocol: str | None = "http/1",
        *,
        cache_class: str | None = None,
        link_group: str = "",
    ) -> tuple[Level, ...]:
        """Pools for a transfer, highest preference first. Raises SelectionError when PoolManager would refuse the request."""
        units = self.matching_units(storage_class, net, protocol, cache_class)
        if link_group:
            self._known(self.link_groups, link_group)
        touched: dict[str, int] = {}
        for unit in units:
            for name in {link for group in unit.groups for link in self.unit_groups[group].links}:
                touched[name] = touched.get(name, 0) + 1
        by_preference: dict[int, list[Link]] = {}
        for name, times in touched.items():
            link = self.links[name]
            reserved = link.link_group != link_group if link_group else bool(link.link_group) and direction is not Direction.READ
            if times >= len(link.unit_groups) and not reserved and link.preference(direction) > 0:
                by_preference.setdefault(link.preference(direction), []).append(link)
        return tuple(
            self._level(direction, preference, sorted(links, key=lambda link: link.name))
            for preference, links in sorted(by_preference.items(), reverse=True)
        )

    def _level(self, direction: Direction, preference: int, links: list[Link]) -> Level:
        pools: dict[str, None] = {}
        unknown: dict[str, None] = {}
        for link in links:
            for target in link.targets:
                group = None if target in self.pools else self.pool_groups[target]
                for pool in [self.pools[target]] if group is None else group.pools.values():
                    if pool.enabled and (direction is Direction.READ or not pool.read_only):
                        pools[pool.name] = None
                if group is not None and (group.dynamic or (group.name == "default" and not group.pools)):
                    unknown[group.name] = None
        return Level(preference, tuple(pools), tuple(link.name for link in links), tuple(unknown))

    def dump(self) -> tuple[tuple[str, ...], ...]:
        """What decides about transfers, in an order of its own; equal for equal behaviour."""
        rows: list[tuple[str, ...]] = [("regex", str(self.regex))]
        rows += [("unit", unit.kind, unit.name) for unit in self.units.values()]
        rows += [("ugroup", group.name, *sorted(group.units)) for group in self.unit_groups.values()]
        rows += [("pool", pool.name, str(pool.enabled), str(pool.read_only)) for pool in self.pools.values()]
        rows += [
            ("pgroup", group.name, str(group.dynamic), *sorted(group.pools), *sorted("@" + name for name in group.nested))
            for group in self.pool_groups.values()
        ]
        rows += [
            (
                "link",
                link.name,
                *sorted(link.unit_groups),
                f"{link.read}/{link.write}/{link.cache}/{link.p2p}",
                link.section,
                *sorted(link.targets),
            )
            for link in self.links.values()
        ]
        rows += [
            ("linkGroup", group.name, *(f"{what}={on}" for what, on in sorted(group.allowed.items())), *sorted(group.links))
            for group in self.link_groups.values()
        ]
        return tuple(sorted(rows))


_Action = Callable[[PoolSelectionUnit, int, Command], None]
_ACTIONS: dict[str, _Action] = {
    "psu create unit": PoolSelectionUnit._create_unit,
    "psu create ugroup": PoolSelectionUnit._create_ugroup,
    "psu create pool": PoolSelectionUnit._create_pool,
    "psu create pgroup": PoolSelectionUnit._create_pgroup,
    "psu create link": PoolSelectionUnit._create_link,
    "psu create linkGroup": PoolSelectionUnit._create_link_group,
    "psu addto ugroup": PoolSelectionUnit._addto_ugroup,
    "psu addto pgroup": PoolSelectionUnit._addto_pgroup,
    "psu addto link": PoolSelectionUnit._addto_link,
    "psu add link": PoolSelectionUnit._addto_link,
    "psu addto linkGroup": PoolSelectionUnit._addto_link_group,
    "psu removefrom ugroup": PoolSelectionUnit._removefrom_ugroup,
    "psu removefrom pgroup": PoolSelectionUnit._removefrom_pgroup,
    "psu removefrom link": PoolSelectionUnit._removefrom_link,
    "psu unlink": PoolSelectionUnit._removefrom_link,
    "psu removefrom linkGroup": PoolSelectionUnit._removefrom_link_group,
    "psu remove unit": PoolSelectionUnit._remove,
    "psu remove ugroup": PoolSelectionUnit._remove,
    "psu remove pool": PoolSelectionUnit._remove,
    "psu remove pgroup": PoolSelectionUnit._remove,
    "psu remove link": PoolSelectionUnit._remove,
    "psu remove linkGroup": PoolSelectionUnit._remove,
    "psu set link": PoolSelectionUnit._set_link,
    "psu set pool": PoolSelectionUnit._set_pool,
    "psu set enabled": PoolSelectionUnit._set_pool,
    "psu set disabled": PoolSelectionUnit._set_pool,
    "psu set storage unit": PoolSelectionUnit._set_storage_unit,
    "psu set regex": PoolSelectionUnit._set_switch,
    "psu set allpoolsactive": PoolSelectionUnit._set_switch,
    "psu clear im really sure": PoolSelectionUnit._clear,
    "pm create": PoolSelectionUnit._pm_create,
    "pm set": PoolSelectionUnit._pm_set,
}


def _network(name: str) -> Network:
    try:
        return ipaddress.ip_network(name, strict=False)
    except ValueError as problem:
        raise SelectionError(f"{name} is no address or subnet: {problem}") from None


def _fully_matches(pattern: str, text: str) -> bool:
    try:
        return re.fullmatch(pattern, text) is not None
    except re.error:
        return False
