#!/usr/bin/python
# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: storage_probe
short_description: Proves with real tokens and bytes what storages let in and what they refuse
version_added: 0.1.0
description:
  - Runs fifteen checks for every area of the storages, each https door and each issuer - writes, reads, checksums, moves, third-party
    copies and deletes that must succeed, and requests that must be refused (no token, wrong path, wrong audience, wrong issuer, expired,
    wrong group).
  - The last check computes audience and scope from the RSE's settings as Rucio does, and writes below the registered prefix with that
    token.
  - The checks, their requests and the known deviations of server releases are described in C(docs/probe.md).
  - Everything that is written lies in a directory C(.probe-TIME-RANDOM) of the area, which is removed at the end. Such directories of
    probes that began more than an hour ago are removed as well. Nothing else is ever deleted.
  - Tokens are fetched once each, are never shown, and are sent to https addresses only.
  - Runs on the controller.
options:
  lake:
    description: What the storages share, as C(datalake_lake) describes it.
    type: dict
    required: true
  storages:
    description: The storages by host, each as C(datalake_storage) describes it.
    type: dict
    required: true
  rses:
    description:
      - Registered records of the RSEs, for example RV(escape.datalake.rucio_info#module:rses), in the form of
        O(escape.datalake.rucio_rse#module:rses). The check C(rucio-arithmetic) uses them.
      - Without this option the records are derived from the descriptions, which proves nothing about the registration.
      - An RSE that is not in the list fails that check.
    type: list
    elements: dict
  issuers:
    description:
      - How tokens are had. An issuer of a storage that is not named here is not probed; an RSE passes when the users of at least one were.
      - An issuer that a storage does not trust serves the check C(issuer-bound) there.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of an issuer of the lake, or any name for a foreign one.
        type: str
        required: true
      url:
        description: Issuer, exactly as tokens write it. Needed for foreign issuers only.
        type: str
      client_id:
        description:
          - A client that may use client_credentials with the scopes C(storage.read:/), C(storage.create:/) and C(storage.modify:/), and
            C(storage.stage:/) where an area is on tape.
        type: str
      client_secret:
        description: Secret of the client.
        type: str
      client_secret_file:
        description: File with the secret of the client.
        type: path
      lab_mint:
        description:
          - The issuer is the stand-in of the lab, which signs tokens with any claims for a client with the scope C(lab:mint).
          - No real issuer does that; use token files there.
        type: bool
        default: false
      expired_token_file:
        description:
          - File with a token that expired more than 60 seconds ago and had C(storage.read:/) and the audience
            C(https://wlcg.cern.ch/jwt/v1/any). Keep one of yesterday.
          - Without it the check C(expired-refused) does not apply.
        type: path
      group_token_files:
        description:
          - Files with tokens of people, by WLCG group. Each token holds this group, no C(storage) scope, and no group with more rights.
          - Without the file of a group, the steps for that group are left out.
        type: dict
      foreign_group:
        description:
          - A group that has no right anywhere, for a token that must be refused; its token is in O(issuers[].group_token_files).
          - Without it a name is made up from the first group that has rights.
        type: str
  ca_path:
    description: File or directory of the authorities that are trusted for issuers and doors, those of the system when it is not given.
    type: path
  timeout:
    description: Seconds that each check may take, and each call to an issuer.
    type: float
    default: 60.0
  workers:
    description: How many passes (area, door, issuer) run side by side.
    type: int
    default: 8
  peer:
    description:
      - RSE at the other end of third-party copies. It must be one of the O(storages).
      - Without it the next area of another storage that trusts the same issuer is taken, or another area of the same storage.
    type: str
  fail:
    description: Fails the task when an RSE did not pass, after all have been probed.
    type: bool
    default: true
attributes:
  check_mode:
    description:
      - Probing writes and deletes, so in check mode only what reads is done - an anonymous read of each area, and a read of a file that
        does not exist with a token. The other checks say that they do not apply, and the verdict is V(skipped) when nothing failed.
    support: partial
  diff_mode:
    description: A probe changes nothing that stays.
    support: none
author:
  - The escape.datalake authors (@escape-wp2)
notes:
  - Give secrets from a vault, a file or the environment.
requirements:
  - requests (on the controller)
seealso:
  - module: escape.datalake.rucio_rse
  - module: escape.datalake.cric_rse
"""

EXAMPLES = r"""
- name: Probe all storages as users of one issuer
  escape.datalake.storage_probe:
    lake: "{{ datalake_lake }}"
    storages: "{{ dict(groups['storages'] | zip(groups['storages'] | map('extract', hostvars, 'datalake_storage'))) }}"
    issuers:
      - name: escape
        client_id: probe
        client_secret_file: /etc/datalake/probe-escape.secret
        expired_token_file: /var/lib/datalake/expired.jwt
        group_token_files:
          /escape: /run/user/1000/escape.jwt
          /escape/data-manager: /run/user/1000/data-manager.jwt
      - name: wlcg  # not trusted by any storage of this lake
        url: https://wlcg.cloud.cnaf.infn.it/
        client_id: probe
        client_secret_file: /etc/datalake/probe-wlcg.secret
  register: probe

- name: Probe what is registered in Rucio, with the lab's issuer
  escape.datalake.storage_probe:
    lake: "{{ datalake_lake }}"
    storages:
      se1: "{{ hostvars.se1.datalake_storage }}"
    rses: "{{ registered.rses.values() }}"
    ca_path: .lab/ca/ca.pem
    issuers:
      - {name: escape, client_id: probe, client_secret: "{{ probe_secret }}", lab_mint: true}
    fail: false
  register: probe

- name: Let Rucio use tokens where they were proven
  escape.datalake.rucio_rse:
    rses: "{{ probe.token_support }}"
"""

RETURN = r"""
rses:
  description: One entry per area, in the order of the storages.
  returned: when the probe ran, also when it failed
  type: list
  elements: dict
  sample: [{name: LAB-XRD1-FAST, storage: LAB-XRD1, qos: FAST, verdict: ok}]
  contains:
    name:
      description: Name of the RSE.
      type: str
    storage:
      description: Name of the storage.
      type: str
    qos:
      description: QoS class.
      type: str
    verdict:
      description:
        - V(ok) when no check failed and the users of one issuer were proven to read and write, V(failed) otherwise.
        - V(skipped) in check mode.
      type: str
    checks:
      description: Results, by door and issuer.
      type: list
      elements: dict
      contains:
        id:
          description: Name of the check, see C(docs/probe.md).
          type: str
        title:
          description: What the check proves.
          type: str
        issuer:
          description: Name of the issuer whose users were probed.
          type: str
        door:
          description: Host and port.
          type: str
        expected:
          description: Requests and the statuses that they should get.
          type: str
        got:
          description: Requests and what they got.
          type: str
        result:
          description: V(ok), V(warning) for a known deviation of this release, V(failed), or V(not-applicable).
          type: str
        seconds:
          description: Time that the check took.
          type: float
        why:
          description: Reason of every result but V(ok), and what was left out.
          type: str
    cleaned:
      description: URLs of directories of older, interrupted probes that were removed.
      type: list
      elements: str
    remaining:
      description: URLs of directories of this probe that could not be removed.
      type: list
      elements: str
token_support:
  description:
    - Records that set the attribute C(oidc_support) of RSEs that passed and remove it from those that failed, for
      M(escape.datalake.cric_rse) and M(escape.datalake.rucio_rse). Empty in check mode but for RSEs that failed.
  returned: when the probe ran, also when it failed
  type: list
  elements: dict
  sample: [{name: LAB-XRD1-FAST, attributes: {oidc_support: true}}]
text:
  description: The results as a table for people.
  returned: when the probe ran, also when it failed
  type: str
traffic:
  description: Requests to doors and issuers, and how many of them write.
  returned: when the probe ran, also when it failed
  type: dict
  sample: {requests: 134, writes: 60}
"""
