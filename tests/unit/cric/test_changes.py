"""What must change in CRIC, and the page about it."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.cric.changes import plan_rses, same
from ansible_collections.escape.datalake.plugins.plugin_utils.cric.document import markdown
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import cric_doma
from ansible_collections.escape.datalake.plugins.plugin_utils.model.rse import RseRecord

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures/cric"
PLAIN: dict[str, Any] = json.loads((FIXTURES / "plain.json").read_text())
DOMA: dict[str, Any] = json.loads((FIXTURES / "doma.json").read_text())
CNAF, LAPP, PIC = cric_doma.records_from_views(PLAIN, DOMA)


def words(planned: Any) -> list[str]:
    return [change.words() for change in planned.plan.changes]


def test_what_cric_holds_needs_no_change() -> None:
    assert plan_rses([CNAF, LAPP], PLAIN, DOMA).plan.changes == ()


def test_doubled_slashes_in_cric_are_a_difference() -> None:
    planned = plan_rses([PIC], PLAIN, DOMA)
    assert words(planned) == ["PIC-DCACHE: update protocol davs://door05.pic.es:8452"]
    sent = planned.change_set["PIC-DCACHE"]["protocols"]
    assert [each["name"] for each in sent] == ["PIC-DCACHE-davs", "PIC-DCACHE-root"]
    assert sent[0]["prefix"] == "/rucio/pic_dcache"


def test_fields_params_and_checksum() -> None:
    wanted = replace(
        CNAF,
        properties={"country_name": "IT", "deterministic": True},
        attributes={"QOS": "FAST", "new": 1, "verify_checksum": False, "fts": None},
        protocols=None,
    )
    planned = plan_rses([wanted], PLAIN, DOMA)
    assert words(planned) == [
        "CNAF-STORM: update field country_name: 'Italy' -> 'IT'",
        "CNAF-STORM: update field fts: 'https://fts3-pilot.cern.ch:8446' -> ''",
        "CNAF-STORM: update field verify_checksum: True -> False",
        "CNAF-STORM: update param QOS: 'SAFE' -> 'FAST'",
        "CNAF-STORM: create param new = 1",
    ]
    assert planned.change_set["CNAF-STORM"] == {
        "country_name": "IT",
        "fts": "",
        "verify_checksum": False,
        "params": {"QOS": "FAST", "new": 1},
    }


def test_a_param_is_removed_only_when_it_is_null() -> None:
    assert words(plan_rses([RseRecord("CNAF-STORM", attributes={"QOS": None})], PLAIN, DOMA)) == ["CNAF-STORM: delete param QOS"]
    assert words(plan_rses([RseRecord("CNAF-STORM", attributes={"other": None})], PLAIN, DOMA)) == []


def test_doors_that_are_not_described_stay_unless_purged() -> None:
    davs = (PIC.protocols or ())[0]
    doma = copy.deepcopy(DOMA)
    doma["rses"]["PIC-DCACHE"]["protocols"][0]["prefix"] = davs.prefix
    kept = plan_rses([replace(PIC, protocols=(davs,))], PLAIN, doma)
    assert words(kept) == []
    assert kept.unmanaged == {"PIC-DCACHE": ["root://xrootd.pic.es:1094"]}
    purged = plan_rses([replace(PIC, protocols=(davs,))], PLAIN, doma, purge_protocols=True)
    assert words(purged) == ["PIC-DCACHE: delete protocol root://xrootd.pic.es:1094"]
    assert [each["scheme"] for each in purged.change_set["PIC-DCACHE"]["protocols"]] == ["davs"]


def test_a_new_rse_is_whole_or_not_made() -> None:
    planned = plan_rses([replace(CNAF, name="NEW"), RseRecord("PARTIAL", attributes={"oidc_support": True})], PLAIN, DOMA)
    assert words(planned) == ["NEW: create rse"]
    assert planned.change_set["NEW"]["state"] == "ACTIVE"
    assert planned.missing == ("PARTIAL",)


@pytest.mark.parametrize(
    ("name", "one", "other", "expected"),
    [
        ("latitude", "45.90", 45.9, True),
        ("qos_copies", "2", 2, True),
        ("deterministic", "True", True, True),
        ("oidc_support", "true", True, True),
        ("oidc_support", 1, True, False),
        ("space", 0, None, True),
        ("MinFreeSpace", 0, None, False),
        ("rse_type", "", "DISK", True),
        ("rse_type", "", "TAPE", False),
        ("volatile", None, False, False),
        ("fts", "", None, True),
    ],
)
def test_spellings(name: str, one: Any, other: Any, expected: bool) -> None:
    assert same(name, one, other) is expected


def test_the_page_has_the_steps_in_the_order_of_cric() -> None:
    new = replace(CNAF, name="NEW", site="LAB")
    page = markdown(plan_rses([new, PIC, replace(LAPP, attributes={"QOS": "FAST|SAFE"})], PLAIN, DOMA), "https://cric.test", 3)
    steps = ["1. RC site", "2. Service", "3. Protocols", "4. Resource", "5. Storage unit", "6. RSE", "7. Params"]
    assert [page.index(step) for step in steps] == sorted(page.index(step) for step in steps)
    assert "- [ ] NEW: QOS = SAFE" in page
    assert "- [ ] PIC-DCACHE: path /rucio/pic_dcache behind davs://door05.pic.es:8452" in page
    assert "| protocol | PIC-DCACHE davs://door05.pic.es:8452 | prefix | //rucio/pic_dcache | /rucio/pic_dcache |" in page
    assert "| params | LAPP-WEBDAV | QOS | - | FAST\\|SAFE |" in page


def test_the_page_says_when_there_is_nothing_to_do() -> None:
    page = markdown(plan_rses([CNAF], PLAIN, DOMA), "https://cric.test", 1)
    assert "Nothing to change: CRIC holds what the description says of 1 RSE." in page
    assert "Checklist" not in page
