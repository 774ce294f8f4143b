# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the actions share that read an existing site: from the host, or from a copy of its files on the controller."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.action_base import DatalakeAction
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.tree import UnknownTreeError
from ansible_collections.escape.datalake.plugins.plugin_utils.site_files import Copy, Remote, Site, gather

ARGUMENTS: dict[str, Any] = {"root": {"type": "path"}, "system": {"type": "str"}, "release": {"type": "str"}}


class HostFailure(Exception):
    """The host could not be read. result: of the call that failed."""

    def __init__(self, result: Mapping[str, Any]) -> None:
        self.result = {key: value for key, value in result.items() if key in ("msg", "unreachable", "module_stderr", "rc")}
        said = str(result.get("module_stderr", "")).strip()
        if said and "msg" in self.result:  # no answer of the module, but what stood in its way
            self.result["msg"] = f"The host could not be read: {said}"
        super().__init__(str(self.result.get("msg", "")))


class SiteAction(DatalakeAction):
    """A subclass gives study()."""

    ALSO: Mapping[str, tuple[str, ...]] = {}

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        self._variables = task_vars
        remote = Remote(self._host_read)
        source = Copy(Path(arguments["root"])) if arguments["root"] else remote
        try:
            site = gather(source, arguments["system"] or "", arguments["release"] or "", self.ALSO)
            answer = self.study(site, arguments)
        except HostFailure as failure:
            return {"failed": True, **failure.result}
        except (OSError, UnknownTreeError) as problem:
            return {"failed": True, "msg": str(problem)}
        warnings = [f"{path} was not read: {why}." for path, why in site.not_read.items()]
        return {"changed": False, "calls": remote.calls, **answer, "warnings": warnings + list(answer.get("warnings", ()))}

    def study(self, site: Site, arguments: dict[str, Any]) -> dict[str, Any]:
        """From what was read to the result of the task. Raises OSError for a file of the controller that cannot be written."""
        raise NotImplementedError

    def _host_read(self, arguments: dict[str, Any]) -> Mapping[str, Any]:
        answer: dict[str, Any] = self._execute_module(
            module_name="escape.datalake.host_read", module_args=arguments, task_vars=self._variables
        )
        if answer.get("failed") or answer.get("unreachable"):
            raise HostFailure(answer)
        return answer


def name_of(site: Site, host: str | None) -> str:
    """The full name of a site's host: its own, or the one that the inventory or a person gives where that says more."""
    host = host or site.hostname or site.system.name
    return host if not site.hostname or host.startswith(f"{site.hostname}.") else site.hostname


def write_file(path: str, text: str) -> None:
    """Writes a file of the controller, and the directories above it."""
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8", errors="backslashreplace")
