# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading the texts of many files below a root: the / of a storage host, or a copy of its configuration on a laptop."""

from __future__ import annotations

import base64
import glob
import json
import os
import zlib
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Dict, Iterable, Iterator, List, Optional, Sequence

LARGEST = 16 * 1024 * 1024  # bytes of one file; a configuration is smaller
ALL_TOGETHER = 256 * 1024 * 1024  # bytes
MOST_LINKS = 40
FIRST = 8192  # bytes that tell a binary file
KEY = b"PRIVATE KEY-----"


@dataclass
class Trees:
    """texts: by path relative to the root; bytes that are not UTF-8 are kept as surrogates. left_out: why, by path."""

    texts: Dict[str, str] = field(default_factory=dict)
    left_out: Dict[str, str] = field(default_factory=dict)

    def pack(self) -> str:
        """For an answer that travels: ASCII, a tenth of the size of many alike files."""
        data = json.dumps({"texts": self.texts, "left_out": self.left_out}).encode("ascii")
        return base64.b64encode(zlib.compress(data, 6)).decode("ascii")


def unpack(packed: str) -> Trees:
    """What pack() packed."""
    found = json.loads(zlib.decompress(base64.b64decode(packed)))
    return Trees(found["texts"], found["left_out"])


def read_trees(
    root: str, patterns: Iterable[str], secrets: Sequence[str] = (), limit: int = LARGEST, together: int = ALL_TOGETHER
) -> Trees:
    """The texts of the files that match.

    patterns, secrets: relative to the root. A star at the end of a pattern covers all that lies below; other stars stay within one name.
    Files that match secrets, and private keys, are never read into the answer. limit, together: bytes of one file, of all. Raises OSError.
    """
    trees = Trees()
    left = together
    for path in sorted(set(paths_below(root, patterns))):
        file = _meant(root, path)
        if not os.path.isfile(file):
            continue
        size = os.stat(file).st_size
        why = ""
        if any(fnmatchcase(path, pattern) for pattern in secrets):
            why = "holds secrets"
        elif size > min(limit, left):
            why = "larger than {} bytes".format(min(limit, left))
        else:
            try:
                data = _text(file)
            except PermissionError as error:
                trees.left_out[path] = "unreadable: {}".format(error.strerror)
                continue
            left -= len(data or b"")
            if data is None:
                why = "not a text"
            elif KEY in data:
                why = "holds a private key"
            else:
                trees.texts[path] = data.decode("utf-8", "surrogateescape")
        if why:
            trees.left_out[path] = why
    return trees


def _meant(root: str, path: str) -> str:
    """The file behind a path: links of a copy mean what they mean on its host, so absolute ones stay below the root, and none leaves it."""
    base = os.path.abspath(root)
    file = os.path.join(base, path)
    links = 0
    while base != os.sep and os.path.islink(file) and links < MOST_LINKS:
        links += 1
        link = os.readlink(file)
        above = base if os.path.isabs(link) else os.path.dirname(file)
        file = os.path.normpath(os.path.join(above, link.lstrip(os.sep)))
        if not file.startswith(base + os.sep):
            return ""
    return file


def paths_below(root: str, patterns: Iterable[str]) -> Iterator[str]:
    """Files that match, relative to the root; links to directories are not followed."""
    for pattern in dict.fromkeys(pattern.lstrip("/") for pattern in patterns):
        if glob.has_magic(pattern[:-1]) or not pattern.endswith("*"):
            found: List[str] = glob.glob(os.path.join(glob.escape(root), pattern))
            yield from (os.path.relpath(path, root) for path in found)
            continue
        for directory, names, files in os.walk(os.path.join(root, os.path.dirname(pattern))):
            names.sort()
            for name in files:
                path = os.path.relpath(os.path.join(directory, name), root)
                if fnmatchcase(path, pattern):
                    yield path


def _text(file: str) -> Optional[bytes]:
    """None for a file that is no text."""
    with open(file, "rb") as handle:
        first = handle.read(FIRST)
        data = first if b"\0" in first else first + handle.read()
    return None if b"\0" in data else data
