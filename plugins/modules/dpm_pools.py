# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of dpm_pools; the work is done by the action plug-in of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: dpm_pools
short_description: Pools, file systems and quota tokens of a DPM
version_added: 0.1.0
description:
  - Brings pools, file systems and quota tokens of a DPM into the wanted state through the REST orders of its DOME daemon.
  - Compares every field with exact numbers; the rounded texts of C(dmlite-shell) are not used.
  - Objects that are not named are left alone. Removal is asked for with O(pools[].state=absent) and the like.
  - Groups and directories that a new quota token needs are made first.
  - Asks twice when nothing differs, whatever the number of objects. After a change it asks again and reports what did not stay.
  - Nothing is ordered when a part of the request would be refused, or would stop the writes of an area that is fuller than its new size.
  - Runs on the controller.
options:
  url:
    description:
      - Address of DOME on the head node, such as C(https://head.example.org:1094/domehead). DPM before 1.10 has it on port 443.
      - The environment variable E(DATALAKE_DOME_URL) is used when it is not given.
    type: str
    required: true
  ca_path:
    description:
      - File or directory of the authorities that are trusted, those of the system when it is not given.
      - The environment variable E(DATALAKE_CA_PATH) is used when it is not given.
    type: path
  client_cert:
    description:
      - Client certificate on the controller, PEM. Its subject must be in C(glb.auth.authorizeDN[]) of C(domehead.conf).
      - The environment variable E(DATALAKE_DOME_CERT) is used when it is not given.
    type: path
    required: true
  client_key:
    description:
      - Its key, PEM; the same file as O(client_cert) when it is not given.
      - The environment variable E(DATALAKE_DOME_KEY) is used when it is not given.
    type: path
  timeout:
    description: Seconds for connecting and for each read. DOME asks the disk server before it takes a file system.
    type: float
    default: 60.0
  lake:
    description: The lake, as in the inventory variable C(datalake_lake). Needed with O(storage).
    type: dict
  storage:
    description:
      - The storage, as in C(datalake_storage). Each of its areas becomes a pool, and a quota token with the area's path, capacity and
        the groups that may write. Partitions become file systems.
      - A token that is there keeps its description, which SRM and storage reports know it by, and groups that are not described, which
        are named in a warning. O(quota_tokens) sets both exactly.
      - Areas on tape are refused. Volatile areas get a pool of type V.
    type: dict
  area_pools:
    description: Name of the pool by name of the area, where it is not the area's own.
    type: dict
    default: {}
  server:
    description: Disk server of the areas' partitions. The host of the first door when it is not given.
    type: str
  make_directories:
    description: Makes directories that new quota tokens need.
    type: bool
    default: true
  pools:
    description: Pools beside those of O(storage), or with more said about them.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the pool.
        type: str
        required: true
      type:
        description: V(P) keeps files, V(V) is a cache that purges them. New pools are V(P), others keep what they are.
        type: str
        choices: [P, V]
      defsize:
        description: Size that a file is taken for before it is written, such as V(3GiB). Kept when not given.
        type: str
      state:
        description: V(absent) removes the pool, which must hold no quota token any more.
        type: str
        choices: [present, absent]
        default: present
  file_systems:
    description: File systems of disk servers.
    type: list
    elements: dict
    default: []
    suboptions:
      server:
        description: Host name of the disk server.
        type: str
        required: true
      path:
        description: Directory on the disk server.
        type: path
        required: true
      pool:
        description: Pool that it belongs to.
        type: str
        required: true
      status:
        description: Whether it is written and read. New ones are V(enabled), others keep what they are.
        type: str
        choices: [enabled, disabled, read-only]
      state:
        description: V(absent) takes it out of its pool. Drain it first.
        type: str
        choices: [present, absent]
        default: present
  quota_tokens:
    description: Quota tokens. The token that is nearest above a file decides on its pool; without one nothing can be written.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Directory of the name space.
        type: path
        required: true
      pool:
        description: Pool that its files go to. The only token of a directory changes its pool.
        type: str
        required: true
      size:
        description: Bytes, or a number with a unit such as V(50TB). Needed unless O(quota_tokens[].state=absent).
        type: str
      description:
        description: Name of the token. Kept when not given.
        type: str
      groups:
        description: Groups that may write, with or without their leading slash. Kept when not given.
        type: list
        elements: str
      state:
        description: V(absent) removes the token of the directory and pool.
        type: str
        choices: [present, absent]
        default: present
attributes:
  check_mode:
    description: Makes the same plan and sends no order.
    support: full
  diff_mode:
    description: Shows each object with the fields that differ.
    support: full
requirements:
  - requests (on the controller)
author:
  - The escape.datalake authors (@escape-wp2)
seealso:
  - module: escape.datalake.dpm_config
"""

EXAMPLES = r"""
- name: Give every described area its pool and its quota token
  escape.datalake.dpm_pools:
    url: https://head.example.org:1094/domehead
    client_cert: /etc/grid-security/admin.pem
    lake: "{{ datalake_lake }}"
    storage: "{{ datalake_storage }}"
    area_pools: {fast: ssd}

- name: Take a file system out of service
  escape.datalake.dpm_pools:
    url: https://head.example.org:1094/domehead
    client_cert: /etc/grid-security/admin.pem
    file_systems:
      - {server: disk07.example.org, path: /srv/dpm/03, pool: main, status: read-only}
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode, in words.
  returned: success
  type: list
  elements: str
  sample: ["quota token /dpm/example.org/home/escape/fast: update size: 100 -> 200"]
failures:
  description: What could not be done; the other objects were done.
  returned: when something failed
  type: list
  elements: dict
  sample: []
found:
  description: Pools, file systems and quota tokens as they are after the task; sizes in bytes.
  returned: always
  type: dict
  sample: {pools: [{name: ssd, type: P, defsize: 3221225472, size: 100000000000000}], file_systems: [], quota_tokens: []}
traffic:
  description: Requests sent to DOME, and how many of them were orders.
  returned: always
  type: dict
  sample: {requests: 2, writes: 0}
"""
