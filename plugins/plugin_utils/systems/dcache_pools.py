# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pools of a dCache: one for each partition of an area, named and sized, on one or several hosts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Area, Storage

MEDIUM_OF_TAPE_BUFFER = "hdd"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")  # a cell name; dots and colons after the first letter are taken, blanks and @ are not
_TAG = re.compile(r"[^\s=,]+\Z")


@dataclass(frozen=True)
class Placement:
    """A partition that holds bytes of an area, stated by the site.

    path: directory of the pool. size: bytes, None for the share of the area's capacity. name: None for one made of host and path.
    tags: beside those that every pool gets.
    """

    host: str
    area: str
    path: str
    size: int | None = None
    name: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Pool:
    """One pool. size: bytes, None for the whole file system. tape: its files go to tape. tags: for ``pool.tags``."""

    name: str
    host: str
    path: str
    area: str
    size: int | None
    tags: Mapping[str, str]
    tape: bool = False

    @property
    def size_text(self) -> str:
        """For ``pool.size``: bytes, or nothing for the whole file system."""
        return "" if self.size is None else str(self.size)

    @property
    def tags_text(self) -> str:
        """For ``pool.tags``."""
        return " ".join(f"{name}={value}" for name, value in self.tags.items())

    @property
    def setup_path(self) -> str:
        return f"{self.path.rstrip('/')}/setup"


def pools(storage: Storage, host: str, placements: Sequence[Placement] = ()) -> tuple[Pool, ...]:
    """The pools of all areas, in the order of the areas.

    host: where the partitions of areas without placements are. placements: what the site says of pools; areas that have one take nothing
    from their own ``partitions``. Raises DescriptionError with all problems: an area without a partition, fewer pools than copies, names
    or directories used twice.
    """
    stated = {area.name: [each for each in placements if each.area == area.name] for area in storage.areas}
    found = [
        _pool(area, each, len(places))
        for area in storage.areas
        for places in [stated[area.name] or [Placement(host, area.name, path) for path in area.partitions]]
        for each in places
    ]
    problems = [*_unknown_areas(storage, placements), *_lacking(storage, found), *_bad(found)]
    if problems:
        raise DescriptionError(problems)
    return tuple(found)


def pools_of(area: Area, every: Iterable[Pool]) -> tuple[Pool, ...]:
    return tuple(pool for pool in every if pool.area == area.name)


def _pool(area: Area, place: Placement, count: int) -> Pool:
    tape = area.media == "tape"
    # The capacity of a tape area is that of its tapes: the buffer before them takes the file system it is given.
    share = None if tape else area.capacity * area.copies // count
    tags = {"hostname": place.host, "area": area.name, "media": MEDIUM_OF_TAPE_BUFFER if tape else area.media, **place.tags}
    return Pool(place.name or _name(place), place.host, place.path, area.name, share if place.size is None else place.size, tags, tape)


def _name(place: Placement) -> str:
    """From host and path, so that a pool keeps its name when partitions are added or told in another order."""
    return f"{place.host.partition('.')[0]}-{re.sub(r'[^A-Za-z0-9_.]+', '-', place.path.strip('/'))}"


def _unknown_areas(storage: Storage, placements: Sequence[Placement]) -> list[Problem]:
    names = [area.name for area in storage.areas]
    return [
        Problem(f"pools[{number}].area", f"There is no area {place.area}.", f"Name one of {', '.join(names)}.")
        for number, place in enumerate(placements)
        if place.area not in names
    ]


def _lacking(storage: Storage, found: Sequence[Pool]) -> list[Problem]:
    problems = []
    for number, area in enumerate(storage.areas):
        here, at = pools_of(area, found), f"datalake_storage.areas[{number}]"
        if not here:
            problems.append(Problem(f"{at}.partitions", "No partition holds the bytes of this area.", "Name a directory for each pool."))
        elif len(here) < area.copies:
            message = f"{area.copies} copies are promised, and there are {len(here)} pools: dCache keeps one copy of a file in a pool."
            problems.append(Problem(f"{at}.copies", message, "Add partitions, best on different hosts, or promise fewer copies."))
    return problems


def _bad(found: Sequence[Pool]) -> list[Problem]:
    problems = [
        Problem("pools", f"{count} pools are named {name}.", "Give them names of their own.")
        for name, count in Counter(pool.name for pool in found).items()
        if count > 1
    ]
    problems += [
        Problem("pools", f"{count} pools of {host} are in {path}.", "Give each pool a directory of its own.")
        for (host, path), count in Counter((pool.host, pool.path.rstrip("/")) for pool in found).items()
        if count > 1
    ]
    for pool in found:
        if not _NAME.match(pool.name):
            problems.append(Problem("pools", f"{pool.name!r} is no name of a pool.", "Use letters, digits, dot, hyphen and underscore."))
        if any(not _TAG.match(text) for pair in pool.tags.items() for text in pair):
            message = f"Tags of {pool.name} hold a blank, a comma or an equals sign."
            problems.append(Problem("pools", message, "Write tags as NAME: VALUE without them."))
    return problems
