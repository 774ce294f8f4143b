# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Input of YAIM for StoRM (site-info.def and the files below services/), as the files that YAIM would write.

The names of the variables are those of yaim-storm (se_storm_backend, se_storm_webdav), frozen in 2021.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ansible_collections.escape.datalake.plugins.plugin_utils.checks.storm_backend import NAMESPACE, PROPERTIES
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.storm_webdav_site import AREAS, DROP_IN
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import service_environment, storm_namespace
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.storm_namespace import AppRule, Filesystem, MapRule, Quota

FILES = ("*site-info.def", "etc/storm/siteinfo/*", "*services/se_storm_*", "opt/glite/yaim/etc/siteinfo/*")
GIGABYTE = 10**9
REFERENCE = re.compile(r"\$\{?(\w+)\}?")


def variables(files: Mapping[str, str]) -> dict[str, tuple[str, str, int]]:
    """Value, file and line of every variable; later files go before earlier ones, as YAIM reads services/ after site-info.def."""
    found: dict[str, tuple[str, str, int]] = {}
    for path in sorted((path for path in files if _is_input(path)), key=lambda path: ("/services/" in f"/{path}", path)):
        for each in service_environment.parse(files[path], "file").variables:
            value = REFERENCE.sub(lambda match: found[match[1]][0] if match[1] in found else match[0], each.value)
            found[each.name] = (re.sub(r"\s+#.*$", "", value), path, each.line)
    return found


def written(files: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The files that YAIM would write, and notes; nothing when there is no list of storage areas."""
    known = variables(files)
    if "STORM_STORAGEAREA_LIST" not in known:
        return {}, []

    def value(name: str, default: str = "") -> str:
        return known[name][0] if name in known else default

    listed, path, line = known["STORM_STORAGEAREA_LIST"]
    notes = [f"{path}:{line}: read from the input of YAIM; the files that YAIM made of it may have been changed since."]
    namespace = storm_namespace.parse(storm_namespace.render("made from the input of YAIM"))
    texts: dict[str, str] = {}
    for area in listed.split():
        key = f"STORM_{re.sub(r'[.-]', '', area).upper()}"
        vos = value(f"{key}_VONAME", area).split()
        root = value(f"{key}_ROOT") or f"{value('STORM_DEFAULT_ROOT', '/storage').rstrip('/')}/{area}"
        points = value(f"{key}_ACCESSPOINT", f"/{area}").split()
        storage_class = value(f"{key}_STORAGECLASS") or value("STORM_STORAGECLASS", "T0D1")
        if f"{key}_ONLINE_SIZE" not in known:
            notes.append(f"{path}:{line}: {key}_ONLINE_SIZE is not set, so the capacity of {area} is not known.")
        filesystem = Filesystem(
            name=f"{key.removeprefix('STORM_')}-FS",
            root=root,
            token=value(f"{key}_TOKEN", f"{key.removeprefix('STORM_')}_TOKEN"),
            storage_class=storage_class if storage_class in storm_namespace.CLASSES else "T0D1",
            online=_gigabytes(value(f"{key}_ONLINE_SIZE")),
            nearline=_gigabytes(value(f"{key}_NEARLINE_SIZE")),
            kind="gpfs" if value(f"{key}_FSTYPE", value("STORM_FSTYPE")) == "gpfs" else "posixfs",
            quota=_quota(key, known),
        )
        rules = [AppRule(f"{area}-rule-{number}", "*", vo, filesystem.name) for number, vo in enumerate(vos)]
        namespace = storm_namespace.add(namespace, filesystem, None, rules)
        for number, point in enumerate(points):
            rule = MapRule(f"{area}-maprule-{number}", point, filesystem.name)
            namespace = storm_namespace.add(namespace, filesystem, rule, ())
        organisations = value(f"{key}_ORGS").replace(" ", ",")
        texts[f"{AREAS}{area}.properties"] = (
            f"name={area}\nrootPath={root}\naccessPoints={','.join(points)}\nvos={','.join(vos)}\norgs={organisations}\n"
            f"anonymousReadEnabled={value(f'{key}_ANONYMOUS_HTTP_READ', 'false').lower()}\n"
            f"authenticatedReadEnabled={value(f'{key}_AUTHENTICATED_HTTP_READ', 'false').lower()}\n"
        )
    texts[NAMESPACE] = namespace.render()
    host = value("STORM_FRONTEND_PUBLIC_HOST") or value("STORM_BACKEND_HOST")
    texts[PROPERTIES] = f"storm.service.FE-public.hostname={host}\nstorm.service.port={value('STORM_FRONTEND_PORT', '8444')}\n"
    webdav = value("STORM_WEBDAV_HOST") or host
    if webdav:
        texts[DROP_IN] = service_environment.render({"STORM_WEBDAV_HOSTNAME_0": webdav}, "drop-in", "made from the input of YAIM")
    return texts, notes


def _is_input(path: str) -> bool:
    return path.endswith("site-info.def") or "siteinfo/" in path or "services/se_storm_" in path


def _gigabytes(text: str) -> int:
    return int(text) * GIGABYTE if text.isdigit() else 0


def _quota(key: str, known: Mapping[str, tuple[str, str, int]]) -> Quota | None:
    device = known.get(f"{key}_QUOTA_DEVICE", ("", "", 0))[0]
    if known.get(f"{key}_QUOTA", ("false", "", 0))[0].lower() != "true" or not device:
        return None
    for word, kind in (("FILESET", "filesetName"), ("GROUP", "groupName"), ("USER", "userName")):
        value = known.get(f"{key}_QUOTA_{word}", ("", "", 0))[0]
        if value:
            return Quota(device, kind, value)
    return None
