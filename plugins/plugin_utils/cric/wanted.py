# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Rucio should hold according to a CRIC: records with the availability that follows from states and downtimes, and distances. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cric_downtime import Downtime
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cric_listing import CLOSED_STATES, Listed, Listing
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cric_service import Service, Site
from ansible_collections.escape.datalake.plugins.plugin_utils.model.distance_rules import Declared, Place, Rows, place_of, wanted_rows
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.model.rse import RseRecord, Scalar

AVAILABILITY = ("availability_read", "availability_write", "availability_delete")


@dataclass(frozen=True)
class CricState:
    """All that was read of a CRIC.

    fetched: seconds since 1970. copy_because: why this is the last good copy, empty when it is CRIC's own answer.
    """

    url: str
    listing: Listing
    sites: Mapping[str, Site] = field(default_factory=dict)
    services: Mapping[str, Service] = field(default_factory=dict)
    downtimes: tuple[Downtime, ...] = ()
    exclusions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    fetched: float = 0.0
    copy_because: str = ""


@dataclass(frozen=True)
class Selection:
    """Which RSEs are synchronised: shell patterns of their names."""

    names: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()

    def takes(self, name: str) -> bool:
        return any(fnmatchcase(name, each) for each in self.names) and not any(fnmatchcase(name, each) for each in self.exclude)


@dataclass(frozen=True)
class WantedLake:
    """What a source says that Rucio should hold.

    records: the RSEs. inactive: RSEs that are not to be made, with the reason; those that are there are only closed. closed: why an RSE is
    not open for everything. rows: distances, None to leave all alone. names: every RSE that the source has, readable or selected or not.
    unreadable: those of them of which nothing could be read. selection: what is synchronised at all. additions_only: why nothing that is
    there may be changed; empty when it may.
    """

    records: tuple[RseRecord, ...]
    inactive: Mapping[str, str] = field(default_factory=dict)
    closed: Mapping[str, str] = field(default_factory=dict)
    rows: Rows | None = None
    names: frozenset[str] = frozenset()
    unreadable: frozenset[str] = frozenset()
    selection: Selection = Selection()
    additions_only: str = ""
    problems: tuple[Problem, ...] = ()


def wanted_from_cric(
    cric: CricState,
    now: float,
    *,
    selection: Selection = Selection(),
    declared: Declared | None = None,
    release: str | None = None,
    cric_distances: bool = True,
) -> WantedLake:
    """The lake that a CRIC describes.

    now: seconds since 1970, for downtimes. declared: distances, before which CRIC's own come; None leaves distances alone.
    """
    records: list[RseRecord] = []
    inactive: dict[str, str] = {}
    closed: dict[str, str] = {}
    places: list[Place] = []
    for name, listed in sorted(cric.listing.rses.items()):
        if not selection.takes(name):
            continue
        states = _states(listed, cric.sites)
        reasons = closings(name, listed, cric, now)
        record = _with_site(listed, cric.sites)
        flags: dict[str, Scalar] = {flag: record.properties.get(flag) is not False and flag not in reasons for flag in AVAILABILITY}
        if reasons:
            closed[name] = "; ".join(dict.fromkeys(reasons.values()))
        if states:
            inactive[name] = f"{states} in CRIC"
            records.append(RseRecord(name, properties=flags))
        else:
            record = replace(record, properties={**record.properties, **flags})
            places.append(place_of(record, release))
            records.append(record)
    rows, problems = _rows(cric, places, declared, cric_distances) if declared is not None else (None, [])
    return WantedLake(
        records=tuple(records),
        inactive=inactive,
        closed=closed,
        rows=rows,
        names=cric.listing.names,
        unreadable=cric.listing.unreadable,
        selection=selection,
        additions_only=cric.copy_because,
        problems=(*cric.problems, *cric.listing.problems, *problems),
    )


def wanted_from_records(
    records: Sequence[RseRecord], *, declared: Declared | None = None, release: str | None = None, selection: Selection = Selection()
) -> WantedLake:
    """The lake that RSE records describe, for sites without a CRIC."""
    chosen = tuple(record for record in records if selection.takes(record.name))
    places = [place_of(record, release) for record in chosen]
    return WantedLake(
        records=chosen,
        rows=None if declared is None else wanted_rows(places, declared),
        names=frozenset(record.name for record in records),
        selection=selection,
        problems=tuple(_strangers(declared, places)) if declared else (),
    )


def closings(name: str, listed: Listed, cric: CricState, now: float) -> dict[str, str]:
    """The availability flags that states, downtimes and exclusions take from an RSE, each with the reason."""
    reasons = dict(cric.exclusions.get(name, {}))
    for site in dict.fromkeys((listed.rc_site, listed.record.site)):
        for downtime in cric.downtimes:
            if site and downtime.site == site and downtime.start <= now < downtime.end and downtime.affects_storage():
                reasons |= dict.fromkeys(AVAILABILITY, f"downtime of {site}: {downtime.words or 'no description'}")
    if states := _states(listed, cric.sites):
        reasons |= dict.fromkeys(AVAILABILITY, f"{states} in CRIC")
    return reasons


def _states(listed: Listed, sites: Mapping[str, Site]) -> str:
    """What keeps an RSE from being used, the entry of its RC site included; empty where nothing does."""
    site = _site(listed, sites)
    if site is None or site.state not in CLOSED_STATES:
        return listed.state if listed.states else ""
    return replace(listed, states={"RC site": site.state, **listed.states}).state


def _site(listed: Listed, sites: Mapping[str, Site]) -> Site | None:
    return sites.get(listed.rc_site) or sites.get(listed.record.site)


def _with_site(listed: Listed, sites: Mapping[str, Site]) -> RseRecord:
    """The record with what its site says of the place, where it says nothing itself."""
    site = _site(listed, sites)
    if site is None:
        return listed.record
    place: dict[str, Scalar] = {"country_name": site.country or None, "time_zone": site.time_zone or None}
    place |= {"latitude": site.latitude, "longitude": site.longitude}
    stated = {key: value for key, value in place.items() if value is not None}
    return replace(listed.record, properties={**stated, **listed.record.properties})


def _rows(cric: CricState, places: Sequence[Place], declared: Declared, cric_distances: bool) -> tuple[Rows, list[Problem]]:
    """Distances: explicit ones, else CRIC's, else by rules."""
    problems: list[Problem] = []
    known = {place.name for place in places}
    explicit: dict[str, dict[str, int | None]] = {source: dict(row) for source, row in declared.explicit.items()}
    strangers: dict[str, None] = {}
    for source, row in cric.listing.distances.items() if cric_distances else ():
        for destination, number in row.items():
            strangers |= dict.fromkeys(name for name in (source, destination) if name not in cric.listing.names)
            if source in known and destination in known and source != destination:
                explicit.setdefault(source, {}).setdefault(destination, number)
    if strangers:
        words = f"there are distances of RSEs that CRIC does not have: {', '.join(list(strangers)[:10])}."
        problems.append(Problem("CRIC distances", words, "They are left out; remove them there."))
    return wanted_rows(places, replace(declared, explicit=explicit)), [*problems, *_strangers(declared, places)]


def _strangers(declared: Declared, places: Sequence[Place]) -> list[Problem]:
    """That distances are declared of RSEs which are not synchronised."""
    known = {place.name for place in places}
    missing = {name: None for source, row in declared.explicit.items() for name in (source, *row) if name not in known}
    words = f"names RSEs that are not synchronised: {', '.join(list(missing)[:10])}."
    return [Problem("distances.explicit", words, "Correct the names, or leave them out.")] if missing else []
