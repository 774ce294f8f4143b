# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From descriptions to targets: doors, issuers, peers, groups, Rucio's view, and what cannot be had."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.checks.probe import Target, Unbound, checks
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.probe_targets import Means, targets
from ansible_collections.escape.datalake.plugins.plugin_utils.model.derive import rse_records
from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import load_lake, load_storage

LAKE = load_lake(
    {
        "name": "test",
        "issuers": {
            "escape": {
                "url": "https://iam.example.org/",
                "access": [{"group": "/escape/data-manager", "rights": "write"}, {"group": "/escape", "rights": "read"}],
            },
            "partner": {"url": "https://partner.example.org/", "access": [{"group": "/partner", "rights": "read"}]},
        },
    }
)


def storage(name: str, *areas: str, **more: Any) -> Any:
    described = [{"name": area, "path": f"/escape/{area}", "qos": "OPPORTUNISTIC", "capacity": "1TB", "media": "hdd"} for area in areas]
    host = f"{name.lower()}.example.org"
    data = {
        "name": name,
        "site": "TEST",
        "system": "xrootd",
        "release": "5.5.3",
        "issuers": ["escape"],
        "base_path": "/escape",
        "doors": [{"scheme": "davs", "host": host, "port": 1094}, {"scheme": "root", "host": host, "port": 1094}],
        "areas": described,
    }
    return load_storage({**data, **more}, LAKE)


ONE, TWO = storage("ONE", "fast", "safe"), storage("TWO", "scratch", issuers=["escape", "partner"])
MEANS = {
    "escape": Means("escape", "https://iam.example.org/", "probe", "secret", lab_mint=True),
    "partner": Means("partner", "https://partner.example.org/", "probe", "secret", lab_mint=True),
}


def of(found: list[Target], rse: str, issuer: str = "escape") -> Target:
    (target,) = [each for each in found if each.place.rse == rse and each.issuer == issuer]
    return target


def test_one_target_per_area_door_and_issuer() -> None:
    found = targets(LAKE, [ONE, TWO], MEANS)
    assert [(each.place.rse, each.issuer) for each in found] == [
        ("ONE-FAST", "escape"),
        ("ONE-SAFE", "escape"),
        ("TWO-SCRATCH", "escape"),
        ("TWO-SCRATCH", "partner"),
    ]
    doors = [{"scheme": "davs", "host": "a.example.org", "port": 443}, {"scheme": "davs", "host": "b.example.org", "port": 443}]
    assert [each.place.door for each in targets(LAKE, [storage("X", "fast", doors=doors)], MEANS)] == [
        "a.example.org:443",
        "b.example.org:443",
    ]


def test_paths_and_classes() -> None:
    fast = of(targets(LAKE, [ONE, TWO], MEANS), "ONE-FAST")
    assert (fast.place.path, fast.place.scope_path, fast.other_scope) == ("/escape/fast", "/fast", "/safe")
    assert fast.grants == {"/escape/data-manager": "write", "/escape": "read"}
    assert fast.foreign_group == "/escape-foreign"


def test_issuers_that_must_be_refused() -> None:
    found = targets(LAKE, [ONE, TWO], MEANS)
    assert of(found, "ONE-FAST").strangers == ("partner",)
    assert of(found, "TWO-SCRATCH").strangers == ()
    assert of(found, "TWO-SCRATCH").unbound == (
        Unbound("partner", "/escape", ("/partner",)),
        Unbound("partner", "/escape/data-manager", ("/partner",)),
    )
    assert of(found, "TWO-SCRATCH", "partner").unbound == (Unbound("escape", "/partner", ("/escape", "/escape/data-manager")),)
    assert of(found, "TWO-SCRATCH", "partner").grants == {"/partner": "read"}


def test_peers() -> None:
    found = targets(LAKE, [ONE, TWO], MEANS)
    assert of(found, "ONE-FAST").peer == of(found, "TWO-SCRATCH").place  # of another storage
    assert of(found, "TWO-SCRATCH").peer == of(found, "ONE-FAST").place
    assert of(found, "TWO-SCRATCH", "partner").peer is None  # nobody else trusts this issuer
    assert "nothing to copy" in of(found, "TWO-SCRATCH", "partner").peer_problem
    chosen = targets(LAKE, [ONE, TWO], MEANS, peer="ONE-SAFE")
    assert of(chosen, "ONE-FAST").peer == of(found, "ONE-SAFE").place
    assert of(chosen, "ONE-SAFE").peer != of(found, "ONE-SAFE").place
    alone = targets(LAKE, [ONE], MEANS)
    assert of(alone, "ONE-FAST").peer == of(alone, "ONE-SAFE").place


def test_what_rucio_would_do_comes_from_the_registered_record() -> None:
    (use,) = of(targets(LAKE, [ONE], MEANS), "ONE-FAST").rucio
    assert (use.host, use.prefix, use.audience) == ("one.example.org", "/escape/fast/", "one.example.org")
    assert use.write_scopes == ("storage.modify:/fast/", "storage.read:/fast/")
    assert use.read_scopes == ("storage.read:/fast/",)
    record = rse_records(ONE, LAKE)[0]
    moved = replace(record, protocols=tuple(replace(door, prefix="/elsewhere/") for door in record.protocols or ()))
    (use,) = of(targets(LAKE, [ONE], MEANS, {"ONE-FAST": moved}), "ONE-FAST").rucio
    assert (use.prefix, use.read_scopes) == ("/elsewhere/", ("storage.read:/elsewhere/",))
    unregistered = of(targets(LAKE, [ONE], MEANS, {"ONE-FAST": moved}), "ONE-SAFE")
    assert unregistered.rucio == ()
    assert "register" in unregistered.rucio_problem
    without = replace(record, protocols=tuple(door for door in record.protocols or () if door.scheme == "root"))
    assert of(targets(LAKE, [ONE], MEANS, {"ONE-FAST": without}), "ONE-FAST").rucio == ()


def test_what_a_site_does_not_give_is_named() -> None:
    plain = {"escape": Means("escape", "https://iam.example.org/", "probe", "secret", group_token_files={"/escape": "/tokens/escape"})}
    target = of(targets(LAKE, [ONE], plain), "ONE-FAST")
    assert target.unavailable.keys() == {"expired", "group:/escape/data-manager", "group-foreign"}
    assert "expired_token_file" in target.unavailable["expired"]
    told = {check.id: check for check in checks(target)}
    assert told["expired-refused"].reason
    assert [step.token for step in told["groups"].steps] == ["group:/escape"] * 2
    given = {"escape": replace(plain["escape"], expired_token_file="/tokens/old", foreign_group="/other")}
    target = of(targets(LAKE, [ONE], given), "ONE-FAST")
    assert "expired" not in target.unavailable
    assert target.foreign_group == "/other"


def test_an_issuer_without_credentials_cannot_be_probed_at_all() -> None:
    target = of(targets(LAKE, [ONE], {}), "ONE-FAST")
    assert target.unavailable["all"] == "no credentials of issuer escape are given"
    assert of(targets(LAKE, [ONE], {"escape": Means("escape", "https://iam.example.org/")}), "ONE-FAST").unavailable["all"]


def test_secrets_do_not_show() -> None:
    assert "secret'" not in repr(MEANS["escape"])
