# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connection to local podman containers through their name spaces."""

from __future__ import annotations

DOCUMENTATION = r"""
name: nsenter_podman
short_description: Runs tasks in a local podman container through nsenter
version_added: 0.1.0
description:
  - Finds the container's first process once, then enters its name spaces for every command.
  - Spares the 0.1 to 0.25 seconds that each C(podman exec) costs. Meant for the lab and for tests.
author:
  - The escape.datalake authors (@escape-wp2)
requirements:
  - root on the controller
options:
  remote_addr:
    description: Name of the container.
    type: str
    default: inventory_hostname
    vars:
      - name: inventory_hostname
      - name: ansible_host
  remote_user:
    description: Who runs the commands. Always root, so that C(become) changes nothing and needs no sudo.
    type: str
    choices: [root]
    default: root
"""

import os
import shutil
import subprocess

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection import ConnectionBase, ensure_connect

ENVIRONMENT = ["HOME=/root", "LANG=C.UTF-8", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
NAMESPACES = ["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root", "--wd"]


class Connection(ConnectionBase):  # type: ignore[misc]
    """Runs commands as root inside the container, and copies files through its root directory."""

    transport = "escape.datalake.nsenter_podman"
    has_pipelining = True
    _connected: bool  # kept by the base class

    def _connect(self) -> Connection:
        if self._connected:
            return self
        name = self.get_option("remote_addr")
        found = subprocess.run(["podman", "inspect", "-f", "{{.State.Pid}}", name], capture_output=True, text=True, check=False)
        pid = found.stdout.strip()
        if found.returncode or pid in ("", "0"):
            raise AnsibleConnectionFailure(f"container {name} is not running: {found.stderr.strip() or 'it was stopped'}")
        self._pid = pid
        self._connected = True
        return self

    @ensure_connect  # type: ignore[untyped-decorator]
    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        command = ["nsenter", "--target", self._pid, *NAMESPACES, "/usr/bin/env", "-i", *ENVIRONMENT, "/bin/sh", "-c", cmd]
        done = subprocess.run(command, input=in_data, capture_output=True, check=False)
        return done.returncode, done.stdout, done.stderr

    @ensure_connect  # type: ignore[untyped-decorator]
    def put_file(self, in_path: str, out_path: str) -> None:
        super().put_file(in_path, out_path)
        shutil.copyfile(in_path, self._inside(out_path))

    @ensure_connect  # type: ignore[untyped-decorator]
    def fetch_file(self, in_path: str, out_path: str) -> None:
        super().fetch_file(in_path, out_path)
        shutil.copyfile(self._inside(in_path), out_path)

    def close(self) -> None:
        self._connected = False

    def _inside(self, path: str) -> str:
        return os.path.join("/proc", self._pid, "root", path.lstrip("/"))
