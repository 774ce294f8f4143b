# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of xrootd_config; the work is done by the action plug-in of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: xrootd_config
short_description: Configuration of an XRootD server from the description of its storage
version_added: 0.1.0
description:
  - Plans main file, C(scitokens.cfg), C(authdb), unit drop-in, certificates and directories of an XRootD server, and writes what differs.
  - Files that are there are edited in place. Comments, order and lines made by hand stay; new files are written whole.
  - The result is checked before it is written. What would lock users out, open a door, or keep the server from starting is refused.
  - One call reads the host and, when something differs, one call writes; a second run is the reading call alone.
  - Restarts nothing. RV(restart) names the unit when it must be restarted, also when an earlier run was interrupted before its restart.
options:
  instance:
    description: Name of the instance. Its unit is C(xrootd@NAME.service), its main file C(/etc/xrootd/xrootd-NAME.cfg).
    type: str
    default: datalake
  user:
    description: User of the service.
    type: str
    default: xrootd
  name_space:
    description: Directory that holds the tree of names when the server has none yet. The bytes are in the partitions of the areas.
    type: path
    default: /var/lib/xrootd/ns
  certificate:
    description: Host certificate that the service reads.
    type: path
    default: /etc/grid-security/xrd/hostcert.pem
  key:
    description: Its key. XRootD does not start when others than its user can read it.
    type: path
    default: /etc/grid-security/xrd/hostkey.pem
  certificate_source:
    description: Certificate on the host that is copied to O(certificate). Without it the certificate that the server uses already stays.
    type: path
  key_source:
    description: Key on the host that is copied to O(key). It never leaves the host.
    type: path
  authorities:
    description:
      - File (C(.pem), C(.crt)) or directory with the authorities that certificates of peers are checked with.
      - Without it what the server uses stays; a new one uses the grid authorities where the storage takes X.509, else those of the system.
    type: path
  cache:
    description: Directory for the keys of token issuers, made by systemd when it is below C(/var/cache).
    type: path
    default: /var/cache/xrootd
  lab:
    description:
      - Lets third-party copies reach private and loopback addresses, which XRootD 5.9.3 and later refuse.
      - Never set it on a real site.
    type: bool
    default: false
  monitoring:
    description: Collectors, each as C(HOST:PORT).
    type: dict
    default: {}
    suboptions:
      report:
        description: Gets summaries.
        type: str
      detailed:
        description: Gets the detailed stream.
        type: str
      transfers:
        description: Gets the stream of third-party copies.
        type: str
  macaroons_secret:
    description: Base64 text of 64 random bytes, the same on all servers of a storage. Switches macaroons on.
    type: str
  macaroons_file:
    description: Where the secret is kept.
    type: path
    default: /etc/xrootd/macaroon-secret
  directives:
    description: Further lines for the main file.
    type: list
    elements: str
    default: []
  service:
    description: Further settings of the unit's C([Service]) section, see systemd.exec(5) and systemd.service(5).
    type: dict
    default: {}
  directories:
    description: Further directories of the host that are made for the service.
    type: list
    elements: path
    default: []
extends_documentation_fragment:
  - escape.datalake.host_config
attributes:
  check_mode:
    description: Plans and checks without writing.
    support: full
  diff_mode:
    description: Shows each file; of keys and secrets only that they change.
    support: full
author:
  - The escape.datalake authors (@escape-wp2)
seealso:
  - module: escape.datalake.storage_check
  - module: escape.datalake.host_read
  - module: escape.datalake.host_write
"""

EXAMPLES = r"""
- name: Configure XRootD
  escape.datalake.xrootd_config:
    lake: "{{ datalake_lake }}"
    storage: "{{ datalake_storage }}"
    certificate_source: /etc/grid-security/hostcert.pem
    key_source: /etc/grid-security/hostkey.pem
  notify: Restart XRootD
"""

RETURN = r"""
actions:
  description: What was, or would be, done.
  returned: success
  type: list
  elements: str
  sample: ["update /etc/xrootd/authdb"]
findings:
  description:
    - What the checks say of the configuration as it will be.
    - Keys rule, severity, file, line, message, remedy and source.
  returned: always
  type: list
  elements: dict
  sample:
    - rule: xrootd.authorize-missing
      severity: open
      file: /etc/xrootd/xrootd-datalake.cfg
      line: 17
      message: ofs.authlib is loaded but never asked without ofs.authorize, so anybody may write.
      remedy: Add the directive ofs.authorize.
      source: xrootd src/XrdOfs/XrdOfsConfig.cc
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
  sample: ["xrootd@datalake.service"]
reload:
  description: Files that were written and that the running server reads again by itself, with the seconds that this takes at most.
  returned: success
  type: dict
  sample: {/etc/xrootd/scitokens.cfg: 60}
backups:
  description: Where the old text of changed files is kept.
  returned: success
  type: dict
  sample: {}
service:
  description: State of the unit before anything was restarted. Keys load, active, enabled, started and daemon_reload.
  returned: success
  type: dict
  sample: {load: loaded, active: active, enabled: enabled, started: 1767225600.5, daemon_reload: false}
release:
  description: Release whose rules were used, that of the installed package where there is one.
  returned: success
  type: str
  sample: 5.5.3-1
calls:
  description: How many times the host was called.
  returned: always
  type: int
  sample: 1
"""
