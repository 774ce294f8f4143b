"""Descriptions of storages for the tests of dCache's planner."""

from __future__ import annotations

from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import load_lake, load_storage
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Storage
from ansible_collections.escape.datalake.plugins.plugin_utils.systems.dcache_logins import Account

HOST = "se1.example.net"
ESCAPE = "https://iam-escape.cloud.cnaf.infn.it/"
LAKE = {
    "name": "escape",
    "issuers": {
        "escape": {"url": ESCAPE, "access": [{"group": "/escape/data-manager", "rights": "write"}, {"group": "/escape", "rights": "read"}]},
        "partner": {"url": "https://iam.partner.example.net/", "access": [{"group": "/partner", "rights": "write"}]},
        "robots": {"url": "https://robots.example.net/"},
    },
}
ACCOUNTS = (
    Account(group="/escape", name="escape", uid=2000, gid=2000),
    Account(group="/escape/data-manager", gid=2001),
    Account(group="/partner", name="partner", uid=2500, gid=2500),
    Account(issuer="robots", name="robot", uid=2600, gid=2600),
)


def description(release: str, base: str = "/pnfs/example.net/escape", **changes: Any) -> dict[str, Any]:
    """A storage with a fast and a cheap area, as a person writes it; tokens only unless x509 is among the changes."""
    return {
        "name": "EXAMPLE-DCACHE",
        "site": "EXAMPLE",
        "system": "dcache",
        "release": release,
        "issuers": ["escape"],
        "base_path": base,
        "doors": [{"scheme": "davs", "host": HOST, "port": 2880}, {"scheme": "root", "host": HOST, "port": 1094}],
        "areas": [
            {"name": "fast", "path": f"{base}/fast", "qos": "FAST", "capacity": "50TB", "media": "ssd"},
            {"name": "cheap", "path": f"{base}/cheap", "qos": "CHEAP-ANALYSIS", "capacity": "9PB", "media": "hdd", "redundancy": "raid6"},
        ],
        **changes,
    }


def storage(release: str, base: str = "/pnfs/example.net/escape", **changes: Any) -> Storage:
    return load_storage(description(release, base, **changes), load_lake(LAKE))
