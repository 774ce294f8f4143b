"""Where there are many distances to write, the RSEs are read again meanwhile, and imports go side by side as long as that helps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils import lake_sync
from ansible_collections.escape.datalake.plugins.plugin_utils.cric.wanted import wanted_from_records
from ansible_collections.escape.datalake.plugins.plugin_utils.lake_sync import PAIRS_PER_IMPORT, one_after_the_other, synchronise
from ansible_collections.escape.datalake.plugins.plugin_utils.model.distance_rules import Declared, Rule
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.lake import DIGEST
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError
from lake_model import RucioModel, refusal
from test_lake import OPTIONS, mesh, shown, sync

WANTED = wanted_from_records(mesh(30, attributes={"tier": "2"}), declared=Declared((Rule(1),)))
FEW = wanted_from_records(mesh(6, attributes={"tier": "2"}), declared=Declared((Rule(1),)))


class Told(RucioModel):
    """Notes reads and writes in their order. loses: an attribute that it says it wrote. unread: number of the export that fails."""

    def __init__(self, loses: str = "", unread: int = 0) -> None:
        super().__init__()
        self.loses, self.unread = loses, unread
        self.calls: list[str] = []
        self.sizes: list[int] = []

    def lake(self, names: Iterable[str] | None = None, *, distances: bool = False) -> dict[str, Any]:
        self.calls.append("export")
        found = super().lake(names, distances=distances)
        if self.exports == self.unread:
            raise ApiError("Rucio", "GET", "model", 502, "no answer")
        return found

    def single_rses(self, names: Iterable[str]) -> dict[str, Any]:
        self.calls.append(f"read {' '.join(names)}")
        return super().single_rses(names)

    def import_rses(self, rses: Mapping[str, Mapping[str, Any]]) -> None:
        super().import_rses(rses)
        self.calls.append("import RSEs")
        for rse in self.rses.values():
            rse["attributes"].pop(self.loses, None)

    def import_distances(self, distances: Mapping[tuple[str, str], int]) -> None:
        super().import_distances(distances)
        self.sizes.append(len(distances))

    def set_attribute(self, rse: str, key: str, value: Any) -> None:
        super().set_attribute(rse, key, value)
        self.calls.append(f"{rse} {key}")
        if key == self.loses:
            del self.rses[rse]["attributes"][key]


def test_rses_are_read_while_distances_are_sent() -> None:
    model = Told()
    assert not sync(model, WANTED).get("failed")
    shown(model, WANTED)
    assert model.calls == ["export", "import RSEs", "export", f"M0 {DIGEST}", "read M0"]


def test_after_few_distances_all_is_read() -> None:
    model = Told()
    assert not sync(model, FEW).get("failed")
    assert model.calls[-2:] == [f"M0 {DIGEST}", "export"]


@pytest.mark.parametrize(("loses", "reported"), [("tier", 30), (DIGEST, 1)])
def test_what_the_server_does_not_keep_is_seen(loses: str, reported: int) -> None:
    answer = sync(Told(loses), WANTED)
    assert [each["reason"] for each in answer["failures"]] == ["the server answered that it was written, but does not show it"] * reported


def test_an_rse_that_goes_meanwhile_is_missed() -> None:
    class Losing(Told):
        def import_distances(self, distances: Mapping[tuple[str, str], int]) -> None:
            super().import_distances(distances)
            # Imports go side by side, and the last two may both find everything there.
            if len(self.distances) == 30 * 29 and (gone := self.rses.pop("M7", None)):
                self.deleted["M7"] = gone["attributes"]

    answer = sync(Losing(), WANTED)
    assert [each["action"].split(": ")[:2] for each in answer["failures"]] == [
        ["M7", "update deleted rse"],
        ["M0", f"update attribute {DIGEST}"],  # it stands for the distances of M7 too
    ]


def test_a_read_that_fails_meanwhile_is_made_afterwards() -> None:
    model = Told(unread=2)
    assert not sync(model, WANTED).get("failed")
    assert model.calls == ["export", "import RSEs", "export", f"M0 {DIGEST}", "export"]


def test_after_a_write_that_failed_all_is_read_at_the_end() -> None:
    """What became of it may show itself later."""

    class Refusing(Told):
        def set_attribute(self, rse: str, key: str, value: Any) -> None:
            if (rse, key) == ("M7", "tier"):
                raise refusal("InvalidObject")
            super().set_attribute(rse, key, value)

    model = Refusing()
    model.login.vo = "esc"  # no import of RSEs
    answer = sync(model, WANTED)
    (failure,) = answer["failures"]
    assert failure["reason"].endswith("refused")
    assert len(model.distances) == 30 * 29
    assert [call for call in model.calls if call == "export" or DIGEST in call] == ["export", f"M0 {DIGEST}", "export"]


def test_what_was_read_meanwhile_is_kept(tmp_path: Path) -> None:
    model = Told()
    for _run in range(2):
        done = synchronise(model, WANTED, OPTIONS, copies=tmp_path, full_read_every=3600)  # type: ignore[arg-type]
        assert not done.answer.get("failed")
    assert done.read_age > 0
    assert (model.exports, model.column_reads) == (2, 1)


@pytest.mark.parametrize(
    ("serial", "sizes"), [(False, [PAIRS_PER_IMPORT] * 7 + [40]), (True, [PAIRS_PER_IMPORT] * 4 + [4 * PAIRS_PER_IMPORT - 460])]
)
def test_imports_grow_where_the_server_takes_one_after_the_other(
    serial: bool, sizes: Sequence[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lake_sync, "one_after_the_other", lambda ends: serial)
    model = Told()
    told: list[tuple[int, int]] = []
    wanted = wanted_from_records(mesh(60), declared=Declared((Rule(1),)))
    sync(model, wanted, progress=lambda done, every, seconds, what: told.append((done, every)) if what == "distances" else None)
    assert sorted(model.sizes) == sorted(sizes)
    assert sorted(model.distances) == sorted((source, to) for source in wanted.names for to in wanted.names if source != to)
    assert told[-1] == (3540, 3540)


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ([1.0, 2.0, 3.0, 4.0], True),
        ([4.0, 1.0, 3.0, 2.0], True),
        ([0.43, 0.72, 1.03, 1.34], True),  # measured with SQLite
        ([3.0, 2.95, 3.04, 3.04], False),  # with PostgreSQL, two processes of four threads
        ([1.0, 3.0, 3.0, 3.0], False),  # two processes, of which one has got three
        ([1.0, 1.0, 2.0, 2.0], False),  # two processes of one thread
        ([1.0, 1.0, 1.0, 2.0], False),  # three
    ],
)
def test_jobs_one_after_the_other_end_at_even_times(ends: list[float], expected: bool) -> None:
    assert one_after_the_other(ends) == expected
