# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of the modules that write a host's configuration from the description of its storage."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  lake:
    description: The lake, as in the inventory variable C(datalake_lake).
    type: dict
    required: true
  storage:
    description:
      - The storage, as in the inventory variable C(datalake_storage).
      - The release of an installed package goes before the one that is described.
    type: dict
    required: true
  accept:
    description: Rules whose findings do not stop the task.
    type: list
    elements: str
    default: []
  backup:
    description:
      - Keeps the old text of files that are changed beside them, with the owner and mode that they had.
      - Of certificates, keys and files that hold nothing but a secret no old text is kept.
    type: bool
    default: true
"""
