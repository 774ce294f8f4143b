# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What "make lab-escape" says at its end: the configurations that were rendered, and the RSEs that Rucio holds.

usage: python lab/escape_summary.py DIRECTORY DOMAIN
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def summary(kept: Mapping[str, Any], directory: str, domain: str) -> str:
    """The text. kept: what playbooks/lab/escape.yml wrote."""
    lines = ["Configurations, rendered and checked", *(f"  {line}" for line in kept["configurations"]), "", "RSEs in Rucio"]
    for name, rse in sorted(kept["rses"].items()):
        door = min(rse["protocols"], key=lambda each: each["domains"]["wan"]["read"] or sys.maxsize)
        place = f"{door['scheme']}://{door['hostname']}:{door['port']}{door['prefix']}"
        lines.append(f"  {name:<18} {rse['attributes']['QOS']:<15} {rse['properties']['rse_type']:<5} {place}")
    lines += [
        "",
        f"configurations    {directory}/rendered",
        f"CRIC (stand-in)   https://cric.{domain}/",
        f"Rucio             https://rucio.{domain}/ping",
        f"authority         {directory}/ca/ca.pem (browsers and clients must trust it)",
    ]
    return "\n".join(lines)


def main(directory: str, domain: str) -> None:
    print(summary(json.loads((Path(directory) / "escape.json").read_text(encoding="utf-8")), directory, domain))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
