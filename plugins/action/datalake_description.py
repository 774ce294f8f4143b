# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of datalake_description."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.action_base import DatalakeAction
from ansible_collections.escape.datalake.plugins.plugin_utils.model.derive import rse_records
from ansible_collections.escape.datalake.plugins.plugin_utils.model.fields import shown
from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import load_all, rse_record_as_dict, storage_as_dict
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem


class ActionModule(DatalakeAction):
    ARGUMENTS = {"lake": {"type": "dict", "required": True}, "storages": {"type": "raw", "required": True}}

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        lake, storages = load_all(arguments["lake"], by_host(arguments["storages"]))
        distinct = list({storage.name: storage for storage in storages.values()}.values())
        return {
            "changed": False,
            "storages": {host: storage_as_dict(storage) for host, storage in storages.items()},
            "rses": [rse_record_as_dict(record) for storage in distinct for record in rse_records(storage, lake)],
        }


def by_host(storages: Any) -> Mapping[str, Any]:
    """The descriptions by what messages call them. Raises DescriptionError for anything but a mapping or a list."""
    if isinstance(storages, Mapping):
        return storages
    if isinstance(storages, list | tuple):
        return {f"storages[{number}]": each for number, each in enumerate(storages)}
    raise DescriptionError(
        [Problem("storages", f"is {shown(storages)}.", "Give a mapping from host to description, or a list of descriptions.")]
    )
