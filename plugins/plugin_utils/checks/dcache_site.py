# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a copy of a dCache host's files to its configuration as dCache sees it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from posixpath import basename, dirname

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import dcache_data
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_data import Property, Release
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.dcache_layout import (
    Host,
    Scope,
    Setting,
    default_settings,
    load_host,
    load_setup,
    split_key,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.java_properties import Document, parse

FILES = (
    "etc/hostname",
    "etc/default/dcache",
    "etc/dcache.env",
    "etc/dcache/*",
    "etc/exports",
    "etc/exports.d/*",
    "var/lib/dcache/config/*",
    "var/lib/dcache/httpd/*",
    "usr/share/dcache/plugins/*",
    "usr/local/share/dcache/plugins/*",
)
"""What of a host the dCache checks read: patterns relative to its root; a star crosses directories."""

FALLBACK = default_settings(
    {
        "dcache.paths.setup": "/etc/dcache/dcache.conf",
        "dcache.layout.uri": "file:/etc/dcache/layouts/${dcache.layout}.conf",
        "dcache.layout": "${host.name}",
    }
)
PLUGINS = ("usr/share/dcache/plugins", "usr/local/share/dcache/plugins")


@dataclass(frozen=True)
class Site:
    """hosts: one for each layout that this host may use; more than one when its name is not known.

    files: the text of every file. release: what the release and the plug-ins of this host know; None for an unknown release.
    layout: the file that dCache would read. candidates: layouts taken instead, because the name of the host is not in the copy.
    """

    files: Mapping[str, str]
    release: Release | None
    hosts: tuple[Host, ...]
    layout: str
    missing: bool
    candidates: tuple[str, ...]


def load_site(files: Mapping[str, str], release: str, hostname: str = "") -> Site:
    """The configuration of one host.

    files: text by path relative to the root of the copy (``etc/dcache/dcache.conf``). hostname: full name; empty: as in ``etc/hostname``.
    """
    known = dcache_data.load(release)
    if known is not None:
        known = _with_plugins(known, files)
    defaults = dict(FALLBACK)
    if known is not None:
        defaults |= known.settings
    hostname = hostname or _hostname(files)
    if hostname:
        defaults |= default_settings({"host.name": hostname.split(".")[0], "host.fqdn": hostname})
    root, setups = _setups(defaults, files)
    layout = _layout_path(setups[-1] if setups else root)
    present, candidates = _layouts(layout, files)
    hosts = [load_host(root, setups, path, parse(files[path])) for path in present] or [load_host(root, setups, layout, Document((), True))]
    return Site(files, known, tuple(hosts), layout, not present and bool(layout), candidates)


def properties_in(files: Mapping[str, str], directory: str) -> list[str]:
    """The ``.properties`` files right in a directory, in the order in which dCache loads them."""
    return sorted(path for path in files if dirname(path) == directory and path.endswith(".properties"))


def _hostname(files: Mapping[str, str]) -> str:
    return files.get("etc/hostname", "").strip()


def _setups(defaults: Mapping[str, Setting], files: Mapping[str, str]) -> tuple[Scope, tuple[Scope, ...]]:
    root = load_setup(defaults, ())[0]
    parts: list[list[tuple[str, Document]]] = []
    for path in root.value("dcache.paths.setup").split(":"):
        name = path.lstrip("/")
        found = [name] if name in files else properties_in(files, name.rstrip("/"))
        if found:
            parts.append([(file, parse(files[file], sectioned=False)) for file in found])
    return load_setup(defaults, parts)


def _layout_path(scope: Scope) -> str:
    """Relative to the root; a URI that names no file as it is written."""
    uri = scope.value("dcache.layout.uri")
    return re.sub(r"^file:/+", "", uri)


def _layouts(path: str, files: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The layout files to read, and those that were only guessed."""
    if path in files:
        return (path,), ()
    pattern = path.replace("${host.name}", "*").replace("${host.fqdn}", "*")
    if pattern == path:
        return (), ()
    guessed = tuple(sorted(file for file in files if dirname(file) == dirname(path) and fnmatchcase(basename(file), basename(pattern))))
    return guessed, guessed if len(guessed) > 1 else ()


def _with_plugins(release: Release, files: Mapping[str, str]) -> Release:
    """The release with the properties and services that plug-ins on the host add."""
    directories = {"/".join(path.split("/")[: base.count("/") + 2]) for base in PLUGINS for path in files if path.startswith(base + "/")}
    if not directories:
        return release
    properties = dict(release.properties)
    services = set(release.services)
    for directory in sorted(directories):
        services.update(basename(path).removesuffix(".batch") for path in files if dirname(path) == directory and path.endswith(".batch"))
        for path in properties_in(files, directory):
            for assignment in parse(files[path], sectioned=False).assignments():
                entry = _declared(assignment.key, assignment.value)
                properties[entry.name] = entry
    return replace(release, properties=properties, services=frozenset(services))


def _declared(raw_key: str, value: str) -> Property:
    """A property as a defaults file declares it."""
    key = split_key(raw_key)
    entry = annotated(key.name, key.annotations)
    return replace(entry, default=None if entry.state in ("obsolete", "forbidden") else value.strip())


def annotated(name: str, annotations: Mapping[str, str]) -> Property:
    """A property with the annotations that stand before its key."""
    state: dcache_data.State = "active"
    if "forbidden" in annotations:
        state = "forbidden"
    elif "obsolete" in annotations:
        state = "obsolete"
    elif "deprecated" in annotations:
        state = "deprecated"
    return Property(
        name=name,
        state=state,
        flags=frozenset(annotations.keys() & {"immutable", "prefix", "not-for-services"}),
        one_of=tuple(annotations["one-of"].split("|")) if "one-of" in annotations else (),
        any_of=tuple(annotations["any-of"].split("|")) if "any-of" in annotations else (),
    )


def place(scope: Scope, name: str) -> Setting | None:
    """The setting of a name that a person wrote, looked up from a scope; None for a default."""
    setting = scope.lookup(name)
    return setting if setting is not None and setting.file else None
