# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may do what in the stand-in for StoRM WebDAV: tokens, and the votes of flat rules, policies and scopes.

Facts: italiangrid/storm-webdav v1.9.0, authz/pdp/WlcgStructuredPathAuthorizationPdp.java, authz/managers/ConsensusBasedManager.java,
oauth/validator/WlcgProfileValidator.java.
"""

from __future__ import annotations

import base64
import json
import re
import ssl
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from .config import Config, Policy, StorageArea

KEYS_SECONDS = 3600
LEEWAY = 60  # seconds
STORAGE_SCOPE = re.compile(r"^storage\.(read|modify|create|stage):(/.*)$")
READING = frozenset({"GET", "HEAD", "OPTIONS", "PROPFIND"})
WRITING = frozenset({"PUT", "MKCOL", "MOVE", "COPY"})


class BadToken(Exception):
    """A token that is refused with 401."""


@dataclass(frozen=True)
class Request:
    """exists: whether the target is there. pull: a COPY that writes here."""

    method: str
    path: str
    exists: bool
    pull: bool = False


class Authorizer:
    """Checks tokens and counts votes."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._keys: dict[str, tuple[float, KeySet]] = {}

    def claims(self, token: str) -> Mapping[str, Any]:
        """The claims of a token that one of the issuers signed and that is valid now. Raises BadToken."""
        try:
            claimed = json.loads(_decoded(token.split(".")[1]))
            issuer = self._config.issuers[claimed["iss"]]
            claims = jwt.decode(token, self._keys_of(issuer.url), algorithms=["RS256", "ES256"]).claims
        except (JoseError, KeyError, IndexError, ValueError) as problem:
            raise BadToken(str(problem)) from problem
        now = time.time()
        if claims.get("exp", 0) + LEEWAY < now or claims.get("nbf", 0) - LEEWAY > now:
            raise BadToken("not valid now")
        if "wlcg.ver" in claims and claims["wlcg.ver"] != "1.0":
            raise BadToken("unknown profile")
        audiences = claims.get("aud", [])
        named = set([audiences] if isinstance(audiences, str) else audiences)
        if issuer.enforced and named and not named & issuer.audiences:
            raise BadToken("wrong audience")
        return dict(claims)

    def permits(self, request: Request, claims: Mapping[str, Any] | None) -> bool:
        """Whether grants are not fewer than denials; nobody voting is a refusal."""
        found = self._config.area_of(request.path)
        if found is None:
            return False
        area, point = found
        relative = request.path[len(point) :] or "/"
        votes: list[bool | None] = [_flat(area, request, claims)]
        if area.policies:
            votes.append(_by_policy(self._config.policies, area, relative, request, claims))
        if area.scopes and claims is not None:
            votes.append(_by_scope(area, relative, request, claims))
        grants, denials = votes.count(True), votes.count(False)
        return bool(grants or denials) and grants >= denials

    def _keys_of(self, issuer: str) -> KeySet:
        read, keys = self._keys.get(issuer, (0.0, None))
        if keys is None or read + KEYS_SECONDS < time.time():
            discovery = _fetched(issuer.rstrip("/") + "/.well-known/openid-configuration")
            keys = KeySet.import_key_set(_fetched(discovery["jwks_uri"]))
            self._keys[issuer] = (time.time(), keys)
        return keys


def _fetched(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10, context=ssl.create_default_context()) as answer:
        return json.load(answer)


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _flat(area: StorageArea, request: Request, claims: Mapping[str, Any] | None) -> bool:
    member = claims is not None and claims["iss"] in area.organisations
    may_read = (member and area.flat_read) or area.anonymous_read
    if request.method in READING or (request.method == "COPY" and not request.pull):
        return may_read
    return may_read and member and area.flat_write


def _by_policy(
    policies: tuple[Policy, ...], area: StorageArea, relative: str, request: Request, claims: Mapping[str, Any] | None
) -> bool | None:
    """The first policy that applies decides; None when none does."""
    for policy in policies:
        about = policy.area == area.name and (not policy.paths or any(_ant(pattern, relative) for pattern in policy.paths))
        if about and _acts(policy, request) and any(_is(kind, params, claims) for kind, params in policy.principals):
            return policy.permit
    return None


def _acts(policy: Policy, request: Request) -> bool:
    method = request.method
    return (
        "all" in policy.actions
        or ("read" in policy.actions and method in READING)
        or ("list" in policy.actions and method == "PROPFIND")
        or ("write" in policy.actions and method in WRITING)
        or ("delete" in policy.actions and method == "DELETE")
    )


def _is(kind: str, params: Mapping[str, str], claims: Mapping[str, Any] | None) -> bool:
    if kind == "anyone":
        return True
    if claims is None:
        return kind == "anonymous"
    groups: list[str] = next((claims[name] for name in ("groups", "wlcg.groups", "entitlements") if claims.get(name)), [])
    same = claims["iss"] == params.get("iss")
    answers: dict[str, bool] = {
        "any-authenticated-user": True,
        "jwt-issuer": same,
        "jwt-group": same and params.get("group") in groups,
        "jwt-scope": same and params.get("scope") in str(claims.get("scope", "")).split(),
        "jwt-subject": same and params.get("sub") == claims.get("sub"),
        "jwt-client": same and params.get("id") == claims.get("client_id"),
    }
    return answers.get(kind, False)


def _by_scope(area: StorageArea, relative: str, request: Request, claims: Mapping[str, Any]) -> bool | None:
    """A token without storage scopes lets others decide."""
    if claims["iss"] not in area.organisations:
        return False
    scopes = [found.groups() for found in map(STORAGE_SCOPE.match, str(claims.get("scope", "")).split()) if found]
    if not scopes:
        return None
    scopes += [("create", path) for action, path in scopes if action == "modify"]
    wanted = _scopes_for(request)
    return any(action in wanted and _covers(path, relative, request.method) for action, path in scopes)


def _scopes_for(request: Request) -> frozenset[str]:
    method = request.method
    if method in ("HEAD", "OPTIONS"):
        return frozenset({"read", "modify", "create", "stage"})
    if method in ("GET", "PROPFIND") or (method == "COPY" and not request.pull):
        return frozenset({"read", "stage"})
    if method in ("PUT", "MKCOL", "COPY"):
        return frozenset({"modify"}) if request.exists else frozenset({"modify", "create"})
    return frozenset({"modify"})


def _covers(scope_path: str, path: str, method: str) -> bool:
    """Letter by letter, as the real service; making a parent of the scope's path is allowed."""
    parent = method == "MKCOL" and (scope_path + "/").startswith(path.rstrip("/") + "/")
    return parent or path.startswith(scope_path)


def _ant(pattern: str, path: str) -> bool:
    """Ant patterns: ``**`` any number of directories, ``*`` inside one."""
    parts = [".*" if part == "**" else re.escape(part).replace(r"\*", "[^/]*") for part in pattern.split("/")]
    text = "/".join(parts).replace("/.*", "(?:/.*)?")
    return re.fullmatch(text, path) is not None
