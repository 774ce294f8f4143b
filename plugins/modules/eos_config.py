# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of eos_config; the work is done by the action plug-in of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: eos_config
short_description: Configuration files of EOS nodes from the description of their storage
version_added: 0.1.0
description:
  - Plans C(/etc/xrd.cf.mgm) and C(/etc/xrd.cf.fst) with HTTP doors, third-party copies and tokens, C(scitokens.cfg) with the local user
    of each issuer, the unit drop-in of storage nodes, certificates and local accounts, and writes what differs.
  - Files that are there are edited in place. Comments, order and lines made by hand stay; new files are written whole.
  - The result is checked before it is written. What would lock users out or open a door is refused.
  - One call reads the host and, when something differs, one call writes; a second run is the reading call alone.
  - Restarts nothing. RV(restart) names the units when they must be restarted, also when an earlier run was interrupted before its restart.
  - Spaces, directories, quotas and identity maps are kept by the instance itself, see M(escape.datalake.eos_instance).
options:
  parts:
    description: What runs on the host, the head node (V(mgm)), a storage node (V(fst)) or both.
    type: list
    elements: str
    choices: [mgm, fst]
    default: [mgm, fst]
  instance:
    description: Name of a new instance; it begins with C(eos). A head node that has one keeps it.
    type: str
    default: eosdev
  certificate:
    description: Host certificate that the services read.
    type: path
    default: /etc/grid-security/daemon/hostcert.pem
  key:
    description: Its key.
    type: path
    default: /etc/grid-security/daemon/hostkey.pem
  certificate_source:
    description: Certificate on the host that is copied to O(certificate). Without it that file is made by somebody else.
    type: path
  key_source:
    description: Key on the host that is copied to O(key). It never leaves the host.
    type: path
  authorities:
    description: Directory with the authorities that peers are checked with.
    type: path
    default: /etc/grid-security/certificates
  fst_port:
    description: Port of the HTTP door of storage nodes.
    type: int
    default: 9001
  macaroons_file:
    description: File with the secret of macaroons, which the plug-in that loads tokens too needs to start. Its text is not read.
    type: path
    default: /etc/eos.macaroon.secret
  directives:
    description: Further lines for the head node.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - escape.datalake.host_config
  - escape.datalake.eos_accounts
attributes:
  check_mode:
    description: Plans and checks without writing.
    support: full
  diff_mode:
    description: Shows each file; of keys only that they change.
    support: full
author:
  - The escape.datalake authors (@escape-wp2)
seealso:
  - module: escape.datalake.eos_instance
"""

EXAMPLES = r"""
- name: Configure a head node
  escape.datalake.eos_config:
    lake: "{{ datalake_lake }}"
    storage: "{{ datalake_storage }}"
    parts: [mgm]
    accounts:
      - {issuer: escape, user: escape, uid: 2001, gid: 2001}
      - {issuer: escape, group: /escape/data-manager, user: escapedm, uid: 2002, gid: 2001}
    certificate_source: /etc/grid-security/hostcert.pem
    key_source: /etc/grid-security/hostkey.pem
  notify: Restart EOS
"""

RETURN = r"""
actions:
  description: What was, or would be, done.
  returned: success
  type: list
  elements: str
  sample: ["update /etc/xrd.cf.mgm"]
findings:
  description: What the checks say of the configuration as it will be. Keys rule, severity, file, line, message, remedy and source.
  returned: always
  type: list
  elements: dict
  sample: []
found:
  description: What the checks said of the configuration before.
  returned: success
  type: list
  elements: dict
  sample: []
restart:
  description: Units that must be restarted, because what they read at their start is newer than it, or because they do not run.
  returned: success
  type: list
  elements: str
  sample: [eos@mgm.service]
missing_users:
  description: Local users of O(accounts) that the host does not know.
  returned: success
  type: list
  elements: str
  sample: [escape]
services:
  description: State of the units before anything was restarted. Keys load, active, enabled, started and daemon_reload.
  returned: success
  type: dict
  sample: {eos@mgm.service: {load: loaded, active: active, enabled: enabled, started: 1767225600.5, daemon_reload: false}}
macaroons_secret:
  description: Whether the secret of macaroons is there.
  returned: success
  type: bool
  sample: true
backups:
  description: Where the old text of changed files is kept.
  returned: success
  type: dict
  sample: {}
release:
  description: Release whose rules were used, that of the installed package where there is one.
  returned: success
  type: str
  sample: 5.0.31-1
calls:
  description: How many times the host was called.
  returned: success
  type: int
  sample: 1
"""
