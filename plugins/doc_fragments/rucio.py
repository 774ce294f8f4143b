# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options of every Rucio module."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  url:
    description:
      - Address of the Rucio server, for example V(https://rucio.lake.test).
      - If not set, the environment variable E(DATALAKE_RUCIO_URL) is used.
    type: str
    required: true
  auth_type:
    description:
      - How to log in.
      - V(userpass) needs O(username) and O(password), V(x509) needs O(client_cert), V(token) needs O(token) or O(token_file).
      - The module logs in once for each task.
      - If not set, the environment variable E(DATALAKE_RUCIO_AUTH_TYPE) is used.
    type: str
    choices: [userpass, x509, token]
    default: userpass
  username:
    description:
      - User name for O(auth_type=userpass).
      - If not set, the environment variable E(DATALAKE_RUCIO_USERNAME) is used.
    type: str
  password:
    description:
      - Password for O(auth_type=userpass). Take it from a vault.
      - If not set, the environment variable E(DATALAKE_RUCIO_PASSWORD) is used.
    type: str
  account:
    description:
      - The Rucio account to work as, where the identity opens several. A token works as the default account of its identity.
      - If not set, the environment variable E(DATALAKE_RUCIO_ACCOUNT) is used.
    type: str
  token:
    description:
      - An access token (JWT) of an issuer that the server trusts, with the audience and the scopes that it expects.
      - If not set, the environment variable E(DATALAKE_RUCIO_TOKEN) is used.
    type: str
  token_file:
    description:
      - A file on the controller that holds such a token. It is read again when the server no longer takes the token, so that another
        program may keep it fresh.
      - If not set, the environment variable E(DATALAKE_RUCIO_TOKEN_FILE) is used.
    type: path
  client_cert:
    description:
      - Certificate (PEM) to show to the server, for O(auth_type=x509); a proxy certificate may hold its key too.
      - If not set, the environment variable E(DATALAKE_RUCIO_CLIENT_CERT) is used.
    type: path
  client_key:
    description:
      - Key (PEM) of O(client_cert), where it is in a file of its own.
      - If not set, the environment variable E(DATALAKE_RUCIO_CLIENT_KEY) is used.
    type: path
  ca_path:
    description:
      - File or directory of the certificate authorities that may vouch for the server; those of the system when it is not given.
      - If not set, the environment variable E(DATALAKE_RUCIO_CA_PATH) is used.
    type: path
  vo:
    description:
      - Virtual organisation, on a server that serves several.
      - If not set, the environment variable E(DATALAKE_RUCIO_VO) is used.
    type: str
  timeout:
    description:
      - Seconds to wait for a connection and for each part of an answer. Exports and imports of a whole lake are given ten minutes at least.
    type: float
    default: 60.0
requirements:
  - requests (Python library, on the controller)
notes:
  - Runs on the controller, in process; no host is contacted but the Rucio server.
  - The server must be reachable in check mode too, because a plan without what was found would be a guess.
  - Use C(module_defaults) with C(group/escape.datalake.rucio) to give these options once.
"""
