"""Who asks the frontend: bearer tokens of trusted issuers, or name and password. Roles must be claimed to count, as in dCache."""

from __future__ import annotations

import hmac
import json
import time
from dataclasses import dataclass
from typing import Any

import requests
from flask import Request
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from .config import Issuer, Rest

ANY_AUDIENCE = "https://wlcg.cern.ch/jwt/v1/any"
ROLES = ("admin", "qos-user", "qos-group")


@dataclass(frozen=True)
class User:
    """roles: those that were claimed and may be."""

    name: str
    groups: tuple[str, ...] = ()
    roles: frozenset[str] = frozenset()

    @property
    def admin(self) -> bool:
        return "admin" in self.roles


class Refused(Exception):
    """Credentials that are not taken."""


class Logins:
    """Checks the credentials of requests."""

    def __init__(self, config: Rest) -> None:
        self._config = config
        self._keys: dict[str, KeySet] = {}

    def user(self, request: Request) -> User | None:
        """None for an anonymous request. Raises Refused."""
        authorization = request.headers.get("Authorization", "")
        claimed = {each.strip() for each in request.headers.get("Roles", "").split(",") if each.strip()}
        if authorization.startswith("Bearer "):
            return self._by_token(authorization.removeprefix("Bearer ").strip(), claimed)
        if request.authorization and request.authorization.type == "basic":
            name, _sign, role = (request.authorization.username or "").partition("#")
            return self._by_password(name, request.authorization.password or "", claimed | ({role} if role else set()))
        return None

    def _by_password(self, name: str, password: str, claimed: set[str]) -> User:
        found = self._config.users.get(name)
        if found is None or not hmac.compare_digest(str(found["password"]), password):
            raise Refused("Bad user name or password")
        return User(name, (), frozenset(claimed & set(found.get("roles", []))))

    def _by_token(self, token: str, claimed: set[str]) -> User:
        claims = self._claims(token)
        now = time.time()
        if claims.get("exp", 0) < now:
            raise Refused("token has expired")
        if claims.get("nbf", 0) > now:
            raise Refused("token is not yet valid")
        audience = claims.get("aud", [])
        audiences = [audience] if isinstance(audience, str) else audience
        if audiences and not set(audiences) & {ANY_AUDIENCE, *self._config.audiences}:
            raise Refused(f"intended for {', '.join(audiences)}")
        groups = tuple(claims.get("wlcg.groups", []))
        allowed = {"admin"} if set(groups) & set(self._config.admin_groups) else set()
        allowed |= {"qos-user", "qos-group"} if set(groups) & set(self._config.qos_groups) else set()
        # QoS roles come with the log-in (multimap roles:), admin only when it is asserted.
        return User(str(claims.get("sub", "")), groups, frozenset((claimed & allowed) | (allowed - {"admin"})))

    def _claims(self, token: str) -> dict[str, Any]:
        for issuer in self._config.issuers:
            try:
                claims: dict[str, Any] = jwt.decode(token, self._key_set(issuer), algorithms=["RS256", "ES256"]).claims
            except (JoseError, ValueError):
                continue
            if claims.get("iss") == issuer.url:
                return claims
        raise Refused("no trusted issuer signed this token")

    def _key_set(self, issuer: Issuer) -> KeySet:
        if issuer.url not in self._keys:
            if issuer.keys:
                data = json.loads(issuer.keys.read_text())
            else:
                verify = issuer.ca or True
                place = issuer.url.rstrip("/") + "/.well-known/openid-configuration"
                data = requests.get(requests.get(place, verify=verify, timeout=10).json()["jwks_uri"], verify=verify, timeout=10).json()
            self._keys[issuer.url] = KeySet.import_key_set(data)
        return self._keys[issuer.url]
