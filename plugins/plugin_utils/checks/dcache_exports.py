# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The exports of an NFS door: who may write without proof of who they are. Source: dCache Book, config-nfs.md."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from posixpath import dirname

from ansible_collections.escape.datalake.plugins.plugin_utils.checks import dcache_rules as rules
from ansible_collections.escape.datalake.plugins.plugin_utils.checks.finding import Finding
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.dcache_layout import Host

CLIENT = re.compile(r"([^\s()]+)(?:\(([^)]*)\))?")
WORLD = frozenset({"*", "0.0.0.0/0", "0.0.0.0/0.0.0.0", "::/0"})


def check(host: Host, files: Mapping[str, str]) -> Iterator[Finding]:
    """files: text by path relative to the root."""
    paths: dict[str, None] = {}
    for service in host.services():
        if service.type == "nfs":
            paths[service.scope.value("nfs.export.file").lstrip("/")] = None
            directory = service.scope.value("nfs.export.dir").strip("/")
            paths.update(dict.fromkeys(sorted(path for path in files if dirname(path) == directory and path.endswith(".exports"))))
    for path in paths:
        for number, line in enumerate(files.get(path, "").split("\n"), 1):
            yield from _line(path, number, line.partition("#")[0])


def _line(path: str, number: int, text: str) -> Iterator[Finding]:
    exported, _blank, clients = text.strip().partition(" ")
    for match in CLIENT.finditer(clients):
        options = set((match[2] or "").replace(" ", "").split(","))
        proven = any(option.startswith("sec=krb5") for option in options)
        if match[1] not in WORLD or "rw" not in options or proven:
            continue
        root = "no_root_squash" in options
        who = "any user, root included" if root else "any user but root"
        yield rules.EXPORT_WORLD.at(
            path,
            number,
            f"Every host may mount {exported} and write as {who}: sec=sys believes the client.",
            "Name the hosts or networks of the clients, or demand sec=krb5.",
            rules.OPEN if root else None,
        )
