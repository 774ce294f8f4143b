# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of iam_info; the work is done by the action plug-in of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: iam_info
short_description: Users and groups of an INDIGO IAM
description:
  - Reads all users and groups over SCIM, page by page, with one token.
  - A list is complete or refused. What does not hold as many different entries as it announces, or comes truncated, is read once more,
    and then fails the task.
version_added: 0.1.0
author:
  - The escape.datalake authors (@escape-wp2)
attributes:
  check_mode:
    description: Reads only.
    support: full
  diff_mode:
    description: Nothing is changed.
    support: none
options:
  url:
    description:
      - Issuer of the IAM, exactly as in the C(iss) of its tokens, with its slash at the end where it has one.
      - If not set, the environment variable E(DATALAKE_IAM_URL) is used.
    type: str
    required: true
  client_id:
    description:
      - A client with grant C(client_credentials) and scope C(scim:read), which an administrator of the IAM has to add to the client.
      - If not set, the environment variable E(DATALAKE_IAM_CLIENT_ID) is used.
    type: str
  client_secret:
    description:
      - Secret of the client. Take it from a vault.
      - If not set, the environment variable E(DATALAKE_IAM_CLIENT_SECRET) is used.
    type: str
  token_file:
    description:
      - In place of a client, a file on the controller with a token that has the scope. It is read for each page.
      - If not set, the environment variable E(DATALAKE_IAM_TOKEN_FILE) is used.
    type: path
  ca_path:
    description:
      - File or directory of the certificate authorities that may vouch for the IAM; those of the system when it is not given.
      - If not set, the environment variable E(DATALAKE_IAM_CA_PATH) is used.
    type: path
  timeout:
    description: Seconds to wait for a connection and for each part of an answer.
    type: float
    default: 60.0
  gather:
    description: What to read.
    type: list
    elements: str
    choices: [users, groups]
    default: [users, groups]
requirements:
  - requests (Python library, on the controller)
notes:
  - Runs on the controller, in process; no host is contacted but the IAM.
"""

EXAMPLES = r"""
- name: Read the people of the lake
  escape.datalake.iam_info:
    url: https://iam.lake.test/
    client_id: rucio-account-sync
    client_secret: "{{ vault_iam_secret }}"
  register: iam

- name: Show who may manage data
  ansible.builtin.debug:
    msg: "{{ iam.users | selectattr('groups', 'contains', 'escape/data-manager') | map(attribute='username') }}"
"""

RETURN = r"""
users:
  description: All users.
  returned: when gathered
  type: list
  elements: dict
  contains:
    id:
      description: The C(sub) of the person's tokens; it never changes.
      type: str
    username:
      description: User name; an administrator can change it.
      type: str
    active:
      description: Whether the user may log in.
      type: bool
    name:
      description: Name for people.
      type: str
    email:
      description: Primary address, null where there is none.
      type: str
    groups:
      description: Full names of the groups, without a slash in front.
      type: list
    subjects:
      description: Subjects of the certificates as IAM shows them (RFC 2253).
      type: list
    service_account:
      description: Whether IAM marks it as a service account.
      type: bool
    oidc_identity:
      description: The text by which Rucio knows the person's tokens.
      type: str
    x509_identities:
      description: Subjects of the certificates in both forms that web servers pass to Rucio.
      type: list
groups:
  description: All groups, with C(id), C(name), C(parent), C(description).
  returned: when gathered
  type: list
  elements: dict
traffic:
  description: Requests sent to the servers, and how many of them were writes.
  returned: always
  type: dict
  sample: {requests: 7, writes: 0}
"""
