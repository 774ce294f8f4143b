# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A token issuer and two storages for the tests of the probe, made once for all of them."""

from __future__ import annotations

import os
import shutil
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from ansible_collections.escape.datalake.lab import ca
from ansible_collections.escape.datalake.lab.iam.app import create_app
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.probe_targets import Means
from ansible_collections.escape.datalake.plugins.plugin_utils.model.parse import load_lake, load_storage
from werkzeug.serving import make_server
from xrootd_lake import (
    CHECKSUM_PROGRAM,
    CLIENT,
    HOST,
    IMAGE,
    SCOPES,
    SECRET,
    Faults,
    LabLake,
    Silent,
    XrootdServer,
    build_image,
    free_ports,
    podman,
)


@pytest.fixture(scope="session")
def issuers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, str], Path]]:
    """Issuer URLs by name, and the folder of CA and certificates."""
    folder = tmp_path_factory.mktemp("issuer")
    ca.main(folder / "ca", [HOST])
    (port,) = free_ports(1)
    base = f"https://{HOST}:{port}/"
    urls = {"escape": base, "partner": f"{base}partner/", "stranger": f"{base}stranger/"}
    client = {"id": CLIENT, "secret": SECRET, "grants": ["client_credentials"], "scopes": SCOPES}
    poor = {"id": "poor", "secret": "poor", "grants": ["client_credentials"], "scopes": ["storage.read:/"]}
    config = {
        "data": str(folder / "data"),
        "issuers": [{"name": name, "url": url, "clients": [client, poor]} for name, url in urls.items()],
    }
    file = folder / "iam.yml"
    file.write_text(yaml.safe_dump(config))
    file.chmod(0o600)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ca" / f"{HOST}.pem", folder / "ca" / f"{HOST}.key")
    server = make_server(HOST, port, create_app(str(file)), threaded=True, ssl_context=context, request_handler=Silent)
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
        build_image()
    _urls, certificates = issuers
    folder = tmp_path_factory.mktemp("xrootd")
    for name in ("one", "two"):
        (folder / name).mkdir()
    shutil.copy(CHECKSUM_PROGRAM, folder)
    folder.chmod(0o755)
    name = f"datalake-probe-xrootd-{os.getpid()}"
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
def servers(issuers: tuple[dict[str, str], Path], container: tuple[str, Path]) -> LabLake:
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
        "issuers": {name: {"url": url, **({"access": access} if name == "escape" else {})} for name, url in urls.items()},
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
                {"name": area, "path": f"/escape/{area}", "qos": qos, "capacity": "1TB", "media": media, **facts}
                for area, qos, media, facts in areas
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
    return LabLake(
        lake,
        storages,
        first,
        second,
        means,
        str(certificates / "ca.pem"),
        {"lake": lake_data, "storages": dict(zip(("one", "two"), storages_data, strict=True))},
    )


@pytest.fixture
def lab_lake(servers: LabLake) -> Iterator[LabLake]:
    """The lake with correctly configured servers; a test may start the first one with faults."""
    if servers.first.faults != Faults():
        servers.first.start()
    yield servers
    if servers.first.faults != Faults():
        servers.first.start()
