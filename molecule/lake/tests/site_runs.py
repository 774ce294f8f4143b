"""Runs of site.yml against the lab that Molecule made, some of them killed on the way."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[3]
ENVIRONMENT = {
    **os.environ,
    "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
    "ANSIBLE_NOCOLOR": "1",
    "NO_COLOR": "1",
    "PYTHONUNBUFFERED": "1",
}


@dataclass(frozen=True)
class Finished:
    """status: exit code. changed: sum over hosts of the recap."""

    status: int
    output: str

    @property
    def changed(self) -> int:
        return sum(int(count) for count in re.findall(r"changed=(\d+)", self.output))


def inventory_copy(folder: Path) -> Path:
    """A copy of the lab's inventory that a test may edit."""
    return Path(shutil.copytree(CHECKOUT / "inventories" / "lab", folder / "inventory"))


def replace(path: Path, old: str, new: str) -> None:
    """Edits a description; fails when the text to replace is not there exactly once."""
    text = path.read_text()
    assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {path}"
    path.write_text(text.replace(old, new))


def run(inventory: Path, *arguments: str, playbook: str = "site.yml") -> Finished:
    command = ["ansible-playbook", "-i", str(inventory), f"playbooks/{playbook}", *arguments]
    done = subprocess.run(command, cwd=CHECKOUT, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return Finished(done.returncode, done.stdout)


def run_and_kill_at(inventory: Path, task: str, delay: float = 0.0) -> str:
    """Kills the whole run, without any warning, once Ansible announces a task (and after a delay in seconds); returns what it had said."""
    command = ["ansible-playbook", "-i", str(inventory), "playbooks/site.yml"]
    seen = []
    with subprocess.Popen(
        command, cwd=CHECKOUT, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as process:
        assert process.stdout
        for line in process.stdout:
            seen.append(line)
            if task in line and line.startswith(("TASK", "RUNNING HANDLER")):
                if delay:
                    signal.sigtimedwait([], delay)
                os.killpg(process.pid, signal.SIGKILL)
                break
        process.stdout.read()
    output = "".join(seen)
    assert process.returncode == -signal.SIGKILL, f"the run ended by itself before {task!r}:\n{output}"
    return output
