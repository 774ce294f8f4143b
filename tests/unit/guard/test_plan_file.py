"""plan_file: what was reviewed is what is applied, and nothing else."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError
from ansible_collections.escape.datalake.plugins.plugin_utils.plan_file import PlanFile, fingerprints, plain
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import Change, Plan
from hypothesis import given
from hypothesis import strategies as st

FOUND: dict[str, Any] = {"LAB-1": {"QOS": "SAFE", "doors": frozenset({"davs", "root"})}, "LAB-2": {"QOS": "FAST"}}
CHANGES = [
    Change("LAB-1", "attribute", "update", name="QOS", before="SAFE", after="FAST", stage=1),
    Change("LAB-1", "attribute", "create", name="site", after="LAB", stage=1),
    Change("LAB-3", "rse", "create", after={"rse_type": "DISK"}),
]


def written(tmp_path: Path, plan: Plan | None = None) -> PlanFile:
    path = str(tmp_path / "plans/lake.json")
    PlanFile("rucio_rse", "https://rucio.lake.test", write_to=path).write(plan or Plan.of(CHANGES), FOUND)
    return PlanFile("rucio_rse", "https://rucio.lake.test", apply_from=path)


def refusal(file: PlanFile, plan: Plan, found: dict[str, Any]) -> str:
    with pytest.raises(DescriptionError) as problem:
        file.verify(plan, found)
    return str(problem.value)


def test_the_same_world_and_plan_are_accepted(tmp_path: Path) -> None:
    written(tmp_path).verify(Plan.of(CHANGES), FOUND)


def test_a_person_can_read_it_and_others_cannot(tmp_path: Path) -> None:
    file = Path(written(tmp_path).apply_from or "")
    document = json.loads(file.read_text())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert document["summary"] == {"create rse": 1, "update attribute": 1, "create attribute": 1}
    assert [change["words"] for change in document["changes"]][1] == "LAB-1: update attribute QOS: 'SAFE' -> 'FAST'"
    assert list(file.parent.iterdir()) == [file]


def test_secrets_stay_out(tmp_path: Path) -> None:
    secret = Change("LAB-1", "credential", "create", after="hidden words", secret=True)
    file = written(tmp_path, Plan.of([secret]))
    assert "hidden words" not in Path(file.apply_from or "").read_text()
    file.verify(Plan.of([secret]), FOUND)


def test_another_change_of_a_planned_object_is_refused(tmp_path: Path) -> None:
    world = {**FOUND, "LAB-1": {**FOUND["LAB-1"], "volatile": True}}
    assert "changed since the plan was written: LAB-1" in refusal(written(tmp_path), Plan.of(CHANGES), world)


def test_a_change_elsewhere_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path)
    assert "LAB-2" in refusal(file, Plan.of(CHANGES), {**FOUND, "LAB-2": {"QOS": "SAFE"}})
    assert "LAB-9" in refusal(file, Plan.of(CHANGES), {**FOUND, "LAB-9": {}})
    assert "LAB-2" in refusal(file, Plan.of(CHANGES), {"LAB-1": FOUND["LAB-1"]})


def test_more_or_other_work_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path)
    more = Change("LAB-2", "attribute", "create", name="tier", after="1")
    assert "now there is to do LAB-2: create attribute tier = '1'" in refusal(file, Plan.of([*CHANGES, more]), FOUND)
    other = Change("LAB-1", "attribute", "create", name="site", after="ELSEWHERE", stage=1)
    assert "ELSEWHERE" in refusal(file, Plan.of([CHANGES[0], other, CHANGES[2]]), FOUND)


def test_less_work_in_the_same_world_is_refused(tmp_path: Path) -> None:
    assert "no longer wanted for LAB-1" in refusal(written(tmp_path), Plan.of(CHANGES[1:]), FOUND)


def test_a_line_taken_out_of_the_file_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path)
    path = Path(file.apply_from or "")
    document = json.loads(path.read_text())
    document["changes"] = document["changes"][1:]
    path.write_text(json.dumps(document))
    assert "LAB-3" in refusal(file, Plan.of(CHANGES), FOUND)


@pytest.mark.parametrize("done", [[0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]])
def test_what_an_interrupted_application_left_is_accepted(tmp_path: Path, done: list[int]) -> None:
    file = written(tmp_path)
    world = {**FOUND}
    for number in done:
        change = CHANGES[number]
        world[change.subject] = {**world.get(change.subject, {}), change.name or "self": change.after}
    file.verify(Plan.of(change for number, change in enumerate(CHANGES) if number not in done), world)


@pytest.mark.parametrize(
    ("module", "target", "words"),
    [("rucio_distance", "https://rucio.lake.test", "says module 'rucio_rse'"), ("rucio_rse", "https://other.test", "says target")],
)
def test_the_plan_of_another_task_or_server_is_refused(tmp_path: Path, module: str, target: str, words: str) -> None:
    path = written(tmp_path).apply_from
    assert words in refusal(PlanFile(module, target, apply_from=path), Plan.of(CHANGES), FOUND)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"format": "escape.datalake plan 1", "changes": [1], "found": {}}',
        '{"changes": {}, "found": []}',
        "\x00",
        "null",
    ],
)
def test_what_is_no_plan_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "plan.json"
    path.write_text(text)
    assert "write_plan" in refusal(PlanFile("rucio_rse", "x", apply_from=str(path)), Plan(), {})
    assert "cannot be read" in refusal(PlanFile("rucio_rse", "x", apply_from=str(tmp_path / "none")), Plan(), {})


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.frozensets(st.text()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(values)
def test_fingerprints_do_not_depend_on_order(value: Any) -> None:
    again = {key: value[key] for key in reversed(value)} if isinstance(value, dict) else value
    assert fingerprints({"x": value}) == fingerprints({"x": again})
    json.dumps(plain(value))
