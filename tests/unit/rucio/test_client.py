"""What the client sends to servers that the integration tests do not have: several VOs, old versions, things that are not Rucio."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError
from ansible_collections.escape.datalake.plugins.plugin_utils.services.rucio import Login, RucioClient

LOGIN = Login("userpass", "root", "somebody", "a secret", vo="esc")
DOOR = {
    "scheme": "davs",
    "hostname": "h",
    "port": 443,
    "prefix": "/a",
    "impl": "rucio.rse.protocols.gfal.Default",
    "domains": {"lan": {"read": 1, "write": None}, "wan": {"read": 2}},
    "extended_attributes": None,
}


class Stub:
    """Answers from a table of path -> (status, headers, body) and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str], Any]] = []
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {"/auth/userpass": (200, {"X-Rucio-Auth-Token": "token"}, b"")}
        stub = self

        class Pages(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                stub.asked.append((self.command, self.path, dict(self.headers), json.loads(body) if body else None))
                status, headers, content = stub.answers.get(self.path.split("?")[0], (201, {}, b"Created"))
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = answer

            def log_message(self, *words: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def client(self, login: Login = LOGIN) -> RucioClient:
        return RucioClient(f"http://127.0.0.1:{self.http.server_port}", login)


@pytest.fixture
def stub() -> Iterator[Stub]:
    made = Stub()
    yield made
    made.http.shutdown()


def test_every_call_names_the_vo_and_only_the_log_in_the_password(stub: Stub) -> None:
    client = stub.client()
    client.set_attribute("LAB", "QOS", "FAST")
    client.set_attribute("LAB", "tier", "1")
    assert [path for _method, path, _headers, _body in stub.asked] == ["/auth/userpass", "/rses/LAB/attr/QOS", "/rses/LAB/attr/tier"]
    assert {headers["X-Rucio-VO"] for _method, _path, headers, _body in stub.asked} == {"esc"}
    assert ["X-Rucio-Password" in headers for _method, _path, headers, _body in stub.asked] == [True, False, False]
    assert client.traffic == {"requests": 3, "writes": 2}
    assert "a secret" not in repr(LOGIN)


@pytest.mark.parametrize(("version", "off"), [("38.6.4", 0), ("39.4.2", None)])
def test_an_operation_that_is_not_offered_is_written_in_the_servers_terms(stub: Stub, version: str, off: int | None) -> None:
    stub.answers["/ping"] = (200, {}, json.dumps({"version": version}).encode())
    client = stub.client()
    client.add_protocol("LAB", DOOR)
    client.update_protocol("LAB", DOOR)
    added, updated = [body for method, _path, _headers, body in stub.asked if method != "GET"]
    assert added["domains"] == updated["domains"] == {"lan": {"read": 1, "write": off}, "wan": {"read": 2}}
    assert "extended_attributes" not in added
    assert updated["extended_attributes"] is None


def test_the_servers_class_of_error_counts(stub: Stub) -> None:
    denied = json.dumps({"ExceptionClass": "AccessDenied", "ExceptionMessage": "no"}).encode()
    stub.answers["/export/"] = (500, {"ExceptionClass": "AccessDenied"}, denied)
    stub.answers["/rses/"] = (200, {}, b'{"rse": "A", "deterministic": true}\n\n{"rse": "B"}\n')
    assert set(stub.client().lake(())["rses"]) == {"A", "B"}
    stub.answers["/rses/"] = (401, {}, denied)
    with pytest.raises(ApiError, match=r"HTTP 401 \(AccessDenied\): no; use an account that may") as caught:
        stub.client().lake(())
    assert caught.value.error_class == "AccessDenied"


def test_a_bare_infinity_is_a_number(stub: Stub) -> None:
    stub.answers["/accounts/a/limits/local"] = (200, {}, b'{"LAB": Infinity, "B": 5}')
    assert stub.client().local_quotas("a") == {"LAB": float("inf"), "B": 5}


def test_a_refused_token_is_not_tried_for_ever(stub: Stub) -> None:
    stub.answers["/accounts/"] = (401, {"ExceptionClass": "CannotAuthenticate"}, b"{}")
    with pytest.raises(ApiError, match="CannotAuthenticate"):
        stub.client(Login("token", token="always the same")).accounts()
    assert len(stub.asked) == 1


@pytest.mark.parametrize("body", [b"hello", b"[]", b'{"status": "ok"}'])
def test_what_is_no_rucio_server_is_called_so(stub: Stub, body: bytes) -> None:
    stub.answers["/ping"] = (200, {}, body)
    with pytest.raises(ApiError, match="this is no Rucio server"):
        stub.client().version  # noqa: B018


PAGE = b"<html><body>Please log in</body></html>"


@pytest.mark.parametrize("body", [PAGE, b"", b"[]", b"5", b'{"rses": []}', b'{"rses": {}', b"[" * 100_000])
def test_an_answer_of_another_shape_is_a_sentence(stub: Stub, body: bytes) -> None:
    stub.answers |= dict.fromkeys(["/export/", "/rses/A/attr/", "/accounts/a/limits/global"], (200, {}, body))
    with pytest.raises(ApiError, match="this is no Rucio server"):
        stub.client().lake()
    if b"rses" not in body:
        for read in (lambda client: client.attributes("A"), lambda client: client.global_quotas("a", ["X"])):
            with pytest.raises(ApiError, match="this is no Rucio server"):
                read(stub.client())


@pytest.mark.parametrize("body", [PAGE, b"[]", b'{"account": "a"}\n{"acc'])
def test_lines_of_another_shape_are_a_sentence(stub: Stub, body: bytes) -> None:
    stub.answers["/accounts/"] = (200, {}, body)
    with pytest.raises(ApiError, match="this is no Rucio server"):
        stub.client().accounts()


def test_a_log_in_without_a_token_says_why(stub: Stub) -> None:
    stub.answers["/auth/userpass"] = (206, {}, b"[]")
    with pytest.raises(ApiError, match="set the account option"):
        stub.client().accounts()
