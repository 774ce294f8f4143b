"""Runs the stand-in for a dCache: admin shell over SSH, and the frontend over TLS. One process for each dCache.

python -m lab.dcache.server CONFIG.yml
"""

from __future__ import annotations

import argparse
import asyncio
import ssl
import sys
import threading

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from . import shell
from .cells import Cells, first_state
from .config import Config, ConfigError, load
from .rest import create_app
from .store import Log, Store
from .words import CommandError


class Quiet(WSGIRequestHandler):
    """Keeps connections open, and leaves logging to the stand-in's own log."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: object) -> None:
        pass


def parts(config: Config) -> tuple[Store, Log]:
    """State and log below ``data``."""
    return Store(config.data / "dcache.json", lambda: first_state(config)), Log(config.data / "access.log")


def frontend(config: Config, store: Store, log: Log) -> BaseWSGIServer | None:
    rest = config.rest
    if rest is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(rest.certificate, rest.key)
    app = create_app(config, rest, store, log)
    return make_server(rest.host, rest.port, app, threaded=True, request_handler=Quiet, ssl_context=context)


async def run(config: Config) -> None:
    """Serves until it is cancelled."""
    store, log = parts(config)
    with store.change():
        pass  # a file that PoolManager refuses must be told now
    web = frontend(config, store, log)
    if web is not None:
        threading.Thread(target=web.serve_forever, daemon=True).start()
    await shell.serve(config.ssh, Cells(config, store), log)
    print("ready", flush=True)
    await asyncio.Event().wait()


def main() -> int:
    parser = argparse.ArgumentParser(prog="lab.dcache.server", description=__doc__)
    parser.add_argument("config")
    try:
        asyncio.run(run(load(parser.parse_args().config)))
    except (ConfigError, CommandError, OSError) as problem:
        print(f"lab.dcache.server: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
