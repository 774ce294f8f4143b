"""A dCache that is written from nothing, for every release line: sound, and not changed by a second run."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import dcache_data, tree
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding, Severity
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.gplazma_login import Class, Credential, LoginSetup, Outcome
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.principals import Principal
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Storage
from ansible_collections.escape.datalake.plugins.plugin_utils.systems import dcache
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_draft import Draft
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_logins import Account, User
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_pools import Pool
from dcache_descriptions import ACCOUNTS, HOST
from dcache_descriptions import storage as storage_of_tokens
from hypothesis import given, settings
from hypothesis import strategies as st

RELEASES = (
    *("5.2.30", "6.0.40", "6.1.20", "6.2.20", "6.2.49", "7.0.10", "7.2.43", "8.0.20", "8.1.10", "8.2.41"),
    *("9.0.5", "9.2.47", "10.0.31", "10.2.25", "11.0.15", "11.2.5", "12.0.1"),
)
POOLS = (
    Pool("fast-1", HOST, "/srv/fast-1", "fast", 10**12, {"media": "ssd"}),
    Pool("cheap-1", HOST, "/srv/cheap-1", "cheap", None, {"media": "hdd"}),
)
CERTIFICATE = {"certificate_source": "/etc/grid-security/hostcert.pem", "key_source": "/etc/grid-security/hostkey.pem"}
HASH = "$apr1$abcdefgh$0123456789012345678901"


def options(**changes: Any) -> dcache.Options:
    return dcache.Options(**{"host": HOST, "accounts": ACCOUNTS, "pools": POOLS, **CERTIFICATE, **changes})


def storage(release: str, **changes: Any) -> Storage:
    return storage_of_tokens(release, **{"x509": {"vos": ["escape"]}, **changes})


def serious(files: Any, release: str) -> list[Finding]:
    found = tree.check({**files, "etc/hostname": f"{HOST}\n"}, tree.system_named("dcache"), release)
    return [finding for finding in found if finding.severity is not Severity.NOTICE]


def login(files: Any, release: str) -> LoginSetup:
    return Draft(files, release, HOST).login


def ids(outcome: Outcome) -> tuple[str, ...]:
    return tuple(sorted(str(one) for one in outcome.principals if one.kind in ("username", "uid", "gid")))


def token(*groups: str, alias: str = "escape", kind: Class = Class.TOKEN) -> Credential:
    return Credential(kind, (Principal("oidc", "somebody"), *(Principal("claim", group) for group in groups)), alias)


@pytest.mark.parametrize("release", RELEASES)
def test_a_new_dcache_is_sound_and_stays_as_it_is(release: str) -> None:
    site = dcache.plan(storage(release), options(), {}, release)
    assert serious(site.texts, release) == []
    again = dcache.plan(storage(release), options(), site.texts, release)
    assert [each.path for each in again.files if each.content is not None] == []
    assert again.texts == site.texts


@pytest.mark.parametrize("release", RELEASES)
def test_groups_and_vos_get_in_and_strangers_do_not(release: str) -> None:
    setup = login(dcache.plan(storage(release), options(), {}, release).texts, release)
    slash = "" if release in ("5.2.30", "6.0.40", "6.1.20", "6.2.20", "7.0.10") else "/"
    assert ids(setup.login(token(f"{slash}escape"))) == ("gid:2000,true", "uid:2000", "username:escape")
    managers = setup.login(token(f"{slash}escape", f"{slash}escape/data-manager"))
    assert ids(managers) == ("gid:2000,true", "gid:2001,false", "uid:2000", "username:escape")
    assert not setup.login(token(f"{slash}atlas")).ok
    proxy = Credential(Class.VOMS, (Principal("dn", "/C=XX/CN=A"), Principal("fqan", "/escape")))
    assert ids(setup.login(proxy)) == ("gid:2000,true", "uid:2000", "username:escape")
    assert not setup.login(Credential(Class.X509, (Principal("dn", "/C=XX/CN=A"),))).ok


@pytest.mark.parametrize("release", [release for release in RELEASES if not release.startswith(("5.2", "6.0"))])
def test_capability_tokens_become_the_account_of_the_issuer(release: str) -> None:
    setup = login(dcache.plan(storage(release), options(), {}, release).texts, release)
    outcome = setup.login(token(kind=Class.CAPABILITY))
    assert outcome.ok
    assert {"uid:2000", "username:escape"} <= set(ids(outcome))


def test_the_syntax_of_each_release() -> None:
    def texts(release: str) -> str:
        return "\n".join(dcache.plan(storage(release), options(), {}, release).texts.values())

    assert "gplazma.scitoken.issuer!" not in texts("6.0.40")
    assert "gplazma.oidc.provider!escape = https://iam-escape.cloud.cnaf.infn.it/\n" in texts("6.0.40")
    assert "gplazma.scitoken.issuer!escape = https://iam-escape.cloud.cnaf.infn.it/ /pnfs/example.net/escape username:escape" in texts(
        "7.2.43"
    )
    assert "audience-targets" not in texts("6.0.40")
    assert "gplazma.oidc.audience-targets" in texts("8.0.20")
    assert '-profile=wlcg -prefix=/pnfs/example.net/escape -authz-id="username:escape uid:2000 gid:2000"' in texts("8.1.10")
    assert "session  requisite  authzdb" in texts("6.2.20")
    assert "session  requisite  omnisession" in texts("6.2.49")
    assert "xrootd.plugins = gplazma:gsi,authz:scitokens" in texts("7.2.43")
    assert "xrootd.plugins" not in texts("9.2.47")
    assert "[centralDomain/cleaner]" in texts("8.2.41")
    assert "[centralDomain/cleaner-disk]" in texts("9.0.5")
    assert "roles:qos-group" in texts("9.2.47")
    assert "frontend.authn.oidc.client-secret =\n" in texts("11.2.5")


def test_several_issuers() -> None:
    release = "9.2.47"
    wanted = storage(release, issuers=["escape", "partner", "robots"])
    site = dcache.plan(wanted, options(profiles=(("robots", "scitokens"),)), {}, release)
    assert serious(site.texts, release) == []
    setup = login(site.texts, release)
    assert "uid:2500" in ids(setup.login(token("/partner", alias="partner")))
    assert "uid:2500" in ids(setup.login(token(alias="partner", kind=Class.CAPABILITY)))
    assert "uid:2600" in ids(setup.login(token(alias="robots", kind=Class.CAPABILITY)))
    assert dcache.plan(wanted, options(profiles=(("robots", "scitokens"),)), site.texts, release).texts == site.texts


def test_people_with_passwords_have_an_own_file_that_nobody_sees() -> None:
    release = "11.2.5"
    users = (User("admin", 0, 0, ("admin",), HASH),)
    site = dcache.plan(storage(release), options(users=users), {}, release)
    assert serious(site.texts, release) == []
    password = next(each for each in site.files if each.path == "/etc/dcache/htpasswd")
    assert (password.content, password.secret, password.owner, password.group, password.mode) == (
        f"admin:{HASH}\n",
        True,
        "root",
        "dcache",
        "0640",
    )
    setup = login(site.texts, release)
    assert "uid:0" in ids(setup.login(Credential(Class.PASSWORD, (Principal("username", "admin"),))))
    assert dcache.plan(storage(release), options(users=users), site.texts, release).texts == site.texts
    other = dcache.plan(storage(release), options(users=(User("admin", 0, 0, ("admin",), HASH + "x"),)), site.texts, release)
    assert [each.path for each in other.files if each.content is not None] == ["/etc/dcache/htpasswd"]


def test_what_is_not_declared_is_asked_for_all_at_once() -> None:
    with pytest.raises(DescriptionError) as caught:
        dcache.plan(storage("9.2.47", issuers=["escape", "robots"]), options(accounts=()), {}, "9.2.47")
    words = str(caught.value)
    assert "{group: /escape, name: NAME, uid: N, gid: N}" in words
    assert "{group: /escape/data-manager, gid: N}" in words or "data-manager" in words


def test_an_issuer_of_capabilities_needs_a_release_that_reads_them() -> None:
    with pytest.raises(DescriptionError, match=r"dCache 6\.0\.40 does not read the scopes"):
        dcache.plan(storage("6.0.40", issuers=["robots"]), options(), {}, "6.0.40")


def test_two_uids_for_one_member_are_refused() -> None:
    accounts = (ACCOUNTS[0], Account(group="/escape/data-manager", name="manager", uid=2001, gid=2001))
    with pytest.raises(DescriptionError, match="refuses a log-in with two uids"):
        dcache.plan(storage("9.2.47"), options(accounts=accounts), {}, "9.2.47")


def test_a_service_that_the_release_lacks_is_refused() -> None:
    domains = (dcache.DomainOptions("core", (dcache.Service("cleaner"),)),)
    with pytest.raises(DescriptionError, match=r"dCache 9.2.47 has no service cleaner, it is in 5.2 to 8.2"):
        dcache.plan(storage("9.2.47"), options(domains=domains), {}, "9.2.47")


def test_hosts_of_one_storage_carry_what_is_declared_for_them() -> None:
    release = "11.2.5"
    head = (
        dcache.DomainOptions(
            "central", tuple(map(dcache.Service, ("poolmanager", "pnfsmanager", "gplazma"))), {"dcache.broker.scheme": "core"}
        ),
    )
    doors = (
        dcache.DomainOptions(
            "doors-${host.name}", (dcache.Service("webdav", {"webdav.authz.readonly": "true"}), dcache.Service("frontend"))
        ),
    )
    zookeeper = "zk1.example.net:2181"
    central = dcache.plan(storage(release), options(domains=head, pools=(), zookeeper=zookeeper), {}, release)
    layout = central.texts["etc/dcache/layouts/se1.conf"]
    assert "[central/gplazma]" in layout
    assert "webdav" not in layout
    assert "etc/dcache/gplazma.conf" in central.texts
    node = dcache.plan(storage(release), options(host="door2.example.net", domains=doors, pools=(), zookeeper=zookeeper), {}, release)
    layout = node.texts["etc/dcache/layouts/door2.conf"]
    assert "[doors-${host.name}/webdav]\nwebdav.net.port = 2880\nwebdav.authn.protocol = https\nwebdav.authz.readonly = true\n" in layout
    assert "xrootd" not in layout
    assert "etc/dcache/gplazma.conf" not in node.texts
    pools = dcache.plan(
        storage(release),
        options(host="pool1.example.net", domains=(dcache.DomainOptions("poolsDomain"),), zookeeper=zookeeper),
        {},
        release,
    )
    assert (
        "[poolsDomain/pool]\npool.name = fast-1\npool.path = /srv/fast-1\npool.size = 1000000000000\npool.tags = media=ssd"
        in pools.texts["etc/dcache/layouts/pool1.conf"]
    )
    for site in (central, node, pools):
        assert "dcache.zookeeper.connection = zk1.example.net:2181\n" in site.texts["etc/dcache/dcache.conf"]
    assert ("/srv/fast-1/data", "dcache", "0755") in pools.directories


@settings(max_examples=60, deadline=None)
@given(
    release=st.sampled_from([f"{line.removesuffix('-dev')}.{patch}" for line in dcache_data.lines() for patch in (0, 10, 25)]),
    issuers=st.lists(st.sampled_from(["escape", "partner", "robots"]), unique=True),
    x509=st.booleans(),
    schemes=st.lists(st.sampled_from(["https", "root", "davs"]), unique=True).map(lambda more: ["davs", *more]),
    profile=st.sampled_from([(), (("escape", "oidc"),), (("escape", "wlcg"),)]),
    users=st.booleans(),
    external=st.booleans(),
)
def test_a_second_run_changes_nothing(
    release: str, issuers: list[str], x509: bool, schemes: list[str], profile: tuple[tuple[str, str], ...], users: bool, external: bool
) -> None:
    if release.startswith(("5.2", "6.0")):
        issuers = [name for name in issuers if name != "robots"]  # has capabilities only, which these releases do not know
    changes: dict[str, Any] = {
        "issuers": issuers,
        "doors": [{"scheme": scheme, "host": HOST, "port": 2880 + number} for number, scheme in enumerate(schemes)],
    }
    if not x509:
        changes["x509"] = {"vos": ["other"]}
    accounts = (*ACCOUNTS, Account(group="/other", name="other", uid=2700, gid=2700))
    given_options = options(
        accounts=tuple(each for each in accounts if not each.issuer or each.issuer in issuers),
        profiles=tuple(each for each in profile if each[0] in issuers),
        users=(User("admin", 0, 0, ("admin",), HASH),) if users else (),
        zookeeper="zk.example.net:2181" if external else None,
        database=dcache.Database("db.example.net", "dcache", "/etc/dcache/database-password") if external else dcache.Database(),
    )
    site = dcache.plan(storage(release, **changes), given_options, {}, release)
    again = dcache.plan(storage(release, **changes), given_options, site.texts, release)
    assert again.texts == site.texts
    assert [finding for finding in serious(site.texts, release) if finding.severity is not Severity.WARNING] == []


def test_a_profile_of_an_issuer_that_is_not_trusted_is_refused() -> None:
    with pytest.raises(DescriptionError, match="escap is not among the issuers of this storage"):
        dcache.plan(storage("9.2.47"), options(profiles=(("escap", "wlcg"),)), {}, "9.2.47")


def test_an_account_that_nobody_uses_is_told() -> None:
    notes = dcache.plan(storage("9.2.47"), options(), {}, "9.2.47").notes
    assert "dcache_accounts: robots is not among the issuers of this storage, so its account is not used here." in notes
