"""The files of an XRootD server, from a description."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import xrootd as checks
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import xrootd_tables as tables
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Severity
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import authdb, scitokens_cfg
from ansible_collections.escape.datalake.plugins.plugin_utils.model import parse
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError
from ansible_collections.escape.datalake.plugins.plugin_utils.systems import xrootd
from hypothesis import given, settings
from hypothesis import strategies as st

LAKE = parse.load_lake(
    {
        "name": "lab",
        "issuers": {
            "escape": {
                "url": "https://iam.lake.test/",
                "access": [{"group": "/escape/data-manager", "rights": "write"}, {"group": "/escape", "rights": "read"}],
            },
            "partner": {"url": "https://iam.lake.test/partner/", "access": [{"group": "/partner", "rights": "read"}]},
        },
    }
)
DESCRIPTION = {
    "name": "LAB-XRD1",
    "site": "LAB",
    "system": "xrootd",
    "release": "5.5.3",
    "issuers": ["escape", "partner"],
    "base_path": "/escape",
    "doors": [{"scheme": "davs", "host": "se1.lake.test", "port": 1094}, {"scheme": "root", "host": "se1.lake.test", "port": 1094}],
    "areas": [
        {
            "name": "fast",
            "path": "/escape/fast",
            "qos": "FAST",
            "capacity": "50TB",
            "media": "nvme",
            "latency": "1ms",
            "partitions": ["/data/fast1", "/data/fast2"],
        },
        {
            "name": "safe",
            "path": "/escape/safe",
            "qos": "SAFE",
            "capacity": "200TB",
            "media": "hdd",
            "copies": 2,
            "redundancy": "replica",
            "partitions": ["/data/safe"],
        },
    ],
}
OPTIONS = xrootd.Options(certificate_source="/etc/grid-security/hostcert.pem", key_source="/etc/grid-security/hostkey.pem")
MAIN, TOKENS, RIGHTS, UNIT = OPTIONS.main_file, "/etc/xrootd/scitokens.cfg", "/etc/xrootd/authdb", OPTIONS.unit_file
FACTS = checks.Facts(instances=("datalake",), host="se1.lake.test")
RELEASES = ["5.5.3", "5.6.9", "5.7.0", "5.9.3", "6.0.0", "6.2.1"]


def storage(**changes):
    return parse.load_storage({**DESCRIPTION, **changes}, LAKE)


def areas(**changes):
    """The areas of the description with changes by name."""
    return [{**area, **changes.get(area["name"], {})} for area in DESCRIPTION["areas"]]


def plan(described=None, files=None, options=OPTIONS, release="5.5.3"):
    return xrootd.plan(described or storage(), options, files or {}, replace(FACTS, lab=options.lab), tables.parse_release(release))


def result(described=None, files=None, options=OPTIONS, release="5.5.3"):
    """All texts after the plan was carried out."""
    return {**(files or {}), **plan(described, files, options, release).texts}


def test_a_cache_is_read_only_and_places_its_files_itself():
    cache = {"qos": "OPPORTUNISTIC", "volatile": True}
    made = plan(storage(areas=areas(fast=cache)[:1]))
    main = made.texts[MAIN].splitlines()
    assert "all.export /escape r/o" in main
    assert "oss.space fast /data/fast1" in main
    assert not any("assign" in line for line in main)
    granted = [line.split() for line in made.texts[RIGHTS].splitlines() if line.startswith("s ")]
    assert granted
    assert all(words[2:] == ["/escape/fast", "rl"] for words in granted)


def test_further_settings_of_the_service():
    made = plan(options=replace(OPTIONS, service={"LimitNOFILE": "65536", "Nice": "5"}))
    _head, settings = made.texts[UNIT].split("[Service]\n")
    assert settings.splitlines()[-2:] == ["LimitNOFILE=65536", "Nice=5"]
    assert result(files=made.texts, options=replace(OPTIONS, service={"Nice": "5"}))[UNIT].splitlines()[-1] == "Nice=5"


def test_a_fresh_server():
    made = plan()
    assert (
        made.texts[MAIN]
        == """\
# Written by the Ansible collection escape.datalake. Lines added by hand stay.

# What is served. The path of a file selects its space, and with it the QoS class.
all.sitename LAB
all.adminpath /var/spool/xrootd
all.pidpath /run/xrootd
all.export /escape
oss.localroot /var/lib/xrootd/ns
oss.space fast /data/fast1
oss.space fast /data/fast2
oss.space fast assign /escape/fast
oss.space safe /data/safe
oss.space safe assign /escape/safe
xrootd.chksum max 2 adler32 crc32c

# Doors
xrd.port 1094
xrd.protocol XrdHttp:1094 libXrdHttp.so
http.desthttps yes
http.selfhttps2http no
http.header2cgi Authorization authz
http.exthandler xrdtpc libXrdHttpTPC.so

# Encryption
xrd.tls /etc/grid-security/xrd/hostcert.pem /etc/grid-security/xrd/hostkey.pem
xrd.tlsca certdir /etc/ssl/certs
xrootd.tls capable all

# Who may do what: tokens by scope, then groups by the table of rights
xrootd.seclib libXrdSec.so
sec.protocol ztn
sec.protbind * only ztn
ofs.authorize
ofs.authlib ++ libXrdAccSciTokens.so config=/etc/xrootd/scitokens.cfg
acc.authdb /etc/xrootd/authdb
acc.authrefresh 60
acc.audit deny
"""
    )
    assert (
        made.texts[TOKENS]
        == """\
; Written by the Ansible collection escape.datalake. Lines added by hand stay.

[Global]
onmissing = passthrough
audience = https://se1.lake.test:1094, se1.lake.test, https://wlcg.cern.ch/jwt/v1/any

[Issuer escape]
issuer = https://iam.lake.test/
base_path = /escape

[Issuer partner]
issuer = https://iam.lake.test/partner/
base_path = /escape
"""
    )
    assert (
        made.texts[RIGHTS]
        == """\
# Written by the Ansible collection escape.datalake. Lines added by hand stay.
# Groups are bound to their issuer. Records add up; in each one the first path that matches counts.
= datalake:escape:/escape/data-manager o: https://iam.lake.test/ g: /escape/data-manager
s datalake:escape:/escape/data-manager /escape/fast a /escape/safe a
= datalake:escape:/escape o: https://iam.lake.test/ g: /escape
s datalake:escape:/escape /escape/fast rl /escape/safe rl
= datalake:partner:/partner o: https://iam.lake.test/partner/ g: /partner
s datalake:partner:/partner /escape/fast rl /escape/safe rl
"""
    )
    assert "XDG_CACHE_HOME=/var/cache/xrootd\nCacheDirectory=xrootd\n" in made.texts[UNIT]
    copies = {each.path: (each.source, each.mode, each.secret) for each in made.files if each.source}
    assert copies == {
        OPTIONS.certificate: ("/etc/grid-security/hostcert.pem", "0644", False),
        OPTIONS.key: ("/etc/grid-security/hostkey.pem", "0400", True),
    }
    assert [path for path, _owner, _mode in made.directories] == [
        "/etc/grid-security/xrd",
        "/var/lib/xrootd/ns",
        "/var/lib/xrootd/ns/escape",
        "/var/lib/xrootd/ns/escape/fast",
        "/data/fast1",
        "/data/fast2",
        "/var/lib/xrootd/ns/escape/safe",
        "/data/safe",
    ]


def test_another_origin_or_size_of_a_cache_takes_the_place_of_the_old_one():
    def cache(*said: str) -> xrootd.Options:
        return replace(OPTIONS, directives=("ofs.osslib libXrdPss.so", "oss.space meta /data/meta", *said))

    first = result(options=cache("pss.origin a.example.org:1094", "pfc.ram 1g", "setenv BEARER_TOKEN_FILE = /run/a"))
    first[MAIN] = first[MAIN].replace("pfc.ram 1g", "pfc.ram 1g # by hand")
    again = cache("pss.origin b.example.org:1094", "pfc.ram 4g", "setenv BEARER_TOKEN_FILE = /run/b", "ofs.osslib ++ libXrdOssCsi.so")
    second = result(files=first, options=again)
    old, new = first[MAIN].splitlines(), second[MAIN].splitlines()
    assert [line for line in new if line not in old] == [
        "ofs.osslib ++ libXrdOssCsi.so",
        "pss.origin b.example.org:1094",
        "pfc.ram 4g # by hand",
        "setenv BEARER_TOKEN_FILE = /run/b",
    ]
    assert len(new) == len(old) + 1
    assert result(files=second, options=again) == second


def test_a_checksum_program_takes_the_place_of_the_computation_in_the_server():
    program = "xrootd.chksum max 8 adler32 /usr/local/libexec/slow-adler32 /var/lib/xrootd/ns"
    options = replace(OPTIONS, directives=(program,))
    for before in ({}, result()):
        made = result(files=before, options=options)
        assert [line for line in made[MAIN].splitlines() if "chksum" in line] == [program]
        assert result(files=made, options=options) == made


EXTRAS = {
    "plain": (storage(), OPTIONS),
    "lab": (storage(), replace(OPTIONS, lab=True)),
    "x509": (storage(x509={"vos": ["escape", "other"]}), OPTIONS),
    "macaroons": (storage(), replace(OPTIONS, macaroons_file="/etc/xrootd/macaroon-secret")),
    "monitored": (
        storage(),
        replace(
            OPTIONS, monitoring=xrootd.Monitoring("h:9931", "h:9930", "h:9932"), directives=("xrd.trace conn", "ofs.persist auto hold 10m")
        ),
    ),
    "ports": (
        storage(
            doors=[
                {"scheme": "davs", "host": "se1.lake.test", "port": 443},
                {"scheme": "davs", "host": "se1.lake.test", "port": 8443},
                {"scheme": "root", "host": "se1.lake.test", "port": 1094},
                {"scheme": "root", "host": "se1.lake.test", "port": 1095},
            ]
        ),
        OPTIONS,
    ),
    "https only": (storage(doors=[{"scheme": "davs", "host": "se1.lake.test", "port": 443}]), OPTIONS),
}


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("extra", EXTRAS)
def test_what_is_made_is_sound_and_complete(extra, release):
    described, options = EXTRAS[extra]
    texts = result(described, options=options, release=release)
    found = checks.check(texts, replace(FACTS, lab=options.lab), release)
    assert [finding for finding in found if finding.severity is not Severity.NOTICE] == []
    assert plan(described, texts, options, release).texts == {}


def test_doors_get_their_ports():
    described, options = EXTRAS["ports"]
    lines = result(described, options=options)[MAIN].splitlines()
    doors = [line for line in lines if line.startswith(("xrd.port", "xrd.protocol"))]
    assert doors == [
        "xrd.port 1094",
        "xrd.protocol xroot:1095 +port",
        "xrd.protocol XrdHttp:443 libXrdHttp.so",
        "xrd.protocol XrdHttp:8443 +port",
    ]
    described, options = EXTRAS["https only"]
    lines = result(described, options=options)[MAIN].splitlines()
    assert [line for line in lines if line.startswith(("xrd.port", "xrd.protocol"))] == [
        "xrd.port 443",
        "xrd.protocol XrdHttp:443 libXrdHttp.so",
    ]


def test_private_peers_only_in_a_lab_and_where_they_are_refused():
    lab = replace(OPTIONS, lab=True)
    assert "tpc.allow" not in result(options=lab, release="5.9.2")[MAIN]
    assert "tpc.allow local\ntpc.allow private\n" in result(options=lab, release="5.9.3")[MAIN]
    assert "tpc.allow" not in result(release="6.2.1")[MAIN]


def test_x509_beside_tokens():
    described, options = EXTRAS["x509"]
    texts = result(described, options=options)
    assert "sec.protocol gsi -certdir:/etc/grid-security/certificates" in texts[MAIN]
    assert "sec.protbind * only gsi ztn" in texts[MAIN]
    assert "xrd.tlsca certdir /etc/grid-security/certificates" in texts[MAIN]
    assert "= datalake:voms:escape:/escape/data-manager o: escape g: /escape/data-manager\n" in texts[RIGHTS]
    assert "s datalake:voms:other:/other /escape/fast rl /escape/safe rl\n" in texts[RIGHTS]


def test_an_area_with_its_own_list():
    only = [{"issuer": "escape", "group": "/escape/ops", "rights": "write"}]
    described = storage(areas=areas(fast={"access": only}))
    texts = result(described)
    assert "s datalake:escape:/escape/ops /escape/fast a\n" in texts[RIGHTS]
    assert "s datalake:escape:/escape /escape/safe rl\n" in texts[RIGHTS]
    tokens = scitokens_cfg.parse(texts[TOKENS])
    assert tokens.get("Issuer escape", "restricted_path") is None
    assert tokens.get("Issuer partner", "restricted_path") == "/safe"


def test_an_issuer_that_no_area_lets_in():
    only = [{"issuer": "escape", "group": "/escape/ops", "rights": "write"}]
    with pytest.raises(DescriptionError, match="partner is trusted, but no area lets it in"):
        plan(storage(areas=areas(fast={"access": only}, safe={"access": only})))


def test_rights_that_end_are_taken_away():
    before = result()
    after = result(storage(issuers=["escape"]), before)
    assert "partner" not in after[RIGHTS]
    assert after[RIGHTS] == "".join(line for line in before[RIGHTS].splitlines(keepends=True) if "partner" not in line)


HAND_MADE = {
    MAIN: """\
# our storage, since 2019
all.sitename OURS
if exec xrootd
  xrd.protocol http:8443 /usr/lib64/libXrdHttp.so
  xrd.tls /etc/ours.pem /etc/ours.key
fi
all.export /escape nolock
oss.localroot /storage/ns
oss.space ssd /data/fast*      # two disks
oss.space ssd assign /escape/fast
ofs.authlib libXrdAccSciTokens.so config=/etc/ours/tokens.cfg
acc.authdb /etc/ours/authdb
xrootd.chksum max 4 md5
sec.protocol /usr/lib64 gsi -ca:verify
sec.protbind * gsi
continue ?/etc/xrootd/config.d/
""",
    "/etc/xrootd/config.d/10-tls.cfg": "xrd.tlsca certdir /etc/ours.d refresh 8h\n",
    "/etc/ours/tokens.cfg": """\
[Global]
onmissing = deny
audience = https://ours.example.org   ; since 2021

[Issuer our lake]
issuer = https://iam.lake.test/
base_path = /escape/fast
""",
    "/etc/ours/authdb": """\
= managers o: https://iam.lake.test/ g: /escape/data-manager
x managers /escape/old rl
u ours /escape/old rl
""",
}


def test_users_of_protocols_that_the_description_does_not_know_stay():
    options = replace(OPTIONS, certificate_source=None, key_source=None)
    files = {**HAND_MADE, MAIN: HAND_MADE[MAIN].replace("sec.protbind * gsi\n", "")}
    main = result(files=files, options=options)[MAIN]
    assert "sec.protocol /usr/lib64 gsi -ca:verify\n" in main
    assert "sec.protocol ztn\n" in main
    assert "sec.protbind" not in main  # without it everything that is defined is offered


def test_a_hand_made_server_is_edited_in_place():
    options = replace(OPTIONS, certificate_source=None, key_source=None)
    texts = result(files=HAND_MADE, options=options)
    main = texts[MAIN]
    kept = [
        line
        for line in HAND_MADE[MAIN].splitlines()
        if line not in ("ofs.authlib libXrdAccSciTokens.so config=/etc/ours/tokens.cfg", "sec.protbind * gsi")
    ]
    changed = {
        "  xrd.protocol http:8443 /usr/lib64/libXrdHttp.so": "  xrd.protocol http:1094 /usr/lib64/libXrdHttp.so",
        "xrootd.chksum max 4 md5": "xrootd.chksum max 4 md5 adler32",
    }
    for line in kept:
        assert changed.get(line, line) in main.splitlines()
    assert "ofs.authlib ++ libXrdAccSciTokens.so config=/etc/ours/tokens.cfg\n" in main
    assert "sec.protbind * gsi ztn\n" in main
    assert "all.export /escape\n" not in main
    assert "oss.space ssd /data/fast1" not in main
    assert "oss.space safe /data/safe\noss.space safe assign /escape/safe\n" in main
    assert main.endswith("continue ?/etc/xrootd/config.d/\n")
    assert texts["/etc/xrootd/config.d/10-tls.cfg"] == HAND_MADE["/etc/xrootd/config.d/10-tls.cfg"]
    assert "xrd.tlsca" not in main
    tokens = scitokens_cfg.parse(texts["/etc/ours/tokens.cfg"])
    assert tokens.get("Global", "onmissing") == "passthrough"
    assert (
        "audience = https://ours.example.org, https://se1.lake.test:1094, se1.lake.test, https://wlcg.cern.ch/jwt/v1/any   ; since 2021\n"
        in tokens.text
    )
    assert tokens.get("Issuer our lake", "base_path") == "/escape"
    assert [section.name for section in tokens.sections] == ["Global", "Issuer our lake", "Issuer partner"]
    rights = authdb.parse(texts["/etc/ours/authdb"])
    assert [grant.path for grant in rights.find("x", "managers").grants] == ["/escape/old", "/escape/fast", "/escape/safe"]
    assert texts["/etc/ours/authdb"].splitlines()[2] == "u ours /escape/old rl"
    assert plan(files=texts, options=options).texts == {}


def test_protocols_are_defined_before_they_are_bound():
    files = {MAIN: result()[MAIN].replace("sec.protocol ztn\nsec.protbind * only ztn\n", "sec.protbind * only ztn\nsec.protocol ztn\n")}
    assert result(files=files)[MAIN] == result()[MAIN]


def test_long_audiences_go_on_in_a_second_section():
    many = storage(audiences=[f"https://door{number}.example.org:1094" for number in range(8)])
    old, new = result(many)[TOKENS], result(many, release="5.6.2")[TOKENS]
    assert "[Global 2]" in old
    assert "[Global 2]" not in new
    assert max(len(line) for line in old.splitlines()) < 200
    for text in (old, new):
        read = scitokens_cfg.parse(text)
        listed = [
            member
            for section in read.sections
            for key in section.keys
            if key.name == "audience"
            for member in scitokens_cfg.as_list(key.value)
        ]
        assert listed == list(many.audiences)
    assert plan(many, result(many)).texts == {}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from([line for line in result()[MAIN].splitlines() if line.strip()]), unique=True), st.sampled_from(RELEASES))
def test_any_part_of_a_server_is_completed_once(lines, release):
    files = {MAIN: "".join(f"{line}\n" for line in lines)}
    texts = result(files=files, release=release)
    assert plan(files=texts, release=release).texts == {}
    found = checks.check(texts, FACTS, release)
    assert [finding for finding in found if finding.severity is not Severity.NOTICE] == []


def restart(made, service, entries=None, written=(), answers=None):
    return xrootd.restart_reasons(made, OPTIONS, service, entries or {}, answers or {}, written)


RUNNING = {"active": "active", "started": 1000.0}


def test_a_restart_is_computed_from_what_is_there():
    made = plan(files=result())
    assert restart(made, RUNNING) == []
    assert restart(made, {}) == [f"{OPTIONS.unit} is not there yet"]
    assert restart(made, {"active": "failed", "started": None}) == [f"{OPTIONS.unit} is failed"]
    assert restart(made, RUNNING, {MAIN: {"mtime": 999.0}, OPTIONS.key: {"mtime": 1001.0}}) == [
        f"{OPTIONS.key} is newer than the running service"
    ]
    assert restart(made, RUNNING, answers={"1094": True, "1095": None}) == []
    assert restart(made, RUNNING, answers={"1094": False}) == ["port 1094 is open and nobody answers there"]
    assert restart(made, RUNNING, {MAIN: {"mtime": 1001.0}}, [MAIN, TOKENS]) == [f"{MAIN} is written"]


def test_files_that_are_read_again_need_no_restart():
    made = plan(files=result())
    assert made.reread == {TOKENS: 60, RIGHTS: 60}
    assert restart(made, RUNNING, {TOKENS: {"mtime": 1001.0}, RIGHTS: {"mtime": 1001.0}}, [TOKENS, RIGHTS]) == []
    slow = plan(files={**result(), MAIN: result()[MAIN].replace("acc.authrefresh 60", "acc.authrefresh 12h")})
    assert restart(slow, RUNNING, written=[RIGHTS]) == [f"{RIGHTS} is written"]
