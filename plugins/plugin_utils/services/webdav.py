# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One HTTPS door of a storage: WebDAV, checksums, third-party copy, tape REST. Any status is an answer, not an error.

Sources: RFC 4918 (WebDAV), RFC 3230 and RFC 9530 (digests), the WLCG HTTP-TPC and tape REST v1 interfaces.
"""

from __future__ import annotations

import base64
import binascii
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, urljoin, urlsplit
from xml.etree import ElementTree

from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError, HttpClient, Tls, is_lost_connection

ANY_STATUS = frozenset(range(400, 600))
REDIRECTS = frozenset({301, 302, 303, 307, 308})
MAX_REDIRECTS = 5
MAX_BODY = 16 * 1024 * 1024
REPEATABLE = frozenset({"GET", "HEAD", "PROPFIND", "PUT", "DELETE"})
SENSITIVE = ("Authorization", "TransferHeaderAuthorization")
PROPERTIES = b'<?xml version="1.0"?><propfind xmlns="DAV:"><prop><resourcetype/></prop></propfind>'


@dataclass(frozen=True)
class Reply:
    """An answer, after redirects. headers: names in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class CopyReply:
    """An answer to a third-party copy.

    done: the body's verdict, which alone counts. transferred: bytes by the last markers. words: the last line.
    """

    status: int
    done: bool
    transferred: int
    words: str


@dataclass(frozen=True)
class Entry:
    """A member of a collection. name: its last path component, decoded."""

    name: str
    is_directory: bool


class Deadline:
    """The end of the time that some work may take (seconds)."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        return self._end - time.monotonic()


class WebdavDoor:
    """A door, with one pool of connections for everyone who uses it. Paths are names of the door's name space, not encoded."""

    def __init__(self, host: str, port: int, *, tls: Tls | None = None, read_only: bool = False) -> None:
        self.host, self.port = host, port
        self.http = HttpClient(f"door {host}:{port}", f"https://{host}:{port}", tls=tls, read_only=read_only, retries=0)

    def url(self, path: str) -> str:
        """The https URL of a path; of the door for an empty one."""
        return f"https://{self.host}:{self.port}" + quote(path, safe="/-._~")

    def get(self, path: str, token: str | None, within: Deadline) -> Reply:
        return self._send("GET", self.url(path), token, within)

    def head(self, path: str, token: str | None, within: Deadline) -> Reply:
        """Size and checksums of a file (digests() reads them)."""
        asked = {"Want-Digest": "adler32,crc32c", "Want-Repr-Digest": "adler=9, crc32c=5"}
        return self._send("HEAD", self.url(path), token, within, headers=asked)

    def put(self, path: str, body: bytes, token: str | None, within: Deadline) -> Reply:
        return self._send("PUT", self.url(path), token, within, body=body)

    def delete(self, path: str, token: str | None, within: Deadline) -> Reply:
        return self._send("DELETE", self.url(path), token, within)

    def make_directory(self, path: str, token: str | None, within: Deadline) -> Reply:
        return self._send("MKCOL", self.url(path), token, within)

    def move(self, path: str, target: str, token: str | None, within: Deadline) -> Reply:
        return self._send("MOVE", self.url(path), token, within, headers={"Destination": self.url(target), "Overwrite": "F"})

    def list(self, path: str, token: str | None, within: Deadline) -> tuple[Reply, tuple[Entry, ...]]:
        """The answer and the members of a collection; none when the answer is not a listing."""
        headers = {"Depth": "1", "Content-Type": "application/xml"}
        reply = self._send("PROPFIND", self.url(path), token, within, body=PROPERTIES, headers=headers)
        return reply, members(reply.body, path) if reply.status == 207 else ()

    def pull(self, path: str, source: str, token: str | None, far_token: str, within: Deadline) -> CopyReply:
        """This door reads source (a URL elsewhere) into path."""
        return self._copy(path, {"Source": source}, token, far_token, within)

    def push(self, path: str, destination: str, token: str | None, far_token: str, within: Deadline) -> CopyReply:
        """This door writes path to destination (a URL elsewhere)."""
        return self._copy(path, {"Destination": destination}, token, far_token, within)

    def discover_tape(self, within: Deadline) -> Reply:
        """The tape REST discovery document (tape_endpoint() reads it)."""
        return self._send("GET", self.url("/.well-known/wlcg-tape-rest-api"), None, within)

    def post_json(self, url: str, data: Any, token: str | None, within: Deadline, *, write: bool) -> Reply:
        return self._send("POST", url, token, within, json=data, write=write)

    def get_url(self, url: str, token: str | None, within: Deadline) -> Reply:
        return self._send("GET", url, token, within)

    def delete_url(self, url: str, token: str | None, within: Deadline) -> Reply:
        return self._send("DELETE", url, token, within)

    def _copy(self, path: str, other_end: Mapping[str, str], token: str | None, far_token: str, within: Deadline) -> CopyReply:
        headers = {**other_end, "TransferHeaderAuthorization": f"Bearer {far_token}", "Credential": "none", "Overwrite": "T"}
        reply = self._send("COPY", self.url(path), token, within, headers=headers)
        return copy_reply(reply.status, reply.body.decode("utf-8", "replace"))

    def _send(
        self,
        method: str,
        url: str,
        token: str | None,
        within: Deadline,
        *,
        body: bytes | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        write: bool | None = None,
    ) -> Reply:
        """One call and the redirects it meets; raises ApiError when no answer came in time.

        dCache, StoRM and EOS send bytes to pools and disk servers. Tokens follow only to https: a plain-http pool was given its own
        one-time key in the URL by the door, and must not see the token.
        """
        sent = {**(headers or {}), "Connection": "close"}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        for _hop in range(MAX_REDIRECTS + 1):
            reply = self._once(method, url, within, body=body, json=json, headers=sent, write=write)
            target = reply.headers.get("location", "")
            if reply.status not in REDIRECTS or not target:
                return reply
            url = urljoin(url, target)
            scheme = urlsplit(url).scheme
            if scheme not in {"http", "https"}:
                raise self._silence(method, url, f"redirected to a {scheme} address, which is not HTTP")
            if scheme == "http":
                sent = {name: value for name, value in sent.items() if name not in SENSITIVE}
            if reply.status == 303:
                method, body, json, write = "GET", None, None, None
        raise self._silence(method, url, f"more than {MAX_REDIRECTS} redirects")

    def _once(
        self, method: str, url: str, within: Deadline, *, body: bytes | None, json: Any, headers: Mapping[str, str], write: bool | None
    ) -> Reply:
        if within.left <= 0:
            raise self._silence(method, url, f"not finished within {within.seconds:g} s")
        answer = self._answer(method, url, within, data=body, json=json, headers=headers, write=write)
        with answer:
            # A server that refuses an upload need not read it: what is left of it would spoil the connection for the next call.
            refused_upload = body is not None and answer.status_code >= 400
            content = b"" if refused_upload else b"".join(self._chunks(method, url, answer, within))
            return Reply(answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, content)

    def _answer(self, method: str, url: str, within: Deadline, **call: Any) -> Any:
        """The answer, not read yet. A kept connection may have been closed by the server meanwhile: then once more on a new one."""

        def send() -> Any:
            return self.http.request(method, url, accept=ANY_STATUS, timeout=max(within.left, 0.1), stream=True, **call)

        try:
            try:
                return send()
            except ApiError as problem:
                if method not in REPEATABLE or not is_lost_connection(problem):
                    raise
                return send()
        except ApiError as problem:
            raise self._silence(method, url, problem.words) from problem

    def _chunks(self, method: str, url: str, answer: Any, within: Deadline) -> Iterator[bytes]:
        """The body, within the time even when a server sends a sign of life every few seconds (third-party copies do)."""
        size = 0
        try:
            for chunk in answer.iter_content(8192):
                size += len(chunk)
                if within.left <= 0:
                    raise self._silence(method, url, f"not finished within {within.seconds:g} s")
                if size > MAX_BODY:
                    raise self._silence(method, url, f"the answer is longer than {MAX_BODY} bytes")
                yield chunk
        except OSError as problem:  # requests' exceptions are kinds of it
            raise self._silence(method, url, f"{type(problem).__name__} while reading the answer") from problem

    def _silence(self, method: str, url: str, words: str) -> ApiError:
        """The error without the URL's query, which redirects may fill with tokens."""
        return ApiError(self.http.service, method, url.split("?", 1)[0], None, hide_tokens(words))


def hide_tokens(text: str) -> str:
    """A server's words without tokens that it may have echoed."""
    text = re.sub(r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*", "[token]", text)
    return re.sub(r"(?i)\b(authz|access_token)=[^&\s'\"]+", r"\1=[token]", text)


def digests(headers: Mapping[str, str]) -> dict[str, str]:
    """Checksums by lower-case algorithm (adler32, crc32c, md5, ...) in hexadecimal, from Digest (RFC 3230) and Repr-Digest (RFC 9530)."""
    found: dict[str, str] = {}
    for item in headers.get("digest", "").split(","):
        name, equals, value = item.strip().partition("=")
        if equals and (text := _hexadecimal(name.lower(), value.strip())):
            found[name.lower()] = text
    for item in headers.get("repr-digest", "").split(","):
        name, equals, value = item.strip().partition("=")
        name = {"adler": "adler32"}.get(name.lower(), name.lower())
        if equals and re.fullmatch(r":[^:]*:", value.strip()) and (text := _from_base64(value.strip()[1:-1])):
            found.setdefault(name, text)
    return found


def copy_reply(status: int, body: str) -> CopyReply:
    """What a third-party copy came to, from its performance markers and last line."""
    lines = [line.strip() for line in body.splitlines() if line.strip()]
    stripes: dict[str, int] = {}
    stripe = "0"
    for line in lines:
        name, _colon, value = (part.strip() for part in line.partition(":"))
        if name.lower() == "stripe index":
            stripe = value
        elif name.lower() == "stripe bytes transferred" and value.isdigit():
            stripes[stripe] = int(value)
    last = hide_tokens(lines[-1])[:300] if lines else ""
    done = 200 <= status < 300 and last.lower().startswith("success")
    if not (done or last.lower().startswith("fail") or status >= 300):
        last = "the answer ended without success or failure" + (f": {last}" if last else "")
    return CopyReply(status, done, sum(stripes.values()), last)


def members(listing: bytes, path: str) -> tuple[Entry, ...]:
    """The members of a collection from a multi-status answer; without itself and without anything that does not lie directly in it."""
    try:
        tree = ElementTree.fromstring(listing)
    except ElementTree.ParseError:
        return ()
    base = path.rstrip("/") + "/"
    found = []
    for response in tree.iter("{DAV:}response"):
        href = unquote(urlsplit((response.findtext("{DAV:}href") or "").strip()).path)
        href = "/" + href.strip("/")
        name = href[len(base) :] if href.startswith(base) else ""
        if name and "/" not in name and name not in {".", ".."}:
            found.append(Entry(name, response.find(".//{DAV:}collection") is not None))
    return tuple(found)


def tape_endpoint(document: Any) -> str:
    """The v1 end point of a tape REST discovery document, without a slash at the end; empty when there is none over https."""
    endpoints = document.get("endpoints") if isinstance(document, dict) else None
    for endpoint in endpoints if isinstance(endpoints, list) else ():
        if isinstance(endpoint, dict) and endpoint.get("version") == "v1" and str(endpoint.get("uri", "")).startswith("https://"):
            return str(endpoint["uri"]).rstrip("/")
    return ""


def _hexadecimal(name: str, value: str) -> str:
    """A digest of RFC 3230: adler32 and crc32c as hexadecimal (leading zeros may be missing), the others as base64."""
    if name in {"adler32", "crc32c", "adler", "crc32"} and re.fullmatch(r"[0-9A-Fa-f]{1,8}", value):
        return value.lower().zfill(8)
    return _from_base64(value)


def _from_base64(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).hex()
    except (ValueError, binascii.Error):
        return ""
