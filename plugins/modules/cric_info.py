# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of cric_info; the work is done by the action plug-in of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cric_info
short_description: What a CRIC says of its RSEs
description:
  - Reads the RSEs of a CRIC with their states and distances, and optionally its services, sites, downtimes and exclusion rules, from an
    address or from files, in one form whatever the view.
  - What is wrong with single objects does not stop the others. It is returned in RV(unread), and RSEs of which nothing can be used are in
    RV(unreadable).
  - Runs on the controller.
version_added: 0.1.0
author:
  - The escape.datalake authors (@escape-wp2)
extends_documentation_fragment:
  - escape.datalake.cric
attributes:
  check_mode:
    description: Reads only. The last good copy is kept outside check mode alone.
    support: full
  diff_mode:
    description: Changes nothing.
    support: none
  action_group:
    description: Use C(group/escape.datalake.cric) in C(module_defaults) for the connection.
    support: full
    membership: [escape.datalake.cric]
options:
  view:
    description:
      - Shape of the answers. V(doma) is the two views of the DOMA application, V(ddmendpoint) the records of ATLAS-style instances.
      - V(auto) reads C(ddmendpoint) from the application C(atlas), from a directory that has no C(doma.json), and from a file that
        looks so.
    type: str
    choices: [auto, doma, ddmendpoint]
    default: auto
  extras:
    description:
      - Further documents that are read. V(sites) fills in where RSEs lie, V(downtimes) and V(status) close RSEs for a while,
        V(services) are the doors that sites run.
      - In a local directory they are C(sites.json), C(downtimes.json), C(status.json) and C(services.json); missing ones are left out.
    type: list
    elements: str
    choices: [services, sites, downtimes, status]
    default: []
  rename:
    description: Name in Rucio by name in CRIC, for RSEs whose names Rucio refuses.
    type: dict
    default: {}
  copies:
    description:
      - Directory on the controller for the last good copy of what was read. It takes the place of a CRIC that cannot be read or answers
        nonsense.
      - No copy is kept when it is not given.
    type: path
  copy_days:
    description: How old a copy may be, days.
    type: float
    default: 7.0
  names:
    description: Shell patterns of the RSEs to return.
    type: list
    elements: str
    default: ["*"]
  exclude:
    description: Shell patterns of RSEs to leave out.
    type: list
    elements: str
    default: []
seealso:
  - module: escape.datalake.rucio_sync
"""

EXAMPLES = r"""
- name: Read a data lake's CRIC, with downtimes
  escape.datalake.cric_info:
    url: https://cric.example.org
    extras: [sites, downtimes]
    copies: ~/.cache/escape.datalake
  register: cric

- name: Read a saved answer of an ATLAS-style instance
  escape.datalake.cric_info:
    url: saved/ddmendpoints.json
    view: ddmendpoint
"""

RETURN = r"""
cric:
  description: Address, when it was read, its age in seconds, and why a copy is used (empty when none is).
  returned: success
  type: dict
  sample: {url: "https://cric.example.org", fetched: "2026-11-22T03:00:00+00:00", age: 0, copy_because: ""}
rses:
  description: Records of the RSEs, in the form of the O(escape.datalake.rucio_rse#module:rses) option.
  returned: success
  type: list
  elements: dict
states:
  description: ACTIVE, or what keeps an RSE from being so.
  returned: success
  type: dict
  sample: {LAB-XRD1-FAST: ACTIVE, LAB-XRD1-OLD: "RC site DISABLED"}
closed:
  description: Why an RSE is not open for everything now (states, downtimes, exclusion rules).
  returned: success
  type: dict
  sample: {LAB-XRD1-FAST: "downtime of LAB: power"}
unreadable:
  description: RSEs that are in CRIC and of which nothing can be used.
  returned: success
  type: list
  elements: str
distances:
  description: CRIC's own distances by source and destination.
  returned: success
  type: dict
sites:
  description: RC sites with their places.
  returned: success
  type: dict
services:
  description: Storage services with their doors.
  returned: success
  type: dict
downtimes:
  description: Outages, past and future ones too.
  returned: success
  type: list
  elements: dict
unread:
  description: What could not be used, each with its place and what to do.
  returned: success
  type: list
  elements: dict
traffic:
  description: Requests and writes that were sent to CRIC.
  returned: success
  type: dict
  sample: {requests: 2, writes: 0}
"""
