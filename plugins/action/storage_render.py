# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All of storage_render: trees of files on the controller, one for each storage."""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.action_base import DatalakeAction
from ansible_collections.escape.datalake.plugins.plugin_utils.checks import tree
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding, Severity, refused
from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import load_all
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Storage
from ansible_collections.escape.datalake.plugins.plugin_utils.reconcile import MASK
from ansible_collections.escape.datalake.plugins.plugin_utils.rendering import Rendered, render


class ActionModule(DatalakeAction):
    ARGUMENTS = {
        "lake": {"type": "dict", "required": True},
        "storages": {"type": "dict", "required": True},
        "variables": {"type": "dict", "default": {}},
        "directory": {"type": "path", "required": True},
        "accept": {"type": "list", "elements": "str", "default": []},
    }

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        # Texts of Ansible know where they come from, and writers of YAML refuse what is no plain text.
        arguments = json.loads(json.dumps(arguments))
        _lake, storages = load_all(arguments["lake"], arguments["storages"])
        top = Path(arguments["directory"])
        found = {host: _texts(top / host) for host in storages}
        made = _rendered(storages, arguments["variables"], found)
        findings = {
            host: tree.check(made[host].texts, tree.system_named(storage.system), storage.release) for host, storage in storages.items()
        }
        bad = [
            f"  {host}: {each}" for host, several in findings.items() for each in refused(several) if each.rule not in arguments["accept"]
        ]
        shown = {host: [each.as_dict() for each in several] for host, several in findings.items()}
        if bad:
            told = "Configurations were refused and nothing was written:\n" + "\n".join(bad)
            return {"changed": False, "failed": True, "msg": told, "findings": shown}
        new = {host: [path for path, text in each.texts.items() if found[host].get(path) != text] for host, each in made.items()}
        if not self.check_mode:
            for host, paths in new.items():
                for path in paths:
                    _write(top / host / path, made[host].texts[path], 0o600 if path in made[host].secret else 0o644)
        return {
            "changed": any(new.values()),
            "actions": [f"write {host}/{path}" for host, paths in new.items() for path in paths],
            "diff": [_diff(host, path, found[host], made[host]) for host, paths in new.items() for path in paths],
            "findings": shown,
            "text": "\n".join(_line(host, storages[host], made[host], findings[host]) for host in storages),
        }


def _rendered(storages: Mapping[str, Storage], variables: Mapping[str, Any], found: Mapping[str, dict[str, str]]) -> dict[str, Rendered]:
    """Raises DescriptionError with the problems of all storages."""
    made: dict[str, Rendered] = {}
    problems: list[Problem] = []
    for host, storage in storages.items():
        try:
            made[host] = render(storage, variables.get(host, {}), found[host], lambda: secrets.token_urlsafe(64))
        except DescriptionError as error:
            problems += [Problem(f"{host}: {each.path}", each.message, each.remedy) for each in error.problems]
    if problems:
        raise DescriptionError(problems)
    return made


def _texts(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text(encoding="utf-8") for path in sorted(root.rglob("*")) if path.is_file()}


def _write(path: Path, text: str, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        os.fchmod(handle, mode)
        stream.write(text)
    os.replace(temporary, path)


def _diff(host: str, path: str, found: Mapping[str, str], made: Rendered) -> dict[str, str]:
    hidden = path in made.secret
    before, after = (found.get(path, ""), made.texts[path]) if not hidden else (MASK if path in found else "", f"{MASK}, new content\n")
    name = f"{host}/{path}"
    return {"before_header": name, "after_header": name, "before": before, "after": after}


def _line(host: str, storage: Storage, made: Rendered, findings: list[Finding]) -> str:
    count = Counter(finding.severity for finding in findings)
    told = ", ".join(f"{count[each]} {each.value}" for each in Severity if count[each]) or "no finding"
    return f"{host:<16} {storage.system:<7} {storage.release:<8} {len(made.texts):>2} files, {told}"
