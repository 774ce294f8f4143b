# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What "make lab" says at its end: the lake that stands, from the report and the transfers in its folder.

usage: python lab/summary.py DIRECTORY DOMAIN
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def summary(report: dict[str, Any], transfers: list[dict[str, Any]], directory: str, domain: str) -> str:
    """The text. report: report.json. transfers: what lab_transfer.yml kept."""
    moved = {each["rse"]: each for each in transfers}
    lines = [f"{'RSE':<18} {'QoS class':<15} {'probe':<24} file of the Rucio client"]
    for rse in report["rses"]:
        results = [check["result"] for check in rse["checks"]]
        proof = f"{rse['verdict']}: " + ", ".join(
            f"{results.count(each)} {each}" for each in ("ok", "warning", "failed") if each in results
        )
        file = moved.get(rse["name"])
        words = "none" if file is None else f"{file['did']}, adler32 {file['adler32_downloaded']} {'ok' if file['ok'] else 'DIFFERS'}"
        lines.append(f"{rse['name']:<18} {rse['qos']:<15} {proof:<24} {words}")
    last = report["runs"][-1]
    lines += [
        "",
        f"Last run of site.yml: {last['seconds']} s, {last['tasks']} task executions, {last['changed']} changed, "
        f"{last['rucio_requests']} requests to Rucio, {last['rucio_writes']} of them writes.",
        "",
        f"CRIC (stand-in)   https://cric.{domain}/",
        f"Rucio             https://rucio.{domain}/ping",
        f"token issuer      https://iam.{domain}/.well-known/openid-configuration (stand-in)",
        f"report            {directory}/report.html, {directory}/report.json",
        f"authority         {directory}/ca/ca.pem (browsers and clients must trust it)",
    ]
    return "\n".join(lines)


def main(directory: str, domain: str) -> None:
    folder = Path(directory)
    report, transfers = (json.loads((folder / name).read_text(encoding="utf-8")) for name in ("report.json", "transfers.json"))
    print(summary(report, transfers, directory, domain))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
