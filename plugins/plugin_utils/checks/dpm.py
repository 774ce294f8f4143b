# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of a DPM node: the settings of its DOME daemon and its map files; those of its web server are in dpm_webdav.py."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import dpm_webdav
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dpm_rules import finding
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.near_names import NearNames
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.xrootd_tables import parse_release
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import dome_conf, lcgdm_maps, xrootd_cfg
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.dome_conf import Document, Entry

HEAD, DISK = "etc/domehead.conf", "etc/domedisk.conf"
MARKERS = (HEAD, DISK)
PACKAGES = (
    "dmlite-dome",
    "dmlite-dpmhead-domeonly",
    "dmlite-dpmdisk-domeonly",
    "dmlite-dpmhead-dome",
    "dmlite-dpmdisk-dome",
    "dmlite-dpmhead",
    "dmlite-dpmdisk",
)
"""Their version is the release of DPM; which are installed depends on the kind of node."""
FILES = (
    *MARKERS,
    *dpm_webdav.FILES,
    "etc/lcgdm-mapfile",
    "etc/lcgdm-mapfile-local",
    "etc/lcgdm-mkgridmap.conf",
    "etc/xrootd/xrootd-dpmredir.cfg",
    "etc/xrootd/xrootd-dpmdisk.cfg",
    "etc/sysconfig/dpm",
    "etc/sysconfig/dpnsdaemon",
    "etc/sysconfig/rfiod",
    "etc/sysconfig/srmv2.2",
)
SECRET_FILES = (HEAD, DISK, dpm_webdav.MAIN, dpm_webdav.DEBIAN_MAIN)
LEGACY = ("etc/sysconfig/dpm", "etc/sysconfig/dpnsdaemon", "etc/sysconfig/rfiod", "etc/sysconfig/srmv2.2")
OLDEST, NEWEST, TOKENS_FROM = (1, 8), (1, 15), (1, 14)

AUTHORIZED = "glb.auth.authorizeDN"
ISSUERS, AUDIENCES = "head.oidc.allowissuer", "head.oidc.allowaudience"
SHARED_KEY, SHARED_KEY_LENGTH = "glb.restclient.xrdhttpkey", 32
CERTIFICATE, KEY = "glb.restclient.cli_certificate", "glb.restclient.cli_private_key"
DOMEURL = "disk.headnode.domeurl"
DEFAULT_ISSUER = "https://wlcg.cloud.cnaf.infn.it/"
DEFAULT_PREFIX = "/dpm/cern.ch/home/wlcg"
LISTS = frozenset({AUTHORIZED, ISSUERS, AUDIENCES})
PLAIN = frozenset(
    (
        "disk.cksummgr.heartbeatperiod",
        "disk.filepuller.heartbeatperiod",
        "disk.filepuller.pullhook",
        "disk.headnode.domeurl",
        "glb.auth.urlprefix",
        "glb.debug",
        "glb.debug.components",
        "glb.dirspacereportdepth",
        "glb.fcgi.listenport",
        "glb.myhostname",
        "glb.printstats.interval",
        "glb.put.maxfreespace_mb",
        "glb.put.minfreespace_mb",
        "glb.reloadfsquotas",
        "glb.reloadusersgroups",
        "glb.restclient.ca_path",
        "glb.restclient.cli_certificate",
        "glb.restclient.cli_private_key",
        "glb.restclient.cli_xrdhttpkey",
        "glb.restclient.conn_timeout",
        "glb.restclient.ops_timeout",
        "glb.restclient.poolsize",
        "glb.restclient.present_dn",
        "glb.restclient.ssl_check",
        "glb.restclient.xrdhttpkey",
        "glb.role",
        "glb.task.maxrunningtime",
        "glb.task.purgetime",
        "glb.tickfreq",
        "glb.workers",
        "head.checksum.maxpernode",
        "head.checksum.maxtotal",
        "head.checksum.qtmout",
        "head.checksumstatus.heartbeattimeout",
        "head.chksumstatus.heartbeattimeout",
        "head.db.cnsdbname",
        "head.db.dpmdbname",
        "head.db.host",
        "head.db.password",
        "head.db.poolsz",
        "head.db.port",
        "head.db.user",
        "head.dirspacereportdepth",
        "head.filepuller.stathook",
        "head.filepuller.stathooktimeout",
        "head.filepulls.maxpernode",
        "head.filepulls.maxtotal",
        "head.filepulls.qtmout",
        "head.gridmapfile",
        "head.informer.delay",
        "head.informer.mainurl",
        "head.maxcallouts",
        "head.maxcalloutspernode",
        "head.maxchecksums",
        "head.maxchecksumspernode",
        "head.oidc.clientid",
        "head.put.minfreespace_mb",
        "head.unlink.ignorebrokenfs",
        "head.unlink.ignorereadonlyfs",
    )
)
FAMILIES = ("glb.", "head.", "disk.")
WITHOUT_COLON = frozenset({"glb.task.maxrunningtime", "glb.task.purgetime", "glb.dirspacereportdepth", "head.dirspacereportdepth"})
SAMPLE_SECRETS = frozenset(
    word.lower()
    for word in ("CHANGEME", "change_me", "secret", "password", "none", "somesecret", "MYPASSWORD", "dpmmgr", "yoursecret", "xxxx")
)
_NEAR = NearNames([*PLAIN, *LISTS])
_BARE_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?\.[a-z]+", re.IGNORECASE)


def check(files: Mapping[str, str], release: str, entries: Mapping[str, Mapping[str, Any]] | None = None) -> list[Finding]:
    """Every finding of a node.

    files: text by path relative to the root. release: of dmlite or DPM, empty when unknown. entries: owner and mode by path, where known.
    """
    documents = {path: dome_conf.parse(files[path]) for path in MARKERS if path in files}
    found = [*_about_system(files, documents, release)]
    for path, document in documents.items():
        found += _about_settings(path, document)
        found += _about_values(path, document)
    if HEAD in documents:
        found += _about_tokens(documents[HEAD], release)
    found += _about_shared_key(files, documents)
    found += dpm_webdav.check(files, issuers_of(documents.get(HEAD)), AUDIENCES if HEAD in documents else "")
    found += _about_maps(files)
    found += _about_modes(entries or {})
    return found


def issuers_of(head: Document | None) -> dict[str, tuple[str, int]]:
    """Prefix and line of each issuer that the head node accepts; a value of another shape is left out."""
    if head is None:
        return {}
    pairs = [(entry, entry.fields) for entry in head.all(ISSUERS)]
    return {fields[1]: (fields[0], entry.line) for entry, fields in pairs if len(fields) == 2}


def _about_system(files: Mapping[str, str], documents: Mapping[str, Document], release: str) -> Iterator[Finding]:
    main = next(iter(documents), HEAD)
    yield finding("dpm.end-of-life", main, 0, "DPM is no longer supported, and there is no package of it for a current distribution.")
    known = parse_release(release)
    if not known or not OLDEST <= known[:2] <= NEWEST:
        yield finding(
            "dpm.release-unknown", main, 0, f"The release {release or 'was not given; it'} is none of the known ones, 1.8 to 1.15."
        )
    legacy = [path for path in LEGACY if path in files]
    if legacy:
        names = ", ".join(path.rsplit("/", 1)[-1] for path in legacy)
        yield finding("dpm.legacy-daemons", legacy[0], 0, f"Settings of daemons of the legacy mode are there: {names}.")


def _about_settings(path: str, document: Document) -> Iterator[Finding]:
    """What the reader of the file makes of its lines."""
    for number, line in enumerate(document.lines, 1):
        if line.startswith("#"):
            continue
        if line.endswith(("\r\n", "\r")):
            yield finding("dome.carriage-return", path, number, "The carriage return at the end becomes part of the value.")
            break
    for number, line in enumerate(document.lines, 1):
        if len(line.rstrip("\n")) > dome_conf.LINE_LIMIT and not line.startswith("#"):
            yield finding(
                "dome.line-too-long", path, number, f"The line has {len(line)} characters, the reader takes {dome_conf.LINE_LIMIT}."
            )
    for number, directory in document.includes:
        if not directory.startswith("/"):
            yield finding("dome.include-relative", path, number, f"INCLUDE {directory} is not read, because the path is not absolute.")
    for number, key in document.assignments:
        rule = "dome.no-colon-vendor" if key in WITHOUT_COLON else "dome.no-colon"
        yield finding(rule, path, number, f"{key} has no colon behind it: the daemon does not read the line.")
    seen: dict[str, int] = {}
    for entry in document.entries:
        yield from _about_entry(path, entry)
        if not entry.is_list and entry.key in seen:
            yield finding("dome.key-twice", path, entry.line, f"{entry.key} is set in line {seen[entry.key]} already.")
        seen[entry.key] = entry.line


def _about_entry(path: str, entry: Entry) -> Iterator[Finding]:
    key = entry.key.strip()
    if key != entry.key and (key in PLAIN or key in LISTS):
        yield finding("dome.key-blank", path, entry.line, f"The blanks around {key} make it a key that the daemon does not know.")
        return
    if (key in LISTS) != entry.is_list and (key in PLAIN or key in LISTS):
        words = "is a list, so without [] it is not seen" if key in LISTS else "is no list, so with [] it is not seen"
        yield finding("dome.list-mark", path, entry.line, f"{key} {words}.")
    near = "" if key in PLAIN or key in LISTS or not key.startswith(FAMILIES) else _NEAR.nearest(key)
    if near:
        yield finding("dome.unknown-key", path, entry.line, f"{key} is not known; {near} may be meant.")
    if "\t" in entry.value[:1] or entry.value.endswith("\t"):
        yield finding("dome.tab", path, entry.line, f"The tab becomes part of the value of {key}.")
    if re.search(r"\s#", entry.value):
        yield finding("dome.remark-behind", path, entry.line, f"Everything behind the colon is the value of {key}, the remark too.")


def _about_values(path: str, document: Document) -> Iterator[Finding]:
    role, expected = document.last("glb.role"), "head" if path == HEAD else "disk"
    if role and role.value != expected:
        yield finding("dome.role", path, role.line, f"The role is {role.value!r}, this file is read by the {expected} node's daemon.")
    elif not role and expected == "disk":
        yield finding("dome.role", path, 0, "Without glb.role the daemon takes itself for a head node.")
    missing = [key for key in (CERTIFICATE, KEY) if not document.value(key)]
    if missing:
        yield finding(
            "dome.credentials-missing", path, 0, f"{' and '.join(missing)} not set: the daemon does not start without credentials."
        )
    unchecked = document.last("glb.restclient.ssl_check")
    if unchecked and unchecked.value.lower() not in ("yes", "true"):
        yield finding("dome.certificates-unchecked", path, unchecked.line, "The nodes do not check each other's certificates.")
    if path == DISK and not document.value(DOMEURL):
        yield finding("dome.domeurl-missing", path, 0, "The disk node does not know its head node.")
    members = document.all(AUTHORIZED)
    if not members:
        yield finding("dome.authorize-missing", path, 0, "No client is named that may give orders to the daemon.")
    for member in members:
        if member.value.startswith('"') and (len(member.value) < 2 or not member.value.endswith('"')):
            words = f"The quotes of {member.value} do not match, so every request that gets to it is never answered."
            yield finding("dome.authorize-quotes", path, member.line, words)
        elif "*" in member.value:
            yield finding(
                "dome.authorize-pattern",
                path,
                member.line,
                f"{member.value} lets nobody in, because subjects are compared letter by letter.",
            )
    for key in (SHARED_KEY, "head.db.password"):
        entry = document.last(key)
        if entry and entry.value.strip('"').lower() in SAMPLE_SECRETS:
            yield finding("dome.secret-default", path, entry.line, f"{key} is a word of examples, which everybody can try.")
        elif entry and key == SHARED_KEY and len(entry.value) < SHARED_KEY_LENGTH:
            words = f"{key} has {len(entry.value)} characters where {SHARED_KEY_LENGTH} are asked for."
            yield finding("dome.shared-key-short", path, entry.line, words)


def _about_tokens(head: Document, release: str) -> Iterator[Finding]:
    issuers, audiences = head.all(ISSUERS), head.all(AUDIENCES)
    known = parse_release(release)
    first = next((entry for entry in head.entries if entry.key.startswith("head.oidc.")), None)
    if first and known and known[:2] < TOKENS_FROM:
        yield finding("dome.oidc-too-new", HEAD, first.line, f"Release {release} does not know tokens, they came with 1.14.")
    if not issuers:
        return
    yield finding(
        "dome.token-defects",
        HEAD,
        issuers[0].line,
        "People are told apart by sub alone, storage.write is taken for a scope, and scopes only decide between reading and writing.",
    )
    for entry in issuers:
        yield from _about_issuer(entry)
    if len({entry.fields[-1] for entry in issuers}) > 1:
        words = f"{len(issuers)} issuers are accepted: people of one whose sub occurs at another are taken for each other."
        yield finding("dome.issuers-several", HEAD, issuers[1].line, words)
    if not audiences:
        yield finding("dome.audience-missing", HEAD, issuers[0].line, "No audience is accepted, so no token is.")
    elif not any(_BARE_HOST.fullmatch(entry.value.strip('"')) for entry in audiences):
        yield finding(
            "dome.audience-bare-host", HEAD, audiences[0].line, "Rucio asks for tokens whose audience is the bare host name of the door."
        )


def _about_issuer(entry: Entry) -> Iterator[Finding]:
    if len(entry.fields) != 2:
        yield finding("dome.issuer-shape", HEAD, entry.line, f"{entry.value} is not a prefix and an issuer, each in quotes.")
        return
    prefix, issuer = entry.fields
    if not issuer.startswith("https://"):
        yield finding("dome.issuer-not-https", HEAD, entry.line, f"{issuer} cannot be the issuer of a token.")
    if not prefix.startswith("/") or (prefix.endswith("/") and prefix != "/"):
        yield finding("dome.issuer-prefix", HEAD, entry.line, f"{prefix} is not the directory that the paths of tokens are relative to.")
    if issuer == DEFAULT_ISSUER and prefix == DEFAULT_PREFIX:
        yield finding(
            "dome.issuer-example",
            HEAD,
            entry.line,
            "This pair is the default of the installer: members of another organisation are let in.",
        )


def _about_shared_key(files: Mapping[str, str], documents: Mapping[str, Document]) -> Iterator[Finding]:
    """Secrets that all daemons must share."""
    keys = [(path, entry.line, entry.value) for path, document in documents.items() if (entry := document.last(SHARED_KEY))]
    for path in ("etc/xrootd/xrootd-dpmredir.cfg", "etc/xrootd/xrootd-dpmdisk.cfg"):
        keys += [
            (path, each.line, each.args[0])
            for each in xrootd_cfg.parse(files.get(path, "")).directives
            if each.name == "http.secretkey" and each.args and not each.args[0].startswith("/")
        ]
    for path, line, value in keys[1:]:
        if value != keys[0][2]:
            yield finding(
                "dome.shared-key-differs", path, line, f"The secret is another one than in {keys[0][0]}, so the daemons refuse each other."
            )


def _about_maps(files: Mapping[str, str]) -> Iterator[Finding]:
    for path in ("etc/lcgdm-mapfile", "etc/lcgdm-mapfile-local"):
        document = lcgdm_maps.parse_mapfile(files.get(path, ""))
        for bad in document.problems():
            yield finding("map.line", path, bad.number, f"{bad.text.strip()!r} is not read: {bad.problem}.")
        seen: dict[str, int] = {}
        for number, mapping in document.entries():
            if mapping.subject in seen:
                yield finding("map.twice", path, number, f"{mapping.subject} is in line {seen[mapping.subject]} already.")
            seen.setdefault(mapping.subject, number)
    path = "etc/lcgdm-mkgridmap.conf"
    for line in lcgdm_maps.parse_generator(files.get(path, "")).problems():
        yield finding("map.generator-line", path, line.number, f"{line.text.strip()!r} is not read: {line.problem}.")


def _about_modes(entries: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    for path in SECRET_FILES:
        mode = entries.get(path, {}).get("mode")
        if mode and int(mode, 8) & 0o004:
            yield finding("dpm.secret-readable", path, 0, f"Everybody on the host can read this file (mode {mode}).")
