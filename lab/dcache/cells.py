"""The cells behind the admin shell: PoolManager, pools, SrmSpaceManager, PnfsManager."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from . import poolmanager
from .config import Config
from .poolmanager import PoolManager
from .store import Store
from .words import CommandError, Words, parse

READS = (
    "psu dump",
    "psu ls",
    "psu match",
    "pm ls",
    "info",
    "help",
    "hsm ls",
    "hsm show",
    "ls ",
    "qos policies",
    "show qos policy",
    "mover queue ls",
)
UNITS = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15}


def first_state(config: Config) -> dict[str, Any]:
    """State of a dCache that never ran: PoolManager is seeded by its file. Raises CommandError for a file that it refuses."""
    state: dict[str, Any] = {
        "poolmanager": poolmanager.built_in(),
        "link groups": [],
        "spaces": {},
        "next space": 1,
        "hsm": {},
        "tags": {},
        "directories": sorted(set(config.directories)),
        "files": {},
        "policies": {},
        "bulk": {},
        "stages": {},
    }
    if config.poolmanager.exists():
        manager(config, state).load(config.poolmanager.read_text(), config.poolmanager.name)
    return state


def manager(config: Config, state: dict[str, Any]) -> PoolManager:
    return PoolManager(state["poolmanager"], primary=config.release >= (7, 1, 0), nested=config.release >= (8, 2, 0))


def writes(command: str) -> bool:
    """Whether a cell command asks for a change."""
    return not command.strip().startswith(READS)


class Cells:
    """Commands to cells by name."""

    def __init__(self, config: Config, store: Store) -> None:
        self._config, self._store = config, store

    def names(self) -> list[str]:
        return sorted(["PoolManager", "PnfsManager", "SrmSpaceManager", "gPlazma", *self._config.pools])

    def send(self, cell: str, command: str) -> str:
        """The answer of a cell; raises CommandError."""
        words = parse(command)
        with self._store.change() as state:
            self._pools_report(state)
            if cell == "PoolManager":
                return self._pool_manager(state, words)
            if cell == "PnfsManager":
                return _name_space(state, words)
            if cell == "SrmSpaceManager":
                return self._space_manager(state, words)
            if cell in self._config.pools:
                return self._pool(state, cell, words)
        raise CommandError(f"Cell name does not exist or cell is not started: Route for >{cell}@local< not found")

    def _pools_report(self, state: dict[str, Any]) -> None:
        """Pools that the setup does not name join `default` as they start, where there is such a group."""
        known = state["poolmanager"]
        for name in self._config.pools:
            if name not in known["pools"]:
                known["pools"][name] = {"enabled": True, "rdonly": False, "ping": True}
                if "default" in known["pgroups"]:
                    known["pgroups"]["default"]["pools"].append(name)

    def _pool_manager(self, state: dict[str, Any], words: Words) -> str:
        running = manager(self._config, state)
        file = self._config.poolmanager
        match words.arguments:
            case ("save",):
                _save(file, running.setup("PoolManager(org.dcache.poolmanager.PoolManagerV6)"))
                return ""
            case ("reload",):
                if "yes" not in words.options:
                    raise CommandError("Required option is missing.")
                if not file.exists():
                    return f"Setup file [{file}] does not exist"
                running.load(file.read_text(), file.name)
                return ""
            case ("info",):
                return "Cell Name PoolManager\n"
        return running.run(words)

    def _pool(self, state: dict[str, Any], cell: str, words: Words) -> str:
        stores = state["hsm"].setdefault(cell, {})
        match words.arguments:
            case ("hsm", "ls", *instances):
                return "".join(_store_lines(name, stores.get(name)) for name in instances or sorted(stores))
            case ("hsm", "create", kind, *more):
                instance = more[0] if more else kind
                if instance in stores:
                    raise CommandError(f"Nearline storage already exists: {instance}")
                stores[instance] = {"type": kind, "provider": more[1] if len(more) > 1 else "script", "options": words.options}
            case ("hsm", "set", instance):
                if instance not in stores:
                    raise CommandError(f"No such nearline storage: {instance}")
                stores[instance]["options"].update(words.options)
            case ("hsm", "remove", instance):
                stores.pop(instance, None)
            case ("save",):
                path = self._config.pools[cell]
                if path:
                    _save(Path(path) / "setup", _pool_setup(cell, stores))
            case ("info",):
                return f"Cell Name {cell}\n"
            case _:
                raise CommandError(f"Command not found: {' '.join(words.arguments)}")
        return ""

    def _space_manager(self, state: dict[str, Any], words: Words) -> str:
        match words.arguments:
            case ("update", "link", "groups"):
                state["link groups"] = sorted(state["poolmanager"]["linkgroups"])
                return "Update started."
            case ("ls", "link", "groups"):
                return "".join(_link_group_line(state, name, self._config.free) for name in state["link groups"])
            case ("ls", "spaces"):
                return _spaces(state)
            case ("reserve", "space", size):
                return self._reserve(state, words.options, size)
            case ("update", "space", token):
                return self._update(state, words.options, token)
            case ("release", "space", token):
                space = _space(state, token)
                space["state"] = "RELEASED"
                return _space_text(token, space)
        raise CommandError(f"Command not found: {' '.join(words.arguments)}")

    def _reserve(self, state: dict[str, Any], options: dict[str, str], size: str) -> str:
        for option in ("al", "rp", "lg"):
            if option not in options:
                raise CommandError(f"Required option is missing: {option}")
        group = options["lg"]
        if group not in state["link groups"]:
            raise CommandError(f"No such link group: {group}")
        allowed = state["poolmanager"]["linkgroups"].get(group)
        if allowed is None:
            return f"Link group {group} has existed, but it is no longer published by pool manager."
        for option in ("al", "rp"):
            if not allowed.get(options[option].lower()):
                return f"Link group {group} cannot accommodate {options[option].upper()} reservations."
        left = self._config.free - _reserved(state, group)
        count = _bytes(size)
        if count > left:
            return f"Link group {group} only has {left} bytes available."
        token = str(state["next space"])
        state["next space"] += 1
        state["spaces"][token] = {
            "group": group,
            "al": options["al"].upper(),
            "rp": options["rp"].upper(),
            "size": count,
            "description": options.get("desc"),
            "state": "RESERVED",
            "used": 0,
        }
        return _space_text(token, state["spaces"][token])

    def _update(self, state: dict[str, Any], options: dict[str, str], token: str) -> str:
        space = _space(state, token)
        if "size" in options:
            count = _bytes(options["size"])
            if count - space["size"] > self._config.free - _reserved(state, space["group"]):
                raise CommandError("Not enough free space in link group")
            space["size"] = count
        if "desc" in options:
            space["description"] = options["desc"]
        return _space_text(token, space)


def _save(path: Path, text: str) -> None:
    """As dCache does: the old file becomes .bak."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        path.replace(path.with_name(path.name + ".bak"))
    path.write_text(text)


def _pool_setup(cell: str, stores: dict[str, Any]) -> str:
    lines = [f"#\n# Created by {cell}(org.dcache.pool.classic.PoolV4)\n#"]
    for instance, store in sorted(stores.items()):
        options = "".join(f" -{name}={value}" if value else f" -{name}" for name, value in sorted(store["options"].items()))
        lines.append(f"hsm create {store['type']} {instance} {store['provider']}{options}")
    return "\n".join(lines) + "\n"


def _store_lines(name: str, store: dict[str, Any] | None) -> str:
    if store is None:
        return f"{name} not found\n"
    options = "".join(f"   {option:<20}{value or '<set>'}\n" for option, value in sorted(store["options"].items()))
    return f"{name}({store['type']}):{store['provider']}\n{options}"


def _name_space(state: dict[str, Any], words: Words) -> str:
    match words.arguments:
        case ("qos", "policies"):
            return "\n".join(sorted(state["policies"]))
        case ("show", "qos", "policy", name):
            return json.dumps(state["policies"][name], indent=2) if name in state["policies"] else f"{name} not found."
    raise CommandError(f"Command not found: {' '.join(words.arguments)}")


def _reserved(state: dict[str, Any], group: str) -> int:
    return sum(space["size"] for space in state["spaces"].values() if space["group"] == group and space["state"] == "RESERVED")


def _link_group_line(state: dict[str, Any], name: str, free: int) -> str:
    allowed = state["poolmanager"]["linkgroups"].get(name, {})
    flags = "".join(letter if allowed.get(kind) else "-" for kind, letter in (("output", "o"), ("replica", "r"), ("custodial", "c")))
    late = "".join(letter if allowed.get(kind) else "-" for kind, letter in (("nearline", "n"), ("online", "o")))
    used = _reserved(state, name)
    return f"-{flags}:{late} 0 {used} + {free - used} = {free} {name}\n"


def _spaces(state: dict[str, Any]) -> str:
    rows = [("TOKEN", "LINKGROUP", "RETENTION", "LATENCY", "ALLO", "USED", "FREE", "SIZE", "DESCRIPTION")]
    for token, space in sorted(state["spaces"].items(), key=lambda pair: int(pair[0])):
        if space["state"] == "RESERVED":
            free = space["size"] - space["used"]
            numbers = ("0", str(space["used"]), str(free), str(space["size"]))
            rows.append((token, space["group"], space["rp"], space["al"], *numbers, space["description"] or ""))
    widths = [max(len(row[column]) for row in rows) for column in range(9)]
    lines = []
    for row in rows:
        cells = [
            text.ljust(width) if column in (1, 2, 3, 8) else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        mark = "   " if row is rows[0] else " + "
        total = "   " if row is rows[0] else " = "
        lines.append(f"{' '.join(cells[:4])} {mark.join(cells[4:7])}{total}{cells[7]} {cells[8]}".rstrip())
    return "\n".join(lines) + "\n"


def _space(state: dict[str, Any], token: str) -> dict[str, Any]:
    space: dict[str, Any] | None = state["spaces"].get(token)
    if space is None or space["state"] != "RESERVED":
        raise CommandError(f"No such space: {token}")
    return space


def _space_text(token: str, space: dict[str, Any]) -> str:
    return (
        f"{token} voGroup:null voRole:null retentionPolicy:{space['rp']} accessLatency:{space['al']} linkGroupId:1 size:{space['size']} "
        f"created:now lifetime:-1ms expiration:NEVER description:{space['description'] or 'null'} state:{space['state']} "
        f"used:{space['used']} allocated:0 files:0"
    )


def _bytes(text: str) -> int:
    found = re.fullmatch(r"(\d+)([kKMGTP]?)B?", text)
    if not found:
        raise CommandError(f"Cannot convert size {text}")
    return int(found[1]) * UNITS[found[2]]
