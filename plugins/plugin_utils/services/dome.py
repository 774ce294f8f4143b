# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""DOME's orders over HTTP: pools, file systems, quota tokens, groups and directories of a DPM.

Source: dmlite src/dome/DomeCoreXeq.cpp and DomeCore.cpp. Every order is ``GET`` or ``POST`` of ``<base>/command/<order>`` with a JSON body
and the header ``remoteclientdn``; the subject of the client certificate must be in ``glb.auth.authorizeDN[]`` of the head node. Numbers are
answered as texts. An order that is not known is answered with 418.
"""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError, HttpClient, Tls

ON_BEHALF = "root"


class DomeClient(HttpClient):
    """A client of the DOME daemon of a head node.

    url: such as ``https://head.example.org:1094/domehead``. tls: must hold a client certificate that the daemon knows.
    """

    def __init__(self, url: str, tls: Tls, *, timeout: float = 30.0, read_only: bool = False) -> None:
        super().__init__("DOME", url, tls=tls, timeout=timeout, read_only=read_only)
        self.headers["remoteclientdn"] = ON_BEHALF

    def space(self) -> dict[str, Any]:
        """Pools and file systems: ``poolinfo`` by name, ``fsinfo`` by server and file system."""
        return self._ask("dome_getspaceinfo", {})

    def quota_tokens(self) -> dict[str, Any]:
        """All quota tokens by their id."""
        answer = self._ask("dome_getquotatoken", {"path": "/", "getsubdirs": True, "getparentdirs": True}, missing=True)
        return answer or {}

    def groups(self) -> dict[str, int]:
        """Id of each group by its name."""
        return {str(each["groupname"]): int(each["gid"]) for each in self._ask("dome_getgroupsvec", {}).get("groups") or []}

    def directory(self, path: str) -> dict[str, Any] | None:
        """Mode, group, ACL and size of a name space entry; None when there is none."""
        return self._ask("dome_getstatinfo", {"lfn": path}, missing=True) or None

    def order(self, name: str, fields: dict[str, Any]) -> None:
        """Sends an order that changes something."""
        self.request("POST", f"command/{name}", json=fields)

    def _ask(self, name: str, fields: dict[str, Any], *, missing: bool = False) -> dict[str, Any]:
        """The answer to a question. missing: status 404 is an answer, an empty one."""
        answer = self.request("GET", f"command/{name}", json=fields, accept={404} if missing else frozenset())
        if answer.status_code == 404:
            return {}
        try:
            found = json.loads(answer.text)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            if answer.text == "" or found == "":
                return {}  # a property tree without entries is written as an empty text
            words = "the answer is no JSON object: is this the address of DOME, https://HEAD:1094/domehead?"
            raise ApiError("DOME", "GET", answer.url, answer.status_code, words)
        return found

    def error(self, method: str, answer: Any) -> ApiError:
        found: ApiError = super().error(method, answer)
        if answer.status_code == 403:
            found = ApiError(
                "DOME",
                method,
                answer.url,
                403,
                f"{found.words} Add the subject of the client certificate to glb.auth.authorizeDN[] in domehead.conf of the head node.",
            )
        return found
