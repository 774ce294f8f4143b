"""What the stand-in for dCache does on a host: the command ``dcache``, the generator of systemd units, and domains that only listen.

The configuration is read with the project's own model of dCache, which lies beside this file.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import dcache_properties  # noqa: E402
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.dcache_site import load_site  # noqa: E402
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.dcache_layout import Domain, Host, Scope  # noqa: E402

CONFIGURATION = Path("/etc/dcache")
ADMIN_SERVER = Path("/etc/dcache/stand-in-admin")
"""A program that serves the admin shell and the REST interface; it is started with the domain of the service admin, when it is there."""
WORDS = {"error": "ERROR", "warning": "WARNING", "notice": "INFO"}
EXIT = {"error": 2, "warning": 1, "notice": 0}
DATABASES = {"pnfsmanager": "chimera", "pinmanager": "pinmanager", "spacemanager": "spacemanager", "bulk": "bulk", "qos-engine": "qos"}
UNIT = """\
[Unit]
Description=dCache domain {name} (stand-in)
PartOf=dcache.target
After=network-online.target postgresql.service
[Service]
User={user}
ExecStart=/usr/bin/python3 -B {program} domain {name}
Restart=on-failure
"""


def release() -> str:
    return (HERE / "release").read_text("utf-8").strip()


def files() -> dict[str, str]:
    """The configuration, by path relative to the root."""
    found = {}
    for path in [*CONFIGURATION.glob("*.conf"), *CONFIGURATION.glob("layouts/*.conf")]:
        found[str(path).lstrip("/")] = path.read_text("utf-8")
    return found


def host() -> Host:
    return load_site(files(), release(), socket.getfqdn()).hosts[0]


def command(arguments: list[str]) -> int:
    """The parts of the command ``dcache`` that the lab uses."""
    if arguments == ["version"]:
        print(release())
        return 0
    if arguments == ["check-config"]:
        return check_config()
    if arguments == ["services"]:
        for domain in host().domains:
            for service in domain.services:
                print(domain.name, service.type)
        return 0
    if arguments in (["database", "ls"], ["database", "update"]):
        for domain in host().domains:
            for service in domain.services:
                if service.type in DATABASES:
                    print(domain.name, service.type, DATABASES[service.type])
                    if arguments[1] == "update":
                        update(service.scope, DATABASES[service.type])
        return 0
    print(f"dcache (stand-in): {' '.join(arguments)!r} is not among version, check-config, services, database ls, database update")
    return 2


def check_config() -> int:
    worst = 0
    for finding in dcache_properties.check_config(files(), release(), socket.getfqdn()):
        print(f"[{WORDS[finding.severity.value]}] /{finding.file}:{finding.line}: {finding.message}")
        worst = max(worst, EXIT[finding.severity.value])
    return worst


def update(scope: Scope, database: str) -> None:
    """Leaves a table in a database, as a migration of its schema would."""
    server, user, password = (scope.value(f"dcache.db.{name}") for name in ("host", "user", "password.file"))
    statement = "create table if not exists databasechangelog (id text)"
    subprocess.run(
        ["psql", "--quiet", "--host", server or "localhost", "--username", user or "dcache", "--dbname", database, "--command", statement],
        env={**os.environ, "PGPASSFILE": password, "PGOPTIONS": "--client-min-messages=warning"},
        check=True,
    )


def generator(arguments: list[str]) -> int:
    """Writes a unit for each domain of the layout; systemd calls it with three directories, the first for ordinary units."""
    target = Path(arguments[0])
    wants = target / "dcache.target.wants"
    for domain in host().domains:
        name = f"dcache@{domain.name}.service"
        user = domain.scope.value("dcache.user") or "dcache"
        (target / name).write_text(UNIT.format(name=domain.name, user=user, program=HERE / "host.py"), "utf-8")
        wants.mkdir(exist_ok=True)
        link = wants / name
        link.unlink(missing_ok=True)
        link.symlink_to(target / name)
    return 0


def domain(arguments: list[str]) -> int:
    """Runs one domain: its doors listen and let nobody in."""
    here = next((each for each in host().domains if each.name == arguments[0]), None)
    if here is None:
        print(f"There is no domain {arguments[0]} in the layout.", file=sys.stderr)
        return 1
    for service in here.services:
        if service.type in DATABASES and service.scope.value("dcache.db.schema.auto") == "true":
            update(service.scope, DATABASES[service.type])
    asyncio.run(serve(here))
    return 0


async def serve(here: Domain) -> None:
    helper = None
    if ADMIN_SERVER.exists() and any(service.type == "admin" for service in here.services):
        helper = await asyncio.create_subprocess_exec(str(ADMIN_SERVER))
    for service in here.services:
        port = service.scope.value(f"{service.type}.net.port")
        if (
            service.type not in ("webdav", "frontend", "xrootd", "admin")
            or not port.isdigit()
            or (ADMIN_SERVER.exists() and service.type in ("frontend", "admin"))
        ):
            continue
        context = None
        if service.scope.value(f"{service.type}.authn.protocol") == "https":
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(service.scope.value("dcache.authn.hostcert.cert"), service.scope.value("dcache.authn.hostcert.key"))
        await asyncio.start_server(refuse, host=None, port=int(port), ssl=context)
        print(f"{service.type} listens on port {port}", flush=True)
    print(f"domain {here.name} of dCache {release()} (stand-in) is up", flush=True)
    await (helper.wait() if helper else asyncio.Event().wait())


async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers a request of HTTP with 401, anything else with silence."""
    try:
        line = await asyncio.wait_for(reader.readline(), 30)
        if b"HTTP/" in line:
            writer.write(b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
    except (OSError, TimeoutError):
        pass
    finally:
        writer.close()


if __name__ == "__main__":
    sys.exit({"command": command, "generator": generator, "domain": domain}[sys.argv[1]](sys.argv[2:]))
