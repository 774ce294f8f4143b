# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which known name was meant by a misspelt dotted one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

SEPARATOR = re.compile(r"[.\-_!]")


class NearNames:
    """An index of known names, for many questions."""

    def __init__(self, names: Iterable[str]) -> None:
        self._by_length: dict[int, list[tuple[str, Counter[str]]]] = {}
        self._squeezed: dict[str, str] = {}
        self._words: dict[tuple[str, ...], str] = {}
        self._shorter: dict[str, list[str]] = {}
        self._names = frozenset(names)
        for name in sorted(self._names):
            self._by_length.setdefault(len(name), []).append((name, Counter(name)))
            self._squeezed.setdefault(_squeeze(name), name)
            self._words.setdefault(_words(name), name)
            for shorter in _one_segment_less(name):
                self._shorter.setdefault(shorter, []).append(name)
        self._answers: dict[str, str] = {}

    def nearest(self, name: str) -> str:
        """The known name that differs least, when the difference looks like a slip; else empty."""
        if name not in self._answers:
            self._answers[name] = self._search(name)
        return self._answers[name]

    def _search(self, name: str) -> str:
        for found in (self._squeezed.get(_squeeze(name)), self._words.get(_words(name)), self._by_letters(name)):
            if found:
                return found
        longer = self._shorter.get(name, [])
        if len(longer) == 1:
            return longer[0]
        return next((shorter for shorter in _one_segment_less(name) if shorter in self._names), "")

    def _by_letters(self, name: str) -> str:
        limit = 1 if len(name) < 12 else 2
        letters = Counter(name)
        best = ""
        for length in range(len(name) - limit, len(name) + limit + 1):
            for candidate, own in self._by_length.get(length, ()):
                if sum((own - letters).values()) > limit or sum((letters - own).values()) > limit:
                    continue
                distance = edits(name, candidate)
                if distance <= limit:
                    best, limit = candidate, distance - 1
                    if limit < 1:
                        return best
        return best


def edits(left: str, right: str) -> int:
    """Letters to insert, delete, replace or swap with their neighbour to make one word of the other."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        following = [i]
        for j, b in enumerate(right, 1):
            cost = min(row[j] + 1, following[-1] + 1, row[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            following.append(cost)
        before, row = row, following
    return row[-1]


def _squeeze(name: str) -> str:
    return SEPARATOR.sub("", name.lower())


def _words(name: str) -> tuple[str, ...]:
    return tuple(sorted(SEPARATOR.split(name)))


def _one_segment_less(name: str) -> list[str]:
    """The name without one of its dotted parts; the service in front and the last part stay."""
    parts = name.split(".")
    return [".".join(parts[:index] + parts[index + 1 :]) for index in range(1, len(parts) - 1)]
