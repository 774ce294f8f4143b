# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the files of a StoRM WebDAV service say: storage areas, issuers, policies, settings and environment, with their places.

Defaults are those of the code, not of the documentation (italiangrid/storm-webdav OwnerStorageAreaInfo.java, application.yml).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import storm_release
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.storm_release import Release
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import java_properties, service_environment, yaml_text
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.java_properties import Assignment
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.service_environment import Environment
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.yaml_text import Path, YamlText, relaxed

AREAS = "etc/storm/webdav/sa.d/"
APPLICATION = "etc/storm/webdav/config/application.yml"
_SEPARATOR = re.compile(r"---(\s|$)")
_PROFILES = re.compile(r"-Dspring\.profiles\.active=[\"']?([^\s\"']+)")
DROP_INS = "etc/systemd/system/storm-webdav.service.d/"
DROP_IN = f"{DROP_INS}storm-webdav.conf"
SYSCONFIG = "etc/sysconfig/storm-webdav"
WELL_KNOWN = "etc/storm/webdav/wlcg-tape-rest-api.json"
SCOPES_KEY = "wlcgScopeAuthzEnabled"
SCOPES_KEY_OLD = "wlcgStructuredScopeAuthzEnabled"
PLACEHOLDER = re.compile(r"\$\{")


def scopes_key(release: Release | None) -> str:
    """The property that makes scopes count, by its name in a release."""
    return SCOPES_KEY_OLD if release is not None and release < storm_release.NAMES_SETTLED else SCOPES_KEY


@dataclass(frozen=True)
class StorageArea:
    """One file of sa.d. release: None when unknown."""

    file: str
    document: java_properties.Document
    release: Release | None

    @cached_property
    def assignments(self) -> Mapping[str, Assignment]:
        """The last one of each key, which counts."""
        return {each.key: each for each in self.document.assignments()}

    def text(self, key: str) -> str:
        found = self.assignments.get(key)
        return found.value.strip() if found else ""

    def names(self, key: str) -> tuple[str, ...]:
        """The members of a list."""
        return tuple(part.strip() for part in self.text(key).split(",") if part.strip())

    def line(self, key: str) -> int:
        found = self.assignments.get(key)
        return found.line if found else 0

    def flag(self, key: str) -> bool:
        """A truth value as the release sees it: false when it does not know the key, the default of the code when it is not set."""
        setting = storm_release.area_settings()[key]
        if not setting.known_in(self.release):
            return False
        found = self.assignments.get(key)
        return bool(setting.default) if found is None else found.value.strip().lower() == "true"

    @property
    def name(self) -> str:
        return self.text("name")

    @property
    def root(self) -> str:
        return self.text("rootPath")

    @property
    def access_points(self) -> tuple[str, ...]:
        return self.names("accessPoints")

    @property
    def organisations(self) -> tuple[str, ...]:
        return self.names("orgs")

    @property
    def vos(self) -> tuple[str, ...]:
        return self.names("vos")

    @property
    def scopes_count(self) -> bool:
        return self.flag(scopes_key(self.release))

    @property
    def policies_count(self) -> bool:
        return self.flag("fineGrainedAuthzEnabled")

    @property
    def flat_read(self) -> bool:
        """Whether every token of the area's issuers may read. Releases before 1.3 know no other way."""
        old = self.release is not None and self.release < storm_release.SCOPES_FIRST
        return bool(self.organisations) and (old or self.flag("orgsGrantReadPermission"))

    @property
    def flat_write(self) -> bool:
        """Whether every token of the area's issuers may write; that needs the right to read too."""
        return self.flat_read and self.flag("orgsGrantWritePermission")

    def covers(self, path: str) -> str | None:
        """The access point that a path lies at or below, by whole components."""
        points = [point.rstrip("/") or "/" for point in self.access_points]
        found = [point for point in points if path == point or path.startswith(point.rstrip("/") + "/")]
        return max(found, key=len, default=None)

    def directory(self, path: str) -> str | None:
        """The directory of the host that a path leads to."""
        point = self.covers(path)
        if point is None:
            return None
        return self.root.rstrip("/") + (path if point == "/" else path[len(point) :])


@dataclass(frozen=True)
class Principal:
    kind: str
    params: Mapping[str, str]


@dataclass(frozen=True)
class Policy:
    """One entry of storm.authz.policies; index: its place in the list."""

    index: int
    area: str
    description: str
    effect: str
    actions: tuple[str, ...]
    paths: tuple[str, ...]
    principals: tuple[Principal, ...]


@dataclass(frozen=True)
class Issuer:
    """One entry of oauth.issuers. audiences: what a token's aud is compared with, only when enforced."""

    index: int
    name: str
    url: str
    enforced: bool
    audiences: tuple[str, ...]


@dataclass(frozen=True)
class Webdav:
    """Everything that the service reads.

    settings: application.yml, as a whole. environments: by file. layers: every document of settings that counts, with its file; what
    the first one says takes the place of what later ones say, lists as a whole.
    """

    areas: tuple[StorageArea, ...]
    settings: YamlText
    settings_file: str
    environments: Mapping[str, Environment]
    release: Release | None
    layers: tuple[tuple[str, YamlText], ...]

    @property
    def is_broken(self) -> bool:
        """Whether settings cannot be read, so that nothing is known of issuers and policies."""
        return any(text.problem for _file, text in self.layers)

    def value(self, path: Path, default: Any = None) -> Any:
        """What counts at a path."""
        return self.layer(path)[1].get(path, default)

    def place(self, path: Path) -> tuple[str, int]:
        """File and line of what counts at a path."""
        file, text = self.layer(path)
        return file, text.line(path)

    def layer(self, path: Path) -> tuple[str, YamlText]:
        """The file and document that a path counts from."""
        whole = path[: next((at for at, part in enumerate(path) if isinstance(part, int)), len(path))]
        return next((layer for layer in self.layers if layer[1].get(whole) is not None), self.layers[-1])

    @cached_property
    def issuers(self) -> tuple[Issuer, ...]:
        found = self.value(("oauth", "issuers"), [])
        result = []
        for index, entry in enumerate(found if isinstance(found, list) else []):
            if isinstance(entry, dict):
                keys = {relaxed(str(key)): value for key, value in entry.items()}
                result.append(
                    Issuer(
                        index,
                        _text(keys.get("name")),
                        _text(keys.get("issuer")),
                        truth(keys.get("enforceaudiencechecks")),
                        _texts(keys.get("audiences")),
                    )
                )
        return tuple(result)

    @cached_property
    def policies(self) -> tuple[Policy, ...]:
        found = self.value(("storm", "authz", "policies"), [])
        return tuple(
            _policy(index, entry) for index, entry in enumerate(found if isinstance(found, list) else []) if isinstance(entry, dict)
        )

    def area_named(self, name: str) -> StorageArea | None:
        return next((each for each in self.areas if each.name == name), None)

    def area_of(self, path: str) -> StorageArea | None:
        """The storage area that serves a path: the one with the longest access point."""
        found = [(point, each) for each in self.areas if (point := each.covers(path)) is not None]
        return max(found, key=lambda pair: len(pair[0]))[1] if found else None

    def variable(self, name: str) -> tuple[str, str, int] | None:
        """Value, file and line of an environment variable; the last file in the order of names counts."""
        for file in sorted(self.environments, reverse=True):
            found = self.environments[file].variable(name)
            if found:
                return found.value, file, found.line
        return None

    def setting(self, key: str) -> tuple[Any, str, int]:
        """Value, file and line (0 for the default) of a setting: application.yml, then its variable, then the default."""
        setting = storm_release.application_settings()[storm_release.relaxed_path(key)]
        path = tuple(key.split("."))
        value = self.value(path)
        if value is not None and not PLACEHOLDER.search(str(value)):
            return value, *self.place(path)
        variable = self.variable(setting.env) if setting.env else None
        return variable or (setting.default, self.settings_file, 0)

    @property
    def hostnames(self) -> tuple[str, ...]:
        """Names under which clients reach the service, as far as it is told."""
        listed = _texts(self.value(("storm", "hostnames")))
        variables = [self.variable(f"STORM_WEBDAV_HOSTNAME_{number}") for number in range(4)]
        return tuple(dict.fromkeys([*(name for name in listed if "$" not in name), *(each[0] for each in variables if each and each[0])]))


def read(files: Mapping[str, str], release: Release | None) -> Webdav:
    """The service of a tree; files: text by path relative to the root."""
    areas = tuple(
        StorageArea(path, java_properties.parse(text, sectioned=False), release)
        for path, text in sorted(files.items())
        if path.startswith(AREAS) and path.endswith(".properties")
    )
    settings_file = next((path for path in (APPLICATION, APPLICATION.replace(".yml", ".yaml")) if path in files), APPLICATION)
    environments = {
        path: service_environment.parse(text, "file" if path == SYSCONFIG else "drop-in")
        for path, text in files.items()
        if (path.startswith(DROP_INS) and path.endswith(".conf")) or (path == SYSCONFIG and reads_sysconfig(release))
    }
    settings = yaml_text.parse(files.get(settings_file, ""), relaxed)
    own = _documents(settings_file, files.get(settings_file, ""))
    site = Webdav(areas, settings, settings_file, environments, release, own)
    active = _active(site)
    wanted = [f"etc/storm/webdav/config/application-{name}.{ending}" for name in reversed(active) for ending in ("yml", "yaml")]
    found = [*(_documents(path, files[path]) for path in wanted if path in files), own]
    return replace(site, layers=tuple(layer for layers in found for layer in layers if _counts(layer[1], active)))


def _documents(file: str, text: str) -> tuple[tuple[str, YamlText], ...]:
    """The documents of a file, the last one first, each with the lines before it left empty."""
    lines = text.splitlines(keepends=True)
    begins = [0, *(at for at, line in enumerate(lines) if _SEPARATOR.match(line) and any(map(_says, lines[:at])))]
    ends = [*begins[1:], len(lines)]
    parts = ["\n" * begin + "".join(lines[begin:end]) for begin, end in zip(begins, ends, strict=True)]
    return tuple((file, yaml_text.parse(part, relaxed)) for part in reversed(parts))


def _says(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _active(site: Webdav) -> tuple[str, ...]:
    """Names of the profiles that the service is started with; the last one counts most (Spring Boot, profile specific files)."""
    options = site.variable("STORM_WEBDAV_JVM_OPTS")
    found = _PROFILES.findall(options[0]) if options else []
    variable = site.variable("SPRING_PROFILES_ACTIVE")
    return _texts(found[-1] if found else variable[0] if variable else site.value(("spring", "profiles", "active")))


def _counts(text: YamlText, active: tuple[str, ...]) -> bool:
    """Whether a document holds for the active profiles."""
    asked = _texts(text.get(("spring", "config", "activate", "on-profile")) or text.get(("spring", "profiles")))
    return not asked or isinstance(text.get(("spring", "profiles")), dict) or bool(set(asked) & set(active))


def reads_sysconfig(release: Release | None) -> bool:
    return release is None or release < storm_release.DROP_IN_FIRST


def truth(value: Any) -> bool:
    """A truth value as Spring reads it."""
    return str(value).strip().lower() in ("true", "on", "yes", "1")


def _policy(index: int, entry: Mapping[Any, Any]) -> Policy:
    keys = {relaxed(str(key)): value for key, value in entry.items()}
    listed = keys.get("principals")
    principals = [each for each in (listed if isinstance(listed, list) else []) if isinstance(each, dict)]
    return Policy(
        index,
        _text(keys.get("sa")),
        _text(keys.get("description")),
        _text(keys.get("effect", "deny")).lower(),
        tuple(each.lower() for each in _texts(keys.get("actions"))),
        _texts(keys.get("paths")),
        tuple(Principal(_text(each.get("type")), _params(each.get("params"))) for each in principals),
    )


def _params(value: Any) -> dict[str, str]:
    return {str(key): _text(each) for key, each in value.items()} if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple(_text(each) for each in value)
    return tuple(part.strip() for part in str(value).split(",")) if value else ()
