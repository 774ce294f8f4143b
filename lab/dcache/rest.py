"""The frontend: namespace QoS, bulk requests, policies, space, pools, tape API, over TLS."""

from __future__ import annotations

import json
import re
import time
import uuid
from typing import Any

from flask import Flask, Response, abort, g, request
from werkzeug.exceptions import HTTPException

from . import namespace
from .config import Config, Rest
from .login import Logins, Refused, User
from .namespace import BadRequest
from .store import Log, Store

API = "/api/v1"
DURATION = re.compile(r"[+-]?P(?!$)(\d+D)?(T(?!$)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?$", re.IGNORECASE)
NAMESPACE_FLAGS = ("children", "locality", "qos", "optional")


def create_app(config: Config, rest: Rest, store: Store, log: Log) -> Flask:
    """The application."""
    app = Flask(__name__)
    logins = Logins(rest)

    @app.before_request
    def log_in() -> None:
        log.add("rest", f"{request.method} {request.full_path.rstrip('?')}", write=_writes(request.method, request.path))
        try:
            g.user = logins.user(request)
        except Refused as problem:
            abort(_answer({"errors": [{"status": "401", "message": str(problem)}]}, 401))

    @app.errorhandler(BadRequest)
    def bad_request(problem: BadRequest) -> Response:
        return _error(400, str(problem))

    @app.errorhandler(HTTPException)
    def http_error(problem: HTTPException) -> Response:
        return problem.get_response() if problem.response else _error(problem.code or 500, problem.description or "")  # type: ignore[return-value]

    @app.get(f"{API}/user")
    def who() -> Response:
        user: User | None = g.user
        if user is None:
            return _answer({"status": "ANONYMOUS"})
        about = {"status": "AUTHENTICATED", "username": user.name, "uid": 2000, "gids": [2000], "homeDirectory": "/", "rootDirectory": "/"}
        return _answer({**about, "roles": sorted(user.roles)})

    _qos_management(app)
    _namespace(app, config, store)
    if config.release >= (7, 0, 0):
        _bulk(app, config, store)
    if config.release >= (9, 2, 0):
        _policies(app, store)
    _pools_and_space(app, config, store)
    if config.release >= (8, 2, 0):
        _tape(app, config, store)
    return app


def _qos_management(app: Flask) -> None:
    @app.get(f"{API}/qos-management/qos/<kind>")
    def classes(kind: str) -> Response:
        _user()
        _one_of(kind, "file", "directory")
        return _answer({"name": list(namespace.TAGS_OF_QOS), "status": "200", "message": "successful"})

    @app.get(f"{API}/qos-management/qos/<kind>/<name>")
    def one_class(kind: str, name: str) -> Response:
        _user()
        _one_of(kind, "file", "directory")
        _one_of(name, *namespace.TAGS_OF_QOS)
        copies, latency = namespace.METADATA[name]
        transitions = namespace.FILE_TRANSITIONS if kind == "file" else namespace.DIRECTORY_TRANSITIONS
        metadata = {"cdmi_data_redundancy_provided": copies, "cdmi_geographic_placement_provided": ["DE"], "cdmi_latency_provided": latency}
        capability = {"name": name, "transition": transitions[name], "metadata": metadata}
        return _answer({"status": "200", "message": "successful", "backendCapability": capability})


def _namespace(app: Flask, config: Config, store: Store) -> None:
    @app.get(f"{API}/namespace/", defaults={"path": ""})
    @app.get(f"{API}/namespace/<path:path>")
    def look(path: str) -> Response:
        asked = {flag for flag in NAMESPACE_FLAGS if request.args.get(flag) == "true"}
        with store.change() as state:
            place = _place(state, path)
            return _answer(namespace.describe(state, place, asked))

    @app.post(f"{API}/namespace/<path:path>")
    def act(path: str) -> Response:
        user, data = _user(), _json()
        with store.change() as state:
            place = _place(state, path)
            match data.get("action"):
                case "qos":
                    if not namespace.may_change(user, config.release):
                        abort(_error(403, "User does not have permission to change qos."))
                    if place not in state["files"]:
                        raise BadRequest("Transition for directories not supported")
                    reason = namespace.start_transition(state["files"][place], str(data.get("target")))
                    if reason:
                        raise BadRequest(reason)
                case "mkdir":
                    new = f"{place.rstrip('/')}/{data['name']}"
                    if not namespace.exists(state, new):
                        namespace.make_directory(state, new)
                case _:
                    raise BadRequest(f"No such action {data.get('action')}")
        return _answer({"status": "success"}, 201)

    @app.put("/lab/file/<path:path>")
    def make_file(path: str) -> Response:
        """What no dCache has: a file without a transfer."""
        with store.change() as state:
            namespace.add_file(state, f"/{path}", int(request.args.get("size", "0")))
        return _answer({"status": "success"}, 201)


def _bulk(app: Flask, config: Config, store: Store) -> None:
    @app.post(f"{API}/bulk-requests")
    def submit() -> Response:
        user = _user()
        with store.change() as state:
            if sum(each["status"] in ("QUEUED", "STARTED") for each in state["bulk"].values()) >= namespace.ACTIVE_LIMIT:
                abort(_error(429, "Too many bulk requests; try again later."))
            number = namespace.new_bulk(state, _json(), user)
        answer = _answer({}, 201)
        answer.headers["request-url"] = f"{request.host_url.rstrip('/')}{API}/bulk-requests/{number}"
        return answer

    @app.get(f"{API}/bulk-requests/<number>")
    def show(number: str) -> Response:
        _user()
        with store.change() as state:
            found = _known(state["bulk"], number)
            namespace.advance(state, found, config.release)
            return _answer(namespace.bulk_answer(number, found))

    @app.patch(f"{API}/bulk-requests/<number>")
    def cancel(number: str) -> Response:
        _user()
        if _json().get("action") != "cancel":
            raise BadRequest(f"{_json().get('action')} not supported.")
        with store.change() as state:
            found = _known(state["bulk"], number)
            if found["status"] in ("QUEUED", "STARTED"):
                found["status"] = "CANCELLED"
        return _answer({})

    @app.delete(f"{API}/bulk-requests/<number>")
    def clear(number: str) -> Response:
        _user()
        with store.change() as state:
            _known(state["bulk"], number)
            del state["bulk"][number]
        return Response(status=204)


def _policies(app: Flask, store: Store) -> None:
    @app.get(f"{API}/qos-policy")
    def names() -> Response:
        _user()
        return _answer(sorted(store.read()["policies"]))

    @app.get(f"{API}/qos-policy/<name>")
    def one(name: str) -> Response:
        _user()
        return _answer(_known(store.read()["policies"], name))

    @app.post(f"{API}/qos-policy")
    def add() -> Response:
        _admin()
        policy = _policy(_json())
        with store.change() as state:
            if policy["name"] in state["policies"]:
                raise BadRequest(f"policy {policy['name']} already exists")
            state["policies"][policy["name"]] = policy
        return _answer({"status": "success"})

    @app.delete(f"{API}/qos-policy/<name>")
    def remove(name: str) -> Response:
        _admin()
        with store.change() as state:
            _known(state["policies"], name)
            del state["policies"][name]
        return _answer({"status": "success"})


def _policy(data: dict[str, Any]) -> dict[str, Any]:
    """Refuses what dCache's reader refuses."""
    if not isinstance(data.get("name"), str) or len(data["name"]) > 64 or not isinstance(data.get("states"), list):
        raise BadRequest("name and states are required")
    for state in data["states"]:
        if not isinstance(state.get("media"), list):
            raise BadRequest("media is required")
        if "duration" in state and not DURATION.match(str(state["duration"])):
            raise BadRequest(f"{state['duration']}: duration must be in ISO 8601, without weeks, months and years")
        for medium in state["media"]:
            if medium.get("storageMedium") not in ("DISK", "HSM"):
                raise BadRequest(f"storageMedium {medium.get('storageMedium')}")
            if medium["storageMedium"] == "DISK" and not isinstance(medium.get("numberOfCopies"), int):
                raise BadRequest("numberOfCopies is required")
    return data


def _pools_and_space(app: Flask, config: Config, store: Store) -> None:
    @app.get(f"{API}/pools")
    def pools() -> Response:
        _admin()
        groups = store.read()["poolmanager"]["pgroups"]
        listed = [
            {"name": name, "groups": [group for group, one in groups.items() if name in one["pools"]]} for name in sorted(config.pools)
        ]
        return _answer(listed)

    @app.get(f"{API}/poolgroups")
    def groups() -> Response:
        _admin()
        found = store.read()["poolmanager"]["pgroups"]
        return _answer([{"name": name, "resilient": one["primary"], "pools": one["pools"]} for name, one in sorted(found.items())])

    @app.get(f"{API}/links")
    def links() -> Response:
        _admin()
        found = store.read()["poolmanager"]["links"]
        return _answer([{"name": name, "readPref": one["readpref"], "writePref": one["writepref"]} for name, one in sorted(found.items())])

    @app.get(f"{API}/space/linkgroups")
    def link_groups() -> Response:
        _user()
        state = store.read()
        known = state["poolmanager"]["linkgroups"]
        names = [name for name in state["link groups"] if name in known]
        return _answer(
            [{"name": name, **{f"{kind}Allowed": known[name][kind] for kind in known[name] if kind != "links"}} for name in names]
        )

    @app.get(f"{API}/space/tokens")
    def tokens() -> Response:
        _user()
        return _answer([_token(number, space) for number, space in store.read()["spaces"].items() if space["state"] == "RESERVED"])


def _token(number: str, space: dict[str, Any]) -> dict[str, Any]:
    sizes = {"sizeInBytes": space["size"], "usedSizeInBytes": space["used"], "allocatedSpaceInBytes": 0}
    kinds = {"accessLatency": space["al"], "retentionPolicy": space["rp"], "state": space["state"]}
    return {"id": int(number), "linkGroupId": 1, "description": space["description"], **sizes, **kinds}


def _tape(app: Flask, config: Config, store: Store) -> None:
    @app.get("/.well-known/wlcg-tape-rest-api")
    def discovery() -> Response:
        if not config.wellknown.exists():
            abort(_error(404, "no such well-known file"))
        return Response(config.wellknown.read_text(), mimetype="application/json")

    @app.post(f"{API}/tape/stage")
    def stage() -> Response:
        _user()
        files = _json().get("files")
        if not isinstance(files, list) or not files:
            raise BadRequest("files is required")
        number = str(uuid.uuid4())
        now = int(time.time() * 1000)
        listed = [{"path": str(file["path"]), "state": "SUBMITTED"} for file in files]
        with store.change() as state:
            state["stages"][number] = {"id": number, "createdAt": now, "startedAt": now, "completedAt": None, "files": listed}
        return _answer({"requestId": number}, 201)

    @app.get(f"{API}/tape/stage/<number>")
    def show_stage(number: str) -> Response:
        _user()
        with store.change() as state:
            found = _known(state["stages"], number)
            for file in found["files"]:
                _bring_online(state, file)
            if found["completedAt"] is None and all(file["state"] in ("COMPLETED", "FAILED", "CANCELLED") for file in found["files"]):
                found["completedAt"] = int(time.time() * 1000)
            return _answer(found)

    @app.post(f"{API}/tape/stage/<number>/cancel")
    def cancel_stage(number: str) -> Response:
        _user()
        paths = _json().get("paths", [])
        with store.change() as state:
            for file in _known(state["stages"], number)["files"]:
                if file["path"] in paths and file["state"] in ("SUBMITTED", "STARTED"):
                    file["state"] = "CANCELLED"
        return _answer({})

    @app.delete(f"{API}/tape/stage/<number>")
    def remove_stage(number: str) -> Response:
        _user()
        with store.change() as state:
            _known(state["stages"], number)
            del state["stages"][number]
        return _answer({})

    @app.post(f"{API}/tape/release/<number>")
    def release(number: str) -> Response:
        _user()
        with store.change() as state:
            _known(state["stages"], number)
            for path in _json().get("paths", []):
                if path in state["files"]:
                    state["files"][path]["pinned"] = False
        return _answer({})

    @app.post(f"{API}/tape/archiveinfo")
    def archive_info() -> Response:
        _user()
        state = store.read()
        return _answer([namespace.archive_info(state, path) for path in _json().get("paths", [])])


def _bring_online(state: dict[str, Any], file: dict[str, Any]) -> None:
    """SUBMITTED -> STARTED -> COMPLETED, a step for each look."""
    if file["state"] == "SUBMITTED":
        file["state"] = "STARTED"
        file["startedAt"] = int(time.time() * 1000)
    elif file["state"] == "STARTED":
        found = state["files"].get(file["path"])
        file["finishedAt"] = int(time.time() * 1000)
        if found is None:
            file |= {"state": "FAILED", "error": "No such file or directory"}
        else:
            found["pinned"] = True
            file["state"] = "COMPLETED"


def _user() -> User:
    if g.user is None:
        abort(_error(401, "Permission denied"))
    user: User = g.user
    return user


def _admin() -> User:
    user = _user()
    if not user.admin:
        abort(_error(403, "This operation requires the admin role"))
    return user


def _json() -> dict[str, Any]:
    data = request.get_json(silent=True, force=True)
    if not isinstance(data, dict):
        raise BadRequest("the body is no JSON object")
    return data


def _place(state: dict[str, Any], path: str) -> str:
    place = "/" + path.strip("/")
    if not namespace.exists(state, place):
        abort(_error(404, f"No such file or directory {place}"))
    return place


def _known(things: dict[str, Any], name: str) -> Any:
    if name not in things:
        abort(_error(404, f"{name} not found"))
    return things[name]


def _one_of(name: str, *known: str) -> None:
    if name not in known:
        abort(_error(404, "Not Found"))


def _writes(method: str, path: str) -> bool:
    return method not in ("GET", "HEAD", "OPTIONS") and not path.endswith("/archiveinfo")


def _answer(data: Any, status: int = 200) -> Response:
    return Response(json.dumps(data), status=status, mimetype="application/json")


def _error(status: int, message: str) -> Response:
    return _answer({"errors": [{"status": str(status), "message": message}]}, status)
