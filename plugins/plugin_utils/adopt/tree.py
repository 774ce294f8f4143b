# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which storage systems a site can be adopted from and surveyed, and with which of its files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ansible_collections.escape.datalake.plugins.plugin_utils.adopt import dcache, dpm, eos, storm, xrootd
from ansible_collections.escape.datalake.plugins.plugin_utils.adopt.adopted import Adopted
from ansible_collections.escape.datalake.plugins.plugin_utils.adopt.survey import Survey
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import tree

Adopt = Callable[[Mapping[str, str], str, str], Adopted]
"""From the files (text by path relative to the root), the release (empty when unknown) and the name of the host; pure."""
MakeSurvey = Callable[[Mapping[str, str], str, str], Survey]


@dataclass(frozen=True)
class Adopter:
    """How one system is read. files: patterns of what is read beside the files of its checks."""

    adopt: Adopt
    survey: MakeSurvey
    files: tuple[str, ...] = ()


ADOPTERS: Mapping[str, Adopter] = {
    "dcache": Adopter(dcache.adopt, dcache.survey),
    "dpm": Adopter(dpm.adopt, dpm.survey, (dpm.DOME_FILE,)),
    "storm": Adopter(storm.adopt, storm.survey, storm.FILES),
    "eos": Adopter(eos.adopt, eos.survey, (eos.ANSWERS, eos.ACCOUNTS)),
    "xrootd": Adopter(xrootd.adopt, xrootd.survey),
}


def adopter_of(system: str) -> Adopter:
    """Raises tree.UnknownTreeError for a system that cannot be read."""
    if system not in ADOPTERS:
        raise tree.UnknownTreeError(f"A site of {system!r} cannot be adopted; systems that can: {', '.join(ADOPTERS)}.")
    return ADOPTERS[system]


def wanted(system: str, path: str) -> bool:
    """Whether adoption or survey of a system reads a file."""
    return tree.wanted(tree.system_named(system), path) or tree.matches(path, adopter_of(system).files)
