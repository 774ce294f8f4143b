"""The token issuer over TLS, spoken to with requests, its signatures checked with joserfc."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
import requests
from ansible_collections.escape.datalake.tests.standins import StandIn
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError
from joserfc.jwk import KeySet

ISSUERS = ["/", "/partner/"]
RUCIO, PROBE, ADMIN = ("rucio", "rucio-lab"), ("probe", "probe-lab"), ("admin", "admin-lab")
PERSON = {"client_id": "rucio-client", "username": "dora", "password": "dora-lab"}
INDIGO_USER = "urn:indigo-dc:scim:schemas:IndigoUser"


class Caller:
    """A client of one issuer."""

    def __init__(self, iam: StandIn, path: str = "/") -> None:
        self.base = iam.url + path
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.verify = iam.ca
        self.discovery = self.http.get(self.base + ".well-known/openid-configuration", timeout=5).json()

    def token(self, auth: tuple[str, str] | None = None, **form: str) -> requests.Response:
        return self.http.post(self.discovery["token_endpoint"], data=form, auth=auth, timeout=5)

    def credentials(self, auth: tuple[str, str], **form: str) -> dict[str, Any]:
        answer = self.token(auth, grant_type="client_credentials", **form)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def keys(self) -> KeySet:
        return KeySet.import_key_set(self.http.get(self.discovery["jwks_uri"], timeout=5).json())

    def claims(self, token: str) -> dict[str, Any]:
        """The claims of a token whose signature is right."""
        return dict(jwt.decode(token, self.keys()).claims)

    def scim(self, path: str, token: str, method: str = "GET", **options: Any) -> requests.Response:
        return self.http.request(
            method, f"{self.discovery['scim_endpoint']}/{path}", headers={"Authorization": f"Bearer {token}"}, timeout=5, **options
        )


@pytest.fixture
def caller(iam: StandIn) -> Caller:
    return Caller(iam)


@pytest.mark.parametrize("path", ISSUERS)
def test_every_issuer_has_its_own_metadata_and_keys(iam: StandIn, path: str) -> None:
    caller = Caller(iam, path)
    assert caller.discovery["issuer"] == iam.url + path
    assert caller.http.get(caller.base + "health", timeout=5).json() == {"status": "UP"}
    answer = caller.credentials(RUCIO, scope="storage.read:/fast/ storage.modify:/fast/", audience="se1.lake.test")
    claims = caller.claims(answer["access_token"])
    expected = {"iss": iam.url + path, "sub": "rucio", "wlcg.ver": "1.0", "aud": "se1.lake.test", "client_id": "rucio"}
    assert expected.items() <= claims.items()
    assert claims["scope"] == answer["scope"] == "storage.read:/fast/ storage.modify:/fast/"
    assert claims["exp"] - claims["iat"] == answer["expires_in"] == 3600
    assert claims["nbf"] <= claims["iat"]
    assert claims["jti"]
    other = Caller(iam, next(each for each in ISSUERS if each != path))
    with pytest.raises(InvalidKeyIdError):
        other.claims(answer["access_token"])


@pytest.mark.parametrize("path", ISSUERS)
def test_a_doubled_slash_finds_the_metadata_without_a_redirect(iam: StandIn, path: str) -> None:
    """libscitokens 0.7.3 asks for it so, and gives up at a redirect: no storage would accept a token."""
    caller = Caller(iam, path)
    answer = caller.http.get(caller.base + "/.well-known/openid-configuration", timeout=5, allow_redirects=False)
    assert (answer.status_code, answer.json()) == (200, caller.discovery)


def test_audience_defaults_to_anybody_and_takes_several(caller: Caller) -> None:
    def audience(**form: str) -> Any:
        return caller.claims(caller.credentials(RUCIO, scope="storage.read:/", **form)["access_token"])["aud"]

    assert audience() == "https://wlcg.cern.ch/jwt/v1/any"
    assert audience(audience="se1.lake.test se2.lake.test") == ["se1.lake.test", "se2.lake.test"]


@pytest.mark.parametrize(
    ("auth", "form", "status", "error"),
    [
        (("rucio", "wrong"), {"grant_type": "client_credentials"}, 401, "invalid_client"),
        (None, {"grant_type": "client_credentials"}, 401, "invalid_client"),
        (RUCIO, {"grant_type": "nonsense"}, 400, "unsupported_grant_type"),
        (RUCIO, {"grant_type": "password", "username": "dora", "password": "dora-lab"}, 400, "unauthorized_client"),
        (("probe", "probe-lab"), {"grant_type": "client_credentials", "scope": "scim:read"}, 400, "invalid_scope"),
        (RUCIO, {"grant_type": "client_credentials", "scope": "storage.read://escape"}, 400, "invalid_scope"),
        (RUCIO, {"grant_type": "client_credentials", "scope": "storage.read:/a/../b"}, 400, "invalid_scope"),
        (None, {"grant_type": "password", **PERSON, "password": "wrong"}, 400, "invalid_grant"),
        (None, {"grant_type": "password", **PERSON, "username": "gone", "password": "gone-lab"}, 400, "invalid_grant"),
        (None, {"grant_type": "refresh_token", "client_id": "rucio-client", "refresh_token": "x"}, 400, "invalid_grant"),
    ],
)
def test_refusals_are_oauth_errors(caller: Caller, auth: tuple[str, str] | None, form: dict[str, str], status: int, error: str) -> None:
    answer = caller.token(auth, **form)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.headers["Content-Type"] == "application/json"


def test_secret_in_the_form_works_too(caller: Caller) -> None:
    answer = caller.token(grant_type="client_credentials", client_id="rucio", client_secret="rucio-lab", scope="scim:read")
    assert answer.json()["scope"] == "scim:read"


@pytest.mark.parametrize(
    ("scope", "groups"),
    [
        ("openid", None),
        ("wlcg.groups", ["/escape", "/escape/data-manager"]),
        ("wlcg.groups:/escape/pilots", ["/escape/pilots", "/escape", "/escape/data-manager"]),
        ("wlcg.groups wlcg.groups:/escape/pilots", ["/escape", "/escape/data-manager", "/escape/pilots"]),
        ("wlcg.groups:/escape/data-manager", ["/escape/data-manager", "/escape"]),
        ("wlcg.groups:/partner", ["/escape", "/escape/data-manager"]),
    ],
)
def test_groups_come_on_request_and_in_the_order_asked(caller: Caller, scope: str, groups: list[str] | None) -> None:
    answer = caller.token(grant_type="password", scope=scope, **PERSON).json()
    assert caller.claims(answer["access_token"]).get("wlcg.groups") == groups


def test_a_person_gets_identity_refresh_and_userinfo(caller: Caller) -> None:
    answer = caller.token(grant_type="password", scope="openid profile email offline_access wlcg.groups", **PERSON).json()
    identity, access = caller.claims(answer["id_token"]), caller.claims(answer["access_token"])
    assert identity["aud"] == "rucio-client"
    assert identity["sub"] == access["sub"]
    again = caller.token(
        grant_type="refresh_token", client_id="rucio-client", refresh_token=answer["refresh_token"], scope="openid email"
    ).json()
    assert caller.claims(again["access_token"])["scope"] == "openid email"
    more = caller.token(grant_type="refresh_token", client_id="rucio-client", refresh_token=answer["refresh_token"], scope="openid wlcg")
    assert more.json()["error"] == "invalid_scope"
    bearer = {"Authorization": f"Bearer {again['access_token']}"}
    told = caller.http.get(caller.discovery["userinfo_endpoint"], headers=bearer, timeout=5).json()
    assert told == {"sub": access["sub"], "email": "dora@lake.test", "email_verified": True}
    caller.http.post(caller.discovery["revocation_endpoint"], data={"client_id": "rucio-client", "token": again["access_token"]}, timeout=5)
    assert caller.http.get(caller.discovery["userinfo_endpoint"], headers=bearer, timeout=5).status_code == 401


def test_introspection(caller: Caller) -> None:
    token = caller.token(grant_type="password", scope="openid", **PERSON).json()["access_token"]
    told = caller.http.post(caller.discovery["introspection_endpoint"], data={"token": token}, auth=RUCIO, timeout=5).json()
    assert (told["active"], told["username"], told["scope"]) == (True, "dora", "openid")
    assert caller.http.post(caller.discovery["introspection_endpoint"], data={"token": token + "x"}, auth=RUCIO, timeout=5).json() == {
        "active": False
    }


def test_device_flow(caller: Caller) -> None:
    form = {"client_id": "rucio-client", "scope": "openid wlcg.groups"}
    started = caller.http.post(caller.discovery["device_authorization_endpoint"], data=form, timeout=5).json()
    poll = {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "client_id": "rucio-client",
        "device_code": started["device_code"],
    }
    assert caller.token(**poll).json()["error"] == "authorization_pending"
    assert caller.token(**poll).json()["error"] == "slow_down"
    page = caller.http.get(started["verification_uri_complete"], timeout=5)
    assert started["user_code"] in page.text
    log_in = {"user_code": started["user_code"].lower(), "username": "dora", "password": "wrong"}
    assert caller.http.post(started["verification_uri"], data=log_in, timeout=5).status_code == 401
    assert caller.http.post(started["verification_uri"], data={**log_in, "password": "dora-lab"}, timeout=5).status_code == 200
    answer = caller.token(**poll).json()
    assert caller.claims(answer["access_token"])["wlcg.groups"] == ["/escape", "/escape/data-manager"]
    assert caller.token(**poll).json()["error"] == "invalid_grant"


def test_authorization_code_flow(caller: Caller) -> None:
    target = "https://rucio.lake.test/auth/oidc_code"
    query = {
        "client_id": "rucio",
        "response_type": "code",
        "redirect_uri": target,
        "scope": "openid profile",
        "state": "s 1",
        "nonce": "n1",
    }
    page = caller.http.get(caller.discovery["authorization_endpoint"], params=query, timeout=5)
    assert "asked by rucio" in page.text
    log_in = {"username": "mio", "password": "mio-lab"}
    sent = caller.http.post(page.url, data=log_in, timeout=5, allow_redirects=False)
    code = re.fullmatch(re.escape(target) + r"\?code=([\w-]+)&state=s\+1", sent.headers["Location"])
    assert code
    answer = caller.token(RUCIO, grant_type="authorization_code", code=code[1], redirect_uri=target).json()
    identity = caller.claims(answer["id_token"])
    assert (identity["nonce"], identity["preferred_username"], identity["aud"]) == ("n1", "mio", "rucio")
    assert caller.token(RUCIO, grant_type="authorization_code", code=code[1], redirect_uri=target).json()["error"] == "invalid_grant"
    elsewhere = caller.http.get(
        caller.discovery["authorization_endpoint"], params={**query, "redirect_uri": "https://evil.test/"}, timeout=5
    )
    assert elsewhere.status_code == 400


def test_token_exchange_keeps_the_person(caller: Caller) -> None:
    token = caller.token(grant_type="password", scope="openid wlcg.groups", **PERSON).json()["access_token"]
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": token,
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "audience": "fts",
        "scope": "openid wlcg.groups fts:submit-transfer",
    }
    claims = caller.claims(caller.token(RUCIO, **form).json()["access_token"])
    assert (claims["sub"], claims["aud"]) == (caller.claims(token)["sub"], "fts")
    assert caller.token(RUCIO, **{**form, "subject_token": "x.y.z"}).json()["error"] == "invalid_request"


def test_rotation_keeps_the_old_key_published(caller: Caller) -> None:
    old = caller.credentials(RUCIO, scope="storage.read:/")["access_token"]
    before = {key.kid for key in caller.keys().keys}
    assert caller.http.post(caller.base + "lab/rotate-keys", auth=RUCIO, timeout=5).status_code == 403
    made = caller.http.post(caller.base + "lab/rotate-keys", auth=ADMIN, timeout=5).json()["kid"]
    assert {key.kid for key in caller.keys().keys} == before | {made}
    assert caller.claims(old)["sub"] == "rucio"
    new = caller.credentials(RUCIO, scope="storage.read:/")["access_token"]
    assert jwt.decode(new, caller.keys()).header["kid"] == made


def test_minted_tokens_may_be_expired_foreign_or_wrong(caller: Caller) -> None:
    def mint(auth: tuple[str, str] = PROBE, **asked: Any) -> requests.Response:
        return caller.http.post(caller.base + "lab/mint", json=asked, auth=auth, timeout=5)

    assert mint(RUCIO).status_code == 403
    assert mint(lifetme=1).json()["error"] == "invalid_request"
    wanted = {
        "scope": "storage.read:/fast",
        "groups": ["/other"],
        "audience": "nobody.test",
        "lifetime": -120,
        "claims": {"wlcg.ver": None},
    }
    claims = caller.claims(mint(**wanted).json()["access_token"])
    assert claims["iat"] < claims["exp"] < time.time() - 60
    assert (claims["wlcg.groups"], claims["aud"], claims["scope"]) == (["/other"], "nobody.test", "storage.read:/fast")
    assert "wlcg.ver" not in claims
    with pytest.raises(InvalidKeyIdError):
        caller.claims(mint(key="unpublished").json()["access_token"])


def everybody(caller: Caller, token: str) -> dict[str, dict[str, Any]]:
    """Users by name, from all pages."""
    seen: dict[str, Any] = {}
    start = 1
    while True:
        answer = caller.scim(f"Users?startIndex={start}&count=1000", token)
        assert answer.headers["Content-Type"] == "application/scim+json;charset=UTF-8"
        page = answer.json()
        assert page["itemsPerPage"] == len(page["Resources"]) <= 100
        seen |= {each["id"]: each for each in page["Resources"]}
        start += page["itemsPerPage"]
        if start > page["totalResults"]:
            assert len(seen) == page["totalResults"]
            return {each["userName"]: each for each in seen.values()}


def test_scim_pages_hold_at_most_a_hundred(caller: Caller) -> None:
    token = caller.credentials(ADMIN, scope="scim:read scim:write")["access_token"]
    held = caller.scim("Users", token).json()["totalResults"]
    for number in range(120 - held):
        body = {"schemas": [], "userName": f"extra{number}", "name": {"givenName": "Extra", "familyName": str(number)}}
        assert caller.scim("Users", token, "POST", json=body).status_code == 201
    by_name = everybody(caller, token)
    assert len(by_name) == 120
    totals = caller.scim("Users?count=0&filter=userName eq dora", token).json()
    assert (totals["totalResults"], totals["itemsPerPage"], totals["Resources"]) == (120, 0, [])
    assert "emails" not in by_name["mio"]
    assert "groups" not in by_name["extra1"]
    assert by_name["gone"]["active"] is False
    assert [each["display"] for each in by_name["dora"]["groups"]] == ["escape", "escape/data-manager", "escape/pilots"]
    assert by_name["dora"][INDIGO_USER]["certificates"][0]["subjectDn"] == "CN=Dora Manager,O=Lake\\, Test,C=FR"
    reduced = caller.scim("Users?count=1&attributes=userName", token).json()["Resources"][0]
    assert set(reduced) == {"id", "schemas", "meta", "userName"}


def test_scim_needs_the_scope(caller: Caller) -> None:
    reader = caller.credentials(RUCIO, scope="scim:read")["access_token"]
    assert caller.http.get(caller.discovery["scim_endpoint"] + "/Users", timeout=5).status_code == 401
    assert caller.scim("Users", caller.credentials(RUCIO, scope="storage.read:/")["access_token"]).status_code == 403
    assert caller.scim("Users", reader, "POST", json={"userName": "intruder"}).status_code == 403
    person = caller.token(grant_type="password", scope="openid", **PERSON).json()["access_token"]
    assert caller.scim("Me", person).json()["userName"] == "dora"


def test_groups_and_members(caller: Caller) -> None:
    token = caller.credentials(ADMIN, scope="scim:read scim:write")["access_token"]
    groups = {each["displayName"]: each for each in caller.scim("Groups", token).json()["Resources"]}
    escape = groups["escape"]
    parent = {"urn:indigo-dc:scim:schemas:IndigoGroup": {"parentGroup": {"value": escape["id"]}}}
    made = caller.scim("Groups", token, "POST", json={"displayName": "ska", **parent}).json()
    assert made["displayName"] == "escape/ska"
    subgroups = caller.scim(f"Groups/{escape['id']}/subgroups", token).json()["Resources"]
    assert "escape/ska" in [each["display"] for each in subgroups]
    mio = everybody(caller, token)["mio"]
    change = {"operations": [{"op": "add", "path": "members", "value": [{"display": "mio", "value": mio["id"]}]}]}
    assert caller.scim(f"Groups/{made['id']}", token, "PATCH", json=change).status_code == 204
    members = caller.scim(f"Groups/{made['id']}/members", token).json()
    assert [each["display"] for each in members["Resources"]] == ["mio"]
    answer = caller.token(grant_type="password", client_id="rucio-client", username="mio", password="mio-lab", scope="wlcg.groups").json()
    assert caller.claims(answer["access_token"])["wlcg.groups"] == ["/escape", "/escape/ska"]
    assert caller.scim(f"Groups/{made['id']}", token, "DELETE").status_code == 204
    assert [each["display"] for each in caller.scim(f"Users/{mio['id']}", token).json()["groups"]] == ["escape"]


def test_registration_drops_restricted_scopes_without_a_word(caller: Caller) -> None:
    asked = {
        "client_name": "rucio-account-sync",
        "grant_types": ["client_credentials"],
        "redirect_uris": [],
        "scope": "openid scim:read storage.modify:/ lab:mint",
        "token_endpoint_auth_method": "client_secret_basic",
    }
    made = caller.http.post(caller.discovery["registration_endpoint"], json=asked, timeout=5)
    assert made.status_code == 201
    client = made.json()
    assert client["scope"] == "openid"
    auth = (client["client_id"], client["client_secret"])
    assert caller.credentials(auth)["scope"] == "openid"
    where, rat = client["registration_client_uri"], {"Authorization": f"Bearer {client['registration_access_token']}"}
    assert caller.http.get(where, timeout=5).status_code == 401
    assert "client_secret" not in caller.http.get(where, headers=rat, timeout=5).json()
    changed = caller.http.put(where, json={**asked, "scope": "openid profile"}, headers=rat, timeout=5).json()
    assert changed["scope"] == "openid profile"
    assert caller.http.delete(where, headers=rat, timeout=5).status_code == 204
    assert caller.token(auth, grant_type="client_credentials").status_code == 401
    password = {**asked, "grant_types": ["password"]}
    assert (
        caller.http.post(caller.discovery["registration_endpoint"], json=password, timeout=5).json()["error"] == "invalid_client_metadata"
    )
