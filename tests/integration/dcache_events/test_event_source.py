"""The event source of ansible-rulebook, run as it runs it: loaded from its file, with a queue."""

from __future__ import annotations

import asyncio
import runpy
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.escape.datalake.plugins.plugin_utils.services.http import ApiError
from event_frontend import TOKEN, Frontend

ROOT = Path(__file__).parents[3]
SOURCE = ROOT / "extensions/eda/plugins/event_source/dcache_events.py"


def run_source(arguments: dict[str, Any], act: Any, count: int) -> list[dict[str, Any]]:
    main = runpy.run_path(str(SOURCE))["main"]

    async def play() -> list[dict[str, Any]]:
        queue: asyncio.Queue[Any] = asyncio.Queue()
        task = asyncio.create_task(main(queue, arguments))
        waiting = asyncio.create_task(asyncio.to_thread(act))
        try:
            return [await asyncio.wait_for(queue.get(), 20) for _number in range(count)]
        finally:
            await waiting
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    return asyncio.run(play())


def test_events_reach_the_queue(frontend: Frontend, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN + "\n")
    folder = frontend.root / "lake" / "fast"

    def upload() -> None:
        while not frontend_has_channel(frontend):
            pass
        (folder / "run1.dat").write_text("bytes")
        (folder / "run1.dat").rename(folder / "run1.done")

    arguments = {
        "url": frontend.url,
        "paths": ["/lake/fast"],
        "token_file": str(tmp_path / "token"),
        "flags": ["IN_CLOSE_WRITE", "IN_MOVED_TO"],
    }
    found = run_source(arguments, upload, 2)
    assert [(event["path"], event["flags"]) for event in found] == [
        ("/lake/fast/run1.dat", ["IN_CLOSE_WRITE"]),
        ("/lake/fast/run1.done", ["IN_MOVED_TO"]),
    ]


def frontend_has_channel(frontend: Frontend) -> bool:
    """Whether somebody subscribed."""
    known = frontend.client().request("GET", "api/v1/events/channels").json()
    return any(frontend.client().request("GET", f"{each}/subscriptions").json() for each in known)


@pytest.mark.parametrize(
    "arguments", [{}, {"url": "http://x", "paths": ["/a"]}, {"url": "http://x", "paths": ["/a"], "token": "t", "colour": 1}]
)
def test_arguments_that_cannot_be_used(arguments: dict[str, Any]) -> None:
    main = runpy.run_path(str(SOURCE))["main"]
    with pytest.raises(ValueError, match="Needed are url, paths"):
        asyncio.run(main(asyncio.Queue(), arguments))


def test_a_refusal_ends_the_source(frontend: Frontend) -> None:
    main = runpy.run_path(str(SOURCE))["main"]
    with pytest.raises(ApiError, match="401"):
        asyncio.run(main(asyncio.Queue(), {"url": frontend.url, "paths": ["/lake/fast"], "token": "wrong"}))


def test_the_rulebook_uses_what_the_source_gives() -> None:
    for path in (ROOT / "extensions/eda/rulebooks").glob("*.yml"):
        for ruleset in yaml.safe_load(path.read_text()):
            known = runpy.run_path(str(SOURCE))["KNOWN"]
            for source in ruleset["sources"]:
                assert set(source.get("escape.datalake.dcache_events", {})) <= known
            for rule in ruleset["rules"]:
                playbook = rule["action"].get("run_playbook", {}).get("name")
                assert playbook is None or (ROOT / playbook).is_file()
