# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of storage_adopt; the work is done by the action plug-in of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: storage_adopt
short_description: Description of a storage from its configuration files
version_added: 0.1.0
description:
  - Reads the configuration of a running storage, or a copy of it on the controller.
  - Writes the description that this collection works from.
  - What the files do not tell stands in the description as a key to fill in, and in RV(notes) with its place.
  - What a description cannot say goes into variables of the system's role, so that nothing is lost.
  - Changes nothing on the host.
options:
  root:
    description:
      - Directory of the controller that stands for the C(/) of a host.
      - Without it the host itself is read, which needs the rights to read its configuration.
    type: path
  system:
    description: Name of the storage system, where several are configured on one host. Without it the files tell.
    type: str
  release:
    description: Full version of the storage software. Without it that of the installed package; a copy has none.
    type: str
  host:
    description: Full name of the host where it does not know its own, and of a copy.
    type: str
  lake:
    description: The lake, as in the inventory variable C(datalake_lake), where there is one. Its names of issuers are then used.
    type: dict
  dest:
    description:
      - File of the controller for the description, such as C(inventories/mylake/host_vars/se.example.org.yml).
      - With a slash at the end, the folder of a file with the name of the host.
    type: path
  force:
    description: Overwrites O(dest) when it is there and says something else.
    type: bool
    default: false
attributes:
  check_mode:
    description: Writes no file.
    support: full
  diff_mode:
    description: Shows the file.
    support: full
author:
  - The escape.datalake authors (@escape-wp2)
seealso:
  - module: escape.datalake.storage_survey
  - module: escape.datalake.datalake_description
"""

EXAMPLES = r"""
- name: Describe a site that runs already
  escape.datalake.storage_adopt:
    host: "{{ inventory_hostname }}"
    dest: "inventories/mylake/host_vars/{{ inventory_hostname }}.yml"
  become: true
"""

RETURN = r"""
system:
  description: Storage system that was found.
  returned: when the site could be read
  type: str
  sample: dcache
release:
  description: Release that was found; empty when nothing tells it.
  returned: when the site could be read
  type: str
  sample: 9.2.30
storage:
  description: The description, C(datalake_storage).
  returned: when the site could be read
  type: dict
  sample: {name: LAPP-DCACHE, site: LAPP, system: dcache, release: 9.2.30}
issuers:
  description: Entries of C(datalake_lake.issuers) that the storage refers to, with what the site lets their groups do.
  returned: when the site could be read
  type: dict
  sample: {escape: {url: "https://iam.example.org/"}}
variables:
  description: Variables of the role that keep what a description does not say.
  returned: when the site could be read
  type: dict
  sample: {xrootd_instance: datalake}
notes:
  description: What a person has to fill in or look at.
  returned: when the site could be read
  type: list
  elements: str
  sample: ["etc/xrootd/xrootd-datalake.cfg:12: Fill in the capacity of area safe: no file tells it."]
complete:
  description: Whether the description can be used as it is.
  returned: when the site could be read
  type: bool
  sample: false
problems:
  description: Why not. Keys path, message and remedy.
  returned: when the site could be read
  type: list
  elements: dict
  sample: []
text:
  description: The file.
  returned: when the site could be read
  type: str
  sample: "---\n# Read from the files of se.example.org (dcache 9.2.30).\n"
dest:
  description: Where it was written.
  returned: with O(dest)
  type: str
  sample: inventories/mylake/host_vars/se.example.org.yml
calls:
  description: How many times the host was called.
  returned: always
  type: int
  sample: 1
"""
