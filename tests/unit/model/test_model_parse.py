"""Descriptions and RSE records that are right."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.model import parse, qos, rucio, units
from ansible_collections.escape.datalake.plugins.plugin_utils.model.derive import rse_records
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError
from ansible_collections.escape.datalake.plugins.plugin_utils.model.rse import LAN_OPERATIONS, WAN_OPERATIONS, Protocol, RseRecord
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import X509, Access, Area, Lake, Location
from hypothesis import given
from hypothesis import strategies as st

Data = dict[str, Any]


def test_the_lake(lake: Lake) -> None:
    assert lake.issuers["escape"].access == (Access("escape", "/escape/data-manager", "write"), Access("escape", "/escape", "read"))
    assert list(lake.qos_classes) == ["SAFE", "FAST", "CHEAP-ANALYSIS", "OPPORTUNISTIC"]
    assert lake.rucio_release == "41"


def test_a_lake_adds_and_replaces_classes(lake_data: Data, storage_data: Data) -> None:
    lake_data["qos_classes"] = {
        "FAST": {"any_of": [{"max_latency": "1s"}]},
        "GLACIAL": {"description": "Tape only.\nReading takes hours.\n", "any_of": [{"media": ["tape"]}], "permanent": True},
    }
    lake = parse.load_lake(lake_data)
    assert list(lake.qos_classes) == ["SAFE", "FAST", "CHEAP-ANALYSIS", "OPPORTUNISTIC", "GLACIAL"]
    storage_data["areas"][0].update(media="hdd")
    storage_data["areas"][1].update(qos="GLACIAL", media="tape")
    assert [area.qos for area in parse.load_storage(storage_data, lake).areas] == ["FAST", "GLACIAL"]


def test_a_storage_with_defaults(storage_data: Data, lake: Lake) -> None:
    storage = parse.load_storage(storage_data, lake)
    assert storage.base_path == "/escape"
    assert storage.audiences == ("https://se1.lake.test:1094", "se1.lake.test", "https://wlcg.cern.ch/jwt/v1/any")
    assert storage.areas[0] == Area(
        "fast", "/escape/fast", "FAST", 50 * 10**12, rse="LAB-XRD1-FAST", media="ssd", partitions=("/data/fast",)
    )
    assert storage.location == Location(country="FR", timezone="Europe/Paris", latitude=45.9, longitude=6.1)
    assert storage.x509 is None


def test_a_storage_with_everything(storage_data: Data, lake: Lake) -> None:
    storage_data.update(
        release=5,
        base_path="/escape",
        audiences=["https://lake.example.org", "se1.lake.test"],
        x509={"vos": ["escape"]},
        issuers=["escape", "partner"],
    )
    storage_data["doors"].append({"scheme": "https", "host": "se1.lake.test", "port": 443})
    storage_data["areas"][0].update(
        rse="SPEEDY",
        latency="5ms",
        volatile=True,
        access=[{"issuer": "partner", "group": "/p", "rights": "write"}],
        attributes={"tier": 2, "tape": False},
    )
    storage = parse.load_storage(storage_data, lake)
    assert storage.release == "5"
    assert storage.audiences == (
        "https://se1.lake.test:1094",
        "https://se1.lake.test",
        "se1.lake.test",
        "https://wlcg.cern.ch/jwt/v1/any",
        "https://lake.example.org",
    )
    assert storage.x509 == X509(("escape",))
    area = storage.areas[0]
    assert (area.rse, area.latency_ms, area.volatile, area.attributes) == ("SPEEDY", 5, True, {"tier": 2, "tape": False})
    assert area.access == (Access("partner", "/p", "write"),)


def test_access_without_issuer_means_the_only_one(storage_data: Data, lake: Lake) -> None:
    storage_data["areas"][0]["access"] = [{"group": "/escape/fast", "rights": "write"}]
    assert parse.load_storage(storage_data, lake).areas[0].access == (Access("escape", "/escape/fast", "write"),)


def test_a_root_base_path_must_be_meant(storage_data: Data, lake: Lake) -> None:
    storage_data["areas"][1]["path"] = "/other/safe"
    storage_data["base_path"] = "/"
    assert parse.load_storage(storage_data, lake).base_path == "/"


def test_nothing_in_an_optional_key_is_the_default(storage_data: Data, lake: Lake) -> None:
    expected = parse.load_storage(storage_data, lake)
    storage_data.update(base_path=None, audiences=None, x509=None)
    assert parse.load_storage(storage_data, lake) == expected


def test_results_are_plain_data(storage_data: Data, lake: Lake) -> None:
    plain = parse.storage_as_dict(parse.load_storage(storage_data, lake))
    assert plain["areas"][0]["capacity"] == 50 * 10**12
    assert plain["areas"][0]["partitions"] == ["/data/fast"]
    assert plain["issuers"][0]["access"][1] == {"issuer": "escape", "group": "/escape", "rights": "read"}


# Random descriptions that are right must load.

WORD = st.from_regex(r"\A[a-z0-9]{1,8}\Z")


@st.composite
def areas(draw: st.DrawFn) -> list[Data]:
    """Areas beside each other whose names all have one length, so that none begins with another."""
    names = draw(st.lists(st.from_regex(r"\A[a-z]{5}\Z"), min_size=1, max_size=4, unique=True))
    parent = "/" + "/".join(draw(st.lists(WORD, min_size=1, max_size=3)))
    made = []
    for name in names:
        facts = qos.Facts(
            draw(st.sampled_from(sorted(qos.MEDIA))),
            draw(st.integers(2, 4)),
            draw(st.sampled_from(sorted(qos.REDUNDANCY))),
            volatile=draw(st.booleans()),
        )
        capacity = draw(st.integers(1, 10**18))
        made.append(
            {
                "name": name,
                "path": f"{parent}/{name}",
                "qos": draw(st.sampled_from(qos.claimable(qos.BUILT_IN, facts))),
                "capacity": draw(st.sampled_from([capacity, units.format_size(capacity)])),
                "media": facts.media,
                "copies": facts.copies,
                "redundancy": facts.redundancy,
                "volatile": facts.volatile,
                "attributes": draw(
                    st.dictionaries(
                        st.from_regex(r"\Alocal_[a-z]{1,8}\Z"), st.text(max_size=20) | st.booleans() | st.integers(), max_size=2
                    )
                ),
            }
        )
    return made


DESCRIPTIONS = st.fixed_dictionaries(
    {
        "name": st.from_regex(r"\A[A-Za-z0-9]{1,10}(-[A-Za-z0-9]{1,5})?\Z"),
        "site": WORD,
        "system": st.sampled_from(["dcache", "storm", "dpm", "xrootd", "eos"]),
        "release": st.from_regex(r"\A[0-9]{1,2}(\.[0-9]{1,2}){1,2}\Z"),
        "issuers": st.sampled_from([["escape"], ["partner"], ["partner", "escape"]]),
        "doors": st.lists(
            st.fixed_dictionaries(
                {"scheme": st.sampled_from(["davs", "root", "https"]), "host": WORD.map("{}.x.org".format), "port": st.integers(1, 65535)}
            ),
            max_size=3,
            unique_by=lambda door: (door["host"], door["port"]),
        ).map(lambda doors: [*doors, {"scheme": "davs", "host": "door.example.org", "port": 443}]),
        "areas": areas(),
    }
)


@given(description=DESCRIPTIONS)
def test_valid_descriptions_load(lake: Lake, description: Data) -> None:
    storage = parse.load_storage(description, lake)
    records = rse_records(storage, lake)
    assert [units.parse_size(area["capacity"]) for area in description["areas"]] == [record.space for record in records]
    for record in records:
        assert parse.load_rse_record(parse.rse_record_as_dict(record)) == record
        assert all(protocol.prefix.endswith("/") for protocol in record.protocols or ())


# RSE records as modules take and return them.

PRIORITY = st.none() | st.integers(0, 9)
SCALARS = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=20)
PROTOCOLS = st.builds(
    Protocol,
    scheme=st.sampled_from(sorted(rucio.SCHEMES)),
    hostname=WORD,
    port=st.integers(0, 65535),
    prefix=WORD.map("/{}/".format),
    impl=st.sampled_from(sorted(rucio.PROTOCOL_CLASSES)),
    lan=st.fixed_dictionaries(dict.fromkeys(LAN_OPERATIONS, PRIORITY)),
    wan=st.fixed_dictionaries(dict.fromkeys(WAN_OPERATIONS, PRIORITY)),
    extended_attributes=st.none() | st.dictionaries(WORD, SCALARS, max_size=2),
)
RECORDS = st.builds(
    RseRecord,
    name=st.from_regex(r"\A[A-Z0-9]{1,9}([_-][A-Z0-9]{1,9}){0,3}\Z"),
    site=st.just("") | WORD,
    properties=st.fixed_dictionaries(
        {},
        optional={
            "deterministic": st.booleans(),
            "rse_type": st.sampled_from(["DISK", "TAPE"]),
            "latitude": st.floats(-90, 90),
            "city": WORD,
        },
    ),
    attributes=st.dictionaries(WORD, SCALARS, max_size=3),
    protocols=st.none() | st.lists(PROTOCOLS, max_size=2).map(tuple),
    limits=st.dictionaries(WORD, st.integers(0, 10**18), max_size=2),
    space=st.none() | st.integers(0, 10**18),
)


@given(RECORDS)
def test_records_round_trip(record: RseRecord) -> None:
    assert parse.load_rse_record(parse.rse_record_as_dict(record)) == record


def test_a_short_record() -> None:
    assert parse.load_rse_record({"name": "A-B", "limits": {"MinFreeSpace": "1TB"}}) == RseRecord("A-B", limits={"MinFreeSpace": 10**12})


def test_operations_that_are_not_named_are_not_offered() -> None:
    door = {"scheme": "davs", "hostname": "se", "port": 1, "prefix": "/x/", "impl": rucio.DEFAULT_IMPL, "domains": {"wan": {"read": 1}}}
    (protocol,) = parse.load_rse_record({"name": "A", "protocols": [door]}).protocols or ()
    assert protocol.wan == {"read": 1, **dict.fromkeys(WAN_OPERATIONS[1:])}
    assert protocol.lan == dict.fromkeys(LAN_OPERATIONS)


@pytest.mark.parametrize(
    ("change", "path", "said"),
    [
        ({"name": "lower"}, "rses[0].name", "not a valid RSE name"),
        ({"properties": {"timezone": "x"}}, "rses[0].properties.timezone", 'Did you mean "time_zone"?'),
        ({"properties": {"rse_type": "disk"}}, "rses[0].properties.rse_type", 'Did you mean "DISK"?'),
        ({"properties": {"region_code": "Savoie"}}, "rses[0].properties.region_code", "two characters"),
        ({"attributes": {"a": []}}, "rses[0].attributes.a", "a list"),
        ({"protocols": [{}]}, "rses[0].protocols[0].scheme", "missing"),
        ({"limits": {"MinFreeSpace": "lots"}}, "rses[0].limits.MinFreeSpace", "no size"),
        ({"protocol": []}, "rses[0].protocol", 'Did you mean "protocols"?'),
    ],
)
def test_bad_records(change: Data, path: str, said: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        parse.load_rse_records([{"name": "A", **change}])
    first = caught.value.problems[0]
    assert first.path == path
    assert said in str(first)


def test_all_bad_records_are_reported() -> None:
    with pytest.raises(DescriptionError) as caught:
        parse.load_rse_records([{"name": "a"}, {"name": "OK"}, {"name": "OK"}, 7])
    assert [problem.path for problem in caught.value.problems] == ["rses[0].name", "rses[2].name", "rses[3]"]
