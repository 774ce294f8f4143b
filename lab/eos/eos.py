# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for the ``eos`` console: commands that administer an instance, answers in the documented form, and no instance behind.

usage: eos.py [-b] [-j] [-r UID GID] [root://HOST] COMMAND... | FILE.eosh

State is one JSON file, $EOS_STANDIN_STATE or /var/lib/eos-standin/state.json. Forms of answers: mgm/proc/IProcCommand.cc (JSON),
mgm/FsView.cc (spaces, groups, file systems), mgm/Quota.cc, common/Mapping.cc (identities), mgm/proc/user/Attr.cc and Fileinfo.cc,
console/ConsoleMain.cc.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

EPERM, ENOENT, EEXIST, EINVAL = 1, 2, 17, 22
LAYOUTS = {"plain", "replica", "archive", "raiddp", "raid5", "raid6", "qrain"}
FIRST = {
    "spaces": {"default": {"groupsize": "0", "groupmod": "24", "quota": "off"}},
    "groups": {},
    "fs": [],
    "quotas": {},
    "vid": {'tident:"*@localhost":uid': "0", 'tident:"*@localhost":gid': "0", 'sss:"<pwd>":uid': "0", 'sss:"<pwd>":gid': "0"},
    "directories": {"/": {"mode": "2755", "attributes": {}}, "/eos": {"mode": "2755", "attributes": {}}},
}


class Refused(Exception):
    """What a command answers instead of doing what it was asked for."""

    def __init__(self, code: int, message: str) -> None:
        self.code, self.message = code, message
        super().__init__(message)


class Console:
    """One run of the console."""

    def __init__(self, path: Path, as_json: bool) -> None:
        self.path, self.json = path, as_json
        self.state: dict[str, Any] = json.loads(path.read_text()) if path.exists() else json.loads(json.dumps(FIRST))
        self.code = 0

    def save(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(self.state, indent=1, sort_keys=True))
        os.replace(new, self.path)

    def run(self, line: str) -> None:
        """One line as it is typed. The answer goes to stdout; in plain text, complaints go to stderr."""
        words = shlex.split(line.replace('"', "'\"'") if "set map" in line else line)
        name, rest = words[0], words[1:]
        if name == "json":
            self.json = not self.json
            print(f"json={int(self.json)}", file=sys.stderr)
            return
        if name == "pwd":
            print("/")
            return
        command = COMMANDS.get(name)
        if command is None:
            print(f"{name}: No such command for EOS Console.", file=sys.stderr)
            self.code = -1
            return
        text, problem = "", Refused(0, "")
        try:
            text = command(self, rest)
            self.save()
        except Refused as refusal:
            problem = refusal
        self.code = problem.code
        if self.json:
            print(json.dumps({"errormsg": problem.message, "result": as_rows(text), "retc": str(problem.code)}, indent=1))
            return
        if text:
            print(text.rstrip("\n"))
        if problem.message:
            print(f"{problem.message} (errc={problem.code}) ({os.strerror(problem.code)})", file=sys.stderr)

    # --- commands -----------------------------------------------------------------------------------------------------------------------

    def space(self, words: list[str]) -> str:
        verb, rest = words[0], words[1:]
        spaces = self.state["spaces"]
        if verb == "ls":
            return "".join(self._space_row(name) for name in sorted(spaces))
        if verb == "define":
            settings = spaces.setdefault(rest[0], {"quota": "off"})
            settings.update(groupsize=rest[1] if len(rest) > 1 else "0", groupmod=rest[2] if len(rest) > 2 else "24")
            return f"info: creating space '{rest[0]}'"
        if rest[0] not in spaces:
            raise Refused(ENOENT if verb == "status" else EINVAL, f"error: cannot find space - no space with name={rest[0]}")
        if verb == "status":
            return "".join(f"{key}={value} " for key, value in sorted(spaces[rest[0]].items())) + "\n"
        if verb == "set":
            for group in self.state["groups"]:
                if group.split(".")[0] == rest[0]:
                    self.state["groups"][group] = rest[1]
            return ""
        if verb == "config":
            key, _sign, value = rest[1].partition("=")
            if not key.startswith("space."):
                raise Refused(EINVAL, "error: the parameter is not supported by the stand-in")
            key = key.removeprefix("space.")
            if key == "policy.layout" and value not in {*LAYOUTS, "remove"}:
                raise Refused(EINVAL, f"error: invalid layout {value}")
            if value == "remove":
                spaces[rest[0]].pop(key, None)
            else:
                spaces[rest[0]][key] = value
            return f"success: configured policy in space='{rest[0]}' as {key}='{value}'"
        raise Refused(EINVAL, "error: not supported")

    def _space_row(self, name: str) -> str:
        settings = self.state["spaces"][name]
        disks = [each for each in self.state["fs"] if each["schedgroup"].split(".")[0] == name]
        row = {"type": "spaceview", "name": name, "cfg.groupsize": settings["groupsize"], "cfg.groupmod": settings["groupmod"]}
        row.update({"nofs": len(disks), "avg.stat.disk.load": "0.00", "cfg.quota": settings["quota"], "cfg.nominalsize": "???"})
        return line_of(row)

    def group(self, _words: list[str]) -> str:
        rows = [{"type": "groupview", "cfg.status": status, "name": name} for name, status in sorted(self.state["groups"].items())]
        return "".join(line_of(row) for row in rows)

    def fs(self, words: list[str]) -> str:
        verb, rest = words[0], words[1:]
        disks = self.state["fs"]
        if verb == "ls":
            return "".join(line_of({**each, "stat.boot": "booted", "local.drain": "nodrain", "stat.active": "online"}) for each in disks)
        if verb != "add":
            raise Refused(EINVAL, "error: not supported by the stand-in")
        uuid, node, path, target = rest[:4]
        status = rest[4] if len(rest) > 4 else "off"
        host, _colon, port = node.partition(":")
        space = target.split(".")[0]
        if space not in self.state["spaces"]:
            raise Refused(EINVAL, f'error: not such space "{space}"')
        if any((each["host"], each["port"], each["path"]) == (host, port, path) for each in disks):
            raise Refused(EEXIST, "error: cannot register filesystem - it already exists!")
        if any(each["uuid"] == uuid for each in disks):
            raise Refused(EEXIST, f"error: file system identified by uuid={uuid} id=0 already exists")
        group = self._free_group(space, host)
        self.state["groups"].setdefault(group, "off")
        number = 1 + max((int(each["id"]) for each in disks), default=0)
        row = {"host": host, "port": port, "id": str(number), "uuid": uuid, "path": path, "schedgroup": group, "configstatus": status}
        disks.append(row)
        return f"success: mapped '{uuid}' <=> fsid={number}"

    def _free_group(self, space: str, host: str) -> str:
        """The first group that has no disk of the host and is not full."""
        settings = self.state["spaces"][space]
        for number in range(int(settings["groupmod"])):
            here = [each for each in self.state["fs"] if each["schedgroup"] == f"{space}.{number}"]
            full = int(settings["groupsize"]) and len(here) >= int(settings["groupsize"])
            if not full and all(each["host"] != host for each in here):
                return f"{space}.{number}"
        raise Refused(EINVAL, "error: no group available for file system")

    def quota(self, words: list[str]) -> str:
        verb, rest = words[0], words[1:]
        quotas = self.state["quotas"]
        if verb == "ls":
            rows = [
                {"quota": "node", "gid": gid, "space": path, "usedbytes": 0, "maxbytes": size, "maxlogicalbytes": size, "maxfiles": 0}
                for path, found in sorted(quotas.items())
                for gid, size in sorted(found.items())
            ]
            return "".join(line_of(row) for row in rows)
        if verb != "set":
            raise Refused(EINVAL, "error: not supported by the stand-in")
        options = dict(zip(rest[::2], rest[1::2], strict=True))
        path = options["-p"].rstrip("/")
        if path not in self.state["directories"]:
            raise Refused(EINVAL, f"error: path {path} does not exist")
        quotas.setdefault(f"{path}/", {})[options["-g"]] = int(options["-v"])
        return f"success: updated volume quota for gid={options['-g']} for node {path}/"

    def vid(self, words: list[str]) -> str:
        maps = self.state["vid"]
        verb, rest = words[0], words[1:]
        if verb == "ls":
            rules = [f"{key} => {value}\n" for key, value in sorted(maps.items())]
            return "sudoer                 => uids()\ntokensudo              => always\n" + "".join(rules) + "publicaccesslevel: => 1024\n"
        if verb == "enable":
            number = "99" if rest[0] == "unix" else "0"
            maps.update({f'{rest[0]}:"<pwd>":{kind}': number for kind in ("uid", "gid")})
            return f"success: set vid [ {rest[0]} ]"
        if verb == "set" and rest[0] == "map":
            pattern = rest[2].strip('"')
            for target in rest[3:]:
                kind, _colon, number = target.partition(":")
                if not number.isdigit():
                    raise Refused(EINVAL, f"error: failed to set vid [ {target} ]")
                maps[f'{rest[1].lstrip("-")}:"{pattern}":{kind.removeprefix("v")}'] = number
            return "success: set vid"
        raise Refused(EINVAL, "error: not supported by the stand-in")

    def mkdir(self, words: list[str]) -> str:
        path = words[-1].rstrip("/")
        parents = [path[:at] for at, letter in enumerate(path) if letter == "/" and at]
        for each in [*parents, path]:
            if each not in self.state["directories"]:
                if each != path and "-p" not in words:
                    raise Refused(ENOENT, f"error: unable to create directory {path}")
                above = self.state["directories"][each.rpartition("/")[0] or "/"]
                self.state["directories"][each] = {"mode": above["mode"], "attributes": dict(above["attributes"])}
        return ""

    def chmod(self, words: list[str]) -> str:
        mode, path = words[-2:]
        self._directory(path)["mode"] = f"{int(mode, 8):04o}"
        return f"success: mode of file/directory {path} is now '{mode}'"

    def attr(self, words: list[str]) -> str:
        verb, rest = words[0], words[1:]
        directory = self._directory(rest[-1])
        if verb == "ls":
            return "".join(f'{key}="{value}"\n' for key, value in sorted(directory["attributes"].items()))
        key, _sign, value = rest[0].partition("=")
        if verb == "set":
            if key == "sys.forced.layout" and value not in LAYOUTS:
                raise Refused(EINVAL, f"error: unable to set attribute in file/directory {rest[-1]}: invalid layout")
            directory["attributes"][key] = value.replace('"', "")
            return f"success: set attribute {key}={value} in directory {rest[-1]}"
        if verb == "rm" and key in directory["attributes"]:
            del directory["attributes"][key]
            return f"success: removed attribute '{key}' from file/directory {rest[-1]}"
        raise Refused(ENOENT, f"error: unable to remove attribute '{key}' in file/directory {rest[-1]}")

    def fileinfo(self, words: list[str]) -> str:
        path = words[0].rstrip("/")
        found = self._directory(path)
        attributes = "".join(f"xattrn={key} xattrv={value} " for key, value in sorted(found["attributes"].items()))
        place = f"keylength.file={len(path) + 1} file={path}/ treesize=0 container=0 files=0 "
        return f"{place}mode={found['mode']} uid=0 gid=0 fxid=00000001 detached=0 {attributes}"

    def version(self, _words: list[str]) -> str:
        return "EOS_INSTANCE=eosstandin\nEOS_SERVER_VERSION=5.2.0 EOS_SERVER_RELEASE=standin\n"

    def _directory(self, path: str) -> dict[str, Any]:
        if path.rstrip("/") not in self.state["directories"]:
            raise Refused(ENOENT, f"error: cannot stat '{path}'")
        found: dict[str, Any] = self.state["directories"][path.rstrip("/")]
        return found


COMMANDS: dict[str, Callable[[Console, list[str]], str]] = {
    "space": Console.space,
    "group": Console.group,
    "fs": Console.fs,
    "quota": Console.quota,
    "vid": Console.vid,
    "mkdir": Console.mkdir,
    "chmod": Console.chmod,
    "attr": Console.attr,
    "fileinfo": Console.fileinfo,
    "version": Console.version,
}


def line_of(row: dict[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in row.items()) + "\n"


def as_rows(text: str) -> list[dict[str, Any]]:
    """The server's conversion of lines of keys and values: dots make objects, what looks like a number becomes one."""
    rows = []
    for line in text.splitlines():
        row: dict[str, Any] = {}
        for word in line.split():
            key, sign, value = word.partition("=")
            at = row
            *parents, last = key.split(".")
            for part in parents:
                at = at.setdefault(part, {})
            try:
                at[last] = float(value)
            except ValueError:
                at[last] = value if sign and value else "NULL"
        rows.append(row)
    return rows


def main(arguments: list[str]) -> int:
    console = Console(Path(os.environ.get("EOS_STANDIN_STATE", "/var/lib/eos-standin/state.json")), False)
    while arguments and (arguments[0].startswith("-") or "://" in arguments[0]):
        option = arguments.pop(0)
        if option in ("-j", "--json"):
            console.json = True
        elif option in ("-r", "--role"):
            del arguments[:2]
    if arguments and arguments[0].endswith(".eosh"):
        for line in Path(arguments[0]).read_text().splitlines():
            if not line:
                break
            console.run(line.strip())
        return 0
    console.run(shlex.join(arguments))
    return console.code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
