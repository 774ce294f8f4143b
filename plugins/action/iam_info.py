# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of iam_info."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.action_base import DatalakeAction
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import scim
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.distinguished_name import NotADistinguishedName, forms
from ansible_collections.escape.datalake.plugins.plugin_utils.iam_options import IAM, iam_client
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.accounts import oidc_identity


class ActionModule(DatalakeAction):
    ARGUMENTS = {
        **IAM,
        "gather": {"type": "list", "elements": "str", "choices": ["users", "groups"], "default": ["users", "groups"]},
    }

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        client = iam_client(arguments)
        answer: dict[str, Any] = {"changed": False}
        problems: list[str] = []
        if "users" in arguments["gather"]:
            people, problems = scim.people(client.users())
            answer["users"] = [as_record(each, arguments["url"]) for each in people]
        if "groups" in arguments["gather"]:
            answer["groups"], more = scim.groups(client.groups())
            problems += more
        answer["warnings"] = [f"{problem}; the entry is left out" for problem in problems]
        return {**answer, "traffic": client.traffic}


def as_record(person: scim.Person, issuer: str) -> dict[str, Any]:
    """A user for playbooks, with the identities that Rucio knows the person by."""
    distinguished: list[str] = []
    for subject in person.subjects:
        try:
            distinguished += forms(subject)
        except NotADistinguishedName:
            distinguished.append(subject)
    plain = {**asdict(person), "groups": sorted(person.groups), "subjects": list(person.subjects)}
    return {**plain, "oidc_identity": oidc_identity(issuer, person.id), "x509_identities": list(dict.fromkeys(distinguished))}
