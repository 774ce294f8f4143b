# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of datalake_description."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.action_base import DatalakeAction
from ansible_collections.escape.datalake.plugins.plugin_utils.model.derive import rse_records, scope_path
from ansible_collections.escape.datalake.plugins.plugin_utils.model.fields import shown
from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import load_all, rse_record_as_dict, storage_as_dict
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Lake, Storage
from ansible_collections.escape.datalake.plugins.plugin_utils.model.units import about_size


class ActionModule(DatalakeAction):
    ARGUMENTS = {"lake": {"type": "raw", "required": True}, "storages": {"type": "raw", "required": True}}

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        lake, storages = load_all(arguments["lake"], by_host(arguments["storages"]))
        distinct = list({storage.name: storage for storage in storages.values()}.values())
        return {
            "changed": False,
            "storages": {host: storage_as_dict(storage) for host, storage in storages.items()},
            "rses": [rse_record_as_dict(record) for storage in distinct for record in rse_records(storage, lake)],
            "text": "\n".join(line for storage in distinct for line in summary(storage, lake)),
        }


def summary(storage: Storage, lake: Lake) -> Iterator[str]:
    """For people: the RSEs of a storage, with what tokens call them and where they are reached."""
    for area, record in zip(storage.areas, rse_records(storage, lake), strict=True):
        yield f"{record.name}: {area.qos}, {about_size(area.capacity)}, {scope_path(area, storage)} in tokens"
        for door in record.protocols or ():
            yield f"  {door.scheme}://{door.hostname}:{door.port}{door.prefix}"


def by_host(storages: Any) -> Mapping[str, Any]:
    """The descriptions by what messages call them. Raises DescriptionError for anything but a mapping or a list."""
    if isinstance(storages, Mapping):
        return storages
    if isinstance(storages, list | tuple):
        return {f"storages[{number}]": each for number, each in enumerate(storages)}
    raise DescriptionError(
        [Problem("storages", f"is {shown(storages)}.", "Give a mapping from host to description, or a list of descriptions.")]
    )
