# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Accounts of Rucio with identities, attributes, quotas and scopes: what may be asked, what was found, and the plan between them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.model.rse import Scalar
from ansible_collections.escape.datalake.plugins.plugin_utils.model.units import parse_size
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import Change, Plan, Verb
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio import values
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.planned import Planned

NAME = re.compile(r"[a-z0-9_-]{1,25}")
SCOPE = re.compile(r"[a-zA-Z_\-.0-9]{1,25}")
ATTRIBUTE_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,30}")
TYPES = ("USER", "GROUP", "SERVICE")
IDENTITY_TYPES = ("OIDC", "X509", "USERPASS", "SSH", "GSS", "SAML")
ACTIVE, SUSPENDED, DELETED = "ACTIVE", "SUSPENDED", "DELETED"
UNLIMITED_WORDS = ("infinite", "infinity", "unlimited", "-1")
# The account that the server itself needs.
PROTECTED = frozenset({"root", "super_root"})


@dataclass(frozen=True)
class Identity:
    """What somebody proves to be, and the account it opens. password: of a new USERPASS identity; Rucio never changes it."""

    type: str
    identity: str
    email: str = ""
    password: str | None = field(default=None, repr=False)
    default: bool = False
    absent: bool = False

    @property
    def key(self) -> tuple[str, str]:
        return (self.type, self.identity)


@dataclass(frozen=True)
class Account:
    """An account as declared. What is None or not named is left alone; a quota or an attribute that is None is removed.

    local_quotas: bytes by RSE, global_quotas: bytes by RSE expression, values.UNLIMITED for no limit.
    """

    name: str
    type: str | None = None
    email: str | None = None
    status: str = ACTIVE
    identities: tuple[Identity, ...] = ()
    attributes: Mapping[str, Scalar] = field(default_factory=dict)
    local_quotas: Mapping[str, int | None] = field(default_factory=dict)
    global_quotas: Mapping[str, int | None] = field(default_factory=dict)
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True)
class AccountFound:
    """An account as the server holds it; of one that is not active nothing but type, email and status can be read."""

    name: str
    type: str
    email: str | None
    status: str
    identities: frozenset[tuple[str, str]] = frozenset()
    attributes: Mapping[str, Scalar] = field(default_factory=dict)
    local_quotas: Mapping[str, int] = field(default_factory=dict)
    global_quotas: Mapping[str, int] = field(default_factory=dict)
    scopes: frozenset[str] = frozenset()


def oidc_identity(issuer: str, subject: str) -> str:
    """The text by which Rucio knows a person of a token issuer: one blank after the comma, the issuer exactly as in the token."""
    return f"SUB={subject}, ISS={issuer}"


def declared_accounts(listed: Sequence[Mapping[str, Any]]) -> tuple[Account, ...]:
    """Accounts from the option; raises DescriptionError with everything that Rucio would refuse or that nobody could log in with."""
    problems: list[Problem] = []
    accounts = [_account(f"accounts[{number}] ({each['name']})", each, problems) for number, each in enumerate(listed)]
    names = [account.name for account in accounts]
    problems += [
        Problem("accounts", f"{name} is declared more than once, so its declarations would undo each other.", "Declare each account once.")
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    if problems:
        raise DescriptionError(problems)
    return tuple(accounts)


def _account(path: str, each: Mapping[str, Any], problems: list[Problem]) -> Account:
    name = str(each["name"])
    problems += name_problems(path, name)
    for key, value in (each.get("attributes") or {}).items():
        if not ATTRIBUTE_NAME.fullmatch(key):
            problems.append(
                Problem(
                    f"{path}.attributes.{key}",
                    "has a name that cannot be put into Rucio's URLs.",
                    "Use at most 30 letters, digits, dot, - and _.",
                )
            )
        if isinstance(value, list | dict):
            problems.append(Problem(f"{path}.attributes.{key}", "is a list or an object, where Rucio takes a text.", "Give a text."))
    for scope in each.get("scopes") or ():
        if not SCOPE.fullmatch(scope):
            problems.append(
                Problem(f"{path}.scopes", f"{scope!r} is no scope that Rucio accepts.", "Use at most 25 letters, digits, dot, - and _.")
            )
    return Account(
        name=name,
        type=each.get("type"),
        email=each.get("email"),
        status=each.get("status") or ACTIVE,
        identities=tuple(
            _identity(f"{path}.identities[{number}]", item, each, problems) for number, item in enumerate(each.get("identities") or ())
        ),
        attributes=each.get("attributes") or {},
        local_quotas=_quotas(f"{path}.local_quotas", each.get("local_quotas") or {}, problems),
        global_quotas=_quotas(f"{path}.global_quotas", each.get("global_quotas") or {}, problems),
        scopes=tuple(each.get("scopes") or ()),
    )


def name_problems(path: str, name: str) -> Iterator[Problem]:
    if not NAME.fullmatch(name):
        yield Problem(path, f"{name!r} is no account name that Rucio accepts.", "Use at most 25 small letters, digits, - and _.")


def _identity(path: str, item: Mapping[str, Any], account: Mapping[str, Any], problems: list[Problem]) -> Identity:
    kind, text, issuer, subject = item["type"], item.get("identity"), item.get("issuer"), item.get("subject")
    if kind == "OIDC" and issuer and subject:
        if not issuer.startswith(("https://", "http://")):
            problems.append(
                Problem(f"{path}.issuer", f"{issuer!r} is no issuer; nobody could log in.", "Give the exact text of the token's iss claim.")
            )
        text = oidc_identity(issuer, subject)
    elif kind == "OIDC" and not re.fullmatch(r"SUB=\S+, ISS=https?://\S+", text or ""):
        problems.append(
            Problem(
                path,
                "does not name an issuer and a subject in the form that Rucio compares; nobody could log in.",
                "Give issuer and subject.",
            )
        )
    elif not text:
        problems.append(Problem(path, "has no identity.", "Give the DN, user name or key as identity."))
    if item.get("password") and kind != "USERPASS":
        problems.append(Problem(f"{path}.password", f"has no meaning for {kind}.", "Leave it out."))
    absent = item.get("state") == "absent"
    if kind == "USERPASS" and not item.get("password") and not absent:
        problems.append(
            Problem(f"{path}.password", "is missing, and Rucio makes no user-name log-in without one.", "Give a password from a vault.")
        )
    return Identity(
        type=kind,
        identity=text or "",
        email=item.get("email") or account.get("email") or "",
        password=item.get("password"),
        default=bool(item.get("default")),
        absent=absent,
    )


def _quotas(path: str, declared: Mapping[str, Any], problems: list[Problem]) -> dict[str, int | None]:
    quotas: dict[str, int | None] = {}
    for where, size in declared.items():
        try:
            quotas[where] = None if size is None else values.UNLIMITED if str(size).lower() in UNLIMITED_WORDS else parse_size(size)
        except ValueError as problem:
            problems.append(
                Problem(f"{path}.{where}", f"{problem}", "Give bytes, a size such as 50TB, infinite, or null to remove the quota.")
            )
    return quotas


def plan_accounts(accounts: Iterable[Account], found: Mapping[str, AccountFound]) -> Planned:
    """The writes that give the server what the accounts declare; what they do not declare is left alone."""
    changes: list[Change] = []
    more = False
    for account in accounts:
        there = found.get(account.name)
        changes += _account_changes(account, there)
        more = more or (there is not None and there.status != ACTIVE and account.status == ACTIVE)
    return Planned(Plan.of(changes), more=more)


def _account_changes(account: Account, there: AccountFound | None) -> Iterator[Change]:
    name = account.name
    if there is None:
        yield Change(name, "account", "create", after={"type": account.type or "USER", "email": account.email or ""})
        if account.status != ACTIVE:
            yield Change(name, "status", "update", before=ACTIVE, after=account.status, stage=3)
        there = AccountFound(name, account.type or "USER", account.email, ACTIVE)
    else:
        if account.type is not None and account.type != there.type:
            yield Change(name, "type", "update", before=there.type, after=account.type)
        if account.email is not None and account.email != (there.email or ""):
            yield Change(name, "email", "update", before=there.email, after=account.email)
        if account.status != there.status:
            yield Change(name, "status", "update", before=there.status, after=account.status, stage=3 if there.status == ACTIVE else 0)
        if there.status != ACTIVE:
            return
    yield from _identity_changes(account, there)
    for key, raw in account.attributes.items():
        value = values.attribute(raw)
        held = there.attributes.get(key)
        if value is None and key in there.attributes:
            yield Change(name, "attribute", "delete", name=key, before=held, stage=1)
        elif value is not None and (key not in there.attributes or held != value):
            yield Change(name, "attribute", "update" if key in there.attributes else "create", name=key, before=held, after=value, stage=1)
    for kind, wanted, held_quotas in (
        ("local quota", account.local_quotas, there.local_quotas),
        ("global quota", account.global_quotas, there.global_quotas),
    ):
        for where, size in wanted.items():
            held_size = held_quotas.get(where)
            if size != held_size:
                verb: Verb = "delete" if size is None else "create" if held_size is None else "update"
                yield Change(name, kind, verb, name=where, before=held_size, after=size, stage=1)
    for scope in account.scopes:
        if scope not in there.scopes:
            yield Change(name, "scope", "create", name=scope, stage=1)


def _identity_changes(account: Account, there: AccountFound) -> Iterator[Change]:
    for identity in account.identities:
        label = f"{identity.type} {identity.identity}"
        held = identity.key in there.identities
        if identity.absent:
            if held:
                yield Change(account.name, "identity", "delete", name=label, before=_shown(identity), stage=2)
        elif not held:
            yield Change(account.name, "identity", "create", name=label, after=_shown(identity), stage=1)


def _shown(identity: Identity) -> dict[str, Any]:
    """An identity without its password, for diffs; the writer takes the password from passwords()."""
    return {"type": identity.type, "identity": identity.identity, "email": identity.email, "default": identity.default}


def passwords(accounts: Iterable[Account]) -> dict[tuple[str, str], str]:
    """Declared passwords by account and user name."""
    return {(account.name, each.identity): each.password for account in accounts for each in account.identities if each.password}


def plan_removal(names: Sequence[str], found: Mapping[str, AccountFound], limit: int) -> Planned:
    """Deletes accounts (names, rules and data stay); raises DescriptionError for a protected one, or when more than limit are there."""
    there = [name for name in dict.fromkeys(names) if name in found and found[name].status != DELETED]
    problems = [
        Problem("accounts", f"{name} is an account that the server itself needs.", "Take it off the list.")
        for name in names
        if name in PROTECTED
    ]
    if len(there) > limit:
        listed = ", ".join(there[:10]) + (", ..." if len(there) > 10 else "")
        problems.append(
            Problem(
                "accounts",
                f"{len(there)} accounts would be deleted ({listed}), more than removal_limit allows ({limit}).",
                "Check the list, then raise removal_limit.",
            )
        )
    if problems:
        raise DescriptionError(problems)
    return Planned(
        Plan.of(Change(name, "account", "delete", before={"type": found[name].type, "email": found[name].email}) for name in there)
    )
