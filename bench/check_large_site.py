# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long it takes to parse and check a dCache site of 200 domains and 10 000 pools.

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

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import dcache_properties
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import java_properties

DOMAINS, POOLS = 200, 10_000
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
        "etc/dcache/layouts/large.conf": "\n".join(rows) + "\n",
    }


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
        findings = dcache_properties.check(files, RELEASE)
        check.append(time.perf_counter() - start)
    return {
        "benchmark": "check_large_site",
        "release": RELEASE,
        "domains": DOMAINS,
        "pools": POOLS,
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
