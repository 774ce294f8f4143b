from __future__ import annotations

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.near_names import NearNames, edits
from hypothesis import given
from hypothesis import strategies as st

NAMES = (
    "webdav.net.port",
    "webdav.net.listen",
    "webdav.authn.require-client-cert",
    "frontend.net.port",
    "pool.name",
    "pool.path",
    "dcache.zone",
)


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("webdav.net.prot", "webdav.net.port"),
        ("webdav.nett.port", "webdav.net.port"),
        ("Webdav.Net.Port", "webdav.net.port"),
        ("webdav.port", "webdav.net.port"),
        ("webdav.net.tcp.port", "webdav.net.port"),
        ("webdav.port.net", "webdav.net.port"),
        ("webdav.authn.require_client_cert", "webdav.authn.require-client-cert"),
        ("webdav.authn.require-client-certs", "webdav.authn.require-client-cert"),
        ("pool.nam", "pool.name"),
        ("pool.size", ""),
        ("site.name", ""),
        ("x", ""),
        ("", ""),
    ],
)
def test_nearest(slip, meant):
    assert NearNames(NAMES).nearest(slip) == meant


@pytest.mark.parametrize(
    ("left", "right", "count"), [("", "", 0), ("ab", "ba", 1), ("abc", "ac", 1), ("kitten", "sitting", 3), ("", "abc", 3)]
)
def test_edits(left, right, count):
    assert edits(left, right) == count


@given(st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_edits_is_symmetric_and_zero_only_for_equal_words(left, right):
    there, back = edits(left, right), edits(*reversed((left, right)))
    assert there == back
    assert (there == 0) == (left == right)
