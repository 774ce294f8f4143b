# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of rucio_distance; the work is done by the action plug-in of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rucio_distance
short_description: Distances between RSEs in Rucio
description:
  - Sets and removes distances between RSEs. Rucio moves files between two RSEs only where there is a distance, and prefers short ones.
  - Pairs that are not declared are left alone.
  - Few changes are sent one by one, many in imports of 500 pairs. A pair that fails does not stop the others.
  - In check mode a pair with an RSE that is not registered yet is planned like any other.
version_added: 0.1.0
author:
  - The escape.datalake authors (@escape-wp2)
extends_documentation_fragment:
  - escape.datalake.rucio
  - escape.datalake.plan_file
attributes:
  check_mode:
    description: Makes the same plan and sends no write.
    support: full
  diff_mode:
    description: Shows what differs, object by object.
    support: full
options:
  state:
    description: V(absent) removes the distances of all declared pairs.
    type: str
    choices: [present, absent]
    default: present
  distances:
    description: Pairs, one by one.
    type: list
    elements: dict
    default: []
    suboptions:
      source:
        description: RSE that is read.
        type: str
        required: true
      destination:
        description: RSE that is written.
        type: str
        required: true
      distance:
        description: Distance, 0 is closest. Needed unless O(state=absent).
        type: int
      bidirectional:
        description: The same distance for the way back.
        type: bool
        default: false
  matrix:
    description: Distances by source and destination; null removes one.
    type: dict
    default: {}
seealso:
  - module: escape.datalake.rucio_rse
"""

EXAMPLES = r"""
- name: Connect two sites
  escape.datalake.rucio_distance:
    url: https://rucio.lake.test
    username: ddmlab
    password: "{{ vault_rucio_password }}"
    account: root
    distances:
      - {source: LAB-XRD1-FAST, destination: LAB-XRD2-CHEAP, distance: 2, bidirectional: true}
    matrix:
      LAB-XRD1-FAST: {LAB-XRD1-SAFE: 1, LAB-XRD1-OLD: null}
      LAB-XRD1-SAFE: {LAB-XRD1-FAST: 1}
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode, in words.
  returned: always
  type: list
  elements: str
failures:
  description: What could not be done; the other objects were done.
  returned: when something failed
  type: list
  elements: dict
  contains:
    action:
      description: What was tried.
      type: str
    reason:
      description: Why it failed.
      type: str
traffic:
  description: Requests sent to the server, and how many of them were writes.
  returned: always
  type: dict
  sample: {requests: 3, writes: 0}
"""
