# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of admin-shell commands that a dCache cell runs one by one: poolmanager.conf and the ``setup`` file of a pool.

Blank lines and lines whose first character is ``#`` are skipped; each other line is a command. The first that fails aborts the file.
Source: dCache UniversalSpringCell.java (executeSetup), Args.java.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.escape.datalake.plugins.plugin_utils.formats import line_document
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.dcache_args import Args, parse_args
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.line_document import BadLine, Document, Language, java_trim


@dataclass(frozen=True)
class Signature:
    """How many words a command takes after its name and which options it knows (None: any). obsolete: why it does nothing, or ""."""

    least: int
    most: int
    options: frozenset[str] | None = frozenset()
    obsolete: str = ""


@dataclass(frozen=True)
class Command:
    """name: the words of the command itself (``psu create unit``). arguments: the words after it."""

    name: str
    arguments: tuple[str, ...]
    options: tuple[tuple[str, str], ...] = ()

    def option(self, name: str) -> str | None:
        """The last value of an option, "" for a bare one, None when it is not given."""
        return next((value for key, value in reversed(self.options) if key == name), None)


Signatures = Mapping[str, Signature]


def language(signatures: Signatures) -> Language[Command]:
    """The language of a cell that knows these commands."""
    by_words = {tuple(name.split(" ")): signature for name, signature in signatures.items()}
    longest = max(len(words) for words in by_words)

    def read(text: str) -> Command | None:
        trimmed = java_trim(text)
        if not trimmed or trimmed.startswith("#"):
            return None
        args = parse_args(trimmed)
        words = args.arguments
        for count in range(min(longest, len(words)), 0, -1):
            signature = by_words.get(words[:count])
            if signature is not None:
                return _checked(Command(" ".join(words[:count]), words[count:], args.options), signature)
        raise BadLine(f'"{" ".join(words[:4])}" is no command', fatal=True)

    return Language(read, write)


def _checked(command: Command, signature: Signature) -> Command:
    given = len(command.arguments)
    if not signature.least <= given <= signature.most:
        wanted = str(signature.least) if signature.least == signature.most else f"{signature.least} to {signature.most}"
        raise BadLine(f"{command.name} takes {wanted} words, not {given}", fatal=True)
    return command


def write(command: Command) -> str:
    """The command as a line, options last."""
    return f"{command.name} {Args(command.arguments, command.options)}".rstrip()


def unknown_options(command: Command, signatures: Signatures) -> tuple[str, ...]:
    """Options that the command does not know; dCache's older commands ignore them silently."""
    known = signatures[command.name].options
    return () if known is None else tuple(name for name, _value in command.options if name not in known)


def parse(text: str, spoken: Language[Command]) -> Document[Command]:
    return line_document.parse(text, spoken)


def render(commands: Iterable[Command], spoken: Language[Command], header: Sequence[str] = ()) -> str:
    return line_document.render(commands, spoken, header)
