# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules for what makes gPlazma refuse its configuration; then nobody can log in, X.509 included.

`dcache check-config` reads none of it. Sources: dCache GPlazma.java (buildSetup), PAMStyleConfigurationParser.java, OidcAuthPlugin.java,
profiles/*.java, SciTokenPlugin.java; issues dCache/dcache#7402 and #7540.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from urllib.parse import urlsplit

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import oidc_providers
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_release import (
    OIDC_AUDIENCE,
    OIDC_HOSTNAMES,
    OIDC_PROFILE,
    OIDC_SCOPE_PROFILES,
    SCITOKEN_WLCG,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding, Severity
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.gplazma_login import LoginSetup
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.gplazma_plugins import PLUGINS, available
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.oidc_providers import OPTION_SPANS, OPTIONS_OF_PROFILE, Provider
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.gplazma_conf import Phase, PluginLine
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.principals import is_number

Places = Mapping[str, tuple[str, int]]

_EVERYBODY = "gPlazma refuses the whole configuration and nobody can log in, X.509 included."
_BOOK = "dcache.md section 3.1"
_KEYCLOAK = re.compile(r"/realms/[^/]+/\Z")
_HOST = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*\Z", re.ASCII)
_IAM_HOSTS = re.compile(r"(?:iam[-.]|[^.]+-iam\.|wlcg\.cloud\.cnaf\.infn\.it\Z|[^.]+-auth\.(?:cern\.ch|web\.cern\.ch)\Z)", re.ASCII)


def check(setup: LoginSetup, places: Places, issuers: Collection[str] = ()) -> list[Finding]:
    """All findings about loading. issuers: URLs of the lake's issuers, as their tokens carry them."""
    found = [*_lines(setup), *_properties(setup, places)]
    if setup.uses("oidc"):
        found += _oidc(setup, places, issuers)
    if setup.uses("scitoken"):
        found += _scitoken(setup, places, issuers)
    return found


def shown(path: str) -> str:
    """A path as findings name it: relative to the root of the host."""
    return path.lstrip("/")


def place(setup: LoginSetup, places: Places, name: str, plugin: str) -> tuple[str, int]:
    """Where a property is assigned, else the first line of the plug-in that reads it."""
    if name in places:
        return places[name]
    return shown(setup.conf_path), next((number for number, line in setup.lines if line.plugin == plugin), 0)


def _lines(setup: LoginSetup) -> Iterator[Finding]:
    file = shown(setup.conf_path)
    for bad in setup.conf.problems():
        yield Finding(
            "gplazma.syntax", Severity.LOCK_OUT, file, bad.number, f"{bad.problem}: {_EVERYBODY}", "Write PHASE MODIFIER PLUGIN.", _BOOK
        )
    for number, line in setup.lines:
        yield from _plugin(setup, file, number, line)
        for word in line.dropped:
            yield Finding(
                "gplazma.ignored-argument",
                Severity.WARNING,
                file,
                number,
                f"{line.plugin}: the argument {word} has no `=` and is dropped silently.",
                "Write key=value, with quotes round the whole of it where the value has blanks.",
                "dCache PAMStyleConfigurationParser.java",
            )
        yield from _misspelt_arguments(setup, file, number, line)
        for key, value in line.arguments:
            if value[:1] in ("'", '"') or value[-1:] in ("'", '"'):
                yield Finding(
                    "gplazma.argument-quotes",
                    Severity.ERROR,
                    file,
                    number,
                    f"{line.plugin}: the quote in {key}={value} becomes part of the value.",
                    f'Put the quotes round the whole argument: "{key}=...".',
                    "dCache Strings.splitArgumentString",
                )


def _misspelt_arguments(setup: LoginSetup, file: str, number: int, line: PluginLine) -> Iterator[Finding]:
    known = [name for name in setup.properties if name.startswith(f"gplazma.{line.plugin}.")]
    for key, _value in line.arguments:
        near = difflib.get_close_matches(key, known, 1, 0.8) if key not in setup.properties else []
        if near:
            message = f"{line.plugin} knows no {key} and ignores it: {near[0]} = {setup.properties[near[0]]} holds."
            yield Finding("gplazma.argument-misspelt", Severity.WARNING, file, number, message, f"Write {near[0]}=...", _BOOK)


def _plugin(setup: LoginSetup, file: str, number: int, line: PluginLine) -> Iterator[Finding]:
    plugin = PLUGINS.get(line.plugin)
    if plugin is None:
        near = difflib.get_close_matches(line.plugin, available(setup.release), 1, 0.6)
        hint = f"Did you mean {near[0]}? " if near else ""
        yield Finding(
            "gplazma.unknown-plugin",
            Severity.LOCK_OUT,
            file,
            number,
            f"dCache has no plug-in {line.plugin}: {_EVERYBODY}",
            f"{hint}Remove the line unless a plug-in of that name is installed in the plug-in directory.",
            _BOOK,
        )
    elif not plugin.span.covers(setup.release):
        gone = plugin.span.gone is not None and setup.release >= plugin.span.gone
        when = f"was removed in {plugin.span.gone}" if gone else f"exists from {plugin.span.since()} only"
        yield Finding(
            "gplazma.plugin-release",
            Severity.LOCK_OUT,
            file,
            number,
            f"The plug-in {line.plugin} {when}; this is {setup.release}: {_EVERYBODY}",
            f"Use {plugin.instead}." if plugin.instead else "Remove the line.",
            "dcache.md sections 1 and 3.1; gplazma-plugins.xml of each release",
        )
    elif line.phase not in plugin.phases:
        yield Finding(
            "gplazma.wrong-phase",
            Severity.LOCK_OUT,
            file,
            number,
            f"{line.plugin} cannot stand in the phase {line.phase.value}: {_EVERYBODY}",
            f"It belongs to: {', '.join(plugin.phases)}.",
            _BOOK,
        )


_NUMBERS_OF_PLUGIN = {
    "roles": ("gplazma.roles.admin-gid", "gplazma.roles.observer-gid", "gplazma.roles.qos-gid"),
    "oidc": (
        "gplazma.oidc.discovery-cache",
        "gplazma.oidc.http.timeout",
        "gplazma.oidc.http.total-concurrent-requests",
        "gplazma.oidc.http.per-route-concurrent-requests",
        "gplazma.oidc.access-token-cache.size",
        "gplazma.oidc.access-token-cache.refresh",
        "gplazma.oidc.access-token-cache.expire",
    ),
    "scitoken": ("gplazma.scitoken.token-history",),
    "voms": ("gplazma.vomsdir.refresh-interval",),
}


def _properties(setup: LoginSetup, places: Places) -> Iterator[Finding]:
    for number, line in setup.lines:
        plugin = PLUGINS.get(line.plugin)
        if plugin is None or not plugin.span.covers(setup.release):
            continue
        missing = [name for name in plugin.required if not setup.value(line, name)]
        if missing:
            message = f"{line.plugin} does not load without {' and '.join(missing)}: {_EVERYBODY}"
            remedy = f"Set {', '.join(missing)}."
            yield Finding("gplazma.property-missing", Severity.LOCK_OUT, shown(setup.conf_path), number, message, remedy, _BOOK)
        for name in _NUMBERS_OF_PLUGIN.get(line.plugin, ()):
            value = setup.value(line, name)
            if value and "${" not in value and not is_number(value):
                file, at = place(setup, places, name, line.plugin)
                message = f"{name} = {value} is no number and {line.plugin} does not load: {_EVERYBODY}"
                yield Finding("gplazma.property-bad", Severity.LOCK_OUT, file, at, message, "Give a number.", "dCache PropertiesUtils.java")
        for name in ("gplazma.authzdb.uid", "gplazma.authzdb.gid") if line.plugin == "authzdb" else ():
            value = setup.value(line, name)
            bad = [word for word in value.split(",") if word and word.lower() not in ("uid", "gid", "login", "user", "group")]
            if bad and "${" not in value:
                file, at = place(setup, places, name, line.plugin)
                message = f"{name}: {bad[0]!r} is none of uid, gid, login, user, group and authzdb does not load: {_EVERYBODY}"
                yield Finding(
                    "gplazma.property-bad", Severity.LOCK_OUT, file, at, message, "List only these words.", "dCache AuthzDbPlugin.java"
                )


def _oidc(setup: LoginSetup, places: Places, issuers: Collection[str]) -> Iterator[Finding]:
    providers = setup.providers
    hostnames = setup.properties.get(oidc_providers.HOSTNAMES, "")
    if not providers:
        file, number = place(setup, places, oidc_providers.PROVIDER, "oidc")
        leftovers = [name for name in setup.properties if name.startswith(oidc_providers.LEFTOVER)]
        hint = f" {leftovers[0]} is a leftover that nothing reads." if leftovers else ""
        hint += f" {oidc_providers.HOSTNAMES} is not read from 8.2." if hostnames and not OIDC_HOSTNAMES.covers(setup.release) else ""
        yield Finding(
            "oidc.no-provider",
            Severity.LOCK_OUT,
            file,
            number,
            f"oidc is listed but no provider is configured: {_EVERYBODY}{hint}",
            "Set gplazma.oidc.provider!NAME = ISSUER.",
            f"{_BOOK}; dCache/dcache#5057, #5070",
        )
    for host in hostnames.split() if OIDC_HOSTNAMES.covers(setup.release) else ():
        if not _HOST.match(host):
            file, number = place(setup, places, oidc_providers.HOSTNAMES, "oidc")
            message = f"{host} in {oidc_providers.HOSTNAMES} is no host name: {_EVERYBODY}"
            yield Finding(
                "oidc.hostnames-bad",
                Severity.LOCK_OUT,
                file,
                number,
                message,
                "List host names, or use gplazma.oidc.provider!NAME.",
                "dCache OidcAuthPlugin.java (5.2-8.1)",
            )
    for provider in providers:
        if provider.property != oidc_providers.HOSTNAMES:
            yield from _provider(setup, places, provider)
            yield from _issuer_spelling(setup, places, provider, issuers)
    yield from _same_issuer(setup, places, providers, "oidc")
    yield from _whole_namespace(setup, places, providers)
    yield from _audiences(setup, places)


def _provider(setup: LoginSetup, places: Places, provider: Provider) -> Iterator[Finding]:
    file, number = place(setup, places, provider.property, "oidc")
    release = setup.release
    source = "dcache.md section 3.3; dCache/dcache#7402"

    def refused(rule: str, why: str, remedy: str) -> Finding:
        return Finding(rule, Severity.LOCK_OUT, file, number, f"{provider.property}: {why}: {_EVERYBODY}", remedy, source)

    if not provider.alias:
        yield refused("oidc.alias-missing", "the provider has no name after the exclamation mark", "Write gplazma.oidc.provider!NAME.")
    if problem := oidc_providers.issuer_problem(provider.issuer):
        yield refused("oidc.issuer-bad", problem, "Give the issuer URL first, as tokens carry it in `iss`.")
    elif provider.issuer.startswith("http:"):
        message = f"{provider.property}: {provider.issuer} is fetched without TLS; whoever sits between can issue tokens."
        yield Finding("oidc.issuer-http", Severity.OPEN, file, number, message, "Use the https issuer.", "OpenID Connect Discovery 1.0")
    if setup.properties.get(provider.property, "").count('"') % 2:
        message = f"{provider.property} has a quote without its partner: all that follows is one word."
        yield Finding("oidc.quote", Severity.ERROR, file, number, message, "Close the quote, or leave it out.", source)
    extra = provider.args.arguments[1:]
    if extra:
        message = f"{provider.property}: the word {extra[0]} after the issuer is ignored."
        remedy = 'Options begin with `-`; put double quotes round a value with blanks: -authz-id="p1 p2".'
        yield Finding("oidc.ignored-word", Severity.ERROR, file, number, message, remedy, source)
    names = [name for name, _value in provider.args.options]
    repeated = sorted({name for name in names if names.count(name) > 1 and name != "suppress"})
    if repeated and OIDC_PROFILE.covers(release):
        yield refused("oidc.repeated-option", f"-{repeated[0]} stands twice", "Give each option once; one issuer has one prefix (#7540).")
    profile = provider.args.option("profile")
    if profile is not None and OIDC_PROFILE.covers(release):
        if profile not in OPTIONS_OF_PROFILE:
            yield refused("oidc.profile-unknown", f"there is no profile {profile!r}", "Profiles are oidc, wlcg and scitokens.")
            return
        if profile != "oidc" and not OIDC_SCOPE_PROFILES.covers(release):
            yield refused("oidc.profile-release", f"the profile {profile} exists from 8.1", "Use the plug-in scitoken, or upgrade.")
            return
    yield from _options(setup, provider, file, number)
    known = provider.profile(release)
    if known in ("wlcg", "scitokens"):
        prefix = provider.args.option("prefix")
        if prefix is None:
            yield refused("oidc.prefix-missing", f"the profile {known} needs -prefix", "Add -prefix=/path/of/the/VO.")
        elif not prefix.startswith("/"):
            yield refused("oidc.prefix-relative", f"-prefix={prefix} is not absolute", "Begin it with /.")
    for option in ("authz-id", "non-authz-id") if known == "wlcg" else ():
        if problem := oidc_providers.principals_problem((provider.args.option(option) or "").split(" ")):
            yield refused("oidc.authz-id", f"-{option}: {problem}", "Write TYPE:VALUE, such as username:escape uid:2000 gid:2000.")
    accepted = provider.args.option("accept")
    for item in accepted.split(",") if accepted is not None and known == "oidc" else ():
        if item not in ("username", "groups"):
            yield refused("oidc.accept-item", f"-accept does not know {item!r}", "Items are username and groups.")


def _options(setup: LoginSetup, provider: Provider, file: str, number: int) -> Iterator[Finding]:
    profile = provider.profile(setup.release)
    for name, _value in dict.fromkeys(provider.args.options):
        span = OPTION_SPANS.get(name)
        if span is None:
            near = difflib.get_close_matches(name, OPTION_SPANS, 1, 0.6)
            hint = f"Did you mean -{near[0]}? " if near else ""
            message = f"{provider.property}: -{name} is no option and is ignored silently."
            remedy = f"{hint}Options are {', '.join('-' + option for option in OPTION_SPANS)}."
            yield Finding("oidc.unknown-option", Severity.ERROR, file, number, message, remedy, "dcache.md section 3.3; dCache/dcache#7577")
        elif not span.covers(setup.release):
            message = f"{provider.property}: -{name} exists from {span.since()}; {setup.release} ignores it silently."
            remedy = "Upgrade, or use what the release has (plug-in scitoken for token scopes before 8.1)."
            yield Finding("oidc.option-release", Severity.ERROR, file, number, message, remedy, "dcache.md section 1")
        elif name not in OPTIONS_OF_PROFILE.get(profile, ()):
            message = f"{provider.property}: -{name} has no meaning in the profile {profile} and is ignored silently."
            yield Finding(
                "oidc.option-profile",
                Severity.ERROR,
                file,
                number,
                message,
                "Choose the profile that the option belongs to.",
                "dcache.md section 3.3",
            )
    if provider.suppresses("audience") and OPTION_SPANS["suppress"].covers(setup.release):
        message = f"{provider.property}: tokens meant for any other service are accepted."
        remedy = "List the audiences in gplazma.oidc.audience-targets instead of -suppress=audience."
        yield Finding("oidc.audience-suppressed", Severity.WARNING, file, number, message, remedy, "RFC 7519 section 4.1.3")


def _issuer_spelling(setup: LoginSetup, places: Places, provider: Provider, issuers: Collection[str]) -> Iterator[Finding]:
    file, number = place(setup, places, provider.property, "oidc")
    other = provider.issuer.removesuffix("/") if provider.issuer.endswith("/") else provider.issuer + "/"
    remedy = f"Write the issuer as in the `iss` of its tokens: {other}"
    source = "dcache.md section 3.3; OpenID Connect Core 1.0 section 2"
    if provider.issuer not in issuers and other in issuers:
        message = f"{provider.property}: {provider.issuer} and the `iss` {other} differ in the last slash, so every token of it is refused."
        yield Finding("oidc.issuer-slash", Severity.LOCK_OUT, file, number, message, remedy, source)
    elif provider.issuer not in issuers and _KEYCLOAK.search(provider.issuer):
        message = (
            f"{provider.property}: {provider.issuer} looks like a Keycloak, whose `iss` ends without a slash; then every token is refused."
        )
        yield Finding("oidc.issuer-slash", Severity.WARNING, file, number, message, remedy, source)
    elif provider.issuer not in issuers and not provider.issuer.endswith("/"):
        parts = urlsplit(provider.issuer)
        if parts.path == "" and _IAM_HOSTS.match(parts.netloc):
            message = (
                f"{provider.property}: {parts.netloc} looks like an INDIGO IAM, whose `iss` ends with a slash; then every token is refused."
            )
            yield Finding("oidc.issuer-slash", Severity.WARNING, file, number, message, remedy, source)


def _same_issuer(setup: LoginSetup, places: Places, providers: tuple[Provider, ...], plugin: str) -> Iterator[Finding]:
    seen: dict[str, Provider] = {}
    for provider in providers:
        first = seen.setdefault(provider.issuer, provider)
        if first is not provider and provider.issuer:
            file, number = max((place(setup, places, one.property, plugin) for one in (first, provider)), key=lambda where: where[1])
            message = f"{first.property} and {provider.property} have the same issuer {provider.issuer}: {_EVERYBODY}"
            remedy = "Keep one provider for each issuer; it can have one prefix only."
            yield Finding("oidc.same-issuer", Severity.LOCK_OUT, file, number, message, remedy, "dcache.md section 3.1; dCache/dcache#7540")


def _whole_namespace(setup: LoginSetup, places: Places, providers: tuple[Provider, ...]) -> Iterator[Finding]:
    """Token scopes are not limited by permissions of the namespace, only by the prefix."""
    for provider in providers:
        if provider.profile(setup.release) not in ("wlcg", "scitokens") or (provider.args.option("prefix") or "x").strip("/"):
            continue
        others = ", ".join(other.alias for other in providers if other is not provider)
        file, number = place(setup, places, provider.property, "oidc")
        message = f"{provider.property}: with -prefix=/ the issuer's tokens may read, change and delete everything"
        message += f", what belongs to {others} too." if others else "."
        severity = Severity.WARNING if others else Severity.NOTICE
        remedy = "Set -prefix to the directory of the VO."
        yield Finding("oidc.prefix-root", severity, file, number, message, remedy, "dcache.md section 3.3")


def _audiences(setup: LoginSetup, places: Places) -> Iterator[Finding]:
    if not OIDC_AUDIENCE.covers(setup.release):
        return
    file, number = place(setup, places, oidc_providers.AUDIENCES, "oidc")
    targets = oidc_providers.audiences(setup.properties)
    if setup.properties.get(oidc_providers.AUDIENCES, "").count('"') % 2:
        message = f"{oidc_providers.AUDIENCES} has a quote without its partner: what follows is one audience, blanks included."
        yield Finding("oidc.quote", Severity.ERROR, file, number, message, "Close the quote, or leave it out.", "dCache Args.java")
    for target in targets:
        if "," in target:
            message = f"{oidc_providers.AUDIENCES}: {target} is one audience; the list is parted by blanks, not commas."
            yield Finding(
                "oidc.audience-comma", Severity.ERROR, file, number, message, "Part the audiences by blanks.", "dcache.md section 3.3"
            )
    checked = [provider for provider in setup.providers if not provider.suppresses("audience")]
    if targets or not checked:
        return
    scoped = [provider.alias for provider in checked if provider.profile(setup.release) != "oidc"]
    remedy = f"Set {oidc_providers.AUDIENCES}, for example https://wlcg.cern.ch/jwt/v1/any and the URLs of the doors."
    source = "dcache.md sections 1 and 3.3; dCache/dcache#6928"
    if scoped:
        message = f"{oidc_providers.AUDIENCES} is empty, and tokens of {', '.join(scoped)} carry `aud`: every one of them is refused."
        yield Finding("oidc.audience-empty", Severity.LOCK_OUT, file, number, message, remedy, source)
    else:
        message = f"{oidc_providers.AUDIENCES} is empty: from 8.0 a token that carries `aud` is refused."
        yield Finding("oidc.audience-empty", Severity.WARNING, file, number, message, remedy, source)


def _scitoken(setup: LoginSetup, places: Places, issuers: Collection[str]) -> Iterator[Finding]:
    source = "dcache.md section 1; dCache SciTokenPlugin.java"
    if not setup.scitoken_issuers:
        file, number = place(setup, places, oidc_providers.SCITOKEN_ISSUER, "scitoken")
        message = "scitoken is listed but no issuer is configured: it refuses every token."
        yield Finding("scitoken.no-issuer", Severity.LOCK_OUT, file, number, message, "Set gplazma.scitoken.issuer!NAME.", source)
    for issuer in setup.scitoken_issuers:
        file, number = place(setup, places, issuer.property, "scitoken")
        if problem := oidc_providers.issuer_problem(issuer.issuer):
            message = f"{issuer.property}: {problem}: {_EVERYBODY}"
            yield Finding("scitoken.issuer-bad", Severity.LOCK_OUT, file, number, message, "Give ISSUER /prefix PRINCIPAL...", source)
            continue
        prefix = issuer.args.arguments[1] if len(issuer.args.arguments) > 1 else ""
        if not prefix.startswith("/"):
            message = f"{issuer.property}: the path after the issuer is missing or not absolute: {_EVERYBODY}"
            yield Finding("scitoken.prefix", Severity.LOCK_OUT, file, number, message, "Give ISSUER /prefix PRINCIPAL...", source)
        words = issuer.args.arguments[2:]
        if problem := oidc_providers.principals_problem(words):
            message = f"{issuer.property}: {problem}: {_EVERYBODY}"
            yield Finding("scitoken.principal", Severity.LOCK_OUT, file, number, message, "Write TYPE:VALUE principals.", source)
        elif not words and not _mapped(setup, issuer):
            message = f"{issuer.property} names no principal: a token of it gives no identity."
            yield Finding(
                "scitoken.principal",
                Severity.LOCK_OUT,
                file,
                number,
                message,
                "Add username:NAME uid:N gid:N after the prefix, or map its tokens in a multimap file.",
                source,
            )
        history = issuer.args.option("tokenHistory")
        if history is not None and not is_number(history):
            message = f"{issuer.property}: -tokenHistory={history} is no number: {_EVERYBODY}"
            yield Finding("scitoken.history", Severity.LOCK_OUT, file, number, message, "Give a number.", source)
        if _IAM_HOSTS.match(urlsplit(issuer.issuer).netloc) and not SCITOKEN_WLCG.covers(setup.release):
            message = f"{issuer.property}: scitoken knows scopes of WLCG tokens from {SCITOKEN_WLCG.since()}; this is {setup.release}."
            yield Finding("scitoken.wlcg-release", Severity.WARNING, file, number, message, "Upgrade.", "dcache.md section 1")
        yield from _issuer_spelling(setup, places, issuer, issuers)
    yield from _same_issuer(setup, places, setup.scitoken_issuers, "scitoken")
    if setup.scitoken_issuers and not setup.properties.get(oidc_providers.SCITOKEN_AUDIENCES, "").strip():
        file, number = place(setup, places, oidc_providers.SCITOKEN_AUDIENCES, "scitoken")
        message = f"{oidc_providers.SCITOKEN_AUDIENCES} is empty: a token that carries `aud` is refused, as WLCG tokens do."
        remedy = "List the audiences, for example https://wlcg.cern.ch/jwt/v1/any."
        yield Finding("scitoken.audience-empty", Severity.WARNING, file, number, message, remedy, source)


def _mapped(setup: LoginSetup, issuer: Provider) -> bool:
    """Whether a map line may give an identity to tokens of an issuer; playing the log-ins then tells."""
    for _number, line in setup.of_phase(Phase.MAP):
        path = setup.path(line)
        if line.plugin != "multimap":
            continue
        matches = [one.match for one in setup.mappings(path).mappings.values() if one.values("uid") or one.values("username")]
        own = {("op", issuer.alias), *(("oidc", match.value) for match in matches if match.value.endswith(f"@{issuer.alias}"))}
        if setup.unknown(path) or any(match.kind == "oidcgrp" or (match.kind, match.value) in own for match in matches):
            return True
    return False


def authenticated(setup: LoginSetup) -> frozenset[str]:
    """The plug-ins of the auth phase."""
    return frozenset(line.plugin for _number, line in setup.of_phase(Phase.AUTH))
