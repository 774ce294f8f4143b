# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of storage_check; the work is done by the action plug-in of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: storage_check
short_description: Traps in the configuration of a storage
version_added: 0.1.0
description:
  - Reads the configuration of a storage host, or a copy of it on the controller, and returns what the checks of its system find.
  - Needs no description. Changes nothing on the host; reports are written on the controller where they are asked for, in check mode too.
  - The host is read in one call, and in a second one only when its files name others in unusual places.
options:
  root:
    description:
      - Directory of the controller that stands for the C(/) of a host, such as one that holds a copy of its C(etc).
      - Without it the host itself is read, which needs the rights to read its configuration.
    type: path
  system:
    description: Name of the storage system, where several are configured on one host. Without it the files tell.
    type: str
  release:
    description: Full version of the storage software. Without it that of the installed package; a copy has none.
    type: str
  report:
    description: File of the controller for the findings as JSON.
    type: path
  sarif:
    description: File of the controller for the findings as SARIF 2.1.0.
    type: path
  fail_at:
    description:
      - From which severity on the task fails. V(error) stands for errors, open doors and lock-outs.
      - Where the task does not fail, warnings are said.
    type: str
    choices: [error, warning, never]
    default: error
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
  - module: escape.datalake.storage_survey
  - module: escape.datalake.storage_adopt
"""

EXAMPLES = r"""
- name: Look for traps on a site that nobody has described
  escape.datalake.storage_check:
    report: "reports/{{ inventory_hostname }}.json"
  become: true

- name: The same on a copy of its files
  escape.datalake.storage_check:
    root: copies/se.example.org
    release: 9.2.30
  delegate_to: localhost
"""

RETURN = r"""
system:
  description: Storage system that was found.
  returned: when the site could be read
  type: str
  sample: dcache
release:
  description: Release whose rules were used; empty when nothing tells it.
  returned: when the site could be read
  type: str
  sample: 9.2.30
findings:
  description: The worst first. Keys rule, severity, file (relative to the root), line, message, remedy and source.
  returned: when the site could be read
  type: list
  elements: dict
  sample:
    - rule: dcache.property.forbidden
      severity: error
      file: etc/dcache/dcache.conf
      line: 17
      message: Property webdav.net.ports.tcp is forbidden.
      remedy: Remove the line.
      source: dCache skel/share/defaults/webdav.properties
exit_code:
  description: 0 clean or notices, 1 warnings, 2 errors, open doors or lock-outs.
  returned: when the site could be read
  type: int
  sample: 2
summary:
  description: The number of findings by severity, in words.
  returned: when the site could be read
  type: str
  sample: 1 error, 2 notices
text:
  description: The findings for people.
  returned: when the site could be read
  type: str
  sample: "dcache 9.2.30: no findings\n"
calls:
  description: How many times the host was called.
  returned: always
  type: int
  sample: 1
"""
