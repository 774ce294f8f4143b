# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of rucio_rule; the work is done by the action plug-in of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rucio_rule
short_description: Replication rules of Rucio
description:
  - Makes, changes and deletes replication rules. Each data identifier of an entry gets its own rule.
  - Rucio takes two rules for the same when data identifier, account, RSE expression and number of copies are the same; so does this module.
  - A rule that was moved elsewhere is left to its end.
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
    description: V(absent) deletes the rules. Rucio lists a deleted rule for one more hour, in which it counts as deleted here.
    type: str
    choices: [present, absent]
    default: present
  rules:
    description: Rules.
    type: list
    elements: dict
    required: true
    suboptions:
      dids:
        description: Data identifiers, as C(scope:name).
        type: list
        elements: str
        required: true
      rse_expression:
        description: Where the copies go, for example V(QOS=SAFE).
        type: str
        required: true
      copies:
        description: Number of copies.
        type: int
        default: 1
      account:
        description: Account that owns the rule and whose quota it uses; the one that is logged in when not set.
        type: str
      lifetime:
        description:
          - Time after which a new rule ends, as seconds or with a unit (V(12h), V(30d)). Without it a rule stays.
          - Once the rule is there its end is not moved, unless O(rules[].renew_before) says so.
        type: str
      renew_before:
        description: Gives a rule its lifetime anew when less than this is left of it.
        type: str
      activity:
        description: Activity, by which transfers are shared out.
        type: str
      comment:
        description: Comment.
        type: str
      grouping:
        description: Which files must be kept together. Counts for new rules only.
        type: str
        choices: [ALL, DATASET, NONE]
      ignore_availability:
        description: Uses RSEs that are not available too. Counts for new rules only.
        type: bool
      locked:
        description: Protects the rule from being deleted.
        type: bool
      priority:
        description: Priority of the transfers.
        type: int
      purge_replicas:
        description: Deletes the bytes at once when the rule ends.
        type: bool
      source_replica_expression:
        description: Where transfers may read from.
        type: str
      weight:
        description: RSE attribute by whose numbers copies are shared out. Counts for new rules only.
        type: str
"""

EXAMPLES = r"""
- name: Two copies of a dataset for a month, renewed as long as this playbook is run
  escape.datalake.rucio_rule:
    url: https://rucio.lake.test
    username: ddmlab
    password: "{{ vault_rucio_password }}"
    account: root
    rules:
      - dids: ["lab:dataset1", "lab:dataset2"]
        copies: 2
        rse_expression: QOS=SAFE
        lifetime: 30d
        renew_before: 7d
        activity: Data Consolidation
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
