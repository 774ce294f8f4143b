# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of rucio_info; the work is done by the action plug-in of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rucio_info
short_description: What a Rucio server holds
description:
  - Reads version, RSEs, distances, accounts and rules with one call each where the account may export (root).
version_added: 0.1.0
author:
  - The escape.datalake authors (@escape-wp2)
extends_documentation_fragment:
  - escape.datalake.rucio
attributes:
  check_mode:
    description: Reads only.
    support: full
  diff_mode:
    description: Changes nothing.
    support: none
options:
  gather:
    description: What to read.
    type: list
    elements: str
    choices: [rses, distances, accounts, rules]
    default: [rses]
  rses:
    description: Names of the RSEs to return; all of them when not set.
    type: list
    elements: str
  rule_filter:
    description: Which rules to read; needed for V(rules) in O(gather).
    type: dict
    suboptions:
      account:
        description: Account that owns them.
        type: str
      scope:
        description: Scope of the data.
        type: str
      name:
        description: Name of the data inside the scope.
        type: str
"""

EXAMPLES = r"""
- name: What is registered
  escape.datalake.rucio_info:
    url: https://rucio.lake.test
    username: ddmlab
    password: "{{ vault_rucio_password }}"
    account: root
    gather: [rses, distances]
  register: lake

- name: RSEs of class SAFE
  ansible.builtin.debug:
    msg: "{{ lake.rses.values() | selectattr('attributes.QOS', 'defined') | selectattr('attributes.QOS', 'eq', 'SAFE') | list }}"
"""

RETURN = r"""
version:
  description: Version of the server.
  returned: always
  type: str
  sample: 41.5.1
rses:
  description: RSEs by name, in the form of the O(escape.datalake.rucio_rse#module:rses) option.
  returned: when asked for
  type: dict
distances:
  description: Distances by source and destination.
  returned: when asked for
  type: dict
  sample: {LAB-XRD1-FAST: {LAB-XRD1-SAFE: 1}}
accounts:
  description: Type and mail address of the active accounts by name.
  returned: when asked for
  type: dict
rules:
  description: Rules as the server describes them.
  returned: when asked for
  type: list
  elements: dict
traffic:
  description: Requests sent to the server, and how many of them were writes.
  returned: always
  type: dict
  sample: {requests: 3, writes: 0}
"""
