"""The client of storage events against the stand-in: real files make the events."""

from __future__ import annotations

import threading
import time
from collections import deque

import pytest
import requests
from ansible_collections.escape.datalake.lab.dcache import events
from ansible_collections.escape.datalake.plugins.plugin_utils.services import sse
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError
from ansible_collections.escape.datalake.plugins.plugin_utils.services.sse import Event, EventChannel
from event_frontend import TOKEN, Frontend

WATCHED = [("/lake/fast", ("IN_CREATE", "IN_CLOSE_WRITE", "IN_DELETE", "IN_MOVED_FROM", "IN_MOVED_TO"))]
CHANNELS = "/api/v1/events/channels"


def collect(channel: EventChannel, count: int, seconds: float = 20) -> list[Event]:
    found = []
    for event in channel.events(seconds):
        found.append(event)
        if len(found) == count:
            break
    return found


def channels(frontend: Frontend) -> list[str]:
    answer = requests.get(frontend.url + CHANNELS, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=5)
    return list(answer.json())


def test_files_make_events(frontend: Frontend) -> None:
    folder = frontend.root / "lake" / "fast"
    with EventChannel(frontend.client(), WATCHED, "test") as channel:
        (folder / "a").write_text("bytes")
        (folder / "a").rename(folder / "b")
        (folder / "b").unlink()
        (folder / "c").mkdir()
        found = collect(channel, 6)
    assert [(event.name, event.flags) for event in found] == [
        ("a", ("IN_CREATE",)),
        ("a", ("IN_CLOSE_WRITE",)),
        ("a", ("IN_MOVED_FROM",)),
        ("b", ("IN_MOVED_TO",)),
        ("b", ("IN_DELETE",)),
        ("c", ("IN_CREATE", "IN_ISDIR")),
    ]
    assert [int(event.id) for event in found] == sorted(int(event.id) for event in found)
    told = found[2].as_dict()
    assert (told["path"], told["directory"], told["cookie"]) == ("/lake/fast/a", "/lake/fast", found[3].as_dict()["cookie"])


def test_the_channel_is_taken_away(frontend: Frontend) -> None:
    with EventChannel(frontend.client(), WATCHED):
        assert len(channels(frontend)) == 1
    assert channels(frontend) == []


def test_listening_ends_in_time(frontend: Frontend) -> None:
    with EventChannel(frontend.client(), WATCHED) as channel:
        assert list(channel.events(0.5)) == []


def test_a_broken_stream_is_taken_up_where_it_broke(frontend: Frontend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "RETRY", 0.05)
    folder = frontend.root / "lake" / "fast"
    with EventChannel(frontend.client(), WATCHED) as channel:
        (folder / "first").mkdir()
        stream = channel.events(20)
        found = [next(stream)]
        # Another connection takes the place of this one, which the server then ends.
        other = requests.get(channel._channel, headers=frontend.client().headers | {"Accept": "text/event-stream"}, stream=True, timeout=5)
        (folder / "second").mkdir()
        (folder / "third").mkdir()
        found += [next(stream), next(stream)]
        other.close()
        stream.close()
    assert [event.name for event in found] == ["first", "second", "third"]


def test_a_channel_that_is_gone_is_made_anew_and_the_loss_is_said(frontend: Frontend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "RETRY", 0.05)
    folder = frontend.root / "lake" / "fast"
    with EventChannel(frontend.client(), WATCHED) as channel:
        frontend.client().request("DELETE", channel._channel)
        stream = channel.events(20)
        lost = next(stream)
        (folder / "after").mkdir()
        assert (lost.kind, lost.data["type"]) == ("SYSTEM", "EVENT_LOSS")
        assert next(stream).name == "after"
        stream.close()


def test_who_may_not_is_told(frontend: Frontend) -> None:
    with pytest.raises(ApiError, match="401"), EventChannel(frontend.client("wrong"), WATCHED):
        pass


def test_what_is_not_there_is_told_and_leaves_no_channel(frontend: Frontend) -> None:
    with pytest.raises(ApiError, match="no such file"), EventChannel(frontend.client(), [("/lake/none", ())]):
        pass
    assert channels(frontend) == []


def test_another_thread_may_stop_it(frontend: Frontend) -> None:
    with EventChannel(frontend.client(), WATCHED) as channel:
        threading.Timer(0.3, channel.stop).start()
        assert list(channel.events()) == []


# --- the stand-in ----------------------------------------------------------------------------------------------------------------------


def test_the_stand_in_speaks_as_documented(frontend: Frontend) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    api = frontend.url + "/api/v1/events"
    made = requests.post(f"{api}/channels", json={"client-id": "x"}, headers=headers, timeout=5)
    channel = made.headers["Location"]
    assert made.status_code == 201
    assert requests.get(f"{api}/channels", params={"client-id": "x"}, headers=headers, timeout=5).json() == [channel]
    assert requests.get(f"{api}/channels", params={"client-id": ""}, headers=headers, timeout=5).json() == []
    assert requests.get(channel, headers={**headers, "Accept": "application/json"}, timeout=5).json() == {"timeout": 300}
    assert requests.patch(channel, json={"timeout": 1}, headers=headers, timeout=5).ok
    assert requests.patch(channel, json={"timeout": 10**6}, headers=headers, timeout=5).status_code == 400
    subscriptions = f"{channel}/subscriptions"
    assert (
        requests.post(f"{subscriptions}/inotify", json={"path": "/lake", "flags": ["IN_X"]}, headers=headers, timeout=5).status_code == 400
    )
    assert requests.post(f"{subscriptions}/inotify", json={"path": "/../.."}, headers=headers, timeout=5).status_code == 400
    one = requests.post(f"{subscriptions}/inotify", json={"path": "/lake"}, headers=headers, timeout=5).headers["Location"]
    assert requests.get(subscriptions, headers=headers, timeout=5).json() == [one]
    assert requests.get(one, headers=headers, timeout=5).json() == {"path": "/lake"}
    assert requests.delete(one, headers=headers, timeout=5).status_code == 204
    assert requests.get(f"{api}/channels", timeout=5).status_code == 401
    time.sleep(1.1)  # longer than the channel lives without a client
    assert requests.get(channel, headers=headers, timeout=5).status_code == 404


def test_an_overrun_backlog_is_said(frontend: Frontend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "RETRY", 0.05)
    monkeypatch.setattr(events, "deque", lambda **_limits: deque(maxlen=3))
    folder = frontend.root / "lake" / "fast"
    with EventChannel(frontend.client(), WATCHED) as channel:
        stream = channel.events(20)
        (folder / "0").mkdir()
        assert next(stream).name == "0"
        stream.close()
        for number in range(1, 9):
            (folder / str(number)).mkdir()
        time.sleep(0.3)
        found = collect(channel, 3)
    assert found[0].data["type"] == "EVENT_LOSS"
    assert found[1].name == "6"
