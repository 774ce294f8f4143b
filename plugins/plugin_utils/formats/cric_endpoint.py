# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""End points of CRIC's services: texts like ``davs://se.example.org:443/path/?SFN=``, in all the ways that people enter them.

Untidiness seen in published answers of ``core/service`` (cric.md section 8): no scheme (only the key or the flavour tells it), no port,
a trailing slash, the path inside, ``/srm/managerv2?SFN=``, the place holder ``storm://example.com:0``, a mistyped port.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

# What CRIC calls the protocols: the scheme of the address.
SCHEMES: Mapping[str, str] = {
    "webdav": "davs",
    "davs": "davs",
    "dav": "dav",
    "http": "https",
    "https": "https",
    "xrootd": "root",
    "xroot": "root",
    "root": "root",
    "alien": "root",
    "srm": "srm",
    "srmv2": "srm",
    "gsiftp": "gsiftp",
    "gridftp": "gsiftp",
    "globus": "globus",
    "storm": "storm",
    "s3": "s3",
    "gcs": "gs",
}
# rucio/probes:atlas/check_sync_rses_with_cric; everything else counts as 8443 there.
DEFAULT_PORTS: Mapping[str, int] = {
    "https": 443,
    "davs": 443,
    "gsiftp": 2811,
    "root": 1094,
    "storm": 1094,
    "globus": 0,
    "http": 80,
    "dav": 80,
}
OTHER_PORT = 8443
MISTYPED: Mapping[int, int] = {433: 443, 1904: 1094, 8433: 8443}
PLACE_HOLDERS = re.compile(r"(?:.*\.)?(?:example\.(?:com|org|net)|localhost)")
ENDPOINT = re.compile(
    r"(?:(?P<scheme>[a-z][a-z0-9+.-]*)://)?(?P<host>\[[0-9a-f:]+\]|[a-z0-9_.-]+)(?::(?P<port>[0-9]*))?(?P<path>/[^?#\s]*)?(?P<query>\?[^\s]*)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Endpoint:
    """A door. path: the path that stood in the text, without doubled and trailing slashes, empty for none. service_path: that of SRM.

    notes: what is odd about it, for people.
    """

    scheme: str
    host: str
    port: int
    path: str = ""
    service_path: str = ""
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"


def parse_endpoint(text: str, flavour: str = "") -> Endpoint | None:
    """The door that a text names; None where it names none. flavour: CRIC's word for the protocol, used where the text has no scheme."""
    match = ENDPOINT.fullmatch(text.strip())
    if match is None:
        return None
    host = match["host"].lower().strip(".")
    given = (match["scheme"] or "").lower()
    scheme = SCHEMES.get(given, given) if given != "http" else "http"
    scheme = scheme or SCHEMES.get(flavour.strip().lower(), "")
    if not scheme or not host:
        return None
    notes = []
    port = int(match["port"]) if match["port"] else DEFAULT_PORTS.get(scheme, OTHER_PORT)
    if port > 65535:
        return None
    if not match["port"]:
        notes.append(f"no port, {port} is meant")
    if port in MISTYPED:
        notes.append(f"port {port} looks like a mistyped {MISTYPED[port]}")
    query = match["query"] or ""
    path = re.sub(r"/+", "/", match["path"] or "").rstrip("/")
    service_path = f"{path}?SFN=" if query.upper().startswith("?SFN=") else ""
    if service_path:
        path = re.sub(r"/+", "/", query[len("?SFN=") :]).rstrip("/")
    return Endpoint(scheme, host, port, path, service_path, tuple(notes))


def is_place_holder(endpoint: Endpoint) -> bool:
    """Whether an end point only fills a field that had to be filled: ``storm://example.com:0``."""
    return bool(PLACE_HOLDERS.fullmatch(endpoint.host)) and endpoint.port == 0
