# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for StoRM WebDAV: serves the directories of the storage areas over HTTPS as the files of the real service say.

For the lab only. usage: python -m lab.storm.webdav
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import ssl
import sys
import threading
import zlib
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit
from xml.sax.saxutils import escape

from .authorization import Authorizer, BadToken, Request
from .config import Config, ConfigError, load

CHUNK = 1024 * 1024
HEALTH = "/.storm-webdav/actuator/health"
WELL_KNOWN = "/.well-known/wlcg-tape-rest-api"
WELL_KNOWN_SOURCE = Path("/etc/storm/webdav/wlcg-tape-rest-api.json")
ADLER = "user.storm.checksum.adler32"


class Refused(Exception):
    """status: of the answer."""

    def __init__(self, status: int, words: str) -> None:
        self.status = status
        super().__init__(words)


class Door(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    config: Config
    authorizer: Authorizer
    timeout = 60

    def setup(self) -> None:
        """The handshake belongs to the connection's own thread."""
        if isinstance(self.request, ssl.SSLSocket):
            self.request.settimeout(self.timeout)
            self.request.do_handshake()
        super().setup()

    def _run(self) -> None:
        try:
            path = unquote(urlsplit(self.path).path)
            if path == HEALTH:
                self._answer(200, b'{"status":"UP"}', {"Content-Type": "application/json"})
            elif path == WELL_KNOWN:
                self._well_known()
            else:
                self._serve(path)
        except BadToken as problem:
            self._refuse(401, str(problem))
        except Refused as problem:
            self._refuse(problem.status, str(problem))
        except FileNotFoundError:
            self._refuse(404, "not found")
        except (OSError, http.client.HTTPException) as problem:
            self._refuse(500, type(problem).__name__)

    do_GET = do_HEAD = do_PUT = do_DELETE = do_PROPFIND = do_MKCOL = do_MOVE = do_COPY = do_OPTIONS = _run

    def _serve(self, path: str) -> None:
        target = self._permitted(self.command, path)
        getattr(self, f"_{self.command.lower()}")(path, target)

    def _permitted(self, method: str, path: str) -> Path:
        """The file of a path, when the request may do what it asks for."""
        if ".." in path.split("/") or "//" in path:
            raise Refused(400, "path")
        found = self.config.area_of(path)
        header = self.headers.get("Authorization", "")
        claims = self.authorizer.claims(header.removeprefix("Bearer ")) if header.startswith("Bearer ") else None
        if found is None:
            raise Refused(404, "no storage area")
        area, point = found
        target = area.root / path[len(point) :].strip("/")
        if not self.authorizer.permits(Request(method, path, target.exists(), "Source" in self.headers), claims):
            raise Refused(403 if claims else 401, "access denied")
        return target

    def _get(self, _path: str, target: Path) -> None:
        size = target.stat().st_size
        if target.is_dir():
            listed = "\n".join(sorted(each.name for each in target.iterdir()))
            self._answer(200, listed.encode(), {"Content-Type": "text/plain"})
            return
        self.send_response(200)
        self.send_header("Content-Length", str(size))
        self._file_headers(target)
        self.end_headers()
        if self.command != "HEAD":
            with target.open("rb") as handle:
                shutil.copyfileobj(handle, self.wfile, CHUNK)

    _head = _get

    def _file_headers(self, target: Path) -> None:
        self.send_header("Last-Modified", formatdate(target.stat().st_mtime, usegmt=True))
        self.send_header("Digest", f"adler32={_checksum(target)}")

    def _put(self, _path: str, target: Path) -> None:
        existed = target.exists()
        if target.is_dir():
            raise Refused(409, "a directory")
        _write(target, self._body())
        self._answer(204 if existed else 201)

    def _delete(self, _path: str, target: Path) -> None:
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink()
        self._answer(204)

    def _mkcol(self, _path: str, target: Path) -> None:
        if target.exists():
            raise Refused(405, "it is there")
        if not target.parent.is_dir():
            raise Refused(409, "no parent")
        target.mkdir()
        self._answer(201)

    def _move(self, _path: str, target: Path) -> None:
        where = unquote(urlsplit(self.headers.get("Destination", "")).path)
        destination = self._permitted("PUT", where)
        if not target.exists():
            raise FileNotFoundError
        if destination.exists() and self.headers.get("Overwrite", "T").upper() == "F":
            raise Refused(412, "it is there")
        existed = destination.exists()
        target.rename(destination)
        self._answer(204 if existed else 201)

    def _propfind(self, path: str, target: Path) -> None:
        target.stat()
        members = [target]
        if target.is_dir() and self.headers.get("Depth", "1") != "0":
            members += sorted(target.iterdir())
        self._drain()
        entries = "".join(_entry(path if each == target else f"{path.rstrip('/')}/{each.name}", each) for each in members)
        body = f'<?xml version="1.0" encoding="utf-8"?>\n<d:multistatus xmlns:d="DAV:">{entries}</d:multistatus>\n'
        self._answer(207, body.encode(), {"Content-Type": "application/xml; charset=utf-8"})

    def _options(self, _path: str, _target: Path) -> None:
        self._answer(200, headers={"DAV": "1", "Allow": "GET, HEAD, PUT, DELETE, PROPFIND, MKCOL, MOVE, COPY, OPTIONS"})

    def _copy(self, path: str, target: Path) -> None:
        """Third-party copy; the verdict is the last line of the body."""
        source, destination = self.headers.get("Source"), self.headers.get("Destination")
        if not (source or destination):
            raise Refused(400, "neither Source nor Destination")
        if not source:
            target.stat()
        self.send_response(202)
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Content-Type", "text/perf-marker-stream")
        self.end_headers()
        try:
            moved = self._pull(source, target) if source else self._push(target, destination or "")
            verdict = "success: Created"
        except (OSError, http.client.HTTPException, Refused) as problem:
            moved, verdict = 0, f"failure: {problem}"
        text = f"Perf Marker\n Timestamp: 0\n Stripe Index: 0\n Stripe Bytes Transferred: {moved}\n Total Stripe Count: 1\nEnd\n{verdict}\n"
        data = text.encode()
        self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data))

    def _far(self, url: str, method: str, body: Any = None, size: int | None = None) -> http.client.HTTPResponse:
        """A request to the other end, with the headers that are meant for it."""
        parts = urlsplit(url)
        connection = http.client.HTTPSConnection(parts.hostname or "", parts.port or 443, timeout=30, context=ssl.create_default_context())
        sent = {name[len("TransferHeader") :]: value for name, value in self.headers.items() if name.lower().startswith("transferheader")}
        if size is not None:
            sent["Content-Length"] = str(size)
        connection.request(method, quote(unquote(parts.path)), body=body, headers=sent)
        answer = connection.getresponse()
        if answer.status >= 400:
            raise Refused(answer.status, f"{method} at the other end answered {answer.status}")
        return answer

    def _pull(self, source: str, target: Path) -> int:
        answer = self._far(source, "GET")
        return _write(target, iter(lambda: answer.read(CHUNK), b""))

    def _push(self, target: Path, destination: str) -> int:
        size = target.stat().st_size
        with target.open("rb") as handle:
            self._far(destination, "PUT", handle, size).read()
        return size

    def _well_known(self) -> None:
        if not WELL_KNOWN_SOURCE.exists():
            raise Refused(404, "no tape interface")
        self._answer(200, WELL_KNOWN_SOURCE.read_bytes(), {"Content-Type": "application/json"})

    def _body(self) -> Any:
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers.get("Content-Length", 0))
        while left:
            data = self.rfile.read(min(left, CHUNK))
            if not data:
                raise OSError("the upload ended early")
            left -= len(data)
            yield data

    def _drain(self) -> None:
        for _part in self._body():
            pass

    def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status not in (204,):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _refuse(self, status: int, words: str) -> None:
        self.close_connection = True  # what is left of the request is not read
        self._answer(status, f"{words}\n".encode(), {"WWW-Authenticate": "Bearer"} if status == 401 else None)

    def end_headers(self) -> None:
        """A client that is not told would send its next request into a connection that is about to end."""
        if self.close_connection:
            self.send_header("Connection", "close")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        print(f"{self.address_string()} {format % args}", flush=True)


def _write(target: Path, parts: Any) -> int:
    """A file under another name first, with its checksum beside it; parents are made."""
    target.parent.mkdir(parents=True, exist_ok=True)
    new = target.with_name(f".{target.name}.{threading.get_ident()}")
    size, adler = 0, 1
    try:
        with new.open("wb") as handle:
            for part in parts:
                handle.write(part)
                size, adler = size + len(part), zlib.adler32(part, adler)
        os.setxattr(new, ADLER, f"{adler:08x}".encode())
        new.rename(target)
    finally:
        new.unlink(missing_ok=True)
    return size


def _checksum(target: Path) -> str:
    try:
        return os.getxattr(target, ADLER).decode()
    except OSError:
        adler = 1
        with target.open("rb") as handle:
            while part := handle.read(CHUNK):
                adler = zlib.adler32(part, adler)
        return f"{adler:08x}"


def _entry(path: str, target: Path) -> str:
    folder = target.is_dir()
    kind = "<d:collection/>" if folder else ""
    size = "" if folder else f"<d:getcontentlength>{target.stat().st_size}</d:getcontentlength>"
    return (
        f"<d:response><d:href>{escape(quote(path + ('/' if folder else '')))}</d:href><d:propstat><d:prop>"
        f"<d:resourcetype>{kind}</d:resourcetype>{size}</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"
    )


def main() -> int:
    try:
        config = load()
    except (ConfigError, OSError, KeyError, ValueError) as problem:
        print(f"storm-webdav stand-in: {problem}", file=sys.stderr)
        return 1
    Door.config, Door.authorizer = config, Authorizer(config)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(config.certificate, config.key)
    plain = ThreadingHTTPServer(("", config.http_port), Health)
    threading.Thread(target=plain.serve_forever, daemon=True).start()
    door = ThreadingHTTPServer(("", config.port), Door)
    door.socket = context.wrap_socket(door.socket, server_side=True, do_handshake_on_connect=False)
    print(json.dumps({"areas": [area.name for area in config.areas], "issuers": sorted(config.issuers)}), flush=True)
    door.serve_forever()
    return 0


class Health(BaseHTTPRequestHandler):
    """The port without encryption."""

    def do_GET(self) -> None:
        well = self.path == HEALTH
        body = b'{"status":"UP"}' if well else b"{}"
        self.send_response(200 if well else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


if __name__ == "__main__":
    sys.exit(main())
