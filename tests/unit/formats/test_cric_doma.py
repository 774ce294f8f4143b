"""The DOMA views: the sample answers, and property tests of the round trip."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import cric_doma
from ansible_collections.escape.datalake.plugins.plugin_utils.model.derive import rse_records
from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import load_lake, load_storage
from ansible_collections.escape.datalake.plugins.plugin_utils.model.rse import LAN_OPERATIONS, WAN_OPERATIONS, Protocol, RseRecord
from hypothesis import given
from hypothesis import strategies as st

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures/cric"
PLAIN: dict[str, Any] = json.loads((FIXTURES / "plain.json").read_text())
DOMA: dict[str, Any] = json.loads((FIXTURES / "doma.json").read_text())
SAMPLES = {record.name: record for record in cric_doma.records_from_views(PLAIN, DOMA)}


def test_fields_become_properties_and_attributes() -> None:
    record = SAMPLES["CNAF-STORM"]
    assert record.site == "INFN-T1"
    assert record.space == 10_000_000_000_000
    assert record.properties["rse_type"] == "DISK"
    assert record.properties["country_name"] == "Italy"
    assert "time_zone" not in record.properties
    assert record.attributes == {
        "site": "INFN-T1",
        "QOS": "SAFE",
        "fts": "https://fts3-pilot.cern.ch:8446",
        "lfn2pfn_algorithm": "hash",
        "verify_checksum": True,
    }


def test_third_party_copy_moves_to_the_wan_domain_and_nothing_offered_is_none() -> None:
    (davs,) = SAMPLES["CNAF-STORM"].protocols or ()
    assert davs.wan == {"read": 1, "write": 1, "delete": 1, "third_party_copy_read": 1, "third_party_copy_write": 1}
    (old,) = SAMPLES["LAPP-WEBDAV"].protocols or ()
    assert old.wan["third_party_copy_read"] is None
    assert (old.port, old.extended_attributes) == (8001, None)


def test_priority_zero_is_none() -> None:
    fields = json.loads(json.dumps(DOMA["rses"]["CNAF-STORM"]))
    fields["protocols"][0]["domains"]["lan"] = {"read": 0, "write": "2"}
    (davs,) = cric_doma.record_from_fields("X", fields).protocols or ()
    assert davs.lan == {"read": None, "write": 2, "delete": None}


def test_doubled_slashes_go_except_in_front_of_root() -> None:
    davs, root = SAMPLES["PIC-DCACHE"].protocols or ()
    assert davs.prefix == "/rucio/pic_dcache"
    assert root.prefix == "//pnfs/pic.es/data/escape/rucio/pic_dcache"
    assert cric_doma.clean_prefix("root", "//a//b/") == "//a/b/"


def test_empty_values_are_not_known() -> None:
    record = SAMPLES["LAPP-WEBDAV"]
    assert record.space is None
    assert record.properties["rse_type"] == "DISK"
    assert record.properties["availability_write"] is False
    assert record.attributes["verify_checksum"] is False
    assert "country_name" not in record.properties


def test_state_and_distances() -> None:
    assert cric_doma.states_from_view(DOMA)["LAPP-WEBDAV"] == "DISABLED"
    assert cric_doma.distances_from_view(DOMA) == {("CNAF-STORM", "PIC-DCACHE"): 2, ("PIC-DCACHE", "CNAF-STORM"): 2}
    both = {"distances": {"A": {"B": {"distance": 5, "ranking": 9}, "C": {"ranking": 0}}}}
    assert cric_doma.distances_from_view(both) == {("A", "B"): 5}


@pytest.mark.parametrize(("text", "value"), [("True", True), ("false", False), (True, True), ("2", "2")])
def test_truth_values_kept_as_texts(text: Any, value: Any) -> None:
    fields = {**DOMA["rses"]["CNAF-STORM"], "params": {"oidc_support": text}, "verify_checksum": text}
    record = cric_doma.record_from_fields("X", fields)
    assert record.attributes["oidc_support"] == record.attributes["verify_checksum"] == value


def test_an_rse_that_the_plain_view_lacks_has_no_checksum_attribute() -> None:
    (record,) = cric_doma.records_from_views({}, {"rses": {"CNAF-STORM": DOMA["rses"]["CNAF-STORM"]}, "distances": {}})
    assert "verify_checksum" not in record.attributes


def test_only_what_a_record_states_is_stated() -> None:
    partial = RseRecord(name="A", attributes={"oidc_support": True, "gone": None})
    assert cric_doma.stated_fields(partial) == {"params": {"oidc_support": True, "gone": None}}
    assert cric_doma.new_fields(partial)["params"] == {"oidc_support": True}


def test_doors_with_different_classes_keep_them() -> None:
    davs, root = SAMPLES["PIC-DCACHE"].protocols or ()
    record = replace(SAMPLES["PIC-DCACHE"], protocols=(davs, replace(root, impl="rucio.rse.protocols.xrootd.Default")))
    fields = cric_doma.new_fields(record)
    assert fields["impl"] == "rucio.rse.protocols.gfal.Default"
    assert fields["params"]["impl_root"] == "rucio.rse.protocols.xrootd.Default"
    assert cric_doma.record_from_fields(record.name, fields) == record


def test_samples_survive_the_way_there_and_back() -> None:
    views = cric_doma.views_from_records(
        SAMPLES.values(), states=cric_doma.states_from_view(DOMA), distances=cric_doma.distances_from_view(DOMA)
    )
    assert cric_doma.records_from_views(*views) == tuple(SAMPLES.values())
    assert cric_doma.states_from_view(views[1]) == cric_doma.states_from_view(DOMA)
    assert cric_doma.distances_from_view(views[1]) == cric_doma.distances_from_view(DOMA)
    assert views[0]["CNAF-STORM"]["protocols"] == PLAIN["CNAF-STORM"]["protocols"]


priorities = st.none() | st.integers(1, 9)
words = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=8).filter(lambda word: word not in cric_doma.TRUTH)
scalars = words | st.booleans() | st.integers(1, 10**12)
BOOLEANS = [key for key, value in cric_doma.NEW.items() if isinstance(value, bool)]
GFAL, XROOTD = "rucio.rse.protocols.gfal.Default", "rucio.rse.protocols.xrootd.Default"


@st.composite
def protocols(draw: st.DrawFn) -> tuple[Protocol, ...]:
    keys = draw(
        st.lists(st.tuples(st.sampled_from(["davs", "root", "https", "srm"]), words, st.integers(1, 65535)), max_size=4, unique=True)
    )
    impl = {scheme: draw(st.sampled_from([GFAL, XROOTD])) for scheme, _host, _port in keys}
    return tuple(
        Protocol(
            scheme=scheme,
            hostname=host,
            port=port,
            prefix=("//" if scheme == "root" else "/") + draw(words) + "/",
            impl=impl[scheme],
            lan={operation: draw(priorities) for operation in LAN_OPERATIONS},
            wan={operation: draw(priorities) for operation in WAN_OPERATIONS},
            extended_attributes=draw(st.none() | st.dictionaries(words, words, min_size=1, max_size=2)),
        )
        for scheme, host, port in keys
    )


@st.composite
def records(draw: st.DrawFn) -> RseRecord:
    """Records as CRIC can hold them: what is always there is stated, the attribute site is the site."""
    optional = st.fixed_dictionaries(
        {},
        optional={
            "country_name": words,
            "region_code": words,
            "time_zone": words,
            "latitude": st.floats(-90, 90),
            "longitude": st.floats(-180, 180),
        },
    )
    site = draw(st.just("") | words)
    attributes = draw(st.dictionaries(words.map("x_".__add__), scalars, max_size=4))
    attributes |= draw(
        st.fixed_dictionaries({}, optional={"fts": words, "lfn2pfn_algorithm": words, "verify_checksum": st.booleans(), "QOS": words})
    )
    return RseRecord(
        name=draw(words).upper(),
        site=site,
        properties={
            **{key: draw(st.booleans()) for key in BOOLEANS},
            "rse_type": draw(st.sampled_from(["DISK", "TAPE"])),
            **draw(optional),
        },
        attributes={**attributes, **({"site": site} if site else {})},
        protocols=draw(protocols()),
        limits=draw(st.fixed_dictionaries({}, optional=dict.fromkeys(cric_doma.LIMITS, st.integers(0, 10**15)))),
        space=draw(st.none() | st.integers(1, 10**18)),
    )


@given(st.lists(records(), max_size=3, unique_by=lambda record: record.name))
def test_records_survive_the_way_through_both_views(wanted: list[RseRecord]) -> None:
    views = json.loads(json.dumps(cric_doma.views_from_records(wanted)))
    assert cric_doma.records_from_views(*views) == tuple(sorted(wanted, key=lambda record: record.name))


def test_derived_records_come_back_from_cric_but_for_city_and_continent() -> None:
    lake = load_lake(
        {"name": "lab", "issuers": {"escape": {"url": "https://iam.test/", "access": [{"group": "/escape", "rights": "write"}]}}}
    )
    described = {
        "name": "LAB-XRD1",
        "site": "LAB",
        "system": "xrootd",
        "release": "5.5.3",
        "issuers": ["escape"],
        "base_path": "/escape",
        "location": {"country": "FR", "city": "Annecy", "timezone": "Europe/Paris", "latitude": 45.92, "longitude": 6.15},
        "doors": [{"scheme": scheme, "host": "se1.lake.test", "port": 1094} for scheme in ("davs", "root")],
        "areas": [{"name": "fast", "path": "/escape/fast", "qos": "FAST", "capacity": "2GB", "media": "nvme", "latency": "1ms"}],
    }
    wanted = rse_records(load_storage(described, lake), lake)
    views = json.loads(json.dumps(cric_doma.views_from_records(wanted)))
    carried = {key: value for key, value in wanted[0].properties.items() if key not in cric_doma.NOT_CARRIED}
    assert cric_doma.records_from_views(*views) == (replace(wanted[0], properties=carried),)
