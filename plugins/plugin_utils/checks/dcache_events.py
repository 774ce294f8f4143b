# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of dCache's storage events: which services send what from which release on, and what a switch leaves silent.

Sources: dCache skel/share/defaults/{dcache,frontend,billing,srmmanager,transfermanagers}.properties, issues 6298, 5314 and 4964;
org.apache.kafka.clients.ClientUtils for addresses of brokers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_release import Release, parse_release, since
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_site import load_site, place
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding, Severity
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.dcache_layout import Host, Scope, Service

KAFKA_CONFIG_FILE = since("10.0.0")
KAFKA_TRANSFER_SERVICES = since("10.1.0")
KAFKA_BILLING = since("11.2.0")
SENDERS = ("dcap", "ftp", "nfs", "pool", "webdav", "xrootd")
LATER_SENDERS = ("srmmanager", "transfermanagers")
INOTIFY = {"pool": "the bytes of files", "pnfsmanager": "names", "nfs": "what NFS clients do"}
SWITCH = "dcache.enable.kafka"
SERVERS = "dcache.kafka.bootstrap-servers"
BROKER = re.compile(r"(?:[A-Za-z0-9+_-]+://)?\[?[0-9A-Za-z_.%:-]*[0-9A-Za-z]\]?:[0-9]{1,5}")
DEFAULTS_SOURCE = "dCache skel/share/defaults/dcache.properties"


def check(files: Mapping[str, str], release: str) -> list[Finding]:
    """Findings about one host. files: text by path relative to the root; a release that cannot be read gives none."""
    if not any(word in text for text in files.values() for word in ("kafka", "inotify")):
        return []
    try:
        parsed = parse_release(release)
    except ValueError:
        return []
    return list(dict.fromkeys(finding for host in load_site(files, release).hosts for finding in _host(host, parsed)))


def _host(host: Host, release: Release) -> Iterator[Finding]:
    services = list(host.services())
    on = [service for service in services if _sends(service)]
    for service in services:
        yield from _silent(host, service, release)
    if on:
        yield from _brokers(host, on)
        yield from _settings(host.layout, release)
    yield from _twice(services, release)
    yield from _streams(services)


def _sends(service: Service) -> bool:
    return service.type in (*SENDERS, *LATER_SENDERS) and service.scope.value(f"{service.type}.enable.kafka") == "true"


def _silent(host: Host, service: Service, release: Release) -> Iterator[Finding]:
    wanted = service.scope.value(SWITCH) == "true"
    if service.type in LATER_SENDERS and wanted and not KAFKA_TRANSFER_SERVICES.covers(release):
        what = {"srmmanager": "SRM requests", "transfermanagers": "third-party copies over HTTP"}[service.type]
        yield _notice(
            "dcache.events.silent-service",
            host.file,
            service.line,
            f"{service.type} sends no events before {KAFKA_TRANSFER_SERVICES.since()}, so {what} are missing from the stream.",
            "Take them from the events of pools, or upgrade.",
            "dCache issues 6298 and 5314",
        )
    name = f"{service.type}.enable.kafka"
    setting = place(service.scope, name)
    if service.type in SENDERS and wanted and setting is not None and service.scope.value(name) == "false":
        yield _notice(
            "dcache.events.service-off",
            setting.file,
            setting.line,
            f"{SWITCH} is on and {service.type} is taken out of it: what it does is missing from the stream.",
            "Remove the line, unless that is wanted.",
            DEFAULTS_SOURCE,
        )


def _brokers(host: Host, services: list[Service]) -> Iterator[Finding]:
    for service in services:
        names = (f"{service.type}.kafka.producer.bootstrap.servers", f"{service.type}.kafka.bootstrap-servers", SERVERS)
        setting = next((found for name in names if (found := place(service.scope, name)) is not None), None)
        if setting is None:
            switch = place(service.scope, f"{service.type}.enable.kafka") or place(service.scope, SWITCH)
            yield _notice(
                "dcache.events.local-broker",
                switch.file if switch else host.file,
                switch.line if switch else service.line,
                f"Events go to a broker on this host itself (localhost:9092), because {SERVERS} is not set.",
                f"Set {SERVERS} to the brokers, as HOST:PORT, unless one runs here.",
                DEFAULTS_SOURCE,
            )
            continue
        for broker in (part.strip() for part in service.scope.expand(setting.value).text.split(",")):
            if not BROKER.fullmatch(broker):
                yield Finding(
                    "dcache.events.broker-address",
                    Severity.ERROR,
                    setting.file,
                    setting.line,
                    f'"{broker}" is not HOST:PORT; Kafka\'s client refuses it, and services that send events do not start.',
                    "Write every broker with its port, parted by commas: kafka1.example.org:9092,kafka2.example.org:9092.",
                    "org.apache.kafka.clients.ClientUtils.parseAndValidateAddresses",
                )


def _settings(scope: Scope, release: Release) -> Iterator[Finding]:
    setting = place(scope, "dcache.kafka.config-file")
    if setting is not None and not KAFKA_CONFIG_FILE.covers(release):
        yield Finding(
            "dcache.events.config-file-too-new",
            Severity.WARNING,
            setting.file,
            setting.line,
            f"dcache.kafka.config-file is read from {KAFKA_CONFIG_FILE.since()} on: the TLS and log-in settings in it have no effect.",
            "Give them as SERVICE.kafka.producer.configs!KEY, or upgrade.",
            DEFAULTS_SOURCE,
        )


def _twice(services: list[Service], release: Release) -> Iterator[Finding]:
    if not KAFKA_BILLING.covers(release):
        return
    for service in services:
        scope = service.scope
        setting = place(scope, "dcache.billing.enable.kafka") or place(scope, "billing.enable.kafka")
        same = scope.value("billing.kafka.topic") == scope.value("dcache.kafka.topic")
        if (
            service.type == "billing"
            and setting
            and scope.value("billing.enable.kafka") == "true"
            and scope.value(SWITCH) == "true"
            and same
        ):
            yield _notice(
                "dcache.events.twice",
                setting.file,
                setting.line,
                "billing sends the events of all services, and the services send them too: consumers see each event twice.",
                f"Leave one of dcache.billing.enable.kafka and {SWITCH} on, or give billing a topic of its own (billing.kafka.topic).",
                "dCache skel/share/defaults/billing.properties",
            )


def _streams(services: list[Service]) -> Iterator[Finding]:
    for service in services:
        name = f"{service.type}.inotify-generation.enable"
        if service.type not in INOTIFY or service.scope.value(name) != "false":
            continue
        setting = place(service.scope, name) or place(service.scope, "dcache.inotify-generation.enable")
        if setting is not None:
            yield _notice(
                "dcache.events.inotify-off",
                setting.file,
                setting.line,
                f"{service.type} tells the frontend nothing, so streams of storage events miss changes of {INOTIFY[service.type]}.",
                "Remove the line, unless that is wanted.",
                "dCache skel/share/defaults/dcache.properties",
            )


def _notice(rule: str, file: str, line: int, message: str, remedy: str, source: str) -> Finding:
    return Finding(rule, Severity.NOTICE, file, line, message, remedy, source)
