# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of rucio_account."""

from __future__ import annotations

from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import Change
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio import values
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.accounts import (
    ACTIVE,
    IDENTITY_TYPES,
    SUSPENDED,
    TYPES,
    Account,
    AccountFound,
    declared_accounts,
    name_problems,
    passwords,
    plan_accounts,
    plan_removal,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio_action import PLANNING, PLANNING_CONSTRAINTS, RucioAction
from ansible_collections.escape.datalake.plugins.plugin_utils.services.rucio import RucioClient, in_parallel

IDENTITY = {
    "type": {"type": "str", "choices": list(IDENTITY_TYPES), "required": True},
    "identity": {"type": "str"},
    "issuer": {"type": "str"},
    "subject": {"type": "str"},
    "email": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "default": {"type": "bool", "default": False},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


class ActionModule(RucioAction):
    ARGUMENTS = {
        **PLANNING,
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "accounts": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "name": {"type": "str", "required": True},
                "type": {"type": "str", "choices": list(TYPES)},
                "email": {"type": "str"},
                "status": {"type": "str", "choices": [ACTIVE, SUSPENDED], "default": ACTIVE},
                "identities": {"type": "list", "elements": "dict", "default": [], "options": IDENTITY},
                "attributes": {"type": "dict", "default": {}},
                "local_quotas": {"type": "dict", "default": {}},
                "global_quotas": {"type": "dict", "default": {}},
                "scopes": {"type": "list", "elements": "str", "default": []},
            },
        },
        "removal_limit": {"type": "int", "default": 5},
    }
    CONSTRAINTS = PLANNING_CONSTRAINTS

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        if arguments["state"] == "absent":
            return self._remove(arguments)
        accounts = declared_accounts(arguments["accounts"])
        client = self.client(arguments)
        return self.converge(
            client,
            read=lambda: read_accounts(client, accounts),
            plan=lambda found: plan_accounts(accounts, found),
            write=lambda change: write_change(client, change, passwords(accounts)),
            file=self.plan_file(arguments),
        )

    def _remove(self, arguments: dict[str, Any]) -> dict[str, Any]:
        names = [each["name"] for each in arguments["accounts"]]
        problems = [problem for number, name in enumerate(names) for problem in name_problems(f"accounts[{number}]", name)]
        if problems:
            raise DescriptionError(problems)
        accounts = tuple(Account(name) for name in names)
        client = self.client(arguments)
        return self.converge(
            client,
            read=lambda: read_accounts(client, accounts),
            plan=lambda found: plan_removal(names, found, arguments["removal_limit"]),
            write=lambda change: write_change(client, change, {}),
            file=self.plan_file(arguments),
        )


def read_accounts(client: RucioClient, accounts: tuple[Account, ...]) -> dict[str, AccountFound]:
    """The accounts as the server holds them: one call for all active ones, and one for each kind of thing that an account declares."""
    active = client.accounts()

    def one(account: Account) -> AccountFound | None:
        name = account.name
        if name not in active:
            raw = client.account(name)
            return None if raw is None else AccountFound(name, raw["account_type"], raw["email"], raw["status"])
        raw = active[name]
        return AccountFound(
            name=name,
            type=raw["type"],
            email=raw["email"],
            status=ACTIVE,
            identities=frozenset((each["type"], each["identity"]) for each in client.identities(name))
            if account.identities
            else frozenset(),
            attributes={key: values.attribute(value) for key, value in client.account_attributes(name).items()}
            if account.attributes
            else {},
            local_quotas=_quotas(client.local_quotas(name)) if account.local_quotas else {},
            global_quotas=_quotas(client.global_quotas(name, account.global_quotas)) if account.global_quotas else {},
            scopes=frozenset(client.scopes(name)) if account.scopes else frozenset(),
        )

    return {found.name: found for found in in_parallel(one, accounts) if found is not None}


def _quotas(raw: dict[str, float]) -> dict[str, int]:
    return {where: values.quota(size) for where, size in raw.items()}


def write_change(client: RucioClient, change: Change, secrets: dict[tuple[str, str], str]) -> None:
    """Does one change of an account. secrets: passwords by account and user name."""
    account, name, before, after = change.subject, change.name, change.before, change.after
    match change.kind, change.verb:
        case "account", "create":
            client.add_account(account, after["type"], after["email"])
        case "account", "delete":
            client.delete_account(account)
        case "type", _:
            client.update_account(account, "account_type", after)
        case ("email" | "status") as key, _:
            client.update_account(account, key, after)
        case "attribute", verb:
            # The server refuses to overwrite an attribute of an account.
            if verb != "create":
                client.delete_account_attribute(account, name)
            if verb != "delete":
                client.add_account_attribute(account, name, after)
        case "identity", "create":
            password = secrets.get((account, after["identity"])) if after["type"] == "USERPASS" else None
            client.add_identity(account, after["type"], after["identity"], after["email"], password=password, default=after["default"])
        case "identity", "delete":
            client.delete_identity(account, before["type"], before["identity"])
        case ("local quota" | "global quota") as kind, _:
            client.set_quota(account, name, after, everywhere=kind == "global quota")
        case "scope", _:
            client.add_scope(account, name)
        case unknown:
            raise AssertionError(unknown)
