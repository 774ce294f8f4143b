"""From the bytes that CRIC answers to Rucio: whatever they are, they are refused in words, or take no more away than the guard allows."""

from __future__ import annotations

import copy
import json
import tempfile
from pathlib import Path
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.cric.inventory import inventory_of
from ansible_collections.escape.datalake.plugins.plugin_utils.cric.report import cric_facts
from ansible_collections.escape.datalake.plugins.plugin_utils.cric.wanted import AVAILABILITY, wanted_from_cric
from ansible_collections.escape.datalake.plugins.plugin_utils.cric_reader import EXTRAS, CricRead, CricSource, read_cric
from ansible_collections.escape.datalake.plugins.plugin_utils.guard import Guard, Limit
from ansible_collections.escape.datalake.plugins.plugin_utils.lake_sync import synchronise
from ansible_collections.escape.datalake.plugins.plugin_utils.model.distance_rules import Declared, Rule
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.lake import LakeOptions
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.rses import Purge
from ansible_collections.escape.datalake.plugins.plugin_utils.services.cric import CricClient
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from lake_model import RucioModel, key_of

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures/cric"
DOMA = {name: json.loads((FIXTURES / f"{name}.json").read_text()) for name in ("doma", "plain", "services")}
MORE: dict[str, Any] = {
    "sites": {"pic": {"latitude": "41.5", "longitude": 2.1, "country": "ES", "state": "ACTIVE", "timezone": "Europe/Madrid"}},
    "downtimes": {"1": {"rc_site": "pic", "severity": "OUTAGE", "start_time": 0, "end_time": "2000-01-01T00:00:00"}},
    "status": {"CNAF-STORM": {"write_wan": {"status": {"value": "ON"}}}},
}
END_POINTS = {"ddmendpoint": json.loads((FIXTURES / "ddmendpoint.json").read_text()), "services": DOMA["services"]}
VIEWS = [{**DOMA, **MORE}, {**END_POINTS, **MORE}]
# Two removals and one closed RSE at most; a source that lost half of its RSEs takes nothing.
LIMITS = Guard(removals=Limit(2, 100.0), disabling=Limit(1, 100.0), shrink_percent=50.0)
OPTIONS = LakeOptions(guard=LIMITS, purge=Purge(("*",), ("*",)), purge_distances=True, absent="disable")

NONSENSE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**30, -(10**30), float("nan"), float("inf"), "\ud800", "\x00", "é" * 300, "{{ 1 }}", "<b>", "1_0", "٣"]),
    st.text(max_size=6),
    st.sampled_from(["0", "-1", "443", "70000", "DISABLED", "TEST", "davs://h:1/p", "storm://example.com:0", "2026-13-45"]),
    st.sampled_from([[], {}, [None], [[]], {"": ""}, {"read": "1"}, {"distance": "x"}]),
)
REMOVED, RENAMED = object(), object()
NAMES = ["doma", "plain", *END_POINTS, *MORE]
DAMAGE = st.tuples(st.sampled_from(NAMES), st.integers(0, 10**6), NONSENSE | st.sampled_from([REMOVED, RENAMED]))
SPOILED = st.none() | st.tuples(st.integers(0, 10**5), st.sampled_from([b"", b"\xff", b"[" * 5000, b"<html>log in</html>"]))


def places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    below = document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    return [path, *(place for key, value in below for place in places(value, (*path, key)))]


def damage(documents: dict[str, Any], name: str, number: int, value: Any) -> None:
    if name not in documents:
        return
    every = places(documents[name])
    path = every[number % len(every)]
    holder: Any = documents
    for key in (name, *path)[:-1]:
        holder = holder[key]
    last = (name, *path)[-1]
    if value is REMOVED and path:
        del holder[last]
    elif value is RENAMED and path and isinstance(holder, dict):
        holder["not Rucio's"] = holder.pop(last)
    elif value not in (REMOVED, RENAMED):
        holder[last] = copy.deepcopy(value)


def answers(documents: dict[str, Any], spoiled: tuple[int, bytes] | None = None) -> CricRead | None:
    """What is read of these documents; None when they are refused. spoiled: where the first is cut, and what follows."""
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, document) in enumerate(documents.items()):
            raw = json.dumps(document).encode()
            if spoiled and number == 0:
                raw = raw[: spoiled[0] % len(raw)] + spoiled[1]
            (Path(folder) / f"{name}.json").write_bytes(raw)
        try:
            return read_cric(CricSource(CricClient(folder), extras=EXTRAS))
        except ApiError:
            return None


def synchronised(model: RucioModel, read: CricRead) -> dict[str, Any]:
    wanted = wanted_from_cric(read.state, 10**9, declared=Declared((Rule(3, within_km=900.0), Rule(9))), release=model.version)
    told = [cric_facts(read.state, wanted, 10**9), inventory_of(read.state)]
    done = synchronise(model, wanted, OPTIONS)  # type: ignore[arg-type]
    json.dumps([*told, done.answer], ensure_ascii=False).encode()  # a file and a terminal take all of it
    return done.answer


def held(model: RucioModel) -> set[tuple[Any, ...]]:
    """Everything that could be removed."""
    attributes = {(name, key) for name, rse in model.rses.items() for key in rse["attributes"]}
    doors = {(name, *key_of(door)) for name, rse in model.rses.items() for door in rse["protocols"]}
    return {(name,) for name in model.rses} | attributes | doors | set(model.distances)


def closed(model: RucioModel) -> set[str]:
    return {name for name, rse in model.rses.items() if not all(rse[flag] for flag in AVAILABILITY)}


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.sampled_from(VIEWS), st.lists(DAMAGE, max_size=8), SPOILED)
@example(VIEWS[0], [("doma", 0, {"rses": {}, "distances": {}})], None)
@example(VIEWS[1], [("ddmendpoint", 0, {})], None)
@example(VIEWS[0], [], (10**4, b"<html>log in</html>"))
def test_whatever_cric_answers_takes_no_more_than_the_guard_allows(
    view: dict[str, Any], damages: list[tuple[str, int, Any]], spoiled: tuple[int, bytes] | None
) -> None:
    model = RucioModel()
    sound = answers(view)
    assert sound
    assert not synchronised(model, sound).get("failed")
    before, open_before = held(model), model.rses.keys() - closed(model)
    documents = copy.deepcopy(view)
    for each in damages:
        damage(documents, *each)
    read = answers(documents, spoiled)
    if read is None:
        return
    answer = synchronised(model, read)
    assert len(before - held(model)) <= LIMITS.removals.number
    assert len(open_before & closed(model)) <= LIMITS.disabling.number
    assert not answer.get("failed") or answer["msg"]
    # What was held back stays so; all else is done.
    assert not synchronised(model, read)["changed"]
