# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plan as a JSON file that a person reviews and a later run applies, unless the world changed meanwhile.

The file holds what would be done, and a fingerprint of each object that was found. The run that applies it reads and plans afresh, and
goes on only with the very changes of the file: secrets are therefore never in it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import MASK, Change, Plan

FORMAT = "escape.datalake plan 1"
SHOWN = 20

# Options of every module that plans; documented in doc_fragments/plan_file.py.
ARGUMENTS: dict[str, Any] = {"write_plan": {"type": "path"}, "apply_plan": {"type": "path"}}
EXCLUSIVE = ["write_plan", "apply_plan"]


@dataclass(frozen=True)
class PlanFile:
    """Whether a task writes its plan to a file, or applies the one of a file.

    module: who planned. target: what would be changed ("https://rucio.example.org account root"); a plan for another target is refused.
    """

    module: str
    target: str
    write_to: str | None = None
    apply_from: str | None = None

    def write(self, plan: Plan, found: Mapping[str, Any], held_back: Sequence[Change] = (), reasons: Sequence[Problem] = ()) -> None:
        """Writes the file, readable by its owner alone. found: all objects that the plan rests on, by subject."""
        document = {
            "format": FORMAT,
            "module": self.module,
            "target": self.target,
            "written": datetime.now(UTC).isoformat(timespec="seconds"),
            "summary": dict(Counter(f"{change.verb} {change.kind}" for change in plan.changes)),
            "held_back": [change.words() for change in held_back],
            "reasons": [str(reason) for reason in reasons],
            "changes": [as_dict(change) for change in plan.changes],
            "found": fingerprints(found),
        }
        path = Path(self.write_to or "").expanduser()
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                json.dump(document, file, indent=1, ensure_ascii=False)
                file.write("\n")
            draft.replace(path)
        except OSError as problem:
            raise DescriptionError(
                [Problem("write_plan", f"{path} cannot be written: {problem}.", "Name a place where it can.")]
            ) from problem

    def verify(self, plan: Plan, found: Mapping[str, Any]) -> None:
        """Raises DescriptionError unless the fresh plan is that of the file, or what an interrupted application left of it."""
        document = self._read()
        told = [(key, document.get(key), ours) for key, ours in (("format", FORMAT), ("module", self.module), ("target", self.target))]
        problems = [
            Problem(f"apply_plan {self.apply_from}", f"says {key} {theirs!r}, this is {ours!r}.", "Use the plan file of this task.")
            for key, theirs, ours in told
            if theirs != ours
        ]
        if not problems:
            problems = differences(document["changes"], document["found"], plan, found)
        if problems:
            raise DescriptionError(problems)

    def _read(self) -> dict[str, Any]:
        at = f"apply_plan {self.apply_from}"
        try:
            document = json.loads(Path(self.apply_from or "").expanduser().read_text(encoding="utf-8"))
        except (OSError, ValueError) as problem:
            raise DescriptionError([Problem(at, f"cannot be read: {problem}.", "Write it with write_plan.")]) from problem
        if (
            not isinstance(document, dict)
            or not isinstance(document.get("found"), dict)
            or not isinstance(document.get("changes"), list)
            or not all(isinstance(change, dict) and isinstance(change.get("subject"), str) for change in document["changes"])
        ):
            raise DescriptionError([Problem(at, "is no plan file.", "Write one with write_plan.")])
        return document


def as_dict(change: Change) -> dict[str, Any]:
    """A change for the file: what is secret is masked, the sentence is for people."""
    before, after = (MASK, MASK) if change.secret else (plain(change.before), plain(change.after))
    kept = {"subject": change.subject, "verb": change.verb, "kind": change.kind, "name": change.name}
    return {"words": change.words(), **kept, "before": before, "after": after, "stage": change.stage}


def plain(value: Any) -> Any:
    """A value in terms of JSON, the same for the same content: sets in order, keys as texts."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {key if isinstance(key, str) else json.dumps(plain(key)): plain(each) for key, each in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((plain(each) for each in value), key=lambda each: json.dumps(each, sort_keys=True))
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def fingerprints(found: Mapping[str, Any]) -> dict[str, str]:
    """A short digest of each object that was found."""
    return {subject: _digest(thing) for subject, thing in sorted(found.items())}


def _digest(thing: Any) -> str:
    return hashlib.sha256(json.dumps(plain(thing), sort_keys=True).encode()).hexdigest()[:24]


def differences(changes: Sequence[Mapping[str, Any]], seen: Mapping[str, str], plan: Plan, found: Mapping[str, Any]) -> list[Problem]:
    """How today's plan and world differ from those of the file; empty when the file may be applied.

    A subject of the plan that changed is accepted where some of its changes are done already and the others are planned as they were:
    that is what an interrupted application of the file leaves.
    """
    reviewed = _by_subject(json.loads(json.dumps(list(changes))))
    fresh = _by_subject(json.loads(json.dumps([as_dict(change) for change in plan.changes])))
    now = fingerprints(found)
    problems: list[Problem] = []
    remedy = "Write a new plan, review it, and apply that."
    more = [subject for subject, ours in fresh.items() if any(change not in reviewed.get(subject, ()) for change in ours)]
    if more:
        words = _short(_words(more, fresh, reviewed))
        if gone := _words(more, reviewed, fresh):
            words = f"{words}; and no longer {_short(gone)}"
        problems.append(Problem("apply_plan", f"the world or the wanted state changed: now there is to do {words}.", remedy))
    touched = [
        subject
        for subject in sorted(seen.keys() | now.keys())
        if seen.get(subject) != now.get(subject) and len(fresh.get(subject, ())) >= len(reviewed.get(subject, ()))
    ]
    if touched:
        problems.append(Problem("apply_plan", f"changed since the plan was written: {_listed(touched)}.", remedy))
    undone = [subject for subject in reviewed if subject not in more and seen.get(subject) == now.get(subject)]
    wanted = [subject for subject in undone if len(fresh.get(subject, ())) < len(reviewed[subject])]
    if wanted:
        problems.append(Problem("apply_plan", f"is no longer wanted for {_listed(wanted)}.", remedy))
    return problems


def _words(subjects: Iterable[str], these: Mapping[str, list[dict[str, Any]]], those: Mapping[str, list[dict[str, Any]]]) -> str:
    """The changes of subjects that only these have."""
    return "; ".join(str(change.get("words")) for each in subjects for change in these.get(each, ()) if change not in those.get(each, ()))


def _by_subject(changes: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    grouped: dict[str, list[dict[str, Any]]] = {}
    for change in changes:
        grouped.setdefault(str(change["subject"]), []).append(change)
    return grouped


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")


def _short(words: str) -> str:
    return words if len(words) <= 600 else words[:600] + " ..."
