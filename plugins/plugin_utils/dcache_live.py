# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads and changes the quality of service of a running dCache: admin shell, frontend, and chimera for directory tags."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.formats import json_text, qos_policy
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.dcache_args import quoted
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.qos_policy import Policy
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import Change
from ansible_collections.escape.datalake.plugins.plugin_utils.services.dcache_admin import AdminError, AdminShell
from ansible_collections.escape.datalake.plugins.plugin_utils.services.dcache_rest import DcacheRest, Progress
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError
from ansible_collections.escape.datalake.plugins.plugin_utils.systems import dcache_qos_live as live
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_qos import AreaQos
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_qos_live import FileQos, Live, Wishes
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_qos_selection import setup_of

SPACES = r"\s SrmSpaceManager ls spaces"
RESERVED = r"^\d+ voGroup:"  # begin of the answer to a reservation that was made or changed
TAKEN = "Duplicated entry"  # what PoolManager says of a name that is there
IS_THERE = "FileExistsChimeraFsException"  # what chimera says of a directory that is there
ROLE_REFUSED = "does not have permission to change qos"
ROLE_REMEDY = "From 9.2 the account needs a role: roles:qos-user or qos-group in the multimap, or admin, claimed with the option roles."
Run = Callable[[str], tuple[int, str, str]]
"""Runs ``chimera -e -`` with commands as its input; exit code, output and error text."""


class Chimera:
    """The command line of the name space. It ends at the first command that fails, and echoes each before its answer."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.traffic = {"requests": 0, "writes": 0}

    def tags(self, directories: Sequence[str]) -> dict[str, dict[str, str] | None]:
        """All tags of directories; None for one that is not there."""
        names: dict[str, list[str] | None] = {}
        left = list(directories)
        while left:
            answers, problem = self._batch([f"lstag {quoted(path)}" for path in left])
            for path, answer in zip(left, answers, strict=False):
                names[path] = [line for line in answer.splitlines() if line and not line.startswith("Total:")]
            left = left[len(answers) :]
            if problem:
                if "No such file" not in problem and "FileNotFound" not in problem:
                    raise ApiError("chimera", "lstag", left[0], None, problem)
                # What lies below a directory that is not there cannot be there either.
                missing = [path for path in left if path == left[0] or path.startswith(left[0].rstrip("/") + "/")]
                names.update(dict.fromkeys(missing))
                left = [path for path in left if path not in missing]
        wanted = [(path, name) for path, listed in names.items() for name in listed or []]
        found: dict[str, dict[str, str] | None] = {path: None if listed is None else {} for path, listed in names.items()}
        if wanted:
            answers, problem = self._batch([f"readtag {quoted(path)} {quoted(name)}" for path, name in wanted])
            if problem:
                raise ApiError("chimera", "readtag", " ".join(wanted[len(answers)]), None, problem)
            for (path, name), answer in zip(wanted, answers, strict=True):
                tags = found[path]
                if tags is not None:
                    tags[name] = answer.rstrip("\n") + "\n"
        return found

    def write(self, commands: Sequence[str]) -> None:
        """Commands that change the name space, in one run. Raises ApiError for the first that fails.

        A directory that somebody makes meanwhile, such as the chimera of a run that was killed, is there as wanted.
        """
        self.traffic["writes"] += len(commands)
        left = list(commands)
        while left:
            answers, problem = self._batch(left)
            if not problem:
                return
            failed, left = left[len(answers)], left[len(answers) + 1 :]
            if not (failed.startswith("mkdir ") and IS_THERE in problem):
                raise ApiError("chimera", failed.split(" ", 1)[0], failed, None, problem)

    def _batch(self, commands: Sequence[str]) -> tuple[list[str], str]:
        """Answers of the commands that succeeded, and what the next one failed with."""
        self.traffic["requests"] += len(commands)
        code, output, errors = self._run("".join(command + "\n" for command in commands))
        answers: list[list[str]] = []
        for line in output.split("\n"):
            if len(answers) < len(commands) and line == commands[len(answers)]:
                answers.append([])
            elif answers:
                answers[-1].append(line)
        texts = ["\n".join(lines).strip("\n") for lines in answers]
        if code == 0 and len(texts) == len(commands):
            return texts, ""
        words = next((line for line in errors.splitlines() if line.strip()), "") or output.strip()[-300:] or "without a word"
        return texts[:-1] if texts else [], f"chimera ended with code {code}: {words}"


class LiveDcache:
    """A running dCache; what is None is not asked and not changed."""

    def __init__(
        self, areas: Sequence[AreaQos], wishes: Wishes, shell: AdminShell | None, rest: DcacheRest | None, chimera: Chimera | None
    ):
        self._areas, self._wishes = areas, wishes
        self._shell, self._rest, self._chimera = shell, rest, chimera
        self.notes: list[str] = []

    @property
    def traffic(self) -> dict[str, int]:
        parts = [each.traffic for each in (self._shell, self._rest, self._chimera) if each is not None]
        return {name: sum(part[name] for part in parts) for name in ("requests", "writes")}

    def read(self, file: str | None) -> Live:
        """All that plans are made from. file: text of poolmanager.conf, where it counts. Raises ApiError."""
        self.notes = []
        setup = spaces = None
        stores = {}
        if self._shell is not None:
            setup = setup_of(self._shell.read(r"\sp psu dump setup"), self._shell.read(r"\sp pm ls -l"))
            if any(each.reserved for each in self._areas):
                spaces = live.spaces_of(self._shell.read(SPACES))
            if self._wishes.hsm:
                stores = self._stores(self._shell)
        tags = self._chimera.tags(live.directories(self._areas)) if self._chimera else None
        return Live(setup, file, spaces, stores, tags, self._policies() if self._rest and self._wishes.policies else None)

    def files(self, wishes: Sequence[Mapping[str, Any]]) -> tuple[list[live.WantedQos], dict[str, FileQos | None]]:
        """Which files are meant, and what they have. A directory means the files right in it."""
        wanted: list[live.WantedQos] = []
        found: dict[str, FileQos | None] = {}
        if self._rest is None:
            return wanted, found
        for wish in wishes:
            paths: list[str] = []
            for path in wish["paths"]:
                info = self._rest.namespace(path, "qos", "locality", "optional", *(["children"] if wish["directories"] else []))
                if wish["directories"] and info is not None:
                    for child in info.get("children") or []:
                        if child.get("fileType") == "REGULAR":
                            paths.append(f"{path.rstrip('/')}/{child['fileName']}")
                            found[paths[-1]] = live.file_qos(paths[-1], child)
                else:
                    paths.append(path)
                    found[path] = None if info is None or info.get("fileType") == "DIR" else live.file_qos(path, info)
            wanted.append(live.WantedQos(tuple(paths), wish["qos"] or "", wish["policy"] or "", wish["policy_state"]))
        return wanted, found

    def write(self, change: Change, *, bulk: bool, progress: Progress | None = None) -> None:
        """Does one change. Raises ApiError."""
        match change.kind:
            case "setup":
                self._admin().write(r"\sp reload -yes")
            case "setup file":
                self._admin().write(r"\sp save")
            case "command":
                self._command(str(change.after))
            case "link groups":
                self._admin().write(r"\s SrmSpaceManager update link groups")
            case "reservation":
                self._reserve(change)
            case "directory":
                self._names().write(live.making_commands(change.after, self._wishes))
            case "tags":
                self._tag(change)
            case "policy":
                policy = next(one for one in self._wishes.policies if f"policy {one.name}" == change.subject)
                self._frontend().add_policy(qos_policy.parse(qos_policy.render(policy)).value)
            case "qos":
                self._move(change.after, bulk, progress)
            case unknown:
                raise AssertionError(unknown)

    def _command(self, command: str) -> None:
        try:
            self._admin().write(command)
        except AdminError as problem:
            # A pool that starts makes itself known at any moment, after a reload for sure. What it is in is read back later.
            if not (command.startswith(r"\sp psu create ") and TAKEN in str(problem)):
                raise

    def _reserve(self, change: Change) -> None:
        each = self._area(change)
        if change.verb == "create":
            self._admin().write(rf"\s SrmSpaceManager {live.reservation_command(each)}", RESERVED)
            return
        space = live.space_of(each, live.spaces_of(self._admin().read(SPACES)))
        if space is None:
            raise AdminError("SrmSpaceManager", "update space", f"the reservation {each.reservation} is gone")
        self._admin().write(rf"\s SrmSpaceManager update space -size={change.after} {space.token}", RESERVED)

    def _tag(self, change: Change) -> None:
        each, tags = self._area(change), dict(change.after)
        if tags.get("WriteToken") == live.NEW_TOKEN:
            space = live.space_of(each, live.spaces_of(self._admin().read(SPACES)))
            if space is None:
                raise AdminError("SrmSpaceManager", "ls spaces", f"the reservation {each.reservation} is not there")
            tags["WriteToken"] = space.token
        self._names().write(live.tag_commands(each.area.path, tags))

    def _move(self, after: Mapping[str, Any], bulk: bool, progress: Progress | None) -> None:
        arguments = {name: str(value) for name, value in after.items() if name != "paths"}
        if not bulk:
            for path in after["paths"]:
                self._frontend().set_qos(path, arguments["targetQos"])
            return
        failures = self._frontend().bulk("UPDATE_QOS", after["paths"], arguments, progress=progress)
        if failures:
            words = "; ".join(f"{path}: {reason}" for path, reason in list(failures.items())[:5])
            more = f" and {len(failures) - 5} more" if len(failures) > 5 else ""
            if any(ROLE_REFUSED in reason for reason in failures.values()):
                more += f". {ROLE_REMEDY}"
            count = f"{len(failures)} of {len(after['paths'])}"
            raise ApiError("dCache frontend", "UPDATE_QOS", "bulk-requests", None, f"{count}: {words}{more}")

    def _stores(self, shell: AdminShell) -> dict[str, Any]:
        found = {}
        for pool in (pool for each in self._areas for pool in each.pools if pool.tape):
            try:
                found[pool.name] = live.stores_of(shell.read(rf"\s {pool.name} hsm ls"))
            except AdminError as problem:
                if "Cell name does not exist" not in str(problem):
                    raise
                self.notes.append(f"The pool {pool.name} does not run; it learns of its tape from its setup file when it starts.")
        return found

    def _policies(self) -> dict[str, Policy | None]:
        rest = self._frontend()
        names = rest.policies()
        found: dict[str, Policy | None] = {}
        for policy in self._wishes.policies:
            if policy.name in names:
                document = qos_policy.parse(json_text.render(_without_nothing(rest.policy(policy.name))))
                found[policy.name] = None if qos_policy.problems(document) else qos_policy.policy_of(document)
        return found

    def _area(self, change: Change) -> AreaQos:
        return next(each for each in self._areas if f"area {each.area.name}" == change.subject)

    def _admin(self) -> AdminShell:
        if self._shell is None:
            raise AssertionError("no admin shell")
        return self._shell

    def _frontend(self) -> DcacheRest:
        if self._rest is None:
            raise AssertionError("no frontend")
        return self._rest

    def _names(self) -> Chimera:
        if self._chimera is None:
            raise AssertionError("no chimera")
        return self._chimera


def _without_nothing(data: Any) -> Any:
    """JSON without keys that hold null: dCache shows every field of its objects."""
    if isinstance(data, dict):
        return {name: _without_nothing(value) for name, value in data.items() if value is not None}
    return [_without_nothing(each) for each in data] if isinstance(data, list) else data
