"""A stand-in dCache for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.escape.datalake.tests.standins import make_ca
from dcache_lake import Dcache, running


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("tls")
    make_ca(directory)
    return directory


@pytest.fixture
def dcache(tmp_path: Path, tls: Path) -> Iterator[Dcache]:
    with running(tmp_path, tls) as stand_in:
        yield stand_in
