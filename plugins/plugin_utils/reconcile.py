# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From (wanted, found) to a plan, its diff, and its application: the only place that knows about check mode."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Literal

Verb = Literal["create", "update", "delete"]
MASK = "********"
SHOWN = 1000
Progress = Callable[[int, int, float], None]  # how many are done, of how many, seconds since the first


@dataclass(frozen=True)
class Change:
    """One write that a plan asks for.

    subject: the object a person thinks of (an RSE, an account); later stages of a subject are skipped when an earlier one failed.
    kind: what is written ("rse", "attribute", "protocol", ...).
    name: its name inside the subject, empty when it is the subject itself.
    stage: changes of a lower stage are finished before a higher one starts.
    secret: True when before and after must never be shown.
    """

    subject: str
    kind: str
    verb: Verb
    name: str = ""
    before: Any = None
    after: Any = None
    stage: int = 0
    secret: bool = False

    def words(self) -> str:
        """The change as a short sentence for people."""
        what = f"{self.verb} {self.kind}" + (f" {self.name}" if self.name else "")
        sentence = f"{self.subject}: {what}"
        if self.secret or self.verb == "delete" or not _is_scalar(self.after):
            return sentence
        return f"{sentence} = {self.after!r}" if self.verb == "create" else f"{sentence}: {self.before!r} -> {self.after!r}"


@dataclass(frozen=True)
class Plan:
    """What must be written to turn what was found into what is wanted."""

    changes: tuple[Change, ...] = ()

    @classmethod
    def of(cls, changes: Iterable[Change]) -> Plan:
        """Orders changes by stage, keeping the given order within each."""
        return cls(tuple(sorted(changes, key=lambda change: change.stage)))

    def __bool__(self) -> bool:
        return bool(self.changes)

    def diff(self) -> dict[str, Any]:
        """Ansible's before/after form, secrets masked."""
        before: dict[str, Any] = {}
        after: dict[str, Any] = {}
        for change in self.changes:
            where = f"{change.kind} {change.name}".strip()
            if change.verb != "create":
                before.setdefault(change.subject, {})[where] = MASK if change.secret else change.before
            if change.verb != "delete":
                after.setdefault(change.subject, {})[where] = MASK if change.secret else change.after
        return {"before": before, "after": after}


@dataclass
class Outcome:
    """What happened to the changes of a plan."""

    done: list[Change] = field(default_factory=list)
    failed: list[tuple[Change, str]] = field(default_factory=list)
    skipped: list[Change] = field(default_factory=list)


def apply(
    plan: Plan,
    write: Callable[[Change], None],
    *,
    check_mode: bool,
    workers: int = 8,
    progress: Progress | None = None,
) -> Outcome:
    """Carries a plan out, stage by stage, the changes of a stage side by side.

    write: does one change; any Exception it raises is that change's failure and does not stop other subjects.
    progress: called with (done so far, all, seconds since the start).
    """
    outcome = Outcome()
    if check_mode:
        outcome.done = list(plan.changes)
        return outcome
    started = time.monotonic()
    broken: set[str] = set()

    def attempt(change: Change) -> str | None:
        try:
            write(change)
        except Exception as problem:  # every kind of failure is reported with its change
            return str(problem) or type(problem).__name__
        return None

    with ThreadPoolExecutor(max_workers=workers) as pool:
        for _stage, members in groupby(plan.changes, key=lambda change: change.stage):
            stage = list(members)
            ready = [change for change in stage if change.subject not in broken]
            outcome.skipped += [change for change in stage if change.subject in broken]
            for change, problem in zip(ready, pool.map(attempt, ready), strict=True):
                if problem is None:
                    outcome.done.append(change)
                else:
                    outcome.failed.append((change, problem))
                    broken.add(change.subject)
                if progress:
                    progress(len(outcome.done) + len(outcome.failed) + len(outcome.skipped), len(plan.changes), time.monotonic() - started)
    return outcome


def result(plan: Plan, outcome: Outcome, traffic: Mapping[str, int] | None = None) -> dict[str, Any]:
    """The part of a task's result that every module of this collection shares.

    traffic: requests and writes of the service clients used, added up.
    """
    answer: dict[str, Any] = {
        "changed": bool(outcome.done),
        "actions": [change.words() for change in outcome.done],
        "summary": dict(Counter(f"{change.verb} {change.kind}" for change in outcome.done)),
        "diff": plan.diff(),
    }
    if traffic is not None:
        answer["traffic"] = dict(traffic)
    if outcome.failed:
        answer["failed"] = True
        answer["failures"] = [{"action": change.words(), "reason": reason} for change, reason in outcome.failed]
        answer["msg"] = f"{len(outcome.failed)} of {len(plan.changes)} changes failed, {len(outcome.skipped)} were not tried: " + "; ".join(
            f"{change.words()}: {reason}" for change, reason in outcome.failed[:10]
        )
    return answer


def shortened(answer: Mapping[str, Any]) -> dict[str, Any]:
    """A result with the first SHOWN changes of a large plan; its summary counts them all."""
    if len(answer["actions"]) <= SHOWN:
        return dict(answer)
    actions = [*answer["actions"][:SHOWN], f"... and {len(answer['actions']) - SHOWN} more, see summary"]
    diff = {side: dict(list(objects.items())[:SHOWN]) for side, objects in answer["diff"].items()}
    return {**answer, "actions": actions, "diff": diff}


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bool)
