# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of the web server of a DPM node: zlcgdm-dav.conf and what stands beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dpm_rules import finding
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import apache_conf
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.apache_conf import Directive, Document, Section

MAIN = "etc/httpd/conf.d/zlcgdm-dav.conf"
DEBIAN_MAIN = "etc/apache2/conf-enabled/zlcgdm-dav.conf"
FILES = (
    "etc/httpd/conf/httpd.conf",
    "etc/httpd/conf.d/*.conf",
    "etc/httpd/conf.modules.d/*.conf",
    "etc/apache2/apache2.conf",
    "etc/apache2/ports.conf",
    "etc/apache2/conf-enabled/*.conf",
    "etc/apache2/sites-enabled/*.conf",
    "etc/apache2/mods-enabled/*.load",
    "etc/apache2/mods-enabled/*.conf",
)
ROOTS = ("etc/httpd/", "etc/apache2/")
DAV, LCGDM_DAV = "mod_dav.so", "mod_lcgdm_dav.so"
MACAROON_LENGTH = 64
NOBODY = frozenset({"nobody", "nobody:nogroup", "nobody:nobody"})
SAMPLE_SECRETS = frozenset({"changeme", "change_me", "secret", "password", "yoursecret", "a-secret", "xxxx"})
SECRETS = ("NSMacaroonSecret", "OIDCCryptoPassphrase", "OIDCClientSecret")
JWKS, METADATA = "OIDCOAuthVerifyJwksUri", "OIDCProviderMetadataURL"
DISCOVERY = ".well-known/openid-configuration"


def check(files: Mapping[str, str], issuers: Mapping[str, tuple[str, int]], head: str) -> list[Finding]:
    """Every finding. issuers: what DOME accepts, issuer -> (prefix, line). head: not empty on a node with a domehead.conf."""
    documents = {path: apache_conf.parse(text) for path, text in sorted(files.items()) if path.startswith(ROOTS)}
    found: list[Finding] = []
    for path, document in documents.items():
        found += [finding("httpd.syntax", path, problem.line, f"Apache does not start: {problem.message}") for problem in document.problems]
    found += _about_modules(documents)
    for path, document in documents.items():
        found += _about_doors(path, document)
        found += _about_oidc(path, document)
    found += _about_certificates(documents, bool(issuers))
    found += _about_issuers(documents, issuers, bool(head))
    return found


def is_dav(document: Document) -> bool:
    """Whether a file configures DPM's doors."""
    return bool(document.find("NSFlags", "NSType", "NSDMLite", "DiskFlags", "DiskDMLite"))


def hosts_of(documents: Mapping[str, Document], name: str) -> list[tuple[str, Section | None, Directive]]:
    """Where a directive is, and the virtual host around it."""
    return [
        (path, next((each for each in directive.within if each.name.lower() == "virtualhost"), None), directive)
        for path, document in documents.items()
        for directive in document.find(name)
    ]


def issuer_of(metadata_url: str) -> str:
    """The issuer that an address of a discovery document belongs to."""
    return metadata_url.removesuffix(DISCOVERY)


def _about_modules(documents: Mapping[str, Document]) -> Iterator[Finding]:
    loads = [
        (path, each, each.args[1].rsplit("/", 1)[-1])
        for path, document in documents.items()
        for each in document.find("LoadModule")
        if len(each.args) > 1
    ]
    guarded = [each for _path, each, module in loads if module == LCGDM_DAV and _only_without_dav(each)]
    both = {module for _path, _each, module in loads} >= {DAV, LCGDM_DAV}
    for path, each, module in loads:
        if module == DAV and both:
            words = "mod_lcgdm_dav.so is not loaded beside it" if guarded else "it collides with mod_lcgdm_dav.so"
            yield finding("dav.both-modules", path, each.line, f"mod_dav.so is loaded: {words}, and DPM's doors do not work.")


def _only_without_dav(directive: Directive) -> bool:
    return any(each.name.lower() == "ifmodule" and each.argument.strip() == "!dav_module" for each in directive.within)


def _about_doors(path: str, document: Document) -> Iterator[Finding]:
    for each in document.find("NSAnon", "DiskAnon"):
        if each.args and each.args[0] not in NOBODY:
            yield finding("dav.anonymous", path, each.line, f"Everybody without certificate or token acts as {each.args[0]}.")
    for each in document.find("NSSecureRedirect"):
        if each.args and each.args[0].lower() == "off":
            yield finding("dav.clear-text", path, each.line, "Clients are sent to plain HTTP with a token in the address.")
    for each in document.find("NSTrustedDNS"):
        yield finding("dav.trusted-dn", path, each.line, f"{len(each.args)} clients may act on behalf of anybody.")
    for each in document.find("NSFlags", "DiskFlags"):
        flags = {word.lower() for word in each.args}
        if "write" in flags and "remotecopy" not in flags:
            yield finding("dav.no-third-party", path, each.line, f"{each.name} does not allow the COPY of third parties.")
    for each in document.find(*SECRETS):
        if each.args and each.args[0].lower() in SAMPLE_SECRETS:
            yield finding("dav.secret-default", path, each.line, f"{each.name} is a word of examples, which everybody can try.")
        elif each.name.lower() == "nsmacaroonsecret" and each.args and len(each.args[0]) < MACAROON_LENGTH:
            words = f"The secret has {len(each.args[0])} characters where {MACAROON_LENGTH} are asked for, so there are no macaroons."
            yield finding("dav.macaroon-secret", path, each.line, words)
    if is_dav(document):
        for each in document.find("SSLProtocol"):
            old = [word for word in each.args if word.lstrip("+").lower() in ("sslv3", "tlsv1", "tlsv1.1")]
            if old:
                yield finding("dav.old-tls", path, each.line, f"{', '.join(old)} can be broken.")


def _about_oidc(path: str, document: Document) -> Iterator[Finding]:
    for each in document.find(JWKS, METADATA):
        if each.args and not each.args[0].startswith("https://"):
            yield finding("dav.oidc-not-https", path, each.line, f"{each.args[0]} can be forged on the way.")
    for each in document.find("OIDCSSLValidateServer", "OIDCOAuthSSLValidateServer"):
        if each.args and each.args[0].lower() == "off":
            yield finding("dav.oidc-unchecked", path, each.line, "The certificate of the token issuer is not checked.")
    clients = document.find("OIDCClientID")
    if clients and not document.find("OIDCCryptoPassphrase"):
        yield finding(
            "dav.oidc-passphrase", path, clients[0].line, "Apache does not start with OIDCClientID and without OIDCCryptoPassphrase."
        )
    if clients and not document.find("OIDCRedirectURI"):
        yield finding("dav.oidc-redirect", path, clients[0].line, "Apache does not start with OIDCClientID and without OIDCRedirectURI.")
    about_people = document.find(METADATA, "OIDCClientID")
    if about_people and not document.find(JWKS):
        yield finding(
            "dav.oidc-keys-missing", path, about_people[0].line, "People can log in, but bearer tokens cannot be checked without keys."
        )


def _about_certificates(documents: Mapping[str, Document], tokens: bool) -> Iterator[Finding]:
    token_hosts = {section.first for path, section, _each in hosts_of(documents, JWKS) if section and is_dav(documents[path])}
    for path, document in documents.items():
        if not is_dav(document):
            continue
        for each in document.find("SSLVerifyClient"):
            word = each.args[0].lower() if each.args else ""
            host = next((section for section in each.within if section.name.lower() == "virtualhost"), None)
            if word == "optional_no_ca":
                yield finding("dav.certificate-unchecked", path, each.line, "Certificates that nobody signed are accepted as identities.")
            elif word == "require" and (tokens or (host and host.first in token_hosts)):
                yield finding(
                    "dav.certificate-required", path, each.line, "Clients with a token and without certificate do not get through TLS."
                )


def _about_issuers(documents: Mapping[str, Document], issuers: Mapping[str, tuple[str, int]], head: bool) -> Iterator[Finding]:
    """Whether Apache, which checks tokens, and DOME, which takes their issuers, agree."""
    metadata = [(path, each) for path, _host, each in hosts_of(documents, METADATA) if each.args]
    keys = [(path, each) for path, _host, each in hosts_of(documents, JWKS) if each.args]
    dome = "etc/domehead.conf"
    if keys and not issuers and head:
        path, each = keys[0]
        yield finding("dav.oidc-without-dome", path, each.line, "Apache checks tokens, but DOME accepts no issuer.")
    if issuers and not keys and any(is_dav(document) for document in documents.values()):
        line = min(line for _prefix, line in issuers.values())
        yield finding("dome.oidc-without-dav", dome, line, "DOME accepts an issuer whose tokens Apache does not check.")
    if len(issuers) > 1 and keys:
        path, each = keys[0]
        yield finding(
            "dav.issuers-one-keyset",
            path,
            each.line,
            f"{len(issuers)} issuers are accepted, and tokens are checked with the keys of one address.",
        )
    if issuers and metadata:
        path, each = metadata[0]
        if issuer_of(each.args[0]) not in issuers:
            accepted = ", ".join(issuers)
            words = (
                f"Apache checks tokens of {issuer_of(each.args[0])}, DOME accepts {accepted}: letter by letter, the slash at the end too."
            )
            yield finding("dav.issuer-differs", path, each.line, words)
