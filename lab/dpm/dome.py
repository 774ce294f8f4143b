# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the stand-in for DPM's DOME daemon knows and answers: the orders about pools, file systems, quota tokens, groups and directories.

The words, the statuses and the shapes follow dmlite's src/dome/DomeCoreXeq.cpp. Numbers are answered as
texts, empty objects as an empty text.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..shared.jsonfile import JsonFile

DEFAULT_SIZE = 3 * 1024**3
Fields = dict[str, Any]
Answer = tuple[int, Any]
EMPTY: dict[str, Any] = {
    "pools": {},
    "file_systems": [],
    "tokens": {},
    "groups": {"root": 0},
    "directories": {"/": {"mode": 0o755, "gid": 0}},
}


class Dome:
    """One head node.

    state: its file. disks: bytes of each file system that its disk servers have, by server and path.
    """

    def __init__(self, state: Path, disks: dict[str, dict[str, int]]) -> None:
        self._file = JsonFile(state, EMPTY)
        self._disks = disks
        self._questions: dict[str, Callable[[Fields], Answer]] = {
            "dome_getspaceinfo": self._getspaceinfo,
            "dome_getquotatoken": self._getquotatoken,
            "dome_getgroupsvec": self._getgroupsvec,
            "dome_getstatinfo": self._getstatinfo,
        }
        self._orders: dict[str, Callable[[Fields, dict[str, Any]], Answer]] = {
            "dome_addpool": self._addpool,
            "dome_modifypool": self._modifypool,
            "dome_rmpool": self._rmpool,
            "dome_addfstopool": self._addfstopool,
            "dome_modifyfs": self._modifyfs,
            "dome_rmfs": self._rmfs,
            "dome_setquotatoken": self._setquotatoken,
            "dome_modquotatoken": self._modquotatoken,
            "dome_delquotatoken": self._delquotatoken,
            "dome_newgroup": self._newgroup,
            "dome_makedir": self._makedir,
        }

    def answer(self, verb: str, command: str, fields: Fields) -> Answer:
        """Status and body of an order: an object for JSON, a text otherwise."""
        if verb == "GET":
            question = self._questions.get(command)
            return question(fields) if question else (418, f"Command '{command}' unknown for a GET request.")
        order = self._orders.get(command)
        if not order:
            return 418, f"Command '{command}' unknown for a POST request."
        with self._file.change() as state:
            return order(fields, state)

    def fill(self, path: str, used: int) -> None:
        """Lets a directory hold bytes, as if files were written below it. For tests."""
        with self._file.change() as state:
            state["directories"][path]["size"] = used

    # --- questions

    def _getspaceinfo(self, _fields: Fields) -> Answer:
        state = self._file.read()
        fsinfo: dict[str, Any] = {}
        poolinfo: dict[str, Any] = {}
        for each in state["file_systems"]:
            size = self._disks.get(each["server"], {}).get(each["fs"], 0)
            numbers = {"fsstatus": str(each["status"]), "freespace": str(size), "physicalsize": str(size)}
            fsinfo.setdefault(each["server"], {})[each["fs"]] = {"poolname": each["pool"], **numbers, "activitystatus": "1"}
            pool = poolinfo.setdefault(each["pool"], {"poolstatus": "0", "freespace": "0", "physicalsize": "0", "fsinfo": {}})
            for name in ("freespace", "physicalsize"):
                pool[name] = str(int(pool[name]) + size)
            pool["fsinfo"].setdefault(each["server"], {})[each["fs"]] = numbers
        for name, each in state["pools"].items():
            poolinfo.setdefault(name, {}).update(s_type=each["type"], defsize=str(each["defsize"]))
        return 200, {key: value for key, value in (("fsinfo", fsinfo), ("poolinfo", poolinfo)) if value}

    def _getquotatoken(self, fields: Fields) -> Answer:
        state = self._file.read()
        path = str(fields.get("path", "")).rstrip("/")
        names = {gid: name for name, gid in state["groups"].items()}
        found = {}
        for id_, token in state["tokens"].items():
            below = token["path"].startswith(path + "/") and _true(fields.get("getsubdirs"))
            above = path.startswith(token["path"] + "/") and _true(fields.get("getparentdirs"))
            if (token["path"] != path and not below and not above) or token["path"] not in state["directories"]:
                continue
            total = sum(
                self._disks.get(each["server"], {}).get(each["fs"], 0) for each in state["file_systems"] if each["pool"] == token["pool"]
            )
            used = state["directories"][token["path"]].get("size", 0)
            found[id_] = {
                "path": token["path"],
                "quotatkname": token["name"],
                "quotatkpoolname": token["pool"],
                "quotatktotspace": str(token["size"]),
                "pooltotspace": str(total),
                "pathusedspace": str(used),
                "pathfreespace": str(max(0, min(token["size"], total) - used)),
                "groups": {str(gid): names.get(gid, "<unknown>") for gid in token["groups"]} or "",
            }
        return (200, found) if found else (404, f"No quotatokens match path '{path}'")

    def _getgroupsvec(self, _fields: Fields) -> Answer:
        groups = self._file.read()["groups"]
        listed = [{"groupname": name, "gid": str(gid), "banned": "0", "xattr": ""} for name, gid in groups.items() if gid]
        return 200, {"groups": listed or ""}

    def _getstatinfo(self, fields: Fields) -> Answer:
        path = str(fields.get("lfn", ""))
        found = self._file.read()["directories"].get(path)
        if not found:
            return 404, f"Cannot stat lfn: '{path}'"
        mode, size, gid = (str(each) for each in (0o40000 | found["mode"], found.get("size", 0), found["gid"]))
        return 200, {"size": size, "mode": mode, "uid": "0", "gid": gid, "acl": found.get("acl", ""), "name": path.rsplit("/", 1)[-1]}

    # --- orders

    def _addpool(self, fields: Fields, state: dict[str, Any]) -> Answer:
        name = fields.get("poolname", "")
        if name in state["pools"]:
            return 422, f"poolname '{name}' already exists."
        return self._write_pool(fields, state, "Pool was created.")

    def _modifypool(self, fields: Fields, state: dict[str, Any]) -> Answer:
        name = fields.get("poolname", "")
        if name not in state["pools"]:
            return 422, f"poolname '{name}' does not exist, cannot modify it."
        return self._write_pool(fields, state, "Pool was modified.")

    @staticmethod
    def _write_pool(fields: Fields, state: dict[str, Any], words: str) -> Answer:
        name, size, kind = fields.get("poolname", ""), int(fields.get("pool_defsize", DEFAULT_SIZE)), fields.get("pool_stype", "P")
        if not name:
            return 422, "poolname '' is empty."
        if size < 1024 * 1024:
            return 422, f"Invalid defsize: {size}"
        if kind not in ("P", "V"):
            return 422, f"Invalid pool_stype: {kind}"
        state["pools"][name] = {"defsize": size, "type": kind}
        return 200, words

    @staticmethod
    def _rmpool(fields: Fields, state: dict[str, Any]) -> Answer:
        name = fields.get("poolname", "")
        if name not in state["pools"]:
            return 422, f"Cannot delete pool: '{name}'"
        del state["pools"][name]
        state["file_systems"] = [each for each in state["file_systems"] if each["pool"] != name]
        return 200, "Pool deleted."

    def _addfstopool(self, fields: Fields, state: dict[str, Any]) -> Answer:
        pool, server, path, status = (fields.get(name, "") for name in ("poolname", "server", "fs", "status"))
        if not pool:
            return 422, "poolname '' is empty."
        for each in state["file_systems"]:
            if each["server"] == server and _overlap(each["fs"], path):
                return 422, f"Filesystem '{server}:{each['fs']}' already exists or overlaps an existing filesystem."
        if path not in self._disks.get(server, {}):
            return 500, f"Cannot stat pfn:'{path}' on server '{server}'"
        state["file_systems"].append({"pool": pool, "server": server, "fs": path, "status": int(status or 0)})
        return 200, "New filesystem added."

    @staticmethod
    def _modifyfs(fields: Fields, state: dict[str, Any]) -> Answer:
        server, path, status = fields.get("server", ""), fields.get("fs", ""), int(fields.get("status", 0))
        if not 0 <= status <= 2:
            return 422, f"Invalid status '{status}'. Should be 0, 1 or 2."
        for each in state["file_systems"]:
            if (each["server"], each["fs"]) == (server, path):
                each.update(status=status, pool=fields.get("poolname") or each["pool"])
                return 200, "New filesystem added."
        return 422, f"Could not insert new fs: '{path}' It likely already exists."

    @staticmethod
    def _rmfs(fields: Fields, state: dict[str, Any]) -> Answer:
        server, path = fields.get("server", ""), fields.get("fs", "")
        kept = [each for each in state["file_systems"] if (each["server"], each["fs"]) != (server, path)]
        if len(kept) == len(state["file_systems"]):
            return 404, f"Filesystem '{path}' not found on server '{server}'"
        state["file_systems"] = kept
        return 200, f"Deleted 1 filesystems matching '{path}' of server '{server}'"

    def _setquotatoken(self, fields: Fields, state: dict[str, Any]) -> Answer:
        path, pool = str(fields.get("path", "")).rstrip("/"), fields.get("poolname", "")
        if pool not in state["pools"]:
            return 404, f"Cannot find pool: '{pool}'"
        if path not in state["directories"]:
            return 404, f"Cannot find logical path: '{path}'"
        for id_, token in state["tokens"].items():
            if (token["path"], token["pool"]) == (path, pool):
                return self._write_token(id_, dict(token), fields, state)
        return self._write_token(
            str(uuid.uuid4()), {"path": path, "pool": pool, "size": 0, "name": "(unnamed)", "groups": []}, fields, state
        )

    def _modquotatoken(self, fields: Fields, state: dict[str, Any]) -> Answer:
        id_ = fields.get("tokenid", "")
        if not id_:
            return 422, "tokenid is empty."
        if id_ not in state["tokens"]:
            return 404, f"No quotatoken with id '{id_}' could be found"
        token = dict(state["tokens"][id_])
        token.update({name: fields[word] for name, word in (("path", "path"), ("pool", "poolname")) if word in fields})
        return self._write_token(id_, token, fields, state)

    @staticmethod
    def _write_token(id_: str, token: dict[str, Any], fields: Fields, state: dict[str, Any]) -> Answer:
        if "quotaspace" in fields:
            token["size"] = int(fields["quotaspace"])
        if "description" in fields:
            token["name"] = fields["description"]
        if "groups" in fields:
            names = [name for name in str(fields["groups"]).split(",") if name]
            unknown = [name for name in names if name not in state["groups"]]
            if unknown:
                return 422, f"Unable to write quotatoken - Invalid group name: {unknown[0]}"
            token["groups"] = [0, *(state["groups"][name] for name in names)]
        state["tokens"][id_] = token
        return 200, f"Quotatoken written. poolname: '{token['pool']}' t_space: {token['size']} u_token: '{token['name']}'"

    @staticmethod
    def _delquotatoken(fields: Fields, state: dict[str, Any]) -> Answer:
        path, pool = fields.get("path", ""), fields.get("poolname", "")
        if pool not in state["pools"]:
            return 404, f"Cannot find pool: '{pool}'"
        for id_, token in state["tokens"].items():
            if (token["path"], token["pool"]) == (path, pool):
                del state["tokens"][id_]
                return 200, f"Quotatoken deleted. poolname: '{pool}'"
        return 404, f"No quotatoken found for pool: '{pool}' path '{path}'."

    @staticmethod
    def _newgroup(fields: Fields, state: dict[str, Any]) -> Answer:
        name = fields.get("groupname", "")
        if not name:
            return 422, "Empty groupname"
        if name in state["groups"]:
            return 400, f"Can't create group '{name}'"
        state["groups"][name] = max(101, *state["groups"].values()) + 1
        return 200, ""

    @staticmethod
    def _makedir(fields: Fields, state: dict[str, Any]) -> Answer:
        path = str(fields.get("path", ""))
        parent = path.rsplit("/", 1)[0] or "/"
        if not path:
            return 422, "No path specified"
        if parent not in state["directories"]:
            return 422, f"Can't find parent path of '{path}'"
        if path in state["directories"]:
            return 422, f"Cannot create dir '{path}' - 17-File exists"
        state["directories"][path] = {"mode": int(fields.get("mode", 0o755)), "gid": 0}
        return 200, ""


def _overlap(one: str, other: str) -> bool:
    return one == other or one.startswith(other.rstrip("/") + "/") or other.startswith(one.rstrip("/") + "/")


def _true(value: Any) -> bool:
    return str(value).lower() in ("true", "1")
