# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What gPlazma makes of a log-in: the phases played through with the files and properties of a site.

Plug-ins whose answer depends on something outside (LDAP, NSS, PAM, a file that is not at hand) are played both ways, success giving what is
still missing; so a log-in that is said to fail fails whatever they answer. Source: dCache gplazma2/strategies/PAMStyleStrategy.java,
validation/DoorValidationStrategy.java and the plug-ins' map, account and session methods.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_release import (
    MULTIMAP_ENTITLEMENT,
    MULTIMAP_OP,
    MULTIMAP_ROLES,
    OIDC_SUBJECT_AT_PROVIDER,
    Release,
    Span,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.oidc_providers import Provider, providers, scitoken_issuers
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import (
    banfile,
    gplazma_conf,
    line_document,
    multimap,
    omnisession,
    storage_authzdb,
    vorolemap,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.gplazma_conf import Modifier, Phase, PluginLine
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.principals import GROUP_KINDS, Principal

CONF_PROPERTY = "gplazma.configuration.file"
FILE_PROPERTIES = {
    CONF_PROPERTY: "/etc/dcache/gplazma.conf",
    "gplazma.multimap.file": "/etc/dcache/multi-mapfile",
    "gplazma.omnisession.file": "/etc/dcache/omnisession.conf",
    "gplazma.banfile.path": "/etc/dcache/ban.conf",
    "gplazma.htpasswd.file": "/etc/dcache/htpasswd",
    "gplazma.kpwd.file": "/etc/dcache/dcache.kpwd",
    "gplazma.authzdb.file": "/etc/grid-security/storage-authzdb",
    "gplazma.vorolemap.file": "/etc/grid-security/grid-vorolemap",
    "gplazma.gridmap.file": "/etc/grid-security/grid-mapfile",
}
FILE_OF_PLUGIN = {
    "multimap": "gplazma.multimap.file",
    "omnisession": "gplazma.omnisession.file",
    "banfile": "gplazma.banfile.path",
    "htpasswd": "gplazma.htpasswd.file",
    "kpwd": "gplazma.kpwd.file",
    "authzdb": "gplazma.authzdb.file",
    "vorolemap": "gplazma.vorolemap.file",
    "gridmap": "gplazma.gridmap.file",
}
KIND_SPANS: dict[str, Span] = {"entitlement": MULTIMAP_ENTITLEMENT, "op": MULTIMAP_OP, "roles": MULTIMAP_ROLES}
OUTSIDE_MAP = frozenset({"nsswitch", "ldap", "nis", "kpwd", "mutator", "alise", "pyscript", "vogroup"})
_UNKNOWN = "?"
_GRIDMAP = re.compile(r'\s*(?:"([^"]*)"|(\S+))\s+(\S+)')


class Class(StrEnum):
    """Kinds of credentials."""

    X509 = "X.509 certificate"
    VOMS = "VOMS proxy"
    TOKEN = "OIDC token"
    CAPABILITY = "capability token"
    PASSWORD = "password"


@dataclass(frozen=True)
class Credential:
    """What a client shows. claims: what is in it (dn, fqan, oidc subject, group claim as ``claim``). provider: alias for tokens."""

    kind: Class
    claims: tuple[Principal, ...] = ()
    provider: str = ""

    def values(self, kind: str) -> tuple[str, ...]:
        return tuple(claim.value for claim in self.claims if claim.kind == kind)


class Failure(StrEnum):
    """Why a log-in does not end right."""

    PHASE = "a phase fails"
    SEVERAL = "several identities"
    NO_IDENTITY = "no identity"
    NO_PRIMARY_GID = "no primary gid"
    NO_SESSION = "no home or root"


@dataclass(frozen=True)
class Outcome:
    """ok, or why not: failure, a text as dCache would log it, the phase and the gplazma.conf line (0: validation)."""

    ok: bool
    failure: Failure | None = None
    text: str = ""
    phase: Phase | None = None
    line: int = 0
    plugin: str = ""
    principals: frozenset[Principal] = frozenset()


@dataclass(frozen=True)
class _State:
    principals: frozenset[Principal] = frozenset()
    homes: frozenset[str] = frozenset()
    roots: frozenset[str] = frozenset()
    kpwd: bool = False

    def of(self, kind: str) -> list[Principal]:
        return [principal for principal in self.principals if principal.kind == kind]

    def has_primary(self, kind: str) -> bool:
        return any(principal.primary for principal in self.of(kind))

    def adding(self, *principals: Principal) -> _State:
        return replace(self, principals=self.principals | frozenset(principals))

    def completed(self) -> _State:
        """With a name, a uid and a primary gid that are still missing, as something outside would give them."""
        state = self
        for kind in ("username", "uid"):
            state = state if state.of(kind) else state.adding(Principal(kind, _UNKNOWN))
        return state if state.has_primary("gid") else state.adding(Principal("gid", f"{_UNKNOWN},true"))

    def with_session(self, home: str, root: str) -> _State:
        homes = self.homes | {home} if home != _UNKNOWN or not self.homes else self.homes
        roots = self.roots | {root} if root != _UNKNOWN or not self.roots else self.roots
        return replace(self, homes=homes, roots=roots)


class _Refusal(Exception):
    """A plug-in that fails for this log-in."""


@dataclass(frozen=True)
class MultimapIndex:
    """A multimap file with its lines found by what they match."""

    mappings: dict[int, multimap.Mapping]
    by_match: dict[tuple[str, str], list[int]]
    skipped: tuple[int, ...]


@dataclass(frozen=True)
class LoginSetup:
    """The log-in configuration of one gplazma service.

    properties: effective, expanded values of the service. files: absolute path on the host -> text. Files whose directory holds none of
    `files` count as not at hand, others that are not given as missing.
    """

    release: Release
    properties: Mapping[str, str]
    files: Mapping[str, str]
    _multimaps: dict[str, MultimapIndex] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def conf_path(self) -> str:
        return self.properties.get(CONF_PROPERTY) or FILE_PROPERTIES[CONF_PROPERTY]

    @cached_property
    def conf(self) -> gplazma_conf.GplazmaConf:
        return gplazma_conf.parse(self.files.get(self.conf_path, ""))

    @cached_property
    def lines(self) -> tuple[tuple[int, PluginLine], ...]:
        return tuple(self.conf.entries())

    def of_phase(self, phase: Phase) -> tuple[tuple[int, PluginLine], ...]:
        return tuple((number, line) for number, line in self.lines if line.phase is phase)

    def uses(self, plugin: str, phase: Phase | None = None) -> bool:
        return any(line.plugin == plugin and phase in (None, line.phase) for _number, line in self.lines)

    @cached_property
    def providers(self) -> tuple[Provider, ...]:
        return providers(self.properties, self.release)

    @cached_property
    def scitoken_issuers(self) -> tuple[Provider, ...]:
        return scitoken_issuers(self.properties)

    def value(self, line: PluginLine, name: str) -> str:
        """A property as the plug-in of this line sees it."""
        return dict(line.arguments).get(name) or self.properties.get(name) or FILE_PROPERTIES.get(name, "")

    def path(self, line: PluginLine) -> str:
        """The map file of a line, "" for plug-ins without one."""
        name = FILE_OF_PLUGIN.get(line.plugin)
        return self.value(line, name) if name else ""

    @cached_property
    def _directories(self) -> frozenset[str]:
        return frozenset(posixpath.dirname(path) for path in self.files)

    def missing(self, path: str) -> bool:
        """Whether the file is not there although its directory was given."""
        return path not in self.files and posixpath.dirname(path) in self._directories

    def unknown(self, path: str) -> bool:
        return path not in self.files and not self.missing(path)

    def mappings(self, path: str) -> MultimapIndex:
        """The lines that this release loads, and those that it skips."""
        if path not in self._multimaps:
            self._multimaps[path] = self._indexed(multimap.parse(self.files.get(path, "")))
        return self._multimaps[path]

    def kind_is_known(self, kind: str) -> bool:
        return kind not in KIND_SPANS or KIND_SPANS[kind].covers(self.release)

    def _indexed(self, document: multimap.Multimap) -> MultimapIndex:
        mappings: dict[int, multimap.Mapping] = {}
        by_match: dict[tuple[str, str], list[int]] = {}
        skipped = [line.number for line in document.problems()]
        for number, mapping in document.entries():
            if all(self.kind_is_known(principal.kind) for principal in (mapping.match, *mapping.results)):
                mappings[number] = mapping
                by_match.setdefault((mapping.match.kind, mapping.match.value), []).append(number)
            else:
                skipped.append(number)
        return MultimapIndex(mappings, by_match, tuple(skipped))

    @cached_property
    def accounts(self) -> dict[str, dict[str, list[storage_authzdb.Account]]]:
        """path -> name -> accounts of every authzdb file that is used."""
        found: dict[str, dict[str, list[storage_authzdb.Account]]] = {}
        for path in {self.path(line) for _number, line in self.lines if line.plugin == "authzdb"}:
            names = found.setdefault(path, {})
            for _number, account in storage_authzdb.parse(self.files.get(path, "")).entries():
                names.setdefault(account.name, []).append(account)
        return found

    @cached_property
    def role_maps(self) -> dict[str, tuple[tuple[int, vorolemap.RoleMapping], ...]]:
        paths = {self.path(line) for _number, line in self.lines if line.plugin == "vorolemap"}
        return {path: tuple(vorolemap.parse(self.files.get(path, "")).entries()) for path in paths}

    @cached_property
    def gridmaps(self) -> dict[str, dict[str, str]]:
        paths = {self.path(line) for _number, line in self.lines if line.plugin == "gridmap"}
        return {path: _gridmap(self.files.get(path, "")) for path in paths}

    @cached_property
    def session_rules(self) -> dict[str, omnisession.Omnisession]:
        paths = {self.path(line) for _number, line in self.lines if line.plugin == "omnisession"}
        return {path: omnisession.parse(self.files.get(path, "")) for path in paths}

    @cached_property
    def bans(self) -> dict[str, banfile.Banfile]:
        paths = {self.path(line) for _number, line in self.lines if line.plugin == "banfile"}
        return {path: banfile.parse(self.files.get(path, "")) for path in paths}

    def login(self, credential: Credential) -> Outcome:
        """Whether the log-in can end right; if not, the failure that came furthest."""
        best: Outcome | None = None
        for outcome in self._play(credential):
            if outcome.ok:
                return outcome
            if best is None or _progress(outcome) > _progress(best):
                best = outcome
        return best or Outcome(False, Failure.PHASE, "nothing was tried")

    def _play(self, credential: Credential) -> Iterator[Outcome]:
        for auth in self._phase(Phase.AUTH, _State(), credential):
            yield from self._after(Phase.AUTH, auth, credential)

    def _after(self, phase: Phase, result: _State | Outcome, credential: Credential) -> Iterator[Outcome]:
        if isinstance(result, Outcome):
            yield result
        elif phase is Phase.SESSION:
            yield _validated(result)
        else:
            following = {Phase.AUTH: Phase.MAP, Phase.MAP: Phase.ACCOUNT, Phase.ACCOUNT: Phase.SESSION}[phase]
            for outcome in self._phase(following, result, credential):
                yield from self._after(following, outcome, credential)

    def _phase(self, phase: Phase, state: _State, credential: Credential) -> Iterator[_State | Outcome]:
        yield from self._from(phase, self.of_phase(phase), state, credential, None)

    def _from(
        self,
        phase: Phase,
        lines: tuple[tuple[int, PluginLine], ...],
        state: _State,
        credential: Credential,
        failed: Outcome | None,
    ) -> Iterator[_State | Outcome]:
        if not lines:
            yield failed or state
            return
        (number, line), rest = lines[0], lines[1:]
        for answer in self._ask(line, phase, state, credential):
            if isinstance(answer, _State):
                if line.modifier is Modifier.SUFFICIENT:
                    yield answer
                else:
                    yield from self._from(phase, rest, answer, credential, failed)
                continue
            refusal = Outcome(False, Failure.PHASE, f"{line.plugin}: {answer}", phase, number, line.plugin, state.principals)
            if line.modifier is Modifier.REQUISITE:
                yield failed or refusal
            else:
                remembered = failed or (refusal if line.modifier is Modifier.REQUIRED else None)
                yield from self._from(phase, rest, state, credential, remembered)

    def _ask(self, line: PluginLine, phase: Phase, state: _State, credential: Credential) -> list[_State | str]:
        """The answers that a plug-in may give: new states, or texts of a failure."""
        try:
            if phase is Phase.AUTH:
                return _Auth(self, line, state, credential).answers()
            if phase is Phase.MAP:
                return _Map(self, line, state).answers()
            if phase is Phase.ACCOUNT:
                return self._account(line, state)
            return _Session(self, line, state).answers()
        except _Refusal as refusal:
            return [str(refusal)]

    def _account(self, line: PluginLine, state: _State) -> list[_State | str]:
        if line.plugin == "argus":
            return [state, "refused by the Argus server"]
        if line.plugin == "banfile":
            banned = {entry.principal for _number, entry in self.bans[self.path(line)].entries() if isinstance(entry, banfile.Ban)}
            if any(Principal(principal.kind, principal.name) in banned for principal in state.principals):
                return ["user banned"]
        return [state]


@dataclass(frozen=True)
class _Auth:
    setup: LoginSetup
    line: PluginLine
    state: _State
    credential: Credential

    def answers(self) -> list[_State | str]:
        plugin, kind = self.line.plugin, self.credential.kind
        certificate, token = kind in (Class.X509, Class.VOMS), kind in (Class.TOKEN, Class.CAPABILITY)
        if plugin == "x509":
            return self._needs(certificate, "no X.509 certificate chain", *(Principal("dn", dn) for dn in self.credential.values("dn")))
        if plugin in ("voms", "xacml"):
            return self._voms()
        if plugin in ("oidc", "scitoken"):
            found = self.setup.providers if plugin == "oidc" else self.setup.scitoken_issuers
            provider = next((one for one in found if one.alias == self.credential.provider), None)
            if not token or provider is None:
                return ["no bearer token" if not token else "the issuer is not trusted"]
            return self._token(provider)
        if plugin == "oidc-te":
            return [self.state, "no token to exchange"] if token else ["no bearer token"]
        if kind is not Class.PASSWORD and plugin in ("htpasswd", "kpwd", "jaas", "ldap"):
            return ["no username and password"]
        return self._password()

    def _needs(self, given: bool, text: str, *principals: Principal) -> list[_State | str]:
        return [self.state.adding(*principals)] if given else [text]

    def _voms(self) -> list[_State | str]:
        fqans = self.credential.values("fqan")
        marked = [Principal("fqan", f"{fqan},{'false' if index else 'true'}") for index, fqan in enumerate(fqans)]
        return self._needs(bool(fqans), "no FQANs", *marked)

    def _token(self, provider: Provider) -> list[_State | str]:
        profile = provider.profile(self.setup.release)
        capability = self.credential.kind is Class.CAPABILITY
        principals = [Principal("op", provider.alias)]
        principals += [Principal("oidc", f"{subject}@{provider.alias}") for subject in self.credential.values("oidc")]
        groups = self.credential.values("claim")
        if profile == "oidc":
            if provider.accepts("groups"):
                principals += [Principal("group", f"{group.removeprefix('/')},false") for group in groups]
            else:
                principals += [Principal("oidcgrp", group) for group in groups]
            principals += [Principal(name, value) for name in ("email", "entitlement") for value in self.credential.values(name)]
            if provider.accepts("username"):
                principals += [Principal("username", name) for name in self.credential.values("username")]
            return [self.state.adding(*principals)]
        if profile == "scitokens" and not capability:
            return ["no authz statements in scitokens token"]
        if profile != "scitokens":
            principals += [Principal("oidcgrp", group) for group in groups]
        if profile != "scitoken" or capability:
            principals += provider.identity("authz-id" if capability else "non-authz-id")
        return [self.state.adding(*principals)]

    def _password(self) -> list[_State | str]:
        users = [Principal("username", user) for user in self.credential.values("username")]
        if self.line.plugin == "kpwd":
            return [replace(self.state, kpwd=True), "wrong password"]
        if self.line.plugin == "htpasswd":
            path = self.setup.path(self.line)
            known = {entry.split(":", 1)[0] for entry in self.setup.files.get(path, "").split("\n") if ":" in entry}
            if not self.setup.unknown(path) and not any(user.value in known for user in users):
                return ["the user is unknown"]
        return [self.state.adding(*users), "refused outside"]


@dataclass(frozen=True)
class _Map:
    setup: LoginSetup
    line: PluginLine
    state: _State

    def answers(self) -> list[_State | str]:
        plugin, path = self.line.plugin, self.setup.path(self.line)
        if path and self.setup.unknown(path):
            return [self.state.completed(), f"{path} is not at hand"]
        if plugin == "multimap":
            return self._multimap(path)
        if plugin == "vorolemap":
            return self._vorolemap(path)
        if plugin == "authzdb":
            return [self._authzdb(path)]
        if plugin == "gridmap":
            return [self._gridmap(path)]
        if plugin == "krb5":
            names = [principal.value.split("@")[0] for principal in self.state.of("kerberos")]
            return [self.state.adding(*(Principal("username", name) for name in names))] if names else ["no Kerberos principals"]
        if plugin in ("nsswitch", "nis", "ldap") and not self.state.of("username"):
            return ["no username"]
        answered = self.state.completed()
        return [replace(answered, kpwd=True) if plugin == "kpwd" else answered, "no mapping outside"]

    def _multimap(self, path: str) -> list[_State | str]:
        index = self.setup.mappings(path)
        numbers = sorted({number for key in self._keys() for number in index.by_match.get(key, ())})
        added = [result for number in numbers for result in _ordered(index.mappings[number].results)]
        answers: list[_State | str] = []
        if added:
            answers.append(self.state.adding(*_one_primary(added, already=self.state.has_primary("gid"))))
        elif index.skipped:
            answers.append(self.state.completed())
        return answers or [f"failed to read {path}" if self.setup.missing(path) else "no mappable principals"]

    def _keys(self) -> Iterator[tuple[str, str]]:
        at_provider = OIDC_SUBJECT_AT_PROVIDER.covers(self.setup.release)
        for principal in self.state.principals:
            if principal.kind in GROUP_KINDS:
                yield (principal.kind, principal.name)
                yield (principal.kind, f"{principal.name},{'true' if principal.primary else 'false'}")
            elif principal.kind == "oidc":
                yield ("oidc", principal.value.rpartition("@")[0])
                if at_provider:
                    yield ("oidc", principal.value)
            else:
                yield (principal.kind, principal.value)

    def _vorolemap(self, path: str) -> list[_State | str]:
        rules = [mapping for _number, mapping in self.setup.role_maps[path]]
        has_primary = self.state.has_primary("group")
        added = []
        for principal in sorted(self.state.of("fqan"), key=lambda one: (not one.primary, one.value)):
            primary = bool(principal.primary) and not has_primary
            fqan = principal.name
            name = None
            while name is None and fqan:
                name = next((rule.name for dn in self.state.of("dn") for rule in rules if _role_fits(rule, dn.value, fqan)), None)
                fqan = fqan.rpartition("/")[0] if primary else ""
            if name is not None:
                added.append(Principal("group", f"{name},{'true' if primary else 'false'}"))
                has_primary = has_primary or primary
        return [self.state.adding(*added)] if added else ["no record"]

    def _authzdb(self, path: str) -> _State:
        accounts = self.setup.accounts[path]
        users = self.state.of("username")
        primary_groups = [group.name for group in self.state.of("group") if group.primary]
        if len(users) > 1 or len(primary_groups) > 1:
            raise _Refusal("multiple usernames" if len(users) > 1 else "multiple primary group names")
        user = users[0].value if users else None
        group = primary_groups[0] if primary_groups else None
        names = [name for name in [user, *(one.name for one in self.state.of("group"))] if name is not None]
        by_uid = self._entity(accounts, self._order("gplazma.authzdb.uid", "uid,login,user,group"), user, group)
        by_gid = self._entity(accounts, self._order("gplazma.authzdb.gid", "gid,login,group,user"), user, group)
        gids = [gid for name in names for account in accounts.get(name, ()) for gid in account.gids if gid != by_gid.gids[0]]
        kept = replace(self.state, principals=frozenset(p for p in self.state.principals if p.kind != "username"))
        primary = "false" if self.state.has_primary("gid") else "true"
        return kept.adding(
            Principal("uid", str(by_uid.uid)),
            Principal("username", by_uid.name),
            Principal("gid", f"{by_gid.gids[0]},{primary}"),
            *(Principal("gid", f"{gid},false") for gid in gids),
        )

    def _order(self, name: str, default: str) -> list[str]:
        return [word for word in (self.setup.value(self.line, name) or default).split(",") if word]

    def _entity(
        self, accounts: dict[str, list[storage_authzdb.Account]], order: list[str], user: str | None, group: str | None
    ) -> storage_authzdb.Account:
        for kind in order:
            name = {"user": user, "group": group}.get(kind.lower())
            if name is not None:
                if name not in accounts:
                    raise _Refusal(f"no mapping exists for {name}")
                return accounts[name][0]
        raise _Refusal("no mappable principal")

    def _gridmap(self, path: str) -> _State:
        if self.state.of("username"):
            return self.state
        names = [self.setup.gridmaps[path][dn.value] for dn in self.state.of("dn") if dn.value in self.setup.gridmaps[path]]
        if not names:
            raise _Refusal("no mapping")
        return self.state.adding(Principal("username", names[0]))


@dataclass(frozen=True)
class _Session:
    setup: LoginSetup
    line: PluginLine
    state: _State

    def answers(self) -> list[_State | str]:
        plugin, path = self.line.plugin, self.setup.path(self.line)
        if plugin == "roles":
            return [self.state]
        if plugin == "kpwd":
            return [self.state.with_session(_UNKNOWN, _UNKNOWN)] if self.state.kpwd else ["no record found"]
        if plugin in ("nsswitch", "nis"):
            return [self.state.with_session("/", "/")]
        if path and self.setup.unknown(path):
            return [self.state.with_session(_UNKNOWN, _UNKNOWN)]
        if plugin == "omnisession":
            return [self._omnisession(path)]
        if plugin == "authzdb":
            return [self._authzdb(path)]
        return [self.state.with_session(_UNKNOWN, _UNKNOWN), "no session outside"]

    def _omnisession(self, path: str) -> _State:
        document = self.setup.session_rules[path]
        if any(line.fatal for line in document.lines) or self.setup.missing(path):
            return self.state.with_session(_UNKNOWN, _UNKNOWN)  # reported by itself
        found: dict[str, str] = {}
        rules = [rule for _number, rule in document.entries()]
        matching = [rule for rule in rules if rule.predicate is not None and self._fits(rule.predicate)]
        for rule in matching + [rule for rule in rules if rule.predicate is None]:
            if rule.bad_attributes:
                return self.state.with_session(_UNKNOWN, _UNKNOWN)  # reported by itself
            for attribute in rule.attributes:
                kind, _colon, value = attribute.partition(":")
                found.setdefault(kind, value)
        if not found:
            raise _Refusal("Unknown user")
        state = self.state
        if "home" in found and not state.homes:
            state = replace(state, homes=frozenset({found["home"]}))
        if "root" in found and not state.roots:
            state = replace(state, roots=frozenset({found["root"]}))
        return state

    def _fits(self, predicate: Principal) -> bool:
        value, wanted = predicate.value, None
        if predicate.kind in GROUP_KINDS and "," in value:
            value, _comma, mark = value.rpartition(",")
            wanted = mark == "primary"
        return any(
            _UNKNOWN in (principal.name, principal.value) or (principal.name == value and wanted in (None, principal.primary))
            for principal in self.state.of(predicate.kind)
        )

    def _authzdb(self, path: str) -> _State:
        users = self.state.of("username")
        if not users:
            raise _Refusal("no username principal")
        if users[0].value == _UNKNOWN:
            return self.state.with_session(_UNKNOWN, _UNKNOWN)
        accounts = self.setup.accounts[path].get(users[0].value)
        if not accounts:
            raise _Refusal(f"no mapping found for {users[0].value}")
        state = self.state
        for account in accounts:
            state = state.with_session(account.home, account.root)
        return state


def _ordered(results: tuple[Principal, ...]) -> list[Principal]:
    return [Principal(one.kind, f"{one.name},{'true' if one.primary else 'false'}") if one.kind in GROUP_KINDS else one for one in results]


def _one_primary(added: list[Principal], *, already: bool) -> list[Principal]:
    """Only the first primary gid stays primary, none where the log-in has one."""
    kept = []
    for principal in added:
        if principal.kind == "gid" and principal.primary:
            kept.append(Principal("gid", f"{principal.name},{'false' if already else 'true'}"))
            already = True
        else:
            kept.append(principal)
    return kept


def _role_fits(rule: vorolemap.RoleMapping, dn: str, fqan: str) -> bool:
    if rule.fqan and rule.fqan != fqan:
        return False
    return rule.dn == dn or ("*" in rule.dn and fnmatch.fnmatchcase(dn, rule.dn.replace("[", "[[]")))


def _gridmap(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for body, _ending in line_document.split_lines(text):
        entry = None if body.lstrip().startswith("#") else _GRIDMAP.match(body)
        if entry:
            found.setdefault(entry.group(1) or entry.group(2), entry.group(3).split(",")[0])
    return found


def _validated(state: _State) -> Outcome:
    users, uids = state.of("username"), state.of("uid")
    primary = [gid for gid in state.of("gid") if gid.primary]
    for found, what in ((users, "usernames"), (uids, "UIDs"), (primary, "primary GIDs")):
        if len(found) > 1:
            listed = ", ".join(sorted(one.name for one in found))
            return Outcome(False, Failure.SEVERAL, f"multiple {what}: {listed}", principals=state.principals)
    lacking = [what for found, what in ((users, "no username"), (uids, "no UID"), (primary, "no primary GID")) if not found]
    if lacking:
        failure = Failure.NO_PRIMARY_GID if lacking == ["no primary GID"] else Failure.NO_IDENTITY
        return Outcome(False, failure, ", ".join(lacking), principals=state.principals)
    for directories, what in ((state.homes, "home"), (state.roots, "root")):
        if len(directories) > 1:
            return Outcome(False, Failure.NO_SESSION, f"multiple {what}-directories", principals=state.principals)
    lacking = [what for found, what in ((state.homes, "no home-directory"), (state.roots, "no root-directory")) if not found]
    if lacking:
        return Outcome(False, Failure.NO_SESSION, ", ".join(lacking), principals=state.principals)
    return Outcome(True, principals=state.principals)


def _progress(outcome: Outcome) -> tuple[int, int]:
    order = [Phase.AUTH, Phase.MAP, Phase.ACCOUNT, Phase.SESSION]
    return (order.index(outcome.phase) if outcome.phase in order else len(order), len(outcome.principals))
