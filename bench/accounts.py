# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gives the people of an IAM their accounts in a real Rucio server, ours beside its peers, and writes what each cost.

usage: PYTHONPATH=.cache python bench/accounts.py [--backend postgresql|sqlite] [--only N ...] [RESULT.json]

Needs PostgreSQL's programs (Debian: postgresql) for that backend. Each method runs in a process of its own, and reads the same IAM. Server
seconds are those of Rucio and its database, requests those to Rucio.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests/integration/rucio"))

from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import Tls  # noqa: E402
from ansible_collections.escape.datalake.plugins.plugin_utils.services.rucio import Login, RucioClient  # noqa: E402
from ansible_collections.escape.datalake.tests import standins  # noqa: E402
from cost import Cost, cost_of, keep  # noqa: E402
from iam_people import CLIENT  # noqa: E402
from postgresql import Cluster  # noqa: E402
from rucio_server import PASSWORD, RucioServer  # noqa: E402

WORKERS = 2
METHODS = ("ours", "client", "escape")
SIZES = (100, 1000, 10_000)
LOGIN = Login("userpass", "root", "ddmlab", PASSWORD)
KEYS = ("case", "run", "n", "mesh", "backend", "method")


@dataclass(frozen=True)
class Row(Cost):
    """One measurement. run: first (no account is there), noop (nothing changed), one-percent (so many people came and as many changed)."""

    run: str
    n: int
    backend: str
    method: str
    case: str = "iam"
    mesh: str = "sparse"


def people(count: int, changed: int = 0) -> dict[str, dict[str, Any]]:
    """Users in the form of the stand-in's store: a tenth manages data, half have a certificate. changed: so many are other ones."""
    users = {}
    for number in range(changed // 2, count + changed // 2):
        name = f"person{number:05}"
        manages = number % 10 == 0 or number < changed
        subject = f"CN={name},O=Lake\\, Test,C=FR"
        users[name] = {
            "id": str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
            "username": name,
            "password": None,
            "given_name": "Person",
            "family_name": str(number),
            "email": f"{name}@lake.test",
            "active": True,
            "groups": ["escape", "escape/managers"] if manages else ["escape"],
            "certificates": [{"subject": subject, "issuer": "CN=CA", "label": "grid", "pem": None}] if number % 2 else [],
            "created": "2026-01-01T00:00:00.000Z",
            "modified": "2026-01-01T00:00:00.000Z",
            "end_time": None,
            "service_account": False,
        }
    return {user["id"]: user for user in users.values()}


@contextmanager
def iam(folder: Path, port: int, users: dict[str, dict[str, Any]]) -> Iterator[standins.StandIn]:
    """The stand-in with these users, put into its store because its YAML would take long to read."""
    folder.mkdir()
    standins.make_ca(folder)
    issuer = {
        "name": "escape",
        "url": f"https://localhost:{port}/",
        "groups": [{"name": "escape"}, {"name": "escape/managers"}],
        "clients": [
            {"id": CLIENT["client_id"], "secret": CLIENT["client_secret"], "grants": ["client_credentials"], "scopes": ["scim:read"]}
        ],
    }
    config = standins.write_config(folder / "config.yml", json.dumps({"data": str(folder / "data"), "issuers": [issuer]}))
    store = folder / "data/escape/directory.json"
    store.parent.mkdir(parents=True)
    store.write_text(json.dumps({"users": users, "groups": {}, "clients": {}}))
    with standins.running("iam", config, folder, port) as server:
        yield server


class Bench:
    """Measures methods on one backend."""

    def __init__(self, backend: str, cluster: Cluster | None, home: Path) -> None:
        self.backend, self.cluster, self.home = backend, cluster, home
        self._made = 0

    def scenario(self, n: int) -> Iterator[Row]:
        """First run, run without change, and for ours one where a hundredth is other, each method on a server of its own."""
        for method in METHODS:
            self._made += 1
            home = self.home / f"{self.backend}{self._made}"
            home.mkdir()
            database = self.cluster.fresh(f"accounts{self._made}") if self.cluster else ""
            server = RucioServer(home, "https://issuer.example.org/", database=database, workers=WORKERS)
            server.start()
            RucioClient(server.url, LOGIN, tls=Tls(ca=str(server.ca))).add_rse("LAB-1", {})  # no lake is without one
            port = standins.free_port()  # the same for all runs, because it is in the issuer's name
            try:
                for run in ("first", "noop"):
                    with iam(home / run, port, people(n)) as source:
                        yield self.measure(server, source, method, run, n)
                if method == "ours":
                    with iam(home / "changed", port, people(n, max(4, n // 100))) as source:
                        yield self.measure(server, source, method, "one-percent", n)
            finally:
                server.stop()

    def measure(self, server: RucioServer, source: standins.StandIn, method: str, run: str, n: int) -> Row:
        task = {"url": server.url, "ca": str(server.ca), "password": PASSWORD, "iam": source.url + "/", "iam_ca": source.ca, **CLIENT}
        cost = cost_of(server, self.cluster, "account_methods.py", method, run, task)
        row = Row(run=run, n=n, backend=self.backend, method=method, **vars(cost))
        print(
            f"{row.backend:10} n={row.n:<6} {row.run:12} {row.method:8} {row.seconds:8.2f} s, server {row.server_cpu:7.2f} s, "
            f"{row.requests} requests, {row.writes} writes, {row.peak_mb:.0f} MB",
            flush=True,
        )
        return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", action="append", choices=["postgresql", "sqlite"])
    parser.add_argument("--only", action="append", type=int, metavar="N", help="so many people only")
    parser.add_argument("result", nargs="?", type=Path, default=HERE / "results/accounts.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="datalake-bench-") as folder, ExitStack() as stack:
        for backend in options.backend or ["postgresql", "sqlite"]:
            cluster = stack.enter_context(Cluster(Path(folder))) if backend == "postgresql" else None
            bench = Bench(backend, cluster, Path(folder))
            for n in SIZES:
                if not options.only or n in options.only:
                    for row in bench.scenario(n):
                        keep(options.result, vars(row), KEYS)


if __name__ == "__main__":
    main()
