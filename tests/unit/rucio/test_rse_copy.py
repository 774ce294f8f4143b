"""Between two whole reads of a lake a run that has nothing to do sends one light one, and all that it cannot see that way is read."""

from __future__ import annotations

import contextlib
import copy
import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils import lake_sync, rse_copy
from ansible_collections.escape.datalake.plugins.plugin_utils.cric.wanted import WantedLake, wanted_from_records
from ansible_collections.escape.datalake.plugins.plugin_utils.lake_sync import Synchronised, synchronise
from ansible_collections.escape.datalake.plugins.plugin_utils.model.distance_rules import Declared, Rule
from ansible_collections.escape.datalake.plugins.plugin_utils.plan_file import PlanFile
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.lake import LakeOptions
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lake_model import Killed, RucioModel
from test_lake import OPTIONS, PARTS, mesh, shown, state, wanteds

HOUR = 3600.0
WANTED = wanted_from_records(mesh(6, attributes={"tier": "2"}), declared=Declared((Rule(1),)))


def sync(model: RucioModel, folder: Path, wanted: WantedLake = WANTED, options: LakeOptions = OPTIONS, **more: Any) -> Synchronised:
    return synchronise(model, wanted, options, copies=folder, full_read_every=HOUR, **more)  # type: ignore[arg-type]


@pytest.fixture
def model(tmp_path: Path) -> RucioModel:
    """A lake that is as it should be, and was read once since."""
    model = RucioModel()
    sync(model, tmp_path)
    sync(model, tmp_path)
    return model


def reads(model: RucioModel, work: Callable[[], object]) -> tuple[int, int, int]:
    """Whole reads, light ones and writes of some work."""
    before = model.exports, model.column_reads, model.writes
    work()
    return model.exports - before[0], model.column_reads - before[1], model.writes - before[2]


def test_a_run_that_has_nothing_to_do_is_light(model: RucioModel, tmp_path: Path) -> None:
    assert reads(model, lambda: sync(model, tmp_path, file=PlanFile("rucio_sync", "model"))) == (0, 1, 0)  # neither written nor applied
    assert reads(model, lambda: sync(model, tmp_path, check_mode=True)) == (0, 1, 0)
    done = sync(model, tmp_path)
    assert (done.answer["changed"], 0 < done.read_age < HOUR) == (False, True)


def test_after_its_time_all_is_read_again(model: RucioModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What others changed of attributes and doors is seen then, and mended."""
    model.rses["M1"]["attributes"]["tier"] = 3
    assert reads(model, lambda: sync(model, tmp_path)) == (0, 1, 0)
    now = rse_copy.time.time()
    monkeypatch.setattr("time.time", lambda: now + HOUR)
    done = sync(model, tmp_path)
    assert (done.answer["actions"], done.read_age) == (["M1: update attribute tier: '3' -> '2'"], 0)
    monkeypatch.setattr("time.time", lambda: now - 1)  # a clock that was put back tells nothing
    assert reads(model, lambda: sync(model, tmp_path)) == (1, 0, 0)


def remade(model: RucioModel) -> None:
    old = model.rses.pop("M2")
    model.add_rse("M2", {})
    model.rses["M2"] |= {key: value for key, value in old.items() if key.startswith("availability")}


def gone(model: RucioModel) -> None:
    model.deleted["M2"] = model.rses.pop("M2")["attributes"]


def new(model: RucioModel) -> None:
    model.add_rse("OTHER", {})


def closed(model: RucioModel) -> None:
    model.rses["M2"]["availability_write"] = False


@pytest.mark.parametrize("change", [remade, gone, new])
def test_rses_that_came_or_went_make_it_read_everything(model: RucioModel, tmp_path: Path, change: Callable[[RucioModel], None]) -> None:
    change(model)
    assert reads(model, lambda: sync(model, tmp_path))[0] >= 1
    assert sync(model, tmp_path).answer.get("failed", False) == (change is gone)


def test_a_column_that_somebody_changed_is_mended_at_once(model: RucioModel, tmp_path: Path) -> None:
    asked = wanted_from_records(mesh(6, attributes={"tier": "2"}, properties={"availability_write": True}), declared=Declared((Rule(1),)))
    sync(model, tmp_path, asked)
    closed(model)
    assert sync(model, tmp_path, asked).answer["actions"] == ["M2: update availability availability_write"]
    assert model.rses["M2"]["availability_write"]


def test_what_is_wanted_anew_is_done_at_once(model: RucioModel, tmp_path: Path) -> None:
    model.rses["M1"]["attributes"]["tier"] = 3  # read again before anything is written, so this is mended too
    other = wanted_from_records(mesh(7, attributes={"tier": "2"}), declared=Declared((Rule(1),)))
    sync(model, tmp_path, other)
    shown(model, other)
    farther = wanted_from_records(mesh(7, attributes={"tier": "2"}), declared=Declared((Rule(5),)))
    assert sync(model, tmp_path, farther).answer["changed"]
    shown(model, farther)


def test_a_run_that_reads_everything_makes_the_copy_no_longer_count(model: RucioModel, tmp_path: Path) -> None:
    other = wanted_from_records(mesh(6, attributes={"tier": "3"}), declared=Declared((Rule(1),)))
    synchronise(model, other, OPTIONS, copies=tmp_path)  # type: ignore[arg-type]
    assert sync(model, tmp_path).answer["changed"]
    shown(model, WANTED)


def test_what_was_read_before_a_write_is_not_kept(tmp_path: Path) -> None:
    """In a large lake only what was touched is read after it, so the whole read is of before."""
    model = RucioModel()
    records = mesh(30, attributes={"tier": "2"})
    before = wanted_from_records(records)
    after = wanted_from_records([replace(records[0], attributes={"tier": "3"}), *records[1:]])
    sync(model, tmp_path, before)
    sync(model, tmp_path, before)
    for wanted in (after, before):
        assert sync(model, tmp_path, wanted).answer["changed"]
        shown(model, wanted)


def test_what_guards_hold_back_is_told_each_time_from_a_whole_read(model: RucioModel, tmp_path: Path) -> None:
    fewer = wanted_from_records([])
    options = LakeOptions(absent="disable")
    for _run in range(2):
        exports = model.exports
        done = sync(model, tmp_path, fewer, options)
        assert (done.answer["failed"], done.read_age, model.exports - exports) == (True, 0, 1)


def test_distances_that_are_to_go_are_read(tmp_path: Path) -> None:
    """No distance is wanted, so no digest says whether there are some."""
    model = RucioModel()
    none = wanted_from_records(mesh(3), declared=Declared((), {"M0": {"M1": None}}))
    options = replace(OPTIONS, purge_distances=True)
    sync(model, tmp_path, none, options)
    sync(model, tmp_path, none, options)
    model.distances["M0", "M1"] = 1
    sync(model, tmp_path, none, options)
    assert model.distances == {}


def test_new_names_are_looked_up_once_and_a_light_run_plans_once(
    model: RucioModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    asked, planned = model.deleted_attributes, lake_sync.plan_lake
    monkeypatch.setattr(model, "deleted_attributes", lambda name: calls.append(name) or asked(name))
    monkeypatch.setattr(lake_sync, "plan_lake", lambda *words: calls.append("plan") or planned(*words))
    sync(model, tmp_path)
    assert calls == ["plan"]
    calls.clear()
    sync(model, tmp_path, wanted_from_records(mesh(7, attributes={"tier": "2"}), declared=Declared((Rule(1),))), check_mode=True)
    assert calls.count("M6") == 1


def test_plans_rest_on_a_whole_read(model: RucioModel, tmp_path: Path) -> None:
    file = PlanFile("rucio_sync", "model", write_to=str(tmp_path / "plan.json"))
    assert reads(model, lambda: sync(model, tmp_path, file=file)) == (1, 0, 0)
    assert reads(model, lambda: sync(model, tmp_path, options=replace(OPTIONS, verify_distances=True))) == (2, 0, 0)


@pytest.mark.parametrize("damage", ["", "{}", "[]", "null", "one RSE", "no attributes"])
def test_a_copy_that_is_damaged_is_not_used(model: RucioModel, tmp_path: Path, damage: str) -> None:
    (held,) = tmp_path.glob("rses-*")
    whole = json.loads(held.read_text())
    if damage == "one RSE":
        whole["documents"]["M1"] = 1
    if damage == "no attributes":
        del whole["documents"]["M1"]["attributes"]
    held.write_text(json.dumps(whole) if " " in damage else damage)
    assert reads(model, lambda: sync(model, tmp_path))[0] == 1
    assert reads(model, lambda: sync(model, tmp_path)) == (0, 1, 0)


def test_a_copy_is_readable_by_its_owner_and_has_no_credentials(tmp_path: Path) -> None:
    model = RucioModel()
    sync(model, tmp_path)
    for rse in model.rses.values():
        rse["credentials"] = {"secret_key": "not to be kept"}
    sync(model, tmp_path)
    (held,) = tmp_path.glob("rses-*")
    assert held.stat().st_mode & 0o777 == 0o600
    assert "not to be kept" not in held.read_text()


def test_a_copy_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = sync(RucioModel(), tmp_path / "file")
    assert not done.answer.get("failed")
    assert [words.split(" could")[0] for words in done.not_kept] == ["the copy of the distances", "the copy of the RSEs"]


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(wanteds(), wanteds(), st.integers(0, 60), st.booleans(), PARTS)
def test_any_run_ends_as_one_that_reads_everything(before: WantedLake, wanted: WantedLake, at: int, killed: bool, pairs: int) -> None:
    """Also where an earlier one was killed or refused somewhere."""
    undisturbed = RucioModel()
    with tempfile.TemporaryDirectory() as name, mock.patch.object(lake_sync, "PAIRS_PER_IMPORT", pairs):
        folder = Path(name)
        sync(undisturbed, folder, before)
        disturbed = copy.deepcopy(undisturbed)
        synchronise(undisturbed, wanted, OPTIONS)  # type: ignore[arg-type]
        setattr(disturbed, "kill_at" if killed else "refuse_at", disturbed.writes + at)
        with contextlib.suppress(Killed):
            sync(disturbed, folder, wanted)
        disturbed.kill_at = disturbed.refuse_at = -1
        assert not sync(disturbed, folder, wanted).answer.get("failed")
        ended, expected = state(disturbed), state(undisturbed)
        for rses, *_rest in (ended, expected):  # which RSE notes the digest may differ
            for rse in rses.values():
                rse["attributes"].pop("distances_digest", None)
        assert ended == expected
        sync(disturbed, folder, wanted)
        assert reads(disturbed, lambda: sync(disturbed, folder, wanted)) == (0, 1, 0)
