# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Storage resource reports over HTTP or from files."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError, HttpClient, Tls, read_json


def fetch_report(url: str, tls: Tls | None = None, timeout: float = 30.0) -> Any:
    """The document at an address, a path or ``file:///path``; raises ApiError where there is none that is JSON."""
    if url.lower().startswith(("http://", "https://")):
        answer = HttpClient("SRR", url, tls=tls, timeout=timeout, read_only=True).request("GET", url)
        raw, status = answer.content, answer.status_code
    else:
        status = None
        try:
            raw = Path(unquote(urlsplit(url).path) if url.startswith("file:") else url).expanduser().read_bytes()
        except OSError as problem:
            raise ApiError("SRR", "read", url, None, f"the report cannot be read: {problem}") from problem
    try:
        return read_json(raw)
    except ValueError:
        raise ApiError("SRR", "GET", url, status, "the report is not JSON: is this its address, or a log-in page before it?") from None
