# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What reading a running site yields: its description as far as files tell it, and what a person has to look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Adopted:
    """A site as read from its files.

    storage: ``datalake_storage`` as a person writes it; a fact that no file holds is left out, and a note names it.
    issuers: the entries of ``datalake_lake.issuers`` that the storage refers to, by their short name.
    variables: variables of the system's role that keep what a description cannot say.
    notes: what a person has to fill in or look at, each with file:line where there is one.
    """

    storage: dict[str, Any]
    issuers: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
