"""dCache's messages read from Kafka. The brokers are those that librdkafka has for tests: they speak Kafka's protocol on the loopback."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.action.storage_events import ActionModule
from ansible_collections.escape.datalake.plugins.plugin_utils.services import kafka
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError
from ansible_collections.escape.datalake.tests.playbooks import play
from ansible_collections.escape.datalake.tests.standins import free_port
from confluent_kafka import Producer

ROOT = Path(__file__).parents[3]


class Broker:
    """Brokers, and a dCache that sends to them."""

    def __init__(self) -> None:
        self.producer = Producer({"bootstrap.servers": "unused", "test.mock.num.brokers": 1, "log_level": 0})
        broker = next(iter(self.producer.list_topics(timeout=10).brokers.values()))
        self.server = f"{broker.host}:{broker.port}"

    def send(self, *messages: dict[str, Any] | bytes, topic: str = "billing") -> None:
        for each in messages:
            self.producer.produce(topic, each if isinstance(each, bytes) else json.dumps(each).encode())
        assert self.producer.flush(10) == 0


def moved(path: str, way: str = "write", code: int = 0) -> dict[str, Any]:
    status = {"code": code, "msg": ""}
    return {"version": "1.0", "msgType": "transfer", "billingPath": path, "isWrite": way, "status": status, "date": "2026-05-04T10:00:00Z"}


@pytest.fixture
def broker() -> Broker:
    return Broker()


def listen(broker: Broker, check_mode: bool = False, **arguments: Any) -> dict[str, Any]:
    action = ActionModule.__new__(ActionModule)
    action._task = SimpleNamespace(check_mode=check_mode)
    defaults = {name: spec.get("default") for name, spec in ActionModule.ARGUMENTS.items()}
    source = {"servers": [broker.server], "topic": "billing", "since": "earliest", "settings": {}, **arguments.pop("kafka", {})}
    return action.act({**defaults, "paths": ["/escape/fast"], "seconds": 20.0, **arguments, "kafka": source}, {})


@pytest.mark.parametrize("check_mode", [False, True])
def test_messages_of_an_area_for_people_and_machines(broker: Broker, check_mode: bool) -> None:
    broker.send(moved("/escape/fast/a"), moved("/escape/safe/b"), b"not of dCache", moved("/escape/fast/deep/a", "read"))
    answer = listen(broker, check_mode, count=2)
    assert {(event["kind"], event["path"]) for event in answer["events"]} == {
        ("transfer", "/escape/fast/a"),
        ("transfer", "/escape/fast/deep/a"),
    }
    assert "/escape/fast/a written\n" in answer["text"]
    assert (answer["changed"], answer["lost"], answer["traffic"]["writes"]) == (False, False, 0)


def test_what_was_sent_before_is_left_out_unless_asked_for(broker: Broker) -> None:
    broker.send(moved("/escape/fast/old"))
    answer = listen(broker, kafka={"since": "now"}, seconds=2.0)
    assert (answer["events"], answer["text"]) == ([], "nothing among 0 messages\n")


def test_reading_leaves_nothing_at_the_broker(broker: Broker) -> None:
    broker.send(moved("/escape/fast/a"))
    assert listen(broker, count=1)["events"] == listen(broker, count=1)["events"]


def test_a_topic_without_messages_of_dcache(broker: Broker) -> None:
    broker.send(b"1", b"2")
    assert listen(broker, seconds=3.0)["text"] == "nothing among 2 messages\n"


def test_a_broker_that_is_away_is_said(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka, "ANSWER", 2.0)
    with pytest.raises(ApiError, match="Connection refused"):
        listen(broker, kafka={"servers": [f"127.0.0.1:{free_port()}"]})


def test_a_setting_that_is_none_is_said(broker: Broker) -> None:
    with pytest.raises(ApiError, match='No such configuration property: "colour"'):
        listen(broker, kafka={"settings": {"colour": "red"}})


def test_a_controller_without_the_package_is_told_what_to_install(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka, "KAFKA_MISSING", ImportError("confluent_kafka"))
    with pytest.raises(ApiError, match="pip install confluent-kafka"):
        listen(broker)


def test_the_playbook(broker: Broker) -> None:
    broker.send(moved("/escape/fast/a"), {"msgType": "remove", "billingPath": "/escape/fast/a", "status": {"code": 0}})
    done = play("events", kafka_servers=broker.server, kafka_since="earliest", path="/escape", count=2, seconds=30)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "/escape/fast/a deleted" in done.stdout
