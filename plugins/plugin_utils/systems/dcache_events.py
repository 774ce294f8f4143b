# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Storage events of a dCache as properties for its configuration: Kafka for all that happens, streams of the frontend for directories.

The role's variable ``dcache_events`` has the two keys ``kafka`` and ``streams``; what is left out stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_events import (
    BROKER,
    KAFKA_BILLING,
    KAFKA_CONFIG_FILE,
    KAFKA_TRANSFER_SERVICES,
    LATER_SENDERS,
    SENDERS,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_release import Release, parse_release, since
from ansible_collections.escape.datalake.plugins.plugin_utils.model import kinds
from ansible_collections.escape.datalake.plugins.plugin_utils.model.fields import (
    FLAG,
    Field,
    ListOf,
    MapOf,
    Table,
    Value,
    Wrong,
    choice,
    read,
    text,
    whole,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.model.units import parse_duration

STREAM_BACKLOG = since("6.2.0")


def _duration(value: Any) -> int:
    """Seconds."""
    try:
        return parse_duration(value)
    except ValueError as problem:
        raise Wrong(str(problem), 'Write a number with a unit, such as "5min".') from None


DURATION = Value("duration: s min h d w", _duration, {"type": ["string", "integer"]})
KAFKA = Table(
    "dcache_events.kafka",
    "Events of doors and pools as messages of a Kafka topic.",
    (
        Field("enabled", FLAG, "Whether they are sent.", True, default=True),
        Field(
            "servers",
            ListOf(text("broker", BROKER.pattern, "Write HOST:PORT."), least=1),
            "Brokers.",
            ["kafka1.example.org:9092"],
            default_words="what dCache has",
        ),
        Field("topic", text("topic", r"[A-Za-z0-9._-]{1,249}", "Use letters, digits and . _ -."), "Topic.", "billing"),
        Field("sender", choice("sender", ("services", "billing")), "Who sends: each service, or billing for all (11.2).", "services"),
        Field("config_file", kinds.PATH, "File with further settings of the client, such as TLS (10.0).", "/etc/dcache/kafka.properties"),
        Field(
            "settings",
            MapOf(text("setting", r"[a-z][a-z.]*", "Write it as Kafka does."), kinds.PLAIN),
            "Further settings of the producers, without secrets.",
            {"compression.type": "zstd"},
        ),
        Field("silent", ListOf(choice("service", (*SENDERS, *LATER_SENDERS))), "Services that send nothing.", ["dcap"]),
    ),
)
STREAMS = Table(
    "dcache_events.streams",
    "Server-sent events of the frontend.",
    (
        Field("enabled", FLAG, "Whether services tell the frontend what happens.", True, default=True),
        Field("channels_per_user", whole(1), "Channels that a user may have.", 128),
        Field("disconnect", DURATION, "How long a channel lives without a client.", "5min"),
        Field("longest_disconnect", DURATION, "What a client may ask for.", "1d"),
        Field("backlog", whole(1), "Events kept for a client that is away (6.2).", 16383),
    ),
)
EVENTS = Table("dcache_events", "Storage events.", (Field("kafka", KAFKA, KAFKA.doc, {}), Field("streams", STREAMS, STREAMS.doc, {})))


@dataclass(frozen=True)
class EventSettings:
    """properties: for the whole host (``dcache.conf``). notes: what a release does not send."""

    properties: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def settings(events: Mapping[str, Any], release: str, at: str = "dcache_events") -> EventSettings:
    """The properties for ``dcache_events``, and what they do not bring.

    Raises DescriptionError for what cannot be used or is not in the release, ValueError for a release that cannot be read.
    """
    parsed = parse_release(release)
    problems: list[Problem] = []
    found = read(EVENTS, dict(events), at, problems)
    kafka, streams = found.get("kafka"), found.get("streams")
    if kafka:
        problems += _too_new(kafka, parsed, release, f"{at}.kafka")
    if problems:
        raise DescriptionError(problems)
    properties: dict[str, str] = {}
    notes: list[str] = []
    if kafka:
        properties |= _kafka(kafka, parsed)
        notes += _missing(kafka, parsed, release)
    if streams:
        properties |= _streams(streams, parsed)
        if "backlog" in streams and not STREAM_BACKLOG.covers(parsed):
            notes.append(f"frontend.limit.events.backlog is not in dCache {release}, so the backlog stays as it is.")
    return EventSettings(properties, tuple(notes))


def _too_new(kafka: Mapping[str, Any], release: Release, name: str, at: str) -> list[Problem]:
    problems = []
    if kafka.get("sender") == "billing" and not KAFKA_BILLING.covers(release):
        words = f"billing writes no events in dCache {name}; it does from {KAFKA_BILLING.since()} on."
        problems.append(Problem(f"{at}.sender", words, 'Leave it out, or write "services".'))
    if "config_file" in kafka and not KAFKA_CONFIG_FILE.covers(release):
        words = f"dCache {name} reads no file with settings of Kafka's client; it does from {KAFKA_CONFIG_FILE.since()} on."
        problems.append(Problem(f"{at}.config_file", words, "Give them in settings."))
    return problems


def _kafka(kafka: Mapping[str, Any], release: Release) -> dict[str, str]:
    billing = kafka.get("sender") == "billing"
    on = bool(kafka.get("enabled", True))
    properties = {"dcache.enable.kafka": _word(on and not billing)}
    if KAFKA_BILLING.covers(release) and (billing or not on):
        properties["dcache.billing.enable.kafka"] = _word(on and billing)
    if not on:
        return properties
    if "servers" in kafka:
        properties["dcache.kafka.bootstrap-servers"] = ",".join(kafka["servers"])
    if "topic" in kafka:
        properties["dcache.kafka.topic"] = kafka["topic"]
    if "config_file" in kafka:
        properties["dcache.kafka.config-file"] = kafka["config_file"]
    for name, value in kafka.get("settings", {}).items():
        for service in ("billing",) if billing else _producers(release):
            properties[f"{service}.kafka.producer.configs!{name}"] = value
    for service in kafka.get("silent", ()):
        if service in SENDERS or KAFKA_TRANSFER_SERVICES.covers(release):
            properties[f"{service}.enable.kafka"] = "false"
    return properties


def _producers(release: Release) -> Sequence[str]:
    """Services whose producers take settings of their own; dcap and ftp have none."""
    return ("nfs", "pool", "webdav", "xrootd", *(LATER_SENDERS if KAFKA_TRANSFER_SERVICES.covers(release) else ()))


def _missing(kafka: Mapping[str, Any], release: Release, name: str) -> list[str]:
    if not kafka.get("enabled", True) or kafka.get("sender") == "billing" or KAFKA_TRANSFER_SERVICES.covers(release):
        return []
    return [f"dCache {name} sends no events of SRM and of third-party copies over HTTP; it does from {KAFKA_TRANSFER_SERVICES.since()} on."]


def _streams(streams: Mapping[str, Any], release: Release) -> dict[str, str]:
    properties = {"dcache.inotify-generation.enable": _word(bool(streams.get("enabled", True)))}
    if "channels_per_user" in streams:
        properties["frontend.limit.events.channels-per-user"] = str(streams["channels_per_user"])
    for key, name in (("disconnect", "default"), ("longest_disconnect", "maximum")):
        if key in streams:
            properties[f"frontend.limit.events.disconnect-timeout.{name}"] = str(streams[key])
            properties[f"frontend.limit.events.disconnect-timeout.{name}.unit"] = "SECONDS"
    if "backlog" in streams and STREAM_BACKLOG.covers(release):
        properties["frontend.limit.events.backlog"] = str(streams["backlog"])
    return properties


def _word(on: bool) -> str:
    return "true" if on else "false"
