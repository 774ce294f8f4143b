# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of eos_instance; the work is done by the action plug-in of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: eos_instance
short_description: Spaces, directories, quotas and identities of an EOS instance from the description of a storage
version_added: 0.1.0
description:
  - Makes each area a directory with a space and a layout of its own, which together are its QoS class, with rights, quota and checksums.
  - Registers file systems, switches on the converter, and maps tokens, OAuth2 resources and VOMS groups to local users.
  - One process of the console reads the instance. When something differs, one writes, and one reads what came of it, because the console
    says nothing of commands that failed. A second run is the reading process alone.
  - Nothing is removed but rights of everybody, and no file system is moved.
options:
  lake:
    description: The lake, as in the inventory variable C(datalake_lake).
    type: dict
    required: true
  storage:
    description: The storage, as in the inventory variable C(datalake_storage).
    type: dict
    required: true
  placements:
    description:
      - Where and how files of an area are kept, by the area's name. Keys C(space), C(layout) (plain, replica, raiddp, raid5, raid6, qrain,
        archive) and C(stripes).
      - Without it the space has the area's name. Several copies are a replica layout, C(redundancy=ec-servers) is raid6 over six disks
        (4+2).
    type: dict
    default: {}
  file_systems:
    description: File systems to register. One that is registered stays in its space and its state.
    type: list
    elements: dict
    default: []
    suboptions:
      uuid:
        description: Its identifier, as C(eosfstregister) writes it into C(.eosfsuuid).
        type: str
        required: true
      host:
        description: Storage node.
        type: str
        required: true
      port:
        description: Port of the storage node.
        type: int
        default: 1095
      path:
        description: Mount point there.
        type: path
        required: true
      space:
        description: Space that it belongs to.
        type: str
        required: true
      status:
        description: State that it is registered with.
        type: str
        default: rw
  spaces:
    description:
      - More about spaces, by name. Keys C(group_size) (file systems of a scheduling group, 0 for any number) and C(groups) for a new space,
        and C(settings) with keys as C(eos space status) shows them, for example C(policy.layout).
    type: dict
    default: {}
  conversion:
    description: Switches on the converter of the spaces, which moves files between layouts and spaces.
    type: bool
    default: true
  oauth2:
    description: Also accepts tokens that clients endorse over sss, asking each issuer's userinfo resource.
    type: bool
    default: false
  executable:
    description: The console.
    type: str
    default: eos
  url:
    description: Head node, such as V(root://eos.example.org). Without it, that of the host.
    type: str
  accept:
    description: Rules whose findings do not stop the task.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - escape.datalake.eos_accounts
attributes:
  check_mode:
    description: Reads and plans without writing.
    support: full
  diff_mode:
    description: Shows settings before and after.
    support: full
author:
  - The escape.datalake authors (@escape-wp2)
seealso:
  - module: escape.datalake.eos_config
  - module: escape.datalake.eos_script
"""

EXAMPLES = r"""
- name: Give each area its space, layout and quota
  escape.datalake.eos_instance:
    lake: "{{ datalake_lake }}"
    storage: "{{ datalake_storage }}"
    accounts:
      - {issuer: escape, user: escape, uid: 2001, gid: 2001}
    placements:
      fast: {space: ssd}
      safe: {space: hdd, layout: raid6, stripes: 6}
"""

RETURN = r"""
actions:
  description: The commands that were, or would be, run, each with what it is about.
  returned: success
  type: list
  elements: str
  sample: ["directory /eos/lake/fast: attr set sys.forced.space=ssd /eos/lake/fast"]
findings:
  description: What the checks say of the instance as it will be. Keys rule, severity, file, line, message, remedy and source.
  returned: always
  type: list
  elements: dict
  sample: []
found:
  description: What the checks said of the instance before.
  returned: success
  type: list
  elements: dict
  sample: []
calls:
  description: How many processes of the console ran.
  returned: success
  type: int
  sample: 1
"""
