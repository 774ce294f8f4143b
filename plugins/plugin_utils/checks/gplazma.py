# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who can log in: gPlazma's configuration judged as a whole, for each class of credentials that it means to serve."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import gplazma_files, gplazma_loading
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import REFUSED, Finding, Severity
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.gplazma_loading import Places, authenticated, shown
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.gplazma_login import (
    FILE_PROPERTIES,
    Class,
    Credential,
    Failure,
    LoginSetup,
    Outcome,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.gplazma_conf import Modifier, Phase
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.principals import Principal

_SOURCE = "dcache.md sections 3.1 and 3.2"
_SOMEBODY = "/C=XX/O=somebody/CN=Some Body"
_BROAD = frozenset({"fqan", "oidcgrp", "op", "group", "entitlement"})
_TRIES = 50


@dataclass(frozen=True)
class Candidate:
    """Somebody whom a line of a map file means to let in. file, line: that line. broad: a group rather than a person."""

    credential: Credential
    file: str
    line: int
    broad: bool
    identity: bool = True


@dataclass(frozen=True)
class Family:
    """Credentials that stand for one another: somebody of it must be able to log in. property: of the provider of tokens."""

    name: str
    plugin: str
    generic: tuple[Credential, ...]
    candidates: tuple[Candidate, ...]
    property: str = ""


def check(setup: LoginSetup, places: Places | None = None, issuers: Collection[str] = ()) -> list[Finding]:
    """All findings about log-ins.

    places: property name -> (file, line) of its assignment. issuers: URLs of the lake's issuers as tokens carry them.
    """
    places = places or {}
    if setup.conf_path not in setup.files:
        return _no_conf(setup)
    found = gplazma_loading.check(setup, places, issuers)
    found += gplazma_files.check(setup)
    if not any(one.severity is Severity.LOCK_OUT and one.rule.startswith(("gplazma.", "oidc.", "scitoken.")) for one in found):
        flow = [*_unserved(setup, places), *_order(setup)]
        found += flow
        known = {(one.file, one.line) for one in found if one.severity in REFUSED}
        found += _logins(setup, known, {name for name, where in places.items() if where in known}, flow)
    return found


def _no_conf(setup: LoginSetup) -> list[Finding]:
    """The packages bring the file, so where no file of gPlazma is given the copy is taken to be partial."""
    file = shown(setup.conf_path)
    if setup.unknown(setup.conf_path) or not any(
        setup.properties.get(name, default) in setup.files for name, default in FILE_PROPERTIES.items()
    ):
        message = "The file is not among those given: log-ins were not checked."
        return [Finding("gplazma.file-unseen", Severity.NOTICE, file, 0, message, "Check on the host itself.", _SOURCE)]
    message = "The file does not exist: gPlazma has no configuration and nobody can log in."
    return [Finding("gplazma.file-missing", Severity.LOCK_OUT, file, 0, message, "Create it.", _SOURCE)]


def _unserved(setup: LoginSetup, places: Places) -> Iterator[Finding]:
    """Maps for credentials that no plug-in of the auth phase reads."""
    auth = authenticated(setup)
    file = shown(setup.conf_path)
    if not auth and not setup.uses("krb5"):
        message = "The auth phase has no plug-in: no certificate, token or password is read and nobody can log in."
        yield Finding("gplazma.no-auth", Severity.LOCK_OUT, file, 0, message, "Add auth lines, each optional.", _SOURCE)
        return
    kinds = dict(_mapped_kinds(setup))
    reads_certificates = bool(auth & {"x509", "voms", "xacml", "pyscript", "jaas"})
    certificates = next((kinds[kind] for kind in ("dn", "fqan", "vorolemap", "gridmap") if kind in kinds), None)
    if certificates and not reads_certificates:
        message = (
            f"No plug-in of the auth phase reads X.509 certificates, but {certificates} maps them: nobody with a certificate can log in."
        )
        yield Finding("gplazma.no-x509", Severity.LOCK_OUT, file, 0, message, "Add `auth optional x509` (and voms).", _SOURCE)
    fqans = next((kinds[kind] for kind in ("fqan", "vorolemap") if kind in kinds), None)
    if fqans and reads_certificates and not auth & {"voms", "xacml", "pyscript", "jaas"}:
        message = f"No plug-in of the auth phase reads VOMS attributes, but {fqans} maps them: members of VOs cannot log in."
        yield Finding("gplazma.no-voms", Severity.LOCK_OUT, file, 0, message, "Add `auth optional voms`.", _SOURCE)
    if not auth & {"oidc", "scitoken", "oidc-te", "pyscript"}:
        tokens = next((kinds[kind] for kind in ("oidcgrp", "oidc", "op") if kind in kinds), None)
        wanted = next((name for name in setup.properties if name.startswith(("gplazma.oidc.provider!", "gplazma.scitoken.issuer!"))), None)
        if tokens or wanted:
            where = places.get(wanted or "", (file, 0))
            message = f"No plug-in of the auth phase reads tokens, but {wanted or tokens} is for them: nobody with a token can log in."
            severity = Severity.LOCK_OUT if tokens else Severity.ERROR
            yield Finding("gplazma.no-tokens", severity, *where, message, "Add `auth optional oidc`.", _SOURCE)


def _mapped_kinds(setup: LoginSetup) -> Iterator[tuple[str, str]]:
    for _number, line in setup.of_phase(Phase.MAP):
        path = setup.path(line)
        if line.plugin == "multimap":
            for number, mapping in setup.mappings(path).mappings.items():
                yield mapping.match.kind, f"{shown(path)}:{number}"
        elif (line.plugin == "vorolemap" and setup.role_maps[path]) or (line.plugin == "gridmap" and setup.gridmaps[path]):
            yield line.plugin, shown(path)


def _order(setup: LoginSetup) -> Iterator[Finding]:
    """Modifiers that end the auth phase before a plug-in that the same client needs."""
    lines = setup.of_phase(Phase.AUTH)
    for index, (number, line) in enumerate(lines):
        later = {other.plugin for _number, other in lines[index + 1 :]}
        if line.modifier is not Modifier.SUFFICIENT:
            continue
        hidden = {"x509": "voms", "voms": "x509"}.get(line.plugin)
        if hidden in later:
            message = f"`sufficient {line.plugin}` ends the phase before {hidden}, which then never reads the proxy of that client."
            remedy = "Make every line of the auth phase optional."
            yield Finding("gplazma.modifier-order", Severity.LOCK_OUT, shown(setup.conf_path), number, message, remedy, _SOURCE)
        elif line.plugin in ("x509", "voms") and later & {"oidc", "scitoken"}:
            message = f"`sufficient {line.plugin}` ends the phase before tokens are read, for a client that shows both."
            remedy = "Make every line of the auth phase optional."
            yield Finding("gplazma.modifier-order", Severity.WARNING, shown(setup.conf_path), number, message, remedy, _SOURCE)


def families(setup: LoginSetup) -> tuple[Family, ...]:
    """The classes of credentials that the auth phase reads, each with those whom the map files mean to let in."""
    auth = authenticated(setup)
    candidates = tuple(_candidates(setup))
    found = []
    if auth & {"x509", "voms", "xacml"}:
        generic = (
            Credential(Class.X509, (Principal("dn", _SOMEBODY),)),
            Credential(Class.VOMS, (Principal("dn", _SOMEBODY), Principal("fqan", "/some.vo"))),
        )
        reader: str = next(name for name in ("x509", "voms", "xacml") if name in auth)
        found.append(Family("X.509 certificates", reader, generic, _of(candidates, Class.X509, Class.VOMS)))
    for provider in (*(setup.providers if "oidc" in auth else ()), *(setup.scitoken_issuers if "scitoken" in auth else ())):
        tokens = tuple(one for one in candidates if one.credential.kind is Class.TOKEN and one.credential.provider == provider.alias)
        capability = Credential(Class.CAPABILITY, (Principal("oidc", "somebody"),), provider.alias)
        identity = Credential(Class.TOKEN, (Principal("oidc", "somebody"), Principal("username", "somebody")), provider.alias)
        plugin = "scitoken" if provider.scitoken else "oidc"
        profile = provider.profile(setup.release)
        if profile == "oidc":
            found.append(Family(f"tokens of {provider.alias}", plugin, (identity,), tokens, provider.property))
            continue
        with_groups = tuple(
            Candidate(Credential(Class.CAPABILITY, one.credential.claims, provider.alias), one.file, one.line, one.broad, one.identity)
            for one in tokens
        )
        if provider.identity("authz-id"):
            found.append(Family(f"capability tokens of {provider.alias}", plugin, (capability,), (), provider.property))
            if profile == "wlcg" and any(one.identity for one in tokens):
                name = f"tokens of {provider.alias} without storage scopes"
                found.append(Family(name, plugin, (identity,), tokens, provider.property))
        else:
            found.append(Family(f"tokens of {provider.alias}", plugin, (capability, identity), with_groups + tokens, provider.property))
    if auth & {"htpasswd", "kpwd", "jaas", "ldap"}:
        reader = next(name for name in ("htpasswd", "kpwd", "jaas", "ldap") if name in auth)
        users = _of(candidates, Class.PASSWORD)
        names = () if auth & {"htpasswd"} and users else ("somebody", *_named_users(setup))
        generic_user = tuple(Credential(Class.PASSWORD, (Principal("username", name),)) for name in names)
        found.append(Family("user names with passwords", reader, generic_user, users))
    return tuple(found)


def _named_users(setup: LoginSetup) -> list[str]:
    """User names that map lines know, for passwords that are kept elsewhere or left out of a copy."""
    names: dict[str, None] = {}
    for _number, line in setup.lines:
        path = setup.path(line)
        if line.plugin == "multimap":
            mappings = setup.mappings(path).mappings.values()
            names.update(dict.fromkeys(one.match.value for one in mappings if one.match.kind == "username"))
        elif line.plugin == "authzdb":
            names.update(dict.fromkeys(setup.accounts[path]))
    return list(names)[:_TRIES]


def _of(candidates: tuple[Candidate, ...], *kinds: Class) -> tuple[Candidate, ...]:
    return tuple(one for one in candidates if one.credential.kind in kinds)


def _candidates(setup: LoginSetup) -> Iterator[Candidate]:
    for _number, line in setup.of_phase(Phase.MAP):
        path = setup.path(line)
        if line.plugin == "multimap":
            for number, mapping in setup.mappings(path).mappings.items():
                identity = bool(mapping.values("uid") or mapping.values("username"))
                for credential in _credentials(setup, mapping.match):
                    yield Candidate(credential, shown(path), number, mapping.match.kind in _BROAD, identity)
        elif line.plugin == "vorolemap":
            for number, rule in setup.role_maps[path]:
                dn = Principal("dn", rule.dn.replace("*", "/C=XX/CN=Some Body" if rule.dn == "*" else "x"))
                fqan = Principal("fqan", rule.fqan or "/some.vo")
                yield Candidate(Credential(Class.VOMS, (dn, fqan)), shown(path), number, "*" in rule.dn)
        elif line.plugin == "gridmap":
            for dn_text in setup.gridmaps[path]:
                yield Candidate(Credential(Class.X509, (Principal("dn", dn_text),)), shown(path), 0, broad=False)
    for _number, line in setup.of_phase(Phase.AUTH):
        if line.plugin == "htpasswd":
            path = setup.path(line)
            for number, text in enumerate(setup.files.get(path, "").split("\n"), 1):
                name, colon, _hash = text.partition(":")
                if colon and not name.startswith("#"):
                    yield Candidate(Credential(Class.PASSWORD, (Principal("username", name),)), shown(path), number, broad=False)


def _credentials(setup: LoginSetup, match: Principal) -> Iterator[Credential]:
    """Credentials that a multimap line may match; none for principals that only another plug-in can have made."""
    if match.kind == "dn":
        yield Credential(Class.X509, (match,))
    elif match.kind == "fqan" and match.primary is not False:
        yield Credential(Class.VOMS, (Principal("dn", _SOMEBODY), Principal("fqan", match.name)))
    elif match.kind in ("oidcgrp", "oidc", "op", "email", "entitlement", "username", "group"):
        yield from _token_credentials(setup, match)


def _token_credentials(setup: LoginSetup, match: Principal) -> Iterator[Credential]:
    subject, at, alias = match.value.rpartition("@")
    for provider in (*setup.providers, *setup.scitoken_issuers):
        claims: tuple[Principal, ...] = (Principal("oidc", "somebody"),)
        if match.kind == "oidc":
            if at and alias != provider.alias:
                continue
            claims = (Principal("oidc", subject if at else match.value),)
        elif match.kind == "op":
            if match.value != provider.alias:
                continue
        elif match.kind == "oidcgrp":
            claims += (Principal("claim", match.value),)
        elif match.kind == "group":
            if not provider.accepts("groups"):
                continue
            claims += (Principal("claim", "/" + match.name),)
        elif match.kind == "username":
            if not provider.accepts("username"):
                continue
            claims += (match,)
        else:
            claims += (match,)
        yield Credential(Class.TOKEN, claims, provider.alias)


def _logins(setup: LoginSetup, known: set[tuple[str, int]], bad: set[str], flow: list[Finding]) -> list[Finding]:
    """Plays the log-ins.

    known: places that have a finding already. bad: properties among them. flow: findings that explain failures of certificates.
    """
    found: dict[tuple[str, str, int], Finding] = {}
    explained = {one.rule for one in flow if one.severity is Severity.LOCK_OUT}
    accepted: set[tuple[str, int]] = set()
    failing: list[tuple[Family, Candidate, Outcome]] = []
    every = families(setup)
    for family in every:
        outcomes = [setup.login(credential) for credential in family.generic]
        judged = [(one, setup.login(one.credential)) for one in family.candidates]
        if not any(outcome.ok for outcome in [*outcomes, *(outcome for _one, outcome in judged)]):
            if family.plugin in ("x509", "voms", "xacml") and explained & {"gplazma.modifier-order", "gplazma.no-voms", "gplazma.no-x509"}:
                continue
            if family.property in bad or (family.plugin == "htpasswd" and _missing_file(setup, family.plugin)):
                continue
            _put(found, _family_finding(setup, family, outcomes, judged), known)
            accepted |= {(one.file, one.line) for one in family.candidates}
            continue
        accepted |= {(one.file, one.line) for one, outcome in judged if outcome.ok}
        failing += [(family, one, outcome) for one, outcome in judged if not outcome.ok and one.identity]
    certificates_explained = explained & {"gplazma.modifier-order", "gplazma.no-voms"}
    for family, one, outcome in failing:
        if (one.file, one.line) in accepted or (certificates_explained and one.credential.kind is Class.VOMS):
            continue
        if outcome.text.endswith("user banned") or _with_company(setup, family, one):
            continue
        _put(found, _line_finding(setup, one, outcome), known)
    for finding in _overlaps(setup, every):
        _put(found, finding, known)
    return list(found.values())


def _missing_file(setup: LoginSetup, plugin: str) -> bool:
    return any(line.plugin == plugin and setup.missing(setup.path(line)) for _number, line in setup.lines)


def _put(found: dict[tuple[str, str, int], Finding], finding: Finding, known: set[tuple[str, int]]) -> None:
    if (finding.file, finding.line) not in known or not finding.line:
        key = (finding.rule, finding.file, finding.line)
        first = found.setdefault(key, finding)
        if finding.message not in first.message:
            found[key] = replace(first, message=f"{first.message} {finding.message}")


def _with_company(setup: LoginSetup, family: Family, one: Candidate) -> bool:
    """Whether the person of a line gets in with one of the groups of the same family, which add what the line lacks."""
    groups = [other for other in family.candidates if other.broad and other.credential.provider == one.credential.provider][:_TRIES]
    return not one.broad and any(setup.login(_both(one, other)).ok for other in groups)


def _both(one: Candidate, other: Candidate) -> Credential:
    kept = tuple(claim for claim in other.credential.claims if claim.kind not in ("dn", "oidc"))
    kind = Class.VOMS if Class.VOMS in (one.credential.kind, other.credential.kind) else one.credential.kind
    claims = one.credential.claims + tuple(claim for claim in kept if claim not in one.credential.claims)
    return Credential(kind, claims, one.credential.provider)


def _family_finding(setup: LoginSetup, family: Family, outcomes: list[Outcome], judged: list[tuple[Candidate, Outcome]]) -> Finding:
    """Nobody of a family can log in; the reason of a line that means to let somebody in tells more than that of somebody unknown."""
    if judged:
        one, outcome = next(((one, outcome) for one, outcome in judged if outcome.failure is not Failure.PHASE), judged[0])
        where = (one.file, one.line)
    else:
        outcome, where = outcomes[0], (shown(setup.conf_path), 0)
    if not judged or outcome.failure in (Failure.PHASE, Failure.NO_SESSION):
        where = (shown(setup.conf_path), outcome.line or _plugin_line(setup, family.plugin))
    rule, why, remedy = _explained(outcome, setup)
    return Finding(rule, Severity.LOCK_OUT, *where, f"Nobody can log in with {family.name}: {why}", remedy, _SOURCE)


def _plugin_line(setup: LoginSetup, plugin: str) -> int:
    return next((number for number, line in setup.lines if line.plugin == plugin), 0)


def _line_finding(setup: LoginSetup, one: Candidate, outcome: Outcome) -> Finding:
    rule, why, remedy = _explained(outcome, setup)
    severity = Severity.LOCK_OUT if one.broad else Severity.ERROR
    whom = "Those whom this line maps" if one.broad else "The person whom this line maps"
    return Finding(rule, severity, one.file, one.line, f"{whom} cannot log in: {why}", remedy, _SOURCE)


def _explained(outcome: Outcome, setup: LoginSetup) -> tuple[str, str, str]:
    """Rule, reason and remedy of a failed log-in."""
    if outcome.failure is Failure.SEVERAL:
        return "gplazma.several-identities", f"{outcome.text}.", "Give uid and username on one line that can match a log-in."
    if outcome.failure is Failure.NO_PRIMARY_GID:
        return "gplazma.no-primary-gid", f"{outcome.text}; `gid:N` alone is not primary.", "Write gid:N,true on one line."
    if outcome.failure is Failure.NO_IDENTITY:
        return "gplazma.no-identity", f"nothing maps them ({outcome.text}).", "Add a map line that gives username, uid and gid:N,true."
    if outcome.failure is Failure.NO_SESSION:
        remedy = "Add `session requisite omnisession` (or authzdb) and a line or DEFAULT that gives root: and home:."
        return "gplazma.no-session", f"{outcome.text} after the session phase.", remedy
    where = f"gplazma.conf line {outcome.line}"
    if outcome.phase is Phase.AUTH:
        return "gplazma.auth-required", f"{where} demands another credential ({outcome.text}).", "Make every auth line optional."
    if outcome.phase is Phase.MAP and outcome.plugin == "multimap":
        return "gplazma.requisite-multimap", f"{where} fails for them ({outcome.text}).", "Make the last map line optional."
    if outcome.phase is Phase.SESSION and outcome.plugin == "omnisession":
        remedy = "Add a line for them, or DEFAULT root:/ home:/ to omnisession.conf."
        return "gplazma.no-session", f"{where} fails for them ({outcome.text}).", remedy
    return "gplazma.phase-refuses", f"{where} fails for them ({outcome.text}).", "Map them there too, or make the line optional."


def _overlaps(setup: LoginSetup, every: tuple[Family, ...]) -> Iterator[Finding]:
    """Lines that each let somebody in, but not the one whom both match."""
    several: dict[tuple[str, str, int], list[Finding]] = {}
    for family in every:
        lines = [one for one in family.candidates if one.identity and one.line]
        groups = {_group(one): one for one in reversed(lines) if one.broad and _group(one)}
        for one in lines:
            for other, severity in _rivals(one, groups, lines):
                both = _both(one, other)
                outcome = setup.login(both)
                alone = setup.login(one.credential).ok and setup.login(other.credential).ok
                if alone and outcome.failure is Failure.SEVERAL:
                    message = f"Who matches this line and {other.file}:{other.line} cannot log in: {outcome.text}."
                    remedy = (
                        "Give identity on one line that can match; put persons into an own file, read before by `map sufficient multimap`."
                    )
                    finding = Finding("multimap.overlap", severity, one.file, one.line, message, remedy, "dcache.md section 3.2")
                    if severity is Severity.WARNING:
                        several.setdefault((one.file, other.file, other.line), []).append(finding)
                    else:
                        yield finding
                    break
    for same in several.values():
        same.sort(key=lambda finding: finding.line)
        others = ", ".join(str(one.line) for one in same[1:6]) + (", ..." if same[6:] else "")
        more = f" The same holds for {len(same) - 1} more: line {others}." if same[1:] else ""
        yield replace(same[0], message=same[0].message + more)


def _group(one: Candidate) -> str:
    return next((claim.value for claim in one.credential.claims if claim.kind in ("fqan", "claim", "entitlement")), "")


def _rivals(one: Candidate, groups: Mapping[str, Candidate], lines: list[Candidate]) -> Iterator[tuple[Candidate, Severity]]:
    """Other lines that the same log-in may match: parent groups always, the whole provider always, other groups of a person or VO maybe."""
    group = _group(one)
    parent = group.rpartition("/")[0]
    while parent:
        if parent in groups:
            yield groups[parent], Severity.LOCK_OUT
        parent = parent.rpartition("/")[0]
    whole = next((other for other in lines if other.broad and not _group(other) and other is not one), None)
    if whole is not None:
        yield whole, Severity.LOCK_OUT
    if not one.broad:
        for other in list(groups.values())[:_TRIES]:
            yield other, Severity.WARNING
    elif group:
        vo = group.split("/")[1] if "/" in group else group
        related = [
            other for name, other in groups.items() if name != group and name.lstrip("/").split("/")[0] == vo and other.line < one.line
        ]
        for other in related[:_TRIES]:
            yield other, Severity.WARNING
