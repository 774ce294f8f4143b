# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of dcache_qos; the work is done by the action plug-in of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: dcache_qos
short_description: Quality of service of a running dCache, live
version_added: 0.1.0
description:
  - Brings a running dCache in line with the areas of its description, without a restart - units, pool groups, links and link groups of
    PoolManager, tape stores of pools, space reservations, directory tags, QoS policies, and the quality of service of files.
  - Reads what is there first and sends only what is missing. An area that is served by its pools already, in whatever way, gets no command.
  - Nothing is removed because it is not described.
  - One log-in to the admin shell for all commands of a task, one keep-alive client for the frontend, and few runs of chimera.
    What was changed is read back, and a change that does not show has failed.
  - The tables of C(docs/dcache-qos.md) say what an area becomes.
  - The admin shell and the frontend are reached from the controller, chimera runs on the host of the task.
options:
  lake:
    description: The lake, as in the inventory variable C(datalake_lake).
    type: dict
    required: true
  storage:
    description: The storage, as in the inventory variable C(datalake_storage).
    type: dict
    required: true
  host:
    description: Host that holds the partitions of areas without O(pools). The host of the task by default.
    type: str
  admin:
    description: The admin shell. Without it PoolManager, pools and reservations are left alone.
    type: dict
    suboptions:
      host:
        description: Host of the admin service.
        type: str
        required: true
      port:
        description: Its port.
        type: int
        default: 22224
      user:
        description: User.
        type: str
        default: admin
      key_file:
        description: Private key on the controller; without it, and without a password, those of the user's agent and files are tried.
        type: path
      password:
        description: Password, where no key is used. It never stands on a command line.
        type: str
      host_key:
        description: Public key of the server, such as V(ssh-ed25519 AAAA...). Another one ends the task before anything is sent.
        type: str
      known_hosts:
        description: File with host keys; the user's own by default.
        type: path
      timeout:
        description: Seconds for the log-in, and for each command.
        type: float
        default: 120.0
  frontend:
    description: The REST interface. Without it policies and files are left alone.
    type: dict
    suboptions:
      url:
        description: Address, C(https://HOST:3880).
        type: str
        required: true
      token:
        description: Bearer token.
        type: str
      token_file:
        description: File with a bearer token on the controller.
        type: path
      username:
        description: User for Basic.
        type: str
      password:
        description: Password of that user.
        type: str
      roles:
        description: Roles to claim, such as V(admin), which storing a policy needs.
        type: list
        elements: str
        default: []
      ca_path:
        description: File or directory of the authorities that may vouch for the server.
        type: path
      timeout:
        description: Seconds for one request.
        type: float
        default: 60.0
      wait:
        description: Seconds to wait for the end of a bulk request. It goes on at the server when the task gave up.
        type: float
        default: 600.0
  chimera:
    description: The command line of the name space, run on the host of the task. Without it directories and tags are left alone.
    type: dict
    suboptions:
      command:
        description: The program.
        type: path
        default: /usr/bin/chimera
      owner:
        description: Owner of directories that are made, C(UID:GID).
        type: str
        default: ""
      mode:
        description: Mode of directories that are made, such as V(0775).
        type: str
        default: ""
  files:
    description: Files that are there already, and the quality of service that they shall have.
    type: list
    elements: dict
    default: []
    suboptions:
      paths:
        description: Files; directories with O(files[].directories).
        type: list
        elements: path
        required: true
      directories:
        description: The paths are directories, and the files right in them are meant.
        type: bool
        default: false
      qos:
        description: A class.
        type: str
        choices: [disk, tape, disk+tape, volatile]
      policy:
        description: Name of a policy, in place of a class.
        type: str
      policy_state:
        description: Number of the state of the policy that the files enter.
        type: int
        default: 0
  reload:
    description:
      - Has PoolManager take O(pool_manager_file) when it runs with something else. A changed file has no effect before, not even after a
        restart.
      - What was changed live and is not in the file is lost then.
    type: bool
    default: false
  save:
    description: Has PoolManager and changed pools write their live state to their setup files, which loses comments there.
    type: bool
    default: false
  pool_manager_file:
    description: PoolManager's file on the host of the task, for O(reload) and O(save).
    type: path
    default: /var/lib/dcache/config/poolmanager.conf
attributes:
  check_mode:
    description: Makes the same plan and sends no write.
    support: full
  diff_mode:
    description: Shows what differs, object by object.
    support: full
extends_documentation_fragment:
  - escape.datalake.dcache_quality
author:
  - The escape.datalake authors (@escape-wp2)
"""

EXAMPLES = r"""
- name: Areas of a storage on its running dCache
  escape.datalake.dcache_qos:
    lake: "{{ datalake_lake }}"
    storage: "{{ datalake_storage }}"
    qos:
      hsm: {options: {command: /usr/local/sbin/datalake-tape}}
    admin:
      host: dcache1.lake.test
      key_file: ~/.ssh/dcache_admin
      host_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI...
    chimera: {owner: "2000:2000", mode: "0775"}

- name: A policy, and old files that come under it
  escape.datalake.dcache_qos:
    lake: "{{ datalake_lake }}"
    storage: "{{ datalake_storage }}"
    qos:
      hsm: {options: {command: /usr/local/sbin/datalake-tape}}
      policies:
        - name: hot-then-tape-1
          states:
            - {duration: P10D, media: [{storageMedium: DISK, numberOfCopies: 1}]}
            - {media: [{storageMedium: HSM}]}
      area_policies: {archive: hot-then-tape-1}
    frontend:
      url: https://dcache1.lake.test:3880
      token_file: /run/datalake/admin.token
      roles: [admin]
    files:
      - {paths: [/escape/archive/2025], directories: true, policy: hot-then-tape-1}
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode, in words.
  returned: always
  type: list
  elements: str
areas:
  description: What each area is called in dCache.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the area.
      type: str
    path:
      description: Its directory.
      type: str
    qos:
      description: Its class in dCache's words.
      type: str
    storage_unit:
      description: Its storage unit.
      type: str
    pool_group:
      description: Name of its pool group and unit group.
      type: str
    pools:
      description: Names of its pools.
      type: list
      elements: str
    link_group:
      description: Its link group, with reservations.
      type: str
    reservation:
      description: Description of its space reservation.
      type: str
notes:
  description: What a person should look at; shown as warnings too.
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
  description: Commands and requests sent, and how many of them were writes.
  returned: always
  type: dict
  sample: {requests: 3, writes: 0}
"""
