# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a release of dCache makes of ``gplazma.oidc.provider!*``, ``gplazma.oidc.hostnames`` and ``gplazma.scitoken.issuer!*``.

Source: dCache OidcAuthPlugin.java, IdentityProvider.java, profiles/*.java, SciTokenPlugin.java at the tags named in dcache_release.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_release import (
    OIDC_ACCEPT,
    OIDC_HOSTNAMES,
    OIDC_PROFILE,
    OIDC_SCOPE_PROFILES,
    OIDC_SUPPRESS,
    Release,
    Span,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import banfile
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.dcache_args import Args, parse_args
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.principals import Principal, split_principal

PROVIDER = "gplazma.oidc.provider!"
HOSTNAMES = "gplazma.oidc.hostnames"
AUDIENCES = "gplazma.oidc.audience-targets"
SCITOKEN_ISSUER = "gplazma.scitoken.issuer!"
SCITOKEN_AUDIENCES = "gplazma.scitoken.audience-targets"
LEFTOVER = "dcache.oidc.provider!"
OPTION_SPANS: dict[str, Span] = {
    "accept": OIDC_ACCEPT,
    "profile": OIDC_PROFILE,
    "prefix": OIDC_SCOPE_PROFILES,
    "authz-id": OIDC_SCOPE_PROFILES,
    "non-authz-id": OIDC_SCOPE_PROFILES,
    "suppress": OIDC_SUPPRESS,
}
OPTIONS_OF_PROFILE = {
    "oidc": {"profile", "accept", "suppress"},
    "wlcg": {"profile", "prefix", "authz-id", "non-authz-id", "suppress"},
    "scitokens": {"profile", "prefix", "suppress"},
}


@dataclass(frozen=True)
class Provider:
    """A token issuer. property: where it is configured. alias: its name in ``oidc:SUB@ALIAS`` and ``op:ALIAS``."""

    property: str
    alias: str
    issuer: str
    args: Args
    scitoken: bool = False

    def profile(self, release: Release) -> str:
        """How tokens are understood: ``oidc``, ``wlcg``, ``scitokens`` or ``scitoken`` for the older plug-in."""
        if self.scitoken:
            return "scitoken"
        return (self.args.option("profile") if OIDC_PROFILE.covers(release) else None) or "oidc"

    def suppresses(self, check: str) -> bool:
        return any(check in value.split(",") for name, value in self.args.options if name == "suppress")

    def accepts(self, claim: str) -> bool:
        return claim in (self.args.option("accept") or "").split(",")

    def identity(self, option: str) -> tuple[Principal, ...]:
        """The principals of ``-authz-id`` or ``-non-authz-id``; of scitoken the words after the prefix. Bad ones are left out."""
        words = self.args.arguments[2:] if self.scitoken else (self.args.option(option) or "").split(" ")
        return subject_principals(words)


def subject_principals(words: tuple[str, ...] | list[str]) -> tuple[Principal, ...]:
    """Principals as dCache's Subjects.principalsFromArgs builds them: the first gid and fqan are primary, ``group:!x`` is."""
    found: list[Principal] = []
    for word in filter(None, words):
        try:
            principal = split_principal(word)
        except ValueError:
            continue
        kind, value = principal.kind, principal.value
        if kind in ("gid", "fqan"):
            value += ",false" if any(other.kind == kind for other in found) else ",true"
        elif kind == "group":
            value = f"{value[1:]},true" if value.startswith("!") else f"{value},false"
        found.append(Principal("username" if kind == "user" else kind, value))
    return tuple(found)


def principals_problem(words: tuple[str, ...] | list[str]) -> str:
    """Why dCache refuses a list of principals, or ""."""
    for word in filter(None, words):
        try:
            problem = banfile.principal_problem(split_principal(word))
        except ValueError as missing_colon:
            return str(missing_colon)
        if problem:
            return problem
    return ""


def providers(properties: Mapping[str, str], release: Release) -> tuple[Provider, ...]:
    """The providers of the plug-in oidc, by alias; those of ``hostnames`` have their host as alias."""
    found = []
    for name in sorted(properties):
        if name.startswith(PROVIDER):
            args = parse_args(properties[name])
            found.append(Provider(name, name[len(PROVIDER) :], args.arguments[0] if args.arguments else "", args))
    if OIDC_HOSTNAMES.covers(release):
        found += [Provider(HOSTNAMES, host, f"https://{host}/", Args()) for host in properties.get(HOSTNAMES, "").split()]
    return tuple(found)


def scitoken_issuers(properties: Mapping[str, str]) -> tuple[Provider, ...]:
    """The issuers of the plug-in scitoken."""
    found = []
    for name in sorted(properties):
        if name.startswith(SCITOKEN_ISSUER):
            args = parse_args(properties[name])
            found.append(Provider(name, name[len(SCITOKEN_ISSUER) :], args.arguments[0] if args.arguments else "", args, scitoken=True))
    return tuple(found)


def audiences(properties: Mapping[str, str]) -> tuple[str, ...]:
    return parse_args(properties.get(AUDIENCES, "")).arguments


def issuer_problem(issuer: str) -> str:
    """Why the plug-in refuses an issuer, or ""."""
    if not issuer:
        return "there is no issuer URL"
    try:
        parts = urlsplit(issuer)
    except ValueError as problem:
        return f"{issuer} is no URL: {problem}"
    if not parts.scheme or not parts.netloc:
        return f"{issuer} is no absolute URL"
    return ""
