# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stand-in for StoRM's information provider: a storage report of the file systems in namespace.xml. For the lab only.

usage: python -m lab.storm.report get-report-json -o FILE
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

NAMESPACE = Path("/etc/storm/backend-server/namespace.xml")


def main(target: str) -> None:
    root = ElementTree.parse(NAMESPACE).getroot()
    paths = {rule.findtext("mapped-fs"): rule.findtext("stfn-root") for rule in root.iterfind("mapping-rules/map-rule")}
    shares = [
        {
            "name": each.findtext("space-token-description"),
            "path": [paths[each.get("name")]],
            "totalsize": int(each.findtext("properties/TotalOnlineSize") or 0),
            "usedsize": sum(file.lstat().st_size for file in Path(each.findtext("root") or "/nowhere").rglob("*") if file.is_file()),
            "retentionpolicy": each.findtext("properties/RetentionPolicy"),
            "accesslatency": each.findtext("properties/AccessLatency"),
        }
        for each in root.iterfind("filesystems/filesystem")
    ]
    report = {"storageservice": {"latestupdate": int(time.time()), "storageshares": shares}}
    Path(target).write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[-1])
