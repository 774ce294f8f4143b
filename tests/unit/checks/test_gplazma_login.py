"""The log-in model: modifiers, plug-ins and validation as dCache's PAMStyleStrategy and DoorValidationStrategy play them."""

from __future__ import annotations

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import gplazma
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_release import (
    OIDC_SUPPRESS,
    OMNISESSION,
    Release,
    parse_release,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.gplazma_login import Class, Credential, Failure, LoginSetup
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.principals import Principal
from dcache_site_fixture import SITES, site
from hypothesis import given, settings
from hypothesis import strategies as st

ALICE = Principal("dn", "/C=XX/O=Grid/CN=Alice Example")
MODERN = {
    "gplazma.oidc.provider!escape": "https://iam.example.net/ -profile=wlcg -prefix=/escape -authz-id='username:escape uid:2000 gid:2000'",
    "gplazma.oidc.audience-targets": "any",
}
SESSION = {"/etc/dcache/omnisession.conf": "DEFAULT root:/ home:/\n"}


def setup(conf: str, mapfile: str = "", release: str = "9.2.30", properties: dict[str, str] | None = None, **files: str) -> LoginSetup:
    every = {"/etc/dcache/gplazma.conf": conf, "/etc/dcache/multi-mapfile": mapfile, **SESSION, **files}
    return LoginSetup(parse_release(release), properties or {}, every)


def certificate(*fqans: str) -> Credential:
    return Credential(Class.VOMS if fqans else Class.X509, (ALICE, *(Principal("fqan", fqan) for fqan in fqans)))


STACK = "auth optional x509\nauth optional voms\nmap {} multimap\nsession requisite omnisession\n"
PERSON = f'"{ALICE}" username:alice uid:1 gid:1,true\n'


@pytest.mark.parametrize("modifier", ["optional", "sufficient", "required", "requisite"])
def test_a_mapped_person_gets_in_with_any_modifier(modifier: str) -> None:
    assert setup(STACK.format(modifier), PERSON).login(certificate()).ok


def test_requisite_ends_the_login_and_names_the_line() -> None:
    outcome = setup(STACK.format("requisite")).login(certificate())
    assert (outcome.failure, outcome.line, outcome.plugin) == (Failure.PHASE, 3, "multimap")


def test_optional_failure_shows_in_validation() -> None:
    assert setup(STACK.format("optional")).login(certificate()).failure is Failure.NO_IDENTITY


def test_a_required_failure_is_remembered_but_a_later_sufficient_success_forgets_it() -> None:
    failing = "map required vorolemap\nmap {} multimap\n"
    for modifier, ok in (("sufficient", True), ("optional", False)):
        conf = "auth optional x509\n" + failing.format(modifier) + "session requisite omnisession\n"
        outcome = setup(conf, PERSON, **{"/etc/grid-security/grid-vorolemap": '"/C=no" nobody\n'}).login(certificate())
        assert outcome.ok is ok


def test_all_matching_lines_of_a_file_are_merged() -> None:
    lines = PERSON + "fqan:/escape gid:5 group:escape\n"
    outcome = setup(STACK.format("optional"), lines).login(certificate("/escape"))
    assert outcome.ok
    assert {Principal("gid", "1,true"), Principal("gid", "5,false")} <= outcome.principals


def test_two_uids_fail_and_sufficient_keeps_them_apart() -> None:
    lines = PERSON + "fqan:/escape username:escape uid:5 gid:5,true\n"
    assert setup(STACK.format("optional"), lines).login(certificate("/escape")).failure is Failure.SEVERAL


def test_only_the_first_primary_gid_stays_primary() -> None:
    lines = PERSON + "fqan:/escape gid:5,true\n"
    outcome = setup(STACK.format("optional"), lines).login(certificate("/escape"))
    assert outcome.ok
    assert Principal("gid", "5,false") in outcome.principals


@pytest.mark.parametrize(
    ("match", "fqans", "ok"),
    [
        ("fqan:/escape", ["/escape/Role=production"], False),
        ("fqan:/escape", ["/escape/Role=production", "/escape"], True),
        ("fqan:/escape,true", ["/escape/Role=production", "/escape"], False),
        ("fqan:/escape,false", ["/escape/Role=production", "/escape"], True),
    ],
)
def test_fqans_match_whole_and_by_primary_mark(match: str, fqans: list[str], ok: bool) -> None:
    lines = f"{match} username:e uid:5 gid:5,true\n"
    assert setup(STACK.format("optional"), lines).login(certificate(*fqans)).ok is ok


def test_authz_id_makes_the_first_gid_primary() -> None:
    conf = "auth optional oidc\nmap optional multimap\nsession requisite omnisession\n"
    capability = Credential(Class.CAPABILITY, (), "escape")
    assert setup(conf, "", properties=MODERN).login(capability).ok
    assert not setup(conf.replace("map optional", "map requisite"), "", properties=MODERN).login(capability).ok


@pytest.mark.parametrize(
    ("option", "match", "others"),
    [
        ("", "oidcgrp:/escape", ["group:escape", "username:bob"]),
        ("-accept=groups", "group:escape", ["oidcgrp:/escape", "username:bob"]),
        ("-accept=username", "username:bob", ["group:escape"]),
    ],
)
def test_accept_decides_what_claims_become(option: str, match: str, others: list[str]) -> None:
    conf = "auth optional oidc\nmap optional multimap\nsession requisite omnisession\n"
    properties = {"gplazma.oidc.provider!x": f"https://op/ {option}"}
    token = Credential(Class.TOKEN, (Principal("claim", "/escape"), Principal("username", "bob")), "x")
    for wanted in (match, *others):
        one = setup(conf, f"{wanted} username:bob uid:1 gid:1,true\n", properties=properties)
        assert one.login(token).ok is (wanted == match)


def test_vorolemap_and_authzdb_of_the_2020_training() -> None:
    files = {
        "/etc/grid-security/grid-vorolemap": '"*" "/escape" escape\n',
        "/etc/grid-security/storage-authzdb": "version 2.1\nauthorize escape read-write 5 6,7 / / /\n",
    }
    conf = "auth optional x509\nauth optional voms\nmap optional vorolemap\nmap requisite authzdb\nsession requisite authzdb\n"
    outcome = setup(conf, release="5.2.30", **files).login(certificate("/escape/sub/Role=x"))
    assert outcome.ok
    assert {
        Principal("uid", "5"),
        Principal("gid", "6,true"),
        Principal("gid", "7,false"),
        Principal("username", "escape"),
    } <= outcome.principals
    assert not setup(conf, release="5.2.30", **files).login(certificate("/other")).ok


def test_what_is_not_at_hand_may_succeed() -> None:
    conf = "auth optional x509\nmap optional vorolemap\nmap requisite authzdb\nsession requisite authzdb\n"
    assert setup(conf).login(certificate("/escape")).ok


def test_patch_releases_carry_back_ports() -> None:
    assert [
        OMNISESSION.covers(Release(*numbers)) for numbers in ((6, 1, 40), (6, 2, 25), (6, 2, 26), (7, 0, 14), (7, 0, 15), (12, 0, 0))
    ] == [
        False,
        False,
        True,
        False,
        True,
        True,
    ]
    assert OIDC_SUPPRESS.covers(parse_release("8.2"))
    assert not OIDC_SUPPRESS.covers(parse_release("8.2.16"))
    with pytest.raises(ValueError, match="no release"):
        parse_release("latest")


WORDS = st.sampled_from(
    [
        "auth",
        "map",
        "account",
        "session",
        "identity",
        "optional",
        "sufficient",
        "required",
        "requisite",
        "x509",
        "voms",
        "oidc",
        "scitoken",
        "multimap",
        "vorolemap",
        "authzdb",
        "banfile",
        "roles",
        "omnisession",
        "nsswitch",
        "htpasswd",
        "kpwd",
        "ldap",
        "gridmap",
        "krb5",
        "alise",
        "nis",
        "jaas",
        "a=b",
        "\n",
    ]
)


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(sorted(SITES)),
    words=st.lists(WORDS, max_size=25),
    junk=st.text(max_size=60),
    release=st.sampled_from(["5.2.0", "8.0.1", "12.0.1"]),
)
def test_any_configuration_is_judged_without_an_error(name: str, words: list[str], junk: str, release: str) -> None:
    one = site(name)
    files = {path: text + junk for path, text in one.files.items()} | {"/etc/dcache/gplazma.conf": " ".join(words)}
    properties = {"gplazma.oidc.provider!junk": junk, "gplazma.scitoken.issuer!junk": junk}
    gplazma.check(LoginSetup(parse_release(release), properties, files))


def test_a_map_file_of_a_big_site_is_judged_in_seconds() -> None:
    people = "".join(f'"dn:/C=XX/CN=Person {number}" username:p{number} uid:{number} gid:{number},true\n' for number in range(1000, 4000))
    one = setup(STACK.format("optional"), people)
    assert gplazma.check(one) == []
