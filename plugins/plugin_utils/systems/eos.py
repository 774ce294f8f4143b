# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of EOS head nodes (MGM) and storage nodes (FST) that serve a storage as described: found ones edited in place, missing ones
written anew. What an instance keeps itself is planned in eos_instance.

Source: EOS doc/citrine/configuration/http_tpc.rst and doc/diopside/manual/protocols.rst, misc/etc/xrd.cf.mgm and xrd.cf.fst.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import xrootd_tables
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.eos import (
    EOS_LIBRARIES,
    FST,
    MGM,
    OWN_TOKENS_NAMED,
    TOKENS,
    TOKENS_OF_XROOTD,
    parse_release,
    xrootd_release,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.xrootd import Facts, Placed, Server, protocol_of
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import scitokens_cfg
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Issuer, Storage
from ansible_collections.escape.datalake.plugins.plugin_utils.systems import restarts
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.eos_instance import Account, account_problems
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.wanted_file import WantedFile, copies
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.xrootd import (
    HEAD,
    HTTP_SCHEMES,
    Draft,
    issuer_section,
    tokens_text,
)

USER = "daemon"  # whom all services of EOS run as
AUTHFILE = "/opt/xrd/etc/Authfile"  # must exist although EOS never asks it
UNITS = {"mgm": "eos@mgm.service", "fst": "eos@fst.service"}
FST_UNIT_FILE = "/etc/systemd/system/eos@fst.service.d/datalake.conf"
ACCOUNTS_FILE = "/etc/sysusers.d/datalake-eos.conf"
PLAIN_MGM = (
    "xrootd.fslib libXrdEosMgm.so",
    "xrootd.seclib libXrdSec.so",
    "xrootd.async off nosf",
    "xrootd.chksum adler32",
    "xrd.sched mint 8 maxt 256 idle 64",
    "all.export / nolock",
    "all.role manager",
    "oss.fdlimit 16384 32768",
    "sec.protocol unix",
    "sec.protocol sss -c /etc/eos.client.keytab -s /etc/eos.keytab",
    "sec.protbind localhost unix sss",
    "sec.protbind * only sss unix",
    "mgmofs.fs /",
    "mgmofs.targetport 1095",
    "mgmofs.broker root://localhost:1097//eos/",
    "mgmofs.metalog /var/eos/md",
    "mgmofs.txdir /var/eos/tx",
    "mgmofs.authdir /var/eos/auth",
    "mgmofs.archivedir /var/eos/archive",
    "mgmofs.reportstorepath /var/eos/report",
    "mgmofs.autoloadconfig default",
    "mgmofs.cfgtype quarkdb",
    "mgmofs.nslib libEosNsQuarkdb.so",
    "mgmofs.qdbcluster localhost:7777",
    "mgmofs.qdbpassword_file /etc/eos.keytab",
)
PLAIN_FST = (
    "set MGM=$EOS_MGM_ALIAS",
    "xrootd.fslib -2 libXrdEosFst.so",
    "xrootd.async off nosf",
    "xrootd.redirect $(MGM):1094 chksum",
    "xrootd.seclib libXrdSec.so",
    "sec.protocol unix",
    "sec.protocol sss -c /etc/eos.client.keytab -s /etc/eos.client.keytab",
    "sec.protbind * only unix sss",
    "all.export / nolock",
    "all.manager localhost 2131",
    "xrd.port 1095",
    "ofs.persist off",
    "ofs.osslib libEosFstOss.so",
    "ofs.tpc pgm /usr/bin/xrdcp",
    "fstofs.broker root://localhost:1097//eos/",
    "fstofs.autoboot true",
    "fstofs.quotainterval 10",
    "fstofs.metalog /var/eos/md/",
    "fstofs.qdbcluster localhost:7777",
    "fstofs.qdbpassword_file /etc/eos.keytab",
)


@dataclass(frozen=True)
class Options:
    """What is said about a node beside the description.

    parts: ``mgm``, ``fst`` or both. instance: name of the instance, which begins with eos. certificate_source, key_source: files of the
    host that are copied for the service. fst_port: port of the HTTP door of storage nodes.
    """

    parts: tuple[str, ...] = ("mgm", "fst")
    instance: str = "eosdev"
    certificate: str = "/etc/grid-security/daemon/hostcert.pem"
    key: str = "/etc/grid-security/daemon/hostkey.pem"
    certificate_source: str | None = None
    key_source: str | None = None
    authorities: str = "/etc/grid-security/certificates"
    fst_port: int = 9001
    macaroons_file: str = "/etc/eos.macaroon.secret"
    accounts: tuple[Account, ...] = ()
    directives: tuple[str, ...] = ()


@dataclass(frozen=True)
class Site:
    """Everything that a node needs."""

    files: tuple[WantedFile, ...]

    @property
    def texts(self) -> dict[str, str]:
        return {each.path: each.content for each in self.files if each.content is not None}


def plan(storage: Storage, options: Options, files: Mapping[str, str]) -> Site:
    """What the files of the node should be. files: text of all that was found, by path. Raises DescriptionError for wrong accounts."""
    problems = list(account_problems(storage, options.accounts)) if "mgm" in options.parts else []
    if problems:
        raise DescriptionError(problems)
    wanted: list[WantedFile] = []
    release = xrootd_release(parse_release(storage.release))
    if "mgm" in options.parts:
        wanted += _main(MGM, files, release, lambda draft: _head_node(draft, storage, options))
        text = _tokens(storage, options, files.get(TOKENS), release)
        wanted.append(WantedFile(TOKENS, text, None, "root", "root", "0644"))
        wanted += [_groups(issuer, options) for issuer in storage.issuers if _groups_of(issuer, options)]
        wanted.append(WantedFile(AUTHFILE, files.get(AUTHFILE, ""), None, USER, USER, "0644"))
        if options.accounts:
            wanted.append(WantedFile(ACCOUNTS_FILE, _accounts(options.accounts), None, "root", "root", "0644"))
    if "fst" in options.parts:
        wanted += _main(FST, files, release, lambda draft: _storage_node(draft, options))
        unit = f"# {HEAD}\n[Service]\nEnvironment=EOS_FST_HTTP_PORT={options.fst_port}\n"
        wanted.append(WantedFile(FST_UNIT_FILE, unit, None, "root", "root", "0644"))
    copied = copies(options.certificate, options.certificate_source, options.key, options.key_source, USER)
    return Site((*(each for each in wanted if files.get(each.path) != each.content), *copied))


def restart_reasons(
    options: Options, services: Mapping[str, Mapping[str, Any]], entries: Mapping[str, Mapping[str, Any]], written: Iterable[str]
) -> dict[str, list[str]]:
    """Why services must be restarted, by unit: from what is written now, and what was written after their start."""
    shared = [options.certificate, options.key]
    needing = {"mgm": [MGM, options.macaroons_file, *shared], "fst": [FST, FST_UNIT_FILE, *shared]}
    new = set(written)
    found = {
        UNITS[part]: restarts.reasons(UNITS[part], services.get(UNITS[part], {}), needing[part], entries, new) for part in options.parts
    }
    return {unit: each for unit, each in found.items() if each}


def groups_file(issuer: Issuer) -> str:
    """Where the rules that map an issuer's groups to local users are kept."""
    return f"/etc/xrootd/datalake-{issuer.name}.json"


def _main(path: str, files: Mapping[str, str], release: xrootd_tables.Release | None, edit: Any) -> list[WantedFile]:
    plain = PLAIN_MGM if path == MGM else PLAIN_FST
    fresh = path not in files
    start = "".join(f"{line}\n" for line in (f"# {HEAD}", *plain)) if fresh else files[path]
    draft = Draft(Server(path, {path: start}, Facts(), release), fresh)
    edit(draft)
    return [WantedFile(path, draft.files[path], None, "root", "root", "0644") if fresh else WantedFile(path, draft.files[path])]


def _head_node(draft: Draft, storage: Storage, options: Options) -> None:
    if draft.fresh:
        draft.exact("mgmofs.instance", options.instance)
    http = list(dict.fromkeys(str(door.port) for door in storage.doors if door.scheme in HTTP_SCHEMES))
    root = list(dict.fromkeys(str(door.port) for door in storage.doors if door.scheme == "root"))
    if root:
        draft.ensure(("xrd.port", root[0]), _always, lambda each: each.args[:1] == (root[0],))
    draft.present("all.sitename", storage.site)
    if not http:
        return
    _door(draft, http[0])
    _encryption(draft, options)
    if storage.x509:
        draft.library("libXrdVoms", "http.secxtractor", "libXrdVoms.so")
        draft.present("http.gridmap", "/etc/grid-security/grid-mapfile")
    draft.library("libXrdHttpTPC", "http.exthandler", "xrdtpc", "libXrdHttpTPC.so")
    handler = ("http.exthandler", "EosMgmHttp", "libEosMgmHttp.so", "eos::mgm::http::redirect-to-https=1")
    draft.ensure(handler, lambda each: any("libEosMgmHttp" in word for word in each.args), lambda each: handler[-1] in each.args)
    if storage.issuers:
        library = token_library(storage.release)
        draft.ensure(
            ("mgmofs.macaroonslib", "libXrdMacaroons.so", library), _always, lambda each: any(library in word for word in each.args)
        )
        draft.present("macaroons.secretkey", options.macaroons_file)
    _further(draft, options.directives)


def token_library(release: str) -> str:
    """The plug-in that reads WLCG tokens: EOS's own before 5.0.16, XRootD's from then on."""
    known = parse_release(release)
    if known is None or known >= TOKENS_OF_XROOTD:
        return "libXrdAccSciTokens.so"
    return "libEosAccSciTokens.so" if known >= OWN_TOKENS_NAMED else f"{EOS_LIBRARIES}.so"


def _storage_node(draft: Draft, options: Options) -> None:
    _door(draft, str(options.fst_port))
    _encryption(draft, options)
    draft.library("libEosFstHttp", "http.exthandler", "EosFstHttp", "libEosFstHttp.so", "none")
    draft.library("libXrdHttpTPC", "http.exthandler", "xrdtpc", "libXrdHttpTPC.so")


def _door(draft: Draft, port: str) -> None:
    found = next(iter(draft.server.http), None)
    if found is None:
        draft.insert(("xrd.protocol", f"XrdHttp:{port}", "libXrdHttp.so"))
    elif protocol_of(found)[1] != port:
        name = protocol_of(found)[0]
        draft.replace(found, [f"{name}:{port}" if word.partition(":")[0] == name else word for word in found.directive.words])


def _encryption(draft: Draft, options: Options) -> None:
    """Certificates are left as a site has them: in xrd.tls, or in http.cert and http.key as EOS 4 wants it."""
    if not draft.server.tls and not draft.server.find("http.cert"):
        draft.insert(("xrd.tls", options.certificate, options.key))
    if draft.server.tls:
        draft.present("xrd.tlsca", "certdir", options.authorities)


def _further(draft: Draft, directives: Sequence[str]) -> None:
    for line in directives:
        words = tuple(line.split())
        if words and not any(each.words == words for each in draft.server.placed):
            draft.insert(words)


def _always(_each: Placed) -> bool:
    return True


def _tokens(storage: Storage, options: Options, text: str | None, release: xrootd_tables.Release | None) -> str:
    """scitokens.cfg. Every issuer needs a local user: EOS decides by users what XRootD's table of rights decides elsewhere."""
    short = release is not None and release < xrootd_tables.COLON_OPTIONAL
    document = scitokens_cfg.parse(tokens_text(storage, text, short))
    for issuer in storage.issuers:
        section = issuer_section(document, issuer)
        account = next((each for each in options.accounts if each.issuer == issuer.name and not each.group and not each.subject), None)
        if account and document.get(section, "default_user") != account.user:
            document = document.set(section, "default_user", account.user)
        if _groups_of(issuer, options) and document.get(section, "name_mapfile") != groups_file(issuer):
            document = document.set(section, "name_mapfile", groups_file(issuer))
    return document.render()


def _groups_of(issuer: Issuer, options: Options) -> list[Account]:
    return [account for account in options.accounts if account.issuer == issuer.name and account.group]


def _groups(issuer: Issuer, options: Options) -> WantedFile:
    rules = [{"group": account.group, "result": account.user} for account in _groups_of(issuer, options)]
    return WantedFile(groups_file(issuer), json.dumps(rules, indent=1) + "\n", None, "root", "root", "0644")


def _accounts(accounts: Iterable[Account]) -> str:
    """Local users for systemd-sysusers."""
    lines = [f"# {HEAD}"]
    for account in {each.user: each for each in accounts}.values():
        lines += [f"g {account.user} {account.gid}", f'u {account.user} {account.uid}:{account.gid} "data lake" /']
    return "\n".join(lines) + "\n"
