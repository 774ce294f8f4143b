# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the ``eos`` command is asked about an instance, in one process, and how its answers are read.

A script that runs with ``eos -b -j FILE.eosh`` gets one JSON document per command. The conversion of the server (ConvertOutputToJsonFormat
in mgm/proc/IProcCommand.cc) cannot say policies of which one is the begin of another, and garbles identity maps: those are asked for in
plain text, behind the command ``json``, which switches JSON off (console/commands/com_json.cc), with the answer of ``pwd`` between them.
A script ends at its first empty line, and its exit code is always 0 (console/ConsoleMain.cc).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

LISTS = ("space ls", "group ls", "fs ls", "quota ls -n")
PROJECT = ("99", "project")  # the group whose quota counts everybody's bytes (Quota::gProjectId)
_PAIR = re.compile(r'([^\s=]+)=("[^"]*"|\S*)')
_VID = re.compile(r'(\w+):"(.*)":(uid|gid) => (\S+)')


class AnswerError(ValueError):
    """The instance did not answer as documented; the message says to which command."""


@dataclass(frozen=True)
class FileSystem:
    """A disk of the instance. group: scheduling group, ``ssd.0``. status: ``rw``, ``ro``, ``drain``, ``off``, ... capacity: bytes."""

    number: str
    host: str
    port: int
    path: str
    group: str
    status: str
    capacity: int = 0

    @property
    def space(self) -> str:
        return self.group.partition(".")[0]


@dataclass(frozen=True)
class Directory:
    """A directory of the name space. mode: permission bits with the one that makes attributes inherited (0o2000)."""

    mode: int
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Instance:
    """An instance as it answered.

    spaces: settings by space (group size, policies; those of ``space status``). groups: status by scheduling group.
    directories: by path; a path that is missing does not exist. quotas: bytes of the project quota by path of its node.
    identities: the number that an identity is mapped to, by authentication, pattern and ``uid`` or ``gid``.
    """

    spaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    file_systems: tuple[FileSystem, ...] = ()
    directories: Mapping[str, Directory] = field(default_factory=dict)
    quotas: Mapping[str, int] = field(default_factory=dict)
    identities: Mapping[tuple[str, str, str], str] = field(default_factory=dict)


def questions(spaces: Iterable[str], paths: Iterable[str]) -> list[str]:
    """The commands that read an instance. spaces, paths: those whose settings are wanted."""
    plain = [f"space status {name} -m" for name in spaces]
    for path in paths:
        plain += [f"fileinfo {path} -m", f"attr ls {path}"]
    between = [each for command in plain for each in (command, "pwd")]
    return [*LISTS, "json", "pwd", *between, "vid ls -n"]


def read(text: str, spaces: Sequence[str], paths: Sequence[str]) -> Instance:
    """The instance from the answers to questions(spaces, paths). Raises AnswerError for anything else."""
    documents, rest = _documents(text)
    if len(documents) != len(LISTS):
        raise AnswerError(f"eos answered {len(documents)} of the commands {', '.join(LISTS)}.")
    parts = _parts(rest)
    if len(parts) != len(spaces) + 2 * len(paths) + 1:
        raise AnswerError(f"eos answered {len(parts)} of {len(spaces) + 2 * len(paths) + 1} questions in plain text.")
    status = {name: _pairs(part) for name, part in zip(spaces, parts, strict=False)}
    places = parts[len(spaces) : -1]
    directories = {
        path: Directory(int(facts["mode"], 8) & 0o7777, _attributes(attributes))
        for path, facts, attributes in zip(paths, map(_pairs, places[::2]), places[1::2], strict=True)
        if "mode" in facts
    }
    return _instance(documents, status, directories, parts[-1])


def survey_questions(paths: Iterable[str]) -> list[str]:
    """The commands whose answers, kept in a file, tell a reader without an instance what it is. paths: directories of interest."""
    return [*LISTS, "json", *(f"fileinfo {path} -m" for path in paths), "vid ls -n"]


def read_survey(text: str) -> Instance:
    """The instance from the answers to survey_questions(), whatever the paths were. Raises AnswerError for anything else."""
    documents, rest = _documents(text)
    if len(documents) != len(LISTS):
        raise AnswerError(f"eos answered {len(documents)} of the commands {', '.join(LISTS)}.")
    directories = {}
    for line in rest.splitlines():
        facts = _pairs([line])
        if "file" in facts and "mode" in facts:
            names, values = re.findall(r"xattrn=(\S+)", line), re.findall(r"xattrv=(\S*)", line)
            directories[facts["file"].rstrip("/")] = Directory(int(facts["mode"], 8) & 0o7777, dict(zip(names, values, strict=False)))
    return _instance(documents, {}, directories, rest.splitlines())


def _instance(
    documents: Sequence[Any], status: Mapping[str, Mapping[str, str]], directories: Mapping[str, Directory], maps: Iterable[str]
) -> Instance:
    listed = {command: _rows(command, document) for command, document in zip(LISTS, documents, strict=True)}
    names = [row["name"] for row in listed["space ls"] if "name" in row]
    return Instance(
        spaces={name: {**_settings(listed["space ls"], name), **status.get(name, {})} for name in names},
        groups={row["name"]: row.get("cfg.status", "") for row in listed["group ls"] if "name" in row},
        file_systems=tuple(_file_system(row) for row in listed["fs ls"] if "id" in row),
        directories=directories,
        quotas={
            "/" + row["space"].strip("/"): int(row.get("maxbytes", "0"))
            for row in listed["quota ls -n"]
            if row.get("gid") in PROJECT and "space" in row
        },
        identities={(found[1], found[2], found[3]): found[4] for line in maps if (found := _VID.fullmatch(line.strip()))},
    )


def _documents(text: str) -> tuple[list[Any], str]:
    """The JSON documents that a text begins with, and what follows them."""
    decoder = json.JSONDecoder()
    found = []
    rest = text.lstrip()
    while rest.startswith("{"):
        try:
            document, end = decoder.raw_decode(rest)
        except ValueError as error:
            raise AnswerError(f"eos answered what is no JSON: {error}.") from None
        found.append(document)
        rest = rest[end:].lstrip()
    return found, rest


def _rows(command: str, document: Any) -> list[dict[str, str]]:
    """The rows of an answer. EOS 5 calls them ``result``; EOS 4 puts them below the names of command and sub-command."""
    if not isinstance(document, Mapping) or str(document.get("retc", "0")) != "0":
        told = document.get("errormsg", "") if isinstance(document, Mapping) else ""
        raise AnswerError(f'eos refused "{command}": {told or document}')
    rows = document.get("result")
    for word in command.split()[:2] if rows is None and "result" not in document else ():
        rows = (document if rows is None else rows).get(word)
    return [dict(_flat(row)) for row in rows or () if isinstance(row, Mapping)]


def _flat(row: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """The server makes objects of dots in keys, and numbers of texts that look like one."""
    for key, value in row.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield above + key, str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _settings(rows: Iterable[Mapping[str, str]], name: str) -> dict[str, str]:
    row = next(row for row in rows if row.get("name") == name)
    return {key.removeprefix("cfg."): value for key, value in row.items() if key.startswith("cfg.")}


def _file_system(row: Mapping[str, str]) -> FileSystem:
    size = row.get("stat.statfs.capacity", "")
    return FileSystem(
        row["id"],
        row["host"],
        int(row["port"]),
        row["path"],
        row.get("schedgroup", ""),
        row.get("configstatus", ""),
        int(size) if size.isdigit() else 0,
    )


def _parts(rest: str) -> list[list[str]]:
    """Lines of plain text, parted where the answer of the first ``pwd`` comes again."""
    marker, *lines = rest.splitlines() or [""]
    parts: list[list[str]] = [[]]
    for line in lines:
        if line == marker:
            parts.append([])
        else:
            parts[-1].append(line)
    return parts


def _pairs(lines: Iterable[str]) -> dict[str, str]:
    return {key: value.strip('"') for line in lines for key, value in _PAIR.findall(line)}


def _attributes(lines: Iterable[str]) -> dict[str, str]:
    found = {}
    for line in lines:
        key, sign, value = line.partition("=")
        if sign:
            found[key] = value.strip('"')
    return found
