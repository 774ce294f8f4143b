"""dCache hosts read into descriptions, and planned back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.adopt import dcache as adopt
from ansible_collections.escape.datalake.plugins.plugin_utils.adopt.dcache_areas import parse_size
from ansible_collections.escape.datalake.plugins.plugin_utils.model import parse
from ansible_collections.escape.datalake.plugins.plugin_utils.systems import dcache as planner

ROOT = Path(__file__).parents[2] / "fixtures" / "dcache"
SITES = {"certificates-5.2": "5.2.30", "scitoken-7.2": "7.2.19", "groups-8.2": "8.2.30", "roles-9.2": "9.2.30", "modern-11.2": "11.2.3"}
HOST = "se.example.net"
LAYOUT = "etc/dcache/layouts/se.conf"
POOLMANAGER = "var/lib/dcache/config/poolmanager.conf"
LINES = ["5.2.30", "6.2.40", "7.2.30", "8.2.30", "9.2.30", "10.2.20", "11.2.3", "12.0.1"]


def files_of(name: str) -> dict[str, str]:
    root = ROOT / name
    return {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}


def sound(release: str) -> dict[str, str]:
    """A site that has all that the role would add, made by hand."""
    line = tuple(int(part) for part in release.split(".")[:2])
    provider = "https://iam.example.net/"
    if line >= (8, 1):
        provider += ' -profile=wlcg -prefix=/pnfs/lake -authz-id="username:lake uid:2000 gid:2000"'
    audiences = f"gplazma.oidc.audience-targets = https://{HOST}:2880 {HOST} https://wlcg.cern.ch/jwt/v1/any\n" if line >= (8, 0) else ""
    groups = ("/lake",) if line >= (6, 2) else ("lake", "/lake")
    scitoken = (6, 1) <= line < (8, 1)
    if scitoken:  # before the plug-in oidc understood scopes
        audiences += f"gplazma.scitoken.audience-targets = https://{HOST}:2880 {HOST} https://wlcg.cern.ch/jwt/v1/any\n"
        audiences += "gplazma.scitoken.issuer!iam = https://iam.example.net/ /pnfs/lake username:lake uid:2000 gid:2000\n"
    plugins = "gplazma:ztn,gplazma:none,authz:scitokens" if line >= (8, 1) else "gplazma:none,authz:scitokens"
    xrootd = f"xrootd.plugins = {plugins}\nxrootd.security.tls.mode = STRICT\n" if line >= (6, 2) else ""
    session = "authzdb" if line < (7, 0) else "omnisession"
    role = " roles:qos-group" if line >= (9, 2) else ""
    return {
        "etc/hostname": f"{HOST}\n",
        "etc/dcache/dcache.conf": "# ours\ndcache.layout = se\ndcache.enable.space-reservation = false\ndcache.db.password = hush\n",
        LAYOUT: f"""\
dcache.broker.scheme = none
[core]
[core/gplazma]
gplazma.oidc.provider!iam = {provider}
{audiences}[core/poolmanager]
[core/webdav]
webdav.authn.protocol = https
[core/webdav]
webdav.net.port = 8080
webdav.cell.name = plain
[core/xrootd]
xrootd.authz.write-paths = /pnfs/lake
{xrootd}[core/transfermanagers]
[pools]
[pools/pool]
pool.name = nvme1
pool.path = /srv/nvme1
pool.size = 10T
pool.tags = hostname=se media=nvme rack=r1
[pools/pool]
pool.name = nvme2
pool.path = /srv/nvme2
pool.size = 10T
[pools/pool]
pool.name = buffer1
pool.path = /srv/buffer1
pool.lfs = none
""",
        "srv/buffer1/setup": "set max diskspace 2T\nhsm create osm osm script -command=/usr/local/bin/tape\n",
        "etc/dcache/gplazma.conf": "auth optional oidc\n"
        + ("auth optional scitoken\n" if scitoken else "")
        + f"map optional multimap\nmap optional authzdb\nsession requisite {session}\n",
        "etc/dcache/multi-mapfile": "".join(f"oidcgrp:{name} username:lake uid:2000 gid:2000,true{role}\n" for name in groups),
        "etc/dcache/omnisession.conf": "DEFAULT root:/ home:/\n",
        "etc/grid-security/storage-authzdb": "version 2.1\nauthorize lake read-write 2000 2000 / / /\n",
        POOLMANAGER: """\
psu create unit -store lake:nvme@osm
psu create unit -store lake:tape@osm
psu set storage unit lake:nvme@osm -required=2 -onlyOneCopyPer=hostname
psu create unit -net 0.0.0.0/0.0.0.0
psu create unit -protocol */*
psu create ugroup fast
psu addto ugroup fast lake:nvme@osm
psu create ugroup tape
psu addto ugroup tape lake:tape@osm
psu create ugroup world
psu addto ugroup world 0.0.0.0/0.0.0.0
psu create ugroup any
psu addto ugroup any */*
psu create pool nvme1
psu create pool nvme2
psu create pool buffer1
psu create pgroup fast
psu addto pgroup fast nvme1
psu addto pgroup fast nvme2
psu create pgroup tape
psu addto pgroup tape buffer1
psu create link fast fast world any
psu set link fast -readpref=10 -writepref=10 -cachepref=0 -p2ppref=-1
psu addto link fast fast
psu create link tape tape world any
psu set link tape -readpref=10 -writepref=10 -cachepref=10 -p2ppref=-1
psu addto link tape tape
pm create -type=wass default
pm set default -stage-allowed=yes
""",
    }


@pytest.mark.parametrize("release", LINES)
def test_a_sound_site_is_described_whole_and_not_changed(release: str) -> None:
    files = sound(release)
    adopted = adopt.adopt(files, release, HOST)
    assert not any("the role would" in note or "settled" in note for note in adopted.notes), adopted.notes
    assert [area.pop("capacity", None) for area in adopted.storage["areas"]] == ["10TiB", None]  # tapes have no size here
    areas = [{**area, "capacity": "1PB"} for area in adopted.storage["areas"]]
    storage = parse.load_storage({**adopted.storage, "areas": areas}, parse.load_lake({"name": "lake", "issuers": adopted.issuers}))
    assert planner.plan(storage, adopt.options_of(adopted.variables, storage, HOST), files, release).files == ()
    assert [(area.path, area.media, area.copies) for area in storage.areas] == [
        ("/pnfs/lake/nvme", "nvme", 2),
        ("/pnfs/lake/tape", "tape", 1),
    ]
    assert [area.qos for area in storage.areas] == ["SAFE", "SAFE"]
    assert (storage.release, storage.doors[0].scheme, storage.doors[0].port) == (release, "davs", 2880)
    assert [issuer.url for issuer in storage.issuers] == ["https://iam.example.net/"]
    assert storage.issuers[0].access[0].group == "/lake"


def test_what_the_description_does_not_say_is_in_the_variables() -> None:
    variables = adopt.adopt(sound("9.2.30"), "9.2.30", HOST).variables
    assert variables["dcache_accounts"] == [{"group": "/lake", "name": "lake", "uid": 2000, "gid": 2000, "roles": ["qos-group"]}]
    assert variables["dcache_profiles"] == {"iam": "wlcg"}
    assert variables["dcache_pools"] == [
        {"host": HOST, "area": "nvme", "path": "/srv/nvme1", "size": 10 * 2**40, "name": "nvme1", "tags": {"rack": "r1"}},
        {"host": HOST, "area": "nvme", "path": "/srv/nvme2", "size": 10 * 2**40, "name": "nvme2"},
        {"host": HOST, "area": "tape", "path": "/srv/buffer1", "size": 2 * 2**40, "name": "buffer1"},
    ]
    assert variables["dcache_pool_domain"] == "pools"
    assert [service["name"] for service in variables["dcache_domains"][0]["services"]][:3] == ["gplazma", "poolmanager", "webdav"]
    assert variables["dcache_properties"]["dcache.enable.space-reservation"] == "false"


def test_secrets_stay_where_they_are() -> None:
    adopted = adopt.adopt(sound("9.2.30"), "9.2.30", HOST)
    assert "hush" not in str(adopted)
    assert any("dcache.db.password is a secret" in note for note in adopted.notes)


@pytest.mark.parametrize("name", sorted(SITES))
def test_sites_of_all_styles_are_read(name: str) -> None:
    adopted = adopt.adopt(files_of(name), SITES[name], HOST)
    assert adopted.storage["areas"]
    assert all(area["path"].startswith(adopted.storage["base_path"].rstrip("/") + "/") for area in adopted.storage["areas"])
    assert any("is a proposal" in note for note in adopted.notes)
    filled = [{"capacity": "1TB", "media": "hdd", **area} for area in adopted.storage["areas"]]
    lake = parse.load_lake({"name": "lake", "issuers": adopted.issuers or {"none": {"url": "https://none.example.org/"}}})
    filled = [{**area, "qos": "OPPORTUNISTIC"} for area in filled]
    assert parse.load_storage({**adopted.storage, "areas": filled}, lake).system == "dcache"


def test_only_audiences_are_added_to_a_site_that_has_the_rest() -> None:
    told = [note for note in adopt.adopt(files_of("roles-9.2"), "9.2.30", HOST).notes if "the role would" in note]
    assert len(told) == 1
    assert "audience-targets" in told[0]


def test_a_host_without_doors_and_log_ins_says_what_is_missing() -> None:
    files = {
        "etc/dcache/dcache.conf": "dcache.layout = pools\n",
        "etc/dcache/layouts/pools.conf": "[pools]\n[pools/pool]\npool.name = p1\npool.path = /p1\npool.size = 5T\n",
    }
    adopted = adopt.adopt(files, "9.2.30", HOST)
    assert any("No gplazma service" in note for note in adopted.notes)
    assert any("fill in the doors" in note for note in adopted.notes)
    assert adopted.storage["areas"][0]["capacity"] == "5TiB"


def test_an_unknown_release_is_asked_for() -> None:
    assert any("release" in note for note in adopt.adopt(sound("9.2.30"), "", HOST).notes)


@pytest.mark.parametrize("missing", sorted(sound("9.2.30")))
def test_parts_of_a_tree_are_no_error(missing: str) -> None:
    files: dict[str, Any] = {path: text for path, text in sound("9.2.30").items() if path != missing}
    assert adopt.adopt(files, "9.2.30", HOST).storage["system"] == "dcache"
    adopt.survey(files, "9.2.30", HOST)


def test_survey_of_pools_by_storage_class() -> None:
    survey = adopt.survey(sound("9.2.30"), "9.2.30", HOST)
    fast, tape = survey.offers
    assert (fast.name, fast.media, fast.copies, fast.redundancy, fast.capacity, fast.pools) == (
        "lake:nvme@osm",
        "nvme",
        2,
        "replica",
        20 * 2**40,
        ("nvme1", "nvme2"),
    )
    assert (tape.tape, tape.staging, tape.volatile) == (True, True, False)
    assert fast.where == f"{POOLMANAGER}:1"
    by_tag = adopt.survey(files_of("modern-11.2"), "11.2.3", HOST).offers
    assert [(offer.kind, offer.name) for offer in by_tag] == [("storage class", "escape:volatile@osm"), ("cache class", "fast")]
    reserved = adopt.survey(files_of("groups-8.2"), "8.2.30", HOST).offers
    assert [offer.name for offer in reserved] == ["escape:reserved@osm"]


def test_pools_that_may_lose_files() -> None:
    files = {**sound("9.2.30"), LAYOUT: sound("9.2.30")[LAYOUT].replace("pool.size = 10T", "pool.lfs = volatile")}
    fast = adopt.survey(files, "9.2.30", HOST).offers[0]
    assert (fast.volatile, fast.capacity) == (True, None)
    assert adopt.adopt(files, "9.2.30", HOST).storage["areas"][0]["volatile"] is True


def test_sizes_of_pools() -> None:
    assert [parse_size(text) for text in ("10T", "512", "1G ", "90%", "", "x")] == [10 * 2**40, 512, 2**30, None, None, None]
