"""The stand-in of IAM with people that a test chooses, changed by starting it again."""

from __future__ import annotations

import contextlib
import uuid
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.escape.datalake.tests.standins import StandIn, free_port, make_ca, running, write_config

CLIENT = {"client_id": "rucio-account-sync", "client_secret": "sync-lab"}


def person(username: str, *groups: str, **more: Any) -> dict[str, Any]:
    """A user of the stand-in's configuration, whose id follows from the name."""
    names = {"given_name": username.capitalize(), "family_name": "Test", "email": f"{username}@lake.test"}
    return {"id": str(uuid.uuid5(uuid.NAMESPACE_URL, username)), "username": username, **names, "groups": ["escape", *groups], **more}


def certificate(subject: str) -> dict[str, str]:
    return {"subject": subject, "issuer": "CN=Lab CA,O=Lake,C=FR"}


class IamPeople:
    """A token issuer on loopback. has() says who is in it from now on. shown_as: its issuer, where a proxy stands before it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self._running = folder, free_port(), contextlib.ExitStack()
        if not (folder / "ca.pem").exists():
            make_ca(folder)
        self.shown_as = ""
        self.server: StandIn
        self.starts = 0

    @property
    def url(self) -> str:
        return self.shown_as or f"https://localhost:{self.port}/"

    @property
    def options(self) -> dict[str, Any]:
        """The option iam of the modules."""
        return {"url": self.url, "ca_path": str(self.folder / "ca.pem"), **CLIENT}

    def has(self, *people: dict[str, Any]) -> None:
        self.stop()
        self.starts += 1
        groups = sorted({"escape", *(group for each in people for group in each["groups"])})
        client = {"id": CLIENT["client_id"], "secret": CLIENT["client_secret"], "grants": ["client_credentials"], "scopes": ["scim:read"]}
        other = {"id": "other", "secret": "other-lab", "grants": ["client_credentials"], "scopes": ["wlcg.groups"]}
        issuer = {
            "name": "escape",
            "url": self.url,
            "groups": [{"name": name} for name in groups],
            "users": list(people),
            "clients": [client, other],
        }
        config = write_config(
            self.folder / f"config{self.starts}.yml", yaml.safe_dump({"data": str(self.folder / "data"), "issuers": [issuer]})
        )
        self.server = self._running.enter_context(running("iam", config, self.folder, self.port))

    def stop(self) -> None:
        self._running.close()
