"""A host whose files lie in a directory, and an action that asks it, without Ansible around."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.escape.datalake.plugins.module_utils import host_files, host_trees


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode(errors="surrogateescape"))
    return root


class SiteHost:
    """host_read on a directory that stands for /."""

    def __init__(self, root: Path, packages: dict[str, str] | None = None, services: dict[str, Any] | None = None) -> None:
        self.root = root
        self.packages = packages or {}
        self.services = services or {}
        self.name = "se.example.org"
        self.calls: list[dict[str, Any]] = []

    def host_read(self, arguments: dict[str, Any]) -> dict[str, Any]:
        self.calls.append(arguments)
        looks = [os.path.join(self.root, path.lstrip("/")) for path in arguments["stats"]]
        entries = host_files.read_paths([], [], looks)
        secrets = [path.lstrip("/") for path in arguments["secrets"]]
        return {
            "files": {path.removeprefix(str(self.root)): entry for path, entry in entries.items()},
            "trees": host_trees.read_trees(str(self.root), arguments["trees"], secrets, arguments["limit"]).pack(),
            "services": self.services,
            "packages": {name: self.packages.get(name) for name in arguments["packages"]},
            "users": dict.fromkeys(arguments["users"]),
            "hostname": self.name,
        }


def run(module: type[ActionBase], site: SiteHost | None = None, /, check_mode: bool = False, **arguments: Any) -> dict[str, Any]:
    """The result of a task. site: what is read where no root is given."""
    action = module.__new__(module)
    action._task = SimpleNamespace(check_mode=check_mode)

    def execute(module_name: str, module_args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        assert module_name == "escape.datalake.host_read"
        return site.host_read(module_args)

    action._execute_module = execute
    defaults = {name: spec.get("default") for name, spec in module.ARGUMENTS.items()}
    return action.act({**defaults, **{name: str(each) if isinstance(each, Path) else each for name, each in arguments.items()}}, {})
