"""The configurations of the nine storages of the ESCAPE data lake of 2020."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import tree
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Severity
from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import load_all
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Storage
from ansible_collections.escape.datalake.plugins.plugin_utils.rendering import EOS_SCRIPT, Rendered, render

INVENTORY = Path(__file__).resolve().parents[3] / "inventories" / "escape-2020"
VARIABLES: dict[str, dict[str, Any]] = {path.stem: yaml.safe_load(path.read_text()) for path in sorted(INVENTORY.glob("host_vars/*.yml"))}


@cache
def storages() -> dict[str, Storage]:
    lake = yaml.safe_load((INVENTORY / "group_vars/all.yml").read_text())["datalake_lake"]
    return load_all(lake, {host: variables["datalake_storage"] for host, variables in VARIABLES.items()})[1]


@cache
def rendered(host: str) -> Rendered:
    return render(storages()[host], VARIABLES[host], {}, lambda: "9f2c" * 16)


@pytest.mark.parametrize("host", VARIABLES)
def test_a_configuration_has_no_finding_above_notice(host: str) -> None:
    storage = storages()[host]
    findings = tree.check(rendered(host).texts, tree.system_named(storage.system), storage.release)
    assert [str(each) for each in findings if each.severity is not Severity.NOTICE] == []


@pytest.mark.parametrize("host", VARIABLES)
def test_the_checks_tell_the_system_by_its_files(host: str) -> None:
    assert tree.detect(rendered(host).texts).name == storages()[host].system


@pytest.mark.parametrize("host", VARIABLES)
def test_a_second_run_changes_nothing(host: str) -> None:
    again = render(storages()[host], VARIABLES[host], rendered(host).texts, lambda: "other" * 16)
    assert again.texts == rendered(host).texts


@pytest.mark.parametrize("host", VARIABLES)
def test_every_issuer_and_door_is_in_the_configuration(host: str) -> None:
    storage, text = storages()[host], "\n".join(rendered(host).texts.values())
    assert all(issuer.url in text for issuer in storage.issuers)
    assert all(str(door.port) in text for door in storage.doors if door.port != 1094)


def test_the_webdav_door_of_pic_shows_the_experiment_s_directory_as_its_root() -> None:
    layout = rendered("pic-dcache").texts["etc/dcache/layouts/door05.conf"]
    assert "webdav.root = /pnfs/pic.es/data/escape\n" in layout
    assert "xrootd.root" not in layout


def test_the_instance_of_eulake_gets_its_spaces() -> None:
    commands = rendered("eulake").texts[EOS_SCRIPT].splitlines()
    assert "attr set sys.forced.nstripes=2 /eos/eulake/tests/rucio_test/eulake_1" in commands
    assert "attr set sys.forced.space=ssd /eos/eulake/tests/rucio_test/eulake_2" in commands
