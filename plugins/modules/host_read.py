#!/usr/bin/python
# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_read
short_description: Reads files and a few facts of a host in one call
version_added: 0.1.0
description:
  - Returns the text of configuration files together with owner, mode and time of change, and the state of services, packages and users.
  - One call replaces a round of C(slurp), C(stat), C(package_facts) and C(service_facts) tasks, so that the controller can plan.
  - Changes nothing.
options:
  paths:
    description:
      - Files whose text is wanted. Shell patterns are allowed.
      - A path without pattern that does not exist is in the answer as missing.
    type: list
    elements: str
    default: []
  secrets:
    description:
      - Files of which only owner, mode and SHA-256 digest are wanted. Their text is never returned, also when O(paths) names them too.
    type: list
    elements: str
    default: []
  stats:
    description: Files and directories that are only looked at.
    type: list
    elements: str
    default: []
  trees:
    description:
      - Whole directories of configuration, as patterns of absolute paths; their texts are in RV(trees).
      - A star at the end of a pattern covers all that lies below; other stars stay within one name.
      - Binary files, private keys, files that O(secrets) names, and what is longer than O(limit) are left out.
    type: list
    elements: str
    default: []
  services:
    description: Units of systemd. Shell patterns name units that systemd has loaded.
    type: list
    elements: str
    default: []
  packages:
    description: Packages of dpkg or rpm.
    type: list
    elements: str
    default: []
  users:
    description: Users whose ids and home are wanted.
    type: list
    elements: str
    default: []
  tls_ports:
    description:
      - Ports of this host where a TLS server should answer.
      - A port counts as answering when a handshake comes to an end within O(tls_timeout), whatever the certificate.
    type: list
    elements: int
    default: []
  tls_timeout:
    description: Seconds for each of them.
    type: float
    default: 5
  limit:
    description: Files longer than this many bytes are returned without their text.
    type: int
    default: 1048576
attributes:
  check_mode:
    description: Reads only, so it does the same in check mode.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
author:
  - The escape.datalake authors (@escape-wp2)
seealso:
  - module: escape.datalake.host_write
"""

EXAMPLES = r"""
- name: Read the configuration of XRootD
  escape.datalake.host_read:
    paths:
      - /etc/xrootd/*.cfg
      - /etc/xrootd/authdb
    secrets: [/etc/grid-security/xrd/hostkey.pem]
    stats: [/data/fast]
    services: [xrootd@datalake.service]
    packages: [xrootd-server]
    users: [xrootd]
  register: host
"""

RETURN = r"""
files:
  description:
    - What was found, by path. Keys exists, kind (file, directory, link or other), owner, group, mode, size (bytes), mtime (seconds
      since the epoch), sha256, content (text of a file that was asked for with O(paths)), and binary (true when a file is not UTF-8 text).
  returned: always
  type: dict
  sample: {/etc/xrootd/authdb: {exists: true, kind: file, owner: root, group: xrootd, mode: "0640", content: "u * /pub rl\n"}}
trees:
  description:
    - Texts of the files that O(trees) found, as base64 text of zlib-compressed JSON with the keys texts and left_out (why, by path).
    - Paths in it are relative to the root of the host.
  returned: always
  type: str
  sample: eJyrVipJrSgpVrJSqK7VUVDKSU0ric8vLQHzawGUxgoL
missing:
  description: Paths without pattern that do not exist.
  returned: always
  type: list
  elements: str
  sample: [/etc/xrootd/scitokens.cfg]
services:
  description:
    - State of units, by name. Keys load, active, enabled (words of systemd), started (seconds since the epoch when the unit became active,
      or null) and daemon_reload (true when its files are newer than what systemd knows).
  returned: always
  type: dict
  sample: {xrootd@datalake.service: {load: loaded, active: active, enabled: enabled, started: 1767225600.5, daemon_reload: false}}
answers:
  description: Whether a TLS server answers, by port; null where nothing listens.
  returned: always
  type: dict
  sample: {"1094": true}
packages:
  description: Version of each package, null when it is not installed.
  returned: always
  type: dict
  sample: {xrootd-server: 5.5.3-1}
users:
  description: Keys uid, gid, group and home of each user, null when there is none.
  returned: always
  type: dict
  sample: {xrootd: {uid: 101, gid: 102, group: xrootd, home: /var/spool/xrootd}}
hostname:
  description: Name of the host as it calls itself.
  returned: always
  type: str
  sample: se1.example.org
now:
  description: Time of the host in seconds since the epoch.
  returned: always
  type: float
  sample: 1767225600.5
"""

import os
import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.escape.datalake.plugins.module_utils import host_files, host_trees

SERVICE_PROPERTIES = "Id,LoadState,ActiveState,UnitFileState,ActiveEnterTimestampMonotonic,NeedDaemonReload"


def read_services(module: AnsibleModule, names: list[str]) -> dict[str, dict[str, Any]]:
    """State of units; empty where systemd does not answer (a container, a chroot)."""
    systemctl = module.get_bin_path("systemctl")
    if not names or not systemctl:
        return {}
    _code, text, _errors = module.run_command([systemctl, "show", "--no-pager", "-p", SERVICE_PROPERTIES, "--", *names])
    return host_files.parse_services(text, time.time(), time.clock_gettime(time.CLOCK_MONOTONIC))


def read_packages(module: AnsibleModule, names: list[str]) -> dict[str, str | None]:
    """Versions of installed packages."""
    versions: dict[str, str | None] = dict.fromkeys(names)
    if not names:
        return versions
    dpkg, rpm = module.get_bin_path("dpkg-query"), module.get_bin_path("rpm")
    if dpkg:
        _code, text, _errors = module.run_command([dpkg, "-W", "-f", "${Package}\t${Version}\t${db:Status-Status}\n", "--", *names])
        rows = [line.split("\t") for line in text.splitlines()]
        versions.update({row[0]: row[1] for row in rows if len(row) == 3 and row[2] == "installed" and row[0] in versions})
    elif rpm:
        _code, text, _errors = module.run_command([rpm, "-q", "--qf", "%{NAME}\t%{VERSION}-%{RELEASE}\n", "--", *names])
        rows = [line.split("\t") for line in text.splitlines()]
        versions.update({row[0]: row[1] for row in rows if len(row) == 2 and row[0] in versions})
    return versions


def main() -> None:
    texts = {"type": "list", "elements": "str", "default": []}
    module = AnsibleModule(
        argument_spec={
            "paths": dict(texts),
            "secrets": {"type": "list", "elements": "str", "default": [], "no_log": False},
            "stats": dict(texts),
            "trees": dict(texts),
            "services": dict(texts),
            "packages": dict(texts),
            "users": dict(texts),
            "tls_ports": {"type": "list", "elements": "int", "default": []},
            "tls_timeout": {"type": "float", "default": 5.0},
            "limit": {"type": "int", "default": 1048576},
        },
        supports_check_mode=True,
    )
    options = module.params
    try:
        files = host_files.read_paths(options["paths"], options["secrets"], options["stats"], options["limit"])
        secrets = [path.lstrip("/") for path in options["secrets"]]
        trees = host_trees.read_trees("/", options["trees"], secrets, options["limit"])
    except OSError as problem:
        module.fail_json(msg=f"cannot read {problem.filename}: {problem.strerror}")
    module.exit_json(
        changed=False,
        files=files,
        trees=trees.pack(),
        missing=[path for path, found in files.items() if not found["exists"]],
        services=read_services(module, options["services"]),
        answers={str(port): host_files.answers_tls(port, options["tls_timeout"]) for port in options["tls_ports"]},
        packages=read_packages(module, options["packages"]),
        users={name: host_files.describe_user(name) for name in options["users"]},
        hostname=os.uname().nodename,
        now=time.time(),
    )


if __name__ == "__main__":
    main()
