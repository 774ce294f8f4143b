# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs one method and tells what it took; our modules run in this process, as Ansible runs their action plug-ins on the controller."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ACTIONS = "ansible_collections.escape.datalake.plugins.action"


def module(name: str, options: Mapping[str, Any], case: str) -> None:
    """Runs one of our modules; raises SystemExit where it failed, or changed something in a case noop, or nothing in another one."""
    from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

    plugin = import_module(f"{ACTIONS}.{name}").ActionModule
    checked = ArgumentSpecValidator(plugin.ARGUMENTS, **plugin.CONSTRAINTS).validate(options)
    if checked.error_messages:
        raise SystemExit("; ".join(checked.error_messages))
    action = plugin.__new__(plugin)
    action._task = SimpleNamespace(check_mode=False, action=name)
    action._display = SimpleNamespace(display=lambda words: print(words, file=sys.stderr))
    answer = action.act(checked.validated_parameters, {})
    if answer.get("failed"):
        raise SystemExit(answer["msg"][:3000])
    if answer["changed"] == (case == "noop"):
        raise SystemExit(f"{case}: {answer['actions'][:10]}")


def tell(work: Callable[[], None], *libraries: str) -> None:
    """Prints seconds and memory (MB) of some work, as JSON. libraries: loaded before, because that is the start of Python."""
    for library in libraries:
        import_module(library)
    started = time.perf_counter()
    work()
    print(json.dumps({"seconds": time.perf_counter() - started, "peak_mb": _peak_mb()}))


def _peak_mb() -> float:
    """Largest memory of this process, MB (what getrusage tells starts with that of the parent)."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024
