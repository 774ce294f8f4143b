# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation that the modules for dCache share."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of pools and quality of service."""

    DOCUMENTATION = r"""
options:
  pools:
    description:
      - Pools of all hosts, where the C(partitions) of the areas do not say enough.
      - An area that is named here takes nothing from its partitions.
      - In the configuration every host takes its own, and a pool that is in the layout already keeps its section.
    type: list
    elements: dict
    default: []
    suboptions:
      host:
        description: Host of the pool; O(host) by default.
        type: str
      area:
        description: Area whose files it holds.
        type: str
        required: true
      path:
        description: Directory of the pool.
        type: path
        required: true
      size:
        description: Size with its unit. By default the pools of an area share its capacity, and tape buffers take their file system.
        type: str
      name:
        description: Name of the pool; made of host and path by default.
        type: str
      tags:
        description: Pool tags beside C(hostname), C(area) and C(media).
        type: dict
        default: {}
  qos:
    description: What is said about quality of service beside the areas.
    type: dict
    default: {}
    suboptions:
      store:
        description: First half of the storage classes; the last directory of the base path by default.
        type: str
        default: ""
      hsm:
        description: How pools reach the tape. Needed when an area is on tape.
        type: dict
        suboptions:
          type:
            description: Type of the store; it must be the one that files have.
            type: str
            default: osm
          instance:
            description: Name of the store; its type by default.
            type: str
          provider:
            description: V(script), V(copy), V(link), V(tar), or a plug-in.
            type: str
            default: script
          options:
            description: Options of the provider, such as C(command) of V(script) and C(directory) of V(copy).
            type: dict
            default: {}
      online_tape:
        description: Tape areas whose files stay on disk as well (C(disk+tape)).
        type: list
        elements: str
        default: []
      reservations:
        description: Each area gets a space reservation of its capacity, and all writes to it go there.
        type: bool
        default: false
      reservers:
        description: FQANs and user names that may reserve, beside the groups with write access; for C(LinkGroupAuthorization.conf).
        type: list
        elements: str
        default: []
      policies:
        description: QoS policies, as dCache's JSON. From 9.2. They cannot be changed once stored, so put a version into their names.
        type: list
        elements: dict
        default: []
      area_policies:
        description: Name of the policy that new files of an area get, by area.
        type: dict
        default: {}
      tape_api:
        description: Address of the frontend for the tape API's discovery document.
        type: str
        default: ""
"""
