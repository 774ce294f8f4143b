"""CricClient on files; tests/integration/lab has it on a server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.services.cric import CricClient
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures/cric"
EMPTY = {"rses": {}, "distances": {}}


def test_a_directory_holds_both_views() -> None:
    plain, doma = CricClient(f"file://{FIXTURES}").rse_views()
    assert set(plain) == set(doma["rses"]) == {"CNAF-STORM", "LAPP-WEBDAV", "PIC-DCACHE"}


def test_a_file_holds_the_second_view_alone() -> None:
    plain, doma = CricClient(str(FIXTURES / "doma.json")).rse_views()
    assert plain == {}
    assert "CNAF-STORM" in doma["rses"]


@pytest.mark.parametrize(
    ("doma", "words"),
    [
        ([], "preset=doma"),
        ({"rses": {}}, "preset=doma"),
        (EMPTY, "not a single RSE"),
        ({"rses": {"A": {"protocols": {}}}, "distances": {}}, "RSE A: expected 'protocols' as a list"),
        ({"rses": {"A": {"protocols": [{"scheme": "davs"}]}}, "distances": {}}, "RSE A"),
        ({"rses": {"A": {"protocols": [], "params": ["QOS"]}}, "distances": {}}, "'params' as an object"),
    ],
)
def test_other_shapes_are_refused_with_their_place(tmp_path: Path, doma: Any, words: str) -> None:
    path = tmp_path / "doma.json"
    path.write_text(json.dumps(doma))
    with pytest.raises(ApiError, match=words) as problem:
        CricClient(str(path)).rse_views()
    assert str(path) in str(problem.value)


def test_empty_is_believed_when_allowed(tmp_path: Path) -> None:
    path = tmp_path / "doma.json"
    path.write_text(json.dumps(EMPTY))
    assert CricClient(str(path)).rse_views(allow_empty=True) == ({}, EMPTY)


@pytest.mark.parametrize("content", [None, "<html>log in</html>"])
def test_missing_and_broken_files(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "doma.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ApiError, match=r"not JSON|No such file"):
        CricClient(str(path)).rse_views()


def test_the_plain_view_is_checked_too(tmp_path: Path) -> None:
    (tmp_path / "doma.json").write_text(json.dumps(EMPTY))
    (tmp_path / "plain.json").write_text(json.dumps({"A": {"protocols": []}}))
    with pytest.raises(ApiError, match="plain view"):
        CricClient(str(tmp_path)).rse_views()


def test_nothing_is_written_without_a_writer() -> None:
    with pytest.raises(ApiError, match="no writer"):
        CricClient(str(FIXTURES)).write({})
