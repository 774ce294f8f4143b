# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Quality of service: the lake's vocabulary, and which facts of an area let it claim which class.

The four labels are those of the ESCAPE data lake; the thresholds are this collection's, because ESCAPE never fixed any. A lake may
add classes or replace these.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Area, QosClass, Requirement
from ansible_collections.escape.datalake.plugins.plugin_utils.model.units import format_milliseconds

MEDIA: Mapping[str, str] = {"nvme": "NVMe flash", "ssd": "SATA or SAS flash", "hdd": "hard disks", "tape": "tape behind a disk buffer"}
REDUNDANCY: Mapping[str, str] = {
    "none": "a lost disk loses data",
    "raid1": "mirrored disks of one server",
    "raid5": "one disk of a group may fail",
    "raid6": "two disks of a group may fail",
    "ec": "erasure code over the disks of one server",
    "ec-servers": "erasure code over several servers",
    "replica": "whole copies on different servers, their number in copies",
}
TYPICAL_LATENCY_MS: Mapping[str, int] = {"nvme": 1, "ssd": 1, "hdd": 100, "tape": 600_000}

SURVIVES_DISKS = frozenset({"raid6", "ec", "ec-servers", "replica"})
BUILT_IN: Mapping[str, QosClass] = {
    each.name: each
    for each in (
        QosClass(
            "SAFE",
            "Very unlikely to lose data; slow access is acceptable.",
            (
                Requirement(media=frozenset({"tape"})),
                Requirement(min_copies=2),
                Requirement(redundancy=frozenset({"ec-servers"})),
            ),
            permanent=True,
        ),
        QosClass("FAST", "Low latency and high bandwidth, for processing.", (Requirement(frozenset({"ssd", "nvme"}), max_latency_ms=20),)),
        QosClass(
            "CHEAP-ANALYSIS",
            "Good enough to read many times, cheap per terabyte.",
            (Requirement(frozenset({"hdd", "ssd", "nvme"}), redundancy=SURVIVES_DISKS, max_latency_ms=1000),),
        ),
        QosClass("OPPORTUNISTIC", "May vanish; nobody promises it."),
    )
}


@dataclass(frozen=True)
class Facts:
    """What a site states, or a survey found, about an area. latency_ms: None when not stated, then the medium's typical one counts."""

    media: str
    copies: int = 1
    redundancy: str = "none"
    latency_ms: int | None = None
    volatile: bool = False

    @property
    def latency(self) -> int:
        """Expected time to the first byte in milliseconds."""
        return TYPICAL_LATENCY_MS.get(self.media, 0) if self.latency_ms is None else self.latency_ms


def facts_of(area: Area) -> Facts:
    """The facts that an area states."""
    return Facts(area.media, area.copies, area.redundancy, area.latency_ms, area.volatile)


def shortcomings(qos_class: QosClass, facts: Facts) -> list[str]:
    """Why facts do not let an area claim a class, one entry per way to earn it; empty when they do."""
    if qos_class.permanent and facts.volatile:
        return ["files of a volatile area may vanish"]
    ways = [_unmet(requirement, facts) for requirement in qos_class.any_of]
    return [] if not all(ways) else [" and ".join(unmet) for unmet in ways]


def claimable(classes: Mapping[str, QosClass], facts: Facts) -> list[str]:
    """The names of the classes that facts could claim, in the order of the vocabulary."""
    return [name for name, qos_class in classes.items() if not shortcomings(qos_class, facts)]


def _unmet(requirement: Requirement, facts: Facts) -> list[str]:
    """What is missing for one way to earn a class, in words."""
    unmet = []
    if requirement.media and facts.media not in requirement.media:
        unmet.append(f"media is {facts.media} where {_either(requirement.media)} is asked for")
    if facts.copies < requirement.min_copies:
        unmet.append(f"copies is {facts.copies} where {requirement.min_copies} are asked for")
    if requirement.redundancy and facts.redundancy not in requirement.redundancy:
        unmet.append(f"redundancy is {facts.redundancy} where {_either(requirement.redundancy)} is asked for")
    if requirement.max_latency_ms is not None and facts.latency > requirement.max_latency_ms:
        found = f"latency is {format_milliseconds(facts.latency)}" + (
            "" if facts.latency_ms is not None else f" (typical of {facts.media})"
        )
        unmet.append(f"{found} where at most {format_milliseconds(requirement.max_latency_ms)} is asked for")
    return unmet


def _either(names: Iterable[str]) -> str:
    return " or ".join(sorted(names))
