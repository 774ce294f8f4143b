"""PoolManager: the pool selection unit and its partitions, changed by commands, printed as ``psu dump setup`` prints it.

Written from the description of the commands (docs/lab-stand-ins.md), apart from the collection, whose planner is tested with it.
"""

from __future__ import annotations

import fnmatch
import ipaddress
from collections.abc import Callable
from typing import Any

from .words import CommandError, Words, parse

UNIT_TYPES = ("net", "store", "dcache", "protocol")
ALLOWED = ("custodial", "replica", "nearline", "output", "online")
PREFERENCES = ("readpref", "writepref", "cachepref", "p2ppref")
MODES = {
    "enabled": ("enabled", True),
    "disabled": ("enabled", False),
    "rdonly": ("rdonly", True),
    "notrdonly": ("rdonly", False),
    "ping": ("ping", True),
    "noping": ("ping", False),
}
PARTITION_TYPES = ("wass", "classic", "wrandom", "random", "lru", "buffer")
FLAGS = ("p2p-allowed", "p2p-oncost", "p2p-fortransfer", "stage-allowed", "stage-oncost")
State = dict[str, Any]


def empty() -> State:
    return {
        "regex": "off",
        "allpoolsactive": "off",
        **{kind: {} for kind in ("units", "ugroups", "pools", "pgroups", "links", "linkgroups")},
        "partitions": {"default": {"type": "wass", "values": {}}},
        "requests": [],
    }


def built_in() -> State:
    """What PoolManager starts with where there is neither a file nor a saved state."""
    manager = PoolManager(empty())
    manager.load(
        "psu create unit -store *@*\npsu create unit -net 0.0.0.0/0.0.0.0\npsu create unit -net ::/0\npsu create unit -protocol */*\n"
        "psu create ugroup any-store\npsu addto ugroup any-store *@*\npsu create ugroup world-net\n"
        "psu addto ugroup world-net 0.0.0.0/0.0.0.0\npsu addto ugroup world-net ::/0\n"
        "psu create ugroup any-protocol\npsu addto ugroup any-protocol */*\npsu create pgroup default\n"
        "psu create link default-link any-store world-net any-protocol\n"
        "psu set link default-link -readpref=10 -writepref=10 -cachepref=10 -p2ppref=-1\npsu addto link default-link default\n",
        "built-in setup",
    )
    return manager.state


class PoolManager:
    """state: JSON data that is changed in place. primary, nested: what this release knows."""

    def __init__(self, state: State, *, primary: bool = True, nested: bool = True) -> None:
        self.state, self._primary, self._nested = state, primary, nested

    def load(self, text: str, name: str) -> None:
        """Replaces everything by what a file says; raises CommandError with its first bad line, and changes nothing then."""
        draft = PoolManager(empty(), primary=self._primary, nested=self._nested)
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip() and not line.strip().startswith("#"):
                try:
                    draft.run(parse(line))
                except CommandError as problem:
                    raise CommandError(f"{name}:{number}: {problem}") from problem
        self.state.clear()
        self.state.update(draft.state)

    def run(self, words: Words) -> str:
        """The answer to a command; raises CommandError."""
        for name, command in COMMANDS.items():
            arguments = words.after(*name.split())
            if arguments is not None:
                return command(self, arguments, words.options) or ""
        raise CommandError(f"Command not found: {' '.join(words.arguments)}")

    # --- pool selection unit -----------------------------------------------------------------------------------------------------------

    def _set_switch(self, switch: str) -> Callable[[tuple[str, ...], dict[str, str]], None]:
        def change(arguments: tuple[str, ...], _options: dict[str, str]) -> None:
            (value,) = _exactly(arguments, 1)
            if value not in ("on", "off"):
                raise CommandError(f"please set {switch} on or off")
            self.state[switch] = value

        return change

    def _create_unit(self, arguments: tuple[str, ...], options: dict[str, str]) -> None:
        (name,) = _exactly(arguments, 1)
        kind = next((kind for kind in UNIT_TYPES if kind in options), None)
        if kind is None:
            raise CommandError("Unit type missing net/store/dcache/protocol")
        if kind == "net":
            try:
                ipaddress.ip_network(name, strict=False)
            except ValueError as problem:
                raise CommandError(str(problem)) from problem
        _new(self.state["units"], name, {"type": kind, "required": None, "one_per": []})

    def _create_ugroup(self, arguments: tuple[str, ...], _options: dict[str, str]) -> None:
        (name,) = _exactly(arguments, 1)
        _new(self.state["ugroups"], name, [])

    def _create_pool(self, arguments: tuple[str, ...], options: dict[str, str]) -> None:
        (name,) = _exactly(arguments, 1)
        modes = {"enabled": "disabled" not in options, "rdonly": "rdonly" in options, "ping": "noping" not in options}
        _new(self.state["pools"], name, modes)

    def _create_pgroup(self, arguments: tuple[str, ...], options: dict[str, str]) -> None:
        (name,) = _exactly(arguments, 1)
        primary = "resilient" in options or (self._primary and "primary" in options)
        tags = options.get("tags", "") if "dynamic" in options else None
        _new(self.state["pgroups"], name, {"primary": primary, "tags": tags, "pools": [], "groups": []})

    def _create_link(self, arguments: tuple[str, ...], _options: dict[str, str]) -> None:
        if len(arguments) < 2:
            raise CommandError("Not enough arguments")
        name, *groups = arguments
        for group in groups:
            _known(self.state["ugroups"], group, "UGroup")
        preferences = {"readpref": 0, "writepref": 0, "cachepref": 0, "p2ppref": -1}
        _new(self.state["links"], name, {"ugroups": sorted(set(groups)), "section": "", "targets": [], "linkgroup": "", **preferences})

    def _create_linkgroup(self, arguments: tuple[str, ...], options: dict[str, str]) -> None:
        (name,) = _exactly(arguments, 1)
        if "reset" in options:
            self.state["linkgroups"].pop(name, None)
        allowed = {"custodial": True, "replica": True, "nearline": True, "output": True, "online": False}
        _new(self.state["linkgroups"], name, {**allowed, "links": []})

    def _addto_ugroup(self, arguments: tuple[str, ...], _options: dict[str, str]) -> None:
        name, unit = _exactly(arguments, 2)
        group = _known(self.state["ugroups"], name, "UGroup")
        _known(self.state["units"], unit, "Unit")
        if unit in group:
            raise CommandError(f"{unit} already member of {name}")
        group.append(unit)

    def _addto_pgroup(self, arguments: tuple[str, ...], _options: dict[str, str]) -> None:
        name, member = _exactly(arguments, 2)
        group = _known(self.state["pgroups"], name, "Pool group")
        if group["tags"] is not None:
            raise CommandError(f"Can't add pools to dynamic group {name}")
        if member.startswith("@") and self._nested:
            _known(self.state["pgroups"], member[1:], "Pool group")
            _join(group["groups"], member[1:])
        else:
            _known(self.state["pools"], member, "Pool")
            _join(group["pools"], member)

    def _addto_link(self, arguments: tuple[str, ...], _options: dict[str, str]) -> None:
        name, target = _exactly(arguments, 2)
        link = _known(self.state["links"], name, "Link")
        if target not in self.state["pools"]:
            _known(self.state["pgroups"], target, "Pool or pool group")
        _join(link["targets"], target)

    def _addto_linkgroup(self, arguments: tuple[str, ...], _options: dict[str, str]) -> None:
        name, link = _exactly(arguments, 2)
        group = _known(self.state["linkgroups"], name, "LinkGroup")
        if _known(self.state["links"], link, "Link")["linkgroup"]:
            raise CommandError(f"Link already in different link group {self.state['links'][link]['linkgroup']}")
        self.state["links"][link]["linkgroup"] = name
        _join(group["links"], link)

    def _removefrom(self, arguments: tuple[str, ...], _options: dict[str, str]) -> None:
        kind, name, member = _exactly(arguments, 3)
        places = {"ugroup": "ugroups", "pgroup": "pgroups", "link": "links", "linkGroup": "linkgroups"}
        if kind not in places:
            raise CommandError(f"Command not found: psu removefrom {kind}")
        found = _known(self.state[places[kind]], name, kind)
        members = found if kind == "ugroup" else found[{"pgroup": "pools", "link": "targets", "linkGroup": "links"}[kind]]
        if member not in members:
            raise CommandError(f"{member} not member of {name}")
        members.remove(member)
        if kind == "linkGroup":
            self.state["links"][member]["linkgroup"] = ""

    def _set_link(self, arguments: tuple[str, ...], options: dict[str, str]) -> None:
        (name,) = _exactly(arguments, 1)
        link = _known(self.state["links"], name, "Link")
        for option in PREFERENCES:
            if option in options:
                link[option] = _number(options[option])
        if "section" in options:
            link["section"] = "" if options["section"].upper() == "NONE" else options["section"]

    def _set_linkgroup(self, arguments: tuple[str, ...], _options: dict[str, str]) -> None:
        what, name, value = _exactly(arguments, 3)
        kind = what.removesuffix("Allowed")
        if kind not in ALLOWED or kind == what:
            raise CommandError(f"Command not found: psu set linkGroup {what}")
        _known(self.state["linkgroups"], name, "LinkGroup")[kind] = value.lower() == "true"

    def _set_storage_unit(self, arguments: tuple[str, ...], options: dict[str, str]) -> None:
        (name,) = _exactly(arguments, 1)
        unit = _known(self.state["units"], name, "Unit")
        if unit["type"] != "store":
            raise CommandError(f"{name} is not a storage unit")
        if "required" in options:
            unit["required"] = _number(options["required"])
        if "onlyOneCopyPer" in options:
            unit["one_per"] = [tag for tag in options["onlyOneCopyPer"].split(",") if tag]

    def _set_pool(self, arguments: tuple[str, ...], _options: dict[str, str]) -> str:
        pattern, mode = _exactly(arguments, 2)
        if mode not in MODES:
            raise CommandError(f"mode not supported: {mode}")
        chosen = [name for name in self.state["pools"] if fnmatch.fnmatchcase(name, pattern)]
        for name in chosen:
            self.state["pools"][name][MODES[mode][0]] = MODES[mode][1]
        return f"{len(chosen)} pools updated"

    def _list(self, kind: str) -> Callable[[tuple[str, ...], dict[str, str]], str]:
        def answer(arguments: tuple[str, ...], options: dict[str, str]) -> str:
            names = [
                name for name in sorted(self.state[kind]) if not arguments or any(fnmatch.fnmatchcase(name, each) for each in arguments)
            ]
            if kind != "pools" or "l" not in options:
                return "".join(f"{name}\n" for name in names)
            return "".join(self._pool(name) for name in names)

        return answer

    def _pool(self, name: str) -> str:
        modes = self.state["pools"][name]
        links = [link for link, one in sorted(self.state["links"].items()) if name in one["targets"]]
        head = f"{name}  (enabled={str(modes['enabled']).lower()};active=0;rdOnly={str(modes['rdonly']).lower()};"
        groups = sorted(group for group, one in self.state["pgroups"].items() if name in one["pools"])
        return f"{head}links={len(links)};pgroups={len(groups)})\n linkList   :\n" + "".join(f"   {link}\n" for link in links)

    def dump(self, *_unused: Any) -> str:
        """The answer to ``psu dump setup``."""
        state = self.state
        lines = [f"psu set regex {state['regex']}", f"psu set allpoolsactive {state['allpoolsactive']}", ""]
        for name, unit in sorted(state["units"].items(), key=lambda pair: (UNIT_TYPES.index(pair[1]["type"]), pair[0])):
            lines.append(f"psu create unit -{unit['type']} {name}")
            if unit["required"] is not None:
                per = f" -onlyOneCopyPer={','.join(unit['one_per'])}" if unit["one_per"] else ""
                lines.append(f"psu set storage unit {name} -required={unit['required']}{per}")
        lines.append("")
        for name, units in sorted(state["ugroups"].items()):
            lines += [f"psu create ugroup {name}", *(f"psu addto ugroup {name} {unit}" for unit in sorted(units)), ""]
        for name, pool in sorted(state["pools"].items()):
            modes = [" -noping"] * (not pool["ping"]) + [" -disabled"] * (not pool["enabled"]) + [" -rdonly"] * pool["rdonly"]
            lines.append(f"psu create pool {name}{''.join(modes)}")
        lines.append("")
        for name, group in sorted(state["pgroups"].items()):
            dynamic = f" -dynamic -tags={group['tags']}" if group["tags"] is not None else ""
            lines.append(f"psu create pgroup {name}{' -resilient' if group['primary'] else ''}{dynamic}")
            lines += [f"psu addto pgroup {name} {pool}" for pool in sorted(group["pools"])] + [""]
        for name, group in sorted(state["pgroups"].items()):
            lines += ["", *(f"psu addto pgroup {name} @{inner}" for inner in sorted(group["groups"])), ""]
        for name, link in sorted(state["links"].items()):
            lines.append(f"psu create link {name} {' '.join(link['ugroups'])}")
            section = f" -section={link['section']}" if link["section"] else ""
            lines.append(f"psu set link {name} {' '.join(f'-{option}={link[option]}' for option in PREFERENCES)}{section}")
            lines += [*(f"psu addto link {name} {target}" for target in sorted(link["targets"])), ""]
        for name, group in sorted(state["linkgroups"].items()):
            lines.append(f"psu create linkGroup {name}")
            lines += [f"psu set linkGroup {kind}Allowed {name} {str(group[kind]).lower()}" for kind in ALLOWED]
            lines += [*(f"psu addto linkGroup {name} {link}" for link in sorted(group["links"])), ""]
        return "\n".join(lines) + "\n"

    # --- partitions --------------------------------------------------------------------------------------------------------------------

    def _pm_create(self, arguments: tuple[str, ...], options: dict[str, str]) -> None:
        (name,) = _exactly(arguments, 1)
        kind = options.get("type", "wass")
        if kind not in PARTITION_TYPES:
            raise CommandError(f"No such partition type: {kind}")
        if name == "default":
            self.state["partitions"][name] = {"type": kind, "values": {}}
        else:
            _new(self.state["partitions"], name, {"type": kind, "values": {}})

    def _pm_set(self, arguments: tuple[str, ...], options: dict[str, str]) -> None:
        name = arguments[0] if arguments else "default"
        partition = _known(self.state["partitions"], name, "Partition")
        for option, value in options.items():
            if option in FLAGS and value not in ("yes", "no", "off"):
                raise CommandError(f"Invalid value for {option}: {value}")
            if value == "off":
                partition["values"].pop(option, None)
            else:
                partition["values"][option] = value

    def _pm_ls(self, _arguments: tuple[str, ...], options: dict[str, str]) -> str:
        lines = ["Inherited by all partitions"] if "l" in options else []
        for name, partition in sorted(self.state["partitions"].items()):
            lines.append(f"{name} ({partition['type']})")
            if "l" in options:
                lines += [f"    -{option}={value}" for option, value in sorted(partition["values"].items())]
        return "\n".join(lines) + "\n"

    def _requests(self, arguments: tuple[str, ...], options: dict[str, str]) -> None:
        """rc and cm commands are kept as they came: nothing here schedules requests."""
        line = " ".join(["rc", *arguments, *(f"-{name}={value}" if value else f"-{name}" for name, value in options.items())])
        _join(self.state["requests"], line)

    def setup(self, author: str) -> str:
        """What ``save`` writes."""
        lines = []
        for name, partition in sorted(self.state["partitions"].items()):
            lines.append(f"pm create -type={partition['type']} {name}")
            if partition["values"]:
                lines.append(f"pm set {name} {' '.join(f'-{option}={value}' for option, value in sorted(partition['values'].items()))}")
        return f"#\n# Created by {author}\n#\n{self.dump()}" + "".join(f"{line}\n" for line in [*lines, *self.state["requests"]])


def _exactly(arguments: tuple[str, ...], count: int) -> tuple[str, ...]:
    if len(arguments) != count:
        raise CommandError(f"Invalid number of arguments: {len(arguments)} instead of {count}")
    return arguments


def _new(things: dict[str, Any], name: str, thing: Any) -> None:
    if name in things:
        raise CommandError(f"Duplicated entry : {name}")
    things[name] = thing


def _known(things: dict[str, Any], name: str, what: str) -> Any:
    if name not in things:
        raise CommandError(f"{what} not found : {name}")
    return things[name]


def _join(members: list[str], name: str) -> None:
    if name not in members:
        members.append(name)


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError as problem:
        raise CommandError(f'For input string: "{text}"') from problem


Run = Callable[[PoolManager, tuple[str, ...], dict[str, str]], str | None]
COMMANDS: dict[str, Run] = {
    "psu set regex": lambda manager, arguments, options: manager._set_switch("regex")(arguments, options),
    "psu set allpoolsactive": lambda manager, arguments, options: manager._set_switch("allpoolsactive")(arguments, options),
    "psu create unit": PoolManager._create_unit,
    "psu create ugroup": PoolManager._create_ugroup,
    "psu create pool": PoolManager._create_pool,
    "psu create pgroup": PoolManager._create_pgroup,
    "psu create linkGroup": PoolManager._create_linkgroup,
    "psu create link": PoolManager._create_link,
    "psu addto ugroup": PoolManager._addto_ugroup,
    "psu addto pgroup": PoolManager._addto_pgroup,
    "psu addto linkGroup": PoolManager._addto_linkgroup,
    "psu addto link": PoolManager._addto_link,
    "psu add link": PoolManager._addto_link,
    "psu removefrom": PoolManager._removefrom,
    "psu set linkGroup": PoolManager._set_linkgroup,
    "psu set link": PoolManager._set_link,
    "psu set storage unit": PoolManager._set_storage_unit,
    "psu set pool": PoolManager._set_pool,
    "psu ls pool": lambda manager, arguments, options: manager._list("pools")(arguments, options),
    "psu ls pgroup": lambda manager, arguments, options: manager._list("pgroups")(arguments, options),
    "psu ls linkGroup": lambda manager, arguments, options: manager._list("linkgroups")(arguments, options),
    "psu ls link": lambda manager, arguments, options: manager._list("links")(arguments, options),
    "psu ls unit": lambda manager, arguments, options: manager._list("units")(arguments, options),
    "psu dump setup": PoolManager.dump,
    "pm create": PoolManager._pm_create,
    "pm set": PoolManager._pm_set,
    "pm ls": PoolManager._pm_ls,
    "rc": PoolManager._requests,
}
