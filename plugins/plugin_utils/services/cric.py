# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CRIC over HTTP, or from files: the two RSE views, and a writer where one is enabled."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError, HttpClient, Tls, read_json

EVERY_STATE = "&state=ANY&site_state=ANY&rcsite_state=ANY"
PLAIN_FILE, DOMA_FILE = "plain.json", "doma.json"
NUMBERS = ("space", "MinFreeSpace", "MaxBeingDeletedFiles")


@dataclass(frozen=True)
class Writer:
    """Where a change set is sent. path: below the address of CRIC or a whole address; token: bearer token, empty for none.

    No such call of the real CRIC is known: its public procedures create objects in the user interface only.
    """

    path: str
    token: str = ""


class CricClient:
    """A client of one CRIC.

    url: address of the instance, or a local copy: ``file:///path`` or a path. A local file holds the preset=doma view; a local directory
    holds doma.json and plain.json. application: its name in CRIC's addresses. writer: None when nothing may be written.
    """

    def __init__(
        self,
        url: str,
        application: str = "doma",
        tls: Tls | None = None,
        *,
        timeout: float = 30.0,
        read_only: bool = False,
        writer: Writer | None = None,
    ) -> None:
        self.url, self.application, self._writer = url, application, writer
        self._folder = _local(url)
        self._http = None if self._folder else HttpClient("CRIC", url, tls=tls, timeout=timeout, read_only=read_only)
        # Why RSEs were left out of the views that were read last, by name.
        self.left_out: dict[str, str] = {}

    @property
    def traffic(self) -> dict[str, int]:
        """Requests and writes sent so far."""
        return self._http.traffic if self._http else {"requests": 0, "writes": 0}

    def rse_views(self, needed: Collection[str] = (), *, allow_empty: bool = False) -> tuple[dict[str, Any], dict[str, Any]]:
        """The plain view and the preset=doma view of RSEs in every state, so that one which is missing is really not in CRIC.

        Raises ApiError where there is no such view, or where an RSE that is needed cannot be read; others that cannot are left_out.
        allow_empty: an answer without any RSE is believed (a new CRIC); otherwise it is an error, because a broken one looks the same.
        """
        query = f"api/{self.application}/rse/query/?json{EVERY_STATE}"
        plain, where = self._read(query, PLAIN_FILE)
        doma, doma_where = self._read(f"{query}&preset=doma", DOMA_FILE)
        if not isinstance(plain, dict):
            raise ApiError("CRIC", "GET", where, None, "expected an object of RSEs: is this the plain view of the application's RSEs?")
        if not isinstance(doma, dict) or not all(isinstance(doma.get(key), dict) for key in ("rses", "distances")):
            raise ApiError("CRIC", "GET", doma_where, None, "expected an object with the objects 'rses' and 'distances' (preset=doma)")
        if not doma["rses"] and not allow_empty:
            words = "not a single RSE: nothing is concluded from an empty answer. Set allow_empty if this CRIC is new"
            raise ApiError("CRIC", "GET", doma_where, None if self._folder else 200, words)
        places = {name: (where, words) for name, fields in plain.items() if (words := _wrong_in_plain(fields))}
        places |= {name: (doma_where, words) for name, fields in doma["rses"].items() if (words := _wrong_in_doma(fields))}
        for name in needed:
            if name in places:
                place, words = places[name]
                raise ApiError("CRIC", "GET", place, None, f"RSE {name}: {words}: mend it in CRIC")
        self.left_out = {name: words for name, (_place, words) in sorted(places.items())}
        rses = {name: fields for name, fields in doma["rses"].items() if name not in places}
        return {name: fields for name, fields in plain.items() if name not in places}, {**doma, "rses": rses}

    def document(self, query: str, name: str) -> Any:
        """One answer as it is, whatever its shape; raises ApiError where there is none that is JSON.

        query: below the address. name: the file in a local directory; a local file is the answer to every query.
        """
        if self._http is not None:
            return self._read(query, name)[0]
        return self._read_file(name)[0]

    def has(self, name: str) -> bool:
        """Whether a document can be asked for: always over HTTP; of a local copy only where its file is there."""
        return self._folder is None or not self._folder.is_dir() or (self._folder / name).exists()

    @property
    def is_file(self) -> bool:
        """Whether this is one local file, which holds one view of RSEs and nothing else."""
        return self._folder is not None and not self._folder.is_dir()

    def write(self, rses: Mapping[str, Any]) -> dict[str, str]:
        """Sends a change set and returns the reason for each RSE that was refused; raises ApiError when the whole of it was.

        It is never repeated: nobody knows what a lost answer did. Read the views again afterwards.
        """
        if self._writer is None or self._http is None:
            raise ApiError("CRIC", "POST", self.url, None, "no writer is enabled")
        headers = {"Authorization": f"Bearer {self._writer.token}"} if self._writer.token else {}
        answer = self._http.request("POST", self._writer.path, json={"rses": rses}, headers=headers)
        told = _decoded(answer.content)
        results = told.get("rses") if isinstance(told, dict) else None
        if not isinstance(results, dict):
            raise ApiError("CRIC", "POST", answer.url, answer.status_code, "the answer does not say what was written: look at CRIC itself")
        return {name: reason for name in rses if (reason := _refusal(results.get(name)))}

    def _read(self, query: str, name: str) -> tuple[Any, str]:
        if self._http is None:
            return self._read_file(name)
        answer = self._http.request("GET", query)
        found = _decoded(answer.content)
        if found is None:
            moved = f", redirected to {answer.headers['Location']}" if "Location" in answer.headers else ""
            words = f"the answer is not JSON{moved}: is this the address of CRIC, or a log-in page before it?"
            raise ApiError("CRIC", "GET", answer.url, answer.status_code, words)
        return found, answer.url

    def _read_file(self, name: str) -> tuple[Any, str]:
        if self._folder is None:
            raise AssertionError("only a client of a folder reads files")
        path = self._folder / name if self._folder.is_dir() else self._folder
        if name == PLAIN_FILE and not self._folder.is_dir():
            return {}, str(path)
        try:
            found = _decoded(path.read_bytes())
        except OSError as problem:
            raise ApiError("CRIC", "read", str(path), None, f"{problem.strerror}: give the file with the preset=doma view") from problem
        if found is None:
            raise ApiError("CRIC", "read", str(path), None, "the file is not JSON")
        return found, str(path)


def _local(url: str) -> Path | None:
    if url.lower().startswith(("http://", "https://")):
        return None
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else Path(url)


def _decoded(raw: bytes) -> Any:
    try:
        return read_json(raw)
    except ValueError:
        return None


def _wrong_in_plain(fields: Any) -> str:
    """Why an entry of the plain view cannot be used; empty when it can."""
    if isinstance(fields, dict) and isinstance(fields.get("protocols"), dict):
        return ""
    return "expected an object with an object 'protocols' in the plain view"


def _wrong_in_doma(fields: Any) -> str:
    """Why an entry of the preset=doma view cannot be used; empty when it can."""
    protocols = fields.get("protocols") if isinstance(fields, dict) else None
    if not isinstance(protocols, list) or not all(_is_protocol(each) for each in protocols):
        return "expected 'protocols' as a list, each with scheme, hostname, port, prefix, and domains of priorities"
    if not isinstance(fields.get("params") or {}, dict):
        return "expected 'params' as an object"
    numbers = [key for key in NUMBERS if fields.get(key) not in (None, "") and not str(fields[key]).isdecimal()]
    return f"expected a whole number as '{numbers[0]}'" if numbers else ""


def _is_protocol(protocol: Any) -> bool:
    if not isinstance(protocol, dict) or not all(isinstance(protocol.get(key), str) for key in ("scheme", "hostname", "prefix")):
        return False
    domains = protocol.get("domains")
    if (
        not str(protocol.get("port", "")).isdecimal()
        or not isinstance(domains, dict)
        or not isinstance(protocol.get("ext_attrs") or {}, dict)
    ):
        return False
    operations = [each or {} for each in domains.values()]
    return all(isinstance(each, dict) and all(str(number or 0).isdecimal() for number in each.values()) for each in operations)


def _refusal(result: Any) -> str:
    if not isinstance(result, dict) or "status" not in result:
        return "the answer says nothing of it"
    if result["status"] != "refused":
        return ""
    return "; ".join(str(reason) for reason in result.get("reasons", [])) or "refused without a reason"
