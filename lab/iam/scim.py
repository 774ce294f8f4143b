# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SCIM in the shapes of INDIGO IAM: lists of at most 100, no filter, empty fields left out."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, json, request

from .config import GROUP, USERNAME, Certificate, Group, Secret, User
from .service import OAuthError, Service

LONGEST_PAGE = 100
CONTENT_TYPE = "application/scim+json;charset=UTF-8"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP_CORE = "urn:ietf:params:scim:schemas:core:2.0:Group"
INDIGO_USER = "urn:indigo-dc:scim:schemas:IndigoUser"
INDIGO_GROUP = "urn:indigo-dc:scim:schemas:IndigoGroup"


class ScimError(Exception):
    """An error answer."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


def add_endpoints(pages: Blueprint, service: Service) -> None:
    """Users, groups and members of one issuer."""
    people, shapes = service.people, Shapes(service)

    @pages.errorhandler(ScimError)
    def refused(problem: ScimError) -> Response:
        return _answer({"schemas": [ERROR], "detail": problem.detail, "status": str(problem.status)}, problem.status)

    def user_or_404(identifier: str) -> User:
        if user := people.user(identifier):
            return user
        raise ScimError(404, f"No user mapped to id '{identifier}'")

    def group_or_404(identifier: str) -> Group:
        if group := people.group(identifier):
            return group
        raise ScimError(404, f"No group mapped to id '{identifier}'")

    @pages.get("/scim/Users")
    def users() -> Response:
        service.bearer_with(request, "scim:read")
        return _page(people.users(), shapes.user)

    @pages.get("/scim/Users/<identifier>")
    def user(identifier: str) -> Response:
        service.bearer_with(request, "scim:read")
        return _answer(shapes.user(user_or_404(identifier), with_pem=True))

    @pages.get("/scim/Me")
    def me() -> Response:
        claims = service.bearer(request)
        found = people.user(str(claims["sub"]))
        if found is None:
            raise ScimError(404, "No user linked to the current access token")
        return _answer(shapes.user(found, with_pem=True))

    @pages.post("/scim/Users")
    def add_user() -> Response:
        service.bearer_with(request, "scim:write")
        made = shapes.new_user(_body())
        if people.user_named(made.username):
            raise ScimError(409, f"A user with userName '{made.username}' already exists")
        people.put_users([made])
        return _answer(shapes.user(made, with_pem=True), 201)

    @pages.delete("/scim/Users/<identifier>")
    def remove_user(identifier: str) -> tuple[str, int]:
        service.bearer_with(request, "scim:write")
        people.remove_user(user_or_404(identifier))
        return "", 204

    @pages.patch("/scim/Users/<identifier>")
    def change_user(identifier: str) -> tuple[str, int]:
        service.bearer_with(request, "scim:write")
        found = user_or_404(identifier)
        for operation in _operations(_body()):
            value = operation.get("value")
            if operation["op"] != "replace" or not isinstance(value, dict) or set(value) - {"active"}:
                raise ScimError(400, "the stand-in only replaces 'active' of a user")
            found = replace(found, active=bool(value["active"]), modified=_now())
        people.put_users([found])
        return "", 204

    @pages.get("/scim/Groups")
    def groups() -> Response:
        service.bearer_with(request, "scim:read")
        return _page(people.groups(), shapes.group)

    @pages.get("/scim/Groups/<identifier>")
    def group(identifier: str) -> Response:
        service.bearer_with(request, "scim:read")
        return _answer(shapes.group(group_or_404(identifier)))

    @pages.get("/scim/Groups/<identifier>/members")
    def members(identifier: str) -> Response:
        service.bearer_with(request, "scim:read")
        return _page(people.members(group_or_404(identifier)), shapes.member)

    @pages.get("/scim/Groups/<identifier>/subgroups")
    def subgroups(identifier: str) -> Response:
        service.bearer_with(request, "scim:read")
        above = group_or_404(identifier).name
        return _page([each for each in people.groups() if each.name.rpartition("/")[0] == above], shapes.subgroup)

    @pages.post("/scim/Groups")
    def add_group() -> Response:
        service.bearer_with(request, "scim:write")
        made = shapes.new_group(_body())
        if people.group_named(made.name):
            raise ScimError(409, f"A group with displayName '{made.name}' already exists")
        people.put_group(made)
        return _answer(shapes.group(made), 201)

    @pages.delete("/scim/Groups/<identifier>")
    def remove_group(identifier: str) -> tuple[str, int]:
        service.bearer_with(request, "scim:write")
        people.remove_group(group_or_404(identifier))
        return "", 204

    @pages.patch("/scim/Groups/<identifier>")
    def change_members(identifier: str) -> tuple[str, int]:
        service.bearer_with(request, "scim:write")
        name = group_or_404(identifier).name
        changed: dict[str, User] = {}
        for operation in _operations(_body()):
            if operation.get("path") != "members" or operation["op"] not in ("add", "remove"):
                raise ScimError(400, "the stand-in adds and removes members")
            for each in operation.get("value", []):
                member = changed.get(each["value"]) or user_or_404(each["value"])
                others = tuple(held for held in member.groups if held != name)
                changed[member.id] = replace(member, groups=(*others, name) if operation["op"] == "add" else others, modified=_now())
        people.put_users(changed.values())
        return "", 204


class Shapes:
    """Users and groups as SCIM objects, and back."""

    def __init__(self, service: Service) -> None:
        self._people, self._base = service.people, service.issuer.base + "scim"

    def user(self, user: User, *, with_pem: bool = False) -> dict[str, Any]:
        indigo: dict[str, Any] = {"serviceAccount": user.service_account}
        if user.certificates:
            indigo["certificates"] = [self._certificate(each, number == 0, user, with_pem) for number, each in enumerate(user.certificates)]
        if user.end_time:
            indigo["endTime"] = user.end_time
        answer: dict[str, Any] = {
            "schemas": [USER, INDIGO_USER],
            "id": user.id,
            "meta": {
                "created": user.created,
                "lastModified": user.modified,
                "location": f"{self._base}/Users/{user.id}",
                "resourceType": "User",
            },
            "userName": user.username,
            "displayName": user.username,
            "active": user.active,
            INDIGO_USER: indigo,
        }
        if user.given_name or user.family_name:
            formatted = f"{user.given_name} {user.family_name}".strip()
            answer["name"] = {"givenName": user.given_name, "familyName": user.family_name, "formatted": formatted}
        if user.email:
            answer["emails"] = [{"type": "work", "value": user.email, "primary": True}]
        held = [group for name in user.groups if (group := self._people.group_named(name))]
        if held:
            answer["groups"] = [self._reference(group) for group in held]
        return answer

    def group(self, group: Group) -> dict[str, Any]:
        indigo: dict[str, Any] = {"description": group.description} if group.description else {}
        above = self._people.group_named(group.name.rpartition("/")[0])
        if above:
            indigo["parentGroup"] = self._reference(above)
        if group.optional:
            indigo["labels"] = [{"name": "wlcg.optional-group"}]
        meta = {"location": f"{self._base}/Groups/{group.id}", "resourceType": "Group"}
        return {"id": group.id, "displayName": group.name, "schemas": [GROUP_CORE, INDIGO_GROUP], "meta": meta, INDIGO_GROUP: indigo}

    def member(self, user: User) -> dict[str, str]:
        return {"display": user.username, "value": user.id, "$ref": f"{self._base}/Users/{user.id}"}

    def subgroup(self, group: Group) -> dict[str, str]:
        return self._reference(group)

    def new_user(self, body: dict[str, Any]) -> User:
        """Raises ScimError."""
        username = body.get("userName", "")
        if not isinstance(username, str) or not USERNAME.match(username):
            raise ScimError(400, f"userName must match {USERNAME.pattern}")
        name, emails = body.get("name", {}), body.get("emails", [])
        password = body.get("password")
        now = _now()
        # IAM reads certificates under a name that differs from the one it shows them under.
        given = body.get(INDIGO_USER, {}).get("x509Certificates", [])
        return User(
            id=str(uuid.uuid4()),
            username=username,
            password=Secret(plain=password) if password else None,
            given_name=name.get("givenName", ""),
            family_name=name.get("familyName", ""),
            email=emails[0]["value"] if emails else "",
            active=bool(body.get("active", True)),
            certificates=tuple(self._given_certificate(each) for each in given),
            created=now,
            modified=now,
        )

    def new_group(self, body: dict[str, Any]) -> Group:
        """Raises ScimError."""
        name, indigo = str(body.get("displayName", "")), body.get(INDIGO_GROUP, {})
        if parent := indigo.get("parentGroup"):
            above = self._people.group(parent.get("value", ""))
            if above is None:
                raise ScimError(404, f"No group mapped to id '{parent.get('value')}'")
            name = f"{above.name}/{name}"
        if not GROUP.match(name):
            raise ScimError(400, f"displayName must match {GROUP.pattern}")
        return Group(str(uuid.uuid4()), name, indigo.get("description", ""))

    def _reference(self, group: Group) -> dict[str, str]:
        return {"display": group.name, "value": group.id, "$ref": f"{self._base}/Groups/{group.id}"}

    @staticmethod
    def _given_certificate(data: dict[str, Any]) -> Certificate:
        names = data.get("subjectDn", ""), data.get("issuerDn", "")
        return Certificate(*names, label=data.get("display", "grid"), pem=data.get("pemEncodedCertificate"))

    @staticmethod
    def _certificate(certificate: Certificate, primary: bool, user: User, with_pem: bool) -> dict[str, Any]:
        answer = {
            "primary": primary,
            "display": certificate.label,
            "subjectDn": certificate.subject,
            "issuerDn": certificate.issuer,
            "hasProxyCertificate": False,
            "created": user.created,
            "lastModified": user.modified,
        }
        if with_pem and certificate.pem:
            answer["pemEncodedCertificate"] = certificate.pem
        return answer


def _page(found: Sequence[Any], shape: Callable[[Any], dict[str, Any]]) -> Response:
    start, count = max(1, _number("startIndex", 1)), min(LONGEST_PAGE, max(0, _number("count", LONGEST_PAGE)))
    shown = [_reduced(shape(each)) for each in found[start - 1 : start - 1 + count]]
    return _answer({"totalResults": len(found), "itemsPerPage": len(shown), "startIndex": start, "schemas": [LIST], "Resources": shown})


def _reduced(item: dict[str, Any]) -> dict[str, Any]:
    wanted = request.args.get("attributes")
    if not wanted:
        return item
    names = {name.strip().partition(".")[0] for name in wanted.split(",")} if not wanted.startswith("urn:") else {wanted}
    return {key: value for key, value in item.items() if key in {"id", "schemas", "meta"} | names}


def _number(name: str, default: int) -> int:
    try:
        return int(request.args.get(name, default))
    except ValueError as problem:
        raise ScimError(400, f"{name} must be a number") from problem


def _body() -> dict[str, Any]:
    body = request.get_json(silent=True, force=True)
    if not isinstance(body, dict):
        raise OAuthError("invalid_request", "expected a JSON object")
    return body


def _operations(body: dict[str, Any]) -> list[dict[str, Any]]:
    operations = body.get("operations") or body.get("Operations")
    if not isinstance(operations, list) or not all(isinstance(each, dict) and isinstance(each.get("op"), str) for each in operations):
        raise ScimError(400, "expected a list 'operations', each with 'op'")
    return [{**each, "op": each["op"].lower()} for each in operations]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _answer(body: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(body), status, content_type=CONTENT_TYPE)
