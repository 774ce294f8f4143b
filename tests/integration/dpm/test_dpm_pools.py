"""dpm_pools against the stand-in for DOME; orders are counted in the stand-in's own log."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from dome_head import HOME, LAKE, STORAGE, Head, Run


def described(**changes: Any) -> dict[str, Any]:
    return {"lake": LAKE, "storage": {**STORAGE, **changes}}


def with_area(number: int, **changes: Any) -> dict[str, Any]:
    storage = copy.deepcopy(STORAGE)
    storage["areas"][number].update(changes)
    return {"lake": LAKE, "storage": storage}


def test_a_described_storage_is_built_once(run: Run, head: Head) -> None:
    planned = run(check=True, **described())
    assert planned["changed"]
    assert head.orders() == []
    done = run(**described())
    assert not done.get("failed"), done
    assert done["actions"] == planned["actions"]
    kept = head.kept()
    assert kept["pools"] == {"fast": {"defsize": 3 * 1024**3, "type": "P"}, "scratch": {"defsize": 3 * 1024**3, "type": "V"}}
    tokens = {token["path"]: token for token in kept["tokens"].values()}
    assert tokens[f"{HOME}/scratch"]["size"] == 123456789012  # not the rounded number of the shell
    assert tokens[f"{HOME}/fast"]["groups"] == [0, kept["groups"]["escape/data-manager"]]
    assert f"{HOME}/fast" in kept["directories"]
    orders = head.orders()
    again = run(**described())
    assert (again["changed"], again["traffic"]) == (False, {"requests": 2, "writes": 0})
    assert head.orders() == orders


def test_only_what_differs_is_ordered(run: Run, head: Head) -> None:
    run(**described())
    before = len(head.orders())
    done = run(**with_area(0, capacity="600GB"))
    assert done["actions"] == [f"quota token {HOME}/fast: update size: 500000000000 -> 600000000000"]
    assert head.orders()[before:] == ["dome_modquotatoken"]
    done = run(**with_area(0, capacity="600GB", volatile=True, qos="OPPORTUNISTIC"))
    assert done["actions"] == ["pool fast: update type: 'P' -> 'V'"]


def test_the_class_alone_changes_nothing_in_dpm(run: Run, head: Head) -> None:
    """A DPM knows nothing of classes: what derives from the class is in CRIC and Rucio."""
    run(**described())
    assert run(**with_area(0, qos="OPPORTUNISTIC"))["changed"] is False


def test_modifying_keeps_what_is_not_named(run: Run, head: Head) -> None:
    run(**described(), pools=[{"name": "fast", "defsize": "5GiB"}])
    run(pools=[{"name": "fast", "type": "V"}])
    assert head.kept()["pools"]["fast"] == {"defsize": 5 * 1024**3, "type": "V"}
    run(file_systems=[{"server": "disk1.example.org", "path": "/srv/a", "pool": "fast", "status": "read-only"}])
    run(file_systems=[{"server": "disk1.example.org", "path": "/srv/a", "pool": "fast"}])
    assert [each["status"] for each in head.kept()["file_systems"]] == [2]


def test_absence_is_not_deletion(run: Run, head: Head) -> None:
    run(**described())
    before = head.kept()
    assert run(pools=[])["changed"] is False
    assert run(pools=[{"name": "fast"}])["changed"] is False
    assert head.kept() == before
    gone = run(pools=[{"name": "scratch", "state": "absent"}])
    assert gone["failed"]
    assert f"quota tokens of {HOME}/scratch are in it" in gone["msg"]
    done = run(
        pools=[{"name": "scratch", "state": "absent"}],
        quota_tokens=[{"path": f"{HOME}/scratch", "pool": "scratch", "state": "absent"}],
    )
    assert done["actions"] == [f"quota token {HOME}/scratch: delete quota token", "pool scratch: delete pool"]
    assert set(head.kept()["pools"]) == {"fast"}


def test_the_only_token_of_a_directory_changes_its_pool(run: Run, head: Head) -> None:
    run(**described())
    done = run(pools=[{"name": "slow"}], quota_tokens=[{"path": f"{HOME}/fast", "pool": "slow", "size": "500GB"}])
    assert done["actions"] == ["pool slow: create pool", f"quota token {HOME}/fast: update pool: 'fast' -> 'slow'"]
    assert len(head.kept()["tokens"]) == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"quota_tokens": [{"path": HOME, "pool": "nowhere", "size": "1TB"}]}, "there is no pool nowhere"),
        ({"quota_tokens": [{"path": HOME, "pool": "fast"}]}, "quota_tokens[0].size: is missing."),
        ({"quota_tokens": [{"path": HOME, "pool": "fast", "size": "much"}]}, "quota_tokens[0].size"),
        ({"quota_tokens": [{"path": f"{HOME}/fast", "pool": "fast", "size": "1GB"}]}, "200000000000 bytes are used already"),
        ({"pools": [{"name": "tiny", "defsize": "1kB"}]}, "defsize is 1000 bytes"),
        ({"file_systems": [{"server": "disk1.example.org", "path": "/srv/a", "pool": "scratch"}]}, "only a drain brings it to scratch"),
        (with_area(0, media="tape", qos="SAFE"), "DPM has no tape"),
        ({**described(), "area_pools": {"fsat": "x"}}, "fsat is no area of LAB-DPM"),
        ({**described(), "area_pools": {"fast": "one", "scratch": "one"}}, "differs among the areas of pool one"),
    ],
)
def test_bad_input_changes_nothing(run: Run, head: Head, options: dict[str, Any], words: str) -> None:
    run(**described())
    head.fill(f"{HOME}/fast", 200_000_000_000)
    orders = len(head.orders())
    answer = run(**options)
    assert answer["failed"]
    assert words in answer["msg"]
    assert len(head.orders()) == orders


def test_one_bad_object_does_not_stop_the_others(run: Run, head: Head) -> None:
    places = [
        {"server": "disk1.example.org", "path": "/srv/none", "pool": "fast"},
        {"server": "disk2.example.org", "path": "/srv/a", "pool": "fast"},
    ]
    answer = run(**described(), file_systems=places)
    assert answer["failed"]
    assert "Cannot stat pfn:'/srv/none'" in answer["failures"][0]["reason"]
    assert ("disk2.example.org", "/srv/a") in {(each["server"], each["fs"]) for each in head.kept()["file_systems"]}
    assert len(head.kept()["tokens"]) == 2


def test_strangers_are_told_what_to_do(run: Run, head: Head) -> None:
    answer = run(by="stranger.example.org", **described())
    assert answer["failed"]
    assert "CN=stranger.example.org,O=Data lake lab is unauthorized" in answer["msg"]
    assert "glb.auth.authorizeDN[]" in answer["msg"]
    assert head.orders() == []


def test_too_much_is_promised(run: Run) -> None:
    answer = run(**with_area(0, capacity="3TB"))
    assert answer["warnings"] == [
        "The quota tokens of pool fast promise 3000000000000 bytes, its disks hold 1000000000000: areas can fill each other up."
    ]


def test_many_objects_cost_two_questions(run: Run, head: Head) -> None:
    tokens = [{"path": f"{HOME}/fast/{number}", "pool": "fast", "size": f"{number + 1}GB", "groups": ["/escape"]} for number in range(60)]
    run(**described(), quota_tokens=tokens)
    again = run(**described(), quota_tokens=tokens)
    assert (again["changed"], again["traffic"]) == (False, {"requests": 2, "writes": 0})
    assert len(again["found"]["quota_tokens"]) == 62
