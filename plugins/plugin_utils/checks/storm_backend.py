# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of StoRM's backend and frontend: namespace.xml, storm.properties, path-authz.db, used-space.ini, and what they share."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import storm_release
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.storm_rules import finding
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.storm_webdav_site import Webdav
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import java_properties, path_authz, scitokens_cfg, storm_namespace
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.storm_namespace import CLASSES, AppRule, Filesystem, Namespace

NAMESPACE = "etc/storm/backend-server/namespace.xml"
PROPERTIES = "etc/storm/backend-server/storm.properties"
PATH_AUTHZ = "etc/storm/backend-server/path-authz.db"
USED_SPACE = "etc/storm/backend-server/used-space.ini"
FRONTEND = "etc/storm/frontend-server/storm-frontend-server.conf"
FILES = (NAMESPACE, PROPERTIES, PATH_AUTHZ, USED_SPACE, FRONTEND)

NEEDED = (
    ("storm.service.FE-public.hostname", "srm_endpoints.1.host"),
    ("storm.service.request-db.username", "storm.service.db.username", "db.username"),
    ("storm.service.request-db.passwd", "storm.service.db.password", "db.password"),
)
"""Names of one setting, of 1.11 and of later backends; one of them is needed."""
SECRETS = {
    "storm.service.request-db.passwd": "the password of the database",
    "storm.service.db.password": "the password of the database",
    "db.password": "the password of the database",
    "synchcall.xmlrpc.security.token": "the token between the services",
}
SHARED = {"storm.service.request-db.passwd": "db.passwd", "synchcall.xmlrpc.security.token": "be.xmlrpc.token"}
"""Keys of storm.properties and of the frontend's file that must hold the same."""
KINDS = ("posixfs", "gpfs", "xfs", "test")
"""Drivers of file systems by the last part of their names; gpfs23 counts as gpfs."""
WELL_KNOWN_SECRETS = frozenset({"storm", "secret", "password", "changeit", "abracadabra", "ilovejava", "storm_token", ""})


def check(files: Mapping[str, str], webdav: Webdav) -> Iterator[Finding]:
    """Every finding about the backend of a tree, and about what it and WebDAV say of the same paths."""
    if NAMESPACE in files:
        document = storm_namespace.parse(files[NAMESPACE])
        if document.problem:
            yield finding("storm.namespace-syntax", NAMESPACE, document.problem_line, f"This is no XML: {document.problem}.")
        else:
            namespace = storm_namespace.read(document)
            yield from _filesystems(namespace)
            yield from _rules(namespace)
            if webdav.areas:
                yield from _against_webdav(namespace, webdav)
            yield from _used_space(files, namespace)
    if PROPERTIES in files:
        yield from _properties(files[PROPERTIES])
        if FRONTEND in files:
            yield from _frontend(files[PROPERTIES], files[FRONTEND])
    if PATH_AUTHZ in files:
        yield from _path_authz(files[PATH_AUTHZ])


def values(text: str) -> dict[str, str]:
    """Keys and values of a properties file, or of the frontend's file, which looks alike."""
    return {each.key: each.value.strip() for each in java_properties.parse(text, sectioned=False).assignments()}


def weak(secret: str) -> bool:
    """Whether a secret is one that everybody knows, or none."""
    return secret.strip().lower() in WELL_KNOWN_SECRETS


def _filesystems(namespace: Namespace) -> Iterator[Finding]:
    names = Counter(each.name for each in namespace.filesystems)
    tokens = Counter(each.token for each in namespace.filesystems if each.token)
    for each in namespace.filesystems:
        if names[each.name] > 1 or not each.name:
            yield finding("storm.namespace-name", NAMESPACE, each.line, f'"{each.name}" is the name of {names[each.name]} file systems.')
        if tokens[each.token] > 1:
            yield finding(
                "storm.token-repeated",
                NAMESPACE,
                each.line_of("space-token-description"),
                f'"{each.token}" is the space token of {tokens[each.token]} file systems.',
            )
        yield from _filesystem(each)


def _filesystem(each: Filesystem) -> Iterator[Finding]:
    def wrong(rule: str, element: str, words: str) -> Finding:
        return finding(rule, NAMESPACE, each.line_of(element), f"{each.name}: {words}")

    if not each.root.startswith("/"):
        yield wrong("storm.namespace-element", "root", f'root "{each.root}" is no absolute path.')
    if each.kind not in KINDS:
        yield wrong("storm.namespace-element", "filesystem-driver", f'filesystem-driver "{each.kind}" is none of {", ".join(KINDS)}.')
    if each.storage_class not in CLASSES:
        yield wrong("storm.namespace-element", "storage-class", f'storage-class "{each.storage_class}" is none of {", ".join(CLASSES)}.')
    elif (each.retention, each.latency) != CLASSES[each.storage_class]:
        retention, latency = CLASSES[each.storage_class]
        yield wrong(
            "storm.class-properties",
            "AccessLatency" if each.retention == retention else "RetentionPolicy",
            f"{each.storage_class} is {retention} and {latency}, not {each.retention} and {each.latency}.",
        )
    if each.online is None:
        yield wrong(
            "storm.namespace-element", "TotalOnlineSize", "TotalOnlineSize is no whole number with a unit of Byte, KB, MB, GB or TB."
        )
    if each.storage_class in ("T1D0", "T1D1") and not each.nearline:
        yield wrong("storm.nearline", "TotalNearlineSize", f"{each.storage_class} has tape, and TotalNearlineSize is {each.nearline}.")
    if each.storage_class == "T0D1" and each.nearline:
        yield wrong("storm.nearline-disk", "TotalNearlineSize", f"T0D1 has no tape, and TotalNearlineSize is {each.nearline} bytes.")
    if not each.limited:
        yield wrong("storm.size-unlimited", "TotalOnlineSize", "SRM writes on when the area is full.")
    if each.quota and each.kind != "gpfs":
        yield wrong("storm.quota-file-system", "quota", f"{each.kind} has no quota that StoRM can read.")


def _rules(namespace: Namespace) -> Iterator[Finding]:
    names = {each.name for each in namespace.filesystems}
    paths = Counter(rule.path.rstrip("/") for rule in namespace.map_rules)
    for rule in namespace.map_rules:
        if rule.filesystem not in names:
            yield finding("storm.map-unknown", NAMESPACE, rule.line, f'{rule.name}: there is no file system "{rule.filesystem}".')
        if paths[rule.path.rstrip("/")] > 1:
            yield finding("storm.map-repeated", NAMESPACE, rule.line, f'"{rule.path}" is mapped {paths[rule.path.rstrip("/")]} times.')
    for app in namespace.app_rules:
        yield from _app_rule(app, namespace, names)
    for each in namespace.filesystems:
        if not any(rule.filesystem == each.name for rule in namespace.map_rules):
            yield finding("storm.file-system-unmapped", NAMESPACE, each.line, f"{each.name} is seen under no path.")
        if not any(app.filesystem == each.name for app in namespace.app_rules):
            yield finding("storm.app-missing", NAMESPACE, each.line, f"Nobody may come near {each.name}.")


def _app_rule(app: AppRule, namespace: Namespace, names: set[str]) -> Iterator[Finding]:
    if app.filesystem not in names:
        yield finding("storm.app-unknown", NAMESPACE, app.line, f'{app.name}: there is no file system "{app.filesystem}".')
    target = next((each for each in namespace.filesystems if each.name == app.filesystem), None)
    if app.dn == "*" and app.vo == "*" and target is not None and target.authz == "permit-all":
        yield finding(
            "storm.app-everybody", NAMESPACE, app.line, f"Everybody with a certificate may write in {app.filesystem} through SRM."
        )
    if app.anonymous:
        yield finding("storm.anonymous-http", NAMESPACE, app.line, f"Everybody may read {app.filesystem} over HTTP.")


def _against_webdav(namespace: Namespace, webdav: Webdav) -> Iterator[Finding]:
    classes: dict[str, list[tuple[Filesystem, int]]] = {}
    for rule in namespace.map_rules:
        target = next((each for each in namespace.filesystems if each.name == rule.filesystem), None)
        if target is None:
            continue
        area = webdav.area_of(rule.path)
        if area is None:
            yield finding("storm.srm-only", NAMESPACE, rule.line, f'"{rule.path}" is served by SRM, and WebDAV has no storage area for it.')
            continue
        directory = area.directory(rule.path)
        if directory is not None and directory.rstrip("/") != target.root.rstrip("/"):
            yield finding(
                "storm.directory-differs",
                NAMESPACE,
                rule.line,
                f'"{rule.path}" leads to {target.root} here and to {directory} in {area.file}.',
            )
        classes.setdefault(area.name, []).append((target, rule.line))
    if webdav.release is None or webdav.release < storm_release.TAPE_FIRST:
        return
    for name, found in classes.items():
        area = webdav.area_named(name)
        if area is None:
            continue
        tape = [each for each, _line in found if each.storage_class in ("T1D0", "T1D1")]
        if tape and not area.flag("tapeEnabled"):
            yield finding(
                "storm.tape-flag-missing",
                area.file,
                0,
                f"{tape[0].name} has tape ({tape[0].storage_class}), and WebDAV would recall files without being asked.",
            )
        elif area.flag("tapeEnabled") and not tape:
            yield finding(
                "storm.tape-flag-disk",
                area.file,
                area.line("tapeEnabled"),
                f"tapeEnabled is true, and {found[0][0].name} is {found[0][0].storage_class}.",
            )
        elif tape and len(tape) < len(found):
            yield finding("storm.tape-mixed", area.file, area.line("tapeEnabled"), "Areas on disk and on tape share this access point.")


def _used_space(files: Mapping[str, str], namespace: Namespace) -> Iterator[Finding]:
    document = scitokens_cfg.parse(files.get(USED_SPACE, ""))
    tokens = {each.token for each in namespace.filesystems}
    for section in document.sections:
        if section.name and section.name not in tokens:
            yield finding("storm.used-space-token", USED_SPACE, section.line, f'"{section.name}" is no space token.')
        for key in section.keys:
            if key.name == "usedsize" and not key.value.isdigit():
                yield finding("storm.used-space-value", USED_SPACE, key.line, f'usedsize "{key.value}" is no number of bytes.')


def _properties(text: str) -> Iterator[Finding]:
    document = java_properties.parse(text, sectioned=False)
    found = {each.key: each for each in document.assignments()}
    for each in found.values():
        if each.problem:
            yield finding("storm.property-malformed", PROPERTIES, each.line, f"{each.key}: {each.problem}.")
    for key, *later in NEEDED:
        if not any(name in found and found[name].value.strip() for name in (key, *later)):
            yield finding("storm.property-missing", PROPERTIES, found[key].line if key in found else 0, f"{key} has no value.")
    for key, words in SECRETS.items():
        if key in found and weak(found[key].value) and found[key].value.strip():
            yield finding("storm.secret-default", PROPERTIES, found[key].line, f"{key}, {words}, is one that everybody knows.")
    enabled = found.get("synchcall.xmlrpc.security.enabled")
    if enabled and enabled.value.strip().lower() != "true":
        yield finding("storm.xmlrpc-open", PROPERTIES, enabled.line, "Whoever reaches the port may give the backend orders.")
    token = found.get("synchcall.xmlrpc.security.token")
    if enabled and enabled.value.strip().lower() == "true" and (token is None or not token.value.strip()):
        yield finding("storm.property-missing", PROPERTIES, enabled.line, "synchcall.xmlrpc.security.token has no value.")


def _frontend(properties: str, frontend: str) -> Iterator[Finding]:
    ours, theirs = values(properties), values(frontend)
    places = {each.key: each.line for each in java_properties.parse(frontend, sectioned=False).assignments()}
    for key, other in SHARED.items():
        if key in ours and other in theirs and ours[key] != theirs[other]:
            yield finding("storm.secret-differs", FRONTEND, places[other], f"{other} is not what {key} of the backend is.")


def _path_authz(text: str) -> Iterator[Finding]:
    document = path_authz.parse(text)
    for line in document.problems():
        yield finding("storm.path-authz", PATH_AUTHZ, line.number, f"This line cannot be read: {line.problem}.")
    algorithms = [(number, entry) for number, entry in document.entries() if isinstance(entry, path_authz.Algorithm)]
    if not algorithms:
        yield finding("storm.path-authz-algorithm", PATH_AUTHZ, 0, "There is no algorithm= line.")
    for number, algorithm in algorithms:
        if not re.search(r"(^|\.)PathAuthzAlgBestMatch$", algorithm.name):
            yield finding("storm.path-authz-algorithm", PATH_AUTHZ, number, f'There is no algorithm "{algorithm.name}".')
    for number, row in path_authz.rows(document):
        if row.group == path_authz.EVERYBODY and row.effect == "permit" and set(row.operations.upper()) & set("WFDMN"):
            yield finding("storm.path-authz-everybody", PATH_AUTHZ, number, f'Whoever is let into the file system may change "{row.path}".')
