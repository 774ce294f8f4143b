# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules for poolmanager.conf: commands that abort it, pools that no transfer reaches, areas whose writes or reads find no pool.

Sources: dcache.md section 4.3; dCache PoolSelectionUnitV2, PartitionManager, RequestContainerV5; docs/TheBook config-PoolManager.md.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_release import (
    NESTED_POOL_GROUPS,
    PRIMARY_POOL_GROUPS,
    STAGE_ALLOWED_BY_DEFAULT,
    Release,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding, Severity
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.pool_selection_unit import (
    Direction,
    Level,
    Link,
    PoolSelectionUnit,
    SelectionError,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import poolmanager_conf
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cell_commands import Command, unknown_options
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.poolmanager_conf import SIGNATURES

_SOURCE = "dcache.md section 4.3"
_NETS = ("192.0.2.1", "2001:db8::1")
_SPELLINGS = {"psu add link": "psu addto link", "psu unlink": "psu removefrom link"}


@dataclass(frozen=True)
class AreaUse:
    """How an area is used: storage class ``STORE:GROUP@osm`` of its tags, protocols of its doors (``http/1``, ``Xrootd/5``), tape or not.

    link_group: of the space reservation that writes use, "" without.
    """

    name: str
    storage_class: str
    protocols: tuple[str, ...] = ("http/1",)
    tape: bool = False
    cache_class: str = ""
    link_group: str = ""
    file: str = ""
    line: int = 0


@dataclass(frozen=True)
class SelectionInput:
    """text, file: poolmanager.conf. pools: names in the layouts. tags: of those pools, as ``key=value``. space_reservation: None when it
    is not known. live: output of `psu dump setup`. tape: whether pools of this dCache flush to tape, beside what the areas say.
    tape_pools: those of the host that have a tape store.
    """

    text: str
    file: str
    release: Release
    pools: tuple[str, ...] = ()
    tags: Mapping[str, frozenset[str]] = field(default_factory=dict)
    areas: tuple[AreaUse, ...] = ()
    space_reservation: bool | None = None
    live: str | None = None
    tape: bool = False
    tape_pools: frozenset[str] = frozenset()


def check(given: SelectionInput) -> list[Finding]:
    """All findings about a poolmanager.conf."""
    conf = poolmanager_conf.parse(given.text)
    unit = PoolSelectionUnit(conf, given.pools)
    found = [*_refused(given, unit, dict(conf.entries()))]
    for number, command in conf.entries():
        found += _command(given, number, command)
    found += _families(given, unit)
    found += _units(given, unit)
    found += _links(given, unit)
    found += _reachable(given, unit)
    found += _classes(given, unit)
    found += _areas(given, unit)
    found += _staging(given, unit)
    found += _live(given, unit)
    return found


def answer(unit: PoolSelectionUnit, direction: Direction, area: AreaUse, net: str, protocol: str) -> tuple[Level, ...]:
    """What PoolManager answers for a transfer of an area; raises SelectionError when it refuses it."""
    group = area.link_group if direction is Direction.WRITE else ""
    return unit.select(direction, area.storage_class, net, protocol, cache_class=area.cache_class or None, link_group=group)


def _refused(given: SelectionInput, unit: PoolSelectionUnit, commands: dict[int, Command]) -> Iterator[Finding]:
    lines = given.text.split("\n")
    for refused in unit.refused:
        command = commands.get(refused.line)
        text = lines[refused.line - 1].strip() if refused.line <= len(lines) else ""
        aborts = "PoolManager stops reading here and does not start; a reload is refused."
        if text.startswith("rc set stage"):
            remedy = "Remove the line; staging is switched with `pm set default -stage-allowed=yes`."
            message = f"`{text}` no longer exists: {aborts}"
            yield Finding("psu.rc-set-stage", Severity.ERROR, given.file, refused.line, message, remedy, _SOURCE)
        elif re.match(r"pm set .*-stage\s+allowed", text) or (command and command.name == "pm set" and command.option("stage") == ""):
            remedy = "Write `pm set default -stage-allowed=yes`, with a hyphen."
            message = f"`{text}` is a misprint of the Book: {aborts}"
            yield Finding("psu.stage-typo", Severity.ERROR, given.file, refused.line, message, remedy, _SOURCE)
        else:
            message = f"`{text}`: {refused.why}; {aborts}"
            yield Finding("psu.refused", Severity.ERROR, given.file, refused.line, message, _remedy(unit, refused.why), _SOURCE)


def _remedy(unit: PoolSelectionUnit, why: str) -> str:
    missing = re.match(r"(?:there is no pool and no pool group )?(\S+?)(?: is not defined)? before this line", why)
    command = re.match(r'"(.*)" is no command', why)
    if command:
        meant = difflib.get_close_matches(" ".join(command[1].split()[:3]), SIGNATURES, 1, 0.85)
        return f"Did you mean {meant[0]}?" if meant else "Correct or remove the line."
    known = {*unit.pool_groups, *unit.links, *unit.unit_groups, *unit.units, *unit.link_groups, *unit.partitions}
    near = difflib.get_close_matches(missing[1], sorted(known - {missing[1]}), 1, 0.85) if missing else []
    return f"Did you mean {near[0]}?" if near else "Correct the command or the order."


def _command(given: SelectionInput, number: int, command: Command) -> Iterator[Finding]:
    obsolete = SIGNATURES[command.name].obsolete
    if obsolete:
        message = f"`{command.name}`: {obsolete}."
        yield Finding("psu.obsolete", Severity.NOTICE, given.file, number, message, "Remove the line.", _SOURCE)
    if command.name in _SPELLINGS:
        message = f"`{command.name}` is an older spelling."
        yield Finding("psu.obsolete", Severity.NOTICE, given.file, number, message, f"Write `{_SPELLINGS[command.name]}`.", _SOURCE)
    for option in unknown_options(command, SIGNATURES):
        if command.name == "pm set" and option == "stage":
            continue  # the misprint that _refused tells
        message = f"`{command.name}` does not know -{option} and ignores it silently."
        meant = difflib.get_close_matches(option, sorted(SIGNATURES[command.name].options or ()), 1, 0.8)
        remedy = f"Did you mean -{meant[0]}?" if meant else "Correct the name."
        yield Finding("psu.unknown-option", Severity.WARNING, given.file, number, message, remedy, _SOURCE)
    if command.name.startswith("psu set linkGroup ") and command.arguments[-1].lower() not in ("true", "false"):
        message = f"`{command.name}` takes true or false; {command.arguments[-1]} counts as false."
        yield Finding("psu.linkgroup-value", Severity.WARNING, given.file, number, message, "Write true or false.", _SOURCE)
    nested = command.name == "psu addto pgroup" and command.arguments[1].startswith("@")
    if nested and not NESTED_POOL_GROUPS.covers(given.release):
        message = f"Groups inside groups exist from {NESTED_POOL_GROUPS.since()}; {given.release} looks for a pool {command.arguments[1]}."
        yield Finding("psu.nested-release", Severity.ERROR, given.file, number, message, "Add the pools themselves.", "dcache.md section 1")
    if command.name == "psu create pgroup" and command.option("primary") is not None and not PRIMARY_POOL_GROUPS.covers(given.release):
        message = f"-primary exists from {PRIMARY_POOL_GROUPS.since()}; {given.release} ignores it."
        yield Finding("psu.primary-release", Severity.WARNING, given.file, number, message, "Write -resilient.", "dcache.md section 4.3")


def _families(given: SelectionInput, unit: PoolSelectionUnit) -> Iterator[Finding]:
    """Links that ask for a network, and none of a whole family of addresses."""
    nets = [one for one in unit.units.values() if one.network is not None and any(unit.unit_groups[group].links for group in one.groups)]
    for version, severity in ((4, Severity.WARNING), (6, Severity.NOTICE)):
        if nets and all(one.network is None or one.network.version != version for one in nets):
            message = f"No link is for a network of IPv{version}: clients and doors with such an address find no pool through these links."
            whole = "0.0.0.0/0.0.0.0" if version == 4 else "::/0"
            remedy = f"psu create unit -net {whole}, and add it to the unit group of {nets[0].name}."
            yield Finding("psu.no-network-family", severity, given.file, nets[0].line, message, remedy, _SOURCE)


def _units(given: SelectionInput, unit: PoolSelectionUnit) -> Iterator[Finding]:
    for one in unit.units.values():
        if one.kind == "store" and one.name.endswith("@*") and one.name != "*@*":
            message = f"{one.name} is no wildcard: only *@HSM and *@* are, so it matches nothing."
            yield Finding("psu.wildcard-unit", Severity.WARNING, given.file, one.line, message, "Name the HSM type, such as @osm.", _SOURCE)
        elif one.kind != "store" and not one.groups:
            used = any(
                other.kind == one.kind and any(unit.unit_groups[group].links for group in other.groups) for other in unit.units.values()
            )
            hides = " It hides wider units of its type, so its transfers match no link that asks for one." if used else ""
            message = f"The unit {one.name} is in no unit group.{hides}"
            remedy = "Add it to a unit group, or remove it."
            yield Finding("psu.unit-unused", Severity.WARNING if used else Severity.NOTICE, given.file, one.line, message, remedy, _SOURCE)
    for group in unit.unit_groups.values():
        if not group.units and group.links:
            message = f"The unit group {group.name} is empty, so its links {', '.join(group.links)} never match."
            yield Finding("psu.ugroup-empty", Severity.ERROR, given.file, group.line, message, "Add units to it.", _SOURCE)
        elif not group.links:
            message = f"No link uses the unit group {group.name}."
            yield Finding("psu.ugroup-unused", Severity.NOTICE, given.file, group.line, message, "Remove it.", _SOURCE)


def _links(given: SelectionInput, unit: PoolSelectionUnit) -> Iterator[Finding]:
    for link in unit.links.values():
        kinds = {unit.units[name].kind for group in link.unit_groups for name in unit.unit_groups[group].units if name in unit.units}
        filled = all(unit.unit_groups[group].units for group in link.unit_groups)
        if filled and len(kinds) < len(link.unit_groups):
            message = f"The link {link.name} wants {len(link.unit_groups)} unit groups to match, but they hold {len(kinds)} types of units."
            remedy = "Give a link one unit group of each type (storage, network, protocol)."
            yield Finding("psu.link-unmatchable", Severity.ERROR, given.file, link.line, message, remedy, _SOURCE)
        if not link.targets:
            message = f"The link {link.name} leads to no pool."
            yield Finding("psu.link-empty", Severity.WARNING, given.file, link.line, message, "Add a pool group to it.", _SOURCE)
        elif all(link.preference(direction) <= 0 for direction in Direction):
            message = f"All preferences of the link {link.name} are 0: it is never chosen."
            remedy = f"psu set link {link.name} -readpref=10 -writepref=10 -cachepref=10 -p2ppref=-1"
            yield Finding("psu.link-forbidden", Severity.WARNING, given.file, link.line, message, remedy, _SOURCE)
        yield from _nested_targets(given, unit, link)
        if link.section and link.section not in unit.partitions and link.section != "default":
            message = f"The link {link.name} names the partition {link.section}, which does not exist; default is used."
            yield Finding("psu.unknown-partition", Severity.WARNING, given.file, link.line, message, "Create it with pm create.", _SOURCE)
        if link.link_group and link.write > 0 and given.space_reservation is False:
            message = f"The write link {link.name} is in link group {link.link_group}, but space reservation is off: no write uses it."
            remedy = "Take it out of the link group, or set dcache.enable.space-reservation=true."
            yield Finding("psu.linkgroup-without-reservation", Severity.ERROR, given.file, link.line, message, remedy, _SOURCE)


def _nested_targets(given: SelectionInput, unit: PoolSelectionUnit, link: Link) -> Iterator[Finding]:
    for target in link.targets:
        group = unit.pool_groups.get(target) if target not in unit.pools else None
        if group is not None and group.nested:
            message = (
                f"Through {link.name} only the pools added to {group.name} itself are chosen, not those of {', '.join(group.nested)} in it."
            )
            remedy = f"Add the inner groups to the link {link.name} as well."
            yield Finding(
                "psu.nested-not-selected",
                Severity.NOTICE,
                given.file,
                link.line,
                message,
                remedy,
                "dCache PoolSelectionUnitV2.buildPreferenceLevels",
            )


def _reachable(given: SelectionInput, unit: PoolSelectionUnit) -> Iterator[Finding]:
    linked = {target for link in unit.links.values() for target in link.targets}
    open_groups = [name for name in linked if name in unit.pool_groups and name not in unit.pools]
    reached = {name for name in linked if name in unit.pools}
    seen: set[str] = set()
    while open_groups:
        name = open_groups.pop()
        if name not in seen:
            seen.add(name)
            reached |= unit.pool_groups[name].pools.keys()
            open_groups += unit.pool_groups[name].nested
    grouped: set[str] = set()
    for group in unit.pool_groups.values():
        grouped |= group.pools.keys()
        if group.name in seen:
            if not group.pools and not group.nested and not group.dynamic and group.name != "default":
                message = f"The pool group {group.name} has no pool."
                yield Finding("psu.pgroup-empty", Severity.WARNING, given.file, group.line, message, "Add pools to it.", _SOURCE)
            continue
        lost = [name for name, pool in group.pools.items() if name not in reached and pool.enabled]
        if lost:
            named = ", ".join(lost[:3]) + (", ..." if lost[3:] else "")
            message = f"No link leads to the pool group {group.name}: {len(lost)} of its pools are never chosen ({named})."
            remedy = "Add the group to a link."
            yield Finding("psu.pgroup-unreachable", Severity.WARNING, given.file, group.line, message, remedy, _SOURCE)
    by_tags = [group.tags for group in unit.pool_groups.values() if group.dynamic]
    for pool in unit.pools.values():
        if pool.name not in given.tags and by_tags:
            continue  # its tags are in the layout of another host
        if any(tags <= given.tags[pool.name] for tags in by_tags):
            continue
        if pool.name not in reached and pool.name not in grouped and pool.enabled:
            message = f"The pool {pool.name} is in no pool group and no link: it is never chosen."
            yield Finding("psu.pool-unreachable", Severity.WARNING, given.file, pool.line, message, "Add it to a pool group.", _SOURCE)


def _classes(given: SelectionInput, unit: PoolSelectionUnit) -> Iterator[Finding]:
    """Storage units, but for those of the areas, for which no transfer finds a pool."""
    used = {area.storage_class for area in given.areas}
    for one in unit.units.values():
        if one.name in used or one.kind != "store" or "*" in one.name or "@" not in one.name or unit.regex:
            continue
        readable = any(_some(unit, Direction.READ, one.name, net) for net in _NETS)
        writable = any(_some(unit, Direction.WRITE, one.name, net, group) for net in _NETS for group in ("", *unit.link_groups))
        if not readable or not writable:
            what = "read or written" if not readable and not writable else "read" if not readable else "written"
            message = f"Files of {one.name} cannot be {what}: no link with a pool matches."
            severity = Severity.WARNING if readable else Severity.ERROR
            remedy = "Add the unit to the unit group of a link with preferences and pools."
            yield Finding("psu.class-without-pools", severity, given.file, one.line, message, remedy, _SOURCE)
        elif given.tape_pools and not any(_some(unit, Direction.CACHE, one.name, net) for net in _NETS):
            taped = sorted(given.tape_pools & _written(unit, one.name))
            if taped:
                message = f"Files of {one.name} go to tape from {taped[0]}, but no link stages them: its cachepref is 0."
                remedy = "Set -cachepref=10 on a link of the unit that leads to pools with the tape store."
                yield Finding("psu.class-without-stage", Severity.ERROR, given.file, one.line, message, remedy, _SOURCE)


def _written(unit: PoolSelectionUnit, storage_class: str) -> set[str]:
    """The pools that a write of a storage class may choose."""
    found: set[str] = set()
    for group in ("", *unit.link_groups):
        try:
            found.update(pools_of(unit.select(Direction.WRITE, storage_class, _NETS[0], "http/1", link_group=group)))
        except SelectionError:
            continue
    return found


def _some(unit: PoolSelectionUnit, direction: Direction, storage_class: str, net: str, link_group: str = "") -> bool:
    try:
        for protocol in _protocols(unit):
            if any(level.pools or level.open for level in unit.select(direction, storage_class, net, protocol, link_group=link_group)):
                return True
    except SelectionError:
        return False
    return False


def _protocols(unit: PoolSelectionUnit) -> Sequence[str]:
    named = [one.name.replace("*", "1") for one in unit.units.values() if one.kind == "protocol" and not one.name.startswith("*")]
    return ["http/1", *named]


def _areas(given: SelectionInput, unit: PoolSelectionUnit) -> Iterator[Finding]:
    for area in given.areas:
        problems: dict[str, None] = {}
        for direction in (Direction.WRITE, Direction.READ, *([Direction.CACHE] if area.tape else [])):
            problems.update(dict.fromkeys(_area_problems(unit, area, direction)))
        for problem in problems:
            store, _at, hsm = area.storage_class.rpartition("@")
            remedy = f"Lead a link to pools; try `psu match -storageClass={store} -hsm={hsm} write {_NETS[0]} {area.protocols[0]}`."
            file, line = (area.file, area.line) if area.file else (given.file, 0)
            yield Finding("psu.area-without-pools", Severity.ERROR, file, line, f"Area {area.name}: {problem}", remedy, _SOURCE)


def _area_problems(unit: PoolSelectionUnit, area: AreaUse, direction: Direction) -> Iterator[str]:
    tried = [(protocol, net) for protocol in area.protocols for net in _NETS]
    empty = []
    for protocol, net in tried:
        try:
            levels = answer(unit, direction, area, net, protocol)
        except SelectionError as problem:
            yield f"{problem}."
            return
        if not any(level.pools or level.open for level in levels):
            empty.append(f"{protocol} over {'IPv6' if ':' in net else 'IPv4'}")
    if empty:
        how = "" if len(empty) == len(tried) else f" with {', '.join(empty)}"
        yield f"a {_TRANSFERS[direction]} of {area.storage_class}{how} finds no pool."


_TRANSFERS = {Direction.WRITE: "write", Direction.READ: "read", Direction.CACHE: "stage from tape", Direction.P2P: "copy between pools"}


def _staging(given: SelectionInput, unit: PoolSelectionUnit) -> Iterator[Finding]:
    if not (given.tape or any(area.tape for area in given.areas)) or STAGE_ALLOWED_BY_DEFAULT.covers(given.release):
        return
    if not any(partition.values.get("stage-allowed") == "yes" for partition in unit.partitions.values()):
        message = f"Staging from tape is off: the default of {given.release} is no (yes from {STAGE_ALLOWED_BY_DEFAULT.since()})."
        remedy = "pm set default -stage-allowed=yes"
        yield Finding("psu.stage-not-allowed", Severity.ERROR, given.file, 0, message, remedy, "dcache.md sections 1 and 4.2")


def _live(given: SelectionInput, unit: PoolSelectionUnit) -> Iterator[Finding]:
    if given.live is None:
        return
    live = PoolSelectionUnit(poolmanager_conf.parse(given.live))
    wanted, running = set(unit.dump()), set(live.dump())
    only_live = {row for row in running - wanted if row[0] != "pool"}
    missing = wanted - running
    if missing or only_live:
        example = " ".join(sorted(missing or only_live)[0])
        message = f"PoolManager runs with another configuration than the file ({len(missing | only_live)} differences, such as {example})."
        remedy = "Run `\\sp reload -yes`: the file only seeds ZooKeeper, a restart does not read it. Or `\\sp save` to keep the live state."
        yield Finding("psu.not-reloaded", Severity.WARNING, given.file, 0, message, remedy, _SOURCE)


def pools_of(levels: Iterable[Level]) -> tuple[str, ...]:
    """All pools of an answer, best first."""
    return tuple(dict.fromkeys(pool for level in levels for pool in level.pools))
