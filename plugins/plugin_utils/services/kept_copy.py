# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a service answered or was told last, kept on the controller.

The last good answer of CRIC takes its place on the day on which it is down; the distances that were written last need not be read again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Kept:
    """documents: by name. fetched: when they were read, seconds since 1970."""

    documents: Mapping[str, Any]
    fetched: float


@dataclass(frozen=True)
class KeptCopy:
    """The copy of what one address gave. folder: where copies are; they are readable by their owner alone. kind: first word of its name."""

    folder: Path
    address: str
    kind: str = "cric"

    @property
    def path(self) -> Path:
        return self.folder / f"{self.kind}-{hashlib.sha256(self.address.encode()).hexdigest()[:16]}.json"

    def keep(self, documents: Mapping[str, Any], fetched: float) -> None:
        """Replaces the copy in one step; raises OSError where it cannot be written."""
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_suffix(f".{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump({"address": self.address, "fetched": fetched, "documents": dict(documents)}, file)
        draft.replace(self.path)

    def forget(self) -> None:
        """Takes the copy away, because what it stands for is about to change."""
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)

    def read(self) -> Kept | None:
        """The copy; None where there is none that can be read."""
        try:
            held = json.loads(self.path.read_text(encoding="utf-8"))
            if held["address"] != self.address or not isinstance(held["documents"], dict):
                return None
            return Kept(held["documents"], float(held["fetched"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None
