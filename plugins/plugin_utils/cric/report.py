# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was read of a CRIC, in plain data for the results of modules."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.cric.wanted import CricState, WantedLake
from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import rse_record_as_dict

SHOWN = 5


def cric_source_facts(cric: CricState, wanted: WantedLake, now: float) -> dict[str, Any]:
    """Where the facts come from, how old they are, and what could not be read."""
    moment = datetime.fromtimestamp(cric.fetched, UTC).isoformat(timespec="seconds")
    facts: dict[str, Any] = {
        "cric": {"url": cric.url, "fetched": moment, "age": int(now - cric.fetched), "copy_because": cric.copy_because},
        "unread": [problem.as_dict() for problem in wanted.problems],
    }
    warnings = [f"{cric.copy_because}; nothing that is there is changed"] if cric.copy_because else []
    if count := len(wanted.problems):
        listed = "; ".join(map(str, wanted.problems[:SHOWN])) + ("; ..." if count > SHOWN else "")
        warnings.append(f"not all of CRIC's answer could be used, {count} problem{'s' if count != 1 else ''}: {listed}")
    return {**facts, **({"warnings": warnings} if warnings else {})}


def cric_facts(cric: CricState, wanted: WantedLake, now: float) -> dict[str, Any]:
    """Everything that was read."""
    chosen = {name: listed for name, listed in sorted(cric.listing.rses.items()) if wanted.selection.takes(name)}
    return {
        **cric_source_facts(cric, wanted, now),
        "rses": [rse_record_as_dict(listed.record) for listed in chosen.values()],
        "states": {name: listed.state for name, listed in chosen.items()},
        "closed": dict(wanted.closed),
        "unreadable": sorted(cric.listing.unreadable),
        "distances": {source: dict(row) for source, row in sorted(cric.listing.distances.items())},
        "sites": {name: asdict(site) for name, site in cric.sites.items()},
        "services": {name: {**asdict(service), "doors": [str(door) for door in service.doors]} for name, service in cric.services.items()},
        "downtimes": [{**asdict(downtime), "services": list(downtime.services)} for downtime in cric.downtimes],
    }
