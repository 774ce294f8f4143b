# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""dCache's frontend: QoS of paths, bulk requests, QoS policies, space, pools; and the tape REST API (WLCG v1) that it serves.

Source: dCache modules/dcache-frontend (org.dcache.restful.resources), WLCG Tape REST API v1.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError, HttpClient, Tls

if TYPE_CHECKING:
    import requests  # http.py says what to do where it is missing

API = "api/v1"
FLAT_LIMIT = 500  # bulk.limits.max.targets-per-flat-request
SHALLOW_LIMIT = 10  # bulk.limits.max.targets-per-shallow-request
FINISHED = frozenset({"COMPLETED", "CANCELLED"})
STAGED = frozenset({"COMPLETED", "FAILED", "CANCELLED"})
BUSY_WAIT = 5.0  # seconds before a bulk request is sent again that was refused because there are too many (HTTP 429)
Progress = Callable[[int, int, float], None]
"""Called with (targets done, all of them, seconds since the start)."""


class Unfinished(ApiError):
    """A request that was still running when the time was over; it goes on at the server."""


class DcacheRest(HttpClient):
    """A client of one frontend. url: ``https://HOST:3880``.

    One of token, token_file and username with password logs in. roles: claimed with each request (``admin``), as Basic log-ins and tokens
    may. wait: seconds that polling goes on. pause: seconds between two looks at most.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        token_file: str | None = None,
        username: str | None = None,
        password: str | None = None,
        roles: Sequence[str] = (),
        tls: Tls | None = None,
        timeout: float = 60.0,
        wait: float = 600.0,
        pause: float = 5.0,
        read_only: bool = False,
    ) -> None:
        super().__init__("dCache frontend", url, tls=tls, timeout=timeout, read_only=read_only)
        if urlsplit(url).scheme != "https" and (token or token_file or password):
            raise ApiError(self.service, "log-in", url, None, "credentials are sent to https addresses only")
        self._wait, self._pause = wait, pause
        if token_file:
            try:
                token = Path(token_file).read_text(encoding="utf-8").strip()
            except OSError as problem:
                raise ApiError(self.service, "read", token_file, None, f"the token cannot be read: {problem.strerror}") from problem
        if token:
            self.headers["Authorization"] = f"Bearer {token}"
        self._basic = (username, password) if username and password and not token else None
        if roles:
            self.headers["Roles"] = ",".join(roles)

    def error(self, method: str, answer: requests.Response) -> ApiError:
        """dCache wraps its words: {"errors": [{"status", "message"}]}."""
        try:
            words = "; ".join(str(each["message"]) for each in answer.json()["errors"])
        except (ValueError, KeyError, TypeError):
            return super().error(method, answer)
        return ApiError(self.service, method, answer.url, answer.status_code, words)

    # --- namespace and QoS ------------------------------------------------------------------------------------------------------------

    def user(self) -> dict[str, Any]:
        """Who the credentials are for dCache: status, uid, gids, roles, homeDirectory, rootDirectory."""
        return self._mapping(self._get("user"))

    def qos_classes(self, kind: str = "file") -> list[str]:
        """Names of the classes. kind: file or directory."""
        return [str(name) for name in self._mapping(self._get(f"qos-management/qos/{kind}")).get("name", [])]

    def namespace(self, path: str, *flags: str) -> dict[str, Any] | None:
        """What is at a path, None when nothing is. flags: qos, locality, optional (gives qosPolicy and qosState), children, ..."""
        answer = self._call("GET", f"namespace/{_quoted(path)}", params=dict.fromkeys(flags, "true"), accept={404})
        return None if answer.status_code == 404 else self._mapping(self._json(answer))

    def set_qos(self, path: str, target: str) -> None:
        """Starts the transition of one file; it is asynchronous."""
        self._call("POST", f"namespace/{_quoted(path)}", json={"action": "qos", "target": target})

    # --- bulk requests ----------------------------------------------------------------------------------------------------------------

    def bulk(
        self, activity: str, targets: Sequence[str], arguments: Mapping[str, str], *, expand: bool = False, progress: Progress | None = None
    ) -> dict[str, str]:
        """Runs a bulk request, or several where there are more targets than one may have, to its end; the reason of each failure by path.

        expand: the targets are directories, and the files right in them are meant. arguments: values are texts, numbers too: a JSON number
        comes out of dCache's reader as 0.0. Raises Unfinished when the time is over.
        """
        started = time.monotonic()
        size = SHALLOW_LIMIT if expand else FLAT_LIMIT
        failures: dict[str, str] = {}
        finished = 0
        for first in range(0, len(targets), size):
            address = self._submit(activity, targets[first : first + size], arguments, expand)
            for info in self._looks(address, started):
                here = [one for one in info if one.get("state") in ("COMPLETED", "FAILED", "CANCELLED", "SKIPPED")]
                if progress:
                    progress(finished + len(here), len(targets), time.monotonic() - started)
            bad = [one for one in info if one.get("state") in ("FAILED", "CANCELLED")]
            failures |= {str(one["target"]): str(one.get("errorMessage") or one["state"]) for one in bad}
            finished += len(here)
        return failures

    def _submit(self, activity: str, targets: Sequence[str], arguments: Mapping[str, str], expand: bool) -> str:
        data = {
            "activity": activity,
            "target": list(targets),
            "expandDirectories": "TARGETS" if expand else "NONE",
            "arguments": dict(arguments),
        }
        end = time.monotonic() + self._wait
        while True:
            answer = self._call("POST", "bulk-requests", json=data, accept={429})
            if answer.status_code != 429:
                break
            if time.monotonic() > end:
                raise self.error("POST", answer)
            time.sleep(min(BUSY_WAIT, self._pause))
        address = answer.headers.get("request-url", "")
        if not address:
            raise ApiError(self.service, "POST", answer.url, answer.status_code, "the answer has no header request-url")
        return urlsplit(address).path.rpartition("/")[2]

    def _looks(self, number: str, started: float) -> Iterator[list[dict[str, Any]]]:
        """The targets of a request at each look, until it is finished."""
        pause = min(0.1, self._pause)
        while True:
            info = self._mapping(self._get(f"bulk-requests/{number}"))
            targets = list(info.get("targets") or [])
            while (info.get("nextId") or -1) > 0:
                info |= {"nextId": -1, **self._mapping(self._get(f"bulk-requests/{number}", params={"offset": info["nextId"]}))}
                targets += info.get("targets") or []
            yield targets
            if info.get("status") in FINISHED:
                return
            if time.monotonic() - started > self._wait:
                words = f"not finished after {self._wait:g} s; it goes on at the server"
                raise Unfinished(self.service, "GET", f"{self.base}{API}/bulk-requests/{number}", None, words)
            time.sleep(pause)
            pause = min(pause * 2, self._pause)

    # --- policies, space, pools -------------------------------------------------------------------------------------------------------

    def policies(self) -> list[str]:
        return [str(name) for name in self._list(self._get("qos-policy"))]

    def policy(self, name: str) -> dict[str, Any]:
        return self._mapping(self._get(f"qos-policy/{quote(name, safe='')}"))

    def add_policy(self, document: Mapping[str, Any]) -> None:
        """Stores a policy, which cannot be changed later. Needs the role admin."""
        self._call("POST", "qos-policy", json=dict(document))

    def link_groups(self) -> list[dict[str, Any]]:
        return self._list(self._get("space/linkgroups"))

    def pools(self) -> list[dict[str, Any]]:
        """Pools that run. Needs the role admin; dead ones are not told."""
        return self._list(self._get("pools"))

    # --- tape -------------------------------------------------------------------------------------------------------------------------

    def tape_discovery(self) -> dict[str, Any]:
        """The document ``.well-known/wlcg-tape-rest-api``."""
        return self._mapping(self._json(self.request("GET", ".well-known/wlcg-tape-rest-api")))

    def archive_info(self, paths: Sequence[str]) -> dict[str, str]:
        """Locality (DISK, TAPE, DISK_AND_TAPE, LOST, UNAVAILABLE, NONE) or the error of each path."""
        answer = self._call("POST", "tape/archiveinfo", json={"paths": list(paths)}, write=False)
        return {str(one["path"]): str(one.get("locality") or f"error: {one.get('error')}") for one in self._list(self._json(answer))}

    def stage(self, lifetimes: Mapping[str, str], progress: Progress | None = None) -> dict[str, str]:
        """Brings files online and waits; the state or the error of each path. lifetimes: ISO duration on disk by path.

        Raises Unfinished when the time is over: the request stays, its number is in the message.
        """
        started = time.monotonic()
        files = [{"path": path, "diskLifetime": lifetime} for path, lifetime in lifetimes.items()]
        number = str(self._mapping(self._json(self._call("POST", "tape/stage", json={"files": files})))["requestId"])
        pause = min(0.1, self._pause)
        while True:
            listed = self._list(self._mapping(self._get(f"tape/stage/{number}")).get("files") or [])
            done = [one for one in listed if one.get("state") in STAGED]
            if progress:
                progress(len(done), len(files), time.monotonic() - started)
            if len(done) == len(files):
                return {str(one["path"]): str(one.get("error") or one["state"]) for one in listed}
            if time.monotonic() - started > self._wait:
                words = f"{len(files) - len(done)} of {len(files)} files are not there after {self._wait:g} s; the request goes on"
                raise Unfinished(self.service, "GET", f"{self.base}{API}/tape/stage/{number}", None, words)
            time.sleep(pause)
            pause = min(pause * 2, self._pause)

    def release(self, number: str, paths: Sequence[str]) -> None:
        """Gives files of a stage request free to leave the disk."""
        self._call("POST", f"tape/release/{quote(number, safe='')}", json={"paths": list(paths)})

    # --- one call ---------------------------------------------------------------------------------------------------------------------

    def _get(self, path: str, **more: Any) -> Any:
        return self._json(self._call("GET", path, **more))

    def _call(self, method: str, path: str, **more: Any) -> requests.Response:
        return self.request(method, f"{API}/{path}", auth=self._basic, **more)

    def _json(self, answer: requests.Response) -> Any:
        try:
            return answer.json()
        except ValueError as problem:
            words = "the answer is no JSON: does the address name the frontend (port 3880)?"
            raise ApiError(self.service, str(answer.request.method), answer.url, answer.status_code, words) from problem

    def _mapping(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise ApiError(self.service, "GET", self.base, None, f"expected an object, found {type(data).__name__}")
        return data

    def _list(self, data: Any) -> list[Any]:
        if not isinstance(data, list):
            raise ApiError(self.service, "GET", self.base, None, f"expected a list, found {type(data).__name__}")
        return data


def _quoted(path: str) -> str:
    return quote(path.strip("/"), safe="/")
