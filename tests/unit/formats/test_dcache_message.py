"""Messages that dCache sends to Kafka."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.dcache_message import concerns, parse


def message(**parts: Any) -> bytes:
    common = {"version": "1.0", "date": "2026-05-04T10:00:00.000+02:00", "cellName": "pool1", "status": {"code": 0, "msg": ""}}
    return json.dumps({**common, **parts}).encode()


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"msgType": "transfer", "isWrite": "write"}, "written"),
        ({"msgType": "transfer", "isWrite": "read"}, "read"),
        ({"msgType": "transfer"}, "transferred"),
        ({"msgType": "remove"}, "deleted"),
        ({"msgType": "store"}, "stored on tape"),
        ({"msgType": "restore", "status": {"code": 41, "msg": "No space left"}}, "staged from tape, with error 41"),
        ({"msgType": "something-new"}, "something-new"),
    ],
)
def test_what_happened_is_said(parts: dict[str, Any], words: str) -> None:
    found = parse(message(**parts))
    assert found
    assert found.words == words


def test_the_path_is_that_of_the_name_space() -> None:
    found = parse(message(msgType="transfer", billingPath="/escape/fast/a", transferPath="/fast/a"))
    assert found
    assert found.path == "/escape/fast/a"
    assert found.as_dict()["data"]["transferPath"] == "/fast/a"
    only = parse(message(msgType="request", transferPath="/fast/a"))
    assert only
    assert only.path == "/fast/a"


@pytest.mark.parametrize("text", [b"", b"\xff", b"[1]", b'{"msgType": 3}', b'{"other": "message"}'])
def test_messages_of_others_are_none(text: bytes) -> None:
    assert parse(text) is None


def test_a_directory_is_not_the_begin_of_a_name() -> None:
    found = parse(message(msgType="remove", billingPath="/escape/fast/deep/a"))
    assert found
    assert concerns(found, ["/other", "/escape/fast/"])
    assert concerns(found, ["/"])
    assert not concerns(found, ["/escape/fas"])
    without = parse(message(msgType="warning"))
    assert without
    assert not concerns(without, ["/"])
