# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Words and options of a command line, as dCache's org.dcache.util.Args reads them.

Used by the admin shell, poolmanager.conf, pool setup files, multimap files and the values of ``gplazma.oidc.provider!*``. Rules (source:
dCache modules/common/src/main/java/org/dcache/util/Args.java): words are parted by white space; ``'...'`` is literal; ``"..."`` and bare
text know ``\\`` before quotes, blank, ``-``, ``=`` and ``\\``; a word that begins with a bare ``-`` is an option until ``--``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_ESCAPABLE = "'\" -=\\"
_NOT_JAVA_BLANKS = "\u00a0\u2007\u202f\u0085"
_PLAIN = re.compile(r"[!-~ \t]*\Z")


@dataclass(frozen=True)
class Args:
    """arguments: the words. options: (name, value) in their order; the value of ``-name`` is empty."""

    arguments: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()

    def option(self, name: str, default: str | None = None) -> str | None:
        """The last value of an option."""
        return next((value for key, value in reversed(self.options) if key == name), default)

    def has(self, name: str) -> bool:
        return any(key == name for key, _value in self.options)

    def __str__(self) -> str:
        words = [quoted(word) for word in self.arguments]
        return " ".join(words + [_option(name, value) for name, value in self.options])


def parse_args(text: str) -> Args:
    """The words and options of a line. Any text can be read."""
    if _PLAIN.match(text) and not any(mark in text for mark in "'\"\\"):
        return _plain(text)
    return _Scanner(text).scan()


def quoted(word: str) -> str:
    """A word so that it is read back as one argument."""
    if not word:
        return "''"
    if any(_is_blank(char) for char in word):
        return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return ("\\" if word.startswith("-") else "") + _escaped(word)


def _option(name: str, value: str) -> str:
    written = "-" + _escaped(name).replace("=", "\\=").replace(" ", "\\ ")
    return f"{written}={_quoted_value(value)}" if value else written


def _quoted_value(value: str) -> str:
    if any(_is_blank(char) for char in value):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return _escaped(value)


def _escaped(word: str) -> str:
    return "".join("\\" + char if char in "'\"\\" else char for char in word)


def _is_blank(char: str) -> bool:
    return char.isspace() and char not in _NOT_JAVA_BLANKS


def _plain(text: str) -> Args:
    arguments: list[str] = []
    options: list[tuple[str, str]] = []
    open_for_options = True
    for word in text.split():
        if word[0] != "-" or not open_for_options:
            arguments.append(word)
        elif word == "--":
            open_for_options = False
        elif word == "-":
            arguments.append("-")
        elif len(word) > 1 and word[1] == "=":
            return _Scanner(text).scan()
        else:
            name, _sign, value = word[1:].partition("=")
            options.append((name, value))
    return Args(tuple(arguments), tuple(options))


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def scan(self) -> Args:
        arguments: list[str] = []
        options: list[tuple[str, str]] = []
        open_for_options = True
        self._skip_blanks()
        while not self._done():
            if open_for_options and self._peek() == "-":
                self._at += 1
                name = self._word("=")
                if not name:
                    arguments.append("-")
                elif self._peek() == "=":
                    self._at += 1
                    options.append((name, self._word()))
                elif name == "-":
                    open_for_options = False
                else:
                    options.append((name, ""))
            else:
                arguments.append(self._word())
            self._skip_blanks()
        return Args(tuple(arguments), tuple(options))

    def _done(self) -> bool:
        return self._at >= len(self._text)

    def _peek(self) -> str:
        return "" if self._done() else self._text[self._at]

    def _skip_blanks(self) -> None:
        while not self._done() and _is_blank(self._peek()):
            self._at += 1

    def _word(self, stop: str = "") -> str:
        parts: list[str] = []
        first = True
        while not self._done() and not _is_blank(self._peek()) and (first or self._peek() != (stop or None)):
            parts.append(self._element())
            first = False
        return "".join(parts)

    def _element(self) -> str:
        char = self._peek()
        if char == "'":
            end = self._text.find("'", self._at + 1)
            inner = self._text[self._at + 1 : end if end >= 0 else len(self._text)]
            self._at = end + 1 if end >= 0 else len(self._text)
            return inner
        if char == '"':
            self._at += 1
            parts = []
            while not self._done() and self._peek() != '"':
                parts.append(self._escape() if self._peek() == "\\" else self._read())
            self._at += 1
            return "".join(parts)
        return self._escape() if char == "\\" else self._read()

    def _read(self) -> str:
        char = self._text[self._at]
        self._at += 1
        return char

    def _escape(self) -> str:
        self._at += 1
        if self._done():
            return ""
        char = self._read()
        return char if char in _ESCAPABLE else "\\" + char
