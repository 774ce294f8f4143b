"""The lake as those see it who do not use the collection: its REST interfaces, tokens, logs and secrets."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import requests
import yaml
from site_runs import INVENTORY
from testinfra.host import Host

LAB = Path(os.environ.get("LAB_DIRECTORY", ".cache/molecule-lab"))
READS = {"GET", "HEAD"}


def secrets() -> dict[str, str]:
    """Every secret of the lab by its name."""
    return {path.name: path.read_text().strip() for path in (LAB / "secrets").iterdir()}


def described() -> dict[str, tuple[str, dict[str, Any]]]:
    """RSE -> host that serves it, and its area, from the inventory's own text."""
    found = {}
    for path in sorted((INVENTORY / "host_vars").glob("se*.yml")):
        storage = yaml.safe_load(path.read_text())["datalake_storage"]
        for area in storage["areas"]:
            found[f"{storage['name']}-{area['name']}".upper()] = (path.stem, area)
    return found


class Outside:
    """Requests with the lab's authority."""

    def __init__(self, domain: str) -> None:
        self.domain = domain
        self.http = requests.Session()
        self.http.headers["Connection"] = "close"  # XRootD closes a connection on which it refused an upload
        self.http.trust_env = False
        self.http.verify = str(LAB / "ca" / "ca.pem")
        self._rucio_token = ""

    def rucio(self, path: str) -> list[Any]:
        """The JSON documents, one a line, of a GET; the entries of a document that is a list."""
        base = f"https://rucio.{self.domain}"
        if not self._rucio_token:
            names = yaml.safe_load((INVENTORY / "group_vars/all/lake.yml").read_text())["datalake_rucio"]
            headers = {"Account": names["account"], "Username": names["username"], "Password": secrets()["rucio-root"]}
            answer = self.http.get(f"{base}/auth/userpass", headers={f"X-Rucio-{key}": value for key, value in headers.items()})
            answer.raise_for_status()
            self._rucio_token = answer.headers["X-Rucio-Auth-Token"]
        answer = self.http.get(base + path, headers={"X-Rucio-Auth-Token": self._rucio_token})
        answer.raise_for_status()
        documents = [json.loads(line) for line in answer.text.splitlines() if line.strip()]
        return documents[0] if len(documents) == 1 and isinstance(documents[0], list) else documents

    def attributes(self, rse: str) -> dict[str, Any]:
        return dict(self.rucio(f"/rses/{rse}/attr/")[0])

    def capacity(self, rse: str) -> int:
        return int(next(each["total"] for each in self.rucio(f"/rses/{rse}/usage") if each["source"] == "storage"))

    def cric(self, view: str = "&preset=doma") -> dict[str, Any]:
        answer = self.http.get(f"https://cric.{self.domain}/api/doma/rse/query/?json{view}")
        answer.raise_for_status()
        found = answer.json()
        return dict(found["rses"] if view else found)

    def token(self, scope: str) -> str:
        form = {"grant_type": "client_credentials", "scope": scope}
        answer = self.http.post(f"https://iam.{self.domain}/token", data=form, auth=("probe", secrets()["probe-client"]))
        answer.raise_for_status()
        return str(answer.json()["access_token"])


class Traffic:
    """What the access logs of Rucio and CRIC gained since this was made, by the servers' own account."""

    def __init__(self, rucio: Host, cric: Host) -> None:
        self._rucio, self._cric = rucio, cric
        self._before = len(self._rucio_lines())
        self._cursor = cric.check_output("journalctl --sync && journalctl --unit datalake-cric --lines 0 --show-cursor").split("cursor: ")[
            1
        ]

    def _rucio_lines(self) -> list[str]:
        return str(self._rucio.check_output("cat /var/log/rucio/access.log")).splitlines()

    def rucio(self) -> Counter[str]:
        return _methods(self._rucio_lines()[self._before :])

    def cric(self) -> Counter[str]:
        command = "journalctl --sync && journalctl --unit datalake-cric --output cat --after-cursor %s"
        return _methods(self._cric.check_output(command, self._cursor.strip()).splitlines())


def _methods(lines: list[str]) -> Counter[str]:
    """Requests by method; other lines of a log do not count."""
    return Counter(found[1] for line in lines if (found := re.search(r'"([A-Z]+) /', line)))
