"""The collection as a site installs it: built, installed into an empty folder, and used from there."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SITE = ROOT / "tests/fixtures/dcache/roles-9.2"
OF_THE_CHECKOUT = {"Makefile", "bench", "lab", "molecule", "tests", "tools"}


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Runs a program of .venv in a folder, with nothing of the checkout but that."""
    own = ("PYTHONPATH", "ANSIBLE_CONFIG")
    environment = {name: value for name, value in os.environ.items() if name not in own} | {
        "PATH": f"{ROOT / '.venv/bin'}:{os.environ['PATH']}",
        "HOME": str(folder),
        "ANSIBLE_COLLECTIONS_PATH": str(folder / "collections"),
    }
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=100, check=False)


@pytest.fixture(scope="module")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    done = run(folder, "ansible-galaxy", "collection", "build", str(ROOT), "--output-path", str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    return next(folder.glob("escape-datalake-*.tar.gz"))


@pytest.fixture(scope="module")
def installed(artefact: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder with the collection and an inventory."""
    folder = tmp_path_factory.mktemp("site")
    done = run(folder, "ansible-galaxy", "collection", "install", str(artefact), "--no-deps", "-p", "collections")
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.copytree(folder / "collections/ansible_collections/escape/datalake/inventories/example", folder / "mylake")
    return folder


def test_what_only_a_checkout_can_use_is_left_out(artefact: Path) -> None:
    with tarfile.open(artefact) as archive:
        names = archive.getnames()
    assert {name.partition("/")[0] for name in names} & OF_THE_CHECKOUT == set()
    assert not [name for name in names if name.startswith(("playbooks/lab", "inventories/lab", "."))]
    assert {"playbooks/site.yml", "roles/dcache/tasks/main.yml", "docs/start.md", "inventories/example/hosts.yml"} <= set(names)
    assert artefact.stat().st_size < 1_500_000


def test_playbooks_are_found_by_their_names(installed: Path) -> None:
    done = run(installed, "ansible-playbook", "escape.datalake.describe", "-i", "mylake")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "EXAMPLE-XRD-FAST: FAST, 50TB, /fast in tokens" in done.stdout


@pytest.mark.parametrize("playbook", sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml") if not path.stem.startswith("lab")))
def test_every_playbook_resolves_its_roles_and_modules(installed: Path, playbook: str) -> None:
    done = run(installed, "ansible-playbook", f"escape.datalake.{playbook}", "-i", "mylake", "--list-tasks")
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_existing_site_is_read_from_there(installed: Path) -> None:
    copy = ("-e", f"datalake_root={SITE}", "-e", "datalake_release=9.2.30", "-e", "datalake_host=se.example.org")
    done = run(installed, "ansible-playbook", "escape.datalake.check", *copy)
    assert done.returncode == 0, done.stdout + done.stderr
    done = run(installed, "ansible-playbook", "escape.datalake.adopt", *copy, "-e", "datalake_dest=adopted")
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(str(file.relative_to(installed / "adopted")) for file in (installed / "adopted").rglob("*.yml")) == [
        "group_vars/all.yml",
        "host_vars/se.example.org.yml",
        "hosts.yml",
    ]
