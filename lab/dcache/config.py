"""Configuration of the stand-in (see example.yml)."""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

KEYS = {"data", "release", "poolmanager", "layouts", "pools", "directories", "free", "ssh", "rest", "wellknown"}
POOL_MANAGER = "/var/lib/dcache/config/poolmanager.conf"
WELLKNOWN = "/var/lib/dcache/httpd/wlcg-tape-rest-api.json"


class ConfigError(Exception):
    """A configuration that cannot be used."""


@dataclass(frozen=True)
class Ssh:
    """host_key: private key of the server, made when it is missing. authorized_keys: keys of those who may log in as user."""

    port: int = 22224
    host: str = "127.0.0.1"
    host_key: Path = Path("ssh_host_key")
    user: str = "admin"
    password: str = ""
    authorized_keys: Path | None = None


@dataclass(frozen=True)
class Issuer:
    """keys: file with its key set (JWKS), None to fetch it from the issuer. ca: authorities for fetching."""

    url: str
    keys: Path | None = None
    ca: str | None = None


@dataclass(frozen=True)
class Rest:
    """users: password and roles by name, for Basic. admin_groups: groups of tokens whose members may claim the role admin."""

    port: int = 3880
    host: str = "127.0.0.1"
    certificate: Path = Path("hostcert.pem")
    key: Path = Path("hostkey.pem")
    audiences: tuple[str, ...] = ()
    issuers: tuple[Issuer, ...] = ()
    users: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    admin_groups: tuple[str, ...] = ()
    qos_groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Config:
    """pools: directory by name of the pools that run. free: bytes that each link group may hand out."""

    data: Path
    release: tuple[int, int, int]
    poolmanager: Path
    wellknown: Path
    pools: Mapping[str, str]
    directories: tuple[str, ...]
    free: int
    ssh: Ssh
    rest: Rest | None


def load(path: str | Path) -> Config:
    """Reads the configuration; raises ConfigError."""
    path = Path(path)
    data = yaml.safe_load(path.read_text())
    if not isinstance(data, dict) or not data.get("data") or set(data) - KEYS:
        raise ConfigError(f"{path}: expected a mapping with 'data' and some of {', '.join(sorted(KEYS))}")
    secrets = [(data.get("ssh") or {}).get("password"), (data.get("rest") or {}).get("users")]
    if any(secrets) and path.stat().st_mode & stat.S_IRWXO:
        raise ConfigError(f"{path}: the file holds a secret and everybody may open it: chmod 600 {path}")
    home = Path(data["data"])
    pools = pools_of_layouts(data.get("layouts") or [])
    pools.update(data.get("pools") or {})
    ssh: dict[str, Any] = data.get("ssh") or {}
    try:
        return Config(
            home,
            _release(str(data.get("release", "9.2.47"))),
            Path(data.get("poolmanager", POOL_MANAGER)),
            Path(data.get("wellknown", WELLKNOWN)),
            pools,
            tuple(data.get("directories") or ["/"]),
            int(data.get("free", 10**16)),
            Ssh(**_paths({"host_key": home / "ssh_host_key", **ssh}, "host_key", "authorized_keys")),
            _rest(data["rest"]) if data.get("rest") else None,
        )
    except TypeError as problem:
        raise ConfigError(f"{path}: {problem}") from problem


def pools_of_layouts(layouts: list[str]) -> dict[str, str]:
    """Name and directory of the pools that dCache layouts define with plain values."""
    found: dict[str, str] = {}
    for layout in layouts:
        for section in Path(layout).read_text().split("[")[1:]:
            settings = dict(re.findall(r"(?m)^\s*(pool\.(?:name|path))\s*[=:]\s*(\S+)", section))
            if "pool.name" in settings:
                found[settings["pool.name"]] = settings.get("pool.path", "")
    return found


def _rest(data: dict[str, Any]) -> Rest:
    issuers = tuple(Issuer(**_paths(each, "keys")) for each in data.get("issuers") or [])
    given = _paths(data, "certificate", "key") | {"issuers": issuers}
    given |= {name: tuple(data[name]) for name in ("audiences", "admin_groups", "qos_groups") if name in data}
    return Rest(**given)


def _paths(data: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {key: Path(value) if key in names and value else value for key, value in data.items()}


def _release(text: str) -> tuple[int, int, int]:
    numbers = [int(number) for number in re.findall(r"\d+", text)][:3]
    return tuple([*numbers, 0, 0, 0][:3])  # type: ignore[return-value]
