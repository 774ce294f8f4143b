# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of datalake_compare; the work is done by the action plug-in of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: datalake_compare
short_description: What storage, CRIC and Rucio say of the same RSEs
description:
  - Puts side by side, for each RSE and field, what descriptions say, what storages are configured to and report, what CRIC says, and what
    Rucio holds. Sources that are not given are left out.
  - Changes nothing but the files of the report. Differences are no failure.
  - An area of a storage belongs to the RSE that has its door and path, whatever its name.
version_added: 0.1.0
author:
  - The escape.datalake authors (@escape-wp2)
extends_documentation_fragment:
  - escape.datalake.rucio
  - escape.datalake.cric_source
attributes:
  check_mode:
    description: Reads and compares; writes no report.
    support: full
  diff_mode:
    description: The comparison is in the result.
    support: none
  action_group:
    description: Use C(group/escape.datalake.rucio) in C(module_defaults) for the connection.
    support: full
    membership: [escape.datalake.rucio]
options:
  url:
    description:
      - Address of the Rucio server. Rucio is left out when it is not given.
      - If not set, the environment variable E(DATALAKE_RUCIO_URL) is used.
    type: str
    required: false
  cric:
    description: The CRIC to compare with.
  lake:
    description: The lake that O(described) belongs to (C(datalake_lake)).
    type: dict
  described:
    description: Descriptions of storages (C(datalake_storage)) by host.
    type: dict
  configured:
    description:
      - What was read of the configuration of storages that run, in the form of descriptions, by host.
      - Facts that no configuration holds may be missing.
    type: dict
  srr:
    description: Address or file of the storage resource report (SRR) by host. A report that cannot be read is noted and stops nothing.
    type: dict
    default: {}
  names:
    description: Shell patterns of the RSEs that are compared.
    type: list
    elements: str
    default: ["*"]
  exclude:
    description: Shell patterns of RSEs that are not.
    type: list
    elements: str
    default: []
  only_differences:
    description: RV(text) shows only what differs. The files always show everything.
    type: bool
    default: true
  report:
    description: Directory on the controller for C(compare.txt), C(compare.json) and C(compare.html).
    type: path
seealso:
  - module: escape.datalake.rucio_sync
"""

EXAMPLES = r"""
- name: Compare CRIC with Rucio
  escape.datalake.datalake_compare:
    url: https://rucio.lake.test
    username: ddmlab
    password: "{{ vault_rucio_password }}"
    account: root
    cric:
      url: https://cric.example.org
    srr:
      se.example.org: https://se.example.org:3880/api/v1/srr
    report: reports
  register: compared
"""

RETURN = r"""
sources:
  description: What was compared, in the order of the columns.
  returned: success
  type: list
  elements: str
  sample: [description, storage, CRIC, Rucio]
differing:
  description: RSEs that differ, or that a source lacks.
  returned: success
  type: list
  elements: str
rses:
  description: Every RSE with its fields, their values by source, and whether they are the same.
  returned: success
  type: list
  elements: dict
notes:
  description: What could not be read or compared.
  returned: success
  type: list
  elements: dict
text:
  description: The comparison for a terminal.
  returned: success
  type: str
files:
  description: The files of the report.
  returned: when O(report) is given
  type: list
  elements: str
traffic:
  description: Requests sent to Rucio and CRIC, and how many of them were writes.
  returned: success
  type: dict
  sample: {requests: 5, writes: 0}
"""
