# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of storage_adopt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils import site_action
from ansible_collections.escape.datalake.plugins.plugin_utils.adopt import render, tree
from ansible_collections.escape.datalake.plugins.plugin_utils.adopt.adopted import Adopted
from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import load_lake, load_storage
from ansible_collections.escape.datalake.plugins.plugin_utils.model.problems import DescriptionError, Problem
from ansible_collections.escape.datalake.plugins.plugin_utils.site_files import Site


class ActionModule(site_action.SiteAction):
    ARGUMENTS = {
        **site_action.ARGUMENTS,
        "host": {"type": "str"},
        "lake": {"type": "dict"},
        "dest": {"type": "path"},
        "force": {"type": "bool", "default": False},
    }
    ALSO = {name: adopter.files for name, adopter in tree.ADOPTERS.items()}

    def study(self, site: Site, arguments: dict[str, Any]) -> dict[str, Any]:
        name = site_action.name_of(site, arguments["host"])
        adopted = render.without_templates(tree.adopter_of(site.system.name).adopt(site.files, site.release, name))
        lake = arguments["lake"]
        if lake:
            adopted = render.with_lake(adopted, lake.get("issuers", {}))
        problems = _problems(adopted, lake)
        text = render.storage_text(adopted, name, site.system.name, site.release)
        answer = {
            "system": site.system.name,
            "release": site.release,
            "storage": adopted.storage,
            "issuers": adopted.issuers,
            "variables": adopted.variables,
            "notes": list(adopted.notes),
            "problems": [each.as_dict() for each in problems],
            "complete": not problems,
            "text": text,
        }
        dest = arguments["dest"]
        if not dest:
            return answer
        return {**answer, **self._written(Path(f"{dest}{name}.yml" if dest.endswith("/") else dest), text, arguments["force"])}

    def _written(self, file: Path, text: str, force: bool) -> dict[str, Any]:
        """Writes the description unless another one is there that somebody may have worked on."""
        before = file.read_text(encoding="utf-8") if file.is_file() else ""
        diff = {"before_header": str(file), "after_header": str(file), "before": before, "after": text}
        if before == text:
            return {"changed": False, "dest": str(file)}
        if before and not force:
            told = f"{file} is there and says something else. Take it away, name another file, or ask for it with force."
            return {"failed": True, "msg": told, "diff": diff}
        if not self.check_mode:
            site_action.write_file(str(file), text)
        return {"changed": True, "dest": str(file), "diff": diff}


def _problems(adopted: Adopted, lake: dict[str, Any] | None) -> list[Problem]:
    """What the model says of the description; its issuers stand in for a lake that is not given."""
    try:
        whole = load_lake(lake or {"name": "adopted", "issuers": adopted.issuers or {"none": {"url": "https://none.example.org/"}}})
        load_storage(adopted.storage, whole)
    except DescriptionError as error:
        return list(error.problems)
    return []
