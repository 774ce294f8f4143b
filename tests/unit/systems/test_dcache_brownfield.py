"""Sites that somebody else wrote: they get the lake's tokens by the smallest edit, and their users stay who they are."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.adopt import dcache as adopt
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import gplazma, tree
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding, Severity
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.gplazma_login import Class, Credential, LoginSetup
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.principals import Principal
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError
from ansible_collections.escape.datalake.plugins.plugin_utils.systems import dcache, dcache_restarts
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_draft import Draft
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_logins import Account
from dcache_descriptions import HOST, storage

FIXTURES = Path(__file__).parents[2] / "fixtures"
BASE = "/pnfs/example.net/escape"
ACCOUNTS = (Account(group="/escape", name="escape", uid=2000, gid=2000), Account(group="/escape/data-manager", gid=2001))
OWN = "etc/dcache/multimap-datalake.conf"


@dataclass(frozen=True)
class Site:
    """replaced: the lines of the site that are not there afterwards. restarts: domains that must be restarted. warned: rules whose warnings
    the site has before and keeps.
    """

    name: str
    release: str
    replaced: tuple[str, ...]
    restarts: tuple[str, ...]
    base: str = BASE
    accounts: tuple[Account, ...] = ACCOUNTS
    door: str = HOST
    vos: tuple[str, ...] = ("escape",)
    warned: tuple[str, ...] = ()

    @property
    def files(self) -> dict[str, str]:
        folder = next(each for each in (FIXTURES / "dcache-brownfield" / self.name, FIXTURES / "dcache" / self.name) if each.exists())
        found = {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in sorted(folder.rglob("*")) if path.is_file()}
        return {"etc/hostname": f"{HOST}\n", **found}

    def plan(self, files: dict[str, str] | None = None, **changes: Any) -> dcache.Site:
        doors = [{"scheme": "davs", "host": self.door, "port": 2880}, {"scheme": "root", "host": self.door, "port": 1094}]
        given = self.files if files is None else files
        vos = {"x509": {"vos": list(self.vos)}} if self.vos else {}
        wanted = storage(self.release, self.base, **{"doors": doors, **vos, **changes})
        host = given["etc/hostname"].strip()
        return dcache.plan(wanted, dcache.Options(host=host, accounts=self.accounts), given, self.release)

    def login(self, files: Any) -> LoginSetup:
        return Draft(files, self.release, files["etc/hostname"].strip()).login


SITES = (
    Site("certificates-5.2", "5.2.30", (), ("centralDomain", "doorsDomain")),
    Site(
        "hostnames-7.2",
        "7.2.43",
        ("xrootd.plugins = gplazma:gsi,authz:none",),
        ("dCacheDomain", "doors-se1"),
        warned=("dcache.property-deprecated",),
    ),
    Site(
        "scitoken-7.2",
        "7.2.19",
        ("gplazma.scitoken.audience-targets = https://wlcg.cern.ch/jwt/v1/any https://door.example.net:2880",),
        ("centralDomain", "doors"),
        accounts=(Account(group="/escape", name="escape", uid=4000, gid=4000), Account(group="/escape/data-manager", gid=4100)),
    ),
    Site(
        "certificates-9.2",
        "9.2.47",
        (
            "auth     required   x509",
            "map      requisite  multimap",
            "webdav.authn.require-client-cert = true",
            "xrootd.plugins = gplazma:gsi,authz:none",
            "xrootd.security.tls.mode = OFF",
        ),
        ("DavDomain", "XrootdDomain", "gPlazmaDomain"),
    ),
    Site(
        "roles-9.2",
        "9.2.30",
        ("gplazma.oidc.audience-targets = https://wlcg.cern.ch/jwt/v1/any account",),
        ("core", "doors"),
    ),
    Site("certificates-11.2", "11.2.5", ("map      requisite   multimap",), ("dCacheDomain",), vos=()),
    Site(
        "modern-11.2",
        "11.2.3",
        ("gplazma.oidc.audience-targets = https://wlcg.cern.ch/jwt/v1/any https://dcache.example.net",),
        ("doors", "login"),
        base="/escape",
    ),
)
EACH = pytest.mark.parametrize("site", SITES, ids=[site.name for site in SITES])


def serious(files: Any, release: str) -> list[Finding]:
    return [each for each in tree.check(files, tree.system_named("dcache"), release) if each.severity is not Severity.NOTICE]


def ids(setup: LoginSetup, credential: Credential) -> tuple[str, ...]:
    outcome = setup.login(credential)
    return tuple(sorted(str(one) for one in outcome.principals if one.kind in ("username", "uid", "gid"))) if outcome.ok else ()


def token(setup: LoginSetup, issuer: str, *groups: str) -> Credential:
    alias = next(provider.alias for provider in setup.providers if provider.issuer == issuer)
    return Credential(Class.TOKEN, (Principal("oidc", "nobody-known"), *(Principal("claim", group) for group in groups)), alias)


@EACH
def test_the_sites_are_sound_before(site: Site) -> None:
    assert [each for each in serious(site.files, site.release) if each.rule not in site.warned] == []


@EACH
def test_only_what_must_be_is_edited(site: Site) -> None:
    after = site.plan().texts
    gone = []
    for path, old in site.files.items():
        lines = difflib.ndiff(old.splitlines(keepends=True), after[path].splitlines(keepends=True))
        gone += [line[2:].rstrip("\n") for line in lines if line.startswith("- ")]
    assert sorted(gone) == sorted(site.replaced)


@EACH
def test_the_result_has_no_finding_above_notice(site: Site) -> None:
    assert [each for each in serious(site.plan().texts, site.release) if each.rule not in site.warned] == []


@EACH
def test_users_stay_who_they_are(site: Site) -> None:
    before, after = site.login(site.files), site.login(site.plan().texts)
    known = {one.credential for family in gplazma.families(before) for one in family.candidates}
    certificates = [each for each in known if each.kind in (Class.X509, Class.VOMS, Class.PASSWORD)]
    assert certificates
    for credential in known:
        if before.login(credential).ok:
            assert ids(after, credential) == ids(before, credential), credential


@EACH
def test_members_of_the_lake_get_in_with_tokens(site: Site) -> None:
    setup = site.login(site.plan().texts)
    issuer = "https://iam-escape.cloud.cnaf.infn.it/"
    slash = "" if site.release.startswith("5.2") else "/"
    account, managers = site.accounts
    expected = {f"uid:{account.uid}", f"gid:{account.gid},true", f"username:{account.name}"}
    assert expected <= set(ids(setup, token(setup, issuer, f"{slash}escape")))
    assert expected | {f"gid:{managers.gid},false"} <= set(
        ids(setup, token(setup, issuer, f"{slash}escape", f"{slash}escape/data-manager"))
    )
    assert ids(setup, token(setup, issuer, "/somebody-else")) in ((), ids(setup, token(setup, issuer)))


@EACH
def test_a_second_run_changes_nothing(site: Site) -> None:
    first = site.plan()
    again = site.plan(dict(first.texts))
    assert again.texts == first.texts
    assert again.files == ()


@EACH
def test_only_the_domains_that_must_are_restarted(site: Site) -> None:
    host = HOST
    names = dcache_restarts.digests(site.files, site.release, host)
    services = {dcache_restarts.unit(name): {"started": 50.0} for name in names}
    restarts = dcache_restarts.plan(site.files, site.plan().texts, site.release, host, services, now=100.0)
    assert sorted(restarts.reasons) == [dcache_restarts.unit(name) for name in sorted(site.restarts)]


@pytest.mark.parametrize("site", [site for site in SITES if site.name != "certificates-9.2"], ids=lambda site: site.name)
def test_the_result_is_adopted_and_planned_back_without_a_change(site: Site) -> None:
    adopted = adopt.adopt(site.plan().texts, site.release, HOST)
    assert [note for note in adopted.notes if "the role would" in note or "To be settled" in note] == []
    assert "https://iam-escape.cloud.cnaf.infn.it/" in [entry["url"] for entry in adopted.issuers.values()]


def test_an_issuer_whose_tokens_lead_elsewhere_is_not_turned() -> None:
    site = next(each for each in SITES if each.name == "modern-11.2")
    with pytest.raises(DescriptionError, match=r"Paths in tokens of escape are relative to /escape .*relative to /pnfs/other"):
        dcache.plan(storage(site.release, "/pnfs/other"), dcache.Options(host=HOST, accounts=site.accounts), site.files, site.release)


def test_a_group_adds_a_gid_to_whom_other_lines_make_of_its_members() -> None:
    site = next(each for each in SITES if each.name == "modern-11.2")
    access = [{"group": "/escape/data-manager", "rights": "write"}]
    areas = [{"name": "fast", "path": "/escape/fast", "qos": "FAST", "capacity": "50TB", "media": "ssd", "access": access}]
    wanted = storage(site.release, "/escape", areas=areas)
    setup = site.login(dcache.plan(wanted, dcache.Options(host=HOST, accounts=ACCOUNTS[1:]), site.files, site.release).texts)
    member = token(setup, "https://iam-escape.cloud.cnaf.infn.it/", "/escape/data-manager")
    assert {"uid:2000", "gid:2000,true", "gid:2001,false"} <= set(ids(setup, member))


def test_a_door_node_gets_doors_and_no_logins() -> None:
    site = Site("door-9.2", "9.2.47", (), (), door="door1.example.net")
    after = site.plan()
    assert [each.path for each in after.files] == ["/etc/dcache/layouts/doors.conf"]
    layout = after.texts["etc/dcache/layouts/doors.conf"]
    assert "[dav-${host.name}/xrootd]\nxrootd.net.port = 1094\nxrootd.security.tls.mode = STRICT\n" in layout
    assert "transfermanagers" not in layout
    assert "gplazma.conf" not in str(sorted(after.texts))


def test_a_pool_node_is_left_alone() -> None:
    files = {
        "etc/hostname": "pool1.example.net\n",
        "etc/dcache/dcache.conf": "dcache.layout = pools\n",
        "etc/dcache/layouts/pools.conf": "[pools]\n[pools/pool]\npool.name = p1\npool.path = /srv/p1\n",
    }
    site = Site("door-9.2", "9.2.47", (), ())
    assert site.plan(files).files == ()


def test_hostnames_become_providers_when_the_release_forbids_them() -> None:
    site = Site("hostnames-7.2", "8.2.41", (), ())
    after = site.plan()
    conf = after.texts["etc/dcache/dcache.conf"]
    assert "gplazma.oidc.hostnames" not in conf
    assert "gplazma.oidc.provider!sso.example.net = https://sso.example.net/\n" in conf
    assert "gplazma.oidc.provider!iam-escape.cloud.cnaf.infn.it = https://iam-escape.cloud.cnaf.infn.it/\n" in conf
    assert any("hostnames" in note for note in after.notes)
    setup = site.login(after.texts)
    bob = Credential(Class.TOKEN, (Principal("oidc", "2a2a2a2a-aaaa-bbbb-cccc-000000000002"),), "sso.example.net")
    assert "uid:3002" in ids(setup, bob)


def test_a_plain_provider_keeps_its_profile_until_another_is_asked_for() -> None:
    site = Site("groups-8.2", "8.2.30", (), (), accounts=(Account(group="/escape/pilots", name="pilots", uid=2001, gid=2001),))
    access = [{"group": "/escape/pilots", "rights": "write"}]
    areas = [{"name": "fast", "path": f"{BASE}/fast", "qos": "FAST", "capacity": "50TB", "media": "ssd", "access": access}]
    after = site.plan(areas=areas)
    layout = after.texts["etc/dcache/layouts/site.conf"]
    assert "gplazma.oidc.provider!escape = https://iam-escape.cloud.cnaf.infn.it/\n" in layout
    assert any("dcache_profiles: {escape: wlcg}" in note for note in after.notes)
    options = dcache.Options(host=HOST, accounts=site.accounts, profiles=(("escape", "wlcg"),))
    asked = dcache.plan(storage(site.release, BASE, areas=areas), options, site.files, site.release)
    layout = asked.texts["etc/dcache/layouts/site.conf"]
    assert (
        f'{"https://iam-escape.cloud.cnaf.infn.it/"} -profile=wlcg -prefix={BASE} -authz-id="username:pilots uid:2001 gid:2001"\n' in layout
    )


def test_a_group_that_would_take_users_from_others_is_refused() -> None:
    site = Site("groups-8.2", "8.2.30", (), ())
    with pytest.raises(DescriptionError, match=r"oidcgrp|claim:/escape/pilots.* is uid 2001 gid 2001 today and would be"):
        site.plan()


def test_declared_ids_that_contradict_those_in_use_are_refused() -> None:
    accounts = (Account(group="/escape", name="escape", uid=7777, gid=2000), ACCOUNTS[1])
    with pytest.raises(DescriptionError, match="uid 7777 and gid 2000, but this dCache maps its members to uid 2000"):
        Site("certificates-9.2", "9.2.47", (), (), accounts=accounts).plan()


def test_ids_that_are_in_use_need_no_declaration() -> None:
    site = Site("certificates-9.2", "9.2.47", (), (), accounts=ACCOUNTS[1:])
    assert "oidcgrp:/escape  " in site.plan().texts["etc/dcache/grid.map"]


def test_a_site_with_kpwd_keeps_it() -> None:
    files = {
        "etc/hostname": f"{HOST}\n",
        "etc/dcache/dcache.conf": "dcache.layout = k\n",
        "etc/dcache/layouts/k.conf": "[one]\ndcache.broker.scheme = none\n[one/gplazma]\n[one/webdav]\nwebdav.authn.protocol = https\n",
        "etc/dcache/gplazma.conf": "auth optional kpwd\nauth optional x509\nmap requisite kpwd\nsession requisite kpwd\n",
        "etc/dcache/dcache.kpwd": "version 2.1\n\nlogin anna read-write 1000 1000 / / /\n",
    }
    site = Site("kpwd", "9.2.47", (), (), vos=())
    first = site.plan(files)
    conf = first.texts["etc/dcache/gplazma.conf"]
    assert (
        "session  sufficient omnisession gplazma.omnisession.file=/etc/dcache/omnisession-datalake.conf\nsession requisite kpwd\n" in conf
    )
    assert "map      optional   kpwd\n" in conf
    assert "etc/dcache/dcache.kpwd" not in {each.path.lstrip("/") for each in first.files}
    setup = site.login(first.texts)
    assert "uid:2000" in ids(setup, token(setup, "https://iam-escape.cloud.cnaf.infn.it/", "/escape"))
    password = Credential(Class.PASSWORD, (Principal("username", "anna"),))
    assert setup.login(password).ok
    assert site.plan(dict(first.texts)).files == ()
