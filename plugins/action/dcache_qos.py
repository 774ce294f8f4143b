# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of dcache_qos: the description and a running dCache in, the changes between them out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.action_base import DatalakeAction
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_host import POOLMANAGER_SETUP
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_release import BULK_SERVICE
from ansible_collections.escape.datalake.plugins.plugin_utils.dcache_live import Chimera, LiveDcache
from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import load_lake, load_storage
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import Outcome, Plan, apply, result
from ansible_collections.escape.datalake.plugins.plugin_utils.services.dcache_admin import DEFAULT_PORT, AdminLogin, AdminShell
from ansible_collections.escape.datalake.plugins.plugin_utils.services.dcache_rest import DcacheRest
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError, Tls
from ansible_collections.escape.datalake.plugins.plugin_utils.systems import dcache_qos_live as live
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_qos import CLASSES, AreaQos, plan_areas, release_of
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_qos_options import POOLS, QOS, load_options

NOT_RUN = "Error executing command."  # what ansible.builtin.command says of a program that is not there
NOT_SHOWN = "the server answered that it was done, but does not show it"


class ActionModule(DatalakeAction):
    ARGUMENTS = {
        "lake": {"type": "dict", "required": True},
        "storage": {"type": "dict", "required": True},
        "host": {"type": "str"},
        "pools": POOLS,
        "qos": QOS,
        "admin": {
            "type": "dict",
            "options": {
                "host": {"type": "str", "required": True},
                "port": {"type": "int", "default": DEFAULT_PORT},
                "user": {"type": "str", "default": "admin"},
                "key_file": {"type": "path", "no_log": False},
                "password": {"type": "str", "no_log": True},
                "host_key": {"type": "str", "no_log": False},
                "known_hosts": {"type": "path"},
                "timeout": {"type": "float", "default": 120.0},
            },
            "mutually_exclusive": [["host_key", "known_hosts"]],
        },
        "frontend": {
            "type": "dict",
            "options": {
                "url": {"type": "str", "required": True},
                "token": {"type": "str", "no_log": True},
                "token_file": {"type": "path", "no_log": False},
                "username": {"type": "str"},
                "password": {"type": "str", "no_log": True},
                "roles": {"type": "list", "elements": "str", "default": []},
                "ca_path": {"type": "path"},
                "timeout": {"type": "float", "default": 60.0},
                "wait": {"type": "float", "default": 600.0},
            },
            "mutually_exclusive": [["token", "token_file", "username"]],
            "required_together": [["username", "password"]],
        },
        "chimera": {
            "type": "dict",
            "options": {
                "command": {"type": "path", "default": "/usr/bin/chimera"},
                "owner": {"type": "str", "default": ""},
                "mode": {"type": "str", "default": ""},
            },
        },
        "files": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "paths": {"type": "list", "elements": "path", "required": True},
                "directories": {"type": "bool", "default": False},
                "qos": {"type": "str", "choices": list(CLASSES)},
                "policy": {"type": "str"},
                "policy_state": {"type": "int", "default": 0},
            },
            "mutually_exclusive": [["qos", "policy"]],
            "required_one_of": [["qos", "policy"]],
        },
        "reload": {"type": "bool", "default": False},
        "save": {"type": "bool", "default": False},
        "pool_manager_file": {"type": "path", "default": POOLMANAGER_SETUP},
    }

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        storage = load_storage(arguments["storage"], load_lake(arguments["lake"]))
        host = arguments["host"] or str(task_vars.get("inventory_hostname", ""))
        options = load_options(arguments["qos"], arguments["pools"], host)
        areas, release = plan_areas(storage, options), release_of(storage)
        _reject(arguments)
        owner = arguments["chimera"] or {"owner": "", "mode": ""}
        wishes = live.Wishes(options.hsm, options.policies, arguments["save"], arguments["reload"], owner["owner"], owner["mode"])
        file = self._file(arguments, task_vars) if arguments["admin"] and (wishes.save or wishes.reload) else None
        chimera = Chimera(lambda text: self._chimera(arguments["chimera"]["command"], text, task_vars)) if arguments["chimera"] else None
        bulk = BULK_SERVICE.covers(release)
        with _shell(arguments["admin"], self.check_mode) as shell:
            dcache = LiveDcache(
                areas, wishes, shell if arguments["admin"] else None, _rest(arguments["frontend"], self.check_mode), chimera
            )
            planned = live.plan(areas, release, dcache.read(file), wishes)
            wanted, found = dcache.files(arguments["files"])
            moves = live.file_changes(wanted, found)
            plan = Plan.of([*planned.changes, *moves.changes])
            outcome = apply(
                plan,
                lambda change: dcache.write(change, bulk=bulk, progress=self._progress),
                check_mode=self.check_mode,
                workers=1,  # commands build on each other, and the shell takes one at a time
            )
            if outcome.done and not self.check_mode and any(change.kind != "qos" for change in outcome.done):
                _verify(outcome, live.plan(areas, release, dcache.read(file), wishes))
        refused = [*planned.refused, *moves.refused]
        outcome.failed += refused
        answer = result(Plan((*plan.changes, *(change for change, _reason in refused))), outcome, dcache.traffic)
        notes = [*planned.notes, *dcache.notes]
        return {**answer, "notes": notes, "areas": [_shown(each) for each in areas], **({"warnings": notes} if notes else {})}

    def _progress(self, done: int, every: int, seconds: float) -> None:
        self._display.display(f"dcache_qos: {done} of {every} files done, {seconds:.1f} s")

    def _file(self, arguments: Mapping[str, Any], task_vars: dict[str, Any]) -> str:
        path = arguments["pool_manager_file"]
        answer = self._execute_module(module_name="escape.datalake.host_read", module_args={"paths": [path]}, task_vars=task_vars)
        if answer.get("failed") or answer.get("unreachable"):
            raise ApiError("host", "read", path, None, str(answer.get("msg", "unreachable")))
        content = answer["files"][path].get("content")
        if content is None:
            raise ApiError("host", "read", path, None, "the file is not there, so it can be neither reloaded nor compared")
        return str(content)

    def _chimera(self, command: str, text: str, task_vars: dict[str, Any]) -> tuple[int, str, str]:
        """One run on the host. Reading must happen in check mode too; writing never gets here then."""
        check_mode, self._task.check_mode = self._task.check_mode, False
        try:
            answer = self._execute_module(
                module_name="ansible.legacy.command",
                module_args={"argv": [command, "-e", "-"], "stdin": text, "stdin_add_newline": False, "strip_empty_ends": False},
                task_vars=task_vars,
            )
        finally:
            self._task.check_mode = check_mode
        if answer.get("msg") == NOT_RUN:
            words = "it cannot be run: it comes with dCache's package, so the task belongs on the host of the name space"
            raise ApiError("chimera", "run", command, None, words)
        if answer.get("unreachable") or "rc" not in answer:
            raise ApiError("chimera", "run", command, None, str(answer.get("msg", "unreachable")))
        return int(answer["rc"]), str(answer.get("stdout", "")), str(answer.get("stderr", "") or answer.get("msg", ""))


def _reject(arguments: Mapping[str, Any]) -> None:
    problems = []
    if not any(arguments[name] for name in ("admin", "frontend", "chimera")):
        problems.append(Problem("admin", "There is nothing to talk to.", "Give admin, frontend or chimera."))
    if (arguments["files"] or (arguments["qos"] or {}).get("policies")) and not arguments["frontend"]:
        problems.append(Problem("frontend", "QoS of files and policies need the frontend.", "Give its url and a log-in."))
    if (arguments["reload"] or arguments["save"]) and not arguments["admin"]:
        problems.append(Problem("admin", "reload and save are commands of the admin shell.", "Give admin."))
    if (arguments["qos"] or {}).get("reservations") and bool(arguments["admin"]) != bool(arguments["chimera"]):
        message = "A reservation needs the admin shell, and the tag WriteToken that leads writes to it needs chimera."
        problems.append(Problem("qos.reservations", message, "Give admin and chimera."))
    if problems:
        raise DescriptionError(problems)


def _shell(given: Mapping[str, Any] | None, read_only: bool) -> AdminShell:
    """A shell that logs in at its first command; without options it is never used."""
    return AdminShell(AdminLogin(**given) if given else AdminLogin(""), read_only=read_only)


def _rest(given: Mapping[str, Any] | None, read_only: bool) -> DcacheRest | None:
    if not given:
        return None
    names = ("token", "token_file", "username", "password", "roles", "timeout", "wait")
    return DcacheRest(given["url"], tls=Tls(ca=given["ca_path"]), read_only=read_only, **{name: given[name] for name in names})


def _verify(outcome: Outcome, again: live.Planned) -> None:
    """What was done and is still to be done has failed; what failed already is not told twice."""
    broken = {change.subject for change, _reason in outcome.failed} | {change.subject for change in outcome.skipped}
    done = {(change.subject, change.kind, change.name) for change in outcome.done}
    outcome.failed += [
        (change, NOT_SHOWN)
        for change in again.changes
        if change.subject not in broken and (change.subject, change.kind, change.name) in done and change.name != "save"
    ]


def _shown(each: AreaQos) -> dict[str, Any]:
    """An area in dCache's words, for the result."""
    words: dict[str, Any] = {
        "name": each.area.name,
        "path": each.area.path,
        "qos": each.qos.name,
        "storage_unit": each.unit,
        "pool_group": each.group,
        "pools": [pool.name for pool in each.pools],
    }
    return words | ({"link_group": each.link_group, "reservation": each.reservation} if each.reserved else {})
