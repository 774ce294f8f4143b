"""The other end of what is supported: the newest ansible-core, on Debian 13's Python, finds nothing to do in this lake."""

from __future__ import annotations

import subprocess

from site_runs import CHECKOUT, ENVIRONMENT, Finished

CORE = "import ansible.release, sys; print(ansible.release.__version__, sys.version_info[:2])"


def newest(*command: str) -> Finished:
    done = subprocess.run(
        [str(CHECKOUT / "tools" / "newest-core"), *command],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Finished(done.returncode, done.stdout)


def test_site_is_unchanged_with_the_newest_core() -> None:
    told = newest("python3", "-c", CORE)
    assert told.status == 0, told.output
    assert "(3, 13)" in told.output
    assert tuple(int(part) for part in told.output.split()[-3].split(".")[:2]) >= (2, 21)
    run = newest("ansible-playbook", "-i", "inventories/lab", "playbooks/site.yml")
    assert run.status == 0, run.output
    assert run.changed == 0, run.output
