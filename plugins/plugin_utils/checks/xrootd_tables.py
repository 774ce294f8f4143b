# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the rules of XRootD compare with: releases, directives, keys. Found in the sources of xrootd at each tag from 5.0.0 to 6.1.0."""

from __future__ import annotations

import re

Release = tuple[int, int, int]

OLDEST: Release = (5, 0, 0)
NEWEST: Release = (6, 2, 99)  # 6.2.1 was tried; later lines are not known

COLON_OPTIONAL: Release = (5, 6, 2)  # authdb identity selectors; the INI reader takes longer lines from the same release on
STAT_WITH_MODIFY: Release = (5, 6, 9)
REDACTED_TOKENS: Release = (5, 7, 0)
BRIDGE_WAITS: Release = (5, 9, 2)
WHOLE_COMPONENTS: Release = (5, 9, 3)  # and refusal of private and loopback peers by HTTP-TPC
AUTHDB_IN_ETC: Release = (6, 0, 0)

INI_LINE = 200  # bytes of the reader's buffer before COLON_OPTIONAL, line end and final zero included
INI_LINE_NOW = 1024
INI_NAME = 50  # longest section name and key before COLON_OPTIONAL, final zero included

SPACE_NAME = 63
RECORD_NAME = 64

DIRECTIVES: dict[str, frozenset[str]] = {
    prefix: frozenset(names.split())
    for prefix, names in {
        "all": "adminpath export manager pidpath role seclib sitename subcluster trace",  # all.trace: vendors write it, nobody reads it
        "xrd": """
            adminpath allow buffers homepath maxfd network pidpath port protocol report sched sitename tcpmonlib
            timeout tls tlsca tlsciphers trace
        """,
        "xrootd": """
            async bindif chksum diglib export fslib fsoverload gpflib limit log mongstream monitor pmark prep
            redirect redirlib seclib tls tlsreuse trace
        """,
        "ofs": """
            authlib authorize chkpnt ckslib cksrdsz cksrt cmslib crmode ctllib dirlist forward maxdelay notify
            notifymsg osslib persist preplib role subcluster tpc trace xattr xattrlib
        """,
        "oss": """
            alloc cache cachescan defaults export fdlimit localroot maxsize memfile msscmd namelib path preread
            remoteroot rsscmd space spacescan stagecmd stagemsg statlib trace usage xfr
        """,
        "http": """
            allowmissingcrl auth cadir cafile cert cipherfilter cors desthttps embeddedstatic exthandler gridmap
            header2cgi httpsmode key listing listingdeny listingredir maxdelay secretkey secxtractor
            selfhttps2http staticheader staticpreload staticredir tlsclientauth tlsreuse trace
        """,
        "acc": "audit authdb authrefresh encoding gidlifetime gidretran nisdomain pgo spacechar",
        "sec": "entitylib level protbind protocol protparm trace",
        "cms": """
            adminpath allow altds blacklist cidtag defaults delay dfs export fsxeq fxhold localroot manager mode
            namelib nbsendq nowait osslib perf ping prep prepmsg remoteroot repstats role sched seclib space
            subcluster superport trace vnid wait whitelist
        """,
        "throttle": "fslib loadshed max_active_connections max_open_files max_wait_time throttle trace userconfig",
        "csi": "trace",
        "pss": """
            cache cachelib ccmlib ciosync config dca debug defaults export hostarena inetmode localroot memcache
            namelib origin permit persona setopt trace
        """,
        "pfc": """
            acchistorysize allow_xrdpfc_command blocksize cschk decisionlib dirstats diskusage flush hdfsbsize
            hdfsmode httpcc minfrac minsize nramprefetch nramread onlyifcached osslib prefetch purgecoldfiles
            purgelib qfsredir ram spaces trace urlcgi user uvkeep writequeue writethrough
        """,
        "dig": "addconf log",
        "bwm": "authlib authorize log policy trace",
        "tpc": "allow deny fixed_route header2cgi timeout trace",
        "macaroons": "maxduration onmissing secretkey sitename trace",
        "scitokens": "trace",
    }.items()
}

PACKAGED = frozenset(
    {
        "ad4dbaf16dc0d55d",
        "229cc558b86e3180",
        "e6279a160ab4beea",
        "164a90d96541e72a",
        "b387ce10acd4403b",
        "18f821af5e49f566",
        "7be98806f634a8b9",
        "7984eb94d35ad2b6",
        "a86ab73c3b6c1eb9",
        "dbb412bba30a9d81",
        "75db15e1192f7db6",
        "28977b2acdc5b806",
    }
)
"""Begins of the SHA-256 of the main files that xrootd 4.10 to 6.1 installs as examples, without remarks, blanks made one."""

ANY_AUDIENCE = "https://wlcg.cern.ch/jwt/v1/any"
UNIT_DIRECTORIES = {
    "CacheDirectory": "/var/cache",
    "StateDirectory": "/var/lib",
    "LogsDirectory": "/var/log",
    "RuntimeDirectory": "/run",
}
"""Settings of a unit that make directories which its service may write to, by where those are (systemd.exec)."""

LITERAL = frozenset({"set", "setenv", "cms.prepmsg", "ofs.notifymsg", "oss.stagemsg"})
"""Directives whose words may name variables that are not set: they are filled in later, or by others."""

SINCE: dict[str, Release] = {
    "acc.encoding": (5, 4, 0),
    "http.auth": (5, 7, 0),
    "http.cors": (5, 9, 0),
    "http.listing": (6, 0, 0),
    "http.maxdelay": (5, 9, 0),
    "http.staticheader": (5, 8, 0),
    "http.tlsclientauth": (5, 9, 0),
    "ofs.crmode": (5, 6, 0),
    "ofs.cksrt": (6, 1, 0),
    "pfc.httpcc": (6, 0, 0),
    "pfc.onlyifcached": (5, 7, 0),
    "pfc.qfsredir": (6, 0, 0),
    "pfc.urlcgi": (5, 9, 0),
    "pfc.writethrough": (6, 0, 0),
    "pss.hostarena": (5, 7, 1),
    "throttle.max_open_files": (5, 5, 0),
    "throttle.max_wait_time": (5, 9, 0),
    "throttle.userconfig": (6, 0, 0),
    "tpc.allow": WHOLE_COMPONENTS,
    "tpc.deny": WHOLE_COMPONENTS,
    "tpc.fixed_route": (5, 7, 0),
    "tpc.header2cgi": (5, 7, 0),
    "xrd.maxfd": (5, 6, 0),
    "xrootd.pmark": (5, 4, 0),
    "xrootd.redirlib": (5, 9, 0),
}

GLOBAL_KEYS = frozenset({"audience", "audience_json", "onmissing"})
ISSUER_KEYS = frozenset(
    {
        "authorization_strategy",
        "base_path",
        "default_user",
        "groups_claim",
        "issuer",
        "map_subject",
        "name_mapfile",
        "restricted_path",
        "username_claim",
    }
)
KEYS_SINCE: dict[str, Release] = {"authorization_strategy": (5, 7, 0), "groups_claim": (5, 7, 0), "username_claim": (5, 6, 0)}


def parse_release(text: str | None) -> Release | None:
    """A release such as ``5.5.3``, also as package versions write it (``1:5.5.3-1``); None when there is none in the text."""
    found = re.match(r"(?:\d+:)?v?(\d+)\.(\d+)(?:\.(\d+))?", text or "")
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None


def is_known(release: Release | None) -> bool:
    return release is not None and OLDEST <= release <= NEWEST


def words(release: Release) -> str:
    return ".".join(str(part) for part in release)
