# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A change set of CRIC as a page for the person who applies it: a table of differences, and a checklist in the order of CRIC's pages.

Order and names of the pages: lsst/rtn-032, CERN twiki LCG/CricDocs. CRIC publishes no call that would do this.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.cric.changes import Planned, door
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import Change

Row = tuple[str, str, str, Any, Any]
NEW_SUBJECT = ("rse", "create")


def markdown(planned: Planned, cric: str, described: int) -> str:
    """The page. cric: address of the instance. described: how many RSEs were compared. The same differences give the same text."""
    head = f"# Changes for CRIC at {cric}\n\n"
    plural = "" if described == 1 else "s"
    if not planned.plan:
        return head + f"Nothing to change: CRIC holds what the description says of {described} RSE{plural}.\n" + _left_alone(planned)
    count = len({change.subject for change in planned.plan.changes})
    parts = [
        head + f"{count} of {described} described RSEs differ. Apply the checklist in its order, then run the same task again: "
        "it reads CRIC back and says what still differs.\n",
        "## Checklist\n\n" + "".join(f"{line}\n" for line in _checklist(planned)),
        "## Differences\n\n" + _table(row for change in planned.plan.changes for row in _rows(change)),
    ]
    return "\n".join(parts) + _left_alone(planned)


def _checklist(planned: Planned) -> Iterator[str]:
    changes = planned.plan.changes
    new = {change.subject: change.after for change in changes if (change.kind, change.verb) == NEW_SUBJECT}
    sites = sorted({fields["site"] for fields in new.values() if fields["site"]})
    sites += [change.after for change in changes if change.kind == "field" and change.name == "site" and change.after not in sites]
    steps: dict[str, list[str]] = {
        "RC site": [f"{site}: is there under its name in GOCDB, status Enabled, state ACTIVE" for site in sites],
        "Service": [f"{site}: has a storage service (SE), state ACTIVE" for site in sites],
        "Protocols": sorted({f"{door(each)} at the service" for fields in new.values() for each in fields["protocols"]})
        + [f"{change.subject}: {change.verb} {change.name}" for change in changes if change.kind == "protocol"],
        "Resource": [f"{name}: {path}" for name, fields in new.items() for path in sorted({each["prefix"] for each in fields["protocols"]})]
        + [f"{change.subject}: path {change.after['prefix']} behind {change.name}" for change in _new_paths(changes)],
        "Storage unit": [f"{name}: a storage unit of {fields['site']} that uses the resource" for name, fields in new.items()],
        "RSE": [f"{name}: make it, with the fields below" for name in new]
        + [f"{change.subject}: {change.name} = {_shown(change.after)}" for change in changes if change.kind == "field"],
        "Params": [f"{name}: {key} = {_shown(value)}" for name, fields in new.items() for key, value in sorted(fields["params"].items())]
        + [_param(change) for change in changes if change.kind == "param"],
    }
    for number, (step, tasks) in enumerate(((step, tasks) for step, tasks in steps.items() if tasks), start=1):
        yield f"{number}. {step}"
        yield from (f"   - [ ] {task}" for task in tasks)


def _new_paths(changes: Iterable[Change]) -> list[Change]:
    return [change for change in changes if change.kind == "protocol" and change.verb != "delete" and "prefix" in change.after]


def _param(change: Change) -> str:
    return (
        f"{change.subject}: remove {change.name}"
        if change.verb == "delete"
        else f"{change.subject}: {change.name} = {_shown(change.after)}"
    )


def _rows(change: Change) -> Iterator[Row]:
    if change.kind == "field":
        yield ("RSE", change.subject, change.name, change.before, change.after)
    elif change.kind == "param":
        yield ("params", change.subject, change.name, change.before, change.after)
    elif change.kind == "protocol":
        yield from _protocol_rows(f"{change.subject} {change.name}", change.before or {}, change.after or {})
    else:
        for name, value in change.after.items():
            if name == "params":
                yield from (("params", change.subject, key, None, each) for key, each in sorted(value.items()))
            elif name == "protocols":
                for each in value:
                    stated = {
                        "prefix": each["prefix"],
                        **{f"domains.{domain}": priorities for domain, priorities in each["domains"].items()},
                    }
                    yield from _protocol_rows(f"{change.subject} {door(each)}", {}, stated)
            elif value not in (None, ""):
                yield ("RSE", change.subject, name, None, value)


def _protocol_rows(key: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Row]:
    for name in {**before, **after}:
        yield ("protocol", key, name, before.get(name), after.get(name))


def _table(rows: Iterable[Row]) -> str:
    lines = ["| Object | Key | Field | Current | Wanted |", "| --- | --- | --- | --- | --- |"]
    lines += ["| " + " | ".join([*row[:3], *map(_shown, row[3:])]) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _left_alone(planned: Planned) -> str:
    lines = [f"- {name}: {', '.join(doors)}" for name, doors in sorted(planned.unmanaged.items())]
    return "\n".join(["", "## Left alone", "", "Doors that are in CRIC and not in the description:", "", *lines, ""]) if lines else ""


def _shown(value: Any) -> str:
    """A value in a cell of the table."""
    if value is None or value in ("", {}):
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {each}" for key, each in value.items())
    return str(value).replace("|", "\\|").replace("\n", " ")
