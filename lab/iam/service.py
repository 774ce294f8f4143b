# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all end points of one issuer share: its people, keys and grants in progress, and who is calling."""

from __future__ import annotations

import base64
import binascii
import secrets
import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

from flask import Request
from joserfc.errors import JoseError

from ..shared.jsonfile import JsonFile
from .config import GRANTS, Client, Group, Issuer, User, fingerprint
from .directory import Directory
from .keys import KeyRing


class OAuthError(Exception):
    """An answer of RFC 6749, section 5.2."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error, self.description, self.status = error, description, status


class Grants:
    """Codes, refresh tokens and revoked access tokens, kept on disk by the fingerprint of the secret they answer to."""

    def __init__(self, path: Path) -> None:
        self._file = JsonFile(path, {})

    def new(self, kind: str, lifetime: float, **facts: Any) -> str:
        """Makes a secret that stands for the facts for some seconds."""
        secret = secrets.token_urlsafe(32)
        self.put(kind, secret, lifetime, **facts)
        return secret

    def put(self, kind: str, secret: str, lifetime: float, **facts: Any) -> None:
        now = time.time()
        with self._file.change() as data:
            for held in data.values():
                for key in [key for key, entry in held.items() if entry["until"] < now - 3600]:
                    del held[key]
            data.setdefault(kind, {})[fingerprint(secret)] = {**facts, "until": now + lifetime}

    def get(self, kind: str, secret: str) -> dict[str, Any] | None:
        """The facts behind a secret, None when there are none; those past their ``until`` are still given for an hour."""
        entry: dict[str, Any] | None = self._file.read().get(kind, {}).get(fingerprint(secret))
        return entry

    def update(self, kind: str, secret: str, **facts: Any) -> None:
        with self._file.change() as data:
            data[kind][fingerprint(secret)].update(facts)

    def drop(self, kind: str, secret: str) -> None:
        with self._file.change() as data:
            data.get(kind, {}).pop(fingerprint(secret), None)


class Service:
    """One issuer at work."""

    def __init__(self, issuer: Issuer, data: Path) -> None:
        self.issuer = issuer
        self.people = Directory(data / "directory.json", issuer)
        self.keys = KeyRing(data / "keys.json", issuer.key_overlap)
        self.grants = Grants(data / "grants.json")

    def groups_of(self, user: User) -> list[Group]:
        return [group for name in user.groups if (group := self.people.group_named(name))]

    def calling_client(self, request: Request, *, confidential: bool = False) -> Client:
        """The client that authenticated itself by Basic or in the form; a public client only names itself. Raises OAuthError."""
        identifier, secret = _credentials(request)
        client = self.people.client(identifier) if identifier else None
        known = client is not None and (client.secret.matches(secret or "") if client.secret else secret is None and not confidential)
        if client is None or not known:
            raise OAuthError("invalid_client", "Bad client credentials", 401)
        return client

    def bearer(self, request: Request) -> dict[str, Any]:
        """The claims of the valid access token that the request carries. Raises OAuthError."""
        scheme, _blank, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise OAuthError("unauthorized", "Full authentication is required to access this resource", 401)
        claims = self.valid(token.strip())
        if claims is None:
            raise OAuthError("invalid_token", "Invalid access token", 401)
        return claims

    def bearer_with(self, request: Request, scope: str) -> dict[str, Any]:
        """The same, and the token has the scope."""
        claims = self.bearer(request)
        if scope not in str(claims.get("scope", "")).split():
            raise OAuthError("insufficient_scope", f"Insufficient scope for this resource: {scope} is needed", 403)
        return claims

    def valid(self, token: str) -> dict[str, Any] | None:
        """The claims of an access token that is ours, not expired and not revoked."""
        try:
            claims = self.keys.verify(token)
        except (JoseError, ValueError):
            return None
        # An identity token has no jti.
        ours = claims.get("iss") == self.issuer.url and float(claims.get("exp", 0)) > time.time() and "jti" in claims
        return claims if ours and not self.grants.get("revoked", str(claims["jti"])) else None


def require_grant(client: Client, grant: str) -> None:
    """Raises OAuthError when the client may not use this grant (its short name)."""
    if grant not in client.grants:
        raise OAuthError("unauthorized_client", f"Client {client.id} may not use the grant {GRANTS[grant]}")


def _credentials(request: Request) -> tuple[str | None, str | None]:
    scheme, _blank, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return request.form.get("client_id"), request.form.get("client_secret")
    try:
        identifier, _colon, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None, None
    return unquote_plus(identifier), unquote_plus(secret)
