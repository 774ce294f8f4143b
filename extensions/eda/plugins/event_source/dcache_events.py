# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Event source for ansible-rulebook: the storage events of a dCache frontend.

Arguments: url, paths, token_file or token; flags, ca_path and client_id as of the module storage_events. Each event is a mapping with the
keys kind, id, directory, path, name, flags and, for moves, cookie; ``kind: SYSTEM`` with ``data.type: EVENT_LOSS`` says that events may be
missing. The token file is read again for every connection, so that a fresh token is used.

Example::

    sources:
      - escape.datalake.dcache_events:
          url: https://dcache.example.org:3880
          paths: [/escape/ingest]
          flags: [IN_CLOSE_WRITE, IN_MOVED_TO]
          token_file: /run/secrets/token
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any


def _import_collection() -> None:
    """Makes the collection importable where ansible-rulebook runs this file by its path.

    Installed, it lies in ``ansible_collections/escape/datalake``; a checkout has a link of that name in ``.cache``.
    """
    collection = Path(__file__).parents[4]
    namespaces = collection.parent.parent
    sys.path.append(str(namespaces.parent if namespaces.name == "ansible_collections" else collection / ".cache"))


_import_collection()
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError, HttpClient, Tls  # noqa: E402
from ansible_collections.escape.datalake.plugins.plugin_utils.services.sse import FLAGS, EventChannel  # noqa: E402

KNOWN = frozenset({"url", "paths", "flags", "token", "token_file", "ca_path", "client_id"})
PAUSE = 10.0  # seconds before a frontend that stays away is asked again


async def main(queue: asyncio.Queue[Any], args: dict[str, Any]) -> None:
    """Puts every event into the queue until it is cancelled.

    Raises ValueError for arguments that cannot be used, ApiError for a refusal.
    """
    unknown = set(args) - KNOWN
    if unknown or not args.get("url") or not args.get("paths") or not (args.get("token") or args.get("token_file")):
        problem = f"unknown: {', '.join(sorted(unknown))}. " if unknown else ""
        raise ValueError(f"dcache_events: {problem}Needed are url, paths, and token or token_file; known are {', '.join(sorted(KNOWN))}.")
    loop = asyncio.get_running_loop()
    while True:
        client = HttpClient("dCache frontend", args["url"], tls=Tls(args.get("ca_path")))
        token = args.get("token") or Path(args["token_file"]).expanduser().read_text(encoding="utf-8")
        client.headers["Authorization"] = f"Bearer {token.strip()}"
        watched = [(path, args.get("flags") or FLAGS) for path in args["paths"]]
        channel = EventChannel(client, watched, args.get("client_id", "ansible-rulebook"))

        def listen(channel: EventChannel = channel) -> None:
            with channel:
                for event in channel.events():
                    asyncio.run_coroutine_threadsafe(queue.put(event.as_dict()), loop).result()

        try:
            await asyncio.to_thread(listen)
        except ApiError as problem:
            if problem.status is not None and problem.status < 500:
                raise
            await asyncio.sleep(PAUSE)
        except asyncio.CancelledError:
            channel.stop()
            raise


if __name__ == "__main__":

    class Printer(asyncio.Queue[Any]):
        """Shows events in the place of rules, to try the source by hand: ``python dcache_events.py URL TOKEN_FILE PATH...``."""

        async def put(self, item: Any) -> None:
            print(item, flush=True)

    if len(sys.argv) < 4:
        sys.exit("usage: python dcache_events.py URL TOKEN_FILE PATH...")
    url, token_file, *paths = sys.argv[1:]
    asyncio.run(main(Printer(), {"url": url, "token_file": token_file, "paths": paths}))
