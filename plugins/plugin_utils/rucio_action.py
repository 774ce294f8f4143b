# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the Rucio modules share: their connection options, and the way from reading over a plan to a verified result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from ansible.module_utils.basic import env_fallback
from ansible_collections.escape.datalake.plugins.plugin_utils import guard, plan_file
from ansible_collections.escape.datalake.plugins.plugin_utils.action_base import DatalakeAction
from ansible_collections.escape.datalake.plugins.plugin_utils.plan_file import PlanFile
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import Change, Outcome, Plan, apply, result
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.planned import Planned
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError, Tls
from ansible_collections.escape.datalake.plugins.plugin_utils.services.rucio import Login, RucioClient

Found = TypeVar("Found")
MORE_ROUNDS = 3


class NotShown(Exception):
    """A write that the server took and did not keep."""

    def __init__(self) -> None:
        super().__init__("the server answered that it was written, but does not show it")


def _from_environment(name: str) -> dict[str, Any]:
    return {"fallback": (env_fallback, [f"DATALAKE_RUCIO_{name}"])}


CONNECTION: dict[str, Any] = {
    "url": {"type": "str", "required": True, **_from_environment("URL")},
    "auth_type": {"type": "str", "choices": ["userpass", "x509", "token"], "default": "userpass", **_from_environment("AUTH_TYPE")},
    "username": {"type": "str", **_from_environment("USERNAME")},
    "password": {"type": "str", "no_log": True, **_from_environment("PASSWORD")},
    "account": {"type": "str", **_from_environment("ACCOUNT")},
    "token": {"type": "str", "no_log": True, **_from_environment("TOKEN")},
    "token_file": {"type": "path", "no_log": False, **_from_environment("TOKEN_FILE")},
    "client_cert": {"type": "path", **_from_environment("CLIENT_CERT")},
    "client_key": {"type": "path", "no_log": False, **_from_environment("CLIENT_KEY")},
    "ca_path": {"type": "path", **_from_environment("CA_PATH")},
    "vo": {"type": "str", **_from_environment("VO")},
    "timeout": {"type": "float", "default": 60.0},
}
CONNECTION_CONSTRAINTS: dict[str, Any] = {
    "mutually_exclusive": [["token", "token_file"]],
    "required_if": [
        ["auth_type", "userpass", ["username", "password"]],
        ["auth_type", "x509", ["client_cert"]],
        ["auth_type", "token", ["token", "token_file"], True],
    ],
}
PLANNING: dict[str, Any] = {**CONNECTION, **plan_file.ARGUMENTS}
PLANNING_CONSTRAINTS: dict[str, Any] = {
    **CONNECTION_CONSTRAINTS,
    "mutually_exclusive": [*CONNECTION_CONSTRAINTS["mutually_exclusive"], plan_file.EXCLUSIVE],
}


class RucioAction(DatalakeAction):
    """The controller's half of a Rucio module.

    A subclass gives ARGUMENTS (CONNECTION, or PLANNING where it plans, and its own options) and act().
    """

    ARGUMENTS = CONNECTION
    CONSTRAINTS = CONNECTION_CONSTRAINTS

    def client(self, arguments: dict[str, Any]) -> RucioClient:
        """A client that logs in at its first call, and refuses to write in check mode."""
        login = Login(
            kind=arguments["auth_type"],
            account=arguments["account"],
            username=arguments["username"],
            password=arguments["password"],
            token=arguments["token"],
            token_file=arguments["token_file"],
            vo=arguments["vo"],
        )
        tls = Tls(ca=arguments["ca_path"], certificate=arguments["client_cert"], key=arguments["client_key"])
        return RucioClient(arguments["url"], login, tls=tls, timeout=arguments["timeout"], read_only=self.check_mode)

    def plan_file(self, arguments: dict[str, Any]) -> PlanFile:
        """The plan file that a task writes or applies, for the server and account it works on."""
        place = {"account": arguments["account"], "vo": arguments["vo"]}
        target = " ".join([arguments["url"].rstrip("/"), *(f"{key} {value}" for key, value in place.items() if value)])
        return PlanFile(type(self).__module__.rsplit(".", 1)[-1], target, arguments["write_plan"], arguments["apply_plan"])

    def converge(
        self,
        client: RucioClient,
        read: Callable[[], Found],
        plan: Callable[[Found], Planned],
        write: Callable[[Change], None],
        ahead: Callable[[Sequence[Change], Sequence[Change]], None] | None = None,
        *,
        file: PlanFile | None = None,
        objects: Callable[[Any], Mapping[str, Any]] = dict,
    ) -> dict[str, Any]:
        """Reads, plans, writes, reads once more, and reports as failed what was written but is not there.

        plan: from what read() found to what must be done. write: does one change. ahead: see reconcile.apply.
        What somebody else made in the meantime, such as the last calls of a run that was killed, is planned and written once more.
        file: where the plan is written to instead of being applied, or must come from. objects: what was found by subject of a plan.
        """
        made_by_others: list[Change] = []

        def noting(change: Change) -> None:
            try:
                write(change)
            except ApiError as problem:
                if problem.error_class == "Duplicate":
                    made_by_others.append(change)
                raise

        found = read()
        planned = plan(found)
        if file and file.apply_from:
            file.verify(planned.plan, objects(found))
        only_plan = self.check_mode or bool(file and file.write_to)
        if file and file.write_to:
            file.write(planned.plan, objects(found), planned.held.changes, planned.held.reasons)
        changes = list(planned.plan.changes)
        outcome = apply_allowed(planned, noting, check_mode=only_plan, ahead=ahead)
        if only_plan or not (outcome.done or made_by_others):
            return guard.report(result(planned.plan, outcome, client.traffic), planned.held)
        held = planned.held
        after = without(plan(read()), outcome, made_by_others)
        rounds = 0
        while after.plan and (planned.more or made_by_others) and rounds < MORE_ROUNDS:
            changes += after.plan.changes
            merge(outcome, apply_allowed(after, write, check_mode=False))
            planned, rounds = after, rounds + 1
            made_by_others.clear()
            after = without(plan(read()), outcome)
        outcome.failed += [(change, str(NotShown())) for change in after.plan.changes]
        return guard.report(result(Plan.of(changes), outcome, client.traffic), held)


def without(planned: Planned, outcome: Outcome, forgiven: Sequence[Change] = ()) -> Planned:
    """A plan without the subjects that failed. forgiven: failures to take out of the outcome, with what they held up."""
    outcome.failed = [failure for failure in outcome.failed if not any(failure[0] is change for change in forgiven)]
    broken = {change.subject for change, _reason in outcome.failed}
    outcome.skipped = [change for change in outcome.skipped if change.subject in broken]
    return Planned(
        Plan(tuple(change for change in planned.plan.changes if change.subject not in broken)),
        {subject: reason for subject, reason in planned.refused.items() if subject not in broken},
        more=planned.more,
    )


def apply_allowed(
    planned: Planned,
    write: Callable[[Change], None],
    *,
    check_mode: bool,
    ahead: Callable[[Sequence[Change], Sequence[Change]], None] | None = None,
) -> Outcome:
    """Carries out a plan but for the subjects that it refuses, which are reported as failed once each."""
    allowed = Plan(tuple(change for change in planned.plan.changes if change.subject not in planned.refused))
    outcome = apply(allowed, write, check_mode=check_mode, ahead=ahead)
    for subject, reason in planned.refused.items():
        first, *rest = [change for change in planned.plan.changes if change.subject == subject]
        outcome.failed.append((first, reason))
        outcome.skipped += rest
    return outcome


def merge(outcome: Outcome, later: Outcome) -> None:
    """Adds what happened later."""
    outcome.done += later.done
    outcome.failed += later.failed
    outcome.skipped += later.skipped
