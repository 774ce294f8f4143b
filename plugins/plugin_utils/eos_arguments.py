# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules of EOS are told alike."""

from __future__ import annotations

from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.systems.eos_instance import Account

ACCOUNTS = {
    "type": "list",
    "elements": "dict",
    "default": [],
    "options": {
        "issuer": {"type": "str", "required": True},
        "user": {"type": "str", "required": True},
        "uid": {"type": "int", "required": True},
        "gid": {"type": "int", "required": True},
        "group": {"type": "str"},
        "subject": {"type": "str"},
    },
}


def accounts_of(listed: list[dict[str, Any]]) -> tuple[Account, ...]:
    """The accounts of the option."""
    return tuple(Account(**each) for each in listed)
