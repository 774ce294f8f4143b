# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``storage-authzdb``: ``authorize NAME read-write UID GID[,GID] HOME ROOT [PATH]``, numbers and directories of a user or group name.

A line that does not fit is skipped with a warning in the log; the first GID is the primary one. Source: dCache AuthzMapLineParser.java.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ansible_collections.escape.datalake.plugins.plugin_utils.formats import line_document
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.line_document import BadLine, Document, Language, java_trim

_PATH = r'"[^\0]+"|(?:\\\s|[^\s\0])+'
_LINE = re.compile(
    r"(?i:authorize)\s+(?P<name>[\w.][\w.\-]*)\s+(?P<access>(?i:read-only|read-write))(?:\s+max-upload=(?P<upload>\S+))?"
    rf"\s+(?P<uid>\d+)\s+(?P<gids>\d+(?:,\d+)*)\s+(?P<home>{_PATH})\s+(?P<root>{_PATH})(?:\s+(?P<path>{_PATH}))?",
    re.ASCII,
)
VERSION_LINE = "version 2.1"


@dataclass(frozen=True)
class Account:
    """access: read-write, or anything else for read-only. gids: the first is primary. max_upload: as written, "" without."""

    name: str
    access: str
    uid: int
    gids: tuple[int, ...]
    home: str
    root: str
    path: str = ""
    max_upload: str = ""

    @property
    def read_only(self) -> bool:
        return self.access != "read-write"


StorageAuthzdb = Document[Account]


def _read(text: str) -> Account | None:
    trimmed = java_trim(text)
    if not trimmed or trimmed.startswith(("#", "version 2.")):
        return None
    found = _LINE.match(trimmed)
    if not found:
        raise BadLine("the line is not: authorize NAME read-write|read-only UID GID[,GID] HOME ROOT [PATH]")
    gids = tuple(int(gid) for gid in found["gids"].split(","))
    home, root, path = (_without_quotes(found[part] or "") for part in ("home", "root", "path"))
    return Account(found["name"], found["access"], int(found["uid"]), gids, home, root, path, found["upload"] or "")


def _without_quotes(path: str) -> str:
    return path[1:-1] if len(path) > 1 and path.startswith('"') and path.endswith('"') else path


def _write(account: Account) -> str:
    words = ["authorize", account.name, account.access]
    words += [f"max-upload={account.max_upload}"] if account.max_upload else []
    words += [str(account.uid), ",".join(map(str, account.gids))]
    return " ".join(words + [_quoted(path) for path in (account.home, account.root, account.path) if path])


def _quoted(path: str) -> str:
    return f'"{path}"' if re.search(r"\s", path) else path


LANGUAGE = Language(_read, _write)


def parse(text: str) -> StorageAuthzdb:
    return line_document.parse(text, LANGUAGE)


def render(accounts: Iterable[Account], header: Sequence[str] = ()) -> str:
    """A fresh file with the version line that dCache's own tools expect."""
    return line_document.render((), LANGUAGE, header) + VERSION_LINE + "\n" + line_document.render(accounts, LANGUAGE)
