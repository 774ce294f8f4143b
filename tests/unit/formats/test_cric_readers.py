"""Readers of CRIC's views: published answers, untidy ones, and answers that were damaged at random."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cric_ddmendpoint import listing_from_ddmendpoints
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cric_doma import listing_from_views, records_from_views
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cric_downtime import downtimes_from, exclusions_from
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cric_endpoint import parse_endpoint
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cric_listing import renamed
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cric_service import services_from, sites_from
from hypothesis import given, settings
from hypothesis import strategies as st

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures/cric"
PLAIN: dict[str, Any] = json.loads((FIXTURES / "plain.json").read_text())
DOMA: dict[str, Any] = json.loads((FIXTURES / "doma.json").read_text())
DDM: dict[str, Any] = json.loads((FIXTURES / "ddmendpoint.json").read_text())
SERVICES: dict[str, Any] = json.loads((FIXTURES / "services.json").read_text())

NONSENSE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["0", "-1", "443", "ACTIVE", "DISABLED", "davs://h:1/p", "storm://example.com:0", "true"]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


def places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place of a document at which something could stand that does not belong there."""
    below = document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    return [path, *(place for key, value in below for place in places(value, (*path, key)))]


def damaged(document: Any, damage: list[tuple[int, Any]]) -> Any:
    document = copy.deepcopy(document)
    for index, value in damage:
        every = places(document)
        path = every[index % len(every)]
        if not path:
            document = copy.deepcopy(value)
            continue
        holder = document
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = copy.deepcopy(value)
    return document


DAMAGE = st.lists(st.tuples(st.integers(0, 10**6), NONSENSE), min_size=1, max_size=4)


def test_sound_views_read_as_before() -> None:
    listing = listing_from_views(PLAIN, DOMA)
    assert {name: each.record for name, each in listing.rses.items()} == {each.name: each for each in records_from_views(PLAIN, DOMA)}
    assert listing.problems == ()
    assert listing.rses["LAPP-WEBDAV"].state == "DISABLED"
    assert listing.distances["CNAF-STORM"] == {"PIC-DCACHE": 2}


@settings(max_examples=300)
@given(DAMAGE, DAMAGE)
def test_damaged_views_never_stop_the_reader_nor_lose_a_name(one: list[tuple[int, Any]], other: list[tuple[int, Any]]) -> None:
    plain, doma = damaged(PLAIN, one), damaged(DOMA, other)
    listing = listing_from_views(plain, doma)
    named = doma.get("rses") if isinstance(doma, dict) else None
    assert listing.names >= {str(name) for name in (named if isinstance(named, dict) else ())}
    assert not listing.unreadable & listing.rses.keys()


@settings(max_examples=300)
@given(DAMAGE)
def test_a_damaged_door_never_becomes_a_shorter_list_of_doors(damage: list[tuple[int, Any]]) -> None:
    """An RSE keeps all doors that it had or none is known: a shorter list could make a purge remove doors."""
    fields = DOMA["rses"]["PIC-DCACHE"]
    doma = {"rses": {"PIC-DCACHE": {**fields, "protocols": damaged(fields["protocols"], damage)}}, "distances": {}}
    given_doors = doma["rses"]["PIC-DCACHE"]["protocols"]
    for each in listing_from_views({}, doma).rses.values():
        assert each.record.protocols is None or len(each.record.protocols) == len(given_doors)


@settings(max_examples=200)
@given(DAMAGE)
def test_damaged_end_points_never_stop_the_reader_nor_lose_a_name(damage: list[tuple[int, Any]]) -> None:
    document = damaged(DDM, damage)
    listing = listing_from_ddmendpoints(document)
    assert listing.names >= {str(name) for name in (document if isinstance(document, dict) else ())}


@settings(max_examples=200)
@given(DAMAGE)
def test_damaged_topology_never_stops_the_reader(damage: list[tuple[int, Any]]) -> None:
    services_from(damaged(SERVICES, damage))
    sites_from(damaged({"LAB": {"latitude": "46.2", "longitude": 6.1, "country": "FR", "state": "ACTIVE"}}, damage))
    downtimes_from(damaged({"1": {"rc_site": "LAB", "severity": "OUTAGE", "start_time": "2026-01-01T00:00:00", "end_time": 3}}, damage))
    exclusions_from(damaged({"A": {"write_wan": {"status": {"value": "OFF"}}}}, damage))


@pytest.mark.parametrize(
    ("text", "flavour", "expected"),
    [
        ("davs://se.example.net:2880", "", "davs://se.example.net:2880"),
        ("davs://se.example.net:2880/", "", "davs://se.example.net:2880"),
        ("root://eos.example.net", "", "root://eos.example.net:1094"),
        ("https://fed.example.net/myfed//area/", "", "https://fed.example.net:443"),
        ("globus://g.example.net", "", "globus://g.example.net:0"),
        ("srm://head.example.net:8443/srm/managerv2?SFN=/pnfs/x", "", "srm://head.example.net:8443"),
        ("alice.example.net", "", None),
        ("alice.example.net", "XROOTD", "root://alice.example.net:1094"),
        ("SE.Example.Net:443", "WEBDAV", "davs://se.example.net:443"),
        ("davs://se.example.net:99999", "", None),
        ("", "WEBDAV", None),
        ("not an address", "WEBDAV", None),
    ],
)
def test_end_points(text: str, flavour: str, expected: str | None) -> None:
    door = parse_endpoint(text, flavour)
    assert (str(door) if door else None) == expected


def test_end_points_keep_path_and_service_path() -> None:
    srm = parse_endpoint("srm://head.example.net:8443/srm/managerv2?SFN=/pnfs//x/")
    assert srm is not None
    assert (srm.path, srm.service_path) == ("/pnfs/x", "/srm/managerv2?SFN=")
    odd = parse_endpoint("davs://se.example.net:433/data//a/")
    assert odd is not None
    assert (odd.path, odd.notes) == ("/data/a", ("port 433 looks like a mistyped 443",))


def test_published_services() -> None:
    services, problems = services_from(SERVICES)
    assert len(services) == len(SERVICES)
    assert [str(door) for door in services["BEIJING-LCG2_SE_ALICE"].doors] == ["root://aliceeos.alice.ihep.ac.cn:1094"]
    assert services["AGLT2_SE"].rc_site == "AGLT2"
    assert services["AGLT2_SE_0_ATLAS"].rc_site == ""
    assert problems == ()
    grouped, _problems = services_from(
        {"LAB": [{"name": "LAB_SE", "protocols": {"LAB_SE-XROOTD-x": {"endpoint": "storm://example.com:0"}}}]}
    )
    assert (grouped["LAB_SE"].rc_site, grouped["LAB_SE"].doors) == ("LAB", ())


def test_published_end_point_record() -> None:
    listing = listing_from_ddmendpoints(DDM)
    record = listing.rses["GKE-LSST_LOGS"].record
    assert (record.site, record.attributes["tier"], record.properties["country_name"]) == ("GKE-LSST", "1", "US")
    assert record.protocols is None  # a door that Rucio does not know is no reason to remove the others
    assert any("gs doors are not known" in str(problem) for problem in listing.problems)


def test_priorities_of_end_points_are_places_in_the_list() -> None:
    doors = [["davs://d.example.net:443", 7, "/pool/atlas"], ["root://x.example.net", 0, "/pool/atlas/rucio/"]]
    document = {
        "DISK": {
            "aprotocols": {"read_wan": doors, "write_wan": doors[:1], "delete_wan": doors[:1], "third_party_copy": doors, "r": doors[1:]},
            "is_mkdir": True,
            "is_deterministic": True,
            "token": "ATLASDATADISK",
        },
        "OLD": {"aprotocols": {"r": [["srm://s.example.net:8446/srm/managerv2?SFN=", 0, "/p"]], "pr": []}, "is_tape": True, "token": "T"},
    }
    listing = listing_from_ddmendpoints(document)
    davs, root = listing.rses["DISK"].record.protocols or ()
    assert (davs.prefix, davs.impl) == ("/pool/atlas/rucio/", "rucio.rse.protocols.gfal.NoRename")
    assert davs.wan == {"read": 1, "write": 1, "delete": 1, "third_party_copy_read": 1, "third_party_copy_write": 1}
    assert davs.lan == {"read": 1, "write": 1, "delete": 1}
    assert (root.prefix, root.port, root.wan["read"], root.wan["write"]) == ("//pool/atlas/rucio/", 1094, 2, None)
    (srm,) = listing.rses["OLD"].record.protocols or ()
    assert srm.extended_attributes == {"web_service_path": "/srm/managerv2?SFN=", "space_token": "T"}
    assert (srm.prefix, srm.wan["read"], listing.rses["OLD"].record.properties["rse_type"]) == ("/p/", 1, "TAPE")


@pytest.mark.parametrize("broken", [None, [], [None, 1, "/p"], ["no address"], {"endpoint": "davs://h"}, 5])
def test_an_end_point_that_cannot_be_read_never_shortens_the_list_of_doors(broken: Any) -> None:
    good = ["davs://d.example.net:443", 1, "/pool"]
    listing = listing_from_ddmendpoints({"DISK": {"aprotocols": {"read_wan": [good], "write_wan": [broken, good]}}})
    assert listing.rses["DISK"].record.protocols is None
    assert any("all doors of this RSE are left alone" in str(problem) for problem in listing.problems)
    filled = listing_from_ddmendpoints({"DISK": {"aprotocols": {"read_wan": [["storm://example.com:0", 0, "/"], good]}}})
    assert len(filled.rses["DISK"].record.protocols or ()) == 1


def test_untidy_values_are_left_out_alone() -> None:
    fields = copy.deepcopy(DOMA["rses"]["PIC-DCACHE"])
    fields |= {
        "latitude": "north",
        "longitude": "2.1",
        "deterministic": "True",
        "region_code": "CAT",
        "space": "5e3",
        "params": {"QOS": "FAST", "a": []},
    }
    listing = listing_from_views({}, {"rses": {"PIC-DCACHE": fields}})
    record = listing.rses["PIC-DCACHE"].record
    assert record.properties["deterministic"] is True
    assert record.properties["longitude"] == 2.1
    assert not {"latitude", "region_code"} & record.properties.keys()
    assert (record.space, record.attributes["QOS"], len(record.protocols or ())) == (None, "FAST", 2)
    assert sorted(problem.path.split(".", 1)[1] for problem in listing.problems) == ["latitude", "params.a", "region_code", "space"]


def test_names() -> None:
    fields = DOMA["rses"]["PIC-DCACHE"]
    listing = listing_from_views(
        {}, {"rses": {"pic.dcache": fields, "PIC-DCACHE": fields}, "distances": {"PIC-DCACHE": {"X": {"distance": 2}}}}
    )
    assert (listing.rses.keys(), listing.unreadable) == ({"PIC-DCACHE"}, {"pic.dcache"})
    assert renamed(listing, {"PIC-DCACHE": "PIC"}).distances == {"PIC": {"X": 2}}
    twice = renamed(listing_from_views({}, {"rses": {"A": fields, "B": fields}}), {"A": "C", "B": "C"})
    assert (twice.rses, twice.unreadable) == ({}, {"C"})


def test_downtimes() -> None:
    outage = {"rc_site": "LAB", "severity": "OUTAGE", "start_time": "2026-01-01T00:00:00", "end_time": "2026-01-02T00:00:00Z"}
    document = {
        "1": {**outage, "affected_services": "CE,webdav"},
        "2": {**outage, "affected_services": ["ARC-CE"]},
        "3": {**outage, "severity": "WARNING"},
        "4": {**outage, "end_time": "soon"},
    }
    found, problems = downtimes_from(document)
    assert [each.affects_storage() for each in found] == [True, False]
    assert found[0].end - found[0].start == 86400
    assert len(problems) == 1
