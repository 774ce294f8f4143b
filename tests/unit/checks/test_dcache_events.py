"""Storage events: checks of a site's files, and the properties that switch them on."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import dcache_events as checks
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import dcache_properties, tree
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Severity
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_events import settings
from dcache_sites import CONF, LAYOUT, site

RELEASES = ["5.2.30", "6.2.30", "7.2.30", "8.2.30", "9.2.30", "10.2.20", "11.2.3", "12.0.1"]
ON = "dcache.enable.kafka = true\n"
BROKERS = "dcache.kafka.bootstrap-servers = kafka1.example.org:9092,kafka2.example.org:9093\n"


def found(release: str, conf: str = "", layout: str = "") -> dict[str, tuple[str, int]]:
    files = site(release)
    files = {**files, CONF: files[CONF] + conf, LAYOUT: files[LAYOUT] + layout}
    return {finding.rule: (finding.file, finding.line) for finding in checks.check(files, release)}


def line_of(release: str, file: str) -> int:
    return site(release)[file].count("\n") + 1


def test_a_site_without_events_has_nothing_to_say() -> None:
    assert found("9.2.30") == {}


@pytest.mark.parametrize("release", RELEASES)
def test_sound_settings(release: str) -> None:
    files = {**site(release), CONF: site(release)[CONF] + ON + BROKERS}
    worse = [each for each in tree.check(files, tree.system_named("dcache"), release) if each.severity is not Severity.NOTICE]
    assert worse == []


def test_a_broker_that_nobody_named() -> None:
    assert found("9.2.30", ON)["dcache.events.local-broker"] == (CONF, line_of("9.2.30", CONF))
    assert "dcache.events.local-broker" not in found("9.2.30", ON + BROKERS)


@pytest.mark.parametrize("value", ["kafka1.example.org", "kafka1:9092,kafka2", "kafka1:9092;kafka2:9092", "PLAINTEXT://kafka1:port"])
def test_a_broker_without_a_port(value: str) -> None:
    rules = found("9.2.30", f"{ON}dcache.kafka.bootstrap-servers = {value}\n")
    assert rules["dcache.events.broker-address"] == (CONF, line_of("9.2.30", CONF) + 1)


@pytest.mark.parametrize("value", ["a:1", "SSL://k.example.org:9093, b:9092", "[2001:db8::1]:9092", "${site.domain}:9092"])
def test_good_brokers(value: str) -> None:
    assert "dcache.events.broker-address" not in found("9.2.30", f"{ON}dcache.kafka.bootstrap-servers = {value}\n")


@pytest.mark.parametrize(("release", "silent"), [("9.2.30", True), ("10.0.30", True), ("10.1.0", False), ("11.2.3", False)])
def test_third_party_copies_were_silent_once(release: str, silent: bool) -> None:
    rules = found(release, ON + BROKERS, "[doors-${host.name}/transfermanagers]\n")
    assert ("dcache.events.silent-service" in rules) is silent


def test_a_door_that_was_taken_out() -> None:
    rules = found("9.2.30", ON + BROKERS, "[doors-${host.name}/dcap]\ndcap.enable.kafka = false\n")
    assert rules["dcache.events.service-off"] == (LAYOUT, line_of("9.2.30", LAYOUT) + 1)


def test_settings_of_a_later_release() -> None:
    line = "dcache.kafka.config-file = /etc/dcache/kafka.conf\n"
    assert "dcache.events.config-file-too-new" in found("9.2.30", ON + BROKERS + line)
    assert "dcache.events.config-file-too-new" not in found("10.0.5", ON + BROKERS + line)


def test_events_that_come_twice() -> None:
    billing = "[core/billing]\n"
    assert "dcache.events.twice" in found("11.2.3", ON + BROKERS + "dcache.billing.enable.kafka = true\n", billing)
    assert "dcache.events.twice" not in found("11.2.3", ON + BROKERS, billing)
    other = "dcache.billing.enable.kafka = true\nbilling.kafka.topic = all\n"
    assert "dcache.events.twice" not in found("11.2.3", ON + BROKERS + other, billing)


def test_streams_that_see_nothing() -> None:
    assert found("9.2.30", "dcache.inotify-generation.enable = false\n")["dcache.events.inotify-off"] == (CONF, line_of("9.2.30", CONF))


# --- switching on ----------------------------------------------------------------------------------------------------------------------

WANTED: dict[str, Any] = {
    "kafka": {"servers": ["kafka1.example.org:9092"], "topic": "lake", "settings": {"compression.type": "zstd"}, "silent": ["dcap"]},
    "streams": {"channels_per_user": 16, "disconnect": "10min", "longest_disconnect": "2d", "backlog": 1000},
}


@pytest.mark.parametrize("release", RELEASES)
def test_every_release_knows_what_is_written(release: str) -> None:
    made = settings(WANTED, release)
    text = "".join(f"{name} = {value}\n" for name, value in made.properties.items())
    files = {**site(release), CONF: site(release)[CONF] + text}
    before = {finding.rule + finding.message for finding in dcache_properties.check(site(release), release)}
    new = [each for each in dcache_properties.check(files, release) if each.rule + each.message not in before]
    assert new == []
    assert [each for each in checks.check(files, release) if each.severity is not Severity.NOTICE] == []


def test_properties_of_kafka_and_streams() -> None:
    made = settings(WANTED, "9.2.30").properties
    assert made["dcache.enable.kafka"] == "true"
    assert made["dcache.kafka.bootstrap-servers"] == "kafka1.example.org:9092"
    assert made["webdav.kafka.producer.configs!compression.type"] == "zstd"
    assert made["dcap.enable.kafka"] == "false"
    assert made["frontend.limit.events.disconnect-timeout.default"] == "600"
    assert made["frontend.limit.events.disconnect-timeout.default.unit"] == "SECONDS"
    assert "transfermanagers.kafka.producer.configs!compression.type" not in made


def test_billing_sends_for_all_from_its_release_on() -> None:
    made = settings({"kafka": {"sender": "billing"}}, "11.2.3").properties
    assert (made["dcache.enable.kafka"], made["dcache.billing.enable.kafka"]) == ("false", "true")
    with pytest.raises(DescriptionError, match=r"dcache_events.kafka.sender: billing writes no events in dCache 10\.2\.20"):
        settings({"kafka": {"sender": "billing"}}, "10.2.20")


def test_what_is_left_out_stays() -> None:
    assert settings({}, "9.2.30").properties == {}
    assert set(settings({"streams": {"enabled": False}}, "9.2.30").properties) == {"dcache.inotify-generation.enable"}
    assert settings({"kafka": {"enabled": False}}, "12.0.1").properties == {
        "dcache.enable.kafka": "false",
        "dcache.billing.enable.kafka": "false",
    }


def test_what_a_release_lacks_is_said() -> None:
    assert "third-party copies" in settings(WANTED, "9.2.30").notes[0]
    assert "backlog" in settings(WANTED, "5.2.30").notes[1]
    assert settings(WANTED, "11.2.3").notes == ()


def test_bad_values_have_their_path() -> None:
    with pytest.raises(DescriptionError) as caught:
        settings({"kafka": {"servers": ["kafka1"], "colour": "red"}, "streams": {"disconnect": "soon"}}, "9.2.30")
    assert {problem.path for problem in caught.value.problems} >= {"dcache_events.kafka.servers[0]", "dcache_events.streams.disconnect"}
