# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A StoRM site's files as a site description, and which QoS they offer.

Sites that a configuration tool makes are read from its input as well: YAIM (yaim.py) and the vendor's Puppet module (storm_puppet.py) say
which files they would write, and those are read. The description is planned back at once: what the role would change is said in the notes.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.adopt import naming, storm_puppet, yaim
from ansible_collections.escape.datalake.plugins.plugin_utils.adopt.adopted import Adopted
from ansible_collections.escape.datalake.plugins.plugin_utils.adopt.survey import Offer, Survey
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import storm_backend as backend_checks
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import storm_webdav_site
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.storm_release import parse_release
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.storm_webdav_site import Policy, StorageArea, Webdav, truth
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import json_text, storm_namespace, tape_wellknown, vomsdir_lsc
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.storm_namespace import Filesystem, Namespace
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.tape_wellknown import Endpoint
from ansible_collections.escape.datalake.plugins.plugin_utils.model import parse, qos, units
from ansible_collections.escape.datalake.plugins.plugin_utils.model.derive import default_audiences
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Door
from ansible_collections.escape.datalake.plugins.plugin_utils.systems import storm as planner
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.storm_backend import GRIDFTP
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.storm_layout import AreaOptions, Options, Secrets, plain_token

FILES = (GRIDFTP.lstrip("/"), *planner.REPORT_FILES, "etc/systemd/system/storm-site-report.*", *yaim.FILES, *storm_puppet.FILES)
BY_HAND = "To be settled by hand: "
LINES = 12  # of a difference that a note quotes
STAND_IN = {"capacity": "1TB", "media": "nvme"}
"""Facts that a plan needs and that files of WebDAV alone do not hold."""
NO_ISSUER = {"none": {"url": "https://none.example.org/"}}  # a lake needs one
QUOTA_WORDS = {"filesetName": "fileset", "groupName": "group", "userName": "user"}
SUBTREE = re.compile(r"(/.+)/\*\*")
Grant = tuple[str, str, str]
"""Issuer's short name, group, rights."""


@dataclass
class _Reading:
    """What was found while the files are gone through."""

    files: Mapping[str, str]
    webdav: Webdav
    namespace: Namespace
    hostname: str
    release: str
    notes: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def note(self, text: str, file: str, line: int = 1) -> None:
        self.notes.append(f"{file}:{max(line, 1)}: {text}")


@dataclass(frozen=True)
class _Found:
    """An area of the description, where its parts come from, and who may do what in it."""

    entry: dict[str, Any]
    area: StorageArea | None
    filesystem: Filesystem | None
    grants: frozenset[Grant]


def adopt(files: Mapping[str, str], release: str, hostname: str) -> Adopted:
    """The description of the site that the files are of."""
    files, made = _as_written(files)
    reading = _read(files, release, hostname)
    reading.notes += made
    if not reading.webdav.areas and not reading.namespace.filesystems:
        return Adopted({"system": "storm"}, notes=(*reading.notes, "etc/storm: no storage area is described here."))
    issuers = _issuers(reading)
    reported = [share.get("path") for share in _report_settings(reading).get("shares", ())]
    found = list(_areas(reading, {entry["url"]: name for name, entry in issuers.items()}))
    found.sort(key=lambda each: reported.index(each.entry["path"]) if each.entry["path"] in reported else len(reported))
    storage = _storage(reading, found, issuers)
    common = frozenset.intersection(*(each.grants for each in found if each.area)) if any(each.area for each in found) else frozenset()
    for name, entry in issuers.items():
        granted = [_grant(each) for each in sorted(common) if each[0] == name]
        if granted:
            entry["access"] = granted
    for each in found:
        if each.area and each.grants != common:
            each.entry["access"] = [{"issuer": grant[0], **_grant(grant)} for grant in sorted(each.grants)]
    variables = _variables(reading, found)
    told = changes(files, storage, issuers, variables, release)
    reading.notes += [each for each in told if not made or each.startswith(BY_HAND)]
    return Adopted(storage, issuers, variables, tuple(reading.notes))


def survey(files: Mapping[str, str], release: str, hostname: str) -> Survey:
    """One offer for each file system of the backend, or storage area of WebDAV."""
    files, notes = _as_written(files)
    reading = _read(files, release, hostname)
    doors = tuple(f"{door['scheme']}://{door['host']}:{door['port']}" for door in _doors(reading))
    issuers = tuple(issuer.url for issuer in reading.webdav.issuers)
    offers = tuple(_offer(each) for each in _areas(reading, {}))
    return Survey("storm", release, reading.hostname, offers, doors, issuers, tuple(notes))


def changes(
    files: Mapping[str, str], storage: Mapping[str, Any], issuers: Mapping[str, Any], variables: Mapping[str, Any], release: str
) -> list[str]:
    """What the role would change in the files when the description is taken as it is; empty for nothing."""
    absolute = {f"/{path}": text for path, text in files.items()}
    try:
        site = planned(absolute, storage, issuers, variables, release)
    except DescriptionError as error:
        return [f"{BY_HAND}{problem}" for problem in error.problems]
    return [
        f"{path.lstrip('/')}: the role would {'change' if path in absolute else 'write'} it: {_difference(absolute.get(path, ''), text)}"
        for path, text in site.texts.items()
    ]


def planned(
    absolute: Mapping[str, str], storage: Mapping[str, Any], issuers: Mapping[str, Any], variables: Mapping[str, Any], release: str
) -> planner.Site:
    """The host of a description, with facts put in that files do not hold. absolute: texts found. Raises DescriptionError."""
    areas = [{**STAND_IN, **area, "qos": "OPPORTUNISTIC"} for area in storage["areas"]]
    lake = parse.load_lake({"name": "adopted", "issuers": {name: dict(entry) for name, entry in issuers.items()} or NO_ISSUER})
    loaded = parse.load_storage({"release": "1.9.0", **storage, "areas": areas}, lake)
    made = Secrets("made by the role", "made by the role", "made by the role")
    options = replace(options_of(variables), report_script=absolute.get(planner.REPORT_PROGRAM, ""))
    return planner.plan(loaded, options, absolute, parse_release(release), made)


def options_of(variables: Mapping[str, Any]) -> Options:
    """The planner's options from the variables of the role. Certificates are left as they are."""
    given = {name.removeprefix("storm_"): value for name, value in variables.items()}
    return Options(
        services=frozenset(given.get("services", ("webdav",))),
        http_port=given.get("http_port", Options.http_port),
        aliases=tuple(given.get("aliases", ())),
        macaroons=given.get("macaroons", False),
        flat_vos=tuple(given.get("flat_vos", ())),
        tape_endpoints=tuple(Endpoint(each["uri"], each["version"]) for each in given.get("tape_endpoints", ())),
        vomsdir={vo: {host: tuple(each) for host, each in hosts.items()} for vo, hosts in given.get("vomsdir", {}).items()},
        report=given.get("report", True),
        report_root=given.get("report_root", Options.report_root),
        properties=given.get("properties", {}),
        database_host=given.get("database_host", Options.database_host),
        areas={name: _area_options(each) for name, each in given.get("areas", {}).items()},
    )


def _area_options(given: Mapping[str, Any]) -> AreaOptions:
    quota = given.get("quota")
    kind = next((kind for kind, word in QUOTA_WORDS.items() if quota and word in quota), "")
    return AreaOptions(
        given.get("storage_class"),
        given.get("space_token"),
        units.parse_size(given["online_size"]) if "online_size" in given else None,
        None,
        storm_namespace.Quota(quota["device"], kind, quota[QUOTA_WORDS[kind]]) if quota else None,
        given.get("file_system", "posixfs"),
    )


def _difference(before: str, after: str) -> str:
    lines = list(difflib.unified_diff(planner.masked(before).splitlines(), planner.masked(after).splitlines(), n=0))
    told = [line for line in lines[2:] if not line.startswith("@@")]
    return "; ".join(told[:LINES]) + ("; ..." if len(told) > LINES else "")


def _as_written(files: Mapping[str, str]) -> tuple[Mapping[str, str], list[str]]:
    """The files of a host; where only the input of a tool is there, what the tool would write, and where it was read."""
    if any(path.startswith(storm_webdav_site.AREAS) or path == backend_checks.NAMESPACE for path in files):
        return files, []
    for tool in (yaim, storm_puppet):
        made, notes = tool.written(files)
        if made:
            return {**files, **made}, notes
    return files, []


def _read(files: Mapping[str, str], release: str, hostname: str) -> _Reading:
    webdav = storm_webdav_site.read(files, parse_release(release))
    namespace = storm_namespace.read(storm_namespace.parse(files.get(backend_checks.NAMESPACE, "<namespace/>")))
    named = [*webdav.hostnames, *(audience for issuer in webdav.issuers for audience in issuer.audiences)]
    return _Reading(files, webdav, namespace, naming.full_name(hostname, named), release)


# --- the storage -----------------------------------------------------------------------------------------------------------------------


def _storage(reading: _Reading, found: Sequence[_Found], issuers: Mapping[str, Any]) -> dict[str, Any]:
    info = backend_checks.values(reading.files.get(planner.INFO_PROVIDER.lstrip("/"), ""))
    site = naming.label(info.get("SITE_NAME", "").strip("\"'"), "") or naming.site_named(reading.hostname)
    if "SITE_NAME" not in info:
        reading.note("Site and name were taken from the host's domain. Put in the names that CRIC knows.", "etc/storm")
    storage: dict[str, Any] = {
        "name": _report_settings(reading).get("name") or naming.storage_name(site, "STORM"),
        "site": site,
        "system": "storm",
    }
    if reading.release:
        storage["release"] = reading.release
    else:
        reading.note("The release of StoRM WebDAV is not known; give all its numbers.", "etc/storm")
    storage["issuers"] = list(issuers)
    shared = next((each.entry["base_path"] for each in found if each.entry["base_path"] != each.entry["path"]), None)
    if shared:
        storage["base_path"] = shared
    for each in found:
        if each.entry["base_path"] == shared:
            del each.entry["base_path"]
    doors = _doors(reading)
    usual = default_audiences([Door(door["scheme"], door["host"], door["port"]) for door in doors])
    further = [audience for issuer in reading.webdav.issuers for audience in issuer.audiences if audience not in usual]
    if further:
        storage["audiences"] = list(dict.fromkeys(each for each in further if not each.endswith("/")))
    storage["doors"] = doors
    storage["areas"] = [each.entry for each in found]
    vos = _vos(reading)
    if vos:
        storage["x509"] = {"vos": vos}
    return storage


def _report_settings(reading: _Reading) -> Mapping[str, Any]:
    """What the program that makes the storage report is told, on hosts without backend."""
    value = json_text.parse(reading.files.get(planner.REPORT_SETTINGS.lstrip("/"), "{}")).value
    return value if isinstance(value, dict) else {}


def _doors(reading: _Reading) -> list[dict[str, Any]]:
    webdav = reading.webdav
    host = next(iter(webdav.hostnames), "") or reading.hostname
    doors = []
    if webdav.areas:
        port = str(webdav.setting("storm.connector.secure-port")[0])
        doors.append({"scheme": "davs", "host": host, "port": int(port) if port.isdigit() else 8443})
    if "." not in host:
        reading.note(f"The full name of the host is not known (found: {host or 'nothing'}); put it into the doors.", "etc/storm")
    return doors


def _vos(reading: _Reading) -> list[str]:
    """VOs that policies or the backend name."""
    named = [
        principal.params.get("fqan", "").strip("/").partition("/")[0] if principal.kind == "fqan" else principal.params.get("vo", "")
        for policy in reading.webdav.policies
        for principal in policy.principals
        if principal.kind in ("fqan", "vo")
    ]
    named += [rule.vo for rule in reading.namespace.app_rules if rule.vo != "*"]
    named += [] if any(named) else [vo for area in reading.webdav.areas for vo in area.vos]
    return list(dict.fromkeys(vo for vo in named if vo))


def _issuers(reading: _Reading) -> dict[str, Any]:
    """Issuers that a storage area names, by the names that application.yml gives them."""
    used = list(dict.fromkeys(url for area in reading.webdav.areas for url in area.organisations))
    named = {issuer.url: issuer.name for issuer in reading.webdav.issuers}
    entries: dict[str, Any] = {}
    for url in used:
        name = naming.label(named.get(url, ""), "") or naming.label(re.sub(r"^https?://|/+$", "", url).replace("/", "-"), "issuer")
        entries[name if name not in entries else f"{name}-{len(entries)}"] = naming.issuer_entry(url)
    return entries


# --- areas -----------------------------------------------------------------------------------------------------------------------------


def _areas(reading: _Reading, names: Mapping[str, str]) -> Iterator[_Found]:
    """names: short names of issuers by address."""
    mapped = {rule.path.rstrip("/") or "/": rule for rule in reading.namespace.map_rules}
    seen: set[str] = set()
    for area in reading.webdav.areas:
        if _is_report(area):
            continue
        for extra in area.access_points[1:]:
            reading.note(f"The further access point {extra} stays in the file and is not described.", area.file, area.line("accessPoints"))
        point = area.access_points[0].rstrip("/") or "/" if area.access_points else ""
        if not point:
            continue
        inside = [path for path in mapped if area.covers(path) == point and reading.webdav.area_of(path) is area]
        inside = inside or _policy_paths(reading, area, point) or [point]
        for path in inside:
            seen.add(path)
            yield _found(reading, path, point, area, names, alone=len(inside) == 1)
    for path in mapped:
        if path not in seen:
            yield _found(reading, path, path, None, names)


def _is_report(area: StorageArea) -> bool:
    return area.name == "info" and not area.organisations and not area.vos


def _policy_paths(reading: _Reading, area: StorageArea, point: str) -> list[str]:
    """The directories that the policies of a storage area tell apart; none when a policy is for all of it."""
    found: list[str] = []
    for policy in reading.webdav.policies:
        if policy.area == area.name:
            parts = [SUBTREE.fullmatch(path) for path in policy.paths]
            if not parts or not all(parts):
                return []
            found += [point.rstrip("/") + part[1] for part in parts if part]
    return list(dict.fromkeys(found))


def _found(reading: _Reading, path: str, base: str, area: StorageArea | None, names: Mapping[str, str], *, alone: bool = False) -> _Found:
    """alone: the storage area of WebDAV holds nothing else, so its name is the area's."""
    filesystem = reading.namespace.filesystem_of(path)
    name = area.name if area is not None and alone and area.name not in reading.names else naming.area_name(path, reading.names)
    reading.names.append(name)
    file, line = (area.file, area.line("accessPoints")) if area else (backend_checks.NAMESPACE, filesystem.line if filesystem else 1)
    entry: dict[str, Any] = {"name": name, "path": path, "base_path": base}
    directory = filesystem.root if filesystem else area.directory(path) if area else None
    tape = (filesystem is not None and filesystem.storage_class in ("T1D0", "T1D1")) or (
        filesystem is None and area is not None and area.flag("tapeEnabled")
    )
    medium = "tape" if tape else naming.medium_named((name, directory or "", filesystem.token if filesystem else ""))
    medium = None if medium == "tape" and not tape else medium
    entry["qos"] = naming.class_of(name, qos.Facts(medium) if medium else None, (path, filesystem.token if filesystem else ""))
    shares = {share.get("path"): share.get("totalsize") for share in _report_settings(reading).get("shares", ())}
    size = (filesystem.nearline if tape else filesystem.online) if filesystem else shares.get(path)
    if size:
        entry["capacity"] = units.format_size(size)
    else:
        reading.note(f"Fill in the capacity of area {name}: no file tells it.", file, line)
    if medium:
        entry["media"] = medium
        if not tape:
            reading.note(f"The medium of area {name}, {medium}, was taken from a name. Correct it if it is not so.", file, line)
    else:
        reading.note(f"Fill in the medium of area {name}, its copies and redundancy; then claim the class that they earn.", file, line)
    if directory:
        entry["partitions"] = [directory]
    if area is None:
        reading.note(f"Area {name} is served by SRM alone; the role would add it to WebDAV.", file, line)
    return _Found(entry, area, filesystem, frozenset(_grants(reading, area, path, base, names)))


def _grants(reading: _Reading, area: StorageArea | None, path: str, base: str, names: Mapping[str, str]) -> Iterator[Grant]:
    """What policies grant to groups of issuers in an area."""
    if area is None:
        return
    if area.flat_read and names:
        may = "read and write" if area.flat_write else "read"
        reading.note(f"Every token of an issuer in orgs may {may}; a description grants rights to groups.", area.file, area.line("orgs"))
    relative = path.removeprefix(base.rstrip("/")) or ""
    for policy in reading.webdav.policies:
        if policy.area != area.name or (policy.paths and f"{relative}/**" not in policy.paths):
            continue
        if policy.effect != "permit" or not area.policies_count:
            if not (policy.effect == "deny" and _refuses_issuer(policy)) and names:
                _undescribed(reading, policy)
            continue
        rights = "write" if "all" in policy.actions or {"write", "delete"} & set(policy.actions) else "read"
        for principal in policy.principals:
            issuer = names.get(principal.params.get("iss", ""))
            if principal.kind in ("jwt-group", "oauth-group") and issuer:
                group = principal.params.get("group", "")
                yield issuer, group if group.startswith("/") else f"/{group}", rights
            elif principal.kind not in ("fqan", "vo") and names:
                _undescribed(reading, policy)


def _refuses_issuer(policy: Policy) -> bool:
    return all(principal.kind == "jwt-issuer" for principal in policy.principals)


def _undescribed(reading: _Reading, policy: Policy) -> None:
    place = reading.webdav.place(("storm", "authz", "policies", policy.index))
    reading.note(f'The policy "{policy.description}" stays in the file and is not described.', *place)


def _grant(grant: Grant) -> dict[str, str]:
    return {"group": grant[1], "rights": grant[2]}


# --- variables of the role, survey -------------------------------------------------------------------------------------------------------


def _variables(reading: _Reading, found: Sequence[_Found]) -> dict[str, Any]:
    webdav, files = reading.webdav, reading.files
    services = [
        *(["webdav"] if webdav.areas else []),
        *(["backend"] if backend_checks.NAMESPACE in files else []),
        *(["frontend"] if backend_checks.FRONTEND in files else []),
        *(["gridftp"] if GRIDFTP.lstrip("/") in files else []),
    ]
    variables: dict[str, Any] = {"storm_services": services}
    http_port = str(webdav.setting("storm.connector.port")[0])
    if http_port.isdigit() and int(http_port) != Options.http_port:
        variables["storm_http_port"] = int(http_port)
    if webdav.hostnames[1:]:
        variables["storm_aliases"] = list(webdav.hostnames[1:])
    if truth(webdav.setting("storm.authz-server.enabled")[0]):
        variables["storm_macaroons"] = True
    flat = list(dict.fromkeys(vo for area in webdav.areas for vo in area.vos))
    if flat:
        variables["storm_flat_vos"] = flat
    if storm_webdav_site.WELL_KNOWN in files:
        endpoints = tape_wellknown.endpoints(tape_wellknown.parse(files[storm_webdav_site.WELL_KNOWN]))
        variables["storm_tape_endpoints"] = [{"uri": each.uri, "version": each.version} for each in endpoints]
    trusted = _vomsdir(files)
    if trusted:
        variables["storm_vomsdir"] = trusted
    report = next((area for area in webdav.areas if _is_report(area)), None)
    unit = planner.REPORT_UNIT.lstrip("/") in files
    variables["storm_report"] = report is not None and unit
    if report is not None and report.root != Options.report_root:
        variables["storm_report_root"] = report.root
    properties = backend_checks.values(files.get(backend_checks.PROPERTIES, ""))
    database = properties.get("storm.service.request-db.host", "localhost")
    public = properties.get("storm.service.FE-public.hostname", "")
    if public and public != (next(iter(webdav.hostnames), "") or reading.hostname):
        variables["storm_properties"] = {"storm.service.FE-public.hostname": public}
    if database != Options.database_host:
        variables["storm_database_host"] = database
        variables["storm_database"] = False
    extra = {each.entry["name"]: own for each in found if (own := _area_variables(each))}
    if extra:
        variables["storm_areas"] = extra
    return variables


def _area_variables(found: _Found) -> dict[str, Any]:
    filesystem = found.filesystem
    if filesystem is None:
        return {}
    own: dict[str, Any] = {}
    if filesystem.storage_class == "T1D1":
        own["storage_class"] = "T1D1"
    if filesystem.token and filesystem.token != plain_token(found.entry["name"]):
        own["space_token"] = filesystem.token
    if filesystem.storage_class != "T0D1" and filesystem.online and filesystem.online != filesystem.nearline:
        own["online_size"] = units.format_size(filesystem.online)
    if filesystem.kind in ("gpfs", "xfs"):
        own["file_system"] = filesystem.kind
    if filesystem.quota:
        own["quota"] = {"device": filesystem.quota.device, QUOTA_WORDS[filesystem.quota.kind]: filesystem.quota.value}
    return own


def _vomsdir(files: Mapping[str, str]) -> dict[str, dict[str, list[str]]]:
    trusted: dict[str, dict[str, list[str]]] = {}
    for path, text in files.items():
        match = re.fullmatch(r"etc/grid-security/vomsdir/([^/]+)/([^/]+)\.lsc", path)
        chains = vomsdir_lsc.chains(text)
        if match and len(chains) == 1:
            trusted.setdefault(match[1], {})[match[2]] = list(chains[0])
    return trusted


def _offer(found: _Found) -> Offer:
    entry, filesystem, area = found.entry, found.filesystem, found.area
    tape = entry.get("media") == "tape"
    where = f"{area.file}:{area.line('name')}" if area else f"{backend_checks.NAMESPACE}:{filesystem.line if filesystem else 1}"
    staging = filesystem is not None and filesystem.storage_class == "T1D0"
    return Offer(
        name=entry["name"],
        kind="storage area",
        where=where,
        paths=(entry["path"],),
        media=None if tape else entry.get("media"),
        capacity=units.parse_size(entry["capacity"]) if "capacity" in entry else None,
        tape=tape,
        staging=staging or (tape and filesystem is None),
        notes=(f"SRM class {filesystem.storage_class}, space token {filesystem.token}",) if filesystem else (),
    )
