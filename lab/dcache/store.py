"""The stand-in's state: one JSON file that several programs may change, and a log of all that was asked."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Store:
    """path: the file, made with what `first` gives where there is none. Read and written under a lock, so that programs can share it."""

    def __init__(self, path: Path, first: Callable[[], dict[str, Any]]) -> None:
        self.path = path
        self._first = first
        self._mutex = threading.RLock()
        path.parent.mkdir(parents=True, exist_ok=True)

    def read(self) -> dict[str, Any]:
        with self._locked():
            return self._load()

    @contextmanager
    def change(self) -> Iterator[dict[str, Any]]:
        """The state to be changed; written when the block ends without an exception."""
        with self._locked():
            state = self._load()
            before = json.dumps(state, sort_keys=True)
            yield state
            if json.dumps(state, sort_keys=True) != before or not self.path.exists():
                self._write(state)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._mutex, self.path.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _load(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads(self.path.read_text()) if self.path.exists() else self._first()
        return state

    def _write(self, state: dict[str, Any]) -> None:
        handle, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        with os.fdopen(handle, "w") as stream:
            json.dump(state, stream, indent=1, sort_keys=True)
        os.replace(temporary, self.path)


class Log:
    """One JSON object a line for every log-in, command and request."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._mutex = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)

    def add(self, door: str, what: str, *, write: bool, **more: Any) -> None:
        """door: ssh, rest or chimera. write: whether it asks for a change."""
        entry = {"time": round(time.time(), 3), "door": door, "what": what, "write": write, **more}
        with self._mutex, self.path.open("a") as stream:
            stream.write(json.dumps(entry) + "\n")
