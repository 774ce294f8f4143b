"""Runs of site.yml against the lab that Molecule made, some of them killed on the way."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[3]
INVENTORY = CHECKOUT / "inventories" / "lab"
LIMIT = 300  # seconds; a run takes 20 to 60, and a check of the probe gives up after 20
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
    return Path(shutil.copytree(INVENTORY, folder / "inventory"))


def replace(path: Path, old: str, new: str) -> None:
    """Edits a description; fails when the text to replace is not there exactly once."""
    text = path.read_text()
    assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {path}"
    path.write_text(text.replace(old, new))


def run(inventory: Path = INVENTORY, *arguments: str, playbook: str = "site.yml", **environment: str) -> Finished:
    """A whole run, to its end."""
    command = ["ansible-playbook", "-i", str(inventory), f"playbooks/{playbook}", *arguments]
    done = subprocess.run(
        command,
        cwd=CHECKOUT,
        env={**ENVIRONMENT, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=LIMIT,
    )
    return Finished(done.returncode, done.stdout)


def run_and_kill_at(inventory: Path, task: str, reached: Callable[[], bool]) -> str:
    """Kills the whole run, without any warning, when Ansible has announced a task and the place inside it is reached.

    Returns what it had said.
    """
    command = ["ansible-playbook", "-i", str(inventory), "playbooks/site.yml"]
    seen = []
    with subprocess.Popen(
        command, cwd=CHECKOUT, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as process:
        assert process.stdout
        for line in process.stdout:
            seen.append(line)
            if task in line and line.startswith(("TASK", "RUNNING HANDLER")):
                end = time.monotonic() + LIMIT
                while not reached() and process.poll() is None and time.monotonic() < end:
                    time.sleep(0.002)
                _kill_with_descendants(process.pid)
                break
        seen.append(process.stdout.read())
    output = "".join(seen)
    assert process.returncode == -signal.SIGKILL, f"the run ended by itself before {task!r}:\n{output}"
    assert reached(), f"the place in {task!r} was not reached:\n{output}"
    assert "PLAY RECAP" not in output
    return output


def _kill_with_descendants(process: int) -> None:
    """Ansible's workers, and what they run in the containers, are in sessions of their own: a signal to the group would not reach them."""
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGSTOP)
    found = [process]
    for each in found:  # grows while it is walked
        with suppress(OSError):
            for task in Path(f"/proc/{each}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
    for each in reversed(found):
        with suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)


def root_of(host: str) -> Path:
    """The root directory of a container as this machine sees it."""
    name = f"{host}.{os.environ.get('LAB_DOMAIN', 'molecule.test')}"
    process = subprocess.run(["podman", "inspect", "--format", "{{.State.Pid}}", name], capture_output=True, text=True, check=True)
    return Path(f"/proc/{process.stdout.strip()}/root")
