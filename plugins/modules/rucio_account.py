# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of rucio_account; the work is done by the action plug-in of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rucio_account
short_description: Accounts of Rucio
description:
  - Makes and changes accounts with their identities, attributes, quotas and scopes, all of them in one task.
  - What is not declared is left alone; an attribute or a quota that is null is removed.
  - Needs an account that may manage accounts, in most lakes root.
version_added: 0.1.0
author:
  - The escape.datalake authors (@escape-wp2)
extends_documentation_fragment:
  - escape.datalake.rucio
  - escape.datalake.plan_file
attributes:
  check_mode:
    description: Makes the same plan and sends no write.
    support: full
  diff_mode:
    description: Shows what differs, object by object.
    support: full
options:
  state:
    description:
      - V(absent) deletes the accounts named. Rucio keeps their names, rules and data; V(present) makes a deleted account active again.
      - In check mode only the revival of such an account is shown, because the server hides what it has.
    type: str
    choices: [present, absent]
    default: present
  accounts:
    description: Accounts. For O(state=absent) only their names count.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name, at most 25 small letters, digits, C(-) and C(_).
        type: str
        required: true
      type:
        description: Kind of account. A new account is V(USER) unless something else is said.
        type: str
        choices: [USER, GROUP, SERVICE]
      email:
        description: Mail address.
        type: str
      status:
        description: Whether the account may be used. The rest of a suspended account is neither read nor changed.
        type: str
        choices: [ACTIVE, SUSPENDED]
        default: ACTIVE
      identities:
        description: What opens the account.
        type: list
        elements: dict
        default: []
        suboptions:
          type:
            description: Kind of identity.
            type: str
            choices: [OIDC, X509, USERPASS, SSH, GSS, SAML]
            required: true
          identity:
            description:
              - The certificate's subject, the user name, the public key, and so on. For V(OIDC) give O(accounts[].identities[].issuer) and
                O(accounts[].identities[].subject) instead.
              - Subjects of certificates are compared letter by letter with what the web server passes on; register both the slash and the
                comma form when unsure.
            type: str
          issuer:
            description: Token issuer, exactly as in the token's C(iss), with its slash at the end where it has one.
            type: str
          subject:
            description: The token's C(sub).
            type: str
          email:
            description: Mail address of a new identity; that of the account when not set.
            type: str
          password:
            description:
              - Password of a new V(USERPASS) identity. Rucio can neither show nor change the password of a user name that it knows, not
                even after the identity was removed, so this is used once.
              - The module tries it after making the identity; when an older password is in force, it takes the identity off again
                and fails.
            type: str
          default:
            description: A new identity opens this account where the log-in names none.
            type: bool
            default: false
          state:
            description: V(absent) takes the identity off the account.
            type: str
            choices: [present, absent]
            default: present
      attributes:
        description: Attributes, such as C(admin). Rucio stores texts.
        type: dict
        default: {}
      local_quotas:
        description: Bytes, a size such as V(50TB), or V(infinite), by RSE.
        type: dict
        default: {}
      global_quotas:
        description: The same by RSE expression, for all RSEs that it matches together.
        type: dict
        default: {}
      scopes:
        description: Scopes of the account. A scope cannot be removed.
        type: list
        elements: str
        default: []
  removal_limit:
    description: O(state=absent) refuses to delete more accounts than this in one task.
    type: int
    default: 5
"""

EXAMPLES = r"""
- name: A person with a token and a certificate
  escape.datalake.rucio_account:
    url: https://rucio.lake.test
    username: ddmlab
    password: "{{ vault_rucio_password }}"
    account: root
    accounts:
      - name: maria
        type: USER
        email: maria@example.org
        identities:
          - {type: OIDC, issuer: "https://iam.lake.test/", subject: 73f16d93-2441-4a50-88ff-85360d78c6b5, default: true}
          - {type: X509, identity: /C=IT/O=Example/CN=Maria Rossi}
        attributes: {sign-gcs: "True"}
        local_quotas: {LAB-XRD1-FAST: 1TB}
        global_quotas: {QOS=SAFE: infinite}
        scopes: [user.maria]

- name: Somebody who left
  escape.datalake.rucio_account:
    url: https://rucio.lake.test
    accounts: [{name: mario, status: SUSPENDED}]
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
  contains:
    action:
      description: What was tried.
      type: str
    reason:
      description: Why it failed.
      type: str
traffic:
  description: Requests sent to the server, and how many of them were writes.
  returned: always
  type: dict
  sample: {requests: 3, writes: 0}
"""
