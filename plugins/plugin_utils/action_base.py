# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all action plug-ins of the collection share: checked arguments, and failures as sentences instead of tracebacks."""

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError

PROGRESS_PAUSE = 5.0  # seconds


class DatalakeAction(ActionBase):  # type: ignore[misc]
    """The controller's half of a module. A subclass gives ARGUMENTS (an argument spec) and act()."""

    ARGUMENTS: dict[str, Any] = {}
    CONSTRAINTS: dict[str, Any] = {}
    _told_at = 0.0

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        self._supports_check_mode = True
        self._supports_diff = True
        answer: dict[str, Any] = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec=self.ARGUMENTS, **self.CONSTRAINTS)
        try:
            answer.update(self.act(arguments, task_vars or {}))
        except (ApiError, DescriptionError) as problem:
            answer.update(failed=True, msg=str(problem))
            if isinstance(problem, ApiError):
                answer["status"] = problem.status
            else:
                answer["problems"] = [each.as_dict() for each in problem.problems]
        except OSError as problem:
            answer.update(failed=True, msg=f"{problem.filename or 'a file'} cannot be read or written: {problem.strerror or problem}")
        return answer

    @property
    def check_mode(self) -> bool:
        return bool(self._task.check_mode)

    def progress(self, done: int, every: int, seconds: float, what: str = "changes") -> None:
        """Tells a person how far long work is, every few seconds."""
        if seconds > PROGRESS_PAUSE and time.monotonic() - self._told_at > PROGRESS_PAUSE:
            self._told_at = time.monotonic()
            self._display.display(f"{self._task.action.rsplit('.', 1)[-1]}: {done} of {every} {what} done, {seconds:.1f} s")

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Does the work and returns the result; raises ApiError or DescriptionError for a failure that needs no traceback."""
        raise NotImplementedError
