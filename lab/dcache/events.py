# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Storage events of a dCache frontend. A stand-in: channels, subscriptions and streams as documented, fed by inotify on a real directory.

It is run alone, beside the stand-in of the frontend::

    python -m lab.dcache.events CONFIG.yml      # root, port, users; certificate and key for TLS
"""

from __future__ import annotations

import base64
import ctypes
import hmac
import json
import os
import secrets
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from flask import Blueprint, Flask, Response, request
from werkzeug.serving import make_server

PREFIX = "/api/v1/events"
MASKS = {
    "IN_ACCESS": 0x1,
    "IN_MODIFY": 0x2,
    "IN_ATTRIB": 0x4,
    "IN_CLOSE_WRITE": 0x8,
    "IN_CLOSE_NOWRITE": 0x10,
    "IN_OPEN": 0x20,
    "IN_MOVED_FROM": 0x40,
    "IN_MOVED_TO": 0x80,
    "IN_CREATE": 0x100,
    "IN_DELETE": 0x200,
    "IN_DELETE_SELF": 0x400,
    "IN_MOVE_SELF": 0x800,
}
GROUPS = {
    "IN_ALL_EVENTS": sum(MASKS.values()),
    "IN_CLOSE": MASKS["IN_CLOSE_WRITE"] | MASKS["IN_CLOSE_NOWRITE"],
    "IN_MOVE": MASKS["IN_MOVED_FROM"] | MASKS["IN_MOVED_TO"],
    "IN_DONT_FOLLOW": 0x2000000,
    "IN_EXCL_UNLINK": 0x4000000,
    "IN_MASK_ADD": 0x20000000,
    "IN_ONESHOT": 0x80000000,
    "IN_ONLYDIR": 0x1000000,
}
ISDIR, IGNORED, OVERFLOW = 0x40000000, 0x8000, 0x4000
HEADER = struct.Struct("iIII")
LIFETIME = 300  # seconds that a channel lives without a client: frontend.limit.events.disconnect-timeout.default
LONGEST = 86400  # seconds: frontend.limit.events.disconnect-timeout.maximum
CHANNELS = 128  # for each user: frontend.limit.events.channels-per-user
BACKLOG = 16383  # events kept for a client: frontend.limit.events.backlog
BEAT = 5.0  # seconds between signs of life


@dataclass
class Channel:
    """events: id and text of the newest ones, for a client that comes back."""

    id: str
    owner: str
    client: str | None
    timeout: int = LIFETIME
    left: float = field(default_factory=time.monotonic)
    streams: int = 0  # ever opened
    streaming: bool = False
    next: int = 0
    events: deque[tuple[int, str]] = field(default_factory=lambda: deque(maxlen=BACKLOG))
    news: threading.Condition = field(default_factory=threading.Condition)
    subscriptions: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    closed: bool = False

    def send(self, kind: str, data: dict[str, Any], *, numbered: bool = True) -> None:
        with self.news:
            head = f"event: {kind}\n" + (f"id: {self.next}\n" if numbered else "")
            self.events.append((self.next, f"{head}data: {json.dumps(data, separators=(',', ':'))}\n\n"))
            self.next += 1
            self.news.notify_all()


class Inotify:
    """Watches of real directories, by the libc of this machine."""

    def __init__(self, tell: Callable[[int, int, int, str], None]) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._handle = self._libc.inotify_init1(os.O_CLOEXEC)
        self._tell = tell
        threading.Thread(target=self._read, daemon=True).start()

    def add(self, path: Path) -> int:
        """Watches everything of a file or directory. Raises FileNotFoundError, NotADirectoryError and their like."""
        watch: int = self._libc.inotify_add_watch(self._handle, os.fsencode(path), GROUPS["IN_ALL_EVENTS"])
        if watch < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(path))
        return watch

    def _read(self) -> None:
        while True:
            data = os.read(self._handle, 65536)
            at = 0
            while at < len(data):
                watch, mask, cookie, length = HEADER.unpack_from(data, at)
                at += HEADER.size
                name = data[at : at + length].rstrip(b"\0").decode(errors="replace")
                at += length
                self._tell(watch, mask, cookie, name)


class Events:
    """The channels of all users. root: the directory that stands for the / of the name space."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.channels: dict[str, Channel] = {}
        self._lock = threading.RLock()
        self._watchers: dict[int, list[tuple[Channel, str, int]]] = {}
        self._inotify = Inotify(self._happened)

    def of(self, user: str) -> list[Channel]:
        """The living channels of a user; those left for too long are taken away."""
        with self._lock:
            now = time.monotonic()
            for channel in [each for each in self.channels.values() if not each.streaming and now - each.left > each.timeout]:
                self.remove(channel)
            return [channel for channel in self.channels.values() if channel.owner == user]

    def add(self, user: str, client: str | None) -> Channel:
        channel = Channel(secrets.token_urlsafe(16), user, client)
        with self._lock:
            self.channels[channel.id] = channel
        return channel

    def remove(self, channel: Channel) -> None:
        with self._lock:
            self.channels.pop(channel.id, None)
            for number in self._watchers:
                self._watchers[number] = [each for each in self._watchers[number] if each[0] is not channel]
        with channel.news:
            channel.closed = True
            channel.news.notify_all()

    def watch(self, channel: Channel, url: str, path: str, flags: list[str]) -> None:
        """Raises OSError for what is not there."""
        mask = 0
        for flag in flags or ["IN_ALL_EVENTS"]:
            mask |= MASKS.get(flag) or GROUPS[flag]
        real = (self.root / path.lstrip("/")).resolve()
        if not real.is_relative_to(self.root):
            raise FileNotFoundError(path)
        with self._lock:
            number = self._inotify.add(real)
            self._watchers.setdefault(number, []).append((channel, url, mask))
        channel.send("SYSTEM", {"type": "NEW_SUBSCRIPTION", "subscription": url}, numbered=False)

    def unwatch(self, channel: Channel, url: str) -> None:
        with self._lock:
            for number in self._watchers:
                self._watchers[number] = [each for each in self._watchers[number] if each[:2] != (channel, url)]
        channel.send("SYSTEM", {"type": "SUBSCRIPTION_CLOSED", "subscription": url}, numbered=False)

    def _happened(self, watch: int, mask: int, cookie: int, name: str) -> None:
        with self._lock:
            watchers = list(self._watchers.get(watch, ()))
        words = [flag for flag, bit in MASKS.items() if mask & bit]
        words += [word for word, bit in (("IN_ISDIR", ISDIR), ("IN_IGNORED", IGNORED), ("IN_Q_OVERFLOW", OVERFLOW)) if mask & bit]
        event = {**({"name": name} if name else {}), **({"cookie": f"c{cookie}"} if cookie else {}), "mask": words}
        for channel, url, wanted in watchers:
            if mask & (wanted | IGNORED | OVERFLOW):
                channel.send("inotify", {"event": event, "subscription": url})


def blueprint(events: Events, user: Callable[[], str | None]) -> Blueprint:
    """The resources below ``/api/v1/events``. user: name of who asks, None for nobody, who gets 401."""
    pages = Blueprint("events", __name__, url_prefix=PREFIX)

    @pages.get("")
    def limits() -> Response:
        return _answer(
            {"channels": {"lifetimeWhenDisconnected": {"maximum": LONGEST, "minimum": 1, "default": LIFETIME}, "maximumPerUser": CHANNELS}}
        )

    @pages.get("/eventTypes")
    def types() -> Response:
        return _answer(["inotify", "metronome"])

    @pages.get("/channels")
    def channels() -> Response:
        name = user()
        if name is None:
            return _error(401, "Permission denied")
        known = events.of(name)
        if "client-id" in request.args:
            known = [each for each in known if each.client == (request.args["client-id"] or None)]
        return _answer([_url(each) for each in known])

    @pages.post("/channels")
    def create() -> Response:
        name = user()
        if name is None:
            return _error(401, "Permission denied")
        if len(events.of(name)) >= CHANNELS:
            return _error(429, "Too many channels")
        body = request.get_json(silent=True) or {}
        return _created(_url(events.add(name, body.get("client-id"))))

    @pages.route("/channels/<number>", methods=["GET", "PATCH", "DELETE"])
    def channel(number: str) -> Response:
        found = _own(events, user, number)
        if isinstance(found, Response):
            return found
        if request.method == "DELETE":
            events.remove(found)
            return Response(status=204)
        if request.method == "PATCH":
            seconds = (request.get_json(silent=True) or {}).get("timeout")
            if not isinstance(seconds, int) or not 1 <= seconds <= LONGEST:
                return _error(400, "Bad timeout value")
            found.timeout = seconds
            return Response(status=204)
        if "text/event-stream" in request.headers.get("Accept", ""):
            return Response(_stream(found, request.headers.get("Last-Event-ID")), mimetype="text/event-stream")
        return _answer({"timeout": found.timeout})

    @pages.get("/channels/<number>/subscriptions")
    def subscriptions(number: str) -> Response:
        found = _own(events, user, number)
        return found if isinstance(found, Response) else _answer(list(found.subscriptions))

    @pages.post("/channels/<number>/subscriptions/inotify")
    def subscribe(number: str) -> Response:
        found = _own(events, user, number)
        if isinstance(found, Response):
            return found
        selector = request.get_json(silent=True)
        if not isinstance(selector, dict) or not str(selector.get("path", "")).startswith("/") or set(selector) - {"path", "flags"}:
            return _error(400, "Bad selector: expected path and flags")
        flags = selector.get("flags", [])
        if not isinstance(flags, list) or any(flag not in MASKS and flag not in GROUPS for flag in flags):
            return _error(400, f"Bad selector: unknown flag in {flags}")
        url = f"{_url(found)}/subscriptions/inotify/{secrets.token_urlsafe(12)}"
        try:
            events.watch(found, url, selector["path"], flags)
        except OSError:
            return _error(400, f"Bad selector: no such file or directory: {selector['path']}")
        found.subscriptions[url] = ("inotify", selector)
        return _created(url)

    @pages.route("/channels/<number>/subscriptions/inotify/<key>", methods=["GET", "DELETE"])
    def subscription(number: str, key: str) -> Response:
        found = _own(events, user, number)
        if isinstance(found, Response):
            return found
        url = f"{_url(found)}/subscriptions/inotify/{key}"
        if url not in found.subscriptions:
            return _error(404, "Not Found")
        if request.method == "GET":
            return _answer(found.subscriptions[url][1])
        del found.subscriptions[url]
        events.unwatch(found, url)
        return Response(status=204)

    return pages


def _own(events: Events, user: Callable[[], str | None], number: str) -> Channel | Response:
    name = user()
    if name is None:
        return _error(401, "Permission denied")
    return next((each for each in events.of(name) if each.id == number), None) or _error(404, "Not Found")


def _stream(channel: Channel, last: str | None) -> Iterator[str]:
    """Events behind the last one that the client saw; all that are kept for a client that saw none."""
    seen = int(last) if last and last.isdigit() else -1
    channel.streams += 1
    mine = channel.streams
    channel.streaming = True
    try:
        yield ":\n"
        if channel.events and seen + 1 < channel.events[0][0]:
            yield 'event: SYSTEM\ndata: {"type":"EVENT_LOSS"}\n\n'
        while True:
            with channel.news:
                if not channel.closed and (not channel.events or channel.events[-1][0] <= seen):
                    channel.news.wait(BEAT)
                new = [each for each in channel.events if each[0] > seen]
                over = channel.closed or channel.streams != mine  # a new connection takes the place of an old one
            if over:
                return
            yield "".join(text for _number, text in new) or ":\n"
            seen = new[-1][0] if new else seen
    finally:
        if channel.streams == mine:
            channel.streaming = False
        channel.left = time.monotonic()


def _url(channel: Channel) -> str:
    return f"{request.url_root.rstrip('/')}{PREFIX}/channels/{channel.id}"


def _answer(data: Any, status: int = 200) -> Response:
    return Response(json.dumps(data), status, mimetype="application/json")


def _created(url: str) -> Response:
    return Response(status=201, headers={"Location": url})


def _error(status: int, message: str) -> Response:
    return _answer({"errors": [{"message": message, "status": str(status)}]}, status)


def create_app(root: Path, users: dict[str, str]) -> Flask:
    """The events alone. users: passwords by name; a password is also taken as a bearer token."""
    app = Flask(__name__)

    def user() -> str | None:
        kind, _blank, value = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return next((name for name, secret in users.items() if hmac.compare_digest(secret, value)), None)
        try:
            name, _colon, password = base64.b64decode(value).decode().partition(":")
        except ValueError:
            return None
        return name if kind.lower() == "basic" and name in users and hmac.compare_digest(users[name], password) else None

    app.register_blueprint(blueprint(Events(root), user))
    return app


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    config = yaml.safe_load(Path(sys.argv[1]).read_text(encoding="utf-8"))
    tls = (config["certificate"], config["key"]) if "certificate" in config else None
    app = create_app(Path(config["root"]), {name: str(secret) for name, secret in config["users"].items()})
    make_server(config.get("host", "127.0.0.1"), config["port"], app, threaded=True, ssl_context=tls).serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
