# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of rucio_rse; the work is done by the action plug-in of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rucio_rse
short_description: RSEs in Rucio
description:
  - Registers RSEs with their properties, attributes, doors, limits and space, all of them in one task.
  - What a record does not declare is left alone. Nothing is removed because it is missing from a record, unless a purge list asks for it.
  - Reads the state of all RSEs with one call where the account may export (root); writes only what differs; reads back, and fails when
    the server does not show what it said it wrote.
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
    description:
      - V(present) makes and changes what the records declare.
      - V(absent) deletes the RSEs named. Rucio keeps a deleted name for ever, and it deletes an RSE with files when its usage counter was
        not brought up to date yet.
    type: str
    choices: [present, absent]
    default: present
  rses:
    description:
      - Records of RSEs, as derived from the description of a storage. For O(state=absent) only their names count.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name, of capitals and digits with single C(-) or C(_) between them.
        type: str
        required: true
      site:
        description: Experiment site in CRIC; not written to Rucio (an attribute C(site) is).
        type: str
      properties:
        description:
          - Columns of Rucio's table of RSEs, C(deterministic), C(volatile), C(staging_area), C(rse_type), C(availability_read),
            C(availability_write), C(availability_delete), C(country_name), C(region_code), C(city), C(continent), C(time_zone),
            C(latitude), C(longitude).
        type: dict
      attributes:
        description:
          - Free attributes; one that is null is removed. Values of C(QOS) may hold letters, digits, C(-) and C(_) only.
          - C(declared_space) cannot be given here and is not purged; see O(rses[].space).
        type: dict
      protocols:
        description:
          - Doors, each with C(scheme), C(hostname), C(port), C(prefix), C(impl), C(domains) and C(extended_attributes).
          - C(domains) gives the priority of each operation, counted from 1; an operation that is null or missing is not offered.
          - The numbers that servers before version 39 use instead are the module's business.
        type: list
        elements: dict
      limits:
        description: Bytes by name of the limit. Limits other than C(MinFreeSpace) cost one more request for each RSE.
        type: dict
      space:
        description:
          - Capacity, in bytes or as a size such as V(50TB); reported to Rucio as usage of source C(storage), keeping the used space that is
            known there. Only root may write it.
          - What was declared is noted in the attribute C(declared_space) of the RSE, in bytes. As long as the declaration is the same, the
            usage is neither read nor written, so what a space monitor of the site reports later stays.
          - Remove that attribute from the RSE to have the declared space reported once more.
        type: raw
  cric:
    description: Takes the records from CRIC instead of O(rses).
    type: dict
    suboptions:
      url:
        description: Address of the CRIC instance, or a folder with saved answers of it (C(doma.json) and C(plain.json)).
        type: str
        required: true
      application:
        description: Application part of CRIC's addresses.
        type: str
        default: doma
      names:
        description: The RSEs to register; one that is not active in CRIC is an error.
        type: list
        elements: str
        required: true
      ca_path:
        description: File or directory of the certificate authorities that may vouch for CRIC.
        type: path
      client_cert:
        description: Certificate (PEM) to show to CRIC.
        type: path
      client_key:
        description: Key (PEM) of the certificate, where it is in a file of its own.
        type: path
  purge_protocols:
    description:
      - Shell patterns of schemes; doors of these schemes that a record does not declare are removed.
      - An RSE whose record declares no door at all keeps what it has.
    type: list
    elements: str
    default: []
  purge_attributes:
    description:
      - Shell patterns of names; attributes with such a name that a record does not declare are removed.
      - An RSE whose record declares no attribute at all keeps what it has.
    type: list
    elements: str
    default: []
  revive:
    description:
      - Brings back an RSE whose name belongs to a deleted one. It comes with its old attributes, doors and distances; what the record
        declares is then brought in line.
      - In check mode only the revival is shown, because the server hides the rest.
    type: bool
    default: false
  removal_limit:
    description: O(state=absent) refuses to delete more RSEs than this in one task.
    type: int
    default: 5
seealso:
  - module: escape.datalake.rucio_distance
  - module: escape.datalake.rucio_info
"""

EXAMPLES = r"""
- name: Register RSEs as root
  escape.datalake.rucio_rse:
    url: https://rucio.lake.test
    username: ddmlab
    password: "{{ vault_rucio_password }}"
    account: root
    rses:
      - name: LAB-XRD1-FAST
        properties: {rse_type: DISK, country_name: FR, availability_write: true}
        attributes: {QOS: FAST, fts: "https://fts.example.org:8446", obsolete_key: null}
        protocols:
          - scheme: davs
            hostname: se1.lake.test
            port: 1094
            prefix: /escape/fast
            impl: rucio.rse.protocols.gfal.Default
            domains:
              lan: {read: 1, write: 1, delete: 1}
              wan: {read: 1, write: 1, delete: 1, third_party_copy_read: 1, third_party_copy_write: 1}
        limits: {MinFreeSpace: 1000000000000}
        space: 50TB

- name: Register what CRIC says, with a token that another program keeps fresh
  escape.datalake.rucio_rse:
    url: https://rucio.lake.test
    auth_type: token
    token_file: /run/user/1000/rucio.token
    cric:
      url: https://cric.lake.test
      names: [LAB-XRD1-FAST, LAB-XRD1-SAFE]
    purge_protocols: [gsiftp, srm]

- name: Take an RSE out
  escape.datalake.rucio_rse:
    url: https://rucio.lake.test
    rses: [{name: LAB-XRD1-OLD}]
    state: absent
"""

RETURN = r"""
rses:
  description: The records that were applied, in the form of the O(rses) option.
  returned: success, for O(state=present)
  type: list
  elements: dict
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
