#!/usr/bin/python
# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_write
short_description: Writes many files and directories of a host in one call
version_added: 0.1.0
description:
  - Brings files and directories into the wanted state, all of them or none.
  - The whole request is checked first. New contents are written beside their targets, with owner and mode set before the first byte, and
    put in place by renaming; when one cannot be put in place, those before it are put back.
  - A symbolic link is kept, what it leads to is written.
options:
  files:
    description: Files as they should be.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Where the file is; absolute.
        type: path
        required: true
      content:
        description: Its text. Give this, O(files[].secret_content) or O(files[].source).
        type: str
      secret_content:
        description: Its text, which is kept out of diffs, results and logs.
        type: str
      source:
        description: A file of the same host whose bytes are taken, so that secrets need not leave the host.
        type: path
      state:
        description: V(absent) removes the file.
        type: str
        choices: [present, absent]
        default: present
      owner:
        description: Name or number of the owner. Left alone when not given.
        type: str
      group:
        description: Name or number of the group. Left alone when not given.
        type: str
      mode:
        description: Octal text such as V(0640). Left alone when not given; new files get V(0644).
        type: str
      backup:
        description: Keeps the old file beside the new one, with the time and C(~) behind its name.
        type: bool
        default: false
      secret:
        description: Keeps the text out of the diff; for O(files[].source).
        type: bool
        default: false
  directories:
    description: Directories as they should be. They are made before the files, in the given order; missing parents get mode V(0755).
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Where the directory is; absolute.
        type: path
        required: true
      owner:
        description: Name or number of the owner. Left alone when not given.
        type: str
      group:
        description: Name or number of the group. Left alone when not given.
        type: str
      mode:
        description: Octal text such as V(0750). Left alone when not given; new directories get V(0755).
        type: str
attributes:
  check_mode:
    description: Says what would be written. Users, groups and directories that are missing are taken for the work of earlier tasks.
    support: full
  diff_mode:
    description: Shows each file, without the text of secrets.
    support: full
author:
  - The escape.datalake authors (@escape-wp2)
seealso:
  - module: escape.datalake.host_read
"""

EXAMPLES = r"""
- name: Put the host certificate where XRootD reads it
  escape.datalake.host_write:
    directories:
      - path: /etc/grid-security/xrd
        owner: xrootd
        group: xrootd
        mode: "0755"
    files:
      - path: /etc/grid-security/xrd/hostcert.pem
        source: /etc/grid-security/hostcert.pem
        owner: xrootd
        mode: "0644"
      - path: /etc/grid-security/xrd/hostkey.pem
        source: /etc/grid-security/hostkey.pem
        owner: xrootd
        mode: "0400"
        secret: true
"""

RETURN = r"""
paths:
  description: Files and directories that were written, changed or removed.
  returned: success
  type: list
  elements: str
  sample: [/etc/xrootd/authdb]
backups:
  description: Where old files were kept, by path.
  returned: success
  type: dict
  sample: {/etc/xrootd/authdb: /etc/xrootd/authdb.20260101T000000~}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.escape.datalake.plugins.module_utils import host_files


class SilentModule(AnsibleModule):  # type: ignore[misc]
    """Keeps the invocation, with every text, out of the log of the host.

    The constructor's no_log does not: the controller's own setting replaces it. And the log shows texts with escaped line ends, so that
    secrets of several lines are not recognised in it.
    """

    def _log_invocation(self) -> None:
        pass


def main() -> None:
    place = {"path": {"type": "path", "required": True}, "owner": {"type": "str"}, "group": {"type": "str"}, "mode": {"type": "str"}}
    module = SilentModule(
        argument_spec={
            "files": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": dict(
                    place,
                    content={"type": "str"},
                    secret_content={"type": "str", "no_log": True},
                    source={"type": "path"},
                    state={"type": "str", "choices": ["present", "absent"], "default": "present"},
                    backup={"type": "bool", "default": False},
                    secret={"type": "bool", "default": False, "no_log": False},
                ),
            },
            "directories": {"type": "list", "elements": "dict", "default": [], "options": place},
        },
        supports_check_mode=True,
    )
    try:
        wanted = host_files.plan_writes(module.params["files"], module.params["directories"], module.check_mode)
        written = host_files.write(wanted, module.check_mode)
    except host_files.Refused as refusal:
        module.fail_json(msg=str(refusal), problems=refusal.problems)
    except OSError as problem:
        module.fail_json(msg=f"{problem.filename}: {problem.strerror}; everything was put back")
    module.exit_json(changed=bool(written.changed), paths=written.changed, backups=written.backups, diff=written.diff)


if __name__ == "__main__":
    main()
