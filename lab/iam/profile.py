# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scopes and the claims of the WLCG token profile, version 1.0: rules only, no keys and no network.

Facts: WLCG-AuthZ-WG/common-jwt-profile:profile.md, and the order and completion of groups as INDIGO IAM does it.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from .config import Client, Group, User

ANY_AUDIENCE = "https://wlcg.cern.ch/jwt/v1/any"
GROUP_SCOPE = re.compile(r"^wlcg\.groups(?::((?:/[a-zA-Z0-9][a-zA-Z0-9_.-]*)+))?$")
CAPABILITY = re.compile(r"^(storage\.(?:read|create|modify|stage|poll)):(.*)$")
RESTRICTED = ("scim:", "iam:admin.", "lab:", "storage.")
FOR_PEOPLE_NEVER = ("scim:", "iam:admin.", "lab:")
NOT_BEFORE_OFFSET = 60  # seconds, for clocks that are behind


class ScopeRefused(Exception):
    """A scope that the client may not have."""


def is_restricted(scope: str) -> bool:
    """Whether a client cannot give itself this scope by registering."""
    return scope.startswith(RESTRICTED)


def is_allowed(scope: str, allowed: Collection[str]) -> bool:
    """Whether a requested scope lies in what a client may have.

    Paths are compared as texts, component by component, and never normalised: ``//escape`` is not below ``/escape``.
    """
    if scope in allowed:
        return True
    if GROUP_SCOPE.match(scope):
        return "wlcg.groups" in allowed
    wanted = CAPABILITY.match(scope)
    if not wanted or not wanted[2].startswith("/") or ".." in wanted[2].split("/"):
        return False
    policies = (CAPABILITY.match(each) for each in allowed)
    return any(policy[1] == wanted[1] and _below(wanted[2], policy[2]) for policy in policies if policy)


def _below(path: str, prefix: str) -> bool:
    if prefix == "/":
        return not path.startswith("//")
    return path == prefix or path.startswith(prefix.rstrip("/") + "/")


def granted(requested: str | None, client: Client, user: User | None) -> tuple[str, ...]:
    """The scopes of a new token, in the order asked for; all that the client may have when none is asked for. Raises ScopeRefused."""
    if requested is None or not requested.strip():
        never = FOR_PEOPLE_NEVER if user else ("lab:",)
        return tuple(scope for scope in client.scopes if not scope.startswith(never))
    scopes = tuple(dict.fromkeys(requested.split()))
    for scope in scopes:
        if not is_allowed(scope, client.scopes) or (user and scope.startswith(FOR_PEOPLE_NEVER)):
            raise ScopeRefused(f"Invalid scope; requested:{requested}: client {client.id} may not have {scope}")
    return scopes


def group_claim(scopes: Iterable[str], memberships: Sequence[Group]) -> list[str] | None:
    """The ``wlcg.groups`` claim, None when no scope asks for it.

    Groups asked for by name come where their scope stands; the default groups where plain ``wlcg.groups`` stands, else at the end.
    """
    asked = [match for match in map(GROUP_SCOPE.match, scopes) if match]
    if not asked:
        return None
    held = {"/" + group.name for group in memberships}
    default = sorted("/" + group.name for group in memberships if not group.optional)
    names: list[str] = []
    for match in asked:
        names += default if match[1] is None else [match[1]] if match[1] in held else []
    return list(dict.fromkeys([*names, *default]))


def audience_claim(requested: str | None) -> str | list[str]:
    """The ``aud`` claim: one text, or a list when several are asked for with blanks between."""
    names = (requested or "").split()
    return names if len(names) > 1 else names[0] if names else ANY_AUDIENCE


def access_claims(
    *,
    issuer: str,
    subject: str,
    client: str,
    scopes: Iterable[str],
    audience: Any,
    groups: list[str] | None,
    lifetime: int,
    longest: int,
) -> dict[str, Any]:
    """The claims of an access token.

    lifetime: seconds from now, below zero for a token that expired already. longest: how old such a token was then, seconds.
    """
    now = int(time.time())
    issued = now if lifetime > 0 else now + lifetime - longest
    claims: dict[str, Any] = {
        "wlcg.ver": "1.0",
        "iss": issuer,
        "sub": subject,
        "aud": audience,
        "nbf": issued - NOT_BEFORE_OFFSET,
        "iat": issued,
        "exp": now + lifetime,
        "jti": str(uuid.uuid4()),
        "client_id": client,
        "scope": " ".join(scopes),
    }
    if groups is not None:
        claims["wlcg.groups"] = groups
    return claims
