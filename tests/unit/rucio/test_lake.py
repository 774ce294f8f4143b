"""Synchronising random lakes: one run is enough, a second does nothing, nothing is deleted, and an interruption anywhere is made good."""

from __future__ import annotations

import contextlib
import copy
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils import lake_sync
from ansible_collections.escape.datalake.plugins.plugin_utils.cric.wanted import Selection, WantedLake, wanted_from_records
from ansible_collections.escape.datalake.plugins.plugin_utils.guard import Guard, Limit
from ansible_collections.escape.datalake.plugins.plugin_utils.lake_sync import synchronise
from ansible_collections.escape.datalake.plugins.plugin_utils.model.distance_rules import Declared, Rule
from ansible_collections.escape.datalake.plugins.plugin_utils.model.rse import LAN_OPERATIONS, WAN_OPERATIONS, Protocol, RseRecord
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.lake import DIGEST, SOURCE_MARK, LakeOptions, digest_of
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.rses import Purge
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lake_model import Killed, RucioModel, key_of

FREE = Guard(removals=Limit(10**6, 100.0), disabling=Limit(10**6, 100.0), shrink_percent=100.0, allow_empty=True)
OPTIONS = LakeOptions(guard=FREE)
NAMES = [f"R{number}" for number in range(8)]

PRIORITIES = st.none() | st.integers(1, 3)
DOORS = st.builds(
    Protocol,
    scheme=st.sampled_from(["davs", "root"]),
    hostname=st.sampled_from(["a.example.org", "b.example.org"]),
    port=st.sampled_from([443, 1094]),
    prefix=st.sampled_from(["/x/", "/y/"]),
    impl=st.just("rucio.rse.protocols.gfal.Default"),
    lan=st.fixed_dictionaries(dict.fromkeys(LAN_OPERATIONS, PRIORITIES)),
    wan=st.fixed_dictionaries(dict.fromkeys(WAN_OPERATIONS, PRIORITIES)),
)
VALUES = st.none() | st.booleans() | st.integers(0, 9) | st.sampled_from(["true", "False", "FAST", "a b"])


@st.composite
def records(draw: st.DrawFn, name: str) -> RseRecord:
    return RseRecord(
        name=name,
        site=draw(st.sampled_from(["A", "B", ""])),
        properties=draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "country_name": st.sampled_from(["FR", "DE"]),
                    "availability_write": st.booleans(),
                    "availability_read": st.booleans(),
                    "latitude": st.sampled_from([1.5, 46.0]),
                    "rse_type": st.sampled_from(["DISK", "TAPE"]),
                },
            )
        ),
        attributes=draw(st.dictionaries(st.sampled_from(["tier", "fts", "verify_checksum", "lfn2pfn_algorithm", "x"]), VALUES)),
        protocols=draw(st.none() | st.lists(DOORS, max_size=3, unique_by=lambda door: door.key).map(tuple)),
        limits=draw(st.fixed_dictionaries({}, optional={"MinFreeSpace": st.integers(1, 9)})),
        space=draw(st.none() | st.integers(1, 9)),
    )


@st.composite
def lakes(draw: st.DrawFn) -> list[RseRecord]:
    return [draw(records(name)) for name in draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=6))]


EXPLICIT = st.dictionaries(
    st.sampled_from(NAMES), st.dictionaries(st.sampled_from(NAMES), st.none() | st.integers(0, 3), max_size=4), max_size=4
)
RULES = st.sampled_from([(), (Rule(7),), (Rule(1, same="site"), Rule(2, same="country"))])


@st.composite
def wanteds(draw: st.DrawFn) -> WantedLake:
    return wanted_from_records(draw(lakes()), declared=Declared(draw(RULES), draw(EXPLICIT)))


def sync(model: RucioModel, wanted: WantedLake, options: LakeOptions = OPTIONS, **more: Any) -> dict[str, Any]:
    return synchronise(model, wanted, options, **more).answer  # type: ignore[arg-type]


def state(model: RucioModel) -> Any:
    """What a server holds, doors without their order and RSEs without their ids."""
    rses = copy.deepcopy(model.rses)
    for rse in rses.values():
        del rse["id"]
        rse["protocols"].sort(key=key_of)
    return rses, model.distances, model.usages


def shown(model: RucioModel, wanted: WantedLake) -> None:
    """Everything that is wanted is there."""
    for record in wanted.records:
        held = model.rses[record.name]
        assert {door.key for door in record.protocols or ()} <= {key_of(door) for door in held["protocols"]}
        assert all(held[key] == value for key, value in record.properties.items())
        for key, value in record.attributes.items():
            assert (key in held["attributes"]) == (value is not None)
    for source, row in (wanted.rows or {}).items():
        assert {to: model.distances[source, to] for to in row} == row


# Distances in one import: so few that most runs send several, and as many as there are.
PARTS = st.sampled_from([2, lake_sync.PAIRS_PER_IMPORT])


@contextlib.contextmanager
def copies(kept: bool) -> Iterator[Path | None]:
    """A folder for the distances that were written, or none."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) if kept else None


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(wanteds(), wanteds(), st.booleans(), PARTS)
def test_one_run_is_enough_and_the_second_does_nothing(before: WantedLake, wanted: WantedLake, kept: bool, pairs: int) -> None:
    model = RucioModel()
    with copies(kept) as folder, mock.patch.object(lake_sync, "PAIRS_PER_IMPORT", pairs):
        sync(model, before, copies=folder)
        held = copy.deepcopy(model)
        answer = sync(model, wanted, copies=folder)
    assert not answer.get("failed"), answer["msg"]
    shown(model, wanted)
    assert model.rses.keys() >= held.rses.keys()
    assert model.distances.keys() >= held.distances.keys()
    writes, exports = model.writes, model.exports
    again = sync(model, wanted)
    assert (again["changed"], model.writes, model.exports) == (False, writes, exports + 1)


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(wanteds(), wanteds(), st.integers(1, 60), st.booleans(), st.booleans(), PARTS)
def test_killed_or_refused_anywhere_a_repeated_run_ends_the_same(
    before: WantedLake, wanted: WantedLake, at: int, killed: bool, kept: bool, pairs: int
) -> None:
    undisturbed = RucioModel()
    with copies(kept) as folder, mock.patch.object(lake_sync, "PAIRS_PER_IMPORT", pairs):
        sync(undisturbed, before, copies=folder)
        disturbed = copy.deepcopy(undisturbed)
        sync(undisturbed, wanted)
        setattr(disturbed, "kill_at" if killed else "refuse_at", disturbed.writes + at)
        with contextlib.suppress(Killed):
            sync(disturbed, wanted, copies=folder)
        disturbed.kill_at = disturbed.refuse_at = -1
        answer = sync(disturbed, wanted, copies=folder)
    assert not answer.get("failed"), answer["msg"]
    ended, expected = state(disturbed), state(undisturbed)
    for rses, *_rest in (ended, expected):  # which RSE notes the digest may differ
        digests = [rse["attributes"].pop(DIGEST, None) for rse in rses.values()]
        assert len([each for each in digests if each]) <= 1
    assert ended == expected


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(wanteds(), wanteds())
def test_purging_leaves_what_is_wanted_and_no_more(before: WantedLake, wanted: WantedLake) -> None:
    model = RucioModel()
    sync(model, before)
    options = replace(OPTIONS, purge=Purge(("*",), ("*",)), purge_distances=True)
    assert not sync(model, wanted, options).get("failed")
    assert not sync(model, wanted, options)["changed"]
    names = {record.name for record in wanted.records}
    expected = {(source, to) for source, row in (wanted.rows or {}).items() for to in row}
    assert {pair for pair in model.distances if set(pair) <= names} == expected


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(wanteds(), wanteds())
def test_guards_that_allow_nothing_take_nothing(before: WantedLake, wanted: WantedLake) -> None:
    model = RucioModel()
    sync(model, before)
    held = copy.deepcopy(model)
    nothing = Guard(removals=Limit(0, 0.0), disabling=Limit(0, 0.0))
    options = LakeOptions(guard=nothing, purge=Purge(("*",), ("*",)), purge_distances=True, absent="disable")
    sync(model, wanted, options)
    assert model.distances.keys() >= held.distances.keys()
    for name, rse in held.rses.items():
        now = model.rses[name]
        assert now["attributes"].keys() >= rse["attributes"].keys()
        assert {key_of(door) for door in now["protocols"]} >= {key_of(door) for door in rse["protocols"]}
        assert all(now[flag] for flag in rse if flag.startswith("availability_") and rse[flag])


def mesh(count: int, **facts: Any) -> list[RseRecord]:
    every = dict.fromkeys(WAN_OPERATIONS, 1)
    door = Protocol("davs", "se.example.org", 443, "/x/", "rucio.rse.protocols.gfal.Default", dict.fromkeys(LAN_OPERATIONS, 1), every)
    return [RseRecord(f"M{number}", site=f"S{number // 3}", protocols=(door,), **facts) for number in range(count)]


def test_adding_a_site_reads_no_distances() -> None:
    model = RucioModel()
    everything = Declared((Rule(1),))
    sync(model, wanted_from_records(mesh(60), declared=everything))
    assert (model.distance_exports, len(model.distances)) == (0, 60 * 59)
    writes, exports, singles = model.writes, model.exports, model.singles
    sync(model, wanted_from_records(mesh(63), declared=everything))
    assert (model.distance_exports, len(model.distances)) == (0, 63 * 62)
    assert (model.exports - exports, model.singles - singles) == (1, 1)  # afterwards, only the new ones and the holder of the digest
    assert model.writes - writes == 3 * 3 + 1 + 1  # RSE, mark, door; one import; the digest


def test_changing_one_distance_reads_none(tmp_path: Path) -> None:
    model = RucioModel()
    records = mesh(60)
    sync(model, wanted_from_records(records, declared=Declared((Rule(1),))), copies=tmp_path)
    writes = model.writes
    other = wanted_from_records(records, declared=Declared((Rule(1),), {"M5": {"M7": 4, "M8": None}}))
    answer = sync(model, other, copies=tmp_path)
    assert answer["actions"][0] == "M5: update distances to M7"
    assert (model.distance_exports, model.writes - writes, model.distances["M5", "M7"]) == (0, 2, 4)
    sync(model, other, replace(OPTIONS, purge_distances=True), copies=tmp_path)
    assert not sync(model, other, copies=tmp_path)["changed"]
    assert model.distance_exports == 0


@pytest.mark.parametrize("damage", ["{}", "not JSON", '{"documents": {"M0": 1, "M1": {"M2": "x"}}}', "other rows"])
def test_a_copy_of_other_distances_is_not_believed(tmp_path: Path, damage: str) -> None:
    model = RucioModel()
    sync(model, wanted_from_records(mesh(4), declared=Declared((Rule(1),))), copies=tmp_path)
    (held,) = tmp_path.iterdir()
    if damage == "other rows":
        text = held.read_text()
        damage = text.replace('"M1": 1', '"M1": 2', 1)
        assert damage != text
    held.write_text(damage)
    wanted = wanted_from_records(mesh(4), declared=Declared((Rule(2),)))
    sync(model, wanted, copies=tmp_path)
    assert model.distance_exports == 1
    assert set(model.distances.values()) == {2}
    assert not sync(model, wanted, copies=tmp_path)["changed"]


def test_a_copy_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    model = RucioModel()
    wanted = wanted_from_records(mesh(4), declared=Declared((Rule(1),)))
    done = synchronise(model, wanted, OPTIONS, copies=tmp_path / "file")  # type: ignore[arg-type]
    assert not done.answer.get("failed")
    assert "the copy of the distances could not be written" in done.not_kept[0]


def test_a_purge_counts_each_distance() -> None:
    model = RucioModel()
    sync(model, wanted_from_records(mesh(6), declared=Declared((Rule(1),))))
    fewer = wanted_from_records(mesh(6), declared=Declared((Rule(1),), {"M0": dict.fromkeys([f"M{number}" for number in range(6)])}))
    options = LakeOptions(guard=Guard(removals=Limit(4, 100.0)), purge_distances=True, verify_distances=True)
    answer = sync(model, fewer, options)
    assert "5 of" in answer["msg"]
    assert "guard.removals.number to 5" in answer["msg"]
    assert ("M0", "M1") in model.distances
    assert not sync(model, fewer, replace(options, guard=Guard(removals=Limit(5, 100.0)))).get("failed")
    assert ("M0", "M1") not in model.distances


def test_a_source_of_which_too_much_cannot_be_read_closes_nothing() -> None:
    model = RucioModel()
    sync(model, wanted_from_records(mesh(10)))
    half = wanted_from_records(mesh(5))
    names = frozenset(f"M{number}" for number in range(9))
    options = LakeOptions(guard=Guard(), absent="disable")
    doubtful = replace(half, names=names, unreadable=names - {record.name for record in half.records})
    answer = sync(model, doubtful, options)
    assert "4 of 9 cannot be read" in answer["msg"]
    assert all(rse["availability_read"] for rse in model.rses.values())
    assert not sync(model, replace(doubtful, unreadable=frozenset({"M5"})), options).get("failed")
    assert not model.rses["M9"]["availability_read"]


def test_a_purge_that_is_held_back_leaves_nothing_to_do_twice(tmp_path: Path) -> None:
    model = RucioModel()
    sync(model, wanted_from_records(mesh(6), declared=Declared((Rule(1),))), copies=tmp_path)
    other = wanted_from_records(mesh(6), declared=Declared((Rule(1),), {"M0": {"M1": 4, "M2": None, "M3": None}}))
    options = replace(OPTIONS, guard=Guard(removals=Limit(1, 100.0)), purge_distances=True)
    first = sync(model, other, options, copies=tmp_path)
    assert (first["actions"], len(first["held_back"])) == (["M0: update distances to M1"], 1)
    assert "failures" not in first
    again = sync(model, other, options, copies=tmp_path)
    assert (again["changed"], len(again["held_back"])) == (False, 1)
    assert not sync(model, other, replace(options, guard=FREE), copies=tmp_path).get("failed")
    assert ("M0", "M2") not in model.distances


def test_distances_of_others_are_found_when_asked_for() -> None:
    model = RucioModel()
    wanted = wanted_from_records(mesh(4), declared=Declared((Rule(1),)))
    sync(model, wanted)
    model.distances["M0", "M1"] = 9
    del model.distances["M2", "M3"]
    assert not sync(model, wanted)["changed"]
    answer = sync(model, wanted, replace(OPTIONS, verify_distances=True))
    assert answer["actions"] == ["M0: update distances to M1", "M2: create distances to M3"]


def test_two_sources_do_not_fight() -> None:
    model = RucioModel()
    one = wanted_from_records(mesh(6), declared=Declared((Rule(1),)), selection=Selection(("M0", "M1", "M2")))
    other = wanted_from_records(mesh(6), declared=Declared((Rule(2),)), selection=Selection(("M3", "M4", "M5")))
    elsewhere = replace(OPTIONS, source="elsewhere")
    sync(model, one)
    sync(model, other, elsewhere)
    assert not sync(model, one)["changed"]
    assert not sync(model, other, elsewhere)["changed"]
    both = synchronise(model, wanted_from_records(mesh(6), declared=Declared((Rule(3),))), OPTIONS)  # type: ignore[arg-type]
    assert sorted(both.plan.foreign) == ["M3", "M4", "M5"]
    assert {pair for pair, number in model.distances.items() if number == 3} == {
        (a, b) for a in ("M0", "M1", "M2") for b in ("M0", "M1", "M2") if a != b
    }


@pytest.mark.parametrize("kept", [True, False])
def test_a_copy_only_adds(kept: bool, tmp_path: Path) -> None:
    model = RucioModel()
    folder = tmp_path if kept else None
    sync(model, wanted_from_records(mesh(3, attributes={"x": "1", "y": "2"}), declared=Declared((Rule(1),))), copies=folder)
    held = copy.deepcopy(model.rses)
    changed = mesh(4, attributes={"x": "2", "y": None, "z": "3"}, properties={"availability_read": False})
    only = replace(wanted_from_records(changed, declared=Declared((Rule(5),))), additions_only="CRIC is down")
    answer = sync(model, only, copies=folder)
    assert not answer.get("failed"), answer["msg"]
    assert not sync(model, only, copies=folder)["changed"]
    assert model.distances["M0", "M1"] == 1
    assert model.distances["M0", "M3"] == 5
    for name in ("M0", "M1", "M2"):
        attributes: Mapping[str, Any] = model.rses[name]["attributes"]
        assert {key: value for key, value in attributes.items() if key != DIGEST} == {
            **{key: value for key, value in held[name]["attributes"].items() if key != DIGEST},
            "z": "3",
        }
        assert model.rses[name]["availability_read"]


def test_many_vos_never_import_rses() -> None:
    model = RucioModel()
    model.login.vo = "esc"
    model.import_rses = pytest.fail  # type: ignore[assignment, method-assign]
    sync(model, wanted_from_records(mesh(30)))
    assert len(model.rses) == 30
    model.import_rses = RucioModel.import_rses.__get__(model)  # type: ignore[method-assign]


def test_a_server_with_rses_never_gets_rses_by_import() -> None:
    model = RucioModel()
    model.add_rse("HAND", {})
    model.import_rses = pytest.fail  # type: ignore[assignment, method-assign]
    sync(model, wanted_from_records(mesh(30)))
    assert model.rses["HAND"]["attributes"] == {"HAND": True}


class Losing(RucioModel):
    """Does what it is asked, and its answer to the first such call is lost."""

    def __init__(self, call: str) -> None:
        super().__init__()
        self.call: str | None = call

    def _lost(self, call: str) -> None:
        if self.call == call:
            self.call = None
            raise ApiError("Rucio", "POST", "model", None, "the connection broke")

    def import_rses(self, rses: Mapping[str, Mapping[str, Any]]) -> None:
        super().import_rses(rses)
        self._lost("import_rses")

    def import_distances(self, distances: Mapping[tuple[str, str], int]) -> None:
        super().import_distances(distances)
        self._lost("import_distances")


@pytest.mark.parametrize("call", ["import_rses", "import_distances"])
def test_a_lost_answer_to_an_import_is_made_good(call: str) -> None:
    wanted = wanted_from_records(mesh(25, attributes={"x": "1"}), declared=Declared((Rule(1),)))
    undisturbed, disturbed = RucioModel(), Losing(call)
    sync(undisturbed, wanted)
    answer = sync(disturbed, wanted)
    assert disturbed.call is None
    assert not answer.get("failed"), answer["msg"]
    assert state(disturbed) == state(undisturbed)
    assert not sync(disturbed, wanted)["changed"]


@pytest.mark.parametrize("at", range(1, 6))
@pytest.mark.parametrize("killed", [True, False])
def test_filling_an_empty_server_is_finished_by_the_next_run(at: int, killed: bool) -> None:
    wanted = wanted_from_records(mesh(25, attributes={"x": "1"}), declared=Declared((Rule(1),)))
    undisturbed, disturbed = RucioModel(), RucioModel()
    sync(undisturbed, wanted)
    setattr(disturbed, "kill_at" if killed else "refuse_at", at)
    with contextlib.suppress(Killed):
        sync(disturbed, wanted)
    disturbed.kill_at = disturbed.refuse_at = -1
    assert not sync(disturbed, wanted).get("failed")
    ended, expected = state(disturbed), state(undisturbed)
    for rses, *_rest in (ended, expected):  # which RSE notes the digest may differ
        for rse in rses.values():
            rse["attributes"].pop(DIGEST, None)
    assert ended == expected


def test_the_digest_does_not_depend_on_order() -> None:
    assert digest_of({"A": {"B": 1, "C": 2}, "B": {}}) == digest_of({"A": {"C": 2, "B": 1}}) != digest_of({"A": {"B": 1}, "C": {"A": 2}})
    assert SOURCE_MARK != DIGEST


def test_what_rucio_would_not_take_is_left_alone_and_told() -> None:
    model = RucioModel()
    good, bad = mesh(2)
    bad = replace(bad, attributes={"QOS": "disk+tape"})
    done = synchronise(model, wanted_from_records([good, bad], declared=Declared((Rule(1),))), OPTIONS)  # type: ignore[arg-type]
    assert not done.answer.get("failed")
    assert [problem.path for problem in done.unusable] == ["M1.attributes.QOS"]
    assert model.rses.keys() == {"M0"}


def test_distances_purged_and_declared_again_are_made_again() -> None:
    model = RucioModel()
    everything = wanted_from_records(mesh(2), declared=Declared((Rule(1),)))
    sync(model, everything)
    sync(model, wanted_from_records(mesh(2), declared=Declared()), replace(OPTIONS, purge_distances=True))
    assert model.distances == {}
    sync(model, everything)
    assert len(model.distances) == 2
