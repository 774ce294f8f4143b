# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes of many RSEs and distances: by imports where that is quicker and safe, one by one otherwise."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import Change
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio import distances
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.rses import MIN_FREE_SPACE
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError
from ansible_collections.escape.datalake.plugins.plugin_utils.services.rucio import RucioClient, in_parallel

# From so many changes on, imports are quicker than single calls.
BULK_FROM = 20
# Pairs in one import. It is one transaction, so this limits what one bad pair undoes, and how long SQLite makes the others wait.
CHUNK = 500
# Imports side by side: the server computes more than its database does, so more than its processes bring nothing.
IMPORTS = 4

Sent = tuple[str, str, str]


class BulkWriter:
    """Sends ahead what imports can write; what an import refused is written one by one afterwards, so each object gets its own reason.

    progress: called with (distances sent, all of them, seconds since the first).
    """

    def __init__(self, client: RucioClient, progress: Callable[[int, int, float], None] | None = None) -> None:
        self.client = client
        self.lake_is_empty = False
        self._progress = progress
        self._sent: set[Sent] = set()

    def noting(self, rses: Collection[str]) -> None:
        """Tells which RSEs the server holds. Only an empty lake is imported, see _import_lake."""
        self.lake_is_empty = not rses and self.client.login.vo is None

    def ahead(self, ready: Sequence[Change], later: Sequence[Change]) -> None:
        """Sees the changes of a stage before the first of them is written, and those of later stages."""
        creates = [change for change in ready if (change.kind, change.verb) == ("rse", "create")]
        if self.lake_is_empty and len(creates) >= BULK_FROM:
            self._import_lake(creates, later)
        pairs = [change for change in ready if change.kind == distances.KIND and change.verb != "delete"]
        if len(pairs) >= BULK_FROM:
            self._import_distances(pairs)

    def was_sent(self, change: Change) -> bool:
        """Whether an import has written a change already."""
        return _key(change) in self._sent

    def write_distance(self, change: Change) -> None:
        """Does one change of a distance."""
        match change.verb:
            case "delete":
                self.client.delete_distance(change.subject, change.name)
            case "create":
                self.client.add_distance(change.subject, change.name, change.after)
            case "update":
                self.client.update_distance(change.subject, change.name, change.after)

    def _import_lake(self, creates: Sequence[Change], later: Sequence[Change]) -> None:
        """Makes all RSEs with attributes, doors and limits in one call.

        Only where the server holds no RSE: one whose importer is set to "hard" deletes every RSE that an import does not name, and
        that setting cannot be read (lib/rucio/core/importer.py; Rucio's configuration file).
        """
        bodies: dict[str, dict[str, Any]] = {change.subject: dict(change.after) for change in creates}
        parts = [change for change in later if change.subject in bodies and _can_be_imported(change)]
        for change in parts:
            body = bodies[change.subject]
            if change.kind == "limit":
                body[change.name] = change.after
            elif change.kind == "protocol":
                body.setdefault("protocols", []).append(change.after)
            else:
                body.setdefault("attributes", {})[change.name] = change.after
        try:
            self.client.import_rses(bodies)
        except ApiError:
            return
        self._note(creates)
        self._note(parts)

    def _import_distances(self, changes: Sequence[Change]) -> None:
        chunks = [changes[start : start + CHUNK] for start in range(0, len(changes), CHUNK)]
        started, done = time.monotonic(), 0
        for group in (chunks[start : start + IMPORTS] for start in range(0, len(chunks), IMPORTS)):
            for chunk, imported in zip(group, in_parallel(self._import, group, IMPORTS), strict=True):
                done += len(chunk)
                if imported:
                    self._note(chunk)
            if self._progress:
                self._progress(done, len(changes), time.monotonic() - started)

    def _import(self, chunk: Sequence[Change]) -> bool:
        try:
            self.client.import_distances({(change.subject, change.name): change.after for change in chunk})
        except ApiError:
            return False
        return True

    def _note(self, changes: Iterable[Change]) -> None:
        self._sent.update(map(_key, changes))


def _can_be_imported(change: Change) -> bool:
    if change.kind == "limit":
        return change.name == MIN_FREE_SPACE and bool(change.after)  # the import takes 0 for "not given"
    return change.verb == "create" and change.kind in ("attribute", "protocol") and change.stage == 1


def _key(change: Change) -> Sent:
    return change.subject, change.kind, change.name
