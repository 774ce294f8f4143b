# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Absolute paths as text, compared by whole components."""

from __future__ import annotations

from collections.abc import Sequence

ABSOLUTE = r"/|(?:/[A-Za-z0-9._~-]+)+"  # RFC 3986 unreserved characters: the same text in a URL, a token scope and a configuration file


def is_below(path: str, ancestor: str) -> bool:
    """True when path lies inside ancestor, which is a proper prefix of it by whole components."""
    return path != ancestor and path.startswith(ancestor.rstrip("/") + "/")


def relative_to(path: str, base: str) -> str:
    """What remains of a path below a base, with its leading slash: ``/fast`` of ``/escape/fast`` below ``/escape``."""
    return path if base == "/" else path.removeprefix(base)


def common_parent(paths: Sequence[str]) -> str:
    """The longest directory that all paths lie inside, ``/`` when they share no other."""
    shared: list[str] = []
    for names in zip(*(path.strip("/").split("/")[:-1] for path in paths), strict=False):
        if len(set(names)) != 1:
            break
        shared.append(names[0])
    return "/" + "/".join(shared)
