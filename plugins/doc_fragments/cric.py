# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connection options of the CRIC modules."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  url:
    description:
      - Address of the CRIC instance.
      - A local copy is read instead when this is a path or C(file:///path). A file holds the answer of
        C(/api/doma/rse/query/?json&preset=doma); a directory holds that as C(doma.json), and the answer without preset as C(plain.json).
      - The environment variable E(DATALAKE_CRIC_URL) is used when it is not given.
    type: str
    required: true
  application:
    description: Name of the application in the addresses of CRIC.
    type: str
    default: doma
  ca_path:
    description:
      - File or directory of the authorities that are trusted, those of the system when it is not given.
      - The environment variable E(DATALAKE_CA_PATH) is used when it is not given.
    type: path
  client_cert:
    description:
      - Client certificate, PEM.
      - The environment variable E(DATALAKE_CRIC_CERT) is used when it is not given.
    type: path
  client_key:
    description:
      - Its key, PEM; the same file as O(client_cert) when it is not given.
      - The environment variable E(DATALAKE_CRIC_KEY) is used when it is not given.
    type: path
  timeout:
    description: Seconds for connecting and for each read.
    type: int
    default: 30
requirements:
  - requests (on the controller)
"""
