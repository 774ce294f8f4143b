# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Input of the vendor's Puppet module for StoRM (hiera data, or the manifest of a site), as the files that Puppet would write.

Names of keys: italiangrid/storm-puppet-module types/webdav/storagearea.pp, types/backend/storagearea.pp and data/*-defaults.yaml (4.3.1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.checks.storm_backend import NAMESPACE, PROPERTIES
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.storm_webdav_site import AREAS, DROP_IN
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import service_environment, storm_namespace, yaml_text
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.storm_namespace import AppRule, Filesystem, MapRule, Quota

FILES = ("*hiera*/*.yaml", "*hiera*/*.yml", "etc/puppetlabs/code/*.yaml", "etc/puppetlabs/code/*.pp", "*manifests/*.pp")
GIGABYTE = 10**9
CLASS = re.compile(r"class\s*\{\s*['\"]::?(storm(?:::\w+)*)['\"]\s*:|class\s*\{\s*['\"](storm(?:::\w+)*)['\"]\s*:")
TOKEN = re.compile(r"\s+|#[^\n]*|(=>|[\[\]{},;:])|'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"|([^\s\[\]{},;:'\"]+)")
AREA_KEYS = {
    "anonymous_read_enabled": ("anonymousReadEnabled", False),
    "authenticated_read_enabled": ("authenticatedReadEnabled", False),
    "vo_map_enabled": ("voMapEnabled", True),
    "vo_map_grants_write_permission": ("voMapGrantsWritePermission", False),
    "orgs_grant_read_permission": ("orgsGrantReadPermission", True),
    "orgs_grant_write_permission": ("orgsGrantWritePermission", False),
    "wlcg_scope_authz_enabled": ("wlcgScopeAuthzEnabled", False),
    "fine_grained_authz_enabled": ("fineGrainedAuthzEnabled", False),
}
"""Property of WebDAV and the module's default, by key of the module."""
QUOTA_KINDS = {"fileset": "filesetName", "group": "groupName", "username": "userName"}


class _End(Exception):
    """The text ends inside a value."""


def settings(files: Mapping[str, str]) -> dict[str, tuple[Any, str, int]]:
    """Value, file and line of every setting ``storm::CLASS::NAME``."""
    found: dict[str, tuple[Any, str, int]] = {}
    for path, text in sorted(files.items()):
        if path.endswith((".yaml", ".yml")) and not path.startswith("etc/storm/"):
            document = yaml_text.parse(text)
            for key, value in document.value.items() if isinstance(document.value, dict) else ():
                if str(key).startswith("storm::"):
                    found[str(key)] = (value, path, document.line((str(key),)))
        elif path.endswith(".pp"):
            for name, value, line in _manifest(text):
                found[name] = (value, path, line)
    return found


def written(files: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The files that Puppet would write, and notes; nothing when no storage area is listed."""
    known = settings(files)
    webdav = _listed(known, "storm::webdav::storage_areas")
    backend = _listed(known, "storm::backend::storage_areas")
    if not webdav and not backend:
        return {}, []
    texts = {f"{AREAS}{area['name']}.properties": _area(area) for area in webdav if "name" in area}
    notes = [
        f"{known[name][1]}:{known[name][2]}: read from the input of Puppet; application.yml with issuers and policies is not part of it."
        for name in ("storm::webdav::storage_areas", "storm::backend::storage_areas")
        if name in known
    ]
    names = known.get("storm::webdav::hostnames", ([], "", 0))[0]
    variables = {f"STORM_WEBDAV_HOSTNAME_{number}": str(name) for number, name in enumerate(names) if "%{" not in str(name)}
    port = known.get("storm::webdav::https_port", (8443, "", 0))[0]
    client = str(known.get("storm::webdav::require_client_cert", (False, "", 0))[0]).lower()
    texts[DROP_IN] = service_environment.render(
        {**variables, "STORM_WEBDAV_HTTPS_PORT": str(port), "STORM_WEBDAV_REQUIRE_CLIENT_CERT": client},
        "drop-in",
        "made from the input of Puppet",
    )
    if backend:
        texts[NAMESPACE] = _namespace(backend)
        host = known.get("storm::backend::frontend_public_host", known.get("storm::backend::hostname", ("", "", 0)))[0]
        texts[PROPERTIES] = f"storm.service.FE-public.hostname={host}\n"
    return texts, notes


def _listed(known: Mapping[str, tuple[Any, str, int]], name: str) -> list[dict[str, Any]]:
    value = known.get(name, ([], "", 0))[0]
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _area(area: Mapping[str, Any]) -> str:
    values = {
        "name": area["name"],
        "rootPath": area.get("root_path", ""),
        "accessPoints": ",".join(area.get("access_points") or [f"/{area['name']}"]),
        "vos": ",".join(area.get("vos") or []),
        "orgs": ",".join(area.get("orgs") or []),
        **{key: str(area.get(name, default)).lower() for name, (key, default) in AREA_KEYS.items()},
    }
    return "".join(f"{key}={value}\n" for key, value in values.items())


def _namespace(areas: list[dict[str, Any]]) -> str:
    document = storm_namespace.parse(storm_namespace.render("made from the input of Puppet"))
    for area in areas:
        name = str(area.get("name", ""))
        plain = re.sub(r"[._-]", "", name.upper())
        quota = area.get("quota") or {}
        storage_class = area.get("storage_class", "T0D1")
        filesystem = Filesystem(
            name=f"{plain}-FS",
            root=str(area.get("root_path", "")),
            token=area.get("space_token") or f"{plain}_TOKEN",
            storage_class=storage_class if storage_class in storm_namespace.CLASSES else "T0D1",
            online=int(area.get("online_size") or 0) * GIGABYTE,
            nearline=int(area.get("nearline_size") or 0) * GIGABYTE,
            kind="gpfs" if area.get("fs_type") == "gpfs" else "posixfs",
            quota=Quota(quota["device"], QUOTA_KINDS.get(quota.get("type", ""), "filesetName"), quota.get("value", ""))
            if quota.get("device")
            else None,
        )
        rules = [AppRule(f"{name.lower()}-rule-{number}", "*", vo, filesystem.name) for number, vo in enumerate(area.get("vos") or [])]
        document = storm_namespace.add(document, filesystem, None, rules)
        for number, point in enumerate(area.get("access_points") or []):
            document = storm_namespace.add(document, filesystem, MapRule(f"{name.lower()}-maprule-{number}", point, filesystem.name), ())
    return document.render()


# --- manifests -------------------------------------------------------------------------------------------------------------------------


def _manifest(text: str) -> Iterator[tuple[str, Any, int]]:
    """Name, value and line of the parameters of ``class { 'storm::...': name => value, ... }``."""
    for match in CLASS.finditer(text):
        tokens = _tokens(text, match.end())
        prefix = match[1] or match[2]
        try:
            while (token := next(tokens))[0] != "}":
                name, line = token[1], token[2]
                if next(tokens)[0] == "=>":
                    yield f"{prefix}::{name}", _value(next(tokens), tokens), line
                while (token := next(tokens))[0] not in (",", "}"):
                    pass
                if token[0] == "}":
                    break
        except (StopIteration, _End):
            continue


def _tokens(text: str, start: int) -> Iterator[tuple[str, Any, int]]:
    """Sign, value and line of each token; the sign of a value is empty."""
    for match in TOKEN.finditer(text, start):
        line = text.count("\n", 0, match.start()) + 1
        if match[1]:
            yield match[1], None, line
        elif match[2] is not None or match[3] is not None:
            yield "", match[2] if match[2] is not None else match[3], line
        elif match[4]:
            yield "", _plain(match[4]), line


def _plain(word: str) -> Any:
    if word in ("true", "false", "undef"):
        return {"true": True, "false": False, "undef": None}[word]
    return int(word) if re.fullmatch(r"-?\d+", word) else word


def _value(token: tuple[str, Any, int], tokens: Iterator[tuple[str, Any, int]]) -> Any:
    sign, value, _line = token
    if sign == "[":
        items = []
        while (token := _next(tokens))[0] != "]":
            if token[0] != ",":
                items.append(_value(token, tokens))
        return items
    if sign == "{":
        pairs = {}
        while (token := _next(tokens))[0] != "}":
            if token[0] == "," or _next(tokens)[0] != "=>":
                continue
            pairs[str(token[1])] = _value(_next(tokens), tokens)
        return pairs
    return value


def _next(tokens: Iterator[tuple[str, Any, int]]) -> tuple[str, Any, int]:
    found = next(tokens, None)
    if found is None:
        raise _End
    return found
