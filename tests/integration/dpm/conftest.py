"""The stand-in for DOME on loopback, with TLS and client certificates, and a way to run dpm_pools against it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.escape.datalake.plugins.action.dpm_pools import ActionModule
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError
from ansible_collections.escape.datalake.tests.standins import ROOT
from dome_head import Head, Run


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("tls")
    hosts = ["localhost", "admin.example.org", "stranger.example.org"]
    subprocess.run([sys.executable, ROOT / "lab/ca.py", directory, *hosts], check=True, capture_output=True)
    return directory


@pytest.fixture
def head(tls: Path, tmp_path: Path) -> Iterator[Head]:
    made = Head(tmp_path, tls)
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def run(head: Head) -> Run:
    """Runs dpm_pools in this process, argument spec and all."""

    def running(*, check: bool = False, by: str = "admin.example.org", **options: Any) -> dict[str, Any]:
        connection = {
            "url": head.url,
            "ca_path": str(head.tls / "ca.pem"),
            "client_cert": str(head.tls / f"{by}.pem"),
            "client_key": str(head.tls / f"{by}.key"),
        }
        checked = ArgumentSpecValidator(ActionModule.ARGUMENTS, **ActionModule.CONSTRAINTS).validate({**connection, **options})
        if checked.error_messages:
            return {"failed": True, "msg": "; ".join(checked.error_messages)}
        action = ActionModule.__new__(ActionModule)
        action._task = SimpleNamespace(check_mode=check)
        try:
            result = action.act(checked.validated_parameters, {})
        except (ApiError, DescriptionError) as problem:
            return {"failed": True, "msg": str(problem)}
        json.dumps(result)
        return result

    return running
