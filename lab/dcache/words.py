"""Commands as dCache's cells take them: words, and options that begin with a hyphen."""

from __future__ import annotations

import shlex
from dataclasses import dataclass


class CommandError(Exception):
    """What a cell answers instead of doing a command; the admin shell writes it to its error stream."""


@dataclass(frozen=True)
class Words:
    """arguments: the words. options: by name, "" for one without a value."""

    arguments: tuple[str, ...]
    options: dict[str, str]

    def after(self, *name: str) -> tuple[str, ...] | None:
        """The arguments behind a command's name, None when it is another command."""
        return self.arguments[len(name) :] if self.arguments[: len(name)] == name else None


def parse(line: str) -> Words:
    """Raises CommandError for quotes that do not end."""
    reader = shlex.shlex(line, posix=True, punctuation_chars=False)
    reader.whitespace_split = True
    reader.commenters = ""
    reader.escape = ""
    try:
        words = list(reader)
    except ValueError as problem:
        raise CommandError(f"Syntax error: {problem}") from problem
    options = dict(word[1:].partition("=")[::2] for word in words if word.startswith("-") and len(word) > 1)
    return Words(tuple(word for word in words if not word.startswith("-") or word == "-"), options)
