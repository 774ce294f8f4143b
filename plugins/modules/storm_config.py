# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of storm_config; the work is done by the action plug-in of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: storm_config
short_description: Configuration of a StoRM host from the description of its storage
version_added: 0.1.0
description:
  - Plans the files of StoRM WebDAV, and of backend, frontend and GridFTP where they are asked for, and writes what differs.
  - Storage areas of WebDAV and file systems of the backend come from one list of areas, so they cannot drift from each other.
  - Files that are there are edited in place. Comments, order and settings made by hand stay; new files are written whole.
  - The result is checked before it is written. What would lock users out, open a door, or keep a service from starting is refused.
  - One call reads the host and, when something differs, one call writes; a second run is the reading call alone.
  - Restarts nothing. RV(restart) names the units that must be restarted, also when an earlier run was interrupted before its restarts.
options:
  services:
    description: Services of this host.
    type: list
    elements: str
    choices: [webdav, backend, frontend, gridftp]
    default: [webdav]
  user:
    description: User of the services.
    type: str
    default: storm
  root:
    description: Directory in which areas without partitions get theirs.
    type: path
    default: /storage
  certificate:
    description: Host certificate that WebDAV reads.
    type: path
    default: /etc/grid-security/storm-webdav/hostcert.pem
  key:
    description: Its key.
    type: path
    default: /etc/grid-security/storm-webdav/hostkey.pem
  certificate_source:
    description: Certificate on the host that is copied to O(certificate).
    type: path
  key_source:
    description: Key on the host that is copied to O(key). It never leaves the host.
    type: path
  http_port:
    description: Port without encryption, for the health page.
    type: int
    default: 8085
  connections:
    description: Connections that WebDAV serves at a time; the heap of a new site follows from it.
    type: int
    default: 300
  aliases:
    description: Further names of the host that clients use.
    type: list
    elements: str
    default: []
  macaroons:
    description: Switches WebDAV's authorisation server on, which gives macaroons to clients with VOMS credentials (FTS needs them).
    type: bool
    default: false
  flat_vos:
    description: VOs whose members go on to read and write everything, whatever the description grants.
    type: list
    elements: str
    default: []
  environment:
    description: Further variables of WebDAV by name, such as C(STORM_WEBDAV_TPC_VERIFY_CHECKSUM).
    type: dict
    default: {}
  properties:
    description: Further keys of C(storm.properties).
    type: dict
    default: {}
  tape_endpoints:
    description: End points of the tape interface for its discovery document. StoRM Tape itself is another product.
    type: list
    elements: dict
    default: []
    suboptions:
      uri:
        description: Address.
        type: str
        required: true
      version:
        description: Version of the interface.
        type: str
        default: v1
  vomsdir:
    description: Trusted VOMS servers. By VO and host, the subjects of the server's certificate and of its authority.
    type: dict
    default: {}
  report:
    description: Publishes the storage report (WLCG SRR) as C(/info/report.json), readable with any certificate of a trusted authority.
    type: bool
    default: false
  report_root:
    description: Directory of the report.
    type: path
    default: /storage/info
  report_script:
    description: Text of the program that makes the report on hosts without backend.
    type: str
    default: ""
  database_host:
    description: Host of the database.
    type: str
    default: localhost
  database_user:
    description: User of the database.
    type: str
    default: storm
  database_password:
    description: Its password. What the host has stays when it is good; a random one is made otherwise.
    type: str
  xmlrpc_token:
    description: Token between backend and frontend. What the host has stays when it is good; a random one is made otherwise.
    type: str
  macaroons_secret:
    description: What macaroons are signed with, the same on all hosts of a storage. As O(xmlrpc_token) when it is not given.
    type: str
  path_authz:
    description: Rows of C(path-authz.db). Without any, members of the storage's VOs may do everything through SRM.
    type: list
    elements: dict
    default: []
    suboptions:
      group:
        description: Local group, or C(@ALL@).
        type: str
        required: true
      path:
        description: Path that it holds below.
        type: str
        required: true
      operations:
        description: Letters of C(WRFDLMN).
        type: str
        required: true
      effect:
        description: Whether they are permitted.
        type: str
        choices: [permit, deny]
        default: permit
  areas:
    description:
      - What the description does not say of an area, by its name. Keys C(storage_class) (T0D1, T1D0, T1D1), C(space_token), C(online_size)
        (disk in front of tape), C(used_size) (bytes that lie there at the first start), C(file_system) (posixfs, gpfs, xfs), and
        C(quota) with C(device) and one of C(fileset), C(group) and C(user).
    type: dict
    default: {}
extends_documentation_fragment:
  - escape.datalake.host_config
attributes:
  check_mode:
    description: Plans and checks without writing.
    support: full
  diff_mode:
    description: Shows each file, without its secrets.
    support: full
author:
  - The escape.datalake authors (@escape-wp2)
seealso:
  - module: escape.datalake.storage_check
  - module: escape.datalake.host_read
  - module: escape.datalake.host_write
"""

EXAMPLES = r"""
- name: Configure StoRM WebDAV
  escape.datalake.storm_config:
    lake: "{{ datalake_lake }}"
    storage: "{{ datalake_storage }}"
    certificate_source: /etc/grid-security/hostcert.pem
    key_source: /etc/grid-security/hostkey.pem
  notify: Restart StoRM

- name: A tape area on GPFS, served by SRM too
  escape.datalake.storm_config:
    lake: "{{ datalake_lake }}"
    storage: "{{ datalake_storage }}"
    services: [webdav, backend, frontend]
    areas:
      tape: {online_size: 50TB, file_system: gpfs, quota: {device: gpfs0, fileset: escape_tape}}
"""

RETURN = r"""
actions:
  description: What was, or would be, done.
  returned: success
  type: list
  elements: str
  sample: ["update /etc/storm/webdav/config/application.yml"]
findings:
  description:
    - What the checks say of the configuration as it will be.
    - Keys rule, severity, file, line, message, remedy and source. Files are relative to the root.
  returned: always
  type: list
  elements: dict
  sample:
    - rule: storm.scopes-not-binding
      severity: open
      file: etc/storm/webdav/sa.d/escape.properties
      line: 7
      message: "Every token of an issuer in orgs may read, and one grant outweighs one denial: scopes forbid nothing."
      remedy: Write orgsGrantReadPermission=false and orgsGrantWritePermission=false.
      source: storm-webdav authz/managers/ConsensusBasedManager.java
found:
  description: What the checks said of the configuration before.
  returned: success
  type: list
  elements: dict
  sample: []
restart:
  description: Units that must be restarted, because what they read at their start is newer than they are, or because they do not run.
  returned: success
  type: list
  elements: str
  sample: [storm-webdav.service]
enable:
  description: Units that do not start with the host yet.
  returned: success
  type: list
  elements: str
  sample: []
mounts:
  description: Bind mounts that are missing, of partitions at the directories that StoRM opens. Keys source and path.
  returned: success
  type: list
  elements: dict
  sample: []
backups:
  description: Where the old text of changed files is kept.
  returned: success
  type: dict
  sample: {}
services:
  description: State of the units before anything was restarted. Keys load, active, enabled, started and daemon_reload.
  returned: success
  type: dict
  sample: {storm-webdav.service: {load: loaded, active: active, enabled: enabled, started: 1767225600.5, daemon_reload: false}}
report_timer:
  description: State of the timer of the storage report.
  returned: success
  type: dict
  sample: {}
health:
  description: Address of the health page, seen from the host.
  returned: success
  type: str
  sample: http://localhost:8085/.storm-webdav/actuator/health
roots:
  description: Root directories of the storage areas.
  returned: success
  type: list
  elements: str
  sample: [/storage/escape]
release:
  description: Release whose rules were used, that of the installed package where there is one.
  returned: always
  type: str
  sample: 1.9.0
calls:
  description: How many times the host was called.
  returned: always
  type: int
  sample: 1
"""
