"""One pool for each partition of an area."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import load_lake, load_storage
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Storage
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_pools import Placement, pools

LAKE = load_lake({"name": "lab", "issuers": {"escape": {"url": "https://iam.lake.test/"}}})


def storage(**areas: dict[str, Any]) -> Storage:
    data = {
        "name": "LAB-DC1",
        "site": "LAB",
        "system": "dcache",
        "release": "9.2.47",
        "issuers": ["escape"],
        "doors": [{"scheme": "davs", "host": "dcache1.lake.test", "port": 2880}],
        "areas": [
            {"name": name, "path": f"/escape/{name}", "qos": "OPPORTUNISTIC", "capacity": "8TB", "media": "hdd", **facts}
            for name, facts in areas.items()
        ],
    }
    return load_storage(data, LAKE)


def test_pools_share_the_capacity_of_their_area() -> None:
    found = pools(storage(fast={"media": "ssd", "partitions": ["/data/a", "/data/b"]}), "dcache1.lake.test")
    assert [(pool.name, pool.path, pool.size) for pool in found] == [
        ("dcache1-data-a", "/data/a", 4 * 10**12),
        ("dcache1-data-b", "/data/b", 4 * 10**12),
    ]
    assert found[0].tags_text == "hostname=dcache1.lake.test area=fast media=ssd"


def test_every_copy_needs_room() -> None:
    found = pools(storage(safe={"copies": 2, "redundancy": "replica", "partitions": ["/a", "/b"]}), "dcache1")
    assert [pool.size for pool in found] == [8 * 10**12] * 2


def test_the_buffer_of_tape_takes_its_file_system() -> None:
    (pool,) = pools(storage(tape={"media": "tape", "partitions": ["/buffer"]}), "dcache1")
    assert (pool.size, pool.size_text, pool.tape, pool.tags["media"]) == (None, "", True, "hdd")


def test_names_stay_when_partitions_come_and_change_places() -> None:
    before = pools(storage(fast={"partitions": ["/a", "/b"]}), "dcache1")
    after = pools(storage(fast={"partitions": ["/c", "/b", "/a"]}), "dcache1")
    assert {pool.path: pool.name for pool in before}.items() <= {pool.path: pool.name for pool in after}.items()


def test_placements_spread_an_area_over_hosts() -> None:
    places = [
        Placement("pool1.lake.test", "fast", "/ssd", size=10**12, tags={"rack": "4"}),
        Placement("pool2.lake.test", "fast", "/ssd", name="pool_two"),
    ]
    found = pools(storage(fast={}, cheap={"partitions": ["/hdd"]}), "dcache1", places)
    assert [(pool.name, pool.host, pool.size) for pool in found] == [
        ("pool1-ssd", "pool1.lake.test", 10**12),
        ("pool_two", "pool2.lake.test", 4 * 10**12),
        ("dcache1-hdd", "dcache1", 8 * 10**12),
    ]
    assert found[0].tags["rack"] == "4"


def test_all_problems_are_told_at_once() -> None:
    described = storage(bare={}, safe={"copies": 2, "redundancy": "replica", "partitions": ["/s"]}, fast={"partitions": ["/a-b", "/a/b"]})
    with pytest.raises(DescriptionError) as problem:
        pools(described, "dcache1", [Placement("h", "nowhere", "/x"), Placement("h", "bare", "/x", name="a b", tags={"k": "v w"})])
    said = str(problem.value)
    for words in ("no area nowhere", "2 copies are promised", "2 pools are named dcache1-a-b", "'a b' is no name", "hold a blank"):
        assert words in said
