# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of storage_survey; the work is done by the action plug-in of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: storage_survey
short_description: Quality of service that a storage can offer
version_added: 0.1.0
description:
  - Reads the configuration of a running storage, or a copy of it on the controller.
  - Returns the places where data can lie, such as spaces, pool groups and storage areas, with the facts of each that files tell.
  - These are media, copies, redundancy, tape, volatility and sizes, and with them the QoS classes that each place earns, or might earn.
  - Changes nothing on the host; reports are written on the controller where they are asked for, in check mode too.
options:
  root:
    description:
      - Directory of the controller that stands for the C(/) of a host.
      - Without it the host itself is read, which needs the rights to read its configuration.
    type: path
  system:
    description: Name of the storage system, where several are configured on one host. Without it the files tell.
    type: str
  release:
    description: Full version of the storage software. Without it that of the installed package; a copy has none.
    type: str
  host:
    description: Full name of the host where it does not know its own, and of a copy.
    type: str
  surveys:
    description: Values of RV(survey) of earlier tasks, to be put together in O(report) and O(page). No host is read then.
    type: list
    elements: dict
  report:
    description: File of the controller for the surveys as JSON, below the key C(surveys).
    type: path
  page:
    description: File of the controller for an HTML page.
    type: path
attributes:
  check_mode:
    description: Reads only, so it does the same in check mode.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
author:
  - The escape.datalake authors (@escape-wp2)
seealso:
  - module: escape.datalake.storage_adopt
"""

EXAMPLES = r"""
- name: See what a site can offer
  escape.datalake.storage_survey:
    host: "{{ inventory_hostname }}"
    page: "survey-{{ inventory_hostname }}.html"
  become: true
"""

RETURN = r"""
survey:
  description:
    - Keys system, release, hostname, doors, issuers, notes and offers.
    - Each offer has the keys name, kind, where (file and line), paths, media, copies, redundancy, capacity (bytes), pools, tape, staging,
      volatile, notes, classes and possible; null where no file tells a fact.
  returned: when a site was read
  type: dict
  sample: {system: dcache, release: 9.2.30, hostname: se.example.org, offers: []}
text:
  description: The survey for people.
  returned: when a site was read
  type: str
  sample: "se.example.org (dcache 9.2.30)\n"
calls:
  description: How many times the host was called.
  returned: always
  type: int
  sample: 1
"""
