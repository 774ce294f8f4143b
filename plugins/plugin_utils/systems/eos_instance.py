# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an EOS instance must be told so that it serves a storage as described: spaces, disks, directories, quotas, identities.

A QoS class is a space (the hardware) and a layout, forced on the area's directory by attributes. Layouts are those of
common/LayoutId.hh; the order of attributes over space policies is that of doc/diopside/manual/interfaces.rst.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from ansible_collections.escape.datalake.plugins.plugin_utils.formats.eos_answers import Directory, FileSystem, Instance
from ansible_collections.escape.datalake.plugins.plugin_utils.model.derive import area_access
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Area, Issuer, Storage

INHERIT = 0o2000  # without it, new directories do not get the attributes of theirs
OTHERS = 0o007
PARITY = {"raiddp": 2, "raid5": 1, "raid6": 2, "qrain": 4, "archive": 3}  # stripes that hold no data
LAYOUTS = ("plain", "replica", *PARITY)
ERASURE_STRIPES = 6  # 4+2
BLOCK_SIZE = {"plain": "4k", "replica": "4k"}
RIGHTS = {"read": "rx", "write": "rwx"}
SAME = {"adler32": "adler"}


@dataclass(frozen=True)
class Account:
    """A local user that tokens of an issuer become. group: only tokens of this group; None: all others.

    uid, gid: as the MGM's host knows them. subject: a person's ``sub`` at the issuer, for OAuth2 only.
    """

    issuer: str
    user: str
    uid: int
    gid: int
    group: str | None = None
    subject: str | None = None


@dataclass(frozen=True)
class Placement:
    """Where and how an area's files are kept. None: derived from the area."""

    space: str | None = None
    layout: str | None = None
    stripes: int | None = None


@dataclass(frozen=True)
class Disk:
    """A file system of a storage node. status: what it is registered with."""

    uuid: str
    host: str
    path: str
    space: str
    port: int = 1095
    status: str = "rw"


@dataclass(frozen=True)
class Wanted:
    """What is said about the instance beside the description.

    placements: by area. group_size, groups: of new spaces, by space (disks of a group, number of groups). settings: more settings of
    spaces, with their keys as ``space status`` shows them. oauth2: tokens are also taken from clients that endorse them over sss.
    """

    accounts: tuple[Account, ...] = ()
    placements: Mapping[str, Placement] = field(default_factory=dict)
    disks: tuple[Disk, ...] = ()
    group_size: Mapping[str, int] = field(default_factory=dict)
    groups: Mapping[str, int] = field(default_factory=dict)
    settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    conversion: bool = True
    oauth2: bool = False


@dataclass(frozen=True)
class Step:
    """A command, and what it changes for people to read."""

    subject: str
    command: str
    before: str
    after: str


def space_of(area: Area, wanted: Wanted) -> str:
    return wanted.placements.get(area.name, Placement()).space or area.name


def layout_of(area: Area, wanted: Wanted) -> tuple[str, int]:
    """Layout and number of stripes: as given, else what the area's copies and redundancy ask for.

    What protects the disks of one server (RAID) lies below EOS, so it asks for nothing.
    """
    given = wanted.placements.get(area.name, Placement())
    derived = "replica" if area.copies > 1 else "raid6" if area.redundancy == "ec-servers" else "plain"
    layout = given.layout or derived
    usual = {"plain": 1, "replica": max(area.copies, 1)}.get(layout, ERASURE_STRIPES)
    return layout, given.stripes or usual


def raw_bytes(area: Area, wanted: Wanted) -> int:
    """The quota of an area: EOS counts the bytes on disks, copies and parity included."""
    layout, stripes = layout_of(area, wanted)
    if layout in PARITY:
        return math.ceil(area.capacity * stripes / (stripes - PARITY[layout]))
    return area.capacity * (stripes if layout == "replica" else 1)


def spaces(storage: Storage, wanted: Wanted) -> list[str]:
    """The spaces that the storage uses, in the order of the areas."""
    return list(
        dict.fromkeys([*(space_of(area, wanted) for area in storage.areas), *(disk.space for disk in wanted.disks), *wanted.settings])
    )


def check(storage: Storage, wanted: Wanted) -> None:
    """Raises DescriptionError for what EOS cannot serve."""
    problems = list(_problems(storage, wanted))
    if problems:
        raise DescriptionError(problems)


def plan(storage: Storage, wanted: Wanted, found: Instance) -> list[Step]:
    """The commands that are missing, in their order. Nothing is taken away but rights for everybody."""
    check(storage, wanted)
    return [
        *_spaces(storage, wanted, found),
        *_disks(wanted, found),
        *_switched_on(storage, wanted, found),
        *(step for area in storage.areas for step in _directory(area, storage, wanted, found.directories.get(area.path))),
        *(step for area in storage.areas for step in _quota(area, wanted, found.quotas.get(area.path))),
        *_identities(storage, wanted, found.identities),
    ]


def after(storage: Storage, wanted: Wanted, found: Instance) -> Instance:
    """The instance as it will be, as far as checks look at it."""
    new = [
        FileSystem("", disk.host, disk.port, disk.path, f"{disk.space}.0", disk.status)
        for disk in wanted.disks
        if (disk.host, disk.port, disk.path) not in {(each.host, each.port, each.path) for each in found.file_systems}
    ]
    directories = {}
    for area in storage.areas:
        have = found.directories.get(area.path) or Directory(0o700)
        directories[area.path] = Directory((have.mode | INHERIT) & ~OTHERS, {**have.attributes, **attributes(area, wanted)})
    enabled = {("https", "<pwd>", "uid"): "0"} if storage.issuers else {}
    return replace(
        found,
        file_systems=(*found.file_systems, *new),
        directories={**found.directories, **directories},
        identities={**found.identities, **enabled},
    )


def attributes(area: Area, wanted: Wanted) -> dict[str, str]:
    """The attributes of an area's directory, rights left out."""
    layout, stripes = layout_of(area, wanted)
    return {
        "sys.forced.space": space_of(area, wanted),
        "sys.forced.layout": layout,
        "sys.forced.nstripes": str(stripes),
        "sys.forced.checksum": "adler",
        "sys.forced.blockchecksum": "crc32c",
        "sys.forced.blocksize": BLOCK_SIZE.get(layout, "1M"),
        # Clients may choose neither layout nor disks, which would be another class.
        "sys.forced.nouserlayout": "1",
        "sys.forced.nofsselection": "1",
    }


def rights(area: Area, storage: Storage, wanted: Wanted) -> dict[str, str]:
    """Entries of sys.acl. What a token without a listed group may do is limited by its scopes, which XRootD's plug-in checks before."""
    granted: dict[str, str] = {}
    access = area_access(area, storage)
    let_in = {each.issuer for each in area.access} or {issuer.name for issuer in storage.issuers}
    for account in wanted.accounts:
        if account.issuer not in let_in:
            continue
        if account.group is None:
            granted[f"u:{account.uid}"] = RIGHTS["write"]
            continue
        for each in access:
            if (each.issuer, each.group) == (account.issuer, account.group) and granted.get(f"u:{account.uid}") != RIGHTS["write"]:
                granted[f"u:{account.uid}"] = RIGHTS[each.rights]
    return granted


def userinfo(issuer: Issuer) -> str:
    """The resource of an issuer that OAuth2 tokens are shown to, as vid rules name it (without scheme)."""
    parts = urlsplit(issuer.url)
    return f"{parts.netloc}{parts.path.rstrip('/')}/userinfo"


def account_problems(storage: Storage, accounts: Sequence[Account]) -> Iterator[Problem]:
    """What is wrong with the local users of a storage's issuers."""
    names = {issuer.name for issuer in storage.issuers}
    for number, account in enumerate(accounts):
        here = f"eos_accounts[{number}]"
        if account.issuer not in names:
            yield Problem(f"{here}.issuer", f'"{account.issuer}" is not an issuer of this storage.', "Name one of issuers.")
        if account.uid < 1 or account.gid < 1:
            yield Problem(f"{here}.uid", f"{account.user} would be root, for whom there are no rights.", "Give a uid and a gid above 0.")
    for issuer in storage.issuers:
        mine = [account for account in accounts if account.issuer == issuer.name and account.group is None and account.subject is None]
        if len(mine) != 1:
            yield Problem(
                "eos_accounts",
                f"has {len(mine)} accounts without group for the issuer {issuer.name}; EOS decides rights by local users, and tokens "
                "that become nobody are locked out.",
                "Give exactly one, with user, uid and gid.",
            )


def _problems(storage: Storage, wanted: Wanted) -> Iterator[Problem]:
    if not any(door.scheme in ("davs", "https", "root") for door in storage.doors):
        yield Problem("datalake_storage.doors", "EOS serves davs, https and root, and none of them is a door.", "Add one.")
    yield from account_problems(storage, wanted.accounts)
    for number, area in enumerate(storage.areas):
        layout, stripes = layout_of(area, wanted)
        here = f"datalake_storage.areas[{number}]"
        if area.media == "tape":
            yield Problem(f"{here}.media", "Tape behind EOS is CTA, which is not configured here.", "Leave the area out.")
        if layout not in LAYOUTS:
            yield Problem(f"eos_placements.{area.name}.layout", f'"{layout}" is no layout of EOS.', f"Known: {', '.join(LAYOUTS)}.")
        elif layout == "replica" and not 1 <= stripes <= 16:
            yield Problem(f"eos_placements.{area.name}.stripes", f"{stripes} copies are not possible.", "Give 1 to 16.")
        elif layout in PARITY and stripes <= PARITY[layout] + 1:
            yield Problem(
                f"eos_placements.{area.name}.stripes",
                f"{layout} over {stripes} disks holds no data.",
                f"Give at least {PARITY[layout] + 2}.",
            )
        elif (layout == "plain" and area.copies > 1) or (layout == "replica" and stripes < area.copies):
            yield Problem(
                f"eos_placements.{area.name}", f"{layout} with {stripes} stripes keeps fewer than {area.copies} copies.", "Choose replica."
            )
    for name in wanted.placements:
        if name not in {area.name for area in storage.areas}:
            yield Problem(f"eos_placements.{name}", f'"{name}" is not an area of this storage.', "Correct the name.")


def _spaces(storage: Storage, wanted: Wanted, found: Instance) -> Iterator[Step]:
    for name in spaces(storage, wanted):
        if name not in found.spaces:
            size, number = wanted.group_size.get(name, 0), wanted.groups.get(name, 24)
            yield Step(f"space {name}", f"space define {name} {size} {number}", "", f"group size {size}, {number} groups")
        settings = {**({"converter": "on"} if wanted.conversion else {}), **wanted.settings.get(name, {})}
        have = found.spaces.get(name, {})
        for key, value in settings.items():
            if have.get(key) != value:
                yield Step(f"space {name}", f"space config {name} space.{key}={value}", _words(key, have.get(key)), _words(key, value))


def _disks(wanted: Wanted, found: Instance) -> Iterator[Step]:
    known = {(disk.host, disk.port, disk.path) for disk in found.file_systems}
    for disk in wanted.disks:
        if (disk.host, disk.port, disk.path) not in known:
            place = f"{disk.host}:{disk.port}"
            command = f"fs add {disk.uuid} {place} {disk.path} {disk.space} {disk.status}"
            yield Step(f"file system {place}{disk.path}", command, "", f"in space {disk.space}, {disk.status}")


def _switched_on(storage: Storage, wanted: Wanted, found: Instance) -> Iterator[Step]:
    """Groups come into being switched off. Only a space none of whose groups is on was never used."""
    for name in spaces(storage, wanted):
        on = any(status == "on" for group, status in found.groups.items() if group.partition(".")[0] == name)
        if not on and name in {*(each.space for each in found.file_systems), *(disk.space for disk in wanted.disks)}:
            yield Step(f"space {name}", f"space set {name} on", "", "groups switched on")


def _directory(area: Area, storage: Storage, wanted: Wanted, found: Directory | None) -> Iterator[Step]:
    where = f"directory {area.path}"
    if found is None:
        yield Step(where, f"mkdir -p {area.path}", "", "made")
    mode = INHERIT | 0o700 if found is None else (found.mode | INHERIT) & ~OTHERS
    if found is None or mode != found.mode:
        yield Step(where, f"chmod {mode:o} {area.path}", _words("mode", found and f"{found.mode:o}"), _words("mode", f"{mode:o}"))
    have = found.attributes if found else {}
    acl = _merged(have.get("sys.acl", ""), rights(area, storage, wanted))
    for key, value in {**attributes(area, wanted), **({"sys.acl": acl} if acl else {})}.items():
        if SAME.get(have.get(key, ""), have.get(key)) != value:
            yield Step(where, f"attr set {key}={value} {area.path}", _words(key, have.get(key)), _words(key, value))


def _merged(text: str, granted: Mapping[str, str]) -> str:
    """An access list with rights for some; entries of others stay as they are."""
    entries = {_who(entry): entry for entry in text.split(",") if entry}
    return ",".join({**entries, **{who: f"{who}:{what}" for who, what in granted.items()}}.values())


def _who(entry: str) -> str:
    return ":".join(entry.split(":")[:2])


def _quota(area: Area, wanted: Wanted, found: int | None) -> Iterator[Step]:
    size = raw_bytes(area, wanted)
    if found != size:
        command = f"quota set -g 99 -v {size} -p {area.path}/"
        yield Step(f"quota of {area.path}", command, _words("bytes on disks", found), _words("bytes on disks", size))


def _identities(storage: Storage, wanted: Wanted, found: Mapping[tuple[str, str, str], str]) -> Iterator[Step]:
    tokens = [*(["https"] if storage.issuers else []), *(["oauth2"] if wanted.oauth2 else []), *(["gsi"] if storage.x509 else [])]
    for name in tokens:
        if found.get((name, "<pwd>", "uid")) != "0":
            yield Step(f"authentication {name}", f"vid enable {name}", "", "on")
    for rule in _rules(storage, wanted):
        auth, pattern, uid, gid = rule
        have = (found.get((auth, pattern, "uid")), found.get((auth, pattern, "gid")))
        if have[0] != uid or (gid is not None and have[1] != gid):
            target = f"vuid:{uid}" + (f" vgid:{gid}" if gid is not None else "")
            before = f"uid {have[0]}" if have[0] is not None else ""
            yield Step(f"identity {auth} {pattern}", f'vid set map -{auth} "{pattern}" {target}', before, target)


def _rules(storage: Storage, wanted: Wanted) -> Iterable[tuple[str, str, str, str | None]]:
    """Identity maps: authentication, pattern, uid, gid."""
    if wanted.oauth2:
        for issuer in storage.issuers:
            yield "oauth2", f"key:{userinfo(issuer)}", "0", None
        for account in wanted.accounts:
            if account.subject:
                yield "oauth2", f"sub:{account.subject}", str(account.uid), None
    if storage.x509:
        for account in wanted.accounts:
            if account.group and any(account.group == f"/{vo}" or account.group.startswith(f"/{vo}/") for vo in storage.x509.vos):
                yield "voms", f"{account.group}:", str(account.uid), str(account.gid)


def _words(key: str, value: object) -> str:
    return "" if value is None else f"{key} {value}"
