"""The playbook that the rulebook keep_on_tape.yml runs, against the stand-in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from ansible_collections.escape.datalake.tests.standins import ROOT
from dcache_lake import Dcache

PATH = "/escape/fast/run1.dat"


def keep(dcache: Dcache, token: str) -> subprocess.CompletedProcess[str]:
    (dcache.folder / "token").write_text(token)
    variables = {"path": PATH, "events_url": dcache.url, "token_file": dcache.folder / "token", "ca": dcache.ca}
    extra = [word for name, value in variables.items() for word in ("-e", f"datalake_{name}={value}")]
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "extensions/eda/inventory.yml"]
    return subprocess.run(
        [*command, "playbooks/rulebooks/keep_on_tape.yml", "--limit", "localhost", *extra],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_CONFIG": str(Path(ROOT) / "ansible.cfg")},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_what_arrives_is_asked_to_be_kept_on_tape(dcache: Dcache) -> None:
    dcache.put(PATH)
    token = dcache.token("/escape")
    done = keep(dcache, token)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{PATH} goes to tape: {dcache.url}/api/v1/bulk-requests/" in done.stdout
    assert token not in done.stdout + done.stderr
    assert [write for write in dcache.writes() if "bulk-requests" in write]


def test_a_refusal_is_explained_and_shows_no_token(dcache: Dcache) -> None:
    token = dcache.token("/escape", aud="https://another.example.org")
    done = keep(dcache, token)
    assert done.returncode == 2
    assert "dCache did not take the request to keep /escape/fast/run1.dat on tape: Status code was 401" in done.stdout
    assert token not in done.stdout + done.stderr
