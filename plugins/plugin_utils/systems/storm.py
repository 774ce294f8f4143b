# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that a StoRM host needs to serve a storage as described: files, directories, mounts, and the services to restart."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import storm_backend as backend_checks
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import storm_release, storm_webdav_site
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.storm_release import Release
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import storm_namespace
from ansible_collections.escape.datalake.plugins.plugin_utils.model.derive import area_access
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Area, Storage
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import MASK
from ansible_collections.escape.datalake.plugins.plugin_utils.systems import restarts, storm_backend, storm_webdav
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.storm_layout import (
    HEAD,
    AccessPoint,
    Options,
    Place,
    Secrets,
    access_points,
    places,
    space_token,
    storage_class,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.wanted_file import WantedFile, copies

UNITS = {
    "webdav": "storm-webdav.service",
    "backend": "storm-backend-server.service",
    "frontend": "storm-frontend-server.service",
    "gridftp": "storm-globus-gridftp.service",
}
PACKAGE = "storm-webdav"
REPORT_UNIT, REPORT_TIMER = "/etc/systemd/system/storm-site-report.service", "/etc/systemd/system/storm-site-report.timer"
REPORT_SETTINGS, REPORT_PROGRAM = "/etc/storm/datalake/storage-report.json", "/usr/local/libexec/storage-report"
REPORT_FILES = tuple(path.lstrip("/") for path in (storm_backend.INFO_PROVIDER, REPORT_SETTINGS, REPORT_PROGRAM))
INFO_PROVIDER = storm_backend.INFO_PROVIDER
REPORT_MINUTES = 20
SECRET_LINE = re.compile(r"(?im)^(.*(?:passwd|password|secret|\btoken)[\"']?\s*[=:]\s*).+$|(identified by ).+$")
NO_SECRETS = Secrets()
"""How soon the backend has read a changed namespace.xml; WebDAV reads nothing again."""


@dataclass(frozen=True)
class Site:
    """Everything that a host needs.

    mounts: partition and directory that it is to be seen at. directories: path, owner and mode. restarts: the files that a
    service reads at its start, by unit. points: the storage areas of WebDAV.
    """

    files: tuple[WantedFile, ...]
    directories: tuple[tuple[str, str, str], ...]
    mounts: tuple[tuple[str, str], ...]
    restarts: Mapping[str, tuple[str, ...]]
    points: tuple[AccessPoint, ...]

    @property
    def texts(self) -> dict[str, str]:
        return {each.path: each.content for each in self.files if each.content is not None}


def plan(
    storage: Storage, options: Options, files: Mapping[str, str], release: Release | None, fresh: Secrets, given: Secrets = NO_SECRETS
) -> Site:
    """What the files of the host should be.

    files: text of all that was found, by absolute path. fresh: secrets to use where the host has none that is good. given: those that
    take the place of what the host has.
    Raises DescriptionError for what StoRM cannot serve.
    """
    problems = list(_problems(storage, options, release))
    if problems:
        raise DescriptionError(problems)
    found = storm_webdav_site.read({path.lstrip("/"): text for path, text in files.items()}, release)
    secrets = chosen_secrets(files, found, fresh, given)
    points = access_points(storage, options, found)
    where = places(points, storage)
    drafts: dict[str, tuple[str, tuple[str, str, str]]] = {}
    if "webdav" in options.services:
        drafts |= _webdav(points, storage, options, found, files, release, secrets)
    drafts |= _services(where, storage, options, files, secrets)
    if options.report:
        drafts |= _report(where, storage, options)
    hidden = hidden_paths(options)
    wanted = []
    for path, (text, (owner, group, mode)) in drafts.items():
        if files.get(path) == text:
            continue
        new = path not in files
        wanted.append(
            WantedFile(path, text, None, owner if new else None, group if new else None, mode if new else None, secret=path in hidden)
        )
    wanted += copies(options.certificate, options.certificate_source, options.key, options.key_source, options.user)
    return Site(tuple(wanted), own_directories(points, options), _mounts(where), _restarts(drafts, options), points)


def chosen_secrets(files: Mapping[str, str], found: storm_webdav_site.Webdav, fresh: Secrets, given: Secrets = NO_SECRETS) -> Secrets:
    """Secrets that the host has and that are good stay; the others are replaced by fresh ones."""
    have = backend_checks.values(files.get(f"/{backend_checks.PROPERTIES}", ""))
    macaroons, _file, line = found.setting("storm.authz-server.secret")

    def keep(value: str, new: str | None) -> str | None:
        return new if backend_checks.weak(value) else value

    strong = bool(line) and len(str(macaroons).encode()) >= 32 and not backend_checks.weak(str(macaroons))
    return Secrets(
        given.database or keep(have.get("storm.service.request-db.passwd", ""), fresh.database),
        given.xmlrpc or keep(have.get("synchcall.xmlrpc.security.token", ""), fresh.xmlrpc),
        given.macaroons or (str(macaroons) if strong else fresh.macaroons),
    )


def restart_reasons(
    site: Site,
    options: Options,
    services: Mapping[str, Mapping[str, Any]],
    entries: Mapping[str, Mapping[str, Any]],
    written: Iterable[str],
) -> dict[str, list[str]]:
    """Why each unit must be restarted: what is written now, what was written after its start, and units that do not run."""
    changed = set(written)
    units = {UNITS[service] for service in options.services}
    found = {
        unit: restarts.reasons(unit, services.get(unit, {}), site.restarts[unit], entries, changed)
        for unit in UNITS.values()
        if unit in units
    }
    return {unit: each for unit, each in found.items() if each}


def masked(text: str) -> str:
    """A text without its secrets."""
    return SECRET_LINE.sub(lambda match: f"{match[1] or match[2]}{MASK}", text)


def read_paths(options: Options) -> list[str]:
    """Files and patterns that a plan has to know the text of."""
    return [
        "/etc/storm/webdav/sa.d/*.properties",
        "/etc/storm/webdav/config/application.y*ml",
        f"/{storm_webdav_site.WELL_KNOWN}",
        f"/{storm_webdav_site.DROP_INS}*.conf",
        f"/{storm_webdav_site.SYSCONFIG}",
        "/etc/grid-security/vomsdir/*/*.lsc",
        *(f"/{path}" for path in backend_checks.FILES),
        *([storm_backend.GRIDFTP] if "gridftp" in options.services else []),
        *([storm_backend.INFO_PROVIDER, storm_backend.DATABASE_CLIENT, storm_backend.DATABASE_GRANTS] if options.full else []),
        *([REPORT_UNIT, REPORT_TIMER, REPORT_SETTINGS, REPORT_PROGRAM] if options.report else []),
    ]


# --- parts -----------------------------------------------------------------------------------------------------------------------------

Drafts = dict[str, tuple[str, tuple[str, str, str]]]
PUBLIC = ("root", "root", "0644")


def _webdav(
    points: tuple[AccessPoint, ...],
    storage: Storage,
    options: Options,
    found: storm_webdav_site.Webdav,
    files: Mapping[str, str],
    release: Release | None,
    secrets: Secrets,
) -> Drafts:
    private = ("root", options.user, "0640")
    environment = storm_webdav.environment_path(release)
    drafts: Drafts = {
        path: (files.get(path, text) if path.endswith("/info.properties") else text, private)
        for path, text in storm_webdav.area_texts(points, storage, options, release).items()
    }
    drafts[storm_webdav.application_path(found)] = (
        storm_webdav.application_text(points, storage, options, found, release, secrets),
        private,
    )
    owner = private if options.macaroons else PUBLIC
    drafts[environment] = (storm_webdav.environment_text(storage, options, found, release, secrets), owner)
    if storm_webdav.LIMITS not in files:
        drafts[storm_webdav.LIMITS] = (f"# {HEAD}\n[Service]\nLimitNOFILE=65535\n", PUBLIC)
    wellknown = storm_webdav.wellknown_text(storage, options, files)
    if wellknown is not None:
        drafts[f"/{storm_webdav_site.WELL_KNOWN}"] = (wellknown, PUBLIC)
    for path, text in storm_webdav.lsc_texts(options, files).items():
        drafts[path] = (text, PUBLIC)
    return drafts


def _services(where: tuple[Place, ...], storage: Storage, options: Options, files: Mapping[str, str], secrets: Secrets) -> Drafts:
    private = ("root", options.user, "0640")
    drafts: Drafts = {}

    def found(path: str) -> str | None:
        return files.get(f"/{path.lstrip('/')}")

    if options.full:
        namespace = storm_backend.namespace_text(where, storage, options, found(backend_checks.NAMESPACE))
        drafts[f"/{backend_checks.NAMESPACE}"] = (namespace, ("root", options.user, "0644"))
        properties = storm_backend.properties_text(storage, options, secrets, found(backend_checks.PROPERTIES))
        drafts[f"/{backend_checks.PROPERTIES}"] = (properties, private)
        drafts[f"/{backend_checks.PATH_AUTHZ}"] = (storm_backend.path_authz_text(options, found(backend_checks.PATH_AUTHZ)), PUBLIC)
        tokens = _tokens(namespace, storage, options)
        used = storm_backend.used_space_text(storage, options, tokens, found(backend_checks.USED_SPACE))
        if used is not None:
            drafts[f"/{backend_checks.USED_SPACE}"] = (used, PUBLIC)
        info = storm_backend.info_provider_text(where, storage, options, found(storm_backend.INFO_PROVIDER))
        drafts[storm_backend.INFO_PROVIDER] = (info, PUBLIC)
        for path, text in storm_backend.database_texts(options, secrets).items():
            drafts[path] = (text, ("root", "root", "0600"))
    if "frontend" in options.services:
        frontend = storm_backend.frontend_text(storage, options, secrets, found(backend_checks.FRONTEND))
        drafts[f"/{backend_checks.FRONTEND}"] = (frontend, private)
    if "gridftp" in options.services:
        drafts[storm_backend.GRIDFTP] = (storm_backend.gridftp_text(storage, found(storm_backend.GRIDFTP)), PUBLIC)
    return drafts


def _tokens(namespace: str, storage: Storage, options: Options) -> dict[str, str]:
    """Space token by area, as the namespace has it."""
    have = storm_namespace.read(storm_namespace.parse(namespace))
    found = {area.name: have.filesystem_of(area.path) for area in storage.areas}
    return {area.name: (each.token if (each := found[area.name]) else space_token(area, options)) for area in storage.areas}


def _report(where: tuple[Place, ...], storage: Storage, options: Options) -> Drafts:
    """The storage report (WLCG SRR) of a site: made by the vendor's provider where there is a backend, by a script otherwise."""
    target = f"{options.report_root}/report.json"
    made = f"{options.report_root}/.report.json.new"
    program = (
        f"/usr/libexec/storm-info-provider get-report-json -o {made}" if options.full else f"{REPORT_PROGRAM} {REPORT_SETTINGS} {made}"
    )
    unit = (
        f"# {HEAD}\n[Unit]\nDescription=Storage report\n\n[Service]\nType=oneshot\n"
        f"ExecStart={program}\nExecStart=/bin/chown {options.user}: {made}\nExecStart=/bin/mv -f {made} {target}\n"
    )
    timer = (
        f"# {HEAD}\n[Unit]\nDescription=Storage report, kept fresh\n\n"
        f"[Timer]\nOnActiveSec=0\nOnUnitActiveSec={REPORT_MINUTES}min\n\n[Install]\nWantedBy=timers.target\n"
    )
    drafts: Drafts = {REPORT_UNIT: (unit, PUBLIC), REPORT_TIMER: (timer, PUBLIC)}
    if not options.full:
        drafts[REPORT_SETTINGS] = (json.dumps(_report_settings(where, storage, options), indent=2) + "\n", PUBLIC)
        drafts[REPORT_PROGRAM] = (options.report_script, ("root", "root", "0755"))
    return drafts


def _report_settings(where: tuple[Place, ...], storage: Storage, options: Options) -> dict[str, Any]:
    return {
        "name": storage.name,
        "version": storage.release,
        "endpoints": [
            {"name": f"{door.scheme}-{door.port}", "interfacetype": door.scheme, "endpointurl": f"{door.scheme}://{door.host}:{door.port}/"}
            for door in storage.doors
        ],
        "shares": [
            {
                "name": space_token(place.area, options),
                "path": place.area.path,
                "directory": place.directory,
                "totalsize": place.area.capacity,
                "retentionpolicy": storm_namespace.CLASSES[storage_class(place.area, options)][0],
                "accesslatency": storm_namespace.CLASSES[storage_class(place.area, options)][1],
                "vos": sorted({access.group.strip("/").partition("/")[0] for access in area_access(place.area, storage)}),
            }
            for place in where
        ],
    }


def hidden_paths(options: Options) -> frozenset[str]:
    """Files that hold secrets."""
    paths = {
        f"/{backend_checks.PROPERTIES}",
        f"/{backend_checks.FRONTEND}",
        storm_backend.DATABASE_CLIENT,
        storm_backend.DATABASE_GRANTS,
    }
    if options.macaroons:
        settings = f"/{storm_webdav_site.APPLICATION}"
        paths |= {f"/{storm_webdav_site.DROP_IN}", f"/{storm_webdav_site.SYSCONFIG}", settings, settings.replace(".yml", ".yaml")}
    return frozenset(paths)


def own_directories(points: tuple[AccessPoint, ...], options: Options) -> tuple[tuple[str, str, str], ...]:
    """The service's own directories, parents first: path, owner and mode."""
    found = [posixpath.dirname(each) for each in (options.certificate, options.key) if options.certificate_source or options.key_source]
    for point in points:
        found.append(point.root)
        for place in point.places:
            folder = point.root.rstrip("/")
            for part in place.relative.strip("/").split("/") if place.relative else []:
                folder = f"{folder}/{part}"
                found.append(folder)
            found += [place.partition] if place.partition else []
    if options.report:
        found.append(options.report_root)
    return tuple((path, options.user, "0755") for path in dict.fromkeys(found))


def _mounts(where: tuple[Place, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((place.partition, place.directory) for place in where if place.partition)


def _restarts(drafts: Mapping[str, Any], options: Options) -> dict[str, tuple[str, ...]]:
    """Files that each unit reads at its start only, units' own files among them."""
    webdav = [
        path for path in drafts if path.startswith(("/etc/storm/webdav/", f"/{storm_webdav_site.DROP_INS}", "/etc/sysconfig/storm-webdav"))
    ]
    copies = [options.certificate, options.key]
    return {
        UNITS["webdav"]: (*webdav, *copies),
        UNITS["backend"]: (f"/{backend_checks.PROPERTIES}", f"/{backend_checks.PATH_AUTHZ}"),
        UNITS["frontend"]: (f"/{backend_checks.FRONTEND}",),
        UNITS["gridftp"]: (storm_backend.GRIDFTP,),
    }


# --- what StoRM cannot do --------------------------------------------------------------------------------------------------------------


def _problems(storage: Storage, options: Options, release: Release | None) -> Iterator[Problem]:
    at = "datalake_storage"
    ports = {door.port for door in storage.doors if door.scheme in ("davs", "https")}
    if len(ports) > 1:
        yield Problem(f"{at}.doors", "has several WebDAV ports, and StoRM WebDAV serves one.", "Keep one port.")
    if not ports and "webdav" in options.services:
        yield Problem(f"{at}.doors", "has no davs door for StoRM WebDAV.", "Add one, such as {scheme: davs, host: ..., port: 8443}.")
    if "webdav" in options.services and len(storm_webdav.names_of(storage, options)) > storm_webdav.NAMES:
        yield Problem(
            "storm_aliases", f"make more than {storm_webdav.NAMES} names with the doors, and WebDAV reads no more.", "Leave some out."
        )
    for scheme, service in (("srm", "frontend"), ("gsiftp", "gridftp")):
        if any(door.scheme == scheme for door in storage.doors) and service not in options.services:
            yield Problem(f"{at}.doors", f"has a {scheme} door, and no {service} is installed.", f"Add {service} to storm_services.")
    if options.full and storage.x509 is None:
        yield Problem(
            f"{at}.x509", "is missing, and SRM lets nobody in without a VO.", "Name the VOs, or leave the backend out of storm_services."
        )
    for number, area in enumerate(storage.areas):
        yield from _area_problems(area, storage, options, release, f"{at}.areas[{number}]")


def _area_problems(area: Area, storage: Storage, options: Options, release: Release | None, at: str) -> Iterator[Problem]:
    if len(area.partitions) > 1:
        yield Problem(
            f"{at}.partitions", "has several directories, and StoRM keeps an area in one.", "Join them with a file system, and name that."
        )
    chosen, extra = storage_class(area, options), options.area(area.name)
    if chosen not in ("T0D1", "T1D0", "T1D1"):
        yield Problem(f"storm_areas.{area.name}.storage_class", f'"{chosen}" is no storage class.', "Use T0D1, T1D0 or T1D1.")
    elif (chosen == "T0D1") == (area.media == "tape"):
        yield Problem(
            f"storm_areas.{area.name}.storage_class",
            f"{chosen} does not go with media {area.media}.",
            "Correct one of the two, or leave the class out.",
        )
    if extra.quota and extra.file_system != "gpfs":
        yield Problem(f"storm_areas.{area.name}.quota", "needs GPFS.", "Write file_system: gpfs, or leave the quota to the file system.")
    if not storm_webdav.has_policies(release):
        fine = [access.group for access in area_access(area, storage) if access.group.count("/") > 1]
        if fine:
            yield Problem(
                f"{at}.access",
                f"distinguishes groups ({', '.join(fine)}), and StoRM WebDAV before 1.3 knows issuers only.",
                "Upgrade to 1.4.2 or later, or grant rights to the whole organisation.",
            )
    if area.access and storm_webdav.has_policies(release) and release is not None and release < storm_release.NAMES_SETTLED:
        strangers = [issuer.name for issuer in storage.issuers if not any(access.issuer == issuer.name for access in area.access)]
        if strangers:
            yield Problem(
                f"{at}.access",
                f"leaves out {', '.join(strangers)}, and 1.3.0 cannot refuse one issuer in an area.",
                "Upgrade to 1.3.1 or later.",
            )
