# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of rucio_sync; the work is done by the action plug-in of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rucio_sync
short_description: Synchronises a whole lake from CRIC to Rucio
description:
  - Brings RSEs with their columns, attributes, doors, limits and space, their availability, and the distances between them to what CRIC
    says, in one plan. Without CRIC the records are given in O(rses).
  - RSEs that are not ACTIVE in CRIC, at a site in downtime, or excluded by a status rule are closed for reading, writing and deleting, and
    opened again afterwards. They are not made as long as they are not ACTIVE.
  - Nothing is removed because it is missing. RSEs that CRIC no longer has are reported, or closed with O(absent=disable). What closes or
    removes is limited by O(guard).
  - "RSEs get the attribute C(synchronised_from) with O(source). RSEs with another value are left alone, and so are all of another VO."
  - "One RSE holds the attribute C(distances_digest). As long as it stands for the wanted distances nobody reads them, which would cost more
    than all the rest. O(distances.verify) reads them all the same."
  - A second run sends three requests and no write; with O(full_read_every) they are light ones.
version_added: 0.1.0
author:
  - The escape.datalake authors (@escape-wp2)
extends_documentation_fragment:
  - escape.datalake.rucio
  - escape.datalake.cric_source
  - escape.datalake.guard
  - escape.datalake.plan_file
attributes:
  check_mode:
    description: Makes the same plan and sends no write.
    support: full
  diff_mode:
    description: Shows what differs, object by object.
    support: full
options:
  cric:
    description: The CRIC that is read. Either this or O(rses).
  rses:
    description: Records of RSEs, in the place of a CRIC, in the form of the O(escape.datalake.rucio_rse#module:rses) option.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the RSE.
        type: str
        required: true
      site:
        description: Site.
        type: str
      properties:
        description: Columns of Rucio's RSE table.
        type: dict
      attributes:
        description: Attributes; one that is null is removed.
        type: dict
      protocols:
        description: Doors; all are left alone when it is not given.
        type: list
        elements: dict
      limits:
        description: Limits in bytes.
        type: dict
      space:
        description: Capacity in bytes or with a unit.
        type: raw
  source:
    description: Name of the source in the attribute C(synchronised_from). Give each source of one Rucio another one.
    type: str
    default: CRIC
  names:
    description: Shell patterns of the RSEs that are synchronised.
    type: list
    elements: str
    default: ["*"]
  exclude:
    description: Shell patterns of RSEs that are not.
    type: list
    elements: str
    default: []
  distances:
    description:
      - Which distances there are. Pairs declared in O(distances.explicit) come first, then those of CRIC, then the first rule that fits.
      - Rules are for pairs that may transfer only, between which Rucio finds doors of schemes that go together, with third-party copy.
      - An RSE has a distance to itself only where its attribute C(staging_required) is true.
    type: dict
    suboptions:
      rules:
        description: A rule that states nothing but a distance is for all pairs, which makes a full mesh.
        type: list
        elements: dict
        default: []
        suboptions:
          distance:
            description: The distance, 0 is closest.
            type: int
            required: true
          same:
            description: What both RSEs have in common. A region is one of its country.
            type: str
            choices: [site, region, country, continent]
          within_km:
            description: How far apart they may be, by their latitudes and longitudes.
            type: float
          sources:
            description: Shell patterns of the sources.
            type: list
            elements: str
            default: []
          destinations:
            description: Shell patterns of the destinations.
            type: list
            elements: str
            default: []
      explicit:
        description: Distances by source and destination; null for a pair that is to have none.
        type: dict
        default: {}
      from_cric:
        description: Takes the distances that CRIC has.
        type: bool
        default: true
      verify:
        description: Reads all distances, whatever the digest says.
        type: bool
        default: false
      purge:
        description: Removes distances between synchronised RSEs that are not wanted, within the limits of O(guard).
        type: bool
        default: false
  absent:
    description: What happens to RSEs of this source that it no longer has in any state.
    type: str
    choices: [keep, disable]
    default: keep
  purge_protocols:
    description: Shell patterns of schemes. Doors of these schemes that the source lacks are removed, within the limits of O(guard).
    type: list
    elements: str
    default: []
  purge_attributes:
    description: Shell patterns of attributes. Those that the source lacks are removed, within the limits of O(guard).
    type: list
    elements: str
    default: []
  bulk:
    description:
      - Fills a server that has no RSE at all by one import, which is several times quicker.
      - Servers that have RSEs never get RSEs by import, because some are configured to delete what an import does not name.
      - It is never used together with O(vo).
    type: bool
    default: true
  copies:
    description:
      - Directory on the controller where what was written or read last is kept. Without it nothing is kept.
      - The distances that were written last, so that changing some of them needs no reading of all. They are used only while they are what
        the digest in Rucio stands for.
      - What was read last of the RSEs, for O(full_read_every).
    type: path
  full_read_every:
    description:
      - Seconds between two reads of the attributes, doors and limits of all RSEs, which cost the server some queries for each RSE. Needs
        O(copies). Without it every run reads them.
      - In between, a run reads the columns of all RSEs by one light call, availability among them, and takes the rest from the copy. If
        that shows anything to do, everything is read before anything is written. So a change of what is wanted is done at once, and what
        others change in Rucio of attributes, doors and limits is seen so many seconds later at most.
      - A plan file, O(distances.verify), RSEs that came, went or were made anew make it read everything.
    type: float
seealso:
  - module: escape.datalake.cric_info
  - module: escape.datalake.rucio_rse
"""

EXAMPLES = r"""
- name: Synchronise, with a full mesh of distances
  escape.datalake.rucio_sync:
    url: https://rucio.lake.test
    username: ddmlab
    password: "{{ vault_rucio_password }}"
    account: root
    cric:
      url: https://cric.example.org
      extras: [sites, downtimes]
      copies: ~/.cache/escape.datalake
    distances:
      rules:
        - {same: site, distance: 1}
        - {same: country, distance: 3}
        - {within_km: 1500, distance: 5}
        - {distance: 10}

- name: Write the plan for a person to review
  escape.datalake.rucio_sync:
    url: https://rucio.lake.test
    username: ddmlab
    password: "{{ vault_rucio_password }}"
    account: root
    cric: {url: "https://cric.example.org"}
    absent: disable
    write_plan: sync.plan.json
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode, in words.
  returned: always
  type: list
  elements: str
failures:
  description: What could not be done; the other objects were done.
  returned: when something failed
  type: list
  elements: dict
held_back:
  description: What the guards held back.
  returned: when they held back something
  type: list
  elements: str
summary:
  description: How many changes of each kind RV(actions) has; it lists the first 1000.
  returned: always
  type: dict
  sample: {create rse: 3, create attribute: 24}
absent:
  description: RSEs of this source that it no longer has.
  returned: success
  type: list
  elements: str
foreign:
  description: RSEs that were left alone because they belong to another source, with its name.
  returned: success
  type: dict
closed:
  description: Why an RSE is not open for everything now.
  returned: success
  type: dict
  sample: {LAB-XRD1-FAST: "downtime of LAB: power"}
inactive:
  description: RSEs that are not ACTIVE in CRIC.
  returned: success
  type: dict
unread:
  description: What of the source could not be used, each with its place and what to do.
  returned: success
  type: list
  elements: dict
cric:
  description: Address, when it was read, its age in seconds, and why a copy is used (empty when none is).
  returned: when CRIC was read
  type: dict
read_age:
  description: Seconds since attributes, doors and limits were read; 0 unless a run with O(full_read_every) relied on the copy.
  returned: success
  type: int
traffic:
  description: Requests sent to the servers, and how many of them were writes.
  returned: always
  type: dict
  sample: {requests: 5, writes: 0}
"""
