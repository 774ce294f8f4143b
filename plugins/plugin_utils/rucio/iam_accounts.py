# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Accounts of Rucio from the people of an IAM: roles, names, and the plan from what was found to what is wanted.

Which account belongs to whom is kept as attributes of one account that nobody can log in to, the ledger, because Rucio has no call that
lists the identities or the attributes of many accounts: with the ledger the state of any number of accounts is read with a few calls.
An entry is made before its account, so that an interrupted run finds its own work again; the note of what an account was brought to is
written after everything else of it, and not at all where some of that failed or was held back. Rucio takes 30 characters for the name
and for the value of an attribute (lib/rucio/common/schema/generic.py, ACCOUNT_ATTRIBUTE), so a person's UUID is kept in base64.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.formats import distinguished_name
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.scim import Person
from ansible_collections.escape.datalake.plugins.plugin_utils.guard import Act, Guard, Source, hold_back
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.model.rse import Scalar
from ansible_collections.escape.datalake.plugins.plugin_utils.model.units import parse_size
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import Change, Plan
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio import values
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.accounts import (
    ACTIVE,
    ATTRIBUTE_NAME,
    NAME,
    PROTECTED,
    SUSPENDED,
    UNLIMITED_WORDS,
    Account,
    AccountFound,
    Identity,
    oidc_identity,
    plan_accounts,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.planned import Planned

LONGEST_NAME = 25
HASH_LENGTH = 6
# Attributes of the ledger: ACCOUNT is the id of its person; with these endings it is something about that account. No account has a dot.
VERIFIED, SUSPENDED_BY_US = ".ok", ".off"
ATTRIBUTE_VALUE = re.compile(r"[a-zA-Z0-9_/.-]{1,30}")
# What the server's list of accounts takes for something else than an attribute (lib/rucio/core/account.py, list_accounts).
NOT_FILTERS = frozenset({"account", "account_type", "identity"})
# Stages: the ledger account, its entries, then those of plan_accounts().
LEDGER_STAGE, ENTRY_STAGE, ACCOUNT_STAGE, LAST_STAGE = 0, 1, 2, 7


@dataclass(frozen=True)
class Quota:
    """size: bytes, values.UNLIMITED for no limit, on each RSE that the expression matches, or on all of them together."""

    rses: str
    size: int
    each: bool


@dataclass(frozen=True)
class Role:
    """What members of any of these groups get; no groups: everybody."""

    groups: frozenset[str] = frozenset()
    type: str | None = None
    attributes: Mapping[str, Scalar] = field(default_factory=dict)
    quotas: tuple[Quota, ...] = ()

    def fits(self, person: Person) -> bool:
        return not self.groups or bool(self.groups & person.groups)


@dataclass(frozen=True)
class Rules:
    """What is declared. issuer: as in tokens. ledger: name of the ledger account. names: account by id or user name of a person.

    protected: accounts that are never touched. adopt: accounts that others made are taken over when the person's own token opens them.
    purge: certificates and tokens of the issuer that IAM does not know for the person are taken off the account.
    """

    issuer: str
    ledger: str
    roles: tuple[Role, ...]
    names: Mapping[str, str] = field(default_factory=dict)
    protected: frozenset[str] = PROTECTED
    adopt: bool = False
    purge: bool = False

    @property
    def pairs(self) -> frozenset[tuple[str, Scalar]]:
        """Every attribute and value that a role may give."""
        return frozenset((key, values.attribute(value)) for role in self.roles for key, value in role.attributes.items())

    @property
    def expressions(self) -> frozenset[str]:
        """RSE expressions of the quotas that are given RSE by RSE."""
        return frozenset(quota.rses for role in self.roles for quota in role.quotas if quota.each)

    @property
    def together(self) -> frozenset[str]:
        """RSE expressions of the quotas for all RSEs together."""
        return frozenset(quota.rses for role in self.roles for quota in role.quotas if not quota.each)


@dataclass(frozen=True)
class Ledger:
    """What the attributes of its account say.

    exists: whether the account is there. ids: short_id() of the person, by account. verified: digest of what an account was last
    brought to. suspended: when this tool suspended an account.
    """

    exists: bool = False
    ids: Mapping[str, str] = field(default_factory=dict)
    verified: Mapping[str, str] = field(default_factory=dict)
    suspended: Mapping[str, str] = field(default_factory=dict)

    @property
    def accounts(self) -> dict[str, str]:
        """Account by short_id() of the person."""
        return {identifier: name for name, identifier in self.ids.items()}


@dataclass
class World:
    """What Rucio holds.

    active: type and e-mail of the active accounts. status: of others that were asked for, None for a name that is free. members: RSEs by
    expression. holders: accounts by attribute and value. quotas: bytes by RSE, by account. details: accounts that were read one by one.
    """

    active: Mapping[str, Mapping[str, Any]]
    ledger: Ledger
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    holders: Mapping[tuple[str, Scalar], frozenset[str]] = field(default_factory=dict)
    quotas: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    status: dict[str, str | None] = field(default_factory=dict)
    details: dict[str, AccountFound] = field(default_factory=dict)


@dataclass(frozen=True)
class Assignment:
    """wanted: accounts by name. persons: who they are for. refused: people who get none, and why."""

    wanted: Mapping[str, Account]
    persons: Mapping[str, Person]
    refused: tuple[Problem, ...]


# What is declared


def declared_roles(listed: Sequence[Mapping[str, Any]]) -> tuple[Role, ...]:
    """Roles from the option; raises DescriptionError with all that Rucio would refuse or understand otherwise."""
    problems: list[Problem] = []
    roles = tuple(_role(f"roles[{number}]", each, problems) for number, each in enumerate(listed))
    if problems:
        raise DescriptionError(problems)
    return roles


def _role(path: str, each: Mapping[str, Any], problems: list[Problem]) -> Role:
    for key, value in (each.get("attributes") or {}).items():
        at = f"{path}.attributes.{key}"
        if not ATTRIBUTE_NAME.fullmatch(str(key)) or key in NOT_FILTERS:
            problems.append(Problem(at, "has a name that Rucio's list of accounts does not take.", "Choose another name."))
        if value is None or isinstance(value, list | dict):
            problems.append(Problem(at, "is no text.", "Give a text, or leave the attribute out: who has no role with it loses it."))
        elif not ATTRIBUTE_VALUE.fullmatch(str(value)):
            problems.append(Problem(at, f"{value!r} is refused by Rucio.", "Use at most 30 letters, digits, dot, /, - and _."))
        if key == "admin" and values.attribute(value) is False:
            problems.append(Problem(at, "makes an administrator: Rucio looks whether there is a value, not which.", "Leave it out."))
    quotas = []
    for number, quota in enumerate(each.get("quotas") or ()):
        size = quota["size"]
        try:
            limit = values.UNLIMITED if str(size).lower() in UNLIMITED_WORDS else parse_size(size)
        except ValueError as problem:
            problems.append(Problem(f"{path}.quotas[{number}].size", str(problem), "Give bytes, a size such as 50TB, or infinite."))
            continue
        quotas.append(Quota(quota["rses"], limit, quota["kind"] == "each"))
    groups = frozenset(str(group).strip("/") for group in each.get("groups") or ())
    return Role(groups, each.get("type"), dict(each.get("attributes") or {}), tuple(quotas))


def account_name(username: str, identifier: str) -> str:
    """The account of a new person: the user name where Rucio takes it, otherwise with illegal letters replaced, cut, and made unique."""
    plain = re.sub(r"[^a-z0-9_-]", "_", username)
    if plain == username and len(plain) <= LONGEST_NAME:
        return plain
    unique = hashlib.sha256(identifier.encode()).hexdigest()[:HASH_LENGTH]
    return f"{plain[: LONGEST_NAME - HASH_LENGTH - 1]}_{unique}"


def short_id(identifier: str) -> str:
    """A person's id in at most 30 characters that Rucio takes: 22 of base64 for a UUID, a hash for another id that is too long."""
    try:
        raw = uuid.UUID(identifier).bytes
    except ValueError:
        if ATTRIBUTE_VALUE.fullmatch(identifier):
            return identifier
        raw = hashlib.sha256(identifier.encode()).digest()[:20]
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def shown_id(short: str) -> str:
    """The id for people, where it can be told."""
    try:
        raw = base64.urlsafe_b64decode(short + "==")
        return str(uuid.UUID(bytes=raw)) if len(short) == 22 else short
    except ValueError:
        return short


def ledger_from(attributes: Mapping[str, Any] | None) -> Ledger:
    """The ledger from the attributes of its account; None: there is no such account."""
    if attributes is None:
        return Ledger()
    parts: dict[str, dict[str, str]] = {"": {}, VERIFIED: {}, SUSPENDED_BY_US: {}}
    for key, value in attributes.items():
        name, dot, ending = key.partition(".")
        if dot + ending in parts:
            parts[dot + ending][name] = str(value)
    return Ledger(True, parts[""], parts[VERIFIED], parts[SUSPENDED_BY_US])


# Who gets which account


def assign(people: Iterable[Person], rules: Rules, world: World) -> Assignment:
    """The account of each active person with a role. A name that is not free for the person is refused, never shared."""
    remembered = world.ledger.accounts
    chosen: dict[str, list[Person]] = {}
    for person in people:
        if person.active and any(role.fits(person) for role in rules.roles):
            given = rules.names.get(person.id) or rules.names.get(person.username)
            chosen.setdefault(given or remembered.get(short_id(person.id)) or account_name(person.username, person.id), []).append(person)
    wanted: dict[str, Account] = {}
    persons: dict[str, Person] = {}
    refused: list[Problem] = []
    for name, claimants in sorted(chosen.items()):
        owner = world.ledger.ids.get(name)
        for person in claimants:
            if reason := _why_not(name, person, [each for each in claimants if each is not person], owner, rules):
                refused.append(Problem(f"{person.username} ({person.id})", reason, "Give another account name in the option names."))
            else:
                wanted[name], persons[name] = wanted_account(name, person, rules, world.members), person
    return Assignment(wanted, persons, tuple(refused))


def _why_not(name: str, person: Person, others: Sequence[Person], owner: str | None, rules: Rules) -> str | None:
    if not NAME.fullmatch(name):
        return f"gets no account: Rucio does not accept the name {name!r}."
    if name in rules.protected or name == rules.ledger:
        return f"gets no account: {name} is protected."
    if owner is not None and owner != short_id(person.id):
        return f"gets no account: {name} belongs to {shown_id(owner)}."
    if owner is None and others:
        return f"gets no account: {name} would be shared with {', '.join(sorted(each.username for each in others))}."
    return None


def wanted_account(name: str, person: Person, rules: Rules, members: Mapping[str, frozenset[str]]) -> Account:
    """What the roles of a person give. What another role could give is wanted absent."""
    roles = [role for role in rules.roles if role.fits(person)]
    attributes: dict[str, Scalar] = dict.fromkeys(key for key, _value in sorted(rules.pairs, key=str))
    for role in reversed(roles):
        attributes |= role.attributes
    local: dict[str, int | None] = {rse: None for expression in sorted(rules.expressions) for rse in sorted(members.get(expression, ()))}
    together: dict[str, int | None] = dict.fromkeys(sorted(rules.together))
    for quota in (quota for role in roles for quota in role.quotas):
        for place in members.get(quota.rses, ()) if quota.each else (quota.rses,):
            limits = local if quota.each else together
            limits[place] = _larger(limits.get(place), quota.size)
    return Account(
        name=name,
        type=next((role.type for role in roles if role.type), "USER"),
        email=person.email,
        identities=identities(person, rules.issuer),
        attributes=attributes,
        local_quotas=local,
        global_quotas=together,
    )


def identities(person: Person, issuer: str) -> tuple[Identity, ...]:
    """The person's tokens, and each certificate in both forms; one whose subject cannot be read is left out (see unreadable())."""
    mail = person.email or ""
    found = [Identity("OIDC", oidc_identity(issuer, person.id), mail, default=True)]
    for subject in person.subjects:
        try:
            found += [Identity("X509", form, mail) for form in distinguished_name.forms(subject)]
        except distinguished_name.NotADistinguishedName:
            continue
    return tuple(dict.fromkeys(found))


def unreadable(people: Iterable[Person]) -> Iterator[str]:
    """What is said about certificates that get no identity."""
    for person in people:
        for subject in person.subjects:
            try:
                distinguished_name.forms(subject)
            except distinguished_name.NotADistinguishedName as problem:
                yield f"{person.username}: a certificate is left out, {problem}"


def _larger(one: int | None, other: int) -> int:
    if one is None:
        return other
    return values.UNLIMITED if values.UNLIMITED in (one, other) else max(one, other)


def digest(account: Account, rules: Rules) -> str:
    """What the ledger notes of an account that was brought to what is wanted; local quotas are read each time."""
    content = [
        sorted(identity.key for identity in account.identities),
        sorted((key, str(values.attribute(value))) for key, value in account.attributes.items()),
        sorted((key, str(value)) for key, value in account.global_quotas.items()),
        rules.purge,
    ]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:24]


# What has to be read one by one


def doubtful(assignment: Assignment, rules: Rules, world: World) -> dict[str, bool]:
    """Active accounts that have to be read one by one, and whether their attributes have to be read too.

    Those are not noted as equal to what is wanted, not known to the ledger, or have other attributes than wanted.
    """
    found: dict[str, bool] = {}
    for name, account in assignment.wanted.items():
        if name in world.active:
            held = {pair for pair in rules.pairs if name in world.holders.get(pair, ())}
            others = held != {(key, values.attribute(value)) for key, value in account.attributes.items() if value is not None}
            if others or name not in world.ledger.ids or world.ledger.verified.get(name) != digest(account, rules):
                found[name] = others
    return found


# The plan


def plan(assignment: Assignment, people: Sequence[Person], problems: Sequence[str], rules: Rules, guard: Guard, world: World) -> Planned:
    """All that has to be written. problems: what was wrong with the list of people, which is then not believed where somebody is missing.

    more: an account that becomes active again shows only then what it lacks.
    """
    ledger = world.ledger
    changes: list[Change] = []
    for name, account in assignment.wanted.items():
        changes += _account_changes(name, account, assignment.persons[name], rules, world)
    served = {short_id(person.id) for person in assignment.persons.values()}
    managed = ledger.ids.keys() & world.active.keys()
    for name in sorted(managed - assignment.wanted.keys() - rules.protected):
        if ledger.ids[name] not in served:
            changes += _suspension(name, ledger)
    if changes and not ledger.exists:
        changes.append(Change(rules.ledger, "account", "create", after={"type": "SERVICE", "email": ""}, stage=LEDGER_STAGE))
    present = {short_id(person.id) for person in people}
    sources = [Source("the users of the IAM", len(people), None, tuple(problems))]
    if managed:
        sources.append(Source("the users who have accounts", sum(ledger.ids[name] in present for name in managed), len(managed)))
    total = len(managed | (assignment.wanted.keys() & world.active.keys()))
    allowed, held = hold_back(
        Plan.of(changes), takes_away, {"suspensions": total, "removals": total}, sources, guard, counted=lambda change: [change.subject]
    )
    incomplete = {change.subject for change in held.changes}
    allowed = Plan(tuple(change for change in allowed.changes if change.kind != "verified" or change.subject not in incomplete))
    return Planned(allowed, more=any(change.kind == "status" and change.after == ACTIVE for change in allowed.changes), held=held)


def takes_away(change: Change) -> Act | None:
    """What the guard counts."""
    if change.kind in ("status", "suspension note") and SUSPENDED in (change.after, change.name):
        return "suspensions"
    return "removals" if change.verb == "delete" and change.kind in ("identity", "attribute", "local quota", "global quota") else None


def left_alone(assignment: Assignment, world: World) -> list[str]:
    """What is said about accounts that others suspended or deleted: they stay so."""
    return [
        f"{name}: is {status} in Rucio, and this tool did not do that; it stays so"
        for name in assignment.wanted
        if (status := world.status.get(name)) and name in world.ledger.ids and name not in world.ledger.suspended
    ]


def taken(assignment: Assignment, rules: Rules, world: World) -> list[Problem]:
    """People whose account name belongs to an account that this tool did not make."""
    found = []
    for name, person in assignment.persons.items():
        exists = name in world.active or world.status.get(name) is not None
        if exists and name not in world.ledger.ids and not _may_adopt(name, person, rules, world):
            words = f"gets no account: {name} exists and was not made by this tool."
            remedy = "Give another account name in the option names" + (
                ", or set adopt: the account is opened by this person's token already." if _opens(name, person, rules, world) else "."
            )
            found.append(Problem(f"{person.username} ({person.id})", words, remedy))
    return found


def _may_adopt(name: str, person: Person, rules: Rules, world: World) -> bool:
    return rules.adopt and _opens(name, person, rules, world)


def _opens(name: str, person: Person, rules: Rules, world: World) -> bool:
    there = world.details.get(name)
    return there is not None and ("OIDC", oidc_identity(rules.issuer, person.id)) in there.identities


def _account_changes(name: str, account: Account, person: Person, rules: Rules, world: World) -> Iterator[Change]:
    ledger, status = world.ledger, world.status.get(name)
    ours = name in ledger.ids
    if name in world.active:
        if not ours and not _may_adopt(name, person, rules, world):
            return
    elif status is not None and (not ours or name not in ledger.suspended or status != SUSPENDED):
        return
    if not ours:
        yield Change(name, "ledger entry", "create", after=short_id(person.id), stage=ENTRY_STAGE)
    there = _found(name, account, rules, world)
    own = [
        replace(change, stage=change.stage + ACCOUNT_STAGE)
        for change in plan_accounts([account], {} if there is None else {name: there}).plan.changes
    ]
    if there is not None and there.status == ACTIVE and rules.purge:
        own += _stale_identities(account, there, rules)
    yield from own
    if name in ledger.suspended:
        yield Change(name, "suspension note", "delete", before=ledger.suspended[name], stage=LAST_STAGE)
    noted, seen = ledger.verified.get(name), digest(account, rules)
    if noted != seen and (there is None or there.status == ACTIVE):
        yield Change(name, "verified", "update" if noted else "create", before=noted, after=seen, stage=LAST_STAGE)


def _found(name: str, account: Account, rules: Rules, world: World) -> AccountFound | None:
    """The account as far as it is known: read, or noted as equal to what is wanted."""
    if name in world.active:
        row = world.active[name]
        there = world.details.get(name) or AccountFound(
            name=name,
            type=row["type"],
            email=row["email"],
            status=ACTIVE,
            identities=frozenset(identity.key for identity in account.identities),
            attributes={key: values.attribute(value) for key, value in account.attributes.items() if value is not None},
            global_quotas={key: value for key, value in account.global_quotas.items() if value is not None},
        )
        return replace(there, local_quotas=world.quotas.get(name, {}))
    status = world.status.get(name)
    return None if status is None else AccountFound(name, account.type or "USER", account.email, status)


def _stale_identities(account: Account, there: AccountFound, rules: Rules) -> Iterator[Change]:
    """Identities of the kinds that IAM is the master of, and does not know."""
    wanted = {identity.key for identity in account.identities}
    for kind, text in sorted(there.identities - wanted):
        if kind == "X509" or (kind == "OIDC" and text.endswith(f", ISS={rules.issuer}")):
            before = {"type": kind, "identity": text}
            yield Change(account.name, "identity", "delete", name=f"{kind} {text}", before=before, stage=ACCOUNT_STAGE + 2)


def _suspension(name: str, ledger: Ledger) -> Iterator[Change]:
    """The note comes first: an account that is suspended without it is taken for suspended by others."""
    if name not in ledger.suspended:
        yield Change(name, "suspension note", "create", name=SUSPENDED, after=date.today().isoformat(), stage=ENTRY_STAGE)
    yield Change(name, "status", "update", before=ACTIVE, after=SUSPENDED, stage=ACCOUNT_STAGE + 3)


def objects(world: World, assignment: Assignment) -> dict[str, Any]:
    """What a plan rests on, by account, for its file."""
    names = world.ledger.ids.keys() | assignment.wanted.keys()
    return {
        name: {
            "active": world.active.get(name),
            "status": world.status.get(name),
            "id": world.ledger.ids.get(name),
            "suspended": world.ledger.suspended.get(name),
            "quotas": world.quotas.get(name),
            "details": world.details.get(name),
        }
        for name in names
    }
