"""Checks of DPM: sound sites give nothing above a notice, and each rule finds its trap in a sound site with one edit."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import dpm, tree
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dpm_rules import RULES
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Severity
from dpm_sites import SITES, release_of, site

HEAD, DISK = dpm.HEAD, dpm.DISK
DAV = "etc/httpd/conf.d/zlcgdm-dav.conf"
MODULES = "etc/httpd/conf.modules.d/00-dav.conf"
TOKENS, CERTIFICATES, DISK_NODE = "tokens-1.15", "certificates-1.13", "disk-1.15"
PAGE = Path(__file__).parents[3] / "docs" / "dpm.md"


@pytest.mark.parametrize("name", SITES)
def test_sound_sites_give_nothing_above_a_notice(name):
    findings = tree.check(site(name), tree.detect(site(name)), release_of(name))
    assert [str(each) for each in findings if each.severity is not Severity.NOTICE] == []
    assert "dpm.end-of-life" in {each.rule for each in findings}


def test_xrootd_inside_dpm_is_part_of_it():
    assert tree.detect(site(TOKENS)).name == "dpm"
    assert "etc/xrootd/xrootd-dpmredir.cfg" in site(TOKENS)
    with pytest.raises(tree.UnknownTreeError):
        tree.detect([*site(TOKENS), "etc/dcache/dcache.conf"])


# rule, site, file, what is replaced (None: the text is added to the end), by what, line of the finding (None: not looked at)
CASES = [
    ("dpm.legacy-daemons", CERTIFICATES, "etc/sysconfig/rfiod", None, "RUN_RFIOD=yes\n", 0),
    ("dome.role", TOKENS, HEAD, "glb.role: head", "glb.role: disk", 3),
    ("dome.role", DISK_NODE, DISK, "glb.role: disk\n", "", 0),
    ("dome.key-blank", TOKENS, HEAD, "glb.role: head", " glb.role: head", 3),
    ("dome.key-blank", TOKENS, HEAD, "head.oidc.clientid:", "head.oidc.clientid :", None),
    ("dome.carriage-return", TOKENS, HEAD, "\n", "\r\n", 2),
    ("dome.tab", TOKENS, HEAD, "glb.role: head", "glb.role:\thead", 3),
    ("dome.line-too-long", TOKENS, HEAD, None, "head.db.host: " + "x" * 1100 + "\n", None),
    ("dome.list-mark", TOKENS, HEAD, "head.oidc.allowaudience[]: se.", "head.oidc.allowaudience: se.", None),
    ("dome.list-mark", TOKENS, HEAD, "glb.role:", "glb.role[]:", 3),
    ("dome.include-relative", TOKENS, HEAD, None, "INCLUDE conf.d\n", None),
    ("dome.key-twice", TOKENS, HEAD, None, "glb.role: head\n", None),
    ("dome.unknown-key", TOKENS, HEAD, "head.oidc.clientid", "head.oidc.client_id", None),
    ("dome.no-colon", TOKENS, HEAD, "glb.debug: 1", "glb.debug = 1", 2),
    ("dome.no-colon", TOKENS, HEAD, "glb.debug: 1", "glb.debug 1", 2),
    ("dome.no-colon-vendor", TOKENS, HEAD, None, "glb.task.purgetime = 3\n", None),
    ("dome.remark-behind", TOKENS, HEAD, "glb.debug: 1", "glb.debug: 1 # quiet", 2),
    ("dome.credentials-missing", TOKENS, HEAD, "glb.restclient.cli_certificate", "#", 0),
    ("dome.certificates-unchecked", TOKENS, HEAD, None, "glb.restclient.ssl_check: no\n", None),
    ("dome.domeurl-missing", DISK_NODE, DISK, "disk.headnode.domeurl", "#", 0),
    ("dome.authorize-missing", DISK_NODE, DISK, "glb.auth.authorizeDN", "#", 0),
    ("dome.authorize-quotes", TOKENS, HEAD, '"CN=se.annecy.example.org"', '"CN=se.annecy.example.org', 5),
    ("dome.authorize-pattern", TOKENS, HEAD, "CN=se.annecy", "CN=*.annecy", 5),
    ("dome.shared-key-short", DISK_NODE, DISK, "0d3f6a1be9c84725a1f0c6d2e8b7945f", "0d3f6a1b", 6),
    ("dome.secret-default", TOKENS, HEAD, "Zt4.rQ9s-plum", "changeme", None),
    ("dome.shared-key-differs", TOKENS, "etc/xrootd/xrootd-dpmredir.cfg", "0d3f", "ffff", 2),
    ("dome.oidc-too-new", CERTIFICATES, HEAD, None, "head.oidc.clientid: x\n", None),
    ("dome.issuer-shape", TOKENS, HEAD, '"/dpm/annecy.example.org/home/escape" "https', '"https', None),
    ("dome.issuer-not-https", TOKENS, HEAD, '"https://iam', '"http://iam', None),
    ("dome.issuer-prefix", TOKENS, HEAD, 'home/escape"', 'home/escape/"', None),
    (
        "dome.issuers-several",
        TOKENS,
        HEAD,
        None,
        'head.oidc.allowissuer[]: "/dpm/annecy.example.org/home/other" "https://other.example.org/"\n',
        None,
    ),
    (
        "dome.issuer-example",
        TOKENS,
        HEAD,
        None,
        'head.oidc.allowissuer[]: "/dpm/cern.ch/home/wlcg" "https://wlcg.cloud.cnaf.infn.it/"\n',
        None,
    ),
    ("dome.audience-missing", TOKENS, HEAD, "head.oidc.allowaudience", "#", None),
    ("dome.audience-bare-host", TOKENS, HEAD, "[]: se.annecy.example.org", "[]: https://x.example.org", None),
    ("dome.token-defects", TOKENS, HEAD, None, "", None),
    ("httpd.syntax", TOKENS, DAV, "</VirtualHost>", "", None),
    ("httpd.syntax", TOKENS, DAV, "</IfModule>\n\n  OIDCR", "</Location>\n\n  OIDCR", None),
    ("dav.both-modules", CERTIFICATES, MODULES, "#LoadModule", "LoadModule", 2),
    ("dav.certificate-required", TOKENS, DAV, "SSLVerifyClient optional", "SSLVerifyClient require", None),
    ("dav.certificate-unchecked", TOKENS, DAV, "SSLVerifyClient optional", "SSLVerifyClient optional_no_ca", None),
    ("dav.anonymous", TOKENS, DAV, "NSAnon nobody:nogroup", "NSAnon dteam", None),
    ("dav.clear-text", TOKENS, DAV, "NSSecureRedirect On", "NSSecureRedirect off", None),
    ("dav.trusted-dn", TOKENS, DAV, "NSSecureRedirect On", 'NSTrustedDNS "/CN=portal one" "/CN=two"', None),
    ("dav.no-third-party", TOKENS, DAV, "NSFlags Write RemoteCopy", "NSFlags Write", None),
    ("dav.macaroon-secret", TOKENS, DAV, "NSMacaroonSecret 6b1f0c2d9e8a7b3c", "NSMacaroonSecret 9\n  # ", None),
    ("dav.secret-default", TOKENS, DAV, "OIDCCryptoPassphrase walrus-honey-93", "OIDCCryptoPassphrase changeme", None),
    ("dav.old-tls", TOKENS, DAV, "SSLProtocol all -SSLv3 -TLSv1 -TLSv1.1", "SSLProtocol +TLSv1 +TLSv1.2", None),
    ("dav.oidc-keys-missing", TOKENS, DAV, "OIDCOAuthVerifyJwksUri", "#", None),
    ("dav.oidc-passphrase", TOKENS, DAV, "OIDCCryptoPassphrase", "#", None),
    ("dav.oidc-redirect", TOKENS, DAV, "OIDCRedirectURI", "#", None),
    ("dav.oidc-not-https", TOKENS, DAV, "JwksUri https", "JwksUri http", None),
    ("dav.oidc-unchecked", TOKENS, DAV, '  OIDCResponseType "code"', "  OIDCOAuthSSLValidateServer Off", None),
    ("dav.issuer-differs", TOKENS, HEAD, '"https://iam.example.org/"', '"https://iam.example.org"', None),
    ("dav.issuers-one-keyset", TOKENS, HEAD, None, 'head.oidc.allowissuer[]: "/dpm/a/home/other" "https://other.example.org/"\n', None),
    ("dav.oidc-without-dome", TOKENS, HEAD, "head.oidc.allowissuer", "#", None),
    ("dome.oidc-without-dav", TOKENS, DAV, "OIDCOAuthVerifyJwksUri", "#", None),
    ("map.line", CERTIFICATES, "etc/lcgdm-mapfile", '"/C=IT/O=Naples/CN=Anna Prova" escape', "/C=IT/O=Naples/CN=Anna Prova escape", 1),
    ("map.twice", CERTIFICATES, "etc/lcgdm-mapfile", None, '"/C=IT/O=Naples/CN=Anna Prova" dteam\n', 3),
    ("map.generator-line", CERTIFICATES, "etc/lcgdm-mkgridmap.conf", "gmf_local", "gmf-local", 3),
]


@pytest.mark.parametrize(
    ("rule", "name", "file", "old", "new", "line"), CASES, ids=lambda value: value if isinstance(value, str) and "." in value[:8] else ""
)
def test_each_trap_is_found(rule, name, file, old, new, line):
    files = site(name)
    text = files.get(file, "")
    assert old is None or old in text
    files[file] = text + new if old is None else text.replace(old, new)
    found = [each for each in dpm.check(files, release_of(name)) if each.rule == rule]
    assert found, [str(each) for each in dpm.check(files, release_of(name))]
    assert found[0].file in (file, HEAD, DISK, DAV)
    if line is not None:
        assert found[0].line == line


def test_secrets_that_everybody_can_read():
    found = dpm.check(site(TOKENS), "1.15", {HEAD: {"mode": "0644"}, DAV: {"mode": "0640"}})
    assert [each.file for each in found if each.rule == "dpm.secret-readable"] == [HEAD]


@pytest.mark.parametrize(("release", "known"), [("1.15.2", True), ("", False), ("2.1", False)])
def test_unknown_releases_are_said_to_be_unknown(release, known):
    rules = {each.rule for each in dpm.check(site(TOKENS), release)}
    assert ("dpm.release-unknown" in rules) is not known


def test_every_rule_is_tested():
    assert {case[0] for case in CASES} | {"dpm.end-of-life", "dpm.secret-readable", "dpm.release-unknown"} == set(RULES)


def test_the_page_names_every_rule():
    assert set(re.findall(r"^\| `((?:dpm|dome|dav|httpd|map)\.[a-z-]+)` \|", PAGE.read_text(), re.MULTILINE)) == set(RULES)
