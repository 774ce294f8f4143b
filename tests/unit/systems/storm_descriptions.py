"""A lake and a StoRM storage with shared and own access points, for several tests."""

from __future__ import annotations

from typing import Any

LAKE: dict[str, Any] = {
    "name": "lab",
    "issuers": {
        "escape": {
            "url": "https://iam.lake.test/",
            "access": [{"group": "/escape/data-manager", "rights": "write"}, {"group": "/escape", "rights": "read"}],
        },
        "partner": {"url": "https://iam.lake.test/partner/", "access": [{"group": "/partner", "rights": "read"}]},
    },
}
DESCRIPTION: dict[str, Any] = {
    "name": "CNAF-STORM",
    "site": "CNAF",
    "system": "storm",
    "release": "1.9.0",
    "issuers": ["escape", "partner"],
    "base_path": "/escape",
    "doors": [{"scheme": "davs", "host": "dav.example.org", "port": 8443}],
    "areas": [
        {
            "name": "fast",
            "path": "/escape/fast",
            "qos": "FAST",
            "capacity": "50TB",
            "media": "nvme",
            "partitions": ["/storage/escape/fast"],
        },
        {
            "name": "disk",
            "path": "/escape/disk",
            "qos": "CHEAP-ANALYSIS",
            "capacity": "100TB",
            "media": "hdd",
            "redundancy": "raid6",
            "partitions": ["/storage/escape/disk"],
            "access": [{"issuer": "escape", "group": "/escape", "rights": "write"}],
        },
        {
            "name": "tape",
            "path": "/tape/archive",
            "base_path": "/tape",
            "qos": "SAFE",
            "capacity": "500TB",
            "media": "tape",
            "partitions": ["/gpfs/tape/archive"],
        },
    ],
    "x509": {"vos": ["escape"]},
}
