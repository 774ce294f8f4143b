#!/usr/bin/python
# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apache_configtest
short_description: Lets a host's Apache judge files before they are written
version_added: 0.1.0
description:
  - Copies the configuration of the host's Apache HTTP server to a temporary directory, puts the given files in their places there, and runs
    the syntax test of the server on that copy.
  - The configuration of the host is neither changed nor touched, and the copy is removed.
options:
  files:
    description: Files as they should become. Each is below O(root).
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Where the file will be; absolute.
        type: path
        required: true
      content:
        description: Its text, which is kept out of results and logs.
        type: str
        required: true
  root:
    description: Directory of the configuration. The first of C(/etc/httpd) and C(/etc/apache2) when it is not given.
    type: path
  command:
    description: The server. The first of C(httpd) and C(apache2) that is found when it is not given.
    type: path
attributes:
  check_mode:
    description: Does the same.
    support: full
  diff_mode:
    description: Changes nothing, so there is nothing to show.
    support: none
author:
  - The escape.datalake authors (@escape-wp2)
seealso:
  - module: escape.datalake.dpm_config
"""

EXAMPLES = r"""
- name: See whether Apache would take a file
  escape.datalake.apache_configtest:
    files:
      - path: /etc/httpd/conf.d/zlcgdm-dav.conf
        content: "{{ lookup('ansible.builtin.file', 'zlcgdm-dav.conf') }}"
  register: test
  failed_when: not test.valid
"""

RETURN = r"""
installed:
  description: Whether there is an Apache on the host.
  returned: success
  type: bool
  sample: true
valid:
  description: Whether the server takes the configuration; false where there is none.
  returned: success
  type: bool
  sample: true
output:
  description: What the server says, with the paths of the host.
  returned: success
  type: str
  sample: Syntax OK
version:
  description: The server's release.
  returned: when there is one
  type: str
  sample: Apache/2.4.62 (Debian)
"""

import os
import re
import shutil
import subprocess
import tempfile
from typing import Any

from ansible.module_utils.basic import AnsibleModule

ROOTS = ("/etc/httpd", "/etc/apache2")
COMMANDS = ("httpd", "apache2")
MAINS = ("conf/httpd.conf", "apache2.conf", "httpd.conf")
TIMEOUT = 60  # seconds
LIMIT = 1024 * 1024  # bytes of a file that is taken for configuration


def find_server(root: str | None, command: str | None) -> tuple[str, str, str] | None:
    """Directory, main file and command of the host's Apache; None when there is none."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
    server = command or next((found for found in (shutil.which(name, path=path) for name in COMMANDS) if found), None)
    directory = root or next((each for each in ROOTS if os.path.isdir(each)), None)
    if not server or not directory:
        return None
    main = next((each for each in MAINS if os.path.isfile(os.path.join(directory, each))), None)
    return (directory, main, server) if main else None


def copy_tree(root: str, target: str) -> None:
    """Copies a directory of configuration. Links that lead out of it lead to the same place from the copy."""
    for folder, directories, files in os.walk(root):
        here = os.path.normpath(os.path.join(target, os.path.relpath(folder, root)))
        os.makedirs(here, mode=0o700, exist_ok=True)
        for name in directories + files:
            source, copy = os.path.join(folder, name), os.path.join(here, name)
            if os.path.islink(source):
                leads = os.path.realpath(source)
                inside = leads.startswith(root.rstrip("/") + "/")
                os.symlink(os.path.join(target, os.path.relpath(leads, root)) if inside else leads, copy)
            elif os.path.isfile(source) and os.path.getsize(source) <= LIMIT:
                put(copy, repoint(read(source), root, target))


def repoint(text: str, root: str, target: str) -> str:
    """A file whose lines that name files of the configuration name those of the copy."""
    pattern = r"(?im)^(\s*(?:Include|IncludeOptional|ServerRoot)\s+[\"']?)" + re.escape(root.rstrip("/")) + r"(?=[/\"'\s]|$)"
    return re.sub(pattern, lambda found: found.group(1) + target, text)


def read(path: str) -> str:
    with open(path, encoding="utf-8", errors="surrogateescape") as handle:
        return handle.read()


def put(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as handle:
        handle.write(text)


def run_test(directory: str, main: str, server: str, files: list[dict[str, str]]) -> dict[str, Any]:
    """What the server says about its configuration with other files in it."""
    work = tempfile.mkdtemp(prefix="configtest-")
    try:
        copy = os.path.join(work, "root")
        copy_tree(directory, copy)
        for each in files:
            place = os.path.join(copy, os.path.relpath(os.path.realpath(os.path.dirname(each["path"])), os.path.realpath(directory)))
            os.makedirs(place, mode=0o700, exist_ok=True)
            target = os.path.join(place, os.path.basename(each["path"]))
            put(os.path.realpath(target), repoint(each["content"], directory, copy))
        command = [server, "-t", "-d", copy, "-f", os.path.join(copy, main)]
        variables = os.path.join(directory, "envvars")
        if os.path.isfile(variables):  # Debian's settings that its configuration refers to
            command = ["/bin/sh", "-c", '. "$1"; shift; exec "$@"', "sh", variables, *command]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT, check=False)
        output = done.stdout.decode("utf-8", "replace").replace(copy, directory.rstrip("/"))
        return {"valid": done.returncode == 0, "output": output.strip()}
    finally:
        shutil.rmtree(work, ignore_errors=True)


def version_of(server: str) -> str:
    done = subprocess.run([server, "-v"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT, check=False)
    found = re.search(r"Server version:\s*(.+)", done.stdout.decode("utf-8", "replace"))
    return found.group(1).strip() if found else ""


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "files": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {"path": {"type": "path", "required": True}, "content": {"type": "str", "required": True, "no_log": True}},
            },
            "root": {"type": "path"},
            "command": {"type": "path"},
        },
        supports_check_mode=True,
    )
    found = find_server(module.params["root"], module.params["command"])
    if found is None:
        module.exit_json(changed=False, installed=False, valid=False, output="There is no Apache HTTP server on this host.")
        return
    directory, main_file, server = found
    outside = [each["path"] for each in module.params["files"] if not each["path"].startswith(directory.rstrip("/") + "/")]
    if outside:
        module.fail_json(msg="{} is not below {}, the configuration of Apache.".format(", ".join(outside), directory))
    try:
        answer = run_test(directory, main_file, server, module.params["files"])
        module.exit_json(changed=False, installed=True, version=version_of(server), **answer)
    except (OSError, subprocess.SubprocessError) as problem:
        module.fail_json(msg=f"The configuration of Apache in {directory} could not be tested: {problem}")


if __name__ == "__main__":
    main()
