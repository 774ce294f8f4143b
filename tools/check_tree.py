# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks a copy of a storage host's configuration tree (DIR/etc/dcache/...); changes nothing, needs no description and no network.

exit code: 0 clean or notices, 1 warnings, 2 errors, open doors or lock-outs, 3 the tree could not be checked.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import report, tree
from ansible_collections.escape.datalake.plugins.plugin_utils.site_files import Copy, gather

NOT_CHECKED = 3


def main() -> int:
    parser = argparse.ArgumentParser(prog="tools/check", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", help="directory that stands for the / of the host")
    parser.add_argument("--release", default="", help="full version of the storage software, such as 9.2.30")
    parser.add_argument("--system", default="", help="what to check, when the tree holds several systems")
    parser.add_argument("--report", type=Path, help="write the JSON report here")
    parser.add_argument("--sarif", type=Path, help="write a SARIF 2.1.0 report here")
    try:
        options = parser.parse_args()
    except SystemExit as end:
        return 0 if end.code in (None, 0) else NOT_CHECKED
    if not options.root:
        print("No root is given: make check ROOT=DIR RELEASE=x.y.z", file=sys.stderr)
        return NOT_CHECKED
    try:
        site = gather(Copy(Path(options.root)), options.system, options.release)
    except (OSError, tree.UnknownTreeError) as error:
        print(f"{options.root}: {error}", file=sys.stderr)
        return NOT_CHECKED
    system, findings = site.system, tree.check(site.files, site.system, options.release)
    for path, why in site.not_read.items():
        print(f"{path}: not read: {why}.", file=sys.stderr)
    reports = {
        options.report: report.as_json(system.name, options.release, findings),
        options.sarif: json.dumps(report.as_sarif(system.name, options.release, findings), indent=2) + "\n",
    }
    for path, text in reports.items():
        try:
            if path:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            print(f"The report is not written: {error}", file=sys.stderr)
            return NOT_CHECKED
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.stdout.write(report.as_text(system.name, options.release, findings))
    return report.exit_code(findings)


if __name__ == "__main__":
    sys.exit(main())
