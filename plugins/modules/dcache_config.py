# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of dcache_config; the work is done by the action plug-in of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: dcache_config
short_description: Configuration of a dCache host from the description of its storage
version_added: 0.2.0
description:
  - Plans layout, C(dcache.conf), C(gplazma.conf), the files behind it, certificates and pool directories of one host of a dCache.
  - What differs is written. A configuration that is there gets the smallest edit that serves the description; all else stays byte for byte.
  - Every log-in that worked before is played through and must end with the same user and group. If not, nothing is written.
  - The result is checked before it is written. What would lock users out, open a door, or keep dCache from starting is refused.
  - One call reads the host and, when something differs, one call writes; a second run is the reading call alone.
  - Restarts nothing. RV(restart) names the units that must be restarted, and only those.
options:
  host:
    description: Full name of the host, where it calls itself otherwise.
    type: str
  release:
    description: Release to plan for, before it is installed. By default that of the installed package, and without one that of the storage.
    type: str
  user:
    description: User of the service.
    type: str
    default: dcache
  domains:
    description:
      - Domains that this host carries. They and their services are added where they are missing; others stay.
      - Services C(webdav) and C(xrootd) get their ports from the doors of the storage.
      - Without it a host with a layout keeps its domains, and a new one gets all that a dCache on one host needs.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the domain.
        type: str
        required: true
      properties:
        description: Its properties.
        type: dict
        default: {}
      services:
        description: Names of its services, or mappings with C(name) and C(properties).
        type: list
        elements: raw
        default: []
  events:
    description: Storage events, with the keys C(kafka) and C(streams). What is left out stays as it is.
    type: dict
    default: {}
  pool_domain:
    description: Domain that runs the pools that the layout lacks. A host with O(domains) has pools when this is one of them.
    type: str
    default: poolsDomain
  accounts:
    description:
      - Who members of groups, and those who come with capability tokens, are in the name space.
      - A group that the files of the host map already needs none. The ids own files, so they never change.
    type: list
    elements: dict
    default: []
    suboptions:
      group:
        description: Group as tokens name it, for example V(/escape). Give this or O(accounts[].issuer).
        type: str
      issuer:
        description: Issuer whose capability tokens are meant. Without such an account they are those of its first group.
        type: str
      name:
        description: User name. A group inside another group has none.
        type: str
      uid:
        description: Its number, given together with the name.
        type: int
      gid:
        description: Number of the group.
        type: int
        required: true
      roles:
        description: Roles from dCache 9.2 on, for example V(qos-group), which a group gets where QoS services run.
        type: list
        elements: str
        default: []
  users:
    description: People with a password.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: User name.
        type: str
        required: true
      uid:
        description: Its number.
        type: int
        required: true
      gid:
        description: Number of the group. V(0) makes an administrator.
        type: int
        required: true
      roles:
        description: Roles from dCache 9.2 on.
        type: list
        elements: str
        default: []
      password_hash:
        description: Hash as C(htpasswd) makes it. Without it the password file is left alone.
        type: str
  profiles:
    description:
      - Profile by issuer from dCache 8.1 on, one of V(wlcg), V(scitokens) and V(oidc).
      - Without it a provider that is there keeps its own, and new ones take V(wlcg).
    type: dict
    default: {}
  properties:
    description: Further properties for the whole host.
    type: dict
    default: {}
  zookeeper:
    description: ZooKeeper as C(HOST:PORT), several parted by commas. Without it a new host runs the one inside dCache.
    type: str
  database_host:
    description: Host of PostgreSQL, where it is not the same one.
    type: str
  database_user:
    description: User of the databases, where it is not C(dcache).
    type: str
  database_password_file:
    description: File with the password, in the form of C(pgpass).
    type: path
  certificate:
    description: Host certificate that the service reads.
    type: path
    default: /etc/grid-security/dcache/hostcert.pem
  key:
    description: Its key.
    type: path
    default: /etc/grid-security/dcache/hostkey.pem
  certificate_source:
    description: Certificate on the host that is copied to O(certificate), unless the key in use belongs to O(user).
    type: path
  key_source:
    description: Key on the host that is copied to O(key). It never leaves the host.
    type: path
attributes:
  check_mode:
    description: Plans and checks without writing.
    support: full
  diff_mode:
    description: Shows each file; of keys and passwords only that they change.
    support: full
extends_documentation_fragment:
  - escape.datalake.host_config
  - escape.datalake.dcache_quality
author:
  - The escape.datalake authors (@escape-wp2)
seealso:
  - module: escape.datalake.dcache_qos
  - module: escape.datalake.host_read
  - module: escape.datalake.host_write
"""

EXAMPLES = r"""
- name: Let the lake's tokens into a dCache that is there
  escape.datalake.dcache_config:
    lake: "{{ datalake_lake }}"
    storage: "{{ datalake_storage }}"
    accounts:
      - {group: /escape, name: escape, uid: 2000, gid: 2000}
      - {group: /escape/data-manager, gid: 2001}
  register: dcache

- name: Configure a host that carries doors only
  escape.datalake.dcache_config:
    lake: "{{ datalake_lake }}"
    storage: "{{ datalake_storage }}"
    zookeeper: head.example.org:2181
    domains:
      - name: doors-${host.name}
        services: [webdav, xrootd, {name: frontend, properties: {frontend.srr.public: true}}]
"""

RETURN = r"""
actions:
  description: What was, or would be, done.
  returned: always
  type: list
  elements: str
  sample: ["update /etc/dcache/gplazma.conf", "restart dcache@centralDomain.service: what it reads at its start was changed after it"]
notes:
  description: What a person should know about the plan, with findings above notice that do not stop it.
  returned: always
  type: list
  elements: str
  sample: []
upgrade:
  description: What changes by itself on the way from the installed release to the one that is planned for. Empty within one release line.
  returned: always
  type: list
  elements: str
  sample: ["From 10.1: dCache needs Java 17."]
findings:
  description:
    - What the checks say of the configuration as it will be.
    - Keys rule, severity, file, line, message, remedy and source.
  returned: always
  type: list
  elements: dict
  sample: []
found:
  description: What the checks said of the configuration before.
  returned: always
  type: list
  elements: dict
  sample: []
restart:
  description: Units that must be restarted, because what they read at their start was changed after it, or because they do not run.
  returned: always
  type: list
  elements: str
  sample: ["dcache@centralDomain.service"]
reload:
  description: Admin commands that are due because a file that only seeds a running service is newer than it.
  returned: always
  type: list
  elements: str
  sample: []
domains:
  description: Domains of this host.
  returned: always
  type: list
  elements: str
  sample: [centralDomain, doorsDomain]
listeners:
  description: Where the doors and the admin shell of this host listen. Keys address and port.
  returned: always
  type: list
  elements: dict
  sample: [{address: 127.0.0.1, port: 2880}]
backups:
  description: Where the old text of changed files is kept.
  returned: always
  type: dict
  sample: {}
target:
  description: State of C(dcache.target) before anything was restarted.
  returned: always
  type: dict
  sample: {load: loaded, active: active, enabled: enabled, started: 1767225600.5, daemon_reload: false}
host:
  description: Full name of the host.
  returned: always
  type: str
  sample: se.example.org
release:
  description: Release whose rules were used, that of the installed package where there is one.
  returned: always
  type: str
  sample: 9.2.47-1
calls:
  description: How many times the host was called.
  returned: always
  type: int
  sample: 1
"""
