# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of dpm_migration; the work is done by the action plug-in of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: dpm_migration
short_description: Plan of the way of a storage from DPM to dCache
version_added: 0.1.0
description:
  - Reads pools, quota tokens, groups and ACLs of a DPM, and plans what becomes of them in a dCache that keeps the RSEs with their paths
    and replicas, and gives them new doors.
  - Writes the plan as C(plan.json) and C(plan.md) to O(folder), for review. The file also holds which steps were taken.
  - Says whether a step may be taken (O(state=due)) or undone (O(state=undue)), and what is to be written to CRIC and Rucio for it; and
    notes that it was (O(state=done), O(state=undone)). C(playbooks/migrate.yml) does the rest.
  - Steps out of order are refused, and so is a plan with blockers, a plan whose descriptions or whose DPM changed, and undoing anything
    from the switch on.
  - Changes nothing on the DPM. Runs on the controller.
options:
  url:
    description:
      - Address of DOME on the head node. Needed as long as the DPM runs.
      - The environment variable E(DATALAKE_DOME_URL) is used when it is not given.
    type: str
  ca_path:
    description:
      - File or directory of the authorities that are trusted, those of the system when it is not given.
      - The environment variable E(DATALAKE_CA_PATH) is used when it is not given.
    type: path
  client_cert:
    description:
      - Client certificate on the controller that DOME knows.
      - The environment variable E(DATALAKE_DOME_CERT) is used when it is not given.
    type: path
  client_key:
    description:
      - Its key; the same file as O(client_cert) when it is not given.
      - The environment variable E(DATALAKE_DOME_KEY) is used when it is not given.
    type: path
  timeout:
    description: Seconds for connecting and for each read.
    type: float
    default: 60.0
  lake:
    description: The lake, as in C(datalake_lake).
    type: dict
    required: true
  storage:
    description: The storage that is left, as in C(datalake_storage), with C(system) V(dpm).
    type: dict
    required: true
  target:
    description: The dCache that is to be.
    type: dict
    required: true
    suboptions:
      host:
        description: Its head node and door.
        type: str
        required: true
      release:
        description: Release of dCache.
        type: str
        required: true
      name:
        description: Name of the storage. That of the DPM with DCACHE in the place of DPM when it is not given.
        type: str
      doors:
        description: Doors as in C(datalake_storage). By default C(davs) on 2880 and C(root) on 1094 of the host.
        type: list
        elements: dict
        default: []
  folder:
    description: Where the plan is kept, on the controller.
    type: path
    required: true
  state:
    description:
      - V(planned) makes the plan, or says that the one under way still fits.
      - V(due) and V(undue) check a step; V(done) and V(undone) note it.
    type: str
    choices: [planned, due, done, undue, undone]
    default: planned
  step:
    description: Name of the step. Needed unless O(state=planned).
    type: str
attributes:
  check_mode:
    description: Reads and plans without writing the plan.
    support: full
  diff_mode:
    description: The plan itself is the difference.
    support: none
requirements:
  - requests (on the controller)
author:
  - The escape.datalake authors (@escape-wp2)
seealso:
  - module: escape.datalake.dpm_pools
  - module: escape.datalake.cric_rse
  - module: escape.datalake.rucio_rse
"""

EXAMPLES = r"""
- name: Plan the way to dCache
  escape.datalake.dpm_migration:
    url: https://head.example.org:1094/domehead
    client_cert: /etc/grid-security/admin.pem
    lake: "{{ datalake_lake }}"
    storage: "{{ datalake_storage }}"
    target: {host: dcache.example.org, release: "9.2.47"}
    folder: migration
"""

RETURN = r"""
plan:
  description: The whole plan, as in C(plan.json).
  returned: success
  type: dict
  sample: {blockers: [], steps: [], done: []}
files:
  description: Where it is kept.
  returned: success
  type: list
  elements: str
  sample: [migration/plan.json, migration/plan.md]
next:
  description: The step that is due; empty when all are done.
  returned: success
  type: str
  sample: describe
blockers:
  description: What has to be settled before the first step.
  returned: success
  type: list
  elements: str
  sample: []
step:
  description: The step that was asked for.
  returned: with O(state=due) and O(state=undue)
  type: dict
  sample: {id: drain, by: tool}
text:
  description: The dCache that is to be as a file of C(host_vars), for review and for the inventory.
  returned: with O(state=due) and O(state=undue)
  type: str
  sample: "datalake_storage: {name: LAPP-DCACHE, system: dcache}"
rses:
  description: Records that CRIC and Rucio have to get for the step.
  returned: with O(state=due) and O(state=undue)
  type: list
  elements: dict
  sample: [{name: LAPP-DPM-FAST, properties: {availability_write: false}}]
purge:
  description: RSEs whose doors that are not in their record have to go.
  returned: with O(state=due) and O(state=undue)
  type: list
  elements: str
  sample: []
traffic:
  description: Requests sent to DOME; writes are always 0.
  returned: always
  type: dict
  sample: {requests: 5, writes: 0}
"""
