# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the Rucio modules share: their connection options, and the way from reading over a plan to a verified result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ansible.module_utils.basic import env_fallback
from ansible_collections.escape.datalake.plugins.plugin_utils import plan_file
from ansible_collections.escape.datalake.plugins.plugin_utils.action_base import DatalakeAction
from ansible_collections.escape.datalake.plugins.plugin_utils.converge import converge
from ansible_collections.escape.datalake.plugins.plugin_utils.plan_file import PlanFile
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import Change, Plan
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.planned import Planned
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import Tls
from ansible_collections.escape.datalake.plugins.plugin_utils.services.rucio import Login, RucioClient

Found = TypeVar("Found")


def _from_environment(name: str) -> dict[str, Any]:
    return {"fallback": (env_fallback, [f"DATALAKE_RUCIO_{name}"])}


CONNECTION: dict[str, Any] = {
    "url": {"type": "str", "required": True, **_from_environment("URL")},
    "auth_type": {"type": "str", "choices": ["userpass", "x509", "token"], "default": "userpass", **_from_environment("AUTH_TYPE")},
    "username": {"type": "str", **_from_environment("USERNAME")},
    "password": {"type": "str", "no_log": True, **_from_environment("PASSWORD")},
    "account": {"type": "str", **_from_environment("ACCOUNT")},
    "token": {"type": "str", "no_log": True, **_from_environment("TOKEN")},
    "token_file": {"type": "path", "no_log": False, **_from_environment("TOKEN_FILE")},
    "client_cert": {"type": "path", **_from_environment("CLIENT_CERT")},
    "client_key": {"type": "path", "no_log": False, **_from_environment("CLIENT_KEY")},
    "ca_path": {"type": "path", **_from_environment("CA_PATH")},
    "vo": {"type": "str", **_from_environment("VO")},
    "timeout": {"type": "float", "default": 60.0},
}
CONNECTION_CONSTRAINTS: dict[str, Any] = {
    "mutually_exclusive": [["token", "token_file"]],
    "required_if": [
        ["auth_type", "userpass", ["username", "password"]],
        ["auth_type", "x509", ["client_cert"]],
        ["auth_type", "token", ["token", "token_file"], True],
    ],
}
PLANNING: dict[str, Any] = {**CONNECTION, **plan_file.ARGUMENTS}
PLANNING_CONSTRAINTS: dict[str, Any] = {
    **CONNECTION_CONSTRAINTS,
    "mutually_exclusive": [*CONNECTION_CONSTRAINTS["mutually_exclusive"], plan_file.EXCLUSIVE],
}


class RucioAction(DatalakeAction):
    """The controller's half of a Rucio module.

    A subclass gives ARGUMENTS (CONNECTION, or PLANNING where it plans, and its own options) and act().
    """

    ARGUMENTS = CONNECTION
    CONSTRAINTS = CONNECTION_CONSTRAINTS

    def client(self, arguments: dict[str, Any]) -> RucioClient:
        """A client that logs in at its first call, and refuses to write in check mode."""
        login = Login(
            kind=arguments["auth_type"],
            account=arguments["account"],
            username=arguments["username"],
            password=arguments["password"],
            token=arguments["token"],
            token_file=arguments["token_file"],
            vo=arguments["vo"],
        )
        tls = Tls(ca=arguments["ca_path"], certificate=arguments["client_cert"], key=arguments["client_key"])
        return RucioClient(arguments["url"], login, tls=tls, timeout=arguments["timeout"], read_only=self.check_mode)

    def plan_file(self, arguments: dict[str, Any]) -> PlanFile:
        """The plan file that a task writes or applies, for the server and account it works on."""
        place = {"account": arguments["account"], "vo": arguments["vo"]}
        target = " ".join([arguments["url"].rstrip("/"), *(f"{key} {value}" for key, value in place.items() if value)])
        return PlanFile(type(self).__module__.rsplit(".", 1)[-1], target, arguments["write_plan"], arguments["apply_plan"])

    def converge(
        self,
        client: RucioClient,
        read: Callable[[], Found],
        plan: Callable[[Found], Planned],
        write: Callable[[Change], None],
        ahead: Callable[[Plan], None] | None = None,
        *,
        file: PlanFile | None = None,
        objects: Callable[[Any], Mapping[str, Any]] = dict,
        reread: Callable[[Found, Plan], Found] | None = None,
    ) -> dict[str, Any]:
        """Brings the server to what is wanted; see converge.converge."""
        options: Any = {"file": file, "objects": objects, "reread": reread}
        return converge(client, read, plan, write, ahead, check_mode=self.check_mode, progress=self.progress, **options)
