# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a planner of the Rucio modules answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.escape.datalake.plugins.plugin_utils.guard import Held
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import Plan


@dataclass(frozen=True)
class Planned:
    """plan: all changes. refused: subjects whose changes must not be tried, with the reason.

    more: what was found hides the rest (a deleted object), so that a second plan is needed after the first is applied.
    held: what a guard took out of the plan.
    """

    plan: Plan
    refused: Mapping[str, str] = field(default_factory=dict)
    more: bool = False
    held: Held = field(default_factory=Held)
