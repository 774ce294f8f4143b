"""XRootD servers read into descriptions, and planned back."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.adopt import xrootd as adopt
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import xrootd as checks
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import xrootd_tables as tables
from ansible_collections.escape.datalake.plugins.plugin_utils.model import parse
from ansible_collections.escape.datalake.plugins.plugin_utils.systems import xrootd as planner
from hypothesis import given
from hypothesis import strategies as st

MAIN = "etc/xrootd/xrootd-site.cfg"
ISSUERS: dict[str, Any] = {
    "escape": {"url": "https://iam.lake.test/", "access": [{"group": "/escape", "rights": "write"}]},
    "partner": {"url": "https://partner.lake.test", "exact": True, "access": [{"group": "/partner/pilots", "rights": "read"}]},
}
STORAGE: dict[str, Any] = {
    "name": "LAB-XRD",
    "site": "LAB",
    "system": "xrootd",
    "release": "5.5.3",
    "issuers": ["escape", "partner"],
    "base_path": "/escape",
    "audiences": ["https://data.lake.test"],
    "doors": [{"scheme": "davs", "host": "se1.lake.test", "port": 8443}, {"scheme": "root", "host": "se1.lake.test", "port": 1094}],
    "areas": [
        {
            "name": "nvme",
            "path": "/escape/nvme",
            "qos": "FAST",
            "capacity": "50TB",
            "media": "nvme",
            "partitions": ["/data/n1", "/data/n2"],
        },
        {
            "name": "private",
            "path": "/escape/private",
            "qos": "OPPORTUNISTIC",
            "capacity": "1TB",
            "media": "hdd",
            "partitions": ["/data/p"],
            "access": [{"issuer": "escape", "group": "/escape/managers", "rights": "write"}],
        },
    ],
}
HAND_MADE = {
    MAIN: """\
# our storage, since 2019
all.sitename OURS
set data = /srv/lake
all.export /lake/nvme
all.export /lake/hdd
oss.localroot /srv/ns
oss.space fast $(data)/nvme*
oss.space fast assign /lake/nvme
oss.space bulk $(data)/hdd
oss.space bulk assign /lake/hdd
xrootd.chksum max 4 adler32
xrd.port 1094
xrd.protocol http:8443 libXrdHttp.so
xrd.tls /etc/ours.pem /etc/ours.key
xrd.tlsca certdir /etc/grid-security/certificates
xrootd.tls capable all
http.desthttps yes
http.selfhttps2http no
http.header2cgi Authorization authz
http.exthandler xrdtpc libXrdHttpTPC.so
xrootd.seclib libXrdSec.so
sec.protocol ztn
sec.protbind * only ztn
ofs.authorize
ofs.authlib ++ libXrdAccSciTokens.so config=/etc/xrootd/tokens.cfg
acc.authdb /etc/xrootd/authdb
acc.authrefresh 60
acc.audit deny
all.adminpath /var/spool/xrootd
all.pidpath /run/xrootd
xrd.sched mint 16 avlt 8
""",
    "etc/xrootd/tokens.cfg": """\
[Global]
onmissing = passthrough
audience = https://se1.lake.test:8443, se1.lake.test, https://wlcg.cern.ch/jwt/v1/any, https://ours.example.org/

[Issuer Our Lake]
issuer = https://iam.lake.test/
base_path = /lake
""",
    "etc/xrootd/authdb": "# ours\n= boss o: https://iam.lake.test/ g: /lake/boss\ns boss /lake/nvme a /lake/hdd a\nu ours /lake/old rl\n",
    "etc/xrootd/environment": "XDG_CACHE_HOME=/var/cache/xrootd\n",
    "etc/xrootd/xrootd-clustered.cfg": "all.export /tmp\n",
}


def rendered(storage: dict[str, Any], issuers: dict[str, Any], files: dict[str, str], instance: str, **options: Any) -> planner.Site:
    loaded = parse.load_storage(storage, parse.load_lake({"name": "lab", "issuers": issuers}))
    texts = {f"/{path}": text for path, text in files.items()}
    return planner.plan(
        loaded, planner.Options(instance=instance, **options), texts, checks.Facts(), tables.parse_release(storage["release"])
    )


def made(storage: dict[str, Any], issuers: dict[str, Any]) -> dict[str, str]:
    return {path.lstrip("/"): text for path, text in rendered(storage, issuers, {}, "datalake").texts.items()}


def test_what_the_role_made_is_read_back() -> None:
    files = made(STORAGE, ISSUERS)
    adopted = adopt.adopt(files, "5.5.3", "se1.lake.test")
    described = {**adopted.storage}
    told = {"qos", "capacity", "media"}  # by no file, or by a name only
    described["areas"] = [{key: value for key, value in area.items() if key not in told} for area in described["areas"]]
    original = {**STORAGE, "areas": [{key: value for key, value in area.items() if key not in told} for area in STORAGE["areas"]]}
    assert described == original
    assert adopted.issuers == ISSUERS


def test_rendering_back_changes_nothing() -> None:
    files = made(STORAGE, ISSUERS)
    adopted = adopt.adopt(files, "5.5.3", "se1.lake.test")
    assert adopt.changes(files, adopted.storage, adopted.issuers, adopted.variables, "5.5.3") == []
    assert not any("the role would" in note or "settled" in note for note in adopted.notes)


def test_a_hand_made_server_stays_as_it_is() -> None:
    adopted = adopt.adopt(HAND_MADE, "5.5.3", "se1.lake.test")
    assert not any("the role would" in note or "settled" in note for note in adopted.notes), adopted.notes
    areas = [{**area, "capacity": "1TB"} for area in adopted.storage["areas"]]
    site = rendered(
        {**adopted.storage, "areas": areas}, adopted.issuers, HAND_MADE, adopted.variables["xrootd_instance"], name_space="/srv/ns"
    )
    assert site.texts == {}
    assert [area["path"] for area in areas] == ["/lake/nvme", "/lake/hdd"]
    assert [area["media"] for area in areas] == ["nvme", "hdd"]
    assert adopted.storage["name"] == "OURS-XRD"
    assert adopted.variables["xrootd_directives"] == ["xrd.sched mint 16 avlt 8"]
    assert adopted.issuers == {"our-lake": {"url": "https://iam.lake.test/", "access": [{"group": "/lake/boss", "rights": "write"}]}}


def test_lines_that_a_sound_server_may_lack_are_not_added() -> None:
    text = HAND_MADE[MAIN]
    for line in ("acc.authrefresh 60\n", "acc.audit deny\n", "http.selfhttps2http no\n", "sec.protbind * only ztn\n"):
        assert line in text
        text = text.replace(line, "")
    assert not any("the role would" in note for note in adopt.adopt({**HAND_MADE, MAIN: text}, "5.5.3", "se1.lake.test").notes)
    with_another = {**HAND_MADE, MAIN: text.replace("sec.protocol ztn", "sec.protocol krb5\nsec.protocol ztn")}
    assert not any("sec.protbind" in note for note in adopt.adopt(with_another, "5.5.3", "se1.lake.test").notes)


def test_what_cannot_be_said_is_noted_with_its_place() -> None:
    notes = adopt.adopt(HAND_MADE, "5.5.3", "se1.lake.test").notes
    assert any(note.startswith(f"{MAIN}:8: Fill in the capacity of area nvme") for note in notes)
    assert any("https://ours.example.org/ ends with a slash" in note for note in notes)
    assert not any("clustered" in note for note in notes)  # an example of the package
    further = {**HAND_MADE, "etc/xrootd/xrootd-cache.cfg": "all.export /c\n"}
    assert any(note.startswith("etc/xrootd/xrootd-cache.cfg:1: a further server") for note in adopt.adopt(further, "5.5.3", "se1").notes)


def test_a_change_that_the_role_would_make_is_said() -> None:
    files = {**HAND_MADE, MAIN: HAND_MADE[MAIN].replace("xrootd.chksum max 4 adler32", "xrootd.chksum max 4 md5")}
    assert any("md5 adler32" in note for note in adopt.adopt(files, "5.5.3", "se1.lake.test").notes)


@pytest.mark.parametrize("missing", sorted(HAND_MADE))
def test_parts_of_a_tree_are_no_error(missing: str) -> None:
    files = {path: text for path, text in HAND_MADE.items() if path != missing}
    adopted = adopt.adopt(files, "", "se1")
    assert adopted.storage["system"] == "xrootd"
    assert adopted.notes
    adopt.survey(files, "", "se1")


@given(st.lists(st.sampled_from([line for text in HAND_MADE.values() for line in text.splitlines()]), max_size=25))
def test_any_main_file_can_be_read(lines: list[str]) -> None:
    files = {**HAND_MADE, MAIN: "\n".join(lines) + "\n"}
    adopt.adopt(files, "5.8.1", "se1.lake.test")
    adopt.survey(files, "5.8.1", "se1.lake.test")


def test_survey_tells_spaces_tape_and_caches() -> None:
    survey = adopt.survey(HAND_MADE, "5.5.3", "se1.lake.test")
    assert [(offer.name, offer.media, offer.paths) for offer in survey.offers] == [
        ("fast", "nvme", ("/lake/nvme",)),
        ("bulk", "hdd", ("/lake/hdd",)),
    ]
    assert survey.doors == ("davs://se1.lake.test:8443", "root://se1.lake.test:1094")
    tape = {MAIN: "all.export /lake/tape stage migratable\noss.space buffer /srv/t\noss.space buffer assign /lake/tape\n"}
    assert [(offer.tape, offer.facts.media) for offer in adopt.survey(tape, "5.5.3", "h").offers if offer.facts] == [(True, "tape")]
    cache = {MAIN: "all.export /lake\nofs.osslib libXrdPss.so\npss.cachelib libXrdPfc.so\noss.space data /cache/data\n"}
    assert [offer.volatile for offer in adopt.survey(cache, "5.5.3", "h").offers] == [True]
