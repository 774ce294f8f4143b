# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users, groups and clients of one issuer: those of the configuration, and over them what was made or changed at run time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ..shared.jsonfile import JsonFile
from .config import Certificate, Client, Group, Issuer, Secret, User


class Directory:
    """Changes are kept in a file, by id; an id that is mapped to null was removed."""

    def __init__(self, path: Path, issuer: Issuer) -> None:
        self._file = JsonFile(path, {"users": {}, "groups": {}, "clients": {}})
        self._users = {user.id: user for user in issuer.users}
        self._groups = {group.id: group for group in issuer.groups}
        self._clients = {client.id: client for client in issuer.clients}
        for name in sorted({name for user in issuer.users for name in user.groups} - {group.name for group in issuer.groups}):
            raise ValueError(f"issuer {issuer.name}: a user is in group {name!r}, which is not among the groups")
        changed = self._file.read()
        for key, data in changed["users"].items():
            _overlay(self._users, key, data and _user(data))
        for key, data in changed["groups"].items():
            _overlay(self._groups, key, data and Group(**data))
        for key, data in changed["clients"].items():
            _overlay(self._clients, key, data and _client(data))

    def users(self) -> list[User]:
        return sorted(self._users.values(), key=lambda user: user.id)

    def groups(self) -> list[Group]:
        return sorted(self._groups.values(), key=lambda group: group.name)

    def user(self, identifier: str) -> User | None:
        return self._users.get(identifier)

    def user_named(self, username: str) -> User | None:
        return next((user for user in list(self._users.values()) if user.username == username), None)

    def group(self, identifier: str) -> Group | None:
        return self._groups.get(identifier)

    def group_named(self, name: str) -> Group | None:
        return next((group for group in list(self._groups.values()) if group.name == name), None)

    def client(self, identifier: str) -> Client | None:
        return self._clients.get(identifier)

    def members(self, group: Group) -> list[User]:
        return [user for user in self.users() if group.name in user.groups]

    def put_users(self, users: Iterable[User]) -> None:
        """Adds or replaces users, all or none."""
        users = list(users)
        with self._file.change() as data:
            data["users"].update({user.id: asdict(user) for user in users})
        self._users.update({user.id: user for user in users})

    def put_group(self, group: Group) -> None:
        with self._file.change() as data:
            data["groups"][group.id] = asdict(group)
        self._groups[group.id] = group

    def put_client(self, client: Client) -> None:
        with self._file.change() as data:
            data["clients"][client.id] = asdict(client)
        self._clients[client.id] = client

    def remove_user(self, user: User) -> None:
        self._remove("users", user.id)
        self._users.pop(user.id, None)

    def remove_client(self, client: Client) -> None:
        self._remove("clients", client.id)
        self._clients.pop(client.id, None)

    def remove_group(self, group: Group) -> None:
        self.put_users([replace(user, groups=tuple(name for name in user.groups if name != group.name)) for user in self.members(group)])
        self._remove("groups", group.id)
        self._groups.pop(group.id, None)

    def _remove(self, kind: str, identifier: str) -> None:
        with self._file.change() as data:
            data[kind][identifier] = None


def _overlay(objects: dict[str, Any], key: str, item: Any) -> None:
    if item:
        objects[key] = item
    else:
        objects.pop(key, None)


def _user(data: dict[str, Any]) -> User:
    certificates = tuple(Certificate(**each) for each in data["certificates"])
    password = Secret(**data["password"]) if data["password"] else None
    return User(**{**data, "certificates": certificates, "groups": tuple(data["groups"]), "password": password})


def _client(data: dict[str, Any]) -> Client:
    secret = Secret(**data["secret"]) if data["secret"] else None
    lists = {key: tuple(data[key]) for key in ("scopes", "grants", "redirect_uris")}
    return Client(**{**data, **lists, "secret": secret})
