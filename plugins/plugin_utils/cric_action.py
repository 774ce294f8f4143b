# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules that read a whole CRIC share: their options, and the source that these describe."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import env_fallback
from ansible_collections.escape.datalake.plugins.plugin_utils.cric_reader import DAY, EXTRAS, CricSource
from ansible_collections.escape.datalake.plugins.plugin_utils.services.cric import CricClient
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import Tls

CONNECTION: dict[str, Any] = {
    "url": {"type": "str", "required": True, "fallback": (env_fallback, ["DATALAKE_CRIC_URL"])},
    "application": {"type": "str", "default": "doma"},
    "ca_path": {"type": "path", "fallback": (env_fallback, ["DATALAKE_CA_PATH"])},
    "client_cert": {"type": "path", "fallback": (env_fallback, ["DATALAKE_CRIC_CERT"])},
    "client_key": {"type": "path", "no_log": False, "fallback": (env_fallback, ["DATALAKE_CRIC_KEY"])},
    "timeout": {"type": "int", "default": 30},
}
SOURCE: dict[str, Any] = {
    **CONNECTION,
    "view": {"type": "str", "choices": ["auto", "doma", "ddmendpoint"], "default": "auto"},
    "extras": {"type": "list", "elements": "str", "choices": list(EXTRAS), "default": []},
    "rename": {"type": "dict", "default": {}},
    "copies": {"type": "path"},
    "copy_days": {"type": "float", "default": 7.0},
}


def cric_source(options: Mapping[str, Any]) -> CricSource:
    """The source that checked options of SOURCE describe."""
    tls = Tls(ca=options["ca_path"], certificate=options["client_cert"], key=options["client_key"])
    client = CricClient(options["url"], options["application"], tls, timeout=options["timeout"], read_only=True)
    return CricSource(
        client=client,
        view=options["view"],
        extras=tuple(options["extras"]),
        names={str(name): str(new) for name, new in options["rename"].items()},
        copies=Path(options["copies"]).expanduser() if options["copies"] else None,
        copy_age=options["copy_days"] * DAY,
    )
