# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts and groups of an Ansible inventory from a CRIC: one host for each host name of a door."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, get_args

from ansible_collections.escape.datalake.plugins.plugin_utils.cric.wanted import CricState, Selection
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cric_listing import Listed
from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import rse_record_as_dict
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import System

SYSTEMS: tuple[str, ...] = get_args(System)
LOCAL = frozenset({"localhost"})  # an address of no host of its own
RESERVED = frozenset({"all", "ungrouped", "storages"})
# Ansible reads other letters in patterns of hosts, and takes a host and a group of one name for each other.
HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?")


def inventory_of(cric: CricState, names: Sequence[str] = ("*",), exclude: Sequence[str] = ()) -> dict[str, Any]:
    """``{"groups": [name], "hosts": {host: {"groups": [name], "vars": {name: value}}}, "left_out": [name]}``, plain data for a cache.

    left_out: host names of doors that are none, so that Ansible could not use them.
    """
    selection = Selection(tuple(names), tuple(exclude))
    systems = _systems(cric)
    hosts: dict[str, dict[str, Any]] = {}
    left_out: dict[str, None] = {}
    for name, listed in sorted(cric.listing.rses.items()):
        if not selection.takes(name):
            continue
        plain = {**rse_record_as_dict(listed.record), "state": listed.state}
        for host in dict.fromkeys(door.hostname for door in listed.record.protocols or () if door.hostname not in LOCAL):
            if not HOST.fullmatch(host) or host in RESERVED:
                left_out[host] = None
                continue
            facts = hosts.setdefault(host, {"groups": ["storages"], "vars": {"datalake_rses": []}})
            facts["vars"]["datalake_rses"].append(plain)
            if listed.record.site:
                facts["vars"].setdefault("datalake_site", listed.record.site)
            system = _system(listed, systems.get(host, ""))
            if system:
                facts["vars"].setdefault("datalake_system", system)
            facts["groups"] += _groups(listed, system)
    for facts in hosts.values():
        facts["groups"] = sorted(set(facts["groups"]))
    groups = {group for facts in hosts.values() for group in facts["groups"]} | {"storages"}
    for name in groups & hosts.keys():
        left_out[name] = None
        del hosts[name]
    return {"groups": sorted(groups), "hosts": hosts, "left_out": sorted(left_out)}


def _groups(listed: Listed, system: str) -> list[str]:
    # The RSE's own state decides, or what first keeps it from being used: "state_DISABLED".
    state = next(iter(listed.states.values()), "ACTIVE")
    facts = {"site": listed.record.site, "system": system, "qos": listed.record.attributes.get("QOS"), "state": state}
    return [f"{kind}_{re.sub('[^A-Za-z0-9_]', '_', str(value))}" for kind, value in facts.items() if value not in (None, "")]


def _system(listed: Listed, implementation: str) -> str:
    """The storage system, in the words of the model, from the RSE's param or its service."""
    words = str(listed.record.attributes.get("system") or implementation).lower()
    return next((system for system in SYSTEMS if system in words), "")


def _systems(cric: CricState) -> dict[str, str]:
    """Implementation by host of a door."""
    return {door.host: service.implementation for service in cric.services.values() for door in service.doors if service.implementation}
