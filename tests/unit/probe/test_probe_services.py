# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Digests, copy answers, listings, tape discovery, redirects with tokens, and what an issuer's answers must say."""

from __future__ import annotations

import base64
import json
import threading
import time
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils import prober
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.probe import TokenWish
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError
from ansible_collections.escape.datalake.plugins.plugin_utils.services.issuer import IssuerClient, Once, audiences, claims
from ansible_collections.escape.datalake.plugins.plugin_utils.services.webdav import (
    Deadline,
    Entry,
    Reply,
    WebdavDoor,
    copy_reply,
    digests,
    hide_tokens,
    members,
    tape_endpoint,
)
from hypothesis import given
from hypothesis import strategies as some

ISSUER = "https://iam.example.org/"


def jwt(**found: Any) -> str:
    def part(data: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")

    return f"{part({'alg': 'RS256'})}.{part(found)}.c2lnbmF0dXJl"


# -- digests


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"digest": "adler32=0ac70f33"}, {"adler32": "0ac70f33"}),
        ({"digest": "ADLER32=AC70F33"}, {"adler32": "0ac70f33"}),
        ({"digest": "adler32=0ac70f33, crc32c=deadbeef"}, {"adler32": "0ac70f33", "crc32c": "deadbeef"}),
        ({"digest": "md5=1B2M2Y8AsgTpgAmY7PhCfg=="}, {"md5": "d41d8cd98f00b204e9800998ecf8427e"}),
        ({"repr-digest": "adler=:CscPMw==:"}, {"adler32": "0ac70f33"}),
        ({"repr-digest": "crc32c=:3q2+7w==:, adler=:CscPMw==:"}, {"crc32c": "deadbeef", "adler32": "0ac70f33"}),
        ({"digest": "adler32=00000001", "repr-digest": "adler=:CscPMw==:"}, {"adler32": "00000001"}),
        ({"digest": "adler32="}, {}),
        ({"digest": "nonsense"}, {}),
        ({"repr-digest": "adler=CscPMw=="}, {}),
        ({}, {}),
    ],
)
def test_digests(headers: dict[str, str], expected: dict[str, str]) -> None:
    assert digests(headers) == expected


@given(some.binary(max_size=64))
def test_a_checksum_survives_both_forms(content: bytes) -> None:
    value = zlib.adler32(content)
    text = f"{value:08x}"
    assert digests({"digest": f"adler32={value:x}"}) == {"adler32": text}
    assert digests({"repr-digest": f"adler=:{base64.b64encode(value.to_bytes(4, 'big')).decode()}:"}) == {"adler32": text}


# -- third-party copies


def marker(stripe: int, sent: int) -> str:
    lines = ["Timestamp: 1537788010", f"Stripe Index: {stripe}", f"Stripe Bytes Transferred: {sent}", "Total Stripe Count: 2"]
    return "\n    ".join(["Perf Marker", *lines]) + "\nEnd\n"


def test_the_body_decides_about_a_copy() -> None:
    good = copy_reply(201, marker(0, 10) + marker(0, 20) + marker(1, 5) + "success: Created\n")
    assert (good.done, good.transferred, good.words) == (True, 25, "success: Created")
    bad = copy_reply(201, marker(0, 10) + "failure: Remote side failed with status code 403\n")
    assert (bad.done, bad.words) == (False, "failure: Remote side failed with status code 403")
    assert copy_reply(202, "success: Created").done
    assert not copy_reply(403, "success: Created").done


@pytest.mark.parametrize("body", ["", marker(0, 10), marker(0, 10) + "succ", "Perf Marker\n"])
def test_an_answer_that_breaks_off_is_no_success(body: str) -> None:
    reply = copy_reply(201, body)
    assert not reply.done
    assert "without success or failure" in reply.words


@given(some.text(max_size=200))
def test_no_body_upsets_the_parser(body: str) -> None:
    reply = copy_reply(202, body)
    assert reply.done == (reply.words.lower().startswith("success") and "without success" not in reply.words)


# -- listings


LISTING = b"""<?xml version="1.0"?><D:multistatus xmlns:D="DAV:">
<D:response><D:href>/escape/fast/</D:href><D:propstat><D:prop><D:resourcetype><D:collection/></D:resourcetype></D:prop></D:propstat></D:response>
<D:response><D:href>https://se.example.org:1094/escape/fast/a%20b</D:href><D:propstat><D:prop><D:resourcetype/></D:prop></D:propstat></D:response>
<D:response><D:href>/escape/fast/sub/</D:href><D:propstat><D:prop><D:resourcetype><D:collection/></D:resourcetype></D:prop></D:propstat></D:response>
<D:response><D:href>/escape/fast/sub/deeper</D:href></D:response>
<D:response><D:href>/escape/fast/../safe</D:href></D:response>
<D:response><D:href>/escape/fast/..</D:href></D:response>
<D:response><D:href>/escape/fastest</D:href></D:response></D:multistatus>"""


def test_only_what_lies_directly_in_a_collection_is_its_member() -> None:
    assert members(LISTING, "/escape/fast") == (Entry("a b", False), Entry("sub", True))


def test_what_is_no_listing_has_no_members() -> None:
    assert members(b"<html>", "/escape") == ()


# -- tape


def test_tape_discovery() -> None:
    document = {"sitename": "S", "endpoints": [{"uri": "https://t/api/v0", "version": "v0"}, {"uri": "https://t/api/v1/", "version": "v1"}]}
    assert tape_endpoint(document) == "https://t/api/v1"
    assert tape_endpoint({"endpoints": [{"uri": "http://t/api/v1", "version": "v1"}]}) == ""
    for nonsense in (None, [], {}, {"endpoints": None}, {"endpoints": ["x"]}):
        assert tape_endpoint(nonsense) == ""


# -- redirects and tokens


class Answers:
    """Stands in the place of the network: gives answers in order and keeps what was asked."""

    def __init__(self, *replies: Reply) -> None:
        self.replies, self.asked = list(replies), []  # type: ignore[var-annotated]

    def __call__(self, method: str, url: str, _within: Deadline, **call: Any) -> Reply:
        self.asked.append((method, url, dict(call["headers"]), call["body"]))
        return self.replies.pop(0)


def door(monkeypatch: pytest.MonkeyPatch, *replies: Reply) -> tuple[WebdavDoor, Answers]:
    made, answers = WebdavDoor("se.example.org", 1094), Answers(*replies)
    monkeypatch.setattr(made, "_once", answers)
    return made, answers


def redirect(status: int, location: str) -> Reply:
    return Reply(status, {"location": location})


def test_a_token_follows_a_redirect_to_https_only(monkeypatch: pytest.MonkeyPatch) -> None:
    made, answers = door(monkeypatch, redirect(307, "https://pool1:1/x"), redirect(307, "http://pool2:2/x?uuid=1"), Reply(201))
    assert made.put("/escape/x", b"bytes", "TOKEN", Deadline(5)).status == 201
    assert [(method, url) for method, url, _headers, _body in answers.asked] == [
        ("PUT", "https://se.example.org:1094/escape/x"),
        ("PUT", "https://pool1:1/x"),
        ("PUT", "http://pool2:2/x?uuid=1"),
    ]
    assert ["Authorization" in headers for _method, _url, headers, _body in answers.asked] == [True, True, False]
    assert {body for _method, _url, _headers, body in answers.asked} == {b"bytes"}


def test_a_token_stays_away_after_one_plain_hop(monkeypatch: pytest.MonkeyPatch) -> None:
    made, answers = door(monkeypatch, redirect(302, "http://pool/x"), redirect(302, "https://elsewhere/x"), Reply(200))
    made.get("/x", "TOKEN", Deadline(5))
    assert ["Authorization" in headers for _method, _url, headers, _body in answers.asked] == [True, False, False]


def test_the_far_ends_token_is_as_careful(monkeypatch: pytest.MonkeyPatch) -> None:
    made, answers = door(monkeypatch, redirect(307, "http://other/x"), Reply(201, {}, b"success: Created"))
    assert made.pull("/x", "https://far/x", "NEAR", "FAR", Deadline(5)).done
    assert answers.asked[0][2]["TransferHeaderAuthorization"] == "Bearer FAR"
    assert answers.asked[0][2]["Credential"] == "none"
    assert "TransferHeaderAuthorization" not in answers.asked[1][2]


def test_303_becomes_a_get(monkeypatch: pytest.MonkeyPatch) -> None:
    made, answers = door(monkeypatch, redirect(303, "/result"), Reply(200))
    made.put("/x", b"bytes", None, Deadline(5))
    assert answers.asked[1][0:2] == ("GET", "https://se.example.org:1094/result")
    assert answers.asked[1][3] is None


@pytest.mark.parametrize("location", ["root://pool//x", "file:///etc/passwd"])
def test_a_redirect_that_is_not_http_is_refused(monkeypatch: pytest.MonkeyPatch, location: str) -> None:
    made, _answers = door(monkeypatch, redirect(302, location))
    with pytest.raises(ApiError, match="not HTTP"):
        made.get("/x", "TOKEN", Deadline(5))


def test_redirects_come_to_an_end_and_hide_their_query(monkeypatch: pytest.MonkeyPatch) -> None:
    made, _answers = door(monkeypatch, *[redirect(302, "https://se.example.org:1094/x?authz=Bearer%20eyJhbGciOi.J9.x")] * 9)
    with pytest.raises(ApiError, match="more than 5 redirects") as caught:
        made.get("/x", "TOKEN", Deadline(5))
    assert "eyJ" not in str(caught.value)


def test_paths_are_encoded_in_urls() -> None:
    assert WebdavDoor("se", 1).url("/a b/ü#?%") == "https://se:1/a%20b/%C3%BC%23%3F%25"


def test_nothing_is_sent_after_the_deadline() -> None:
    with pytest.raises(ApiError, match="not finished within"):
        WebdavDoor("se.invalid", 1).get("/x", None, Deadline(0))


def test_signs_of_life_do_not_extend_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow:
        """A copy that reports every 0.1 s and never ends."""

        status_code, headers = 201, {}  # type: ignore[var-annotated]

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_problem: object) -> None:
            return

        def iter_content(self, _size: int) -> Any:
            while True:
                time.sleep(0.1)
                yield marker(0, 1).encode()

    made = WebdavDoor("se", 1)
    monkeypatch.setattr(made.http, "request", lambda *_words, **_call: Slow())
    started = time.monotonic()
    with pytest.raises(ApiError, match=r"not finished within 0\.3 s"):
        made.push("/x", "https://far/x", "NEAR", "FAR", Deadline(0.3))
    assert time.monotonic() - started < 1


def test_words_of_servers_are_shown_without_tokens() -> None:
    words = hide_tokens(f"failure: {jwt(iss=ISSUER)} refused at https://se/x?authz=Bearer%20{jwt(a=1)}&y=1")
    assert "eyJ" not in words
    assert words.startswith("failure: [token] refused")
    assert words.endswith("&y=1")


# -- directories are removed only when they are the probe's


class Tree:
    """A name space of nested dictionaries behind the calls that removal uses."""

    def __init__(self, tree: dict[str, Any]) -> None:
        self.tree, self.deleted = tree, []  # type: ignore[var-annotated]

    def find(self, path: str) -> Any:
        here: Any = self.tree
        for name in path.strip("/").split("/"):
            here = here.get(name) if isinstance(here, dict) else None
        return here

    def list(self, path: str, _token: str | None, _within: Deadline) -> tuple[Reply, tuple[Entry, ...]]:
        here = self.find(path)
        if here is None:
            return Reply(404), ()
        return Reply(207), tuple(Entry(name, isinstance(below, dict)) for name, below in here.items())

    def delete(self, path: str, _token: str | None, _within: Deadline) -> Reply:
        if self.find(path):
            return Reply(409)
        parent, name = path.rsplit("/", 1)
        self.deleted.append(path)
        self.find(parent).pop(name)
        return Reply(204)


def test_a_directory_of_the_probe_is_removed_with_all_below_it() -> None:
    name = ".probe-0000000001-0123456789ab"
    tree = Tree({"area": {name: {"sub": {"deep": {}}, "file": None}, "data": {"precious": None}}})
    assert prober._remove_tree(tree, f"/area/{name}", None, Deadline(5))  # type: ignore[arg-type]
    assert tree.tree == {"area": {"data": {"precious": None}}}
    assert prober._remove_tree(tree, f"/area/{name}", None, Deadline(5))  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["/area", "/area/data", "/area/probe-1"])
def test_nothing_else_is_removed(path: str) -> None:
    tree = Tree({"area": {"data": {}, "probe-1": {}}})
    with pytest.raises(ValueError, match="no directory of the probe"):
        prober._remove_tree(tree, path, None, Deadline(5))  # type: ignore[arg-type]
    assert tree.deleted == []


# -- tokens


def test_claims_of_tokens_and_of_other_texts() -> None:
    assert claims(jwt(iss=ISSUER, exp=1))["iss"] == ISSUER
    for text in ("", "opaque", "a.b.c", "a.b", "....", "a." + base64.urlsafe_b64encode(b"[1]").decode() + ".c"):
        assert claims(text) == {}


def test_audiences_come_as_text_list_or_words() -> None:
    assert audiences({"aud": "a b"}) == audiences({"aud": ["a", "b"]}) == {"a", "b"}
    assert audiences({}) == frozenset()


class Service:
    """An issuer's HTTP client that answers from a table."""

    def __init__(self, discovery: dict[str, Any], token: dict[str, Any]) -> None:
        self.service, self.calls = "issuer test", []  # type: ignore[var-annotated]
        self._answers = {"GET": discovery, "POST": token}

    def request(self, method: str, url: str, **call: Any) -> Any:
        self.calls.append((method, url, call))
        answer = self._answers[method]

        class Answer:
            status_code = 200

            content = json.dumps(answer).encode()

        return Answer()


DISCOVERY = {"issuer": ISSUER, "token_endpoint": ISSUER + "token"}
SCOPES = ("storage.read:/fast",)


def issuer(token: dict[str, Any] | None = None, discovery: dict[str, Any] | None = None, url: str = ISSUER) -> tuple[IssuerClient, Service]:
    client = IssuerClient("test", url, "id:1", "se cret")
    service = Service(DISCOVERY if discovery is None else discovery, token or {"access_token": good_token(), "scope": SCOPES[0]})
    client.http = service  # type: ignore[assignment]
    return client, service


def good_token(**other: Any) -> str:
    return jwt(**{"iss": ISSUER, "aud": "se", "scope": SCOPES[0], **other})


def test_a_token_is_asked_for_once_and_properly() -> None:
    client, service = issuer()
    assert client.token(SCOPES, "se") == client.token(SCOPES, "se") == good_token()
    methods = [method for method, _url, _call in service.calls]
    assert methods == ["GET", "POST"]
    _method, url, call = service.calls[1]
    assert url == ISSUER + "token"
    assert call["auth"] == ("id%3A1", "se+cret")  # RFC 6749, 2.3.1
    assert call["data"] == {"grant_type": "client_credentials", "scope": SCOPES[0], "audience": "se"}
    assert call["write"] is False


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ({"access_token": good_token(iss=ISSUER.rstrip("/"))}, "trailing slash"),
        ({"access_token": good_token(iss="https://other.example.org/")}, "storages compare the text"),
        ({"access_token": good_token(), "scope": "openid"}, "left out storage.read:/fast"),
        ({"access_token": good_token(scope="openid")}, "left out storage.read:/fast"),
        ({"access_token": good_token(aud="any"), "scope": SCOPES[0]}, "ignores the audience"),
        ({"access_token": "opaque"}, "not a JWT"),
        ({}, "not a JWT"),
    ],
)
def test_a_token_that_is_not_what_was_asked_for_is_an_error_without_the_token(token: dict[str, Any], words: str) -> None:
    client, _service = issuer(token or {"error": "x"})
    with pytest.raises(ApiError, match=words) as caught:
        client.token(SCOPES, "se")
    assert "eyJ" not in str(caught.value)


def test_the_slash_of_the_metadata_is_settled_by_the_token() -> None:
    """IAM shows a slash there whatever it writes into tokens."""
    plain = ISSUER.rstrip("/")
    client, _service = issuer({"access_token": good_token(iss=plain)}, url=plain)
    assert client.token(SCOPES, "se")


@pytest.mark.parametrize(
    ("discovery", "words"),
    [
        ({**DISCOVERY, "issuer": "https://other.example.org/"}, "is of issuer"),
        ({**DISCOVERY, "token_endpoint": "http://iam.example.org/token"}, "no token_endpoint over https"),
        ({"issuer": ISSUER}, "no token_endpoint"),
    ],
)
def test_discovery_must_be_the_issuers(discovery: dict[str, Any], words: str) -> None:
    client, service = issuer(discovery=discovery)
    for _again in range(2):
        with pytest.raises(ApiError, match=words):
            client.token(SCOPES, "se")
        with pytest.raises(ApiError, match=words):
            client.discover()
    assert len(service.calls) == 1  # a failure is remembered too


def test_an_issuer_is_asked_over_https_only() -> None:
    client, service = issuer(url="http://iam.example.org/")
    with pytest.raises(ApiError, match="https only"):
        client.discover()
    assert service.calls == []


def test_once_makes_a_value_once_for_all_threads() -> None:
    once, made = Once(), []

    def make() -> int:
        time.sleep(0.05)
        made.append(1)
        return 7

    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(once.get("key", make))) for _number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (found, made) == ([7] * 8, [1])


# -- token files

EXPIRED = TokenWish("escape", SCOPES, "se", expired=True)
GROUP = TokenWish("escape", audience="se", groups=("/escape",), without=("/escape/data-manager",))


@pytest.mark.parametrize(
    ("wish", "found", "words"),
    [
        (EXPIRED, {"exp": -61, "scope": SCOPES[0], "aud": "se"}, ""),
        (EXPIRED, {"exp": -61, "scope": "storage.read:/", "aud": "https://wlcg.cern.ch/jwt/v1/any"}, ""),
        (EXPIRED, {"exp": -30, "scope": "storage.read:/", "aud": "se"}, "more than 60 s ago"),
        (EXPIRED, {"exp": 60, "scope": "storage.read:/", "aud": "se"}, "more than 60 s ago"),
        (EXPIRED, {"exp": -61, "scope": "storage.read:/other", "aud": "se"}, "would be refused anyway"),
        (EXPIRED, {"exp": -61, "scope": "openid", "aud": "se"}, "would be refused anyway"),
        (EXPIRED, {"exp": -61, "scope": "storage.read:/", "aud": "other"}, "would be refused anyway"),
        (EXPIRED, {"exp": -61, "iss": "https://other/", "scope": "storage.read:/", "aud": "se"}, "expected a JWT of issuer"),
        (GROUP, {"exp": 60, "wlcg.groups": ["/escape"], "scope": "openid", "aud": "se"}, ""),
        (GROUP, {"exp": 60, "wlcg.groups": ["/escape", "/escape/pilots"], "aud": "se"}, ""),
        (GROUP, {"exp": -1, "wlcg.groups": ["/escape"], "aud": "se"}, "get a new one"),
        (GROUP, {"exp": 60, "wlcg.groups": ["/escape"], "aud": "other"}, "would be refused anyway"),
        (GROUP, {"exp": 60, "wlcg.groups": ["/escape", "/escape/data-manager"], "aud": "se"}, "not /escape/data-manager,"),
        (GROUP, {"exp": 60, "wlcg.groups": ["/escape"], "scope": "openid storage.read:/", "aud": "se"}, "no storage scope"),
        (GROUP, {"exp": 60, "aud": "se"}, "must hold the group /escape"),
    ],
)
def test_token_files_must_prove_something(tmp_path: Any, wish: TokenWish, found: dict[str, Any], words: str) -> None:
    file = tmp_path / "token"
    token = jwt(**{"iss": ISSUER, **found, "exp": time.time() + found["exp"]})
    file.write_text(token + "\n")
    read: Callable[[], str] = lambda: prober._token_from_file(str(file), wish, ISSUER)  # noqa: E731
    if words:
        with pytest.raises(ApiError, match=words) as caught:
            read()
        assert token not in str(caught.value)
    else:
        assert read() == token


def test_a_missing_token_file_is_named(tmp_path: Any) -> None:
    with pytest.raises(ApiError, match="No such file"):
        prober._token_from_file(str(tmp_path / "none"), GROUP, ISSUER)
