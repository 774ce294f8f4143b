# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one method costs: itself, the Rucio server and its database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from postgresql import Cluster
from rucio_server import RucioServer, environment

HERE = Path(__file__).resolve().parent
LIMIT = 3600  # seconds for one method


@dataclass(frozen=True)
class Cost:
    """seconds: of the work. server_cpu: processor seconds of server and database. bytes: sent by the server. peak_mb: of the method."""

    seconds: float
    server_cpu: float
    requests: int
    writes: int
    bytes: int
    peak_mb: float


def cost_of(server: RucioServer, cluster: Cluster | None, script: str, method: str, case: str, task: dict[str, Any]) -> Cost:
    """Runs a method in a process of its own. cluster: where the database is, None for SQLite. Raises SubprocessError when it fails."""
    python = environment() if method == "client" else Path(sys.executable)
    settings = {**os.environ, "RUCIO_HOME": str(server.home), "RUCIO_CONFIG": str(server.home / "etc/rucio.cfg")}
    server.calls()
    cpu = _computed(server, cluster)
    done = subprocess.run(
        [python, HERE / script, method, case],
        input=json.dumps(task),
        env=settings,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=LIMIT,
    )
    told = json.loads(done.stdout.splitlines()[-1])
    calls = server.calls()
    return Cost(
        seconds=round(told["seconds"], 3),
        server_cpu=round(_computed(server, cluster) - cpu, 2),
        requests=len(calls),
        writes=sum(call.writes for call in calls),
        bytes=sum(call.size for call in calls),
        peak_mb=round(told["peak_mb"], 1),
    )


def keep(path: Path, row: Mapping[str, Any], keys: Sequence[str]) -> None:
    """Adds a row to a file of results, in the place of an older one of the same case. keys: what makes a case."""
    path.parent.mkdir(parents=True, exist_ok=True)
    known: list[dict[str, Any]] = json.loads(path.read_text()) if path.exists() else []

    def case(each: Mapping[str, Any]) -> list[str]:
        return [str(each[key]).zfill(6) for key in keys]

    rows = [row, *(each for each in known if case(each) != case(row))]
    path.write_text(json.dumps(sorted(rows, key=case), indent=1) + "\n")


def _computed(server: RucioServer, cluster: Cluster | None) -> float:
    """Seconds that the server and its database have computed."""
    return _seconds_of(server.process) + (_seconds_of(cluster.process) if cluster else 0.0)


def _seconds_of(process: int) -> float:
    """Processor seconds of a process and all its descendants, those that ended included."""
    ticks, waiting = 0, [process]
    while waiting:
        each = waiting.pop()
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rsplit(") ", 1)[1].split()
            for task in Path(f"/proc/{each}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
        except OSError:
            continue
        ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")
