# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a service must be restarted. It follows from the state of the host, so a restart that an interrupted run left out is found again."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Any


def reasons(
    unit: str,
    service: Mapping[str, Any],
    needing: Iterable[str],
    entries: Mapping[str, Mapping[str, Any]],
    written: Container[str],
) -> list[str]:
    """Files that are written now, files written after the start of the unit, or that the unit does not run.

    service: its state as host_read tells it. needing: paths that it reads at its start only. entries: what host_read says of paths.
    """
    paths = list(dict.fromkeys(needing))
    found = [f"{path} is written" for path in paths if path in written]
    started = service.get("started")
    if started is None:
        return [*found, f"{unit} is {service.get('active') or 'not there yet'}"]
    return found + [
        f"{path} is newer than the running service"
        for path in paths
        if path not in written and entries.get(path, {}).get("mtime", 0) > started
    ]
