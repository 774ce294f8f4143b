"""The CRIC stand-in over TLS, read and written with the collection's own client and by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import cric_doma
from ansible_collections.escape.datalake.plugins.plugin_utils.services.cric import CricClient, Writer
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError, Tls, WriteRefused
from ansible_collections.escape.datalake.tests.standins import ROOT, StandIn, free_port, running, write_config

CRIC_TOKEN = "writer-of-the-tests"
FIXTURES = ROOT / "tests/fixtures/cric"
SET_DATA = "api/doma/rse/update/set_data/?json"


def client(cric: StandIn, token: str = CRIC_TOKEN, **options: Any) -> CricClient:
    return CricClient(cric.url, tls=Tls(ca=cric.ca), writer=Writer(SET_DATA, token), **options)


def get(cric: StandIn, path: str) -> requests.Response:
    return requests.get(f"{cric.url}/{path}", verify=cric.ca, timeout=5)


def sample_fields() -> dict[str, dict[str, Any]]:
    """The RSEs of the sample views as a writer sends them."""
    plain, doma = CricClient(str(FIXTURES)).rse_views()
    wanted = {
        name: {key: value for key, value in fields.items() if key not in ("id", "updated_at")} for name, fields in doma["rses"].items()
    }
    return {name: {**fields, "verify_checksum": plain[name]["verify_checksum"]} for name, fields in wanted.items()}


def test_what_is_written_is_served_in_both_views(cric: StandIn) -> None:
    assert client(cric).write(sample_fields()) == {}
    served, samples = client(cric).rse_views(), CricClient(str(FIXTURES)).rse_views()
    assert cric_doma.records_from_views(*served) == cric_doma.records_from_views(*samples)
    assert cric_doma.states_from_view(served[1]) == cric_doma.states_from_view(samples[1])
    for name, fields in samples[0].items():
        assert {**fields, "id": served[0][name]["id"]}.items() <= served[0][name].items()
    assert "verify_checksum" not in served[1]["rses"]["CNAF-STORM"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", {"CNAF-STORM", "PIC-DCACHE"}),
        ("&state=ANY", {"CNAF-STORM", "PIC-DCACHE", "LAPP-WEBDAV"}),
        ("&state=DISABLED", {"LAPP-WEBDAV"}),
        ("&site_state=DISABLED", {"EXTRA"}),
        ("&state=ANY&site_state=ANY&rcsite_state=ANY", {"CNAF-STORM", "PIC-DCACHE", "LAPP-WEBDAV", "EXTRA"}),
        ("&name=PIC-DCACHE", {"PIC-DCACHE"}),
    ],
)
def test_only_active_rses_unless_asked(cric: StandIn, query: str, names: set[str]) -> None:
    client(cric).write({**sample_fields(), "EXTRA": {"site_state": "DISABLED"}})
    assert set(get(cric, f"api/doma/rse/query/?json{query}").json()) == names
    assert set(get(cric, f"api/doma/rse/query/?json&preset=doma{query}").json()["rses"]) == names


def test_services_by_name_and_by_site(cric: StandIn) -> None:
    client(cric).write(sample_fields())
    services = get(cric, "api/core/service/query/?json&type=SE&state=ANY").json()
    protocol = services["pic_SE"]["protocols"]["pic_SE-XROOTD-xrootd.pic.es"]
    assert protocol["endpoint"] == "root://xrootd.pic.es:1094"
    grouped = get(cric, "api/core/service/query/?json&type=SE&groupby=rcsite").json()
    assert [each["name"] for each in grouped["INFN-T1"]] == ["INFN-T1_SE"]


def test_answers_are_pretty_unless_asked(cric: StandIn) -> None:
    client(cric).write(sample_fields())
    assert get(cric, "api/doma/rse/query/?json").text.count("\n") > 10
    assert get(cric, "api/doma/rse/query/?json&json_pretty=0").text.count("\n") == 1
    assert get(cric, "api/doma/rse/query/").status_code == 400


def test_bad_objects_are_refused_one_by_one(cric: StandIn) -> None:
    bad = {"state": "ACTIVE", "space": "much", "volatile": "no", "colour": "red", "protocols": [{"scheme": "davs"}]}
    refused = client(cric).write({"GOOD": {"params": {"QOS": "FAST"}}, "BAD": bad, "lower": {}})
    assert set(refused) == {"BAD", "lower"}
    assert all(word in refused["BAD"] for word in ("space", "volatile", "colour", "protocols[0]"))
    assert set(client(cric).rse_views()[1]["rses"]) == {"GOOD"}


def test_distances_are_kept_for_known_rses(cric: StandIn) -> None:
    client(cric).write({"A": {}, "B": {}})
    body = {"distances": {"A": {"B": {"ranking": 3}}, "B": {"C": {"ranking": 1}}}}
    header = {"Authorization": f"Bearer {CRIC_TOKEN}"}
    told = requests.post(f"{cric.url}/{SET_DATA}", json=body, headers=header, verify=cric.ca, timeout=5).json()["distances"]
    assert (told["A"]["status"], told["B"]["reasons"]) == ("updated", ["unknown RSE 'C'"])
    assert cric_doma.distances_from_view(client(cric).rse_views()[1]) == {("A", "B"): 3}


def test_params_are_merged_and_null_removes(cric: StandIn) -> None:
    client(cric).write({"A": {"params": {"QOS": "FAST", "tier": "1"}}})
    client(cric).write({"A": {"params": {"QOS": "SAFE", "tier": None}}})
    assert client(cric).rse_views()[1]["rses"]["A"]["params"] == {"QOS": "SAFE"}


def test_wrong_token_is_refused(cric: StandIn) -> None:
    with pytest.raises(ApiError, match="401"):
        client(cric, token="guess").write({"A": {}})
    with pytest.raises(WriteRefused):
        client(cric, read_only=True).write({"A": {}})
    assert client(cric).rse_views(allow_empty=True)[1]["rses"] == {}


def test_an_empty_answer_is_not_believed(cric: StandIn) -> None:
    with pytest.raises(ApiError, match="not a single RSE"):
        client(cric).rse_views()


def test_nobody_writes_unless_enabled_and_data_survive_a_restart(tls: Path, tmp_path: Path) -> None:
    data, port = tmp_path / "data", free_port()
    config = write_config(tmp_path / "cric.yml", f"data: {data}\nwriter: {{enabled: true, token: {CRIC_TOKEN}}}\n")
    with running("cric", config, tls, port) as first:
        client(first).write(sample_fields())
        before = client(first).rse_views()
    write_config(config, f"data: {data}\n")
    with running("cric", config, tls, port) as second:
        assert client(second).rse_views() == before
        with pytest.raises(ApiError, match="not enabled"):
            client(second).write({"A": {}})
        assert "A" not in client(second).rse_views()[0]


def test_an_unusable_configuration_stops_the_start(tls: Path, tmp_path: Path) -> None:
    config = write_config(tmp_path / "cric.yml", f"data: {tmp_path}\nwriter: {{enabled: true}}\n")
    with pytest.raises(AssertionError, match="set a token"), running("cric", config, tls, free_port()):
        pass
