# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stand-ins for StoRM's backend, frontend and GridFTP service: they read their files as the real ones, log in to the database, and listen.

They show that what the role wrote fits together; they speak neither SRM nor XML-RPC nor GridFTP. For the lab only.
usage: python -m lab.storm.services backend|frontend|gridftp
"""

from __future__ import annotations

import os
import socketserver
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

BACKEND = Path("/etc/storm/backend-server")
FRONTEND = Path("/etc/storm/frontend-server/storm-frontend-server.conf")
GRIDFTP = Path("/etc/grid-security/gridftp.conf")


class ConfigError(Exception):
    """The service does not start."""


def properties(file: Path) -> dict[str, str]:
    """Keys and values of a properties file."""
    pairs = (line.partition("=") for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return {key.strip(): value.strip() for key, equals, value in pairs if equals}


def log_in(user: str, password: str, database: str) -> None:
    """Raises ConfigError when the database refuses the user or has no tables."""
    question = ["mysql", f"--user={user}", "--protocol=tcp", "--host=127.0.0.1", "--execute=SELECT count(*) FROM db_version", database]
    answer = subprocess.run(question, env={**os.environ, "MYSQL_PWD": password}, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise ConfigError(f"{database}: {answer.stderr.strip()}")


def backend() -> int:
    """The port of the REST service."""
    settings = properties(BACKEND / "storm.properties")
    root = ElementTree.parse(BACKEND / "namespace.xml").getroot()
    names = {each.get("name") for each in root.iterfind("filesystems/filesystem")}
    strange = {each.findtext("mapped-fs") for each in root.iterfind("mapping-rules/map-rule")} - names
    missing = [each.findtext("root") or "" for each in root.iterfind("filesystems/filesystem")]
    missing = [path for path in missing if not Path(path).is_dir()]
    if strange or missing or not names:
        raise ConfigError(f"namespace.xml: unknown file systems {strange}, missing directories {missing}")
    log_in(settings["storm.service.request-db.username"], settings["storm.service.request-db.passwd"], "storm_db")
    return int(settings["storm.rest.services.port"])


def frontend() -> int:
    """The port of SRM."""
    settings = properties(FRONTEND)
    log_in(settings["db.user"], settings["db.passwd"], "storm_db")
    return int(settings["fe.port"])


def gridftp() -> int:
    """The control port."""
    words = [line.split() for line in GRIDFTP.read_text(encoding="utf-8").splitlines()]
    return next(int(each[1]) for each in words if each[:1] == ["port"])


class Silence(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.sendall(b"stand-in of the data lake lab\r\n")


def main(name: str) -> int:
    try:
        port = {"backend": backend, "frontend": frontend, "gridftp": gridftp}[name]()
    except (ConfigError, OSError, KeyError, ValueError, StopIteration, ElementTree.ParseError) as problem:
        print(f"storm {name} stand-in: {problem!r}", file=sys.stderr)
        return 1
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    with socketserver.ThreadingTCPServer(("", port), Silence) as server:
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
