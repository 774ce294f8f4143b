# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A JSON document on disk that is read once, changed under a lock, and replaced as a whole."""

from __future__ import annotations

import copy
import json
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class JsonFile:
    """One document and its file.

    path: made with mode 0600 at the first change. default: the document while there is no file.
    One process owns the file: a second one would not see its changes.
    """

    def __init__(self, path: Path, default: dict[str, Any]) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._data: dict[str, Any] = json.loads(path.read_text()) if path.exists() else copy.deepcopy(default)

    def read(self) -> dict[str, Any]:
        """The document, a copy of its own."""
        with self._lock:
            return copy.deepcopy(self._data)

    @contextmanager
    def change(self) -> Iterator[dict[str, Any]]:
        """The document to be changed; written when the block ends without an exception, else nothing happens."""
        with self._lock:
            draft = copy.deepcopy(self._data)
            yield draft
            if draft != self._data:
                self._write(draft)
                self._data = draft

    def _write(self, data: dict[str, Any]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        try:
            with os.fdopen(handle, "w") as stream:
                json.dump(data, stream, indent=1, sort_keys=True)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, self.path)
        except BaseException:
            os.unlink(temporary)
            raise
