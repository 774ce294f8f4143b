# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files that say quality of service: poolmanager.conf, LinkGroupAuthorization.conf, pool ``setup`` files, tape discovery document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_host import POOLMANAGER_SETUP
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_release import Release
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import linkgroup_authorization, pool_setup, tape_wellknown
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cell_commands import Command
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.linkgroup_authorization import MemberLine, Record
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.pool_setup import NearlineStorage, nearline_command
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.tape_wellknown import Endpoint
from ansible_collections.escape.datalake.plugins.plugin_utils.systems import dcache_qos_selection as selection
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_pools import Pool
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_qos import AreaQos, Options

LINK_GROUPS = "/etc/dcache/LinkGroupAuthorization.conf"
EXAMPLE_HOST = "example.org"


@dataclass(frozen=True)
class Paths:
    """Where the files of a dCache are (``poolmanager.setup.file``, ``spacemanager.authz.link-group-file-name``, ...)."""

    pool_manager: str = POOLMANAGER_SETUP
    link_groups: str = LINK_GROUPS
    wellknown: str = tape_wellknown.SHIPPED_PATH


@dataclass(frozen=True)
class QosFiles:
    """files: the text of every file as it should be, by path, also of those that are right already. notes: for a person."""

    files: Mapping[str, str]
    notes: tuple[str, ...] = ()


def head_files(
    areas: Sequence[AreaQos], options: Options, release: Release, found: Mapping[str, str], sitename: str, paths: Paths | None = None
) -> QosFiles:
    """The files of the hosts that run poolmanager, spacemanager and frontend. found: text of those that are there, by path."""
    paths = paths or Paths()
    text = found.get(paths.pool_manager, "")
    lacking = selection.missing(text, areas, release)
    files = {paths.pool_manager: selection.edited(text, lacking)}
    if any(each.reserved for each in areas):
        files[paths.link_groups] = link_groups(areas, found.get(paths.link_groups, ""))
    if options.tape_api and any(each.tape for each in areas):
        files[paths.wellknown] = wellknown(found.get(paths.wellknown, ""), options.tape_api, sitename)
    return QosFiles(files, lacking.notes)


def setup_files(areas: Sequence[AreaQos], options: Options, host: str, found: Mapping[str, str]) -> dict[str, str]:
    """``setup`` of the pools of one host, by path; of pools that have nothing to say there and no file yet, none."""
    texts = {
        pool.setup_path: setup(found.get(pool.setup_path, ""), pool, options.hsm)
        for each in areas
        for pool in each.pools
        if pool.host == host
    }
    return {path: text for path, text in texts.items() if text}


def setup(text: str, pool: Pool, hsm: NearlineStorage | None) -> str:
    """The setup of a pool: how it reaches the tape, and no other size than the layout's, which a ``set max diskspace`` would hide."""
    document = pool_setup.parse(text)
    for number, command in document.entries():
        if command.name == "set max diskspace" and pool.size is not None:
            document = document.replace(number, Command(command.name, (str(pool.size),)))
    if not (pool.tape and hsm):
        return document.render()
    command = nearline_command(hsm)
    standing = [each for each in pool_setup.nearline_storages(document) if each.instance == hsm.instance]
    if not standing:
        return document.append([command]).render() if text.strip() else pool_setup.render([command], selection.HEAD)
    if not holds(standing[-1], hsm):
        document = document.replace(standing[-1].line, nearline_command(extended(standing[-1], hsm)))
    return document.render()


def holds(found: NearlineStorage, wanted: NearlineStorage) -> bool:
    """Whether a store that is there has the kind, provider and options that are wanted; it may have more options."""
    same = (found.kind, found.instance, found.provider) == (wanted.kind, wanted.instance, wanted.provider)
    return same and dict(wanted.options).items() <= dict(found.options).items()


def extended(found: NearlineStorage, wanted: NearlineStorage) -> NearlineStorage:
    """What is wanted, with the options that only the store that is there has."""
    return NearlineStorage(wanted.kind, wanted.instance, wanted.provider, tuple({**dict(found.options), **dict(wanted.options)}.items()))


def link_groups(areas: Sequence[AreaQos], text: str) -> str:
    """Who may reserve: records of the areas added, members of records that are there added."""
    for each in areas:
        if each.reserved:
            text = _with_record(text, each.link_group, each.reservers)
    return text


def _with_record(text: str, name: str, members: Sequence[str]) -> str:
    document = linkgroup_authorization.parse(text)
    record = next((one for one in reversed(linkgroup_authorization.records(document)) if one.name == name), None)
    if record is None:
        gap = "" if not text or text.endswith("\n\n") else "\n" if text.endswith("\n") else "\n\n"
        return text + gap + linkgroup_authorization.render([Record(name, tuple(members))], () if text.strip() else selection.HEAD)
    absent = [member for member in members if member not in record.members]
    if not absent:
        return text
    after = max(
        [record.line, *(number for number, _entry in document.entries() if record.line < number <= record.line + len(record.members))]
    )
    return document.insert(after + 1, [MemberLine(member) for member in absent]).render()


def wellknown(text: str, frontend: str, sitename: str) -> str:
    """The discovery document of the tape API; one that names this end point already is not touched, the shipped example is replaced."""
    wanted = Endpoint(f"{frontend.rstrip('/')}/api/v1/tape")
    document = tape_wellknown.parse(text)
    found = tape_wellknown.endpoints(document) if text.strip() and not document.problem else ()
    example = any((urlsplit(one.uri).hostname or "").endswith(EXAMPLE_HOST) for one in found)
    if wanted in found and not example and not tape_wellknown.problems(document):
        return text
    kept = tuple(one for one in found if one != wanted and not (urlsplit(one.uri).hostname or "").endswith(EXAMPLE_HOST))
    return tape_wellknown.render(sitename, f"Tape REST API of {sitename}", (wanted, *kept))
