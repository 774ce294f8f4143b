"""StoRM sites as descriptions, from their files and from the input of the tools that make them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.adopt import storm
from ansible_collections.escape.datalake.plugins.plugin_utils.model import parse
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError
from ansible_collections.escape.datalake.plugins.plugin_utils.systems import storm as planner
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.storm_layout import Options, Secrets

sys.path.insert(0, str(Path(__file__).parents[1] / "systems"))
from storm_descriptions import DESCRIPTION, LAKE

FIXTURES = Path(__file__).parents[2] / "fixtures" / "storm"
FRESH = Secrets("d" * 40, "x" * 40, "m" * 40)


def tree(name: str) -> dict[str, str]:
    root = FIXTURES / name
    return {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in sorted(root.rglob("*")) if path.is_file()}


def made(options: Options) -> dict[str, str]:
    storage = parse.load_storage(DESCRIPTION, parse.load_lake(LAKE))
    return {path.lstrip("/"): text for path, text in planner.plan(storage, options, {}, (1, 9, 0), FRESH).texts.items()}


@pytest.mark.parametrize("services", [planner.UNITS, ("webdav",)], ids=["full", "webdav"])
def test_a_site_of_ours_is_read_back_and_needs_no_change(services: Any) -> None:
    options = Options(services=frozenset(services), report=True, report_script="#!/bin/sh\n")
    adopted = storm.adopt(made(options), "1.9.0", "dav.example.org")
    assert [note for note in adopted.notes if "the role would" in note or "by hand" in note] == []
    for found, wanted in zip(adopted.storage["areas"], DESCRIPTION["areas"], strict=True):
        for key in ("name", "path", "partitions", "base_path"):
            assert found.get(key) == wanted.get(key)
    for key in ("site", "system", "release", "issuers", "base_path", "doors", "x509"):
        if key != "site" or options.full:
            assert adopted.storage[key] == DESCRIPTION[key]
    access = {area["name"]: area.get("access") for area in adopted.storage["areas"]}
    assert access["disk"] == [{"issuer": "escape", "group": "/escape", "rights": "write"}]
    assert {"issuer": "partner", "group": "/partner", "rights": "read"} in (access["fast"] or [])


def test_a_hand_made_site_needs_no_change() -> None:
    files = tree("full")
    adopted = storm.adopt(files, "1.9.0", "dav.example.org")
    told = [note for note in adopted.notes if "the role would change" in note or "by hand" in note]
    assert [note for note in told if "webdav" in note or "namespace.xml" in note or "path-authz" in note] == []
    areas = {area["name"]: area for area in adopted.storage["areas"]}
    assert areas["archive"]["media"] == "tape"
    assert (areas["archive"]["capacity"], areas["disk"]["capacity"]) == ("2PB", "400TB")
    assert areas["disk"]["base_path"] == areas["disk"]["path"] == "/disk"
    assert adopted.issuers["escape"] == {
        "url": "https://iam.example.org/",
        "access": [{"group": "/escape", "rights": "read"}, {"group": "/escape/data-manager", "rights": "write"}],
    }
    assert adopted.variables["storm_areas"]["disk"] == {
        "space_token": "ESCAPE_DISK",
        "file_system": "gpfs",
        "quota": {"device": "gpfs0", "fileset": "escape_disk"},
    }
    assert adopted.variables["storm_areas"]["archive"]["online_size"] == "50TB"


AREA = "name={0}\nrootPath=/storage/{0}\naccessPoints=/lake/{0}\norgs=https://iam.example.org/\norgsGrantReadPermission=false\n"
AREA += "orgsGrantWritePermission=false\nwlcgScopeAuthzEnabled=true\nfineGrainedAuthzEnabled=true\ntapeEnabled=false\n"
ISSUER = "oauth:\n  issuers:\n    - name: lake\n      issuer: https://iam.example.org/\n      enforce-audience-checks: true\n"
ISSUER += "      audiences: ['https://wlcg.cern.ch/jwt/v1/any', 'https://dav.example.org:8443', dav.example.org]\n"
POLICY = """\
storm:
  authz:
    policies:
      - sa: data
        description: members
        effect: permit
        actions: [all]
        principals:
          - {type: vo, params: {vo: escape}}
          - {type: jwt-group, params: {iss: 'https://iam.example.org/', group: /escape}}
"""
UNIT = '[Service]\nEnvironment="STORM_WEBDAV_HOSTNAME_0=dav.example.org"\nEnvironment="STORM_WEBDAV_REQUIRE_CLIENT_CERT=false"\n'
SMALL = {
    "etc/storm/webdav/sa.d/data.properties": AREA.format("data"),
    "etc/storm/webdav/config/application.yml": ISSUER + POLICY,
    "etc/systemd/system/storm-webdav.service.d/storm-webdav.conf": UNIT,
    "etc/systemd/system/storm-webdav.service.d/filelimit.conf": "[Service]\nLimitNOFILE=65535\n",
}


def changes(files: dict[str, str], release: str = "1.9.0") -> list[str]:
    """Files that the role would change, and what has to be settled by hand."""
    notes = storm.adopt(files, release, "dav.example.org").notes
    return [note for note in notes if ("the role would" in note or "by hand" in note) and "storm-webdav.conf" not in note]


def test_one_policy_for_several_kinds_of_members_stays_as_it_is() -> None:
    assert changes(SMALL) == []


def test_policies_in_the_file_of_a_profile_stay_there() -> None:
    files = {**SMALL, "etc/storm/webdav/config/application-local.yml": POLICY}
    files["etc/storm/webdav/config/application.yml"] = ISSUER
    unit = "etc/systemd/system/storm-webdav.service.d/storm-webdav.conf"
    files[unit] += 'Environment="STORM_WEBDAV_JVM_OPTS=-Xmx4g -Dspring.profiles.active=local"\n'
    assert changes(files) == []
    absolute = {f"/{path}": text for path, text in files.items()}
    adopted = storm.adopt(files, "1.9.0", "dav.example.org")
    issuers = {"lake": {**adopted.issuers["lake"], "access": [{"group": "/escape/admins", "rights": "write"}]}}
    with pytest.raises(DescriptionError, match="file of a profile"):
        storm.planned(absolute, adopted.storage, issuers, adopted.variables, "1.9.0")


def test_members_of_one_vo_get_nothing_in_areas_of_another() -> None:
    files = {
        f"etc/storm/webdav/sa.d/{vo}.properties": f"name={vo}\nrootPath=/storage/{vo}\naccessPoints=/{vo}\nvos={vo}\n"
        for vo in ("atlas", "dteam")
    }
    assert [note for note in changes(files, "1.1.0") if "vos" in note] == []


def test_secrets_stay_on_the_host() -> None:
    weak = {**tree("full")}
    path = "etc/storm/backend-server/storm.properties"
    weak[path] = weak[path].replace("Vn3-rk20.aUe7qPzLw98-tests-only-0001", "storm")
    adopted = storm.adopt(weak, "1.9.0", "dav.example.org")
    told = " ".join(adopted.notes)
    assert "Jx8-m41p" not in told
    assert "passwd = storm" not in told


def test_a_flat_site_says_what_a_description_cannot() -> None:
    files = tree("webdav-1.4")
    path = "etc/storm/webdav/sa.d/escape.properties"
    files[path] = files[path].replace("orgsGrantReadPermission=false", "orgsGrantReadPermission=true") + "vos=escape\n"
    adopted = storm.adopt(files, "1.4.2", "dav.example.org")
    assert any("Every token of an issuer in orgs may read" in note and f"{path}:" in note for note in adopted.notes)
    assert adopted.variables["storm_flat_vos"] == ["escape"]
    assert any(f"{path}: the role would change it: -orgsGrantReadPermission=true" in note for note in adopted.notes)


def test_the_survey_tells_classes_and_sizes() -> None:
    survey = storm.survey(tree("full"), "1.9.0", "dav")
    offers = {offer.name: offer for offer in survey.offers}
    assert survey.doors == ("davs://dav.example.org:8443",)
    assert survey.issuers == ("https://iam.example.org/",)
    assert (offers["archive"].tape, offers["archive"].staging, offers["archive"].capacity) == (True, True, 2 * 10**15)
    assert (offers["disk"].tape, offers["disk"].paths, offers["disk"].capacity) == (False, ("/disk",), 4 * 10**14)
    assert offers["disk"].where.startswith("etc/storm/webdav/sa.d/disk.properties:")


YAIM = """# site
STORM_DEFAULT_ROOT="/storage"
STORM_FRONTEND_PUBLIC_HOST=storm.example.org
STORM_STORAGEAREA_LIST="disk archive.tape"
STORM_DISK_VONAME='escape cta'
STORM_DISK_ONLINE_SIZE=4000
STORM_DISK_ACCESSPOINT=/escape
STORM_ARCHIVETAPE_ROOT=${STORM_DEFAULT_ROOT}/tape
STORM_ARCHIVETAPE_ONLINE_SIZE=100 # GB
STORM_ARCHIVETAPE_NEARLINE_SIZE=5000
STORM_ARCHIVETAPE_STORAGECLASS=T1D0
STORM_ARCHIVETAPE_VONAME=escape
STORM_ARCHIVETAPE_TOKEN=ESCAPE_TAPE
"""


def test_input_of_yaim_is_read() -> None:
    files = {"etc/storm/siteinfo/storm.def": YAIM, "etc/storm/siteinfo/services/se_storm_backend": "STORM_DISK_ONLINE_SIZE=5000\n"}
    adopted = storm.adopt(files, "1.2.0", "storm.example.org")
    areas = {area["name"]: area for area in adopted.storage["areas"]}
    assert areas["disk"]["path"] == "/escape"
    assert areas["disk"]["capacity"] == "5TB"
    assert areas["disk"]["partitions"] == ["/storage/disk"]
    assert areas["archive.tape"]["media"] == "tape"
    assert areas["archive.tape"]["partitions"] == ["/storage/tape"]
    assert adopted.variables["storm_areas"]["archive.tape"]["space_token"] == "ESCAPE_TAPE"
    assert adopted.variables["storm_flat_vos"] == ["escape", "cta"]
    assert adopted.notes[0].startswith("etc/storm/siteinfo/storm.def:4: read from the input of YAIM")


PUPPET = """class { 'storm::webdav':
  hostnames     => ['storm.example.org', "alias.example.org"], # two names
  storage_areas => [
    {
      name          => 'disk',
      root_path     => '/storage/disk',
      access_points => ['/disk'],
      orgs          => ['https://iam.example.org/'],
      vos           => ['escape'],
      wlcg_scope_authz_enabled => true,
    },
  ],
}
"""
HIERA = """storm::webdav::hostnames: [storm.example.org, alias.example.org]
storm::webdav::storage_areas:
  - name: disk
    root_path: /storage/disk
    access_points: [/disk]
    orgs: ['https://iam.example.org/']
    vos: [escape]
    wlcg_scope_authz_enabled: true
"""


@pytest.mark.parametrize(
    ("path", "text"), [("etc/puppetlabs/code/manifests/site.pp", PUPPET), ("etc/puppetlabs/code/hieradata/storm.yaml", HIERA)]
)
def test_input_of_puppet_is_read(path: str, text: str) -> None:
    adopted = storm.adopt({path: text}, "1.4.2", "storm.example.org")
    assert [area["path"] for area in adopted.storage["areas"]] == ["/disk"]
    assert [entry["url"] for entry in adopted.issuers.values()] == ["https://iam.example.org/"]
    assert adopted.storage["doors"] == [{"scheme": "davs", "host": "storm.example.org", "port": 8443}]
    assert adopted.variables["storm_aliases"] == ["alias.example.org"]
    assert any("Every token of an issuer in orgs may read" in note for note in adopted.notes)  # the module's own default
    assert any(path in note for note in adopted.notes)


def test_nothing_is_not_a_site() -> None:
    assert storm.adopt({}, "1.9.0", "h").storage == {"system": "storm"}


def test_a_file_that_cannot_be_edited_is_adopted_and_told() -> None:
    path = "etc/storm/webdav/config/application.yml"
    text = "oauth: &all\n  issuers:\n    - {name: escape, issuer: 'https://iam.example.org/'}\nother: *all\n"
    notes = storm.adopt({**tree("webdav-1.4"), path: text}, "1.4.2", "dav.example.org").notes
    assert any(f"{path}:3: oauth.issuers[0]" in note and "so nothing was changed" in note for note in notes)
