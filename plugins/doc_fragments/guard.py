# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of the modules that take something away when a source no longer has it."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  guard:
    description:
      - Limits of what one run may take away because a source no longer has it. What adds or changes is never held back.
      - Beyond a limit nothing of that kind is taken away, the rest is done, and the task fails and says what to set to allow it.
      - Nothing is taken away either when the source is empty, shrank, or was malformed.
    type: dict
    suboptions:
      removals:
        description: Objects that are removed.
        type: dict
        suboptions:
          number:
            description: At most this many in one run.
            type: int
            default: 10
          percent:
            description: At most this part of those that there are, rounded up.
            type: float
            default: 10.0
      disabling:
        description: RSEs that are closed for reading, writing or deleting.
        type: dict
        suboptions:
          number:
            description: At most this many in one run.
            type: int
            default: 10
          percent:
            description: At most this part of those that there are, rounded up.
            type: float
            default: 20.0
      suspensions:
        description: Accounts that are suspended.
        type: dict
        suboptions:
          number:
            description: At most this many in one run.
            type: int
            default: 50
          percent:
            description: At most this part of those that there are, rounded up.
            type: float
            default: 10.0
      shrink_percent:
        description: How much smaller a source may be than it was before, and how much of it may be unreadable.
        type: float
        default: 20.0
      allow_empty:
        description: Believes a source that has nothing at all.
        type: bool
        default: false
"""
