"""The nodes and the instance that the role made; the console and its state are a stand-in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from testinfra.host import Host

MGM = "/etc/xrd.cf.mgm"


@pytest.fixture(scope="module")
def state(eos1: Host) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(eos1.file("/var/lib/eos-standin/state.json").content_string)
    return found


def test_the_services_run(eos1: Host) -> None:
    assert eos1.service("eos@mgm").is_running
    assert eos1.service("eos@fst").is_running


def test_the_head_node_takes_tokens_over_https(eos1: Host) -> None:
    main = eos1.file(MGM).content_string.splitlines()
    assert "xrd.protocol XrdHttp:443 libXrdHttp.so" in main
    assert "http.exthandler xrdtpc libXrdHttpTPC.so" in main
    assert "mgmofs.macaroonslib libXrdMacaroons.so libXrdAccSciTokens.so" in main
    assert "macaroons.secretkey /etc/eos.macaroon.secret" in main
    secret = eos1.file("/etc/eos.macaroon.secret")
    assert (secret.user, secret.mode) == ("daemon", 0o400) or (secret.user, secret.mode) == ("daemon", 0o600)


def test_what_was_written_by_hand_stays(eos1: Host) -> None:
    main = eos1.file(MGM).content_string
    assert "# kept by hand\n" in main
    assert "mgmofs.trace all\n" in main


def test_storage_nodes_have_a_door_of_their_own(eos1: Host) -> None:
    assert "xrd.protocol XrdHttp:9001 libXrdHttp.so\n" in eos1.file("/etc/xrd.cf.fst").content_string
    assert "EOS_FST_HTTP_PORT=9001" in eos1.check_output("systemctl show -p Environment eos@fst")


def test_tokens_become_local_users(eos1: Host, domain: str) -> None:
    tokens = eos1.file("/etc/xrootd/scitokens.cfg").content_string
    assert f"issuer = https://iam.{domain}/" in tokens
    assert "default_user = escape\n" in tokens
    rules = json.loads(eos1.file("/etc/xrootd/datalake-escape.json").content_string)
    assert rules == [{"group": "/escape/data-manager", "result": "escapedm"}, {"group": "/escape", "result": "escapero"}]
    assert eos1.user("escapedm").uid == 2002


def test_each_area_has_its_space_and_layout(state: dict[str, Any]) -> None:
    wanted = {"fast": ("ssd", "replica", "2", "4k"), "safe": ("hdd", "raid6", "6", "1M"), "cheap": ("hdd", "plain", "1", "4k")}
    for area, (space, layout, stripes, block) in wanted.items():
        attributes = state["directories"][f"/eos/lake/{area}"]["attributes"]
        found = [attributes[f"sys.forced.{key}"] for key in ("space", "layout", "nstripes", "blocksize", "checksum")]
        assert found == [space, layout, stripes, block, "adler"]


def test_quotas_count_bytes_on_disks(state: dict[str, Any]) -> None:
    found = {path: sizes["99"] for path, sizes in state["quotas"].items()}
    assert found == {"/eos/lake/fast/": 20 * 10**12, "/eos/lake/safe/": 150 * 10**12, "/eos/lake/cheap/": 50 * 10**12}


def test_rights_are_those_of_the_groups_and_of_others_who_had_them(state: dict[str, Any]) -> None:
    fast = state["directories"]["/eos/lake/fast"]
    assert fast["mode"] == "2770"
    assert set(fast["attributes"]["sys.acl"].split(",")) == {"u:2001:rwx", "u:2002:rwx", "u:2003:rx", "egroup:operators:rwx"}
    assert state["directories"]["/eos/lake/safe"]["mode"] == "2700"


def test_identities(state: dict[str, Any], domain: str) -> None:
    maps = state["vid"]
    assert maps['https:"<pwd>":uid'] == "0"
    assert maps[f'oauth2:"key:iam.{domain}/userinfo":uid'] == "0"
    assert (maps['voms:"/escape/data-manager:":uid'], maps['voms:"/escape/data-manager:":gid']) == ("2002", "2001")


def test_spaces_groups_and_disks(state: dict[str, Any]) -> None:
    assert state["spaces"]["ssd"]["policy.layout"] == "replica"
    assert state["spaces"]["hdd"]["converter"] == "on"
    assert set(state["groups"].values()) == {"on"}
    assert len(state["fs"]) == 8
