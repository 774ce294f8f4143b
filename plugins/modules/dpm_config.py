# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of dpm_config; the work is done by the action plug-in of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: dpm_config
short_description: Configuration of a DPM node from the description of its storage
version_added: 0.1.0
description:
  - Plans C(domehead.conf) (or C(domedisk.conf)) and Apache's C(zlcgdm-dav.conf) of a DPM node and writes what differs, which are token
    issuers, audiences, client certificates that are no longer required, third-party copies and the secrets between the nodes.
  - Files that are there are edited in place. Comments, order and lines made by hand stay; missing ones are written whole.
  - The result is checked before it is written, by the rules of this collection and by the Apache of the host. What would lock users out,
    open a door, or keep a service from starting is refused.
  - Issuers and audiences that are no longer described stay until somebody removes their lines.
  - DPM is no longer supported. This module configures what still runs.
  - Restarts nothing. RV(restart) names the units that run and are older than their files.
options:
  dav_file:
    description: Apache's file with the doors.
    type: path
    default: /etc/httpd/conf.d/zlcgdm-dav.conf
  dav_group:
    description: Group that may read O(dav_file) when its mode has to be narrowed.
    type: str
    default: root
  dome_group:
    description: Group that may read the settings of DOME when their mode has to be narrowed.
    type: str
    default: dpmmgr
  dome_unit:
    description: Unit that reads the settings of DOME.
    type: str
    default: xrootd@dpmredir.service
  dav_unit:
    description: Apache's unit.
    type: str
    default: httpd.service
  certificate:
    description: Host certificate of the services, for files that name none.
    type: path
    default: /etc/grid-security/dpmmgr/dpmcert.pem
  key:
    description: Its key, for files that name none.
    type: path
    default: /etc/grid-security/dpmmgr/dpmkey.pem
  authorities:
    description: Directory of the authorities that clients' certificates are checked with, for a new O(dav_file).
    type: path
    default: /etc/grid-security/certificates
  authorized:
    description: Subjects of certificates that may give orders to DOME, such as V(CN=disk01.example.org). They are added to what is there.
    type: list
    elements: str
    default: []
  shared_key:
    description: Secret between the daemons of all nodes, at least 32 characters. What is there stays when it is not given.
    type: str
  macaroon_secret:
    description: Secret of macaroons, at least 64 characters, the same on all nodes. What is there stays when it is not given.
    type: str
  database_password:
    description: Password of DOME at the database. What is there stays when it is not given.
    type: str
  client:
    description: DPM as a client of its token issuer. What is there stays when a value is not given.
    type: dict
    default: {}
    suboptions:
      id:
        description: Client id.
        type: str
      secret:
        description: Client secret.
        type: str
      passphrase:
        description: Text that encrypts the sessions of people, made at random.
        type: str
      scope:
        description: Scopes that people are asked for.
        type: str
        default: openid email profile wlcg.groups
      redirect_uri:
        description: Address that people come back to. By default C(/dpm/redirect_uri) of the first HTTP door.
        type: str
      jwks_uri:
        description:
          - Address of the keys that bearer tokens are checked with. By default that of INDIGO IAM, C(ISSUER/jwk).
          - With several issuers it must be one document with the keys of all of them.
        type: str
  configtest:
    description: Lets the Apache of the host judge O(dav_file) before it is written.
    type: bool
    default: true
extends_documentation_fragment:
  - escape.datalake.host_config
attributes:
  check_mode:
    description: Plans, checks and lets Apache judge without writing.
    support: full
  diff_mode:
    description: Shows each file without its secrets.
    support: full
author:
  - The escape.datalake authors (@escape-wp2)
seealso:
  - module: escape.datalake.storage_check
  - module: escape.datalake.dpm_pools
  - module: escape.datalake.apache_configtest
"""

EXAMPLES = r"""
- name: Configure the head node
  escape.datalake.dpm_config:
    lake: "{{ datalake_lake }}"
    storage: "{{ datalake_storage }}"
    client:
      id: "{{ vault_dpm_client_id }}"
      secret: "{{ vault_dpm_client_secret }}"
      passphrase: "{{ vault_dpm_passphrase }}"
  notify: Restart DPM
"""

RETURN = r"""
actions:
  description: What was, or would be, done.
  returned: success
  type: list
  elements: str
  sample: ["update /etc/domehead.conf"]
findings:
  description: What the checks say of the configuration as it will be.
  returned: always
  type: list
  elements: dict
  sample:
    - rule: dav.certificate-required
      severity: lock-out
      file: etc/httpd/conf.d/zlcgdm-dav.conf
      line: 41
      message: Clients with a token and without certificate do not get through TLS.
      remedy: Write SSLVerifyClient optional.
      source: WLCG AuthZ working group
found:
  description: What the checks said of the configuration before.
  returned: success
  type: list
  elements: dict
  sample: []
restart:
  description: Units that must be restarted, because what they read at their start is newer than it.
  returned: success
  type: list
  elements: str
  sample: [httpd.service, "xrootd@dpmredir.service"]
apache:
  description: Whether the host's Apache was asked, and what it said.
  returned: success
  type: dict
  sample: {tested: true, output: Syntax OK, version: Apache/2.4.6 (CentOS)}
backups:
  description: Where the old text of changed files is kept.
  returned: success
  type: dict
  sample: {}
release:
  description: Release whose rules were used, that of the installed package where there is one.
  returned: success
  type: str
  sample: 1.15.2
calls:
  description: How many times the host was called.
  returned: always
  type: int
  sample: 1
"""
