#!/usr/bin/python
# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cric_rse
short_description: Compares RSEs with CRIC and publishes them where a writer is enabled
version_added: 0.1.0
description:
  - Reads all RSEs of a CRIC instance in every state, compares them with the records given, and says what differs.
  - "No public call creates or changes an RSE in CRIC: its procedures are for people. So by default nothing is written to CRIC; the
    differences are returned in RV(pending), and O(document) is a page for the person who applies them."
  - Where O(writer.enabled) is true all differences are sent in one call, and CRIC is read again afterwards.
  - Fields, params and doors that a record does not mention are left alone, and so are RSEs that are not given. The state of an RSE is never
    changed; a new one is ACTIVE.
  - Runs on the controller.
options:
  rses:
    description:
      - The records that CRIC should hold, in the form of the O(escape.datalake.rucio_rse#module:rses) option.
      - Without it CRIC is only read.
      - The properties C(city) and C(continent) have no place in CRIC and are not compared.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the RSE.
        type: str
        required: true
      site:
        description: CRIC's experiment site.
        type: str
      properties:
        description: Columns of Rucio's RSE table, such as C(rse_type), C(deterministic) or C(availability_write).
        type: dict
      attributes:
        description:
          - Attributes of the RSE. All but C(site), C(fts), C(lfn2pfn_algorithm) and C(verify_checksum) are params in CRIC.
          - One that is null is removed from the params.
        type: dict
      protocols:
        description:
          - Doors, with Rucio's priorities (null where an operation is not offered).
          - All are left alone when it is not given; an RSE that is not in CRIC is not made then.
        type: list
        elements: dict
      limits:
        description: Limits such as C(MinFreeSpace), in bytes.
        type: dict
      space:
        description: Capacity in bytes or with a unit.
        type: raw
  purge_protocols:
    description: Removes doors that are in CRIC and not in the record of their RSE, which are only reported otherwise.
    type: bool
    default: false
  allow_empty:
    description: Believes an answer without any RSE. Set it for a new CRIC; otherwise such an answer is an error.
    type: bool
    default: false
  writer:
    description: A call that takes a change set. The real CRIC has none that is known; the stand-in of the lab has one.
    type: dict
    default: {}
    suboptions:
      enabled:
        description: Sends the differences.
        type: bool
        default: false
      url:
        description: Address of the call, whole or below O(url). Its default is C(api/APPLICATION/rse/update/set_data/?json).
        type: str
      token:
        description:
          - Bearer token of the writer.
          - The environment variable E(DATALAKE_CRIC_TOKEN) is used when it is not given.
        type: str
  document:
    description:
      - File for what is left to be done by a person, in Markdown, on the controller. The same in the shape of CRIC's DOMA view goes
        beside it with the ending C(.json).
      - With an enabled writer this is what CRIC still says differently after the write.
    type: path
attributes:
  check_mode:
    description: Reads CRIC, writes neither there nor O(document), and returns what would be done.
    support: full
  diff_mode:
    description: Shows the fields that differ, in CRIC's words.
    support: full
  action_group:
    description: Use C(group/escape.datalake.cric) in C(module_defaults) for the connection.
    support: full
    membership: [escape.datalake.cric]
notes:
  - The task is changed when CRIC was written to, or when the text of O(document) became another. A run that finds the same differences
    again, with no writer, is not a change.
extends_documentation_fragment:
  - escape.datalake.cric
  - escape.datalake.plan_file
author:
  - The escape.datalake authors (@escape-wp2)
seealso:
  - module: escape.datalake.rucio_rse
"""

EXAMPLES = r"""
- name: Say what a person has to do in CRIC
  escape.datalake.cric_rse:
    url: https://cric.example.org
    rses: "{{ rses }}"
    document: reports/cric.md
  register: published

- name: Publish where CRIC can be written to
  escape.datalake.cric_rse:
    url: https://cric.lake.test
    ca_path: .lab/ca/ca.pem
    allow_empty: true
    rses: "{{ rses }}"
    writer:
      enabled: true
      token: "{{ writer_token }}"

- name: Read all RSEs from a copy on disk
  escape.datalake.cric_rse:
    url: inventories/escape-2020/doma.json
  register: cric
"""

RETURN = r"""
rses:
  description:
    - Records of the RSEs that were given, as CRIC holds them at the end; of all RSEs when none was given.
    - RSEs that are not in CRIC are left out. In check mode with a writer those that would be written are returned as they would be.
  returned: success
  type: list
  elements: dict
  sample: [{name: LAB-XRD1-FAST, site: LAB, attributes: {QOS: FAST}}]
states:
  description: State of each of these RSEs in CRIC.
  returned: success
  type: dict
  sample: {LAB-XRD1-FAST: ACTIVE}
distances:
  description: Distances in CRIC between any RSEs.
  returned: success
  type: list
  elements: dict
  sample: [{source: LAB-XRD1-FAST, destination: LAB-XRD2-CHEAP, distance: 2}]
pending:
  description: What differs and was not written, in words. With a writer this is what CRIC says differently after the write.
  returned: success
  type: list
  elements: str
  sample: ["LAB-XRD1-FAST: update param QOS: 'SAFE' -> 'FAST'"]
change_set:
  description: The fields that are pending, in the shape of CRIC's DOMA view.
  returned: success
  type: dict
  sample: {rses: {LAB-XRD1-FAST: {params: {QOS: FAST}}}, distances: {}}
left_out:
  description: Other RSEs whose records in CRIC cannot be read, and why. One of the RSEs that were given is an error instead.
  returned: success
  type: dict
  sample: {OLD-RSE: "expected 'params' as an object"}
unmanaged:
  description: Doors that CRIC has and the record of their RSE lacks.
  returned: success
  type: dict
  sample: {LAB-XRD1-FAST: ["gsiftp://se1.lake.test:2811"]}
missing:
  description: RSEs that are not in CRIC and were not made, because their records name no protocols.
  returned: success
  type: list
  elements: str
  sample: []
actions:
  description: What was written, in words.
  returned: success
  type: list
  elements: str
  sample: ["LAB-XRD1-FAST: create rse"]
traffic:
  description: Requests and writes that were sent to CRIC.
  returned: success
  type: dict
  sample: {requests: 2, writes: 0}
failures:
  description: Changes that CRIC refused, with its reasons.
  returned: when CRIC refused a change
  type: list
  elements: dict
  sample: [{action: "lower: create rse", reason: "'lower' is no RSE name"}]
"""
