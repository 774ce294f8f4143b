"""From what CRIC says to what Rucio should hold, and reading CRIC with its last good copy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.cric.wanted import CricState, Selection, WantedLake, wanted_from_cric
from ansible_collections.escape.datalake.plugins.plugin_utils.cric_reader import CricSource, age_words, read_cric
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cric_doma import listing_from_views
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cric_downtime import Downtime
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cric_service import Site
from ansible_collections.escape.datalake.plugins.plugin_utils.model.distance_rules import Declared, Rule
from ansible_collections.escape.datalake.plugins.plugin_utils.services.cric import CricClient
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures/cric"
PLAIN: dict[str, Any] = json.loads((FIXTURES / "plain.json").read_text())
DOMA: dict[str, Any] = json.loads((FIXTURES / "doma.json").read_text())


def state(**facts: Any) -> CricState:
    return CricState("x", listing_from_views(PLAIN, DOMA), **facts)


def flags(wanted: WantedLake) -> dict[str, str]:
    """The open operations of each RSE, by their first letters."""
    words = ("read", "write", "delete")
    return {record.name: "".join(each[0] for each in words if record.properties[f"availability_{each}"]) for record in wanted.records}


def test_states_close() -> None:
    wanted = wanted_from_cric(state(), 0.0)
    assert flags(wanted) == {"CNAF-STORM": "rwd", "LAPP-WEBDAV": "", "PIC-DCACHE": "rwd"}
    assert wanted.inactive == {"LAPP-WEBDAV": "DISABLED in CRIC"}
    lapp = next(record for record in wanted.records if record.name == "LAPP-WEBDAV")
    assert (lapp.attributes, lapp.protocols) == ({}, None)  # nothing but its availability is touched


@pytest.mark.parametrize(("site_state", "open_for"), [("ACTIVE", "rwd"), ("DISABLED", ""), ("CERTIFIED", "rwd")])
def test_the_state_of_an_rc_site_closes_its_rses(site_state: str, open_for: str) -> None:
    wanted = wanted_from_cric(state(sites={"pic": Site("pic", state=site_state)}), 0.0)
    assert (flags(wanted)["PIC-DCACHE"], "PIC-DCACHE" in wanted.inactive) == (open_for, not open_for)
    assert flags(wanted)["CNAF-STORM"] == "rwd"


@pytest.mark.parametrize("odd", ["ACTIV", "SUSPICIOUS", 5, True, ["DISABLED"], {}])
def test_a_state_that_nobody_knows_closes_and_opens_nothing(odd: Any) -> None:
    doma = {**DOMA, "rses": {**DOMA["rses"], "PIC-DCACHE": {**DOMA["rses"]["PIC-DCACHE"], "state": odd}}}
    wanted = wanted_from_cric(CricState("x", listing_from_views(PLAIN, doma)), 0.0, declared=Declared((Rule(9),)))
    assert "PIC-DCACHE" in wanted.names
    assert "PIC-DCACHE" not in {record.name for record in wanted.records} | wanted.inactive.keys() | wanted.closed.keys()
    assert any("has a state that is not known" in str(problem) for problem in wanted.problems)


@pytest.mark.parametrize(("now", "open_for"), [(99.0, "rwd"), (100.0, ""), (199.0, ""), (200.0, "rwd")])
def test_downtimes_close_while_they_last(now: float, open_for: str) -> None:
    downtimes = (Downtime("pic", 100.0, 200.0), Downtime("INFN-T1", 0.0, 999.0, ("ARC-CE",)))
    wanted = wanted_from_cric(state(downtimes=downtimes), now)
    assert flags(wanted)["PIC-DCACHE"] == open_for
    assert flags(wanted)["CNAF-STORM"] == "rwd"


def test_exclusions_close_one_operation() -> None:
    wanted = wanted_from_cric(state(exclusions={"PIC-DCACHE": {"availability_write": "write_wan is OFF: full"}}), 0.0)
    assert flags(wanted)["PIC-DCACHE"] == "rd"
    assert wanted.closed["PIC-DCACHE"] == "write_wan is OFF: full"


def test_sites_fill_in_what_an_rse_does_not_say() -> None:
    sites = {"pic": Site("pic", "ES", 41.5, 2.1, "Europe/Madrid")}
    record = next(each for each in wanted_from_cric(state(sites=sites), 0.0).records if each.name == "PIC-DCACHE")
    assert record.properties["country_name"] == "Spain"  # its own word stays
    assert (record.properties["latitude"], record.properties["time_zone"]) == (41.5, "Europe/Madrid")


def test_distances_explicit_before_cric_before_rules() -> None:
    declared = Declared((Rule(9),), {"PIC-DCACHE": {"CNAF-STORM": 5, "NOWHERE": 1}})
    wanted = wanted_from_cric(state(), 0.0, declared=declared)
    assert wanted.rows == {"CNAF-STORM": {"PIC-DCACHE": 2}, "PIC-DCACHE": {"CNAF-STORM": 5}}
    assert any("NOWHERE" in str(problem) for problem in wanted.problems)
    without = wanted_from_cric(state(), 0.0, declared=declared, cric_distances=False)
    assert without.rows == {"CNAF-STORM": {"PIC-DCACHE": 9}, "PIC-DCACHE": {"CNAF-STORM": 5}}
    assert wanted_from_cric(state(), 0.0).rows is None


def test_selection() -> None:
    wanted = wanted_from_cric(state(), 0.0, selection=Selection(("*-*",), ("LAPP*", "PIC*")))
    assert [record.name for record in wanted.records] == ["CNAF-STORM"]
    assert len(wanted.names) == 3


def saved(folder: Path, **documents: Any) -> CricSource:
    folder.mkdir(exist_ok=True)
    for name, document in documents.items():
        (folder / f"{name}.json").write_text(json.dumps(document))
    return CricSource(CricClient(str(folder)), extras=("downtimes", "services"), copies=folder.parent / "copies", copy_age=3600.0)


def test_the_last_good_copy_has_an_age(tmp_path: Path) -> None:
    source = saved(tmp_path / "cric", plain=PLAIN, doma=DOMA, downtimes={})
    read_cric(source, now=lambda: 1000.0).keep()
    assert oct((next((tmp_path / "copies").iterdir())).stat().st_mode & 0o777) == "0o600"
    saved(tmp_path / "cric", doma={"error": "database down"})
    copy = read_cric(source, now=lambda: 2800.0)
    assert copy.state.listing.rses.keys() == DOMA["rses"].keys()
    assert "copy of 30 minutes ago" in copy.state.copy_because
    assert wanted_from_cric(copy.state, 2800.0).additions_only == copy.state.copy_because
    copy.keep()  # a copy is never kept as a new one
    with pytest.raises(ApiError, match="not of its kind"):
        read_cric(source, now=lambda: 1000.0 + 3601)


@pytest.mark.parametrize("kept", ["", "{}", "[1]", '{"address": "other", "fetched": 1, "documents": {}}'])
def test_a_copy_that_is_none_is_not_used(tmp_path: Path, kept: str) -> None:
    source = saved(tmp_path / "cric", doma=[1])
    assert source.kept is not None
    source.kept.folder.mkdir()
    source.kept.path.write_text(kept)
    with pytest.raises(ApiError, match="not of its kind"):
        read_cric(source)


def test_one_file_of_either_view(tmp_path: Path) -> None:
    for name, expected in (("doma.json", set(DOMA["rses"])), ("ddmendpoint.json", {"GKE-LSST_LOGS"})):
        read = read_cric(CricSource(CricClient(str(FIXTURES / name)), extras=("sites",)))
        assert set(read.state.listing.names) == expected


def test_a_directory_with_end_points_alone(tmp_path: Path) -> None:
    source = saved(tmp_path / "cric", ddmendpoint=json.loads((FIXTURES / "ddmendpoint.json").read_text()))
    assert set(read_cric(source).state.listing.names) == {"GKE-LSST_LOGS"}


def test_ages() -> None:
    assert [age_words(each) for each in (5, 119, 121, 7300, 200_000)] == ["5 seconds", "119 seconds", "2 minutes", "2 hours", "2 days"]
