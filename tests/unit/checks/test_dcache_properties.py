from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import dcache_data, dcache_properties, report
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_rules import RULES
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding, Severity
from dcache_sites import CONF, LAYOUT, site

LINES = [line.removesuffix("-dev") for line in dcache_data.lines()]
DOCS = Path(__file__).parents[3] / "docs" / "dcache-checks.md"
HOSTNAME = "etc/hostname"
GPLAZMA = "etc/dcache/gplazma.conf"

# rule, release, file to edit, text to put after (None: at the end of the file), text to add, text on the line of the finding, severity
AFTER = {
    "webdav": "[doors-${host.name}/webdav]\nwebdav.authn.protocol = https\n",
    "pool": "[pools/pool]\npool.name = fast_1\n",
    "gplazma": "[core/gplazma]\n",
    "frontend": "[doors-${host.name}/frontend]\n",
    "xrootd": "xrootd.authz.write-paths = /data\n",
}
BAD: list[tuple[str, str, str, str | None, str, str, str]] = [
    ("property-repeated", "9.2.30", CONF, None, "x.y = 1\nx.y = 2\n", "x.y = 2", "error"),
    ("property-repeated", "9.2.30", LAYOUT, None, "[core]\ndcache.net.wan.port.min = 2\n", "port.min = 2\n", "error"),
    ("property-repeated", "9.2.30", LAYOUT, AFTER["pool"], "dcache.domain.service = x\n", "dcache.domain.service", "error"),
    ("property-malformed", "9.2.30", CONF, None, "x.y = C:\\users\n", "users", "error"),
    ("property-annotated", "9.2.30", CONF, None, "(one-of?a|b)webdav.authn.basic = true\n", "webdav.authn.basic", "error"),
    ("property-immutable", "9.2.30", CONF, None, "webdav.net.ports.tcp = 2880\n", "ports.tcp", "error"),
    ("property-prefix", "9.2.30", LAYOUT, AFTER["gplazma"], "gplazma.oidc.provider = https://a/\n", "provider = https://a/", "error"),
    ("property-forbidden", "8.2.1", LAYOUT, AFTER["gplazma"], "gplazma.oidc.hostnames = a\n", "oidc.hostnames", "error"),
    ("property-obsolete", "9.2.30", CONF, None, "srm.request.retries = 1\n", "srm.request.retries", "warning"),
    ("property-deprecated", "9.2.30", CONF, None, "dcache.broker.port = 11111\n", "broker.port", "warning"),
    ("property-not-for-services", "9.2.30", LAYOUT, AFTER["webdav"], "dcache.java.memory.heap = 1g\n", "heap", "warning"),
    ("property-one-of", "9.2.30", LAYOUT, AFTER["webdav"], "webdav.authn.basic = maybe\n", "maybe", "error"),
    ("property-one-of", "9.2.30", LAYOUT, AFTER["webdav"], "webdav.authn.basic = true \n", "authn.basic", "error"),
    ("property-one-of", "9.2.30", LAYOUT, AFTER["webdav"], "my.var = true\nwebdav.authn.basic = ${my.var}\n", "authn.basic", "error"),
    ("property-any-of", "9.2.30", CONF, None, "nfs.version = 3,5\n", "nfs.version", "error"),
    ("property-scoped", "9.2.30", CONF, None, "webdav/port = 3\n", "webdav/port", "error"),
    ("property-unknown", "9.2.30", CONF, None, "our.own.variable = 3\n", "our.own", "notice"),
    ("property-environment", "9.2.30", CONF, None, "our.own.variable = ${env.HOME}\n", "our.own", "notice"),
    ("layout-service-before-domain", "9.2.30", LAYOUT, None, "[late/ping]\n[late]\n", "[late/ping]", "error"),
    ("service-unknown", "9.2.30", LAYOUT, None, "[pools/cleaner]\n", "[pools/cleaner]", "error"),
    ("service-unknown", "8.2.1", LAYOUT, None, "[pools/cleaner-disk]\n", "[pools/cleaner-disk]", "error"),
    ("service-unknown", "9.2.30", LAYOUT, None, "[pools/qos]\n", "[pools/qos]", "error"),
    ("layout-header", "9.2.30", LAYOUT, None, "[pools/ping] # alive?\n", "alive?", "error"),
    ("layout-header", "9.2.30", LAYOUT, None, "[pools/a/b]\n", "[pools/a/b]", "error"),
    ("layout-header", "9.2.30", CONF, None, "[pools]\n", "[pools]", "error"),
    ("layout-domain-reopened", "9.2.30", LAYOUT, None, "[core]\n", "\n[core]\n", "notice"),
    ("layout-domain-empty", "9.2.30", LAYOUT, None, "[nothing]\n", "[nothing]", "notice"),
    ("property-misspelt", "9.2.30", CONF, None, "dcache.enable.space-reservations = true\n", "reservations", "warning"),
    ("property-misspelt", "9.2.30", CONF, None, "dcache.enable.space.reservation = true\n", "space.reservation", "warning"),
    ("property-misspelt", "9.2.30", LAYOUT, AFTER["webdav"], "webdav.prot = 1\nwebdav.nte.port = 2443\n", "nte.port", "warning"),
    ("property-misspelt", "9.2.30", LAYOUT, AFTER["gplazma"], "gplazma.oidc.providers!x = https://a/\n", "providers!x", "warning"),
    ("property-misspelt", "9.2.30", LAYOUT, AFTER["pool"], "pool.waitforfiles = /x\n", "waitforfiles", "warning"),
    ("property-misspelt", "9.2.30", LAYOUT, AFTER["gplazma"], "gplazma.oidc.provider.x = https://a/\n", "provider.x", "warning"),
    ("property-other-release", "6.2.40", LAYOUT, AFTER["frontend"], "frontend.srr.public = true\n", "srr.public", "warning"),
    ("property-other-release", "7.2.1", LAYOUT, AFTER["gplazma"], "gplazma.oidc.audience-targets = a\n", "audience", "warning"),
    ("property-other-release", "9.2.30", CONF, None, "cleaner.db.schema.auto = true\n", "cleaner.db", "warning"),
    ("property-other-service", "9.2.30", LAYOUT, AFTER["pool"], "frontend.srr.public = true\n", "srr.public", "notice"),
    ("property-required", "9.2.30", LAYOUT, None, "[pools/pool]\npool.name = x\n", "\n[pools/pool]\npool.name = x", "error"),
    ("property-required", "9.2.30", LAYOUT, None, "[pools/telemetry]\n", "[pools/telemetry]", "error"),
    ("property-required", "12.0.1", LAYOUT, AFTER["webdav"], "webdav.root =\n", "webdav.root", "error"),
    ("property-required", "9.2.30", LAYOUT, AFTER["webdav"], "webdav.root =\n", "webdav.root", "warning"),
    ("value-number", "9.2.30", LAYOUT, AFTER["gplazma"], "gplazma.oidc.discovery-cache = 30s\n", "30s", "error"),
    ("value-number", "9.2.30", CONF, None, "dcache.loginbroker.update-threshold = much\n", "much", "error"),
    ("value-port", "9.2.30", LAYOUT, AFTER["frontend"], "frontend.net.port = 70000\n", "70000", "error"),
    ("value-port", "9.2.30", LAYOUT, AFTER["frontend"], "frontend.net.port = 388O\n", "388O", "error"),
    ("value-port", "9.2.30", CONF, None, "ftp.net.port-range = 25000:20000\n", "port-range", "error"),
    ("value-port", "9.2.30", LAYOUT, None, "dcache.net.lan.port.min = 33200\n", "lan.port.min", "error"),
    ("value-size", "9.2.30", LAYOUT, AFTER["pool"], "pool.size = lots\n", "lots", "error"),
    ("value-size", "9.2.30", CONF, None, "dcache.java.memory.direct = 2 GiB\n", "2 GiB", "error"),
    ("value-size", "9.2.30", LAYOUT, "pool.name = fast_2\n", "pool.size = 20TB\n", "20TB", "error"),
    ("value-size", "9.2.30", LAYOUT, "pool.name = fast_2\n", "pool.size = 80%\n", "80%", "error"),
    ("value-comment", "9.2.30", LAYOUT, "pool.name = fast_2\n", "pool.tags = rack=r1  # upper row\n", "upper row", "error"),
    ("value-comment", "9.2.30", LAYOUT, AFTER["frontend"], "frontend.net.port = 3881 # the second\n", "3881", "error"),
    ("property-one-of", "9.2.30", LAYOUT, AFTER["webdav"], "webdav.authn.basic = true # both\n", "both", "error"),
    ("value-duration", "10.2.1", LAYOUT, AFTER["gplazma"], "gplazma.alise.timeout = 10s\n", "alise", "error"),
    ("value-url", "9.2.30", CONF, None, "chimera.db.url = postgresql://localhost/chimera\n", "db.url", "warning"),
    ("value-url", "9.2.30", CONF, None, "dcache.kafka.bootstrap-servers = http://kafka:9092/\n", "kafka", "warning"),
    ("value-path", "9.2.30", LAYOUT, AFTER["gplazma"], "gplazma.multimap.file = multimap.conf\n", "multimap.conf", "warning"),
    ("value-path", "9.2.30", LAYOUT, AFTER["webdav"], "webdav.authz.allowed-paths = /a,/b\n", "/a,/b", "warning"),
    ("value-tags", "9.2.30", LAYOUT, "pool.name = fast_2\n", "pool.tags = rack\n", "pool.tags = rack\n", "error"),
    ("value-tags", "9.2.30", LAYOUT, "pool.name = fast_2\n", "pool.tags = rack=1 rack=2\n", "rack=2", "error"),
    ("value-tags", "9.2.30", LAYOUT, "pool.name = fast_2\n", "pool.tags = rack=1, row=2\n", "row=2", "warning"),
    ("xrootd-plugins", "9.2.30", LAYOUT, AFTER["xrootd"], "xrootd.plugins = gplazma:gsi,authz:scitoken\n", "plugins", "warning"),
    ("xrootd-plugins", "7.2.30", LAYOUT, AFTER["xrootd"], "xrootd.plugins = gplazma:gsi,gplazma:ztn\n", "plugins", "warning"),
    ("reference-undefined", "9.2.30", LAYOUT, AFTER["webdav"], "webdav.root = ${lake.root}/x\n", "lake.root", "warning"),
    ("reference-undefined", "9.2.30", LAYOUT, None, "[pool-${number}]\n", "number", "warning"),
    ("reference-loop", "9.2.30", CONF, None, "loop.a = ${loop.b}\nloop.b = ${loop.a}\n", "loop.a = ", "error"),
    ("port-clash", "9.2.30", LAYOUT, AFTER["frontend"], "frontend.net.port = 2880\n", "frontend.net.port", "error"),
    ("cell-clash", "9.2.30", LAYOUT, None, "[core/ping]\n[core/ping]\n", "[core/ping]\n", "error"),
    (
        "pool-clash",
        "9.2.30",
        LAYOUT,
        None,
        "[pools/pool]\npool.name = fast_1\npool.path = /x\n",
        "pool.name = fast_1\npool.path = /x",
        "error",
    ),
    (
        "pool-clash",
        "9.2.30",
        LAYOUT,
        None,
        "[pools/pool]\npool.name = x\npool.path = /srv/pools/fast_1/\n",
        "pool.path = /srv/pools/fast_1/\n",
        "error",
    ),
    ("qos-and-resilience", "9.2.30", LAYOUT, None, "[core/resilience]\n", "[core/resilience]", "warning"),
    ("oidc-leftover", "9.2.30", CONF, None, "dcache.oidc.provider = https://a/\n", "dcache.oidc", "warning"),
    ("example-identity", "9.2.30", CONF, None, "storage-descriptor.unique-id = se.example.org\n", "descriptor", "warning"),
    ("anonymous-write", "9.2.30", LAYOUT, AFTER["webdav"], "webdav.authz.anonymous-operations = FULL\n", "FULL", "open"),
    ("anonymous-write", "9.2.30", LAYOUT, AFTER["frontend"], "frontend.authz.anonymous-operations = FULL\n", "FULL", "open"),
    ("anonymous-write", "9.2.30", LAYOUT, None, "[pools/dcap]\ndcap.authz.anonymous-operations = FULL\n", "FULL", "open"),
    (
        "token-in-clear",
        "9.2.30",
        LAYOUT,
        "webdav.net.port = 2881\n",
        "webdav.macaroons.accept-over-unencrypted-channel = true\n",
        "chann",
        "open",
    ),
    ("broker-none", "9.2.30", LAYOUT, None, "[apart]\ndcache.broker.scheme = none\n[apart/ping]\n", "none", "error"),
    ("xrootd-read-only", "9.2.30", LAYOUT, None, "[pools/xrootd]\nxrootd.net.port=1095\n", "[pools/xrootd]", "notice"),
    ("bulk-limit", "9.2.30", LAYOUT, None, "[core/bulk]\n", "[core/bulk]", "notice"),
]


def of(rule: str, findings: list[Finding]) -> list[Finding]:
    assert f"dcache.{rule}" in RULES
    return [finding for finding in findings if finding.rule == f"dcache.{rule}"]


def edited(release: str, file: str, after: str | None, text: str) -> dict[str, str]:
    files = site(release)
    whole = files[file]
    place = len(whole) if after is None else whole.index(after) + len(after)
    return {**files, file: whole[:place] + text + whole[place:]}


def line_of(text: str, marker: str) -> int:
    """The line of the marker's first character that is no line end, at the marker's last occurrence."""
    start = text.rindex(marker)
    return text[: start + len(marker) - len(marker.lstrip("\n"))].count("\n") + 1


@pytest.mark.parametrize("line", LINES)
def test_a_sound_site_is_clean(line):
    findings = dcache_properties.check(site(line), line)
    assert [str(finding) for finding in findings if finding.severity is not Severity.NOTICE] == []
    assert [str(finding) for finding in dcache_properties.check_config(site(line), line) if finding.severity is not Severity.NOTICE] == []


@pytest.mark.parametrize(("rule", "release", "file", "after", "text", "marker", "severity"), BAD)
def test_bad(rule, release, file, after, text, marker, severity):
    files = edited(release, file, after, text)
    before = {(f.file, f.message) for f in dcache_properties.check(site(release), release)}
    places = [
        (f.file, f.line, f.severity.value) for f in of(rule, dcache_properties.check(files, release)) if (f.file, f.message) not in before
    ]
    assert (file, line_of(files[file], marker), severity) in places


@pytest.mark.parametrize(
    ("rule", "release", "file", "after", "text"),
    [
        ("property-repeated", "9.2.30", LAYOUT, None, "[other]\nwebdav.root = /a\n[other/webdav]\nwebdav.root = /b\n"),
        ("property-one-of", "9.2.30", LAYOUT, AFTER["webdav"], "webdav.enable.overwrite = true\n"),
        ("property-any-of", "9.2.30", CONF, None, "nfs.version = 3 , 4.1,\n"),
        ("property-prefix", "9.2.30", CONF, None, "gplazma.oidc.provider!other = https://b/\n"),
        ("property-unknown", "9.2.30", CONF, None, "webdav.custom-response-header!X-Site = lake\n"),
        (
            "property-misspelt",
            "9.2.30",
            CONF,
            None,
            "dcache.enable.space-reservations = x\nour.text = ${dcache.enable.space-reservations}\n",
        ),
        ("property-misspelt", "9.2.30", CONF, None, "lake.pool.directory = /x\n"),
        ("property-other-release", "6.2.41", LAYOUT, AFTER["frontend"], "frontend.srr.public = true\n"),
        ("property-not-for-services", "9.2.30", LAYOUT, "[core]\n", "dcache.java.memory.heap = 1g\n"),
        ("property-deprecated", "5.2.1", CONF, None, "cleaner.enable.hsm = true\n"),
        ("value-number", "9.2.30", LAYOUT, AFTER["webdav"], "webdav.limits.rate.overall = 0.5\npnfsmanager.atime-gap = -1\n"),
        ("value-number", "9.2.30", CONF, None, "timeout = 20\ngplazma.oidc.discovery-cache = ${timeout}\n"),
        ("value-port", "9.2.30", LAYOUT, AFTER["frontend"], "our.port = 3881\nfrontend.net.port = ${our.port}\n"),
        ("value-port", "9.2.30", CONF, None, "ftp.net.port-range = 20000:20000\n"),
        ("value-size", "9.2.30", LAYOUT, "pool.name = fast_2\n", "pool.size = 1099511627776\n"),
        ("value-url", "9.2.30", CONF, None, "dcache.kafka.bootstrap-servers = k1.lake.test:9092, [2001:db8::1]:9092\n"),
        ("value-url", "9.2.30", CONF, None, "alarms.db.url = off\n"),
        ("value-path", "9.2.30", CONF, None, "dcache.layout.dir = ${dcache.paths.etc}/layouts\n"),
        (
            "reference-undefined",
            "9.2.30",
            CONF,
            None,
            "our.text = ${dcache.domain.name} ${host.fqdn} ${java.home} $${literal} ${pool.name}\n",
        ),
        ("reference-undefined", "9.2.30", LAYOUT, "[doors-${host.name}]\n", "greeting = ${who}\n[doors-${host.name}/ping]\nwho = you\n"),
        ("port-clash", "9.2.30", LAYOUT, AFTER["frontend"], "frontend.net.port = 2880\nfrontend.net.listen = 10.0.0.1\n[x]\n[x/ping]\n"),
        ("anonymous-write", "9.2.30", LAYOUT, AFTER["frontend"], "frontend.authz.anonymous-operations = READONLY\n"),
        ("oidc-leftover", "10.1.1", CONF, None, "dcache.oidc.provider = https://a/\n"),
        ("qos-and-resilience", "6.2.40", LAYOUT, None, "[core/resilience]\n"),
        ("tape-defaults", "9.2.30", LAYOUT, None, "[core/cleaner-hsm]\n"),
        ("bulk-limit", "9.2.30", LAYOUT, None, "[core/bulk]\nbulk.limits.max.targets-per-flat-request = 2000\n"),
    ],
)
def test_good(rule, release, file, after, text):
    files = edited(release, file, after, text)
    if rule == "port-clash":
        files[LAYOUT] = files[LAYOUT].replace("webdav.net.port = 2880\n", "webdav.net.port = 2880\nwebdav.net.listen = 10.0.0.2\n")
    before = {finding.message for finding in dcache_properties.check(site(release), release)}
    assert [str(finding) for finding in of(rule, dcache_properties.check(files, release)) if finding.message not in before] == []


def replaced(release: str, *pairs: tuple[str, str]) -> dict[str, str]:
    files = site(release)
    for old, new in pairs:
        assert old in files[LAYOUT] + files[CONF]
        files = {path: text.replace(old, new) for path, text in files.items()}
    return files


def test_a_port_range_that_ends_before_it_starts():
    files = replaced("9.2.30", ("port.max = 21000", "port.max = 19999"))
    (finding,) = of("value-port", dcache_properties.check(files, "9.2.30"))
    assert finding.line == line_of(files[LAYOUT], "port.max")


def test_ports_clash_across_domains_and_with_defaults():
    files = edited("9.2.30", LAYOUT, None, "[extra]\n[extra/frontend]\n")
    (finding,) = of("port-clash", dcache_properties.check(files, "9.2.30"))
    assert "tcp 3880" in finding.message


def test_client_certificates_lock_token_clients_out_unless_another_door_takes_tokens():
    files = replaced("9.2.30", ("webdav.net.port = 2880\n", "webdav.net.port = 2880\nwebdav.authn.require-client-cert = true\n"))
    (finding,) = of("client-certificate-required", dcache_properties.check(files, "9.2.30"))
    assert finding.severity is Severity.LOCK_OUT
    files[LAYOUT] += "[extra]\n[extra/webdav]\nwebdav.authn.protocol = https\nwebdav.net.port = 8443\n"
    (finding,) = of("client-certificate-required", dcache_properties.check(files, "9.2.30"))
    assert finding.severity is Severity.NOTICE


def test_tokens_need_https():
    files = replaced("9.2.30", ("webdav.authn.protocol = https", "webdav.authn.protocol = http"))
    findings = of("token-door-http", dcache_properties.check(files, "9.2.30"))
    assert [finding.line for finding in findings] == [24, 26]
    without = replaced(
        "9.2.30", ("webdav.authn.protocol = https", "webdav.authn.protocol = http"), ("gplazma.oidc.provider!", "our.provider.")
    )
    without[GPLAZMA] = "auth optional x509\n"
    assert of("token-door-http", dcache_properties.check(without, "9.2.30")) == []


def test_shipped_client_of_another_site():
    files = replaced("11.2.1", ("frontend.authn.oidc.client-id =\n", ""))
    (finding,) = of("frontend-foreign-client", dcache_properties.check(files, "11.2.1"))
    assert finding.severity is Severity.NOTICE
    files[LAYOUT] = files[LAYOUT].replace("/frontend]\n", "/frontend]\nfrontend.static!dcache-view.oidc-client-id-list = x\n")
    (finding,) = of("frontend-foreign-client", dcache_properties.check(files, "11.2.1"))
    assert finding.severity is Severity.WARNING


def test_published_example_identity():
    files = replaced("9.2.30", ("info-provider.se-unique-id = se1.${site.domain}\n", "frontend.srr.public = true\n"))
    (finding,) = of("example-identity", dcache_properties.check(files, "9.2.30"))
    assert (finding.file, finding.line) == (CONF, 8)


def test_shipped_announcement_of_the_tape_interface():
    path = "var/lib/dcache/httpd/wlcg-tape-rest-api.json"
    files = {**site("9.2.30"), path: '{"sitename": "x",\n"endpoints": [{"uri": "https://example.org/"}]}'}
    (finding,) = of("example-identity", dcache_properties.check(files, "9.2.30"))
    assert (finding.file, finding.line, finding.severity) == (path, 2, Severity.NOTICE)
    files[LAYOUT] += "[core]\n[core/cleaner-hsm]\n"
    (finding,) = of("example-identity", dcache_properties.check(files, "9.2.30"))
    assert finding.severity is Severity.WARNING


def test_a_partial_copy_is_no_missing_layout():
    (finding,) = dcache_properties.check({GPLAZMA: "auth optional x509\n"}, "9.2.30")
    assert (finding.rule, finding.severity) == ("dcache.layout-missing", Severity.NOTICE)


def test_tape_defaults_of_a_disk_site():
    files = replaced("9.2.30", ("dcache.default-access-latency = ONLINE\n", ""), ("dcache.default-retention-policy = REPLICA\n", ""))
    (finding,) = of("tape-defaults", dcache_properties.check(files, "9.2.30"))
    assert finding.severity is Severity.NOTICE


def test_anonymous_xrootd_is_open_only_without_authorisation():
    text = "xrootd.authz.anonymous-operations = FULL\n"
    plain = edited("6.2.40", LAYOUT, AFTER["xrootd"], text)
    (finding,) = of("anonymous-write", dcache_properties.check(plain, "6.2.40"))
    assert finding.severity is Severity.OPEN
    decided = edited("6.2.40", LAYOUT, AFTER["xrootd"], text + "xrootd.plugins = gplazma:none,authz:alice-token\n")
    assert of("anonymous-write", dcache_properties.check(decided, "6.2.40")) == []
    bare = edited("9.2.30", LAYOUT, AFTER["xrootd"], text + "xrootd.plugins = gplazma:none\n")
    assert len(of("anonymous-write", dcache_properties.check(bare, "9.2.30"))) == 1
    loose = edited("9.2.30", LAYOUT, AFTER["xrootd"], text)  # the default chain ends with scitokens, which is not strict by default
    assert len(of("anonymous-write", dcache_properties.check(loose, "9.2.30"))) == 1
    strict = edited("9.2.30", LAYOUT, AFTER["xrootd"], text + "xrootd.plugin!scitokens.strict = true\n")
    assert of("anonymous-write", dcache_properties.check(strict, "9.2.30")) == []
    read_only = {**loose, LAYOUT: loose[LAYOUT].replace("xrootd.authz.write-paths = /data\n", "")}
    assert of("anonymous-write", dcache_properties.check(read_only, "9.2.30")) == []


def test_retention_without_latency_makes_volatile_files():
    half = replaced("9.2.30", ("dcache.default-access-latency = ONLINE\n", ""))
    (finding,) = of("volatile-defaults", dcache_properties.check(half, "9.2.30"))
    assert (finding.file, finding.severity) == (CONF, Severity.WARNING)
    assert finding.line == half[CONF].split("\n").index("dcache.default-retention-policy = REPLICA") + 1
    meant = replaced("9.2.30", ("latency = ONLINE\n", "latency = NEARLINE\n"))
    assert [one.severity for one in of("volatile-defaults", dcache_properties.check(meant, "9.2.30"))] == [Severity.NOTICE]


ALONE = "[all]\ndcache.broker.scheme = none\n[all/zookeeper]\n[all/pnfsmanager]\n[all/poolmanager]\n[all/gplazma]\n[all/webdav]\n"


def test_a_domain_that_stands_alone_needs_all_that_its_doors_ask():
    def missing(layout, conf="dcache.enable.space-reservation = false\n"):
        findings = dcache_properties.check({CONF: f"dcache.layout = a\n{conf}", "etc/dcache/layouts/a.conf": layout}, "9.2.30")
        return [(finding.file, finding.line) for finding in of("services-missing", findings)]

    layout = "etc/dcache/layouts/a.conf"
    assert missing(ALONE) == []
    assert missing(ALONE.replace("[all/gplazma]\n", "")) == [(layout, 6)]
    assert missing(ALONE.replace("[all/gplazma]\n", "") + "webdav.authz.anonymous-operations = READONLY\n") == []
    assert missing(ALONE, "dcache.enable.space-reservation = true\n") == [(CONF, 2)]
    assert missing(ALONE, "") == [(layout, 7)]
    assert missing(ALONE + "[all/spacemanager]\n", "") == []
    assert missing(ALONE.replace("none", "core").replace("[all/gplazma]\n", ""), "") == []


def test_tape_defaults_of_a_whole_dcache_without_tape():
    pool = "[all/pool]\npool.name = a\npool.path = /srv/a\n"
    files = {CONF: "dcache.layout = a\n", "etc/dcache/layouts/a.conf": ALONE + pool}
    assert [one.severity for one in of("tape-defaults", dcache_properties.check(files, "9.2.30"))] == [Severity.WARNING]
    assert [one.severity for one in of("tape-defaults", dcache_properties.check(files, "7.2.30"))] == [Severity.NOTICE]
    cleaned = {**files, "etc/dcache/layouts/a.conf": ALONE + pool + "[all/cleaner-disk]\n", "srv/a/setup": "hsm create osm osm script\n"}
    (finding,) = of("tape-cleaner-missing", dcache_properties.check(cleaned, "9.2.30"))
    assert (finding.line, finding.severity) == (11, Severity.WARNING)
    cleaned["etc/dcache/layouts/a.conf"] += "[all/cleaner-hsm]\n"
    assert of("tape-cleaner-missing", dcache_properties.check(cleaned, "9.2.30")) == []
    tape = {**files, "srv/a/setup": "hsm create osm osm script -command=/opt/tape\n"}
    assert [one.severity for one in of("tape-defaults", dcache_properties.check(tape, "9.2.30"))] == [Severity.NOTICE]


@pytest.mark.parametrize(
    ("line", "severity"),
    [
        ("/ *(rw,no_root_squash)", Severity.OPEN),
        ("/data 10.0.0.0/8(rw) *(rw) # all", Severity.WARNING),
        ("/data *(rw,sec=krb5)", None),
        ("/data *(ro)", None),
        ("/data *", None),
        ("/data 192.0.2.0/24(rw,no_root_squash)", None),
        ("# / *(rw,no_root_squash)", None),
    ],
)
def test_nfs_export_world(line, severity):
    files = edited("9.2.30", LAYOUT, None, "[pools/nfs]\nnfs.version = 4.1\n")
    files["etc/exports"] = f"# exports\n{line}\n"
    found = of("nfs-export-world", dcache_properties.check(files, "9.2.30"))
    assert [(one.file, one.line, one.severity) for one in found] == ([("etc/exports", 2, severity)] if severity else [])
    kernel = {**site("9.2.30"), "etc/exports": files["etc/exports"]}  # no NFS door: the file is the kernel's
    assert of("nfs-export-world", dcache_properties.check(kernel, "9.2.30")) == []


def test_a_bulk_limit_that_somebody_lowered():
    files = edited("9.2.30", LAYOUT, None, "[core/bulk]\nbulk.limits.max.targets-per-flat-request = 10\n")
    assert [one.severity for one in of("bulk-limit", dcache_properties.check(files, "9.2.30"))] == [Severity.WARNING]


def test_plug_ins_of_others_are_not_misspelt():
    plugins = "xrootd.plugins = gplazma:gsi,authz:atlas-name-to-name-plugin,redirector\n"
    assert of("xrootd-plugins", dcache_properties.check(edited("9.2.30", LAYOUT, AFTER["xrootd"], plugins), "9.2.30")) == []


@pytest.mark.parametrize("text", ["webdav.net.port = 2890\nour.note = a # b\n", "dcache.description = level #2 of the hall\n"])
def test_what_looks_like_a_comment_may_be_text(text):
    files = edited("9.2.30", LAYOUT, None, "[other]\n" + text + "[other/ping]\n")
    assert of("value-comment", dcache_properties.check(files, "9.2.30")) == []


@pytest.mark.parametrize("release", ["13.0.1", "4.2", "", "newest"])
def test_unknown_release_is_said_to_be_unknown(release):
    findings = dcache_properties.check(edited("9.2.30", LAYOUT, None, "[late/ping]\nx = 1\n[late]\ny = 1\ny = 2\n"), release)
    assert [finding.rule for finding in findings] == [
        "dcache.release-unknown",
        "dcache.layout-service-before-domain",
        "dcache.property-repeated",
    ]
    assert report.exit_code(dcache_properties.check(site("9.2.30"), release)) == 1


def test_layout_of_the_host():
    files = site("9.2.30")
    other = "etc/dcache/layouts/other.conf"
    assert dcache_properties.check({**files, other: "[x/y/z]\n"}, "9.2.30") == dcache_properties.check(files, "9.2.30")
    named = {**files, other: "[x/y/z]\n", CONF: files[CONF] + "dcache.layout = other\n"}
    assert {finding.file for finding in of("layout-header", dcache_properties.check(named, "9.2.30"))} == {other}
    (missing,) = of("layout-missing", dcache_properties.check({**files, CONF: "dcache.layout = none\n"}, "9.2.30"))
    assert (missing.file, missing.line, missing.severity) == (CONF, 1, Severity.WARNING)


def test_layout_is_guessed_without_a_host_name():
    files = site("9.2.30")
    del files[HOSTNAME]
    assert report.exit_code(dcache_properties.check(files, "9.2.30")) == 0
    assert of("layout-guessed", dcache_properties.check(files, "9.2.30")) == []
    files["etc/dcache/layouts/se2.conf"] = "[x/y/z]\n"
    findings = dcache_properties.check(files, "9.2.30")
    assert [finding.file for finding in of("layout-guessed", findings)] == [LAYOUT]
    assert {finding.file for finding in of("layout-header", findings)} == {"etc/dcache/layouts/se2.conf"}


def test_plug_ins_bring_properties_and_services():
    files = edited("9.2.30", LAYOUT, None, "[pools/cta-helper]\ncta.endpoint = x\ncta.mode = wrong\ncta.old = 1\n")
    assert len(of("service-unknown", dcache_properties.check(files, "9.2.30"))) == 1
    files["usr/local/share/dcache/plugins/cta/cta-helper.batch"] = "check -strong cta.endpoint\n"
    files["usr/local/share/dcache/plugins/cta/cta.properties"] = "cta.endpoint = y\n(one-of?a|b)cta.mode = a\n(obsolete)cta.old = gone\n"
    findings = dcache_properties.check(files, "9.2.30")
    assert of("service-unknown", findings) == []
    assert [finding.line for finding in of("property-one-of", findings)] == [line_of(files[LAYOUT], "cta.mode")]
    assert len(of("property-obsolete", findings)) == 1
    assert of("property-unknown", findings) == of("property-unknown", dcache_properties.check(site("9.2.30"), "9.2.30"))


def test_setup_directory_and_order():
    files = site("9.2.30")
    files["etc/dcache/dcache.conf/b.properties"] = "x.y = 2\n"
    files["etc/dcache/dcache.conf/a.properties"] = files.pop(CONF) + "x.y = 1\n"
    (finding,) = of("property-repeated", dcache_properties.check(files, "9.2.30"))
    assert finding.file == "etc/dcache/dcache.conf/b.properties"


def test_annotations_follow_the_patch_release():
    files = edited("8.2.1", CONF, None, "qos.db.namespace.host = x\n")
    assert len(of("property-immutable", dcache_properties.check(files, "8.2.13"))) == 1
    assert of("property-immutable", dcache_properties.check(files, "8.2.14")) == []


def test_deprecated_names_what_to_use():
    (finding,) = of("property-deprecated", dcache_properties.check(edited("9.2.30", CONF, None, "dcache.broker.port = 1\n"), "9.2.30"))
    assert finding.remedy == "Use dcache.broker.plain.port instead."


def test_every_rule_has_a_bad_example_and_a_line_in_the_docs():
    source = Path(__file__).read_text(encoding="utf-8")
    page = DOCS.read_text(encoding="utf-8")
    for rule in RULES.values():
        name = rule.id.removeprefix("dcache.")
        assert re.search(rf'"{re.escape(rule.id)}"|\(\s*"{re.escape(name)}"', source), f"{rule.id} has no test"
        assert re.search(rf"^\| `{re.escape(rule.id)}` \| [a-z, -]*{rule.severity.value}", page, re.MULTILINE), (
            f"{rule.id} is not in {DOCS.name}"
        )
    assert set(re.findall(r"`(dcache\.[a-z-]+)` \|", page)) == set(RULES)
