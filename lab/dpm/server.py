# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for the DOME daemon of a DPM head node: its REST orders over TLS with client certificates. Python's own library is enough.

    python3 -m lab.dpm.server config.json

The configuration: ``listen`` ([address, port]), ``certificate``, ``key``, ``ca`` (PEM files), ``state`` (its file), ``disks`` (bytes by
server and file system), ``settings`` (a domehead.conf, whose ``glb.auth.authorizeDN[]`` are the subjects of client
certificates that may give orders) or ``authorized`` (their list), ``log`` (optional).
"""

from __future__ import annotations

import json
import re
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from .dome import Dome

PREFIX = "/domehead/command/"
VERSION = "dome [1.15.2] running as head"


def authorized_by(settings: str | None) -> set[str]:
    """The subjects that a domehead.conf lists."""
    text = Path(settings).read_text() if settings else ""
    return {found.strip(' "') for found in re.findall(r"^glb\.auth\.authorizeDN\[\]:(.*)$", text, re.MULTILINE)}


def subject_of(certificate: dict[str, Any] | None) -> str:
    """The subject of a client certificate in the form of ``glb.auth.authorizeDN[]``; empty without one."""
    names = {"commonName": "CN", "organizationName": "O", "organizationalUnitName": "OU", "countryName": "C", "domainComponent": "DC"}
    parts = [(names.get(key, key), value) for rdn in (certificate or {}).get("subject", ()) for key, value in rdn]
    return ",".join(f"{key}={value}" for key, value in reversed(parts))


class DomeServer(ThreadingHTTPServer):
    """The server and what it serves."""

    dome: Dome


def make_server(config: dict[str, Any]) -> DomeServer:
    """The server for a configuration; it does not serve yet."""
    dome = Dome(Path(config["state"]), config.get("disks", {}))
    authorized = set(config.get("authorized", ())) | authorized_by(config.get("settings"))
    log = open(config["log"], "a", buffering=1) if config.get("log") else None  # noqa: SIM115 (kept open as long as the server)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = "stand-in"

        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            subject = subject_of(self.connection.getpeercert())  # type: ignore[attr-defined]
            if not self.path.startswith(PREFIX):
                return self._answer(404, f"there is nothing at {self.path}")
            command = self.path.removeprefix(PREFIX)
            if command == "dome_info":
                words = "GRANTED" if subject in authorized else "DENIED"
                return self._answer(200, f"{VERSION}\r\nYour DN: {subject}\r\n\r\nACCESS TO DOME {words}.\r\n")
            if subject not in authorized:
                return self._answer(403, f"{subject} is unauthorized. Sorry :-)")
            try:
                fields = json.loads(body) if body else {}
            except ValueError:
                return self._answer(422, "Error while parsing json body")
            return self._answer(*dome.answer(self.command, command, fields))

        def _answer(self, status: int, body: Any) -> None:
            text = body if isinstance(body, str) else json.dumps(body) if body else '""'
            data = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain" if isinstance(body, str) else "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, form: str, *words: Any) -> None:
            if log:
                print(form % words, file=log)

    server = DomeServer((config["listen"][0], config["listen"][1]), Handler)
    server.dome = dome
    server.daemon_threads = True
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=config["ca"])
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_cert_chain(config["certificate"], config["key"])
    # The handshake is made by the thread that serves the connection, so a client that says nothing holds up nobody.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    return server


def main(arguments: list[str]) -> None:
    make_server(json.loads(Path(arguments[0]).read_text())).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
