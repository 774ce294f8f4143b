# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of a migration: who takes them, how each is undone, and in which order they may be taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ACTIVE, DRAINING, DISABLED = "active", "draining", "disabled"
STATES: Mapping[str, Mapping[str, bool]] = {
    ACTIVE: {"availability_read": True, "availability_write": True, "availability_delete": True},
    DRAINING: {"availability_read": True, "availability_write": False, "availability_delete": False},
    DISABLED: {"availability_read": False, "availability_write": False, "availability_delete": False},
}
"""States of an RSE in Rucio's terms. A draining one still gives its files."""

UNITS = "httpd rfiod srmv2.2 dpnsdaemon dpm dpm-gsiftp xrootd@dpmredir"
SWITCH = "switch"


@dataclass(frozen=True)
class Step:
    """One step. by: ``tool`` when playbooks/migrate.yml takes it, ``person`` otherwise. undo: empty for the switch and what follows it.

    state: of the RSEs after it, where it changes. reads_dpm: the DPM still answers, so the plan is compared with it.
    """

    id: str
    title: str
    by: str
    do: str
    undo: str
    state: str = ""
    reads_dpm: bool = True


class OutOfOrder(Exception):
    """A step that may not be taken or undone now."""


def steps(dpm: str, dcache: str) -> tuple[Step, ...]:
    """All steps from a DPM head node to a dCache host."""
    return (
        Step(
            "describe",
            "Write the description of the dCache",
            "tool",
            "The files of the folder host_vars are written.",
            "They are removed.",
        ),
        Step(
            "build",
            "Build the dCache, without data",
            "person",
            f"Put the description into an inventory without datalake_rucio and datalake_cric, and run playbooks/site.yml for {dcache}.",
            f"Stop dCache on {dcache}; nobody knows it yet.",
        ),
        Step(
            "consistent",
            "Make the name space of the DPM consistent",
            "person",
            f"On {dpm}: dmlite-shell -e 'dbck' for every check, until nothing is reported.",
            "Nothing to undo.",
        ),
        Step(
            "drain",
            "Let Rucio write no more",
            "tool",
            "The RSEs are draining: they are read, not written, and nothing is deleted.",
            "The RSEs are active again.",
            DRAINING,
        ),
        Step(
            "quiet",
            "Wait until nothing is written any more",
            "person",
            "Wait for running transfers (FTS, Rucio's requests to these RSEs), then set NSFlags without Write on the doors.",
            "Give NSFlags Write back.",
        ),
        Step(
            "disable",
            "Close the RSEs",
            "tool",
            "The RSEs are disabled: neither read, nor written, nor deleted from.",
            "The RSEs are draining again.",
            DISABLED,
        ),
        Step(
            "stop",
            "Stop the DPM",
            "person",
            f"On {dpm} and all disk servers: systemctl mask --now {UNITS}. Keep the database.",
            f"systemctl unmask and start {UNITS}.",
            reads_dpm=False,  # it is noted when the DPM no longer answers
        ),
        Step(
            "export",
            "Export name space and configuration",
            "person",
            f"On {dpm}: the migration command of dmlite-shell (help dcache). It only reads.",
            "Delete the export.",
            reads_dpm=False,
        ),
        Step(
            "import",
            "Import into dCache",
            "person",
            f"On {dcache}: load the export into chimera. On the pools: link the files; links are second names of the same bytes.",
            "Drop the database, remove the links. The files of the DPM are untouched.",
            reads_dpm=False,
        ),
        Step(
            "verify",
            "Prove the dCache",
            "person",
            "playbooks/probe.yml with the new description; compare files and bytes of each area; read files back with checksum.",
            "Stop dCache.",
            reads_dpm=False,
        ),
        Step(
            SWITCH,
            "Give the RSEs their new doors",
            "tool",
            "CRIC and Rucio get the doors of the dCache in the place of those of the DPM; the RSEs stay disabled.",
            "",
            reads_dpm=False,
        ),
        Step(
            "read",
            "Open the RSEs for reading",
            "tool",
            "The RSEs are read through the new doors, not written yet.",
            "",
            DRAINING,
            reads_dpm=False,
        ),
        Step("open", "Open the RSEs", "tool", "The RSEs are active.", "", ACTIVE, reads_dpm=False),
        Step(
            "retire",
            "Retire the DPM",
            "person",
            "After some weeks: remove the names that the DPM gave the files, its database and its packages.",
            "",
            reads_dpm=False,
        ),
    )


def step_of(document: Mapping[str, Any], id_: str) -> dict[str, Any]:
    """A step of a plan; raises OutOfOrder for a name that it does not have."""
    for step in document["steps"]:
        if step["id"] == id_:
            found: dict[str, Any] = step
            return found
    raise OutOfOrder(f"The plan has no step {id_!r}; its steps: {', '.join(step['id'] for step in document['steps'])}.")


def next_step(document: Mapping[str, Any]) -> str:
    """The step that is due; empty when all are done."""
    done = [each["step"] for each in document["done"]]
    return next((str(step["id"]) for step in document["steps"] if step["id"] not in done), "")


def may_take(document: Mapping[str, Any], id_: str) -> dict[str, Any]:
    """The step, when it is the one that is due; raises OutOfOrder."""
    step, due = step_of(document, id_), next_step(document)
    if document["blockers"]:
        raise OutOfOrder("The plan has blockers, so no step is taken:\n" + "\n".join(f"  {each}" for each in document["blockers"]))
    if id_ != due:
        said = "has been taken" if id_ in [each["step"] for each in document["done"]] else f"comes after {due}"
        raise OutOfOrder(f"Step {id_} {said}. {f'The step that is due is {due}.' if due else 'All steps are done.'}")
    return step


def may_undo(document: Mapping[str, Any], id_: str) -> dict[str, Any]:
    """The step, when it was the last one and can be undone; raises OutOfOrder."""
    step = step_of(document, id_)
    last = document["done"][-1]["step"] if document["done"] else ""
    if id_ != last:
        raise OutOfOrder(f"Step {id_} is not the last one that was taken, which is {last or 'none'}.")
    if not step["undo"]:
        raise OutOfOrder(f"Step {id_} cannot be undone: from the switch on, files are written that the DPM does not have.")
    return step


def state_before(document: Mapping[str, Any], id_: str) -> str:
    """The state of the RSEs before a step."""
    state = ACTIVE
    for step in document["steps"]:
        if step["id"] == id_:
            break
        state = step["state"] or state
    return state
