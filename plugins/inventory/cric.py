# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An inventory straight from CRIC."""

from __future__ import annotations

DOCUMENTATION = r"""
name: cric
short_description: Storage hosts of a data lake from CRIC
version_added: 0.1.0
author:
  - The escape.datalake authors (@escape-wp2)
description:
  - Makes a host of every door host of the RSEs of a CRIC, and groups them by site, system, QoS class and state.
  - RSEs are in the host variable C(datalake_rses) of the hosts of their doors, so that playbooks know what a host serves.
  - Group names are C(site_LAPP), C(system_dcache), C(qos_FAST), C(state_ACTIVE), with what Ansible does not take in names as C(_).
    The system is known from CRIC's services only (O(extras) with V(services)), or from the param C(system) of an RSE.
  - Inventory files of this plug-in end in C(cric.yml) or C(cric.yaml).
extends_documentation_fragment:
  - inventory_cache
options:
  plugin:
    description: Marks a file as an inventory of this plug-in.
    type: str
    required: true
    choices: [escape.datalake.cric, cric]
  url:
    description:
      - Address of the CRIC, a path, or C(file:///path), as in M(escape.datalake.cric_info).
      - Relative paths begin at the inventory file.
    type: str
    required: true
    env:
      - name: DATALAKE_CRIC_URL
  application:
    description: Name of the application in the addresses of CRIC.
    type: str
    default: doma
  view:
    description: Shape of the answers, as in M(escape.datalake.cric_info).
    type: str
    choices: [auto, doma, ddmendpoint]
    default: auto
  extras:
    description: Further documents that are read; V(services) tells the systems.
    type: list
    elements: str
    choices: [services, sites, downtimes, status]
    default: [services]
  ca_path:
    description: Trusted authorities, file or directory.
    type: path
    env:
      - name: DATALAKE_CA_PATH
  client_cert:
    description: Client certificate, PEM.
    type: path
    env:
      - name: DATALAKE_CRIC_CERT
  client_key:
    description: Its key, PEM.
    type: path
    env:
      - name: DATALAKE_CRIC_KEY
  timeout:
    description: Seconds for connecting and for each read.
    type: int
    default: 30
  rename:
    description: Name in Rucio by name in CRIC, for RSEs whose names Rucio refuses.
    type: dict
    default: {}
  copies:
    description: Directory of the last good copy, which is used when CRIC cannot be read.
    type: path
  copy_days:
    description: How old a copy may be, days.
    type: float
    default: 7.0
  names:
    description: Shell patterns of the RSEs that count.
    type: list
    elements: str
    default: ["*"]
  exclude:
    description: Shell patterns of RSEs that do not.
    type: list
    elements: str
    default: []
requirements:
  - requests
"""

EXAMPLES = r"""
# lake.cric.yml
plugin: escape.datalake.cric
url: https://cric.example.org
extras: [services]
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/escape.datalake/inventory
cache_timeout: 3600
"""

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable
from ansible_collections.escape.datalake.plugins.plugin_utils.cric.inventory import inventory_of
from ansible_collections.escape.datalake.plugins.plugin_utils.cric_action import cric_source
from ansible_collections.escape.datalake.plugins.plugin_utils.cric_reader import read_cric
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError

OPTIONS = (
    "url",
    "application",
    "view",
    "extras",
    "ca_path",
    "client_cert",
    "client_key",
    "timeout",
    "rename",
    "copies",
    "copy_days",
)


class InventoryModule(BaseInventoryPlugin, Cacheable):  # type: ignore[misc]
    NAME = "escape.datalake.cric"

    def verify_file(self, path: str) -> bool:
        return bool(super().verify_file(path)) and path.endswith(("cric.yml", "cric.yaml"))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        key = self.get_cache_key(path)
        use = cache and self.get_option("cache")
        lake = self._cache.get(key) if use else None
        if lake is None:
            lake = self._lake(path)
            if self.get_option("cache"):
                self._cache[key] = lake
        for group in lake["groups"]:
            self.inventory.add_group(group)
        for host, facts in lake["hosts"].items():
            self.inventory.add_host(host)
            for group in facts["groups"]:
                self.inventory.add_child(group, host)
            for name, value in facts["vars"].items():
                self.inventory.set_variable(host, name, value)

    def _lake(self, path: str) -> dict[str, Any]:
        options = {name: self.get_option(name) for name in OPTIONS}
        if not options["url"].startswith(("http://", "https://", "file:")):
            options["url"] = str(Path(path).parent / Path(options["url"]).expanduser())
        try:
            read = read_cric(cric_source(options))
        except ApiError as problem:
            raise AnsibleParserError(f"{path}: {problem}") from problem
        if read.state.copy_because:
            self.display.warning(f"{path}: {read.state.copy_because}")
        for words in read.keep() if read.state.listing.names else ():
            self.display.warning(f"{path}: {words}")
        lake = inventory_of(read.state, self.get_option("names"), self.get_option("exclude"))
        if lake["left_out"]:
            listed = ", ".join(map(repr, lake["left_out"][:10]))
            self.display.warning(f"{path}: these doors of CRIC are on no host that Ansible could use: {listed}")
        return lake
