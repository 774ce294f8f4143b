"""CricClient on files; tests/integration/lab has it on a server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.cric_doma import records_from_views
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
    ],
)
def test_other_shapes_are_refused_with_their_place(tmp_path: Path, doma: Any, words: str) -> None:
    path = tmp_path / "doma.json"
    path.write_text(json.dumps(doma))
    with pytest.raises(ApiError, match=words) as problem:
        CricClient(str(path)).rse_views()
    assert str(path) in str(problem.value)


DOOR = {"scheme": "davs", "hostname": "h", "port": 1, "prefix": "/"}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (None, "expected 'protocols' as a list"),
        ({"protocols": {}}, "expected 'protocols' as a list"),
        ({"protocols": [{"scheme": "davs"}]}, "expected 'protocols' as a list"),
        ({"protocols": [{**DOOR, "domains": {"wan": {"read": "first"}}}]}, "priorities"),
        ({"protocols": [], "params": ["QOS"]}, "'params' as an object"),
        ({"protocols": [], "space": "much"}, "a whole number as 'space'"),
    ],
)
def test_a_broken_rse_of_others_is_left_out_and_one_that_is_needed_refused(tmp_path: Path, fields: Any, words: str) -> None:
    path = tmp_path / "doma.json"
    good = {"protocols": [{**DOOR, "domains": {"lan": None, "wan": {"read": "1", "write": None}}}], "space": "5", "MinFreeSpace": ""}
    path.write_text(json.dumps({"rses": {"A": fields, "B": good}, "distances": {}}))
    client = CricClient(str(path))
    _plain, doma = client.rse_views(["B"])
    assert (list(doma["rses"]), list(client.left_out)) == (["B"], ["A"])
    assert words in client.left_out["A"]
    assert [record.space for record in records_from_views({}, doma)] == [5]
    with pytest.raises(ApiError, match=f"RSE A: .*{words}"):
        client.rse_views(["A", "B"])


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
    with pytest.raises(ApiError, match=r"RSE A: .*plain view"):
        CricClient(str(tmp_path)).rse_views(["A"], allow_empty=True)
    (tmp_path / "plain.json").write_text("[]")
    with pytest.raises(ApiError, match="plain view"):
        CricClient(str(tmp_path)).rse_views(allow_empty=True)


@pytest.mark.parametrize("raw", [b"[" * 100_000, b'{"rses": "\xff"}', b'{"rses": {'])
def test_what_no_reader_of_json_takes_is_a_sentence(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "doma.json").write_bytes(raw)
    with pytest.raises(ApiError, match="not JSON"):
        CricClient(str(tmp_path / "doma.json")).rse_views()


def test_halves_of_characters_become_question_marks(tmp_path: Path) -> None:
    (tmp_path / "doma.json").write_text('{"half": "\\ud800", "whole": "\\ud83d\\ude00"}')
    assert CricClient(str(tmp_path)).document("", "doma.json") == {"half": "?", "whole": "\U0001f600"}


def test_nothing_is_written_without_a_writer() -> None:
    with pytest.raises(ApiError, match="no writer"):
        CricClient(str(FIXTURES)).write({})
