"""IamClient: a list is complete or refused."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError
from ansible_collections.escape.datalake.plugins.plugin_utils.services.iam import IamClient
from ansible_collections.escape.datalake.plugins.plugin_utils.services.issuer import IssuerClient

Answer = tuple[int, str, bytes]


def page(total: Any, resources: Any, **more: Any) -> Answer:
    body = {"totalResults": total, "Resources": resources, **more}
    return 200, "application/scim+json;charset=UTF-8", json.dumps(body).encode()


class Server:
    """Serves numbered users by pages of 100 at most; spoil(call number, start, answer) may put another answer in place."""

    def __init__(self) -> None:
        self.users = 0
        self.calls: list[int] = []
        self.spoil: Callable[[int, int, Answer], Answer] = lambda _call, _start, answer: answer
        server = self

        class Pages(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = parse_qs(urlsplit(self.path).query)
                start, count = int(asked["startIndex"][0]), min(100, int(asked["count"][0]))
                server.calls.append(start)
                shown = [{"id": f"user-{number}"} for number in range(start, min(start + count, server.users + 1))]
                status, kind, body = server.spoil(len(server.calls), start, page(server.users, shown, startIndex=start))
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def client(self) -> IamClient:
        return IamClient(f"http://127.0.0.1:{self.http.server_port}/", token="of the test")


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.http.shutdown()


@pytest.mark.parametrize(("users", "requests"), [(0, 1), (1, 1), (100, 1), (101, 2), (730, 8)])
def test_all_pages_are_read(server: Server, users: int, requests: int) -> None:
    server.users = users
    assert {each["id"] for each in server.client().users()} == {f"user-{number}" for number in range(1, users + 1)}
    assert len(server.calls) == requests


def test_shorter_pages_than_asked_for_are_followed(server: Server) -> None:
    server.users = 230
    server.spoil = lambda _call, start, _answer: page(
        230, [{"id": f"user-{number}"} for number in range(start, min(start + 30, 231))], startIndex=start
    )
    assert len(server.client().users()) == 230
    assert len(server.calls) == 8


SPOILED: list[tuple[str, Answer]] = [
    ("lost an entry", page(250, [{"id": f"user-{number}"} for number in range(102, 201)], startIndex=101)),
    ("came twice", page(250, [{"id": f"user-{number}"} for number in range(1, 101)], startIndex=101)),
    ("the page before", page(250, [{"id": f"user-{number}"} for number in range(1, 101)], startIndex=1)),
    ("nothing", page(250, [], startIndex=101)),
    ("another total", page(251, [{"id": f"user-{number}"} for number in range(101, 201)], startIndex=101)),
    ("no total", page(None, [])),
    ("no resources", (200, "application/json", b'{"totalResults": 250}')),
    ("entries without id", page(250, [{}] * 100, startIndex=101)),
    ("cut", (200, "application/json", b'{"totalResults": 250, "Resou')),
    ("a list", (200, "application/json", b"[]")),
]


@pytest.mark.parametrize("answer", [each for _what, each in SPOILED], ids=[what for what, _each in SPOILED])
def test_a_list_that_does_not_add_up_is_read_again_and_then_refused(server: Server, answer: Answer) -> None:
    server.users = 250
    server.spoil = lambda call, start, good: answer if start == 101 and call <= 3 else good
    assert len(server.client().users()) == 250  # the second reading is good
    server.spoil = lambda _call, start, good: answer if start == 101 else good
    with pytest.raises(ApiError, match="not complete and is not used"):
        server.client().users()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((200, "text/html", b"<html>log in</html>"), "log-in page"),
        ((403, "application/json", b'{"error":"insufficient_scope"}'), "scim:read"),
        ((401, "application/json", b"{}"), "scim:read"),
        ((500, "application/json", b"{}"), "HTTP 500"),
    ],
)
def test_what_is_not_scim_is_refused_at_once(server: Server, answer: Answer, words: str) -> None:
    server.users = 3
    server.spoil = lambda _call, _start, _good: answer
    with pytest.raises(ApiError, match=words):
        server.client().users()


def test_the_token_is_never_shown(server: Server) -> None:
    server.spoil = lambda _call, _start, _good: (403, "application/json", b"{}")
    with pytest.raises(ApiError) as problem:
        server.client().users()
    assert "of the test" not in str(problem.value)


def test_a_wrong_secret_is_not_taken_for_a_missing_scope(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: Any) -> str:
        raise ApiError("issuer IAM", "POST", "token", 401, "invalid_client")

    monkeypatch.setattr(IssuerClient, "token", refuse)
    with pytest.raises(ApiError, match=r"POST token: HTTP 401: invalid_client$"):
        IamClient(f"http://127.0.0.1:{server.http.server_port}/", client_id="a", secret="b").users()
    assert server.calls == []
