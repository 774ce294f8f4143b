"""Every rule of StoRM finds its trap, and nothing else is said of sound sites."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import storm, storm_rules
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Severity
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.host import Host

FIXTURES = Path(__file__).parents[2] / "fixtures" / "storm"
PAGE = (Path(__file__).parents[3] / "docs" / "storm-checks.md").read_text(encoding="utf-8")
DISK, ARCHIVE = "etc/storm/webdav/sa.d/disk.properties", "etc/storm/webdav/sa.d/archive.properties"
YML = "etc/storm/webdav/config/application.yml"
UNIT = "etc/systemd/system/storm-webdav.service.d/storm-webdav.conf"
SYSCONFIG = "etc/sysconfig/storm-webdav"
TAPE = "etc/storm/webdav/wlcg-tape-rest-api.json"
LSC = "etc/grid-security/vomsdir/escape/voms.example.org.lsc"
NAMESPACE = "etc/storm/backend-server/namespace.xml"
PROPERTIES = "etc/storm/backend-server/storm.properties"
FRONTEND = "etc/storm/frontend-server/storm-frontend-server.conf"
PATHS = "etc/storm/backend-server/path-authz.db"
USED = "etc/storm/backend-server/used-space.ini"
"""An edit that takes the file away."""
POLICY = "  authz:\n    policies:\n"
Edit = tuple[str, str | None, str | None]


def tree(name: str) -> dict[str, str]:
    root = FIXTURES / name
    return {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in sorted(root.rglob("*")) if path.is_file()}


def edited(files: Mapping[str, str], edits: tuple[Edit, ...]) -> dict[str, str]:
    """Each edit replaces a text of a file (an empty one: adds at the end); None as new text takes the file away."""
    result = dict(files)
    for file, old, new in edits:
        if new is None:
            del result[file]
        elif not old:
            result[file] = result.get(file, "") + new
        else:
            assert old in result[file], (file, old)
            result[file] = result[file].replace(old, new, 1)
    return result


def policy(text: str) -> tuple[Edit, ...]:
    return ((YML, POLICY, f"{POLICY}      - {text}\n"),)


FLAT = ((DISK, "orgsGrantReadPermission = false", "orgsGrantReadPermission = true"),)
NO_POLICIES = (
    (DISK, "fineGrainedAuthzEnabled = true", "fineGrainedAuthzEnabled = false"),
    (DISK, "wlcgScopeAuthzEnabled = true", "wlcgScopeAuthzEnabled = false"),
)
NO_SCOPES = ((DISK, "wlcgScopeAuthzEnabled = true", "wlcgScopeAuthzEnabled = false"),)
DENY = policy("{sa: disk, description: no, effect: deny, actions: [delete], principals: [{type: any-authenticated-user}]}")
SERVER = ((UNIT, "", 'Environment="STORM_WEBDAV_AUTHZ_SERVER_ENABLE=true"\n'),)

CASES: list[tuple[str, tuple[Edit, ...], str, str]] = [
    # rule, edits, file that is blamed, release
    ("storm.release-unknown", (), "etc/storm", ""),
    ("storm.no-areas", ((DISK, "", None), (ARCHIVE, "", None)), "etc/storm/webdav/sa.d", "1.9.0"),
    ("storm.area-malformed", ((DISK, "", "x=\\u12\n"),), DISK, "1.9.0"),
    ("storm.area-key-missing", ((DISK, "accessPoints = /disk", ""),), DISK, "1.9.0"),
    ("storm.area-key-unknown", ((DISK, "", "anonymousRead=false\n"),), DISK, "1.9.0"),
    ("storm.area-key-release", (), ARCHIVE, "1.8.0"),
    ("storm.area-key-repeated", ((DISK, "", "name=disk\n"),), DISK, "1.9.0"),
    ("storm.area-value", ((DISK, "tapeEnabled = false", "tapeEnabled = no"),), DISK, "1.9.0"),
    ("storm.area-name-reserved", ((DISK, "name = disk", "name = .well-known"),), DISK, "1.9.0"),
    ("storm.area-name-repeated", ((DISK, "name = disk", "name = archive"),), DISK, "1.9.0"),
    ("storm.access-point-repeated", ((DISK, "= /disk", "= /disk,/archive"),), DISK, "1.9.0"),
    ("storm.access-point-form", ((DISK, "= /disk", "= /disk/"),), DISK, "1.9.0"),
    ("storm.access-point-regex", ((DISK, "= /disk", "= /disk+ssd"),), DISK, "1.9.0"),
    ("storm.access-point-prefix", ((DISK, "= /disk", "= /disk,/archive2"),), DISK, "1.9.0"),
    ("storm.access-point-nested", ((DISK, "= /disk", "= /disk,/archive/disk"),), DISK, "1.9.0"),
    ("storm.root-path", ((DISK, "/gpfs/escape/disk", "gpfs/escape/disk"),), DISK, "1.9.0"),
    ("storm.root-shared", ((DISK, "/gpfs/escape/disk", "/gpfs/escape"),), DISK, "1.9.0"),
    ("storm.vo-map-write-name", ((DISK, "voMapGrantsWritePermission", "voMapGrantsWriteAccess"),), DISK, "1.9.0"),
    ("storm.write-implicit", (*FLAT, (DISK, "orgsGrantWritePermission = false\n", "")), DISK, "1.9.0"),
    ("storm.write-not-written", ((DISK, "orgsGrantWritePermission = false\n", ""),), DISK, "1.9.0"),
    ("storm.flat-write", (*FLAT, *NO_POLICIES, (DISK, "WritePermission = false\nwlcg", "WritePermission = true\nwlcg")), DISK, "1.9.0"),
    ("storm.scopes-not-binding", FLAT, DISK, "1.9.0"),
    ("storm.policies-not-binding", (*FLAT, *NO_SCOPES, *DENY), DISK, "1.9.0"),
    ("storm.policies-needless", (*FLAT, *NO_SCOPES), DISK, "1.9.0"),
    ("storm.policies-off", ((DISK, "fineGrainedAuthzEnabled = true", "fineGrainedAuthzEnabled = false"),), YML, "1.9.0"),
    ("storm.vo-writes", ((DISK, "vos =", "vos = partner"),), DISK, "1.9.0"),
    ("storm.vo-policy-weaker", ((DISK, "vos =", "vos = escape"),), DISK, "1.9.0"),
    ("storm.anonymous-read", ((DISK, "anonymousReadEnabled = false", "anonymousReadEnabled = true"),), DISK, "1.9.0"),
    ("storm.authenticated-read", ((DISK, "authenticatedReadEnabled = false", "authenticatedReadEnabled = true"),), DISK, "1.9.0"),
    ("storm.area-locked", NO_POLICIES, DISK, "1.9.0"),
    ("storm.issuer-unknown", ((DISK, "iam.example.org/", "iam.example.org"),), DISK, "1.9.0"),
    (
        "storm.issuer-unused",
        (
            (
                YML,
                "storm:\n",
                "    - {name: b, issuer: 'https://b/', enforce-audience-checks: true, audiences: [dav.example.org]}\nstorm:\n",
            ),
        ),
        YML,
        "1.9.0",
    ),
    ("storm.tape-wellknown-missing", ((TAPE, "", None),), ARCHIVE, "1.9.0"),
    ("storm.tape-wellknown", ((TAPE, "https://tape", "http://tape"),), TAPE, "1.9.0"),
    ("storm.yaml-syntax", ((YML, "", "  - [\n"),), YML, "1.9.0"),
    ("storm.yaml-syntax", ((YML, "", "oauth:\n  issuers: []\n"),), YML, "1.9.0"),
    ("storm.yaml-key-unknown", ((YML, "", "tpc:\n  entirely-new: 1\n"),), YML, "1.9.0"),
    ("storm.yaml-key-misspelt", ((YML, "refresh-period-minutes", "refresh-period-minute"),), YML, "1.9.0"),
    ("storm.yaml-key-release", ((YML, "refresh-period-minutes: 30", "refresh-timeout-seconds: 9"),), YML, "1.4.2"),
    ("storm.yaml-value", ((YML, "refresh-period-minutes: 30", "refresh-period-minutes: half"),), YML, "1.9.0"),
    ("storm.issuer-fields", ((YML, "name: escape ", "title: escape "),), YML, "1.9.0"),
    (
        "storm.issuer-repeated",
        (
            (
                YML,
                "storm:\n",
                "    - {name: c, issuer: 'https://iam.example.org/', enforce-audience-checks: true, audiences: [h]}\nstorm:\n",
            ),
        ),
        YML,
        "1.9.0",
    ),
    ("storm.audience-empty", ((YML, 'audiences: ["https', 'comment: ["https'),), YML, "1.9.0"),
    ("storm.audience-unchecked", ((YML, "checks: true", "checks: false"),), YML, "1.9.0"),
    ("storm.audience-bare-host", ((YML, " dav.example.org,", ""),), YML, "1.9.0"),
    ("storm.audience-slash", ((YML, "org:8443", "org:8443/"),), YML, "1.9.0"),
    ("storm.policy-area", ((YML, "sa: archive", "sa: attic"),), YML, "1.9.0"),
    ("storm.policy-fields", ((YML, "actions: [all]", "actions: [everything]"),), YML, "1.9.0"),
    ("storm.policy-principal", ((YML, "jwt-group", "oauth-group"),), YML, "1.9.0"),
    ("storm.policy-params", ((YML, ", group: /escape/data-manager", ""),), YML, "1.9.0"),
    ("storm.policy-issuer", ((YML, 'iss: "https://iam.example.org/"', 'iss: "https://iam.example.org"'),), YML, "1.9.0"),
    (
        "storm.policy-anyone-writes",
        policy("{sa: disk, description: x, effect: permit, actions: [all], principals: [{type: anyone}]}"),
        YML,
        "1.9.0",
    ),
    (
        "storm.policy-anyone-reads",
        policy("{sa: disk, description: x, effect: permit, actions: [read], principals: [{type: anyone}]}"),
        YML,
        "1.9.0",
    ),
    (
        "storm.policy-shadowed",
        policy(
            "{sa: disk, description: x, effect: deny, actions: [all], principals: "
            '[{type: jwt-group, params: {iss: "https://iam.example.org/", group: /escape}}]}'
        ),
        YML,
        "1.9.0",
    ),
    ("storm.policy-outvotes-scopes", DENY, YML, "1.9.0"),
    ("storm.authz-disabled", ((YML, "  authz:\n", "  authz:\n    disabled: true\n"),), YML, "1.9.0"),
    ("storm.redis", (), YML, "1.4.1"),
    (
        "storm.secret-weak",
        (*SERVER, (UNIT, "", 'Environment="STORM_WEBDAV_AUTHZ_SERVER_SECRET=areasonablesecretlongerthan256bits"\n')),
        UNIT,
        "1.9.0",
    ),
    ("storm.secret-random", SERVER, YML, "1.9.0"),
    ("storm.nginx", ((UNIT, "", 'Environment="STORM_WEBDAV_NGINX_ENABLED=true"\n'),), UNIT, "1.9.0"),
    ("storm.client-certificate", ((UNIT, 'Environment="STORM_WEBDAV_REQUIRE_CLIENT_CERT=false"\n', ""),), YML, "1.9.0"),
    ("storm.hostnames", ((UNIT, 'Environment="STORM_WEBDAV_HOSTNAME_0=dav.example.org"\n', ""),), UNIT, "1.9.0"),
    ("storm.environment-unknown", ((UNIT, "STORM_WEBDAV_MAX_CONNECTIONS", "STORM_WEBDAV_MAX_CONECTIONS"),), UNIT, "1.9.0"),
    ("storm.environment-file", ((SYSCONFIG, "", "STORM_WEBDAV_HTTPS_PORT=443\n"),), SYSCONFIG, "1.9.0"),
    ("storm.heap", ((UNIT, "-Xmx3g", "-Xmx1024m"),), UNIT, "1.9.0"),
    ("storm.lsc", ((LSC, "/DC=org/DC=example/CN=Example CA\n", ""),), LSC, "1.9.0"),
    ("storm.vo-untrusted", ((DISK, "vos =", "vos = partner"),), DISK, "1.9.0"),
    ("storm.namespace-syntax", ((NAMESPACE, "</namespace>", ""),), NAMESPACE, "1.9.0"),
    ("storm.namespace-element", ((NAMESPACE, ">T0D1<", ">T2D2<"),), NAMESPACE, "1.9.0"),
    ("storm.namespace-name", ((NAMESPACE, '"ARCHIVE-FS"', '"DISK-FS"'),), NAMESPACE, "1.9.0"),
    ("storm.token-repeated", ((NAMESPACE, "ESCAPE_TAPE", "ESCAPE_DISK"),), NAMESPACE, "1.9.0"),
    (
        "storm.policy-public-part",
        policy("{sa: disk, description: d, effect: permit, actions: [read], paths: [/public/**], principals: [{type: anyone}]}"),
        YML,
        "1.9.0",
    ),
    ("storm.namespace-element", ((NAMESPACE, "filesystem.swig.gpfs<", "filesystem.swig.gpsf<"),), NAMESPACE, "1.9.0"),
    ("storm.class-properties", ((NAMESPACE, ">replica<", ">custodial<"),), NAMESPACE, "1.9.0"),
    ("storm.nearline", ((NAMESPACE, ">2000<", ">0<"),), NAMESPACE, "1.9.0"),
    ("storm.nearline-disk", ((NAMESPACE, '"TB">0<', '"TB">7<'),), NAMESPACE, "1.9.0"),
    ("storm.size-unlimited", ((NAMESPACE, 'limited-size="true"', 'limited-size="false"'),), NAMESPACE, "1.9.0"),
    ("storm.quota-file-system", ((NAMESPACE, "swig.gpfs", "swig.posixfs"),), NAMESPACE, "1.9.0"),
    ("storm.map-unknown", ((NAMESPACE, "<mapped-fs>DISK", "<mapped-fs>NONE"),), NAMESPACE, "1.9.0"),
    ("storm.map-repeated", ((NAMESPACE, "<stfn-root>/archive", "<stfn-root>/disk"),), NAMESPACE, "1.9.0"),
    ("storm.file-system-unmapped", ((NAMESPACE, "<mapped-fs>DISK-FS", "<mapped-fs>ARCHIVE-FS"),), NAMESPACE, "1.9.0"),
    ("storm.app-unknown", ((NAMESPACE, "<approachable-fs>DISK", "<approachable-fs>NONE"),), NAMESPACE, "1.9.0"),
    ("storm.app-missing", ((NAMESPACE, "<approachable-fs>DISK", "<approachable-fs>ARCHIVE"),), NAMESPACE, "1.9.0"),
    ("storm.app-everybody", ((NAMESPACE, "<vo-name>escape<", "<vo-name>*<"),), NAMESPACE, "1.9.0"),
    (
        "storm.anonymous-http",
        ((NAMESPACE, "DISK-FS</approachable-fs>", "DISK-FS</approachable-fs><anonymous-http-read>true</anonymous-http-read>"),),
        NAMESPACE,
        "1.9.0",
    ),
    ("storm.property-missing", ((PROPERTIES, "storm.service.request-db.username = storm\n", ""),), PROPERTIES, "1.9.0"),
    ("storm.property-malformed", ((PROPERTIES, "", "x=\\u12\n"),), PROPERTIES, "1.9.0"),
    ("storm.secret-default", ((PROPERTIES, "Vn3-rk20.aUe7qPzLw98-tests-only-0001", "storm"),), PROPERTIES, "1.9.0"),
    ("storm.secret-differs", ((FRONTEND, "0002", "0003"),), FRONTEND, "1.9.0"),
    ("storm.xmlrpc-open", ((PROPERTIES, "enabled = true", "enabled = false"),), PROPERTIES, "1.9.0"),
    ("storm.path-authz", ((PATHS, "permit", "allow"),), PATHS, "1.9.0"),
    ("storm.path-authz-algorithm", ((PATHS, "BestMatch", "FirstMatch"),), PATHS, "1.9.0"),
    ("storm.path-authz-everybody", ((PATHS, "RL  ", "WRL "),), PATHS, "1.9.0"),
    ("storm.used-space-token", ((USED, "ESCAPE_DISK", "ESCAPE_DISC"),), USED, "1.9.0"),
    ("storm.used-space-value", ((USED, "1099511627776", "1TB"),), USED, "1.9.0"),
    ("storm.directory-differs", ((NAMESPACE, "<root>/gpfs/escape/disk", "<root>/gpfs/escape/disc"),), NAMESPACE, "1.9.0"),
    ("storm.srm-only", ((NAMESPACE, "<stfn-root>/archive", "<stfn-root>/attic"),), NAMESPACE, "1.9.0"),
    ("storm.tape-flag-missing", ((ARCHIVE, "tapeEnabled=true", "tapeEnabled=false"),), ARCHIVE, "1.9.0"),
    ("storm.tape-flag-disk", ((DISK, "tapeEnabled = false", "tapeEnabled = true"),), DISK, "1.9.0"),
    ("storm.tape-mixed", ((NAMESPACE, "<stfn-root>/disk", "<stfn-root>/archive/disk"),), ARCHIVE, "1.9.0"),
]
ENTRIES = {
    "storm.root-missing": ("/gpfs/escape/disk", {"exists": False}),
    "storm.key-unreadable": ("/etc/grid-security/storm-webdav/hostkey.pem", {"exists": True, "owner": "root", "mode": "0400"}),
    "storm.secret-mode": (f"/{PROPERTIES}", {"exists": True, "owner": "root", "mode": "0644"}),
}


@pytest.mark.parametrize(("rule", "edits", "file", "release"), CASES, ids=[case[0] for case in CASES])
def test_a_rule_finds_its_trap(rule: str, edits: tuple[Edit, ...], file: str, release: str) -> None:
    found = [each for each in storm.check(edited(tree("full"), edits), release) if each.rule == rule]
    assert [each.file for each in found][:1] == [file]
    assert found[0].message
    assert found[0].remedy
    assert found[0].severity is storm_rules.RULES[rule].severity


@pytest.mark.parametrize("rule", ENTRIES)
def test_a_rule_about_the_host_finds_its_trap(rule: str) -> None:
    path, entry = ENTRIES[rule]
    found = storm.check_host(tree("full"), "1.9.0", storm.Facts({path: entry}))
    assert [each.rule for each in found] == [rule]


def test_a_host_is_asked_what_the_rules_need() -> None:
    asked = storm.named_paths(tree("full"), "1.9.0")
    assert {path for path, _entry in ENTRIES.values()} <= set(asked)
    path, entry = ENTRIES["storm.root-missing"]
    assert [each.rule for each in storm.check_live(tree("full"), "1.9.0", Host(entries={path: entry}))] == ["storm.root-missing"]


def test_every_rule_has_a_case() -> None:
    assert {case[0] for case in CASES} | set(ENTRIES) == set(storm_rules.RULES)


def test_every_rule_is_documented() -> None:
    assert [rule for rule in storm_rules.RULES if f"| `{rule}` |" not in PAGE] == []


@pytest.mark.parametrize(
    ("site", "release"), [("full", "1.9.0"), ("webdav-1.4", "1.4.1"), ("webdav-1.4", "1.4.2"), ("webdav-1.4", "1.8.0"), ("full", "1.12.0")]
)
def test_a_sound_site_has_nothing_above_notice(site: str, release: str) -> None:
    assert [each for each in storm.check(tree(site), release) if each.severity is not Severity.NOTICE] == []


def test_a_finding_names_the_line() -> None:
    found = storm.check(edited(tree("full"), FLAT), "1.9.0")
    assert [(each.file, each.line, each.rule) for each in found] == [(DISK, 12, "storm.scopes-not-binding")]


def test_a_finding_names_the_line_of_the_element() -> None:
    files = edited(tree("full"), ((NAMESPACE, ">replica<", ">custodial<"),))
    (found,) = storm.check(files, "1.9.0")
    assert (found.rule, files[NAMESPACE].splitlines()[found.line - 1].strip()) == (
        "storm.class-properties",
        "<RetentionPolicy>custodial</RetentionPolicy>",
    )


def test_access_points_of_one_area_may_begin_alike() -> None:
    files = edited(tree("full"), ((DISK, "= /disk", "= /disk,/diskdata"),))
    assert [each for each in storm.check(files, "1.9.0") if each.rule == "storm.access-point-prefix"] == []


def test_settings_of_later_backends_have_other_names() -> None:
    text = tree("full")[PROPERTIES]
    text = text.replace("storm.service.request-db.username", "db.username").replace("storm.service.request-db.passwd", "db.password")
    assert [each.rule for each in storm.check({**tree("full"), PROPERTIES: text}, "1.9.0") if each.severity is not Severity.NOTICE] == []


PROFILES = 'Environment="STORM_WEBDAV_JVM_OPTS=-Xmx4g -Dspring.profiles.active=lake,local"\n'
LAKE, LOCAL = YML.replace(".yml", "-lake.yml"), YML.replace(".yml", "-local.yml")


def test_the_file_of_an_active_profile_counts() -> None:
    files = tree("full")
    moved = edited(files, ((LAKE, "", files[YML]), (YML, files[YML], "oauth:\n  issuers:\n"), (UNIT, "", PROFILES)))
    assert [each for each in storm.check(moved, "1.9.0") if each.severity is not Severity.NOTICE] == []
    off = edited(moved, ((LAKE, "enforce-audience-checks: true", "enforce-audience-checks: false"),))
    (found,) = [each for each in storm.check(off, "1.9.0") if each.severity is not Severity.NOTICE]
    assert (found.rule, found.file) == ("storm.audience-unchecked", LAKE)
    assert "enforce-audience-checks" in off[LAKE].splitlines()[found.line - 1]


def test_the_last_active_profile_counts_most_and_others_not_at_all() -> None:
    other = "oauth:\n  issuers: [{name: other, issuer: 'https://other.example.org/'}]\n"
    files = edited(tree("full"), ((LOCAL, "", other),))
    assert [each for each in storm.check(files, "1.9.0") if each.severity is not Severity.NOTICE] == []
    rules = {(each.rule, each.file) for each in storm.check(edited(files, ((UNIT, "", PROFILES),)), "1.9.0")}
    assert {("storm.issuer-unknown", DISK), ("storm.audience-unchecked", LOCAL)} <= rules


def test_documents_of_one_file_are_read_one_after_the_other() -> None:
    files = tree("full")
    lines = files[YML].splitlines(keepends=True)
    storm_at = next(at for at, line in enumerate(lines) if line.startswith("storm:"))
    parted = "".join([*lines[:storm_at], "---\n", *lines[storm_at:]])
    assert [each for each in storm.check({**files, YML: parted}, "1.9.0") if each.severity is not Severity.NOTICE] == []
    other = "---\nspring: {config: {activate: {on-profile: lake}}}\noauth:\n  issuers: []\n"
    assert [each for each in storm.check({**files, YML: parted + other}, "1.9.0") if each.severity is not Severity.NOTICE] == []
    active = edited({**files, YML: parted + other}, ((UNIT, "", PROFILES),))
    assert "storm.issuer-unknown" in {each.rule for each in storm.check(active, "1.9.0")}


@pytest.mark.parametrize("text", ["oauth:\n\tissuers: []\n", "oauth: &a {issuers: [*a]}\n", "oauth: [\n"])
def test_settings_that_are_no_yaml_are_one_finding(text: str) -> None:
    found = storm.check({**tree("full"), YML: text}, "1.9.0")
    assert [each.rule for each in found if each.severity is not Severity.NOTICE] == ["storm.yaml-syntax"]


def test_aliases_and_merged_mappings_are_read() -> None:
    text = (
        "oauth:\n  issuers:\n    - name: lake\n      issuer: &iam https://iam.example.org/\n"
        "      enforce-audience-checks: true\n      audiences: [a.example]\n"
        "storm:\n  authz:\n    policies:\n      - &all\n        sa: a\n        description: members\n        effect: permit\n"
        "        actions: [all]\n        principals: [{type: jwt-group, params: {iss: *iam, group: /escape}}]\n"
        "      - <<: *all\n        sa: b\n        description: members on b\n"
    )
    area = "name={0}\nrootPath=/{0}\naccessPoints=/{0}\norgs=https://iam.example.org/\norgsGrantReadPermission=false\n"
    area += "orgsGrantWritePermission=false\nfineGrainedAuthzEnabled=true\n"
    unit = '[Service]\nEnvironment="STORM_WEBDAV_HOSTNAME_0=a.example"\nEnvironment="STORM_WEBDAV_REQUIRE_CLIENT_CERT=false"\n'
    files = {f"etc/storm/webdav/sa.d/{name}.properties": area.format(name) for name in "ab"} | {YML: text, UNIT: unit}
    assert [str(each) for each in storm.check(files, "1.9.0") if each.severity is not Severity.NOTICE] == []
    wrong = storm.check({**files, YML: text.replace("sa: b", "sa: c")}, "1.9.0")
    assert {(each.rule, each.line) for each in wrong} >= {("storm.policy-area", 17), ("storm.area-locked", 5)}


def test_a_key_that_stands_twice_keeps_the_service_from_starting() -> None:
    files = edited(tree("full"), ((YML, "", "storm: {authz: {}}\n"),))
    found = [each for each in storm.check(files, "1.9.0") if each.rule == "storm.yaml-syntax"]
    assert [(each.line, "storm" in each.message) for each in found] == [(len(files[YML].splitlines()), True)]


def test_secrets_are_not_in_findings() -> None:
    weak = edited(tree("full"), ((PROPERTIES, "Jx8-m41p.oWd2sYtQb63-tests-only-0002", "abracadabra"),))
    assert "abracadabra" not in "".join(map(str, storm.check(weak, "1.9.0")))


def test_names_of_old_releases_are_known() -> None:
    files = {
        "etc/storm/webdav/sa.d/a.properties": "name=a\nrootPath=/a\naccessPoints=/a\norgs=https://i/\norgsGrantReadPermission=false\n"
        "orgsGrantWritePermission=false\nwlcgStructuredScopeAuthzEnabled=true\nfineGrainedAuthzEnabled=true\n",
        YML: "oauth:\n  issuers:\n    - {name: i, issuer: 'https://i/', enforceAudienceChecks: true, audiences: [a.b]}\n"
        "storm:\n  authz-server: {enabled: false}\n  tls: {requireClientCert: false}\n  hostnames: [a.b]\n  authz:\n    policies:\n"
        "      - {sa: a, description: d, effect: permit, actions: [all], "
        "principals: [{type: oauth-group, params: {iss: 'https://i/', group: g}}]}\n",
    }
    assert [str(each) for each in storm.check(files, "1.3.0")] == []
    assert {each.rule for each in storm.check(files, "1.4.2")} >= {"storm.area-key-release", "storm.policy-principal"}
