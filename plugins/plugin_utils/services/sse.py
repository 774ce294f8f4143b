# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Storage events of a dCache frontend: a channel, its subscriptions, and the stream of server-sent events, taken up again where it broke.

Sources: dCache docs/UserGuide frontend.md, "Storage events"; https://html.spec.whatwg.org/multipage/server-sent-events.html.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError, HttpClient

CHANNELS = "api/v1/events/channels"
IDLE = 30.0  # seconds without a byte after which the stream is asked for again
RETRY = 3.0  # seconds before it is, where the server does not say
ATTEMPTS = 5  # in a row without an event
FLAGS = ("IN_CREATE", "IN_CLOSE_WRITE", "IN_DELETE", "IN_MOVED_FROM", "IN_MOVED_TO", "IN_ATTRIB")
LOSS = "EVENT_LOSS"


@dataclass(frozen=True)
class Event:
    """kind: ``inotify``, or ``SYSTEM`` for what concerns the channel itself. id: position in the channel, empty for SYSTEM events.

    path: the directory that is watched, empty for SYSTEM events. data: as the frontend sent it.
    """

    kind: str
    id: str
    path: str
    data: Any

    @property
    def name(self) -> str:
        """The file or directory that the event is about, inside path; empty for path itself."""
        return str(self.data.get("name", "")) if isinstance(self.data, dict) else ""

    @property
    def flags(self) -> tuple[str, ...]:
        return tuple(self.data.get("mask", ())) if isinstance(self.data, dict) else ()

    def as_dict(self) -> dict[str, Any]:
        """For results and rules: path is that of the file itself."""
        where = f"{self.path.rstrip('/')}/{self.name}" if self.name else self.path
        found = {"kind": self.kind, "id": self.id, "directory": self.path, "path": where, "name": self.name, "flags": list(self.flags)}
        cookie = self.data.get("cookie") if isinstance(self.data, dict) else None
        return {**found, **({"cookie": cookie} if cookie else {}), **({"data": self.data} if self.kind != "inotify" else {})}


@dataclass
class _Frame:
    """A server-sent event while its lines come in."""

    kind: str = ""
    id: str | None = None
    data: list[str] = field(default_factory=list)


class EventChannel:
    """A channel of one user. Used as a context: it is made at the begin and taken away at the end.

    watched: directories, and the flags of inotify(7) that are wanted of them. A directory's own entries are reported, not what lies deeper.
    """

    def __init__(self, http: HttpClient, watched: Sequence[tuple[str, Sequence[str]]], client_id: str = "") -> None:
        self._http, self._watched, self._client_id = http, tuple(watched), client_id
        self._channel = ""
        self._last = ""
        self._retry = RETRY
        self._paths: dict[str, str] = {}
        self._stopped = False

    def __enter__(self) -> Self:
        try:
            self._open()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._remove()

    def _remove(self) -> None:
        if self._channel:
            self._http.request("DELETE", self._channel, accept={404})
            self._channel = ""

    def stop(self) -> None:
        """Lets events() end soon; from another thread."""
        self._stopped = True

    def events(self, seconds: float | None = None) -> Iterator[Event]:
        """Events as they come, those of the channel itself left out, except that events may have been lost.

        seconds: how long to listen; the end may be late by as long again, 30 s at most. Raises ApiError when the frontend stays away.
        """
        end = None if seconds is None else time.monotonic() + seconds
        failures = 0
        while not self._over(end):
            idle = IDLE if end is None else max(0.1, min(IDLE, end - time.monotonic()))
            try:
                for event in self._stream(idle):
                    failures = 0
                    if event is not None:
                        yield event
                    if self._over(end):
                        return
            except ApiError as problem:
                if problem.status == 404:  # it was disconnected for too long, or the frontend was started anew
                    self._open()
                    yield Event("SYSTEM", "", "", {"type": LOSS})
                    continue
                failures += 1
                if failures >= ATTEMPTS or problem.status in (401, 403):
                    raise
            except OSError:  # of requests: the stream broke, or was silent for long, and is asked for again
                pass
            if not self._over(end):
                time.sleep(min(self._retry, max(0.0, end - time.monotonic())) if end is not None else self._retry)

    def _over(self, end: float | None) -> bool:
        return self._stopped or (end is not None and time.monotonic() >= end)

    def _open(self) -> None:
        body = {"client-id": self._client_id} if self._client_id else None
        answer = self._http.request("POST", CHANNELS, json=body)
        self._channel, self._last, self._paths = answer.headers["Location"], "", {}
        for path, flags in self._watched:
            selector = {"path": path, "flags": list(flags)}
            made = self._http.request("POST", f"{self._channel}/subscriptions/inotify", json=selector)
            self._paths[made.headers["Location"]] = path

    def _stream(self, idle: float) -> Iterator[Event | None]:
        """One connection. None stands for a sign of life."""
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": self._last} if self._last else {})}
        answer = self._http.request("GET", self._channel, headers=headers, timeout=idle, stream=True)
        chunked = answer.headers.get("Transfer-Encoding", "").lower() == "chunked"
        with closing(answer):
            for frame in self._frames(answer.iter_lines(chunk_size=None if chunked else 1)):
                yield None if frame is None else self._event(frame)

    def _frames(self, lines: Iterable[bytes]) -> Iterator[_Frame | None]:
        frame = _Frame()
        for raw in lines:
            line = raw.decode("utf-8", "replace")
            if not line:
                if frame.data:
                    yield frame
                frame = _Frame()
                continue
            name, _colon, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "data":
                frame.data.append(value)
            elif name == "event":
                frame.kind = value
            elif name == "id":
                frame.id = value
            elif name == "retry" and value.isdigit():
                self._retry = int(value) / 1000
            yield None

    def _event(self, frame: _Frame) -> Event | None:
        if frame.id is not None:
            self._last = frame.id
        try:
            told = json.loads("\n".join(frame.data))
        except ValueError:
            return None
        if frame.kind == "SYSTEM":
            return Event("SYSTEM", "", "", told) if told.get("type") == LOSS else None
        return Event(frame.kind, frame.id or "", self._paths.get(told.get("subscription", ""), ""), told.get("event"))
