# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option of the modules that read a CRIC beside other systems."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  cric:
    description: The CRIC that is read.
    type: dict
    suboptions:
      url:
        description:
          - Address of the CRIC, or a local copy, as in M(escape.datalake.cric_info).
          - The environment variable E(DATALAKE_CRIC_URL) is used when it is not given.
        type: str
        required: true
      application:
        description: Name of the application in the addresses of CRIC.
        type: str
        default: doma
      ca_path:
        description: Trusted authorities, file or directory. E(DATALAKE_CA_PATH) is used when it is not given.
        type: path
      client_cert:
        description: Client certificate, PEM. E(DATALAKE_CRIC_CERT) is used when it is not given.
        type: path
      client_key:
        description: Its key, PEM. E(DATALAKE_CRIC_KEY) is used when it is not given.
        type: path
      timeout:
        description: Seconds for connecting and for each read.
        type: int
        default: 30
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
"""
