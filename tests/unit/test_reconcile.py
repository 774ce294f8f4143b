"""reconcile: order, check mode, failures of one subject, masking."""

from __future__ import annotations

import threading

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import MASK, Change, Plan, apply, result
from hypothesis import given
from hypothesis import strategies as st


def change(subject: str, stage: int = 0, **more: object) -> Change:
    return Change(subject=subject, kind="attribute", verb="update", name="QOS", before="A", after="B", stage=stage, **more)  # type: ignore[arg-type]


def test_check_mode_writes_nothing_and_predicts_everything() -> None:
    plan = Plan.of([change("A"), change("B")])

    def never(_change: Change) -> None:
        pytest.fail("a write in check mode")

    outcome = apply(plan, never, check_mode=True)
    assert result(plan, outcome) == {
        "changed": True,
        "actions": ["A: update attribute QOS: 'A' -> 'B'", "B: update attribute QOS: 'A' -> 'B'"],
        "summary": {"update attribute": 2},
        "diff": {
            "before": {"A": {"attribute QOS": "A"}, "B": {"attribute QOS": "A"}},
            "after": {"A": {"attribute QOS": "B"}, "B": {"attribute QOS": "B"}},
        },
    }


def test_empty_plan_is_unchanged() -> None:
    plan = Plan()
    assert result(plan, apply(plan, lambda _change: None, check_mode=False), {"requests": 3, "writes": 0}) == {
        "changed": False,
        "actions": [],
        "summary": {},
        "diff": {"before": {}, "after": {}},
        "traffic": {"requests": 3, "writes": 0},
    }


def test_failure_skips_later_stages_of_its_subject_only() -> None:
    plan = Plan.of([change("A", 0), change("B", 0), change("A", 1), change("B", 1)])
    written: list[tuple[str, int]] = []

    def write(each: Change) -> None:
        if each.subject == "A":
            raise ValueError("the server said no")
        written.append((each.subject, each.stage))

    outcome = apply(plan, write, check_mode=False)
    answer = result(plan, outcome)
    assert written == [("B", 0), ("B", 1)]
    assert [skipped.subject for skipped in outcome.skipped] == ["A"]
    assert answer["failed"] is True
    assert "1 of 4 changes failed, 1 were not tried: A: update attribute QOS: 'A' -> 'B': the server said no" in answer["msg"]


def test_secrets_are_masked_everywhere() -> None:
    plan = Plan.of([Change("root", "identity", "create", "ddmlab", None, "hunter2", secret=True)])
    answer = result(plan, apply(plan, lambda _change: None, check_mode=False))
    assert "hunter2" not in repr(answer)
    assert answer["diff"]["after"] == {"root": {"identity ddmlab": MASK}}


@given(st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, 4)), max_size=40))
def test_stages_never_overlap(made: list[tuple[str, int]]) -> None:
    plan = Plan.of([change(subject, stage) for subject, stage in made])
    seen: list[int] = []
    lock = threading.Lock()

    def write(each: Change) -> None:
        with lock:
            seen.append(each.stage)

    outcome = apply(plan, write, check_mode=False, workers=4)
    assert seen == sorted(seen)
    assert len(outcome.done) == len(made)


def test_progress_counts_up_to_all() -> None:
    seen: list[tuple[int, int]] = []
    plan = Plan.of([change("A"), change("B"), change("C", 1)])
    apply(plan, lambda _change: None, check_mode=False, progress=lambda done, all_, _seconds: seen.append((done, all_)))
    assert seen == [(1, 3), (2, 3), (3, 3)]
