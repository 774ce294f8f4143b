"""The controller's half of datalake_description."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml
from ansible_collections.escape.datalake.plugins.action.datalake_description import ActionModule
from ansible_collections.escape.datalake.plugins.modules import datalake_description
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError

LAKE = {"name": "lab", "issuers": {"escape": {"url": "https://iam.lake.test/"}}}
STORAGE = {
    "name": "LAB-XRD1",
    "site": "LAB",
    "system": "xrootd",
    "release": "5.5.3",
    "issuers": ["escape"],
    "doors": [{"scheme": "davs", "host": "se1.lake.test", "port": 1094}],
    "areas": [{"name": "fast", "path": "/escape/fast", "qos": "FAST", "capacity": "50TB", "media": "ssd"}],
}


def act(lake: Any, storages: Any) -> dict[str, Any]:
    answer: dict[str, Any] = ActionModule.__new__(ActionModule).act({"lake": lake, "storages": storages}, {})
    return answer


def test_storages_and_their_rses() -> None:
    answer = act(LAKE, {"se1": STORAGE})
    assert answer["changed"] is False
    assert answer["storages"]["se1"]["areas"][0]["capacity"] == 50 * 10**12
    assert [(record["name"], record["attributes"]["QOS"]) for record in answer["rses"]] == [("LAB-XRD1-FAST", "FAST")]


def test_hosts_of_one_storage_have_its_rses_once() -> None:
    answer = act(LAKE, {"se1": STORAGE, "pool1": copy.deepcopy(STORAGE)})
    assert sorted(answer["storages"]) == ["pool1", "se1"]
    assert len(answer["rses"]) == 1


def test_a_list_is_named_by_position() -> None:
    assert list(act(LAKE, [STORAGE])["storages"]) == ["storages[0]"]
    with pytest.raises(DescriptionError) as caught:
        act(LAKE, [STORAGE, {**STORAGE, "system": "unknown"}])
    assert [problem.path for problem in caught.value.problems] == ["storages[1]: datalake_storage.system"]


def test_neither_mapping_nor_list() -> None:
    with pytest.raises(DescriptionError, match="storages: is 'se1'"):
        act(LAKE, "se1")


def test_the_documentation_names_every_argument() -> None:
    assert set(yaml.safe_load(datalake_description.DOCUMENTATION)["options"]) == set(ActionModule.ARGUMENTS)


def test_people_see_rses_with_their_addresses() -> None:
    assert act(LAKE, {"se1": STORAGE})["text"].splitlines() == [
        "LAB-XRD1-FAST: FAST, 50TB, /fast in tokens",
        "  davs://se1.lake.test:1094/escape/fast/",
    ]
