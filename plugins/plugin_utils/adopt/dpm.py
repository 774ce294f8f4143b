# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A DPM node's files as a site description, and which QoS it offers.

Quota tokens and pools are in DPM's database. The module dpm_pools returns them as ``found``; saved as DOME_FILE they become areas. Without
them an area is made of each directory that an issuer is bound to.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.adopt import naming
from ansible_collections.escape.datalake.plugins.plugin_utils.adopt.adopted import Adopted
from ansible_collections.escape.datalake.plugins.plugin_utils.adopt.survey import Offer, Survey
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import dpm as checks
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import dpm_webdav
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import apache_conf, dome_conf, xrootd_cfg
from ansible_collections.escape.datalake.plugins.plugin_utils.model import paths
from ansible_collections.escape.datalake.plugins.plugin_utils.model.derive import default_audiences
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Door
from ansible_collections.escape.datalake.plugins.plugin_utils.model.units import format_size

DOME_FILE = "var/lib/datalake/dome.json"
REDIRECTOR = "etc/xrootd/xrootd-dpmredir.cfg"
ROOT_PORT = 1094


def adopt(files: Mapping[str, str], release: str, hostname: str) -> Adopted:
    """The description of a head node. A disk node alone has nothing to describe."""
    if checks.HEAD not in files:
        return Adopted({"system": "dpm"}, notes=(f"{checks.DISK}: this is a disk node; its head node is what is described.",))
    head = dome_conf.parse(files[checks.HEAD])
    bound = checks.issuers_of(head)
    host = naming.full_name(hostname, [entry.value for entry in head.all(checks.AUDIENCES)])
    notes: list[str] = []
    names = {url: _issuer_name(url, prefix) for url, (prefix, _line) in bound.items()}
    dome = _dome(files, notes)
    areas, pools = _areas(dome, {prefix: names[url] for url, (prefix, _line) in bound.items()}, notes)
    doors = list(_doors(files, host, notes))
    site = naming.site_named(host)
    notes.append(f"{checks.HEAD}:1: Site and name were taken from the host's domain. Put in the names that CRIC knows.")
    storage: dict[str, Any] = {"name": naming.storage_name(site, "DPM"), "site": site, "system": "dpm"}
    if release:
        storage["release"] = release
    else:
        notes.append(f"{checks.HEAD}:1: The release is not known; give what rpm -q dmlite-dome shows.")
    storage |= {"issuers": list(names.values()), "doors": doors, "areas": areas}
    base = _base_path(bound, areas, notes)
    if base:
        storage["base_path"] = base
    usual = default_audiences([Door(door["scheme"], door["host"], door["port"]) for door in doors])
    further = [entry.value.strip('"') for entry in head.all(checks.AUDIENCES) if entry.value.strip('"') not in usual]
    if further:
        storage["audiences"] = list(dict.fromkeys(further))
    if not bound:
        notes.append(f"{checks.HEAD}:1: No token issuer is accepted. Give x509 with the VOs, or the issuers that it shall have.")
    notes.append(f"{checks.HEAD}:1: Who may read and write is in DPM's database; access was left to what the lake grants.")
    issuers = {names[url]: naming.issuer_entry(url) for url in bound}
    return Adopted(storage, issuers, _variables(files, head, pools), tuple(notes))


def survey(files: Mapping[str, str], release: str, hostname: str) -> Survey:
    """One offer for each quota token; for each pool that has none."""
    notes: list[str] = []
    dome = _dome(files, notes)
    head = dome_conf.parse(files.get(checks.HEAD, ""))
    host = naming.full_name(hostname, [entry.value for entry in head.all(checks.AUDIENCES)])
    doors = tuple(f"{door['scheme']}://{door['host']}:{door['port']}" for door in _doors(files, host, []))
    return Survey("dpm", release, host, tuple(_offers(dome)), doors, tuple(checks.issuers_of(head)), tuple(notes))


def _dome(files: Mapping[str, str], notes: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Pools, file systems and quota tokens as dpm_pools returns them; empty lists where they were not saved."""
    empty: dict[str, list[dict[str, Any]]] = {"pools": [], "file_systems": [], "quota_tokens": []}
    if DOME_FILE not in files:
        notes.append(f"{DOME_FILE}: is not there, so pools and quota tokens are not known. Save what dpm_pools returns as found.")
        return empty
    try:
        found = json.loads(files[DOME_FILE])
        return {name: [dict(each) for each in found.get(name, [])] for name in empty}
    except (ValueError, TypeError, AttributeError):
        notes.append(f"{DOME_FILE}:1: is not what dpm_pools returns as found, so pools and quota tokens are not known.")
        return empty


def _areas(
    dome: Mapping[str, list[dict[str, Any]]], prefixes: Mapping[str, str], notes: list[str]
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Areas, and the pool of each whose name is another one."""
    areas: list[dict[str, Any]] = []
    pools: dict[str, str] = {}
    kinds = {pool["name"]: pool["type"] for pool in dome["pools"]}
    tokens = dome["quota_tokens"]
    for token in tokens:
        inside = [other["path"] for other in tokens if paths.is_below(other["path"], token["path"])]
        if inside:
            notes.append(f"{DOME_FILE}:1: {token['path']} is not an area of its own, because {inside[0]} lies in it.")
            continue
        name = naming.area_name(token["path"], [area["name"] for area in areas])
        volatile = kinds.get(token["pool"]) == "V"
        medium = naming.medium_named((token["pool"], token["path"]))
        area: dict[str, Any] = {"name": name, "path": token["path"], "qos": naming.class_of(name, None, (token["pool"],))}
        area["capacity"] = format_size(token["size"])
        if medium and medium != "tape":
            area["media"] = medium
        groups = [group for group in token.get("groups", []) if "=" not in group]
        if groups and prefixes:
            issuer = next(
                (name for prefix, name in prefixes.items() if paths.is_below(token["path"], prefix)), next(iter(prefixes.values()))
            )
            area["access"] = [{"issuer": issuer, "group": f"/{group}", "rights": "write"} for group in groups]
            notes.append(f"{DOME_FILE}:1: {name}: access is that of the quota token, which knows writers; add who may only read.")
        left_out = [group for group in token.get("groups", []) if "=" in group]
        if left_out:
            notes.append(
                f"{DOME_FILE}:1: {name}: {', '.join(left_out)} may write too, by roles of VOMS, which a description cannot say; it stays."
            )
        if volatile:
            area |= {"volatile": True, "qos": "OPPORTUNISTIC"}
        notes.append(
            f"{DOME_FILE}:1: {name}: the class was taken from names; check it, and say medium and redundancy of pool {token['pool']}."
        )
        areas.append(area)
        if token["pool"] != name:
            pools[name] = token["pool"]
    if not tokens:
        for prefix in prefixes:
            name = naming.area_name(prefix, [area["name"] for area in areas])
            areas.append({"name": name, "path": prefix, "qos": naming.class_of(name, None)})
            notes.append(f"{checks.HEAD}:1: {name}: capacity, medium and class have to be filled in.")
    return areas, pools


def _doors(files: Mapping[str, str], host: str, notes: list[str]) -> Iterator[dict[str, Any]]:
    for path, text in files.items():
        if not path.startswith(dpm_webdav.ROOTS):
            continue
        document = apache_conf.parse(text)
        if not dpm_webdav.is_dav(document):
            continue
        for section in document.named_sections("VirtualHost"):
            engine = [each for each in document.find("SSLEngine") if each.inside(section) and each.args[:1] == ("on",)]
            ports = [address.rpartition(":")[2] for address in section.args]
            if engine:
                yield from ({"scheme": "davs", "host": host, "port": int(port)} for port in ports if port.isdigit())
    if REDIRECTOR in files:
        ports = [each.args[-1] for each in xrootd_cfg.parse(files[REDIRECTOR]).directives if each.name == "xrd.port" and each.args]
        yield {"scheme": "root", "host": host, "port": int(ports[-1]) if ports and ports[-1].isdigit() else ROOT_PORT}
    else:
        notes.append(f"{REDIRECTOR}: is not there; add a door with scheme root if there is one.")


def _base_path(bound: Mapping[str, tuple[str, int]], areas: list[dict[str, Any]], notes: list[str]) -> str:
    prefixes = [prefix for prefix, _line in bound.values()]
    if not prefixes:
        return ""
    for prefix, line in list(bound.values())[1:]:
        if prefix != prefixes[0]:
            notes.append(f"{checks.HEAD}:{line}: {prefix} is another directory than {prefixes[0]}; a storage has one base path.")
    inside = [area["path"] for area in areas if area["path"] == prefixes[0]]
    if inside:
        notes.append(f"{checks.HEAD}:1: {inside[0]} is both an area and the base path of tokens; give the area a directory of its own.")
    return prefixes[0]


def _issuer_name(url: str, prefix: str) -> str:
    """A short name of an issuer: the last part of its directory, which DPM sites name after the VO."""
    return naming.label(prefix.rstrip("/").rpartition("/")[2] or re.sub(r"https?://", "", url), "issuer").lower()


def _variables(files: Mapping[str, str], head: dome_conf.Document, pools: Mapping[str, str]) -> dict[str, Any]:
    variables: dict[str, Any] = {}
    if dpm_webdav.MAIN not in files:
        found = next(
            (path for path, text in files.items() if path.startswith(dpm_webdav.ROOTS) and dpm_webdav.is_dav(apache_conf.parse(text))), None
        )
        variables |= {"dpm_dav_file": f"/{found}"} if found else {}
    for name, key in (("dpm_certificate", checks.CERTIFICATE), ("dpm_key", checks.KEY)):
        if head.value(key):
            variables[name] = head.value(key)
    keys = [
        each.args[0]
        for path, text in files.items()
        if path.startswith(dpm_webdav.ROOTS)
        for each in apache_conf.parse(text).find(dpm_webdav.JWKS)
    ]
    if len(checks.issuers_of(head)) > 1 and keys:
        variables["dpm_client"] = {"jwks_uri": keys[0]}
    if pools:
        variables["dpm_area_pools"] = dict(pools)
    return variables


def _offers(dome: Mapping[str, list[dict[str, Any]]]) -> Iterator[Offer]:
    kinds = {pool["name"]: pool["type"] for pool in dome["pools"]}
    servers = {name: tuple(f"{each['server']}:{each['path']}" for each in dome["file_systems"] if each["pool"] == name) for name in kinds}
    for token in dome["quota_tokens"]:
        medium = naming.medium_named((token["pool"], token["path"]))
        yield Offer(
            naming.area_name(token["path"]),
            "quota token",
            f"{DOME_FILE}:1",
            (token["path"],),
            None if medium == "tape" else medium,
            copies=1,
            capacity=token["size"],
            pools=servers.get(token["pool"], ()),
            volatile=kinds.get(token["pool"]) == "V",
            notes=("The medium was taken from a name.",) if medium else (),
        )
    used = {token["pool"] for token in dome["quota_tokens"]}
    for pool in dome["pools"]:
        if pool["name"] not in used:
            yield Offer(
                pool["name"],
                "pool",
                f"{DOME_FILE}:1",
                media=naming.medium_named((pool["name"],)),
                copies=1,
                capacity=pool.get("size"),
                pools=servers.get(pool["name"], ()),
                volatile=pool["type"] == "V",
                notes=("No directory has a quota token of this pool, so nothing can be written to it.",),
            )
