"""Distances from rules."""

from __future__ import annotations

import math
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.model.distance_rules import (
    Declared,
    Place,
    Rule,
    declared_from,
    kilometres,
    place_of,
    wanted_rows,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError
from ansible_collections.escape.datalake.plugins.plugin_utils.model.rse import Protocol, RseRecord
from hypothesis import given, settings
from hypothesis import strategies as st

WEB = frozenset({"web"})


def place(name: str, **facts: Any) -> Place:
    return Place(name, **{"reads": WEB, "writes": WEB, **facts})


LAB = [
    place("A1", site="A", country="FR", region="74"),
    place("A2", site="a", country="FR", region="74"),
    place("B", site="B", country="fr", region="75"),
    place("C", site="C", country="ES", region="75"),
    place("D", site="D"),
]


def test_the_first_rule_that_fits_counts() -> None:
    rules = (Rule(1, same="site"), Rule(2, same="region"), Rule(3, same="country"), Rule(9))
    rows = wanted_rows(LAB, Declared(rules))
    assert rows["A1"] == {"A2": 1, "B": 3, "C": 9, "D": 9}
    assert rows["C"] == {"A1": 9, "A2": 9, "B": 9, "D": 9}  # region 75 of another country
    assert wanted_rows(LAB, Declared(rules[:3])).get("D") is None


def test_what_is_explicit_comes_first_and_null_is_none() -> None:
    declared = declared_from([{"distance": 9}], {"A1": {"A2": 4, "B": None, "A1": 1, "STRANGER": 1}, "STRANGER": {"A1": 1}})
    assert wanted_rows(LAB, declared)["A1"] == {"A2": 4, "C": 9, "D": 9}


def test_patterns_of_names() -> None:
    rows = wanted_rows(LAB, Declared((Rule(5, sources=("A*",), destinations=("B", "C")),)))
    assert rows == {"A1": {"B": 5, "C": 5}, "A2": {"B": 5, "C": 5}}


def test_only_pairs_that_may_transfer() -> None:
    rses = [place("WEB"), place("ROOT", reads=frozenset({"root"}), writes=frozenset({"root"})), place("SOURCE", writes=frozenset())]
    rses.append(place("BOTH", reads=frozenset({"web", "root"}), writes=frozenset({"web", "root"})))
    assert wanted_rows(rses, Declared((Rule(1),))) == {
        "WEB": {"BOTH": 1},
        "ROOT": {"BOTH": 1},
        "SOURCE": {"WEB": 1, "BOTH": 1},
        "BOTH": {"WEB": 1, "ROOT": 1},
    }


def test_places_of_records() -> None:
    def door(scheme: str, **wan: int | None) -> Protocol:
        return Protocol(scheme, "h", 1, "/", "x.Y", {}, wan)

    doors = (
        door("davs", third_party_copy_read=1, third_party_copy_write=None),
        door("srm", third_party_copy_read=1, third_party_copy_write=1),
    )
    record = RseRecord("X", attributes={"site": "S", "staging_required": "true"}, properties={"latitude": 46}, protocols=doors)
    assert place_of(record) == Place("X", site="S", latitude=46.0, reads=WEB, staging=True)  # Rucio 41 moves nothing by SRM
    assert place_of(record, "38.6.4").writes == {"srm"}


def test_no_self_distance_but_for_staging() -> None:
    rows = wanted_rows([place("DISK"), place("TAPE", staging=True)], Declared((Rule(3),), {"DISK": {"DISK": 1}}))
    assert rows == {"DISK": {"TAPE": 3}, "TAPE": {"TAPE": 1, "DISK": 3}}


ANYWHERE = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@settings(max_examples=150)
@given(st.lists(ANYWHERE, min_size=2, max_size=12), st.floats(20, 21000))
def test_geography_finds_the_same_as_looking_at_every_pair(where: list[tuple[float, float]], km: float) -> None:
    places = [place(f"R{number}", latitude=latitude, longitude=longitude) for number, (latitude, longitude) in enumerate(where)]
    rows = wanted_rows(places, Declared((Rule(1, within_km=km),)))
    for one in places:
        expected = {
            other.name
            for other in places
            if other is not one and kilometres(one.latitude or 0, one.longitude or 0, other.latitude or 0, other.longitude or 0) <= km
        }
        assert set(rows.get(one.name, {})) == expected


def test_kilometres() -> None:
    assert math.isclose(kilometres(46.2, 6.1, 48.85, 2.35), 409, abs_tol=3)  # Geneva to Paris
    assert math.isclose(kilometres(0, 179.5, 0, -179.5), 111, abs_tol=1)


def test_sparse_distances_look_at_few_pairs() -> None:
    """3000 RSEs of 1000 sites on a grid: only neighbours are looked at, by counting how often a pair is asked for."""
    asked = 0

    class Counting(Place):
        def copies_to(self, other: Place) -> bool:
            nonlocal asked
            asked += 1
            return super().copies_to(other)

    places = [
        Counting(f"S{site}-{area}", site=f"S{site}", latitude=site // 40 * 2.0, longitude=site % 40 * 4.0, reads=WEB, writes=WEB)
        for site in range(1000)
        for area in range(3)
    ]
    rows = wanted_rows(places, Declared((Rule(1, same="site"), Rule(4, within_km=250))))
    pairs = sum(map(len, rows.values()))
    assert pairs < 40_000
    assert asked < 2 * pairs


def test_all_problems_of_a_declaration() -> None:
    with pytest.raises(DescriptionError) as caught:
        declared_from([{"distance": -1}, {"distance": 1, "same": "planet", "within_km": 0}], {"A": 3, "B": {"C": "far"}})
    assert [problem.path for problem in caught.value.problems] == [
        "distances.rules[0].distance",
        "distances.rules[1].same",
        "distances.rules[1].within_km",
        "distances.explicit.A",
        "distances.explicit.B.C",
    ]
