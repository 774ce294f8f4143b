# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``setup`` file of a pool: commands that the pool runs at its start and that its ``save`` writes.

Source: dCache modules/dcache/src/main/java/org/dcache/pool (the @Command names of the classes that print a setup).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ansible_collections.escape.datalake.plugins.plugin_utils.formats import cell_commands
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cell_commands import Command, Signature
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.line_document import Document

_ANY = Signature(0, 10_000, None)

SIGNATURES: dict[str, Signature] = {
    "csm set checksumtype": Signature(1, 10, None),
    "csm set policy": Signature(0, 0, None),
    "csm use directio": Signature(1, 1),
    "flush set max active": Signature(1, 1),
    "flush set interval": Signature(1, 1),
    "flush set retry delay": Signature(1, 1),
    "flush set queue order": Signature(1, 1),
    "hsm create": Signature(1, 3, None),
    "hsm set": Signature(1, 1, None),
    "hsm unset": Signature(1, 1, None),
    "hsm remove": Signature(1, 1),
    "hsm load provider": Signature(1, 2, None),
    "hotfile set threshold": Signature(1, 1, None),
    "hotfile set replicas": Signature(1, 1, None),
    "jtm set timeout": Signature(0, 2, None),
    "migration": _ANY,
    "mover queue create": Signature(1, 1, frozenset({"order"})),
    "mover queue delete": Signature(1, 1),
    "mover set max active": Signature(1, 1, frozenset({"queue"})),
    "movermap define": Signature(2, 2, None),
    "p2p set max active": Signature(1, 1),
    "pool enable": Signature(0, 0, None),
    "pool disable": Signature(0, 2, None),
    "pool suppress hsmload": Signature(1, 1),
    "pp set max active": Signature(1, 1),
    "pp set pnfs timeout": Signature(1, 1),
    "pp set listen": Signature(0, 2, None),
    "pp interface": Signature(0, 1, None),
    "queue define class": Signature(2, 2, None),
    "queue remove class": Signature(2, 2, None),
    "rh set timeout": Signature(1, 1),
    "rh unset timeout": Signature(0, 0),
    "rm set timeout": Signature(1, 1),
    "rm unset timeout": Signature(0, 0),
    "set breakeven": Signature(1, 1),
    "set duplicate request": Signature(1, 1),
    "set gap": Signature(1, 1),
    "set heartbeat": Signature(1, 1),
    "set max diskspace": Signature(1, 1),
    "set mover cost factor": Signature(1, 1),
    "set replication": Signature(0, 2, frozenset({"off"})),
    "set report remove": Signature(1, 1),
    "st set timeout": Signature(1, 1),
    "st unset timeout": Signature(0, 0),
    "st set sticky": _ANY,
    "sweeper": _ANY,
}

LANGUAGE = cell_commands.language(SIGNATURES)

PoolSetup = Document[Command]


@dataclass(frozen=True)
class NearlineStorage:
    """One ``hsm create``. kind: type of the storage info, ``osm`` by default. provider: script, copy, link, tar or a plug-in."""

    kind: str
    instance: str
    provider: str
    options: tuple[tuple[str, str], ...]
    line: int = 0


def parse(text: str) -> PoolSetup:
    return cell_commands.parse(text, LANGUAGE)


def render(commands: Iterable[Command], header: Sequence[str] = ()) -> str:
    return cell_commands.render(commands, LANGUAGE, header)


def nearline_storages(setup: PoolSetup) -> tuple[NearlineStorage, ...]:
    """The tape-like stores of a pool; instance defaults to the type, provider to ``script``."""
    found = []
    for number, command in setup.entries():
        if command.name == "hsm create":
            kind, *more = command.arguments
            found.append(NearlineStorage(kind, more[0] if more else kind, more[1] if len(more) > 1 else "script", command.options, number))
    return tuple(found)


def nearline_command(storage: NearlineStorage) -> Command:
    """The command that creates it."""
    return Command("hsm create", (storage.kind, storage.instance, storage.provider), storage.options)
