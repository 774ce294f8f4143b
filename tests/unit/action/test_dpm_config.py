"""The controller's half of dpm_config, with a node that lives in memory."""

from __future__ import annotations

import copy
import fnmatch
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.escape.datalake.plugins.action.dpm_config import ActionModule
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError

ROOT = Path(__file__).parents[2] / "fixtures" / "dpm"
HOME = "/dpm/annecy.example.org/home/escape"
HEAD, DAV = "/etc/domehead.conf", "/etc/httpd/conf.d/zlcgdm-dav.conf"
LAKE = {"name": "lab", "issuers": {"escape": {"url": "https://iam.example.org/", "access": [{"group": "/escape", "rights": "write"}]}}}
STORAGE: dict[str, Any] = {
    "name": "LAPP-DPM",
    "site": "LAPP",
    "system": "dpm",
    "release": "1.15.2",
    "issuers": ["escape"],
    "base_path": HOME,
    "doors": [{"scheme": "davs", "host": "se.annecy.example.org", "port": 443}],
    "areas": [{"name": "fast", "path": f"{HOME}/fast", "qos": "FAST", "capacity": "50TB", "media": "ssd"}],
}


class Node:
    """A DPM node. judge: what its Apache says; None when there is no Apache."""

    def __init__(self, site: str = "tokens-1.15") -> None:
        folder = ROOT / site
        found = {f"/{path.relative_to(folder)}": path.read_text() for path in folder.rglob("*") if path.is_file()}
        self.files = {path: {"exists": True, "content": text, "mode": "0640", "mtime": 10.0} for path, text in found.items()}
        self.judge: tuple[bool, str] | None = (True, "Syntax OK")
        self.calls: list[str] = []
        self.kept: list[str] = []

    def host_read(self, paths: list[str], services: list[str], packages: list[str]) -> dict[str, Any]:
        read = {path: dict(entry) for path, entry in self.files.items() if any(fnmatch.fnmatch(path, pattern) for pattern in paths)}
        units = {name: {"started": 100.0, "active": "active"} for name in services}
        rest: dict[str, Any] = {"users": {}, "answers": {}, "hostname": "se", "now": 100.0}
        return {"files": read, "services": units, "packages": dict.fromkeys(packages), **rest}

    def apache_configtest(self, files: list[dict[str, str]]) -> dict[str, Any]:
        if self.judge is None:
            return {"installed": False, "valid": False, "output": "There is no Apache HTTP server on this host."}
        return {"installed": True, "valid": self.judge[0], "output": self.judge[1], "version": "Apache/2.4"}

    def host_write(self, files: list[dict[str, Any]], directories: list[Any]) -> dict[str, Any]:
        for each in files:
            old = self.files.get(each["path"], {})
            if each.get("backup") and old:
                self.kept.append(str(old["mode"]))
            self.files[each["path"]] = {
                "exists": True,
                "mtime": 200.0,
                "content": each["secret_content"],
                "mode": each.get("mode") or old["mode"],
            }
        return {"backups": {}}

    def text(self, path: str) -> str:
        return str(self.files[path]["content"])


class Module(ActionModule):
    def __init__(self, node: Node, check_mode: bool) -> None:
        self._node = node
        self._task = SimpleNamespace(check_mode=check_mode)

    def _execute_module(self, module_name: str, module_args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        name = module_name.removeprefix("escape.datalake.")
        self._node.calls.append(name)
        answer: dict[str, Any] = getattr(self._node, name)(**module_args)
        return answer


def run(node: Node, *, check: bool = False, **options: Any) -> dict[str, Any]:
    validator = ArgumentSpecValidator(copy.deepcopy(ActionModule.ARGUMENTS))  # it writes into defaults
    checked = validator.validate({"lake": LAKE, "storage": STORAGE, **options})
    assert not checked.error_messages
    node.calls.clear()
    return Module(node, check).act(checked.validated_parameters, {})


def test_a_described_node_costs_one_call():
    node = Node()
    answer = run(node)
    assert (answer["changed"], node.calls) == (False, ["host_read"])


def test_what_differs_is_judged_and_written_once():
    node = Node()
    node.files[DAV]["content"] = node.text(DAV).replace("SSLVerifyClient optional", "SSLVerifyClient require")
    answer = run(node, check=True)
    assert node.calls == ["host_read", "apache_configtest"]
    assert "SSLVerifyClient require" in node.text(DAV)
    answer = run(node)
    assert node.calls == ["host_read", "apache_configtest", "host_write"]
    assert answer["restart"] == ["httpd.service"]
    assert answer["apache"] == {"tested": True, "output": "Syntax OK", "version": "Apache/2.4"}
    again = run(node)
    assert again["actions"] == [f"restart httpd.service: {DAV} is newer than the running service"]


def test_apache_s_word_counts():
    node = Node()
    node.judge = (False, "AH00526: Syntax error on line 3")
    before = node.text(DAV)
    answer = run(node, client={"id": "another"})
    assert answer["failed"]
    assert "AH00526" in answer["msg"]
    assert (node.text(DAV), "host_write" in node.calls) == (before, False)


def test_without_an_apache_nothing_is_written_unseen():
    node = Node()
    node.judge = None
    assert "configtest=false" in run(node, client={"id": "another"})["msg"]
    assert run(node, check=True, client={"id": "another"})["apache"]["tested"] is False
    assert run(node, client={"id": "another"}, configtest=False)["changed"]


def test_open_secrets_are_closed_before_they_are_kept():
    node = Node()
    node.files[HEAD]["mode"] = "0644"
    answer = run(node, shared_key="n" * 40, accept=["dome.shared-key-differs"])
    assert node.files[HEAD]["mode"] == "0640"
    assert node.kept == ["0640"]
    assert "n" * 40 not in str(answer)
    (diff,) = answer["diff"]
    assert "glb.restclient.xrdhttpkey changes" in diff["after_header"]
    assert "mode 0644 becomes 0640" in diff["after_header"]


def test_a_configuration_that_locks_out_is_refused():
    node = Node()
    node.files[HEAD]["content"] = node.text(HEAD).replace('"CN=se.annecy.example.org"', '"CN=se.annecy.example.org')
    answer = run(node, client={"id": "another"})
    assert answer["failed"]
    assert "dome.authorize-quotes" in answer["msg"]
    assert node.calls == ["host_read"]


def test_what_is_missing_is_told():
    node = Node()
    node.files.clear()
    with pytest.raises(DescriptionError, match=r"(?s)dpm_shared_key: is missing.*dpm_database_password: is missing"):
        run(node)
