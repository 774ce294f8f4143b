"""The admin shell over SSH, as dCache gives it to a client without a terminal: no prompt, answers on stdout, errors on stderr."""

from __future__ import annotations

import asyncio
import fnmatch

import asyncssh

from .cells import Cells, writes
from .config import Ssh
from .store import Log
from .words import CommandError, parse


class Quit(Exception):
    """The session ends."""


class Session:
    """One log-in. Commands are as in dCache's UserAdminShell: those with a backslash, others only when connected to a cell."""

    def __init__(self, cells: Cells, log: Log, number: int) -> None:
        self._cells, self._log, self._number = cells, log, number
        self._connected = ""
        self._timeout = 300

    def run(self, line: str) -> str:
        """The answer to a line; raises CommandError or Quit."""
        if not line.strip():
            return ""
        if not line.startswith("\\"):
            if not self._connected:
                raise CommandError(f"Syntax error: Command not found: {line}")
            return self._send(self._connected, line)
        name, _blank, rest = line.partition(" ")
        match name:
            case "\\q":
                raise Quit
            case "\\sp":
                return self._send("PoolManager", rest)
            case "\\sn":
                return self._send("PnfsManager", rest)
            case "\\s":
                cell, _blank, command = rest.strip().partition(" ")
                return self._send_to(cell, command)
            case "\\c":
                if rest.strip() not in self._cells.names():
                    raise CommandError("Cell does not exist.")
                self._connected = rest.strip()
                return ""
            case "\\timeout":
                return self._set_timeout(parse(rest).arguments)
            case "\\l":
                pattern = rest.strip() or "*"
                return "\n".join(each for each in self._cells.names() if fnmatch.fnmatchcase(each, pattern))
        raise CommandError(f"Syntax error: Command not found: {line}")

    def _set_timeout(self, arguments: tuple[str, ...]) -> str:
        if arguments:
            if not arguments[0].isdigit() or int(arguments[0]) < 1:
                raise CommandError("java.lang.IllegalArgumentException: Timeout must be positive.")
            self._timeout = int(arguments[0])
        return f"Timeout is {self._timeout} seconds."

    def _send_to(self, destination: str, command: str) -> str:
        if "," not in destination and "*" not in destination:
            return self._send(destination, command)
        patterns = destination.split(",")
        cells = [name for name in self._cells.names() if any(fnmatch.fnmatchcase(name, each) for each in patterns)]
        lines = []
        for cell in cells:
            try:
                answer = self._send(cell, command)
            except CommandError as problem:
                lines.append(f"{cell}: {problem}")
                continue
            lines.append(f"{cell}:{'' if answer else ' OK'}")
            lines += [f"    {line}" for line in answer.splitlines()]
        return "\n".join(lines) + "\n"

    def _send(self, cell: str, command: str) -> str:
        self._log.add("ssh", f"{cell} {command.strip()}", write=writes(command), session=self._number)
        return self._cells.send(cell, command.strip())


class Server(asyncssh.SSHServer):
    """Who may log in."""

    def __init__(self, config: Ssh, log: Log) -> None:
        self._config, self._log = config, log

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn

    def begin_auth(self, username: str) -> bool:
        keys = self._config.authorized_keys
        if username == self._config.user and keys and keys.exists():
            self._connection.set_authorized_keys(str(keys))
        return True

    def password_auth_supported(self) -> bool:
        return bool(self._config.password)

    def validate_password(self, username: str, password: str) -> bool:
        return username == self._config.user and password == self._config.password

    def auth_completed(self) -> None:
        self._log.add("ssh", "login", write=False)


async def serve(config: Ssh, cells: Cells, log: Log) -> asyncssh.SSHAcceptor:
    """Listens; the key of the host is made at the first start."""
    if not config.host_key.exists():
        config.host_key.parent.mkdir(parents=True, exist_ok=True)
        asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(config.host_key))
        config.host_key.chmod(0o600)
        asyncssh.read_private_key(str(config.host_key)).write_public_key(f"{config.host_key}.pub")
    sessions = iter(range(1, 10**9))

    async def handle(process: asyncssh.SSHServerProcess[str]) -> None:
        session = Session(cells, log, next(sessions))
        lines = process.command.split(";") if process.command is not None else None
        await _talk(process, session, lines)
        process.exit(0)

    return await asyncssh.create_server(
        lambda: Server(config, log),
        config.host,
        config.port,
        server_host_keys=[str(config.host_key)],
        process_factory=handle,
        line_editor=False,
        encoding="utf-8",
    )


async def _talk(process: asyncssh.SSHServerProcess[str], session: Session, lines: list[str] | None) -> None:
    given = iter(lines) if lines is not None else None
    while True:
        if given is not None:
            line = next(given, None)
        else:
            try:
                line = await process.stdin.readline() or None
            except (asyncssh.BreakReceived, asyncssh.TerminalSizeChanged):
                continue
        if line is None:
            return
        try:
            answer = await asyncio.to_thread(session.run, line.rstrip("\r\n"))
        except Quit:
            return
        except CommandError as problem:
            process.stderr.write(f"{problem}\n")
            continue
        if answer:
            process.stdout.write(answer if answer.endswith("\n\n") else f"{answer.rstrip(chr(10))}\n\n")
