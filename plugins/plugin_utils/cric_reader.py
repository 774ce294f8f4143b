# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading a CRIC as a whole, from its address or files, with the last good copy in reserve. Needs no Ansible."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ansible_collections.escape.datalake.plugins.plugin_utils.cric.wanted import CricState
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cric_ddmendpoint import listing_from_ddmendpoints
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cric_doma import listing_from_views
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cric_downtime import downtimes_from, exclusions_from
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cric_listing import renamed
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cric_service import services_from, sites_from
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.services.cric import DOMA_FILE, EVERY_STATE, PLAIN_FILE, CricClient
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError
from ansible_collections.escape.datalake.plugins.plugin_utils.services.kept_copy import Kept, KeptCopy

View = Literal["auto", "doma", "ddmendpoint"]
Extra = Literal["services", "sites", "downtimes", "status"]
EXTRAS: tuple[Extra, ...] = ("services", "sites", "downtimes", "status")
DDMENDPOINT_FILE = "ddmendpoint.json"
CORE: Mapping[str, str] = {
    "services": "api/core/service/query/?json&type=SE&state=ANY",
    "sites": "api/core/rcsite/query/?json&state=ANY",
    "downtimes": "api/core/downtime/query/?json",
}
DAY = 86400.0
NOT_FOUND = 404
NOT_OFFERED: Mapping[str, Any] = {}  # stands for an extra document that this CRIC does not serve


@dataclass(frozen=True)
class CricSource:
    """Where and what to read.

    view: shape of the answers; auto is ddmendpoint for the application atlas, for a directory with such a file, and for a file that looks
    so. extras: further documents. names: name in Rucio by name in CRIC. copies: folder of the last good copy, None to keep none.
    copy_age: the oldest copy that may be used, seconds.
    """

    client: CricClient
    view: View = "auto"
    extras: tuple[Extra, ...] = ()
    names: Mapping[str, str] | None = None
    copies: Path | None = None
    copy_age: float = 7 * DAY

    @property
    def kept(self) -> KeptCopy | None:
        """The copy of what this source reads."""
        if self.copies is None:
            return None
        return KeptCopy(self.copies, " ".join([self.client.url, self.client.application, self.view, *sorted(self.extras)]))


@dataclass(frozen=True)
class CricRead:
    """What was read, and the way to keep it as the last good copy once it is believed."""

    state: CricState
    documents: Mapping[str, Any]
    kept: KeptCopy | None = None

    def keep(self) -> list[str]:
        """Keeps the documents, unless they are the copy themselves; what is to be told of it."""
        try:
            if self.kept and not self.state.copy_because:
                self.kept.keep(self.documents, self.state.fetched)
        except OSError as problem:
            return [f"the copy of what CRIC answered could not be written, there is none for the day on which CRIC is down: {problem}"]
        return []


def read_cric(source: CricSource, now: Callable[[], float] = time.time) -> CricRead:
    """Reads all documents. Where one cannot be had, or is no answer of its kind, the last good copy of all of them takes their place.

    Raises ApiError where there is no such copy, or where it is too old.
    """
    try:
        documents = _documents(source)
    except ApiError as problem:
        kept = source.kept.read() if source.kept else None
        age = now() - kept.fetched if kept else 0.0
        if kept is None or age > source.copy_age:
            raise
        because = f"CRIC could not be read ({problem}); this is the copy of {age_words(age)} ago"
        return CricRead(_state(source, kept, because), kept.documents, source.kept)
    return CricRead(_state(source, Kept(documents, now())), documents, source.kept)


def age_words(seconds: float) -> str:
    """An age for people."""
    for unit, size in (("days", DAY), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} seconds"


def _documents(source: CricSource) -> dict[str, Any]:
    client = source.client
    if client.is_file:
        document = client.document("", DOMA_FILE)
        as_doma = source.view == "doma" or (source.view == "auto" and isinstance(document, dict) and "rses" in document)
        documents = {"doma": document} if as_doma else {"ddmendpoint": document}
    elif source.view == "ddmendpoint" or (source.view == "auto" and (client.application == "atlas" or not client.has(DOMA_FILE))):
        documents = {"ddmendpoint": client.document(f"api/{client.application}/ddmendpoint/query/?json{EVERY_STATE}", DDMENDPOINT_FILE)}
    else:
        query = f"api/{client.application}/rse/query/?json{EVERY_STATE}"
        documents = {"plain": client.document(query, PLAIN_FILE)} if client.has(PLAIN_FILE) else {}
        documents["doma"] = client.document(f"{query}&preset=doma", DOMA_FILE)
    for extra in source.extras:
        if not client.is_file and client.has(f"{extra}.json"):
            status = f"api/{client.application}/ddmendpointstatus/query/?json"
            try:
                documents[extra] = client.document(CORE.get(extra, status), f"{extra}.json")
            except ApiError as problem:
                if problem.status != NOT_FOUND:
                    raise
                documents[extra] = NOT_OFFERED
    for name, document in documents.items():
        if document is not NOT_OFFERED:
            _check(client.url, name, document)
    return documents


def _check(url: str, name: str, document: Any) -> None:
    """Raises ApiError for what is no answer of its kind at all; what is wrong with single objects is the readers' business."""
    good = isinstance(document, dict) or (name == "downtimes" and isinstance(document, list))
    if good and name == "doma":
        good = isinstance(document.get("rses"), dict) and isinstance(document.get("distances", {}), dict)
    if good and isinstance(document, dict) and set(document) & {"error", "errors", "exception"} and name != "doma":
        good = any(isinstance(each, dict | list) for each in document.values())
    if not good:
        raise ApiError("CRIC", "GET", url, None, f"the document {name} is not of its kind: check the address, the application and the view")


def _state(source: CricSource, held: Kept, copy_because: str = "") -> CricState:
    documents, url = held.documents, source.client.url
    if "doma" in documents:
        listing = listing_from_views(documents.get("plain"), documents["doma"])
    else:
        listing = listing_from_ddmendpoints(documents.get("ddmendpoint"))
    not_offered = tuple(
        Problem(f"CRIC {name}", "are not served by this instance (404).", "Leave them out of extras.")
        for name, document in documents.items()
        if document is NOT_OFFERED
    )
    services, service_problems = services_from(documents.get("services", {}))
    sites, site_problems = sites_from(documents.get("sites", {}))
    downtimes, downtime_problems = downtimes_from(documents.get("downtimes", {}))
    exclusions, status_problems = exclusions_from(documents.get("status", {}))
    return CricState(
        url=url,
        listing=renamed(listing, source.names or {}),
        sites=sites,
        services=services,
        downtimes=downtimes,
        exclusions={(source.names or {}).get(name, name): flags for name, flags in exclusions.items()},
        problems=(*not_offered, *service_problems, *site_problems, *downtime_problems, *status_problems),
        fetched=held.fetched,
        copy_because=copy_because,
    )
