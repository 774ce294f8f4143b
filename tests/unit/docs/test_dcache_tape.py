"""The example of a tape script keeps dCache's contract."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "docs/examples/dcache-tape.sh"
PNFSID = "0000C9B4E3768770452E8B1B8E0232584872"
INFO = "size=5;new=true;stored=false;sClass=escape:tape;cClass=-;hsm=osm;store=escape;group=tape;bfid=<Unknown>;"


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    (tmp_path / "tape").mkdir()
    (tmp_path / "file").write_text("bytes")
    return tmp_path


def run(tape: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = ["/bin/sh", SCRIPT, *words, f"-directory={tape / 'tape'}", "-c:puts=4"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_there_and_back_and_away(tape: Path) -> None:
    done = run(tape, "put", PNFSID, str(tape / "file"), f"-si={INFO}")
    assert (done.returncode, done.stdout) == (0, f"osm://osm/?store=escape&group=tape&bfid={PNFSID}\n")
    uri = done.stdout.strip()
    back = run(tape, "get", PNFSID, str(tape / "back"), f"-si={INFO}", f"-uri={uri}")
    assert (back.returncode, back.stdout, (tape / "back").read_text()) == (0, "", "bytes")
    assert run(tape, "remove", f"-uri={uri}").returncode == 0
    assert os.listdir(tape / "tape") == []
    assert run(tape, "remove", f"-uri={uri}").returncode == 0


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("put", PNFSID, "/nowhere/file"), 42),
        (("put", "../escape", "FILE"), 30),
        (("get", PNFSID, "/tmp/x", "-uri=osm://osm/?bfid=unknown"), 30),
        (("get", PNFSID, "/tmp/x", "-uri=osm://osm/?bfid=../../etc/passwd"), 30),
        (("remove", "-uri=osm://osm/"), 30),
        (("verify",), 30),
    ],
)
def test_refusals_have_codes_and_words(tape: Path, words: tuple[str, ...], code: int) -> None:
    done = run(tape, *(word.replace("FILE", str(tape / "file")) for word in words))
    assert done.returncode == code
    assert done.stderr.startswith("dcache-tape: ")
    assert done.stdout == ""
