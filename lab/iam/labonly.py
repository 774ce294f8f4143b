# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What no real issuer has: tokens with any claims for probing a storage, and key rotation on demand."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from . import profile
from .config import Client
from .service import OAuthError, Service

MINT_KEYS = {"sub", "scope", "groups", "audience", "lifetime", "claims", "key"}


def add_endpoints(pages: Blueprint, service: Service) -> None:
    """``lab/mint`` for clients with the scope lab:mint, ``lab/rotate-keys`` for those with lab:admin."""

    def client_with(scope: str) -> Client:
        client = service.calling_client(request, confidential=True)
        if scope not in client.scopes:
            raise OAuthError("unauthorized_client", f"Client {client.id} lacks {scope}", 403)
        return client

    @pages.post("/lab/mint")
    def mint() -> Response:
        client = client_with("lab:mint")
        asked: Any = request.get_json(silent=True)
        problem = _problem(asked)
        if problem:
            raise OAuthError("invalid_request", problem)
        scopes = str(asked.get("scope", "openid")).split()
        lifetime = asked.get("lifetime", service.issuer.lifetime)
        claims = profile.access_claims(
            issuer=service.issuer.url,
            subject=asked.get("sub", client.id),
            client=client.id,
            scopes=scopes,
            audience=asked.get("audience", profile.ANY_AUDIENCE),
            groups=asked.get("groups"),
            lifetime=lifetime,
            longest=service.issuer.lifetime,
        )
        claims |= asked.get("claims", {})
        kept = {key: value for key, value in claims.items() if value is not None}
        token = service.keys.sign(kept, unpublished=asked.get("key") == "unpublished")
        return jsonify({"access_token": token, "token_type": "Bearer", "expires_in": lifetime, "scope": " ".join(scopes)})

    @pages.post("/lab/rotate-keys")
    def rotate() -> Response:
        client_with("lab:admin")
        return jsonify({"kid": service.keys.rotate()})


def _problem(asked: Any) -> str | None:
    if not isinstance(asked, dict):
        return "expected a JSON object"
    if unknown := set(asked) - MINT_KEYS:
        return f"unknown {sorted(unknown)}, expected some of {sorted(MINT_KEYS)}"
    if not isinstance(asked.get("lifetime", 0), int) or not isinstance(asked.get("claims", {}), dict):
        return "lifetime is a number of seconds from now (below zero: expired), claims an object"
    if asked.get("key", "current") not in ("current", "unpublished"):
        return "key is 'current' or 'unpublished'"
    if not isinstance(asked.get("groups", []), list | None):
        return "groups is a list of names with a leading slash"
    return None
