# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of storage_events."""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from pathlib import Path
from typing import Any

from ansible_collections.escape.datalake.plugins.plugin_utils.action_base import DatalakeAction
from ansible_collections.escape.datalake.plugins.plugin_utils.formats import dcache_message
from ansible_collections.escape.datalake.plugins.plugin_utils.formats.dcache_message import Message
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import HttpClient, Tls
from ansible_collections.escape.datalake.plugins.plugin_utils.services.kafka import Topic
from ansible_collections.escape.datalake.plugins.plugin_utils.services.sse import FLAGS, LOSS, Event, EventChannel

WORDS = {
    "IN_CREATE": "created",
    "IN_CLOSE_WRITE": "written",
    "IN_DELETE": "deleted",
    "IN_MOVED_FROM": "moved away",
    "IN_MOVED_TO": "moved here",
    "IN_ATTRIB": "changed its metadata",
    "IN_OPEN": "opened",
    "IN_ACCESS": "read",
    "IN_MODIFY": "modified",
}


class ActionModule(DatalakeAction):
    ARGUMENTS = {
        "url": {"type": "str"},
        "kafka": {
            "type": "dict",
            "options": {
                "servers": {"type": "list", "elements": "str", "required": True},
                "topic": {"type": "str", "default": "billing"},
                "since": {"type": "str", "choices": ["now", "earliest"], "default": "now"},
                "settings": {"type": "dict", "default": {}},
            },
        },
        "paths": {"type": "list", "elements": "path", "required": True},
        "flags": {"type": "list", "elements": "str", "default": list(FLAGS)},
        "count": {"type": "int", "default": 100},
        "seconds": {"type": "float", "default": 60.0},
        "token": {"type": "str", "no_log": True},
        "token_file": {"type": "path", "no_log": False},
        "username": {"type": "str"},
        "password": {"type": "str", "no_log": True},
        "ca_path": {"type": "path"},
    }
    CONSTRAINTS = {
        "mutually_exclusive": [("url", "kafka"), ("token", "token_file", "username"), ("kafka", "token"), ("kafka", "token_file")],
        "required_one_of": [("url", "kafka")],
        "required_together": [("username", "password")],
    }

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        del task_vars
        if arguments["kafka"]:
            return _from_kafka(arguments)
        if not any(arguments[name] for name in ("token", "token_file", "username")):
            return {
                "failed": True,
                "msg": "The frontend tells events to those who log in: give token, token_file, or username and password.",
            }
        if self.check_mode:
            return {
                "changed": False,
                "skipped": True,
                "msg": "Listening makes a channel at the frontend, so nothing is done in check mode.",
            }
        return _from_frontend(arguments)


def _from_kafka(arguments: dict[str, Any]) -> dict[str, Any]:
    """Reading leaves nothing behind, so it is done in check mode too."""
    kafka = arguments["kafka"]
    given = {"sasl.username": arguments["username"], "sasl.password": arguments["password"], "ssl.ca.location": arguments["ca_path"]}
    settings = {
        **{name: str(value) for name, value in kafka["settings"].items()},
        **{name: value for name, value in given.items() if value},
    }
    topic = Topic(kafka["servers"], kafka["topic"], settings, earliest=kafka["since"] == "earliest")
    found: list[Message] = []
    looked = 0
    for text in topic.messages(arguments["seconds"]):
        looked += 1
        message = dcache_message.parse(text)
        if message and dcache_message.concerns(message, arguments["paths"]):
            found.append(message)
            if len(found) >= arguments["count"]:
                break
    counts = Counter(message.words for message in found)
    summary = ", ".join(f"{number} {words}" for words, number in counts.items()) or f"nothing among {looked} messages"
    return {
        "changed": False,
        "events": [message.as_dict() for message in found],
        "text": "".join(f"{message.path} {message.words}\n" for message in found) + f"{summary}\n",
        "lost": False,
        "traffic": {"requests": looked, "writes": 0},
    }


def _from_frontend(arguments: dict[str, Any]) -> dict[str, Any]:
    client = HttpClient("dCache frontend", arguments["url"], tls=Tls(arguments["ca_path"]))
    try:
        client.headers["Authorization"] = _credential(arguments)
    except OSError as problem:
        return {"failed": True, "msg": f"{arguments['token_file']} cannot be read: {problem.strerror}. Name the file of a token."}
    found: list[Event] = []
    with EventChannel(client, [(path, arguments["flags"]) for path in arguments["paths"]], "escape.datalake") as channel:
        for event in channel.events(arguments["seconds"]):
            found.append(event)
            if len(found) >= arguments["count"]:
                break
    lost = any(event.kind == "SYSTEM" for event in found)
    files = [event for event in found if event.kind != "SYSTEM"]
    return {
        "changed": False,
        "events": [event.as_dict() for event in files],
        "text": "".join(f"{_line(event)}\n" for event in found) + _summary(files),
        "lost": lost,
        "warnings": ["Events may have been lost: look at the directories themselves."] if lost else [],
        "traffic": client.traffic,
    }


def _credential(arguments: dict[str, Any]) -> str:
    """The Authorization header. Raises OSError."""
    if arguments["username"]:
        return "Basic " + b64encode(f"{arguments['username']}:{arguments['password']}".encode()).decode()
    token = arguments["token"] or Path(arguments["token_file"]).read_text(encoding="utf-8")
    return f"Bearer {token.strip()}"


def _line(event: Event) -> str:
    if event.kind == "SYSTEM":
        return {LOSS: "events were lost here"}.get(event.data["type"], str(event.data))
    told = event.as_dict()
    what = "directory " if "IN_ISDIR" in event.flags else ""
    return f"{what}{told['path']} {', '.join(WORDS.get(flag, flag) for flag in event.flags if flag != 'IN_ISDIR')}"


def _summary(events: list[Event]) -> str:
    counts = Counter(flag for event in events for flag in event.flags if flag != "IN_ISDIR")
    return ", ".join(f"{number} {WORDS.get(flag, flag)}" for flag, number in counts.items()) + "\n" if counts else "nothing happened\n"
