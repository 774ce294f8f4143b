# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A PostgreSQL of the benchmark's own, on a socket in a folder."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from rucio_server import environment

DRIVER = ("psycopg[binary]", "psycopg-pool")


class Cluster:
    """Starts with the with statement and is gone after it. Raises SystemExit where PostgreSQL is not installed."""

    def __init__(self, home: Path) -> None:
        self.home = home / "postgresql"
        self.process = 0
        self._programs = programs()

    def __enter__(self) -> Self:
        subprocess.run([environment(), "-m", "pip", "install", "-q", "--disable-pip-version-check", *DRIVER], check=True)
        self.home.mkdir()
        self.home.parent.chmod(0o755)
        if os.getuid() == 0:
            shutil.chown(self.home, "postgres", "postgres")
        self._run("initdb", "--auth=trust", "--username=rucio", "-D", str(self.home / "data"))
        self._run("pg_ctl", "-w", "-D", str(self.home / "data"), "-l", str(self.home / "log"), "-o", f"-k {self.home} -h ''", "start")
        self.process = int((self.home / "data/postmaster.pid").read_text().splitlines()[0])
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self._run("pg_ctl", "-m", "immediate", "-D", str(self.home / "data"), "stop")

    def fresh(self, name: str) -> str:
        """The SQLAlchemy address of a new database."""
        self._run("createdb", "-h", str(self.home), "-U", "rucio", name)
        return f"postgresql+psycopg://rucio@/{name}?host={self.home}"

    def _run(self, program: str, *arguments: str) -> None:
        """The programs refuse to run as root."""
        who = pwd.getpwnam("postgres").pw_name if os.getuid() == 0 else None
        subprocess.run([self._programs / program, *arguments], check=True, stdout=subprocess.DEVNULL, user=who, cwd=self.home)


def programs() -> Path:
    """The folder of initdb and pg_ctl."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if not found:
        raise SystemExit("bench: PostgreSQL is not installed. Install it: tools/setup --bench")
    return found[-1].parent
