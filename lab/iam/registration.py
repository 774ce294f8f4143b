# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dynamic client registration (RFC 7591 and 7592) as INDIGO IAM does it: restricted scopes are dropped without a word."""

from __future__ import annotations

import secrets
import time
import uuid
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, jsonify, request

from . import profile
from .config import GRANTS, Client, Secret, fingerprint
from .oauth import PUBLIC_SCOPES
from .service import OAuthError, Service

PATH = "/iam/api/client-registration"
SHORT_GRANT = {name: short for short, name in GRANTS.items()}
SELF_SERVICE_GRANTS = {"authorization_code", "client_credentials", "device_code", "refresh_token"}
FOREVER = 100 * 365 * 86400.0  # seconds


def add_endpoints(pages: Blueprint, service: Service) -> None:
    """Registration without a log-in; reading, changing and removing with the registration access token."""

    def registered(identifier: str) -> Client:
        scheme, _blank, token = request.headers.get("Authorization", "").partition(" ")
        held = service.grants.get("registration", token) if scheme.lower() == "bearer" else None
        client = service.people.client(identifier)
        if not held or held["client"] != identifier or client is None:
            raise OAuthError("invalid_token", "Invalid registration access token", 401)
        return client

    @pages.post(PATH)
    def register() -> tuple[Response, int]:
        asked = _asked()
        secret = None if asked.get("token_endpoint_auth_method") == "none" else secrets.token_urlsafe(48)
        client = _client(asked, str(uuid.uuid4()), Secret(sha256=fingerprint(secret)) if secret else None)
        service.people.put_client(client)
        token = service.grants.new("registration", FOREVER, client=client.id)
        answer = {**_shape(client), "client_id_issued_at": int(time.time())}
        answer |= {"registration_access_token": token, "registration_client_uri": _uri(client)}
        if secret:
            answer |= {"client_secret": secret, "client_secret_expires_at": 0}
        return jsonify(answer), 201

    @pages.get(f"{PATH}/<identifier>")
    def show(identifier: str) -> Response:
        client = registered(identifier)
        return jsonify({**_shape(client), "registration_client_uri": _uri(client)})

    @pages.put(f"{PATH}/<identifier>")
    def change(identifier: str) -> Response:
        before = registered(identifier)
        client = replace(_client(_asked(), identifier, before.secret), secret=before.secret)
        service.people.put_client(client)
        return jsonify({**_shape(client), "registration_client_uri": _uri(client)})

    @pages.delete(f"{PATH}/<identifier>")
    def remove(identifier: str) -> tuple[str, int]:
        service.people.remove_client(registered(identifier))
        service.grants.drop("registration", request.headers["Authorization"].partition(" ")[2])
        return "", 204

    def _uri(client: Client) -> str:
        return f"{service.issuer.base}{PATH.lstrip('/')}/{client.id}"


def _asked() -> dict[str, Any]:
    asked = request.get_json(silent=True)
    if not isinstance(asked, dict) or not asked.get("client_name"):
        raise OAuthError("invalid_client_metadata", "expected a JSON object with client_name")
    return asked


def _client(asked: dict[str, Any], identifier: str, secret: Secret | None) -> Client:
    names = asked.get("grant_types", ["authorization_code"])
    grants = [SHORT_GRANT.get(name, "") for name in names]
    if not set(grants) <= SELF_SERVICE_GRANTS:
        allowed = sorted(GRANTS[short] for short in SELF_SERVICE_GRANTS)
        raise OAuthError("invalid_client_metadata", f"grant_types: expected some of {allowed}")
    redirects = asked.get("redirect_uris", [])
    texts = isinstance(redirects, list) and all(isinstance(each, str) for each in redirects)
    if not texts or ("authorization_code" in grants and not redirects):
        raise OAuthError("invalid_redirect_uri", "redirect_uris: expected a list of addresses, not empty with the authorization_code grant")
    scopes = asked.get("scope", " ".join(PUBLIC_SCOPES[:4])).split()
    kept = tuple(scope for scope in scopes if not profile.is_restricted(scope))
    return Client(identifier, str(asked["client_name"]), secret, kept, tuple(grants), tuple(redirects))


def _shape(client: Client) -> dict[str, Any]:
    return {
        "client_id": client.id,
        "client_name": client.name,
        "grant_types": [GRANTS[short] for short in client.grants],
        "redirect_uris": list(client.redirect_uris),
        "scope": " ".join(client.scopes),
        "token_endpoint_auth_method": "client_secret_basic" if client.secret else "none",
    }
