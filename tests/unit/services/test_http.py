"""HttpClient against a real HTTP server of this process."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError, HttpClient, Tls, WriteRefused


class Peer(ThreadingHTTPServer):
    """Answers with the statuses of its script, then 200."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: list[int] = []
        self.seen: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Peer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.seen.append(f"{self.command} {self.path}")
        status = self.server.script.pop(0) if self.server.script else 200
        if status == 0:  # hang up without an answer
            self.close_connection = True
            self.connection.close()
            return
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = f"status {status}".encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def peer() -> Iterator[Peer]:
    server = Peer()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)


def test_counts_requests_and_writes(peer: Peer) -> None:
    client = HttpClient("peer", peer.url)
    client.request("GET", "/a")
    client.request("POST", "b", json={})
    client.request("POST", "/login", write=False)
    assert client.traffic == {"requests": 3, "writes": 1}
    assert peer.seen == ["GET /a", "POST /b", "POST /login"]


def test_base_with_a_path_is_kept(peer: Peer) -> None:
    HttpClient("peer", peer.url + "/api/v1").request("GET", "/a")
    assert peer.seen == ["GET /api/v1/a"]


@pytest.mark.parametrize("trouble", [0, 502, 503, 504, 429])
def test_safe_calls_are_repeated(peer: Peer, trouble: int) -> None:
    peer.script = [trouble, trouble]
    assert HttpClient("peer", peer.url).request("GET", "/a").status_code == 200
    assert len(peer.seen) == 3


@pytest.mark.parametrize("trouble", [0, 502, 503])
def test_writes_are_never_repeated(peer: Peer, trouble: int) -> None:
    peer.script = [trouble]
    with pytest.raises(ApiError):
        HttpClient("peer", peer.url).request("POST", "/a")
    assert peer.seen == ["POST /a"]


def test_other_errors_are_not_repeated_and_carry_the_words(peer: Peer) -> None:
    peer.script = [404]
    with pytest.raises(ApiError, match=r"peer: GET http://.*/a: HTTP 404: status 404") as caught:
        HttpClient("peer", peer.url).request("GET", "/a")
    assert caught.value.status == 404
    assert len(peer.seen) == 1


def test_accepted_error_status_is_an_answer(peer: Peer) -> None:
    peer.script = [404]
    assert HttpClient("peer", peer.url).request("GET", "/a", accept={404}).status_code == 404


def test_read_only_client_refuses_writes_before_sending(peer: Peer) -> None:
    client = HttpClient("peer", peer.url, read_only=True)
    with pytest.raises(WriteRefused):
        client.request("POST", "/a")
    with pytest.raises(WriteRefused):
        client.request("GET", "/set_state", write=True)
    client.request("GET", "/a")
    assert peer.seen == ["GET /a"]


@pytest.mark.parametrize("tls", [Tls(ca="/nowhere/ca.pem"), Tls(certificate="/nowhere/cert.pem")])
def test_certificates_that_are_not_there_are_a_sentence(tls: Tls) -> None:
    with pytest.raises(ApiError, match="/nowhere/"):
        HttpClient("X", "https://localhost:1", tls=tls).request("GET", "a")


def test_what_does_not_fit_into_a_header_is_a_sentence_that_does_not_show_it(peer: Peer) -> None:
    with pytest.raises(ApiError, match="has letters that HTTP does not take") as problem:
        HttpClient("X", peer.url).request("GET", "a", headers={"X-Password": "geheim\u20ac"})
    assert "geheim" not in str(problem.value)
    assert "20ac" not in str(problem.value)


@pytest.mark.parametrize("url", ["rucio.example.org", "https://", "ftp://x", "https://[::1"])
def test_what_is_no_address_is_a_sentence_at_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _seconds: pytest.fail("it waited"))
    with pytest.raises(ApiError, match="check the address"):
        HttpClient("X", url).request("GET", "a")


def test_no_server_is_a_sentence() -> None:
    with pytest.raises(ApiError, match=r"no answer: Failed to establish a new connection: .*refused; check the address"):
        HttpClient("peer", "http://127.0.0.1:9", retries=0).request("GET", "/a")


def test_environment_does_not_decide_on_trust(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert HttpClient("peer", peer.url, retries=0).request("GET", "/a").status_code == 200
