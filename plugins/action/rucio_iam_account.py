# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of rucio_iam_account."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils import guard
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import scim
from ansible_collections.escape.datalake.plugins.plugin_utils.guard import guard_from
from ansible_collections.escape.datalake.plugins.plugin_utils.iam_options import IAM, iam_client
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import SHOWN, Change, shortened
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio import iam_accounts, values
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.accounts import ACTIVE, NAME, PROTECTED, TYPES, AccountFound
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.iam_accounts import SUSPENDED_BY_US, VERIFIED, Assignment, Rules, World
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.planned import Planned
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio_action import PLANNING, PLANNING_CONSTRAINTS, RucioAction
from ansible_collections.escape.datalake.plugins.plugin_utils.services.rucio import RucioClient, in_parallel

from .rucio_account import write_change as write_account_change


class ActionModule(RucioAction):
    ARGUMENTS = {
        **PLANNING,
        **guard.ARGUMENTS,
        "iam": {"type": "dict", "required": True, "options": IAM},
        "ledger": {"type": "str", "default": "iam-accounts"},
        "roles": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "groups": {"type": "list", "elements": "str", "default": []},
                "type": {"type": "str", "choices": list(TYPES)},
                "attributes": {"type": "dict", "default": {}},
                "quotas": {
                    "type": "list",
                    "elements": "dict",
                    "default": [],
                    "options": {
                        "rses": {"type": "str", "required": True},
                        "size": {"type": "str", "required": True},
                        "kind": {"type": "str", "choices": ["each", "together"], "default": "each"},
                    },
                },
            },
        },
        "names": {"type": "dict", "default": {}},
        "protected": {"type": "list", "elements": "str", "default": []},
        "adopt": {"type": "bool", "default": False},
        "purge_identities": {"type": "bool", "default": False},
        "verify": {"type": "str", "choices": ["changed", "all"], "default": "changed"},
    }
    CONSTRAINTS = PLANNING_CONSTRAINTS

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        roles = iam_accounts.declared_roles(arguments["roles"])
        check_names(arguments["ledger"], arguments["names"])
        iam, client = iam_client(arguments["iam"]), self.client(arguments)
        people, problems = scim.people(iam.users())
        rules = Rules(
            issuer=arguments["iam"]["url"],
            ledger=arguments["ledger"],
            roles=roles,
            names=arguments["names"],
            protected=PROTECTED | set(arguments["protected"]) | {arguments["account"] or client.whoami()},
            adopt=arguments["adopt"],
            purge=arguments["purge_identities"],
        )
        limits, reader = guard_from(arguments["guard"]), WorldReader(client, rules, people, verify_all=arguments["verify"] == "all")

        def planned(found: tuple[World, Assignment]) -> Planned:
            world, assignment = found
            return iam_accounts.plan(assignment, people, problems, rules, limits, world)

        answer = self.converge(
            client,
            read=reader.read,
            plan=planned,
            write=lambda change: write_change(client, rules.ledger, change),
            file=self.plan_file(arguments),
            objects=lambda found: iam_accounts.objects(*found),
        )
        first_world, assignment = reader.first
        refused = [*assignment.refused, *iam_accounts.taken(assignment, rules, first_world)]
        answer["traffic"] = {what: count + iam.traffic[what] for what, count in answer["traffic"].items()}
        answer["warnings"] = [
            *(f"{problem}; the entry is left out" for problem in problems),
            *iam_accounts.unreadable(people),
            *iam_accounts.left_alone(assignment, first_world),
        ]
        answer["people"] = {"all": len(people), "active": sum(person.active for person in people), "accounts": len(assignment.wanted)}
        return with_refused(shortened(answer), refused)


def check_names(ledger: str, names: dict[str, Any]) -> None:
    """Raises DescriptionError for names that Rucio does not accept."""
    problems = [
        Problem(path, f"{name!r} is no account name that Rucio accepts.", "Use at most 25 small letters, digits, - and _.")
        for path, name in [("ledger", ledger), *((f"names.{person}", str(name)) for person, name in names.items())]
        if not NAME.fullmatch(name)
    ]
    twice = [name for name, count in Counter(names.values()).items() if count > 1]
    problems += [Problem("names", f"{name} is given to more than one person.", "Give each person a name.") for name in twice]
    if problems:
        raise DescriptionError(problems)


class WorldReader:
    """Reads what Rucio holds with few calls: accounts by attribute, quotas by RSE, the ledger; single accounts only where in doubt."""

    def __init__(self, client: RucioClient, rules: Rules, people: list[scim.Person], *, verify_all: bool) -> None:
        self._client, self._rules, self._people, self._verify_all = client, rules, people, verify_all
        self._members: dict[str, frozenset[str]] | None = None
        self.first: tuple[World, Assignment]

    def read(self) -> tuple[World, Assignment]:
        client, rules = self._client, self._rules
        active = client.accounts()
        ledger = iam_accounts.ledger_from(client.account_attributes(rules.ledger) if rules.ledger in active else None)
        if self._members is None:
            expressions = sorted(rules.expressions)
            names = in_parallel(client.rse_names, expressions)
            self._members = {expression: frozenset(found) for expression, found in zip(expressions, names, strict=True)}
        rses = sorted({rse for members in self._members.values() for rse in members})
        pairs = sorted(rules.pairs, key=str)
        holders = in_parallel(lambda pair: frozenset(client.accounts(**{pair[0]: str(pair[1])})), pairs)
        on_rses = dict(zip(rses, in_parallel(client.quotas_on, rses), strict=True))
        quotas: dict[str, dict[str, int]] = {}
        for rse, held in on_rses.items():
            for account, size in held.items():
                if size is not None:
                    quotas.setdefault(account, {})[rse] = values.quota(size)
        world = World(active, ledger, self._members, dict(zip(pairs, holders, strict=True)), quotas)
        assignment = iam_accounts.assign(self._people, rules, world)
        self._read_others(world, [name for name in assignment.wanted if name not in active], next(iter(on_rses.values()), None))
        self._read_doubtful(world, assignment)
        if not hasattr(self, "first"):
            self.first = (world, assignment)
        return world, assignment

    def _read_others(self, world: World, names: list[str], listed: dict[str, int | None] | None) -> None:
        """The status of accounts that are not active. The quotas of an RSE list accounts of every status, so most need no call."""
        if listed is None and len(names) > 1 and (rses := self._client.rse_names("*")):
            listed = self._client.quotas_on(rses[0])
        asked = [name for name in names if listed is None or name in listed]
        answers = in_parallel(self._client.account, asked)
        world.status.update(dict.fromkeys(names))
        world.status.update({name: raw["status"] if raw else None for name, raw in zip(asked, answers, strict=True)})

    def _read_doubtful(self, world: World, assignment: Assignment) -> None:
        doubtful = iam_accounts.doubtful(assignment, self._rules, world)
        if self._verify_all:
            doubtful = {name: True for name in assignment.wanted if name in world.active}

        def one(name: str) -> AccountFound:
            client, row, wanted = self._client, world.active[name], assignment.wanted[name]
            known = {key: values.attribute(value) for key, value in wanted.attributes.items() if value is not None}
            read = {key: values.attribute(value) for key, value in client.account_attributes(name).items()} if doubtful[name] else known
            together = client.global_quotas(name, wanted.global_quotas) if wanted.global_quotas else {}
            return AccountFound(
                name=name,
                type=row["type"],
                email=row["email"],
                status=ACTIVE,
                identities=frozenset((each["type"], each["identity"]) for each in client.identities(name)),
                attributes=read,
                global_quotas={where: values.quota(size) for where, size in together.items()},
            )

        world.details.update(zip(doubtful, in_parallel(one, doubtful), strict=True))


def write_change(client: RucioClient, ledger: str, change: Change) -> None:
    """Does one change of an account, or of its entries in the ledger."""
    key = change.subject + {"verified": VERIFIED, "suspension note": SUSPENDED_BY_US}.get(change.kind, "")
    match change.kind, change.verb:
        case (("ledger entry" | "verified" | "suspension note"), verb):
            if verb != "create":
                client.delete_account_attribute(ledger, key)
            if verb != "delete":
                client.add_account_attribute(ledger, key, change.after)
        case _:
            write_account_change(client, change, {})


def with_refused(answer: dict[str, Any], refused: list[Problem]) -> dict[str, Any]:
    """The result with the people who got no account: the task fails, after all else was done."""
    if not refused:
        return answer
    words = f"{len(refused)} people got no account:\n" + "\n".join(f"  {problem}" for problem in refused[:SHOWN])
    return {
        **answer,
        "failed": True,
        "msg": f"{words}\n{answer['msg']}" if answer.get("msg") else words,
        "problems": [*answer.get("problems", []), *(problem.as_dict() for problem in refused)],
    }
