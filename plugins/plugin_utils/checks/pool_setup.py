# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules for the ``setup`` file of a pool: commands that keep the pool from starting, tape stores that cannot work, queues without limits.

Sources: dcache.md sections 4.1 and 4.2; dCache HsmSet.java, IoQueueManager.java, UniversalSpringCell.java.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding, Severity
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import pool_setup
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.pool_setup import NearlineStorage, PoolSetup

MAXIMUM = re.compile(r"(?=[.\d])\d*(?:\.\d*)? ?[KMGTPEkmgtpe]?|-|Infinity|(?:[1-9]\d?|100)%")
STORAGE_INFO = "osm"
BUILT_IN_QUEUES = frozenset({"regular", "p2p"})
NEEDED = {"script": "command", "copy": "directory", "link": "directory", "tar": "directory"}
_HSM = "dcache.md section 4.2; dCache HsmSet.java"


@dataclass(frozen=True)
class PoolSetupInput:
    """text, file: the setup. size: ``pool.size`` of the layout, "" for none. lfs: ``pool.lfs``."""

    text: str
    file: str
    pool: str
    size: str = ""
    lfs: str = "none"


def check(given: PoolSetupInput) -> list[Finding]:
    """All findings about one setup file."""
    setup = pool_setup.parse(given.text)
    return [*_lines(given, setup), *_stores(given, setup), *_queues(given, setup), *_size(given, setup)]


def _lines(given: PoolSetupInput, setup: PoolSetup) -> Iterator[Finding]:
    for line in setup.problems():
        # The commands that plug-ins add are not known here, and a pool may have any.
        sure = "takes" in line.problem
        message = f"`{line.text.strip()}`: {line.problem}; the first command that fails ends the reading, and the pool does not start."
        severity = Severity.ERROR if sure else Severity.WARNING
        source = "dcache.md section 4.1; dCache UniversalSpringCell.java"
        yield Finding("pool.setup-line", severity, given.file, line.number, message, "Correct or comment out the line.", source)


def _stores(given: PoolSetupInput, setup: PoolSetup) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for store in pool_setup.nearline_storages(setup):
        before = first.setdefault(store.instance, store.line)
        if before != store.line:
            message = f"The tape store {store.instance} is made in line {before} already; the second one fails and the pool does not start."
            yield Finding("pool.hsm-twice", Severity.ERROR, given.file, store.line, message, "Keep one, or rename its instance.", _HSM)
        yield from _store(given, store)
    if first and given.lfs in ("precious", "volatile", "transient"):
        message = f"The pool {given.pool} has a tape store, but pool.lfs={given.lfs}: nothing is ever flushed to it."
        yield Finding("pool.hsm-lfs", Severity.ERROR, given.file, min(first.values()), message, "Set pool.lfs=none.", _HSM)


def _store(given: PoolSetupInput, store: NearlineStorage) -> Iterator[Finding]:
    options = dict(store.options)
    near = difflib.get_close_matches(store.provider, NEEDED, 1, 0.75)
    if store.provider not in NEEDED and near:
        message = f"dCache has no provider {store.provider} for the tape store {store.instance}; the pool does not start without it."
        remedy = f"Write {near[0]}, unless a plug-in of that name is installed."
        yield Finding("pool.hsm-provider", Severity.WARNING, given.file, store.line, message, remedy, _HSM)
    needed = NEEDED.get(store.provider)
    if needed and not options.get(needed):
        message = f"The tape store {store.instance} of provider {store.provider} has no -{needed}: every flush and stage fails."
        yield Finding("pool.hsm-option", Severity.ERROR, given.file, store.line, message, f"Add -{needed}=PATH.", _HSM)
    elif needed and not options[needed].startswith("/"):
        message = f"-{needed}={options[needed]} of {store.instance} is relative to wherever the domain was started."
        yield Finding("pool.hsm-path", Severity.WARNING, given.file, store.line, message, "Write an absolute path.", _HSM)
    if store.kind != STORAGE_INFO:
        message = f"The tape store {store.instance} has the type {store.kind}; with the default extractor files have {STORAGE_INFO}."
        remedy = f"Write `hsm create {STORAGE_INFO} {store.instance} ...`, unless another extractor or the tag hsmInstance says so."
        yield Finding("pool.hsm-type", Severity.NOTICE, given.file, store.line, message, remedy, _HSM)


def _queues(given: PoolSetupInput, setup: PoolSetup) -> Iterator[Finding]:
    made = set(BUILT_IN_QUEUES)
    for number, command in setup.entries():
        if command.name == "mover queue create":
            made.add(command.arguments[0])
        queue = command.option("queue") if command.name == "mover set max active" else None
        if queue and queue not in made:
            message = f"The mover queue {queue} is not created before this line, so its limit is not set."
            remedy = f"Write `mover queue create {queue} -order=lifo` before it."
            source = "dcache.md section 4.1; dCache IoQueueManager.java"
            yield Finding("pool.queue-unknown", Severity.WARNING, given.file, number, message, remedy, source)


def _size(given: PoolSetupInput, setup: PoolSetup) -> Iterator[Finding]:
    for number, command in setup.entries():
        said = command.arguments[0] if command.name == "set max diskspace" else ""
        if said and not MAXIMUM.fullmatch(said):
            message = f"`set max diskspace {said}`: that is no size; the pool does not start."
            remedy = "Write, for example, 50T (a power of 1024, without B) or 90%."
            yield Finding(
                "pool.size-bad", Severity.ERROR, given.file, number, message, remedy, "dCache DiskSpace.java, ReplicaRepository.java"
            )
        elif said and given.size and _bytes(said) != _bytes(given.size):
            message = f"The setup gives {given.pool} {said}, and the layout {given.size}: the setup wins."
            remedy = "Take the line out, or say the same in pool.size."
            yield Finding("pool.size-hidden", Severity.NOTICE, given.file, number, message, remedy, "dcache.md section 4.1")


def _bytes(text: str) -> int | str:
    """A size of dCache in bytes, where it is one: units are powers of 1024."""
    number, unit = text.strip()[:-1], text.strip()[-1:].upper()
    powers = {"K": 1, "M": 2, "G": 3, "T": 4}
    if unit in powers and number.isdigit():
        return int(number) << (10 * powers[unit])
    return int(text) if text.strip().isdigit() else text.strip()
