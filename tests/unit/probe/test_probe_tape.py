# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tape check against answers in the shapes of the WLCG tape REST interface v1."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils import prober as probing
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.probe import Outcome, Place, Result, Target, TokenWish, checks
from ansible_collections.escape.datalake.plugins.plugin_utils.services.webdav import Deadline, Reply

DOOR, API = "https://se.example.org:1094", "https://tape.example.org/api/v1"
PLACE = Place("S1", "dcache", "9.2.47", "S1-SAFE", "SAFE", "/escape/safe", "/safe", "se.example.org", 1094, tape=True)
DISCOVERY = {"sitename": "S1", "endpoints": [{"uri": API, "version": "v1", "metadata": {}}]}


class Wallet:
    """Gives the wish itself in the place of a token."""

    issuers: dict[str, Any] = {}

    def get(self, wish: TokenWish) -> str:
        return " ".join(wish.scopes)


class TapeServer:
    """What a site's tape service answers. states: of the file, poll after poll."""

    def __init__(self, *states: str, **instead: Reply) -> None:
        self.states, self.instead, self.asked = list(states), instead, []  # type: ignore[var-annotated]

    def __call__(self, method: str, url: str, _within: Deadline, **call: Any) -> Reply:
        what = {DOOR + "/.well-known/wlcg-tape-rest-api": "discovery", API + "/archiveinfo": "archiveinfo", API + "/stage": "stage"}.get(
            url, "request"
        )
        what = f"{method.lower()}_{what}"
        self.asked.append((what, call["headers"].get("Authorization"), call["json"]))
        return self.instead.get(what) or self.answer(what, call["json"])

    def answer(self, what: str, asked: Any) -> Reply:
        if what == "get_discovery":
            return plain(200, DISCOVERY)
        if what == "post_archiveinfo":
            return plain(200, [{"path": path, "locality": "DISK"} for path in asked["paths"]])
        if what == "post_stage":
            return plain(201, {"requestId": "1-2-3"})
        if what == "get_request":
            state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
            return plain(200, {"id": "1-2-3", "files": [{"path": "/x", "state": state}]})
        return Reply(200)


def plain(status: int, data: Any) -> Reply:
    return Reply(status, {}, json.dumps(data).encode())


def result(monkeypatch: pytest.MonkeyPatch, server: TapeServer, timeout: float = 4.0) -> Result:
    monkeypatch.setattr(probing.time, "sleep", lambda _seconds: None)
    target = Target(place=PLACE, issuer="escape", other_scope="/fast")
    made = probing.Prober(Wallet(), timeout=timeout)  # type: ignore[arg-type]
    door = probing.WebdavDoor(PLACE.host, PLACE.port)
    made._doors[PLACE.host, PLACE.port] = door
    monkeypatch.setattr(door, "_once", server)
    return probing._Pass(made, target)._check(next(check for check in checks(target) if check.id == "tape"))


def test_a_file_is_staged_and_the_request_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    server = TapeServer("SUBMITTED", "STARTED", "COMPLETED")
    found = result(monkeypatch, server)
    assert (found.result, found.why) == (Outcome.OK, "")
    assert found.got == f"DISCOVER 200 ({API}), ARCHIVEINFO 200 (DISK), STAGE 201, POLL 200 (COMPLETED)"
    calls = ["get_discovery", "post_archiveinfo", "post_stage", "get_request", "get_request", "get_request", "delete_request"]
    assert [what for what, _token, _json in server.asked] == calls
    assert {token for what, token, _json in server.asked if what != "get_discovery"} == {"Bearer storage.stage:/safe storage.read:/safe"}
    path = server.asked[1][2]["paths"][0]
    assert path.startswith("/escape/safe/.probe-")
    assert server.asked[2][2] == {"files": [{"path": path}]}


def test_a_slow_tape_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    found = result(monkeypatch, TapeServer("STARTED"), timeout=0.2)
    assert found.result is Outcome.OK
    assert found.got.endswith("POLL 200 (STARTED)")


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (TapeServer("FAILED"), "the file is FAILED"),
        (TapeServer("COMPLETED", get_discovery=Reply(404)), "there is no end point to ask"),
        (TapeServer("COMPLETED", get_discovery=plain(200, {"endpoints": []})), "names no v1 end point"),
        (TapeServer("COMPLETED", post_archiveinfo=plain(200, [{"path": "/x", "error": "gone"}])), "no locality"),
        (TapeServer("COMPLETED", post_archiveinfo=Reply(200, {}, b"<html>")), "no locality"),
        (TapeServer("COMPLETED", post_stage=plain(201, {})), "no requestId"),
        (TapeServer("COMPLETED", post_stage=Reply(403)), "STAGE: 403"),
        (TapeServer("COMPLETED", get_request=Reply(500)), "POLL: 500"),
    ],
)
def test_each_wrong_answer_is_a_failure(monkeypatch: pytest.MonkeyPatch, server: TapeServer, words: str) -> None:
    found = result(monkeypatch, server)
    assert found.result is Outcome.FAILED
    assert words in found.why
