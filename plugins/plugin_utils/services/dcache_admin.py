# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""dCache's admin shell over SSH: one log-in for all commands of a task.

Without a terminal the shell writes answers to its stdout and errors to its stderr, without prompt, echo or exit code (dCache
NoTerminalCommand, the same from 5.2 to 12). To know where an answer ends, two marks follow each command: ``\\timeout N``, which is answered
with the number, and a word that is no command, which is answered with an error that repeats it.
"""

from __future__ import annotations

import contextlib
import os
import queue
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO

from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError, WriteRefused

SERVICE = "dCache admin shell"
DEFAULT_PORT = 22224
MARK = "datalake-mark"
FIRST_TIMEOUT = 600  # seconds that the shell gives a command; the marks count up from here
REFUSALS = re.compile(
    r"does not exist|cannot accommodate|only has|no longer published|not found|^Cannot |(?i:required option is missing)", re.MULTILINE
)
"""How older commands say in an ordinary answer that they did nothing."""


class AdminError(ApiError):
    """A command that was refused, or a shell that cannot be reached."""

    def __init__(self, place: str, command: str, words: str) -> None:
        super().__init__(SERVICE, command.split(" ", 1)[0], place, None, words)
        self.args = (f"{SERVICE} {place}: {f'`{command}`: ' if command else ''}{words}",)


@dataclass(frozen=True)
class AdminLogin:
    """Where and as whom. host_key: the server's public key (``ssh-ed25519 AAAA...``); else known_hosts, else the user's own file counts.

    timeout: seconds for the log-in and for each command.
    """

    host: str
    port: int = DEFAULT_PORT
    user: str = "admin"
    key_file: str | None = None
    password: str | None = field(default=None, repr=False)
    host_key: str | None = None
    known_hosts: str | None = None
    timeout: float = 120.0

    @property
    def place(self) -> str:
        return f"ssh://{self.user}@{self.host}:{self.port}"


class AdminShell:
    """A session that is opened by its first command. read_only: commands that write raise WriteRefused (check mode)."""

    def __init__(self, login: AdminLogin, *, read_only: bool = False) -> None:
        self.login, self.read_only = login, read_only
        self._count = {"requests": 0, "writes": 0}
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[tuple[str, str | None]] = queue.Queue()
        self._number = FIRST_TIMEOUT
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    @property
    def traffic(self) -> dict[str, int]:
        """Commands sent, and how many of them ask for a change."""
        return dict(self._count)

    def __enter__(self) -> AdminShell:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def read(self, command: str) -> str:
        """The answer to a command that changes nothing. Raises AdminError."""
        return self._run(command)

    def write(self, command: str, expected: str = "") -> str:
        """Sends a command that changes something, once. expected: pattern of the answer to a command that does answer.

        Raises AdminError for an error, and for an answer that says that nothing was done.
        """
        if self.read_only:
            raise WriteRefused(f"{SERVICE}: {command} in check mode")
        self._count["writes"] += 1
        answer = self._run(command)
        if REFUSALS.search(answer) or (expected and not re.search(expected, answer)):
            raise AdminError(self.login.place, command, answer.strip() or "no answer, where one was expected")
        return answer

    def close(self) -> None:
        """Ends the session. It may be called again."""
        if self._process is not None:
            process, self._process = self._process, None
            with contextlib.suppress(OSError):
                if process.stdin:
                    process.stdin.close()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for stream in (process.stdout, process.stderr):
                if stream:
                    stream.close()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _run(self, command: str) -> str:
        if "\n" in command or "\r" in command:
            raise AdminError(self.login.place, command.split("\n")[0], "a command is one line")
        if self._process is None:
            self._open()
        self._count["requests"] += 1
        answer, errors = self._exchange(command)
        if errors:
            raise AdminError(self.login.place, command, errors)
        return answer

    def _open(self) -> None:
        ssh = shutil.which("ssh")
        if ssh is None:
            raise AdminError(self.login.place, "", "the OpenSSH client is missing on the controller: install openssh-client")
        key = self.login.key_file
        if key and not os.access(key, os.R_OK):
            raise AdminError(
                self.login.place, "", f"the key file {key} cannot be read on the controller: name the private key of the admin user"
            )
        self._lines = queue.Queue()
        self._folder = tempfile.TemporaryDirectory(prefix="datalake-admin-")
        self._process = subprocess.Popen(
            [ssh, *self._options(Path(self._folder.name)), "-p", str(self.login.port), f"{self.login.user}@{self.login.host}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self._environment(Path(self._folder.name)),
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # no controlling terminal that ssh could ask at
        )
        for name, stream in (("out", self._process.stdout), ("err", self._process.stderr)):
            threading.Thread(target=self._pump, args=(name, stream), daemon=True).start()
        try:
            self._exchange("")
        except AdminError:
            self.close()
            raise

    def _options(self, folder: Path) -> list[str]:
        login = self.login
        known = login.known_hosts
        if login.host_key:
            file = folder / "known_hosts"
            file.write_text(f"{f'[{login.host}]:{login.port}' if login.port != 22 else login.host} {login.host_key.strip()}\n")
            known = str(file)
        methods = [*(["publickey"] if login.key_file or not login.password else []), *(["password"] if login.password else [])]
        given = {
            "StrictHostKeyChecking": "yes",
            "PreferredAuthentications": ",".join(methods),
            "NumberOfPasswordPrompts": "1",
            "ConnectTimeout": str(max(1, int(login.timeout))),
            "ServerAliveInterval": "15",
            "LogLevel": "ERROR",
            "ForwardAgent": "no",
            "ClearAllForwardings": "yes",
            "RequestTTY": "no",
            **({"UserKnownHostsFile": known, "GlobalKnownHostsFile": "/dev/null"} if known else {}),
            **({"IdentityFile": login.key_file, "IdentitiesOnly": "yes"} if login.key_file else {}),
            **({} if login.password else {"BatchMode": "yes"}),
        }
        return [
            "-T",
            *(word for name, value in given.items() for word in ("-o", f'{name}="{value}"' if " " in value else f"{name}={value}")),
        ]

    def _environment(self, folder: Path) -> dict[str, str]:
        """The password goes by the environment of ssh and its helper, which only this user and root can read; never by argv or a file."""
        environment = {name: value for name, value in os.environ.items() if name not in ("SSH_ASKPASS", "DISPLAY", "TERM")}
        if self.login.password:
            helper = folder / "askpass"
            helper.write_text("#!/bin/sh\nprintf '%s\\n' \"$DATALAKE_ADMIN_PASSWORD\"\n")
            helper.chmod(0o700)
            environment |= {
                "SSH_ASKPASS": str(helper),
                "SSH_ASKPASS_REQUIRE": "force",
                "DISPLAY": "none",
                "DATALAKE_ADMIN_PASSWORD": self.login.password,
            }
        return environment

    def _pump(self, name: str, stream: IO[str]) -> None:
        with contextlib.suppress(ValueError):  # closed while it was read
            for line in stream:
                self._lines.put((name, line.rstrip("\r\n")))
        self._lines.put((name, None))

    def _exchange(self, command: str) -> tuple[str, str]:
        """Answer and error text of one command."""
        self._number += 1
        number = self._number
        process = self._process
        if process is None or process.stdin is None:
            raise AdminError(self.login.place, command, "the session is closed")
        try:
            process.stdin.write(f"{command}\n\\timeout {number}\n{MARK}-{number}\n")
            process.stdin.flush()
        except OSError:
            pass  # what ssh said about it is read below
        parts: dict[str, list[str]] = {"out": [], "err": []}
        waiting = {"out": f"Timeout is {number} seconds.", "err": f"{MARK}-{number}"}
        closed = 0
        for name, line in self._until(command):
            if line is None:
                closed += 1
                if closed == len(parts):
                    said = "\n".join(text for text in [*parts["err"], *parts["out"]] if text and MARK not in text)
                    raise AdminError(self.login.place, command, _lost(said))
            elif name in waiting and waiting[name] in line:
                del waiting[name]
                if not waiting:
                    break
            elif name in waiting:
                parts[name].append(line)
        return "\n".join(parts["out"]).strip("\n"), "\n".join(line for line in parts["err"] if line.strip()).strip()

    def _until(self, command: str) -> Iterator[tuple[str, str | None]]:
        end = time.monotonic() + self.login.timeout
        while True:
            try:
                yield self._lines.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                self.close()
                words = f"no answer within {self.login.timeout:g} s; the cell is slow, or the shell hangs"
                raise AdminError(self.login.place, command, words) from None


def _lost(said: str) -> str:
    """What a closed connection means, with a remedy for the usual causes."""
    if "Host key verification failed" in said or "REMOTE HOST IDENTIFICATION HAS CHANGED" in said:
        return (
            "the host key of the server is not the expected one, so nothing was sent. Give its key as host_key "
            "(`ssh-keyscan -p PORT HOST`, compared with admin.paths.host-keys on the host)."
        )
    if "Permission denied" in said:
        return "the log-in was refused: check user, key (admin.paths.authorized-keys, authorized_keys2) or password."
    return f"the connection ended: {said or 'without a word'}. Check address and port, and that the admin service runs."
