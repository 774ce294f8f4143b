"""Hosts of the lab that Molecule made, for the tests of all scenarios."""

from __future__ import annotations

import os

import pytest
import testinfra
from testinfra.host import Host

DOMAIN = os.environ.get("LAB_DOMAIN", "molecule.test")


def _container(name: str) -> Host:
    return testinfra.get_host(f"podman://{name}.{DOMAIN}")


@pytest.fixture(scope="session")
def domain() -> str:
    return DOMAIN


@pytest.fixture(scope="session")
def iam() -> Host:
    return _container("iam")


@pytest.fixture(scope="session")
def cric() -> Host:
    return _container("cric")


@pytest.fixture(scope="session")
def rucio() -> Host:
    return _container("rucio")


@pytest.fixture(scope="session")
def se1() -> Host:
    return _container("se1")


@pytest.fixture(scope="session")
def se2() -> Host:
    return _container("se2")


@pytest.fixture(scope="session")
def dcache1() -> Host:
    return _container("dcache1")


@pytest.fixture(scope="session")
def storm1() -> Host:
    return _container("storm1")


@pytest.fixture(scope="session")
def dpm1() -> Host:
    return _container("dpm1")


@pytest.fixture(scope="session")
def eos1() -> Host:
    return _container("eos1")


@pytest.fixture(scope="session")
def xcache1() -> Host:
    return _container("xcache1")
