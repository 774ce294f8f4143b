# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of XRootD: how bad, what to do, and where the fact comes from. The code that finds them is in xrootd.py."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Severity

LOCK_OUT, OPEN, ERROR, WARNING, NOTICE = Severity.LOCK_OUT, Severity.OPEN, Severity.ERROR, Severity.WARNING, Severity.NOTICE


@dataclass(frozen=True)
class Rule:
    severity: Severity
    remedy: str
    source: str


_OFS = "xrootd src/XrdOfs/XrdOfsConfig.cc and XrdOfsConfigPI.cc"
_STREAM = "xrootd src/XrdOuc/XrdOucStream.cc"
_TOKENS = "xrootd src/XrdSciTokens/XrdSciTokensAccess.cc"
_INI = "inih copy of xrootd (src/XrdSciTokens/vendor/inih, vendor/inih)"
_ACC = "xrootd src/XrdAcc/XrdAccAuthFile.cc and XrdAccConfig.cc"
_ACCESS = "xrootd src/XrdAcc/XrdAccAccess.cc"
_TLS = "xrootd src/XrdTls/XrdTlsContext.cc and src/XrdOuc/XrdOucUtils.cc (ValPath)"
_OSS = "xrootd src/XrdOss/XrdOssConfig.cc and XrdOssCache.cc"
_HTTP = "xrootd src/XrdHttp/XrdHttpProtocol.cc"
_CONFIG = "xrootd src/Xrd/XrdConfig.cc"
_TRIED = "tried on 5.5.3"

# Traps that were set up and seen to do harm on Debian 12's 5.5.3.
_SEEN = frozenset(
    {
        "authdb.anyone-writes",
        "authdb.hidden-restriction",
        "authdb.remark",
        "scitokens.audience-missing",
        "scitokens.indented",
        "scitokens.onmissing-allow",
        "scitokens.section-name",
        "xrootd.authdb-default",
        "xrootd.authlib-not-stacked",
        "xrootd.carriage-return",
        "xrootd.file-missing",
        "xrootd.header2cgi-missing",
        "xrootd.key-mode",
        "xrootd.macaroons-sitename",
        "xrootd.protbind-unknown",
        "xrootd.space-twice",
        "xrootd.space-undefined",
        "xrootd.tlsca-missing",
        "xrootd.unclosed-if",
        "xrootd.undefined-variable",
    }
)

_RULES: dict[str, Rule] = {
    # who may do what
    "xrootd.authorize-missing": Rule(OPEN, "Add the directive ofs.authorize.", f"{_OFS}; {_TRIED}: an anonymous PUT returned 200"),
    "xrootd.no-authorization": Rule(OPEN, "Add ofs.authorize and the plug-in that decides (ofs.authlib), or export read-only (r/o).", _OFS),
    "xrootd.public": Rule(NOTICE, "Add ofs.authorize when the data are not meant for everybody.", _OFS),
    "xrootd.reads-for-all": Rule(WARNING, "Add ofs.authorize unless the data are public.", _OFS),
    "xrootd.authlib-not-stacked": Rule(
        LOCK_OUT,
        "Write ofs.authlib ++ libXrdAccSciTokens.so, so that groups are looked up in authdb.",
        f"{_TOKENS} (XrdAccAuthorizeObject)",
    ),
    "xrootd.authlib-replaced": Rule(WARNING, "Put ++ before the later plug-in, or take the earlier line away.", _OFS),
    "xrootd.authdb-default": Rule(
        ERROR, "Name the file with acc.authdb, so that it is the same one for every release.", f"{_ACC} (dbpath)"
    ),
    "xrootd.file-missing": Rule(ERROR, "Make the file, or correct the path.", f"{_TOKENS}; {_ACC}; {_TLS}; {_OSS}"),
    "xrootd.sec-claims-only": Rule(
        OPEN,
        "Take sec.protocol unix away, or bind it to hosts that nobody else can use, and all others with sec.protbind * only.",
        "xrootd src/XrdSecunix; src/XrdSec/XrdSecServer.cc (xpbind)",
    ),
    "xrootd.tape-simulator": Rule(
        OPEN, "Take it away: it is made for tests only.", "xrootd src/XrdHttpTapeApi; tried on 6.2.1: anonymous stage gave 201"
    ),
    "xrootd.world-writable": Rule(OPEN, "Set its mode to 0644 or less.", "whoever edits the configuration gives rights"),
    # the file itself
    "xrootd.unclosed-if": Rule(ERROR, "Close the block with fi.", _STREAM),
    "xrootd.nested-if": Rule(
        ERROR, "Close the first block with fi; blocks cannot be nested, conditions can be joined (if exec xrootd && named x).", _STREAM
    ),
    "xrootd.fi-without-if": Rule(ERROR, "Take the line away or add its if.", _STREAM),
    "xrootd.else-without-if": Rule(ERROR, "Take the line away or add its if.", _STREAM),
    "xrootd.continue-in-if": Rule(ERROR, "Put the condition behind continue: continue DIR if exec xrootd.", _STREAM),
    "xrootd.continue-twice": Rule(ERROR, "Let only the main file continue.", _STREAM),
    "xrootd.after-continue": Rule(ERROR, "Put the directive before continue.", _STREAM),
    "xrootd.carriage-return": Rule(ERROR, "Save the file with line ends of Unix.", _STREAM),
    "xrootd.undefined-variable": Rule(ERROR, "Set the variable above this line, or write $[name] where it may be missing.", _STREAM),
    "xrootd.remark": Rule(NOTICE, "Put the remark on a line of its own.", _STREAM),
    "xrootd.monitor-misspelt": Rule(WARNING, "Write xrootd.monitor.", "xrootd src/XrdXrootd/XrdXrootdConfig.cc"),
    "xrootd.unknown-directive": Rule(
        WARNING, "Correct the name, or take the line away.", "directives of the sources of xrootd 5.0.0 to 6.1.0"
    ),
    "xrootd.directive-too-new": Rule(ERROR, "Take it away, or upgrade.", "directives of the sources of xrootd 5.0.0 to 6.1.0"),
    "xrootd.package-file": Rule(NOTICE, "Remove it, or check the running host, where systemd tells what is used.", "xrootd config/"),
    "xrootd.release-differs": Rule(
        WARNING, "Correct the description, or install the release that it names.", "the rules follow the installed one"
    ),
    "xrootd.release-unknown": Rule(NOTICE, "Read the release notes; rules of the newest known release were used.", "releases 5.0.0 to 6.2"),
    # encryption
    "xrootd.no-tls": Rule(ERROR, "Add xrd.tls CERTIFICATE KEY and xrd.tlsca.", _HTTP),
    "xrootd.tlsca-missing": Rule(ERROR, "Add xrd.tlsca certdir DIR, certfile FILE, or noverify.", _CONFIG),
    "xrootd.ztn-without-tls": Rule(
        ERROR, "Add xrd.tls and xrd.tlsca, and xrootd.tls capable all.", "xrootd src/XrdSecztn; src/XrdXrootd/XrdXrootdConfig.cc"
    ),
    "xrootd.key-mode": Rule(ERROR, "Set its mode to 0400 or 0600.", _TLS),
    "xrootd.key-owner": Rule(ERROR, "Give it to the user of the service, or give the service a copy of its own.", _TLS),
    "xrootd.secret-readable": Rule(
        OPEN, "Set its mode to 0400, and make a new secret.", "xrootd src/XrdMacaroons/XrdMacaroonsConfigure.cc"
    ),
    "xrootd.downgrade": Rule(WARNING, "Write http.selfhttps2http no.", _HTTP),
    # doors
    "xrootd.header2cgi-missing": Rule(LOCK_OUT, "Add http.header2cgi Authorization authz.", f"{_HTTP} (hdr2cgimap is empty)"),
    "xrootd.tpc-missing": Rule(WARNING, "Add http.exthandler xrdtpc libXrdHttpTPC.so.", "xrootd src/XrdTpc; tried"),
    "xrootd.tpc-private": Rule(
        WARNING, "Add tpc.allow local and tpc.allow private in a lab only.", "xrootd src/XrdHttpTpc (5.9.3); tried on 6.2.1"
    ),
    "xrootd.tpc-private-allowed": Rule(
        WARNING,
        "Take tpc.allow away outside a lab: a token holder can make the server call hosts of its own network.",
        "xrootd src/XrdHttpTpc (5.9.3)",
    ),
    "xrootd.duplicate-port": Rule(ERROR, "Give every instance ports of its own.", _CONFIG),
    "xrootd.port-twice": Rule(WARNING, "Keep one line; the last one counts.", _CONFIG),
    "xrootd.seclib-missing": Rule(ERROR, "Add xrootd.seclib libXrdSec.so.", "xrootd src/XrdXrootd/XrdXrootdConfig.cc"),
    "xrootd.protbind-unknown": Rule(
        ERROR, "Put its sec.protocol above sec.protbind, or take it out of sec.protbind.", "xrootd src/XrdSec/XrdSecServer.cc"
    ),
    "xrootd.gsi-ca-off": Rule(WARNING, "Write -ca:1 or -ca:2, or leave it out.", "xrootd src/XrdSecgsi/XrdSecProtocolgsi.cc"),
    "xrootd.gsi-ca-word": Rule(
        NOTICE, "Write -ca:1 or -ca:2, or leave it out.", "xrootd src/XrdSecgsi/XrdSecProtocolgsi.cc (atoi), 5.0.0 to 6.1.0; tried"
    ),
    "xrootd.gsi-without-revocation": Rule(
        WARNING, "Write -crl:1 (use lists that are there), -crl:2 or -crl:3 (require them).", "xrootd src/XrdSecgsi/XrdSecProtocolgsi.cc"
    ),
    "xrootd.voms-http-missing": Rule(WARNING, "Add http.secxtractor libXrdVoms.so.", "xrootd src/XrdVoms"),
    "xrootd.redirect-token": Rule(NOTICE, "Add strip-on-redirect to http.header2cgi from 6.0.0 on.", f"{_HTTP} (6.0.0)"),
    "xrootd.macaroons-sitename": Rule(ERROR, "Add all.sitename NAME.", "xrootd src/XrdMacaroons/XrdMacaroonsConfigure.cc"),
    "xrootd.macaroons-secret": Rule(ERROR, "Add macaroons.secretkey FILE.", "xrootd src/XrdMacaroons/XrdMacaroonsConfigure.cc"),
    "xrootd.macaroons-order": Rule(
        WARNING, "Put ofs.authlib ++ libXrdMacaroons.so behind the line of SciTokens.", "xrootd-eos reference, section 3"
    ),
    # storage
    "xrootd.no-export": Rule(
        WARNING, "Add all.export for the tree of the storage.", "xrootd src/XrdXrootd/XrdXrootdConfig.cc: /tmp is exported"
    ),
    "xrootd.space-outside-export": Rule(ERROR, "Assign a path below an exported one.", _OSS),
    "xrootd.space-undefined": Rule(ERROR, "Add oss.space NAME PATH.", _OSS),
    "xrootd.space-twice": Rule(ERROR, "Keep one of the two lines.", f"{_OSS} (EEXIST)"),
    "xrootd.space-path": Rule(ERROR, "Write oss.space NAME /PATH.", f"{_OSS} (xspace)"),
    "xrootd.space-shared": Rule(WARNING, "Give every space disks of its own: a space is a QoS class.", _OSS),
    "xrootd.space-name": Rule(ERROR, "Choose a name of at most 63 characters.", f"{_OSS} (maxSNlen)"),
    "xrootd.checksum-missing": Rule(WARNING, "Add xrootd.chksum max 2 adler32 crc32c.", "Rucio compares adler32 after each transfer"),
    "xrootd.checksum-race": Rule(
        NOTICE,
        "Upgrade to 5.9.2, or give xrootd.chksum a program that takes its time (docs/xrootd.md).",
        "xrootd issue 2602, src/XrdXrootd/XrdXrootdTransit.cc; tried on 5.5.3 and 5.8.1",
    ),
    "xrootd.cache-origin": Rule(ERROR, "Add pss.origin HOST:PORT.", "xrootd src/XrdPss/XrdPssConfig.cc"),
    "xrootd.cache-space": Rule(ERROR, "Add oss.space NAME PATH.", "xrootd src/XrdPfc/XrdPfcConfiguration.cc"),
    "xrootd.cache-watermarks": Rule(ERROR, "Write the lower mark first.", "xrootd src/XrdPfc/XrdPfcConfiguration.cc"),
    "xrootd.cache-memory": Rule(ERROR, "Give pfc.ram at least 1g.", "xrootd src/XrdPfc/XrdPfcConfiguration.cc; tried on 5.5.3"),
    # tokens
    "xrootd.prefix-directories": Rule(
        WARNING, "Choose names of which none begins with the other, or upgrade to 5.9.3.", f"{_TRIED}; whole components from 5.9.3"
    ),
    "xrootd.delete-needs-read": Rule(
        NOTICE, "Ask for read and modify, as Rucio does, or upgrade to 5.6.9.", f"{_TRIED}; xrootd issues 2184, 2185"
    ),
    "xrootd.group-beside-capability": Rule(
        NOTICE,
        "From 5.7.0 on authorization_strategy = capability refuses it, and group-only tokens with it.",
        "tried on 5.5.3 and 6.2.1; WLCG token profile 1.2",
    ),
    "xrootd.tokens-in-log": Rule(
        WARNING, "Set scitokens.trace to info or lower, or upgrade to 5.7.0.", f"{_TOKENS}; token redaction from 5.7.0"
    ),
    "xrootd.key-cache": Rule(
        WARNING,
        "Give the unit Environment=XDG_CACHE_HOME=/var/cache/xrootd and CacheDirectory=xrootd.",
        "scitokens-cpp src/scitokens_cache.cpp",
    ),
    "scitokens.section-name": Rule(LOCK_OUT, "Name the section [Issuer NAME] or [Global].", _TOKENS),
    "scitokens.issuer-missing": Rule(LOCK_OUT, "Add issuer = URL, exactly as the iss claim has it.", _TOKENS),
    "scitokens.base-path-missing": Rule(LOCK_OUT, "Add base_path = PATH.", _TOKENS),
    "scitokens.base-path-relative": Rule(LOCK_OUT, "Write an absolute path.", _TOKENS),
    "scitokens.base-path-outside": Rule(LOCK_OUT, "Use a path of the exported name space, not of the disk.", f"{_TOKENS}; {_TRIED}"),
    "scitokens.base-paths": Rule(NOTICE, "One base_path above all areas keeps them apart by scope.", "tokens reference, section 3"),
    "scitokens.issuer-twice": Rule(ERROR, "Put both into one section.", f"{_TOKENS} (issuers.emplace keeps the first)"),
    "scitokens.section-repeated": Rule(
        WARNING, "Put the sections together: the last value of each key counts.", f"{_TOKENS} (OverrideINIReader)"
    ),
    "scitokens.issuer-not-https": Rule(LOCK_OUT, "Use the https URL of the issuer.", "WLCG token profile: keys are fetched over TLS"),
    "scitokens.no-issuer": Rule(LOCK_OUT, "Add a section [Issuer NAME] with issuer and base_path.", _TOKENS),
    "scitokens.onmissing-allow": Rule(OPEN, "Set onmissing = passthrough, or deny where nothing else decides.", f"{_TOKENS} (OnMissing)"),
    "scitokens.onmissing-unknown": Rule(ERROR, "Use passthrough, deny or allow.", _TOKENS),
    "scitokens.onmissing-deny": Rule(LOCK_OUT, "Set onmissing = passthrough.", f"{_TOKENS} (OnMissing)"),
    "scitokens.audience-missing": Rule(
        LOCK_OUT, "Add audience = with the URLs and the bare host name of the doors.", "scitokens-cpp: aud must match"
    ),
    "scitokens.audience-bare-host": Rule(
        WARNING, "Add the bare host name to audience.", "Rucio lib/rucio/core/rse.py: audience is the host name of the door"
    ),
    "scitokens.audience-json": Rule(ERROR, "Write a JSON list of strings.", _TOKENS),
    "scitokens.unknown-key": Rule(WARNING, "Correct the name, or take the line away.", _TOKENS),
    "scitokens.key-too-new": Rule(ERROR, "Take it away, or upgrade.", f"{_TOKENS} at each tag"),
    "scitokens.strategy": Rule(ERROR, "Use capability, group, mapping, parted by blanks.", _TOKENS),
    "scitokens.default-user": Rule(
        LOCK_OUT, "Add default_user, name_mapfile or map_subject.", "EOS documentation (http_tpc); xrootd multi-user plug-in"
    ),
    "scitokens.line-too-long": Rule(
        ERROR, "Spread the audiences over [Global] and [Global 2], or upgrade to 5.6.2.", f"{_INI} (INI_MAX_LINE)"
    ),
    "scitokens.section-too-long": Rule(ERROR, "Choose a shorter section name.", f"{_INI} (MAX_SECTION)"),
    "scitokens.indented": Rule(ERROR, "Take the indent away.", f"{_INI} (INI_ALLOW_MULTILINE) and OverrideINIReader"),
    "scitokens.syntax": Rule(ERROR, "Write KEY = VALUE or [SECTION].", _INI),
    # rights
    "authdb.record-type": Rule(ERROR, "Begin each record with one of = g h n o r s t u x.", _ACC),
    "authdb.colon": Rule(ERROR, "Write the colon (o: g: r: u: h:).", f"{_ACC}; tried on 5.5.3; optional from 5.6.2"),
    "authdb.selector": Rule(ERROR, "Use each of o: g: r: u: h: once, with a value.", _ACC),
    "authdb.name-missing": Rule(ERROR, "Write the name behind the type.", _ACC),
    "authdb.name-too-long": Rule(ERROR, "Choose a name of at most 64 characters.", f"{_ACC} (recname_buff)"),
    "authdb.duplicate": Rule(ERROR, "Put the records together.", _ACC),
    "authdb.undefined": Rule(ERROR, "Define it above this record.", _ACC),
    "authdb.unused": Rule(NOTICE, "Take the definition away or give it an s or x record.", _ACC),
    "authdb.privileges": Rule(ERROR, "Use letters of a d i k l n r w, and - before those taken away.", f"{_ACC} (PrivsConvert)"),
    "authdb.no-grants": Rule(ERROR, "Add a path and privileges.", _ACC),
    "authdb.remark": Rule(ERROR, "Put the remark on a line of its own.", f"{_ACC}: # is read as the name of a template"),
    "authdb.hidden-restriction": Rule(OPEN, "Put the longer path first.", f"{_ACCESS}: the first path that matches counts"),
    "authdb.hidden-path": Rule(ERROR, "Put the longer path first.", f"{_ACCESS}: the first path that matches counts"),
    "authdb.exclusive-order": Rule(
        ERROR, "Put the record of the narrower identity first, or use s records, which add up.", f"{_ACCESS} (SXList)"
    ),
    "authdb.exclusive-parent": Rule(
        WARNING, "Put the record of the subgroup first, or use s records, which add up.", f"{_ACCESS} (SXList)"
    ),
    "authdb.anyone-writes": Rule(OPEN, "Take the writing privileges from u *.", _ACCESS),
    "authdb.anyone-reads": Rule(WARNING, "Take the record away unless the data are public.", _ACCESS),
    "authdb.public-part": Rule(NOTICE, "Take the record away unless these data are public.", _ACCESS),
    "authdb.group-unbound": Rule(
        WARNING, "Bind the group to its issuer: = NAME o: ISSUER g: GROUP.", "any trusted issuer can name any group"
    ),
    "authdb.group-unbound-issuers": Rule(
        OPEN, "Bind the group to its issuer: = NAME o: ISSUER g: GROUP.", "any trusted issuer can name any group"
    ),
    "authdb.issuer-slash": Rule(LOCK_OUT, "Write the issuer exactly as scitokens.cfg has it.", "iss is compared as text"),
    "authdb.path-outside": Rule(WARNING, "Use a path of the exported name space.", _ACCESS),
}

RULES: dict[str, Rule] = {
    name: replace(rule, source=f"{rule.source}; {_TRIED}") if name in _SEEN and _TRIED not in rule.source else rule
    for name, rule in _RULES.items()
}
