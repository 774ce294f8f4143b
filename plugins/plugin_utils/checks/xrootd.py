# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of an XRootD server's configuration, hand-written or ours. Needs no description of the site."""

from __future__ import annotations

import difflib
import hashlib
import json
import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import xrootd_tables as tables
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.xrootd_rules import RULES
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import authdb, scitokens_cfg, xrootd_cfg

SCITOKENS_DEFAULT = "/etc/xrootd/scitokens.cfg"
AUTHDB_DEFAULT = "/etc/xrootd/authdb"
AUTHDB_OLD_DEFAULT = "/opt/xrd/etc/Authfile"
MAIN_FILE = re.compile(r".*/xrootd-([^/]+)\.cfg")
WRITING = frozenset("adiknw")
READ_ONLY = frozenset({"r/o", "notwritable", "forcero"})


@dataclass(frozen=True)
class Facts:
    """What is known of the host beside the files.

    instances: names of the server's instances that are in use; None: every main file is taken for one.
    installed: release of the installed package, which the rules then follow.
    entries: what host_read says of paths (exists, kind, owner, mode). homes: home directory by user.
    """

    instances: tuple[str, ...] | None = None
    installed: str | None = None
    host: str | None = None
    user: str = "xrootd"
    lab: bool = False
    entries: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    homes: Mapping[str, str] = field(default_factory=dict)

    def is_missing(self, path: str) -> bool:
        entry = self.entries.get(path) or self.entries.get(path.rstrip("/"))
        return entry is not None and not entry["exists"]


@dataclass(frozen=True)
class Placed:
    """A directive in force, with its file and its variables put in. certain: it does not depend on what is not known."""

    file: str
    directive: xrootd_cfg.Directive
    words: tuple[str, ...]
    certain: bool

    @property
    def name(self) -> str:
        return self.words[0]

    @property
    def args(self) -> tuple[str, ...]:
        return self.words[1:]

    @property
    def line(self) -> int:
        return self.directive.line


@dataclass(frozen=True)
class Server:
    """One instance of xrootd as its files describe it. release: None takes the rules of the newest one."""

    path: str
    files: Mapping[str, str]
    facts: Facts
    release: tables.Release | None

    def lacks(self, path: str) -> bool:
        """Whether a file that is named is not there: on a host, or in a copy that has other files of its directory."""
        if self.facts.instances is not None or self.facts.entries:
            return self.facts.is_missing(path)
        folder = posixpath.dirname(path) + "/"
        return path.startswith("/") and path not in self.files and any(each.startswith(folder) for each in self.files)

    @property
    def absent(self) -> str:
        """What is known of a file that is lacking."""
        return "does not exist" if self.facts.instances is not None or self.facts.entries else "is not among the text files of this copy"

    def before(self, release: tables.Release) -> bool:
        return self.release is not None and self.release < release

    @cached_property
    def instance(self) -> str | None:
        found = MAIN_FILE.fullmatch(self.path)
        return found[1] if found else None

    @cached_property
    def documents(self) -> dict[str, xrootd_cfg.Document]:
        """The main file and those it continues with, in the order they are read."""
        main = xrootd_cfg.parse(self.files[self.path])
        found = {self.path: main}
        for each in main.directives:
            if each.name == "continue" and xrootd_cfg.holds(each.conditions, self.situation) is not False:
                found.update(
                    {path: xrootd_cfg.parse(self.files[path]) for path in xrootd_cfg.continued(each, self.files) if path != self.path}
                )
        return found

    @cached_property
    def situation(self) -> xrootd_cfg.Situation:
        return xrootd_cfg.Situation("xrootd", self.instance, self.facts.host)

    @cached_property
    def values(self) -> dict[str, str | None]:
        return xrootd_cfg.variables(each for document in self.documents.values() for each in document.directives)

    @cached_property
    def placed(self) -> tuple[Placed, ...]:
        found = []
        for file, document in self.documents.items():
            for each in document.directives:
                answer = xrootd_cfg.holds(each.conditions, self.situation)
                if answer is not False:
                    words = (each.name, *(xrootd_cfg.expand(word, self.values) for word in each.args))
                    found.append(Placed(file, each, words, answer is True))
        return tuple(found)

    def find(self, *names: str) -> list[Placed]:
        return [each for each in self.placed if each.name in names]

    def last(self, *names: str) -> Placed | None:
        found = self.find(*names)
        return found[-1] if found else None

    @cached_property
    def authlibs(self) -> list[tuple[Placed, bool, str]]:
        """ofs.authlib lines: place, whether the plug-in is stacked on what is there, its file name."""
        found = []
        for each in self.find("ofs.authlib"):
            stacked = each.args[:1] == ("++",)
            library = each.args[1:2] if stacked else each.args[:1]
            found.append((each, stacked, posixpath.basename(library[0]) if library else ""))
        return found

    def authlib(self, prefix: str) -> Placed | None:
        return next((each for each, _stacked, library in self.authlibs if library.startswith(prefix)), None)

    @cached_property
    def tokens_path(self) -> str | None:
        """Where the settings of the token plug-in are; None without the plug-in."""
        each = self.authlib("libXrdAccSciTokens")
        if not each:
            return None
        found = [word.removeprefix("config=") for words in each.args for word in words.split(",") if word.startswith("config=")]
        return found[-1] if found else SCITOKENS_DEFAULT

    @cached_property
    def tokens(self) -> scitokens_cfg.Document | None:
        return scitokens_cfg.parse(self.files[self.tokens_path]) if self.tokens_path and self.tokens_path in self.files else None

    @cached_property
    def asks_authdb(self) -> bool:
        """Whether the table of rights is consulted: authorisation is on and no plug-in stands in the place of the built-in one."""
        return bool(self.find("ofs.authorize")) and all(stacked for _each, stacked, _library in self.authlibs)

    @cached_property
    def authdb_path(self) -> str:
        each = self.last("acc.authdb")
        if each and each.args:
            return each.args[0]
        return AUTHDB_OLD_DEFAULT if self.before(tables.AUTHDB_IN_ETC) else AUTHDB_DEFAULT

    @cached_property
    def rights(self) -> authdb.Document | None:
        return authdb.parse(self.files[self.authdb_path]) if self.authdb_path in self.files else None

    @cached_property
    def exports(self) -> list[tuple[str, frozenset[str]]]:
        """Exported paths with their options; the server exports /tmp when none is named."""
        found = [(each.args[0], frozenset(each.args[1:])) for each in self.find("all.export", "xrootd.export", "oss.export") if each.args]
        return found or [("/tmp", frozenset())]

    @cached_property
    def areas(self) -> tuple[str, ...]:
        """Trees that the data are in: what is exported, what spaces are assigned to, what tokens open."""
        assigned = [each.args[2:] for each in self.find("oss.space") if each.args[1:2] in (("assign",), ("default",))]
        keys = [key for section in (self.tokens.sections if self.tokens else ()) for key in section.keys if key.name.lower() == "base_path"]
        opened = [scitokens_cfg.as_list(key.value) for key in keys]
        return (*(path for path, _options in self.exports), *(path for paths in (*assigned, *opened) for path in paths))

    @cached_property
    def is_public(self) -> bool:
        """Whether it serves to everybody, and only that, on purpose: nothing writable, and nothing that asks who a client is."""
        asking = ("ofs.authorize", "ofs.authlib", "acc.authdb", "xrootd.seclib", "all.seclib", "sec.protocol", "xrootd.fslib")
        return not self.find(*asking) and all(options & READ_ONLY for _path, options in self.exports)

    @cached_property
    def is_cache(self) -> bool:
        """Whether files come from another server (XCache, proxy)."""
        return any("libXrdPss" in word for each in self.find("ofs.osslib") for word in each.args)

    @cached_property
    def http(self) -> list[Placed]:
        """Lines that open an HTTP door."""
        libraries = [each for each in self.find("xrd.protocol") if library_of(each).startswith("libXrdHttp")]
        names = {protocol_of(each)[0] for each in libraries}
        return [
            each
            for each in self.find("xrd.protocol")
            if each in libraries or (each.args[-1:] == ("+port",) and protocol_of(each)[0] in names)
        ]

    @cached_property
    def tls(self) -> Placed | None:
        return self.last("xrd.tls")

    @cached_property
    def ports(self) -> list[tuple[str, Placed]]:
        found = [(port, each) for each in self.find("xrd.port") for port in _plain(each)[:1]]
        found += [(port, each) for each in self.find("xrd.protocol") if (port := protocol_of(each)[1])]
        return found


def check(files: Mapping[str, str], facts: Facts | None = None, release: str | None = None) -> list[Finding]:
    """Findings about every server whose main file is among files, in the order of files and lines.

    files: text by path: main files ``xrootd-NAME.cfg``, the fragments, scitokens.cfg, authdb and unit drop-ins that belong to them.
    release: of xrootd, such as ``5.5.3``; None when it is not known.
    """
    facts = facts or Facts()
    parsed = tables.parse_release(facts.installed or release)
    known = parsed if tables.is_known(parsed) else None
    mains = {path: found[1] for path in sorted(files) if (found := MAIN_FILE.fullmatch(path))}
    findings: dict[Finding, None] = {}
    if facts.instances is not None:
        mains = {path: name for path, name in mains.items() if name in facts.instances}
    elif own := {path: name for path, name in mains.items() if not is_of_package(files[path])}:
        told = "Not checked: the file is as the package brings it, and other servers are set up here."
        findings.update({_finding("xrootd.package-file", path, 0, told): None for path in mains.keys() - own.keys()})
        mains = own
    servers = [Server(path, files, facts, known) for path in mains]
    for server in servers:
        findings.update(dict.fromkeys(_check_server(server)))
        if not known:
            named = facts.installed or release
            told = f"The release {named} is not one whose rules are known." if named else "The release is not known."
            findings[_finding("xrootd.release-unknown", server.path, 0, told)] = None
        if facts.installed and release and parsed != tables.parse_release(release):
            told = f"The release {facts.installed} is installed, the description says {release}."
            findings[_finding("xrootd.release-differs", server.path, 0, told)] = None
    findings.update(dict.fromkeys(_shared_ports(servers)))
    return sorted(findings, key=lambda each: (each.file, each.line, each.rule))


def is_of_package(text: str) -> bool:
    """Whether a main file says nothing but what a release of xrootd installs under its name."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    said = "\n".join(line for line in lines if line and not line.startswith("#"))
    return hashlib.sha256(said.encode("utf-8", "surrogateescape")).hexdigest()[:16] in tables.PACKAGED


def check_language(server: Server) -> Iterator[Finding]:
    """What is true of every service that reads its configuration with XRootD: structure, names of directives, encryption."""
    for rules in (_structure, _names, _encryption):
        yield from rules(server)


def check_tokens(server: Server, file: str, document: scitokens_cfg.Document) -> Iterator[Finding]:
    """What is true of every service that loads XRootD's token plug-in. file: where the document is."""
    yield from _tokens(server, file, document)


def _check_server(server: Server) -> Iterator[Finding]:
    for rules in (_structure, _writable, _names, _authorization, _encryption, _doors, _macaroons, _spaces, _token_service, _unit):
        yield from rules(server)
    if server.tokens is not None and server.tokens_path:
        yield from _tokens(server, server.tokens_path, server.tokens)
    if server.rights is not None and server.asks_authdb:
        yield from _rights(server, server.authdb_path, server.rights)


def continued_paths(each: Placed) -> list[str]:
    """Shell patterns of what a ``continue`` directive may read: a file, or the files of a directory."""
    target = each.args[0].removeprefix("?") if each.args else ""
    return [target.rstrip("/"), target.rstrip("/") + "/*"] if target.startswith("/") else []


def named_paths(server: Server) -> list[str]:
    """Files and directories whose existence, owner or mode a rule asks for."""
    found = [word for each in server.find("xrd.tls", "http.key", "http.cert", "macaroons.secretkey") for word in each.args]
    found += [target for each in server.find("oss.space") for target in each.args[1:2]]
    return [path.rstrip("/") for path in found if path.startswith("/") and not path.endswith("*")]


def _finding(rule: str, file: str, line: int, message: str) -> Finding:
    known = RULES[rule]
    return Finding(rule, known.severity, file, line, message, known.remedy, known.source)


def _at(rule: str, place: Placed, message: str) -> Finding:
    return _finding(rule, place.file, place.line, message)


# --- the files --------------------------------------------------------------------------------------------------------------------------


def _structure(server: Server) -> Iterator[Finding]:
    told = {
        "unclosed-if": "This if block is never closed; the server does not start.",
        "nested-if": "This if stands inside another one; the server does not start.",
        "fi-without-if": "This fi closes nothing; the server does not start.",
        "else-without-if": "This else belongs to no if; the server does not start.",
        "continue-in-if": "A continue inside an if block is refused; the server does not start.",
    }
    for file, document in server.documents.items():
        for fault in document.faults:
            yield _finding(f"xrootd.{fault.kind}", file, fault.line, told[fault.kind])
        line = next((number for number, text in enumerate(document.lines, 1) if text.rstrip("\n").endswith("\r")), 0)
        if line:
            yield _finding("xrootd.carriage-return", file, line, "Lines end with a carriage return, which becomes part of the last word.")
    continues = [each for each in server.placed if each.name == "continue" and each.args]
    for each in continues:
        target = each.args[0]
        if each.file != server.path:
            yield _at("xrootd.continue-twice", each, "A file that was continued with continues again; the server does not start.")
        elif not target.startswith("?") and server.facts.is_missing(target):
            yield _at("xrootd.file-missing", each, f"{target} does not exist; the server does not start.")
    final = next((each for each in continues if each.certain and "if" not in each.args and not each.args[0].startswith("?")), None)
    if final:
        lost = next((each for each in server.documents[final.file].directives if each.line > final.line), None)
        if lost:
            yield _finding("xrootd.after-continue", final.file, lost.line, f"{lost.name} stands behind continue and is never read.")
    for each in server.placed:
        if each.directive.remark:
            yield _at("xrootd.remark", each, f"'{each.directive.remark[0]}' is an argument of {each.name}, not the begin of a remark.")
        known = {*server.values, *xrootd_cfg.defined_names(each.directive.conditions)}
        for word in each.directive.args:
            missing = [name for name in xrootd_cfg.references(word) if name not in known]
            if missing and each.name not in tables.LITERAL and not each.name.startswith("frm."):
                yield _at("xrootd.undefined-variable", each, f"${missing[0]} is not set; the server does not start.")


def _writable(server: Server) -> Iterator[Finding]:
    """Files that decide about rights and that anybody on the host can change."""
    key = server.tls.args[-1:] if server.tls else ()
    for path in [*server.documents, server.tokens_path, server.authdb_path, *key]:
        mode = server.facts.entries.get(path or "", {}).get("mode", "0")
        if path and int(mode, 8) & 0o002:
            yield _finding("xrootd.world-writable", path, 0, f"Everybody on the host can write {path} (mode {mode}).")


def _names(server: Server) -> Iterator[Finding]:
    for each in server.placed:
        prefix, _dot, name = each.name.partition(".")
        if each.name in ("set", "setenv", "continue") or (name and prefix not in tables.DIRECTIVES and prefix.isascii()):
            continue  # part of the language, or of a plug-in that is not known here
        since = tables.SINCE.get(each.name)
        if since and server.before(since):
            yield _at("xrootd.directive-too-new", each, f"{each.name} is ignored before {tables.words(since)}.")
        elif name not in tables.DIRECTIVES.get(prefix, ()):
            if each.name == "xrd.monitor":
                yield _at("xrootd.monitor-misspelt", each, "xrd.monitor is ignored: nothing is monitored.")
                continue
            hint = _suggestion(each.name)
            yield _at(
                "xrootd.unknown-directive", each, f"{each.name} is not a directive and is ignored." + (f" Is {hint} meant?" if hint else "")
            )
        if each.name == "http.header2cgi" and "strip-on-redirect" in each.args and server.before(tables.AUTHDB_IN_ETC):
            yield _at("xrootd.directive-too-new", each, "strip-on-redirect is not known before 6.0.0.")


def _suggestion(name: str) -> str:
    known = {f"{prefix}.{each}" for prefix, names in tables.DIRECTIVES.items() for each in names}
    _prefix, _dot, last = name.rpartition(".")
    elsewhere = sorted(each for each in known if each.partition(".")[2] == last)
    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.75)
    return (elsewhere or close or [""])[0]


# --- who may do what ---------------------------------------------------------------------------------------------------------------------


def _authorization(server: Server) -> Iterator[Finding]:
    authorize = server.find("ofs.authorize")
    serves = server.facts.instances is not None or bool(
        server.find("ofs.osslib", "oss.localroot", "all.export", "xrootd.export", "xrd.protocol")
    )
    if server.authlibs and not authorize:
        place = server.authlibs[0][0]
        yield _at("xrootd.authorize-missing", place, "ofs.authlib is loaded but never asked without ofs.authorize: anybody may write.")
    elif serves and not authorize:
        manager = server.last("all.role")
        exported = server.last("all.export", "xrootd.export")
        where = (exported.file, exported.line) if exported else (server.path, 0)
        if server.is_public:
            yield _finding("xrootd.public", *where, "Nothing is authorised and nothing can be written: the data are public.")
        elif server.is_cache or all(options & READ_ONLY for _path, options in server.exports):
            yield _finding("xrootd.reads-for-all", *where, "Nothing is authorised: anybody may read what is exported.")
        elif not (manager and "manager" in manager.args):
            yield _finding("xrootd.no-authorization", *where, "Nothing is authorised: anybody may read and write what is exported.")
    stacked_before = False
    for number, (place, stacked, library) in enumerate(server.authlibs):
        if not stacked and number:
            yield _at("xrootd.authlib-replaced", place, f"{library} without ++ takes the place of the plug-in named above.")
        if not stacked and library.startswith("libXrdAccSciTokens") and server.find("acc.authdb"):
            yield _at(
                "xrootd.authlib-not-stacked", place, f"{library} without ++ has no authdb behind it: groups and X.509 users are locked out."
            )
        if stacked and library.startswith("libXrdAccSciTokens") and stacked_before:
            yield _at("xrootd.macaroons-order", place, "SciTokens stands behind Macaroons.")
        stacked_before = stacked_before or library.startswith("libXrdMacaroons")
    if server.asks_authdb and not server.find("acc.authdb") and server.authdb_path not in server.files:
        place = authorize[0]
        yield _at(
            "xrootd.authdb-default",
            place,
            f"acc.authdb is not set, and the default of this release, {server.authdb_path}, was not found among the files.",
        )
    elif server.asks_authdb and server.lacks(server.authdb_path):
        named = server.last("acc.authdb") or authorize[0]
        yield _at("xrootd.file-missing", named, f"{server.authdb_path} {server.absent}; the server does not start.")
    if server.tokens_path and server.lacks(server.tokens_path):
        named = server.authlib("libXrdAccSciTokens") or server.authlibs[0][0]
        yield _at("xrootd.file-missing", named, f"{server.tokens_path} {server.absent}; the server does not start.")
    for each in server.find("sec.protocol"):
        if authorize and security_of(each) == "unix" and _offered_to_all(server, "unix"):
            yield _at("xrootd.sec-claims-only", each, "With unix a client is whoever it says it is.")
    for each in server.find("http.exthandler"):
        if any("libXrdHttpTapeApi" in word for word in each.args):
            yield _at("xrootd.tape-simulator", each, "The tape simulator asks nobody for a token: anybody may stage and delete.")


def _offered_to_all(server: Server, protocol: str) -> bool:
    """Whether any client may log in by a protocol: ``sec.protbind HOST only ...`` alone keeps hosts from the protocols it does not name."""
    return not any(
        each.args[:1] == ("*",) and "only" in each.args[1:] and protocol not in each.args[1:] for each in server.find("sec.protbind")
    )


# --- encryption --------------------------------------------------------------------------------------------------------------------------


def _encryption(server: Server) -> Iterator[Finding]:
    encrypted = server.tls or server.find("http.cert")
    if server.http and not encrypted and not server.is_public:
        yield _at(
            "xrootd.no-tls",
            server.http[0],
            "The HTTP door has no certificate: it cannot speak https, and tokens cross the network in the clear.",
        )
    for each in server.find("sec.protocol"):
        if security_of(each) == "ztn" and not server.tls:
            yield _at("xrootd.ztn-without-tls", each, "ztn sends tokens and needs TLS; the server does not start.")
    if server.tls and not server.find("xrd.tlsca"):
        yield _at("xrootd.tlsca-missing", server.tls, "xrd.tls without xrd.tlsca: the server does not start.")
    for each in server.find("http.selfhttps2http"):
        if each.args[:1] in (("yes",), ("1",), ("true",)):
            yield _at("xrootd.downgrade", each, "Clients are sent from https to http, with their tokens.")
    for each in [*server.find("http.key", "http.cert"), *([server.tls] if server.tls else [])]:
        paths = [word for word in each.args if word.startswith("/")]
        for path in paths:
            if server.facts.is_missing(path):
                yield _at("xrootd.file-missing", each, f"{path} does not exist; the server does not start.")
        key = paths[-1] if paths and each.name != "http.cert" else ""
        entry = server.facts.entries.get(key, {})
        if "mode" in entry:
            if int(entry["mode"], 8) & ~0o600:
                yield _at(
                    "xrootd.key-mode",
                    each,
                    f"{key} has mode {entry['mode']}; the server refuses keys that others can reach, and does not start.",
                )
            elif entry.get("owner") != server.facts.user:
                yield _at(
                    "xrootd.key-owner",
                    each,
                    f"{key} belongs to {entry.get('owner')}; the user {server.facts.user} of the service cannot read it.",
                )


# --- doors -------------------------------------------------------------------------------------------------------------------------------


def _doors(server: Server) -> Iterator[Finding]:
    if server.http and server.tokens_path:
        header = [each for each in server.find("http.header2cgi") if [word.lower() for word in each.args[:1]] == ["authorization"]]
        if not any(each.args[1:2] == ("authz",) for each in header):
            yield _at(
                "xrootd.header2cgi-missing",
                server.http[0],
                "Tokens of the Authorization header are not passed on: all token users of https are locked out.",
            )
        role = server.last("all.role")
        if (
            header
            and role
            and "manager" in role.args
            and "strip-on-redirect" not in header[0].args
            and not server.before(tables.AUTHDB_IN_ETC)
        ):
            yield _at("xrootd.redirect-token", header[0], "A redirector sends the token on in the URL of the data server.")
    tpc = [each for each in server.find("http.exthandler") if any("libXrdHttpTPC" in word for word in each.args)]
    if server.http and not tpc and not server.is_cache and not server.is_public:
        yield _at("xrootd.tpc-missing", server.http[0], "Third-party copies over HTTP are refused: FTS and Rucio cannot move files here.")
    allowed = server.find("tpc.allow")
    if tpc and server.facts.lab and not allowed and not server.before(tables.WHOLE_COMPONENTS):
        yield _at(
            "xrootd.tpc-private", tpc[0], "This release refuses third-party copies with private and loopback addresses, which a lab has."
        )
    if not server.facts.lab and not server.before(tables.WHOLE_COMPONENTS):
        for each in allowed:
            yield _at("xrootd.tpc-private-allowed", each, f"Third-party copies may reach {' '.join(each.args)} addresses.")
    protocols = {security_of(each) for each in server.find("sec.protocol")}
    if protocols and not server.find("xrootd.seclib", "all.seclib"):
        yield _at(
            "xrootd.seclib-missing",
            server.find("sec.protocol")[0],
            "Without xrootd.seclib the lines of sec. are not read: clients of root:// cannot show who they are.",
        )
    defined = set()
    for each in server.find("sec.protocol", "sec.protbind"):
        if each.name == "sec.protocol":
            defined.add(security_of(each))
            continue
        unknown = [word for word in each.args[1:] if word not in (*defined, "only", "none")]
        if unknown:
            yield _at("xrootd.protbind-unknown", each, f"{unknown[0]} is bound but not defined above; the server does not start.")
    for each in server.find("sec.protocol", "sec.protparm"):
        if security_of(each) != "gsi":
            continue
        for word in each.args:
            option, _colon, level = word.partition(":")
            if option == "-ca" and level in ("0", "ignore"):
                yield _at("xrootd.gsi-ca-off", each, f"{word}: certificates of intermediate authorities are trusted unverified.")
            elif option == "-ca" and not level[:1].isdigit():
                told = f"{word} is read as the number 0: certificates of intermediate authorities are trusted unverified."
                yield _at("xrootd.gsi-ca-word", each, told)
            elif option == "-crl" and level in ("0", "ignore"):
                yield _at("xrootd.gsi-without-revocation", each, f"With {word} revoked certificates are accepted.")
    if (
        server.http
        and any("libXrdVoms" in word for each in server.find("sec.protocol") for word in each.args)
        and not server.find("http.secxtractor")
    ):
        yield _at("xrootd.voms-http-missing", server.http[0], "VOMS groups are read from root:// clients, but not from https clients.")
    seen: dict[bool, Placed] = {}
    for each in server.find("xrd.port"):
        if not each.certain or "if" in each.args:
            continue
        tls = each.args[:1] == ("tls",)
        if tls in seen and _plain(seen[tls]) != _plain(each):
            yield _at("xrootd.port-twice", each, f"xrd.port was set in line {seen[tls].line} already.")
        seen[tls] = each


def _shared_ports(servers: Iterable[Server]) -> Iterator[Finding]:
    """Ports that two instances of one host want."""
    owners: dict[str, Server] = {}
    for server in servers:
        if server.facts.instances is None:
            continue  # which of the files are in use is not known
        for port, where in [(port, (place.file, place.line)) for port, place in server.ports] or [("1094", (server.path, 0))]:
            owner = owners.setdefault(port, server)
            if owner is not server:
                yield _finding("xrootd.duplicate-port", *where, f"Port {port} belongs to {owner.path} already; this server does not start.")


def protocol_of(each: Placed) -> tuple[str, str]:
    """Name and port of an xrd.protocol line."""
    name, _colon, port = (_plain(each)[:1] or ("",))[0].partition(":")
    return name, port


def library_of(each: Placed) -> str:
    return posixpath.basename((*_plain(each), "", "")[1])


def _plain(each: Placed) -> tuple[str, ...]:
    """Arguments without a leading ``tls``."""
    return each.args[1:] if each.args[:1] == ("tls",) else each.args


def security_of(each: Placed) -> str:
    """Name of the protocol of a sec.protocol line, which may begin with a directory."""
    return next((word for word in each.args if not word.startswith("/")), "")


def _macaroons(server: Server) -> Iterator[Finding]:
    place = server.authlib("libXrdMacaroons")
    handler = next((each for each in server.find("http.exthandler") if any("libXrdMacaroons" in word for word in each.args)), None)
    used = handler or place
    if not used:
        return
    if not server.find("all.sitename", "xrd.sitename", "macaroons.sitename"):
        yield _at("xrootd.macaroons-sitename", used, "Macaroons need the name of the site; the server does not start.")
    secret = server.last("macaroons.secretkey")
    if not secret or not secret.args:
        yield _at("xrootd.macaroons-secret", used, "Macaroons need a secret; the server does not start.")
        return
    entry = server.facts.entries.get(secret.args[0], {})
    if server.facts.is_missing(secret.args[0]):
        yield _at("xrootd.file-missing", secret, f"{secret.args[0]} does not exist; the server does not start.")
    elif "mode" in entry and int(entry["mode"], 8) & 0o077:
        yield _at("xrootd.secret-readable", secret, f"{secret.args[0]} has mode {entry['mode']}: who reads it can make tokens.")


# --- storage -----------------------------------------------------------------------------------------------------------------------------


def _spaces(server: Server) -> Iterator[Finding]:
    if not server.find("all.export", "xrootd.export", "oss.export") and server.find("oss.localroot", "oss.space", "xrd.protocol"):
        yield _finding("xrootd.no-export", server.path, 0, "Nothing is exported by name, so /tmp is.")
    defined: dict[str, set[str]] = defaultdict(set)
    assigned: list[tuple[str, str, Placed]] = []
    for each in server.find("oss.space"):
        name, target, *rest = (*each.args, "", "")[: max(len(each.args), 2)]
        if len(name) > tables.SPACE_NAME:
            yield _at(
                "xrootd.space-name", each, f"The name of a space has at most {tables.SPACE_NAME} characters; the server does not start."
            )
        if target in ("assign", "default"):
            assigned += [(name, path, each) for path in rest]
            continue
        if not target.startswith("/"):
            yield _at("xrootd.space-path", each, f"Space {name} has no absolute path; the server does not start.")
            continue
        path = target if target.endswith("*") else target.rstrip("/")
        other = next((space for space, paths in defined.items() if path in paths and space != name), None)
        if other:
            yield _at("xrootd.space-shared", each, f"{path} is a directory of space {other} too: files of both lie on the same disks.")
        if path in defined[name]:
            yield _at("xrootd.space-twice", each, f"{path} is a directory of space {name} already; the server does not start.")
        defined[name].add(path)
        if server.facts.is_missing(path):
            yield _at("xrootd.file-missing", each, f"{path} does not exist; the server does not start.")
    for name, path, each in assigned:
        if name not in defined and name != "public":
            yield _at("xrootd.space-undefined", each, f"Space {name} has no directory: files below {path} cannot be made.")
        if not any(_below(path, export) or _below(export, path) for export, _options in server.exports):
            yield _at("xrootd.space-outside-export", each, f"{path} is not exported, so space {name} is never used for it.")
    if server.http and not server.is_cache and not any("adler32" in each.args for each in server.find("xrootd.chksum")):
        place = server.last("xrootd.chksum") or server.http[0]
        yield _at("xrootd.checksum-missing", place, "No adler32 checksums: Rucio and FTS cannot verify transfers.")
    if server.http and server.before(tables.BRIDGE_WAITS):
        for each in server.find("xrootd.chksum"):
            if not any(word.startswith("/") for word in each.args):
                yield _at("xrootd.checksum-race", each, "A checksum asked for over HTTP, when it is ready at once, can silence the server.")
    yield from _cache(server, defined)
    if server.tokens_path and (server.release is None or server.before(tables.WHOLE_COMPONENTS)):
        places = [(path, each) for _name, path, each in assigned] + [
            (each.args[0], each) for each in server.find("all.export") if each.args
        ]
        for path, each in places:
            for other, _place in places:
                longer, shorter = path.rstrip("/"), other.rstrip("/")
                if longer.startswith(shorter) and shorter and longer != shorter and not _below(longer, shorter):
                    yield _at(
                        "xrootd.prefix-directories",
                        each,
                        f"{longer} begins with {shorter}: before 5.9.3 a token for the latter opens the former as well.",
                    )


def _cache(server: Server, spaces: Mapping[str, set[str]]) -> Iterator[Finding]:
    """A server that fetches files from another one. spaces: directories by name of space."""
    for each in server.find("pfc.ram"):
        if each.args and _bytes(each.args[0]) < 1 << 30:
            yield _at("xrootd.cache-memory", each, f"{each.args[0]} is less than 1 GiB; the server does not start.")
    proxy = next((each for each in server.find("ofs.osslib") if any("libXrdPss" in word for word in each.args)), None)
    if proxy and proxy.certain and not server.find("pss.origin"):
        yield _at("xrootd.cache-origin", proxy, "No pss.origin says where files come from; the server does not start.")
    for each in server.find("pfc.spaces"):
        for name in each.args[:2]:
            if name not in spaces and name != "public":
                yield _at("xrootd.cache-space", each, f"Space {name} has no directory: the cache cannot keep files there.")
    for each in server.find("pfc.diskusage"):
        marks = [word for word in each.args[:2] if re.fullmatch(r"0?\.\d+|1\.0*", word)]
        if len(marks) > 1 and float(marks[0]) >= float(marks[1]):
            yield _at("xrootd.cache-watermarks", each, f"The low mark {marks[0]} is not below the high one; the server does not start.")


def _below(path: str, parent: str) -> bool:
    """Whether a path is another one or inside it, by whole components."""
    parent = parent.rstrip("/")
    return path.rstrip("/") == parent or path.startswith(parent + "/")


def _bytes(text: str) -> int:
    found = re.fullmatch(r"(\d+)([kmgt]?)", text.lower())
    return int(found[1]) << {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}[found[2]] if found else 1 << 62


# --- tokens ------------------------------------------------------------------------------------------------------------------------------


def _token_service(server: Server) -> Iterator[Finding]:
    place = server.authlib("libXrdAccSciTokens")
    if not place:
        return
    if server.before(tables.STAT_WITH_MODIFY):
        yield _at("xrootd.delete-needs-read", place, "A token with storage.modify alone cannot delete.")
    if server.before(tables.REDACTED_TOKENS):
        for each in server.find("scitokens.trace"):
            if {"all", "debug"} & set(each.args):
                yield _at("xrootd.tokens-in-log", each, "This release writes whole tokens into its log.")
    groups = server.rights and any("g" in rule.identity or rule.type == "g" for rule in server.rights.rules)
    if groups and server.tokens and (server.tokens.get("Global", "onmissing") or "passthrough") == "passthrough":
        yield _at("xrootd.group-beside-capability", place, "A token whose scopes do not allow a request is still let in by its groups.")


def _unit(server: Server) -> Iterator[Finding]:
    """The key cache of the token library: $XDG_CACHE_HOME, else .cache in the home directory."""
    place = server.authlib("libXrdAccSciTokens")
    if place:
        yield from _sealed_cache(server)
    home = server.facts.homes.get(server.facts.user, "")
    entry = server.facts.entries.get(home)
    if not place or not entry or any("XDG_CACHE_HOME=" in text for path, text in server.files.items() if not path.endswith(".cfg")):
        return
    if not entry["exists"] or entry.get("owner") != server.facts.user:
        yield _at(
            "xrootd.key-cache",
            place,
            f"Keys of issuers cannot be kept: {home} does not belong to {server.facts.user}. An issuer that is down locks its users out.",
        )


def _sealed_cache(server: Server) -> Iterator[Finding]:
    """A key cache that the unit's own settings keep the service from writing to (systemd.exec)."""
    units = {path: text for path, text in sorted(server.files.items()) if "/systemd/system/xrootd@" in path and path.endswith(".conf")}
    units = {path: text for path, text in units.items() if f"/xrootd@{server.instance}.service.d/" in path or "/xrootd@.service.d/" in path}
    found: dict[str, list[str]] = defaultdict(list)
    for text in units.values():
        for key, value in re.findall(r"^\s*(\w+)\s*=\s*(.*?)\s*$", text, re.MULTILINE):
            found[key] += value.split()
    writable = [f"{root}/{name}" for key, root in tables.UNIT_DIRECTORIES.items() for name in found[key]]
    writable += [path.lstrip("-+") for path in found["ReadWritePaths"]]
    sealed = ["/etc", "/usr", "/boot", "/root", "/proc", "/sys"]
    sealed += [path.lstrip("-+") for key in ("ReadOnlyPaths", "InaccessiblePaths") for path in found[key]]
    sealed += ["/"] if found["ProtectSystem"][-1:] == ["strict"] else []
    sealed += ["/home", "/run/user"] if set(found["ProtectHome"][-1:]) & {"yes", "true", "read-only", "tmpfs", "1", "on"} else []
    for path, text in units.items():
        for number, line in enumerate(text.splitlines(), 1):
            cache = re.search(r"\bXDG_CACHE_HOME=([^\s\"']+)", line)
            if not cache or line.lstrip().startswith(("#", ";")) or any(_below(cache[1], each) for each in writable):
                continue
            if any(each == "/" or _below(cache[1], each) for each in sealed):
                told = (
                    f"Keys of issuers cannot be kept: the service may not write to {cache[1]}. An issuer that is down locks its users out."
                )
                yield _finding("xrootd.key-cache", path, number, told)


def _tokens(server: Server, file: str, document: scitokens_cfg.Document) -> Iterator[Finding]:
    yield from _token_syntax(server, file, document)
    everywhere = [each for section in document.sections for each in section.keys if section.kind == "global"]
    last = {each.name.lower(): each for each in everywhere}
    yield from _onmissing(server, file, last.get("onmissing"))
    audiences = [member for each in everywhere if each.name.lower() == "audience" for member in scitokens_cfg.as_list(each.value)]
    listed = last.get("audience_json")
    if listed:
        found = _json_list(listed.value)
        if found is None:
            yield _finding(
                "scitokens.audience-json", file, listed.line, "audience_json is not a JSON list of strings; the server does not start."
            )
        audiences += found or []
    line = (last.get("audience") or listed or scitokens_cfg.Key("", "", "", -1)).line
    if not audiences:
        yield _finding(
            "scitokens.audience-missing",
            file,
            0,
            "No audience is accepted: every token with an aud claim, so every WLCG token, is refused.",
        )
    if audiences and all(url == tables.ANY_AUDIENCE for url in audiences):
        told = "Only the wildcard is accepted, and Rucio asks for tokens with the bare name of the door."
        yield _finding("scitokens.audience-bare-host", file, line, told)
    hosts = [host[1] for url in audiences if (host := re.fullmatch(r"https?://([^/:]+)(:\d+)?/?", url))]
    missing = [host for host in dict.fromkeys(hosts) if host not in audiences]
    if missing:
        told = f"{', '.join(missing)}: accepted as URL but not as bare name, and Rucio asks for tokens with the bare name of the door."
        yield _finding("scitokens.audience-bare-host", file, line, told)
    yield from _issuers(server, file, document)


def _token_syntax(server: Server, file: str, document: scitokens_cfg.Document) -> Iterator[Finding]:
    for fault in document.faults:
        yield _finding("scitokens.syntax", file, fault.line, "This line is neither a key nor a section; the server does not start.")
    limit = tables.INI_LINE if server.before(tables.COLON_OPTIONAL) else tables.INI_LINE_NOW
    for number, line in enumerate(document.lines, 1):
        if len(line.encode()) >= limit and line.strip()[:1] not in ("#", ";"):
            told = f"This line has {len(line.encode())} bytes; the reader cuts lines at {limit - 1} and takes the rest for another line."
            yield _finding("scitokens.line-too-long", file, number, told)
    names: dict[str, scitokens_cfg.Section] = {}
    for section in document.sections:
        if section.name.lower() in names:
            told = f"[{section.name}] was begun in line {names[section.name.lower()].line} already."
            yield _finding("scitokens.section-repeated", file, section.line, told)
        names.setdefault(section.name.lower(), section)
        if len(section.name.encode()) >= tables.INI_NAME and server.before(tables.COLON_OPTIONAL):
            told = f"Section names are cut after {tables.INI_NAME - 1} bytes; sections that begin alike become one."
            yield _finding("scitokens.section-too-long", file, section.line, told)
        known = {"global": tables.GLOBAL_KEYS, "issuer": tables.ISSUER_KEYS}.get(section.kind)
        for key in section.keys:
            name = key.name.lower()
            if key.continuation:
                yield _finding("scitokens.indented", file, key.line, f"This indented line replaces the value of {key.name}.")
            elif known is not None and name not in known:
                close = difflib.get_close_matches(name, sorted(known), n=1)
                hint = f" Is {close[0]} meant?" if close else ""
                yield _finding(
                    "scitokens.unknown-key", file, key.line, f"{key.name} is not a key of [{section.name}] and is ignored.{hint}"
                )
            elif name in tables.KEYS_SINCE and server.before(tables.KEYS_SINCE[name]):
                told = f"{key.name} is ignored before {tables.words(tables.KEYS_SINCE[name])}."
                yield _finding("scitokens.key-too-new", file, key.line, told)


def _onmissing(server: Server, file: str, key: scitokens_cfg.Key | None) -> Iterator[Finding]:
    if not key:
        return
    if key.value == "allow":
        yield _finding("scitokens.onmissing-allow", file, key.line, "Requests without a token, and with a wrong one, are allowed.")
    elif key.value == "deny":
        if server.asks_authdb and server.rights and any(rule.type != "=" for rule in server.rights.rules):
            yield _finding("scitokens.onmissing-deny", file, key.line, "authdb is never asked: groups and X.509 users are locked out.")
    elif key.value not in ("", "passthrough"):
        yield _finding(
            "scitokens.onmissing-unknown", file, key.line, f"{key.value} is not a value of onmissing; the server does not start."
        )


def _issuers(server: Server, file: str, document: scitokens_cfg.Document) -> Iterator[Finding]:
    served: dict[str, scitokens_cfg.Section] = {}
    multiuser = server.find("mgmofs.macaroonslib", "xrootd.fslib") and any(
        "EosMgm" in word for each in server.find("xrootd.fslib") for word in each.args
    )
    multiuser = multiuser or any("libXrdMultiuser" in word for each in server.find("ofs.osslib") for word in each.args)
    done: set[str] = set()
    for section in document.sections:
        name = section.name.lower()
        if section.kind == "ignored":
            if _matters(section, document):
                told = f"[{section.name}] is neither [Global] nor [Issuer NAME] and is ignored."
                yield _finding("scitokens.section-name", file, section.line, told)
            continue
        if section.kind != "issuer" or name in done:
            continue
        done.add(name)
        if not section.name[7:].strip():
            yield _finding("scitokens.section-name", file, section.line, "The section has no name behind Issuer and is ignored.")
            continue
        issuer = document.key(section.name, "issuer")
        if not issuer or not issuer.value:
            yield _finding(
                "scitokens.issuer-missing", file, section.line, f"[{section.name}] has no issuer and is ignored: its users are locked out."
            )
            continue
        if not issuer.value.startswith("https://"):
            yield _finding(
                "scitokens.issuer-not-https", file, issuer.line, f"{issuer.value} is not an https URL: no keys can be fetched for it."
            )
        if issuer.value in served:
            told = f"{issuer.value} stands in [{served[issuer.value].name}] already; the section that comes first by name counts."
            yield _finding("scitokens.issuer-twice", file, section.line, told)
        served.setdefault(issuer.value, section)
        yield from _base_paths(server, file, section, document.key(section.name, "base_path"))
        strategy = document.key(section.name, "authorization_strategy")
        if strategy and any(word.lower() not in ("capability", "group", "mapping") for word in strategy.value.split(" ") if word):
            yield _finding("scitokens.strategy", file, strategy.line, f"'{strategy.value}' has words that are ignored.")
        if multiuser and not maps_users(document, section):
            told = f"Tokens of [{section.name}] are mapped to no user, and rights are decided by users here."
            yield _finding("scitokens.default-user", file, section.line, told)
    if not served:
        yield _finding("scitokens.no-issuer", file, 0, "No issuer is trusted: every token is refused.")


def maps_users(document: scitokens_cfg.Document, section: scitokens_cfg.Section) -> bool:
    """Whether tokens of an issuer become local users."""
    named = any(document.get(section.name, key) for key in ("default_user", "name_mapfile", "username_claim"))
    return named or (document.get(section.name, "map_subject") or "").lower() in ("1", "on", "true", "yes")


def _matters(section: scitokens_cfg.Section, document: scitokens_cfg.Document) -> bool:
    """Whether an ignored section says what no other one says."""
    keys = {key.name.lower(): key.value for key in section.keys}
    served = [document.get(each.name, "issuer") for each in document.sections if each.kind == "issuer"]
    return bool(keys.keys() & {"audience", "onmissing"}) or ("issuer" in keys and keys["issuer"] not in served)


def _base_paths(server: Server, file: str, section: scitokens_cfg.Section, key: scitokens_cfg.Key | None) -> Iterator[Finding]:
    paths = scitokens_cfg.as_list(key.value) if key else ()
    if not key or not paths:
        yield _finding(
            "scitokens.base-path-missing",
            file,
            section.line,
            f"[{section.name}] has no base_path and is ignored: its users are locked out.",
        )
        return
    for path in paths:
        if not path.startswith("/"):
            yield _finding("scitokens.base-path-relative", file, key.line, f"{path} is not absolute: its tokens open nothing.")
        elif not any(_below(path, export) or _below(export, path) for export, _options in server.exports):
            yield _finding(
                "scitokens.base-path-outside", file, key.line, f"{path} is not in the exported name space: its tokens open nothing."
            )
    if len(paths) > 1:
        yield _finding("scitokens.base-paths", file, key.line, "With several base paths one token opens the same scope below each of them.")


def _json_list(text: str) -> list[str] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, list) and all(isinstance(member, str) for member in found) else None


# --- rights ------------------------------------------------------------------------------------------------------------------------------


def _rights(server: Server, file: str, document: authdb.Document) -> Iterator[Finding]:
    identities: dict[str, authdb.Rule] = {}
    templates: set[str] = set()
    ruled: set[tuple[str, str]] = set()
    exclusive: list[authdb.Rule] = []
    for rule in document.rules:
        if len(rule.type) != 1 or rule.type not in authdb.TYPES:
            yield _finding("authdb.record-type", file, rule.line, f"'{rule.type}' is not a type of record; the server does not start.")
            continue
        if not rule.name:
            yield _finding("authdb.name-missing", file, rule.line, "The record has no name; the server does not start.")
            continue
        if len(rule.name.encode()) > tables.RECORD_NAME:
            told = f"Names are cut after {tables.RECORD_NAME} characters, so that two of them can become one."
            yield _finding("authdb.name-too-long", file, rule.line, told)
        if any(word.startswith("#") for word in rule.record.words[1:]):
            yield _finding("authdb.remark", file, rule.line, "A # inside a record begins no remark; the server does not start.")
            continue
        key = ("id" if rule.type in "sx" else rule.type, rule.name)
        if key in ruled:
            yield _finding(
                "authdb.duplicate", file, rule.line, f"There is a record '{rule.type} {rule.name}' already; the server does not start."
            )
        ruled.add(key)
        if rule.type == "=":
            identities[rule.name] = rule
            yield from _identity(server, file, rule)
            continue
        if rule.type in "sx" and rule.name not in identities:
            yield _finding("authdb.undefined", file, rule.line, f"'{rule.name}' is not defined above; the server does not start.")
        yield from _grants(server, file, rule, templates)
        if rule.type == "t":
            templates.add(rule.name)
        if rule.type == "x":
            exclusive.append(rule)
    for name, rule in identities.items():
        if ("id", name) not in ruled:
            yield _finding("authdb.unused", file, rule.line, f"'{name}' is defined and never used.")
    for at, rule in enumerate(exclusive):
        for earlier in exclusive[:at]:
            wide, narrow = identities.get(earlier.name), identities.get(rule.name)
            if not wide or not narrow:
                continue
            if wide.identity.items() <= narrow.identity.items():
                told = f"'{earlier.name}' in line {earlier.line} holds for all of '{rule.name}', so this record is never reached."
                yield _finding("authdb.exclusive-order", file, rule.line, told)
                break
            parent, child = wide.identity.get("g", ""), narrow.identity.get("g", "")
            if child.startswith(parent + "/") and parent and {**wide.identity, "g": child}.items() <= narrow.identity.items():
                told = (
                    f"Members of {child} who are in {parent} too never get here: '{earlier.name}' in line {earlier.line} ends the search."
                )
                yield _finding("authdb.exclusive-parent", file, rule.line, told)
                break


def _identity(server: Server, file: str, rule: authdb.Rule) -> Iterator[Finding]:
    seen: set[str] = set()
    for selector, value in rule.selectors:
        if len(selector) == 1 and selector in authdb.SELECTORS and (server.release is None or server.before(tables.COLON_OPTIONAL)):
            yield _finding("authdb.colon", file, rule.line, f"'{selector}' has no colon; before 5.6.2 the server does not start.")
        elif selector[:1] not in authdb.SELECTORS or len(selector) > 2:
            yield _finding("authdb.selector", file, rule.line, f"'{selector}' selects nothing; the server does not start.")
        elif selector[0] in seen:
            yield _finding("authdb.selector", file, rule.line, f"'{selector}' is there twice; the server does not start.")
        if not value:
            yield _finding("authdb.selector", file, rule.line, f"'{selector}' has no value; the server does not start.")
        seen.add(selector[:1])
    if not rule.selectors:
        yield _finding("authdb.selector", file, rule.line, f"'{rule.name}' selects nobody; the server does not start.")
    identity = rule.identity
    trusted = _trusted(server)
    if trusted and "g" in identity and "o" not in identity:
        yield _unbound(file, rule, identity["g"], trusted)
    organisation = identity.get("o", "")
    if organisation.startswith("https://") and organisation not in trusted:
        other = next((each for each in trusted if each.rstrip("/") == organisation.rstrip("/")), None)
        if other:
            yield _finding("authdb.issuer-slash", file, rule.line, f"{organisation} is not {other}: the record never applies.")


def _trusted(server: Server) -> list[str]:
    """Issuers whose tokens the server takes."""
    sections = server.tokens.sections if server.tokens else ()
    return list(dict.fromkeys(key.value for each in sections if each.kind == "issuer" for key in each.keys if key.name.lower() == "issuer"))


def _unbound(file: str, rule: authdb.Rule, group: str, trusted: list[str]) -> Finding:
    if len(trusted) > 1:
        return _finding(
            "authdb.group-unbound-issuers", file, rule.line, f"{group} counts whichever of the {len(trusted)} issuers names it."
        )
    return _finding("authdb.group-unbound", file, rule.line, f"{group} is not bound to its issuer; a second issuer could name it too.")


def _grants(server: Server, file: str, rule: authdb.Rule, templates: set[str]) -> Iterator[Finding]:
    if not rule.grants:
        yield _finding("authdb.no-grants", file, rule.line, f"'{rule.name}' is granted nothing; the server does not start.")
    trusted = _trusted(server)
    if rule.type == "g" and trusted:
        yield _unbound(file, rule, rule.name, trusted)
    earlier: list[authdb.Grant] = []
    for grant in rule.grants:
        if grant.privileges is None:
            if grant.path not in templates:
                yield _finding(
                    "authdb.undefined", file, rule.line, f"The template '{grant.path}' is not defined above; the server does not start."
                )
            continue
        if not grant.privileges or not set(grant.privileges) <= authdb.PRIVILEGES or grant.privileges.count("-") > 1:
            yield _finding(
                "authdb.privileges", file, rule.line, f"'{grant.privileges}' for {grant.path} are no privileges; the server does not start."
            )
            continue
        hiding = next((each for each in earlier if grant.path.startswith(each.path)), None)
        if hiding:
            more = _given(hiding) - _given(grant)
            kind = "authdb.hidden-restriction" if more else "authdb.hidden-path"
            yield _finding(
                kind, file, rule.line, f"{grant.path} is never reached, because {hiding.path} stands before it with '{hiding.privileges}'."
            )
        earlier.append(grant)
        if rule.type == "u" and rule.name == "*":
            given = _given(grant)
            if given & WRITING:
                yield _finding("authdb.anyone-writes", file, rule.line, f"Everybody, also without a token, may write below {grant.path}.")
            elif given:
                kind = "authdb.anyone-reads" if any(_below(area, grant.path) for area in server.areas) else "authdb.public-part"
                yield _finding(kind, file, rule.line, f"Everybody, also without a token, may read below {grant.path}.")
        if not any(_below(grant.path, export) or _below(export, grant.path) for export, _options in server.exports):
            yield _finding("authdb.path-outside", file, rule.line, f"{grant.path} is not exported.")


def _given(grant: authdb.Grant) -> frozenset[str]:
    """Single privileges of a grant, those taken away left out."""
    allowed, _minus, denied = (grant.privileges or "").partition("-")
    given = set(allowed) | (set("diklnrw") if "a" in allowed else set())
    return frozenset(given - set(denied) - {"a"})
