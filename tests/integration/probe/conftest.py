# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two real XRootD servers of Debian in one container, and the lab's token issuer in this process, all on the loopback address.

In a container because libscitokens checks the issuer's certificate against the system's authorities, and the machine's must stay as they are.
"""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.escape.datalake.lab import ca
from ansible_collections.escape.datalake.lab.iam.app import create_app
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.probe_targets import Means
from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import load_lake, load_storage
from ansible_collections.escape.datalake.plugins.plugin_utils.model.storage import Lake, Storage
from werkzeug.serving import WSGIRequestHandler, make_server

ROOT = Path(__file__).resolve().parents[3]
BASE_IMAGE = "localhost/datalake-bookworm:1"
IMAGE = "localhost/datalake-probe-xrootd:1"
PACKAGES = "xrootd-server xrootd-server-plugins xrootd-plugins xrootd-scitokens-plugins"
HOST = "localhost"
CLIENT, SECRET = "probe", "probe:secret/1"
SCOPES = ["lab:mint", "storage.read:/", "storage.create:/", "storage.modify:/", "storage.stage:/"]

XROOTD_CFG = """\
all.sitename {name}
all.export /escape
oss.localroot /srv/{name}/ns
{spaces}
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
xrootd.chksum max 2 adler32 crc32c
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
        podman("exec", "-d", *user, self.container, "xrootd", "-c", f"/srv/{self.name}/xrootd.cfg", "-l", f"/srv/{self.name}/log", "-n", self.name)
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
        config = XROOTD_CFG.format(name=self.name, port=self.port, authorize=faults.authorize, spaces="")
        if faults.read_only_exports:
            config = config.replace("all.export /escape\n", "all.export /escape r/o\n")
        if not faults.checksum:
            config = config.replace("xrootd.chksum max 2 adler32 crc32c\n", "")
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
        podman(
            "exec",
            self.container,
            "sh",
            "-ec",
            f"cd /srv/{self.name}; rm -rf ns cache {self.name}; mkdir -p {folders} admin cache; chown -R xrootd: /srv/{self.name}; chown -R {owner}: ns",
        )


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


@pytest.fixture(scope="session")
def issuers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, str], Path]]:
    """Issuer URLs by name, and the folder of CA and certificates."""
    folder = tmp_path_factory.mktemp("issuer")
    ca.main(folder / "ca", [HOST])
    (port,) = free_ports(1)
    urls = {"escape": f"https://{HOST}:{port}/", "partner": f"https://{HOST}:{port}/partner/", "stranger": f"https://{HOST}:{port}/stranger/"}
    client = {"id": CLIENT, "secret": SECRET, "grants": ["client_credentials"], "scopes": SCOPES}
    poor = {"id": "poor", "secret": "poor", "grants": ["client_credentials"], "scopes": ["storage.read:/"]}
    config = {"data": str(folder / "data"), "issuers": [{"name": name, "url": url, "clients": [client, poor]} for name, url in urls.items()]}
    file = folder / "iam.yml"
    file.write_text(yaml.safe_dump(config))
    file.chmod(0o600)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ca" / f"{HOST}.pem", folder / "ca" / f"{HOST}.key")
    server = make_server(HOST, port, _one_slash(create_app(str(file))), threaded=True, ssl_context=context, request_handler=Silent)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield urls, folder / "ca"
    server.shutdown()
    thread.join()


@pytest.fixture(scope="session")
def container(issuers: tuple[dict[str, str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    if not shutil.which("podman"):
        pytest.skip("podman is not installed")
    if podman("image", "exists", IMAGE, check=False).returncode:
        _build()
    _urls, certificates = issuers
    folder = tmp_path_factory.mktemp("xrootd")
    for name in ("one", "two"):
        (folder / name).mkdir()
    folder.chmod(0o755)
    name = f"wtp-xrootd-{os.getpid()}"
    volumes = ("--volume", f"{folder}:/srv", "--volume", f"{certificates}:/certificates:ro")
    podman("run", "-d", "--rm", "--name", name, "--network", "host", *volumes, IMAGE, "sleep", "infinity")
    try:
        script = f"""
            cp /certificates/ca.pem /usr/local/share/ca-certificates/lab.crt; update-ca-certificates
            mkdir -p /etc/xrootd/tls/ca; cp /certificates/ca.pem /etc/xrootd/tls/ca/; openssl rehash /etc/xrootd/tls/ca
            cp /certificates/{HOST}.pem /etc/xrootd/tls/host.pem
            install -o xrootd -m 400 /certificates/{HOST}.key /etc/xrootd/tls/host.key
        """
        podman("exec", name, "sh", "-ec", script)
        yield name, folder
    finally:
        podman("rm", "-f", "-t", "1", name, check=False)


@pytest.fixture(scope="session")
def _servers(issuers: tuple[dict[str, str], Path], container: tuple[str, Path]) -> LabLake:
    urls, certificates = issuers
    name, folder = container
    ports = free_ports(2)
    first = XrootdServer(name, folder, "one", ports[0], urls, ("fast", "safe"))
    second = XrootdServer(name, folder, "two", ports[1], urls, ("scratch",))
    first.start()
    second.start()
    access = [{"group": "/escape/data-manager", "rights": "write"}, {"group": "/escape", "rights": "read"}]
    lake_data = {
        "name": "test",
        "issuers": {"escape": {"url": urls["escape"], "access": access}, "partner": {"url": urls["partner"]}, "stranger": {"url": urls["stranger"]}},
    }
    storages_data = [
        {
            "name": f"TEST-{server.name.upper()}",
            "site": "TEST",
            "system": "xrootd",
            "release": "5.5.3",
            "issuers": ["escape", "partner"],
            "base_path": "/escape",
            "doors": [{"scheme": "davs", "host": HOST, "port": server.port}],
            "areas": [
                {"name": area, "path": f"/escape/{area}", "qos": qos, "capacity": "1TB", "media": media, **facts} for area, qos, media, facts in areas
            ],
        }
        for server, areas in (
            (first, (("fast", "FAST", "ssd", {}), ("safe", "SAFE", "hdd", {"copies": 2, "redundancy": "replica"}))),
            (second, (("scratch", "OPPORTUNISTIC", "hdd", {}),)),
        )
    ]
    lake = load_lake(lake_data)
    storages = tuple(load_storage(each, lake) for each in storages_data)
    means = {issuer: Means(issuer, url, CLIENT, SECRET, lab_mint=True) for issuer, url in urls.items()}
    return LabLake(lake, storages, first, second, means, str(certificates / "ca.pem"), {"lake": lake_data, "storages": storages_data})


@pytest.fixture
def lab_lake(_servers: LabLake) -> Iterator[LabLake]:
    """The lake with correctly configured servers; a test may start the first one with faults."""
    if _servers.first.faults != Faults():
        _servers.first.start()
    yield _servers
    if _servers.first.faults != Faults():
        _servers.first.start()


class Silent(WSGIRequestHandler):
    """Writes no log of requests."""

    def log_request(self, *_words: object) -> None:
        return


def _one_slash(app: Callable[..., Any]) -> Callable[..., Any]:
    """libscitokens joins an issuer's slash and its own, and does not follow redirects."""

    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        return app({**environ, "PATH_INFO": environ["PATH_INFO"].replace("//", "/")}, start_response)

    return answer


def _build() -> None:
    if podman("image", "exists", BASE_IMAGE, check=False).returncode:
        subprocess.run([str(ROOT / "tools/image"), "bookworm"], check=True)
    name = f"wtp-build-{os.getpid()}"
    install = f"apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends {PACKAGES} && apt-get clean"
    try:
        podman("run", "--name", name, "--network", "host", BASE_IMAGE, "sh", "-c", install)
        podman("commit", "-q", name, IMAGE)
    finally:
        podman("rm", "-f", name, check=False)
