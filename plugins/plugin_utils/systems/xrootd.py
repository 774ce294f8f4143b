# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of an XRootD server that serves a storage as described: found ones edited in place, missing ones written anew."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import xrootd_tables as tables
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.xrootd import (
    AUTHDB_DEFAULT,
    SCITOKENS_DEFAULT,
    Facts,
    Placed,
    Server,
    protocol_of,
    security_of,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import authdb, scitokens_cfg, xrootd_cfg
from ansible_collections.escape.datalake.plugins.plugin_utils.model.derive import area_access, scope_path
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Issuer, Storage
from ansible_collections.escape.datalake.plugins.plugin_utils.systems import restarts
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.wanted_file import WantedFile, copies

HTTP_SCHEMES = frozenset({"davs", "https"})
ROOT_SCHEMES = frozenset({"root", "roots", "xroot", "xroots"})
OWN = "datalake:"  # begins the names of the authdb records that this code owns, and may take away
PRIVILEGES = {"read": "rl", "write": "a"}
NAME_LIMIT = 60  # authdb cuts names after 64 characters
AUTHDB_SECONDS = 60  # how often the server looks for a changed authdb
SCITOKENS_SECONDS = 60  # how often it reads scitokens.cfg again; fixed in the plug-in
HEAD = "Written by the Ansible collection escape.datalake. Lines added by hand stay."
UNIT_HEAD = "# Keys of token issuers are kept here; without it each restart depends on the issuers being up."

SAID_ONCE = frozenset(
    {"ofs.osslib", "pss.origin", "pss.cachelib", "xrootd.chksum"}
    | {f"pfc.{name}" for name in ("blocksize", "diskusage", "onlyifcached", "prefetch", "ram", "spaces", "user", "writequeue")}
)
"""Directives of which a server has one: another value takes the place of the old one."""


@dataclass(frozen=True)
class Monitoring:
    """Collectors as HOST:PORT. report: summaries; detailed: the detailed stream; transfers: the third-party copy stream."""

    report: str | None = None
    detailed: str | None = None
    transfers: str | None = None


@dataclass(frozen=True)
class Options:
    """What is said about the server beside the description of the storage.

    name_space: directory of the host that holds the tree of names (oss.localroot). authorities: file or directory of the authorities that
    peers' certificates are checked with. certificate_source, key_source: files of the host that are copied for the service.
    directives: lines to add. directories: further ones that belong to the service. service: settings of the unit's [Service] section.
    """

    instance: str = "datalake"
    user: str = "xrootd"
    name_space: str = "/var/lib/xrootd/ns"
    certificate: str = "/etc/grid-security/xrd/hostcert.pem"
    key: str = "/etc/grid-security/xrd/hostkey.pem"
    certificate_source: str | None = None
    key_source: str | None = None
    authorities: str | None = None
    cache: str = "/var/cache/xrootd"
    lab: bool = False
    monitoring: Monitoring = field(default_factory=Monitoring)
    macaroons_file: str | None = None
    directives: tuple[str, ...] = ()
    directories: tuple[str, ...] = ()
    service: Mapping[str, str] = field(default_factory=dict)

    @property
    def unit(self) -> str:
        return f"xrootd@{self.instance}.service"

    @property
    def main_file(self) -> str:
        return f"/etc/xrootd/xrootd-{self.instance}.cfg"

    @property
    def unit_file(self) -> str:
        return f"/etc/systemd/system/{self.unit}.d/datalake.conf"


@dataclass(frozen=True)
class Site:
    """Everything that a server needs. reread: files that the running server reads again by itself, with the seconds that it takes."""

    files: tuple[WantedFile, ...]
    directories: tuple[tuple[str, str, str], ...]  # path, owner and mode
    server: Server
    reread: Mapping[str, int]

    @property
    def texts(self) -> dict[str, str]:
        return {each.path: each.content for each in self.files if each.content is not None}


Identity = tuple[str, str, str]  # organisation (issuer URL or VO), group, and the short name of the organisation


class Draft:
    """Files that are being edited, read anew after each change."""

    def __init__(self, server: Server, fresh: bool) -> None:
        self.files = dict(server.files)
        self._server = server
        self.fresh = fresh

    @property
    def server(self) -> Server:
        if self._server.files != self.files:
            self._server = Server(self._server.path, dict(self.files), self._server.facts, self._server.release)
        return self._server

    def replace(self, place: Placed, words: Sequence[str]) -> None:
        self.files[place.file] = xrootd_cfg.parse(self.files[place.file]).replace(place.directive, words).render()

    def remove(self, place: Placed) -> None:
        self.files[place.file] = xrootd_cfg.parse(self.files[place.file]).remove(place.directive).render()

    def insert(self, words: Sequence[str], after: Placed | None = None) -> None:
        """Adds a directive: behind another one, else beside its relatives in the main file."""
        after = after or (None if self.fresh else self._relative(words[0]))
        file = after.file if after else self._server.path
        document = xrootd_cfg.parse(self.files[file])
        self.files[file] = document.insert([words], after.directive if after else None).render()

    def _relative(self, name: str) -> Placed | None:
        prefix = name.partition(".")[0] + "."
        here = [each for each in self.server.placed if each.file == self._server.path and not each.directive.conditions]
        alike = [each for each in here if each.name == name] or [each for each in here if each.name.startswith(prefix)]
        return alike[-1] if alike else None

    def ensure(self, words: Sequence[str], alike: Callable[[Placed], bool], good: Callable[[Placed], bool]) -> None:
        """Sees to it that the last directive that is alike is good: puts words in its place, or adds them."""
        found = [each for each in self.server.placed if each.name == words[0] and alike(each)]
        if not found:
            self.insert(words)
        elif not good(found[-1]):
            self.replace(found[-1], words)

    def present(self, *words: str) -> None:
        """Adds a directive unless one of its name is there, whatever it says."""
        self.ensure(words, _always, _always)

    def exact(self, *words: str, key: int = 0) -> None:
        """Sees to it that the directive of this name, and of these first arguments, says what the words say."""
        self.ensure(words, lambda each: each.words[: key + 1] == words[: key + 1], lambda each: each.words == words)

    def library(self, name: str, *words: str) -> None:
        """Adds a directive unless one of its name uses the plug-in already."""
        self.ensure(words, lambda each: any(name in word for word in each.args), _always)


def _always(_each: Placed) -> bool:
    return True


def _unstacked(each: Placed) -> bool:
    """Whether a directive is not one that puts a plug-in on top of others."""
    return each.args[:1] != ("++",)


def _says(words: tuple[str, ...]) -> Callable[[Placed], bool]:
    return lambda each: each.words == words


def plan(storage: Storage, options: Options, files: Mapping[str, str], facts: Facts, release: tables.Release | None) -> Site:
    """What the files of the server should be.

    files: text of all that was found, by path. Raises DescriptionError for what XRootD cannot serve.
    """
    problems = _problems(storage)
    if problems:
        raise DescriptionError(problems)
    fresh = options.main_file not in files
    start = {**files, options.main_file: files.get(options.main_file, f"# {HEAD}\n")}
    draft = Draft(Server(options.main_file, start, facts, release), fresh)
    _configure(draft, storage, options, fresh)
    server = draft.server
    tokens_path = server.tokens_path or SCITOKENS_DEFAULT
    rights_path = server.authdb_path
    draft.files[tokens_path] = tokens_text(storage, files.get(tokens_path), server.before(tables.COLON_OPTIONAL))
    draft.files[rights_path] = _rights(storage, files.get(rights_path, ""))
    wanted = [WantedFile(path, text) for path, text in draft.files.items() if files.get(path) != text and path in files]
    modes = {
        options.main_file: ("root", "root", "0644"),
        tokens_path: ("root", "root", "0644"),
        rights_path: ("root", options.user, "0640"),
    }
    wanted += [WantedFile(path, draft.files[path], None, *modes[path]) for path in modes if path not in files]
    if not any("XDG_CACHE_HOME=" in text for path, text in files.items() if not path.endswith(".cfg")):
        wanted.append(WantedFile(options.unit_file, _unit(options), None, "root", "root", "0644"))
    wanted += copies(options.certificate, options.certificate_source, options.key, options.key_source, options.user)
    reread = {tokens_path: SCITOKENS_SECONDS}
    refresh = server.last("acc.authrefresh")
    if refresh and refresh.args[:1] == (str(AUTHDB_SECONDS),):
        reread[rights_path] = AUTHDB_SECONDS
    return Site(tuple(wanted), directories_of(storage, options, server), draft.server, reread)


def restart_reasons(
    site: Site,
    options: Options,
    service: Mapping[str, Any],
    entries: Mapping[str, Mapping[str, Any]],
    answers: Mapping[str, bool | None],
    written: Iterable[str],
) -> list[str]:
    """Why the service must be restarted, from what is written now, what was written after its start, and doors that it no longer serves.

    service: state as host_read tells it. entries: what host_read says of paths. answers: and of TLS ports.
    """
    needing = {
        *site.server.documents,
        options.unit_file,
        *([site.server.authdb_path] if site.server.authdb_path not in site.reread else []),
        *(each.path for each in site.files if each.source or each.secret),
        *(site.server.tls.args if site.server.tls else ()),
    }
    reasons = restarts.reasons(options.unit, service, sorted(needing), entries, set(written))
    if service.get("started") is not None:
        reasons += [f"port {port} is open and nobody answers there" for port, alive in answers.items() if alive is False]
    return reasons


# --- the main file ---------------------------------------------------------------------------------------------------------------------


def _configure(draft: Draft, storage: Storage, options: Options, fresh: bool) -> None:
    groups: list[tuple[str, Callable[[Draft, Storage, Options], None]]] = [
        ("What is served. The path of a file selects its space, and with it the QoS class.", _served),
        ("Doors", _doors),
        ("Encryption", _encryption),
        ("Who may do what: tokens by scope, then groups by the table of rights", _authorization),
        ("Monitoring", _monitoring),
        ("Further directives", _further),
    ]
    for title, edit in groups:
        before = draft.files[draft.server.path]
        edit(draft, storage, options)
        after = draft.files[draft.server.path]
        if fresh and after != before:
            draft.files[draft.server.path] = f"{before}\n# {title}\n{after.removeprefix(before)}"


def _served(draft: Draft, storage: Storage, options: Options) -> None:
    draft.present("all.sitename", storage.site)
    if draft.server.before(tables.AUTHDB_IN_ETC):  # later units say it on the command line; without it state is kept in /tmp
        draft.present("all.adminpath", "/var/spool/xrootd")
        draft.present("all.pidpath", "/run/xrootd")
    exports = [path for path, _options in draft.server.exports] if draft.server.find("all.export", "xrootd.export") else []
    if not all(any(_covers(export, area.path) for export in exports) for area in storage.areas):
        read_only = ("r/o",) if all(area.volatile for area in storage.areas) else ()
        draft.insert(("all.export", storage.base_path, *read_only))
    draft.present("oss.localroot", options.name_space)
    for area in storage.areas:
        if not area.partitions:
            continue
        assigned = [each for each in draft.server.find("oss.space") if each.args[1:2] == ("assign",) and area.path in each.args[2:]]
        name = assigned[-1].args[0] if assigned else area.name
        for partition in area.partitions:
            directories = [each for each in draft.server.find("oss.space") if each.args[:1] == (name,) and each.args[1:2] != ("assign",)]
            if not any(_holds(each.args[1], partition) for each in directories if len(each.args) > 1):
                draft.insert(("oss.space", name, partition), directories[-1] if directories else None)
        # A cache chooses between its spaces for bytes and for metadata itself, and an assignment would overrule it.
        if not assigned and not area.volatile:
            draft.insert(("oss.space", name, "assign", area.path))
    _checksums(draft, options)


def _checksums(draft: Draft, options: Options) -> None:
    if any(line.split()[:1] == ["xrootd.chksum"] for line in options.directives):
        return  # _further() puts it there
    checksums = draft.server.last("xrootd.chksum")
    if not checksums:
        draft.insert(("xrootd.chksum", "max", "2", "adler32", "crc32c"))
    elif "adler32" not in checksums.args:
        draft.replace(checksums, [*checksums.directive.words, "adler32"])


def _covers(export: str, path: str) -> bool:
    return path == export or path.startswith(export.rstrip("/") + "/")


def _holds(pattern: str, partition: str) -> bool:
    """Whether an oss.space line names a partition, alone or with a star behind the begin of its name."""
    if pattern.endswith("*"):
        return posixpath.dirname(partition) == posixpath.dirname(pattern) and partition.startswith(pattern[:-1])
    return pattern.rstrip("/") == partition.rstrip("/")


def _doors(draft: Draft, storage: Storage, options: Options) -> None:
    http = list(dict.fromkeys(str(door.port) for door in storage.doors if door.scheme in HTTP_SCHEMES))
    root = list(dict.fromkeys(str(door.port) for door in storage.doors if door.scheme in ROOT_SCHEMES))
    main = (root or http)[0]
    draft.ensure(("xrd.port", main), lambda each: each.args[:1] != ("tls",), lambda each: each.args[:1] == (main,))
    for port in root[1:]:
        if not any(protocol_of(each) == ("xroot", port) for each in draft.server.find("xrd.protocol")):
            draft.insert(("xrd.protocol", f"xroot:{port}", "+port"))
    for port in http:
        _http_door(draft, port, http, main)
    if http:
        draft.present("http.desthttps", "yes")
        if draft.fresh or draft.server.find("http.selfhttps2http"):
            draft.exact("http.selfhttps2http", "no")
        header = ("http.header2cgi", "Authorization", "authz")
        draft.ensure(header, lambda each: each.args[:1] == ("Authorization",), lambda each: each.args[1:2] == ("authz",))
        draft.library("libXrdHttpTPC", "http.exthandler", "xrdtpc", "libXrdHttpTPC.so")
        if options.lab and not draft.server.before(tables.WHOLE_COMPONENTS):
            for kind in ("local", "private"):
                draft.exact("tpc.allow", kind, key=1)


def _http_door(draft: Draft, port: str, wanted: Sequence[str], main: str) -> None:
    lines = draft.server.http
    if any((protocol_of(each)[1] or main) == port for each in lines):
        return
    spare = next((each for each in lines if protocol_of(each)[1] not in (*wanted, "")), None)
    if spare:
        name = protocol_of(spare)[0]
        draft.replace(spare, [f"{name}:{port}" if word == f"{name}:{protocol_of(spare)[1]}" else word for word in spare.directive.words])
    elif lines:
        draft.insert(("xrd.protocol", f"{protocol_of(lines[0])[0]}:{port}", "+port"), lines[-1])
    else:
        draft.insert(("xrd.protocol", f"XrdHttp:{port}", "libXrdHttp.so"))


def _encryption(draft: Draft, storage: Storage, options: Options) -> None:
    if options.certificate_source or not draft.server.tls:
        draft.ensure(
            ("xrd.tls", options.certificate, options.key), _always, lambda each: each.args[:2] == (options.certificate, options.key)
        )
    authorities = options.authorities or (storage.x509.certificates if storage.x509 else "/etc/ssl/certs")
    kind = "certfile" if authorities.endswith((".pem", ".crt")) else "certdir"
    if options.authorities:
        draft.ensure(("xrd.tlsca", kind, authorities), _always, lambda each: authorities in each.args)
    else:
        draft.present("xrd.tlsca", kind, authorities)
    draft.present("xrootd.tls", "capable", "all")


def _authorization(draft: Draft, storage: Storage, options: Options) -> None:
    protocols = ["ztn"]
    if not draft.server.find("all.seclib"):
        draft.present("xrootd.seclib", "libXrdSec.so")
    if storage.x509:
        protocols.insert(0, "gsi")
        tls = draft.server.tls
        certificate, key = (*tls.args, *tls.args)[:2] if tls else (options.certificate, options.key)
        gsi = (
            "gsi",
            f"-certdir:{storage.x509.certificates}",
            f"-cert:{certificate}",
            f"-key:{key}",
            "-vomsfun:libXrdVoms.so",
        )
        draft.ensure(("sec.protocol", *gsi), lambda each: security_of(each) == "gsi", _always)
        if any(door.scheme in HTTP_SCHEMES for door in storage.doors):
            draft.library("libXrdVoms", "http.secxtractor", "libXrdVoms.so")
    draft.ensure(("sec.protocol", "ztn"), lambda each: security_of(each) == "ztn", _always)
    _bind(draft, protocols)
    draft.present("ofs.authorize")
    words = ("ofs.authlib", "++", "libXrdAccSciTokens.so", f"config={SCITOKENS_DEFAULT}")
    found = draft.server.authlib("libXrdAccSciTokens")
    if not found:
        draft.insert(words)
    elif found.args[:1] != ("++",):
        draft.replace(found, ["ofs.authlib", "++", *found.directive.args])
    if options.macaroons_file:
        draft.library("libXrdMacaroons", "ofs.authlib", "++", "libXrdMacaroons.so")
        draft.library("libXrdMacaroons", "http.exthandler", "xrdmacaroons", "libXrdMacaroons.so")
        draft.exact("macaroons.secretkey", options.macaroons_file)
    if not draft.server.find("acc.authdb"):
        draft.present("acc.authdb", AUTHDB_DEFAULT)
        draft.present("acc.authrefresh", str(AUTHDB_SECONDS))
        draft.present("acc.audit", "deny")


def _bind(draft: Draft, protocols: Sequence[str]) -> None:
    """Offers the protocols to all hosts. The line must stand behind those that define them."""
    defined = draft.server.find("sec.protocol")[-1]
    bound = [each for each in draft.server.find("sec.protbind") if each.args[:1] == ("*",)]
    if not bound:
        # Without the line everything that is defined is offered. One that names ours alone would shut out who uses the site's own.
        if draft.fresh:
            draft.insert(("sec.protbind", "*", "only", *protocols), None)
        return
    words = [*bound[-1].directive.words, *(name for name in protocols if name not in bound[-1].args)]
    order = draft.server.placed
    if order.index(bound[-1]) < order.index(defined):
        draft.insert(words, defined)
        draft.remove(next(each for each in draft.server.find("sec.protbind") if each.args[:1] == ("*",)))
    elif tuple(words) != bound[-1].directive.words:
        draft.replace(bound[-1], words)


def _monitoring(draft: Draft, _storage: Storage, options: Options) -> None:
    collectors = options.monitoring
    if collectors.report:
        draft.ensure(
            ("xrd.report", collectors.report, "every", "60s", "all"), _always, lambda each: collectors.report in each.args[0].split(",")
        )
    if collectors.detailed:
        detailed = "all auth flush 30s ident 5m fstat 60s lfn ops xfr 5 dest fstat info user redir"
        draft.ensure(("xrootd.monitor", *detailed.split(), collectors.detailed), _always, lambda each: collectors.detailed in each.args)
    if collectors.transfers:
        stream = ("xrootd.mongstream", "tpc", "use", "flush", "30s", "send", "json", "dflthdr", collectors.transfers)
        draft.ensure(stream, lambda each: "tpc" in each.args, lambda each: collectors.transfers in each.args)


def _further(draft: Draft, _storage: Storage, options: Options) -> None:
    for line in options.directives:
        words = tuple(line.split())
        if words[:1] == ("setenv",):
            draft.exact(*words, key=1)
        elif words and words[0] in SAID_ONCE and words[1:2] != ("++",):
            draft.ensure(words, _unstacked, _says(words))
        elif words and not any(each.words == words for each in draft.server.placed):
            draft.insert(words)


# --- tokens and rights -----------------------------------------------------------------------------------------------------------------


def _problems(storage: Storage) -> list[Problem]:
    problems = []
    if not any(door.scheme in HTTP_SCHEMES | ROOT_SCHEMES for door in storage.doors):
        problems.append(Problem("datalake_storage.doors", "XRootD serves davs, https and root, and none of them is a door.", "Add one."))
    problems += [
        Problem(
            "datalake_storage.issuers",
            f"The issuer {issuer.name} is trusted, but no area lets it in, and XRootD would open all areas to its tokens.",
            "Take it out of the list, or give it access to an area.",
        )
        for issuer in storage.issuers
        if not _areas_of(issuer, storage)
    ]
    return problems


def _areas_of(issuer: Issuer, storage: Storage) -> list[str]:
    """Scope paths of the areas that tokens of an issuer may reach: those that have no list of their own, and those that list it."""
    return [
        scope_path(area, storage) for area in storage.areas if not area.access or any(each.issuer == issuer.name for each in area.access)
    ]


def tokens_text(storage: Storage, text: str | None, short_lines: bool) -> str:
    """scitokens.cfg with the audiences and issuers of a storage. text: what is there. short_lines: the reader cuts long lines early."""
    document = scitokens_cfg.parse(f"; {HEAD}\n" if text is None else text)
    if (document.get("Global", "onmissing") or ("passthrough" if text else "")) != "passthrough":
        document = document.set("Global", "onmissing", "passthrough")
    document = _audiences(document, storage.audiences, tables.INI_LINE if short_lines else tables.INI_LINE_NOW)
    for issuer in storage.issuers:
        section = issuer_section(document, issuer)
        if document.get(section, "issuer") != issuer.url:
            document = document.set(section, "issuer", issuer.url)
        if storage.base_path not in scitokens_cfg.as_list(document.get(section, "base_path") or ""):
            document = document.set(section, "base_path", storage.base_path)
        reachable = _areas_of(issuer, storage)
        if len(reachable) < len(storage.areas):
            document = document.set(section, "restricted_path", ", ".join(reachable))
    return document.render()


def issuer_section(document: scitokens_cfg.Document, issuer: Issuer) -> str:
    """The section that speaks of an issuer already, or a new name."""
    for section in document.sections:
        if section.kind == "issuer" and document.get(section.name, "issuer") == issuer.url:
            return section.name
    return f"Issuer {issuer.name}"


def _audiences(document: scitokens_cfg.Document, wanted: Sequence[str], limit: int) -> scitokens_cfg.Document:
    """Adds the audiences that are missing. A list that the reader would cut goes on in a further section, which counts as well."""
    sections = [section.name for section in document.sections if section.kind == "global"] or ["Global"]
    have = {name: list(scitokens_cfg.as_list(document.get(name, "audience") or "")) for name in sections}
    missing = [each for each in wanted if not any(each in members for members in have.values())]
    changed = set()
    for audience in missing:
        for name in have:
            if len(f"audience = {', '.join([*have[name], audience])}\n".encode()) < limit:
                break
        else:
            name = f"Global {len(have) + 1}"
            have[name] = []
        have[name].append(audience)
        changed.add(name)
    for name in have:
        if name in changed:
            document = document.set(name, "audience", ", ".join(have[name]))
    return document


def _rights(storage: Storage, text: str) -> str:
    document = authdb.parse(
        text or f"# {HEAD}\n# Groups are bound to their issuer. Records add up; in each one the first path that matches counts.\n"
    )
    wanted = _grants(storage)
    names = {key: _name(document, key) for key in wanted}
    for rule in [each for each in document.rules if each.name.startswith(OWN) and each.name not in names.values()]:
        current = document.find(rule.type, rule.name)
        if current:
            document = document.remove(current)
    for key, grants in wanted.items():
        document = _granted(document, names[key], key, grants)
    return document.render()


def _granted(document: authdb.Document, name: str, identity: Identity, grants: Mapping[str, str]) -> authdb.Document:
    """The table with the grants of one identity. A record of our own says nothing else; a hand-made one keeps what else it says."""
    if not document.find("=", name):
        document = document.insert([("=", name, "o:", identity[0], "g:", identity[1])])
    paths = authdb.by_length(list(grants))
    words = ["s", name, *(word for path in paths for word in (path, grants[path]))]
    rule = document.find("s", name) or document.find("x", name)
    if not rule:
        return document.insert([words])
    if name.startswith(OWN):
        return document if list(rule.record.words) == words else document.replace(rule, words)
    for path in paths:
        document = document.grant(document.find(rule.type, name) or rule, path, grants[path])
    return document


def _grants(storage: Storage) -> dict[Identity, dict[str, str]]:
    """Privileges by identity and path."""
    urls = {issuer.name: issuer.url for issuer in storage.issuers}
    grants: dict[Identity, dict[str, str]] = {}
    vos = storage.x509.vos if storage.x509 else ()
    for area in storage.areas:
        for access in area_access(area, storage):
            keys = [(urls[access.issuer], access.group, access.issuer)] if access.issuer in urls else []
            keys += [(vo, access.group, f"voms:{vo}") for vo in vos if _covers(f"/{vo}", access.group)]
            for key in keys:
                here = grants.setdefault(key, {})
                if here.get(area.path) != PRIVILEGES["write"]:
                    here[area.path] = PRIVILEGES["read" if area.volatile else access.rights]
    for vo in vos:
        if not any(organisation == vo for organisation, _group, _label in grants):
            grants[vo, f"/{vo}", f"voms:{vo}"] = {area.path: PRIVILEGES["read"] for area in storage.areas}
    return grants


def _name(document: authdb.Document, key: Identity) -> str:
    """The name that an identity has in the file already, or a new one."""
    organisation, group, label = key
    for rule in document.rules:
        if rule.type == "=" and rule.identity == {"o": organisation, "g": group}:
            return rule.name
    name = f"{OWN}{label}:{group}"
    return name if len(name) <= NAME_LIMIT else f"{name[: NAME_LIMIT - 9]}~{hashlib.sha256(name.encode()).hexdigest()[:8]}"


# --- the rest --------------------------------------------------------------------------------------------------------------------------


def _unit(options: Options) -> str:
    directory = posixpath.relpath(options.cache, "/var/cache")
    made = f"CacheDirectory={directory}\n" if not directory.startswith("..") else ""
    settings = "".join(f"{name}={value}\n" for name, value in options.service.items())
    return f"# {HEAD}\n{UNIT_HEAD}\n[Service]\nEnvironment=XDG_CACHE_HOME={options.cache}\n{made}{settings}"


def directories_of(storage: Storage, options: Options, server: Server | None = None) -> tuple[tuple[str, str, str], ...]:
    """Path, owner and mode of the service's directories: certificate, name space with one directory per area, partitions, further ones."""
    root = server.last("oss.localroot") if server else None
    top = root.args[0] if root and root.args else options.name_space
    paths = [top]
    for area in storage.areas:
        folder = top
        for part in area.path.strip("/").split("/"):
            folder = f"{folder}/{part}"
            paths.append(folder)
        paths += area.partitions
    certificates = [
        posixpath.dirname(each) for each in (options.certificate, options.key) if options.certificate_source or options.key_source
    ]
    return tuple((path, options.user, "0755") for path in dict.fromkeys([*certificates, *paths, *options.directories]))
