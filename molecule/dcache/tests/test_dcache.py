"""A dCache host as other machines see it. Its package is a stand-in: what it stores is not asked."""

from __future__ import annotations

import json

import pytest
from testinfra.host import Host

DOMAINS = ("centralDomain", "doorsDomain", "poolsDomain")
LAYOUT = "/etc/dcache/layouts/dcache1.conf"


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_domains_run(dcache1: Host, domain: str) -> None:
    assert dcache1.service(f"dcache@{domain}.service").is_running


def test_dcache_starts_with_the_host(dcache1: Host) -> None:
    assert dcache1.service("dcache.target").is_enabled


def test_doors_speak_tls_and_let_nobody_in(se1: Host, domain: str) -> None:
    for place in ("2880/escape/", "3880/api/v1/qos-policy"):
        assert se1.check_output("curl -s -o /dev/null -w %%{http_code} --max-time 20 https://dcache1.%s:%s", domain, place) == "401"


def test_dcache_agrees_with_its_configuration(dcache1: Host) -> None:
    assert dcache1.run("dcache check-config").rc == 0
    assert "doorsDomain transfermanagers" in dcache1.check_output("dcache services")
    assert dcache1.check_output("dcache version") == "11.2.5"


def test_the_key_is_dcache_s_own(dcache1: Host) -> None:
    key = dcache1.file("/etc/grid-security/dcache/hostkey.pem")
    assert (key.user, key.mode) == ("dcache", 0o400)


def test_the_password_of_the_database_works_and_is_nobody_else_s(dcache1: Host) -> None:
    password = dcache1.file("/etc/dcache/database-password")
    assert (password.user, password.mode) == ("dcache", 0o400)
    tables = "psql --tuples-only --no-align --host localhost --username dcache --dbname chimera --command '\\dt'"
    assert "databasechangelog" in dcache1.check_output("PGPASSFILE=/etc/dcache/database-password %s" % tables)  # noqa: UP031


def test_two_issuers_are_trusted_and_groups_have_ids(dcache1: Host, domain: str) -> None:
    layout = dcache1.file(LAYOUT).content_string
    assert f'gplazma.oidc.provider!escape = https://iam.{domain}/ -profile=wlcg -prefix=/escape -authz-id="username:escape' in layout
    assert f"gplazma.oidc.provider!partner = https://iam.{domain}/partner/ -profile=wlcg" in layout
    groups = dcache1.file("/etc/dcache/multimap-datalake.conf").content_string
    assert "oidcgrp:/escape/data-manager" in groups
    assert "username:partner uid:2500 gid:2500,true" in groups


def test_pools_have_their_directories(dcache1: Host) -> None:
    for name in ("fast", "safe1", "safe2", "cheap"):
        assert dcache1.file(f"/data/{name}/data").user == "dcache"
    assert dcache1.file(LAYOUT).content_string.count("[poolsDomain/pool]\n") == 4


def test_what_was_written_by_hand_stays(dcache1: Host) -> None:
    assert "# BEGIN by hand\nwebdav.redirect.on-read = false\n# END by hand\n" in dcache1.file("/etc/dcache/dcache.conf").content_string


def test_the_running_dcache_has_what_the_areas_need(dcache1: Host) -> None:
    state = json.loads(dcache1.file("/var/lib/datalake-dcache/dcache.json").content_string)
    units = set(state["poolmanager"]["units"])
    assert {"escape:fast@osm", "escape:safe@osm", "escape:cheap@osm"} <= units
    partition = state["poolmanager"]["partitions"]["default"]
    assert partition["values"]["max-copies"] == "77", "the file that was edited by hand was not read again"
    assert state["tags"]["/escape/cheap"]["sGroup"].strip() == "cheap"
    assert "two-then-one-1" in state["policies"]
