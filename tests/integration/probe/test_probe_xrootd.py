# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The probe against real XRootD 5.5.3: right configurations pass, each wrong one is caught by the check that is there for it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.probe import CHECK_IDS, Target, directory_name
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.probe_targets import Means, targets
from ansible_collections.escape.datalake.plugins.plugin_utils.model.derive import rse_records
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Storage
from ansible_collections.escape.datalake.plugins.plugin_utils.prober import Prober, Wallet, failures, summary
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import Tls
from xrootd_lake import HOST, Faults, LabLake

pytestmark = pytest.mark.xrootd

WARNINGS_OF_5_5_3 = {"modify-no-read", "path-boundary"}
ISSUER = "escape"


def probe(
    lake: LabLake,
    *,
    storages: Sequence[Storage] | None = None,
    means: Mapping[str, Means] | None = None,
    only: str = "TEST-ONE-FAST",
    check_mode: bool = False,
    timeout: float = 20.0,
    **wanted: Any,
) -> list[dict[str, Any]]:
    """The module's ``rses`` of one pass: one RSE, the users of one issuer; of everything with only=""."""
    tls = Tls(ca=lake.ca)
    means = lake.means if means is None else means
    every = targets(lake.lake, storages or lake.storages, means, **wanted)
    chosen: list[Target] = [each for each in every if not only or (each.place.rse == only and each.issuer == ISSUER)]
    prober = Prober(Wallet(means, tls=tls), tls=tls, timeout=timeout, check_mode=check_mode)
    return summary(prober.run(chosen), check_mode=check_mode)


def outcomes(rse: Mapping[str, Any], *results: str) -> set[str]:
    return {check["id"] for check in rse["checks"] if check["result"] in results}


def failed(rses: Iterable[Mapping[str, Any]]) -> set[str]:
    return {check for rse in rses for check in outcomes(rse, "failed")}


def check(rse: Mapping[str, Any], name: str) -> dict[str, Any]:
    return next(dict(each) for each in rse["checks"] if each["id"] == name)


def test_a_right_configuration_passes_with_the_pinned_warnings(lab_lake: LabLake) -> None:
    rses = probe(lab_lake, only="")
    assert [rse["name"] for rse in rses] == ["TEST-ONE-FAST", "TEST-ONE-SAFE", "TEST-TWO-SCRATCH"]
    assert [rse["verdict"] for rse in rses] == ["ok"] * 3, failures(rses)
    for rse in rses:
        assert len(rse["checks"]) == 2 * len(CHECK_IDS)  # users of two issuers
        assert outcomes(rse, "warning") == WARNINGS_OF_5_5_3
        mine = [each for each in rse["checks"] if each["issuer"] == ISSUER]
        assert {each["id"] for each in mine if each["result"] == "not-applicable"} == {"tape"}


def test_nothing_is_left_behind(lab_lake: LabLake) -> None:
    lab_lake.first.make("/escape/fast/data")
    before = lab_lake.first.files(), lab_lake.second.files()
    rses = probe(lab_lake, only="")
    assert (lab_lake.first.files(), lab_lake.second.files()) == before
    assert before[0] == ["/escape/fast/data", "/escape/fast/data/file"]
    assert [rse["remaining"] for rse in rses] == [[], [], []]


def test_only_old_directories_of_interrupted_probes_are_removed(lab_lake: LabLake) -> None:
    now = time.time()
    old, young = directory_name("0123456789ab", now - 3700), directory_name("0123456789ab", now - 60)
    foreign = "/escape/fast/.probe-notes"
    lab_lake.first.make(f"/escape/fast/{old}/directory", f"/escape/fast/{young}", foreign)
    (rse,) = probe(lab_lake)
    assert rse["cleaned"] == [f"https://{HOST}:{lab_lake.first.port}/escape/fast/{old}"]
    left = lab_lake.first.files()
    assert f"/escape/fast/{young}/file" in left
    assert f"{foreign}/file" in left
    assert not [name for name in left if old in name]


@pytest.mark.parametrize(
    ("faults", "caught_by"),
    [
        pytest.param(Faults(authorize=""), {"anonymous-refused"}, id="no ofs.authorize: everybody writes"),
        pytest.param(Faults(base_path="/escape/wrong"), {"read-modify-all", "rucio-arithmetic"}, id="wrong base_path"),
        pytest.param(Faults(base_path="/escape/fast"), {"read-modify-all", "rucio-arithmetic"}, id="base_path is the area"),
        pytest.param(Faults(audiences=(f"https://{HOST}",)), {"read-modify-all"}, id="door's URL is not an audience"),
        pytest.param(Faults(check_audience=False), {"audience-refused"}, id="foreign audience accepted"),
        pytest.param(Faults(bind_groups=False), {"issuer-bound"}, id="groups not bound to their issuer"),
        pytest.param(Faults(trusted=("escape", "partner", "stranger")), {"issuer-bound"}, id="an issuer too many is trusted"),
        pytest.param(Faults(groups=(("/escape", "a"),)), {"groups"}, id="a reading group may write"),
        pytest.param(Faults(groups=(("/escape/data-manager", "rl"), ("/escape", "rl"))), {"groups"}, id="a writing group may not write"),
        pytest.param(Faults(read_only_exports=True), {"read-modify-all"}, id="read-only export"),
        pytest.param(Faults(read_only_storage=True), {"read-modify-all"}, id="directory not writable by the server"),
        pytest.param(Faults(checksum=False), {"read-modify-all"}, id="no checksums"),
    ],
)
def test_each_wrong_configuration_is_caught(lab_lake: LabLake, faults: Faults, caught_by: set[str]) -> None:
    lab_lake.first.start(faults)
    (rse,) = probe(lab_lake)
    assert rse["verdict"] == "failed"
    assert caught_by <= outcomes(rse, "failed")
    assert lab_lake.first.files() == []


def test_a_missing_bare_host_audience_fails_nothing_but_what_rucio_does(lab_lake: LabLake) -> None:
    lab_lake.first.start(Faults(audiences=("https://wlcg.cern.ch/jwt/v1/any", f"https://{HOST}:{lab_lake.first.port}")))
    (rse,) = probe(lab_lake)
    assert failed([rse]) == {"audience-host", "rucio-arithmetic"}


def test_single_faults_fail_single_checks(lab_lake: LabLake) -> None:
    for faults, only in ((Faults(check_audience=False), "audience-refused"), (Faults(bind_groups=False), "issuer-bound")):
        lab_lake.first.start(faults)
        assert failed(probe(lab_lake)) == {only}


def test_what_rucio_holds_is_probed_and_not_what_is_described(lab_lake: LabLake) -> None:
    records = {record.name: record for storage in lab_lake.storages for record in rse_records(storage, lab_lake.lake)}
    name = "TEST-ONE-FAST"
    assert probe(lab_lake, registered=records)[0]["verdict"] == "ok"
    # The scope path becomes empty when the whole prefix is cut off: no token at all.
    same = replace(records[name], attributes={**records[name].attributes, "oidc_base_path": "/escape/fast/"})
    (rse,) = probe(lab_lake, registered={name: same})
    assert failed([rse]) == {"rucio-arithmetic"}
    assert "storage.modify:" in check(rse, "rucio-arithmetic")["why"]
    none = {key: value for key, value in records[name].attributes.items() if key != "oidc_base_path"}
    (rse,) = probe(lab_lake, registered={name: replace(records[name], attributes=none)})
    assert failed([rse]) == {"rucio-arithmetic"}
    assert "403" in check(rse, "rucio-arithmetic")["got"]
    (rse,) = probe(lab_lake, registered={})
    assert "register the RSE first" in check(rse, "rucio-arithmetic")["why"]


def test_a_newer_release_in_the_description_unmasks_the_deviations(lab_lake: LabLake) -> None:
    (rse,) = probe(lab_lake, storages=lab_lake.described(release="6.2.1"))
    assert failed([rse]) == WARNINGS_OF_5_5_3


def test_a_wrong_prefix_of_the_areas_in_the_description_fails(lab_lake: LabLake) -> None:
    areas = tuple(replace(area, path=area.path.replace("/fast", "/quick")) for area in lab_lake.storages[0].areas)
    (rse,) = probe(lab_lake, storages=lab_lake.described(base_path="/esc", areas=areas))
    assert "read-modify-all" in failed([rse])


def test_credentials_that_cannot_do_the_work_are_failures_with_a_reason(lab_lake: LabLake) -> None:
    means = {**lab_lake.means, ISSUER: replace(lab_lake.means[ISSUER], client_id="poor", secret="poor", lab_mint=False)}
    (rse,) = probe(lab_lake, means=means)
    assert {"read-modify-all", "rucio-arithmetic", "create-only"} <= failed([rse])
    assert "storage.modify:/fast" in check(rse, "read-modify-all")["why"]
    assert outcomes(rse, "not-applicable") == {"tape", "expired-refused", "groups"}
    (rse,) = probe(lab_lake, means={**lab_lake.means, ISSUER: replace(lab_lake.means[ISSUER], secret="wrong-secret")})
    assert rse["verdict"] == "failed"
    assert "401" in check(rse, "read-no-write")["why"]
    assert "wrong-secret" not in str(rse)


def test_without_credentials_nothing_is_proven(lab_lake: LabLake) -> None:
    (rse,) = probe(lab_lake, means={})
    assert rse["verdict"] == "failed"
    assert outcomes(rse, "not-applicable") == set(CHECK_IDS)
    assert "no credentials of issuer escape" in check(rse, "read-modify-all")["why"]


def test_a_door_that_does_not_answer_fails_at_once(lab_lake: LabLake) -> None:
    doors = (replace(lab_lake.storages[0].doors[0], port=1),)
    started = time.monotonic()
    (rse,) = probe(lab_lake, storages=lab_lake.described(doors=doors))
    assert rse["verdict"] == "failed"
    assert time.monotonic() - started < 5
    assert "not tried" in check(rse, "audience-host")["why"]


def test_check_mode_only_reads(lab_lake: LabLake) -> None:
    before = lab_lake.first.files()
    (rse,) = probe(lab_lake, check_mode=True)
    assert rse["verdict"] == "skipped"
    assert outcomes(rse, "ok") == {"anonymous-refused", "audience-host"}
    assert outcomes(rse, "failed", "warning") == set()
    assert lab_lake.first.files() == before
    lab_lake.first.start(Faults(authorize=""))
    (rse,) = probe(lab_lake, check_mode=True)
    assert rse["verdict"] == "failed"


def test_the_other_end_of_copies_can_be_chosen(lab_lake: LabLake) -> None:
    lab_lake.second.stop()
    try:
        assert failed(probe(lab_lake, timeout=5.0)) == {"third-party-copy"}
        assert failed(probe(lab_lake, peer="TEST-ONE-SAFE")) == set()
    finally:
        lab_lake.second.start()
