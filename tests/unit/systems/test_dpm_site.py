"""The files of a DPM node, from a description."""

from __future__ import annotations

import copy
import difflib

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import dpm as checks
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Severity, refused
from ansible_collections.escape.datalake.plugins.plugin_utils.dpm import pools
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import apache_conf, cric_doma, dome_conf
from ansible_collections.escape.datalake.plugins.plugin_utils.model import derive, parse
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import MASK
from ansible_collections.escape.datalake.plugins.plugin_utils.systems import dpm
from dpm_descriptions import DESCRIPTION, LAKE, storage, texts

SECRETS = {"shared_key": "k" * 32, "database_password": "p4ssw0rd-of-tests"}
CLIENT = dpm.Client("client-1", "s3cr3t-of-tests", "walrus-of-tests")
FRESH = dpm.Options(authorized=("CN=se.annecy.example.org",), client=CLIENT, macaroon_secret="m" * 64, **SECRETS)
DAV = FRESH.dav_file


def lines(before: str, after: str) -> list[str]:
    return [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line[0] in "+-"]


def findings(site: dpm.Site, release: str = "1.15.2"):
    return checks.check({path.lstrip("/"): text for path, text in site.texts.items()}, release)


def test_a_described_node_stays_as_it_is():
    files = texts("tokens-1.15")
    site = dpm.plan(storage(), dpm.Options(), files)
    assert site.changed == ()
    assert dict(site.texts) == files


def test_a_new_node_is_sound_and_stays():
    site = dpm.plan(storage(), FRESH, {})
    assert set(site.changed) == {dpm.HEAD, DAV}
    assert [str(each) for each in findings(site) if each.severity is not Severity.NOTICE] == []
    assert dpm.plan(storage(), FRESH, site.texts).changed == ()
    head = dome_conf.parse(site.texts[dpm.HEAD])
    assert [entry.fields for entry in head.all(checks.ISSUERS)] == [("/dpm/annecy.example.org/home/escape", "https://iam.example.org/")]
    assert "se.annecy.example.org" in [entry.value for entry in head.all(checks.AUDIENCES)]


def test_tokens_come_to_a_node_of_certificates():
    files = texts("certificates-1.13")
    described = storage(
        release="1.15.2",
        base_path="/dpm/naples.example.org/home/escape",
        doors=[{"scheme": "davs", "host": "se01.naples.example.org", "port": 443}],
        areas=[{**DESCRIPTION["areas"][0], "path": "/dpm/naples.example.org/home/escape/fast"}],
    )
    site = dpm.plan(described, dpm.Options(client=CLIENT), files)
    assert set(site.changed) == {dpm.HEAD, DAV}
    assert refused(findings(site)) == []
    assert [line for line in lines(files[DAV], site.texts[DAV]) if line.startswith("-")] == ["-     SSLVerifyClient require"]
    assert all("head.oidc" in line for line in lines(files[dpm.HEAD], site.texts[dpm.HEAD]))
    assert dpm.plan(described, dpm.Options(client=CLIENT), site.texts).changed == ()


def test_secrets_never_show():
    site = dpm.plan(storage(), FRESH, {})
    for path, text in site.texts.items():
        shown = dpm.masked(path, text)
        assert MASK in shown
        assert not any(secret in shown for secret in ("k" * 32, "p4ssw0rd", "s3cr3t", "walrus", "m" * 64))
    changed = dpm.plan(storage(), dpm.Options(shared_key="n" * 32, client=dpm.Client(secret="other-one")), texts("tokens-1.15"))
    before = texts("tokens-1.15")
    assert dpm.secrets_changed(dpm.HEAD, before[dpm.HEAD], changed.texts[dpm.HEAD]) == [checks.SHARED_KEY]
    assert dpm.secrets_changed(DAV, before[DAV], changed.texts[DAV]) == ["OIDCClientSecret"]


def test_only_what_is_wrong_is_mended():
    files = texts("tokens-1.15")
    broken = {
        **files,
        DAV: files[DAV].replace("SSLVerifyClient optional", "SSLVerifyClient require").replace("NSFlags Write RemoteCopy", "NSFlags Write"),
        dpm.HEAD: files[dpm.HEAD].replace("head.oidc.allowaudience[]: se.annecy.example.org\n", ""),
    }
    site = dpm.plan(storage(), dpm.Options(), broken)
    assert site.texts[DAV] == files[DAV]
    assert sorted(site.texts[dpm.HEAD].splitlines()) == sorted(files[dpm.HEAD].splitlines())


def test_issuers_that_nobody_describes_stay():
    files = texts("tokens-1.15")
    other = 'head.oidc.allowissuer[]: "/dpm/annecy.example.org/home/other" "https://other.example.org/"\n'
    site = dpm.plan(storage(), dpm.Options(), {**files, dpm.HEAD: files[dpm.HEAD] + other})
    assert site.changed == ()


def test_a_disk_node_needs_little():
    files = texts("disk-1.15")
    files[DAV] = files[DAV].replace("optional", "require")
    site = dpm.plan(storage(), dpm.Options(authorized=("CN=new.annecy.example.org",)), files)
    assert lines(files[DAV], site.texts[DAV]) == ["-     SSLVerifyClient require", "+     SSLVerifyClient optional"]
    assert lines(files[dpm.DISK], site.texts[dpm.DISK]) == ['+ glb.auth.authorizeDN[]: "CN=new.annecy.example.org"']
    assert dpm.HEAD not in site.texts


@pytest.mark.parametrize(
    ("changes", "options", "files", "words"),
    [
        ({"release": "1.13.2"}, {}, "tokens-1.15", "knows no tokens"),
        ({"issuers": ["escape", "partner"]}, {}, "tokens-1.15", "keys of one address"),
        (
            {"doors": [{"scheme": "davs", "host": "se.annecy.example.org", "port": 8443}]},
            {},
            "tokens-1.15",
            "no virtual host for port 8443",
        ),
        ({}, {}, None, r"(?s)dpm_shared_key: is missing.*dpm_database_password: is missing.*dpm_authorized: is missing"),
        (
            {},
            {},
            "certificates-1.13",
            r"(?s)dpm_client\.id: is missing.*dpm_client\.secret: is missing.*dpm_client\.passphrase: is missing",
        ),
        ({"areas": [{**DESCRIPTION["areas"][0], "media": "tape", "qos": "SAFE", "latency": "10min"}]}, {}, "tokens-1.15", "is tape"),
    ],
)
def test_what_dpm_cannot_serve_is_refused(changes, options, files, words):
    with pytest.raises(DescriptionError, match=words):
        dpm.plan(storage(**changes), dpm.Options(**options), texts(files) if files else {})


def test_restarts_are_told_from_the_state():
    files = texts("tokens-1.15")
    site = dpm.plan(storage(), dpm.Options(), files)
    services = {"httpd.service": {"started": 100.0}, "xrootd@dpmredir.service": {"started": None}}
    entries = {DAV: {"mtime": 200.0}, dpm.HEAD: {"mtime": 200.0}}
    assert dpm.restart_reasons(site, dpm.Options(), services, entries, []) == {
        "httpd.service": [f"{DAV} is newer than the running service"]
    }
    assert dpm.restart_reasons(site, dpm.Options(), services, {}, [DAV]) == {"httpd.service": [f"{DAV} is written"]}


def test_a_class_changes_exactly_what_derives_from_it():
    """Configuration and quota tokens know nothing of a class; of CRIC and Rucio one attribute of one RSE changes."""
    other = copy.deepcopy(DESCRIPTION)
    other["areas"][0]["qos"] = "OPPORTUNISTIC"
    before, after = storage(), parse.load_storage(other, LAKE)
    assert dpm.plan(before, FRESH, {}).texts == dpm.plan(after, FRESH, {}).texts
    assert pools.of_storage(before, {}) == pools.of_storage(after, {})
    old, new = derive.rse_records(before, LAKE), derive.rse_records(after, LAKE)
    changed = [
        (one.name, key)
        for one, two in zip(old, new, strict=True)
        for key in ("properties", "protocols", "limits", "space", "site")
        if getattr(one, key) != getattr(two, key)
    ]
    assert changed == []
    attributes = {
        (one.name, key)
        for one, two in zip(old, new, strict=True)
        for key in {*one.attributes, *two.attributes}
        if one.attributes.get(key) != two.attributes.get(key)
    }
    assert attributes == {("LAPP-DPM-FAST", "QOS")}
    told, tells = (cric_doma.stated_fields(records[0]) for records in (old, new))
    assert {key for key in {*told, *tells} if told.get(key) != tells.get(key)} == {"params"}
    assert {key for key in tells["params"] if told["params"].get(key) != tells["params"][key]} == {"QOS"}


def test_apache_takes_what_is_written_apart():
    """Every directive of a new file is inside the section that it is for."""
    document = apache_conf.parse(dpm.plan(storage(), FRESH, {}).texts[DAV])
    assert document.problems == ()
    (host,) = document.named_sections("VirtualHost")
    assert all(each.inside(host) for each in document.directives if each.name.startswith("OIDC"))
    assert document.find("NSMacaroonSecret")[0].scope[0].name == "LocationMatch"
