# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ways to give people accounts that are compared: ours and its peers. Run as a process of its own, so that its memory can be told.

usage: python bench/account_methods.py METHOD RUN < {"url", "ca", "password", "iam", "iam_ca", "client_id", "client_secret"};
prints {"seconds", "peak_mb"}
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import requests
import timed

Task = dict[str, Any]
INDIGO = "urn:indigo-dc:scim:schemas:IndigoUser"


def users(task: Task) -> Iterator[dict[str, Any]]:
    """The people, page by page, as the peers read them."""
    http = requests.Session()
    http.trust_env = False
    http.verify = task["iam_ca"]
    form = {"grant_type": "client_credentials", "scope": "scim:read"}
    token = http.post(f"{task['iam']}token", data=form, auth=(task["client_id"], task["client_secret"])).json()["access_token"]
    start, total = 1, 1
    while start <= total:
        page = http.get(
            f"{task['iam']}scim/Users", params={"startIndex": start, "count": 100}, headers={"Authorization": f"Bearer {token}"}
        ).json()
        yield from page["Resources"]
        start, total = start + page["itemsPerPage"], page["totalResults"]


def wanted(user: dict[str, Any], issuer: str) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """Identities (the slash form alone, split at every comma) and attributes of a user."""
    subjects = [each["subjectDn"] for each in user[INDIGO].get("certificates", ())]
    slashes = ["/" + "/".join(reversed(subject.replace("\\,", ";").split(","))) for subject in subjects]
    identities = [("OIDC", f"SUB={user['id']}, ISS={issuer}"), *(("X509", text) for text in slashes)]
    groups = {group["display"] for group in user.get("groups", ())}
    return identities, {"sign-gcs": "True", **({"admin": "True"} if "escape/managers" in groups else {})}


def escape(task: Task) -> None:
    """The algorithm of the ESCAPE scripts over REST: each person's account, identities and attributes are looked up one by one."""
    http = requests.Session()
    http.trust_env = False
    http.verify = task["ca"]
    names = {"Account": "root", "Username": "ddmlab", "Password": task["password"]}
    log_in = http.get(f"{task['url']}/auth/userpass", headers={f"X-Rucio-{key}": value for key, value in names.items()})
    http.headers["X-Rucio-Auth-Token"] = log_in.headers["X-Rucio-Auth-Token"]

    def call(method: str, path: str, body: Any = None) -> requests.Response:
        answer = http.request(method, f"{task['url']}/accounts/{path}", json=body)
        if answer.status_code != 404:
            answer.raise_for_status()
        return answer

    for user in users(task):
        name, mail = user["userName"], user["emails"][0]["value"]
        identities, attributes = wanted(user, task["iam"])
        if call("GET", name).status_code == 404:
            call("POST", name, {"type": "SERVICE", "email": mail})
        held = {(each["type"], each["identity"]) for each in map(json.loads, call("GET", f"{name}/identities").text.splitlines())}
        for kind, text in identities:
            if (kind, text) not in held:
                call("POST", f"{name}/identities", {"identity": text, "authtype": kind, "email": mail, "default": True})
        there = {each["key"] for each in call("GET", f"{name}/attr/").json()}
        for key, value in attributes.items():
            if key not in there:
                call("POST", f"{name}/attr/{key}", {"key": key, "value": value})


def client(task: Task) -> None:
    """rucio-clients, one call after the other: list all accounts, then each one's identities and attributes (Rucio's environment)."""
    from rucio.client import Client

    rucio = Client(
        rucio_host=task["url"],
        auth_host=task["url"],
        account="root",
        auth_type="userpass",
        ca_cert=task["ca"],
        creds={"username": "ddmlab", "password": task["password"]},
    )
    there = {each["account"] for each in rucio.list_accounts()}
    for user in users(task):
        name, mail = user["userName"], user["emails"][0]["value"]
        identities, attributes = wanted(user, task["iam"])
        if name not in there:
            rucio.add_account(name, "USER", mail)
        held = {(each["type"], each["identity"]) for each in rucio.list_identities(name)}
        for kind, text in identities:
            if (kind, text) not in held:
                rucio.add_identity(name, text, kind, mail)
        keys = {each["key"] for page in rucio.list_account_attributes(name) for each in page}
        for key, value in attributes.items():
            if key not in keys:
                rucio.add_account_attribute(name, key, value)


def ours(task: Task) -> None:
    """The module rucio_iam_account."""
    options = {
        "url": task["url"],
        "ca_path": task["ca"],
        "username": "ddmlab",
        "password": task["password"],
        "account": "root",
        "iam": {"url": task["iam"], "ca_path": task["iam_ca"], "client_id": task["client_id"], "client_secret": task["client_secret"]},
        "roles": [
            {"groups": ["escape"], "attributes": {"sign-gcs": "True"}},
            {"groups": ["escape/managers"], "attributes": {"admin": "True"}},
        ],
    }
    timed.module("rucio_iam_account", options, task["run"])


METHODS: dict[str, Callable[[Task], None]] = {"ours": ours, "client": client, "escape": escape}


LIBRARIES = {"ours": [f"{timed.ACTIONS}.rucio_iam_account"], "client": ["rucio.client"]}


def main() -> None:
    method, run = sys.argv[1:]
    task = {**json.load(sys.stdin), "run": run}
    timed.tell(lambda: METHODS[method](task), *LIBRARIES.get(method, ()))


if __name__ == "__main__":
    main()
