# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pool selection for areas: the commands that a PoolManager lacks, for its file and for its admin shell.

Nothing is ever removed. An area that is served by its pools already, in whatever way, gets no command; for others a storage unit, a unit
group, a pool group and one link are made. The link asks for the storage unit alone: a network or protocol unit that a site defines
elsewhere hides wider ones (dcache.md section 4.3), and must not take pools away from an area. With a space reservation there are two
links: one in the link group for writes, and one outside for all else, because links of link groups serve neither stages nor copies between
pools (dCache PoolSelectionUnitV2.match).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_release import (
    PRIMARY_POOL_GROUPS,
    STAGE_ALLOWED_BY_DEFAULT,
    Release,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.pool_selection import answer, pools_of
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.pool_selection_unit import (
    Direction,
    Link,
    PoolSelectionUnit,
    SelectionError,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import cell_commands, poolmanager_conf
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cell_commands import Command
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.poolmanager_conf import PoolManagerConf
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_qos import AreaQos

HEAD = ("Written by the Ansible collection escape.datalake. Lines added by hand stay.",)
NETS = ("192.0.2.1", "2001:db8::1")
ALLOWED = ("custodial", "replica", "nearline", "online", "output")
KIND_OF_RETENTION = {"CUSTODIAL": "custodial", "REPLICA": "replica"}
KIND_OF_LATENCY = {"NEARLINE": "nearline", "ONLINE": "online"}
DEFAULT_PARTITION = "default"
DEFAULT_GROUP = "default"
_SETTINGS = ("psu set link", "psu set storage unit", "pm set")  # commands whose options add to those of an earlier one


@dataclass(frozen=True)
class Missing:
    """commands: with the name of the area that needs them, in an order that can be run. notes: what a person should look at."""

    commands: tuple[tuple[str, Command], ...]
    notes: tuple[str, ...] = ()


@dataclass
class _State:
    """What a setup says, kept up while commands are added."""

    conf: PoolManagerConf
    unit: PoolSelectionUnit
    release: Release
    commands: list[tuple[str, Command]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    created: set[tuple[str, str]] = field(default_factory=set)

    def add(self, area: str, name: str, *words: str, **options: str) -> None:
        self.commands.append((area, Command(name, words, tuple((key, value) for key, value in options.items()))))

    def create(self, area: str, kind: str, name: str, known: Iterable[str], *words: str, **options: str) -> bool:
        """Makes an object unless it is there; whether it was made."""
        if name in known or (kind, name) in self.created:
            return False
        self.created.add((kind, name))
        self.add(area, f"psu create {kind}", name, *words, **options)
        return True


def missing(text: str, areas: Sequence[AreaQos], release: Release) -> Missing:
    """What a setup lacks so that every area is served by its pools.

    text: poolmanager.conf, or the output of ``psu dump setup`` with the settings of the partitions behind it (setup_of).
    """
    conf = poolmanager_conf.parse(text)
    state = _State(conf, PoolSelectionUnit(conf), release)
    # Pools that a setup does not name join `default` when they start; many a site leaves it at that.
    started = PoolSelectionUnit(conf, [pool.name for each in areas for pool in each.pools])
    for each in areas:
        before = len(state.commands)
        if not served(started, each):
            _serve(state, each)
            if len(state.commands) == before:
                state.notes.append(
                    f"Area {each.area.name}: links, groups and units are there, and still not all of its pools are chosen "
                    f"({', '.join(pool.name for pool in each.pools)}): are they enabled and writable, is `psu set regex` on?"
                )
        _guests(state, each)
        _copies(state, each)
        if each.reserved and not served_by_reservation(started, each):
            _link_group(state, each)
    _staging(state, areas)
    return Missing(tuple(state.commands), tuple(state.notes))


def served(unit: PoolSelectionUnit, each: AreaQos) -> bool:
    """Whether writes, reads and stages of an area may use all of its pools, from everywhere and through every door.

    A unit for everything (``*@*``) serves an area only where it leads to the area's pools and no others, and copies can be asked of the
    area's own unit alone.
    """
    wanted = {pool.name for pool in each.pools}
    own = each.unit in unit.units
    if each.area.copies > 1 and not own:
        return False
    directions = (Direction.WRITE, Direction.READ, *([Direction.CACHE] if each.tape else []))
    try:
        chosen = [
            set(pools_of(answer(unit, direction, each.use, net, protocol)))
            for direction in directions
            for protocol in each.protocols
            for net in NETS
        ]
    except SelectionError:
        return False
    return all(wanted <= found and (own or wanted == found) for found in chosen)


def served_by_reservation(unit: PoolSelectionUnit, each: AreaQos) -> bool:
    """Whether a link group of the area is there, may hold its kind of space, and leads to its pools."""
    group = unit.link_groups.get(each.link_group)
    return group is not None and all(group.allowed[kind] for kind in _kinds(each)) and served(unit, each)


def edited(text: str, lacking: Missing) -> str:
    """The file with the commands in it: settings changed where they stand, the rest at the end. An empty file is written anew."""
    if not text.strip():
        return _fresh(lacking)
    document = poolmanager_conf.parse(text)
    appended: list[Command] = []
    for _area, command in lacking.commands:
        number = _standing(document, command)
        if number:
            document = document.replace(number, _merged(dict(document.entries())[number], command))
        else:
            appended.append(command)
    return document.append(appended).render() if appended else document.render()


def setup_of(dump: str, partitions: str) -> str:
    """The live state as text of a poolmanager.conf, from the answers to ``psu dump setup`` and ``pm ls -l``."""
    lines = []
    name = ""
    for line in partitions.splitlines():
        if line.startswith(" "):
            if name and line.strip().startswith("-"):
                lines.append(f"pm set {name} {line.split()[0]}")
        elif line.rstrip().endswith(")"):
            name, _blank, kind = line.strip().rpartition(" ")
            lines.append(f"pm create -type={kind.strip('()')} {name}" if name != DEFAULT_PARTITION else f"pm set {name}")
        else:
            name = ""  # "Inherited by all partitions": what a partition does not say itself is the release's default
    return dump.rstrip("\n") + "\n" + "".join(line + "\n" for line in lines)


def spoken(command: Command) -> str:
    """The command as the admin shell and the file take it."""
    return cell_commands.write(command)


def _serve(state: _State, each: AreaQos) -> None:
    unit, area = state.unit, each.area.name
    state.create(area, "unit", each.unit, unit.units, store="")
    found = unit.units.get(each.unit)
    group = _group_of_its_own(unit, each) or each.group
    state.create(area, "ugroup", group, unit.unit_groups)
    if found is None or group not in found.groups:
        state.add(area, "psu addto ugroup", group, each.unit)
    pool_group = _pool_group(unit, each)
    primary = {("primary" if PRIMARY_POOL_GROUPS.covers(state.release) else "resilient"): ""} if each.area.copies > 1 else {}
    made = state.create(area, "pgroup", pool_group, unit.pool_groups, **primary)
    if not made and unit.pool_groups[pool_group].dynamic:
        state.notes.append(f"Area {area}: the pool group {pool_group} is dynamic; its pools join it by their tags.")
    for pool in each.pools:
        state.create(area, "pool", pool.name, unit.pools)
        if made or not (unit.pool_groups[pool_group].dynamic or pool.name in unit.pool_groups[pool_group].pools):
            state.add(area, "psu addto pgroup", pool_group, pool.name)
    for way in _ways(each):
        _link(state, each, way, group, pool_group)


@dataclass(frozen=True)
class _Way:
    """A link that an area needs. inside: in the link group of the area."""

    name: str
    read: int
    write: int
    cache: int
    inside: bool = False


def _ways(each: AreaQos) -> tuple[_Way, ...]:
    if not each.reserved:
        return (_Way(each.link, each.qos.read, each.qos.write, each.qos.cache),)
    return (_Way(each.link, each.qos.read, 0, each.qos.cache), _Way(each.write_link, 0, each.qos.write, 0, inside=True))


def _link(state: _State, each: AreaQos, way: _Way, group: str, pool_group: str) -> None:
    area = each.area.name
    found = _link_of_its_own(state.unit, each, way, group)
    name = found.name if found else way.name
    if found is None and name in state.unit.links:
        state.notes.append(f"Area {area}: a link {name} is there that does not ask for the unit group {group} alone; a second one is made.")
        name = f"{name}-2"
    state.create(area, "link", name, state.unit.links, group)
    wanted = {"readpref": way.read, "writepref": way.write, "cachepref": way.cache}
    have = {"readpref": found.read, "writepref": found.write, "cachepref": found.cache} if found else {}
    if any(value > 0 >= have.get(option, 0) for option, value in wanted.items()):
        kept = {option: str(max(value, have.get(option, 0))) for option, value in wanted.items()}
        state.add(area, "psu set link", name, **kept, p2ppref=str(found.p2p if found else -1))
    if found is None or pool_group not in found.targets:
        state.add(area, "psu addto link", name, pool_group)


def _group_of_its_own(unit: PoolSelectionUnit, each: AreaQos) -> str:
    """A unit group that holds the unit of an area and nothing else, made by hand or by an earlier run."""
    found = unit.units.get(each.unit)
    groups = [name for name in found.groups if unit.unit_groups[name].units == [each.unit]] if found else []
    return each.group if each.group in groups else next(iter(groups), "")


def _link_of_its_own(unit: PoolSelectionUnit, each: AreaQos, way: _Way, group: str) -> Link | None:
    """A link that asks for that unit group alone, and is or may come into the link group when the way leads through it."""
    alone = {link.name: link for link in unit.links.values() if link.unit_groups == (group,)}
    named = alone.get(way.name)
    if named is not None and named.link_group in (("", each.link_group) if way.inside else ("",)):
        return named
    others = (link for link in alone.values() if link.name not in (each.link, each.write_link))
    return next((link for link in others if link.link_group == (each.link_group if way.inside else "")), None)


def _pool_group(unit: PoolSelectionUnit, each: AreaQos) -> str:
    """The group that new pools join: our own, else one that holds pools of this area only."""
    if each.group in unit.pool_groups:
        return each.group
    mine = {pool.name for pool in each.pools}
    holding = [group.name for group in unit.pool_groups.values() if group.pools and group.pools.keys() <= mine]
    return holding[0] if holding else each.group


def _guests(state: _State, each: AreaQos) -> None:
    """Notes that other pools take writes of an area, or its pools other files: its capacity and class count on neither."""
    try:
        levels = answer(state.unit, Direction.WRITE, each.use, NETS[0], each.protocols[0]) if each.unit in state.unit.units else ()
    except SelectionError:
        return
    mine = {pool.name for pool in each.pools}
    others = sorted(set(pools_of(levels)) - mine)
    if others:
        more = f" and {len(others) - 5} more" if len(others) > 5 else ""
        state.notes.append(f"Area {each.area.name}: its writes may also go to {', '.join(others[:5])}{more}, which are not its pools.")
    default = state.unit.pool_groups.get(DEFAULT_GROUP)
    shared = sorted(mine & default.pools.keys()) if default and each.group in state.unit.pool_groups else []
    if shared:
        commands = " and ".join(f"`psu removefrom pgroup {DEFAULT_GROUP} {name}`" for name in shared[:3])
        state.notes.append(
            f"Area {each.area.name}: {len(shared)} of its pools are in the pool group {DEFAULT_GROUP} too, which takes pools that "
            f"were unknown when they started, so other files land on them: {commands}."
        )


def _copies(state: _State, each: AreaQos) -> None:
    """The number of copies is a property of the storage unit, for the qos services and resilience alike."""
    before = _last(state.conf, "psu set storage unit", each.unit)
    required = before.option("required") if before else None
    if each.area.copies == 1:
        if required not in (None, "1"):
            state.notes.append(f"Area {each.area.name}: {each.unit} keeps {required} copies, and the description promises one.")
        return
    options = {"required": str(each.area.copies)}
    if each.one_copy_per:
        options["onlyOneCopyPer"] = ",".join(each.one_copy_per)
    if before is None or any(before.option(name) != value for name, value in options.items()):
        state.add(each.area.name, "psu set storage unit", each.unit, **options)
    names = {link.name for link in state.unit.links.values() if each.unit in _units_of(state.unit, link)}
    for name in sorted({target for link in names for target in state.unit.links[link].targets} & state.unit.pool_groups.keys()):
        created = _last(state.conf, "psu create pgroup", name)
        if created and created.option("primary") is None and created.option("resilient") is None:
            state.notes.append(
                f"Area {each.area.name}: the pool group {name} was not made with -primary (-resilient before 7.1), and no command changes "
                "that: its files are not counted. Remove it and run again."
            )


def _units_of(unit: PoolSelectionUnit, link: Link) -> set[str]:
    return {name for group in link.unit_groups for name in unit.unit_groups[group].units}


def _kinds(each: AreaQos) -> set[str]:
    """What its link group must allow."""
    return {KIND_OF_RETENTION[each.qos.retention_policy], KIND_OF_LATENCY[each.qos.access_latency]}


def _link_group(state: _State, each: AreaQos) -> None:
    unit, area, name = state.unit, each.area.name, each.link_group
    made = state.create(area, "linkGroup", name, unit.link_groups)
    wanted = _kinds(each)
    allowed = PoolSelectionUnit(poolmanager_conf.parse(f"psu create linkGroup {name}\n")).link_groups[name].allowed
    if not made:
        allowed = unit.link_groups[name].allowed
    for kind in ALLOWED:
        # A link group that is there may allow more: others may have reserved in it.
        if allowed[kind] != (kind in wanted) and (made or kind in wanted):
            state.add(area, f"psu set linkGroup {kind}Allowed", name, "true" if kind in wanted else "false")
    group = _group_of_its_own(unit, each) or each.group
    inside = next(way for way in _ways(each) if way.inside)
    found = _link_of_its_own(unit, each, inside, group)
    if found is None or found.link_group != name:
        made_now = [command.arguments[0] for at, command in state.commands if at == area and command.name == "psu create link"]
        state.add(area, "psu addto linkGroup", name, found.name if found else made_now[-1] if made_now else inside.name)


def _staging(state: _State, areas: Sequence[AreaQos]) -> None:
    """Stages must be allowed in the partition of every link that leads to tape pools."""
    for each in areas:
        if not each.tape:
            continue
        sections = {
            link.section or DEFAULT_PARTITION
            for link in state.unit.links.values()
            if link.cache > 0 and each.unit in _units_of(state.unit, link)
        } or {DEFAULT_PARTITION}
        for name in sorted(sections):
            partition = state.unit.partitions.get(name)
            value = partition.values.get("stage-allowed") if partition else None
            allowed = value == "yes" if value is not None else STAGE_ALLOWED_BY_DEFAULT.covers(state.release)
            if not allowed and ("partition", name) not in state.created:
                state.created.add(("partition", name))
                state.add(each.area.name, "pm set", name, **{"stage-allowed": "yes"})


def _last(conf: PoolManagerConf, name: str, first: str) -> Command | None:
    found = [command for _number, command in conf.entries() if command.name == name and command.arguments[:1] == (first,)]
    return found[-1] if found else None


def _standing(document: PoolManagerConf, command: Command) -> int:
    """The number of the line that says the same setting, 0 when there is none."""
    if command.name not in _SETTINGS and not command.name.startswith("psu set linkGroup"):
        return 0
    numbers = [
        number
        for number, one in document.entries()
        if one.name == command.name and (one.arguments[:1] or (DEFAULT_PARTITION,)) == command.arguments[:1]
    ]
    return numbers[-1] if numbers else 0


def _merged(before: Command, command: Command) -> Command:
    if command.name.startswith("psu set linkGroup"):
        return command
    given = dict(command.options)
    options = [(name, given.pop(name, value)) for name, value in before.options]
    return Command(before.name, before.arguments, (*options, *given.items()))


def _fresh(lacking: Missing) -> str:
    lines = [f"# {line}" for line in HEAD]
    area = ""
    for name, command in lacking.commands:
        if name != area:
            lines += ["", f"# Area {name}"]
            area = name
        lines.append(spoken(command))
    lines += ["", "# What links use that name no partition", f"pm create -type=wass {DEFAULT_PARTITION}"]
    lines = [line for line in lines if not line.startswith("pm set")] + [line for line in lines if line.startswith("pm set")]
    return "\n".join(lines) + "\n"
