# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The RSEs of a Rucio server by one light call, and the rest of what is known of them from the last whole read. Needs no Ansible.

Attributes, doors and limits of all RSEs are read by the export alone, which costs the server some queries for each RSE; their columns are
one query for all. Between two whole reads that is enough to see that a lake whose description did not change needs nothing.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.services.kept_copy import KeptCopy
from ansible_collections.escape.datalake.plugins.plugin_utils.services.rucio import RucioClient

# Of an RSE in the export: what its columns lack, and the id, by which an RSE is told from an older one of its name.
KEPT = ("id", "attributes", "protocols", "MinFreeSpace")


@dataclass(frozen=True)
class LightRead:
    """rses: in the form of RucioClient.lake(). age: seconds since the whole read that attributes, doors and limits are from."""

    rses: Mapping[str, Any]
    age: float


@dataclass(frozen=True)
class RseCopy:
    """copy: where attributes, doors and limits are kept. every: seconds between two whole reads, 0 for whole reads alone."""

    copy: KeptCopy
    every: float

    def read(self, client: RucioClient) -> LightRead | None:
        """The RSEs by one light call and the copy; None where only a whole read tells.

        That is so when the last one is too old, or is of other RSEs than those that are there.
        """
        kept = self.copy.read() if self.every else None
        if kept is None or not 0 <= (age := time.time() - kept.fetched) < self.every:
            return None
        columns = client.columns()
        if columns.keys() != kept.documents.keys():
            return None
        for name, held in kept.documents.items():
            if not isinstance(held, dict) or held.keys() != set(KEPT) or held["id"] != columns[name].get("id"):
                return None
        return LightRead({name: {**columns[name], **held} for name, held in kept.documents.items()}, age)

    def keep(self, rses: Mapping[str, Any], fetched: float) -> None:
        """Keeps a whole read, made at a time in seconds since 1970; raises OSError where it cannot be written."""
        if self.every:
            self.copy.keep({name: {key: held.get(key) for key in KEPT} for name, held in rses.items()}, fetched)

    def forget(self) -> None:
        """Before the first write, also of a run that relies on whole reads alone."""
        self.copy.forget()
