# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""INDIGO IAM over SCIM: lists of users and groups, complete or refused.

IAM caps a page at 100 without saying so, has no filter, and keeps no order between pages, so a list that changes while it is read can
repeat or lose entries (indigo-iam/iam, api/scim/controller). A list is therefore believed only when it holds as many different ids as it
says there are.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError, HttpClient, Tls, read_json
from ansible_collections.escape.datalake.plugins.plugin_utils.services.issuer import IssuerClient

SERVICE = "IAM"
PAGE = 100
READERS = 4
ATTEMPTS = 2
SCOPE = "scim:read"


class Incomplete(Exception):
    """A list that is not what it says it is."""


class IamClient:
    """Reads one IAM. url: its issuer, exactly as in tokens. Either client_id and secret, or a token, or a file that holds one."""

    def __init__(
        self,
        url: str,
        *,
        client_id: str = "",
        secret: str = "",
        token: str | None = None,
        token_file: str | None = None,
        tls: Tls | None = None,
        timeout: float = 60.0,
        page: int = PAGE,
    ) -> None:
        self.url, self._token, self._token_file, self._page = url, token, token_file, page
        self._new_issuer: Callable[[], IssuerClient] = lambda: IssuerClient(SERVICE, url, client_id, secret, tls=tls, timeout=timeout)
        self.http = HttpClient(SERVICE, url, tls=tls, timeout=timeout, read_only=True)
        self._issuers = [self._new_issuer()]

    @property
    def traffic(self) -> dict[str, int]:
        """Requests sent, those for tokens included; none of them writes."""
        counts = [self.http.traffic, *(each.http.traffic for each in self._issuers)]
        return {what: sum(count[what] for count in counts) for what in ("requests", "writes")}

    def users(self) -> list[dict[str, Any]]:
        """All users; raises ApiError when they cannot be read completely."""
        return self._all("Users")

    def groups(self) -> list[dict[str, Any]]:
        """All groups; raises ApiError when they cannot be read completely."""
        return self._all("Groups")

    def _all(self, kind: str) -> list[dict[str, Any]]:
        """Several pages at a time first; what does not add up is read once more, page by page."""
        reasons = []
        for workers in (READERS, 1)[:ATTEMPTS]:
            try:
                return self._read(kind, workers)
            except Incomplete as problem:
                reasons.append(str(problem))
        words = f"the list is not complete and is not used ({'; then '.join(reasons)}); run again when nobody changes it"
        raise ApiError(SERVICE, "GET", f"{self.http.base}scim/{kind}", None, words)

    def _read(self, kind: str, workers: int) -> list[dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        total, first = self._one_page(kind, 1)
        _collect(found, first)
        if workers == 1:
            start = 1 + len(first)
            while first and start <= total:
                again, more = self._one_page(kind, start)
                if again != total or not more:
                    raise Incomplete(f"{again} are announced from {start} on with {len(more)} on the page, {total} were before")
                _collect(found, more)
                start += len(more)
        elif first:
            with ThreadPoolExecutor(max_workers=workers) as pool:
                for again, more in pool.map(lambda start: self._one_page(kind, start), range(1 + len(first), total + 1, len(first))):
                    if again != total:
                        raise Incomplete(f"{again} are announced, {total} were before")
                    _collect(found, more)
        if len(found) != total:
            raise Incomplete(f"{total} are announced, {len(found)} came")
        return list(found.values())

    def _one_page(self, kind: str, start: int) -> tuple[int, list[dict[str, Any]]]:
        """How many there are in all, and those of one page."""
        params = {"startIndex": start, "count": self._page}
        bearer = self._bearer()
        try:
            answer = self.http.request("GET", f"scim/{kind}", params=params, headers=bearer)
        except ApiError as problem:
            if problem.status != 401 or self._token:
                raise self._explained(problem) from problem
            self._issuers.append(self._new_issuer())  # the token may have ended while a long list was read
            bearer = self._bearer()
            try:
                answer = self.http.request("GET", f"scim/{kind}", params=params, headers=bearer)
            except ApiError as again:
                raise self._explained(again) from again
        kind_of = answer.headers.get("Content-Type", "")
        if "json" not in kind_of:
            words = f"the answer is {kind_of or 'of no kind'} and not SCIM: is the address the issuer, or is there a log-in page before it?"
            raise ApiError(SERVICE, "GET", answer.url, answer.status_code, words)
        try:
            body = read_json(answer.content)
        except ValueError:
            raise Incomplete(f"the page from {start} on is not JSON") from None
        total = body.get("totalResults") if isinstance(body, dict) else None
        if not isinstance(total, int) or isinstance(total, bool) or total < 0:
            raise Incomplete(f"the page from {start} on does not say how many there are")
        resources = body.get("Resources", [] if total == 0 else None)
        if not isinstance(resources, list) or not all(isinstance(each, dict) and each.get("id") for each in resources):
            raise Incomplete(f"the page from {start} on holds entries without id, or none")
        if body.get("startIndex", start) != start:
            raise Incomplete(f"asked for the page from {start} on, got the one from {body['startIndex']} on")
        return total, resources

    def _bearer(self) -> dict[str, str]:
        token = self._token or (self._read_token_file() if self._token_file else self._fetched())
        return {"Authorization": f"Bearer {token}"}

    def _fetched(self) -> str:
        try:
            return self._issuers[-1].token([SCOPE])
        except ApiError as problem:
            if "scope" not in problem.words:
                raise
            words = f"{problem.words}; an administrator of the IAM has to add {SCOPE} to the client, which self-registration leaves out"
            raise ApiError(SERVICE, "log-in", self.url, problem.status, words) from problem

    def _read_token_file(self) -> str:
        try:
            return Path(self._token_file or "").expanduser().read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as problem:
            raise ApiError(SERVICE, "log-in", self.url, None, f"the token file cannot be read: {problem}") from problem

    @staticmethod
    def _explained(problem: ApiError) -> ApiError:
        if problem.status not in (401, 403):
            return problem
        words = f"{problem.words}; the token needs scope {SCOPE}, which an administrator of the IAM gives to a client"
        return ApiError(problem.service, "GET", "scim", problem.status, words)


def _collect(found: dict[str, dict[str, Any]], more: list[dict[str, Any]]) -> None:
    for each in more:
        if str(each["id"]) in found:
            raise Incomplete(f"{each['id']} came twice")
        found[str(each["id"])] = each
