# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The JSON messages that dCache sends to Kafka. Source: dCache org/dcache/notification/*Serializer.java; dcache.md section 6.1."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.model.paths import is_below

WORDS = {
    "request": "asked for",
    "remove": "deleted",
    "store": "stored on tape",
    "restore": "staged from tape",
    "hit": "found on a pool",
    "warning": "warned about",
}


@dataclass(frozen=True)
class Message:
    """kind: ``transfer``, ``request``, ``remove``, ``store``, ``restore``, ``hit`` or ``warning``. path: in the name space, empty where the
    message has none. code: 0 for what succeeded. data: as dCache sent it.
    """

    kind: str
    path: str
    code: int
    data: dict[str, Any]

    @property
    def words(self) -> str:
        """What happened, for people."""
        transfers = {"write": "written", "read": "read"}
        what = transfers.get(str(self.data.get("isWrite")), "transferred") if self.kind == "transfer" else WORDS.get(self.kind, self.kind)
        return what if self.code == 0 else f"{what}, with error {self.code}"

    def as_dict(self) -> dict[str, Any]:
        """For results and rules."""
        return {"kind": self.kind, "path": self.path, "date": self.data.get("date", ""), "code": self.code, "data": self.data}


def parse(text: bytes) -> Message | None:
    """None for what is no message of dCache: others may send to the same topic."""
    try:
        data = json.loads(text)
    except ValueError:
        return None
    if not isinstance(data, dict) or not isinstance(data.get("msgType"), str):
        return None
    status = data.get("status")
    code = status.get("code") if isinstance(status, dict) else 0
    path = data.get("billingPath") or data.get("transferPath") or ""
    return Message(data["msgType"], str(path), code if isinstance(code, int) else 0, data)


def concerns(message: Message, directories: Sequence[str]) -> bool:
    """Whether a message is about a file in one of the directories, however deep."""
    return any(is_below(message.path, directory) for directory in directories)
