# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks a copy of a storage host's configuration tree (DIR/etc/dcache/...); changes nothing, needs no description and no network.

exit code: 0 clean or notices, 1 warnings, 2 errors, open doors or lock-outs, 3 the tree could not be checked.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import report, tree

LARGEST = 64 * 1024 * 1024  # bytes; a configuration file is smaller
NOT_CHECKED = 3


def paths_below(root: Path) -> Iterator[str]:
    """Relative paths of the files in the directories that configurations live in; links to directories are not followed."""
    for top in ("etc", "opt", "usr/share", "usr/local/share", "var/lib", "var/spool"):
        for found in os.walk(root / top):
            for name in found[2]:
                yield (Path(found[0]) / name).relative_to(root).as_posix()


def read(root: Path, path: str) -> str | None:
    """The text of a file; None when it is no text."""
    file = root / path
    if not file.is_file() or file.stat().st_size > LARGEST:
        return None
    data = file.read_bytes()
    if b"\0" in data:
        return None
    return data.decode(errors="surrogateescape")


def main() -> int:
    parser = argparse.ArgumentParser(prog="tools/check", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, help="directory that stands for the / of the host")
    parser.add_argument("--release", default="", help="full version of the storage software, such as 9.2.30")
    parser.add_argument("--system", default="", help="what to check, when the tree holds several systems")
    parser.add_argument("--report", type=Path, help="write the JSON report here")
    parser.add_argument("--sarif", type=Path, help="write a SARIF 2.1.0 report here")
    options = parser.parse_args()
    try:
        if not options.root.is_dir():
            raise NotADirectoryError(f"{options.root} is no directory.")
        paths = sorted(paths_below(options.root))
        system = tree.system_named(options.system) if options.system else tree.detect(paths)
        texts = ((path, read(options.root, path)) for path in paths if tree.wanted(system, path))
        files = {path: text for path, text in texts if text is not None}
    except (OSError, tree.UnknownTreeError) as error:
        print(f"{options.root}: {error}", file=sys.stderr)
        return NOT_CHECKED
    findings = tree.check(files, system, options.release)
    if options.report:
        options.report.write_text(report.as_json(system.name, options.release, findings), encoding="utf-8", errors="backslashreplace")
    if options.sarif:
        sarif = json.dumps(report.as_sarif(system.name, options.release, findings), indent=2)
        options.sarif.write_text(sarif + "\n", encoding="utf-8")
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.stdout.write(report.as_text(system.name, options.release, findings))
    return report.exit_code(findings)


if __name__ == "__main__":
    sys.exit(main())
