# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Synchronising a whole lake to Rucio: few reads, imports where they are safe, single calls for the rest. Needs no Ansible.

The REST import is one transaction and several times cheaper than single calls. For distances it is always safe. For RSEs it is used only
where the server has none at all, because a server may be configured so that an import deletes every RSE that it does not name
(``[importer] rse_sync_method = hard``), which no call tells.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.converge import Incomplete, converge
from ansible_collections.escape.datalake.plugins.plugin_utils.cric.wanted import WantedLake
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.model.rse import RseRecord
from ansible_collections.escape.datalake.plugins.plugin_utils.plan_file import PlanFile
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import Change, Plan
from ansible_collections.escape.datalake.plugins.plugin_utils.rse_copy import RseCopy
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.distances import Pair, found_distances
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.lake import (
    DIGEST,
    DISTANCES_STAGE,
    LakeFound,
    LakeOptions,
    LakePlan,
    believed_rows,
    fingerprinted,
    plan_lake,
    usable,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.planned import Planned
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.rses import MIN_FREE_SPACE, RseFound
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio_store import (
    found_rses,
    touched_rses,
    with_touched,
    write_change,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError
from ansible_collections.escape.datalake.plugins.plugin_utils.services.kept_copy import KeptCopy
from ansible_collections.escape.datalake.plugins.plugin_utils.services.rucio import UNDONE, RucioClient, in_parallel

PAIRS_PER_IMPORT = 500
# Imports side by side: the server computes more than its database does, so more than its processes can take only make them wait.
IMPORTS = 4
Progress = Callable[[int, int, float, str], None]
# What Rucio's own call for a new RSE sets where nothing is said; its import would set nothing.
NEW_RSE: Mapping[str, Any] = {
    "deterministic": True,
    "volatile": False,
    "staging_area": False,
    "rse_type": "DISK",
    "availability_read": True,
    "availability_write": True,
    "availability_delete": True,
}
# Attributes that an import takes from the top level and would lose otherwise (lib/rucio/core/importer.py).
TOP_LEVEL = ("lfn2pfn_algorithm", "verify_checksum")


@dataclass(frozen=True)
class Synchronised:
    """answer: result of a task, see reconcile.result(). plan: the plan that was made first.

    unusable: what Rucio would not take of single RSEs, which are left alone. not_kept: why copies could not be written.
    read_age: seconds since attributes, doors and limits of all RSEs were read, 0 where this run read them.
    """

    answer: dict[str, Any]
    plan: LakePlan
    unusable: tuple[Problem, ...] = ()
    not_kept: tuple[str, ...] = ()
    read_age: float = 0.0


def synchronise(
    client: RucioClient,
    wanted: WantedLake,
    options: LakeOptions,
    *,
    check_mode: bool = False,
    file: PlanFile | None = None,
    bulk: bool = True,
    progress: Progress | None = None,
    copies: Path | None = None,
    full_read_every: float = 0.0,
) -> Synchronised:
    """Reads the server, plans, writes, reads again.

    bulk: RSEs may be imported where the server has none. progress: called with (done so far, all, seconds since the first, of what).
    copies: folder where the distances that were written are kept, None to keep none. full_read_every: seconds for which a read of all
    attributes, doors and limits, after which nothing was written, is kept there too, and stands for them as long as there is nothing to do.
    """
    records, unusable = usable(wanted.records)
    wanted = replace(wanted, records=tuple(records))
    place = " ".join([client.base, client.login.vo or "", options.source])
    lake = _Lake(client, wanted, options, bulk, progress)
    if copies:
        lake.copy = KeptCopy(copies, place, "distances")
        lake.rse_copy = RseCopy(KeptCopy(copies, place, "rses"), full_read_every)
    only_plan = check_mode or bool(file and file.write_to)
    wholly = options.verify_distances or bool(file and (file.write_to or file.apply_from))
    answer = converge(
        client,
        lake.read if wholly else lake.read_lightly,
        lake.plan,
        lake.write,
        lake.ahead,
        check_mode=check_mode,
        file=file,
        objects=lambda found: fingerprinted(wanted, found),
        progress=(lambda done, every, seconds: progress(done, every, seconds, "changes")) if progress else None,
        reread=lake.reread,
    )
    not_kept = () if only_plan else tuple(filter(None, (lake.keep_distances(), lake.keep_rses())))
    return Synchronised(answer, lake.first_plan or LakePlan(Planned(Plan())), tuple(unusable), not_kept, lake.read_age)


@dataclass
class _Lake:
    """One synchronisation. The first write of a distance sends all of them."""

    client: RucioClient
    wanted: WantedLake
    options: LakeOptions
    bulk: bool
    progress: Progress | None
    copy: KeptCopy | None = None
    rse_copy: RseCopy | None = None
    read_age: float = 0.0
    first_plan: LakePlan | None = None
    _last_plan: LakePlan | None = None
    _planned_lightly: LakePlan | None = None
    _whole: tuple[dict[str, Any], float] | None = None
    _meanwhile: tuple[dict[str, Any], float] | None = None
    _touches_many: bool = False
    _names: set[str] = field(default_factory=set)
    _imported: set[str] = field(default_factory=set)
    _pending: list[Change] = field(default_factory=list)
    _failures: dict[str, str] | None = None
    _digest_written: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read_lightly(self) -> LakeFound:
        """The columns of all RSEs and the copy of the rest, where they say that there is nothing to do; otherwise what read() reads."""
        return self._light() or self.read()

    def _light(self) -> LakeFound | None:
        light = self.rse_copy.read(self.client) if self.rse_copy else None
        if light is None or any(
            record.name not in light.rses and record.name not in self.wanted.inactive for record in self.wanted.records
        ):
            return None
        rses = self._rses(light.rses)
        rows = believed_rows(self.wanted, LakeFound(rses), self.options, self._kept)
        found = LakeFound(rses, rows)
        planned = plan_lake(self.wanted, found, self.options)
        if rows is None or planned.planned.plan or planned.planned.held:
            return None
        self.read_age, self._planned_lightly = light.age, planned
        return found

    def read(self) -> LakeFound:
        """One call; more only for new RSEs, another declared space, and distances where the digest does not answer for them."""
        started = time.time()
        raw = self.client.lake()["rses"]
        self._whole = raw, started
        return self._with_rows(self._rses(raw))

    def _rses(self, raw: Mapping[str, Any]) -> dict[str, RseFound]:
        records = [record for record in self.wanted.records if record.name in raw or record.name not in self.wanted.inactive]
        named = {record.name for record in records}
        others = [RseRecord(name) for name in raw if name not in named]
        return found_rses(self.client, [*records, *others], raw)

    def reread(self, found: LakeFound, plan: Plan) -> LakeFound:
        """The lake after a plan: what it touched by itself, where that is little."""
        touched = touched_rses(plan, len(found.names))
        if touched is None:
            return self._completed(plan) or self.read()
        others = [RseRecord(name) for name in touched - {record.name for record in self.wanted.records}]
        return self._with_rows(with_touched(self.client, [*self.wanted.records, *others], found.rses, touched))

    def _completed(self, plan: Plan) -> LakeFound | None:
        """What was read of all RSEs while distances were sent, with what was written after that."""
        if self._meanwhile is None:
            return None
        before, started = self._meanwhile
        now = self.client.single_rses({change.subject for change in plan.changes if change.stage > DISTANCES_STAGE})
        raw = {name: {**rse, **now[name]} for name, rse in before.items() if name in now}
        self._whole = raw, started
        return self._with_rows(self._rses(raw))

    def _with_rows(self, rses: dict[str, RseFound]) -> LakeFound:
        found = LakeFound(rses)
        self._names = set(found.names)
        rows = believed_rows(self.wanted, found, self.options, self._kept)
        return LakeFound(found.rses, self._rows(found) if rows is None else rows)

    def _kept(self) -> dict[str, dict[str, int]] | None:
        """The distances of the copy, whatever they are worth."""
        kept = self.copy.read() if self.copy else None
        return None if kept is None else {str(source): dict(row) for source, row in kept.documents.items() if isinstance(row, dict)}

    def keep_distances(self) -> str:
        """Keeps the distances if the server holds their digest and the copy is of others; why it could not, empty when it could."""
        if self.copy is None or self.wanted.rows is None or self._last_plan is None:
            return ""
        if any(change.kind == "distances" or change.name == DIGEST for change in self._last_plan.planned.plan.changes):
            return ""
        if self._digest_written or not self.copy.path.exists():
            try:
                self.copy.keep(self._last_plan.rows, time.time())
            except OSError as problem:
                return f"the copy of the distances could not be written, the next change of one reads them all: {problem}"
        return ""

    def keep_rses(self) -> str:
        """Keeps what was read of all RSEs if nothing was written since; why it could not, empty when it could."""
        if self.rse_copy and self._whole:
            try:
                self.rse_copy.keep(*self._whole)
            except OSError as problem:
                return f"the copy of the RSEs could not be written, the next run reads them all: {problem}"
        return ""

    def _rows(self, found: LakeFound) -> dict[str, dict[str, int]]:
        lake = self.client.lake((), distances=True)
        if "distances" in lake:
            raw = lake["distances"]
        else:
            wanted = self.wanted.rows or {}
            pairs = [(source, to) for source, row in wanted.items() for to in row if {source, to} <= found.names]
            raw = self.client.distances_between(pairs)
        rows: dict[str, dict[str, int]] = {}
        for (source, destination), number in found_distances(raw).items():
            rows.setdefault(source, {})[destination] = number
        return rows

    def plan(self, found: LakeFound) -> Planned:
        planned, self._planned_lightly = self._planned_lightly or plan_lake(self.wanted, found, self.options), None
        self.first_plan = self.first_plan or planned
        self._last_plan = planned
        self._touches_many = touched_rses(planned.planned.plan, len(found.names)) is None
        self._meanwhile = None
        self._pending = [change for change in planned.planned.plan.changes if change.kind == "distances" and change.verb != "delete"]
        self._failures = None
        return planned.planned

    def ahead(self, plan: Plan) -> None:
        """Imports all RSEs of a plan for a server that has none; what an import cannot take is left to single calls."""
        if self.rse_copy and plan:
            self.rse_copy.forget()
        new = [change.subject for change in plan.changes if (change.kind, change.verb) == ("rse", "create")]
        if self._names or not self.bulk or self.client.login.vo or not new:
            return
        parts = _by_subject(plan)
        try:
            self.client.import_rses({name: self._new_rse(parts[name]) for name in new})
        except ApiError:
            return
        self._imported.update(new)
        self._names.update(new)

    def _new_rse(self, changes: list[Change]) -> dict[str, Any]:
        """An RSE in the form of the import."""
        body: dict[str, Any] = {**NEW_RSE, "attributes": {}, "protocols": []}
        for change in changes:
            if change.kind == "rse":
                body |= change.after
            elif _is_in_import(change):
                match change.kind:
                    case "attribute" if change.name in TOP_LEVEL:
                        body[change.name] = change.after
                    case "attribute":
                        body["attributes"][change.name] = change.after
                    case "protocol":
                        body["protocols"].append(change.after)
                    case "limit":
                        body[change.name] = change.after
        return body

    def write(self, change: Change) -> None:
        """Does one change; those that an import has done already are only counted."""
        self._whole = None
        try:
            self._write(change)
        except Exception:
            self._touches_many = False  # what became of this write may not be seen before the end
            raise

    def _write(self, change: Change) -> None:
        if change.kind == "distances":
            self._write_distances(change)
        elif change.name == DIGEST:
            if self._failures or (self._pending and self._failures is None):
                raise Incomplete("not all distances were written; the next run reads them")
            write_change(self.client, change)
            self._digest_written = True
        elif change.subject in self._imported and (change.kind == "rse" or _is_in_import(change)):
            return
        else:
            write_change(self.client, change)
            if (change.kind, change.verb) == ("rse", "create"):
                with self._lock:
                    self._names.add(change.subject)

    def _write_distances(self, change: Change) -> None:
        if change.verb == "delete":
            for destination in change.before:
                self.client.delete_distance(change.subject, destination)
            return
        with self._lock:
            if self._failures is None:
                self._failures = self._send()
        if change.subject in self._failures:
            raise Incomplete(self._failures[change.subject])

    def _send(self) -> dict[str, str]:
        """Sends all distances of the plan between RSEs that are there; why it failed, by source.

        The copy is forgotten first: should the digest not be written after them, it would stand for what is there no longer. Whatever comes
        before distances is written by now, so where all RSEs have to be read again that is done beside.
        """
        if self.copy:
            self.copy.forget()
        failures: dict[str, str] = {}
        for change in self._pending:
            strangers = [to for to in change.after if to not in self._names]
            if strangers or change.subject not in self._names:
                words = ", ".join(strangers[:10]) or change.subject
                failures[change.subject] = f"{words} could not be registered"
        pairs = list(self._pairs())
        with ThreadPoolExecutor(max_workers=1) as beside:
            reading = beside.submit(self._read_meanwhile) if self._touches_many and len(pairs) > PAIRS_PER_IMPORT else None
            failures.update(self._import_all(pairs))
        if reading:
            reading.result()
        return failures

    def _read_meanwhile(self) -> None:
        started = time.time()
        with contextlib.suppress(ApiError):  # all is read afterwards then
            self._meanwhile = self.client.lake()["rses"], started

    def _pairs(self) -> Iterator[tuple[Pair, int]]:
        for change in self._pending:
            for destination, number in change.after.items():
                if change.subject in self._names and destination in self._names:
                    yield (change.subject, destination), number

    def _import_all(self, pairs: Sequence[tuple[Pair, int]]) -> dict[str, str]:
        """Imports pairs, some at a time and IMPORTS side by side; the reason by source of those that the server does not take.

        Where the first ones show that the server's database takes one after the other, as SQLite does, the rest comes in fewer and larger
        ones: side by side they would only wait.
        """
        started, done, told = time.monotonic(), 0, threading.Lock()

        def send(chunk: Sequence[tuple[Pair, int]]) -> tuple[dict[str, str], float]:
            nonlocal done
            refused = self._import(dict(chunk))
            seconds = time.monotonic() - started
            with told:
                done += len(chunk)
                if self.progress:
                    self.progress(done, len(pairs), seconds, "distances")
            return refused, seconds

        first, rest = pairs[: IMPORTS * PAIRS_PER_IMPORT], pairs[IMPORTS * PAIRS_PER_IMPORT :]
        sent = in_parallel(send, _chunks(first, PAIRS_PER_IMPORT), IMPORTS)
        if rest and one_after_the_other([seconds for _refused, seconds in sent]):
            sent += map(send, _chunks(rest, IMPORTS * PAIRS_PER_IMPORT))
        else:
            sent += in_parallel(send, _chunks(rest, PAIRS_PER_IMPORT), IMPORTS)
        return {source: reason for refused, _seconds in sent for source, reason in refused.items()}

    def _import(self, chunk: dict[Pair, int]) -> dict[str, str]:
        """Imports some distances, in halves where the server refuses some of them; the reason by source of those that it does not take.

        Repeating an import is safe: it sets values. It is tried once more, whole, after a lost connection or a meeting of writers.
        """
        for last in (False, True):
            try:
                self.client.import_distances(chunk)
            except ApiError as problem:
                if problem.error_class and len(chunk) > 1:
                    pairs = list(chunk.items())
                    middle = len(pairs) // 2
                    return {**self._import(dict(pairs[:middle])), **self._import(dict(pairs[middle:]))}
                if last or problem.error_class not in (None, UNDONE):
                    return {source: str(problem) for source, _to in chunk}
            else:
                return {}
        raise AssertionError("unreachable: the second attempt returns")


def one_after_the_other(ends: Sequence[float]) -> bool:
    """Whether equal jobs that began together were done so: then the first of 4 ends at a quarter of the time of all, the second at half.

    Jobs that share several processes, fairly or not, end in groups. ends: seconds since the start.
    """
    return all(end < (number + 1.5) / len(ends) * max(ends) for number, end in enumerate(sorted(ends)[:-1]))


def _chunks(pairs: Sequence[tuple[Pair, int]], size: int) -> Iterator[Sequence[tuple[Pair, int]]]:
    return (pairs[start : start + size] for start in range(0, len(pairs), size))


def _by_subject(plan: Plan) -> dict[str, list[Change]]:
    grouped: dict[str, list[Change]] = {}
    for change in plan.changes:
        grouped.setdefault(change.subject, []).append(change)
    return grouped


def _is_in_import(change: Change) -> bool:
    """Whether a change of a new RSE can be part of its import; the notes that come after others cannot."""
    if change.verb != "create" or change.name == DIGEST or change.stage > 1:
        return False
    return change.kind in ("attribute", "protocol") or (change.kind == "limit" and change.name == MIN_FREE_SPACE and bool(change.after))
