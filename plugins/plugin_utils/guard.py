# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guards of what takes something away: an answer that is empty, shrunken or malformed, or a plan that takes too much, takes nothing.

Pure. A plan is split into what may be done and what is held back; what adds is never held back.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import Change, Plan

Act = Literal["removals", "disabling", "suspensions"]
WORDS: Mapping[Act, str] = {"removals": "removed", "disabling": "disabled", "suspensions": "suspended"}
SHOWN = 10


@dataclass(frozen=True)
class Limit:
    """How much one run may take away: at most number, and at most percent of those that there are (rounded up, so one may always go)."""

    number: int
    percent: float

    def allowed(self, total: int) -> int:
        return min(self.number, math.ceil(total * self.percent / 100))


@dataclass(frozen=True)
class Guard:
    """The limits of one run.

    shrink_percent: how much smaller a source may be than it was before. allow_empty: an empty source is believed.
    """

    removals: Limit = Limit(10, 10.0)
    disabling: Limit = Limit(10, 20.0)
    suspensions: Limit = Limit(50, 10.0)
    shrink_percent: float = 20.0
    allow_empty: bool = False


def _limit(number: int, percent: float) -> dict[str, Any]:
    options = {"number": {"type": "int", "default": number}, "percent": {"type": "float", "default": percent}}
    return {"type": "dict", "options": options, "apply_defaults": True}


# The option "guard" of a module; documented in doc_fragments/guard.py.
ARGUMENTS: dict[str, Any] = {
    "guard": {
        "type": "dict",
        "apply_defaults": True,
        "options": {
            "removals": _limit(Guard.removals.number, Guard.removals.percent),
            "disabling": _limit(Guard.disabling.number, Guard.disabling.percent),
            "suspensions": _limit(Guard.suspensions.number, Guard.suspensions.percent),
            "shrink_percent": {"type": "float", "default": Guard.shrink_percent},
            "allow_empty": {"type": "bool", "default": Guard.allow_empty},
        },
    }
}


def guard_from(option: Mapping[str, Any]) -> Guard:
    """A guard from the checked option of ARGUMENTS."""
    limits = {act: Limit(option[act]["number"], option[act]["percent"]) for act in WORDS}
    return Guard(**limits, shrink_percent=option["shrink_percent"], allow_empty=option["allow_empty"])


@dataclass(frozen=True)
class Source:
    """What a plan rests on, as far as absence from it means something.

    what: its name for people ("users of https://iam.example.org/"). count: objects in it. before: objects that it had last time, or that
    are known to come from it; None when nobody knows. problems: why it cannot be believed (a truncated answer, an entry without a name).
    """

    what: str
    count: int
    before: int | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Held:
    """What a guard held back, and why. Falsy when it held back nothing."""

    changes: tuple[Change, ...] = ()
    reasons: tuple[Problem, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changes)


def doubts(sources: Sequence[Source], guard: Guard) -> list[Problem]:
    """Why what is missing in these sources must not count as gone; empty when it may."""
    found: list[Problem] = []
    for source in sources:
        found += [Problem(source.what, f"cannot be believed: {problem}.", "Mend the source and run again.") for problem in source.problems]
        if source.count == 0 and not guard.allow_empty:
            found.append(Problem(source.what, "are none at all.", "If that is so, set guard.allow_empty for this run."))
        elif source.count and source.before and (missing := source.before - source.count) * 100 > guard.shrink_percent * source.before:
            shrunk = -(-missing * 100 // source.before)
            found.append(
                Problem(
                    source.what,
                    f"are {source.count} where {source.before} were known, {shrunk} % fewer, and {guard.shrink_percent:g} may be.",
                    f"Check the source; if that is so, set guard.shrink_percent to {shrunk} for this run.",
                )
            )
    return found


def excess(act: Act, subjects: Sequence[str], total: int, guard: Guard) -> list[Problem]:
    """Why these subjects must not all be taken away, out of total that there are; empty when they may."""
    limit: Limit = getattr(guard, act)
    count = len(subjects)
    if count <= limit.allowed(total):
        return []
    percent = math.ceil(100 * count / total) if total else 100
    listed = ", ".join(subjects[:SHOWN]) + (", ..." if count > SHOWN else "")
    needed = [f"guard.{act}.number to {count}"] if count > limit.number else []
    needed += [f"guard.{act}.percent to {percent}"] if count > math.ceil(total * limit.percent / 100) else []
    return [
        Problem(
            f"guard.{act}",
            f"{count} of {total} would be {WORDS[act]} ({listed}), where one run may take {limit.allowed(total)} "
            f"(number {limit.number}, percent {limit.percent:g}).",
            f"Check the list; if it is right, set {' and '.join(needed)} for this run.",
        )
    ]


def hold_back(
    plan: Plan,
    takes_away: Callable[[Change], Act | None],
    totals: Mapping[Act, int],
    sources: Sequence[Source],
    guard: Guard,
    *,
    counted: Callable[[Change], Iterable[str]] | None = None,
) -> tuple[Plan, Held]:
    """The part of a plan that may be done, and what is held back.

    takes_away: what a change takes away, None for all others. totals: how many there are to take from. counted: what is counted of a
    change, each name once; when not given each removal by itself, disabling and suspensions subject by subject.
    """
    taking: dict[Act, list[Change]] = {}
    for change in plan.changes:
        if act := takes_away(change):
            taking.setdefault(act, []).append(change)
    doubted = doubts(sources, guard) if taking else []
    reasons, held = list(doubted), set(taking) if doubted else set()
    for act, changes in taking.items():
        names = counted or (_each if act == "removals" else _subject)
        taken = list(dict.fromkeys(name for change in changes for name in names(change)))
        if too_many := excess(act, taken, totals.get(act, 0), guard):
            reasons += too_many
            held.add(act)
    back = tuple(change for change in plan.changes if takes_away(change) in held)
    allowed = Plan(tuple(change for change in plan.changes if takes_away(change) not in held))
    return allowed, Held(back, tuple(reasons))


def _each(change: Change) -> tuple[str]:
    return (f"{change.subject} {change.kind} {change.name}".strip(),)


def _subject(change: Change) -> tuple[str]:
    return (change.subject,)


def report(answer: Mapping[str, Any], held: Held) -> dict[str, Any]:
    """A task's result with what was held back: the task fails, after all else was done."""
    if not held:
        return dict(answer)
    words = f"{len(held.changes)} changes that take something away were held back:\n" + "\n".join(f"  {reason}" for reason in held.reasons)
    return {
        **answer,
        "failed": True,
        "msg": f"{words}\n{answer['msg']}" if answer.get("msg") else words,
        "held_back": [change.words() for change in held.changes],
        "problems": [*answer.get("problems", []), *(reason.as_dict() for reason in held.reasons)],
    }
