"""An EOS instance that is there becomes a description, and the description asks for nothing new."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.adopt import eos as adopt
from ansible_collections.escape.datalake.plugins.plugin_utils.adopt import tree
from ansible_collections.escape.datalake.plugins.plugin_utils.eos_arguments import accounts_of
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import eos_answers
from ansible_collections.escape.datalake.plugins.plugin_utils.model import parse
from ansible_collections.escape.datalake.plugins.plugin_utils.systems import eos, eos_instance
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.eos_instance import Placement, Wanted

CONSOLE = Path(__file__).resolve().parents[3] / "lab" / "eos" / "eos.py"
MADE_BY_HAND = (
    "space define ssd 8 4",
    "space define bulk 8 1",
    "space config ssd space.converter=on",
    "space config bulk space.converter=on",
    *(f"fs add disk-{number} fst{number}.example.org:1095 /data1 {'bulk' if number < 7 else 'ssd'} rw" for number in range(1, 9)),
    "space set ssd on",
    "space set bulk on",
    *(f"mkdir -p /eos/prod/{name}" for name in ("quick", "deep")),
    *(f"chmod 2700 /eos/prod/{name}" for name in ("quick", "deep")),
    *(f"attr set {each} /eos/prod/quick" for each in ("sys.forced.space=ssd", "sys.forced.layout=replica", "sys.forced.nstripes=2")),
    *(f"attr set {each} /eos/prod/deep" for each in ("sys.forced.space=bulk", "sys.forced.layout=raid6", "sys.forced.nstripes=6")),
    *(
        f"attr set {each} /eos/prod/{name}"
        for name, size in (("quick", "4k"), ("deep", "1M"))
        for each in (
            "sys.forced.checksum=adler32",
            "sys.forced.blockchecksum=crc32c",
            f"sys.forced.blocksize={size}",
            "sys.forced.nouserlayout=1",
            "sys.forced.nofsselection=1",
            "sys.acl=u:5001:rwx,egroup:operators:rwx",
        )
    ),
    "quota set -g 99 -v 20000000000000 -p /eos/prod/quick/",
    "quota set -g 99 -v 150000000000000 -p /eos/prod/deep/",
    "vid enable https",
)
HEAD_NODE = """\
xrootd.fslib libXrdEosMgm.so
xrootd.seclib libXrdSec.so
xrd.port 1094
all.export / nolock
all.role manager
sec.protocol sss -c /etc/eos.client.keytab -s /etc/eos.keytab
mgmofs.fs /
mgmofs.instance eosprod
all.sitename EXAMPLE-T2
xrd.protocol XrdHttp:443 libXrdHttp.so
xrd.tls /etc/grid-security/daemon/hostcert.pem /etc/grid-security/daemon/hostkey.pem
xrd.tlsca certdir /etc/grid-security/certificates
http.exthandler xrdtpc libXrdHttpTPC.so
http.exthandler EosMgmHttp libEosMgmHttp.so eos::mgm::http::redirect-to-https=1
mgmofs.macaroonslib libXrdMacaroons.so libXrdAccSciTokens.so
macaroons.secretkey /etc/eos.macaroon.secret
"""
TOKENS = """\
[Global]
audience = https://eos.example.org, eos.example.org, https://wlcg.cern.ch/jwt/v1/any
onmissing = passthrough
[Issuer ESCAPE]
issuer = https://iam.example.org/
base_path = /eos/prod
default_user = escape
"""


@pytest.fixture
def site(tmp_path: Path) -> dict[str, str]:
    """Files of a head node, with the answers of its console."""

    def console(*commands: str, as_json: bool = False) -> str:
        script = tmp_path / "run.eosh"
        script.write_text("".join(f"{command}\n" for command in commands))
        words = [sys.executable, str(CONSOLE), "-b", *(["-j"] if as_json else []), str(script)]
        environment = {**os.environ, "EOS_STANDIN_STATE": str(tmp_path / "state.json")}
        return subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout

    console(*MADE_BY_HAND)
    return {
        "etc/xrd.cf.mgm": HEAD_NODE,
        "etc/xrootd/scitokens.cfg": TOKENS,
        "opt/xrd/etc/Authfile": "",
        "etc/sysusers.d/datalake-eos.conf": 'g escape 5001\nu escape 5001:5001 "data lake" /\n',
        adopt.ANSWERS: console(*eos_answers.survey_questions(["/eos/prod/quick", "/eos/prod/deep", "/eos/nothing"]), as_json=True),
    }


def test_the_description_asks_for_nothing_new(site: dict[str, str]) -> None:
    adopted = tree.ADOPTERS["eos"].adopt(site, "5.2.0", "eos.example.org")
    areas = [{"media": "hdd", "qos": "SAFE", **area} for area in adopted.storage["areas"]]
    issuers: dict[str, Any] = adopted.issuers
    storage = parse.load_storage({**adopted.storage, "areas": areas}, parse.load_lake({"name": "adopted", "issuers": issuers}))
    accounts = accounts_of(adopted.variables["eos_accounts"])
    placements = {name: Placement(**each) for name, each in adopted.variables["eos_placements"].items()}
    found = eos_answers.read_survey(site[adopt.ANSWERS])
    assert [step.command for step in eos_instance.plan(storage, Wanted(accounts, placements, conversion=False), found)] == []
    absolute = {f"/{path}": text for path, text in site.items()}
    made = eos.plan(storage, eos.Options(("mgm",), accounts=accounts), absolute).texts
    assert set(made) <= {eos.ACCOUNTS_FILE}  # the remark in its first line


def test_what_the_description_says(site: dict[str, str]) -> None:
    adopted = tree.ADOPTERS["eos"].adopt(site, "5.2.0", "eos.example.org")
    storage = adopted.storage
    assert (storage["name"], storage["site"], storage["base_path"]) == ("EXAMPLE-T2-EOSPROD", "EXAMPLE-T2", "/eos/prod")
    assert storage["doors"] == [
        {"scheme": "davs", "host": "eos.example.org", "port": 443},
        {"scheme": "root", "host": "eos.example.org", "port": 1094},
    ]
    deep, quick = storage["areas"]
    assert quick == {
        "name": "quick",
        "path": "/eos/prod/quick",
        "qos": "SAFE",
        "capacity": 10 * 10**12,
        "media": "ssd",
        "copies": 2,
        "redundancy": "replica",
    }
    assert (deep["capacity"], deep["redundancy"], "media" in deep) == (100 * 10**12, "ec-servers", False)
    assert any("space bulk" in note for note in adopted.notes)


def test_the_survey_offers_each_space(site: dict[str, str]) -> None:
    found = tree.ADOPTERS["eos"].survey(site, "5.2.0", "eos.example.org")
    assert {offer.name: (offer.media, offer.copies, offer.redundancy, len(offer.pools)) for offer in found.offers} == {
        "bulk": (None, None, "ec-servers", 6),
        "ssd": ("ssd", 2, "replica", 2),
    }
    assert found.issuers == ("https://iam.example.org/",)


def test_without_answers_the_note_says_what_to_do(site: dict[str, str]) -> None:
    del site[adopt.ANSWERS]
    adopted = tree.ADOPTERS["eos"].adopt(site, "", "eos.example.org")
    assert adopted.storage["areas"] == []
    assert any(adopt.ANSWERS in note for note in adopted.notes)
