# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two real XRootD servers of Debian in one container, and the lab's token issuer in this process, all on the loopback address.

In a container because libscitokens checks the issuer's certificate against the system's authorities; the machine's must stay as they are.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.checks.probe_targets import Means
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Lake, Storage
from werkzeug.serving import WSGIRequestHandler

ROOT = Path(__file__).resolve().parents[3]
BASE_IMAGE = "localhost/datalake-bookworm:1"
IMAGE = "localhost/datalake-probe-xrootd:1"
# Before 5.9.2 a checksum that is ready at once ends the server or makes it silent (docs/xrootd.md); this program takes its time.
CHECKSUM_PROGRAM = ROOT / "lab/xrootd/slow-adler32"
PACKAGES = "xrootd-server xrootd-server-plugins xrootd-plugins xrootd-scitokens-plugins"
HOST = "localhost"
CLIENT, SECRET = "probe", "probe:secret/1"
SCOPES = ["lab:mint", "storage.read:/", "storage.create:/", "storage.modify:/", "storage.stage:/"]

XROOTD_CFG = """\
all.sitename {name}
all.export /escape
oss.localroot /srv/{name}/ns
xrd.port {port}
xrd.protocol XrdHttp:{port} libXrdHttp.so
xrd.tls /etc/xrootd/tls/host.pem /etc/xrootd/tls/host.key
xrd.tlsca certdir /etc/xrootd/tls/ca
xrootd.tls capable all
http.desthttps yes
http.selfhttps2http no
http.header2cgi Authorization authz
http.exthandler xrdtpc libXrdHttpTPC.so
xrootd.seclib libXrdSec.so
sec.protocol ztn
sec.protbind * only ztn
{authorize}
ofs.authlib ++ libXrdAccSciTokens.so config=/srv/{name}/scitokens.cfg
acc.authdb /srv/{name}/authdb
acc.audit deny
{checksum}
all.adminpath /srv/{name}/admin
all.pidpath /srv/{name}/admin
"""


def podman(*words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CONTAINERS_CONF": str(ROOT / "lab/containers.conf")}
    done = subprocess.run(["podman", *words], capture_output=True, text=True, env=environment, check=False)
    if check and done.returncode:
        raise RuntimeError(f"podman {' '.join(words)}: {done.stderr[-2000:]}{done.stdout[-2000:]}")
    return done


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _number in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@dataclass(frozen=True)
class Faults:
    """What is wrong with a server's configuration; nothing by default."""

    authorize: str = "ofs.authorize 1"
    base_path: str = "/escape"
    audiences: tuple[str, ...] | None = None
    check_audience: bool = True
    bind_groups: bool = True
    groups: tuple[tuple[str, str], ...] = (("/escape/data-manager", "a"), ("/escape", "rl"))
    trusted: tuple[str, ...] = ("escape", "partner")
    read_only_exports: bool = False
    read_only_storage: bool = False
    checksum: bool = True


@dataclass
class XrootdServer:
    """One server; start() writes its configuration and (re)starts it."""

    container: str
    folder: Path
    name: str
    port: int
    issuers: dict[str, str]
    areas: tuple[str, ...]
    faults: Faults = field(default_factory=Faults)

    def start(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.stop()
        self._configure()
        user = ("--user", "xrootd", "--env", f"XDG_CACHE_HOME=/srv/{self.name}/cache")
        podman(
            "exec",
            "-d",
            *user,
            self.container,
            "xrootd",
            "-c",
            f"/srv/{self.name}/xrootd.cfg",
            "-l",
            f"/srv/{self.name}/log",
            "-n",
            self.name,
        )
        for _attempt in range(100):
            with socket.socket() as probe:
                probe.settimeout(1)
                if probe.connect_ex((HOST, self.port)) == 0:
                    return
            time.sleep(0.1)
        log = podman("exec", self.container, "sh", "-c", f"tail -30 /srv/{self.name}/{self.name}/log", check=False).stdout
        raise RuntimeError(f"xrootd {self.name} does not start:\n{log}")

    def stop(self) -> None:
        podman("exec", self.container, "pkill", "-f", f"xrootd -c /srv/{self.name}/xrootd.cfg", check=False)
        for _attempt in range(100):
            if podman("exec", self.container, "pgrep", "-f", f"xrootd -c /srv/{self.name}/xrootd.cfg", check=False).returncode:
                return
            time.sleep(0.1)

    def files(self) -> list[str]:
        """Everything in the name space of the server, below its areas."""
        found = podman("exec", self.container, "find", f"/srv/{self.name}/ns/escape", "-mindepth", "2").stdout.split()
        return sorted(name.removeprefix(f"/srv/{self.name}/ns") for name in found)

    def make(self, *directories: str) -> None:
        for name in directories:
            podman("exec", "--user", "xrootd", self.container, "mkdir", "-p", f"/srv/{self.name}/ns{name}")
            podman("exec", "--user", "xrootd", self.container, "touch", f"/srv/{self.name}/ns{name}/file")

    def _configure(self) -> None:
        faults = self.faults
        checksum = f"xrootd.chksum max 2 adler32 /srv/{CHECKSUM_PROGRAM.name} /srv/{self.name}/ns" if faults.checksum else ""
        config = XROOTD_CFG.format(name=self.name, port=self.port, authorize=faults.authorize, checksum=checksum)
        if faults.read_only_exports:
            config = config.replace("all.export /escape\n", "all.export /escape r/o\n")
        audiences = faults.audiences or ("https://wlcg.cern.ch/jwt/v1/any", f"https://{HOST}:{self.port}", HOST)
        scitokens = "[Global]\nonmissing = passthrough\n"
        if faults.check_audience:
            scitokens += f"audience = {', '.join(audiences)}\n"
        else:
            scitokens += f"audience = {', '.join((*audiences, 'https://somewhere-else.invalid'))}\n"
        for name in faults.trusted:
            scitokens += f"\n[Issuer {name}]\nissuer = {self.issuers[name]}\nbase_path = {faults.base_path}\ndefault_user = nobody\n"
        if faults.bind_groups:
            lines = [f"= id{number} o: {self.issuers['escape']} g: {group}" for number, (group, _right) in enumerate(faults.groups)]
            lines += [f"x id{number} /escape {right}" for number, (_group, right) in enumerate(faults.groups)]
        else:
            lines = [f"g {group} /escape {right}" for group, right in faults.groups]
        for name, content in {"xrootd.cfg": config, "scitokens.cfg": scitokens, "authdb": "\n".join(lines) + "\n"}.items():
            (self.folder / self.name / name).write_text(content)
        folders = " ".join(f"/srv/{self.name}/ns/escape/{area}" for area in self.areas)
        owner = "root" if faults.read_only_storage else "xrootd"
        script = f"""
            cd /srv/{self.name}; rm -rf ns cache {self.name}; mkdir -p {folders} admin cache
            chown -R xrootd: .; chown -R {owner}: ns
        """
        podman("exec", self.container, "sh", "-ec", script)


@dataclass
class LabLake:
    """Everything that a probe needs to know."""

    lake: Lake
    storages: tuple[Storage, ...]
    first: XrootdServer
    second: XrootdServer
    means: dict[str, Means]
    ca: str
    description: dict[str, Any]

    def described(self, **changes: Any) -> tuple[Storage, ...]:
        """The storages with the first one's description changed."""
        return (replace(self.storages[0], **changes), *self.storages[1:])


class Silent(WSGIRequestHandler):
    """Writes no log of requests."""

    def log_request(self, *_words: object) -> None:
        return


def build_image() -> None:
    if podman("image", "exists", BASE_IMAGE, check=False).returncode:
        subprocess.run([str(ROOT / "tools/image"), "bookworm"], check=True)
    name = f"datalake-probe-build-{os.getpid()}"
    options = "-y -q --no-install-recommends"
    install = f"apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install {options} {PACKAGES} && apt-get clean"
    try:
        podman("run", "--name", name, "--network", "host", BASE_IMAGE, "sh", "-c", install)
        podman("commit", "-q", name, IMAGE)
    finally:
        podman("rm", "-f", name, check=False)
