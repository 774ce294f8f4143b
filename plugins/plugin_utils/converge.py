# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way from reading over a plan to a verified result, for every kind of object in Rucio. Needs no Ansible."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from ansible_collections.escape.datalake.plugins.plugin_utils import guard
from ansible_collections.escape.datalake.plugins.plugin_utils.plan_file import PlanFile
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import Change, Outcome, Plan, Progress, apply, result
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.planned import Planned
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio_store import NotShown
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import RETRY_STATUS, ApiError
from ansible_collections.escape.datalake.plugins.plugin_utils.services.rucio import UNDONE, RucioClient

Found = TypeVar("Found")
# How often what is left is written again, and seconds before the first time when a write got lost.
MORE_ROUNDS = 3
PAUSE = 0.25


class Incomplete(Exception):
    """A write that must wait because another one failed."""


def converge(
    client: RucioClient,
    read: Callable[[], Found],
    plan: Callable[[Found], Planned],
    write: Callable[[Change], None],
    ahead: Callable[[Plan], None] | None = None,
    *,
    check_mode: bool = False,
    file: PlanFile | None = None,
    objects: Callable[[Any], Mapping[str, Any]] = dict,
    progress: Progress | None = None,
    reread: Callable[[Found, Plan], Found] | None = None,
) -> dict[str, Any]:
    """Reads, plans, writes, reads once more, and reports as failed what was written but is not there.

    plan: from what read() found to what must be done. write: does one change. ahead: sees the whole plan before the first write.
    A write whose fate is not known, or that somebody else did in the meantime, is planned again from what is found then, a few times,
    and with it what had to wait (Incomplete).
    file: where the plan is written to instead of being applied, or must come from. objects: what was found by subject of a plan.
    progress: called with (changes done so far, all of them, seconds since the first).
    reread: what was found, read again as far as a plan touched it; everything is read again without.
    """
    unsure: list[Change] = []
    waiting: list[Change] = []

    def noting(change: Change) -> None:
        try:
            write(change)
        except Incomplete:
            waiting.append(change)
            raise
        except ApiError as problem:
            if may_be_done(change, problem):
                unsure.append(change)
            raise

    def forgiven() -> list[Change]:
        return [*unsure, *waiting] if unsure else []

    found = read()
    planned = plan(found)
    if file and file.apply_from:
        file.verify(planned.plan, objects(found))
    only_plan = check_mode or bool(file and file.write_to)
    if file and file.write_to:
        file.write(planned.plan, objects(found), planned.held.changes, planned.held.reasons)
    changes = list(planned.plan.changes)
    if ahead and not only_plan:
        ahead(planned.plan)
    outcome = apply_allowed(planned, noting, check_mode=only_plan, progress=progress)
    if only_plan or not (outcome.done or unsure):
        return guard.report(result(planned.plan, outcome, client.traffic), planned.held)
    held = planned.held
    found = reread(found, planned.plan) if reread else read()
    after = without(plan(found), outcome, forgiven())
    for rounds in range(1, MORE_ROUNDS + 1):
        if not after.plan or not (planned.more or unsure):
            break
        if unsure:
            time.sleep(PAUSE * 2**rounds)
            unsure.clear()
        changes += after.plan.changes
        merge(outcome, apply_allowed(after, noting, check_mode=False, progress=progress))
        found = reread(found, after.plan) if reread else read()
        planned, after = after, without(plan(found), outcome, forgiven() if rounds < MORE_ROUNDS else ())
    outcome.failed += [(change, str(NotShown())) for change in after.plan.changes]
    return guard.report(result(Plan.of(changes), outcome, client.traffic), held)


def may_be_done(change: Change, problem: ApiError) -> bool:
    """Whether a write that failed may have reached the server, met another writer or found its work done: only looking again can tell."""
    lost = problem.error_class is None and problem.status in (None, *RETRY_STATUS)
    return lost or problem.error_class in ("Duplicate", UNDONE) or (change.verb != "create" and problem.status == 404)


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


def apply_allowed(planned: Planned, write: Callable[[Change], None], *, check_mode: bool, progress: Progress | None = None) -> Outcome:
    """Carries out a plan but for the subjects that it refuses, which are reported as failed once each."""
    allowed = Plan(tuple(change for change in planned.plan.changes if change.subject not in planned.refused))
    outcome = apply(allowed, write, check_mode=check_mode, progress=progress)
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
