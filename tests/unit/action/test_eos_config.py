"""The controller's halves of eos_config and eos_instance, with a head node that lives in memory."""

from __future__ import annotations

import copy
import fnmatch
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.action import eos_config, eos_instance
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError

LAKE = {"name": "lab", "issuers": {"escape": {"url": "https://iam.lake.test/", "access": [{"group": "/escape", "rights": "write"}]}}}
STORAGE: dict[str, Any] = {
    "name": "LAB-EOS",
    "site": "LAB",
    "system": "eos",
    "release": "5.2.0",
    "issuers": ["escape"],
    "base_path": "/eos/lake",
    "doors": [{"scheme": "davs", "host": "eos.lake.test", "port": 443}],
    "areas": [{"name": "fast", "path": "/eos/lake/fast", "qos": "FAST", "capacity": "1TB", "media": "ssd"}],
}
ACCOUNT = {"issuer": "escape", "user": "escape", "uid": 2001, "gid": 2001, "group": None, "subject": None}
SOURCES = {"certificate_source": "/etc/grid-security/hostcert.pem", "key_source": "/etc/grid-security/hostkey.pem"}


class Node:
    """A host with EOS's packages on it, and nothing configured."""

    def __init__(self) -> None:
        self.files = {path: {"exists": True, "sha256": path, "owner": "root", "mode": "0400"} for path in SOURCES.values()}
        self.directories: dict[str, Any] = {}
        self.started: float | None = None
        self.calls: list[str] = []

    def host_read(self, paths: list[str], secrets: list[str], stats: list[str], **others: list[str]) -> dict[str, Any]:
        files: dict[str, Any] = {}
        for pattern in [*paths, *secrets, *stats]:
            found = fnmatch.filter(self.files, pattern) if "*" in pattern else [pattern]
            files |= {path: self.directories.get(path) or self.files.get(path, {"exists": False}) for path in found}
        unit = {"active": "active" if self.started else "inactive", "started": self.started}
        return {
            "files": copy.deepcopy(files),
            "services": dict.fromkeys(others["services"], unit),
            "packages": dict.fromkeys(others["packages"], "5.2.0"),
            "users": {name: {"home": "/"} for name in others["users"]},
            "answers": {},
            "hostname": "eos",
            "now": 50.0,
        }

    def host_write(self, files: list[dict[str, Any]], directories: list[dict[str, Any]]) -> dict[str, Any]:
        for each in directories:
            self.directories[each["path"]] = {"exists": True, "owner": each.get("owner", "root"), "mode": each.get("mode", "0755")}
        for each in files:
            new = {"sha256": each["source"]} if "source" in each else {"content": each.get("content", each.get("secret_content"))}
            self.files[each["path"]] = {"exists": True, "mtime": 50.0, "owner": each.get("owner"), "mode": each.get("mode"), **new}
        return {"backups": {}}


def run(node: Node, module: Any = eos_config, check_mode: bool = False, **arguments: Any) -> dict[str, Any]:
    class Module(module.ActionModule):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            self._task = SimpleNamespace(check_mode=check_mode)

        def _execute_module(self, module_name: str, module_args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
            node.calls.append(module_name.rpartition(".")[2])
            answer: dict[str, Any] = getattr(node, node.calls[-1])(**module_args)
            return answer

    node.calls.clear()
    defaults = {name: copy.deepcopy(spec.get("default")) for name, spec in module.ActionModule.ARGUMENTS.items()}
    given = {"lake": LAKE, "storage": STORAGE, "accounts": [ACCOUNT], **(SOURCES if module is eos_config else {}), **arguments}
    result: dict[str, Any] = Module().act({**defaults, **given}, {})
    return result


def test_a_second_run_is_the_reading_call_alone() -> None:
    node = Node()
    assert run(node, check_mode=True)["changed"] is True
    assert node.calls == ["host_read"]
    first = run(node)
    assert (first["restart"], node.calls) == (["eos@mgm.service", "eos@fst.service"], ["host_read", "host_write"])
    assert node.files["/etc/grid-security/daemon/hostkey.pem"]["mode"] == "0400"
    node.started = 60.0
    again = run(node)
    assert (again["changed"], again["actions"], node.calls) == (False, [], ["host_read"])


def test_the_installed_release_goes_before_the_described_one() -> None:
    node = Node()
    answer = run(node, storage={**STORAGE, "release": "4.8.40"})
    assert answer["release"] == "5.2.0"
    assert "libXrdAccSciTokens.so" in node.files["/etc/xrd.cf.mgm"]["content"]


@pytest.mark.parametrize(
    ("accounts", "words"),
    [
        ([{**ACCOUNT, "uid": 0}], r"eos_accounts\[0\]\.uid: escape would be root"),
        ([{**ACCOUNT, "issuer": "other"}], r"eos_accounts\[0\]\.issuer"),
        ([], "eos_accounts: has 0 accounts without group for the issuer escape"),
    ],
)
def test_wrong_accounts_reach_no_file(accounts: list[dict[str, Any]], words: str) -> None:
    node = Node()
    with pytest.raises(DescriptionError, match=words):
        run(node, accounts=accounts)
    assert "host_write" not in node.calls


def test_a_source_that_is_missing_is_named_itself() -> None:
    node = Node()
    del node.files[SOURCES["key_source"]]
    answer = run(node)
    assert "/etc/grid-security/hostkey.pem does not exist, and /etc/grid-security/daemon/hostkey.pem is to be a copy" in answer["msg"]
    assert node.calls == ["host_read"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"placements": {"fast": {"stripe": 2}}}, r"eos_placements\.fast: .*stripe.*Known: space, layout, stripes"),
        ({"placements": {"fast": {"stripes": "two"}}}, r"eos_placements\.fast: .*stripes"),
        ({"placements": {"fast": "ssd"}}, r"eos_placements\.fast: is no mapping"),
        ({"spaces": {"ssd": {"groups": "many"}}}, r"eos_spaces\.ssd: .*groups"),
        ({"placements": {"safe": {"space": "ssd"}}}, r'eos_placements\.safe: "safe" is not an area'),
    ],
)
def test_wrong_options_of_the_instance_are_told_before_it_is_asked(arguments: dict[str, Any], words: str) -> None:
    node = Node()
    with pytest.raises(DescriptionError, match=words):
        run(node, eos_instance, **arguments)
    assert node.calls == []
