"""Builds a Debian package that stands in for dCache's: the same places and commands, domains that only listen.

usage: python build.py RELEASE OUTPUT.deb        (needs dpkg-deb)
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[2]
SHARE = "usr/share/dcache-stand-in"
PYTHON = f"exec /usr/bin/python3 -B /{SHARE}/host.py"
CONTROL = """\
Package: dcache
Version: {release}-1
Architecture: all
Maintainer: The escape.datalake authors <datalake@example.org>
Depends: python3 (>= 3.11), adduser
Description: Stand-in for dCache in the lab
 Places and commands of dCache's package. It stores nothing.
"""
POSTINST = """\
#!/bin/sh
set -e
getent group dcache >/dev/null || addgroup --system dcache
getent passwd dcache >/dev/null || adduser --system --ingroup dcache --home /var/lib/dcache --no-create-home dcache
chown dcache:dcache /var/lib/dcache /var/lib/dcache/config /var/log/dcache
[ ! -d /run/systemd/system ] || systemctl daemon-reload
"""
FILES = {
    "etc/dcache/dcache.conf": "# Settings of this host. What is not set here has the default of /usr/share/dcache/defaults.\n",
    "etc/dcache/gplazma.conf": (
        "# as the package brings it\n"
        "auth     optional   x509\nauth     optional   voms\n"
        "map      optional   gridmap\nmap      optional   vorolemap\nmap      requisite  authzdb\n"
        "session  requisite  roles\nsession  requisite  authzdb\n"
    ),
    "etc/dcache/layouts/single.conf": "# An example that no host reads.\n[dCacheDomain]\ndcache.broker.scheme = none\n",
    "lib/systemd/system/dcache.target": "[Unit]\nDescription=dCache\n[Install]\nWantedBy=multi-user.target\n",
}
PROGRAMS = {
    "usr/bin/dcache": f'#!/bin/sh\n{PYTHON} command "$@"\n',
    "lib/systemd/system-generators/dcache-generator": f'#!/bin/sh\n{PYTHON} generator "$@"\n',
}
DIRECTORIES = ("usr/share/dcache/services", "usr/share/dcache/defaults", "var/lib/dcache/config", "var/log/dcache", "etc/dcache/admin")


def build(release: str, output: Path) -> None:
    """Writes the package of one release."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        for directory in DIRECTORIES:
            (root / directory).mkdir(parents=True)
        for name, text in {**FILES, **PROGRAMS, f"{SHARE}/release": f"{release}\n"}.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            path.chmod(0o755 if name in PROGRAMS else 0o644)
        shutil.copy(HERE / "host.py", root / SHARE / "host.py")
        core = root / SHARE / "ansible_collections/escape/datalake/plugins/plugin_utils"
        for part in ("checks", "formats"):
            shutil.copytree(PROJECT / "plugins/plugin_utils" / part, core / part, ignore=shutil.ignore_patterns("__pycache__"))
        control = root / "DEBIAN"
        control.mkdir()
        (control / "control").write_text(CONTROL.format(release=release), "utf-8")
        (control / "conffiles").write_text("".join(f"/{name}\n" for name in FILES if name.startswith("etc/")), "utf-8")
        (control / "postinst").write_text(POSTINST, "utf-8")
        (control / "postinst").chmod(0o755)
        subprocess.run(
            ["dpkg-deb", "--root-owner-group", "-Zgzip", "--build", str(root), str(output)], check=True, stdout=subprocess.DEVNULL
        )


if __name__ == "__main__":
    build(sys.argv[1], Path(sys.argv[2]))
