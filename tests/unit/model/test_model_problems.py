"""Everything that can be wrong with a description: one change each, and exactly one problem with its path."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import check_lake, load_all, load_lake, load_storage
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Lake

Data = dict[str, Any]
Case = tuple[str, Callable[[Data], Any], str, str, str]

DAVS = {"scheme": "davs", "host": "se1.lake.test", "port": 1094}


def area(data: Data, number: int = 0, **values: Any) -> None:
    data["areas"][number].update(values)


def door(data: Data, number: int = 1, **values: Any) -> None:
    data["doors"][number].update(values)


def dcache_doors(data: Data, *doors: Data) -> None:
    data.update(system="dcache", doors=[{**DAVS, "port": 2880 + number, **each} for number, each in enumerate(doors)])


STORAGE_CASES: list[Case] = [
    # what, change, path below datalake_storage, part of the message, part of the remedy
    ("unknown key", lambda d: d.update(relase="5"), "relase", "not a key of datalake_storage", 'Did you mean "release"?'),
    ("unknown key of an area", lambda d: area(d, capcity="1TB"), "areas[0].capcity", "not a key of area", 'Did you mean "capacity"?'),
    ("missing key", lambda d: d.pop("site"), "site", "is missing", "Site that runs it"),
    ("list for a text", lambda d: d.update(site=["LAB"]), "site", "a list where a text is expected", "Write a text"),
    ("truth value for a text", lambda d: d.update(site=True), "site", "the truth value true", "quotes"),
    ("number for a text", lambda d: d.update(site=7), "site", "the number 7", "quotes"),
    ("text for a list", lambda d: d.update(audiences="x"), "audiences", "'x' where a list is expected", "dash"),
    ("text for a mapping", lambda d: d.update(location="France"), "location", "'France' where a mapping is expected", "key: value"),
    ("no areas", lambda d: d.update(areas=[]), "areas", "empty list", "at least 1"),
    ("too long a name", lambda d: area(d, rse="A" * 256), "areas[0].rse", "256 characters", "At most 255"),
    ("derived RSE name too long", lambda d: d.update(name="A" * 254, areas=d["areas"][:1]), "areas[0].rse", "259 characters", "with rse"),
    ("bad storage name", lambda d: d.update(name="LAB XRD"), "name", "not a valid name", "letters, digits"),
    ("site that no expression matches", lambda d: d.update(site="LAB.fr"), "site", "not a valid label", "expressions match nothing else"),
    ("unknown system", lambda d: d.update(system="xroot"), "system", "not a known storage system", 'Did you mean "xrootd"?'),
    ("release as a number", lambda d: d.update(release=9.1), "release", "loses zeros", "quotes"),
    ("release in words", lambda d: d.update(release="latest"), "release", "not a release", "5.5.3"),
    ("unknown issuer", lambda d: d.update(issuers=["escpe"]), "issuers[0]", "not an issuer of this lake", 'Did you mean "escape"?'),
    ("issuer twice", lambda d: d.update(issuers=["escape", "escape"]), "issuers[1]", "there already", "once"),
    ("nobody can log in", lambda d: d.update(issuers=[]), "issuers", "nobody can log in", "x509"),
    ("wrong issuers only", lambda d: d.update(issuers=[5]), "issuers[0]", "the number 5", "quotes"),
    ("what no screen shows", lambda d: d.update(name="LAB\u202eXRD\n"), "name", '"LAB\\u202eXRD\\n" is not a valid name', "letters"),
    ("a date", lambda d: d.update(release=date(2024, 1, 1)), "release", "the date 2024-01-01", "text"),
    ("quote in an audience", lambda d: d.update(audiences=['a"b']), "audiences[0]", "take for more than an audience", "address"),
    ("too large", lambda d: area(d, capacity="10EB"), "areas[0].capacity", "'10EB' is too much", "50TB"),
    ("thousands of digits", lambda d: area(d, capacity="9" * 5000), "areas[0].capacity", "... is no size", "50TB"),
    ("large attribute", lambda d: area(d, attributes={"a": 10**300}), "areas[0].attributes.a", "many digits", "quotes"),
    (
        "the whole host",
        lambda d: [area(d, 0, partitions=["/"]), area(d, 1, partitions=[])],
        "areas[0].partitions",
        "the whole host",
        "nothing else",
    ),
    ("unknown class", lambda d: area(d, qos="FASTER"), "areas[0].qos", "not a QoS class of this lake", 'Did you mean "FAST"?'),
    ("class in small letters", lambda d: area(d, qos="fast"), "areas[0].qos", "not a QoS class of this lake", 'Did you mean "FAST"?'),
    (
        "label that no expression matches",
        lambda d: area(d, qos="disk+tape"),
        "areas[0].qos",
        "not a valid label",
        "expressions match nothing",
    ),
    ("no class", lambda d: d["areas"][0].pop("qos"), "areas[0].qos", "is missing", "QoS class"),
    ("FAST on disks", lambda d: area(d, media="hdd"), "areas[0].qos", "media is hdd where nvme or ssd", 'they earn: "OPPORTUNISTIC"'),
    ("FAST but slow", lambda d: area(d, latency="1s"), "areas[0].qos", "latency is 1s where at most 20ms", "OPPORTUNISTIC"),
    ("SAFE with one copy", lambda d: area(d, 1, copies=1, redundancy="none"), "areas[1].qos", "copies is 1", '"OPPORTUNISTIC"'),
    ("SAFE but volatile", lambda d: area(d, 1, volatile=True), "areas[1].qos", "volatile area may vanish", '"CHEAP-ANALYSIS"'),
    ("replica of one", lambda d: area(d, redundancy="replica"), "areas[0].copies", "redundancy is replica", "at least 2"),
    ("unknown medium", lambda d: area(d, media="sdd"), "areas[0].media", "not a known medium", 'Did you mean "ssd"?'),
    ("unknown redundancy", lambda d: area(d, redundancy="raid7"), "areas[0].redundancy", "not a known redundancy", "raid6"),
    ("no copies", lambda d: area(d, 1, copies=0), "areas[1].copies", "0 is out of range", "at least 1"),
    ("copies as text", lambda d: area(d, copies="1"), "areas[0].copies", "'1' is not a whole number", "without quotes"),
    ("volatile as text", lambda d: area(d, volatile="yes"), "areas[0].volatile", "neither true nor false", "without quotes"),
    ("no capacity", lambda d: area(d, capacity=0), "areas[0].capacity", "0 is too little", "50TB"),
    ("capacity without sense", lambda d: area(d, capacity="much"), "areas[0].capacity", "'much' is no size", "50TB"),
    ("capacity in an unknown unit", lambda d: area(d, capacity="5TX"), "areas[0].capacity", "unknown unit 'TX'", "50TB"),
    ("latency without unit", lambda d: area(d, latency=10), "areas[0].latency", "no unit", "20ms"),
    ("string prefix", lambda d: area(d, 1, path="/escape/fast-ec"), "areas[1].path", "letter by letter", "neither begins with the other"),
    ("string prefix, longer first", lambda d: area(d, path="/escape/safe-ec"), "areas[1].path", 'begins with "/escape/safe"', "Rename"),
    ("nested areas", lambda d: area(d, 1, path="/escape/fast/ec"), "areas[1].path", "lies inside", "beside each other"),
    ("path twice", lambda d: area(d, 1, path="/escape/fast"), "areas[1].path", "already the path of areas[0]", "own directory"),
    ("double slash", lambda d: area(d, path="//escape/fast"), "areas[0].path", "double slash", "single slashes"),
    ("slash at the end", lambda d: area(d, path="/escape/fast/"), "areas[0].path", "ends with a slash", "Leave"),
    ("relative path", lambda d: area(d, path="escape/fast"), "areas[0].path", "relative path", "whole path"),
    ("way out of the area", lambda d: area(d, path="/escape/../etc"), "areas[0].path", "lead out", "without"),
    ("blank in a path", lambda d: area(d, path="/escape/my fast"), "areas[0].path", "written differently", "letters, digits"),
    ("name twice", lambda d: area(d, 1, name="fast"), "areas[1].name", '"fast" is there already', "own name"),
    ("RSE twice", lambda d: area(d, 1, rse="LAB-XRD1-FAST"), "areas[1].rse", "already the RSE of areas[0]", "rse"),
    ("names alike in capitals", lambda d: area(d, 1, name="FAST"), "areas[1].rse", "already the RSE of areas[0]", "rse"),
    ("small letters in an RSE name", lambda d: area(d, rse="lab-fast"), "areas[0].rse", "not a valid RSE name", "capital letters"),
    ("double hyphen in an RSE name", lambda d: area(d, rse="LAB--FAST"), "areas[0].rse", "not a valid RSE name", "single"),
    (
        "base path is an area",
        lambda d: d.update(base_path="/escape/fast", areas=d["areas"][:1]),
        "areas[0].path",
        "does not lie inside",
        "shorter",
    ),
    (
        "base path by letters only",
        lambda d: d.update(base_path="/esc", areas=d["areas"][:1]),
        "areas[0].path",
        "does not lie inside",
        "below",
    ),
    ("base path with a slash", lambda d: d.update(base_path="/escape/"), "base_path", "ends with a slash", "Leave"),
    ("nothing in common", lambda d: area(d, 1, path="/other/safe"), "base_path", "no directory in common", "base_path: /"),
    ("door twice", lambda d: d["doors"].append(DAVS), "doors[2]", "already doors[1]", "once"),
    ("two protocols on one port", lambda d: d.update(system="dcache"), "doors[1]", "is already doors[0] (root)", "Correct the port"),
    (
        "https beside davs",
        lambda d: d["doors"].append({**DAVS, "scheme": "https"}),
        "doors[2]",
        "is already doors[1] (davs)",
        "Correct the port",
    ),
    ("no davs door", lambda d: d["doors"].pop(), "doors", "no davs door", "scheme davs"),
    ("unknown scheme", lambda d: door(d, 0, scheme="xroot"), "doors[0].scheme", "not a known scheme", 'Did you mean "root"?'),
    ("removed scheme", lambda d: door(d, 0, scheme="gsiftp", port=2811), "doors[0].scheme", "since release 41", "davs door"),
    ("port out of range", lambda d: door(d, port=70000), "doors[1].port", "70000 is out of range", "1 to 65535"),
    ("port as text", lambda d: door(d, port="1094"), "doors[1].port", "'1094' is not a whole number", "without quotes"),
    ("prefix of a door of another system", lambda d: door(d, prefix="/escape"), "doors[1].prefix", "only doors of dCache", "Remove it"),
    (
        "prefix that hides an area",
        lambda d: dcache_doors(d, {"prefix": "/escape/fast"}),
        "doors[0].prefix",
        'hides the area "/escape/fast"',
        "all areas lie inside",
    ),
    (
        "prefix below the base path",
        lambda d: (d.update(base_path="/"), dcache_doors(d, {"prefix": "/escape"})),
        "doors[0].prefix",
        'below base_path "/"',
        'Give "base_path: /escape"',
    ),
    (
        "two prefixes of davs doors",
        lambda d: dcache_doors(d, {}, {"prefix": "/escape"}),
        "doors[1].prefix",
        "not that of doors[0]",
        'both doors "prefix: /"',
    ),
    ("short host name", lambda d: door(d, host="se1"), "doors[1].host", "short name", "se1.example.org"),
    ("address for a host", lambda d: door(d, host="10.0.0.1"), "doors[1].host", "is an address", "full name"),
    ("URL for a host", lambda d: door(d, host="https://se1.lake.test"), "doors[1].host", "more than a host name", "alone"),
    ("capitals in a host", lambda d: door(d, host="SE1.lake.test"), "doors[1].host", "capital letters", '"se1.lake.test"'),
    ("bad host", lambda d: door(d, host="se_1.lake.test"), "doors[1].host", "not a valid host name", "hyphens"),
    ("audience twice", lambda d: d.update(audiences=["x", "x"]), "audiences[1]", "there already", "once"),
    ("audience with a slash", lambda d: d.update(audiences=["https://a.b/"]), "audiences[0]", "ends with a slash", '"https://a.b"'),
    ("two audiences in one", lambda d: d.update(audiences=["a b"]), "audiences[0]", "blanks", "one audience per item"),
    ("partition twice", lambda d: area(d, 1, partitions=["/data/fast"]), "areas[1].partitions", "areas[0]", "of its own"),
    (
        "partition inside another",
        lambda d: area(d, 1, partitions=["/data/fast/x"]),
        "areas[1].partitions",
        "inside the other",
        "of its own",
    ),
    ("same partition of one area", lambda d: area(d, partitions=["/d", "/d"]), "areas[0].partitions", "listed twice", "of its own"),
    ("relative partition", lambda d: area(d, partitions=["data/fast"]), "areas[0].partitions[0]", "relative path", "whole path"),
    (
        "group without slash",
        lambda d: area(d, access=[{"group": "escape", "rights": "read"}]),
        "areas[0].access[0].group",
        "not a valid group",
        "/escape",
    ),
    (
        "unknown right",
        lambda d: area(d, access=[{"group": "/e", "rights": "all"}]),
        "areas[0].access[0].rights",
        "not a known right",
        '"write"',
    ),
    (
        "access of an issuer that is not enabled",
        lambda d: area(d, access=[{"issuer": "partner", "group": "/p", "rights": "read"}]),
        "areas[0].access[0].issuer",
        "not an issuer of this storage",
        'Known: "escape"',
    ),
    (
        "access without issuer beside two",
        lambda d: (d.update(issuers=["escape", "partner"]), area(d, access=[{"group": "/p", "rights": "read"}])),
        "areas[0].access[0].issuer",
        "has not exactly one issuer",
        '"escape", "partner"',
    ),
    (
        "group twice",
        lambda d: area(d, access=[{"group": "/p", "rights": "read"}, {"group": "/p", "rights": "write"}]),
        "areas[0].access[1].group",
        "has an entry already",
        "write includes read",
    ),
    ("country in words", lambda d: d["location"].update(country="France"), "location.country", "not a country code", '"FR"'),
    ("UK", lambda d: d["location"].update(country="UK"), "location.country", "not a country code", '"GB"'),
    ("Norway unquoted", lambda d: d["location"].update(country=False), "location.country", "the truth value false", "quotes"),
    ("unknown zone", lambda d: d["location"].update(timezone="Europe/Pariss"), "location.timezone", "not a time zone", "Europe/Paris"),
    ("long region", lambda d: d["location"].update(region="Savoie"), "location.region", "not a valid two-letter code", "holds no more"),
    ("latitude out of range", lambda d: d["location"].update(latitude=91), "location.latitude", "from -90 to 90", "decimal degrees"),
    (
        "latitude without longitude",
        lambda d: d["location"].pop("longitude"),
        "location.longitude",
        "missing beside latitude",
        "both or none",
    ),
    (
        "longitude without latitude",
        lambda d: d["location"].pop("latitude"),
        "location.latitude",
        "missing beside longitude",
        "both or none",
    ),
    ("longitude out of range", lambda d: d["location"].update(longitude=-181), "location.longitude", "from -180 to 180", "decimal degrees"),
    ("list as attribute", lambda d: area(d, attributes={"tier": [2]}), "areas[0].attributes.tier", "a list", "single text"),
    ("attribute without value", lambda d: area(d, attributes={"tier": None}), "areas[0].attributes.tier", "no value", "remove"),
    ("fraction as attribute", lambda d: area(d, attributes={"tier": 1.5}), "areas[0].attributes.tier", "the number 1.5", "quotes"),
    ("long attribute", lambda d: area(d, attributes={"tier": "x" * 256}), "areas[0].attributes.tier", "256 characters", "255"),
    (
        "attribute key",
        lambda d: area(d, attributes={"bad key!": "x"}),
        "areas[0].attributes.bad key!",
        "not a valid attribute key",
        "letters",
    ),
    (
        "derived attribute",
        lambda d: area(d, attributes={"QOS": "X"}),
        "areas[0].attributes.QOS",
        "derived from the description",
        "qos of the area",
    ),
    ("early token support", lambda d: area(d, attributes={"oidc_support": True}), "areas[0].attributes.oidc_support", "derived", "probe"),
    ("X.509 without VO", lambda d: d.update(x509={"vos": []}), "x509.vos", "empty list", "at least 1"),
]

LAKE_CASES: list[Case] = [
    ("unknown key", lambda d: d.update(issuer={}), "issuer", "not a key of datalake_lake", 'Did you mean "issuers"?'),
    ("no issuers", lambda d: d.update(issuers={}), "issuers", "is empty", "at least 1"),
    ("list of issuers", lambda d: d.update(issuers=[]), "issuers", "a list where a mapping is expected", "key: value"),
    ("issuer name", lambda d: d["issuers"].update({"a b": {"url": "https://x.y/"}}), "issuers.a b", "not a valid label", "letters"),
    ("issuer as text", lambda d: d["issuers"].update(x="https://x.y/"), "issuers.x", "where a mapping is expected", "key: value"),
    ("no address", lambda d: d["issuers"]["escape"].pop("url"), "issuers.escape.url", "is missing", "iss claim"),
    (
        "http issuer",
        lambda d: d["issuers"]["escape"].update(url="http://i.x/"),
        "issuers.escape.url",
        "does not begin with https",
        "https://",
    ),
    (
        "no slash",
        lambda d: d["issuers"]["escape"].update(url="https://i.x"),
        "issuers.escape.url",
        "does not end with a slash",
        '"https://i.x/"',
    ),
    (
        "query",
        lambda d: d["issuers"]["escape"].update(url="https://i.x/?a=b/"),
        "issuers.escape.url",
        "a query or a fragment",
        "up to the path",
    ),
    (
        "fragment",
        lambda d: d["issuers"]["escape"].update(url="https://i.x/#/"),
        "issuers.escape.url",
        "a query or a fragment",
        "up to the path",
    ),
    (
        "user name",
        lambda d: d["issuers"]["escape"].update(url="https://u@i.x/"),
        "issuers.escape.url",
        "not a valid address",
        "https://host",
    ),
    (
        "bad port",
        lambda d: d["issuers"]["escape"].update(url="https://i.x:99999/"),
        "issuers.escape.url",
        "not a valid address",
        "https://host",
    ),
    (
        "address twice",
        lambda d: d["issuers"]["partner"].update(url="https://iam.lake.test/"),
        "issuers.partner.url",
        "already the issuer",
        "one of",
    ),
    (
        "group twice",
        lambda d: d["issuers"]["escape"]["access"].append({"group": "/escape", "rights": "write"}),
        "issuers.escape.access[2].group",
        "there already",
        "one entry per group",
    ),
    (
        "bad group",
        lambda d: d["issuers"]["escape"]["access"][0].update(group="/a//b"),
        "issuers.escape.access[0].group",
        "not a valid group",
        "WLCG",
    ),
    ("class label", lambda d: d.update(qos_classes={"A+B": {}}), "qos_classes.A+B", "not a valid label", "match nothing else"),
    (
        "class without sense",
        lambda d: d.update(qos_classes={"A": {"any_of": [{"media": ["disk"]}]}}),
        "qos_classes.A.any_of[0].media[0]",
        "medium",
        "hdd",
    ),
    ("FTS", lambda d: d.update(fts="fts.example.org"), "fts", "does not begin with https", "whole address"),
    ("Rucio release", lambda d: d.update(rucio_release="master"), "rucio_release", "not a release", "numbers"),
    ("protocol class", lambda d: d.update(impl={"davs": "gfal"}), "impl.davs", "not the path of a Python class", "gfal.Default"),
    (
        "misspelt protocol class",
        lambda d: d.update(impl={"davs": "rucio.rse.protocols.gfall.Default"}),
        "impl.davs",
        "at the first transfer only",
        'Did you mean "rucio.rse.protocols.gfal.Default"?',
    ),
    ("scheme of a protocol class", lambda d: d.update(impl={"dav": "a.B"}), "impl.dav", "not a known scheme", 'Did you mean "davs"?'),
]


def problems_of(load: Callable[[], Any]) -> list[Any]:
    with pytest.raises(DescriptionError) as caught:
        load()
    return list(caught.value.problems)


@pytest.mark.parametrize(("what", "change", "path", "message", "remedy"), STORAGE_CASES, ids=[case[0] for case in STORAGE_CASES])
def test_storage(storage_data: Data, lake: Lake, what: str, change: Callable[[Data], Any], path: str, message: str, remedy: str) -> None:
    change(storage_data)
    found = problems_of(lambda: load_storage(storage_data, lake))
    assert [problem.path for problem in found] == [f"datalake_storage.{path}"], [str(problem) for problem in found]
    assert message in found[0].message
    assert remedy in found[0].remedy


@pytest.mark.parametrize(("what", "change", "path", "message", "remedy"), LAKE_CASES, ids=[case[0] for case in LAKE_CASES])
def test_lake(lake_data: Data, what: str, change: Callable[[Data], Any], path: str, message: str, remedy: str) -> None:
    change(lake_data)
    found = problems_of(lambda: load_lake(lake_data))
    assert [problem.path for problem in found] == [f"datalake_lake.{path}"], [str(problem) for problem in found]
    assert message in found[0].message
    assert remedy in found[0].remedy


@pytest.mark.parametrize("data", [None, [], "text", 7], ids=["nothing", "list", "text", "number"])
def test_a_description_that_is_no_mapping(data: Any, lake: Lake) -> None:
    assert [problem.path for problem in problems_of(lambda: load_storage(data, lake))] == ["datalake_storage"]
    assert [problem.path for problem in problems_of(lambda: load_lake(data))] == ["datalake_lake"]


def test_many_problems_are_reported_together(storage_data: Data, lake: Lake) -> None:
    storage_data.update(system="xroot", issuers=["esacpe"], relase="5")
    del storage_data["site"]
    door(storage_data, port=0)
    area(storage_data, path="/escape/fast/", qos="FASTER", capacity="much")
    area(storage_data, 1, copies=1)
    found = problems_of(lambda: load_storage(storage_data, lake))
    assert sorted(problem.path.removeprefix("datalake_storage.") for problem in found) == [
        "areas[0].capacity",
        "areas[0].path",
        "areas[0].qos",
        "areas[1].copies",
        "areas[1].qos",
        "doors[1].port",
        "issuers[0]",
        "relase",
        "site",
        "system",
    ]
    assert all(problem.message and problem.remedy for problem in found)


def test_a_storage_for_an_older_rucio_may_have_gridftp(storage_data: Data, lake_data: Data) -> None:
    door(storage_data, 0, scheme="gsiftp", port=2811)
    lake_data["rucio_release"] = "38.6.4"
    assert load_storage(storage_data, load_lake(lake_data)).doors[0].scheme == "gsiftp"


def test_an_issuer_without_slash_may_be_confirmed(lake_data: Data) -> None:
    lake_data["issuers"]["escape"].update(url="https://iam.lake.test/realms/x", exact=True)
    assert load_lake(lake_data).issuers["escape"].url == "https://iam.lake.test/realms/x"


def test_x509_alone_needs_no_davs_door(storage_data: Data, lake: Lake) -> None:
    storage_data.update(issuers=[], x509={"vos": ["escape"]})
    storage_data["doors"].pop()
    assert load_storage(storage_data, lake).issuers == ()


def second(storage_data: Data) -> Data:
    """Another storage that shares nothing with the first."""
    other = copy.deepcopy(storage_data)
    other["name"] = "LAB-XRD2"
    for each in other["doors"]:
        each["host"] = "se2.lake.test"
    return other


def test_storages_that_share_nothing(storage_data: Data, lake: Lake) -> None:
    assert not check_lake({"a": load_storage(storage_data, lake), "b": load_storage(second(storage_data), lake)})


def test_the_hosts_of_one_storage_share_its_description(storage_data: Data, lake: Lake) -> None:
    assert not check_lake({"a": load_storage(storage_data, lake), "b": load_storage(copy.deepcopy(storage_data), lake)})


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        (lambda d: area(d, rse="LAB-XRD1-SAFE"), ["b.areas[0].rse"]),
        (lambda d: door(d, host="se1.lake.test"), ["b.doors[1]"]),
        (lambda d: d.update(name="LAB-XRD1"), ["b.name", "b.areas[0].rse", "b.areas[1].rse"]),
    ],
    ids=["RSE", "door", "name"],
)
def test_what_storages_may_not_share(storage_data: Data, lake: Lake, change: Callable[[Data], Any], paths: list[str]) -> None:
    other = second(storage_data)
    change(other)
    found = check_lake({"a": load_storage(storage_data, lake), "b": load_storage(other, lake)})
    assert [problem.path for problem in found] == paths


def test_all_descriptions_are_judged_together(storage_data: Data, lake_data: Data) -> None:
    """A broken lake does not hide the problems of storages, and adds none that come from being broken."""
    lake_data["issuers"]["escape"]["url"] = "http://iam.lake.test/"
    lake_data["qos_classes"] = {"GOLD": {"any_of": [{"media": ["gold"]}]}}
    bad = second(storage_data)
    area(bad, qos="GOLDEN")
    third = second(storage_data)
    third["name"] = "LAB-XRD3"
    found = problems_of(lambda: load_all(lake_data, {"se1": storage_data, "se2": bad, "se3": third, "se4": second(third)}))
    assert [problem.path for problem in found] == [
        "datalake_lake.issuers.escape.url",
        "datalake_lake.qos_classes.GOLD.any_of[0].media[0]",
        "se2: datalake_storage.areas[0].qos",
        "se4: datalake_storage.doors[0]",
        "se4: datalake_storage.doors[1]",
    ]


@pytest.mark.parametrize(
    ("lake_data", "path"),
    [
        (None, "datalake_lake"),
        ("lab", "datalake_lake"),
        ({"name": "lab", "issuers": []}, "datalake_lake.issuers"),
        ({"name": "lab", "issuers": {5: {"url": "https://iam.lake.test/"}}}, "datalake_lake.issuers.5"),
    ],
)
def test_a_lake_without_issuers_is_the_only_problem(storage_data: Data, lake_data: Any, path: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        load_all(lake_data, {"se1": storage_data})
    assert [problem.path for problem in caught.value.problems] == [path]


def test_a_host_without_description(storage_data: Data, lake_data: Data) -> None:
    with pytest.raises(DescriptionError) as caught:
        load_all(lake_data, {"se1": storage_data, "se2": None})
    assert str(caught.value.problems[0]).startswith("se2: datalake_storage: is missing. Describe the storage in host_vars/se2.yml")


def test_an_area_at_the_root_hides_nothing(storage_data: Data, lake: Lake) -> None:
    storage_data["areas"] = [{**storage_data["areas"][0], "path": "/"}]
    with pytest.raises(DescriptionError) as caught:
        load_storage(storage_data, lake)
    assert not [problem for problem in caught.value.problems if "hides" in problem.message]
