# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option of the modules of EOS that says which local users tokens become."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  accounts:
    description: Local users that tokens become. EOS decides by users what other storages decide by groups and scopes.
    type: list
    elements: dict
    default: []
    suboptions:
      issuer:
        description: Issuer of the tokens, by its short name.
        type: str
        required: true
      user:
        description: Name of the local user.
        type: str
        required: true
      uid:
        description: Its number.
        type: int
        required: true
      gid:
        description: Number of its group.
        type: int
        required: true
      group:
        description:
          - Only tokens with this group, such as V(/escape/data-manager). The account gets the rights of the group in each area.
          - Each issuer needs one account without it, for all other tokens. That one gets all rights, and the scopes of a token limit them.
        type: str
      subject:
        description: Only this person (C(sub)), for tokens that clients endorse over sss.
        type: str
"""
