# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Releases of StoRM WebDAV, and which settings each of them knows.

The table ``data/storm_webdav.json`` holds facts read from italiangrid/storm-webdav at its tags v1.0.5 to v1.9.0-rc3.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.checks.near_names import NearNames
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.yaml_text import relaxed

TABLE = Path(__file__).parent / "data" / "storm_webdav.json"
_RELEASE = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?(?:[-+~_.].*)?")
LATEST_PATCH = 99
BACKEND_LINES = (1, 10)
"""Releases of the backend begin at 1.10 or so; WebDAV is at 1.9. A number from here on says nothing about WebDAV."""

Release = tuple[int, int, int]
NEWEST: Release = (1, 9, LATEST_PATCH)

SCOPES_FIRST: Release = (1, 3, 0)
"""Scopes, fine-grained policies and audience checks came together."""
NAMES_SETTLED: Release = (1, 3, 1)
"""wlcgScopeAuthzEnabled and the jwt-* principals have had their names since."""
DROP_IN_FIRST: Release = (1, 3, 0)
"""Older ones read /etc/sysconfig/storm-webdav."""
REDIS_QUIET: Release = (1, 4, 2)
"""Before it the health page says DOWN without Redis, and the authorisation server was on unless switched off."""
JWT_CLIENT_FIRST: Release = (1, 5, 0)
HEALTH_MOVED: Release = (1, 8, 0)
TAPE_FIRST: Release = (1, 9, 0)


def parse_release(text: str | None) -> Release | None:
    """``1.4.2``, ``1.4.2-1.el7`` or ``1.4``; None for what is no release of StoRM WebDAV."""
    found = _RELEASE.fullmatch((text or "").strip())
    if not found:
        return None
    major, minor, patch = found.groups()
    release = (int(major), int(minor), LATEST_PATCH if patch is None else int(patch))
    return None if release[:2] >= BACKEND_LINES else release


def since(text: str) -> Release:
    """The release that a table names."""
    numbers = [int(part) for part in text.split(".")]
    return (numbers[0], numbers[1], numbers[2] if len(numbers) > 2 else 0)


@dataclass(frozen=True)
class Setting:
    """A setting of storage areas or of application.yml.

    kind: type word of the table. first, last: releases that know it; last None for still known. env: variable that sets it too.
    """

    key: str
    kind: str
    first: Release
    last: Release | None = None
    required: bool = False
    env: str = ""
    values: tuple[str, ...] = ()
    default: Any = None

    def known_in(self, release: Release | None) -> bool:
        return release is None or (release >= self.first and (self.last is None or release <= self.last))


def _setting(row: dict[str, Any]) -> Setting:
    return Setting(
        row["key"],
        row["type"],
        since(row["since"]),
        since(row["last"]) if "last" in row else None,
        row.get("required", False),
        row.get("env", ""),
        tuple(row.get("values", ())),
        row.get("default"),
    )


@cache
def _table() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(TABLE.read_text(encoding="utf-8"))
    return data


@cache
def area_settings() -> dict[str, Setting]:
    """By property name."""
    return {row["key"]: _setting(row) for row in _table()["areas"]}


@cache
def application_settings() -> dict[str, Setting]:
    """By dotted name as Spring compares it; ``[]`` stands for any index, ``<id>`` for any name."""
    return {relaxed_path(row["key"]): _setting(row) for row in _table()["application"]}


def relaxed_path(path: str) -> str:
    return ".".join(relaxed(part) if not part.startswith("<") else part for part in path.split("."))


@cache
def environment_names() -> frozenset[str]:
    """Every variable that the service reads."""
    names = {row["env"] for row in _table()["application"] if "env" in row} | set(_table()["environment"])
    ranged = {name for name in names if ".." in name}
    for name in ranged:
        stem, _underscore, span = name.rpartition("_")
        first, _dots, last = span.partition("..")
        names |= {f"{stem}_{number}" for number in range(int(first), int(last) + 1)}
    return frozenset(names - ranged)


@cache
def principal_params() -> dict[str, tuple[str, ...]]:
    """Parameters that a kind of principal needs."""
    return {kind: tuple(names) for kind, names in _table()["principal_params"].items()}


def principal_types(release: Release | None) -> frozenset[str]:
    """Kinds of principals of policies."""
    settings = application_settings()
    types = set(settings["storm.authz.policies[].principals[].type"].values)
    if release is not None and release < NAMES_SETTLED:
        return frozenset({each for each in types if not each.startswith("jwt-")} | set(OLD_PRINCIPALS))
    if release is not None and release < JWT_CLIENT_FIRST:
        types.discard("jwt-client")
    return frozenset(types)


OLD_PRINCIPALS = {"oauth-group": "jwt-group", "oauth-scope": "jwt-scope", "oidc-subject": "jwt-subject"}
"""Names of 1.3.0 and what they are called since."""


@cache
def near_area_keys() -> NearNames:
    return NearNames(area_settings())


@cache
def near_application_keys() -> NearNames:
    return NearNames(application_settings())


@cache
def near_environment() -> NearNames:
    return NearNames(environment_names())
