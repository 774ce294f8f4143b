"""The lake of site.yml, and a way back to it for tests that change it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import site_runs
from outside import Outside, Traffic
from testinfra.host import Host

KEPT = "/etc/xrootd/xrootd-datalake.cfg /etc/xrootd/scitokens.cfg /etc/xrootd/authdb"


@pytest.fixture(scope="session")
def lake(domain: str) -> Outside:
    return Outside(domain)


@pytest.fixture
def traffic(rucio: Host, cric: Host) -> Traffic:
    return Traffic(rucio, cric)


@pytest.fixture(scope="session")
def storages(se1: Host, se2: Host) -> dict[str, Host]:
    return {"se1": se1, "se2": se2}


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """A copy that a test may edit."""
    return site_runs.inventory_copy(tmp_path)


@pytest.fixture
def restored(storages: dict[str, Host]) -> Iterator[None]:
    """Puts the storages' files back, which the role itself would only add to, and runs the original description again."""
    for host in storages.values():
        host.check_output(f"rm -rf /root/kept && mkdir /root/kept && cp -a {KEPT} /root/kept")
    yield
    for host in storages.values():
        host.check_output(f"for file in {KEPT}; do cmp -s /root/kept/${{file##*/}} $file || cat /root/kept/${{file##*/}} > $file; done")
        host.check_output("rm -rf /root/kept; find /var/lib/xrootd/ns/escape -name '.probe-*' -prune -exec rm -r {} +")
    done = site_runs.run()
    assert done.status == 0, done.output
