# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of EOS: the files of its nodes, hand-written or ours, and what an instance says of itself. Needs no description of the site."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import xrootd, xrootd_tables
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.eos_rules import RULES
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.xrootd import Facts, Placed, Server, protocol_of
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import scitokens_cfg
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.eos_answers import Instance

MGM = "/etc/xrd.cf.mgm"
FST = "/etc/xrd.cf.fst"
TOKENS = xrootd.SCITOKENS_DEFAULT
FILES = ("etc/xrd.cf.*", "etc/xrootd/*", "etc/sysconfig/eos*", "etc/systemd/system/eos@*", "usr/lib/systemd/system/eos@*", "var/eos/qos/*")
MARKERS = ("etc/xrd.cf.mgm", "etc/xrd.cf.fst")

Release = xrootd_tables.Release
OWN_TOKENS_NAMED: Release = (5, 0, 0)  # the package eos-scitokens: /opt/eos/lib64/libXrdAccSciTokens.so for EOS 4, libEosAccSciTokens.so
TOKENS_OF_XROOTD: Release = (5, 0, 16)
EOS_LIBRARIES = "/opt/eos/lib64/libXrdAccSciTokens"
QOS_REMOVED: Release = (5, 4, 0)
NEWEST: Release = (5, 5, 99)
# The oldest xrootd that each line of EOS is built for (eos.spec.in of its tags).
XROOTD: Mapping[tuple[int, int], Release] = {
    (4, 8): (4, 12, 8),
    (5, 0): (5, 4, 3),
    (5, 1): (5, 5, 5),
    (5, 2): (5, 6, 2),
    (5, 3): (5, 7, 2),
    (5, 4): (5, 9, 1),
    (5, 5): (6, 0, 3),
}
_PORT = re.compile(r"""^\s*(?:export\s+)?(?:Environment=)?["']?EOS_FST_HTTP_PORT=["']?(\d+)""", re.MULTILINE)
_QOS = re.compile(r"""^\s*(?:export\s+)?(?:Environment=)?["']?EOS_ENABLE_QOS""")


def parse_release(text: str | None) -> Release | None:
    """A release such as ``5.0.31``; None when there is none in the text."""
    return xrootd_tables.parse_release(text)


def xrootd_release(release: Release | None) -> Release | None:
    """The release of XRootD that a release of EOS stands on; None when it is not known."""
    return XROOTD.get(release[:2]) if release else None


def check(files: Mapping[str, str], release: str) -> list[Finding]:
    """Findings about the files of a node (or of several with different files). files: text by path relative to the root."""
    placed = {f"/{path.lstrip('/')}": text for path, text in files.items()}
    known = parse_release(release)
    findings = dict.fromkeys(_check(placed, known))
    return [replace(each, file=each.file.lstrip("/")) for each in findings]


def check_instance(found: Instance, *, tokens: bool = True) -> list[Finding]:
    """Findings about what an instance says of itself. tokens: WLCG tokens are meant to be accepted over HTTP."""
    return list(_instance(found, tokens))


def _finding(rule: str, file: str, line: int, message: str) -> Finding:
    known = RULES[rule]
    return Finding(rule, known.severity, file, line, message, known.remedy, known.source)


def _at(rule: str, place: Placed, message: str) -> Finding:
    return _finding(rule, place.file, place.line, message)


def _check(files: Mapping[str, str], release: Release | None) -> Iterator[Finding]:
    mains = [path for path in (MGM, FST) if path in files]
    if mains and (release is None or release > NEWEST or release[:2] not in XROOTD):
        yield _finding("eos.release-unknown", mains[0], 0, "The release is not one whose rules are known.")
    servers = {path: Server(path, files, Facts(), xrootd_release(release)) for path in mains}
    for server in servers.values():
        yield from xrootd.check_language(server)
    if MGM in servers:
        yield from _head_node(servers[MGM], files, release)
    if FST in servers:
        yield from _storage_node(servers[FST], files)
    if len(servers) == len((MGM, FST)):
        yield from _redirection(servers[MGM], servers[FST])
    yield from _qos(servers, files, release)


def _head_node(server: Server, files: Mapping[str, str], release: Release | None) -> Iterator[Finding]:
    for each in server.find("sec.protocol"):
        if xrootd.security_of(each) == "gsi" and "-crl:0" in each.args:
            yield _at("eos.gsi-without-revocation", each, "Revoked certificates are accepted.")
    if server.http:
        handler = _handler(server, "libEosMgmHttp")
        if handler is None:
            yield _at("eos.http-handler-missing", server.http[0], "Without EosMgmHttp the HTTP door knows nothing of the name space.")
        elif not any(word.endswith("redirect-to-https=1") for word in handler.args):
            yield _at("eos.plain-redirect", handler, "Clients are sent to storage nodes over plain HTTP: data and tokens can be read.")
        if _handler(server, "libXrdHttpTPC") is None:
            yield _at("eos.tpc-missing", server.http[0], "Third-party copies over HTTP are refused: FTS and Rucio cannot move files here.")
    plugins = server.last("mgmofs.macaroonslib")
    if plugins:
        yield from _macaroons(server, plugins)
    yield from _tokens(server, plugins, files, release)


def _macaroons(server: Server, plugins: Placed) -> Iterator[Finding]:
    if not server.find("all.sitename"):
        yield _at("eos.sitename-missing", plugins, "Macaroons need the name of the site; the service does not start.")
    if not server.find("macaroons.secretkey"):
        yield _at("eos.macaroons-secret", plugins, "Macaroons need a secret; the service does not start.")


def _tokens(server: Server, plugins: Placed | None, files: Mapping[str, str], release: Release | None) -> Iterator[Finding]:
    named = " ".join(plugins.args) if plugins else ""
    loaded = "AccSciTokens" in named
    text = files.get(TOKENS)
    if text is None:
        if loaded and plugins:
            yield _at("eos.tokens-without-settings", plugins, f"The plug-in for tokens has no settings: {TOKENS} was not found.")
        return
    if server.http and not loaded:
        yield _at("eos.tokens-not-loaded", plugins or server.http[0], f"No plug-in reads {TOKENS}: every token is refused.")
    if loaded and plugins and release is not None:
        own = "libEosAccSciTokens" in named or EOS_LIBRARIES in named
        if release >= TOKENS_OF_XROOTD and own:
            yield _at("eos.tokens-library", plugins, "EOS brings no plug-in for tokens of its own since 5.0.16.")
        elif OWN_TOKENS_NAMED <= release < TOKENS_OF_XROOTD and not own:
            yield _at("eos.tokens-library", plugins, "XRootD's libXrdAccSciTokens works from 5.0.16 on.")
    yield from _users(server, files)


def _users(server: Server, files: Mapping[str, str]) -> Iterator[Finding]:
    """Tokens become local users, who have the rights."""
    document = scitokens_cfg.parse(files[TOKENS])
    yield from xrootd.check_tokens(server, TOKENS, document)
    for section in document.sections:
        if section.kind != "issuer":
            continue
        keys = {key.name.lower(): key for key in section.keys}
        if not xrootd.maps_users(document, section):
            yield _finding("eos.default-user", TOKENS, section.line, f"Tokens of [{section.name}] become nobody, who has no rights.")
        if "default_user" in keys and keys["default_user"].value in ("root", "daemon"):
            told = f"Every token of [{section.name}] acts as {keys['default_user'].value}."
            yield _finding("eos.root-user", TOKENS, keys["default_user"].line, told)


def _storage_node(server: Server, files: Mapping[str, str]) -> Iterator[Finding]:
    if not server.http:
        return
    door = server.http[0]
    if _handler(server, "libEosFstHttp") is None:
        yield _at("eos.http-handler-missing", door, "Without EosFstHttp the storage node serves no files over HTTP.")
    if _handler(server, "libXrdHttpTPC") is None:
        yield _at("eos.tpc-missing", door, "Third-party copies over HTTP cannot reach this node.")
    found = [match[1] for path, text in sorted(files.items()) if not path.startswith("/etc/xrd.cf") for match in _PORT.finditer(text)]
    port = protocol_of(door)[1]
    if found and port not in found:
        yield _at("eos.fst-port", door, f"The door is on port {port}, and the head node is told {found[-1]}.")
    elif not found:
        yield _at("eos.fst-port", door, f"The door is on port {port}, and the head node is told of none: EOS_FST_HTTP_PORT is not set.")


def _redirection(head: Server, node: Server) -> Iterator[Finding]:
    handler = _handler(head, "libEosMgmHttp")
    encrypted = node.tls or node.find("http.cert")
    if handler and any(word.endswith("redirect-to-https=1") for word in handler.args) and node.http and not encrypted:
        yield _at("eos.fst-without-tls", node.http[0], "Clients are sent here over HTTPS, and the storage node has no certificate.")


def _qos(servers: Mapping[str, Server], files: Mapping[str, str], release: Release | None) -> Iterator[Finding]:
    """The interface to CDMI classes of 2019 to 2025."""
    gone = release is None or release >= QOS_REMOVED
    rule = "eos.qos-removed" if gone else "eos.qos-ends"
    told = "is ignored: EOS has no QoS classes of its own since 5.4.0." if gone else "configures QoS classes, which end with EOS 5.4.0."
    for server in servers.values():
        for each in server.find("mgmofs.qosdir", "mgmofs.qoscfg"):
            yield _at(rule, each, f"{each.name} {told}")
    for path, text in sorted(files.items()):
        if path.startswith("/etc/xrd.cf"):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if _QOS.match(line):
                yield _finding(rule, path, number, f"EOS_ENABLE_QOS {told}")


def _handler(server: Server, library: str) -> Placed | None:
    return next((each for each in server.find("http.exthandler") if any(library in word for word in each.args)), None)


def _instance(found: Instance, tokens: bool) -> Iterator[Finding]:
    if found.identities.get(("unix", "<pwd>", "uid")) == "0":
        yield _finding("eos.unix-open", "eos vid", 0, "Everybody is whoever the client says, root included.")
    if tokens and found.identities.get(("https", "<pwd>", "uid")) != "0":
        yield _finding("eos.https-off", "eos vid", 0, "Users of tokens are nobody: the mapping of HTTPS is not enabled.")
    hosts: dict[str, Counter[str]] = {}
    for each in found.file_systems:
        if each.status == "rw":
            hosts.setdefault(each.group, Counter())[each.host] += 1
    for path, directory in found.directories.items():
        if directory.mode & 0o002:
            yield _finding("eos.others-write", path, 0, f"Everybody may write (mode {directory.mode:o}).")
        elif directory.mode & 0o004:
            yield _finding("eos.others-read", path, 0, f"Everybody may read (mode {directory.mode:o}).")
        space = directory.attributes.get("sys.forced.space")
        if space is None:
            continue
        if not directory.mode & 0o2000:
            yield _finding("eos.not-inherited", path, 0, "New directories do not get the attributes, and with them the class, of this one.")
        disks = [sum(count.values()) for group, count in hosts.items() if group.partition(".")[0] == space]
        stripes = directory.attributes.get("sys.forced.nstripes", "1")
        if not disks:
            yield _finding("eos.space-empty", path, 0, f"Space {space} has no file system that can be written: uploads fail.")
        elif stripes.isdigit() and int(stripes) > max(disks):
            yield _finding(
                "eos.too-few-disks", path, 0, f"{stripes} stripes are wanted, and no group of {space} has more than {max(disks)} disks."
            )
