# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of the modules that can write their plan to a file and apply one."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  write_plan:
    description:
      - Writes the plan to this file (JSON, on the controller) instead of carrying it out, also in check mode.
      - The file holds every change in words and in terms of the server, and a fingerprint of what was found. It holds no secrets.
    type: path
  apply_plan:
    description:
      - Carries out the plan of this file, which O(write_plan) of the same task wrote.
      - Refused when what was found, or what the task declares, changed since then. What an interrupted application left is finished.
    type: path
"""
