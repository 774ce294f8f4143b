# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``/etc/dcache/gplazma.conf``: the plug-ins of each log-in phase.

One line is ``PHASE MODIFIER PLUGIN [key=value ...]``; ``#`` as first character makes a comment; words are parted by white space; phases and
modifiers are read without regard to case. Quotes go round a whole ``"key=value with blanks"``; a quote after the ``=`` is part of
the value. A word without ``=`` is dropped silently. One line that cannot be read refuses the whole file, and then every log-in fails.
Source: dCache PAMStyleConfigurationParser.java, ConfigurationItemType.java, ConfigurationItemControl.java, Strings.splitArgumentString.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ansible_collections.escape.datalake.plugins.plugin_utils.formats import line_document
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.line_document import BadLine, Document, Language, java_trim

_BLANKS = re.compile(r"[ \t\n\x0b\f\r]+")
_WORD = re.compile(r"\"([^\"]*)\"|'([^']*)'|([^ \t\n\x0b\f\r]+)")


class Phase(StrEnum):
    """In the order in which a log-in runs them; identity is for look-ups only."""

    AUTH = "auth"
    MAP = "map"
    ACCOUNT = "account"
    SESSION = "session"
    IDENTITY = "identity"


class Modifier(StrEnum):
    """What a failing or succeeding plug-in means for its phase."""

    OPTIONAL = "optional"
    SUFFICIENT = "sufficient"
    REQUIRED = "required"
    REQUISITE = "requisite"


@dataclass(frozen=True)
class PluginLine:
    """arguments: properties for this plug-in alone, over those of the domain. dropped: words that dCache ignores."""

    phase: Phase
    modifier: Modifier
    plugin: str
    arguments: tuple[tuple[str, str], ...] = ()
    dropped: tuple[str, ...] = ()


GplazmaConf = Document[PluginLine]


def _read(text: str) -> PluginLine | None:
    trimmed = java_trim(text)
    if not trimmed or trimmed.startswith("#"):
        return None
    words = _BLANKS.split(trimmed, maxsplit=3)
    if len(words) < 3:
        raise BadLine(f'"{trimmed}" is not PHASE MODIFIER PLUGIN', fatal=True)
    try:
        phase = Phase(words[0].lower())
    except ValueError:
        raise BadLine(f'"{words[0]}" is no phase (auth, map, account, session, identity)', fatal=True) from None
    try:
        modifier = Modifier(words[1].lower())
    except ValueError:
        raise BadLine(f'"{words[1]}" is no modifier (optional, sufficient, required, requisite)', fatal=True) from None
    arguments: dict[str, str] = {}
    dropped = []
    for found in _WORD.finditer(words[3] if len(words) > 3 else ""):
        word = next(group for group in found.groups() if group is not None)
        key, equals, value = word.partition("=")
        if equals:
            arguments[java_trim(key)] = java_trim(value)
        else:
            dropped.append(word)
    return PluginLine(phase, modifier, words[2], tuple(arguments.items()), tuple(dropped))


def _write(line: PluginLine) -> str:
    words = [f"{line.phase.value:<8} {line.modifier.value:<10} {line.plugin}"]
    words += [_argument(f"{key}={value}") for key, value in line.arguments]
    words += [_argument(word) for word in line.dropped]
    return " ".join(words)


def _argument(word: str) -> str:
    if word and not _BLANKS.search(word) and word[0] not in "\"'":
        return word
    if '"' not in word:
        return f'"{word}"'
    if "'" not in word:
        return f"'{word}'"
    raise ValueError(f"gplazma.conf has no way to write an argument with blanks and both kinds of quotes: {word}")


LANGUAGE = Language(_read, _write)


def parse(text: str) -> GplazmaConf:
    return line_document.parse(text, LANGUAGE)


def render(lines: Iterable[PluginLine], header: Sequence[str] = ()) -> str:
    return line_document.render(lines, LANGUAGE, header)
