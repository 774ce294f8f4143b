# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The OAuth and OpenID Connect end points of one issuer."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, jsonify, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from . import profile
from .config import GRANTS, Client, User
from .service import OAuthError, Service, require_grant

DEVICE_LIFETIME = 600  # seconds
DEVICE_INTERVAL = 5  # seconds
CODE_LIFETIME = 120  # seconds
REFRESH_LIFETIME = 30 * 86400  # seconds
USER_CODE_ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
PUBLIC_SCOPES = ["openid", "profile", "email", "offline_access", "wlcg", "wlcg:1.0", "wlcg.groups"]
CAPABILITY_SCOPES = ["storage.read:/", "storage.create:/", "storage.modify:/", "storage.stage:/"]


def add_endpoints(pages: Blueprint, service: Service) -> None:
    """Discovery, keys, tokens, device and code flow, user information."""
    issuer = service.issuer
    tokens = Tokens(service)

    @pages.get("/.well-known/openid-configuration")
    def discovery() -> Response:
        return jsonify(
            {
                "issuer": issuer.base,  # IAM shows the slash here whatever the iss claim has
                **{f"{name}_endpoint": issuer.base + path for name, path in ENDPOINTS.items()},
                "jwks_uri": issuer.base + "jwk",
                "grant_types_supported": list(GRANTS.values()),
                "response_types_supported": ["code"],
                "code_challenge_methods_supported": ["S256"],
                "scopes_supported": PUBLIC_SCOPES + CAPABILITY_SCOPES,
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
                "claims_supported": ["sub", "iss", "name", "preferred_username", "given_name", "family_name", "email", "wlcg.groups"],
            }
        )

    @pages.get("/jwk")
    def keys() -> Response:
        return jsonify(service.keys.published())

    @pages.get("/health")
    def health() -> Response:
        return jsonify({"status": "UP"})

    @pages.post("/token")
    def token() -> Response:
        answer = jsonify(tokens.grant(service.calling_client(request), request.form))
        answer.headers["Cache-Control"] = "no-store"
        return answer

    @pages.post("/devicecode")
    def device_code() -> Response:
        return jsonify(tokens.start_device_flow(service.calling_client(request), request.form.get("scope"), request.form.get("audience")))

    @pages.route("/device", methods=["GET", "POST"])
    def device() -> tuple[str, int]:
        code = request.values.get("user_code", "").strip().upper()
        if request.method == "GET":
            return render_template("login.html", title="Connect a device", organisation=issuer.organisation, code=code), 200
        user = service.people.user_named(request.form.get("username", ""))
        if not _password_fits(user, request.form.get("password", "")):
            words = "Wrong user name or password."
            return render_template("login.html", title="Connect a device", organisation=issuer.organisation, code=code, problem=words), 401
        pending = service.grants.get("user_code", code)
        if not pending or pending["until"] < time.time():
            words = "No device is waiting with this code."
            return render_template("login.html", title="Connect a device", organisation=issuer.organisation, code=code, problem=words), 400
        service.grants.update("user_code", code, user=user and user.id, denied="deny" in request.form)
        return render_template("done.html", organisation=issuer.organisation, denied="deny" in request.form), 200

    @pages.route("/authorize", methods=["GET", "POST"])
    def authorize() -> tuple[str, int] | AnyResponse:
        client = service.people.client(request.values.get("client_id", ""))
        target = request.values.get("redirect_uri", "")
        if client is None or "authorization_code" not in client.grants or target not in client.redirect_uris:
            raise OAuthError("invalid_request", "Unknown client, or a redirect_uri that is not registered for it")
        state = {"state": request.values["state"]} if "state" in request.values else {}
        if request.values.get("response_type") != "code":
            return redirect(_with_query(target, {"error": "unsupported_response_type", **state}))
        problem = None
        if request.method == "POST":
            user = service.people.user_named(request.form.get("username", ""))
            if _password_fits(user, request.form.get("password", "")):
                return redirect(_with_query(target, {"code": tokens.authorization_code(client, user, request.values), **state}))
            problem = "Wrong user name or password."
        page = render_template("login.html", title="Log in", organisation=issuer.organisation, asking=client.name, problem=problem)
        return page, 401 if problem else 200

    @pages.route("/userinfo", methods=["GET", "POST"])
    def userinfo() -> Response:
        claims = service.bearer_with(request, "openid")
        user = service.people.user(str(claims["sub"]))
        if user is None:
            raise OAuthError("invalid_token", "This token belongs to no person", 401)
        return jsonify({**tokens.person_claims(user, str(claims["scope"]).split()), "sub": user.id})

    @pages.post("/introspect")
    def introspect() -> Response:
        service.calling_client(request, confidential=True)
        claims = service.valid(request.form.get("token", ""))
        if claims is None:
            return jsonify({"active": False})
        user = service.people.user(str(claims["sub"]))
        return jsonify({"active": True, "token_type": "Bearer", **claims, **({"username": user.username} if user else {})})

    @pages.post("/revoke")
    def revoke() -> tuple[str, int]:
        client = service.calling_client(request)
        given = request.form.get("token", "")
        refresh = service.grants.get("refresh", given)
        claims = service.valid(given)
        if refresh and refresh["client"] == client.id:
            service.grants.drop("refresh", given)
        elif claims and claims["client_id"] == client.id:
            service.grants.put("revoked", str(claims["jti"]), float(claims["exp"]) - time.time())
        return "", 200


ENDPOINTS = {
    "authorization": "authorize",
    "token": "token",
    "device_authorization": "devicecode",
    "userinfo": "userinfo",
    "introspection": "introspect",
    "revocation": "revoke",
    "registration": "iam/api/client-registration",
    "scim": "scim",
}


class Tokens:
    """The token end point's grants."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def grant(self, client: Client, form: Any) -> dict[str, Any]:
        """The answer to a token request. Raises OAuthError."""
        short = next((short for short, name in GRANTS.items() if name == form.get("grant_type")), None)
        if short is None:
            raise OAuthError("unsupported_grant_type", f"Unsupported grant type: {form.get('grant_type')}")
        require_grant(client, short)
        answer: dict[str, Any] = getattr(self, f"_{short}")(client, form)
        return answer

    def _client_credentials(self, client: Client, form: Any) -> dict[str, Any]:
        if client.secret is None:
            raise OAuthError("unauthorized_client", "A public client has no credentials")
        return self._issue(client, None, form.get("scope"), form.get("audience"), refreshable=False)

    def _password(self, client: Client, form: Any) -> dict[str, Any]:
        user = self.service.people.user_named(form.get("username", ""))
        if not _password_fits(user, form.get("password", "")):
            raise OAuthError("invalid_grant", "Bad credentials")
        return self._issue(client, user, form.get("scope"), form.get("audience"))

    def _refresh_token(self, client: Client, form: Any) -> dict[str, Any]:
        secret = form.get("refresh_token", "")
        facts = self._facts("refresh", secret, client)
        wanted = form.get("scope") or facts["scope"]
        if not set(wanted.split()) <= set(facts["scope"].split()):
            raise OAuthError("invalid_scope", "Up-scoping is not allowed")
        answer = self._issue(client, self._person(facts), wanted, form.get("audience") or facts["audience"], refreshable=False)
        return {**answer, "refresh_token": secret}

    def _device_code(self, client: Client, form: Any) -> dict[str, Any]:
        secret = form.get("device_code", "")
        facts = self.service.grants.get("device", secret)
        if not facts or facts["client"] != client.id:
            raise OAuthError("invalid_grant", "Unknown device code")
        pending = self.service.grants.get("user_code", facts["user_code"])
        now = time.time()
        if not pending or facts["until"] < now:
            raise OAuthError("expired_token", "The device code has expired")
        if pending.get("denied"):
            raise OAuthError("access_denied", "The person refused")
        if "user" not in pending:
            early = now - facts.get("polled", 0) < DEVICE_INTERVAL
            self.service.grants.update("device", secret, polled=now)
            raise OAuthError("slow_down" if early else "authorization_pending", "Authorization pending")
        self.service.grants.drop("device", secret)
        self.service.grants.drop("user_code", facts["user_code"])
        return self._issue(client, self._person(pending), facts["scope"], form.get("audience") or facts["audience"])

    def _authorization_code(self, client: Client, form: Any) -> dict[str, Any]:
        secret = form.get("code", "")
        facts = self._facts("code", secret, client)
        self.service.grants.drop("code", secret)
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
        proven = not facts["challenge"] or hmac.compare_digest(facts["challenge"], challenge)
        if not proven or facts["redirect_uri"] != form.get("redirect_uri"):
            raise OAuthError("invalid_grant", "The code was given for another redirect_uri or code_challenge")
        return self._issue(client, self._person(facts), facts["scope"], form.get("audience") or facts["audience"], nonce=facts["nonce"])

    def _token_exchange(self, client: Client, form: Any) -> dict[str, Any]:
        claims = self.service.valid(form.get("subject_token", ""))
        if claims is None or form.get("subject_token_type") != "urn:ietf:params:oauth:token-type:access_token":
            raise OAuthError("invalid_request", "subject_token must be a valid access token of this issuer and subject_token_type say so")
        user = self.service.people.user(str(claims["sub"]))
        if user is None:
            raise OAuthError("invalid_request", "Only tokens of people are exchanged")
        answer = self._issue(client, user, form.get("scope") or claims["scope"], form.get("audience"))
        return {**answer, "issued_token_type": "urn:ietf:params:oauth:token-type:access_token"}

    def start_device_flow(self, client: Client, scope: str | None, audience: str | None) -> dict[str, Any]:
        """The answer of the device authorization end point (RFC 8628)."""
        require_grant(client, "device_code")
        user_code = "".join(secrets.choice(USER_CODE_ALPHABET) for _position in range(8))
        self._scopes(scope, client, None)
        facts = {"client": client.id, "user_code": user_code, "scope": scope, "audience": audience}
        device_code = self.service.grants.new("device", DEVICE_LIFETIME, **facts)
        self.service.grants.put("user_code", user_code, DEVICE_LIFETIME)
        page = self.service.issuer.base + "device"
        return {
            "device_code": device_code,
            "user_code": user_code,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code={user_code}",
            "expires_in": DEVICE_LIFETIME,
            "interval": DEVICE_INTERVAL,
        }

    def authorization_code(self, client: Client, user: User | None, query: Any) -> str:
        """A code for the redirection of the authorization end point."""
        challenge = query.get("code_challenge")
        if (challenge and query.get("code_challenge_method") != "S256") or (client.secret is None and not challenge):
            raise OAuthError("invalid_request", "code_challenge_method must be S256, and a public client must use it")
        facts = {key: query.get(key) for key in ("redirect_uri", "scope", "audience", "nonce")}
        self._scopes(facts["scope"], client, user)
        return self.service.grants.new("code", CODE_LIFETIME, client=client.id, user=user and user.id, challenge=challenge, **facts)

    def person_claims(self, user: User, scopes: Iterable[str]) -> dict[str, Any]:
        """What is told of a person, by scope."""
        scopes = list(scopes)
        claims: dict[str, Any] = {}
        if "profile" in scopes:
            name = f"{user.given_name} {user.family_name}".strip()
            claims |= {"name": name, "preferred_username": user.username, "given_name": user.given_name, "family_name": user.family_name}
            claims |= {"organisation_name": self.service.issuer.organisation, "groups": sorted(user.groups)}
        if "email" in scopes and user.email:
            claims |= {"email": user.email, "email_verified": True}
        groups = profile.group_claim(scopes, self.service.groups_of(user))
        return claims if groups is None else {**claims, "wlcg.groups": groups}

    def _issue(
        self,
        client: Client,
        user: User | None,
        scope: str | None,
        audience: str | None,
        *,
        refreshable: bool = True,
        nonce: str | None = None,
    ) -> dict[str, Any]:
        issuer = self.service.issuer
        scopes = self._scopes(scope, client, user)
        claims = profile.access_claims(
            issuer=issuer.url,
            subject=user.id if user else client.id,
            client=client.id,
            scopes=scopes,
            audience=profile.audience_claim(audience),
            groups=profile.group_claim(scopes, self.service.groups_of(user)) if user else None,
            lifetime=issuer.lifetime,
            longest=issuer.lifetime,
        )
        answer = {
            "access_token": self.service.keys.sign(claims),
            "token_type": "Bearer",
            "expires_in": issuer.lifetime,
            "scope": " ".join(scopes),
        }
        if user and "openid" in scopes:
            identity = {key: claims[key] for key in ("iss", "sub", "iat", "exp")}
            identity |= {"aud": client.id, **({"nonce": nonce} if nonce else {}), **self.person_claims(user, scopes)}
            answer["id_token"] = self.service.keys.sign(identity)
        if user and refreshable and "offline_access" in scopes and "refresh_token" in client.grants:
            facts = {"client": client.id, "user": user.id, "scope": " ".join(scopes), "audience": audience}
            answer["refresh_token"] = self.service.grants.new("refresh", REFRESH_LIFETIME, **facts)
        return answer

    def _facts(self, kind: str, secret: str, client: Client) -> dict[str, Any]:
        facts = self.service.grants.get(kind, secret)
        if not facts or facts["client"] != client.id or facts["until"] < time.time():
            raise OAuthError("invalid_grant", f"Invalid {kind} token or code")
        return facts

    def _person(self, facts: dict[str, Any]) -> User:
        user = self.service.people.user(str(facts["user"]))
        if user is None or not user.active:
            raise OAuthError("invalid_grant", "The person is no longer active")
        return user

    @staticmethod
    def _scopes(scope: str | None, client: Client, user: User | None) -> tuple[str, ...]:
        try:
            return profile.granted(scope, client, user)
        except profile.ScopeRefused as problem:
            raise OAuthError("invalid_scope", str(problem)) from problem


def _password_fits(user: User | None, password: str) -> bool:
    return user is not None and user.active and user.password is not None and user.password.matches(password)


def _with_query(target: str, query: dict[str, str]) -> str:
    return f"{target}{'&' if '?' in target else '?'}{urlencode(query)}"
