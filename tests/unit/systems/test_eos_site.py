"""The files of EOS nodes, from a description."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import eos as checks
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Severity
from ansible_collections.escape.datalake.plugins.plugin_utils.model import parse
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Storage
from ansible_collections.escape.datalake.plugins.plugin_utils.systems import eos
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.eos_instance import Account

LAKE = parse.load_lake(
    {"name": "lab", "issuers": {"escape": {"url": "https://iam.lake.test/"}, "partner": {"url": "https://iam.lake.test/partner/"}}}
)
DESCRIPTION: dict[str, Any] = {
    "name": "LAB-EOS",
    "site": "LAB",
    "system": "eos",
    "release": "5.2.0",
    "issuers": ["escape"],
    "base_path": "/eos/lake",
    "doors": [{"scheme": "davs", "host": "eos.lake.test", "port": 9000}, {"scheme": "root", "host": "eos.lake.test", "port": 1094}],
    "areas": [{"name": "fast", "path": "/eos/lake/fast", "qos": "FAST", "capacity": "10TB", "media": "ssd"}],
}
OPTIONS = eos.Options(
    instance="eoslab",
    certificate_source="/etc/grid-security/hostcert.pem",
    key_source="/etc/grid-security/hostkey.pem",
    accounts=(Account("escape", "escape", 2001, 2001), Account("escape", "escapedm", 2002, 2001, "/escape/data-manager")),
)
# A head node as a site keeps it: its own order, its own remarks, certificates named in the way of EOS 4.
HAND_MADE = """\
# eosprod, head node
xrootd.fslib libXrdEosMgm.so
xrootd.seclib libXrdSec.so
xrd.port 1094
xrootd.chksum adler32
all.export / nolock
all.role manager
sec.protocol sss -c /etc/eos.client.keytab -s /etc/eos.keytab
sec.protbind * only sss
mgmofs.fs /
mgmofs.instance eosprod
all.sitename PROD
xrd.protocol XrdHttp:9000 /usr/lib64/libXrdHttp.so
http.cadir /etc/grid-security/certificates/
http.cert /etc/grid-security/daemon/hostcert.pem
http.key /etc/grid-security/daemon/hostkey.pem
http.exthandler xrdtpc /usr/lib64/libXrdHttpTPC.so
http.exthandler EosMgmHttp /usr/lib64/libEosMgmHttp.so eos::mgm::http::redirect-to-https=1
macaroons.secretkey /etc/our.secret
mgmofs.macaroonslib libXrdMacaroons.so
"""


def storage(**changes: Any) -> Storage:
    return parse.load_storage({**DESCRIPTION, **changes}, LAKE)


def result(described: Storage | None = None, files: dict[str, str] | None = None, options: eos.Options = OPTIONS) -> dict[str, str]:
    return {**(files or {}), **eos.plan(described or storage(), options, files or {}).texts}


def findings(files: dict[str, str], release: str = "5.2.0") -> list[Any]:
    return checks.check({path.lstrip("/"): text for path, text in files.items()}, release)


@pytest.mark.parametrize("release", ["4.8.50", "5.0.15", "5.0.31", "5.2.0", "5.4.9", "5.5.0"])
def test_new_nodes_are_sound_and_stay_as_they_are(release: str) -> None:
    described = storage(release=release)
    made = result(described)
    assert [each for each in findings(made, release) if each.severity is not Severity.NOTICE] == []
    assert not eos.plan(described, OPTIONS, made).texts
    assert f"mgmofs.macaroonslib libXrdMacaroons.so {eos.token_library(release)}\n" in made[checks.MGM]


def test_a_hand_made_head_node_gets_the_smallest_edit() -> None:
    options = eos.Options(("mgm",), accounts=OPTIONS.accounts)
    made = result(files={checks.MGM: HAND_MADE, eos.AUTHFILE: ""}, options=options)
    assert made[checks.MGM] == HAND_MADE.replace("libXrdMacaroons.so\n", "libXrdMacaroons.so libXrdAccSciTokens.so\n")
    assert not eos.plan(storage(), options, made).texts


def test_every_issuer_becomes_its_users() -> None:
    made = result()
    tokens = made[checks.TOKENS]
    assert "issuer = https://iam.lake.test/\n" in tokens
    assert "base_path = /eos/lake\n" in tokens
    assert "default_user = escape\n" in tokens
    assert "audience = https://eos.lake.test:9000, eos.lake.test, https://wlcg.cern.ch/jwt/v1/any\n" in tokens
    assert json.loads(made["/etc/xrootd/datalake-escape.json"]) == [{"group": "/escape/data-manager", "result": "escapedm"}]
    assert "u escapedm 2002:2001" in made[eos.ACCOUNTS_FILE]


def test_only_the_parts_of_the_host_are_written() -> None:
    assert set(result(options=eos.Options(("fst",)))) == {checks.FST, eos.FST_UNIT_FILE}
    assert checks.FST not in result(options=eos.Options(("mgm",), accounts=OPTIONS.accounts))


def test_restarts_are_computed_from_the_state_of_the_host() -> None:
    services = {"eos@mgm.service": {"active": "active", "started": 100.0}, "eos@fst.service": {"active": "active", "started": 100.0}}
    entries = {checks.MGM: {"mtime": 90.0}, checks.FST: {"mtime": 110.0}}
    assert eos.restart_reasons(OPTIONS, services, entries, []) == {"eos@fst.service": [f"{checks.FST} is newer than the running service"]}
    assert eos.restart_reasons(OPTIONS, services, {}, [checks.TOKENS]) == {}  # it is read again by itself
    assert list(eos.restart_reasons(OPTIONS, {}, {}, [])) == ["eos@mgm.service", "eos@fst.service"]


def changed(files: dict[str, str], path: str, old: str, new: str) -> dict[str, str]:
    assert old in files[path], old
    return {**files, path: files[path].replace(old, new)}


TRAPS: list[tuple[str, str, str, str]] = [
    # rule, file, text, in the place of it
    ("eos.http-handler-missing", checks.MGM, "http.exthandler EosMgmHttp", "#http.exthandler EosMgmHttp"),
    ("eos.http-handler-missing", checks.FST, "http.exthandler EosFstHttp", "#http.exthandler EosFstHttp"),
    ("eos.tpc-missing", checks.MGM, "http.exthandler xrdtpc", "#"),
    ("eos.plain-redirect", checks.MGM, "redirect-to-https=1", "redirect-to-https=0"),
    ("eos.fst-without-tls", checks.FST, "xrd.tls /", "#xrd.tls /"),
    ("eos.tokens-not-loaded", checks.MGM, " libXrdAccSciTokens.so", ""),
    ("eos.tokens-library", checks.MGM, "libXrdAccSciTokens.so", "libEosAccSciTokens.so"),
    ("eos.default-user", checks.TOKENS, "default_user = escape\nname_mapfile = /etc/xrootd/datalake-escape.json\n", ""),
    ("eos.root-user", checks.TOKENS, "default_user = escape\n", "default_user = root\n"),
    ("eos.macaroons-secret", checks.MGM, "macaroons.secretkey", "#macaroons.secretkey"),
    ("eos.sitename-missing", checks.MGM, "all.sitename", "#all.sitename"),
    ("eos.fst-port", eos.FST_UNIT_FILE, "9001", "9002"),
    ("scitokens.issuer-not-https", checks.TOKENS, "issuer = https:", "issuer = http:"),
]


@pytest.mark.parametrize(
    ("release", "library", "known"),
    [
        ("4.8.74", "/opt/eos/lib64/libXrdAccSciTokens.so", True),
        ("5.0.9", "libEosAccSciTokens.so", True),
        ("5.0.9", "/opt/eos/lib64/libXrdAccSciTokens.so", True),
        ("5.0.9", "libXrdAccSciTokens.so", False),
        ("5.0.16", "libXrdAccSciTokens.so", True),
        ("5.2.0", "/opt/eos/lib64/libXrdAccSciTokens.so", False),
    ],
)
def test_the_token_plug_in_is_that_of_the_release(release: str, library: str, known: bool) -> None:
    files = changed(result(), checks.MGM, "libXrdMacaroons.so libXrdAccSciTokens.so", f"libXrdMacaroons.so {library}")
    found = [each.rule for each in checks.check({path.lstrip("/"): text for path, text in files.items()}, release)]
    assert ("eos.tokens-library" not in found) is known
    assert eos.token_library(release) == library or release == "5.0.9" or not known


def test_a_subject_that_is_not_mapped_makes_no_user() -> None:
    settings = "default_user = escape\nname_mapfile = /etc/xrootd/datalake-escape.json\n"
    for mapped, rules in (("map_subject = False\n", ["eos.default-user"]), ("map_subject = yes\n", [])):
        found = findings(changed(result(), checks.TOKENS, settings, mapped))
        assert [each.rule for each in found if each.rule == "eos.default-user"] == rules


@pytest.mark.parametrize(("rule", "path", "old", "new"), TRAPS, ids=[f"{trap[0]} {trap[1]}" for trap in TRAPS])
def test_traps_are_found(rule: str, path: str, old: str, new: str) -> None:
    found = [each.rule for each in findings(changed(result(), path, old, new))]
    assert rule in found


def test_missing_settings_of_tokens() -> None:
    made = result()
    del made[checks.TOKENS]
    assert "eos.tokens-without-settings" in [each.rule for each in findings(made)]


@pytest.mark.parametrize(("release", "rule", "severity"), [("4.8.50", "eos.qos-ends", "notice"), ("5.4.0", "eos.qos-removed", "warning")])
def test_the_removed_qos_interface_is_recognised(release: str, rule: str, severity: str) -> None:
    made = result(storage(release=release))
    made[checks.MGM] += "mgmofs.qosdir /var/eos/qos/\nmgmofs.qoscfg /var/eos/qos/qos.conf\n"
    made["/etc/sysconfig/eos_env"] = 'EOS_INSTANCE_NAME=eoslab\nEOS_ENABLE_QOS=""\n'
    found = [each for each in findings(made, release) if each.rule == rule]
    assert [(each.file, each.severity.value) for each in found] == [(checks.MGM[1:], severity)] * 2 + [("etc/sysconfig/eos_env", severity)]
    assert found[2].line == 2


def test_what_the_vendor_ships_has_no_finding_above_notice() -> None:
    """The plain files that a new node begins with, without HTTP."""
    files = {checks.MGM: "".join(f"{line}\n" for line in eos.PLAIN_MGM), checks.FST: "".join(f"{line}\n" for line in eos.PLAIN_FST)}
    assert [str(each) for each in findings(files) if each.severity is not Severity.NOTICE] == []
