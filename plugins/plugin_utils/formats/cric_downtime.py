# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Downtimes (``core/downtime``) and exclusion rules (``ddmendpointstatus``) of a CRIC: what keeps an RSE from being used for a while.

Fields and values: BNLNPPS/swf-monitor, rucio/probes:atlas/check_site_status.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cric_listing import Reading, objects
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import Problem

OUTAGE = "OUTAGE"  # the other severities (WARNING, AT_RISK) announce that something may happen
# Types of services, as GOCDB and CRIC name them, that hold data. One of these words in the type or the name is enough.
STORAGE_WORDS = ("SRM", "WEBDAV", "XROOTD", "HTTP", "GRIDFTP", "GSIFTP", "STORAGE", "_SE", "SE_", "DCACHE", "STORM", "EOS", "DPM", "TAPE")
ACTIVITIES: Mapping[str, str] = {
    "read_wan": "availability_read",
    "write_wan": "availability_write",
    "delete_wan": "availability_delete",
    "r": "availability_read",
    "w": "availability_write",
    "d": "availability_delete",
}
OFF = frozenset({"OFF", "OFFLINE"})


@dataclass(frozen=True)
class Downtime:
    """An outage of a site. start, end: seconds since 1970. services: names or types of what is affected, empty for the whole site."""

    site: str
    start: float
    end: float
    services: tuple[str, ...] = ()
    words: str = ""

    def affects_storage(self) -> bool:
        return not self.services or any(word in service.upper() for service in self.services for word in (*STORAGE_WORDS, "SE"))


def downtimes_from(document: Any, where: str = "CRIC downtimes") -> tuple[tuple[Downtime, ...], tuple[Problem, ...]]:
    """Outages; announcements without an outage are left out. Times without a zone are UTC."""
    problems: list[Problem] = []
    entries = document if isinstance(document, list) else None
    if entries is not None:
        document = {str(number): each for number, each in enumerate(entries)}
    found: list[Downtime] = []
    for key, fields in objects(document, where, problems):
        reading = Reading(f"{where}: {key}", fields, problems)
        site, severity = reading.text("rc_site") or reading.text("rcsite"), reading.text("severity").upper()
        start, end = _time(reading.fields.get("start_time")), _time(reading.fields.get("end_time"))
        if severity != OUTAGE:
            continue
        if not site or start is None or end is None:
            reading.wrong("", "lacks a site, a start or an end that can be read.", "It is not counted.")
            continue
        words = reading.text("description")[:200]
        found.append(Downtime(site, start, end, tuple(_names(fields.get("affected_services"))), words))
    return tuple(found), tuple(problems)


def exclusions_from(document: Any, where: str = "CRIC status") -> tuple[dict[str, dict[str, str]], tuple[Problem, ...]]:
    """RSE -> availability flag that is off -> why."""
    problems: list[Problem] = []
    found: dict[str, dict[str, str]] = {}
    for name, activities in objects(document, where, problems):
        for activity, rule in activities.items():
            status = rule.get("status") if isinstance(rule, Mapping) else None
            value = str(status.get("value") or "").upper() if isinstance(status, Mapping) else ""
            if value in OFF and activity in ACTIVITIES and isinstance(status, Mapping):
                reason = status.get("reason") or status.get("provider") or "no reason is given"
                found.setdefault(name, {})[ACTIVITIES[activity]] = f"{activity} is {value}: {reason}"[:300]
    return found, tuple(problems)


def _names(value: Any) -> Iterable[str]:
    """Names from a list, an object or a text with commas."""
    if isinstance(value, Mapping):
        return (str(each) for each in value)
    if isinstance(value, list):
        return (str(each.get("name") or each.get("type") or "") if isinstance(each, Mapping) else str(each) for each in value)
    return (each.strip() for each in str(value or "").split(",") if each.strip())


def _time(value: Any) -> float | None:
    """Seconds since 1970 of a number or an ISO 8601 text."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        if isinstance(value, int | float):
            return float(value)
        moment = datetime.fromisoformat(str(value).strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
