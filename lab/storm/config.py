# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the stand-in for StoRM WebDAV reads: files and variables of the real service (release 1.9), with the defaults of its code."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

SETTINGS = Path("/etc/storm/webdav/config/application.yml")


class ConfigError(Exception):
    """The service does not start."""


@dataclass(frozen=True)
class StorageArea:
    """One file of sa.d."""

    name: str
    root: Path
    access_points: tuple[str, ...]
    organisations: frozenset[str]
    anonymous_read: bool
    flat_read: bool
    flat_write: bool
    scopes: bool
    policies: bool


@dataclass(frozen=True)
class Policy:
    """One fine-grained policy; paths are patterns of Spring's AntPathMatcher."""

    area: str
    permit: bool
    actions: frozenset[str]
    paths: tuple[str, ...]
    principals: tuple[tuple[str, Mapping[str, str]], ...]


@dataclass(frozen=True)
class Issuer:
    url: str
    enforced: bool
    audiences: frozenset[str]


@dataclass(frozen=True)
class Config:
    areas: tuple[StorageArea, ...]
    issuers: Mapping[str, Issuer]
    policies: tuple[Policy, ...]
    certificate: str
    key: str
    port: int
    http_port: int

    def area_of(self, path: str) -> tuple[StorageArea, str] | None:
        """The storage area of a path and its access point: texts are compared letter by letter, as the real service does."""
        found = sorted(((point, area) for area in self.areas for point in area.access_points), key=lambda each: each[0], reverse=True)
        return next(((area, point) for point, area in found if path.startswith(point)), None)


def load() -> Config:
    """The configuration of this host. Raises ConfigError for what keeps the real service from starting."""
    folder = Path(os.environ.get("STORM_WEBDAV_SA_CONFIG_DIR") or "/etc/storm/webdav/sa.d")
    areas = tuple(_area(file) for file in sorted(folder.glob("*.properties")))
    if not areas:
        raise ConfigError(f"{folder}: no storage area")
    settings = _relaxed(yaml.safe_load(SETTINGS.read_text(encoding="utf-8")) or {}) if SETTINGS.exists() else {}
    issuers = {}
    for each in settings.get("oauth", {}).get("issuers") or []:
        issuer = Issuer(each["issuer"], bool(each.get("enforceaudiencechecks", False)), frozenset(each.get("audiences") or []))
        if issuer.enforced and not issuer.audiences:
            raise ConfigError(f"{issuer.url}: audiences are enforced and none is given")
        issuers[issuer.url] = issuer
    policies = tuple(_policy(each) for each in settings.get("storm", {}).get("authz", {}).get("policies") or [])
    strangers = {policy.area for policy in policies} - {area.name for area in areas}
    if strangers:
        raise ConfigError(f"policies for unknown storage areas: {', '.join(sorted(strangers))}")
    if os.environ.get("STORM_WEBDAV_REQUIRE_CLIENT_CERT", "true") != "false":
        raise ConfigError("client certificates are required, and the stand-in has none")
    return Config(
        areas,
        issuers,
        policies,
        os.environ.get("STORM_WEBDAV_CERTIFICATE_PATH", "/etc/grid-security/storm-webdav/hostcert.pem"),
        os.environ.get("STORM_WEBDAV_PRIVATE_KEY_PATH", "/etc/grid-security/storm-webdav/hostkey.pem"),
        int(os.environ.get("STORM_WEBDAV_HTTPS_PORT", "8443")),
        int(os.environ.get("STORM_WEBDAV_HTTP_PORT", "8085")),
    )


def _area(file: Path) -> StorageArea:
    values = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        key, equals, value = line.strip().partition("=")
        if equals and not key.startswith("#"):
            values[key.strip()] = value.strip()
    missing = [key for key in ("name", "rootPath", "accessPoints") if not values.get(key)]
    if missing:
        raise ConfigError(f"{file}: {', '.join(missing)} missing")

    def flag(key: str, default: bool = False) -> bool:
        return values.get(key, str(default)).lower() == "true"

    root = Path(values["rootPath"])
    if not root.is_dir() or not os.access(root, os.W_OK):
        raise ConfigError(f"{file}: {root} is no directory that may be written to")
    return StorageArea(
        values["name"],
        root,
        tuple(values["accessPoints"].split(",")),
        frozenset(filter(None, values.get("orgs", "").split(","))),
        flag("anonymousReadEnabled"),
        flag("orgsGrantReadPermission", True),
        flag("orgsGrantWritePermission", True),
        flag("wlcgScopeAuthzEnabled"),
        flag("fineGrainedAuthzEnabled"),
    )


def _policy(entry: Mapping[str, Any]) -> Policy:
    for key in ("sa", "description", "actions", "principals"):
        if not entry.get(key):
            raise ConfigError(f"a policy has no {key}")
    return Policy(
        entry["sa"],
        entry.get("effect", "deny") == "permit",
        frozenset(entry["actions"]),
        tuple(entry.get("paths") or ()),
        tuple((each["type"], each.get("params") or {}) for each in entry["principals"]),
    )


def _relaxed(value: Any) -> Any:
    """Keys without hyphens and in lower case, as Spring compares them."""
    if isinstance(value, dict):
        return {re.sub("[-_]", "", str(key)).lower(): _relaxed(each) for key, each in value.items()}
    return [_relaxed(each) for each in value] if isinstance(value, list) else value
