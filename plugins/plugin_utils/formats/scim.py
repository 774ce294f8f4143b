# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users and groups of SCIM (RFC 7643) as INDIGO IAM shows them: empty fields are left out, certificates are in an extension of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

INDIGO_USER = "urn:indigo-dc:scim:schemas:IndigoUser"
INDIGO_GROUP = "urn:indigo-dc:scim:schemas:IndigoGroup"


@dataclass(frozen=True)
class Person:
    """A user. id: the sub of the person's tokens, which never changes, in contrast to the user name. groups: full paths without a slash
    in front. subjects: of the certificates, RFC 2253."""

    id: str
    username: str
    active: bool
    name: str = ""
    email: str | None = None
    groups: frozenset[str] = frozenset()
    subjects: tuple[str, ...] = ()
    service_account: bool = False


def people(resources: Iterable[Mapping[str, Any]]) -> tuple[list[Person], list[str]]:
    """The users of a complete list, and what is wrong with the entries that are left out."""
    found: list[Person] = []
    problems: list[str] = []
    for each in resources:
        try:
            found.append(person(each))
        except (ValueError, TypeError, AttributeError, KeyError) as problem:
            words = str(problem) if isinstance(problem, ValueError) else f"is not a user of SCIM ({type(problem).__name__}: {problem})"
            problems.append(f"user {each.get('id', 'without id')} {words}")
    return found, problems


def person(raw: Mapping[str, Any]) -> Person:
    """One user; raises ValueError (or what a wrong type raises) for what is none."""
    indigo = raw.get(INDIGO_USER) or {}
    if not isinstance(raw.get("id"), str) or not raw["id"]:
        raise ValueError("has no id")
    if not isinstance(raw.get("userName"), str) or not raw["userName"]:
        raise ValueError("has no userName")
    if raw.get("active") not in (True, False):
        raise ValueError("does not say whether it is active")
    name = raw.get("name") or {}
    return Person(
        id=raw["id"],
        username=raw["userName"],
        active=raw["active"],
        name=str(name.get("formatted") or " ".join(filter(None, (name.get("givenName"), name.get("familyName"))))),
        email=_mail(raw.get("emails") or ()),
        groups=frozenset(_group(group) for group in raw.get("groups") or ()),
        subjects=tuple(dict.fromkeys(str(each["subjectDn"]) for each in indigo.get("certificates") or () if each.get("subjectDn"))),
        service_account=bool(indigo.get("serviceAccount")),
    )


def _group(raw: Mapping[str, Any]) -> str:
    """Its full path; raises AttributeError, as other wrong types do, where there is no text."""
    path: str = raw["display"].strip("/")
    return path


def _mail(listed: Iterable[Mapping[str, Any]]) -> str | None:
    """The primary address, else the first."""
    filled = [each for each in listed if each.get("value")]
    return next((str(each["value"]) for each in sorted(filled, key=lambda each: not each.get("primary"))), None)


def groups(resources: Iterable[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """Groups as plain records (id, name as full path, parent, description), and what is wrong with the entries that are left out."""
    found: list[dict[str, Any]] = []
    problems: list[str] = []
    for each in resources:
        indigo = each.get(INDIGO_GROUP) or {}
        parent = indigo.get("parentGroup") or {} if isinstance(indigo, Mapping) else None
        if not isinstance(each.get("displayName"), str) or not isinstance(parent, Mapping):
            problems.append(f"group {each.get('id', 'without id')} is not a group of SCIM")
            continue
        name = each["displayName"].strip("/")
        found.append({"id": str(each["id"]), "name": name, "parent": parent.get("display"), "description": indigo.get("description") or ""})
    return found, problems
