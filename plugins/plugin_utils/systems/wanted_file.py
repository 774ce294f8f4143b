# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file of a host as a planner wants it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class WantedFile:
    """A file as it should be; None leaves owner and mode of a file that is there alone. source: file of the host whose bytes are taken."""

    path: str
    content: str | None = field(default=None, repr=False)
    source: str | None = None
    owner: str | None = None
    group: str | None = None
    mode: str | None = None
    secret: bool = False


def copies(certificate: str, certificate_source: str | None, key: str, key_source: str | None, user: str) -> list[WantedFile]:
    """Host certificate and key copied for a service, which must own its key. A source that is the file itself, or none, copies nothing."""
    wanted = []
    if certificate_source and certificate_source != certificate:
        wanted.append(WantedFile(certificate, None, certificate_source, user, user, "0644"))
    if key_source and key_source != key:
        wanted.append(WantedFile(key, None, key_source, user, user, "0400", secret=True))
    return wanted
