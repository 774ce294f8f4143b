# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long all checks of a dCache site take: 200 domains, 10 000 pools with their set-ups in 100 groups, 2000 people in the maps.

usage: PYTHONPATH=.cache python bench/check_large_site.py [RESULT.json]
"""

from __future__ import annotations

import json
import platform
import resource
import sys
import time
from pathlib import Path
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import tree
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import java_properties

DOMAINS, POOLS = 200, 10_000
GROUPS, PEOPLE = 100, 2000
RELEASE = "11.2.5"
RUNS = 3


def large_site(domains: int = DOMAINS, pools: int = POOLS) -> dict[str, str]:
    """The files of one host that carries all of a large site: the worst case, since a check is about one host."""
    rows = ["dcache.broker.scheme = satellite", "pool.root = /srv/dcache"]
    for domain in range(domains):
        rows += [f"[pools{domain}-${{host.name}}]", "dcache.java.memory.heap = 8192m"]
        for pool in range(domain, pools, domains):
            rows += [
                f"[pools{domain}-${{host.name}}/pool]",
                f"pool.name = pool_{pool:05}",
                "pool.path = ${pool.root}/${pool.name}",
                "pool.size = 100T",
                "pool.tags = hostname=${host.name} class=fast rack=r" + str(pool % 40),
                "pool.wait-for-files = ${pool.path}/data",
            ]
    return {
        "etc/hostname": "large.example.net\n",
        "etc/dcache/dcache.conf": "dcache.layout = large\ndcache.zookeeper.connection = zk1:2181,zk2:2181,zk3:2181\n",
        "etc/dcache/layouts/large.conf": "\n".join([*rows, *CENTRAL]) + "\n",
        **logins(),
        "var/lib/dcache/config/poolmanager.conf": "\n".join(selection(pools)) + "\n",
        **{f"srv/dcache/pool_{pool:05}/setup": SETUP for pool in range(pools)},
    }


CENTRAL = (
    "[central]",
    "[central/poolmanager]",
    "[central/gplazma]",
    "gplazma.oidc.provider!lake = https://iam.example.net/ -profile=wlcg -prefix=/lake",
    "gplazma.oidc.audience-targets = https://se.example.net",
)
SETUP = "csm set checksumtype ADLER32\nset heartbeat 30\nmover set max active -queue=regular 100\n"


def logins() -> dict[str, str]:
    """The files of gPlazma."""
    people = "".join(
        f'"dn:/C=XX/O=Grid/CN=Person {uid}" username:u{uid} uid:{uid} gid:100,true\n' for uid in range(10_000, 10_000 + PEOPLE)
    )
    groups = "".join(f"oidcgrp:/vo{gid} username:vo{gid} uid:{gid} gid:{gid},true\n" for gid in range(2000, 2000 + GROUPS))
    homes = "".join(f"gid:{gid} root:/ home:/lake/vo{gid}\n" for gid in range(2000, 2000 + GROUPS))
    return {
        "etc/dcache/gplazma.conf": (
            "auth optional x509\nauth optional voms\nauth optional oidc\n"
            "map sufficient multimap gplazma.multimap.file=/etc/dcache/people.conf\nmap optional multimap\nsession requisite omnisession\n"
        ),
        "etc/dcache/people.conf": people,
        "etc/dcache/multi-mapfile": groups,
        "etc/dcache/omnisession.conf": "DEFAULT root:/ home:/\n" + homes,
    }


def selection(pools: int) -> list[str]:
    """poolmanager.conf: three storage classes for each pool group."""
    rows = ["psu create unit -protocol */*", "psu create unit -net 0.0.0.0/0.0.0.0", "psu create unit -net ::/0"]
    rows += ["psu create ugroup world", "psu addto ugroup world 0.0.0.0/0.0.0.0", "psu addto ugroup world ::/0"]
    rows += ["psu create ugroup any-protocol", "psu addto ugroup any-protocol */*"]
    rows += [f"psu create pool pool_{pool:05}" for pool in range(pools)]
    for group in range(GROUPS):
        rows.append(f"psu create pgroup group{group}")
        rows += [f"psu addto pgroup group{group} pool_{pool:05}" for pool in range(group, pools, GROUPS)]
        for one in range(3):
            unit, name = f"vo{group}:class{one}@osm", f"{group}-{one}"
            rows += [f"psu create unit -store {unit}", f"psu create ugroup store{name}", f"psu addto ugroup store{name} {unit}"]
            rows += [f"psu create link link{name} store{name} world any-protocol", f"psu addto link link{name} group{group}"]
            rows.append(f"psu set link link{name} -readpref=10 -writepref=10 -cachepref=10 -p2ppref=-1")
    return [*rows, "pm create -type=wass default"]


def measure() -> dict[str, Any]:
    files = large_site()
    layout = files["etc/dcache/layouts/large.conf"]
    parse: list[float] = []
    check: list[float] = []
    findings: list[Any] = []
    while len(check) < RUNS:
        start = time.perf_counter()
        java_properties.parse(layout)
        parse.append(time.perf_counter() - start)
        start = time.perf_counter()
        findings = tree.check(files, tree.system_named("dcache"), RELEASE)
        check.append(time.perf_counter() - start)
    return {
        "benchmark": "check_large_site",
        "release": RELEASE,
        "domains": DOMAINS,
        "pools": POOLS,
        "people": PEOPLE,
        "lines": layout.count("\n"),
        "parse_s": round(min(parse), 3),
        "check_s": round(min(check), 3),
        "findings_above_notice": sum(finding.severity.value != "notice" for finding in findings),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "python": platform.python_version(),
    }


if __name__ == "__main__":
    text = json.dumps(measure(), indent=2) + "\n"
    if len(sys.argv) > 1:
        Path(sys.argv[1]).parent.mkdir(parents=True, exist_ok=True)
        Path(sys.argv[1]).write_text(text, encoding="utf-8")
    sys.stdout.write(text)
