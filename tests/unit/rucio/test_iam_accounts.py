"""iam_accounts: names, roles, and plans that converge whatever was there, wherever they are interrupted."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.scim import Person
from ansible_collections.escape.datalake.plugins.plugin_utils.guard import Guard, Limit
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import Change
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio import values
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.accounts import NAME, AccountFound
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.iam_accounts import (
    ATTRIBUTE_VALUE,
    Quota,
    Role,
    Rules,
    World,
    account_name,
    assign,
    declared_roles,
    doubtful,
    ledger_from,
    plan,
    short_id,
    shown_id,
    taken,
    unreadable,
)
from hypothesis import given, settings
from hypothesis import strategies as st

ISSUER = "https://iam.lake.test/"
OPEN = Guard(Limit(1000, 100), Limit(1000, 100), Limit(1000, 100), shrink_percent=100, allow_empty=True)
ROLES = (
    Role(frozenset({"escape"}), None, {"sign-gcs": "True"}, (Quota("QOS=FAST", 10, True), Quota("QOS=SAFE", 5, False))),
    Role(frozenset({"escape/admins"}), "SERVICE", {"admin": "True"}, (Quota("QOS=FAST", values.UNLIMITED, True),)),
)
RULES = Rules(ISSUER, "iam-accounts", ROLES, purge=True)
MEMBERS = {"QOS=FAST": frozenset({"LAB-1", "LAB-2"})}


@dataclass
class Server:
    """As much of Rucio as accounts need."""

    accounts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def write(self, change: Change, ledger: str = RULES.ledger) -> None:
        name, key = change.subject, {"verified": ".ok", "suspension note": ".off"}.get(change.kind, "")
        match change.kind, change.verb:
            case "account", "create":
                fresh = {"identities": set(), "attributes": {}, "local": {}, "global": {}}
                self.accounts[name] = {"type": change.after["type"], "email": change.after["email"], "status": "ACTIVE", **fresh}
            case (("ledger entry" | "verified" | "suspension note"), verb):
                entries = self.accounts[ledger]["attributes"]
                if verb == "delete":
                    del entries[name + key]
                else:
                    entries[name + key] = change.after
            case ("type" | "email" | "status") as column, _:
                self.accounts[name][column] = change.after
            case "identity", "create":
                self.accounts[name]["identities"].add((change.after["type"], change.after["identity"]))
            case "identity", "delete":
                self.accounts[name]["identities"].remove((change.before["type"], change.before["identity"]))
            case "attribute", _:
                self._set(name, "attributes", change)
            case "local quota", _:
                self._set(name, "local", change)
            case "global quota", _:
                self._set(name, "global", change)
            case unknown:
                raise AssertionError(unknown)

    def _set(self, name: str, what: str, change: Change) -> None:
        if change.verb == "delete":
            del self.accounts[name][what][change.name]
        else:
            self.accounts[name][what][change.name] = change.after

    def world(self, people: list[Person], rules: Rules) -> World:
        active = {name: row for name, row in self.accounts.items() if row["status"] == "ACTIVE"}
        rows = {name: {"type": row["type"], "email": row["email"]} for name, row in active.items()}
        entries = active[rules.ledger]["attributes"] if rules.ledger in active else None
        holders = {
            (key, value): frozenset(name for name, row in active.items() if row["attributes"].get(key) == value)
            for key, value in rules.pairs
        }
        world = World(rows, ledger_from(entries), MEMBERS, holders, {name: row["local"] for name, row in self.accounts.items()})
        assignment = assign(people, rules, world)
        for name in assignment.wanted:
            if name not in active:
                world.status[name] = self.accounts[name]["status"] if name in self.accounts else None
        for name in doubtful(assignment, rules, world):
            row = active[name]
            world.details[name] = AccountFound(
                name,
                row["type"],
                row["email"],
                "ACTIVE",
                identities=frozenset(row["identities"]),
                attributes=dict(row["attributes"]),
                global_quotas=dict(row["global"]),
            )
        return world

    def changes(self, people: list[Person], rules: Rules = RULES, guard: Guard = OPEN) -> tuple[Change, ...]:
        world = self.world(people, rules)
        return plan(assign(people, rules, world), people, (), rules, guard, world).plan.changes

    def run(self, people: list[Person], rules: Rules = RULES, *, stop_after: int = 10**9) -> int:
        """Applies plans until one is empty, or so many changes are done; gives how many were."""
        done = 0
        for _round in range(4):
            for change in self.changes(people, rules):
                if done == stop_after:
                    return done
                self.write(change)
                done += 1
        return done


def someone(number: int, *groups: str, **more: Any) -> Person:
    facts = {"username": f"user{number}", "active": True, "groups": frozenset(groups), **more}
    return Person(id=f"3b5c7a0e-0000-4000-8000-{number:012d}", **facts)


# Names


@pytest.mark.parametrize(
    ("username", "name"),
    [
        ("maria", "maria"),
        ("ma-ri_a7", "ma-ri_a7"),
        ("m.rossi", r"m_rossi_[0-9a-f]{6}"),
        ("m@rossi", r"m_rossi_[0-9a-f]{6}"),
        ("robot$", r"robot__[0-9a-f]{6}"),
        ("Maria", r"_aria_[0-9a-f]{6}"),
        ("a" * 25, "a" * 25),
        ("a" * 26, "a{18}_[0-9a-f]{6}"),
    ],
)
def test_account_names(username: str, name: str) -> None:
    assert re.fullmatch(name, account_name(username, "some id"))


@given(st.from_regex(r"[a-z_]([a-z0-9_@.-]{0,31}|[a-z0-9_@.-]{0,30}\$)", fullmatch=True), st.uuids())
def test_every_user_name_of_iam_gives_a_name_that_rucio_takes(username: str, identifier: Any) -> None:
    name = account_name(username, str(identifier))
    assert NAME.fullmatch(name)
    assert name == account_name(username, str(identifier))


@given(st.uuids())
def test_ids_fit_into_an_attribute_and_can_be_told(identifier: Any) -> None:
    short = short_id(str(identifier))
    assert ATTRIBUTE_VALUE.fullmatch(short)
    assert shown_id(short) == str(identifier)


@given(st.text(min_size=1))
def test_other_ids_fit_too(identifier: str) -> None:
    assert ATTRIBUTE_VALUE.fullmatch(short_id(identifier))


def test_two_people_who_would_share_a_name_get_none() -> None:
    one, two = someone(1, "escape", username="maria"), someone(2, "escape", username="other")
    rules = replace(RULES, names={two.id: "maria"})
    assignment = assign([one, two], rules, Server().world([], rules))
    assert not assignment.wanted
    assert len(assignment.refused) == 2


def test_who_has_the_name_keeps_it() -> None:
    one, two = someone(1, "escape", username="maria"), someone(2, "escape", username="other")
    server = Server()
    server.run([one, two])
    rules = replace(RULES, names={two.id: "maria"})
    assignment = assign([one, two], rules, server.world([one, two], rules))
    assert assignment.persons["maria"] == one
    assert [problem.path for problem in assignment.refused] == [f"other ({two.id})"]


@pytest.mark.parametrize("username", ["root", "super_root", "iam-accounts"])
def test_protected_names_are_nobodys(username: str) -> None:
    assignment = assign([someone(1, "escape", username=username)], RULES, Server().world([], RULES))
    assert not assignment.wanted
    assert "protected" in str(assignment.refused[0])


# Roles


def test_nobody_is_an_administrator_by_default() -> None:
    server = Server()
    server.run([someone(1, "escape"), someone(2, "escape", "escape/admins")])
    assert "admin" not in server.accounts["user1"]["attributes"]
    assert server.accounts["user1"]["type"] == "USER"
    assert server.accounts["user2"]["attributes"] == {"sign-gcs": True, "admin": True}
    assert server.accounts["user2"]["type"] == "SERVICE"
    assert server.accounts["user2"]["local"] == {"LAB-1": -1, "LAB-2": -1}
    assert server.accounts["user1"]["local"] == {"LAB-1": 10, "LAB-2": 10}


def test_people_without_role_get_nothing() -> None:
    server = Server()
    assert server.run([someone(1), someone(2, "elsewhere"), someone(3, "escape", active=False)]) == 0


def test_attributes_that_no_role_names_are_left_alone() -> None:
    server = Server()
    server.run([someone(1, "escape")])
    server.accounts["user1"]["attributes"]["mine"] = "kept"
    server.accounts["user1"]["identities"].add(("SSH", "key"))
    server.run([someone(1, "escape", "escape/admins", subjects=("CN=a,O=b",))])
    server.run([someone(1, "escape")])
    assert server.accounts["user1"]["attributes"] == {"sign-gcs": True, "mine": "kept"}
    assert server.accounts["user1"]["identities"] == {("OIDC", f"SUB={someone(1).id}, ISS={ISSUER}"), ("SSH", "key")}


@pytest.mark.parametrize(
    ("role", "words"),
    [
        ({"attributes": {"admin": False}}, "makes an administrator"),
        ({"attributes": {"account_type": "x"}}, "does not take"),
        ({"attributes": {"a/b": "x"}}, "does not take"),
        ({"attributes": {"a": None}}, "no text"),
        ({"attributes": {"a": "x" * 31}}, "at most 30"),
        ({"quotas": [{"rses": "*", "size": "-5", "kind": "each"}]}, "quotas[0].size"),
    ],
)
def test_roles_that_rucio_would_refuse_or_misunderstand(role: dict[str, Any], words: str) -> None:
    with pytest.raises(DescriptionError, match=re.escape(words)):
        declared_roles([role])


def test_a_certificate_that_cannot_be_read_is_said_and_left_out() -> None:
    odd = someone(1, "escape", subjects=("no name", "CN=a,O=b"))
    server = Server()
    server.run([odd])
    assert len(server.accounts["user1"]["identities"]) == 3
    assert "no name" in next(iter(unreadable([odd])))


# Plans


def test_an_account_of_others_is_not_touched_and_not_suspended() -> None:
    server = Server()
    server.run([someone(1, "escape")])
    server.accounts["user2"] = {**server.accounts["user1"], "identities": set(), "attributes": {"admin": True}, "local": {}, "global": {}}
    server.accounts["service"] = dict(server.accounts["user2"])
    before = {name: repr(server.accounts[name]) for name in ("user2", "service")}
    people = [someone(1, "escape"), someone(2, "escape")]
    server.run(people)
    assert {name: repr(server.accounts[name]) for name in before} == before
    world = server.world(people, RULES)
    assert [problem.path for problem in taken(assign(people, RULES, world), RULES, world)] == [f"user2 ({someone(2).id})"]
    server.run([])
    assert server.accounts["user1"]["status"] == "SUSPENDED"
    assert {name: repr(server.accounts[name]) for name in before} == before


def test_what_was_held_back_is_tried_again() -> None:
    server = Server()
    with_certificate = someone(1, "escape", subjects=("CN=a,O=b",))
    server.run([with_certificate])
    strict = replace(OPEN, removals=Limit(0, 0))
    assert server.changes([someone(1, "escape")], guard=strict) == ()
    assert {change.kind for change in server.changes([someone(1, "escape")])} == {"identity", "verified"}


def test_a_new_account_needs_no_second_look() -> None:
    server = Server()
    for change in server.changes([someone(1, "escape", subjects=("CN=a,O=b",))]):
        server.write(change)
    world = server.world([someone(1, "escape", subjects=("CN=a,O=b",))], RULES)
    assert world.details == {}


persons = st.builds(
    lambda number, active, groups, mail, subjects: someone(number, *groups, active=active, email=mail, subjects=tuple(subjects)),
    st.integers(0, 7),
    st.booleans(),
    st.lists(st.sampled_from(["escape", "escape/admins", "other"]), unique=True),
    st.sampled_from([None, "a@lake.test", "b@lake.test"]),
    st.lists(st.sampled_from(["CN=a,O=x", "CN=b,O=x", "broken"]), unique=True),
)
crowds = st.lists(persons, unique_by=lambda person: person.id, max_size=6)


def state(server: Server, people: list[Person]) -> dict[str, Any]:
    """What people notice: all accounts but the ledger, suspended ones by their status alone."""
    served = {name for name, row in server.accounts.items() if name != RULES.ledger and row["status"] == "ACTIVE"}
    return {name: row if name in served else row["status"] for name, row in server.accounts.items() if name != RULES.ledger}


@given(crowds, crowds)
@settings(max_examples=60, deadline=None)
def test_any_two_crowds_converge_and_then_nothing_is_left_to_do(before: list[Person], after: list[Person]) -> None:
    server = Server()
    server.run(before)
    assert server.changes(before) == ()
    server.run(after)
    assert server.changes(after) == ()
    wanted = {f"user{int(person.id[-12:])}" for person in after if person.active and person.groups & {"escape", "escape/admins"}}
    assert {name for name, row in server.accounts.items() if row["status"] == "ACTIVE"} - {RULES.ledger} == wanted


@given(crowds, crowds, st.integers(0, 40))
@settings(max_examples=80, deadline=None)
def test_interrupted_anywhere_it_ends_as_if_undisturbed(before: list[Person], after: list[Person], stop_after: int) -> None:
    undisturbed, interrupted = Server(), Server()
    undisturbed.run(before)
    undisturbed.run(after)
    interrupted.run(before)
    interrupted.run(after, stop_after=stop_after)
    interrupted.run(after)
    assert state(interrupted, after) == state(undisturbed, after)
    assert interrupted.changes(after) == ()


@given(crowds)
@settings(max_examples=30, deadline=None)
def test_what_others_change_in_bulk_readable_facts_is_mended(people: list[Person]) -> None:
    server = Server()
    server.run(people)
    for name, row in server.accounts.items():
        if name != RULES.ledger and row["status"] == "ACTIVE":
            row["attributes"]["admin"] = True
            row["type"] = "GROUP"
            row["local"].clear()
    server.run(people)
    assert server.changes(people) == ()
    assert all("admin" not in row["attributes"] or row["type"] != "GROUP" for row in server.accounts.values())
