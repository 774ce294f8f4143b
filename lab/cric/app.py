# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An information system for the lab that answers like CRIC. A stand-in: its writer is an invention, the real CRIC has no such call known.

Run by one process, because it keeps its data itself::

    gunicorn --workers 1 --threads 8 --bind 0.0.0.0:443 --certfile host.pem --keyfile host.key \\
        'lab.cric.app:create_app("/etc/datalake-cric/config.yml")'
"""

from __future__ import annotations

import hmac
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from flask import Flask, Response, json, render_template, request

from .catalogue import ANY, STATE_FILTERS, Catalogue

UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB")


class ConfigError(Exception):
    """A configuration that cannot be used."""


@dataclass(frozen=True)
class Config:
    """data: the directory of the catalogue. token: what a writer must show, None when nobody may write."""

    data: Path
    token: str | None


def load(path: str | Path) -> Config:
    """Reads the configuration; raises ConfigError."""
    path = Path(path)
    data = yaml.safe_load(path.read_text())
    if not isinstance(data, dict) or not data.get("data") or set(data) - {"data", "writer"}:
        raise ConfigError(f"{path}: expected 'data' (a directory) and optionally 'writer: {{enabled: true, token: ...}}', found {data!r}")
    writer = data.get("writer") or {}
    if not writer.get("enabled"):
        return Config(Path(data["data"]), None)
    if not writer.get("token"):
        raise ConfigError(f"{path}: writer.enabled without writer.token would let everybody write: set a token")
    if path.stat().st_mode & stat.S_IRWXO:
        raise ConfigError(f"{path}: the file holds a secret and everybody may open it: chmod 600 {path}")
    return Config(Path(data["data"]), str(writer["token"]))


def create_app(config_path: str) -> Flask:
    """The application for a configuration file; raises ConfigError."""
    config = load(config_path)
    catalogue = Catalogue(config.data / "catalogue.json")
    app = Flask(__name__)

    @app.get("/")
    def page() -> str:
        rses = [_row(record) for record in catalogue.rses(dict.fromkeys(STATE_FILTERS, ANY)).values()]
        return render_template("rses.html", rses=rses, writable=config.token is not None)

    @app.get("/health")
    def health() -> Response:
        return _json({"status": "UP"})

    @app.get("/api/doma/rse/query/")
    @app.get("/api/doma/rse/query/list/")
    def rses() -> Response:
        if "json" not in request.args:
            return _error(400, "the stand-in answers only in JSON: add the parameter 'json'")
        preset = request.args.get("preset")
        if preset not in (None, "doma"):
            return _error(400, f"unknown preset {preset!r}, expected doma")
        return _json(catalogue.doma_view(request.args) if preset else catalogue.plain_view(request.args))

    @app.get("/api/core/service/query/")
    @app.get("/api/core/service/query/list/")
    def services() -> Response:
        if "json" not in request.args:
            return _error(400, "the stand-in answers only in JSON: add the parameter 'json'")
        found = catalogue.services(request.args)
        if request.args.get("groupby") != "rcsite":
            return _json(found)
        grouped: dict[str, list[Any]] = {}
        for service in found.values():
            grouped.setdefault(service.get("rcsite", ""), []).append(service)
        return _json(grouped)

    @app.get("/api/core/rcsite/query/")
    def sites() -> Response:
        return _json(catalogue.sites())

    @app.get("/api/core/downtime/query/")
    def downtimes() -> Response:
        return _json(catalogue.kept("downtimes"))

    @app.get("/api/doma/ddmendpointstatus/query/")
    def status() -> Response:
        return _json(catalogue.kept("status"))

    @app.post("/api/doma/rse/update/set_data/")
    def write() -> Response:
        if config.token is None:
            return _error(403, "writing is not enabled in the configuration of this instance (writer.enabled)")
        scheme, _blank, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(token.encode(), config.token.encode()):
            return _error(401, "a writer shows the token of the configuration: Authorization: Bearer ...")
        body: Any = request.get_json(silent=True)
        known = isinstance(body, dict) and set(body) <= {"rses", "distances"}
        if not known or not all(isinstance(part, dict) for part in body.values()):
            return _error(400, "expected a JSON object with the objects 'rses' and 'distances'")
        return _json(catalogue.change(body.get("rses", {}), body.get("distances", {})))

    return app


def _row(record: dict[str, Any]) -> dict[str, Any]:
    """What the page shows of an RSE."""
    states = {label: record[field] for label, field in (("RSE", "state"), ("site", "site_state"), ("RC site", "rc_site_state"))}
    off = [f"{label} {state}" for label, state in states.items() if state != "ACTIVE"]
    return {
        "name": record["name"],
        "site": record["site"],
        "qos": record["params"].get("QOS", ""),
        "state": ", ".join(off) or "ACTIVE",
        "active": not off,
        "doors": [f"{each['scheme']}://{each['hostname']}:{each['port']}{each['prefix']}" for each in record["protocols"]],
        "space": _size(record["space"]),
        "updated": record.get("updated_at", "").replace("T", " "),
    }


def _size(count: float | None) -> str:
    if not count:
        return "unknown"
    unit = 0
    while count >= 1000 and unit < len(UNITS) - 1:
        count, unit = count / 1000, unit + 1
    return f"{count:.4g} {UNITS[unit]}"


def _json(body: Any, status: int = 200) -> Response:
    indent = None if request.args.get("json_pretty") == "0" else 1
    return Response(json.dumps(body, indent=indent, sort_keys=True) + "\n", status, content_type="application/json")


def _error(status: int, words: str) -> Response:
    return _json({"error": words}, status)
