"""A proxy between a module and a server that breaks the k-th request of a run, in one of the ways networks and servers do."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

# What happens to the request before its answer is spoiled: whether the server sees it, and how often.
NOT_SENT = frozenset({"reset before", "500", "502", "undone", "stale token"})
TWICE = "duplicate"
KINDS = ("reset before", "reset after", "time-out", "500", "500 after", "502", "undone", "truncated", "stale token", TWICE)
HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "server", "date"})
Answer = tuple[int, list[tuple[str, str]], bytes]


class FaultProxy:
    """Forwards to a server on HTTPS. certificate: PEM file with key in a second one, to serve TLS itself; plain HTTP without.

    calls: method and path of the requests since the last break_request(). on_break: called in place of any fault when it is set.
    """

    def __init__(self, upstream: str, ca: Path, *, certificate: tuple[Path, Path] | None = None, hold: float = 0.35) -> None:
        parts = urlsplit(upstream)
        self.host, self.port, self.hold = parts.hostname or "", parts.port or 443, hold
        self.context = ssl.create_default_context(cafile=str(ca))
        self.calls: list[tuple[str, str]] = []
        self.broken: tuple[str, str] | None = None
        self.on_break: Callable[[], None] | None = None
        self._kind, self._number = "", 0
        self._lock = threading.Lock()
        proxy = self

        class Handler(_Handler):
            def owner(self) -> FaultProxy:
                return proxy

        self.http = _Server(("127.0.0.1", 0), Handler)
        self.scheme = "https" if certificate else "http"
        if certificate:
            serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            serving.load_cert_chain(*certificate)
            self.http.socket = serving.wrap_socket(self.http.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"{self.scheme}://localhost:{self.http.server_port}"

    def stop(self) -> None:
        self.http.shutdown()
        self.http.server_close()

    def break_request(self, kind: str, number: int) -> None:
        """Breaks the request of that number (from 1; 0: none), counted from now on."""
        with self._lock:
            self.calls, self.broken, self._kind, self._number = [], None, kind, number

    def fault_of(self, method: str, path: str) -> str:
        """Counts a request; the fault it meets, or an empty text."""
        with self._lock:
            self.calls.append((method, path))
            if len(self.calls) != self._number:
                return ""
            self.broken = (method, path)
        if self.on_break:
            self.on_break()
        return self._kind


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """Connections that break are what this is for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream: http.client.HTTPSConnection | None = None

    def owner(self) -> FaultProxy:
        raise NotImplementedError

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            super().finish()
        if self.upstream:
            self.upstream.close()

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault = self.owner().fault_of(self.command, self.path)
        answer: Answer = (500, [("Content-Type", "text/plain")], b"broken by the test")
        if fault not in NOT_SENT:
            for _time in range(2 if fault == TWICE else 1):
                answer = self._forward(body)
        match fault:
            case "reset before" | "reset after":
                self._reset()
            case "time-out":
                threading.Event().wait(self.owner().hold)  # time.sleep may be shortened by a test
                self._reset()
            case "500" | "500 after":
                self._send((500, [("Content-Type", "text/plain")], b"broken by the test"))
            case "502":
                self._send((502, [("Content-Type", "text/html")], b"<html>Bad Gateway</html>"))
            case "undone":  # as Rucio says that its database was busy, or that two writers met
                self._send((500, [("Content-Type", "application/json"), ("ExceptionClass", "DatabaseException")], b"{}"))
            case "stale token":
                self._send((401, [("Content-Type", "application/json"), ("ExceptionClass", "CannotAuthenticate")], b"{}"))
            case "truncated":
                self._send(answer, cut=True)
            case _:
                self._send(answer)

    do_POST = do_PUT = do_DELETE = do_GET

    def _forward(self, body: bytes) -> Answer:
        if self.upstream is None:
            self.upstream = http.client.HTTPSConnection(self.owner().host, self.owner().port, context=self.owner().context, timeout=60)
        headers = {key: value for key, value in self.headers.items() if key.lower() not in HOP_BY_HOP | {"host", "accept-encoding"}}
        self.upstream.request(self.command, self.path, body=body or None, headers=headers)
        answer = self.upstream.getresponse()
        kept = [(key, value) for key, value in answer.getheaders() if key.lower() not in HOP_BY_HOP]
        return answer.status, kept, answer.read()

    def _send(self, answer: Answer, *, cut: bool = False) -> None:
        status, headers, body = answer
        self.send_response_only(status)
        for key, value in headers:
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:  # as asked by the client, which would take the connection for one to use again otherwise
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        if cut:
            self._reset(flush=True)

    def _reset(self, *, flush: bool = False) -> None:
        """Closes the connection without an orderly end; with flush what was written arrives first."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.wfile.flush()
            if not flush:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.shutdown(socket.SHUT_WR) if flush else self.connection.close()

    def log_message(self, format: str, *args: object) -> None:
        pass
