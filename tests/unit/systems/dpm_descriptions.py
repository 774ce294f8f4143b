"""The description of the site of tests/fixtures/dpm/tokens-1.15, and the files of all its neighbours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.model import parse
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Storage

ROOT = Path(__file__).parents[2] / "fixtures" / "dpm"
HOME = "/dpm/annecy.example.org/home/escape"
LAKE = parse.load_lake(
    {
        "name": "lab",
        "issuers": {
            "escape": {
                "url": "https://iam.example.org/",
                "access": [{"group": "/escape/data-manager", "rights": "write"}, {"group": "/escape", "rights": "read"}],
            },
            "partner": {"url": "https://partner.example.org/", "access": [{"group": "/partner", "rights": "read"}]},
        },
    }
)
DESCRIPTION: dict[str, Any] = {
    "name": "LAPP-DPM",
    "site": "LAPP",
    "system": "dpm",
    "release": "1.15.2",
    "issuers": ["escape"],
    "base_path": HOME,
    "doors": [
        {"scheme": "davs", "host": "se.annecy.example.org", "port": 443},
        {"scheme": "root", "host": "se.annecy.example.org", "port": 1094},
    ],
    "areas": [
        {"name": "fast", "path": f"{HOME}/fast", "qos": "FAST", "capacity": "50TB", "media": "ssd"},
        {"name": "cheap", "path": f"{HOME}/cheap", "qos": "CHEAP-ANALYSIS", "capacity": "200TB", "media": "hdd", "redundancy": "raid6"},
    ],
}


def storage(**changes: Any) -> Storage:
    return parse.load_storage({**DESCRIPTION, **changes}, LAKE)


def texts(site: str) -> dict[str, str]:
    """Files by absolute path."""
    folder = ROOT / site
    return {f"/{path.relative_to(folder)}": path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}
