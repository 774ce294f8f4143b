"""Five sound sites of different releases and styles yield nothing above a notice; one mistake in them yields exactly its rule."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import (
    dcache_services,
    gplazma,
    gplazma_files,
    gplazma_loading,
    pool_selection,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Severity
from dcache_site_fixture import POOLMANAGER, SITES, Site, site

RULE_MODULES = (gplazma, gplazma_files, gplazma_loading, dcache_services, pool_selection)
CONF = "/etc/dcache/gplazma.conf"
DCACHE_CONF = "/etc/dcache/dcache.conf"
Change = Callable[[Site], Site]
L, O, E, W = Severity.LOCK_OUT, Severity.OPEN, Severity.ERROR, Severity.WARNING  # noqa: E741


def edit(path: str, old: str, new: str) -> Change:
    return lambda one: one.edited(path, old, new)


def add(path: str, text: str) -> Change:
    return lambda one: one.appended(path, text)


def released(release: str) -> Change:
    return lambda one: replace(one, release=release)


PROVIDER = "https://iam-escape.cloud.cnaf.infn.it/ -profile=wlcg -prefix=/pnfs/example.net/escape"
LAYOUT_9 = "/etc/dcache/layouts/tier2.conf"
LAYOUT_11 = "/etc/dcache/layouts/modern.conf"
USERS_9 = "/etc/dcache/multimap-users.conf"
VO_9 = "/etc/dcache/multimap-vo.conf"
OMNI = "/etc/dcache/omnisession.conf"
VOROLEMAP = "/etc/grid-security/grid-vorolemap"
GRIDMAP = "/etc/grid-security/grid-mapfile"
AUTHZDB = "/etc/grid-security/storage-authzdb"
WELLKNOWN = "/etc/dcache/wlcg-tape-rest-api.json"
AUDIENCES_9 = "gplazma.oidc.audience-targets = https://wlcg.cern.ch/jwt/v1/any account"


def with_tokens(one: Site) -> Site:
    """The certificate site with tokens as one added them in 2020."""
    text = "oidc:x username:operator uid:1000 gid:1000,true\noidcgrp:/operators username:operator uid:1000 gid:1000,true\n"
    return (
        one.edited(CONF, "auth    optional  voms", "auth    optional  voms\nauth optional oidc")
        .edited(CONF, "map     optional  vorolemap", "map sufficient multimap\nmap     optional  vorolemap")
        .appended(DCACHE_CONF, "gplazma.oidc.hostnames = iam.example.net sso.example.net\n")
        .with_file("/etc/dcache/multi-mapfile", text)
    )


def with_wlcg(one: Site) -> Site:
    return one.edited("/etc/dcache/layouts/site.conf", "cnaf.infn.it/\n", "cnaf.infn.it/ -profile=wlcg -prefix=/a\n")


def with_kpwd(one: Site) -> Site:
    """Certificates and passwords through the old kpwd file alone."""
    conf = "auth optional x509\nauth optional kpwd\nmap requisite kpwd\naccount requisite kpwd\nsession requisite kpwd\n"
    return one.with_file(CONF, conf).with_file("/etc/dcache/dcache.kpwd", "version 2.1\n")


def of_2019(one: Site) -> Site:
    """The scitoken site on a release whose plug-in knows only the scopes of SciTokens."""
    one = one.edited(CONF, "session  sufficient  omnisession", "session  sufficient  nsswitch").edited(DCACHE_CONF, " -accept=username", "")
    return replace(one.edited(POOLMANAGER, " -primary", " -resilient"), release="6.0.46")


def flushing(one: Site) -> Site:
    """The areas unsaid, and a pool of this host that flushes to tape."""
    one = replace(one, areas=())
    layout = "[flush]\n[flush/pool]\npool.name = tape1\npool.path = /srv/tape1\n"
    return one.appended(LAYOUT_9, layout).with_file("/srv/tape1/setup", "hsm create osm osm script -command=/opt/tape\n")


def with_default_map(one: Site) -> Site:
    """With the default multimap beside that of the VO, and the argument that names the latter misspelt."""
    text = one.files[VO_9]
    return one.with_file("/etc/dcache/multi-mapfile", text).edited(
        CONF, "file=/etc/dcache/multimap-vo.conf", "files=/etc/dcache/multimap-vo.conf"
    )


MUTATIONS: list[tuple[str, Change, str, Severity]] = [
    # loading of gplazma.conf
    ("roles-9.2", add(CONF, "session requisite\n"), "gplazma.syntax", L),
    ("roles-9.2", edit(CONF, "account  requisite  banfile", "account  necessary  banfile"), "gplazma.syntax", L),
    ("roles-9.2", edit(CONF, "auth     optional   voms", "authn    optional   voms"), "gplazma.syntax", L),
    ("roles-9.2", edit(CONF, "optional   oidc", "optional   odic"), "gplazma.unknown-plugin", L),
    ("modern-11.2", edit(CONF, "map      optional   multimap", "map optional argus\nmap optional multimap"), "gplazma.plugin-release", L),
    ("certificates-5.2", released("12.0.1"), "gplazma.plugin-release", L),
    (
        "certificates-5.2",
        edit(CONF, "session requisite authzdb", "session requisite authzdb\nsession optional omnisession"),
        "gplazma.plugin-release",
        L,
    ),
    ("roles-9.2", add(CONF, "map optional alise\n"), "gplazma.property-missing", L),
    ("roles-9.2", edit(CONF, "session  requisite  roles", "map      requisite  roles"), "gplazma.wrong-phase", L),
    ("roles-9.2", add(DCACHE_CONF, "gplazma.roles.admin-gid = wheel\n"), "gplazma.property-bad", L),
    ("roles-9.2", edit(CONF, "requisite  omnisession", "requisite  omnisession verbose"), "gplazma.ignored-argument", W),
    (
        "groups-8.2",
        edit(CONF, "multimap gplazma.multimap.file=/etc/dcache/vo.map", 'multimap gplazma.multimap.file="/etc/dcache/vo.map"'),
        "gplazma.argument-quotes",
        E,
    ),
    # providers
    ("modern-11.2", edit(LAYOUT_11, "-profile=wlcg -prefix=/escape", "-profile=wlcg"), "oidc.prefix-missing", L),
    ("roles-9.2", edit(DCACHE_CONF, "-prefix=/pnfs", "-prefix=pnfs"), "oidc.prefix-relative", L),
    ("roles-9.2", edit(DCACHE_CONF, "-profile=wlcg", "-profile=wlgc"), "oidc.profile-unknown", L),
    ("roles-9.2", edit(DCACHE_CONF, "uid:2000 gid:2000", "uid2000 gid:2000"), "oidc.authz-id", L),
    ("roles-9.2", edit(DCACHE_CONF, "-accept=username,groups", "-accept=username,mail"), "oidc.accept-item", L),
    ("roles-9.2", edit(DCACHE_CONF, "-accept=username,groups", "-accepts=username"), "oidc.unknown-option", E),
    ("roles-9.2", edit(DCACHE_CONF, "-accept=username,groups", "-prefix=/x"), "oidc.option-profile", E),
    ("roles-9.2", edit(DCACHE_CONF, "-profile=wlcg ", "-profile=wlcg -prefix=/a "), "oidc.repeated-option", L),
    (
        "roles-9.2",
        edit(DCACHE_CONF, "https://sso.example.net/auth/realms/users", "https://iam-escape.cloud.cnaf.infn.it/"),
        "oidc.same-issuer",
        L,
    ),
    ("roles-9.2", edit(DCACHE_CONF, "https://sso.example.net", "sso.example.net"), "oidc.issuer-bad", L),
    ("roles-9.2", edit(DCACHE_CONF, "https://sso.example.net", "http://sso.example.net"), "oidc.issuer-http", O),
    ("roles-9.2", edit(DCACHE_CONF, "provider!site", "provider!"), "oidc.alias-missing", L),
    ("roles-9.2", edit(DCACHE_CONF, "-prefix=/pnfs/example.net/escape", "-prefix=/"), "oidc.prefix-root", W),
    ("roles-9.2", with_default_map, "gplazma.argument-misspelt", W),
    ("roles-9.2", edit(DCACHE_CONF, "realms/users ", "realms/users/ "), "oidc.issuer-slash", W),
    ("modern-11.2", edit(LAYOUT_11, "-suppress=offline", "-suppress=audience"), "oidc.audience-suppressed", W),
    ("roles-9.2", edit(DCACHE_CONF, "cnaf.infn.it/ -profile", "cnaf.infn.it -profile"), "oidc.issuer-slash", W),
    (
        "roles-9.2",
        lambda one: replace(one, issuers=("https://sso.example.net/auth/realms/users/",)),
        "oidc.issuer-slash",
        L,
    ),
    ("roles-9.2", edit(DCACHE_CONF, AUDIENCES_9, ""), "oidc.audience-empty", L),
    ("roles-9.2", edit(DCACHE_CONF, "any account", "any,account"), "oidc.audience-comma", E),
    ("roles-9.2", edit(DCACHE_CONF, "any account", 'any "account'), "oidc.quote", E),
    (
        "groups-8.2",
        edit("/etc/dcache/layouts/site.conf", "gplazma.oidc.audience-targets = https://wlcg.cern.ch/jwt/v1/any", "#"),
        "oidc.audience-empty",
        W,
    ),
    (
        "groups-8.2",
        edit(
            "/etc/dcache/layouts/site.conf",
            "gplazma.oidc.provider!escape = https://iam-escape.cloud.cnaf.infn.it/",
            "dcache.oidc.provider!x = https://x/",
        ),
        "oidc.no-provider",
        L,
    ),
    ("roles-9.2", edit(DCACHE_CONF, '"username:escape uid:2000 gid:2000"', "username:escape uid:2000 gid:2000"), "oidc.ignored-word", E),
    ("scitoken-7.2", edit(DCACHE_CONF, "-accept=username", "-profile=wlcg"), "oidc.option-release", E),
    (
        "certificates-5.2",
        lambda one: with_tokens(one).edited(DCACHE_CONF, "sso.example.net", "https://sso.example.net/"),
        "oidc.hostnames-bad",
        L,
    ),
    ("groups-8.2", lambda one: replace(with_wlcg(one), release="8.0.20"), "oidc.profile-release", L),
    # the scitoken plug-in
    (
        "scitoken-7.2",
        add("/etc/dcache/multimap.conf", "op:wlgc username:w uid:1 gid:1,true\n"),
        "multimap.unknown-provider",
        E,
    ),
    ("scitoken-7.2", edit(DCACHE_CONF, " username:wlcg uid:3000 gid:3000", ""), "scitoken.principal", L),
    ("scitoken-7.2", of_2019, "scitoken.wlcg-release", W),
    ("scitoken-7.2", edit(DCACHE_CONF, " /pnfs/example.net/wlcg", ""), "scitoken.prefix", L),
    ("scitoken-7.2", edit(DCACHE_CONF, "-tokenHistory=10", "-tokenHistory=x"), "scitoken.history", L),
    ("scitoken-7.2", edit(DCACHE_CONF, "gplazma.scitoken.issuer!wlcg", "# gplazma.scitoken.issuer!wlcg"), "scitoken.no-issuer", L),
    ("scitoken-7.2", edit(DCACHE_CONF, "gplazma.scitoken.audience-targets", "# "), "scitoken.audience-empty", W),
    ("scitoken-7.2", edit(DCACHE_CONF, "= https://wlcg.cloud", "= wlcg.cloud"), "scitoken.issuer-bad", L),
    # files of the plug-ins
    ("roles-9.2", add(VO_9, "oidcgrp:/x gid\n"), "multimap.bad-line", L),
    ("roles-9.2", add(USERS_9, "dn:/C=XX/CN=Bob username:bob uid:bob gid:1,true\n"), "multimap.bad-line", E),
    (
        "scitoken-7.2",
        lambda one: replace(one.appended("/etc/dcache/multimap.conf", "op:ESCAPE gid:5\n"), release="7.2.5"),
        "multimap.type-release",
        L,
    ),
    (
        "certificates-5.2",
        lambda one: with_tokens(one).edited("/etc/dcache/multi-mapfile", "oidc:x ", "oidc:x@E "),
        "multimap.subject-release",
        E,
    ),
    ("scitoken-7.2", add("/etc/dcache/multimap.conf", "roles:admin gid:5\n"), "multimap.type-release", E),
    ("roles-9.2", add(USERS_9, "oidc:x@nowhere username:x uid:7 gid:7,true\n"), "multimap.unknown-provider", E),
    ("roles-9.2", add(USERS_9, "oidc:x username:x uid:7 gid:7,true\n"), "multimap.bare-subject", W),
    (
        "roles-9.2",
        edit(VO_9, "oidcgrp:/escape             username:escape uid:2000", "oidcgrp:/escape username:escape uid:0"),
        "multimap.root-for-many",
        O,
    ),
    ("modern-11.2", edit("/etc/dcache/multi-mapfile", "gid:2500,true", "gid:2500,true roles:admin"), "multimap.admin-for-many", O),
    ("roles-9.2", edit(OMNI, "DEFAULT  root:/ home:/", "DEFAULT  root:/ home:here"), "omnisession.bad-file", L),
    ("roles-9.2", add(OMNI, "group escape root:/\n"), "omnisession.bad-file", L),
    ("roles-9.2", add(OMNI, "DEFAULT root:/\n"), "omnisession.bad-file", L),
    ("roles-9.2", edit(OMNI, "gid:2000 root:/ home", "gid:2000 root:/ hom"), "omnisession.bad-line", L),
    ("roles-9.2", add(OMNI, "uid:1003 root:/ home:/ role:admin\n"), "omnisession.role-release", L),
    ("roles-9.2", add(OMNI, "uid:1003 root:/\thome:/\n"), "omnisession.tabs", L),
    ("roles-9.2", add(OMNI, "uid:1003\n"), "omnisession.empty-line", W),
    ("roles-9.2", add("/etc/dcache/ban.conf", "banned uid:1\n"), "ban.bad-line", L),
    ("roles-9.2", add("/etc/dcache/ban.conf", "ban role:x\n"), "ban.bad-line", L),
    ("certificates-5.2", add(AUTHZDB, "authorize lofar read-write 5000 / / /\n"), "authzdb.bad-line", L),
    ("certificates-5.2", add(AUTHZDB, "authorize escape read-write 2000 2000 / /pnfs/example.net/escape /\n"), "authzdb.twice", W),
    ("certificates-5.2", add(VOROLEMAP, '"*" /escape\n'), "vorolemap.bad-line", L),
    ("certificates-5.2", add(VOROLEMAP, '"*" escape\n'), "vorolemap.everybody", O),
    ("roles-9.2", lambda one: one.with_file(VO_9, None), "gplazma.file-missing", E),
    ("roles-9.2", lambda one: one.with_file(OMNI, None), "gplazma.file-missing", L),
    ("certificates-5.2", lambda one: one.with_file(VOROLEMAP, None), "gplazma.file-missing", L),
    ("roles-9.2", lambda one: one.with_file("/etc/dcache/htpasswd", None), "gplazma.file-missing", W),
    ("roles-9.2", lambda one: one.with_file(CONF, None), "gplazma.file-missing", L),
    # log-ins
    ("certificates-5.2", edit(CONF, "auth    optional  x509\nauth    optional  voms\n", ""), "gplazma.no-x509", L),
    ("roles-9.2", lambda one: one.with_file(CONF, "# auth optional x509\n"), "gplazma.no-auth", L),
    ("certificates-5.2", add(DCACHE_CONF, "gplazma.oidc.provider!x = https://x.example.net/\n"), "gplazma.no-tokens", E),
    ("certificates-5.2", edit(CONF, "auth    optional  voms\n", ""), "gplazma.no-voms", L),
    ("roles-9.2", edit(CONF, "auth     optional   oidc\n", ""), "gplazma.no-tokens", L),
    ("roles-9.2", edit(CONF, "auth     optional   x509", "auth     sufficient x509"), "gplazma.modifier-order", L),
    ("roles-9.2", edit(CONF, "auth     optional   oidc", "auth     required   oidc"), "gplazma.auth-required", L),
    ("roles-9.2", edit(CONF, "map      optional   multimap", "map      requisite  multimap"), "gplazma.requisite-multimap", L),
    (
        "roles-9.2",
        edit(VO_9, "fqan:/escape                username:escape uid:2000 gid:2000,true", "fqan:/escape username:escape uid:2000 gid:2000"),
        "gplazma.no-primary-gid",
        L,
    ),
    ("roles-9.2", edit(USERS_9, "gid:1003,true", "gid:1003"), "gplazma.no-primary-gid", E),
    ("certificates-5.2", add(VOROLEMAP, '"*" "/lofar" lofar\n'), "gplazma.phase-refuses", L),
    ("roles-9.2", edit(OMNI, "DEFAULT  root:/ home:/\n", ""), "gplazma.no-session", E),
    ("modern-11.2", edit(CONF, "session  requisite  omnisession\n", ""), "gplazma.no-session", L),
    ("modern-11.2", edit(CONF, "map      optional   multimap\n", ""), "gplazma.no-identity", L),
    ("roles-9.2", add(VO_9, "oidcgrp:/escape/pilots username:pilot uid:2050 gid:2050,true\n"), "multimap.overlap", L),
    ("roles-9.2", add(VO_9, "fqan:/escape/Role=pilot username:pilot uid:2050 gid:2050,true\n"), "multimap.overlap", L),
    ("modern-11.2", add("/etc/dcache/multi-mapfile", "oidcgrp:/escape/y username:y uid:9 gid:9,true\n"), "gplazma.several-identities", L),
    ("groups-8.2", add("/etc/dcache/vo.map", '"dn:/C=XX/CN=Bob" username:bob uid:7 gid:7,true\n'), "multimap.overlap", W),
    ("groups-8.2", add("/etc/dcache/vo.map", "oidcgrp:/escape/ska username:ska uid:2003 gid:2003,true\n"), "multimap.overlap", W),
    (
        "certificates-5.2",
        edit("/etc/dcache/layouts/head.conf", "webdav.authn.protocol = https", "webdav.authn.basic = true"),
        "door.password-over-http",
        O,
    ),
    ("roles-9.2", edit(LAYOUT_9, "mode = STRICT", "mode = OFF"), "door.xrootd-token-without-tls", W),
    (
        "modern-11.2",
        lambda one: one.edited(LAYOUT_11, "gplazma.roles.qos-gid = 2000\n", "").edited(OMNI, " role:qos-user", ""),
        "qos.no-role",
        W,
    ),
    ("groups-8.2", edit("/etc/dcache/layouts/site.conf", "disk:/dteam", "dteam"), "publish.srr-shares", E),
    ("roles-9.2", edit(WELLKNOWN, '"version": "v1"', '"versions": "v1"'), "tape.wellknown", E),
    ("roles-9.2", edit(WELLKNOWN, "]", ""), "tape.wellknown", E),
    (
        "roles-9.2",
        lambda one: replace(
            one, policies={"/etc/p.json": '{"name": "p", "states": [{"duration": "P1M", "media": [{"storageMedium": "HSM"}]}]}'}
        ),
        "qos.policy",
        E,
    ),
    (
        "groups-8.2",
        lambda one: replace(one, policies={"/etc/p.json": '{"name": "p", "states": [{"media": [{"storageMedium": "HSM"}]}]}'}),
        "qos.policy-release",
        E,
    ),
    ("groups-8.2", edit("/etc/dcache/LinkGroupAuthorization.conf", "LinkGroup spare", "Linkgroup spare"), "space.link-group-file", E),
    ("groups-8.2", lambda one: one.with_file("/etc/dcache/LinkGroupAuthorization.conf", None), "space.link-group-file", W),
    ("groups-8.2", edit("/etc/dcache/LinkGroupAuthorization.conf", "\n\n# the rest\n", "\n"), "space.link-group-swallowed", E),
    (
        "groups-8.2",
        edit("/etc/dcache/LinkGroupAuthorization.conf", "LinkGroup reserved", "LinkGroup Reserved"),
        "space.link-group-unknown",
        W,
    ),
    # pool selection
    ("roles-9.2", add(POOLMANAGER, "rc set stage on\n"), "psu.rc-set-stage", E),
    ("roles-9.2", add(POOLMANAGER, "pm set -stage allowed=yes\n"), "psu.stage-typo", E),
    ("roles-9.2", add(POOLMANAGER, "pm set default -stage allowed=yes\n"), "psu.stage-typo", E),
    ("roles-9.2", add(POOLMANAGER, "psu addto pgroup disk-pools disk9\n"), "psu.refused", E),
    ("roles-9.2", add(POOLMANAGER, "psu create unit -net 10.0.0.0/99\n"), "psu.refused", E),
    ("roles-9.2", edit(POOLMANAGER, "pm set default -stage-allowed=yes\n", ""), "psu.stage-not-allowed", E),
    ("groups-8.2", edit(POOLMANAGER, "onlineAllowed reserved true", "onlineAllowed reserved yes"), "psu.linkgroup-value", W),
    ("roles-9.2", lambda one: flushing(one).edited(POOLMANAGER, "-cachepref=10", "-cachepref=0"), "psu.class-without-stage", E),
    ("roles-9.2", add(POOLMANAGER, "psu create linkGroup lg -rest\n"), "psu.unknown-option", W),
    ("roles-9.2", add(POOLMANAGER, "pm set default -max-copy=3\n"), "psu.unknown-option", W),
    (
        "roles-9.2",
        lambda one: (
            replace(one, areas=())
            .edited(POOLMANAGER, "psu create unit -net 0.0.0.0/0.0.0.0\n", "")
            .edited(POOLMANAGER, "psu addto ugroup world 0.0.0.0/0.0.0.0\n", "")
        ),
        "psu.no-network-family",
        W,
    ),
    (
        "groups-8.2",
        lambda one: replace(one.appended(POOLMANAGER, "psu create pgroup n\npsu addto pgroup n @disk\n"), release="8.1.9"),
        "psu.nested-release",
        E,
    ),
    ("scitoken-7.2", lambda one: replace(one.edited(DCACHE_CONF, " -accept=username", ""), release="7.0.30"), "psu.primary-release", W),
    ("roles-9.2", edit(POOLMANAGER, "-writepref=10 -cachepref=10", "-writepref=0 -cachepref=10"), "psu.area-without-pools", E),
    (
        "roles-9.2",
        add(POOLMANAGER, "psu create unit -store escape:disk@*\npsu addto ugroup escape-disk escape:disk@*\n"),
        "psu.wildcard-unit",
        W,
    ),
    ("roles-9.2", add(POOLMANAGER, "psu create unit -net 10.0.0.0/8\n"), "psu.unit-unused", W),
    (
        "roles-9.2",
        add(POOLMANAGER, "psu create ugroup e\npsu create link l e\npsu set link l -readpref=1\npsu addto link l disk1\n"),
        "psu.ugroup-empty",
        E,
    ),
    (
        "roles-9.2",
        add(POOLMANAGER, "psu create link l escape-disk escape-tape\npsu set link l -readpref=1\npsu addto link l disk1\n"),
        "psu.link-unmatchable",
        E,
    ),
    ("roles-9.2", add(POOLMANAGER, "psu create link l world\npsu set link l -readpref=1\n"), "psu.link-empty", W),
    ("roles-9.2", add(POOLMANAGER, "psu create link l world\npsu addto link l disk1\n"), "psu.link-forbidden", W),
    ("roles-9.2", add(POOLMANAGER, "psu set link disk-link -section=none-such\n"), "psu.unknown-partition", W),
    (
        "certificates-5.2",
        add(
            POOLMANAGER,
            "psu create linkGroup g\npsu create link l any-store\npsu set link l -writepref=1\n"
            "psu addto link l pool1\npsu addto linkGroup g l\n",
        ),
        "psu.linkgroup-without-reservation",
        E,
    ),
    ("roles-9.2", add(POOLMANAGER, "psu create pool disk3\n"), "psu.pool-unreachable", W),
    (
        "roles-9.2",
        add(POOLMANAGER, "psu create pool disk3\npsu create pgroup spare\npsu addto pgroup spare disk3\n"),
        "psu.pgroup-unreachable",
        W,
    ),
    ("roles-9.2", add(POOLMANAGER, "psu create pgroup g\npsu addto link disk-link g\n"), "psu.pgroup-empty", W),
    ("roles-9.2", add(POOLMANAGER, "psu create unit -store other:x@osm\n"), "psu.class-without-pools", E),
    ("roles-9.2", lambda one: replace(one, live=one.files[POOLMANAGER].replace("-readpref=10", "-readpref=5", 1)), "psu.not-reloaded", W),
]


@pytest.mark.parametrize("name", SITES)
def test_a_sound_site_yields_nothing_above_notice(name: str) -> None:
    assert [str(finding) for finding in site(name).serious()] == []


@pytest.mark.parametrize(
    ("name", "change", "rule", "severity"), MUTATIONS, ids=[f"{rule}-{number}" for number, (_n, _c, rule, _s) in enumerate(MUTATIONS)]
)
def test_one_mistake_yields_exactly_its_rule(name: str, change: Change, rule: str, severity: Severity) -> None:
    found = change(site(name)).serious()
    assert {(finding.rule, finding.severity) for finding in found} == {(rule, severity)}, "\n".join(map(str, found))


@pytest.mark.parametrize("change", [with_tokens, with_kpwd])
def test_other_styles_of_an_old_site_are_sound(change: Change) -> None:
    assert change(site("certificates-5.2")).serious() == []


LOCAL_DOOR = "webdav.authn.basic = true\nwebdav.net.listen = 127.0.0.1"
PLAIN_SCITOKEN = "op:wlcg uid:3000 gid:3000,true username:wlcg\n"


def members_by_tag(one: Site) -> Site:
    """A pool of this host and one of another in no group but a dynamic one."""
    return one.appended(
        LAYOUT_9, "[tagged]\n[tagged/pool]\npool.name = tag1\npool.path = /srv/tag1\npool.tags = media=tape rack=2\n"
    ).appended(
        POOLMANAGER,
        "psu create pool tag1\npsu create pool tag2\npsu create pgroup by-tag -dynamic -tags=media=tape\npsu addto link tape-link by-tag\n",
    )


SOUND: list[tuple[str, Change]] = [
    # the issuer of scitoken needs no principal where a map line takes all of its tokens
    (
        "scitoken-7.2",
        lambda one: one.edited(DCACHE_CONF, " username:wlcg uid:3000 gid:3000", "").appended("/etc/dcache/multimap.conf", PLAIN_SCITOKEN),
    ),
    # a group line may give roles alone, where capability tokens have their identity of -authz-id
    (
        "roles-9.2",
        edit(VO_9, "oidcgrp:/escape             username:escape uid:2000 gid:2000,true", "oidcgrp:/escape roles:qos-user"),
    ),
    ("roles-9.2", members_by_tag),
    ("roles-9.2", flushing),
    # what older releases saved, and new ones still take
    ("roles-9.2", add(POOLMANAGER, "set timeout pool 120\nset max threads -read 3\nrc set max threads 0\ncm set magic on\n")),
    # passwords outside: whom the lines of user names let in
    (
        "roles-9.2",
        lambda one: (
            one.with_file("/etc/dcache/htpasswd", None)
            .edited(CONF, "htpasswd", "jaas gplazma.jaas.name=LdapGplazma")
            .edited(DCACHE_CONF, " -accept=username,groups", "")
        ),
    ),
    # a door for a proxy on the same host
    ("certificates-5.2", lambda one: one.edited("/etc/dcache/layouts/head.conf", "webdav.authn.protocol = https", LOCAL_DOOR)),
]


@pytest.mark.parametrize(("name", "change"), SOUND)
def test_a_sound_change_yields_nothing_above_notice(name: str, change: Change) -> None:
    assert [str(finding) for finding in change(site(name)).serious()] == []


def test_a_pool_without_the_tags_of_a_dynamic_group_is_not_reached() -> None:
    found = members_by_tag(site("roles-9.2")).edited(LAYOUT_9, "media=tape rack", "media=disk rack").serious()
    assert [finding.rule for finding in found] == ["psu.pool-unreachable"]


def test_an_entitlement_is_a_group_not_a_whole_provider() -> None:
    line = "entitlement:urn:geant:y username:y uid:9 gid:9,true\n"
    one = add(VO_9, line + "email:bob@example.net username:bob uid:8 gid:8,true\n")(site("roles-9.2"))
    assert {finding.severity for finding in one.serious()} <= {W}


def test_overlaps_of_many_persons_with_one_group_are_one_finding() -> None:
    persons = "".join(f'"dn:/C=XX/CN=Person {uid}" username:u{uid} uid:{uid} gid:7,true\n' for uid in range(100, 140))
    found = add("/etc/dcache/vo.map", persons)(site("groups-8.2")).serious()
    assert [finding.rule for finding in found] == ["multimap.overlap"]
    assert found[0].line == 5
    assert "39 more: line 6, 7" in found[0].message


@pytest.mark.parametrize(
    ("name", "change", "hint"),
    [
        ("roles-9.2", add(VO_9, "fquan:/x username:x uid:1 gid:1,true\n"), "fqan:"),
        ("roles-9.2", add(USERS_9, "dn:/C=XX/CN=Bob Example username:bob uid:7 gid:7,true\n"), "double quotes"),
        ("roles-9.2", add(POOLMANAGER, "psu addto link disk-link disk-pool\n"), "disk-pools"),
        ("roles-9.2", add(POOLMANAGER, "psu crate pool x\n"), "psu create pool"),
    ],
)
def test_remedies_name_what_was_meant(name: str, change: Change, hint: str) -> None:
    assert any(hint in finding.remedy for finding in change(site(name)).serious())


def test_a_policy_on_the_host_is_checked() -> None:
    text = '{"name": "p", "states": [{"duration": "P1M", "media": [{"storageMedium": "HSM"}]}]}'
    found = site("roles-9.2").with_file("/etc/dcache/policies/p.json", text).serious()
    assert [(finding.rule, finding.file) for finding in found] == [("qos.policy", "etc/dcache/policies/p.json")]


def test_without_its_layout_nothing_is_said_of_properties_that_it_may_set() -> None:
    one = site("modern-11.2")
    assert one.with_file(LAYOUT_11, None).rules() == []


NOTICES: list[tuple[str, Change, str]] = [
    (
        "certificates-5.2",
        lambda one: one.with_file(AUTHZDB, None).with_file(VOROLEMAP, None).with_file(GRIDMAP, None),
        "gplazma.file-unseen",
    ),
    ("roles-9.2", lambda one: one.with_file("/etc/dcache/ban.conf", None), "gplazma.file-missing"),
    ("certificates-5.2", lambda one: one.with_file(GRIDMAP, None), "gplazma.file-missing"),
    ("modern-11.2", lambda one: one, "psu.nested-not-selected"),
    ("certificates-5.2", lambda one: one, "psu.obsolete"),
    ("roles-9.2", add(POOLMANAGER, "psu create ugroup idle\n"), "psu.ugroup-unused"),
    ("groups-8.2", edit("/etc/dcache/people.map", "oidc:alice-sub@escape", "oidc:alice-sub"), "multimap.bare-subject"),
]


@pytest.mark.parametrize(("name", "change", "rule"), NOTICES, ids=[rule for _name, _change, rule in NOTICES])
def test_worth_knowing_is_no_more_than_a_notice(name: str, change: Change, rule: str) -> None:
    one = change(site(name))
    assert one.serious() == []
    assert rule in {finding.rule for finding in one.findings()}


def test_a_lock_out_of_several_classes_names_them_all() -> None:
    found = edit(CONF, "auth     optional   x509", "auth     requisite  x509")(site("roles-9.2")).serious()
    assert [finding.rule for finding in found] == ["gplazma.auth-required"]
    assert all(name in found[0].message for name in ("capability tokens of escape", "user names with passwords"))


def test_a_warning_of_a_line_does_not_hide_its_lock_out() -> None:
    found = edit(CONF, "map      optional   multimap", "map      requisite  multimap verbose")(site("roles-9.2")).serious()
    assert {finding.rule for finding in found} == {"gplazma.ignored-argument", "gplazma.requisite-multimap"}


def test_findings_name_a_file_of_the_site_and_say_what_to_do() -> None:
    for name, change, rule, _severity in MUTATIONS:
        one = change(site(name))
        for finding in one.serious():
            lines = one.files.get("/" + finding.file, "").count("\n") + 1
            assert finding.file.startswith(("etc/", "var/")), rule
            assert 0 <= finding.line <= lines, str(finding)
            assert finding.message, rule
            assert finding.remedy, rule
            assert finding.source, rule


AREAS_OF_RULES = "gplazma|oidc|scitoken|multimap|omnisession|ban|authzdb|vorolemap|psu|door|qos|publish|tape|space"


def test_every_rule_is_in_the_documentation_and_has_a_test() -> None:
    sources = [Path(module.__file__).read_text("utf-8") for module in RULE_MODULES]
    rules = {rule for text in sources for rule in re.findall(rf'"((?:{AREAS_OF_RULES})\.[a-z0-9-]+)"', text)}
    tested = {rule for _name, _change, rule, _severity in MUTATIONS} | {rule for _name, _change, rule in NOTICES}
    assert rules == tested
    page = (Path(__file__).parents[3] / "docs" / "dcache-login-checks.md").read_text("utf-8")
    assert {rule for rule in rules if f"`{rule}`" not in page} == set()
