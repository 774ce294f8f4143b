"""What site.yml made of the descriptions, seen by others: Rucio, CRIC, the storages and their disks."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import requests
import yaml
from outside import Outside, described, secrets
from site_runs import INVENTORY
from testinfra.host import Host

RSES = described()
HOSTS = ("iam", "cric", "rucio", "se1", "se2")
CLASSES = {"LAB-XRD1-FAST": "FAST", "LAB-XRD1-SAFE": "SAFE", "LAB-XRD2-CHEAP": "CHEAP-ANALYSIS", "LAB-XRD2-SCRATCH": "OPPORTUNISTIC"}

# Tells which files hold a secret of standard input: those that everybody may read, and the others. Secrets stay out of all arguments.
SEARCH = r"""
import json, os, stat, sys
secrets = [word.encode() for word in sys.stdin.read().split()]
found = {"open": [], "closed": []}
for top in ("/etc", "/opt", "/var/log"):
    for folder, folders, names in os.walk(top):
        if folder == "/var/log":
            folders.remove("journal")  # which is searched by itself
        for name in names:
            path = os.path.join(folder, name)
            info = os.lstat(path)
            if not stat.S_ISREG(info.st_mode) or info.st_size > 100e6:
                continue
            with open(path, "rb") as file:
                content = file.read()
            if any(secret in content for secret in secrets):
                found["open" if info.st_mode & stat.S_IROTH else "closed"].append(path)
print(json.dumps(found))
"""


def test_rucio_holds_exactly_the_described_rses(lake: Outside) -> None:
    assert sorted(each["rse"] for each in lake.rucio("/rses/")) == sorted(RSES) == sorted(CLASSES)


@pytest.mark.parametrize("rse", RSES)
def test_rucio_knows_class_doors_and_tokens(lake: Outside, domain: str, rse: str) -> None:
    host, area = RSES[rse]
    attributes = lake.attributes(rse)
    assert attributes["QOS"] == CLASSES[rse] == area["qos"]
    assert attributes["oidc_support"] is True
    assert attributes["oidc_base_path"] == "/escape"
    assert lake.capacity(rse) == int(area["capacity"].removesuffix("GB")) * 10**9
    doors = {each["scheme"]: each for each in lake.rucio(f"/rses/{rse}/protocols")}
    assert set(doors) == {"davs", "root"}
    for scheme, prefix, priority, copies in (("davs", f"{area['path']}/", 1, 1), ("root", f"/{area['path']}/", 2, None)):
        door = doors[scheme]
        assert (door["hostname"], door["port"], door["prefix"]) == (f"{host}.{domain}", 1094, prefix)
        assert door["domains"]["lan"] == {"read": priority, "write": priority, "delete": priority}
        wan = door["domains"]["wan"]
        assert (wan["read"], wan["write"], wan["delete"]) == (priority, priority, priority)
        assert wan["third_party_copy_read"] == wan["third_party_copy_write"] == copies


def test_rucio_knows_the_distances(lake: Outside) -> None:
    wanted = yaml.safe_load((INVENTORY / "group_vars/all/lake.yml").read_text())["datalake_distances"]
    assert set(wanted) == set(RSES)
    for source, row in wanted.items():
        for destination, distance in row.items():
            assert [each["distance"] for each in lake.rucio(f"/rses/{source}/distances/{destination}")] == [distance]


def test_cric_shows_the_same_records_in_both_views(lake: Outside) -> None:
    full, plain = lake.cric(), lake.cric("")
    assert set(full) == set(plain) == set(RSES)
    for rse, record in full.items():
        attributes = lake.attributes(rse)
        assert (record["params"]["QOS"], record["params"]["oidc_support"], record["space"]) == (CLASSES[rse], True, lake.capacity(rse))
        assert record["site"] == plain[rse]["site"] == attributes["site"]
        assert plain[rse]["verify_checksum"] is attributes["verify_checksum"] is True
        in_rucio = {(each["scheme"], each["hostname"], each["port"], each["prefix"]) for each in lake.rucio(f"/rses/{rse}/protocols")}
        assert {(each["scheme"], each["hostname"], int(each["port"]), each["prefix"]) for each in record["protocols"]} == in_rucio
        doors = {(each["flavour"], each["endpoint"], each["path"]) for each in plain[rse]["protocols"].values()}
        assert doors == {(scheme, f"{host}:{port}", prefix) for scheme, host, port, prefix in in_rucio}


@pytest.mark.parametrize("rse", RSES)
def test_a_file_lies_in_a_partition_of_its_area(lake: Outside, storages: dict[str, Host], domain: str, rse: str) -> None:
    host, area = RSES[rse]
    scope = area["path"].removeprefix("/escape")
    header = {"Authorization": "Bearer " + lake.token(f"storage.read:{scope} storage.modify:{scope}")}
    url = f"https://{host}.{domain}:1094{area['path']}/molecule-{rse}"
    answer = lake.http.put(url, data=b"bytes of " + rse.encode(), headers=header)
    try:
        assert answer.status_code in (200, 201), answer.text  # 201 from 5.7.3 on
        real = Path(storages[host].check_output("realpath --canonicalize-existing %s", f"/var/lib/xrootd/ns{area['path']}/molecule-{rse}"))
        assert any(real.is_relative_to(partition) for partition in area["partitions"]), real
        assert lake.http.get(url, headers=header).content == b"bytes of " + rse.encode()
    finally:
        gone = lake.http.delete(url, headers=header)
    assert gone.status_code in (200, 204)


@pytest.mark.parametrize("rse", RSES)
def test_nobody_writes_without_a_token(lake: Outside, domain: str, rse: str) -> None:
    host, area = RSES[rse]
    answer: requests.Response = lake.http.put(f"https://{host}.{domain}:1094{area['path']}/anonymous", data=b"no")
    assert answer.status_code in (401, 403)


@pytest.mark.parametrize(
    ("host", "path", "owner", "group", "mode"),
    [
        ("iam", "/etc/datalake-iam/config.yml", "root", "root", 0o600),
        ("cric", "/etc/datalake-cric/config.yml", "root", "root", 0o600),
        ("rucio", "/etc/rucio/rucio.cfg", "root", "rucio", 0o640),
        ("rucio", "/etc/rucio/idpsecrets.json", "root", "rucio", 0o640),
        ("rucio", "/etc/rucio/alembic.ini", "root", "rucio", 0o640),
        *((host, "/etc/grid-security/xrd/hostkey.pem", "xrootd", "xrootd", 0o400) for host in ("se1", "se2")),
        *((host, "/etc/grid-security/hostkey.pem", "root", "root", 0o600) for host in HOSTS),
    ],
)
def test_files_with_secrets_are_not_for_all_eyes(
    request: pytest.FixtureRequest, host: str, path: str, owner: str, group: str, mode: int
) -> None:
    file = request.getfixturevalue(host).file(path)
    assert (file.user, file.group, file.mode) == (owner, group, mode)


@pytest.mark.parametrize("host", HOSTS)
def test_secrets_are_nowhere_else(domain: str, host: str) -> None:
    words = list(secrets().values())
    assert len(words) >= 5  # other scenarios may have made more
    assert all(len(word) >= 32 for word in words)
    answer = inside(f"{host}.{domain}", "python3", "-c", SEARCH, words="\n".join(words))
    found = json.loads(answer)
    assert found["open"] == []
    # The search does see them where they have to be.
    expected = {
        "iam": ["/etc/datalake-iam/config.yml"],
        "cric": ["/etc/datalake-cric/config.yml"],
        "rucio": ["/etc/rucio/idpsecrets.json", "/etc/rucio/rucio.cfg"],
    }
    assert sorted(path for path in found["closed"] if not path.endswith("~")) == expected.get(host, [])
    journal = inside(f"{host}.{domain}", "journalctl", "--no-pager", "--output", "verbose", "--all")
    assert journal
    assert not [name for name, word in secrets().items() if word in journal]


def inside(container: str, *command: str, words: str = "") -> str:
    done = subprocess.run(
        ["podman", "exec", "-i", container, *command], input=words, capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout
