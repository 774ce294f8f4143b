"""Plans of pools, file systems and quota tokens: whatever is wanted and found, carrying out the orders leaves nothing to order."""

from __future__ import annotations

from ansible_collections.escape.datalake.lab.dpm.dome import Dome
from ansible_collections.escape.datalake.plugins.plugin_utils.dpm import pools
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

NAMES, SERVERS, PATHS, GROUPS = ("one", "two"), ("d1", "d2"), ("/srv/a", "/srv/b"), ("escape", "escape/prod")
DISKS = {server: dict.fromkeys(PATHS, 10**12) for server in SERVERS}
DIRECTORIES = ("/dpm", "/dpm/x", "/dpm/y")

POOLS = st.lists(
    st.builds(pools.Pool, st.sampled_from(NAMES), st.sampled_from(["P", "V", None]), st.sampled_from([None, 2**20, 2**32])),
    unique_by=lambda pool: pool.name,
    max_size=2,
)
PLACES = st.lists(
    st.builds(
        pools.FileSystem,
        st.sampled_from(SERVERS),
        st.sampled_from(PATHS),
        st.sampled_from(NAMES),
        st.sampled_from([None, *pools.STATUS]),
        st.booleans(),
    ),
    unique_by=lambda place: (place.server, place.path),
    max_size=4,
)
TOKENS = st.lists(
    st.builds(
        pools.QuotaToken,
        st.sampled_from(DIRECTORIES[1:]),
        st.sampled_from(NAMES),
        st.integers(0, 10**15),
        st.sampled_from([None, "a name"]),
        st.one_of(st.none(), st.frozensets(st.sampled_from(GROUPS))),
        st.booleans(),
        st.booleans(),
    ),
    unique_by=lambda token: (token.path, token.pool),
    max_size=4,
)
WANTED = st.builds(lambda *parts: pools.Wanted(*map(tuple, parts)), POOLS, PLACES, TOKENS)


def found_in(dome: Dome) -> pools.Found:
    tokens = dome.answer("GET", "dome_getquotatoken", {"path": "/", "getsubdirs": True})
    return pools.from_answers(dome.answer("GET", "dome_getspaceinfo", {})[1], tokens[1] if tokens[0] == 200 else {})


def carry_out(dome: Dome, wanted: pools.Wanted) -> list[int]:
    """Statuses of all orders of a plan, in its order."""
    groups = {each["groupname"]: int(each["gid"]) for each in dome.answer("GET", "dome_getgroupsvec", {})[1]["groups"] or []}
    orders = pools.plan(wanted, found_in(dome), groups)
    return [dome.answer("POST", orders.of(change).command, dict(orders.of(change).fields))[0] for change in orders.plan.changes]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(WANTED, WANTED)
def test_orders_that_are_allowed_are_taken_and_leave_nothing_to_order(tmp_path_factory, first, second):
    dome = Dome(tmp_path_factory.mktemp("dome") / "state.json", DISKS)
    for path in DIRECTORIES:
        dome.answer("POST", "dome_makedir", {"path": path, "mode": 0o775})
    for wanted in (first, second):
        if pools.problems_of(wanted, found_in(dome)):
            continue
        assert set(carry_out(dome, wanted)) <= {200}
        assert pools.plan(wanted, found_in(dome)).orders == ()


def test_numbers_are_texts_and_empty_objects_empty_texts():
    found = pools.from_answers(
        {"poolinfo": {"p": {"s_type": "V", "defsize": "5"}}, "fsinfo": ""},
        {"t": {"path": "/a", "quotatkpoolname": "p", "quotatktotspace": "7", "pathusedspace": "1", "groups": ""}},
    )
    assert found.pools["p"] == pools.FoundPool("V", 5, 0)
    assert found.tokens[0].size == 7
    assert found.tokens[0].groups == frozenset()


def test_root_is_not_counted_among_the_groups():
    token = {"path": "/a", "quotatkpoolname": "p", "quotatktotspace": "7", "pathusedspace": "0", "groups": {"0": "root", "102": "escape"}}
    assert pools.from_answers({}, {"t": token}).tokens[0].groups == {"escape"}


def test_an_empty_answer_removes_nothing():
    assert pools.plan(pools.Wanted(), pools.from_answers({}, {})).orders == ()


def token_found(groups: dict[str, str]) -> pools.Found:
    token = {"path": "/a", "quotatkpoolname": "p", "quotatktotspace": "7", "quotatkname": "ESCAPEDISK", "groups": groups}
    return pools.from_answers({"poolinfo": {"p": {"s_type": "P", "defsize": "3221225472"}}}, {"t": token})


def test_a_described_area_takes_nothing_away_from_its_token():
    found = token_found({"101": "escape", "102": "escape/Role=production"})
    described = pools.Wanted(tokens=(pools.QuotaToken("/a", "p", 7, "disk", frozenset({"escape"}), described=True),))
    assert pools.plan(described, found).orders == ()
    assert any("escape/Role=production may write to /a" in words for words in pools.warnings(described, found))
    more = pools.Wanted(tokens=(pools.QuotaToken("/a", "p", 7, "disk", frozenset({"escape/data-manager"}), described=True),))
    (order,) = pools.plan(more, found).orders
    assert order.fields["groups"] == "escape,escape/Role=production,escape/data-manager"


def test_a_token_that_is_asked_for_by_name_is_exact():
    exact = pools.Wanted(tokens=(pools.QuotaToken("/a", "p", 7, "disk", frozenset({"escape"})),))
    (order,) = pools.plan(exact, token_found({"101": "escape", "102": "escape/Role=production"})).orders
    assert order.fields == {"tokenid": "t", "description": "disk", "groups": "escape"}
