# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Messages of a Kafka topic, read from all its partitions without a consumer group: nothing is stored at the broker.

Needs the Python package confluent-kafka on the controller. Settings are those of librdkafka (its CONFIGURATION.md).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError

try:
    from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaError, KafkaException, TopicPartition
except ImportError as missing:  # reported by the first reader
    KAFKA_MISSING: ImportError | None = missing
else:
    KAFKA_MISSING = None

ANSWER = 15.0  # seconds that a broker has for its first answer


class Topic:
    """A topic of a broker. servers: HOST:PORT. earliest: from its oldest message on, in contrast to what comes from now on."""

    def __init__(self, servers: Sequence[str], name: str, settings: Mapping[str, str], *, earliest: bool = False) -> None:
        self._servers, self._name, self._earliest = ",".join(servers), name, earliest
        self._settings = settings
        self._words = ""

    def messages(self, seconds: float) -> Iterator[bytes]:
        """Messages as they come, for some seconds. Raises ApiError."""
        if KAFKA_MISSING is not None:
            raise self._problem("the Python package confluent-kafka is missing on the controller: pip install confluent-kafka")
        # Sending no offsets, a reader needs no right to a group; librdkafka asks for a name all the same.
        fixed = {"bootstrap.servers": self._servers, "group.id": "escape.datalake", "enable.auto.commit": False, "error_cb": self._heard}
        try:
            consumer = Consumer({"client.id": "escape.datalake", "log_level": 0, **self._settings, **fixed})
        except KafkaException as problem:
            raise self._problem(f"a setting is refused: {problem.args[0].str()}") from None
        try:
            consumer.assign(self._partitions(consumer))
            yield from self._read(consumer, seconds)
        except KafkaException as problem:
            consumer.poll(0)  # hands over what _heard() is to be told
            raise self._problem(self._words or problem.args[0].str()) from None
        finally:
            consumer.close()

    def _partitions(self, consumer: Any) -> list[Any]:
        topic = consumer.list_topics(self._name, timeout=ANSWER).topics[self._name]
        if topic.error is not None or not topic.partitions:
            reason = topic.error.str() if topic.error else "it has no partition"
            raise self._problem(f"{reason}. See dcache.kafka.topic (billing by default), and whether the log-in may read it")
        start = OFFSET_BEGINNING if self._earliest else OFFSET_END
        return [TopicPartition(self._name, number, start) for number in topic.partitions]

    def _read(self, consumer: Any, seconds: float) -> Iterator[bytes]:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            message = consumer.poll(min(1.0, left))
            if message is None:
                continue
            if message.error() is None:
                yield message.value() or b""
            elif message.error().code() != KafkaError._PARTITION_EOF:
                raise self._problem(message.error().str())

    def _heard(self, error: Any) -> None:
        """librdkafka tries again whatever happens; the first that it says meanwhile is the reason when it gives up."""
        self._words = self._words or error.str()

    def _problem(self, words: str) -> ApiError:
        return ApiError("Kafka", "read", f"{self._servers} {self._name}", None, words)
