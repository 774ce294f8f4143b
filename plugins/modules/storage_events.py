# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of storage_events; the work is done by the action plug-in of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: storage_events
short_description: What happens in directories of a dCache
version_added: 0.1.0
description:
  - Listens to the storage events of a dCache for a time or a number of events, and returns them. They come from its frontend (server-sent
    events, O(url)) or from the messages that it sends to Kafka (O(kafka)).
  - A channel is made at the frontend and taken away at the end. Files are not touched.
  - A stream that breaks is taken up where it broke. When events may have been lost, RV(lost) says so.
  - A frontend reports what happens to the entries of a directory, not what lies deeper; Kafka has all that lies below it.
  - Reading Kafka leaves nothing at the broker.
requirements:
  - The Python package confluent-kafka on the controller, for O(kafka).
options:
  url:
    description: Address of the frontend, such as C(https://dcache.example.org:3880). Give this or O(kafka).
    type: str
  kafka:
    description: The broker that dCache sends its messages to.
    type: dict
    suboptions:
      servers:
        description: Brokers as C(HOST:PORT); one is enough to find the others.
        type: list
        elements: str
        required: true
      topic:
        description: Topic of the messages, C(dcache.kafka.topic).
        type: str
        default: billing
      since:
        description: Whether to read what comes from now on, or all that the broker still has.
        type: str
        choices: [now, earliest]
        default: now
      settings:
        description: Settings of the client as librdkafka names them, such as C(security.protocol). No secrets; there is O(password).
        type: dict
        default: {}
  paths:
    description: Directories to watch, as they are called in the name space. At a frontend they must be there.
    type: list
    elements: path
    required: true
  flags:
    description:
      - What the frontend is to tell, in the words of inotify(7).
      - A file that is uploaded is created (C(IN_CREATE)), then written (C(IN_CLOSE_WRITE)); one that reaches tape changes its metadata
        (C(IN_ATTRIB)).
    type: list
    elements: str
    default: [IN_CREATE, IN_CLOSE_WRITE, IN_DELETE, IN_MOVED_FROM, IN_MOVED_TO, IN_ATTRIB]
  count:
    description: Ends after this many events.
    type: int
    default: 100
  seconds:
    description: Ends after this many seconds. The end may be late by as long again, by 30 s at most.
    type: float
    default: 60.0
  token:
    description: Access token of somebody who may list the directories.
    type: str
  token_file:
    description: File with such a token.
    type: path
  username:
    description: Name of an account with a password, in the place of a token; for O(kafka) that of SASL.
    type: str
  password:
    description: Its password.
    type: str
  ca_path:
    description: File or directory of the authorities that are trusted, those of the system when it is not given.
    type: path
attributes:
  check_mode:
    description: Does nothing at a frontend, because listening makes a channel there.
    support: partial
    details:
      - The task is skipped. Kafka is read all the same.
  diff_mode:
    description: There is nothing to show.
    support: none
author:
  - The escape.datalake authors (@escape-wp2)
"""

EXAMPLES = r"""
- name: Wait for the first file that arrives
  escape.datalake.storage_events:
    url: https://dcache.example.org:3880
    paths: [/escape/ingest]
    flags: [IN_CLOSE_WRITE]
    count: 1
    seconds: 600
    token_file: ~/.token
  register: arrived

- name: See what happened in an area, as Kafka still knows it
  escape.datalake.storage_events:
    kafka:
      servers: [kafka1.example.org:9093]
      since: earliest
      settings: {security.protocol: SASL_SSL, sasl.mechanism: SCRAM-SHA-512}
    username: datalake
    password: "{{ kafka_password }}"
    paths: [/escape/fast]
    seconds: 10
"""

RETURN = r"""
events:
  description:
    - In the order in which they came. Of a frontend the keys kind, id, directory (that is watched), path (of the file), name, flags, and
      cookie where two events are the two ends of one move.
    - Of Kafka the keys kind (V(transfer), V(request), V(remove), V(store), V(restore), ...), path, date, code (0 for what succeeded), and
      data, the message itself.
  returned: without check mode
  type: list
  elements: dict
  sample: [{kind: inotify, id: "4", directory: /escape/ingest, path: /escape/ingest/a, name: a, flags: [IN_CLOSE_WRITE]}]
text:
  description: The events for people.
  returned: without check mode
  type: str
  sample: "/escape/ingest/a written\n1 written\n"
lost:
  description: Whether events may be missing.
  returned: without check mode
  type: bool
  sample: false
traffic:
  description: Requests to the frontend, and how many of them made or removed channels and subscriptions (writes); of Kafka the messages.
  returned: without check mode
  type: dict
  sample: {requests: 4, writes: 3}
"""
