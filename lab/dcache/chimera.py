"""The command line of the name space, for directory tags: ``chimera [-e] -`` reads commands, as the real one does.

python -m lab.dcache.chimera --config CONFIG.yml -e -
"""

from __future__ import annotations

import posixpath
import sys
from typing import Any

from .config import load
from .namespace import effective_tags, make_directory
from .server import parts
from .store import Log, Store
from .words import CommandError, Words, parse

READS = ("lstag", "readtag", "ls", "stat")


def run(store: Store, log: Log, line: str) -> str:
    """The answer to one command; raises CommandError."""
    words = parse(line)
    if not words.arguments:
        return ""
    log.add("chimera", line.strip(), write=words.arguments[0] not in READS)
    with store.change() as state:
        return _do(state, words)


def _do(state: dict[str, Any], words: Words) -> str:
    match words.arguments:
        case ("lstag", path):
            tags = effective_tags(state, _directory(state, path))
            return f"Total: {len(tags)}\n" + "".join(f"{name}\n" for name in sorted(tags))
        case ("readtag", path, name):
            tags = effective_tags(state, _directory(state, path))
            if name not in tags:
                raise CommandError(f"org.dcache.chimera.FileNotFoundChimeraFsException: tag does not exist: {name}")
            return tags[name] + "\n"
        case ("writetag", path, name, *data):
            text = data[0] if data else ""
            state["tags"].setdefault(_directory(state, path), {})[name] = text if text.endswith("\n") else text + "\n"
            return ""
        case ("mkdir", path):
            _directory(state, posixpath.dirname(path.rstrip("/")) or "/")
            if path in state["directories"]:
                raise CommandError(f"org.dcache.chimera.FileExistsChimeraFsException: {path}")
            make_directory(state, path)
            return ""
        case ("chown" | "chmod", mode, path):
            _directory(state, path)
            state.setdefault("modes", {}).setdefault(path, {})[words.arguments[0]] = mode
            return ""
    raise CommandError(f"Command not found: {' '.join(words.arguments)}")


def _directory(state: dict[str, Any], path: str) -> str:
    if path not in state["directories"]:
        raise CommandError(f"org.dcache.chimera.FileNotFoundChimeraFsException: No such file or directory: {path}")
    return path


def main(arguments: list[str]) -> int:
    if arguments[:1] != ["--config"] or len(arguments) < 3:
        print("usage: chimera --config FILE [-e] [-|COMMAND]", file=sys.stderr)
        return 4
    store, log = parts(load(arguments[1]))
    rest = arguments[2:]
    echo = "-e" in rest
    words = [word for word in rest if word != "-e"]
    try:
        if words and words != ["-"]:
            print(run(store, log, " ".join(words)))
            return 0
        for line in sys.stdin:
            if echo:
                print(line.rstrip("\n"))
            answer = run(store, log, line)
            if answer:
                print(answer)
    except CommandError as problem:
        sys.stdout.flush()
        print(f'Exception in thread "main" java.io.IOException: {problem}', file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
