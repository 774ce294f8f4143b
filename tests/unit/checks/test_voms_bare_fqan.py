"""From 11.1 the FQAN of a VO itself may be dropped; the rule says so and nothing more."""

from __future__ import annotations

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import dcache_host
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Severity

CONF = "auth optional voms\nmap optional multimap\nsession requisite omnisession\n"


def found(release: str, line: str, conf: str = CONF) -> list[Severity]:
    files = {
        "etc/dcache/gplazma.conf": conf,
        "etc/dcache/multi-mapfile": f"{line}\n",
        "etc/dcache/omnisession.conf": "DEFAULT root:/ home:/\n",
        "etc/dcache/layouts/h.conf": "[d]\n[d/gplazma]\n",
        "etc/hostname": "h",
    }
    return [finding.severity for finding in dcache_host.check(files, release) if finding.rule == "voms.bare-fqan"]


@pytest.mark.parametrize(
    ("release", "line", "count"),
    [
        ("11.2.5", "fqan:/escape username:escape uid:2000 gid:2000,true", 1),
        ("11.1.0", "fqan:/escape,true username:escape uid:2000 gid:2000,true", 1),
        ("11.0.15", "fqan:/escape username:escape uid:2000 gid:2000,true", 0),
        ("11.2.5", "fqan:/escape/Role=production username:escape uid:2000 gid:2000,true", 0),
        ("11.2.5", "oidcgrp:/escape username:escape uid:2000 gid:2000,true", 0),
    ],
)
def test_rule(release: str, line: str, count: int) -> None:
    assert found(release, line) == [Severity.NOTICE] * count


def test_without_the_plug_in_nothing_is_said() -> None:
    assert found("11.2.5", "fqan:/escape username:escape uid:2000 gid:2000,true", CONF.replace("voms", "x509")) == []
