# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what a running dCache answers to the changes that its areas need: commands, reservations, tags, policies, QoS of files."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_release import Release
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.pool_selection_unit import PoolSelectionUnit
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import directory_tags, poolmanager_conf
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cell_commands import Command
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cell_commands import write as spoken
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.dcache_args import quoted
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.pool_setup import NearlineStorage, nearline_command
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.qos_policy import Policy
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import Change
from ansible_collections.escape.datalake.plugins.plugin_utils.systems import dcache_qos_selection as selection
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_qos import AreaQos
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_qos_files import holds

POOL_MANAGER = "PoolManager"
NEW_TOKEN = "of the new reservation"
# Stages of a plan: each needs what the earlier ones made. Commands of one area follow one another.
RELOAD, COMMANDS, SAVE, IMPORT, RESERVE, TAGS, FILES = -1, 0, 10_000, 20_000, 30_000, 40_000, 90_000
_SPACE = re.compile(
    r"\s*(?P<token>\d+)\s+(?P<group>\S+)\s+(?P<rp>REPLICA|CUSTODIAL|OUTPUT)\s+(?P<al>ONLINE|NEARLINE)\s+"
    r"\d+\s*\+\s*\d+\s*\+\s*-?\d+\s*=\s*(?P<size>\d+)\s*(?P<description>.*?)\s*\Z"
)
_STORE = re.compile(r"(?P<instance>\S+)\((?P<kind>[^()\s]+)\):(?P<provider>\S+)\s*\Z")
_OPTION = re.compile(r"   (\S+)\s+(\S.*)\Z")


@dataclass(frozen=True)
class Space:
    """A space reservation. size: bytes."""

    token: str
    link_group: str
    retention_policy: str
    access_latency: str
    size: int
    description: str


@dataclass(frozen=True)
class FileQos:
    """A file and its quality of service. target: of a transition under way."""

    path: str
    qos: str
    target: str = ""
    policy: str = ""
    policy_state: int = 0


@dataclass(frozen=True)
class WantedQos:
    """What files should have: a class, or a policy with the number of its state."""

    paths: tuple[str, ...]
    qos: str = ""
    policy: str = ""
    policy_state: int = 0

    @property
    def label(self) -> str:
        return f"policy {self.policy} state {self.policy_state}" if self.policy else self.qos

    @property
    def arguments(self) -> dict[str, str]:
        """Of the bulk request."""
        return {"qosPolicy": self.policy, "qosState": str(self.policy_state)} if self.policy else {"targetQos": self.qos}


@dataclass(frozen=True)
class Live:
    """What was read; None where nobody asked. setup: as text of a poolmanager.conf. tags: by directory, None for one that is not there."""

    setup: str | None = None
    file: str | None = None
    spaces: tuple[Space, ...] | None = None
    stores: Mapping[str, tuple[NearlineStorage, ...]] = field(default_factory=dict)
    tags: Mapping[str, Mapping[str, str] | None] | None = None
    policies: Mapping[str, Policy | None] | None = None


@dataclass(frozen=True)
class Wishes:
    """What is asked for beside the areas. save: write live changes to the setup files. reload: take poolmanager.conf first.

    owner (``UID:GID``) and mode: of directories that are made.
    """

    hsm: NearlineStorage | None = None
    policies: tuple[Policy, ...] = ()
    save: bool = False
    reload: bool = False
    owner: str = ""
    mode: str = ""


@dataclass
class Planned:
    """changes: in no order but their stages'. refused: changes that cannot be made, with the reason. notes: for a person."""

    changes: list[Change] = field(default_factory=list)
    refused: list[tuple[Change, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def plan(areas: Sequence[AreaQos], release: Release, live: Live, wishes: Wishes) -> Planned:
    """All changes but those of files."""
    planned = Planned()
    if live.policies is not None:
        _policies(planned, wishes.policies, live.policies)
    if live.setup is not None:
        _selection(planned, areas, release, live, wishes)
        _stores(planned, areas, live, wishes)
    if live.spaces is not None:
        _spaces(planned, areas, live.spaces)
    if live.tags is not None:
        _tags(planned, areas, live, wishes)
    return planned


def spaces_of(text: str) -> tuple[Space, ...]:
    """From the answer to ``ls spaces`` of SrmSpaceManager."""
    found = (_SPACE.match(line) for line in text.splitlines())
    return tuple(Space(one["token"], one["group"], one["rp"], one["al"], int(one["size"]), one["description"]) for one in found if one)


def stores_of(text: str) -> tuple[NearlineStorage, ...]:
    """From the answer to ``hsm ls`` of a pool."""
    found: list[NearlineStorage] = []
    for line in text.splitlines():
        head, option = _STORE.match(line), _OPTION.match(line)
        if head:
            found.append(NearlineStorage(head["kind"], head["instance"], head["provider"], ()))
        elif option and found:
            last = found[-1]
            value = "" if option[2] == "<set>" else option[2].rstrip()
            found[-1] = NearlineStorage(last.kind, last.instance, last.provider, (*last.options, (option[1], value)))
    return tuple(found)


def space_of(area: AreaQos, spaces: Iterable[Space]) -> Space | None:
    """The reservation of an area, by its description."""
    return next((space for space in spaces if space.description == area.reservation), None)


def differs_from_file(live: str, file: str, areas: str = "") -> bool:
    """Whether PoolManager runs with something else than its file says. areas: the file with what areas add to it live.

    Pools that the file does not name joined `default` when they started.
    """
    running, written = PoolSelectionUnit(poolmanager_conf.parse(live)), PoolSelectionUnit(poolmanager_conf.parse(file))
    default = running.pool_groups.get("default")
    if default is not None:
        default.pools = {name: pool for name, pool in default.pools.items() if name in written.pools}
    return _decisive(running) != _decisive(PoolSelectionUnit(poolmanager_conf.parse(areas)) if areas else written)


def _decisive(unit: PoolSelectionUnit) -> set[tuple[str, ...]]:
    settings = {("partition", name, option, value) for name, one in unit.partitions.items() for option, value in one.values.items()}
    return {row for row in unit.dump() if row[0] != "pool"} | settings


def _selection(planned: Planned, areas: Sequence[AreaQos], release: Release, live: Live, wishes: Wishes) -> None:
    base = live.setup or ""
    if wishes.reload and live.file is not None:
        # What the areas add live is lost by a reload and added again: it is no reason for one.
        with_areas = selection.edited(live.file, selection.missing(live.file, areas, release))
        if differs_from_file(base, live.file, with_areas):
            planned.changes.append(Change(POOL_MANAGER, "setup", "update", "reload -yes", "live state", "the file", RELOAD))
            base = live.file
    lacking = selection.missing(base, areas, release)
    planned.notes += lacking.notes
    steps: dict[str, int] = {}
    for area, command in lacking.commands:
        steps[area] = steps.get(area, COMMANDS) + 1
        text = spoken(command)
        planned.changes.append(Change(f"area {area}", "command", "create", text, after=f"\\sp {text}", stage=steps[area]))
    if wishes.save and live.file is not None and (lacking.commands or selection.missing(live.file, areas, release).commands):
        planned.changes.append(Change(POOL_MANAGER, "setup file", "update", "save", "without the areas", "with the areas", SAVE))


def _stores(planned: Planned, areas: Sequence[AreaQos], live: Live, wishes: Wishes) -> None:
    hsm = wishes.hsm
    names = [pool.name for each in areas for pool in each.pools if pool.tape]
    for pool, found in live.stores.items():
        if hsm is None or pool not in names:
            continue
        command = None
        before = next((store for store in found if store.instance == hsm.instance), None)
        if before is None:
            command = nearline_command(hsm)
        elif (before.kind, before.provider) != (hsm.kind, hsm.provider):
            change = Change(f"pool {pool}", "hsm", "update", hsm.instance, before.provider, hsm.provider)
            reason = f"it is a {before.provider} store of type {before.kind}, which no command changes: remove it by hand first"
            planned.refused.append((change, reason))
        elif not holds(before, hsm):
            missing = tuple((name, value) for name, value in hsm.options if dict(before.options).get(name) != value)
            command = Command("hsm set", (hsm.instance,), missing)
        if command is not None:
            text = spoken(command)
            planned.changes.append(Change(f"pool {pool}", "command", "create", text, after=f"\\s {pool} {text}", stage=COMMANDS))
            if wishes.save:
                planned.changes.append(Change(f"pool {pool}", "command", "create", "save", after=f"\\s {pool} save", stage=SAVE))


def _spaces(planned: Planned, areas: Sequence[AreaQos], spaces: Sequence[Space]) -> None:
    for each in areas:
        if not each.reserved:
            continue
        subject, found = f"area {each.area.name}", space_of(each, spaces)
        if found is None:
            planned.changes.append(Change(subject, "reservation", "create", each.reservation, after=each.area.capacity, stage=RESERVE))
            continue
        if found.size != each.area.capacity:
            change = Change(subject, "reservation", "update", each.reservation, found.size, each.area.capacity, RESERVE)
            planned.changes.append(change)
        kinds = (found.link_group, found.retention_policy, found.access_latency)
        if kinds != (each.link_group, each.qos.retention_policy, each.qos.access_latency):
            says = f"{found.access_latency} {found.retention_policy} in {found.link_group}"
            planned.notes.append(
                f"Area {each.area.name}: reservation {found.token} ({each.reservation}) is {says}, and cannot be changed: release it, when "
                "its files may lose it, and run again."
            )
    if any(change.kind == "reservation" and change.verb == "create" for change in planned.changes):
        # The link groups are taken from PoolManager every few minutes; a reservation must not wait for that.
        planned.changes.append(Change("SrmSpaceManager", "link groups", "update", "", "as imported last", "imported now", IMPORT))


def _tags(planned: Planned, areas: Sequence[AreaQos], live: Live, wishes: Wishes) -> None:
    tags = live.tags or {}
    made: set[str] = set()
    for each in areas:
        subject, path = f"area {each.area.name}", each.area.path
        new = [directory for directory in _parents(path) if tags.get(directory) is None and directory not in made]
        made.update(new)
        if new:
            planned.changes.append(Change(subject, "directory", "create", path, after=new, stage=TAGS))
        found = tags.get(path) or {}
        before: dict[str, str] = {}
        after: dict[str, str] = {}
        for name, text in directory_tags.render(each.tags(_token(each, live))).items():
            old = found.get(name, "")
            if old.strip() == text.strip():
                continue
            if name == "OSMTemplate" and _other_lines(old):
                _template(planned, each, old)
                continue
            after[name] = text.strip()
            before |= {name: old.strip()} if name in found else {}
        if after:
            planned.changes.append(Change(subject, "tags", "update" if before else "create", path, before, after, TAGS + 1))


def _template(planned: Planned, each: AreaQos, text: str) -> None:
    """A template with more lines than StoreName is right as it is, or a matter for a person."""
    store = directory_tags.store_name(directory_tags.parse_template(text))
    if store != each.store:
        change = Change(f"area {each.area.name}", "tag", "update", "OSMTemplate", store, each.store, TAGS + 1)
        planned.refused.append((change, "the template has more lines, which one command cannot write: set StoreName by hand"))


def making_commands(directories: Iterable[str], wishes: Wishes) -> list[str]:
    """For the chimera shell, to make directories."""
    commands: list[str] = []
    for path in directories:
        commands.append(f"mkdir {quoted(path)}")
        commands += [f"chown {wishes.owner} {quoted(path)}"] if wishes.owner else []
        commands += [f"chmod {wishes.mode} {quoted(path)}"] if wishes.mode else []
    return commands


def tag_commands(path: str, tags: Mapping[str, str]) -> list[str]:
    """For the chimera shell, to write tags."""
    return [f"writetag {quoted(path)} {quoted(name)} {quoted(value)}" for name, value in tags.items()]


def reservation_command(each: AreaQos) -> str:
    """For the cell SrmSpaceManager."""
    kinds = f"-al={each.qos.access_latency.lower()} -rp={each.qos.retention_policy.lower()}"
    return f"reserve space {kinds} -lg={each.link_group} -desc={each.reservation} {each.area.capacity}"


def _token(each: AreaQos, live: Live) -> str:
    if not each.reserved or live.spaces is None:
        return ""
    found = space_of(each, live.spaces)
    return found.token if found else NEW_TOKEN


def _other_lines(text: str) -> bool:
    return any(line.key != "StoreName" for _number, line in directory_tags.parse_template(text).entries())


def _parents(path: str) -> Iterator[str]:
    """The directory and those above it, from the top."""
    above = posixpath.dirname(path)
    if above != "/":
        yield from _parents(above)
    yield path


def directories(areas: Sequence[AreaQos]) -> tuple[str, ...]:
    """Whose tags must be read: the areas and what is above them."""
    return tuple(dict.fromkeys(directory for each in areas for directory in _parents(each.area.path)))


def _policies(planned: Planned, wanted: Sequence[Policy], found: Mapping[str, Policy | None]) -> None:
    for policy in wanted:
        change = Change(f"policy {policy.name}", "policy", "create", after=f"{len(policy.states)} states", stage=COMMANDS)
        if policy.name not in found:
            planned.changes.append(change)
        elif found[policy.name] != policy:
            planned.refused.append(
                (change, "a policy of this name says something else, and policies cannot be changed: give it a new name")
            )


def file_changes(wanted: Sequence[WantedQos], found: Mapping[str, FileQos | None]) -> Planned:
    """Changes of the quality of service of files: one for each class or policy. found: by path, None for what is not there."""
    planned = Planned()
    for wish in wanted:
        todo, before = [], set()
        for path in wish.paths:
            file = found.get(path)
            if file is None:
                change = Change(path, "qos", "update", "", None, wish.label, FILES)
                planned.refused.append((change, "there is no file of this name"))
            elif not _has(file, wish):
                todo.append(path)
                before.add(f"policy {file.policy} state {file.policy_state}" if wish.policy and file.policy else file.qos)
        if todo:
            planned.changes.append(
                Change(f"{len(todo)} files to {wish.label}", "qos", "update", "", sorted(before), {**wish.arguments, "paths": todo}, FILES)
            )
    return planned


def _has(file: FileQos, wish: WantedQos) -> bool:
    if wish.policy:
        return (file.policy, file.policy_state) == (wish.policy, wish.policy_state)
    return (file.target or file.qos) == wish.qos


def file_qos(path: str, info: Mapping[str, Any]) -> FileQos:
    """From the answer of the frontend to GET /namespace/PATH."""
    state = info.get("qosState")
    return FileQos(
        path,
        str(info.get("currentQos", "")),
        str(info.get("targetQos") or ""),
        str(info.get("qosPolicy") or ""),
        int(state) if state is not None else 0,
    )
