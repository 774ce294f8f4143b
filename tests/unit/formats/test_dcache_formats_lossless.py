"""Every dCache format gives back any text character for character, and reads what it wrote."""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import (
    banfile,
    dcache_args,
    directory_tags,
    gplazma_conf,
    json_text,
    linkgroup_authorization,
    multimap,
    omnisession,
    pool_setup,
    poolmanager_conf,
    qos_policy,
    srr_settings,
    storage_authzdb,
    tape_wellknown,
    vorolemap,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cell_commands import Command
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.principals import Principal
from hypothesis import given
from hypothesis import strategies as st

PARSERS: dict[str, Callable[[str], Any]] = {
    "gplazma.conf": gplazma_conf.parse,
    "multimap": multimap.parse,
    "omnisession": omnisession.parse,
    "vorolemap": vorolemap.parse,
    "authzdb": storage_authzdb.parse,
    "ban": banfile.parse,
    "link groups": linkgroup_authorization.parse,
    "poolmanager.conf": poolmanager_conf.parse,
    "pool setup": pool_setup.parse,
    "tape well-known": tape_wellknown.parse,
    "QoS policy": qos_policy.parse,
    "OSMTemplate": directory_tags.parse_template,
}
WORDS = [
    "auth",
    "map",
    "session",
    "optional",
    "sufficient",
    "x509",
    "oidc",
    "multimap",
    "gplazma.multimap.file=/a",
    "dn:/C=XX/CN=A",
    "oidcgrp:/escape",
    "uid:1",
    "gid:1,true",
    "username:a",
    "DEFAULT",
    "root:/",
    "home:/a",
    "read-only",
    '"',
    "'",
    "\\",
    "-",
    "--",
    "-a=b",
    "#",
    "ban",
    "alias",
    ":",
    "=",
    "*",
    "/escape/Role=x",
    "authorize",
    "read-write",
    "1000",
    "1,2",
    "LinkGroup",
    "psu",
    "create",
    "pool",
    "addto",
    "hsm",
    "osm",
    "version",
    "StoreName",
    "{",
    "}",
    "[",
    "]",
    '"name"',
    ",",
]
LINE_LIKE = st.lists(st.sampled_from([*WORDS, " ", "  ", "\t", "\n", "\r\n", "\r", "\u2028", "\x0b", "é"]), max_size=40).map("".join)


@pytest.mark.parametrize("name", PARSERS)
@given(text=st.one_of(st.text(max_size=120), LINE_LIKE))
def test_any_text_comes_back(name: str, text: str) -> None:
    assert PARSERS[name](text).render() == text


@given(text=st.one_of(st.text(max_size=80), LINE_LIKE))
def test_fast_and_slow_scanner_agree(text: str) -> None:
    assert dcache_args.parse_args(text) == dcache_args._Scanner(text).scan()


WORD = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)


@given(
    words=st.lists(WORD, max_size=5),
    options=st.lists(st.tuples(st.text(string.ascii_letters + "-:=_ ", min_size=1).filter(lambda n: n != "-"), WORD)),
)
def test_args_read_what_they_wrote(words: list[str], options: list[tuple[str, str]]) -> None:
    args = dcache_args.Args(tuple(words), tuple((name, value) for name, value in options if not name.startswith(("=", " ", "-"))))
    assert dcache_args.parse_args(str(args)) == args


PATHS = st.text(string.ascii_letters + string.digits + "/._-", max_size=10).map(lambda tail: "/" + tail)
NAMES = st.text(string.ascii_letters + string.digits, min_size=1, max_size=8)
VALUES = st.text(string.ascii_letters + string.digits + "/=._- @", min_size=1, max_size=16)
NUMBERS = st.integers(0, 10**6)
LEFT = st.one_of(
    st.builds(lambda v: Principal("dn", "/" + v), VALUES),
    st.builds(lambda v: Principal("oidcgrp", v), VALUES),
    st.builds(lambda n: Principal("gid", f"{n},true"), NUMBERS),
    st.builds(lambda v: Principal("oidc", f"{v}@op"), VALUES),
)
RIGHT = st.one_of(st.builds(lambda n: Principal("uid", str(n)), NUMBERS), st.builds(lambda v: Principal("username", v), VALUES))
MAPPINGS = st.builds(multimap.Mapping, LEFT, st.lists(RIGHT, min_size=1, max_size=3).map(tuple))
KEYS = st.text(string.ascii_letters + ".", min_size=1, max_size=10)
PLUGIN_LINES = st.builds(
    gplazma_conf.PluginLine,
    st.sampled_from(gplazma_conf.Phase),
    st.sampled_from(gplazma_conf.Modifier),
    NAMES,
    st.dictionaries(KEYS, VALUES.map(str.strip), max_size=3).map(lambda items: tuple(items.items())),
)
ATTRIBUTES = st.lists(
    st.sampled_from(["root:/", "home:/a", "prefix:/b", "read-only", "max-upload:5GiB", "role:admin"]), unique=True, max_size=4
)
SESSION_RULES = st.builds(
    omnisession.SessionRule,
    st.one_of(st.builds(lambda v: Principal("username", v), NAMES), st.builds(lambda v: Principal("dn", "/C= " + v), NAMES)),
    ATTRIBUTES.map(tuple),
)
ROLE_MAPPINGS = st.builds(
    vorolemap.RoleMapping,
    st.sampled_from(["*", "/C=XX/CN=A B", "/C=XX/*"]),
    st.sampled_from(["", "/escape", "/escape/Role=production"]),
    NAMES,
)
ACCOUNTS = st.builds(
    storage_authzdb.Account,
    NAMES,
    st.sampled_from(["read-write", "read-only"]),
    NUMBERS,
    st.lists(NUMBERS, min_size=1, max_size=3).map(tuple),
    PATHS,
    st.sampled_from(["/", "/with blank"]),
    st.sampled_from(["", "/"]),
    st.sampled_from(["", "5GB"]),
)
BANS = st.one_of(
    st.builds(banfile.Ban, st.builds(lambda v: Principal("username", v), NAMES)),
    st.builds(lambda n: banfile.Alias("uid" + n, "org.dcache.auth.UidPrincipal"), NAMES),
)
COMMANDS = st.one_of(
    st.builds(lambda n: Command("psu create pool", (n,), (("noping", ""),)), NAMES),
    st.builds(lambda n, g: Command("psu addto pgroup", (g, n)), VALUES, NAMES),
    st.builds(lambda n, v: Command("psu set link", (n,), (("readpref", str(v)),)), NAMES, NUMBERS),
)
LANGUAGES = [
    (multimap, MAPPINGS),
    (gplazma_conf, PLUGIN_LINES),
    (omnisession, SESSION_RULES),
    (vorolemap, ROLE_MAPPINGS),
    (storage_authzdb, ACCOUNTS),
    (banfile, BANS),
    (poolmanager_conf, COMMANDS),
]


@pytest.mark.parametrize(("module", "entries"), LANGUAGES, ids=lambda value: getattr(value, "__name__", "").rpartition(".")[2])
@given(data=st.data())
def test_a_fresh_file_reads_back(module: Any, entries: st.SearchStrategy[Any], data: st.DataObject) -> None:
    wanted = data.draw(st.lists(entries, max_size=4))
    document = module.parse(module.render(wanted, header=["Managed", ""]))
    assert not list(document.problems())
    assert [entry for _number, entry in document.entries()] == wanted


@pytest.mark.parametrize(("module", "entries"), LANGUAGES, ids=lambda value: getattr(value, "__name__", "").rpartition(".")[2])
@given(data=st.data())
def test_an_edit_leaves_other_lines_alone(module: Any, entries: st.SearchStrategy[Any], data: st.DataObject) -> None:
    before = data.draw(LINE_LIKE)
    text = before + ("" if before.endswith("\n") else "\n") + module.render([data.draw(entries)])
    document = module.parse(text)
    number = len(document.lines)
    wanted = data.draw(entries)
    edited = document.replace(number, wanted)
    assert edited.lines[-1].entry == wanted or edited.lines[-1].problem == "DEFAULT is already defined"
    assert [line.text + line.ending for line in edited.lines[:-1]] == [line.text + line.ending for line in document.lines[:-1]]
    longer = document.insert(number, [wanted])
    assert longer.remove([number]).render() == text


@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    )
)
def test_json_reads_what_it_wrote_and_knows_every_place(value: Any) -> None:
    document = json_text.parse(json_text.render(value))
    assert document.value == value
    for path in document.spans:
        assert document.with_value(path, "new").line(path) == document.line(path)


POLICIES = st.builds(
    qos_policy.Policy,
    st.text(string.ascii_letters, min_size=1, max_size=64),
    st.lists(
        st.builds(
            qos_policy.State,
            st.lists(
                st.one_of(
                    st.builds(qos_policy.Medium, st.just("DISK"), st.integers(1, 4), st.just(("hostname",))),
                    st.just(qos_policy.Medium("HSM", instance="osm")),
                )
            ).map(tuple),
            st.sampled_from(["P10D", "PT12H", "P1DT2H3M4S"]),
        ),
        min_size=1,
        max_size=3,
    ).map(tuple),
)


@given(policy=POLICIES)
def test_a_policy_reads_back(policy: qos_policy.Policy) -> None:
    document = qos_policy.parse(qos_policy.render(policy))
    assert not qos_policy.problems(document)
    assert qos_policy.policy_of(document) == policy


@given(
    records=st.lists(
        st.builds(
            linkgroup_authorization.Record,
            NAMES,
            st.lists(st.sampled_from(["/escape/Role=production", "*/Role=*", "arthur", "LinkGroup x"])).map(tuple),
        )
    )
)
def test_link_groups_read_back(records: list[linkgroup_authorization.Record]) -> None:
    document = linkgroup_authorization.parse(linkgroup_authorization.render(records, header=["Managed"]))
    assert not list(document.problems())
    assert [(found.name, found.members) for found in linkgroup_authorization.records(document)] == [
        (record.name, record.members) for record in records
    ]


@given(shares=st.dictionaries(NAMES, st.lists(PATHS, min_size=1, max_size=3)))
def test_shares_read_back(shares: dict[str, list[str]]) -> None:
    wanted = tuple(srr_settings.Share(group, tuple(vos)) for group, vos in shares.items())
    assert srr_settings.parse_shares(srr_settings.render_shares(wanted)) == wanted


@given(
    tags=st.builds(
        directory_tags.Tags,
        NAMES,
        NAMES,
        st.sampled_from(["", "ONLINE"]),
        st.sampled_from(["", "REPLICA"]),
        qos_policy=st.sampled_from(["", "escape-v1"]),
    )
)
def test_tags_read_back(tags: directory_tags.Tags) -> None:
    assert directory_tags.parse(directory_tags.render(tags)) == tags
