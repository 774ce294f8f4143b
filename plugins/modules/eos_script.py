#!/usr/bin/python
# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: eos_script
short_description: Runs commands of the EOS console in one process
version_added: 0.1.0
description:
  - Writes the commands into a script and runs it with C(eos -b) on the host, as the user of the task, who has to be root of the instance.
  - The exit code of such a script is always 0 (console/ConsoleMain.cc of EOS). Read afterwards what the instance holds, as
    M(escape.datalake.eos_instance) does.
options:
  commands:
    description: Commands as they are typed in the console, one each.
    type: list
    elements: str
    required: true
  json:
    description: Asks for answers in JSON, until the command C(json) switches that off.
    type: bool
    default: false
  read_only:
    description: The commands only read. They then run in check mode too, and the task changes nothing.
    type: bool
    default: false
  executable:
    description: The console.
    type: str
    default: eos
  url:
    description: Head node of the instance, such as V(root://eos.example.org). Without it, that of the host.
    type: str
attributes:
  check_mode:
    description: Runs commands that only read, and no others.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
author:
  - The escape.datalake authors (@escape-wp2)
seealso:
  - module: escape.datalake.eos_instance
"""

EXAMPLES = r"""
- name: Read the spaces of an instance
  escape.datalake.eos_script:
    commands: [space ls, fs ls]
    json: true
    read_only: true
  register: answers
"""

RETURN = r"""
stdout:
  description: What the commands answered, one after the other.
  returned: always
  type: str
  sample: '{"errormsg": "", "result": [], "retc": "0"}'
stderr:
  description: What they complained about.
  returned: always
  type: str
  sample: ""
rc:
  description: Exit code of the console.
  returned: always
  type: int
  sample: 0
"""

import os
import tempfile

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "commands": {"type": "list", "elements": "str", "required": True},
            "json": {"type": "bool", "default": False},
            "read_only": {"type": "bool", "default": False},
            "executable": {"type": "str", "default": "eos"},
            "url": {"type": "str"},
        },
        supports_check_mode=True,
    )
    options = module.params
    commands = options["commands"]
    odd = [command for command in commands if not command.strip() or "\n" in command]
    if odd:
        module.fail_json(msg=f"a script ends at its first empty line, and takes one command a line: {odd[0]!r}")
    if module.check_mode and not options["read_only"]:
        module.exit_json(changed=True, stdout="", stderr="", rc=0)
    handle, path = tempfile.mkstemp(suffix=".eosh", dir=module.tmpdir)
    try:
        with os.fdopen(handle, "w") as stream:
            stream.write("".join(command + "\n" for command in commands))
        words = [module.get_bin_path(options["executable"], required=True), "-b"]
        words += ["-j"] if options["json"] else []
        words += [options["url"]] if options["url"] else []
        code, answer, complaints = module.run_command([*words, path])
    finally:
        os.unlink(path)
    if code:
        module.fail_json(msg=f"the EOS console ended with {code}: {complaints.strip() or answer.strip()}", rc=code)
    module.exit_json(changed=not options["read_only"], stdout=answer, stderr=complaints, rc=code)


if __name__ == "__main__":
    main()
