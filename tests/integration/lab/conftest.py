"""Both stand-ins on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.escape.datalake.tests.standins import ROOT, StandIn, free_port, make_ca, running, write_config

CRIC_TOKEN = "writer-of-the-tests"


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("tls")
    make_ca(directory)
    return directory


@pytest.fixture(scope="module")
def iam(tls: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """The token issuer with the lab's example people."""
    folder, port = tmp_path_factory.mktemp("iam"), free_port()
    example = (ROOT / "lab/iam/example.yml").read_text()
    text = example.replace("https://iam.lake.test/", f"https://localhost:{port}/").replace("/var/lib/datalake-iam", str(folder / "data"))
    with running("iam", write_config(folder / "config.yml", text), tls, port) as stand_in:
        yield stand_in


@pytest.fixture
def cric(tls: Path, tmp_path: Path) -> Iterator[StandIn]:
    """A new CRIC that may be written to."""
    text = f"data: {tmp_path / 'data'}\nwriter: {{enabled: true, token: {CRIC_TOKEN}}}\n"
    with running("cric", write_config(tmp_path / "cric.yml", text), tls, free_port()) as stand_in:
        yield stand_in
