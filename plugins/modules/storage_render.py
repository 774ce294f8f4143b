# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of storage_render; the work is done by the action plug-in of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: storage_render
short_description: Configurations of storages as trees of files, without their hosts
version_added: 0.1.0
description:
  - Writes for each storage what its role would write on a new host that carries all of it, into a directory of the controller.
  - A tree that is there is taken for what the host has, so that hand-made configurations are edited in place and a second run writes
    nothing.
  - Every tree passes the checks of its system before any file is written.
  - Runs on the controller and touches no host. Of EOS, the commands for the console of a new instance are written beside the files.
options:
  lake:
    description: The lake, as in the inventory variable C(datalake_lake).
    type: dict
    required: true
  storages:
    description: Descriptions of storages, each as in the inventory variable C(datalake_storage), by the name of their directory.
    type: dict
    required: true
  variables:
    description:
      - Variables of the roles, by the same names, for what the descriptions do not say. These are used, C(dcache_accounts),
        C(dcache_pools), C(dcache_properties), C(dpm_authorized), C(dpm_client), C(eos_accounts), C(eos_instance), C(eos_placements)
        and C(xrootd_directives).
    type: dict
    default: {}
  directory:
    description: Where the trees are written.
    type: path
    required: true
  accept:
    description: Rules whose findings do not stop the task.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    description: Renders and checks without writing.
    support: full
  diff_mode:
    description: Shows each file; of those with secrets only that they change.
    support: full
author:
  - The escape.datalake authors (@escape-wp2)
seealso:
  - module: escape.datalake.storage_check
"""

EXAMPLES = r"""
- name: See what a host would get
  escape.datalake.storage_render:
    lake: "{{ datalake_lake }}"
    storages:
      se.example.org: "{{ hostvars['se.example.org'].datalake_storage }}"
    directory: /tmp/rendered
  delegate_to: localhost
"""

RETURN = r"""
actions:
  description: What was, or would be, written.
  returned: success
  type: list
  elements: str
  sample: ["write se.example.org/etc/xrootd/authdb"]
findings:
  description: What the checks say, by storage. Keys rule, severity, file, line, message, remedy and source.
  returned: always
  type: dict
  sample: {se.example.org: []}
text:
  description: A line for each storage, for people.
  returned: success
  type: str
  sample: "se.example.org   xrootd  5.5.3     4 files, no finding"
"""
