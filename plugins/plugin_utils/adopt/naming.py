# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the readers of all systems do alike: names, labels, and facts that only a name tells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.escape.datalake.plugins.plugin_utils.model import qos
from ansible_collections.escape.datalake.plugins.plugin_utils.model.kinds import HOST_PATTERN

MEDIA_WORDS: Mapping[str, str] = {
    "nvme": "nvme",
    "ssd": "ssd",
    "flash": "ssd",
    "hdd": "hdd",
    "sata": "hdd",
    "sas": "hdd",
    "spinning": "hdd",
    "tape": "tape",
    "hsm": "tape",
}
CLASS_WORDS: Mapping[str, str] = {
    "safe": "SAFE",
    "fast": "FAST",
    "cheap": "CHEAP-ANALYSIS",
    "analysis": "CHEAP-ANALYSIS",
    "opportunistic": "OPPORTUNISTIC",
    "scratch": "OPPORTUNISTIC",
    "opport": "OPPORTUNISTIC",
}


def medium_named(names: Iterable[str]) -> str | None:
    """The medium that a word in a name stands for; the first name that has one counts."""
    for name in names:
        for word in _words(name):
            if word in MEDIA_WORDS:
                return MEDIA_WORDS[word]
    return None


def class_of(name: str, facts: qos.Facts | None, others: Sequence[str] = ()) -> str:
    """A class that facts earn: the one that the area's name, or others', stands for, else the best one that is earned.

    Where the facts are not known, the name decides, and the model will ask for the facts.
    """
    earned = qos.claimable(qos.BUILT_IN, facts) if facts else ["OPPORTUNISTIC", *qos.BUILT_IN]
    for text in (name, *others):
        for word in _words(text):
            if CLASS_WORDS.get(word) in earned:
                return CLASS_WORDS[word]
    return earned[0] if earned else "OPPORTUNISTIC"


def full_name(hostname: str, addresses: Iterable[str]) -> str:
    """The host's full name: its own, or the one of an address that begins with it; as it is where none has a dot."""
    if "." in hostname:
        return hostname.lower()
    for address in addresses:
        found = (urlsplit(address).hostname if "://" in address else address) or ""
        if found.split(".")[0] == hostname.lower() and "." in found and re.fullmatch(HOST_PATTERN, found):
            return found
    return hostname.lower()


def area_name(path: str, taken: Iterable[str] = ()) -> str:
    """A name of an area: the last part of its path, with a number when that is taken."""
    words = re.findall(r"[A-Za-z0-9]+", path.rstrip("/").rpartition("/")[2]) or ["data"]
    name = "-".join(words).lower()
    known = set(taken)
    return name if name not in known else next(f"{name}-{number}" for number in range(2, len(known) + 3) if f"{name}-{number}" not in known)


def label(text: str, fallback: str = "site") -> str:
    """A label of the model made of any text."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-_") or fallback


def storage_name(site: str, suffix: str) -> str:
    """The name of a storage of a site: capital letters, single hyphens."""
    return "-".join(re.findall(r"[A-Za-z0-9]+", f"{site}-{suffix}")).upper()


def site_named(hostname: str) -> str:
    """A site's label from the domain of its host: EXAMPLE of se.example.org."""
    parts = hostname.split(".")
    return label(parts[-2].upper() if len(parts) > 2 else parts[0].upper(), "SITE")


def issuer_entry(url: str, access: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """An entry of ``datalake_lake.issuers``."""
    entry: dict[str, Any] = {"url": url}
    if not url.endswith("/"):
        entry["exact"] = True
    if access:
        entry["access"] = [dict(each) for each in access]
    return entry


def _words(name: str) -> list[str]:
    """The words of a name, without numbers at their end."""
    return [word.rstrip("0123456789") for word in re.findall(r"[a-z0-9]+", name.lower())]
