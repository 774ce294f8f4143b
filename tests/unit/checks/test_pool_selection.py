"""The pool selection unit: answers, refusals, and agreement with a slow, independent reading of the rules."""

from __future__ import annotations

import itertools
import time

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import pool_selection
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_release import parse_release
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.pool_selection import AreaUse, SelectionInput, pools_of
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.pool_selection_unit import Direction, PoolSelectionUnit, SelectionError
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import poolmanager_conf
from dcache_site_fixture import POOLMANAGER, SITES, site
from hypothesis import given, settings
from hypothesis import strategies as st


def unit(text: str, pools: tuple[str, ...] = ()) -> PoolSelectionUnit:
    return PoolSelectionUnit(poolmanager_conf.parse(text), pools)


TWO_CLASSES = site("roles-9.2").files[POOLMANAGER]


@pytest.mark.parametrize(
    ("direction", "storage_class", "pools"),
    [
        (Direction.WRITE, "escape:disk@osm", ("disk1", "disk2")),
        (Direction.READ, "escape:tape@osm", ("tape1",)),
        (Direction.CACHE, "escape:tape@osm", ("tape1",)),
        (Direction.CACHE, "escape:disk@osm", ()),
        (Direction.P2P, "escape:disk@osm", ("disk1", "disk2")),
    ],
)
def test_the_example_of_two_classes(direction: Direction, storage_class: str, pools: tuple[str, ...]) -> None:
    assert pools_of(unit(TWO_CLASSES).select(direction, storage_class)) == pools


def test_an_unknown_class_is_refused() -> None:
    with pytest.raises(SelectionError, match="no storage unit fits other:x@osm"):
        unit(TWO_CLASSES).select(Direction.WRITE, "other:x@osm")


def test_a_cache_class_needs_its_unit() -> None:
    with pytest.raises(SelectionError, match="cache class"):
        unit(TWO_CLASSES).select(Direction.WRITE, "escape:disk@osm", cache_class="fast")


def test_a_specific_net_hides_the_wide_one() -> None:
    hidden = unit(TWO_CLASSES + "psu create unit -net 192.0.2.0/24\n")
    assert hidden.select(Direction.READ, "escape:disk@osm", "192.0.2.1") == ()
    assert pools_of(hidden.select(Direction.READ, "escape:disk@osm", "198.51.100.1")) == ("disk1", "disk2")


def test_links_of_a_link_group_write_only_with_a_reservation() -> None:
    reserved = unit(TWO_CLASSES + "psu create linkGroup g\npsu addto linkGroup g disk-link\n")
    assert reserved.select(Direction.WRITE, "escape:disk@osm") == ()
    assert pools_of(reserved.select(Direction.WRITE, "escape:disk@osm", link_group="g")) == ("disk1", "disk2")
    assert pools_of(reserved.select(Direction.READ, "escape:disk@osm")) == ("disk1", "disk2")


def test_pools_of_nested_groups_are_not_selected() -> None:
    nested = unit(TWO_CLASSES + "psu addto pgroup disk-pools @tape-pools\n")
    assert pools_of(nested.select(Direction.WRITE, "escape:disk@osm")) == ("disk1", "disk2")


def test_disabled_and_read_only_pools() -> None:
    off = unit(TWO_CLASSES + "psu set pool disk1 disabled\npsu set pool disk? rdonly\n")
    assert pools_of(off.select(Direction.READ, "escape:disk@osm")) == ("disk2",)
    assert pools_of(off.select(Direction.WRITE, "escape:disk@osm")) == ()


def test_pools_of_the_layout_join_default() -> None:
    joined = unit(site("certificates-5.2").files[POOLMANAGER], ("pool1", "pool9"))
    assert pools_of(joined.select(Direction.WRITE, "a:b@osm")) == ("pool1", "pool2", "pool9")


def test_regular_expressions_go_before_wildcards() -> None:
    text = "psu set regex on\npsu create unit -store escape:.*@osm\npsu create unit -store *@*\n"
    assert [one.name for one in unit(text).matching_units("escape:x@osm", None, None)] == ["escape:.*@osm"]
    assert [one.name for one in unit(text).matching_units("other:x@osm", None, None)] == ["*@*"]


@pytest.mark.parametrize(
    "command",
    [
        "psu create unit x",
        "psu create unit -protocol http",
        "psu create unit -store *@* extra",
        "psu create ugroup world",
        "psu create pool disk1",
        "psu create pgroup disk-pools",
        "psu create link l none-such",
        "psu create link l",
        "psu addto ugroup world escape:nothing@osm",
        "psu addto ugroup world ::/0",
        "psu addto pgroup disk-pools @disk-pools",
        "psu addto link disk-link none",
        "psu set link disk-link -readpref=many",
        "psu set pool disk1 sleepy",
        "psu set regex maybe",
        "psu set storage unit escape:disk@osm -required=0",
        "psu removefrom link disk-link tape-pools",
        "psu removefrom ugroup world */*",
        "psu remove pool none",
        "pm create -type=quick p",
        "pm set none -stage-allowed=yes",
        "pm set default -stage-allowed=true",
        "nonsense",
    ],
)
def test_commands_that_dcache_refuses(command: str) -> None:
    refused = unit(TWO_CLASSES + command + "\n").refused
    assert [one.line for one in refused] == [TWO_CLASSES.count("\n") + 1]


@pytest.mark.parametrize("name", SITES)
def test_sound_files_have_no_refused_command(name: str) -> None:
    assert unit(site(name).files[POOLMANAGER]).refused == []


@pytest.mark.parametrize("name", SITES)
def test_the_order_of_groups_does_not_make_another_state(name: str) -> None:
    text = site(name).files[POOLMANAGER]
    lines = text.split("\n")
    swapped = (
        "\n".join(line for line in lines if "create unit" in line) + "\n" + "\n".join(line for line in lines if "create unit" not in line)
    )
    assert unit(swapped).dump() == unit(text).dump()


UNITS = ["a:b@osm", "*@osm", "*@*"]
NETS = ["0.0.0.0/0", "192.0.2.0/24"]
PROTOCOLS = ["*/*", "http/*", "http/1"]


@st.composite
def configurations(draw: st.DrawFn) -> tuple[dict[str, list[str]], dict[str, tuple[list[str], int, str]], list[str]]:
    """Unit groups, links (unit groups, write preference, link group) and defined units."""
    defined = draw(st.lists(st.sampled_from(UNITS + NETS + PROTOCOLS), unique=True, min_size=1))
    groups = {f"g{number}": draw(st.lists(st.sampled_from(defined), unique=True)) for number in range(draw(st.integers(1, 4)))}
    links = {
        f"l{number}": (
            draw(st.lists(st.sampled_from(sorted(groups)), unique=True, min_size=1)),
            draw(st.integers(0, 2)),
            draw(st.sampled_from(["", "lg"])),
        )
        for number in range(draw(st.integers(0, 4)))
    }
    return groups, links, defined


@settings(max_examples=500, deadline=None)
@given(configuration=configurations(), link_group=st.sampled_from(["", "lg"]))
def test_agrees_with_a_slow_reading_of_the_rules(
    configuration: tuple[dict[str, list[str]], dict[str, tuple[list[str], int, str]], list[str]], link_group: str
) -> None:
    groups, links, defined = configuration
    kinds = {**dict.fromkeys(UNITS, "store"), **dict.fromkeys(NETS, "net"), **dict.fromkeys(PROTOCOLS, "protocol")}
    text = "".join(f"psu create unit -{kinds[name]} {name}\n" for name in defined)
    text += "".join(
        f"psu create ugroup {name}\n" + "".join(f"psu addto ugroup {name} {one}\n" for one in members) for name, members in groups.items()
    )
    text += "psu create linkGroup lg\n"
    for name, (wanted, preference, group) in links.items():
        text += f"psu create pool p-{name}\npsu create link {name} {' '.join(wanted)}\npsu set link {name} -writepref={preference}\n"
        text += f"psu addto link {name} p-{name}\n" + (f"psu addto linkGroup lg {name}\n" if group else "")
    built = unit(text)
    assert built.refused == []

    chosen = [
        next((one for one in order if one in defined), None)
        for order in (UNITS, ["192.0.2.0/24", "0.0.0.0/0"], ["http/1", "http/*", "*/*"])
    ]
    if chosen[0] is None:
        with pytest.raises(SelectionError):
            built.select(Direction.WRITE, "a:b@osm", "192.0.2.7", "http/1", link_group=link_group)
        return
    expected: dict[int, set[str]] = {}
    for name, (wanted, preference, group) in links.items():
        hits = sum(1 for one in chosen if one is not None and any(one in groups[member] for member in wanted))
        if hits >= len(wanted) and preference > 0 and group == link_group:
            expected.setdefault(preference, set()).add(f"p-{name}")
    found = built.select(Direction.WRITE, "a:b@osm", "192.0.2.7", "http/1", link_group=link_group)
    assert [(level.preference, set(level.pools)) for level in found] == sorted(expected.items(), reverse=True)


def big(pools: int, groups: int) -> str:
    lines = ["psu create unit -net 0.0.0.0/0", "psu create unit -net ::/0", "psu create unit -protocol */*", "psu create ugroup world"]
    lines += ["psu addto ugroup world 0.0.0.0/0", "psu addto ugroup world ::/0"]
    lines.append("psu addto ugroup world */*")
    lines += [f"psu create pool pool-{number}" for number in range(pools)]
    for number in range(groups):
        lines += [
            f"psu create unit -store vo{number}:disk@osm",
            f"psu create ugroup s{number}",
            f"psu addto ugroup s{number} vo{number}:disk@osm",
        ]
        lines += [f"psu create pgroup g{number}", f"psu create link l{number} s{number} world", f"psu addto link l{number} g{number}"]
        lines.append(f"psu set link l{number} -readpref=10 -writepref=10 -cachepref=10")
    lines += [f"psu addto pgroup g{number % groups} pool-{number}" for number in range(pools)]
    return "\n".join(lines) + "\n"


def test_ten_thousand_pools_are_checked_in_seconds() -> None:
    areas = tuple(AreaUse(f"vo{number}", f"vo{number}:disk@osm", ("http/1", "Xrootd/5")) for number in range(100))
    began = time.monotonic()
    found = pool_selection.check(SelectionInput(big(10_000, 100), "poolmanager.conf", parse_release("9.2.30"), areas=areas))
    assert found == []
    assert time.monotonic() - began < 10


def test_direction_names_are_those_of_psu_match() -> None:
    assert sorted(itertools.chain(Direction)) == ["cache", "p2p", "read", "write"]
