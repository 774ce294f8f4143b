from __future__ import annotations

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.dcache_layout import (
    Host,
    default_settings,
    load_host,
    load_setup,
    split_key,
)
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.java_properties import parse
from hypothesis import given
from hypothesis import strategies as st

DEFAULTS = {
    "host.name": "se1",
    "webdav.net.port": "2880",
    "webdav.cell.name": "WebDAV-${host.name}",
    "webdav.mode": "${mode-${webdav.kind}}",
    "mode-a": "A",
}


def host(layout: str, *setups: str, defaults: dict[str, str] | None = None) -> Host:
    root, scopes = load_setup(
        default_settings(defaults or DEFAULTS), [[(f"setup{i}", parse(text, sectioned=False))] for i, text in enumerate(setups)]
    )
    return load_host(root, scopes, "layout", parse(layout))


def test_innermost_scope_wins_and_origin_is_known():
    site = host("x=layout\n[d]\nx=domain\n[d/webdav]\nx=service\n[d/webdav]\n", "x=first", "x=second\ny=2")
    first, second = site.services()
    assert (first.scope.value("x"), second.scope.value("x")) == ("service", "domain")
    assert site.layout.value("x") == "layout"
    assert [scope.value("x") for scope in site.setups] == ["first", "second"]
    setting = first.scope.lookup("y")
    assert setting is not None
    assert (setting.file, setting.line) == ("setup1", 2)
    assert second.scope.value("webdav.net.port") == "2880"


def test_reopened_domain_and_repeated_key():
    site = host("[a]\nx=1\n[b]\n[a]\nx=2\ny=3\n[a/pool]\n")
    assert [(domain.name, domain.lines) for domain in site.domains] == [("a", [1, 4]), ("b", [3])]
    assert (site.domains[0].scope.value("x"), site.domains[0].scope.value("y")) == ("1", "3")


def test_domain_names_are_expanded_service_types_are_not():
    site = host("[pool-${host.name}]\n[pool-se1/po${host.name}ol]\n")
    assert [service.type for service in site.services()] == ["po${host.name}ol"]


def test_service_before_its_domain():
    site = host("[d/webdav]\nx=1\n[d]\n")
    assert [(o.domain, o.service, o.line) for o in site.orphans] == [("d", "webdav", 1)]
    assert list(site.services()) == []


@pytest.mark.parametrize(
    ("text", "expanded", "undefined", "loops"),
    [
        ("plain", "plain", (), ()),
        ("${host.name}!", "se1!", (), ()),
        ("$${host.name}", "${host.name}", (), ()),
        ("${nothing}", "${nothing}", ("nothing",), ()),
        ("${webdav.mode}", "A", (), ()),
        ("${mode-${none}}", "${mode-${none}}", ("none", "mode-${none}"), ()),
        ("${host.name", "${host.name", (), ()),
        ("$x $", "$x $", (), ()),
        ("${loop}", "${loop}", (), ("loop",)),
        ("${a}", "<${a}>", (), ("a",)),
        ("}", "}", (), ()),
    ],
)
def test_expansion(text, expanded, undefined, loops):
    site = host("", defaults=DEFAULTS | {"webdav.kind": "a", "loop": "${loop}", "a": "<${b}>", "b": "${a}"})
    found = site.layout.expand(text)
    assert (found.text, found.undefined, found.loops) == (expanded, undefined, loops)


def test_values_are_expanded_where_they_are_used():
    site = host("greeting=hello ${who}\n[d]\n[d/webdav]\nwho=you\n[d/webdav]\nwho=they\n")
    assert [service.scope.value("greeting") for service in site.services()] == ["hello you", "hello they"]


def test_values_are_trimmed_raw_ones_kept():
    setting = host("x = a\\ \t \n").layout.lookup("x")
    assert setting is not None
    assert (setting.value, setting.raw) == ("a", "a \t ")


def test_annotated_keys():
    key = split_key("(one-of?a|b,deprecated)x.y")
    assert (key.name, key.declaration, dict(key.annotations)) == ("x.y", "(one-of?a|b,deprecated)", {"one-of": "a|b", "deprecated": ""})
    assert split_key("(x").name == "(x"
    assert host("(obsolete)x=1\n").layout.lookup("x") is None


@given(st.dictionaries(st.sampled_from("abcd"), st.text("${}abcd", max_size=12)), st.text("${}abcd", max_size=12))
def test_expansion_always_ends(settings, text):
    assert isinstance(host("", defaults=settings).layout.expand(text).text, str)
