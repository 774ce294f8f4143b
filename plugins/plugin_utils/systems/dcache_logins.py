# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Log-ins of a dCache: issuers, groups and VOs of the description in gPlazma's files.

Each log-in that the description asks for is played through (checks/gplazma_login.py). What ends right already is left alone; for the others
lines are added until it does. At the end every log-in that worked before must still end the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import gplazma, oidc_providers
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_release import (
    MULTIMAP_ROLES,
    OIDC_AUDIENCE,
    OIDC_SCOPE_PROFILES,
    OMNISESSION,
    QOS_ROLE_NEEDED,
    Release,
    since,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_site import place
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Severity
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.gplazma_login import (
    CONF_PROPERTY,
    FILE_PROPERTIES,
    OUTSIDE_MAP,
    Class,
    Credential,
    Failure,
    LoginSetup,
    Outcome,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.oidc_providers import Provider
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import (
    gplazma_conf,
    line_document,
    multimap,
    omnisession,
    storage_authzdb,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.dcache_args import Args, parse_args, quoted
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.dcache_layout import Scope
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.gplazma_conf import Modifier, Phase, PluginLine
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.principals import Principal
from ansible_collections.escape.datalake.plugins.plugin_utils.model.derive import area_access
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Issuer, Storage
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_draft import HEAD, Draft

GPLAZMA = FILE_PROPERTIES[CONF_PROPERTY]
OWN_MAP = "/etc/dcache/multimap-datalake.conf"
OWN_SESSIONS = "/etc/dcache/omnisession-datalake.conf"
OWN_ACCOUNTS = "/etc/dcache/authzdb-datalake"
USERS_MAP = "/etc/dcache/multimap-users.conf"
FRESH_ACCOUNTS = "/etc/grid-security/storage-authzdb"
SOMEBODY = Principal("dn", "/C=XX/O=somebody/CN=Some Body")
SCITOKEN_WLCG_SCOPES = since("6.1.0")
WLCG_GROUPS = since("6.2.30", "7.0.19", "7.1.10", "7.2.0")
BINDING = frozenset({Modifier.REQUIRED, Modifier.REQUISITE})
PROFILES = ("wlcg", "scitokens", "oidc")
CANDIDATES = 500
"""How many credentials of a class that the files name are played before and after; more take minutes and are of the same shape."""
ROUNDS = 4
"""How often lines are added for one log-in: a map line, a record of authzdb, a modifier, a session."""


@dataclass(frozen=True)
class Account:
    """The ids of those who come with a group, or with capability tokens of an issuer.

    group: as tokens name it (``/escape``). issuer: name of an issuer in the place of a group. name, uid: whom they become; without them the
    group adds gid to an account that another group gives. roles: from 9.2 (``qos-group``).
    """

    gid: int
    group: str = ""
    issuer: str = ""
    name: str = ""
    uid: int | None = None
    roles: tuple[str, ...] = ()


@dataclass(frozen=True)
class User:
    """Somebody with a password. password_hash: as htpasswd makes it; None leaves the file alone."""

    name: str
    uid: int
    gid: int
    roles: tuple[str, ...] = ()
    password_hash: str | None = None


@dataclass(frozen=True)
class LoginOptions:
    """accounts: declared ids. users: people with passwords. profiles: by issuer; without one a provider that is there keeps its own, others
    take wlcg. home: directory of the groups, and what they are limited to. prefix: what the paths of token scopes are relative to.
    """

    accounts: tuple[Account, ...] = ()
    users: tuple[User, ...] = ()
    profiles: tuple[tuple[str, str], ...] = ()
    prefix: str = "/"

    def profile(self, issuer: str) -> str | None:
        return dict(self.profiles).get(issuer)


@dataclass(frozen=True)
class _Login:
    """A log-in that must end right. account: what it must end with; lines: what maps it. words: who that is, for people."""

    credential: Credential
    account: Account
    lines: tuple[multimap.Mapping, ...]
    words: str


def configure(draft: Draft, storage: Storage, options: LoginOptions, *, fresh: bool) -> tuple[str, ...]:
    """Edits the files of a host that runs gPlazma, and returns what a person should know.

    Raises DescriptionError for a missing account, and for a log-in that cannot be made to work, or kept working, by adding lines.
    """
    start = dict(draft.files)
    tries: list[tuple[int, dict[str, str], tuple[str, ...]]] = []
    failures: list[DescriptionError] = []
    for where in Where:
        draft.files = dict(start)
        try:
            logins = _Logins(draft, storage, options, fresh=fresh, where=where)
            notes = logins.configure()
        except DescriptionError as failure:
            failures.append(failure)
            continue
        tries.append((_trouble(draft.login) - _trouble(logins.before), draft.files, notes))
        if fresh or tries[-1][0] <= 0:
            break
    if not tries:
        raise failures[0]
    _trouble_left, draft.files, notes = min(tries, key=lambda each: each[0])
    return notes


def _trouble(setup: LoginSetup) -> int:
    """How many findings above notice the checks have."""
    return sum(finding.severity is not Severity.NOTICE for finding in gplazma.check(setup))


class Where(StrEnum):
    """Where lines for groups go: into a file that maps groups already, or into an own one, asked behind or before the others."""

    AMONG = "among"
    BEHIND = "behind"
    BEFORE = "before"


class _Logins:
    def __init__(self, draft: Draft, storage: Storage, options: LoginOptions, *, fresh: bool, where: Where) -> None:
        self.draft = draft
        self.where = where
        self.storage = storage
        self.options = options
        self.fresh = fresh
        self.release: Release = draft.release
        self.notes: list[str] = []
        if fresh:
            self._skeleton()
        self.before = draft.login

    @property
    def setup(self) -> LoginSetup:
        return self.draft.login

    @property
    def scope(self) -> Scope:
        return self.draft.services("gplazma")[0][1].scope

    def configure(self) -> tuple[str, ...]:
        problems: list[Problem] = []
        groups = {issuer.name: self._groups(issuer, problems) for issuer in self.storage.issuers}
        vo_groups = self._vo_groups(problems)
        capability = {issuer.name: self._capability_account(issuer, groups[issuer.name], problems) for issuer in self.storage.issuers}
        problems += [problem for issuer in self.storage.issuers if (problem := self._useless(issuer, bool(groups[issuer.name])))]
        problems += [problem for issuer in self.storage.issuers if (problem := self._elsewhere(issuer))]
        if not problems:
            problems += _clashes([*groups.values(), vo_groups])
        if problems:
            raise DescriptionError(problems)
        if OIDC_SCOPE_PROFILES.covers(self.release):
            self._migrate_hostnames()
        for issuer in self.storage.issuers:
            self._provider(issuer, capability[issuer.name], has_groups=bool(groups[issuer.name]))
        self._audiences()
        self._auth_lines()
        for user in self.options.users:
            self._password(user)
            self._user(user)
        logins = [login for issuer in self.storage.issuers for login in self._token_logins(issuer, groups[issuer.name], capability)]
        logins += self._certificate_logins(vo_groups)
        for login in logins:
            problems += self._let_in(login)
        problems += _broken(self.before, self.setup, logins)
        if problems:
            raise DescriptionError(problems)
        return tuple(self.notes)

    # --- whom the description lets in ---------------------------------------------------------------------------------------------------

    def _groups(self, issuer: Issuer, problems: list[Problem]) -> dict[str, Account]:
        """The groups of an issuer that may enter an area, each with its account."""
        names = dict.fromkeys(
            access.group for area in self.storage.areas for access in area_access(area, self.storage) if access.issuer == issuer.name
        )
        return self._accounts(names, problems)

    def _accounts(self, names: Iterable[str], problems: list[Problem]) -> dict[str, Account]:
        """The account of each group; groups that others lie in come first, because those give the uid."""
        ordered = tuple(sorted(names, key=lambda name: name.count("/")))
        return {name: account for name in ordered if (account := self._account(name, ordered, problems))}

    def _vo_groups(self, problems: list[Problem]) -> dict[str, Account]:
        """The groups that VOMS proxies carry: those of the VOs among the groups of the areas, and each VO itself."""
        vos = self.storage.x509.vos if self.storage.x509 else ()
        granted = [access.group for area in self.storage.areas for access in area_access(area, self.storage)]
        names = dict.fromkeys(name for vo in vos for name in ([group for group in granted if _inside(group, f"/{vo}")] or [f"/{vo}"]))
        return self._accounts(names, problems)

    def _account(self, group: str, groups: Sequence[str], problems: list[Problem]) -> Account | None:
        """The declared account of a group, else the one that the host gives it already."""
        declared = next((account for account in self.options.accounts if account.group == group), None)
        found = None if self.fresh else self._found(group)
        parent = next((other for other in groups if other != group and _inside(group, other)), None)
        at = "dcache_accounts"
        if parent is None:
            if declared and declared.uid is None and found:
                return declared  # other lines say who its members are
            if declared and declared.uid is None:
                words = f"The account of {group} has no uid and no name, and no other group gives its members any."
                problems.append(Problem(at, words, "Add name and uid."))
                return None
            if declared and found and (found.uid, found.gid) != (declared.uid, declared.gid):
                words = (
                    f"{group} is declared with uid {declared.uid} and gid {declared.gid}, but this dCache maps its members to "
                    f"uid {found.uid} and gid {found.gid}, who own the files that are there."
                )
                problems.append(Problem(at, words, "Declare the ids that are in use."))
                return None
            if account := found or declared:
                return replace(account, roles=declared.roles if declared else ())
            words = f"Nobody says who members of {group} are in the name space: dCache needs a name, a uid and a gid that never change."
            problems.append(Problem(at, words, f"Add {{group: {group}, name: NAME, uid: N, gid: N}} with ids that no other account has."))
            return None
        if declared and declared.uid is not None:
            words = f"Members of {group} are members of {parent} too, and dCache refuses a log-in with two uids."
            problems.append(Problem(at, words, f"Give {group} only a gid; name and uid come from {parent}."))
            return None
        if account := declared or self._found_gid(group):
            return account
        words = f"Nobody says which gid members of {group} have beside that of {parent}."
        problems.append(Problem(at, words, f"Add {{group: {group}, gid: N}} with an id that no other account has."))
        return None

    def _found(self, group: str) -> Account | None:
        """What the files that are there make of a member of a group."""
        credentials = [Credential(Class.VOMS, (SOMEBODY, Principal("fqan", group)))]
        for provider in self.before.providers:
            credentials += [_token(provider, [name]) for name in self._spellings(group)]
        for credential in credentials:
            outcome = self.before.login(credential)
            identity = _identity(outcome) if outcome.ok else None
            if identity:
                name, uid, gid = identity
                return Account(gid=gid, group=group, name=name, uid=uid)
        return None

    def _found_gid(self, group: str) -> Account | None:
        wanted = {Principal("fqan", group), *(Principal("oidcgrp", name) for name in self._spellings(group))}
        for _number, line in self.before.of_phase(Phase.MAP):
            if line.plugin != "multimap":
                continue
            for mapping in self.before.mappings(self.before.path(line)).mappings.values():
                gids = [int(gid.name) for gid in mapping.values("gid") if gid.primary is not True]
                if mapping.match in wanted and gids:
                    return Account(gid=gids[0], group=group)
        return None

    def _capability_account(self, issuer: Issuer, groups: dict[str, Account], problems: list[Problem]) -> Account | None:
        """Whom a token with storage scopes becomes."""
        own = next((account for account in self.options.accounts if account.issuer == issuer.name), None)
        if own and own.uid is not None:
            return own
        top = next((account for account in groups.values() if account.uid is not None), None)
        if top is None and not own and not groups and not problems:
            words = f"Groups of {issuer.name} enter no area, and nobody says who its capability tokens are in the name space."
            remedy = f"Add {{issuer: {issuer.name}, name: NAME, uid: N, gid: N}} with ids that no other account has."
            problems.append(Problem("dcache_accounts", words, remedy))
        return top

    def _spellings(self, group: str) -> tuple[str, ...]:
        """A group as the claims that a release reads name it: before wlcg.groups was read, ``groups`` without leading slash."""
        return (group,) if WLCG_GROUPS.covers(self.release) else (group.removeprefix("/"), group)

    # --- issuers ------------------------------------------------------------------------------------------------------------------------

    def _migrate_hostnames(self) -> None:
        """``gplazma.oidc.hostnames`` is forbidden from 8.2 and knows no scopes: each host becomes a provider."""
        hosts = self.scope.value(oidc_providers.HOSTNAMES).split() if place(self.scope, oidc_providers.HOSTNAMES) else []
        if not hosts:
            return
        known = {issuer.url: issuer.name for issuer in self.storage.issuers}
        texts = "\n".join(self.draft.files.values())
        have = {provider.issuer for provider in self.setup.providers if provider.property != oidc_providers.HOSTNAMES}
        for host in hosts:
            url = f"https://{host}/"
            alias = host if f"@{host}" in texts or f"op:{host}" in texts else known.get(url, host)
            if url not in have:
                self.draft.set_beside(self.scope, oidc_providers.PROVIDER + alias, url, oidc_providers.HOSTNAMES)
        self.draft.remove(self.scope, oidc_providers.HOSTNAMES)
        self.notes.append(f"{oidc_providers.HOSTNAMES} was replaced by gplazma.oidc.provider!NAME: it is forbidden from 8.2.")

    def _useless(self, issuer: Issuer, has_groups: bool) -> Problem | None:
        """An issuer without groups needs capabilities, and a release that reads them."""
        scopes = self.options.profile(issuer.name) != "oidc" if OIDC_SCOPE_PROFILES.covers(self.release) else True
        if has_groups or (scopes and SCITOKEN_WLCG_SCOPES.covers(self.release)):
            return None
        words = f"No group of {issuer.name} enters an area, and dCache {self.release} does not read the scopes of its tokens here."
        return Problem(
            "datalake_storage.issuers", words, "Give its groups access, take it out, or use a release and a profile with scopes."
        )

    def _elsewhere(self, issuer: Issuer) -> Problem | None:
        """An issuer whose tokens already lead to another directory: they would be let into this one in its place."""
        here = [(each, each.args.option("prefix")) for each in self.setup.providers]
        here += [(each, "".join(each.args.arguments[1:2])) for each in self.setup.scitoken_issuers]
        for each, prefix in here:
            if each.issuer == issuer.url and prefix and (prefix.rstrip("/") or "/") != self.options.prefix:
                words = (
                    f"Paths in tokens of {issuer.name} are relative to {prefix} ({each.property}), and the description makes them relative "
                    f"to {self.options.prefix}: whoever has such tokens today would reach other files."
                )
                remedy = "Correct base_path, take the issuer out, or change the property by hand."
                return Problem("datalake_storage.base_path", words, remedy)
        return None

    def _provider(self, issuer: Issuer, account: Account | None, *, has_groups: bool) -> None:
        provider = next((one for one in self.setup.providers if one.issuer == issuer.url), None)
        if OIDC_SCOPE_PROFILES.covers(self.release):
            args = provider.args if provider else Args((issuer.url,))
            wanted = self._options(issuer, provider, account)
            missing = [(name, value) for name, value in wanted if args.option(name) != value]
            if provider is None or missing:
                name = provider.property if provider else oidc_providers.PROVIDER + issuer.name
                self._set(name, _with_options(self.scope.value(name) if provider else issuer.url, args, missing))
            return
        if provider is None and has_groups:
            self._set(oidc_providers.PROVIDER + issuer.name, issuer.url)
        if SCITOKEN_WLCG_SCOPES.covers(self.release) and account:
            found = next((one for one in self.setup.scitoken_issuers if one.issuer == issuer.url), None)
            name = found.property if found else oidc_providers.SCITOKEN_ISSUER + issuer.name
            if not found:
                words = [issuer.url, self.options.prefix, f"username:{account.name}", f"uid:{account.uid}", f"gid:{account.gid}"]
                self._set(name, " ".join(quoted(word) for word in words))
        elif not SCITOKEN_WLCG_SCOPES.covers(self.release):
            self.notes.append(f"{self.release} knows no scopes of tokens: those of {issuer.name} count by their groups only.")

    def _options(self, issuer: Issuer, provider: Provider | None, account: Account | None) -> list[tuple[str, str]]:
        """The options that a provider must have. A plain provider that is there stays plain unless a profile is asked for."""
        asked = self.options.profile(issuer.name)
        profile = asked or ("wlcg" if provider is None else provider.profile(self.release))
        if profile == "oidc":
            if not asked and not self.fresh:
                self.notes.append(
                    f"Tokens of {issuer.name} are read with the profile oidc, as before: storage scopes, and with them Rucio's tokens, "
                    f"need wlcg. Set dcache_profiles: {{{issuer.name}: wlcg}} when all its tokens follow the WLCG profile."
                )
            return [("profile", "oidc")] if asked and provider and provider.profile(self.release) != "oidc" else []
        wanted = [("profile", profile), ("prefix", self.options.prefix)]
        if profile == "wlcg" and account and not (provider and self._knows_capability(provider, account)):
            wanted.append(("authz-id", f"username:{account.name} uid:{account.uid} gid:{account.gid}"))
        return wanted

    def _knows_capability(self, provider: Provider, account: Account) -> bool:
        """Whether a provider, or a map line, says who capability tokens are."""
        if provider.args.has("authz-id"):
            return True
        return provider.profile(self.release) == "wlcg" and _right(self.setup.login(_capability(provider)), account, Class.CAPABILITY)

    def _audiences(self) -> None:
        if not self.storage.issuers:
            return
        names = []
        if OIDC_AUDIENCE.covers(self.release):
            names.append(oidc_providers.AUDIENCES)
        if self.setup.scitoken_issuers:
            names.append(oidc_providers.SCITOKEN_AUDIENCES)
        for name in names:
            text = self.scope.value(name)
            have = parse_args(text).arguments
            missing = [audience for audience in self.storage.audiences if audience not in have]
            if missing:
                self._set(name, " ".join([*([text.rstrip()] if text.strip() else []), *missing]))

    def _set(self, name: str, value: str) -> None:
        """Sets a property of gPlazma where it stands, else beside its relatives, else in the section of the service."""
        service = self.draft.services("gplazma")[0][1]
        if place(service.scope, name):
            self.draft.edit(service.scope, name, value)
            return
        relatives = [
            (scope.settings[other].line, other)
            for scope in service.scope.chain()
            for other in scope.settings
            if other.startswith(("gplazma.oidc.", "gplazma.scitoken.")) and scope.settings[other].file
        ]
        if relatives:
            self.draft.set_beside(service.scope, name, value, relatives[0][1])
        else:
            self.draft.set_in_service(service, name, value)

    # --- gplazma.conf -------------------------------------------------------------------------------------------------------------------

    def _skeleton(self) -> None:
        """The files of a new dCache: nobody is let in yet. The gplazma.conf of some packages lists plug-ins that they lack."""
        lines = [PluginLine(Phase.MAP, Modifier.OPTIONAL, "multimap", (("gplazma.multimap.file", OWN_MAP),))]
        if self.options.users:
            lines.insert(0, PluginLine(Phase.MAP, Modifier.SUFFICIENT, "multimap", (("gplazma.multimap.file", USERS_MAP),)))
        session = "omnisession" if OMNISESSION.covers(self.release) else "authzdb"
        lines += [
            PluginLine(Phase.ACCOUNT, Modifier.REQUISITE, "banfile"),
            PluginLine(Phase.SESSION, Modifier.REQUISITE, "roles"),
            PluginLine(Phase.SESSION, Modifier.REQUISITE, session),
        ]
        self._put(GPLAZMA, gplazma_conf.render(lines, [HEAD, "One mistake here locks everybody out: check before a change by hand."]))
        self._ensure_file(OWN_MAP, "Groups of tokens and VOs. All lines that match add up: a uid on one of them only.")
        if self.options.users:
            self._ensure_file(USERS_MAP, "People who have an account of their own.")
        self._ensure_file("/etc/dcache/ban.conf", "ban dn:..., ban username:..., ban oidc:SUB@ISSUER")
        if session == "omnisession":
            self._ensure_file("/etc/dcache/omnisession.conf", "For each attribute the first line that matches counts.")
        elif self._text(FRESH_ACCOUNTS) is None:
            self._put(FRESH_ACCOUNTS, storage_authzdb.render((), [HEAD]))

    def _auth_lines(self) -> None:
        wanted = ["x509", "voms"] if self.storage.x509 else []
        if self.storage.issuers:
            wanted += ["scitoken"] if self.setup.scitoken_issuers else []
            wanted += ["oidc"] if self.setup.providers else []
        if any(user.password_hash for user in self.options.users):
            wanted.append("htpasswd")
        conf = self.setup.conf
        for number, line in self.setup.lines:
            asked = line.phase is Phase.AUTH or (line.phase is Phase.MAP and line.plugin in OUTSIDE_MAP)
            if asked and line.modifier in BINDING and self.storage.issuers:
                conf = conf.replace(number, replace(line, modifier=Modifier.OPTIONAL))
                self.notes.append(
                    f"gplazma.conf: {line.plugin} is optional now; {line.modifier.value}, it refused everybody with a token alone."
                )
        self._put(self.setup.conf_path, conf.render())
        for plugin in wanted:
            if self.setup.uses(plugin, Phase.AUTH):
                continue
            lines = self.setup.of_phase(Phase.AUTH)
            sufficient = next((number for number, line in lines if line.modifier is Modifier.SUFFICIENT), None)
            first = min((number for number, _line in self.setup.lines), default=1)
            at = sufficient or (lines[-1][0] + 1 if lines else first)
            self._insert_line(at, PluginLine(Phase.AUTH, Modifier.OPTIONAL, plugin))

    def _insert_line(self, number: int, line: PluginLine) -> None:
        self._put(self.setup.conf_path, self.setup.conf.insert(number, [line]).render())

    # --- log-ins ------------------------------------------------------------------------------------------------------------------------

    def _token_logins(self, issuer: Issuer, groups: dict[str, Account], capability: dict[str, Account | None]) -> Iterator[_Login]:
        provider = next((one for one in self.setup.providers if one.issuer == issuer.url), None)
        account = capability[issuer.name]
        if provider and account and provider.profile(self.release) in ("wlcg", "scitokens"):
            # Only a map line can tell who the tokens of the profile scitokens are.
            lines = () if provider.profile(self.release) == "wlcg" else (self._mapping(Principal("op", provider.alias), account),)
            yield _Login(_capability(provider), account, lines, f"capability tokens of {issuer.name}")
        older = next((one for one in self.setup.scitoken_issuers if one.issuer == issuer.url), None)
        if older and account and not OIDC_SCOPE_PROFILES.covers(self.release):
            yield _Login(_capability(older), account, (), f"capability tokens of {issuer.name}")
        if provider is None or provider.profile(self.release) == "scitokens":
            return
        accepts = provider.profile(self.release) == "oidc" and provider.accepts("groups")
        for group, member in groups.items():
            for name in self._spellings(group):
                match = Principal("group", group.removeprefix("/")) if accepts else Principal("oidcgrp", name)
                above = [other for other in groups if other != group and _inside(group, other)]
                slash = name.startswith("/")
                claims = [name, *(other if slash else other.removeprefix("/") for other in above)]
                yield _Login(
                    _token(provider, claims), member, (self._mapping(match, member),), f"tokens of {issuer.name} with group {name}"
                )

    def _certificate_logins(self, groups: dict[str, Account]) -> Iterator[_Login]:
        for group, member in groups.items():
            fqans = tuple(Principal("fqan", name) for name in (group, *_above(group)))  # proxies list the groups around theirs
            credential = Credential(Class.VOMS, (SOMEBODY, *fqans))
            if member.uid is None and self.before.login(credential).ok:
                continue  # certificates that are mapped keep the ids that they have
            yield _Login(credential, member, (self._mapping(fqans[0], member),), f"VOMS proxies of {group}")

    def _mapping(self, match: Principal, account: Account) -> multimap.Mapping:
        if account.uid is None:
            return multimap.Mapping(match, (Principal("gid", str(account.gid)),))
        results = [Principal("username", account.name), Principal("uid", str(account.uid)), Principal("gid", f"{account.gid},true")]
        roles = account.roles
        if (
            not roles
            and QOS_ROLE_NEEDED.covers(self.release)
            and any(service.type.startswith("qos-") for service in self.draft.host.services())
        ):
            roles = ("qos-group",)
        if roles and MULTIMAP_ROLES.covers(self.release):
            results.append(Principal("roles", ",".join(roles)))
        return multimap.Mapping(match, tuple(results))

    def _let_in(self, login: _Login) -> list[Problem]:
        """Adds lines until a log-in ends right."""
        outcome = self.setup.login(login.credential)
        if _right(outcome, login.account, login.credential.kind):
            return []
        if login.lines:
            self._add_mappings(login.lines)
        tried: set[str] = set()
        for _round in range(ROUNDS):
            outcome = self.setup.login(login.credential)
            if _right(outcome, login.account, login.credential.kind) or not self._mend(outcome, login.account, tried):
                break
        if _right(outcome, login.account, login.credential.kind):
            return []
        reason = outcome.text if not outcome.ok else f"they become {_named(outcome)}"
        where = f"gplazma.conf line {outcome.line}" if outcome.line else "the files that are there"
        account = f"uid {login.account.uid} gid {login.account.gid}" if login.account.uid is not None else f"gid {login.account.gid}"
        words = f"{login.words[0].upper()}{login.words[1:]} cannot be let in as {account}: {reason}."
        return [Problem(GPLAZMA, words, f"Change {where} by hand so that the log-in ends right, then run again.")]

    def _add_mappings(self, lines: Sequence[multimap.Mapping]) -> None:
        path = self._map_file()
        document = multimap.parse(self._text(path) or f"# {HEAD}\n")
        known = {mapping.match for _number, mapping in document.entries()}
        self._put(path, document.append(line for line in lines if line.match not in known).render())

    def _map_file(self) -> str:
        """The multimap file for groups: one that maps groups already, else the last one, or an own one."""
        maps = [(number, self.setup.path(line)) for number, line in self.setup.of_phase(Phase.MAP) if line.plugin == "multimap"]
        files = [path for _number, path in maps]
        if OWN_MAP in files:
            return OWN_MAP
        broad = [path for path in files if any(kind in ("fqan", "oidcgrp", "op") for kind in self._kinds(path))]
        if files and self.where is Where.AMONG:
            return (broad or files)[-1]
        lines = self.setup.of_phase(Phase.MAP)
        at = lines[0][0] if lines else len(self.setup.conf.lines) + 1
        behind = bool(files) and self.where is Where.BEHIND
        modifier = Modifier.OPTIONAL if behind else Modifier.SUFFICIENT
        line = PluginLine(Phase.MAP, modifier, "multimap", (("gplazma.multimap.file", OWN_MAP),))
        self._insert_line(maps[-1][0] + 1 if behind else at, line)
        self._ensure_file(OWN_MAP, "Groups of tokens. Who matches no line is mapped by the lines that follow in gplazma.conf.")
        return OWN_MAP

    def _kinds(self, path: str) -> set[str]:
        return {mapping.match.kind for mapping in self.setup.mappings(path).mappings.values()}

    def _mend(self, outcome: Outcome, account: Account, tried: set[str]) -> bool:
        """Does what the failure of a log-in asks for; False when nothing is left to do."""
        what = f"{outcome.phase} {outcome.plugin} {outcome.failure}"
        if what in tried:
            return False
        tried.add(what)
        if outcome.failure is Failure.NO_SESSION or outcome.phase is Phase.SESSION:
            return self._session(outcome, account)
        if outcome.phase is Phase.MAP and outcome.plugin == "authzdb":
            return self._authorize(self.setup.path(self._line(outcome.line)), account)
        if outcome.phase is Phase.MAP:
            line = self._line(outcome.line)
            changed = self.setup.conf.replace(outcome.line, replace(line, modifier=Modifier.OPTIONAL))
            self._put(self.setup.conf_path, changed.render())
            self.notes.append(
                f"gplazma.conf: {line.plugin} is optional now; {line.modifier.value}, it refused tokens that it does not map."
            )
            return True
        return False

    def _line(self, number: int) -> PluginLine:
        return next(line for at, line in self.setup.lines if at == number)

    def _session(self, outcome: Outcome, account: Account) -> bool:
        lines = self.setup.of_phase(Phase.SESSION)
        known = [line for _number, line in lines if line.plugin in ("omnisession", "authzdb")]
        binding = next((line for number, line in lines if number == outcome.line), None)
        chosen = binding if binding in known else next(iter(known), None)
        if chosen is None or (binding is not None and binding not in known):
            new = OMNISESSION.covers(self.release)
            plugin, name, path = (
                ("omnisession", "gplazma.omnisession.file", OWN_SESSIONS) if new else ("authzdb", "gplazma.authzdb.file", OWN_ACCOUNTS)
            )
            chosen = PluginLine(Phase.SESSION, Modifier.SUFFICIENT, plugin, ((name, path),))
            at = next((number for number, line in lines if line.plugin != "roles"), len(self.setup.conf.lines) + 1)
            self._insert_line(at, chosen)
            self._ensure_file(path, "Home and root of those who come with tokens.")
        path = self.setup.path(chosen)
        if chosen.plugin == "authzdb":
            return self._authorize(path, account)
        document = omnisession.parse(self._text(path) or f"# {HEAD}\n")
        directory = self.options.prefix
        attributes = ("root:/", f"home:{directory}", *((f"prefix:{directory}",) if directory != "/" else ()))
        rule = omnisession.SessionRule(Principal("gid", str(account.gid)), attributes)
        self._put(path, document.append([rule]).render())
        return True

    def _authorize(self, path: str, account: Account) -> bool:
        document = storage_authzdb.parse(self._text(path) or storage_authzdb.render((), [HEAD]))
        if not account.name or account.uid is None or any(entry.name == account.name for _number, entry in document.entries()):
            return False
        entry = storage_authzdb.Account(account.name, "read-write", account.uid, (account.gid,), self.options.prefix, "/")
        self._put(path, document.append([entry]).render())
        return True

    # --- people with passwords ----------------------------------------------------------------------------------------------------------

    def _password(self, user: User) -> None:
        """The line of a user in the password file."""
        if user.password_hash is None:
            return
        path = next((self.setup.path(line) for _number, line in self.setup.lines if line.plugin == "htpasswd"), "/etc/dcache/htpasswd")
        text = self._text(path) or ""
        lines = [line for line, _ending in line_document.split_lines(text)]
        entry = f"{user.name}:{user.password_hash}"
        if entry in lines:
            return
        kept = [entry if line.startswith(f"{user.name}:") else line for line in lines]
        self._put(path, "\n".join(kept if entry in kept else [*lines, entry]) + "\n")

    def _user(self, user: User) -> None:
        """Name, ids and session of a user."""
        account = Account(gid=user.gid, name=user.name, uid=user.uid, roles=user.roles)
        credential = Credential(Class.PASSWORD, (Principal("username", user.name),))
        if _right(self.setup.login(credential), account, Class.PASSWORD):
            return
        files = [self.setup.path(line) for _number, line in self.setup.of_phase(Phase.MAP) if line.plugin == "multimap"]
        path = files[0] if files else self._map_file()
        match = Principal("username", user.name)
        results = [Principal("uid", str(user.uid)), Principal("gid", f"{user.gid},true")]
        if user.roles and MULTIMAP_ROLES.covers(self.release):
            results.append(Principal("roles", ",".join(user.roles)))
        document = multimap.parse(self._text(path) or f"# {HEAD}\n")
        if all(mapping.match != match for _number, mapping in document.entries()):
            self._put(path, document.append([multimap.Mapping(match, tuple(results))]).render())
        sessions = [line for _number, line in self.setup.of_phase(Phase.SESSION) if line.plugin in ("omnisession", "authzdb")]
        if _right(self.setup.login(credential), account, Class.PASSWORD) or not sessions:
            return
        path = self.setup.path(sessions[0])
        if sessions[0].plugin == "authzdb":
            self._authorize(path, account)
            return
        rule = omnisession.SessionRule(match, ("root:/", "home:/"))
        self._put(path, omnisession.parse(self._text(path) or f"# {HEAD}\n").append([rule]).render())

    # --- files --------------------------------------------------------------------------------------------------------------------------

    def _text(self, path: str) -> str | None:
        return self.draft.files.get(path.lstrip("/"))

    def _put(self, path: str, text: str) -> None:
        self.draft.files[path.lstrip("/")] = text

    def _ensure_file(self, path: str, words: str) -> None:
        if self._text(path) is None:
            self._put(path, f"# {HEAD}\n# {words}\n")


def _inside(group: str, other: str) -> bool:
    return group == other or group.startswith(f"{other}/")


def _above(group: str) -> list[str]:
    """The groups that a group lies in, the nearest first."""
    names = group.strip("/").split("/")
    return ["/" + "/".join(names[:count]) for count in range(len(names) - 1, 0, -1)]


def _token(provider: Provider, groups: Sequence[str]) -> Credential:
    return Credential(Class.TOKEN, (Principal("oidc", "somebody"), *(Principal("claim", group) for group in groups)), provider.alias)


def _capability(provider: Provider) -> Credential:
    return Credential(Class.CAPABILITY, (Principal("oidc", "somebody"),), provider.alias)


def _identity(outcome: Outcome) -> tuple[str, int, int] | None:
    """User name, uid and primary gid of a log-in; None when something outside gives them."""
    kinds = {kind: [one for one in outcome.principals if one.kind == kind] for kind in ("username", "uid", "gid")}
    name, uid = (kinds[kind][0].name if kinds[kind] else "?" for kind in ("username", "uid"))
    gid = next((one.name for one in kinds["gid"] if one.primary), "?")
    return (name, int(uid), int(gid)) if "?" not in (name, uid, gid) else None


def _right(outcome: Outcome, account: Account, kind: Class) -> bool:
    """Whether a log-in ends with the ids of an account.

    What something outside (kpwd, LDAP, NSS) may give is believed for certificates and passwords, which it may well know; it has never heard
    of tokens.
    """
    if not outcome.ok:
        return False
    outside = kind not in (Class.TOKEN, Class.CAPABILITY)
    if account.uid is None:
        return any(one.kind == "gid" and (one.name == str(account.gid) or (outside and one.name == "?")) for one in outcome.principals)
    identity = _identity(outcome)
    return outside if identity is None else identity[1:] == (account.uid, account.gid)


def _named(outcome: Outcome) -> str:
    identity = _identity(outcome)
    return f"uid {identity[1]} gid {identity[2]}" if identity else "somebody whom something outside names"


def _with_options(text: str, args: Args, options: Sequence[tuple[str, str]]) -> str:
    """A provider's value with further options; one that is there with another value is written anew."""
    new = {name for name, _value in options}
    if args.options and any(name in new for name, _value in args.options):
        kept = tuple((name, value) for name, value in args.options if name not in new)
        return str(Args(args.arguments, (*kept, *options)))
    return " ".join([text.strip(), *(str(Args((), (option,))) for option in options)])


def _clashes(groups: Sequence[dict[str, Account]]) -> Iterator[Problem]:
    """What dCache cannot tell apart: one group name of two issuers, one uid or name of two accounts."""
    seen: dict[str, dict[str, Account]] = {}
    for members in groups[:-1]:  # the last ones are VOs, whose groups are those of an issuer
        for group in members:
            root = "/" + group.split("/")[1]
            if seen.setdefault(root, members) is not members:
                words = f"Two issuers give the group {root} or groups below it, and dCache cannot tell whose group a token carries."
                yield Problem("datalake_lake.issuers", words, "Trust one of them on this storage, or use capability tokens of the other.")
                return
    owners: dict[int, Account] = {}
    for account in (account for members in groups for account in members.values() if account.uid is not None):
        other = owners.setdefault(account.uid or 0, account)
        if other.name != account.name:
            words = f"{other.group} and {account.group} have the uid {account.uid} but the names {other.name} and {account.name}."
            yield Problem("dcache_accounts", words, "Give each account a uid of its own.")


def _broken(before: LoginSetup, after: LoginSetup, logins: Sequence[_Login]) -> list[Problem]:
    """The log-ins that worked and would end differently: each credential that the files name, alone and with the new groups beside it."""
    credentials: dict[Credential, None] = {}
    for family in gplazma.families(before):
        known = [*family.generic, *(one.credential for one in family.candidates[:CANDIDATES])]
        credentials |= dict.fromkeys(known)
        credentials |= dict.fromkeys(_with(one, login.credential) for one in known for login in logins if _together(one, login.credential))
    problems = []
    for credential in credentials:
        old = before.login(credential)
        if not old.ok:
            continue
        new = after.login(credential)
        if not new.ok or _identity(new) != _identity(old):
            whom = ", ".join(str(claim) for claim in credential.claims)
            result = _named(new) if new.ok else f"refused: {new.text}"
            words = f"{credential.kind.value} ({whom}) is {_named(old)} today and would be {result}."
            problems.append(Problem(GPLAZMA, words, "Arrange the map lines by hand so that this log-in is kept, then run again."))
    return problems


def _together(one: Credential, other: Credential) -> bool:
    """Whether one client may show both: certificates with groups of a VO, tokens of one issuer."""
    certificates = {Class.X509, Class.VOMS}
    if one.kind in certificates or other.kind in certificates:
        vos = {fqan.split("/")[1] for credential in (one, other) for fqan in credential.values("fqan")}
        return {one.kind, other.kind} <= certificates and len(vos) == 1  # a proxy is of one VO
    return one.kind is other.kind and one.provider == other.provider


def _with(one: Credential, other: Credential) -> Credential:
    added = tuple(claim for claim in other.claims if claim.kind in ("fqan", "claim") and claim not in one.claims)
    return Credential(other.kind if other.kind is Class.VOMS else one.kind, one.claims + added, one.provider)
