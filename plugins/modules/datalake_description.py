#!/usr/bin/python
# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: datalake_description
short_description: Checks the descriptions of a lake and its storages, and derives their RSEs
version_added: 0.1.0
description:
  - Reads C(datalake_lake) and the C(datalake_storage) of all hosts, and fails with the problems of all of them at once.
    Each problem has its place, the reason and what to do.
  - Returns the descriptions with all defaults filled in, and the RSEs that follow from them.
  - Reads and writes nothing else. Make it the first task of a play, so that nothing is touched before all descriptions were found sound.
  - Runs on the controller.
options:
  lake:
    description:
      - What all storages share, the variable C(datalake_lake).
      - The page C(docs/description.md) of the collection explains every key.
      - Anything but a mapping is reported among the problems.
    type: raw
    required: true
  storages:
    description:
      - The descriptions of the storages, the variable C(datalake_storage) of each host, as a mapping from host to description.
      - A list of descriptions is also possible; messages then say C(storages[0]) in the place of the host.
      - Hosts that share one storage have the same description.
    type: raw
    required: true
attributes:
  check_mode:
    description: Can run in check mode without changing anything.
    support: full
  diff_mode:
    description: Shows what changed.
    support: none
    details: Nothing is ever changed.
author:
  - The escape.datalake authors (@escape-wp2)
seealso:
  - module: escape.datalake.rucio_rse
  - module: escape.datalake.cric_rse
"""

EXAMPLES = r"""
- name: Check all descriptions before anything is touched
  escape.datalake.datalake_description:
    lake: "{{ datalake_lake }}"
    storages: "{{ dict(groups['storages'] | zip(groups['storages'] | map('extract', hostvars, 'datalake_storage'))) }}"
  delegate_to: localhost
  run_once: true
  register: description

- name: Register the RSEs
  escape.datalake.rucio_rse:
    rses: "{{ description.rses }}"
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
storages:
  description:
    - The storages by host, with defaults filled in, sizes in bytes and times in milliseconds.
    - By position (C(storages[0])) when a list was given.
  returned: success
  type: dict
  sample:
    se.example.org:
      name: LAB-XRD1
      site: LAB
      base_path: /escape
      audiences: ["https://se.example.org:1094", "se.example.org", "https://wlcg.cern.ch/jwt/v1/any"]
      areas:
        - {name: fast, path: /escape/fast, qos: FAST, capacity: 50000000000000, rse: LAB-XRD1-FAST, media: ssd}
rses:
  description:
    - The RSEs of all storages, one for each area, in the form of the O(escape.datalake.rucio_rse#module:rses) option.
    - The attribute C(oidc_support) is not among them; it is set for RSEs that passed the probe.
  returned: success
  type: list
  elements: dict
  sample:
    - name: LAB-XRD1-FAST
      site: LAB
      properties: {rse_type: DISK, volatile: false}
      attributes: {QOS: FAST, oidc_base_path: /escape}
      space: 50000000000000
text:
  description: For people, the RSEs with their class, capacity, path in tokens and addresses.
  returned: success
  type: str
  sample: |-
    LAB-XRD1-FAST: FAST, 50TB, /fast in tokens
      davs://se.example.org:1094/escape/fast/
problems:
  description: What is wrong with the descriptions. The same is in the message of the failure, for people.
  returned: failure
  type: list
  elements: dict
  contains:
    path:
      description: Host and YAML path of the value.
      type: str
      sample: "se.example.org: datalake_storage.areas[1].qos"
    message:
      description: What is wrong, and why it matters.
      type: str
      sample: '"FASTER" is not a QoS class of this lake.'
    remedy:
      description: What to do.
      type: str
      sample: 'Did you mean "FAST"?'
"""
