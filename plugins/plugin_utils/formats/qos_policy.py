# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""QoS policies (dCache 9.2 and later): JSON documents that an administrator uploads once.

Source: dCache DefaultQoSPolicyJsonDeserializer.java, TimeUtils.validateDuration (java.time.Duration.parse).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.formats import json_text
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.json_text import JsonText

NAME_LENGTH = 64
_DURATION = re.compile(
    r"[+-]?P(?!\Z)(?:[+-]?[0-9]+D)?(?:T(?!\Z)(?:[+-]?[0-9]+H)?(?:[+-]?[0-9]+M)?(?:[+-]?[0-9]+(?:\.[0-9]{0,9})?S)?)?\Z",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True)
class Medium:
    """storage_medium: DISK or HSM. copies: of DISK. partition_keys: pool tags on which copies must differ. instance: of HSM, or ""."""

    storage_medium: str
    copies: int = 1
    partition_keys: tuple[str, ...] = ()
    instance: str = ""


@dataclass(frozen=True)
class State:
    """duration: ISO days to seconds (``P30D``), "" for ever."""

    media: tuple[Medium, ...]
    duration: str = ""


@dataclass(frozen=True)
class Policy:
    name: str
    states: tuple[State, ...]


def parse(text: str) -> JsonText:
    return json_text.parse(text)


def render(policy: Policy) -> str:
    """A fresh document."""
    states = []
    for state in policy.states:
        entry: dict[str, Any] = {"duration": state.duration} if state.duration else {}
        states.append({**entry, "media": [_medium(medium) for medium in state.media]})
    return json_text.render({"name": policy.name, "states": states})


def _medium(medium: Medium) -> dict[str, Any]:
    if medium.storage_medium == "HSM":
        return {"storageMedium": "HSM", **({"instance": medium.instance} if medium.instance else {})}
    keys = {"partitionKeys": list(medium.partition_keys)} if medium.partition_keys else {}
    return {"storageMedium": "DISK", "numberOfCopies": medium.copies, **keys}


def policy_of(document: JsonText) -> Policy:
    """The policy of a document without problems."""
    return Policy(
        document.value["name"],
        tuple(
            State(
                tuple(
                    Medium(m["storageMedium"], m.get("numberOfCopies", 1), tuple(m.get("partitionKeys", ())), m.get("instance", ""))
                    for m in state["media"]
                ),
                state.get("duration", ""),
            )
            for state in document.value["states"]
        ),
    )


def is_duration(text: str) -> bool:
    """Whether dCache takes it: days, hours, minutes and seconds; no months, years or weeks, no ``INF``."""
    return bool(_DURATION.match(text))


def problems(document: JsonText) -> tuple[tuple[int, str], ...]:
    """(line, why dCache refuses the policy)."""
    if document.problem:
        return ((document.problem_line, f"is no JSON: {document.problem}"),)
    value = document.value
    if not isinstance(value, dict):
        return ((1, "must be an object with name and states"),)
    found: list[tuple[int, str]] = []
    name = value.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= NAME_LENGTH:
        found.append((document.line(("name",)), f"name must be a text of 1 to {NAME_LENGTH} characters"))
    states = value.get("states")
    if not isinstance(states, list) or not states:
        return (*found, (document.line(("states",)), "states must be a list that is not empty"))
    for index, state in enumerate(states):
        found += _state_problems(document, ("states", index), state, last=index == len(states) - 1)
    return tuple(found)


def _state_problems(document: JsonText, path: json_text.Path, state: Any, *, last: bool) -> list[tuple[int, str]]:
    if not isinstance(state, dict):
        return [(document.line(path), "a state must be an object")]
    found = []
    duration = state.get("duration")
    if duration is None and not last:
        found.append((document.line(path), "only the last state may lack a duration: the states after it are never reached"))
    if duration is not None and not (isinstance(duration, str) and is_duration(duration)):
        line = document.line((*path, "duration"))
        found.append((line, f"duration {duration!r} is refused: days to seconds only (P30D, PT12H), no weeks, months, years or INF"))
    media = state.get("media")
    if not isinstance(media, list):
        return [*found, (document.line(path), "a state needs a list media")]
    for index, medium in enumerate(media):
        found += [(document.line((*path, "media", index)), problem) for problem in _medium_problems(medium)]
    return found


def _medium_problems(medium: Any) -> list[str]:
    if not isinstance(medium, dict):
        return ["a medium must be an object"]
    kind = medium.get("storageMedium")
    if kind not in ("DISK", "HSM"):
        return [f"storageMedium {kind!r} is neither DISK nor HSM"]
    copies = medium.get("numberOfCopies")
    found = []
    if kind == "DISK" and (not isinstance(copies, int) or isinstance(copies, bool)):
        found.append("DISK needs numberOfCopies, a number")
    keys = medium.get("partitionKeys", [])
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        found.append("partitionKeys must be a list of tag names")
    return found
