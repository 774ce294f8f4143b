"""The lake of the ESCAPE project in 2020: its descriptions, and the records that follow from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.escape.datalake.plugins.plugin_utils.cric.changes import plan_rses
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import cric_doma
from ansible_collections.escape.datalake.plugins.plugin_utils.model.derive import rse_records, rucio_token_request
from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import load_all
from ansible_collections.escape.datalake.plugins.plugin_utils.model.rse import RseRecord

INVENTORY = Path(__file__).resolve().parents[3] / "inventories" / "escape-2020"
# Endpoints as they were published: davs and root doors, each with the path that its clients used.
PUBLISHED: dict[str, dict[str, tuple[str, int, str]]] = {
    "CNAF-STORM": {"davs": ("xfer.cr.cnaf.infn.it", 8443, "/escape/rucio/cnaf_storm")},
    "DESY-DCACHE": {
        "davs": ("dcache-door-doma01.desy.de", 2880, "/escape/wp2_rucio_testbed/desy_dcache"),
        "root": ("dcache-se-doma.desy.de", 1094, "/escape/wp2_rucio_testbed/desy_dcache"),
    },
    "EULAKE-1": {
        "davs": ("eoseulake.cern.ch", 443, "/eos/eulake/tests/rucio_test/eulake_1"),
        "root": ("eoseulake.cern.ch", 1094, "/eos/eulake/tests/rucio_test/eulake_1"),
    },
    "EULAKE-2": {},
    "IN2P3-CC-DCACHE": {
        "davs": ("ccdcalitest10.in2p3.fr", 2880, "/pnfs/in2p3.fr/data/escape/cc_in2p3_dcache"),
        "root": ("ccdcalitest10.in2p3.fr", 1094, "/pnfs/in2p3.fr/data/escape/cc_in2p3_dcache"),
    },
    "INFN-NA-DPM": {
        "davs": ("t2-dpm-dome.na.infn.it", 443, "/dpm/na.infn.it/home/escape/infn_na_dpm"),
        "root": ("t2-dpm-dome.na.infn.it", 1094, "/dpm/na.infn.it/home/escape/infn_na_dpm"),
    },
    "LAPP-DCACHE": {"davs": ("lapp-dcache01.in2p3.fr", 2880, "/data/escape/rucio/lapp_dcache")},
    "LAPP-DPM": {
        "davs": ("lapp-testse01.in2p3.fr", 443, "/dpm/in2p3.fr/home/escape/rucio/lapp_dpm"),
        "root": ("lapp-testse01.in2p3.fr", 1094, "/dpm/in2p3.fr/home/escape/rucio/lapp_dpm"),
    },
    "PIC-DCACHE": {
        "davs": ("door05.pic.es", 8452, "/rucio/pic_dcache"),
        "root": ("xrootd.pic.es", 1094, "/pnfs/pic.es/data/escape/rucio/pic_dcache"),
    },
    "SARA-DCACHE": {
        "davs": ("webdav.grid.sara.nl", 2882, "/pnfs/grid.sara.nl/data/escape/disk/rucio/sara_dcache"),
        "root": ("lobster10.grid.surfsara.nl", 1094, "/pnfs/grid.sara.nl/data/escape/disk/rucio/sara_dcache"),
    },
}


def variables(path: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((INVENTORY / path).read_text())
    return found


LAKE_DATA = variables("group_vars/all.yml")["datalake_lake"]
STORAGES_DATA = {path.stem: variables(f"host_vars/{path.name}")["datalake_storage"] for path in sorted(INVENTORY.glob("host_vars/*.yml"))}


@pytest.fixture(scope="module")
def records() -> dict[str, RseRecord]:
    lake, storages = load_all(LAKE_DATA, STORAGES_DATA)
    return {record.name: record for storage in storages.values() for record in rse_records(storage, lake)}


def test_every_host_is_in_the_group_of_its_system() -> None:
    groups = yaml.safe_load((INVENTORY / "hosts.yml").read_text())["all"]["children"]["storages"]["children"]
    listed = {host: system for system, group in groups.items() for host in group["hosts"]}
    assert listed == {host: data["system"] for host, data in STORAGES_DATA.items()}
    assert set(listed.values()) == {"dcache", "storm", "dpm", "eos"}


def test_the_ten_rses_are_there_and_each_class_is(records: dict[str, RseRecord]) -> None:
    assert set(PUBLISHED) <= set(records)
    assert {record.attributes["QOS"] for record in records.values()} == {"SAFE", "FAST", "CHEAP-ANALYSIS", "OPPORTUNISTIC"}


@pytest.mark.parametrize("name", PUBLISHED)
def test_doors_and_paths_are_those_that_were_published(name: str, records: dict[str, RseRecord]) -> None:
    found = {each.scheme: each for each in records[name].protocols or ()}
    assert not PUBLISHED[name] or set(found) == set(PUBLISHED[name])
    for scheme, (host, port, path) in PUBLISHED[name].items():
        prefix = ("//" if scheme == "root" else "/") + path.lstrip("/") + "/"
        assert (found[scheme].hostname, found[scheme].port, found[scheme].prefix) == (host, port, prefix)


def test_a_tape_area_is_another_rse_behind_the_same_door(records: dict[str, RseRecord]) -> None:
    disk, tape = records["SARA-DCACHE"], records["SARA-DCACHE-TAPE"]
    assert [each.key for each in disk.protocols or ()] == [each.key for each in tape.protocols or ()]
    assert (disk.properties["rse_type"], tape.properties["rse_type"]) == ("DISK", "TAPE")


def test_rucio_asks_for_tokens_whose_paths_are_absolute(records: dict[str, RseRecord]) -> None:
    for record in records.values():
        audience, scopes = rucio_token_request(record, ("storage.read",))
        assert audience
        assert len(scopes) == 1
        assert scopes[0].startswith("storage.read:/")
        assert "//" not in scopes[0]
    assert rucio_token_request(records["PIC-DCACHE"], ("storage.read",))[1] == ("storage.read:/rucio/pic_dcache/",)


def test_cric_holds_what_was_published_to_it(records: dict[str, RseRecord]) -> None:
    """What CRIC is told comes back as the same records, so that a second run has nothing to do."""
    wanted = list(records.values())
    planned = plan_rses(wanted, {}, {"rses": {}, "distances": {}})
    assert set(planned.change_set) == set(records)
    doma = {"rses": {name: {"state": "ACTIVE", **fields} for name, fields in planned.change_set.items()}, "distances": {}}
    plain = {name: {cric_doma.CHECKSUM: fields[cric_doma.CHECKSUM]} for name, fields in planned.change_set.items()}
    assert not plan_rses(wanted, plain, doma).plan
