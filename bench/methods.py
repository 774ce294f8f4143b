# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ways to register a lake that are compared: ours and its peers. Run as a process of its own, so that its memory can be told.

usage: python bench/methods.py METHOD CASE < {"url", "ca", "password", "n", "mesh", "new", "copies"}; prints {"seconds", "peak_mb"}
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import lakes
import requests
import timed

Task = dict[str, Any]


class Bare:
    """A keep-alive session that is logged in."""

    def __init__(self, task: Task) -> None:
        self.url = task["url"]
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.verify = task["ca"]
        self.http.mount("https://", requests.adapters.HTTPAdapter(pool_connections=16, pool_maxsize=16))
        names = {"Account": "root", "Username": "ddmlab", "Password": task["password"]}
        answer = self.http.get(f"{self.url}/auth/userpass", headers={f"X-Rucio-{key}": value for key, value in names.items()})
        answer.raise_for_status()
        self.http.headers["X-Rucio-Auth-Token"] = answer.headers["X-Rucio-Auth-Token"]

    def call(self, call: lakes.Call, *, missing_is_fine: bool = False) -> requests.Response:
        method, path, body = call
        answer = self.http.request(method, f"{self.url}/{path}", json=body)
        if not (missing_is_fine and answer.status_code == 404):
            answer.raise_for_status()
        return answer


def bare(task: Task, lake: lakes.Lake) -> None:
    """Every write once, one after the other."""
    session = Bare(task)
    for stage in lakes.calls(lake):
        for call in stage:
            session.call(call)


def raw8(task: Task, lake: lakes.Lake) -> None:
    """Every write once, 8 at a time."""
    session = Bare(task)
    with ThreadPoolExecutor(8) as pool:
        for stage in lakes.calls(lake):
            list(pool.map(session.call, stage))


def export(task: Task, lake: lakes.Lake) -> None:
    """One read of everything."""
    Bare(task).call(("GET", "export/?distance=True", None)).json()


def one_import(task: Task, lake: lakes.Lake) -> None:
    Bare(task).call(("POST", "import/", lakes.import_body(lake)))


def import_chunks(task: Task, lake: lakes.Lake) -> None:
    session = Bare(task)
    for body in lakes.import_chunks(lake):
        session.call(("POST", "import/", body))


def escape(task: Task, lake: lakes.Lake) -> None:
    """The algorithm of the ESCAPE scripts over REST: object by object, each looked up first, attributes deleted and written again."""
    session = Bare(task)
    for each in lake.records:
        rse = f"rses/{each['name']}"
        there = session.call(("GET", rse, None), missing_is_fine=True).status_code == 200
        session.call(("PUT" if there else "POST", rse, each["properties"]))
        held = session.call(("GET", f"{rse}/protocols", None), missing_is_fine=True)
        doors = {(door["scheme"], door["hostname"], door["port"]) for door in (held.json() if held.status_code == 200 else ())}
        for door in each["protocols"]:
            if (door["scheme"], door["hostname"], door["port"]) in doors:
                session.call(("PUT", f"{rse}/protocols/{door['scheme']}/{door['hostname']}/{door['port']}", door))
            else:
                session.call(("POST", f"{rse}/protocols/{door['scheme']}", door))
        attributes = session.call(("GET", f"{rse}/attr/", None)).json()
        for key, value in each["attributes"].items():
            if key in attributes:
                session.call(("DELETE", f"{rse}/attr/{key}", None))
            session.call(("POST", f"{rse}/attr/{key}", {"value": value}))
    for source, row in lake.distances.items():
        for destination, distance in row.items():
            path = f"rses/{source}/distances/{destination}"
            held = session.call(("GET", path, None)).json()
            session.call(("PUT" if held else "POST", path, {"distance": distance}))


def client(task: Task, lake: lakes.Lake) -> None:
    """rucio-clients, one call after the other (runs in Rucio's own environment)."""
    from rucio.client import Client

    rucio = Client(
        rucio_host=task["url"],
        auth_host=task["url"],
        account="root",
        auth_type="userpass",
        ca_cert=task["ca"],
        creds={"username": "ddmlab", "password": task["password"]},
    )
    for each in lake.records:
        rucio.add_rse(each["name"], **each["properties"])
        for key, value in each["attributes"].items():
            rucio.add_rse_attribute(each["name"], key, value)
        for door in each["protocols"]:
            rucio.add_protocol(each["name"], dict(door))
    for source, row in lake.distances.items():
        for destination, distance in row.items():
            rucio.add_distance(source, destination, {"distance": distance})


def ours(task: Task, lake: lakes.Lake) -> None:
    """The module rucio_sync."""
    _synchronise(task, lake)


def ours_light(task: Task, lake: lakes.Lake) -> None:
    """The module rucio_sync between two reads of everything; the first of them is a run of this with an empty folder of copies."""
    _synchronise(task, lake, copies=task["copies"], full_read_every=3600)


def _synchronise(task: Task, lake: lakes.Lake, **options: Any) -> None:
    connection = {"url": task["url"], "ca_path": task["ca"], "username": "ddmlab", "password": task["password"], "account": "root"}
    wanted = {"rses": list(lake.records), "distances": {"explicit": lake.distances}}
    timed.module("rucio_sync", {**connection, **wanted, **options}, task["case"])


METHODS: dict[str, Callable[[Task, lakes.Lake], None]] = {
    "ours": ours,
    "ours-light": ours_light,
    "bare": bare,
    "raw8": raw8,
    "export": export,
    "import": one_import,
    "import-chunks": import_chunks,
    "client": client,
    "escape": escape,
}


LIBRARIES = {"ours": [f"{timed.ACTIONS}.rucio_sync"], "ours-light": [f"{timed.ACTIONS}.rucio_sync"], "client": ["rucio.client"]}


def main() -> None:
    method, case = sys.argv[1:]
    task = {**json.load(sys.stdin), "case": case}
    whole = lakes.lake(task["n"], task["mesh"])
    # A tool that is told the whole lake finds out itself what is new; the others are told.
    if case == "before-site":
        wanted = lakes.without_last(whole, task["new"])
    else:
        wanted = lakes.only_new(whole, task["new"]) if case == "add-site" and method != "ours" else whole
    timed.tell(lambda: METHODS[method](task, wanted), *LIBRARIES.get(method, ()))


if __name__ == "__main__":
    main()
