# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registers lakes in a real Rucio server, ours beside its peers, and writes what each cost.

usage: PYTHONPATH=.cache python bench/registration.py [--quick] [--backend postgresql|sqlite] [--only full:100 ...] [RESULT.json]

Needs PostgreSQL's programs (Debian: postgresql). Each method runs in a process of its own, the slow ones only where they end in minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests/integration/rucio"))

import lakes  # noqa: E402
from cost import Cost, cost_of, keep  # noqa: E402
from postgresql import Cluster  # noqa: E402
from rucio_server import PASSWORD, RucioServer  # noqa: E402

WORKERS = 2
NEW = lakes.PER_SITE  # RSEs of the site that is added
KEYS = ("case", "n", "mesh", "backend", "method")


@dataclass(frozen=True)
class Row(Cost):
    """One measurement; the form of bench/results/registration.json."""

    case: str
    n: int
    mesh: str
    backend: str
    method: str


# Size of the lake -> methods of its first registration. Calls one by one take hours for a large full mesh.
FIRST = ("ours", "import", "import-chunks", "raw8", "client", "escape")
SCENARIOS: dict[str, dict[int, tuple[str, ...]]] = {
    "full": {10: FIRST, 100: FIRST, **dict.fromkeys((500, 1000), ("ours", "import", "import-chunks"))},
    "sparse": {10: FIRST, 100: FIRST, 500: FIRST, 1000: ("ours", "import", "import-chunks", "raw8")},
}
QUICK: dict[str, dict[int, tuple[str, ...]]] = {"full": {10: FIRST, 100: FIRST}, "sparse": {10: FIRST, 100: FIRST}}


class Bench:
    """Measures methods on one backend; every row is in the file of results at once."""

    def __init__(self, backend: str, cluster: Cluster, home: Path, result: Path) -> None:
        self.backend, self.cluster, self.home, self.result = backend, cluster, home, result
        self.measured = 0
        self.failed: list[str] = []
        self._servers = 0

    @contextmanager
    def server(self) -> Iterator[RucioServer]:
        """A server without RSEs."""
        self._servers += 1
        home = self.home / f"{self.backend}{self._servers}"
        home.mkdir()
        database = self.cluster.fresh(f"rucio{self._servers}") if self.backend == "postgresql" else ""
        server = RucioServer(home, "https://issuer.example.org/", database=database, workers=WORKERS)
        server.start()
        try:
            yield server
        finally:
            server.stop()

    def measure(self, server: RucioServer, method: str, case: str, n: int, mesh: str) -> None:
        task = self._task(server, n, mesh)
        cluster = self.cluster if self.backend == "postgresql" else None
        try:
            cost = cost_of(server, cluster, "methods.py", method, case, task)
        except subprocess.SubprocessError as problem:
            self.failed.append(f"{self.backend} {mesh} n={n} {case} {method}: {problem}")
            print(self.failed[-1], flush=True)
            return
        row = Row(case=case, n=n, mesh=mesh, backend=self.backend, method=method, **vars(cost))
        self.measured += 1
        keep(self.result, vars(row), KEYS)
        print(
            f"{row.backend:10} {row.mesh:6} n={row.n:<4} {row.case:8} {row.method:13} {row.seconds:8.2f} s, "
            f"server {row.server_cpu:7.2f} s, {row.requests} requests, {row.writes} writes, {row.peak_mb:.0f} MB",
            flush=True,
        )

    def scenario(self, mesh: str, n: int, methods: tuple[str, ...]) -> None:
        """First registration by each method, each on a server of its own; on ours: runs without change, then a new site."""
        for method in methods:
            with self.server() as server:
                self.measure(server, method, "first", n, mesh)
                if method == "ours":
                    self.measure(server, "ours", "noop", n, mesh)
                    self._run(server, "ours-light", "noop", n, mesh)
                    self.measure(server, "ours-light", "noop", n, mesh)
                    self.measure(server, "export", "noop", n, mesh)
                elif method in ("import", "escape") and n <= 100:
                    self.measure(server, method, "noop", n, mesh)
        for method in ("ours", "bare"):
            if mesh == "full" and n > 100 and method == "bare":
                continue  # its calls for a full mesh are counted, not run: the sparse lake shows their price
            with self.server() as server:
                self._fill(server, n, mesh)
                self.measure(server, method, "add-site", n + NEW, mesh)

    def _fill(self, server: RucioServer, n: int, mesh: str) -> None:
        """The lake before the new site, by ours and not measured."""
        self._run(server, "ours", "before-site", n + NEW, mesh)

    def _run(self, server: RucioServer, method: str, case: str, n: int, mesh: str) -> None:
        """A run that is not measured."""
        subprocess.run(
            [sys.executable, HERE / "methods.py", method, case],
            input=json.dumps(self._task(server, n, mesh)),
            text=True,
            check=True,
            stdout=subprocess.DEVNULL,
        )

    @staticmethod
    def _task(server: RucioServer, n: int, mesh: str) -> dict[str, Any]:
        copies = str(server.home / "copies")
        return {"url": server.url, "ca": str(server.ca), "password": PASSWORD, "n": n, "mesh": mesh, "new": NEW, "copies": copies}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="lakes of 10 and 100 RSEs only")
    parser.add_argument("--backend", action="append", choices=["postgresql", "sqlite"])
    parser.add_argument("--only", action="append", metavar="MESH:N", help="these lakes only")
    parser.add_argument("--method", action="append", help="these ways only")
    parser.add_argument("result", nargs="?", type=Path, default=HERE / "results/registration.json")
    options = parser.parse_args()
    lakes_of = QUICK if options.quick else SCENARIOS
    started = time.monotonic()
    measured = 0
    failed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="datalake-bench-") as folder, Cluster(Path(folder)) as cluster:
        for backend in options.backend or ["postgresql", "sqlite"]:
            bench = Bench(backend, cluster, Path(folder), options.result)
            for mesh, sizes in lakes_of.items():
                for n, methods in sizes.items():
                    if not options.only or f"{mesh}:{n}" in options.only:
                        bench.scenario(mesh, n, tuple(each for each in methods if not options.method or each in options.method))
            measured += bench.measured
            failed += bench.failed
    print(
        f"{measured} measurements in {time.monotonic() - started:.0f} s on {platform.machine()}, {os.cpu_count()} cores: {options.result}"
    )
    if failed:
        raise SystemExit("not measured:\n" + "\n".join(failed))


if __name__ == "__main__":
    main()
