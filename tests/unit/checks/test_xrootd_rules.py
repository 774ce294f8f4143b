"""Every rule of XRootD finds its trap at the right line, and a sound site has none."""

from __future__ import annotations

import pathlib
from dataclasses import replace

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import xrootd, xrootd_tables
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Severity
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.xrootd_rules import RULES

CFG = "/etc/xrootd/xrootd-lake.cfg"
TOKENS = "/etc/xrootd/scitokens.cfg"
AUTHDB = "/etc/xrootd/authdb"
KEY = "/etc/grid-security/xrd/hostkey.pem"
CERT = "/etc/grid-security/xrd/hostcert.pem"

SITE = {
    CFG: f"""\
# A sound storage, written by hand
all.sitename EXAMPLE
all.export /escape
oss.localroot /data/ns
oss.space disk /data/disk*
oss.space tape /data/tape
oss.space disk assign /escape/disk
oss.space tape assign /escape/tape
xrd.port 1094
xrd.protocol XrdHttp:1094 libXrdHttp.so
xrd.tls {CERT} {KEY}
xrd.tlsca certdir /etc/grid-security/certificates
xrootd.tls capable all
http.desthttps yes
http.selfhttps2http no
http.header2cgi Authorization authz
http.exthandler xrdtpc libXrdHttpTPC.so
xrootd.seclib libXrdSec.so
sec.protocol ztn
sec.protbind * only ztn
ofs.authorize 1
ofs.authlib ++ libXrdAccSciTokens.so config={TOKENS}
acc.authdb {AUTHDB}
acc.audit deny
xrootd.chksum max 2 adler32 crc32c
continue ?/etc/xrootd/config.d/
""",
    TOKENS: """\
; issuers of the lake
[Global]
onmissing = passthrough
audience = https://se.example.org:1094, se.example.org

[Issuer lake]
issuer = https://iam.example.org/
base_path = /escape
""",
    AUTHDB: """\
# groups are bound to their issuer
= dm  o: https://iam.example.org/ g: /escape/data-manager
= vo  o: https://iam.example.org/ g: /escape
x dm  /escape a
x vo  /escape/disk/protected rl /escape/disk a /escape/tape rl
""",
}

ENTRY = {"exists": True, "kind": "file", "owner": "xrootd", "mode": "0400"}
FACTS = xrootd.Facts(
    instances=("lake",),
    host="se.example.org",
    entries={
        KEY: ENTRY,
        CERT: {**ENTRY, "mode": "0644"},
        "/var/spool/xrootd": {**ENTRY, "kind": "directory", "mode": "0755"},
        "/data/tape": ENTRY,
    },
    homes={"xrootd": "/var/spool/xrootd"},
)
COPY = xrootd.Facts()
LAB = replace(FACTS, lab=True)


def gone(path):
    return replace(FACTS, entries={**FACTS.entries, path: {"exists": False, "kind": None}})


def entry(path, **changes):
    return replace(FACTS, entries={**FACTS.entries, path: {**FACTS.entries.get(path, ENTRY), **changes}})


def drop(file, *lines):
    """Edits that take lines away."""
    return [(file, line + "\n", "") for line in lines]


def add(file, text):
    return [(file, None, text)]


MACAROONS = "http.exthandler xrdmacaroons libXrdMacaroons.so\n"
SECRET = "macaroons.secretkey /etc/xrootd/macaroon-secret\n"
TPC = "http.exthandler xrdtpc libXrdHttpTPC.so"
AUTHLIB = f"ofs.authlib ++ libXrdAccSciTokens.so config={TOKENS}"
LONG = ", ".join(f"https://door{number}.example.org:1094, door{number}.example.org" for number in range(5))
LAST = "\0"  # stands for line 0

PUBLIC = "all.export /pub r/o\noss.localroot /srv\nxrd.protocol XrdHttp:8000 libXrdHttp.so\nxrootd.chksum adler32\n"
EXAMPLE = """\
# of the package
all.adminpath /var/spool/xrootd
all.pidpath /run/xrootd
continue /etc/xrootd/config.d/
"""
DROP_IN = "/etc/systemd/system/xrootd@lake.service.d/cache.conf"
UNIT = "[Service]\nEnvironment=XDG_CACHE_HOME=/var/cache/xrootd\n"
CACHE = [
    (CFG, "acc.audit", "pss.origin origin.example.org:1094\nacc.audit"),
    (CFG, "acc.audit", "ofs.osslib libXrdPss.so\npss.cachelib libXrdPfc.so\npfc.spaces data meta\npfc.diskusage 0.90 0.95\nacc.audit"),
    (CFG, "oss.space disk /data/disk*", "oss.space disk /data/disk*\noss.space data /c/data\noss.space meta /c/meta"),
]

# rule, edits, file and text of the line where it must be found, release, facts
CASES = [
    ("xrootd.authorize-missing", drop(CFG, "ofs.authorize 1"), CFG, "ofs.authlib", "5.5.3", FACTS),
    ("xrootd.no-authorization", drop(CFG, "ofs.authorize 1", AUTHLIB), CFG, "all.export", "5.5.3", FACTS),
    (
        "xrootd.reads-for-all",
        [*drop(CFG, "ofs.authorize 1", AUTHLIB), (CFG, "all.export /escape", "all.export /escape r/o")],
        CFG,
        "all.export",
        "5.5.3",
        FACTS,
    ),
    ("xrootd.authlib-not-stacked", [(CFG, "ofs.authlib ++ ", "ofs.authlib ")], CFG, "ofs.authlib", "5.5.3", FACTS),
    ("xrootd.authlib-replaced", [(CFG, "acc.audit", "ofs.authlib libXrdMacaroons.so\nacc.audit")], CFG, "libXrdMacaroons", "5.5.3", FACTS),
    ("xrootd.authdb-default", drop(CFG, f"acc.authdb {AUTHDB}"), CFG, "ofs.authorize", "5.5.3", FACTS),
    ("xrootd.file-missing", [], CFG, "acc.authdb", "5.5.3", gone(AUTHDB)),
    ("xrootd.file-missing", [], CFG, "ofs.authlib", "5.5.3", gone(TOKENS)),
    ("xrootd.file-missing", [], CFG, "oss.space tape /", "5.5.3", gone("/data/tape")),
    ("xrootd.file-missing", [], CFG, "xrd.tls ", "5.5.3", gone(CERT)),
    ("xrootd.file-missing", [(CFG, "acc.authdb /etc/xrootd/authdb", "acc.authdb /etc/xrootd/auhtdb")], CFG, "auhtdb", "5.5.3", COPY),
    ("xrootd.file-missing", [(CFG, TOKENS, "/etc/xrootd/tokens.cfg")], CFG, "ofs.authlib", "5.5.3", COPY),
    ("xrootd.file-missing", [(CFG, "continue ?", "continue ")], CFG, "continue", "5.5.3", gone("/etc/xrootd/config.d/")),
    (
        "xrootd.file-missing",
        [(CFG, "xrd.port", MACAROONS + SECRET + "xrd.port")],
        CFG,
        "macaroons.secretkey",
        "5.5.3",
        gone("/etc/xrootd/macaroon-secret"),
    ),
    (
        "xrootd.sec-claims-only",
        [(CFG, "sec.protocol ztn\nsec.protbind * only ztn", "sec.protocol ztn\nsec.protocol unix\nsec.protbind * ztn")],
        CFG,
        "sec.protocol unix",
        "5.5.3",
        FACTS,
    ),
    ("xrootd.public", [(CFG, SITE[CFG], PUBLIC)], CFG, "all.export", "5.5.3", FACTS),
    (
        "xrootd.package-file",
        [("/etc/xrootd/xrootd-standalone.cfg", None, EXAMPLE)],
        "/etc/xrootd/xrootd-standalone.cfg",
        LAST,
        "5.5.3",
        COPY,
    ),
    ("xrootd.world-writable", [], AUTHDB, LAST, "5.5.3", entry(AUTHDB, mode="0666")),
    ("xrootd.tape-simulator", [(CFG, TPC, TPC + "\nhttp.exthandler tape libXrdHttpTapeApi.so /s 4m")], CFG, "TapeApi", "6.2.1", FACTS),
    ("xrootd.unclosed-if", [(CFG, "acc.audit", "if exec xrootd\nacc.audit")], CFG, "if exec", "5.5.3", FACTS),
    ("xrootd.nested-if", [(CFG, "acc.audit deny", "if exec xrootd\nif named b\nfi\nacc.audit deny")], CFG, "if named", "5.5.3", FACTS),
    ("xrootd.fi-without-if", [(CFG, "acc.audit", "fi # no if\nacc.audit")], CFG, "fi # no if", "5.5.3", FACTS),
    ("xrootd.else-without-if", [(CFG, "acc.audit", "else\nacc.audit")], CFG, "else", "5.5.3", FACTS),
    ("xrootd.continue-in-if", [(CFG, "continue", "if exec xrootd\ncontinue"), *add(CFG, "fi\n")], CFG, "continue", "5.5.3", FACTS),
    (
        "xrootd.continue-twice",
        [("/etc/xrootd/config.d/1.cfg", None, "continue /x\n")],
        "/etc/xrootd/config.d/1.cfg",
        "continue",
        "5.5.3",
        FACTS,
    ),
    ("xrootd.after-continue", [(CFG, "continue ?", "continue "), *add(CFG, "xrd.trace all\n")], CFG, "xrd.trace", "5.5.3", FACTS),
    ("xrootd.carriage-return", [(CFG, "EXAMPLE\n", "EXAMPLE\r\n")], CFG, "all.sitename", "5.5.3", FACTS),
    ("xrootd.undefined-variable", [(CFG, "/data/ns", "$root/ns")], CFG, "oss.localroot", "5.5.3", FACTS),
    ("xrootd.remark", [(CFG, "acc.audit deny", "acc.audit deny # all of it")], CFG, "acc.audit", "5.5.3", FACTS),
    ("xrootd.monitor-misspelt", [(CFG, "acc.audit", "xrd.monitor all dest user h:9930\nacc.audit")], CFG, "xrd.monitor", "5.5.3", FACTS),
    ("xrootd.unknown-directive", [(CFG, "acc.audit", "xrootd.checksum max 2\nacc.audit")], CFG, "xrootd.checksum", "5.5.3", FACTS),
    ("xrootd.directive-too-new", [(CFG, "acc.audit", "http.tlsclientauth off\nacc.audit")], CFG, "tlsclientauth", "5.8.4", FACTS),
    ("xrootd.directive-too-new", [(CFG, "authz\n", "authz strip-on-redirect\n")], CFG, "header2cgi", "5.9.6", FACTS),
    ("xrootd.release-unknown", [], CFG, LAST, "7.0.0", FACTS),
    ("xrootd.release-differs", [], CFG, LAST, "5.5.3", replace(FACTS, installed="5.6.9-1")),
    ("xrootd.no-tls", drop(CFG, f"xrd.tls {CERT} {KEY}"), CFG, "xrd.protocol", "5.5.3", FACTS),
    ("xrootd.tlsca-missing", drop(CFG, "xrd.tlsca certdir /etc/grid-security/certificates"), CFG, "xrd.tls ", "5.5.3", FACTS),
    ("xrootd.ztn-without-tls", drop(CFG, f"xrd.tls {CERT} {KEY}"), CFG, "sec.protocol", "5.5.3", FACTS),
    ("xrootd.key-mode", [], CFG, "xrd.tls ", "5.5.3", entry(KEY, mode="0440")),
    ("xrootd.key-owner", [], CFG, "xrd.tls ", "5.5.3", entry(KEY, owner="root")),
    (
        "xrootd.secret-readable",
        [(CFG, "xrd.port", MACAROONS + SECRET + "xrd.port")],
        CFG,
        "macaroons.secretkey",
        "5.5.3",
        entry("/etc/xrootd/macaroon-secret", mode="0644"),
    ),
    ("xrootd.downgrade", [(CFG, "selfhttps2http no", "selfhttps2http yes")], CFG, "selfhttps2http", "5.5.3", FACTS),
    ("xrootd.header2cgi-missing", drop(CFG, "http.header2cgi Authorization authz"), CFG, "xrd.protocol", "5.5.3", FACTS),
    ("xrootd.tpc-missing", drop(CFG, TPC), CFG, "xrd.protocol", "5.5.3", FACTS),
    ("xrootd.tpc-private", [], CFG, TPC, "5.9.3", LAB),
    ("xrootd.tpc-private-allowed", [(CFG, "acc.audit", "tpc.allow local\nacc.audit")], CFG, "tpc.allow", "6.2.1", FACTS),
    (
        "xrootd.duplicate-port",
        [("/etc/xrootd/xrootd-other.cfg", None, "all.export /x r/o\nxrd.port 1094\n")],
        "/etc/xrootd/xrootd-other.cfg",
        "xrd.port",
        "5.5.3",
        replace(FACTS, instances=("lake", "other")),
    ),
    ("xrootd.port-twice", [(CFG, "xrd.port 1094", "xrd.port 1095\nxrd.port 1094")], CFG, "xrd.port 1094", "5.5.3", FACTS),
    ("xrootd.seclib-missing", drop(CFG, "xrootd.seclib libXrdSec.so"), CFG, "sec.protocol", "5.5.3", FACTS),
    ("xrootd.protbind-unknown", [(CFG, "only ztn", "only gsi ztn")], CFG, "sec.protbind", "5.5.3", FACTS),
    (
        "xrootd.voms-http-missing",
        [(CFG, "sec.protocol ztn", "sec.protocol ztn\nsec.protocol gsi -vomsfun:libXrdVoms.so")],
        CFG,
        "xrd.protocol",
        "5.5.3",
        FACTS,
    ),
    ("xrootd.gsi-ca-word", [(CFG, "acc.audit", "sec.protparm gsi -ca:verify\nacc.audit")], CFG, "sec.protparm", "5.5.3", FACTS),
    ("xrootd.gsi-ca-off", [(CFG, "acc.audit", "sec.protocol gsi -ca:0\nacc.audit")], CFG, "sec.protocol gsi", "5.5.3", FACTS),
    ("xrootd.gsi-without-revocation", [(CFG, "acc.audit", "sec.protocol gsi -crl:ignore\nacc.audit")], CFG, "-crl", "5.5.3", FACTS),
    (
        "xrootd.protbind-unknown",
        [(CFG, "sec.protbind * only ztn", "sec.protbind * only gsi ztn\nsec.protocol gsi")],
        CFG,
        "sec.protbind",
        "5.5.3",
        FACTS,
    ),
    ("xrootd.redirect-token", [(CFG, "xrd.port", "all.role manager\nxrd.port")], CFG, "header2cgi", "6.0.0", FACTS),
    (
        "xrootd.macaroons-sitename",
        [*drop(CFG, "all.sitename EXAMPLE"), (CFG, "xrd.port", MACAROONS + SECRET + "xrd.port")],
        CFG,
        "xrdmacaroons",
        "5.5.3",
        FACTS,
    ),
    ("xrootd.macaroons-secret", [(CFG, "xrd.port", MACAROONS + "xrd.port")], CFG, "xrdmacaroons", "5.5.3", FACTS),
    (
        "xrootd.macaroons-order",
        [(CFG, AUTHLIB, "ofs.authlib ++ libXrdMacaroons.so\n" + AUTHLIB)],
        CFG,
        "libXrdAccSciTokens",
        "5.5.3",
        FACTS,
    ),
    ("xrootd.no-export", drop(CFG, "all.export /escape"), CFG, LAST, "5.5.3", FACTS),
    ("xrootd.space-outside-export", [(CFG, "assign /escape/tape", "assign /lake/tape")], CFG, "/lake/tape", "5.5.3", FACTS),
    ("xrootd.space-undefined", drop(CFG, "oss.space tape /data/tape"), CFG, "oss.space tape assign", "5.5.3", FACTS),
    (
        "xrootd.space-twice",
        [(CFG, "oss.space tape assign", "oss.space tape /data/tape/\noss.space tape assign")],
        CFG,
        "/data/tape/",
        "5.5.3",
        FACTS,
    ),
    (
        "xrootd.space-path",
        [(CFG, "oss.space tape /data", "oss.space other data\noss.space tape /data")],
        CFG,
        "space other",
        "5.5.3",
        FACTS,
    ),
    ("xrootd.space-shared", [(CFG, "oss.space tape /data/tape", "oss.space tape /data/disk*")], CFG, "oss.space tape /", "5.5.3", FACTS),
    ("xrootd.key-cache", add(DROP_IN, UNIT.replace("/var/cache", "/root")), DROP_IN, "XDG_CACHE_HOME", "5.5.3", COPY),
    ("xrootd.key-cache", add(DROP_IN, UNIT + "ProtectSystem=strict\n"), DROP_IN, "XDG_CACHE_HOME", "5.5.3", COPY),
    (
        "scitokens.audience-bare-host",
        [(TOKENS, "https://se.example.org:1094, se.example.org", "https://wlcg.cern.ch/jwt/v1/any")],
        TOKENS,
        "audience",
        "5.5.3",
        FACTS,
    ),
    (
        "authdb.exclusive-parent",
        [(AUTHDB, "x dm  /escape a\n", ""), *add(AUTHDB, "x dm /escape a\n")],
        AUTHDB,
        "x dm",
        "5.5.3",
        FACTS,
    ),
    ("xrootd.space-name", [(CFG, "oss.space tape /data", f"oss.space {'t' * 64} /d/x\noss.space tape /data")], CFG, "ttt", "5.5.3", FACTS),
    ("xrootd.checksum-missing", [(CFG, "adler32 ", "")], CFG, "xrootd.chksum", "5.5.3", FACTS),
    ("xrootd.checksum-missing", drop(CFG, "xrootd.chksum max 2 adler32 crc32c"), CFG, "xrd.protocol", "5.5.3", FACTS),
    ("xrootd.cache-origin", CACHE[1:], CFG, "ofs.osslib", "5.5.3", FACTS),
    ("xrootd.cache-space", [*CACHE, (CFG, "pfc.spaces data meta", "pfc.spaces data mata")], CFG, "pfc.spaces", "5.5.3", FACTS),
    ("xrootd.cache-watermarks", [*CACHE, (CFG, "0.90 0.95", "0.95 0.90")], CFG, "pfc.diskusage", "5.5.3", FACTS),
    ("xrootd.checksum-race", [], CFG, "xrootd.chksum", "5.9.1", FACTS),
    ("xrootd.cache-memory", [(CFG, "acc.audit", "pfc.ram 512m\nacc.audit")], CFG, "pfc.ram", "5.5.3", FACTS),
    ("xrootd.prefix-directories", [(CFG, "assign /escape/tape", "assign /escape/disk-ec")], CFG, "disk-ec", "5.9.2", FACTS),
    ("xrootd.delete-needs-read", [], CFG, "ofs.authlib", "5.6.8", FACTS),
    ("xrootd.group-beside-capability", [], CFG, "ofs.authlib", "6.2.1", FACTS),
    ("xrootd.tokens-in-log", [(CFG, "acc.audit", "scitokens.trace debug\nacc.audit")], CFG, "scitokens.trace", "5.6.9", FACTS),
    ("xrootd.key-cache", [], CFG, "ofs.authlib", "5.5.3", entry("/var/spool/xrootd", owner="root")),
    ("scitokens.section-name", [(TOKENS, "[Issuer lake]", "[lake]")], TOKENS, "[lake]", "5.5.3", FACTS),
    ("scitokens.issuer-missing", drop(TOKENS, "issuer = https://iam.example.org/"), TOKENS, "[Issuer", "5.5.3", FACTS),
    ("scitokens.base-path-missing", drop(TOKENS, "base_path = /escape"), TOKENS, "[Issuer", "5.5.3", FACTS),
    ("scitokens.base-path-relative", [(TOKENS, "= /escape", "= escape")], TOKENS, "base_path", "5.5.3", FACTS),
    ("scitokens.base-path-outside", [(TOKENS, "= /escape", "= /data/ns/escape")], TOKENS, "base_path", "5.5.3", FACTS),
    ("scitokens.base-paths", [(TOKENS, "= /escape", "= /escape/disk, /escape/tape")], TOKENS, "base_path", "5.5.3", FACTS),
    (
        "scitokens.issuer-twice",
        add(TOKENS, "[Issuer two]\nissuer = https://iam.example.org/\nbase_path = /escape\n"),
        TOKENS,
        "[Issuer two]",
        "5.5.3",
        FACTS,
    ),
    ("scitokens.section-repeated", add(TOKENS, "[issuer lake]\nmap_subject = no\n"), TOKENS, "[issuer lake]", "5.5.3", FACTS),
    ("scitokens.issuer-not-https", [(TOKENS, "https://iam", "http://iam")], TOKENS, "issuer =", "5.5.3", FACTS),
    (
        "scitokens.no-issuer",
        drop(TOKENS, "[Issuer lake]", "issuer = https://iam.example.org/", "base_path = /escape"),
        TOKENS,
        LAST,
        "5.5.3",
        FACTS,
    ),
    ("scitokens.onmissing-allow", [(TOKENS, "passthrough", "allow")], TOKENS, "onmissing", "5.5.3", FACTS),
    ("scitokens.onmissing-unknown", [(TOKENS, "passthrough", "pass")], TOKENS, "onmissing", "5.5.3", FACTS),
    ("scitokens.onmissing-deny", [(TOKENS, "passthrough", "deny")], TOKENS, "onmissing", "5.5.3", FACTS),
    ("scitokens.audience-missing", drop(TOKENS, "audience = https://se.example.org:1094, se.example.org"), TOKENS, LAST, "5.5.3", FACTS),
    ("scitokens.audience-bare-host", [(TOKENS, ":1094, se.example.org", ":1094")], TOKENS, "audience", "5.5.3", FACTS),
    ("scitokens.audience-json", [(TOKENS, "onmissing", 'audience_json = ["a", 1]\nonmissing')], TOKENS, "audience_json", "5.5.3", FACTS),
    ("scitokens.unknown-key", [(TOKENS, "base_path", "defualt_user = x\nbase_path")], TOKENS, "defualt", "5.5.3", FACTS),
    (
        "scitokens.key-too-new",
        [(TOKENS, "base_path", "authorization_strategy = capability\nbase_path")],
        TOKENS,
        "authorization_strategy",
        "5.6.9",
        FACTS,
    ),
    (
        "scitokens.strategy",
        [(TOKENS, "base_path", "authorization_strategy = capability, group\nbase_path")],
        TOKENS,
        "authorization_strategy",
        "5.7.0",
        FACTS,
    ),
    (
        "scitokens.default-user",
        [(CFG, "acc.audit", "ofs.osslib ++ libXrdMultiuser.so default\nacc.audit")],
        TOKENS,
        "[Issuer",
        "5.5.3",
        FACTS,
    ),
    ("scitokens.line-too-long", [(TOKENS, "https://se.example.org:1094, se.example.org", LONG)], TOKENS, "audience", "5.6.1", FACTS),
    ("scitokens.section-too-long", [(TOKENS, "Issuer lake", "Issuer " + "l" * 60)], TOKENS, "[Issuer", "5.6.1", FACTS),
    ("scitokens.indented", [(TOKENS, "base_path", "  base_path")], TOKENS, "base_path", "5.5.3", FACTS),
    ("scitokens.syntax", [(TOKENS, "[Issuer lake]", "[Issuer lake")], TOKENS, "[Issuer", "5.5.3", FACTS),
    ("authdb.record-type", [(AUTHDB, "x dm  ", "xx dm ")], AUTHDB, "xx dm", "5.5.3", FACTS),
    ("authdb.colon", [(AUTHDB, "= vo  o: ", "= vo  o ")], AUTHDB, "= vo", "5.6.1", FACTS),
    ("authdb.selector", [(AUTHDB, "= vo  o: ", "= vo  q: ")], AUTHDB, "= vo", "5.6.2", FACTS),
    ("authdb.selector", [(AUTHDB, "g: /escape\n", "g: /escape g: /b\n")], AUTHDB, "= vo", "5.5.3", FACTS),
    ("authdb.selector", [(AUTHDB, "g: /escape\n", "g:\n")], AUTHDB, "= vo", "5.5.3", FACTS),
    ("authdb.name-missing", add(AUTHDB, "u\n"), AUTHDB, "u\n", "5.5.3", FACTS),
    ("authdb.name-too-long", add(AUTHDB, f"u {'u' * 65} /escape rl\n"), AUTHDB, "uuu", "5.5.3", FACTS),
    ("authdb.duplicate", add(AUTHDB, "s dm /escape rl\n"), AUTHDB, "s dm", "5.5.3", FACTS),
    ("authdb.undefined", add(AUTHDB, "s other /escape rl\n"), AUTHDB, "s other", "5.5.3", FACTS),
    ("authdb.undefined", [(AUTHDB, "x dm  /escape a", "x dm  /escape a common")], AUTHDB, "x dm", "5.5.3", FACTS),
    ("authdb.unused", add(AUTHDB, "= z o: https://iam.example.org/ g: /z\n"), AUTHDB, "= z", "5.5.3", FACTS),
    ("authdb.privileges", [(AUTHDB, "/escape a\n", "/escape rwx\n")], AUTHDB, "x dm", "5.5.3", FACTS),
    ("authdb.privileges", [(AUTHDB, "/escape a\n", "/escape\n")], AUTHDB, "x dm", "5.5.3", FACTS),
    ("authdb.no-grants", [(AUTHDB, "x dm  /escape a\n", "x dm\n")], AUTHDB, "x dm", "5.5.3", FACTS),
    ("authdb.remark", [(AUTHDB, "/escape a\n", "/escape a # all\n")], AUTHDB, "x dm", "5.5.3", FACTS),
    (
        "authdb.hidden-restriction",
        [(AUTHDB, "/escape/disk/protected rl /escape/disk a", "/escape/disk a /escape/disk/protected rl")],
        AUTHDB,
        "x vo",
        "5.5.3",
        FACTS,
    ),
    ("authdb.hidden-path", [(AUTHDB, "/escape/tape rl", "/escape rl /escape/tape a")], AUTHDB, "x vo", "5.5.3", FACTS),
    (
        "authdb.exclusive-order",
        [
            (AUTHDB, "= vo  o: https://iam.example.org/ g: /escape\n", ""),
            (AUTHDB, "= dm", "= vo o: https://iam.example.org/\n= dm"),
            (AUTHDB, "x dm  /escape a\n", ""),
            *add(AUTHDB, "x dm /escape a\n"),
        ],
        AUTHDB,
        "x dm",
        "5.5.3",
        FACTS,
    ),
    ("authdb.anyone-writes", add(AUTHDB, "u * /escape/disk rlw\n"), AUTHDB, "u *", "5.5.3", FACTS),
    ("authdb.anyone-reads", add(AUTHDB, "u * /escape/disk rl\n"), AUTHDB, "u *", "5.5.3", FACTS),
    ("authdb.public-part", add(AUTHDB, "u * /escape/disk/public rl\n"), AUTHDB, "u *", "5.5.3", FACTS),
    ("authdb.group-unbound", add(AUTHDB, "g /escape/x /escape rl\n"), AUTHDB, "g /escape/x", "5.5.3", FACTS),
    (
        "authdb.group-unbound-issuers",
        [*add(AUTHDB, "= y g: /escape/x\ns y /escape rl\n"), *add(TOKENS, "[Issuer b]\nissuer = https://b/\nbase_path = /escape\n")],
        AUTHDB,
        "= y",
        "5.5.3",
        FACTS,
    ),
    (
        "authdb.issuer-slash",
        [(AUTHDB, "= vo  o: https://iam.example.org/", "= vo  o: https://iam.example.org")],
        AUTHDB,
        "= vo",
        "5.5.3",
        FACTS,
    ),
    ("authdb.path-outside", [(AUTHDB, "/escape/tape rl", "/lake/tape rl")], AUTHDB, "x vo", "5.5.3", FACTS),
]


def edited(edits):
    files = dict(SITE)
    for file, old, new in edits:
        if old is None:
            files[file] = files.get(file, "") + new
        else:
            assert old in files[file], f"{old!r} is not in {file}"
            files[file] = files[file].replace(old, new, 1)
    return files


def line_of(text, needle):
    if needle == LAST:
        return 0
    return next(number for number, line in enumerate(text.splitlines(keepends=True), 1) if needle in line)


@pytest.mark.parametrize(
    ("rule", "edits", "file", "needle", "release", "facts"), CASES, ids=[f"{case[0]}-{number}" for number, case in enumerate(CASES)]
)
def test_a_rule_finds_its_trap(rule, edits, file, needle, release, facts):
    files = edited(edits)
    found = [(finding.file, finding.line) for finding in xrootd.check(files, facts, release) if finding.rule == rule]
    assert (file, line_of(files[file], needle)) in found
    assert len(found) == 1


def test_every_rule_has_a_case():
    assert {case[0] for case in CASES} == set(RULES)


def test_every_rule_is_documented():
    page = (pathlib.Path(__file__).parents[3] / "docs" / "xrootd.md").read_text()
    rows = {f"| `{name}` | {rule.severity.value} | {rule.remedy} | {rule.source} |" for name, rule in RULES.items()}
    assert rows - set(page.splitlines()) == set()


@pytest.mark.parametrize("release", ["5.5.3", "5.6.9", "5.9.3", "6.0.0", "6.2.1"])
@pytest.mark.parametrize("facts", [FACTS, xrootd.Facts(), None])
def test_a_sound_site_has_nothing_above_notice(release, facts):
    assert [finding for finding in xrootd.check(SITE, facts, release) if finding.severity is not Severity.NOTICE] == []


# What a rule must leave alone: the same trap where it is none.
GOOD = [
    ("xrootd.file-missing", [], gone("/etc/xrootd/config.d/"), "5.5.3"),
    ("xrootd.authdb-default", drop(CFG, f"acc.authdb {AUTHDB}"), FACTS, "6.0.0"),
    ("xrootd.directive-too-new", [(CFG, "acc.audit", "http.tlsclientauth off\nacc.audit")], FACTS, "5.9.0"),
    ("xrootd.tpc-private", [], LAB, "5.9.2"),
    ("xrootd.tpc-private", [(CFG, "acc.audit", "tpc.allow local\nacc.audit")], LAB, "6.2.1"),
    ("xrootd.tpc-private-allowed", [(CFG, "acc.audit", "tpc.allow local\nacc.audit")], LAB, "6.2.1"),
    ("xrootd.prefix-directories", [(CFG, "assign /escape/tape", "assign /escape/disk-ec")], FACTS, "5.9.3"),
    ("xrootd.prefix-directories", [(CFG, "assign /escape/tape", "assign /escape/disk/ec")], FACTS, "5.5.3"),
    (
        "xrootd.key-cache",
        [("/etc/systemd/system/xrootd@lake.service.d/c.conf", None, "[Service]\nEnvironment=XDG_CACHE_HOME=/c\n")],
        entry("/var/spool/xrootd", owner="root"),
        "5.5.3",
    ),
    ("xrootd.undefined-variable", [(CFG, "/data/ns", "$root/ns"), (CFG, "all.sitename", "set root = /data\nall.sitename")], FACTS, "5.5.3"),
    ("xrootd.unknown-directive", [(CFG, "acc.audit", "mgmofs.trace all\nacc.audit")], FACTS, "5.5.3"),
    ("xrootd.authorize-missing", [(CFG, "ofs.authorize 1", "if exec xrootd\nofs.authorize\nfi")], FACTS, "5.5.3"),
    ("xrootd.no-authorization", [*drop(CFG, "ofs.authorize 1", AUTHLIB), (CFG, "xrd.port", "all.role manager\nxrd.port")], FACTS, "5.5.3"),
    ("authdb.colon", [(AUTHDB, "= vo  o: ", "= vo  o ")], FACTS, "5.6.2"),
    ("scitokens.section-name", add(TOKENS, "[old]\nissuer = https://iam.example.org/\nbase_path = /x\n"), FACTS, "5.5.3"),
    ("authdb.exclusive-order", [], FACTS, "5.5.3"),
    ("scitokens.line-too-long", [(TOKENS, "https://se.example.org:1094, se.example.org", LONG)], FACTS, "5.6.2"),
    ("scitokens.onmissing-deny", [(TOKENS, "passthrough", "deny"), (CFG, "ofs.authlib ++", "ofs.authlib")], FACTS, "5.5.3"),
    ("scitokens.key-too-new", [(TOKENS, "base_path", "authorization_strategy = capability\nbase_path")], FACTS, "5.7.0"),
    ("authdb.group-unbound", drop(TOKENS, "issuer = https://iam.example.org/"), FACTS, "5.5.3"),
    ("xrootd.file-missing", [(CFG, "acc.authdb /etc/xrootd/authdb", "acc.authdb /run/rights/authdb")], COPY, "5.5.3"),
    (
        "xrootd.sec-claims-only",
        [(CFG, "sec.protocol ztn", "sec.protocol unix\nsec.protocol ztn\nsec.protbind localhost unix")],
        FACTS,
        "5.5.3",
    ),
    ("xrootd.checksum-missing", [*CACHE, *drop(CFG, "xrootd.chksum max 2 adler32 crc32c")], FACTS, "5.5.3"),
    ("xrootd.cache-origin", CACHE, FACTS, "5.5.3"),
    ("xrootd.cache-space", CACHE, FACTS, "5.5.3"),
    ("xrootd.cache-watermarks", [*CACHE, (CFG, "0.90 0.95", "900g 2t")], FACTS, "5.5.3"),
    ("xrootd.undefined-variable", [(CFG, "xrd.port", "frm.xfr.copycmd in /bin/copy $LFN $RFN\nxrd.port")], FACTS, "5.5.3"),
    ("xrootd.undefined-variable", [(CFG, "xrd.port", "if defined ?Rights\nacc.authdb $Rights\nfi\nxrd.port")], FACTS, "5.5.3"),
    ("xrootd.unknown-directive", [(CFG, "xrd.port", "all.trace none\nxrd.port")], FACTS, "5.5.3"),
    ("xrootd.no-tls", [(CFG, SITE[CFG], PUBLIC)], FACTS, "5.5.3"),
    ("xrootd.tpc-missing", [(CFG, SITE[CFG], PUBLIC)], FACTS, "5.5.3"),
    ("xrootd.reads-for-all", [(CFG, SITE[CFG], PUBLIC)], FACTS, "5.5.3"),
    ("xrootd.key-cache", add(DROP_IN, UNIT + "ProtectSystem=strict\nCacheDirectory=xrootd\n"), COPY, "5.5.3"),
    ("xrootd.key-cache", add(DROP_IN, UNIT), COPY, "5.5.3"),
    ("xrootd.release-unknown", [], FACTS, "1:5.5.3-1"),
    ("xrootd.release-unknown", [], replace(FACTS, installed="5.5.3-1"), None),
    ("xrootd.release-differs", [], replace(FACTS, installed="5.5.3-1"), "5.5.3"),
]


@pytest.mark.parametrize(("rule", "edits", "facts", "release"), GOOD, ids=[f"{case[0]}-{number}" for number, case in enumerate(GOOD)])
def test_a_rule_leaves_sound_settings_alone(rule, edits, facts, release):
    assert [finding for finding in xrootd.check(edited(edits), facts, release) if finding.rule == rule] == []


def test_an_unknown_release_is_said_to_be_unknown():
    (finding,) = [finding for finding in xrootd.check(SITE, FACTS, None) if finding.rule == "xrootd.release-unknown"]
    assert "not known" in finding.message


def test_a_wrong_prefix_is_named():
    files = edited([(CFG, "acc.audit", "xrd.chksum max 2\nacc.audit")])
    (finding,) = [finding for finding in xrootd.check(files, FACTS, "5.5.3") if finding.rule == "xrootd.unknown-directive"]
    assert "Is xrootd.chksum meant?" in finding.message


def test_an_example_of_the_package_is_checked_where_nothing_else_is():
    example = {"/etc/xrootd/xrootd-http.cfg": "all.export /tmp\nall.adminpath /var/spool/xrootd\nall.pidpath /run/xrootd\n"}
    example["/etc/xrootd/xrootd-http.cfg"] += "xrd.protocol XrdHttp:80 libXrdHttp.so\ncontinue /etc/xrootd/config.d/\n"
    assert "xrootd.no-authorization" in [finding.rule for finding in xrootd.check(example, COPY, "6.1.0")]
    found = xrootd.check(SITE | example, COPY, "6.1.0")
    assert [finding.rule for finding in found if "http.cfg" in finding.file] == ["xrootd.package-file"]


def test_only_instances_in_use_are_checked():
    files = {**SITE, "/etc/xrootd/xrootd-sample.cfg": "all.export /tmp\n"}
    assert [finding for finding in xrootd.check(files, FACTS, "5.5.3") if finding.file.endswith("sample.cfg")] == []
    assert [finding.rule for finding in xrootd.check(files, None, "5.5.3") if finding.file.endswith("sample.cfg")] == [
        "xrootd.no-authorization"
    ]


def test_fragments_are_read():
    files = edited(drop(CFG, "ofs.authorize 1"))
    assert any(finding.rule == "xrootd.authorize-missing" for finding in xrootd.check(files, FACTS, "5.5.3"))
    files["/etc/xrootd/config.d/10-authorize.cfg"] = "ofs.authorize\n"
    assert not any(finding.rule == "xrootd.authorize-missing" for finding in xrootd.check(files, FACTS, "5.5.3"))


@pytest.mark.parametrize(
    ("text", "release"),
    [("5.5.3", (5, 5, 3)), ("1:5.9-2.el9", (5, 9, 0)), ("v6.1.0", (6, 1, 0)), ("newest", None), ("", None), (None, None)],
)
def test_releases(text, release):
    assert xrootd_tables.parse_release(text) == release
