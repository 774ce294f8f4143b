# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules for the files that gPlazma's plug-ins read: unreadable lines, words of another release, doors left open.

Sources: dCache GplazmaMultiMapFile, omnisession ConfigurationParser, BanFilePlugin, AuthzMapLineParser, VOMapLineParser.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_release import (
    GRID_FILES_READ_LATE,
    OIDC_SUBJECT_AT_PROVIDER,
    OMNISESSION_ROLE,
    OMNISESSION_TABS,
    VOMS_INSIDE_VO,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding, Severity
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.gplazma_loading import shown
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.gplazma_login import KIND_SPANS, LoginSetup
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.gplazma_plugins import PLUGINS
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import multimap, storage_authzdb, vorolemap
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.gplazma_conf import Modifier, Phase, PluginLine
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.principals import MULTIMAP_KINDS

_BROAD = ("oidcgrp:", "fqan:", "group:", "op:", "entitlement:", "gid:")
_HARM = {"gridmap": Severity.NOTICE, "kpwd": Severity.WARNING, "htpasswd": Severity.WARNING}
"""Of a missing file, where other lines go on: the packages list gridmap without a file, and copies leave password files out."""
_BINDING = (Modifier.REQUISITE, Modifier.REQUIRED)


def check(setup: LoginSetup) -> list[Finding]:
    """All findings about the files that the lines of gplazma.conf use, each file once."""
    found: list[Finding] = []
    seen: set[tuple[str, str]] = set()
    for number, line in setup.lines:
        path = setup.path(line)
        plugin = PLUGINS.get(line.plugin)
        if not path or plugin is None or not plugin.span.covers(setup.release):
            continue
        key = (line.plugin, path)
        if key in seen:
            continue
        seen.add(key)
        if path in setup.files:
            found += _READERS.get(line.plugin, _nothing)(setup, path, number)
        else:
            found += _absent(setup, number, line, path)
    return found


def _absent(setup: LoginSetup, number: int, line: PluginLine, path: str) -> Iterator[Finding]:
    file = shown(setup.conf_path)
    if setup.unknown(path):
        message = f"{line.plugin} reads {path}, which is not among the files given: what it does was not checked."
        yield Finding("gplazma.file-unseen", Severity.NOTICE, file, number, message, "Check on the host itself.", "dcache.md section 3")
    elif line.plugin == "banfile":
        message = f"{path} does not exist, so nobody is banned."
        yield Finding("gplazma.file-missing", Severity.NOTICE, file, number, message, "Create it.", "dCache BanFilePlugin.java")
    else:
        same = [other for _number, other in setup.lines if other.plugin == line.plugin and setup.path(other) == path]
        unloadable = line.plugin in ("authzdb", "vorolemap") and not GRID_FILES_READ_LATE.covers(setup.release)
        locks = any(other.modifier in _BINDING for other in same) or line.plugin == "omnisession" or unloadable
        effect = "does not load, and nobody can log in, X.509 included" if unloadable else "fails for every log-in"
        message = f"{path} does not exist, so {line.plugin} {effect}."
        yield Finding(
            "gplazma.file-missing",
            Severity.LOCK_OUT if locks else _HARM.get(line.plugin, Severity.ERROR),
            file,
            number,
            message,
            "Create the file, correct its property or remove the line.",
            f"dCache plug-in {line.plugin}",
        )


def _nothing(_setup: LoginSetup, _path: str, _number: int) -> Iterator[Finding]:
    yield from ()


def _multimap(setup: LoginSetup, path: str, _number: int) -> Iterator[Finding]:
    document = multimap.parse(setup.files[path])
    source = "dcache.md section 3.4"
    for bad in document.problems():
        broad = bad.text.strip().lstrip('"').startswith(_BROAD)
        message = f"{bad.problem}; dCache skips the line, and those whom it maps cannot log in."
        severity = Severity.LOCK_OUT if broad else Severity.ERROR
        yield Finding("multimap.bad-line", severity, shown(path), bad.number, message, _remedy(bad.text, bad.problem), source)
    for number, mapping in document.entries():
        unknown = [one for one in (mapping.match, *mapping.results) if one.kind in MULTIMAP_KINDS and not setup.kind_is_known(one.kind)]
        if unknown:
            kind = unknown[0].kind
            message = f"{kind}: is known from {KIND_SPANS[kind].since()}; {setup.release} skips the line."
            severity = Severity.LOCK_OUT if str(mapping.match).startswith(_BROAD) else Severity.ERROR
            yield Finding(
                "multimap.type-release", severity, shown(path), number, message, "Map by another principal.", "dcache.md section 1"
            )
        if mapping.match.kind == "op":
            yield from _operator(setup, path, number, mapping)
        if mapping.match.kind == "oidc":
            yield from _subject(setup, path, number, mapping)
        yield from _root_for_many(path, number, mapping)
        if mapping.match.kind == "fqan":
            yield from _bare_fqan(setup, path, number, mapping.match.name)


def _remedy(text: str, problem: str) -> str:
    """How to correct a line of a multimap file."""
    if "has no colon" in problem and re.search(r"(?:^|\s)dn:[^\"]*\s", text):
        return 'Put double quotes round a principal with blanks: "dn:/C=XX/CN=Some Body".'
    wrong = re.match(r'"([^"]*)" in ".*" is no type of principal', problem)
    near = difflib.get_close_matches(wrong[1].lower(), sorted(MULTIMAP_KINDS), 1, 0.6) if wrong else []
    return f"Write {near[0]}:." if near else "Correct or comment out the line."


def _bare_fqan(setup: LoginSetup, path: str, number: int, fqan: str) -> Iterator[Finding]:
    """The FQAN of a VO itself, which many VOMS servers write with ``/Role=NULL`` and some without."""
    if not VOMS_INSIDE_VO.covers(setup.release) or "/" in fqan.strip("/") or not fqan.strip("/"):
        return
    if any(line.plugin == "voms" for _number, line in setup.of_phase(Phase.AUTH)):
        message = (
            f"From {VOMS_INSIDE_VO.since()} the plug-in voms takes only FQANs that begin with {fqan}/: where the VOMS server writes {fqan} "
            "without /Role=NULL, it maps nobody."
        )
        remedy = "Look with `voms-proxy-info -fqan`; map a sub-group or a role as well."
        source = "dCache issue 7802, VomsPlugin.java"
        yield Finding("voms.bare-fqan", Severity.NOTICE, shown(path), number, message, remedy, source)


def _subject(setup: LoginSetup, path: str, number: int, mapping: multimap.Mapping) -> Iterator[Finding]:
    source = "dcache.md section 1"
    subject, at, alias = mapping.match.value.rpartition("@")
    if at and not OIDC_SUBJECT_AT_PROVIDER.covers(setup.release):
        message = f"{setup.release} compares {mapping.match} with the bare subject, so it matches nobody."
        remedy = f"Write oidc:{subject}, or upgrade to {OIDC_SUBJECT_AT_PROVIDER.since()}."
        yield Finding("multimap.subject-release", Severity.ERROR, shown(path), number, message, remedy, source)
    elif at and setup.providers and alias not in {one.alias for one in (*setup.providers, *setup.scitoken_issuers)}:
        message = f"{mapping.match}: no provider has the name {alias}, so the line matches nobody."
        remedy = f"Providers are {', '.join(sorted(one.alias for one in setup.providers))}."
        yield Finding("multimap.unknown-provider", Severity.ERROR, shown(path), number, message, remedy, "dcache.md section 3.3")
    elif not at and OIDC_SUBJECT_AT_PROVIDER.covers(setup.release):
        message = f"{mapping.match} matches that subject of any provider; another provider may give it to somebody else."
        remedy = f"Write oidc:{mapping.match.value}@PROVIDER."
        severity = Severity.WARNING if len(setup.providers) > 1 else Severity.NOTICE
        yield Finding("multimap.bare-subject", severity, shown(path), number, message, remedy, source)


def _operator(setup: LoginSetup, path: str, number: int, mapping: multimap.Mapping) -> Iterator[Finding]:
    known = sorted({one.alias for one in (*setup.providers, *setup.scitoken_issuers)})
    if known and mapping.match.value not in known and setup.kind_is_known("op"):
        message = f"{mapping.match}: no provider has the name {mapping.match.value}, so the line matches nobody."
        remedy = f"Providers are {', '.join(known)}."
        yield Finding("multimap.unknown-provider", Severity.ERROR, shown(path), number, message, remedy, "dcache.md section 3.3")


def _root_for_many(path: str, number: int, mapping: multimap.Mapping) -> Iterator[Finding]:
    if mapping.match.kind not in ("oidcgrp", "fqan", "op", "entitlement"):
        return
    if any(int(uid.value) == 0 for uid in mapping.values("uid")):
        message = f"Everybody of {mapping.match} gets uid 0, for whom no permission is checked."
        yield Finding(
            "multimap.root-for-many", Severity.OPEN, shown(path), number, message, "Give another uid.", "dCache namespace permissions"
        )
    if mapping.match.kind == "op" and any("admin" in roles.value.lower().split(",") for roles in mapping.values("roles")):
        message = f"Everybody with a token of {mapping.match.value} gets the admin role."
        remedy = "Give the role to a group or to persons."
        yield Finding("multimap.admin-for-many", Severity.OPEN, shown(path), number, message, remedy, "dcache.md section 3.5")


def _omnisession(setup: LoginSetup, path: str, _number: int) -> Iterator[Finding]:
    document = setup.session_rules[path]
    source = "dcache.md section 3.2; dCache omnisession/ConfigurationParser.java"
    for line in document.lines:
        if line.fatal:
            message = f"{line.problem}; the whole file is refused and nobody can log in."
            yield Finding(
                "omnisession.bad-file", Severity.LOCK_OUT, shown(path), line.number, message, "Correct or comment out the line.", source
            )
            continue
        rule = line.entry
        if rule is None:
            continue
        whom = "everybody" if rule.predicate is None else str(rule.predicate)
        if rule.bad_attributes:
            message = f"{rule.bad_attributes}; log-ins of {whom} fail."
            yield Finding("omnisession.bad-line", Severity.LOCK_OUT, shown(path), line.number, message, "Correct the attributes.", source)
        elif not rule.attributes:
            message = f"The line gives {whom} nothing."
            yield Finding("omnisession.empty-line", Severity.WARNING, shown(path), line.number, message, "Add root: and home:.", source)
        if "role" in rule.types() and not OMNISESSION_ROLE.covers(setup.release):
            message = f"role: exists from {OMNISESSION_ROLE.since()}; on {setup.release} log-ins of {whom} fail."
            yield Finding(
                "omnisession.role-release",
                Severity.LOCK_OUT,
                shown(path),
                line.number,
                message,
                "Use the plug-in roles.",
                "dcache.md section 1",
            )
        if "\t" in line.text.strip() and not OMNISESSION_TABS.covers(setup.release):
            message = f"Tabs part words from {OMNISESSION_TABS.since()} only; on {setup.release} log-ins of {whom} fail."
            yield Finding(
                "omnisession.tabs",
                Severity.LOCK_OUT,
                shown(path),
                line.number,
                message,
                "Part the words by blanks.",
                "dcache.md section 3.5",
            )


def _ban(setup: LoginSetup, path: str, _number: int) -> Iterator[Finding]:
    binding = any(
        line.modifier in _BINDING and setup.path(line) == path for _at, line in setup.of_phase(Phase.ACCOUNT) if line.plugin == "banfile"
    )
    for line in setup.bans[path].problems():
        if binding:
            message = f"{line.problem}; the plug-in fails for every log-in and nobody can log in."
            severity = Severity.LOCK_OUT
        else:
            message = f"{line.problem}; the plug-in fails, and as its line is not requisite nobody is banned."
            severity = Severity.OPEN
        yield Finding(
            "ban.bad-line",
            severity,
            shown(path),
            line.number,
            message,
            "Write `ban TYPE:VALUE`.",
            "dcache.md section 3.2; dCache BanFilePlugin.java",
        )


def _authzdb(setup: LoginSetup, path: str, _number: int) -> Iterator[Finding]:
    document = storage_authzdb.parse(setup.files[path])
    for line in document.problems():
        message = f"{line.problem}; dCache skips the line, and those whom it names cannot log in."
        remedy = "authorize NAME read-write UID GID HOME ROOT"
        yield Finding(
            "authzdb.bad-line",
            Severity.LOCK_OUT,
            shown(path),
            line.number,
            message,
            remedy,
            "dcache.md section 3.4; dCache AuthzMapLineParser.java",
        )
    seen: dict[str, int] = {}
    for number, account in document.entries():
        first = seen.setdefault(account.name, number)
        if first != number:
            message = f"{account.name} stands here and in line {first}; both add their groups and directories to a log-in."
            yield Finding("authzdb.twice", Severity.WARNING, shown(path), number, message, "Keep one line.", "dCache AuthzDbPlugin.java")


def _vorolemap(setup: LoginSetup, path: str, _number: int) -> Iterator[Finding]:
    document = vorolemap.parse(setup.files[path])
    for line in document.problems():
        broad = re.match(r'\s*"?\*', line.text) is not None
        message = f"{line.problem}; dCache skips the line, and those whom it maps cannot log in."
        yield Finding(
            "vorolemap.bad-line",
            Severity.LOCK_OUT if broad else Severity.ERROR,
            shown(path),
            line.number,
            message,
            'Write "DN" "FQAN" NAME.',
            "dcache.md section 3.4; dCache VOMapLineParser.java",
        )
    for number, mapping in document.entries():
        yield from _bare_fqan(setup, path, number, mapping.fqan)
        if mapping.dn == "*" and not mapping.fqan:
            message = f"Any member of any VO that the host trusts becomes {mapping.name}."
            yield Finding(
                "vorolemap.everybody", Severity.OPEN, shown(path), number, message, "Name the FQAN.", "dCache VOMapLineParser.java"
            )


_READERS = {"multimap": _multimap, "omnisession": _omnisession, "banfile": _ban, "authzdb": _authzdb, "vorolemap": _vorolemap}
