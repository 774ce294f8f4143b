# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of rucio_iam_account; the work is done by the action plug-in of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rucio_iam_account
short_description: Accounts of Rucio for the people of an INDIGO IAM
description:
  - Gives each active user of an IAM who has a role an account, with the identities of the user's tokens and certificates (both forms of
    their subjects), and the attributes and quotas of the roles. Nobody has a role, and nobody is an administrator, but by O(roles).
  - A user who is inactive, gone, or without role is suspended, never deleted, and made active again on return. Only accounts that this
    module made are touched; one that somebody else suspended or deleted stays so.
  - Who has which account is remembered by the user's id, as attributes of the account O(ledger), to which nobody can log in. A user who
    is renamed in the IAM keeps the account.
  - An unchanged run reads the pages of the IAM, a few lists of Rucio, and no account by itself.
  - Needs an account that may manage accounts, in most lakes root.
version_added: 0.1.0
author:
  - The escape.datalake authors (@escape-wp2)
extends_documentation_fragment:
  - escape.datalake.rucio
  - escape.datalake.plan_file
  - escape.datalake.guard
attributes:
  check_mode:
    description: Makes the same plan and sends no write.
    support: full
  diff_mode:
    description: Shows what differs, object by object.
    support: full
options:
  iam:
    description: The IAM.
    type: dict
    required: true
    suboptions:
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
  ledger:
    description: Account that keeps who has which account. Several IAMs that feed one Rucio need a ledger each.
    type: str
    default: iam-accounts
  roles:
    description:
      - What members of groups get. A user has every role that fits, and an account where one fits; the first one decides where two differ.
      - An attribute or a quota that a role gives is taken from those who have no such role (any more).
    type: list
    elements: dict
    required: true
    suboptions:
      groups:
        description: Full names of groups, one of which is enough. Every active user has the role where none is given.
        type: list
        elements: str
        default: []
      type:
        description: Type of the account, V(USER) where no role says otherwise.
        type: str
        choices: [USER, GROUP, SERVICE]
      attributes:
        description: Attributes of the account, such as C(admin) or C(sign-gcs).
        type: dict
        default: {}
      quotas:
        description: How much the account may have rules for. The largest of all roles counts.
        type: list
        elements: dict
        default: []
        suboptions:
          rses:
            description: RSE expression. It is evaluated in each run, so that RSEs that are added later are served.
            type: str
            required: true
          size:
            description: Bytes, a size such as V(50TB), or V(infinite).
            type: str
            required: true
          kind:
            description: V(each) sets it on each RSE, V(together) once for all RSEs together, which Rucio evaluates itself.
            type: str
            choices: [each, together]
            default: each
  names:
    description:
      - Account by id or user name of a person, where the rule does not do. The rule takes the user name; what Rucio does not accept
        is replaced by C(_) or cut at 25 letters, and then six letters that follow from the id are appended.
      - A name that is not free is refused, and never shared.
    type: dict
    default: {}
  protected:
    description: Accounts that are never touched, beside C(root) and the account that runs the module.
    type: list
    elements: str
    default: []
  adopt:
    description: Takes over accounts that others made, where the person's token (subject and issuer) opens them already.
    type: bool
    default: false
  purge_identities:
    description: Takes certificates and tokens of the issuer off an account when the IAM does not know them for the person.
    type: bool
    default: false
  verify:
    description:
      - V(changed) reads single accounts where something is to be changed or was changed.
      - V(all) reads each of them (two requests per account), and finds what others changed.
    type: str
    choices: [changed, all]
    default: changed
seealso:
  - module: escape.datalake.iam_info
  - module: escape.datalake.rucio_account
"""

EXAMPLES = r"""
- name: Give the people of the lake their accounts
  escape.datalake.rucio_iam_account:
    url: https://rucio.lake.test
    username: ddmlab
    password: "{{ vault_rucio_password }}"
    account: root
    iam:
      url: https://iam.lake.test/
      client_id: rucio-account-sync
      client_secret: "{{ vault_iam_secret }}"
    roles:
      - groups: [escape]
        attributes: {sign-gcs: "True"}
        quotas:
          - {rses: QOS=FAST, size: 1TB}
          - {rses: QOS=SAFE, size: 10TB, kind: together}
      - groups: [escape/data-manager]
        attributes: {admin: "True"}
        quotas:
          - {rses: QOS=FAST, size: infinite}
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode, in words; the first 1000.
  returned: always
  type: list
  elements: str
summary:
  description: How often what was done.
  returned: always
  type: dict
  sample: {create account: 3, create identity: 9}
people:
  description: Users in all, active ones, and those for whom an account is wanted.
  returned: always
  type: dict
  sample: {all: 203, active: 190, accounts: 188}
held_back:
  description: What the guard did not allow.
  returned: when something was held back
  type: list
  elements: str
problems:
  description: Why something was held back, and who got no account; each with C(path), C(message), C(remedy).
  returned: when there are any
  type: list
  elements: dict
failures:
  description: What could not be done; the other accounts were done.
  returned: when something failed
  type: list
  elements: dict
traffic:
  description: Requests sent to the servers, and how many of them were writes.
  returned: always
  type: dict
  sample: {requests: 7, writes: 0}
"""
