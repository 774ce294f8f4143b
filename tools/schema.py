"""Writes docs/site-description.schema.json and the tables of docs/description.md from the model's tables of fields.

"schema --check" writes nothing and exits with 1 when one of them is out of step.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / ".cache"))

from ansible_collections.escape.datalake.plugins.plugin_utils.model import schema  # noqa: E402 -- found through the line above


def main() -> int:
    page = ROOT / "docs" / "description.md"
    wanted = {ROOT / "docs" / "site-description.schema.json": schema.schema_text(), page: schema.reference_page(page.read_text())}
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    for path in stale:
        print(f"schema: {path.relative_to(ROOT)} {'is out of step; run tools/schema' if '--check' in sys.argv else 'written'}")
        if "--check" not in sys.argv:
            path.write_text(wanted[path])
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
