"""Files, their QoS, bulk requests and stages. Asynchronous work goes one step further each time that somebody looks."""

from __future__ import annotations

import posixpath
import time
import uuid
from typing import Any

from .login import User

TAGS_OF_QOS = {
    "disk": ("ONLINE", "REPLICA"),
    "tape": ("NEARLINE", "CUSTODIAL"),
    "disk+tape": ("ONLINE", "CUSTODIAL"),
    "volatile": ("NEARLINE", "REPLICA"),
}
QOS_OF_TAGS = {tags: name for name, tags in TAGS_OF_QOS.items()}
LOCALITY = {"disk": "ONLINE", "tape": "NEARLINE", "disk+tape": "ONLINE_AND_NEARLINE", "volatile": "ONLINE"}
METADATA = {"disk": ("1", "100"), "tape": ("1", "600000"), "disk+tape": ("2", "100"), "volatile": ("0", "100")}
FILE_TRANSITIONS = {"disk": ["tape", "disk+tape"], "tape": ["disk+tape"], "disk+tape": ["tape"], "volatile": ["disk", "tape", "disk+tape"]}
DIRECTORY_TRANSITIONS: dict[str, list[str]] = {"disk": ["tape"], "tape": ["disk"], "disk+tape": [], "volatile": []}
ACTIVITIES = ("UPDATE_QOS", "PIN", "UNPIN", "STAGE", "RELEASE", "DELETE")
DEPTHS = ("NONE", "TARGETS", "ALL")
BULK_KEYS = {"activity", "target", "targetPrefix", "expandDirectories", "arguments", "cancelOnFailure", "clearOnSuccess", "clearOnFailure"}
ACTIVE_LIMIT = 100  # requests at once
LIMITS = {"NONE": 500, "TARGETS": 10, "ALL": 1}
State = dict[str, Any]


class BadRequest(Exception):
    """HTTP 400."""


def effective_tags(state: State, path: str) -> dict[str, str]:
    """Tags of a directory. An inherited one is the tag of the directory that it came from."""
    tags = state["tags"].get(path, {})
    return {name: text if isinstance(text, str) else state["tags"][text["of"]][name] for name, text in tags.items()}


def make_directory(state: State, path: str) -> None:
    """A directory, with the tags that its parent has now: those that the parent gets later do not come down."""
    parent = posixpath.dirname(path)
    state["directories"].append(path)
    tags = state["tags"].get(parent, {})
    state["tags"][path] = {name: {"of": parent} if isinstance(text, str) else text for name, text in tags.items()}


def exists(state: State, path: str) -> bool:
    return path in state["directories"] or path in state["files"]


def add_file(state: State, path: str, size: int) -> State:
    """A new file, with the QoS that the tags of its directory give it."""
    tags = effective_tags(state, posixpath.dirname(path))
    latency, policy = tags.get("AccessLatency", "NEARLINE").strip(), tags.get("RetentionPolicy", "CUSTODIAL").strip()
    store = tags.get("OSMTemplate", "StoreName <Unknown>").split()[-1]
    file = {
        "size": size,
        "qos": QOS_OF_TAGS.get((latency, policy), "disk"),
        "target": "",
        "policy": tags.get("QosPolicy", "").strip(),
        "state": 0,
        "class": f"{store}:{tags.get('sGroup', '<Unknown>').strip()}@osm",
        "pinned": False,
        "created": int(time.time() * 1000),
    }
    state["files"][path] = file
    return file


def describe(state: State, path: str, asked: set[str]) -> dict[str, Any]:
    """The answer to GET /namespace/PATH. A transition under way is done after it was shown once."""
    name = posixpath.basename(path)
    if path in state["directories"]:
        answer: dict[str, Any] = {"fileName": name, "fileType": "DIR"}
        if "children" in asked:
            inside = [one for one in [*state["directories"], *state["files"]] if posixpath.dirname(one) == path and one != path]
            answer["children"] = [describe(state, one, asked - {"children"}) for one in sorted(inside)]
        return answer
    file = state["files"][path]
    answer = {"fileName": name, "fileType": "REGULAR", "size": file["size"]}
    if "locality" in asked or "qos" in asked:
        answer["fileLocality"] = LOCALITY[file["qos"]]
    if "qos" in asked:
        answer["currentQos"] = file["qos"]
        if file["target"]:
            answer["targetQos"] = file["target"]
            file["qos"], file["target"] = file["target"], ""
    if "optional" in asked:
        answer |= {"storageClass": file["class"], "qosState": file["state"]}
        answer |= {"qosPolicy": file["policy"]} if file["policy"] else {}
    return answer


def may_change(user: User, release: tuple[int, int, int]) -> bool:
    """From 9.2 a user needs a role to change QoS."""
    return release < (9, 2, 0) or bool(user.roles)


def start_transition(file: State, target: str) -> str:
    """The reason why it cannot be done, or nothing."""
    if target not in TAGS_OF_QOS:
        return f"Unknown target QoS: {target}"
    if target != file["qos"]:
        if target not in FILE_TRANSITIONS[file["qos"]]:
            return f"Unsupported QoS transition: {file['qos']} to {target}"
        file["target"] = target
    return ""


def new_bulk(state: State, data: Any, user: User) -> str:
    """A bulk request; its id. Raises BadRequest."""
    if not isinstance(data, dict) or set(data) - BULK_KEYS:
        raise BadRequest(f"unsupported arguments: {sorted(set(data) - BULK_KEYS) if isinstance(data, dict) else data}")
    targets = data.get("target") or []
    targets = [targets] if isinstance(targets, str) else targets
    depth = str(data.get("expandDirectories", "NONE")).upper()
    if not targets:
        raise BadRequest("request contains no targets.")
    if data.get("activity") not in ACTIVITIES:
        raise BadRequest(f"{data.get('activity')} is not an activity")
    if depth not in DEPTHS or depth == "ALL":
        raise BadRequest(f"directory expansion {depth} is not allowed")
    if len(targets) > LIMITS[depth]:
        raise BadRequest(f"The number of targets {len(targets)} exceeds the maximum {LIMITS[depth]} for directory expansion {depth}.")
    arguments = {name: str(value) for name, value in (data.get("arguments") or {}).items()}
    if data["activity"] == "UPDATE_QOS" and not arguments.keys() & {"targetQos", "qosPolicy"}:
        raise BadRequest("UPDATE_QOS needs targetQos or qosPolicy")
    prefix = str(data.get("targetPrefix", "/")).rstrip("/")
    number = str(uuid.uuid4())
    state["bulk"][number] = {
        "activity": data["activity"],
        "targets": [{"path": f"{prefix}/{target.lstrip('/')}", "state": "CREATED", "error": ""} for target in targets],
        "depth": depth,
        "arguments": arguments,
        "status": "QUEUED",
        "user": user.name,
        "roles": sorted(user.roles),
        "arrived": int(time.time() * 1000),
    }
    return number


def advance(state: State, request: State, release: tuple[int, int, int]) -> None:
    """QUEUED -> STARTED -> COMPLETED."""
    if request["status"] == "QUEUED":
        request["status"] = "STARTED"
        if request["depth"] == "TARGETS":
            request["targets"] = [
                {**target, "path": path} for target in request["targets"] for path in _inside(state, target["path"]) or [target["path"]]
            ]
    elif request["status"] == "STARTED":
        for target in request["targets"]:
            target["error"] = _act(state, request, target["path"], release)
            target["state"] = "FAILED" if target["error"] else "COMPLETED"
        request["status"] = "COMPLETED"


def bulk_answer(number: str, request: State) -> dict[str, Any]:
    targets = [
        {
            "target": target["path"],
            "state": target["state"],
            "id": position,
            **({"errorType": "CacheException", "errorMessage": target["error"]} if target["error"] else {}),
        }
        for position, target in enumerate(request["targets"], 1)
    ]
    head = {"nextId": -1, "uid": number, "arrivedAt": request["arrived"], "status": request["status"], "targetPrefix": "/"}
    return {**head, "targets": targets}


def _inside(state: State, path: str) -> list[str]:
    return sorted(file for file in state["files"] if posixpath.dirname(file) == path) if path in state["directories"] else []


def _act(state: State, request: State, path: str, release: tuple[int, int, int]) -> str:
    file = state["files"].get(path)
    if file is None:
        return f"No such file or directory {path}"
    arguments = request["arguments"]
    match request["activity"]:
        case "UPDATE_QOS":
            if release >= (9, 2, 0) and not request["roles"]:
                return "User does not have permission to change qos."
            if "qosPolicy" in arguments:
                if arguments["qosPolicy"] not in state["policies"]:
                    return f"No such policy {arguments['qosPolicy']}"
                if not arguments.get("qosState", "0").isdigit():
                    return f'For input string: "{arguments["qosState"]}"'
                file["policy"], file["state"] = arguments["qosPolicy"], int(arguments.get("qosState", "0"))
                return ""
            reason = start_transition(file, arguments["targetQos"])
            file["qos"], file["target"] = file["target"] or file["qos"], ""
            return reason
        case "STAGE" | "PIN":
            file["pinned"] = True
        case "RELEASE" | "UNPIN":
            file["pinned"] = False
        case "DELETE":
            del state["files"][path]
    return ""


def archive_info(state: State, path: str) -> dict[str, str]:
    """One entry of the answer to archiveinfo: localities of the tape API."""
    file = state["files"].get(path)
    if file is None:
        return {"path": path, "error": "No such file or directory"}
    place = {"disk": "DISK", "tape": "TAPE", "disk+tape": "DISK_AND_TAPE", "volatile": "DISK"}[file["qos"]]
    return {"path": path, "locality": "DISK_AND_TAPE" if place == "TAPE" and file["pinned"] else place}
