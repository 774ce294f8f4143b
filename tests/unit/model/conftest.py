"""Descriptions that are right; a test changes one thing and sees what is said about it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import load_lake
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Lake


def lake_description() -> dict[str, Any]:
    return {
        "name": "lab",
        "issuers": {
            "escape": {
                "url": "https://iam.lake.test/",
                "access": [{"group": "/escape/data-manager", "rights": "write"}, {"group": "/escape", "rights": "read"}],
            },
            "partner": {"url": "https://iam.lake.test/partner/"},
        },
        "fts": "https://fts.lake.test:8446",
        "rucio_release": "41",
    }


def storage_description() -> dict[str, Any]:
    return {
        "name": "LAB-XRD1",
        "site": "LAB",
        "system": "xrootd",
        "release": "5.5.3",
        "issuers": ["escape"],
        "location": {"country": "FR", "timezone": "Europe/Paris", "latitude": 45.9, "longitude": 6.1},
        "doors": [
            {"scheme": "root", "host": "se1.lake.test", "port": 1094},
            {"scheme": "davs", "host": "se1.lake.test", "port": 1094},
        ],
        "areas": [
            {"name": "fast", "path": "/escape/fast", "qos": "FAST", "capacity": "50TB", "media": "ssd", "partitions": ["/data/fast"]},
            {
                "name": "safe",
                "path": "/escape/safe",
                "qos": "SAFE",
                "capacity": "200TB",
                "media": "hdd",
                "copies": 2,
                "redundancy": "replica",
                "partitions": ["/data/safe"],
            },
        ],
    }


@pytest.fixture
def lake_data() -> dict[str, Any]:
    return lake_description()


@pytest.fixture
def storage_data() -> dict[str, Any]:
    return storage_description()


@pytest.fixture(scope="session")
def lake() -> Lake:
    return load_lake(lake_description())
