# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Discovery document of the tape REST API (``.well-known/wlcg-tape-rest-api``), a JSON file that dCache serves as it is.

Source: WLCG Tape REST API v1; dCache skel/var/httpd/wlcg-tape-rest-api.json.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.formats import json_text
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.json_text import JsonText

SHIPPED_PATH = "/var/lib/dcache/httpd/wlcg-tape-rest-api.json"


@dataclass(frozen=True)
class Endpoint:
    """uri: ``https://HOST:3880/api/v1/tape``. version: ``v1``."""

    uri: str
    version: str = "v1"


def parse(text: str) -> JsonText:
    return json_text.parse(text)


def render(sitename: str, description: str, endpoints: tuple[Endpoint, ...]) -> str:
    """A fresh document."""
    listed = [{"uri": endpoint.uri, "version": endpoint.version, "metadata": {}} for endpoint in endpoints]
    return json_text.render({"sitename": sitename, "description": description, "endpoints": listed})


def endpoints(document: JsonText) -> tuple[Endpoint, ...]:
    """The endpoints that can be read."""
    listed = document.value.get("endpoints") if isinstance(document.value, dict) else None
    return tuple(
        Endpoint(entry["uri"], str(entry.get("version", "")))
        for entry in (listed if isinstance(listed, list) else [])
        if isinstance(entry, dict) and isinstance(entry.get("uri"), str)
    )


def problems(document: JsonText) -> tuple[tuple[int, str], ...]:
    """(line, what is missing or of a wrong type)."""
    if document.problem:
        return ((document.problem_line, f"is no JSON: {document.problem}"),)
    value = document.value
    if not isinstance(value, dict):
        return ((1, "must be an object with sitename and endpoints"),)
    found: list[tuple[int, str]] = []
    if not isinstance(value.get("sitename"), str) or not value["sitename"]:
        found.append((document.line(("sitename",)), "sitename must be a text"))
    listed = value.get("endpoints")
    if not isinstance(listed, list) or not listed:
        return (*found, (document.line(("endpoints",)), "endpoints must be a list that is not empty"))
    for index, entry in enumerate(listed):
        found += [(document.line(("endpoints", index)), problem) for problem in _entry_problems(entry)]
    return tuple(found)


def _entry_problems(entry: Any) -> list[str]:
    if not isinstance(entry, dict):
        return ["an endpoint must be an object with uri and version"]
    found = []
    uri = entry.get("uri")
    if not isinstance(uri, str) or not uri.startswith("https://"):
        found.append("uri must be an https URL")
    if not isinstance(entry.get("version"), str) or not entry["version"]:
        found.append("version must be a text such as v1")
    return found
