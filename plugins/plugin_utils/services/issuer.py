# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tokens from an OpenID Connect issuer: discovery, client_credentials, and the claims of what came back. Tokens are never logged."""

from __future__ import annotations

import base64
import binascii
import json
import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from typing import Any
from urllib.parse import quote_plus

from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError, HttpClient, Tls, read_json


class Once:
    """Computes a value once per key, whichever thread asks first; a failure is remembered too."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[Hashable, Future[Any]] = {}

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        with self._lock:
            mine = key not in self._values
            value = self._values.setdefault(key, Future())
        if mine:
            try:
                value.set_result(make())
            except Exception as problem:  # handed to everyone who asks for this key
                value.set_exception(problem)
        return value.result()


def claims(token: str) -> dict[str, Any]:
    """The claims of a JWT, not verified; empty for anything else."""
    parts = token.strip().split(".")
    if len(parts) != 3:
        return {}
    try:
        found = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error):
        return {}
    return found if isinstance(found, dict) else {}


def audiences(found: dict[str, Any]) -> frozenset[str]:
    """The audiences of claims; issuers write several as a list or as one text with blanks."""
    value = found.get("aud", ())
    return frozenset(word for text in ([value] if isinstance(value, str) else value) for word in str(text).split())


class IssuerClient:
    """A client registered at one issuer.

    url: the exact text of the ``iss`` claim. secret: of the client; with client_id, sent as HTTP Basic.
    Each (scope, audience) is asked for once in the client's life.
    """

    def __init__(
        self, name: str, url: str, client_id: str = "", secret: str = "", *, tls: Tls | None = None, timeout: float = 30.0
    ) -> None:
        self.name, self.url = name, url
        self._client_id, self._secret = client_id, secret
        self.http = HttpClient(f"issuer {name}", url, tls=tls, timeout=timeout, retries=1)
        self._once = Once()

    def discover(self) -> dict[str, Any]:
        """The discovery document; raises ApiError when it is another issuer's.

        INDIGO IAM shows a trailing slash here whatever it writes into tokens, so a difference of one slash is settled by token().
        """
        document: dict[str, Any] = self._once.get("discovery", self._read_discovery)
        return document

    def token(self, scopes: Sequence[str], audience: str = "") -> str:
        """An access token by client_credentials; raises ApiError when the issuer refuses it or gives less than was asked for."""
        key = (tuple(sorted(scopes)), audience)
        token: str = self._once.get(key, lambda: self._fetch(key[0], audience))
        return token

    def mint(self, **wanted: Any) -> str:
        """A token with any claims from the lab's stand-in, which alone has this end point; a real issuer never signs such tokens."""
        token: str = self._once.get(json.dumps(wanted, sort_keys=True), lambda: self._mint(wanted))
        return token

    def _read_discovery(self) -> dict[str, Any]:
        url = self.url.rstrip("/") + "/.well-known/openid-configuration"
        if not url.startswith("https://"):
            raise ApiError(
                self.http.service, "GET", url, None, "an issuer is asked over https only, because its answer decides which keys are trusted"
            )
        document = self._json("GET", url, self.http.request("GET", url))
        told = str(document.get("issuer", ""))
        if told.rstrip("/") != self.url.rstrip("/"):
            raise ApiError(
                self.http.service,
                "GET",
                url,
                200,
                f"the document is of issuer {told!r}, the description says {self.url!r}: correct the description",
            )
        if not str(document.get("token_endpoint", "")).startswith("https://"):
            raise ApiError(self.http.service, "GET", url, 200, "the document names no token_endpoint over https")
        return document

    def _fetch(self, scopes: tuple[str, ...], audience: str) -> str:
        endpoint = self.discover()["token_endpoint"]
        form = {"grant_type": "client_credentials", "scope": " ".join(scopes)}
        if audience:
            form["audience"] = audience
        # RFC 6749 section 2.3.1: both parts are form-encoded before Basic joins them.
        basic = (quote_plus(self._client_id), quote_plus(self._secret))
        answer = self._json("POST", endpoint, self.http.request("POST", endpoint, data=form, auth=basic, write=False))
        token = str(answer.get("access_token", ""))
        found = claims(token)
        if not found:
            raise ApiError(
                self.http.service,
                "POST",
                endpoint,
                200,
                "the access token is not a JWT, storages cannot verify it: choose the WLCG profile for the client",
            )
        self._verify(endpoint, scopes, audience, str(answer.get("scope", found.get("scope", ""))), found)
        return token

    def _verify(self, endpoint: str, scopes: tuple[str, ...], audience: str, granted: str, found: dict[str, Any]) -> None:
        def wrong(words: str) -> ApiError:
            return ApiError(self.http.service, "POST", endpoint, 200, words)

        if found.get("iss") != self.url:
            slash = " (they differ by the trailing slash)" if str(found.get("iss")).rstrip("/") == self.url.rstrip("/") else ""
            told = f"tokens say iss {found.get('iss')!r}, the description {self.url!r}{slash}"
            raise wrong(f"{told}: storages compare the text, write it as tokens do")
        missing = sorted(set(scopes) - set(granted.split()))
        if missing:
            raise wrong(f"the issuer left out {' '.join(missing)}: its administrator must allow these scopes for this client")
        if not set(audience.split()) <= audiences(found):
            raise wrong(
                f"asked for audience {audience!r}, the token has {sorted(audiences(found))}: the issuer ignores the audience parameter"
            )

    def _mint(self, wanted: dict[str, Any]) -> str:
        endpoint = self.url.rstrip("/") + "/lab/mint"
        basic = (quote_plus(self._client_id), quote_plus(self._secret))
        answer = self._json("POST", endpoint, self.http.request("POST", endpoint, json=wanted, auth=basic, write=False))
        return str(answer["access_token"])

    def _json(self, method: str, url: str, answer: Any) -> dict[str, Any]:
        try:
            found = read_json(answer.content)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            # The body is not shown: it may hold a token.
            raise ApiError(
                self.http.service,
                method,
                url,
                answer.status_code,
                "the answer is not a JSON object: is this address the issuer, or a log-in page before it?",
            )
        return found
