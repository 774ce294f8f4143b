"""The files of a StoRM host, from a description."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import yaml
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import storm as checks
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import storm_release, storm_webdav_site
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Severity
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import storm_namespace
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.storm_namespace import Quota
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.tape_wellknown import Endpoint
from ansible_collections.escape.datalake.plugins.plugin_utils.model import parse
from ansible_collections.escape.datalake.plugins.plugin_utils.model.derive import rse_records, rucio_token_request
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Storage
from ansible_collections.escape.datalake.plugins.plugin_utils.systems import storm, storm_backend
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.storm_layout import AreaOptions, Options, Secrets
from class_change import changed
from storm_descriptions import DESCRIPTION, LAKE

FULL = Options(
    services=frozenset(storm.UNITS),
    report=True,
    macaroons=True,
    tape_endpoints=(Endpoint("https://tape.example.org/api/v1"),),
    vomsdir={"escape": {"voms.example.org": ("/DC=org/CN=voms.example.org", "/DC=org/CN=CA")}},
)
WEBDAV = Options(report=True, report_script="#!/bin/sh\n")
FRESH = Secrets("d" * 40, "x" * 40, "m" * 40)
OTHER = Secrets("1" * 40, "2" * 40, "3" * 40)
AREA, TAPE = "/etc/storm/webdav/sa.d/escape.properties", "/etc/storm/webdav/sa.d/tape.properties"
YML = "/etc/storm/webdav/config/application.yml"
NAMESPACE = "/etc/storm/backend-server/namespace.xml"
PROPERTIES = "/etc/storm/backend-server/storm.properties"


def described(**changes: Any) -> Storage:
    """The storage with other values, in a lake whose Rucio is old enough for SRM; None takes a key away."""
    told = {key: value for key, value in {**copy.deepcopy(DESCRIPTION), **changes}.items() if value is not None}
    return parse.load_storage(told, parse.load_lake({**LAKE, "rucio_release": "35"}))


def planned(options: Options = FULL, files: Mapping[str, str] | None = None, release: str = "1.9.0", **changes: Any) -> storm.Site:
    storage = described(release=release, **changes)
    return storm.plan(storage, options, files or {}, storm_release.parse_release(release), FRESH)


def simple_areas() -> list[dict[str, Any]]:
    """Areas without access lists of their own, which old releases can serve too."""
    return [{key: value for key, value in area.items() if key != "access"} for area in copy.deepcopy(DESCRIPTION["areas"])]


@pytest.mark.parametrize("release", ["1.3.0", "1.3.1", "1.4.0", "1.4.1", "1.4.2", "1.5.0", "1.6.1", "1.7.1", "1.8.0", "1.9.0"])
@pytest.mark.parametrize("options", [FULL, WEBDAV], ids=["full", "webdav"])
def test_a_new_site_is_sound_and_planned_once(release: str, options: Options) -> None:
    areas = simple_areas() if release == "1.3.0" else DESCRIPTION["areas"]
    site = planned(options, release=release, areas=areas)
    files = {path.lstrip("/"): text for path, text in site.texts.items()}
    assert [str(each) for each in checks.check(files, release) if each.severity is not Severity.NOTICE] == [] or options is WEBDAV
    assert not [each for each in checks.check(files, release) if each.severity in (Severity.OPEN, Severity.LOCK_OUT, Severity.ERROR)]
    storage = described(release=release, areas=areas)
    assert storm.plan(storage, options, site.texts, storm_release.parse_release(release), OTHER).texts == {}


@pytest.mark.parametrize("release", ["1.1.0", "1.2.1"])
def test_releases_without_policies_say_what_they_cannot_do(release: str) -> None:
    with pytest.raises(DescriptionError, match="knows issuers only"):
        planned(WEBDAV, release=release)
    areas = [{**area, "access": [{"issuer": "escape", "group": "/escape", "rights": "read"}]} for area in DESCRIPTION["areas"]]
    site = planned(WEBDAV, release=release, areas=areas, issuers=["escape"])
    assert "orgsGrantWritePermission=false\n" in site.texts[AREA]
    assert "Scope" not in site.texts[AREA]
    assert "STORM_WEBDAV_HOSTNAME_0=" in site.texts["/etc/sysconfig/storm-webdav"]
    assert "policies" not in site.texts[YML]


def test_one_list_of_areas_makes_webdav_and_backend() -> None:
    site = planned()
    webdav = storm_webdav_site.read({path.lstrip("/"): text for path, text in site.texts.items()}, None)
    namespace = storm_namespace.read(storm_namespace.parse(site.texts[NAMESPACE]))
    for area in described().areas:
        served = webdav.area_of(area.path)
        shown = namespace.filesystem_of(area.path)
        assert served is not None
        assert shown is not None
        assert served.directory(area.path) == shown.root


def test_scopes_bind_and_rights_are_written() -> None:
    for path in (AREA, TAPE):
        text = planned().texts[path]
        for line in ("orgsGrantReadPermission=false", "orgsGrantWritePermission=false", "wlcgScopeAuthzEnabled=true", "vos="):
            assert f"\n{line}\n" in text
    assert "tapeEnabled=true\n" in planned().texts[TAPE]
    assert "tapeEnabled=false\n" in planned().texts[AREA]


def test_scope_paths_of_rucio_are_relative_to_the_access_point() -> None:
    lake = parse.load_lake(LAKE)
    requests = {record.name: rucio_token_request(record)[1] for record in rse_records(described(), lake)}
    assert requests["CNAF-STORM-FAST"] == ("storage.modify:/fast/", "storage.read:/fast/")
    assert requests["CNAF-STORM-TAPE"] == ("storage.modify:/archive/", "storage.read:/archive/")


def test_an_issuer_that_an_area_does_not_name_is_refused_there() -> None:
    policies = yaml.safe_load(planned().texts[YML])["storm"]["authz"]["policies"]
    assert policies[0]["effect"] == "deny"
    assert policies[0]["paths"] == ["/disk/**"]
    assert policies[0]["principals"] == [{"type": "jwt-issuer", "params": {"iss": "https://iam.lake.test/partner/"}}]
    assert [each for each in policies if each["effect"] == "permit" and each["paths"] == ["/disk/**"]] == [
        each for each in policies if "disk:" in each["description"] and each["effect"] == "permit"
    ]


def test_classes_of_srm_follow_from_facts() -> None:
    areas = copy.deepcopy(DESCRIPTION["areas"])
    areas[2]["latency"] = "100ms"
    for listed, wanted in ((DESCRIPTION["areas"], "T1D0"), (areas, "T1D1")):
        namespace = storm_namespace.read(storm_namespace.parse(planned(areas=listed).texts[NAMESPACE]))
        found = namespace.filesystem_of("/tape/archive")
        assert found is not None
        assert (found.storage_class, found.nearline, found.token) == (wanted, 500 * 10**12, "TAPE_TOKEN")
        assert [each.storage_class for each in namespace.filesystems] == ["T0D1", "T0D1", wanted]


def test_quota_token_and_buffer_of_an_area() -> None:
    extra = AreaOptions(None, "ESCAPE_TAPE", 5 * 10**13, 7, Quota("gpfs0", "filesetName", "tape"), "gpfs")
    site = planned(replace(FULL, areas={"tape": extra}))
    found = storm_namespace.read(storm_namespace.parse(site.texts[NAMESPACE])).filesystem_of("/tape/archive")
    assert found is not None
    assert (found.token, found.online, found.quota, found.kind) == ("ESCAPE_TAPE", 5 * 10**13, extra.quota, "gpfs")
    assert site.texts["/etc/storm/backend-server/used-space.ini"].endswith("[ESCAPE_TAPE]\nusedsize = 7\n")


@pytest.mark.parametrize(
    ("options", "changes", "words"),
    [
        (WEBDAV, {"areas": [{**DESCRIPTION["areas"][0], "partitions": ["/a", "/b"]}]}, "keeps an area in one"),
        (replace(FULL, areas={"fast": AreaOptions("T1D0")}), {}, "does not go with media nvme"),
        (replace(FULL, areas={"fast": AreaOptions(quota=Quota("d", "groupName", "g"))}), {}, "needs GPFS"),
        (WEBDAV, {"doors": [*DESCRIPTION["doors"], {"scheme": "davs", "host": "dav.example.org", "port": 443}]}, "several WebDAV ports"),
        (WEBDAV, {"doors": [{"scheme": "srm", "host": "dav.example.org", "port": 8444}, *DESCRIPTION["doors"]]}, "no frontend"),
        (FULL, {"x509": None}, "SRM lets nobody in"),
        (replace(WEBDAV, aliases=("a.b", "c.d", "e.f", "g.h")), {}, "storm_aliases: make more than 4 names"),
    ],
)
def test_what_storm_cannot_do_is_refused(options: Options, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(DescriptionError, match=words):
        planned(options, **changes)


def test_a_partition_elsewhere_is_mounted() -> None:
    areas = copy.deepcopy(DESCRIPTION["areas"])
    areas[1]["partitions"] = ["/gpfs/other"]
    site = planned(areas=areas)
    assert site.mounts == (("/gpfs/other", "/storage/escape/disk"),)
    assert "<root>/storage/escape/disk</root>" in site.texts[NAMESPACE]


def test_good_secrets_stay_and_bad_ones_go() -> None:
    files = dict(planned().texts)
    assert PROPERTIES not in storm.plan(described(), FULL, files, (1, 9, 0), OTHER).texts
    files[PROPERTIES] = files[PROPERTIES].replace("d" * 40, "storm")
    again = storm.plan(described(), FULL, files, (1, 9, 0), OTHER)
    assert f"request-db.passwd={OTHER.database}\n" in again.texts[PROPERTIES]
    assert f"db.passwd={OTHER.database}\n" in again.texts["/etc/storm/frontend-server/storm-frontend-server.conf"]
    assert f"security.token={FRESH.xmlrpc}\n" in again.texts[PROPERTIES]
    given = storm.plan(described(), FULL, files, (1, 9, 0), OTHER, Secrets("g" * 40))
    assert f"request-db.passwd={'g' * 40}\n" in given.texts[PROPERTIES]


def test_secrets_are_not_shown() -> None:
    for path, text in planned().texts.items():
        shown = storm.masked(text)
        assert not any(secret in shown for secret in ("d" * 40, "x" * 40, "m" * 40)), path
        assert path in storm.hidden_paths(FULL) or shown == text, path
    assert "Secrets()" in repr(Secrets("a"))


def test_hand_made_lines_stay() -> None:
    files = dict(planned().texts)
    files[AREA] = files[AREA].replace("orgsGrantReadPermission=false", "# remark\norgsGrantReadPermission = true")
    files[YML] = "# by hand\ntpc: {timeout-in-secs: 60} # slow partner\n" + files[YML]
    again = storm.plan(described(), FULL, files, (1, 9, 0), OTHER)
    assert set(again.texts) == {AREA}
    assert again.texts[AREA] == files[AREA].replace("= true", "= false")


def test_what_application_yml_says_itself_is_changed_there() -> None:
    said = (
        "storm:\n  tls: {require-client-cert: true} # old clients\n  connector:\n    securePort: 443\n  hostnames:\n    - old.example.org\n"
    )
    site = planned(WEBDAV, files={YML: said})
    text = site.texts[YML]
    assert "  tls: {require-client-cert: false} # old clients\n" in text
    assert "    securePort: 8443\n" in text
    assert "    - old.example.org\n    - dav.example.org\n" in text
    environment = site.texts[f"/{storm_webdav_site.DROP_IN}"]
    assert "CLIENT_CERT" not in environment
    assert "HOSTNAME" not in environment
    assert not [
        each for each in checks.check({path.lstrip("/"): text for path, text in site.texts.items()}, "1.9.0") if "certificate" in each.rule
    ]
    assert storm.plan(described(), WEBDAV, {YML: said, **site.texts}, (1, 9, 0), OTHER).texts == {}


def test_a_weak_secret_of_application_yml_is_replaced_there_and_hidden() -> None:
    said = "storm:\n  authz-server:\n    enabled: true\n    secret: short\n"
    options = replace(WEBDAV, macaroons=True)
    site = planned(options, files={YML: said})
    assert yaml.safe_load(site.texts[YML])["storm"]["authz-server"]["secret"] == FRESH.macaroons
    assert {each.path: each.secret for each in site.files}[YML] is True


def test_gridftp_keeps_what_is_said_by_hand() -> None:
    found = "port 2812\r\n# by hand\r\nport_range 1,2\r\nload_dsi_module StoRM\r\nallowed_modules StoRM"
    assert storm_backend.gridftp_text(described(), found) == found.replace("port 2812\r\n", "port 2811\n")
    again = storm_backend.gridftp_text(described(), None)
    assert storm_backend.gridftp_text(described(), again) == again


def test_policies_of_ours_go_with_what_they_grant_and_others_stay() -> None:
    files = dict(planned().texts)
    by_hand = "      - {sa: escape, description: by hand, effect: permit, actions: [read], principals: [{type: vo, params: {vo: other}}]}\n"
    files[YML] = files[YML].replace("    policies:\n", f"    policies:\n{by_hand}")
    areas = copy.deepcopy(DESCRIPTION["areas"])
    areas[1]["access"] = [{"issuer": "escape", "group": "/escape/data-manager", "rights": "write"}]
    text = storm.plan(described(areas=areas), FULL, files, (1, 9, 0), OTHER).texts[YML]
    assert by_hand in text
    assert "disk: write for /escape of escape" not in text
    assert "disk: write for /escape/data-manager of escape" in text


def test_restarts_follow_from_state() -> None:
    site = planned()
    running = {unit: {"active": "active", "started": 100.0} for unit in storm.UNITS.values()}
    assert storm.restart_reasons(site, FULL, running, {}, []) == {}
    assert list(storm.restart_reasons(site, FULL, running, {}, [YML])) == ["storm-webdav.service"]
    assert list(storm.restart_reasons(site, FULL, running, {PROPERTIES: {"mtime": 101.0}}, [])) == ["storm-backend-server.service"]
    assert list(storm.restart_reasons(site, FULL, running, {NAMESPACE: {"mtime": 101.0}}, [NAMESPACE])) == []  # read again when it changes
    assert list(storm.restart_reasons(site, FULL, {}, {}, [])) == list(storm.UNITS.values())


def render(storage: Storage) -> Mapping[str, str]:
    return storm.plan(storage, FULL, {}, (1, 9, 0), FRESH).texts


def test_one_changed_class_changes_exactly_what_derives_from_it() -> None:
    facts = {"qos": "OPPORTUNISTIC", "redundancy": None}
    found = changed(LAKE, DESCRIPTION, "disk", facts, render)
    assert found.configuration == {}  # disk is disk for StoRM
    assert found.cric == {("CNAF-STORM-DISK", "params.QOS"): ("CHEAP-ANALYSIS", "OPPORTUNISTIC")}
    assert found.rucio == {("CNAF-STORM-DISK", "attributes.QOS"): ("CHEAP-ANALYSIS", "OPPORTUNISTIC")}


def test_a_class_on_tape_changes_exactly_what_derives_from_it() -> None:
    found = changed(LAKE, DESCRIPTION, "disk", {"qos": "SAFE", "media": "tape", "redundancy": None}, render)
    assert found.configuration == {
        AREA: ["-tapeEnabled=false", "+tapeEnabled=true"],
        NAMESPACE: [
            "-<storage-class>T0D1</storage-class>",
            "+<storage-class>T1D0</storage-class>",
            "-<RetentionPolicy>replica</RetentionPolicy>",
            "-<AccessLatency>online</AccessLatency>",
            "+<RetentionPolicy>custodial</RetentionPolicy>",
            "+<AccessLatency>nearline</AccessLatency>",
            '-<TotalNearlineSize unit="Byte">0</TotalNearlineSize>',
            f'+<TotalNearlineSize unit="Byte">{100 * 10**12}</TotalNearlineSize>',
        ],
        "/etc/storm/info-provider/storm-yaim-variables.conf": [
            '-STORM_DISK_STORAGECLASS="T0D1"',
            '+STORM_DISK_STORAGECLASS="T1D0"',
            '+STORM_DISK_NEARLINE_SIZE="100000"',
        ],
    }
    wanted = {"QOS": ("CHEAP-ANALYSIS", "SAFE"), "qos_media": ("hdd", "tape")}
    assert found.rucio == {
        **{("CNAF-STORM-DISK", f"attributes.{key}"): values for key, values in wanted.items()},
        ("CNAF-STORM-DISK", "properties.rse_type"): ("DISK", "TAPE"),
    }
    assert {key[0] for key in found.cric} == {"CNAF-STORM-DISK"}
    assert set(found.cric.values()) == {("CHEAP-ANALYSIS", "SAFE"), ("hdd", "tape"), ("DISK", "TAPE")}
