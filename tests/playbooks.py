"""Runs of the playbooks as a person starts them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]


def play(name: str, *words: str, folder: Path = ROOT, **variables: object) -> subprocess.CompletedProcess[str]:
    """Runs playbooks/NAME.yml. words: of the command line, an empty inventory when there are none. variables: without their datalake_."""
    extra = [word for key, value in variables.items() for word in ("-e", f"datalake_{key}={value}")]
    return subprocess.run(
        ["ansible-playbook", str(ROOT / f"playbooks/{name}.yml"), *(words or ("-i", "/dev/null")), *extra],
        cwd=folder,
        env={**os.environ, "PATH": f"{ROOT / '.venv/bin'}:{os.environ['PATH']}", "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
