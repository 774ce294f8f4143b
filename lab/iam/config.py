# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the token issuer is configured with: issuers, clients, users and groups from one YAML file."""

from __future__ import annotations

import hashlib
import hmac
import re
import stat
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from werkzeug.security import check_password_hash

GRANTS = {
    "authorization_code": "authorization_code",
    "client_credentials": "client_credentials",
    "device_code": "urn:ietf:params:oauth:grant-type:device_code",
    "password": "password",
    "refresh_token": "refresh_token",
    "token_exchange": "urn:ietf:params:oauth:grant-type:token-exchange",
}
USERNAME = re.compile(r"^[a-z_]([a-z0-9_@.-]{0,31}|[a-z0-9_@.-]{0,30}\$)$")
GROUP = re.compile(r"^[a-zA-Z0-9][a-zA-Z0-9_.-]*(/[a-zA-Z0-9][a-zA-Z0-9_.-]*)*$")
LONG_AGO = "2026-01-01T00:00:00.000Z"


class ConfigError(Exception):
    """A configuration that cannot be used; all its problems at once."""


@dataclass(frozen=True)
class Secret:
    """A password or client secret: plain, a salted hash of werkzeug, or the SHA-256 of a generated one (which needs no salt)."""

    plain: str | None = None
    salted: str | None = None
    sha256: str | None = None

    def matches(self, given: str) -> bool:
        if self.plain is not None:
            return hmac.compare_digest(self.plain.encode(), given.encode())
        if self.salted is not None:
            return check_password_hash(self.salted, given)
        return self.sha256 is not None and hmac.compare_digest(self.sha256, fingerprint(given))


@dataclass(frozen=True)
class Client:
    """An OAuth client. secret: None for a public client. grants: short names, the keys of GRANTS. scopes: what it may ask for."""

    id: str
    name: str
    secret: Secret | None
    scopes: tuple[str, ...]
    grants: tuple[str, ...]
    redirect_uris: tuple[str, ...] = ()


@dataclass(frozen=True)
class Certificate:
    """subject, issuer: RFC 2253 names."""

    subject: str
    issuer: str
    label: str = "grid"
    pem: str | None = None


@dataclass(frozen=True)
class User:
    """A person. groups: full names without a leading slash. Times are ISO 8601 texts."""

    id: str
    username: str
    password: Secret | None = None
    given_name: str = ""
    family_name: str = ""
    email: str = ""
    active: bool = True
    groups: tuple[str, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    end_time: str | None = None
    service_account: bool = False
    created: str = LONG_AGO
    modified: str = LONG_AGO


@dataclass(frozen=True)
class Group:
    """name: full path without a leading slash. optional: given in tokens only when asked for by name."""

    id: str
    name: str
    description: str = ""
    optional: bool = False


@dataclass(frozen=True)
class Issuer:
    """One issuer.

    url: the exact text of the iss claim. lifetime: of access tokens, seconds. key_overlap: seconds that a replaced key stays published.
    """

    name: str
    url: str
    organisation: str
    lifetime: int
    key_overlap: int
    clients: tuple[Client, ...]
    users: tuple[User, ...]
    groups: tuple[Group, ...]

    @property
    def prefix(self) -> str:
        """The path of the issuer on its host, without the slash at the end."""
        return urlsplit(self.url).path.rstrip("/")

    @property
    def base(self) -> str:
        """The URL that end points are appended to, with the slash at the end."""
        return self.url.rstrip("/") + "/"


@dataclass(frozen=True)
class Config:
    """data: the directory of keys and of what is made at run time."""

    data: Path
    issuers: tuple[Issuer, ...]


def fingerprint(secret: str) -> str:
    """What is kept of a generated secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def derived_id(issuer: str, kind: str, name: str) -> str:
    """The id of an object that the configuration gives none: the same after every start."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{issuer}#{kind}/{name}"))


def load(path: str | Path) -> Config:
    """Reads the configuration; raises ConfigError."""
    path = Path(path)
    if path.stat().st_mode & stat.S_IRWXO:
        raise ConfigError(f"{path}: the file holds secrets and everybody may open it: chmod 600 {path}")
    data = yaml.safe_load(path.read_text())
    problems: list[str] = []
    if not isinstance(data, dict) or not isinstance(data.get("issuers"), list) or not data["issuers"] or not data.get("data"):
        raise ConfigError(f"{path}: expected a mapping with 'data' (a directory) and 'issuers' (a list that is not empty)")
    issuers = tuple(_issuer(each, f"issuers[{number}]", problems) for number, each in enumerate(data["issuers"]))
    for name, values in {"name": [i.name for i in issuers], "path": [i.prefix for i in issuers]}.items():
        if len(set(values)) != len(values):
            problems.append(f"issuers: two have the same {name}: {values}")
    if problems:
        raise ConfigError(f"{path}:\n" + "\n".join(f"  {problem}" for problem in problems))
    return Config(Path(data["data"]), issuers)


def _issuer(data: dict[str, Any], where: str, problems: list[str]) -> Issuer:
    _known(data, {"name", "url", "organisation", "lifetime", "key_overlap", "clients", "users", "groups"}, where, problems)
    url = str(data.get("url", ""))
    if urlsplit(url).scheme != "https" or not urlsplit(url).netloc:
        problems.append(f"{where}.url: expected https://host/..., found {url!r}")
    lifetime = int(data.get("lifetime", 3600))
    return Issuer(
        name=str(data.get("name", "")),
        url=url,
        organisation=str(data.get("organisation", data.get("name", ""))),
        lifetime=lifetime,
        key_overlap=int(data.get("key_overlap", 2 * lifetime)),
        clients=tuple(_client(each, f"{where}.clients[{number}]", problems) for number, each in enumerate(data.get("clients", []))),
        users=tuple(_user(each, url, f"{where}.users[{number}]", problems) for number, each in enumerate(data.get("users", []))),
        groups=tuple(_group(each, url, f"{where}.groups[{number}]", problems) for number, each in enumerate(data.get("groups", []))),
    )


def _client(data: dict[str, Any], where: str, problems: list[str]) -> Client:
    _known(data, {"id", "name", "secret", "secret_hash", "public", "scopes", "grants", "redirect_uris"}, where, problems)
    secret = _secret(data, "secret")
    if secret is None and not data.get("public"):
        problems.append(f"{where}: a client has 'secret', 'secret_hash' or 'public: true'")
    unknown = sorted(set(data.get("grants", [])) - set(GRANTS))
    problems.extend(f"{where}.grants: unknown {grant!r}, expected some of {sorted(GRANTS)}" for grant in unknown)
    identifier = str(data.get("id", ""))
    return Client(
        identifier,
        str(data.get("name", identifier)),
        secret,
        tuple(data.get("scopes", [])),
        tuple(data.get("grants", [])),
        tuple(data.get("redirect_uris", [])),
    )


def _user(data: dict[str, Any], issuer: str, where: str, problems: list[str]) -> User:
    optional = ("given_name", "family_name", "email", "active", "end_time", "service_account")
    _known(data, {"id", "username", "password", "password_hash", "groups", "certificates", "created", *optional}, where, problems)
    username = str(data.get("username", ""))
    if not USERNAME.match(username):
        problems.append(f"{where}.username: {username!r} is no user name of INDIGO IAM ({USERNAME.pattern})")
    plain = {key: data[key] for key in optional if key in data}
    return User(
        id=str(data.get("id") or derived_id(issuer, "user", username)),
        username=username,
        password=_secret(data, "password"),
        groups=tuple(str(name).strip("/") for name in data.get("groups", [])),
        certificates=tuple(Certificate(**each) for each in data.get("certificates", [])),
        created=str(data.get("created", LONG_AGO)),
        modified=str(data.get("created", LONG_AGO)),
        **plain,
    )


def _group(data: dict[str, Any], issuer: str, where: str, problems: list[str]) -> Group:
    _known(data, {"id", "name", "description", "optional"}, where, problems)
    name = str(data.get("name", "")).strip("/")
    if not GROUP.match(name):
        problems.append(f"{where}.name: {name!r} is no group name ({GROUP.pattern})")
    identifier = str(data.get("id") or derived_id(issuer, "group", name))
    return Group(identifier, name, str(data.get("description", "")), bool(data.get("optional", False)))


def _secret(data: dict[str, Any], key: str) -> Secret | None:
    if f"{key}_hash" in data:
        return Secret(salted=str(data[f"{key}_hash"]))
    return Secret(plain=str(data[key])) if key in data else None


def _known(data: dict[str, Any], keys: set[str], where: str, problems: list[str]) -> None:
    problems.extend(f"{where}: unknown key {key!r}, expected some of {sorted(keys)}" for key in data if key not in keys)
