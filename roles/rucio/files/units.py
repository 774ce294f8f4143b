# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says which units must be started or restarted, and which are to be stopped.

usage: python3 units.py '{"UNIT": [FILE, ...], ...}' PATTERN

A unit must be (re)started when it is not active or not enabled, when systemd does not know its present unit file, or when one of its files
is newer than its process. Units of PATTERN that are not named are to be stopped. Prints {"restart": {UNIT: reason}, "stop": [UNIT]}.
Runs on the host's own Python, 3.8 or later.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime

PROPERTIES = ("ActiveState", "UnitFileState", "NeedDaemonReload", "ExecMainStartTimestamp")
TIME = "%a %Y-%m-%d %H:%M:%S.%f %z"


def main() -> None:
    wanted: dict[str, list[str]] = json.loads(sys.argv[1])
    restart = {}
    for unit, files in wanted.items():
        reason = reason_to_restart(show(unit), files)
        if reason:
            restart[unit] = reason
    print(json.dumps({"restart": restart, "stop": [unit for unit in running(sys.argv[2]) if unit not in wanted]}))


def reason_to_restart(state: dict[str, str], files: list[str]) -> str:
    """Empty when the unit runs with what its files say."""
    if state["ActiveState"] != "active":
        return f"is {state['ActiveState']}"
    if state["UnitFileState"] != "enabled":
        return f"is {state['UnitFileState'] or 'not enabled'}"
    if state["NeedDaemonReload"] == "yes":
        return "has a changed unit file"
    started = datetime.strptime(state["ExecMainStartTimestamp"].replace("UTC", "+0000"), TIME).timestamp()
    for file in files:
        if os.path.exists(file) and os.stat(file).st_mtime > started:
            return f"is older than {file}"
    return ""


def show(unit: str) -> dict[str, str]:
    lines = systemctl("show", "--timestamp=us+utc", "--property", ",".join(PROPERTIES), unit).splitlines()
    return {key: value for key, _equals, value in (line.partition("=") for line in lines)}


def running(pattern: str) -> list[str]:
    lines = systemctl("list-units", "--all", "--plain", "--no-legend", pattern).splitlines()
    return [line.split()[0] for line in lines if line.split()]


def systemctl(*arguments: str) -> str:
    environment = {**os.environ, "LC_ALL": "C"}
    return subprocess.run(["systemctl", *arguments], check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout


if __name__ == "__main__":
    main()
