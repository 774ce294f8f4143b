"""What follows from a description."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.model import derive, paths
from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import load_lake, load_storage
from ansible_collections.escape.datalake.plugins.plugin_utils.model.rse import Protocol, RseRecord
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Access, Door, Lake

Data = dict[str, Any]


def records(storage_data: Data, lake: Lake) -> tuple[RseRecord, ...]:
    return derive.rse_records(load_storage(storage_data, lake), lake)


def test_properties_and_attributes(storage_data: Data, lake: Lake) -> None:
    fast, safe = records(storage_data, lake)
    assert (fast.name, fast.site, fast.space, fast.limits) == ("LAB-XRD1-FAST", "LAB", 50 * 10**12, {})
    assert fast.properties == {
        "deterministic": True,
        "volatile": False,
        "staging_area": False,
        "rse_type": "DISK",
        "availability_read": True,
        "availability_write": True,
        "availability_delete": True,
        "country_name": "FR",
        "time_zone": "Europe/Paris",
        "latitude": 45.9,
        "longitude": 6.1,
    }
    assert safe.attributes == {
        "QOS": "SAFE",
        "site": "LAB",
        "lfn2pfn_algorithm": "hash",
        "verify_checksum": True,
        "qos_media": "hdd",
        "qos_copies": 2,
        "oidc_base_path": "/escape",
        "fts": "https://fts.lake.test:8446",
    }


def test_tape_volatile_latency_and_own_attributes(storage_data: Data, lake: Lake) -> None:
    storage_data["areas"][0].update(
        qos="OPPORTUNISTIC", media="tape", volatile=True, latency="1h", attributes={"verify_checksum": False, "tier": "T2"}
    )
    fast = records(storage_data, lake)[0]
    assert (fast.properties["rse_type"], fast.properties["volatile"]) == ("TAPE", True)
    assert (fast.attributes["qos_latency_ms"], fast.attributes["verify_checksum"], fast.attributes["tier"]) == (3_600_000, False, "T2")


def test_token_support_is_never_derived(storage_data: Data, lake: Lake) -> None:
    record = records(storage_data, lake)[0]
    assert "oidc_support" not in record.attributes


def test_davs_is_preferred_to_root_whatever_the_order(storage_data: Data, lake: Lake) -> None:
    davs, root = records(storage_data, lake)[0].protocols or ()
    assert (davs.scheme, davs.prefix, davs.impl) == ("davs", "/escape/fast/", "rucio.rse.protocols.gfal.Default")
    assert davs.lan == {"read": 1, "write": 1, "delete": 1}
    assert davs.wan == {"read": 1, "write": 1, "delete": 1, "third_party_copy_read": 1, "third_party_copy_write": 1}
    assert (root.scheme, root.prefix) == ("root", "//escape/fast/")
    assert root.lan == {"read": 2, "write": 2, "delete": 2}
    assert root.wan == {"read": 2, "write": 2, "delete": 2, "third_party_copy_read": None, "third_party_copy_write": None}


def test_doors_of_one_scheme_keep_their_order(storage_data: Data, lake: Lake) -> None:
    storage_data["doors"] += [
        {"scheme": "https", "host": "a.lake.test", "port": 443},
        {"scheme": "davs", "host": "b.lake.test", "port": 443},
        {"scheme": "davs", "host": "a.lake.test", "port": 1443},
    ]
    protocols = records(storage_data, lake)[0].protocols or ()
    assert [(each.scheme, each.hostname, each.lan["read"]) for each in protocols] == [
        ("davs", "se1.lake.test", 1),
        ("davs", "b.lake.test", 2),
        ("davs", "a.lake.test", 3),
        ("https", "a.lake.test", 4),
        ("root", "se1.lake.test", 5),
    ]


def test_protocol_class_of_the_lake(storage_data: Data, lake_data: Data) -> None:
    lake_data["impl"] = {"root": "rucio.rse.protocols.xrootd.Default"}
    assert [each.impl for each in records(storage_data, load_lake(lake_data))[0].protocols or ()] == [
        "rucio.rse.protocols.gfal.Default",
        "rucio.rse.protocols.xrootd.Default",
    ]


def test_srm_has_the_path_that_rucio_asks_for(storage_data: Data, lake_data: Data) -> None:
    lake_data["rucio_release"] = "38"
    storage_data["doors"].append({"scheme": "srm", "host": "srm.lake.test", "port": 8446})
    srm = (records(storage_data, load_lake(lake_data))[0].protocols or ())[-1]
    assert srm.extended_attributes == {"web_service_path": "/srm/managerv2?SFN="}


def test_a_root_base_path_is_not_registered(storage_data: Data, lake: Lake) -> None:
    storage_data["base_path"] = "/"
    record = records(storage_data, lake)[0]
    assert "oidc_base_path" not in record.attributes
    assert derive.rucio_token_request(record)[1] == ("storage.modify:/escape/fast/", "storage.read:/escape/fast/")


def dcache(storage_data: Data, *doors: Data, **more: Any) -> Data:
    areas = [{"name": "data", "path": "/pnfs/example.org/data/fast", "qos": "OPPORTUNISTIC", "capacity": "1TB", "media": "hdd"}]
    return {**storage_data, "system": "dcache", "release": "9.2.30", "doors": list(doors), "areas": areas, **more}


DAVS = {"scheme": "davs", "host": "dav.example.org", "port": 2880}
ROOT = {"scheme": "root", "host": "xrd.example.org", "port": 1094}


def test_a_door_with_a_prefix_shows_shorter_paths(storage_data: Data, lake: Lake) -> None:
    record = records(dcache(storage_data, {**DAVS, "prefix": "/pnfs/example.org"}, ROOT, base_path="/pnfs/example.org/data"), lake)[0]
    assert record.protocols is not None
    assert [each.prefix for each in record.protocols] == ["/data/fast/", "//pnfs/example.org/data/fast/"]
    assert record.attributes["oidc_base_path"] == "/data"
    assert derive.rucio_token_request(record, ("storage.read",)) == ("dav.example.org", ("storage.read:/fast/",))


def test_a_door_that_shows_the_base_path_as_its_root(storage_data: Data, lake: Lake) -> None:
    shown = {**DAVS, "prefix": "/pnfs/example.org/data"}
    record = records(dcache(storage_data, shown, base_path="/pnfs/example.org/data"), lake)[0]
    assert "oidc_base_path" not in record.attributes
    assert derive.rucio_token_request(record, ("storage.read",)) == ("dav.example.org", ("storage.read:/fast/",))


def test_a_volatile_area_is_only_read(storage_data: Data, lake: Lake) -> None:
    data = dcache(storage_data, DAVS, ROOT)
    data["areas"][0]["volatile"] = True
    record = records(data, lake)[0]
    assert record.protocols is not None
    davs, root = record.protocols
    assert davs.lan == {"read": 1, "write": None, "delete": None}
    assert davs.wan == {"read": 1, "write": None, "delete": None, "third_party_copy_read": 1, "third_party_copy_write": None}
    assert root.wan == {"read": 2, "write": None, "delete": None, "third_party_copy_read": None, "third_party_copy_write": None}
    assert [record.properties[f"availability_{each}"] for each in ("read", "write", "delete")] == [True, False, False]


def test_audiences() -> None:
    doors = [Door("davs", "a.x.org", 443), Door("root", "a.x.org", 1094), Door("https", "b.x.org", 2880), Door("root", "c.x.org", 1094)]
    assert derive.default_audiences(doors) == (
        "https://a.x.org",
        "https://b.x.org:2880",
        "a.x.org",
        "b.x.org",
        "c.x.org",
        "https://wlcg.cern.ch/jwt/v1/any",
    )


def test_an_area_without_access_has_that_of_the_issuers(storage_data: Data, lake: Lake) -> None:
    storage_data["areas"][0]["access"] = [{"group": "/escape/fast", "rights": "write"}]
    storage = load_storage(storage_data, lake)
    fast, safe = storage.areas
    assert derive.area_access(fast, storage) == (Access("escape", "/escape/fast", "write"),)
    assert derive.area_access(safe, storage) == lake.issuers["escape"].access


def test_scope_paths(storage_data: Data, lake: Lake) -> None:
    storage = load_storage(storage_data, lake)
    assert [derive.scope_path(area, storage) for area in storage.areas] == ["/fast", "/safe"]


# Rucio's own arithmetic (tokens.md section 4).


def door(scheme: str, host: str, prefix: str) -> Protocol:
    return Protocol(scheme, host, 443, prefix, "a.B", {}, {})


def test_rucio_asks_for_sorted_davs_hosts_and_shortened_prefixes() -> None:
    record = RseRecord(
        "A",
        attributes={"oidc_base_path": "/escape"},
        protocols=(door("davs", "z.org", "/escape/disk/"), door("root", "a.org", "//escape/disk/"), door("davs", "b.org", "/escape/disk/")),
    )
    assert derive.rucio_token_request(record) == ("b.org z.org", ("storage.modify:/disk/", "storage.read:/disk/"))
    assert derive.rucio_token_request(record, ["storage.read"])[1] == ("storage.read:/disk/",)


@pytest.mark.parametrize(
    ("base", "prefix", "scope"),
    [
        (None, "/escape/disk/", "storage.read:/escape/disk/"),
        ("/escape", "//escape/disk/", "storage.read://escape/disk/"),
        ("/escape/", "/escape/disk/", "storage.read:disk/"),
        ("/escape/disk/", "/escape/disk/", "storage.read:"),
        ("/esc", "/escape/disk/", "storage.read:ape/disk/"),
    ],
)
def test_rucio_cuts_the_base_path_off_as_text(base: str | None, prefix: str, scope: str) -> None:
    """The traps of wrong registrations are reproduced, so that the probe sees what Rucio would do."""
    record = RseRecord("A", attributes={"oidc_base_path": base}, protocols=(door("davs", "a.org", prefix),))
    assert derive.rucio_token_request(record, ["storage.read"])[1] == (scope,)


def test_without_a_davs_door_there_is_no_token() -> None:
    assert derive.rucio_token_request(RseRecord("A", protocols=(door("https", "a.org", "/x/"),))) == ("", ())
    assert derive.rucio_token_request(RseRecord("A")) == ("", ())


@pytest.mark.parametrize(
    ("given", "parent"),
    [
        (["/escape/a", "/escape/b"], "/escape"),
        (["/escape/a"], "/escape"),
        (["/a"], "/"),
        (["/x/y/a", "/x/z/b"], "/x"),
        (["/a/b", "/c/d"], "/"),
    ],
)
def test_common_parent(given: list[str], parent: str) -> None:
    assert paths.common_parent(given) == parent
    assert all(paths.is_below(path, parent) for path in given)


def test_below_means_whole_components() -> None:
    assert paths.is_below("/escape/disk", "/escape")
    assert not paths.is_below("/escape-x", "/escape")
    assert not paths.is_below("/escape", "/escape")
    assert paths.is_below("/escape", "/")
