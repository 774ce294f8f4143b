# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options by which a module reaches an IAM; documented in doc_fragments/iam.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import env_fallback
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import Tls
from ansible_collections.escape.datalake.plugins.plugin_utils.services.iam import IamClient


def _from_environment(name: str) -> dict[str, Any]:
    return {"fallback": (env_fallback, [f"DATALAKE_IAM_{name}"])}


IAM: dict[str, Any] = {
    "url": {"type": "str", "required": True, **_from_environment("URL")},
    "client_id": {"type": "str", **_from_environment("CLIENT_ID")},
    "client_secret": {"type": "str", "no_log": True, **_from_environment("CLIENT_SECRET")},
    "token_file": {"type": "path", "no_log": False, **_from_environment("TOKEN_FILE")},
    "ca_path": {"type": "path", **_from_environment("CA_PATH")},
    "timeout": {"type": "float", "default": 60.0},
}


def iam_client(options: Mapping[str, Any]) -> IamClient:
    """A client from the checked options; raises DescriptionError without a way to log in."""
    if not options["token_file"] and not (options["client_id"] and options["client_secret"]):
        raise DescriptionError([Problem("iam", "has neither client_id and client_secret nor token_file.", "Give one of them.")])
    return IamClient(
        options["url"],
        client_id=options["client_id"] or "",
        secret=options["client_secret"] or "",
        token_file=options["token_file"],
        tls=Tls(ca=options["ca_path"]),
        timeout=options["timeout"],
    )
