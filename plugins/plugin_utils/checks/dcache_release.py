# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Releases of dCache and what a release can do, to the patch: features come as back-ports into several lines.

Facts: the first git tag of dCache/dcache that holds the feature, line by line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBERS = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")
LATEST_PATCH = 9999


@dataclass(frozen=True, order=True)
class Release:
    """A release; a patch that was not said counts as the latest of its line."""

    major: int
    minor: int
    patch: int = LATEST_PATCH

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}" + ("" if self.patch == LATEST_PATCH else f".{self.patch}")

    @property
    def line(self) -> tuple[int, int]:
        return (self.major, self.minor)


def parse_release(text: str) -> Release:
    """``9.2.30``, ``9.2.30-1`` or ``9.2``. Raises ValueError."""
    found = _NUMBERS.match(text.strip())
    if not found:
        raise ValueError(f'"{text}" is no release of dCache: expected MAJOR.MINOR.PATCH such as 9.2.30')
    major, minor, patch = found.groups()
    return Release(int(major), int(minor), LATEST_PATCH if patch is None else int(patch))


@dataclass(frozen=True)
class Span:
    """first: the first release with the feature of each line that got it, oldest first; later lines have it. gone: first without."""

    first: tuple[Release, ...]
    gone: Release | None = None

    def covers(self, release: Release) -> bool:
        if self.gone is not None and release >= self.gone:
            return False
        same_line = next((first for first in self.first if first.line == release.line), None)
        if same_line is not None:
            return release >= same_line
        return release.line > self.first[-1].line

    def since(self) -> str:
        return ", ".join(str(first) for first in self.first)


def since(*first: str, gone: str = "") -> Span:
    return Span(tuple(parse_release(text) for text in first), parse_release(gone) if gone else None)


ALWAYS = since("0.0.0")
OMNISESSION = since("6.2.26", "7.0.15", "7.1.6", "7.2.0")
OIDC_SUBJECT_AT_PROVIDER = since("5.2.47", "6.0.41", "6.1.31", "6.2.25", "7.0.14", "7.1.5", "7.2.0")
MULTIMAP_ENTITLEMENT = since("6.2.14", "7.0.2", "7.1.0")
MULTIMAP_OP = since("7.2.8", "8.0.0")
MULTIMAP_ROLES = since("9.2.0")
SCITOKEN_WLCG = since("6.1.0")
OIDC_ACCEPT = since("7.1.1", "7.2.0")
OIDC_PROFILE = since("8.0.0")
OIDC_SCOPE_PROFILES = since("8.1.0")
OIDC_SUPPRESS = since("8.0.27", "8.1.21", "8.2.17", "9.0.0")
OIDC_AUDIENCE = since("8.0.0")
OIDC_HOSTNAMES = since("0.0.0", gone="8.2.0")
OMNISESSION_ROLE = since("11.1.0")
OMNISESSION_TABS = since("11.1.0")
NESTED_POOL_GROUPS = since("8.2.0")
PRIMARY_POOL_GROUPS = since("7.1.0")
STAGE_ALLOWED_BY_DEFAULT = since("10.2.0")
QOS_POLICIES = since("9.2.0")
QOS_SERVICES = since("8.1.0")
BULK_SERVICE = since("7.0.0")
GRID_FILES_READ_LATE = since("9.0.0")  # before, authzdb and vorolemap do not load without their file
CLEANERS_SPLIT = since("9.0.0")
VOMS_INSIDE_VO = since("11.1.0")
QOS_ROLE_NEEDED = since("9.2.0")
TAPE_API = since("8.2.0")
WELLKNOWN_OF_DCACHE = since("9.2.0")
XROOTD_TOKENS_BY_DEFAULT = since("8.1.0")
