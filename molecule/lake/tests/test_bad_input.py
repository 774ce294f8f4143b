"""Wrong descriptions, wrong passwords, absent services and open configurations: said clearly, and nothing is harmed."""

from __future__ import annotations

from pathlib import Path

import site_runs
from outside import READS, Outside, Traffic, described
from testinfra.host import Host

RIGHTS = "/etc/xrootd/authdb"
HOLE = "u * /escape a"


def states(storages: dict[str, Host]) -> dict[str, str]:
    """Times and sizes of all that site.yml writes on the storages, and when their servers were started."""
    command = "find /etc -type f -printf '%%p %%T@ %%s\\n' | sort; systemctl show --property ActiveEnterTimestamp --value xrootd@datalake"
    return {name: host.check_output(command.replace("%%", "%")) for name, host in storages.items()}


def test_all_mistakes_of_all_descriptions_are_told_before_anything_is_touched(
    inventory: Path, traffic: Traffic, storages: dict[str, Host]
) -> None:
    before = states(storages)
    site_runs.replace(inventory / "host_vars/se1.yml", "qos: FAST", "qos: FASTEST")
    site_runs.replace(inventory / "host_vars/se1.yml", "capacity: 5GB", "capacity: [5GB]")
    site_runs.replace(inventory / "host_vars/se2.yml", "system: xrootd", "system: xroot")
    done = site_runs.run(inventory)
    assert done.status != 0
    assert done.changed == 0
    words = done.output.replace("\\n", "\n")
    for host, path, found in (
        ("se1", "datalake_storage.areas[0].qos", "FASTEST"),
        ("se1", "datalake_storage.areas[1].capacity", "5GB"),
        ("se2", "datalake_storage.system", "xroot"),
    ):
        assert any(host in line and path in line and found in line for line in words.splitlines()), done.output
    assert "Configure the server" not in done.output
    assert not traffic.rucio()
    assert not traffic.cric()
    assert states(storages) == before


def test_a_wrong_rucio_password(inventory: Path, traffic: Traffic) -> None:
    site_runs.replace(inventory / "group_vars/all/lake.yml", 'password: "{{ lab_secrets.rucio_root }}"', "password: not-the-password")
    done = site_runs.run(inventory)
    assert done.status != 0
    assert "Rucio: GET " in done.output
    assert "auth/userpass: HTTP 401" in done.output
    assert "check account, user name and password" in done.output
    assert "not-the-password" not in done.output
    assert set(traffic.rucio()) <= READS


def test_cric_is_away(inventory: Path, traffic: Traffic, cric: Host, lake: Outside) -> None:
    cric.check_output("systemctl stop datalake-cric")
    try:
        done = site_runs.run(inventory)
    finally:
        cric.check_output("systemctl start datalake-cric")
    assert done.status != 0
    assert "CRIC: GET " in done.output
    assert "check the address and that the service runs" in done.output
    assert not traffic.rucio()
    assert set(lake.cric()) == set(described())


def test_a_door_opened_by_hand_is_refused_with_its_place(
    traffic: Traffic, storages: dict[str, Host], lake: Outside, domain: str, restored: None
) -> None:
    se2 = storages["se2"]
    se2.check_output(f"echo '{HOLE}' >> {RIGHTS}")
    line = len(se2.file(RIGHTS).content_string.splitlines())
    before = states(storages)
    done = site_runs.run()
    assert done.status != 0
    assert f"{RIGHTS}:{line}" in done.output
    assert "authdb.anyone-writes" in done.output
    assert "nothing was written" in done.output
    assert states(storages) == before
    # The other storage is served, and what is registered of this one stays.
    assert "LAB-XRD1-FAST (FAST, LAB-XRD1): ok" in done.output
    assert set(traffic.rucio()) == set(traffic.cric()) == {"GET"}
    assert {each["rse"] for each in lake.rucio("/rses/")} == set(described())
    assert lake.attributes("LAB-XRD2-CHEAP")["oidc_support"] is True


def test_a_forgotten_authorisation_is_put_back(storages: dict[str, Host], lake: Outside, domain: str, restored: None) -> None:
    main = "/etc/xrootd/xrootd-datalake.cfg"
    se2 = storages["se2"]
    se2.check_output(f"sed -i '/^ofs.authorize$/d' {main}")
    done = site_runs.run()
    assert done.status == 0, done.output
    assert "\nofs.authorize\n" in se2.file(main).content_string
    anonymous = lake.http.put(f"https://se2.{domain}:1094/escape/cheap/anonymous", data=b"no", timeout=20)
    assert anonymous.status_code in (401, 403)
