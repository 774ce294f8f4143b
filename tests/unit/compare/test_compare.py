"""Comparing sources: what counts as the same, which area belongs to which RSE, and the three forms of the report."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.compare import sides
from ansible_collections.escape.datalake.plugins.plugin_utils.compare.compared import Comparison, Side, clean_path, compare, facts_of
from ansible_collections.escape.datalake.plugins.plugin_utils.compare.render import as_dict, as_page, as_text, texts, write
from ansible_collections.escape.datalake.plugins.plugin_utils.cric.wanted import CricState
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cric_doma import listing_from_views, views_from_records
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.srr_report import read_report
from ansible_collections.escape.datalake.plugins.plugin_utils.model.rse import LAN_OPERATIONS, WAN_OPERATIONS, Protocol, RseRecord
from ansible_collections.escape.datalake.plugins.plugin_utils.rucio.rses import RseFound
from hypothesis import given
from hypothesis import strategies as st

DOOR = Protocol(
    "davs",
    "se.example.org",
    2880,
    "/escape/fast/",
    "rucio.rse.protocols.gfal.Default",
    dict.fromkeys(LAN_OPERATIONS, 1),
    dict.fromkeys(WAN_OPERATIONS, 1),
)
FAST = RseRecord(
    "LAB-FAST",
    "LAB",
    {"rse_type": "DISK", "availability_write": True},
    {"QOS": "FAST", "site": "LAB"},
    (DOOR,),
    {"MinFreeSpace": 10**12},
    50 * 10**12,
)
SAFE = replace(FAST, name="LAB-SAFE", attributes={"QOS": "SAFE", "site": "LAB"}, protocols=(replace(DOOR, prefix="/escape/safe/"),))
CONFIGURED: dict[str, Any] = {
    "se.example.org": {
        "name": "LAB",
        "site": "LAB",
        "doors": [{"scheme": "davs", "host": "se.example.org", "port": 2880}],
        "areas": [
            {"name": "f", "path": "/escape/fast", "capacity": "40TB", "media": "ssd", "qos": "FAST"},
            {"name": "lost", "path": "/escape/lost"},
        ],
    }
}
SRR = {
    "storageservice": {
        "name": "LAB",
        "storageshares": [{"name": "fast-share", "path": ["/escape/fast"], "totalsize": 45 * 10**12, "usedsize": 1}],
    }
}


def found(record: RseRecord) -> RseFound:
    doors = {door.key: door for door in record.protocols or ()}
    return RseFound(record.name, record.properties, record.attributes, doors, record.limits, record.space)


def cric(*records: RseRecord, **states: str) -> Side:
    plain, doma = views_from_records(records, states={name.replace("_", "-"): state for name, state in states.items()})
    return sides.cric_side(CricState("x", listing_from_views(plain, doma)))


def three(*, rucio: RseRecord = FAST) -> Comparison:
    known = sides.places_of([FAST, SAFE])
    report, _problems = read_report(SRR)
    storage, notes = sides.storage_side(CONFIGURED, {"se.example.org": report}, known, set(known.values()))
    return compare([storage, cric(FAST, SAFE, LAB_SAFE="DISABLED"), sides.rucio_side({"LAB-FAST": found(rucio)})], notes)


def test_the_same_everywhere_differs_nowhere() -> None:
    comparison = compare([cric(FAST), sides.rucio_side({"LAB-FAST": found(FAST)})])
    assert comparison.differing == ()
    rows = {row.field: row for row in comparison.rses[0].rows}
    assert rows["space"].verdict == "same"
    assert rows["state"].verdict == "partly"


def test_an_area_finds_its_rse_by_door_and_path() -> None:
    comparison = three()
    fast = next(rse for rse in comparison.rses if rse.name == "LAB-FAST")
    space = next(row for row in fast.rows if row.field == "space")
    assert (space.verdict, space.values) == ("differs", {"storage": 45 * 10**12, "CRIC": 50 * 10**12, "Rucio": 50 * 10**12})
    assert [rse.name for rse in comparison.rses] == ["LAB-FAST", "LAB-LOST", "LAB-SAFE"]
    assert [note.path for note in comparison.notes] == ["se.example.org: /escape/lost"]


def test_a_share_that_no_area_claims_counts_by_its_name() -> None:
    shares = [{"name": "lab-safe", "totalsize": 7}, {"name": "stranger", "totalsize": 8}, {"name": "f", "totalsize": 9}]
    report, _problems = read_report({"storageservice": {"storageshares": shares}})
    side, notes = sides.storage_side(CONFIGURED, {"se.example.org": report}, sides.places_of([FAST]), {"LAB-FAST", "LAB-SAFE"})
    assert {name: facts["space"] for name, facts in side.rses.items() if "space" in facts} == {"LAB-SAFE": 7, "LAB-FAST": 9}
    assert [note.path for note in notes] == ["se.example.org: /escape/lost", "se.example.org: share stranger"]


def test_what_a_full_source_lacks_is_missing_and_a_partial_one_lacks_nothing() -> None:
    missing = {rse.name: rse.missing for rse in three().rses}
    assert missing == {"LAB-FAST": (), "LAB-SAFE": ("Rucio",), "LAB-LOST": ("CRIC", "Rucio")}


def test_what_only_looks_different_is_the_same() -> None:
    other = replace(
        FAST,
        attributes={"QOS": "FAST", "site": "LAB", "verify_checksum": "True"},
        protocols=(replace(DOOR, prefix="//escape//fast"),),
        space=50_100_000_000_000,
    )
    comparison = compare(
        [
            Side("one", {"X": facts_of(replace(FAST, attributes={"QOS": "FAST", "verify_checksum": True}))}),
            Side("other", {"X": facts_of(other)}),
        ]
    )
    assert [row.field for row in comparison.rses[0].rows if row.verdict == "differs"] == []
    assert clean_path("//a//b/") == "/a/b"


def test_a_priority_that_differs_is_told() -> None:
    worse = replace(FAST, protocols=(replace(DOOR, wan={**DOOR.wan, "third_party_copy_write": None}),))
    comparison = compare([cric(FAST), sides.rucio_side({"LAB-FAST": found(worse)})])
    (row,) = [row for row in comparison.rses[0].rows if row.verdict == "differs"]
    assert row.field == "davs://se.example.org:2880 wan"
    assert "third_party_copy_write 1" in row.values["CRIC"]
    assert "third_party_copy_write" not in row.values["Rucio"]


def test_what_cric_declares_and_rucio_lacks_differs_but_not_the_other_way() -> None:
    lacking = replace(FAST, attributes={"site": "LAB", "oidc_support": True}, limits={})
    comparison = compare([cric(FAST), sides.rucio_side({"LAB-FAST": found(lacking)})])
    verdicts = {row.field: row.verdict for row in comparison.rses[0].rows}
    assert (verdicts["attribute QOS"], verdicts["limit MinFreeSpace"], verdicts["attribute oidc_support"]) == (
        "differs",
        "differs",
        "partly",
    )


def test_an_rse_that_cric_has_and_nobody_can_read_is_not_missing() -> None:
    side = sides.cric_side(CricState("x", listing_from_views({}, {"rses": {"LAB-FAST": 3}})))
    comparison = compare([side, sides.rucio_side({"LAB-FAST": found(FAST)})])
    assert comparison.rses[0].missing == ()


def test_text_shows_only_differences_or_everything() -> None:
    comparison = three()
    short = as_text(comparison)
    assert "3 RSEs compared (storage, CRIC, Rucio): 3 differ." in short
    assert "LAB-SAFE   not in Rucio" in short
    assert "≠ space" in short
    assert "45TB" in short
    assert "attribute QOS" not in short
    assert "= attribute QOS" in as_text(comparison, only_differences=False)


def test_values_of_strangers_do_not_break_the_text() -> None:
    sides = [Side("CRIC", {"A": {"attribute x\n": "one\ntwo \x1b[31mred"}}), Side("Rucio", {"A": {"attribute x\n": "\u009b"}})]
    lines = as_text(compare(sides)).splitlines()
    assert [line.split() for line in lines[4:]] == [["≠", "attribute", "x", "one", "two", "[31mred"]]


def test_data_and_page() -> None:
    comparison = three()
    plain = json.loads(json.dumps(as_dict(comparison)))
    assert plain["differing"] == ["LAB-FAST", "LAB-LOST", "LAB-SAFE"]
    evil = Comparison(("<b>",), compare([Side("<b>", {"<script>": {"x": "<img>"}})]).rses)
    page = as_page(evil)
    assert "<img>" not in page
    assert "&lt;img&gt;" in page


def test_the_files_are_written_once(tmp_path: Path) -> None:
    files = texts(three())
    assert write(tmp_path / "reports", files)
    assert not write(tmp_path / "reports", files)
    assert sorted(path.name for path in (tmp_path / "reports").iterdir()) == ["compare.html", "compare.json", "compare.txt"]


NONSENSE = st.recursive(
    st.none() | st.integers() | st.text(max_size=5) | st.booleans(),
    lambda more: (
        st.lists(more, max_size=2)
        | st.dictionaries(
            st.sampled_from(["storageshares", "name", "totalsize", "path", "areas", "doors", "scheme", "host", "port"]), more, max_size=3
        )
    ),
)


@given(NONSENSE)
def test_a_report_may_hold_anything(nonsense: Any) -> None:
    read_report({"storageservice": nonsense})
    document = copy.deepcopy(SRR)
    document["storageservice"]["storageshares"] = nonsense  # type: ignore[index]
    read_report(document)


@given(NONSENSE, NONSENSE)
def test_a_configuration_may_lack_anything(doors: Any, areas: Any) -> None:
    sides.storage_side({"host": {"doors": doors, "areas": areas}}, {}, {}, ())
