# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of eos_instance: one process reads the instance, one writes, one reads what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.checks.eos import check_instance
from ansible_collections.escape.datalake.plugins.plugin_utils.eos_arguments import ACCOUNTS, accounts_of, placements_of, spaces_of
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import eos_answers
from ansible_collections.escape.datalake.plugins.plugin_utils.host_action import HostAction, Stop, as_dicts, refuse
from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import load_lake, load_storage
from ansible_collections.escape.datalake.plugins.plugin_utils.systems import eos_instance
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.eos_instance import Disk, Step, Wanted


class ActionModule(HostAction):
    ARGUMENTS = {
        "lake": {"type": "dict", "required": True},
        "storage": {"type": "dict", "required": True},
        "accounts": ACCOUNTS,
        "placements": {"type": "dict", "default": {}},
        "file_systems": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "uuid": {"type": "str", "required": True},
                "host": {"type": "str", "required": True},
                "port": {"type": "int", "default": 1095},
                "path": {"type": "path", "required": True},
                "space": {"type": "str", "required": True},
                "status": {"type": "str", "default": "rw"},
            },
        },
        "spaces": {"type": "dict", "default": {}},
        "conversion": {"type": "bool", "default": True},
        "oauth2": {"type": "bool", "default": False},
        "executable": {"type": "str", "default": "eos"},
        "url": {"type": "str"},
        "accept": {"type": "list", "elements": "str", "default": []},
    }

    def configure(self, arguments: dict[str, Any]) -> dict[str, Any]:
        self.calls = 0
        storage = load_storage(arguments["storage"], load_lake(arguments["lake"]))
        wanted = wanted_of(arguments)
        eos_instance.check(storage, wanted)
        spaces, paths = eos_instance.spaces(storage, wanted), [area.path for area in storage.areas]
        found = self._ask(arguments, spaces, paths)
        steps = eos_instance.plan(storage, wanted, found)
        findings = check_instance(eos_instance.after(storage, wanted, found), tokens=bool(storage.issuers))
        refuse(findings, arguments["accept"], what="instance")
        if steps and not self.check_mode:
            complaints = self._script(arguments, [step.command for step in steps], read_only=False)["stderr"]
            left = eos_instance.plan(storage, wanted, self._ask(arguments, spaces, paths))
            if left:
                told = "\n".join([f"  {step.command}" for step in left] + complaints.strip().splitlines()[:20])
                raise Stop({"msg": f"{len(left)} of {len(steps)} changes did not come about:\n{told}", "changed": len(left) < len(steps)})
        return {
            "changed": bool(steps),
            "actions": [f"{step.subject}: {step.command}" for step in steps],
            "diff": _diff(steps),
            "findings": as_dicts(findings),
            "found": as_dicts(check_instance(found, tokens=bool(storage.issuers))),
            "calls": self.calls,
        }

    def _ask(self, arguments: Mapping[str, Any], spaces: list[str], paths: list[str]) -> eos_answers.Instance:
        answer = self._script(arguments, eos_answers.questions(spaces, paths), read_only=True)
        try:
            return eos_answers.read(answer["stdout"], spaces, paths)
        except eos_answers.AnswerError as error:
            told = answer["stderr"].strip()
            raise Stop({"msg": f"{error} Is the instance up, and may root administer it? {told}".strip()}) from None

    def _script(self, arguments: Mapping[str, Any], commands: list[str], *, read_only: bool) -> dict[str, Any]:
        self.calls += 1
        places = {name: arguments[name] for name in ("executable", "url") if arguments[name]}
        return self.module("eos_script", {"commands": commands, "json": read_only, "read_only": read_only, **places})


def wanted_of(arguments: Mapping[str, Any]) -> Wanted:
    """What the arguments say beside the description."""
    spaces = spaces_of(arguments["spaces"])
    return Wanted(
        accounts=accounts_of(arguments["accounts"]),
        placements=placements_of(arguments["placements"]),
        disks=tuple(Disk(**each) for each in arguments["file_systems"]),
        group_size={name: each["group_size"] for name, each in spaces.items() if each["group_size"] is not None},
        groups={name: each["groups"] for name, each in spaces.items() if each["groups"] is not None},
        settings={name: {key: str(value) for key, value in each["settings"].items()} for name, each in spaces.items() if each["settings"]},
        conversion=arguments["conversion"],
        oauth2=arguments["oauth2"],
    )


def _diff(steps: list[Step]) -> list[dict[str, str]]:
    texts: dict[str, list[Step]] = {}
    for step in steps:
        texts.setdefault(step.subject, []).append(step)
    return [
        {
            "before_header": subject,
            "after_header": subject,
            "before": "".join(f"{step.before}\n" for step in changes if step.before),
            "after": "".join(f"{step.after}\n" for step in changes),
        }
        for subject, changes in texts.items()
    ]
