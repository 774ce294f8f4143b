# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One keep-alive HTTP client for every service of the lake: counts, retries what is safe, refuses writes when told to."""

from __future__ import annotations

import json as json_format
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from ansible_collections.escape.datalake.plugins.plugin_utils.services.trust import system_authorities

try:
    import requests
    from requests.adapters import HTTPAdapter
except ImportError as missing:  # reported by the first client that is made
    REQUESTS_MISSING: ImportError | None = missing
else:
    REQUESTS_MISSING = None
    # What another attempt does not mend: an address that is none.
    NEVER_BETTER = (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema)

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PROPFIND"})
RETRY_STATUS = frozenset({429, 502, 503, 504})
POOL_SIZE = 16
# Half of a character above U+FFFF, which no file and no other service could be told; JSON can hold it.
SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class ApiError(Exception):
    """A call that did not succeed.

    status: HTTP status, None when no answer came. error_class: the server's own name of the error, when it gives one.
    """

    def __init__(self, service: str, method: str, url: str, status: int | None, words: str, error_class: str | None = None) -> None:
        self.service, self.method, self.url, self.status, self.words, self.error_class = service, method, url, status, words, error_class
        answer = f"HTTP {status}" if status is not None else "no answer" if method.isupper() else ""
        told = [service, f"{method} {url}", f"{answer} ({error_class})" if error_class else answer, words]
        super().__init__(": ".join(filter(None, told)))


class WriteRefused(Exception):
    """A write was asked of a read-only client: a defect of the caller, never of the server."""


def is_lost_connection(problem: ApiError) -> bool:
    """Whether a call failed because its connection broke, in contrast to a time-out, a refusal or a TLS problem."""
    cause = problem.__cause__
    broken = isinstance(cause, requests.exceptions.ConnectionError | requests.exceptions.ChunkedEncodingError)
    return broken and not isinstance(cause, requests.exceptions.Timeout | requests.exceptions.SSLError)


def _reason(problem: Exception) -> str:
    """Why there was no answer, without the names of the libraries' objects."""
    inner = getattr(problem.args[0], "reason", None) if problem.args else None
    return re.sub(r"^(<[^>]*>|\w+\([^)]*\)): ", "", str(inner or problem)) or type(problem).__name__


def read_json(raw: bytes) -> Any:
    """What a document says, its halves of characters replaced by question marks; raises ValueError where it is not JSON."""
    try:
        found = json_format.loads(raw)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if SURROGATE.search(raw):
        found = json_format.loads(json_format.dumps(found, ensure_ascii=False).encode(errors="replace"))
    return found


@dataclass(frozen=True)
class Tls:
    """ca: file or directory of trusted authorities, None for the system's; certificate, key: PEM files of a client certificate."""

    ca: str | None = None
    certificate: str | None = None
    key: str | None = None


class HttpClient:
    """A client of one service.

    service: the name used in messages. base: its URL. timeout: seconds for connecting and for each read.
    read_only: writing methods raise WriteRefused (check mode). retries: repeats of safe calls after no answer, or one that passes().
    """

    def __init__(
        self, service: str, base: str, *, tls: Tls | None = None, timeout: float = 30.0, read_only: bool = False, retries: int = 3
    ) -> None:
        if REQUESTS_MISSING:
            words = "the Python library requests is missing on the controller: install it with pip"
            raise ApiError(service, "import", base, None, words) from REQUESTS_MISSING
        self.service, self.base, self.timeout, self.read_only, self.retries = service, base.rstrip("/") + "/", timeout, read_only, retries
        self.headers: dict[str, str] = {}
        self._count = {"requests": 0, "writes": 0}
        self._lock = threading.Lock()
        self._session = requests.Session()
        # Certificates and proxies named by the environment of whoever runs Ansible must not decide which servers are trusted.
        self._session.trust_env = False
        tls = tls or Tls()
        self._session.verify = tls.ca or system_authorities()
        if tls.certificate:
            self._session.cert = (tls.certificate, tls.key or tls.certificate)
        adapter = HTTPAdapter(pool_connections=POOL_SIZE, pool_maxsize=POOL_SIZE)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    @property
    def traffic(self) -> dict[str, int]:
        """Requests and writes sent so far (log-ins are requests, not writes)."""
        return dict(self._count)

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        data: bytes | Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        write: bool | None = None,
        accept: frozenset[int] | set[int] = frozenset(),
        timeout: float | None = None,
        stream: bool = False,
    ) -> requests.Response:
        """Sends one call and returns the answer; raises ApiError for a status of 400 and above that is not in accept.

        write: overrides what the method says about changing the server (a log-in by POST is no write, CRIC changes state by GET).
        timeout: seconds, in place of the client's. stream: the caller reads and closes the answer.
        """
        writes = method not in SAFE_METHODS if write is None else write
        if writes and self.read_only:
            raise WriteRefused(f"{self.service}: {method} {path} in check mode")
        try:
            url = path if "://" in path else urljoin(self.base, path.lstrip("/"))
        except ValueError as problem:
            raise ApiError(self.service, method, self.base, None, f"check the address: {problem}") from problem
        attempts = 1 if writes else 1 + self.retries
        for attempt in range(attempts):
            last = attempt == attempts - 1
            with self._lock:
                self._count["requests"] += 1
                self._count["writes"] += int(writes)
            try:
                answer = self._session.request(
                    method,
                    url,
                    json=json,
                    data=data,
                    params=params,
                    headers={**self.headers, **(headers or {})},
                    auth=auth,
                    timeout=timeout or self.timeout,
                    stream=stream,
                    allow_redirects=False,
                )
            except requests.exceptions.SSLError as problem:
                raise ApiError(
                    self.service, method, url, None, f"TLS failed, check the certificate and the CA that is trusted: {problem}"
                ) from problem
            except requests.exceptions.RequestException as problem:
                if last or isinstance(problem, NEVER_BETTER):
                    words = f"{_reason(problem)}; check the address and that the service runs"
                    raise ApiError(self.service, method, url, None, words) from problem
            except UnicodeError:  # whose words would show a part of a password
                words = "a user name, password or token has letters that HTTP does not take in headers"
                raise ApiError(self.service, method, url, None, words) from None
            except OSError as problem:
                words = f"the trusted authorities or the client certificate cannot be read: {problem}"
                raise ApiError(self.service, method, url, None, words) from problem
            else:
                if last or not self.passes(answer):
                    if answer.status_code >= 400 and answer.status_code not in accept:
                        raise self.error(method, answer)
                    return answer
            time.sleep(min(0.2 * 2**attempt, 5.0))
        raise AssertionError("unreachable: the last attempt returns or raises")

    def passes(self, answer: requests.Response) -> bool:
        """Whether an answer tells of a trouble that may be over a moment later."""
        return answer.status_code in RETRY_STATUS

    def error(self, method: str, answer: requests.Response) -> ApiError:
        """The error that an answer means; a service with an error format of its own overrides this."""
        return ApiError(self.service, method, answer.url, answer.status_code, answer.text[:500].strip() or answer.reason)
