# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An EOS instance as a site description, and which QoS its spaces offer.

Files of a head node tell doors and issuers. Spaces, directories and quotas are in no file: they are read from what the console answered to
eos_answers.survey_questions(), kept as ANSWERS (docs/eos.md).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.adopt import naming
from ansible_collections.escape.datalake.plugins.plugin_utils.adopt.adopted import Adopted
from ansible_collections.escape.datalake.plugins.plugin_utils.adopt.survey import Offer, Survey
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import eos as checks
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.xrootd import Facts, Server, protocol_of
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import eos_answers, scitokens_cfg
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.eos_answers import Directory, Instance
from ansible_collections.escape.datalake.plugins.plugin_utils.model import paths, qos
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.eos_instance import PARITY

ANSWERS = "var/eos/datalake-answers.txt"
MAIN = checks.MGM.lstrip("/")
ACCOUNTS = "etc/sysusers.d/datalake-eos.conf"
_ACCOUNT = re.compile(r"u (\S+) (\d+):(\d+) ")


def adopt(files: Mapping[str, str], release: str, hostname: str) -> Adopted:
    """The description of the instance whose head node the files are of."""
    server = _server(files)
    if server is None:
        return Adopted({"system": "eos"}, notes=(f"{MAIN}: is not there: read the head node of the instance.",))
    notes: list[str] = []
    name = server.last("mgmofs.instance")
    site = server.last("all.sitename")
    instance, told = _instance(files)
    notes += told
    issuers, accounts = _issuers(files, notes)
    areas, placements = _areas(instance, notes)
    label = naming.label(site.args[0]) if site and site.args else naming.site_named(hostname)
    storage: dict[str, Any] = {
        "name": naming.storage_name(label, name.args[0] if name and name.args else "eos"),
        "site": label,
        "system": "eos",
        **({"release": release} if release else {}),
        "issuers": list(issuers),
        "doors": _doors(server, hostname),
        "areas": areas,
    }
    bases = {base for _name, base in _sections(files) if base}
    if len(bases) == 1:
        storage["base_path"] = bases.pop()
    elif areas:
        storage["base_path"] = paths.common_parent([area["path"] for area in areas])
    variables: dict[str, Any] = {"eos_placements": placements}
    if accounts:
        variables["eos_accounts"] = accounts
    if not release:
        notes.append("release: no package told it.")
    return Adopted(storage, issuers, variables, tuple(notes))


def survey(files: Mapping[str, str], release: str, hostname: str) -> Survey:
    """One offer for each space that has disks, with the layouts that directories force there."""
    server = _server(files)
    instance, notes = _instance(files)
    offers = tuple(_offer(space, instance) for space in sorted({each.space for each in instance.file_systems}))
    doors = tuple(f"{door['scheme']}://{door['host']}:{door['port']}" for door in _doors(server, hostname)) if server else ()
    issuers, _accounts = _issuers(files, [])
    return Survey("eos", release, hostname, offers, doors, tuple(each["url"] for each in issuers.values()), tuple(notes))


def _server(files: Mapping[str, str]) -> Server | None:
    return Server(checks.MGM, {checks.MGM: files[MAIN]}, Facts(), None) if MAIN in files else None


def _instance(files: Mapping[str, str]) -> tuple[Instance, list[str]]:
    if ANSWERS not in files:
        return Instance(), [f"{ANSWERS}: is not there, so spaces, directories and quotas are not known (see docs/eos.md)."]
    try:
        return eos_answers.read_survey(files[ANSWERS]), []
    except eos_answers.AnswerError as error:
        return Instance(), [f"{ANSWERS}: {error}"]


def _doors(server: Server, hostname: str) -> list[dict[str, Any]]:
    root = server.last("xrd.port")
    doors: list[dict[str, Any]] = [
        {"scheme": "davs", "host": hostname, "port": int(port)} for each in server.http if (port := protocol_of(each)[1]).isdigit()
    ]
    port = root.args[0] if root and root.args[:1] != ("tls",) and root.args else "1094"
    return [*doors, {"scheme": "root", "host": hostname, "port": int(port) if port.isdigit() else 1094}]


def _sections(files: Mapping[str, str]) -> list[tuple[str, str]]:
    """Issuers of scitokens.cfg by the names of their sections, with their base paths."""
    document = scitokens_cfg.parse(files.get(checks.TOKENS.lstrip("/"), ""))
    sections = dict.fromkeys(section.name for section in document.sections if section.kind == "issuer")
    return [(name, document.get(name, "base_path") or "") for name in sections if document.get(name, "issuer")]


def _issuers(files: Mapping[str, str], notes: list[str]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Entries of the lake's issuers, and the local users that their tokens become."""
    file = checks.TOKENS.lstrip("/")
    document = scitokens_cfg.parse(files.get(file, ""))
    numbers = {found[1]: (int(found[2]), int(found[3])) for found in _ACCOUNT.finditer(files.get(ACCOUNTS, ""))}
    issuers: dict[str, Any] = {}
    accounts: list[dict[str, Any]] = []
    for section, _base in _sections(files):
        name = naming.label(section.partition(" ")[2].lower(), "issuer")
        issuers[name] = naming.issuer_entry(document.get(section, "issuer") or "")
        user = document.get(section, "default_user")
        key = document.key(section, "default_user")
        if user and user in numbers:
            accounts.append({"issuer": name, "user": user, "uid": numbers[user][0], "gid": numbers[user][1]})
        elif user and key:
            notes.append(f"{file}:{key.line}: uid and gid of {user} are needed in eos_accounts: ask the head node (id {user}).")
        if document.get(section, "name_mapfile"):
            told = f"{file}: [{section}] maps tokens by {document.get(section, 'name_mapfile')}: write its groups into eos_accounts."
            notes.append(told)
    return issuers, accounts


def _areas(instance: Instance, notes: list[str]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Directories that have a class: those that force a space. The medium of a space is in its name, or nowhere."""
    areas: list[dict[str, Any]] = []
    placements: dict[str, Any] = {}
    for path, directory in sorted(instance.directories.items()):
        space = directory.attributes.get("sys.forced.space")
        if space is None:
            continue
        name = naming.area_name(path, [area["name"] for area in areas])
        layout, stripes = _layout(directory)
        placements[name] = {"space": space, "layout": layout, "stripes": stripes}
        medium = naming.medium_named([space])
        facts = _facts(layout, stripes)
        area: dict[str, Any] = {"name": name, "path": path}
        known = qos.Facts(medium, facts.get("copies", 1), facts.get("redundancy", "none")) if medium else None
        label = naming.class_of(name, known, [space])
        if label:
            area["qos"] = label
        size = instance.quotas.get(path)
        if size:
            area["capacity"] = size * (stripes - PARITY[layout]) // stripes if layout in PARITY else size // max(facts.get("copies", 1), 1)
        else:
            notes.append(f"{path}: no project quota (gid 99) tells the capacity.")
        if medium:
            area["media"] = medium
        else:
            notes.append(f"{path}: nothing tells what the disks of space {space} are: add media, and with it qos.")
        areas.append({**area, **facts})
    return areas, placements


def _layout(directory: Directory) -> tuple[str, int]:
    stripes = directory.attributes.get("sys.forced.nstripes", "1")
    return directory.attributes.get("sys.forced.layout", "plain"), int(stripes) if stripes.isdigit() else 1


def _facts(layout: str, stripes: int) -> dict[str, Any]:
    if layout == "replica" and stripes > 1:
        return {"copies": stripes, "redundancy": "replica"}
    return {"redundancy": "ec-servers"} if layout in PARITY else {}


def _offer(space: str, instance: Instance) -> Offer:
    disks = [each for each in instance.file_systems if each.space == space]
    here = {path: each for path, each in instance.directories.items() if each.attributes.get("sys.forced.space") == space}
    layouts = {_layout(each) for each in here.values()}
    facts = _facts(*layouts.pop()) if len(layouts) == 1 else {}
    return Offer(
        space,
        "space",
        ANSWERS,
        tuple(sorted(here)),
        naming.medium_named([space]),
        facts.get("copies"),
        facts.get("redundancy"),
        sum(each.capacity for each in disks) or None,
        tuple(f"{each.host}:{each.path}" for each in disks),
        notes=("Directories force several layouts here.",) if len(layouts) > 1 else (),
    )
