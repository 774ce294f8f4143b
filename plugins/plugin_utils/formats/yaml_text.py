# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""YAML that people write: values with their place in the text, so that one value is changed and every other byte stays.

The text is read as YAML 1.1 by PyYAML, as by SnakeYAML, the reader of Spring applications. Changes are put into the text itself,
so that comments, order, quotes, anchors and line ends survive; only what is added is written in the block style of yaml.safe_dump.
Every change is read again: what would change more than was asked for (an anchor's text that other places use, say) raises EditError.
"""

from __future__ import annotations

import bisect
import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

Path = tuple[str | int, ...]
SHORT = 80  # characters
NULL, MERGE = "tag:yaml.org,2002:null", "tag:yaml.org,2002:merge"
MISSING = object()
Canonical = Callable[[str], str]


class EditError(ValueError):
    """A change that cannot be made in the text without changing something else. line: where, from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def _as_written(key: str) -> str:
    return key


def relaxed(key: str) -> str:
    """A key as Spring's relaxed binding compares it: ``max-connections``, ``maxConnections`` and ``max_connections`` are one."""
    return key.replace("-", "").replace("_", "").lower()


@dataclass(frozen=True)
class YamlText:
    """text: as read. value: what it means, None when it is not YAML. problem, problem_line: why it is not, and where.

    canonical: how keys are compared. A dotted key (``storm.authz.policies``) is the same as nested ones.
    further: line of the ``---`` that begins a second document, 0 when there is one document; value and root are those of the first.
    dashes: where the list items of the text begin.
    """

    text: str
    value: Any = None
    problem: str = ""
    problem_line: int = 0
    canonical: Canonical = field(default=_as_written, compare=False)
    root: Any = field(default=None, compare=False, repr=False)
    further: int = 0
    dashes: tuple[int, ...] = field(default=(), compare=False, repr=False)

    def render(self) -> str:
        return self.text

    def get(self, path: Sequence[str | int], default: Any = None) -> Any:
        """The value at a path."""
        found = self._look(self.value, list(path))
        return default if found is MISSING else found

    def line(self, path: Sequence[str | int]) -> int:
        """Line of the value at a path, of its nearest known parent otherwise, from 1; of a nested value the line of its key."""
        for length in range(len(path), 0, -1):
            pair = self._pair(path[:length])
            if pair is not None:
                return int(pair.start_mark.line) + 1
        return 1

    def leaves(self) -> Iterator[tuple[Path, Any]]:
        """Path and value of every scalar, keys as written, dotted ones taken apart."""
        if self.root is not None:
            yield from _leaves(self.value, ())

    def repeated(self) -> Iterator[tuple[str, int]]:
        """Key and line of every key that its mapping has already, for which Spring does not start."""
        waiting = [self.root] if self.root is not None else []
        while waiting:
            node = waiting.pop()
            if isinstance(node, yaml.MappingNode) and not _is_alias(node):
                seen: set[str] = set()
                for key, _value in node.value:
                    name = str(key.value)
                    if name in seen:
                        yield name, int(key.start_mark.line) + 1
                    seen.add(name)
            if isinstance(node, yaml.CollectionNode) and not _is_alias(node):
                waiting += [each[1] if isinstance(each, tuple) else each for each in node.value]

    def set(self, path: Sequence[str | int], value: Any) -> YamlText:
        """The document with a value at a path: replaced where one stands, else added with the mappings that are missing."""
        if self.get(path, MISSING) == value:
            return self
        node = self._find(path)
        if node is None or _is_empty(node):
            return self._checked(self._added(list(path), value), path, value)
        # The items of a list may stand right below their key; another value may not.
        indent = "  " if isinstance(node, yaml.SequenceNode) and not node.flow_style and not _is_alias(node) else ""
        return self._checked(self._spliced(node.start_mark.index, _end(node), indent + _inline(value)), path, value)

    def append(self, path: Sequence[str | int], item: Any) -> YamlText:
        """The document with one more item at the end of the list at a path, which is made when it is not there."""
        have = self.get(path)
        return self.insert(path, len(have) if isinstance(have, list) else 0, item)

    def insert(self, path: Sequence[str | int], index: int, item: Any) -> YamlText:
        """The document with an item before the one that has the index."""
        have, node = self.get(path), self._find(path)
        if have is not None and not isinstance(have, list):
            raise EditError(f"{_words(path)} is no list", self.line(path))
        wanted = [*(have or [])[:index], item, *(have or [])[index:]]
        if node is None or not isinstance(node, yaml.SequenceNode) or _is_alias(node):
            return self.set(path, wanted)
        return self._checked(self._inserted(node, index, item), path, wanted)

    def remove_item(self, path: Sequence[str | int], index: int) -> YamlText:
        """The document without one item of the list at a path. An empty list is left when it was the last one."""
        have, node = self.get(path), self._find(path)
        if not isinstance(have, list):
            raise EditError(f"{_words(path)} is no list", self.line(path))
        wanted = [*have[:index], *have[index + 1 :]]
        if not wanted or node is None or _is_alias(node):
            return self.set(path, wanted)
        return self._checked(self._without(node, index), path, wanted)

    # --- places in the text ------------------------------------------------------------------------------------------------------------

    def _find(self, path: Sequence[str | int]) -> Any:
        """The node at a path, None when there is none of its own."""
        return self._below_node(self.root, list(path)) if self.root is not None else None

    def _below_node(self, node: Any, rest: list[str | int]) -> Any:
        if not rest:
            return node
        if isinstance(node, yaml.SequenceNode):
            child, used = self._child(node, rest)
            return None if child is None else self._below_node(child, rest[used:])
        found = ((pair[1], length) for pair, length in self._entries(node, rest))
        return next((below for each, length in found if (below := self._below_node(each, rest[length:])) is not None), None)

    def _look(self, value: Any, rest: list[str | int]) -> Any:
        """The value below a value, MISSING when there is none."""
        if not rest:
            return value
        if isinstance(value, list):
            index = rest[0]
            return self._look(value[index], rest[1:]) if isinstance(index, int) and index < len(value) else MISSING
        if isinstance(value, dict):
            names = [self.canonical(str(part)) for part in rest]
            for length in range(1, len(rest) + 1):
                wanted = ".".join(names[:length])
                for key in reversed(list(value)):
                    if self.canonical(str(key)) == wanted and (found := self._look(value[key], rest[length:])) is not MISSING:
                        return found
        return MISSING

    def _child(self, node: Any, rest: Sequence[str | int]) -> tuple[Any, int]:
        """The node below, and how many parts of the path its key uses up."""
        if isinstance(node, yaml.SequenceNode):
            index = rest[0]
            return (node.value[index] if isinstance(index, int) and index < len(node.value) else None), 1
        pair, used = self._entry(node, rest)
        return (pair[1] if pair else None), used

    def _entry(self, node: Any, rest: Sequence[str | int]) -> tuple[Any, int]:
        return next(self._entries(node, rest), (None, 1))

    def _entries(self, node: Any, rest: Sequence[str | int]) -> Iterator[tuple[Any, int]]:
        """Entries of a mapping that a path leads through, and how many of its parts their keys use up."""
        if isinstance(node, yaml.MappingNode):
            names = [self.canonical(str(part)) for part in rest]
            for length in range(1, len(rest) + 1):
                wanted = ".".join(names[:length])
                for pair in reversed(node.value):  # of a repeated key the last one counts
                    if self.canonical(str(pair[0].value)) == wanted:
                        yield pair, length

    def _pair(self, path: Sequence[str | int]) -> Any:
        """The node that stands for a path in messages: the key of a mapping's entry, an item of a list."""
        node, rest, found = self.root, list(path), None
        while rest and node is not None:
            if isinstance(node, yaml.SequenceNode):
                found, used = self._child(node, rest)
                node = found
            else:
                pair, used = self._entry(node, rest)
                found, node = pair if pair else (None, None)
            rest = rest[used:]
        return found

    def _dash(self, item: Any) -> int:
        """Where the dash of a list item stands."""
        return self.dashes[bisect.bisect_left(self.dashes, item.start_mark.index) - 1]

    def _column(self, node: Any) -> int:
        """The column that the entries of a block collection begin in; an anchor or a tag may stand before the first of them."""
        first = node.value[0]
        at = first[0].start_mark.index if isinstance(first, tuple) else self._dash(first)
        start = self._line_start(at)
        return at - start - self.text.startswith("\ufeff", start)

    # --- changes -----------------------------------------------------------------------------------------------------------------------

    def _inserted(self, node: Any, index: int, item: Any) -> YamlText:
        members = node.value
        if node.flow_style or not members:
            return self._into_flow(node, index, _inline(item))
        column = self._column(node)
        if index >= len(members):
            at = self._below(_end(members[-1]), column)
            return self._spliced(at, at, self._break(at) + _block_item(item, column))
        at = self._line_start(self._dash(members[index]))
        if self.text[at : at + column].strip():
            raise EditError("a list item begins in the line of another one", node.start_mark.line + 1)
        while at and self._line_at(self._line_start(at - 1)).lstrip().startswith("#"):
            at = self._line_start(at - 1)  # a comment above an item stays above it
        return self._spliced(at, at, _block_item(item, column))

    def _without(self, node: Any, index: int) -> YamlText:
        members = node.value
        if node.flow_style:
            start = members[index].start_mark.index if index == 0 else _end(members[index - 1])
            end = members[1].start_mark.index if index == 0 else _end(members[index])
            return self._spliced(start, end, "")
        start = self._dash(members[index])
        if self.text[self._line_start(start) : start].strip():  # the dash of an outer list stands before it
            return self._spliced(start, self._dash(members[index + 1]), "")
        return self._spliced(self._line_start(start), self._line_end(_end(members[index])), "")

    def _added(self, path: list[str | int], value: Any) -> YamlText:
        """A value at a path that has none."""
        if self.root is None or (_is_empty(self.root) and not self._written(self.root)):
            text = self.text if self.text.endswith("\n") or not self.text else self.text + "\n"
            return self._spliced(0, len(self.text), text + _dump(_nested(path, value)))
        node, depth = self.root, 0
        while depth < len(path):
            child, used = self._child(node, path[depth:])
            if child is None or _is_empty(child):
                break
            node, depth = child, depth + used
        child, used = self._child(node, path[depth:])
        if child is not None:
            return self._filled(child, _nested(path[depth + used :], value), self._column(node) + 2 if not node.flow_style else None)
        if not isinstance(node, yaml.MappingNode) or _is_alias(node):
            raise EditError(f"{_words(path[:depth]) or 'the document'} is no mapping that can be added to", node.start_mark.line + 1)
        if node.flow_style or not node.value:
            key, inner = str(path[depth]), _nested(path[depth + 1 :], value)
            return self._into_flow(node, len(node.value), f"{_inline(key)}: {_inline(inner)}")
        column = self._column(node)
        at = self._below(_end(node), column)
        return self._spliced(at, at, self._break(at) + _indented(_dump(_nested(path[depth:], value)), column))

    def _filled(self, child: Any, inner: Any, column: int | None) -> YamlText:
        """A key without a value given one. column: for what is nested; None within braces."""
        start, end = child.start_mark.index, _end(child)
        if column is None or not isinstance(inner, dict | list):
            return self._spliced(start, end, _inline(inner) if self._written(child) else f" {_inline(inner)}")
        block = _indented(_dump(inner), column)
        if self._written(child):
            return self._spliced(len(self.text[:start].rstrip(" ")), end, "\n" + block.rstrip("\n"))
        at = self._line_end(start + 1)  # behind a comment of the key
        return self._spliced(at, at, self._break(at) + block)

    def _into_flow(self, node: Any, index: int, text: str) -> YamlText:
        members = node.value
        if not members:
            return self._spliced(_end(node) - 1, _end(node) - 1, text)
        if index >= len(members):
            last = members[-1][1] if isinstance(node, yaml.MappingNode) else members[-1]
            return self._spliced(_end(last), _end(last), f", {text}")
        at = members[index].start_mark.index
        return self._spliced(at, at, f"{text}, ")

    def _checked(self, changed: YamlText, path: Sequence[str | int], value: Any) -> YamlText:
        """A changed document, if the change is what was asked for and no more. Raises EditError."""
        if self.problem:
            raise EditError(f"this is no YAML: {self.problem}", self.problem_line)
        if self.further:
            raise EditError("a second document begins here, and it cannot be told which of them counts", self.further)
        if changed.problem or changed.get(path, MISSING) != value or self._rest(path) != changed._rest(path):
            raise EditError(
                f"{_words(path)} cannot be changed without changing something else, because of the way it is written", self.line(path)
            )
        return changed

    def _rest(self, path: Sequence[str | int]) -> list[tuple[Path, Any]]:
        """Path and value of every scalar outside a path; keys without a value do not count."""
        mine = self._plain(path)
        found = ((self._plain(each), value) for each, value in _leaves(self.value, ()) if value not in (None, [], {}))
        return [(each, value) for each, value in found if each[: len(mine)] != mine]

    def _plain(self, path: Sequence[str | int]) -> Path:
        return tuple(self.canonical(part) if isinstance(part, str) else part for part in path)

    def _spliced(self, start: int, end: int, text: str) -> YamlText:
        if "\r\n" in self.text:
            text = text.replace("\r\n", "\n").replace("\n", "\r\n")
        return parse(self.text[:start] + text + self.text[end:], self.canonical)

    def _written(self, node: Any) -> bool:
        """Whether a node has a text of its own; one without a value may have none."""
        return bool(self.text[node.start_mark.index : _end(node)])

    def _line_start(self, at: int) -> int:
        return self.text.rfind("\n", 0, at) + 1

    def _line_end(self, at: int) -> int:
        """Behind the line that holds the character before the place."""
        found = self.text.find("\n", max(at - 1, 0))
        return len(self.text) if found < 0 else found + 1

    def _line_at(self, start: int) -> str:
        return self.text[start : self._line_end(start + 1)]

    def _below(self, at: int, column: int) -> int:
        """Behind the line of a place and the comments below it that are indented more than a column."""
        at = self._line_end(at)
        while (line := self._line_at(at)).lstrip(" ").startswith("#") and len(line) - len(line.lstrip(" ")) > column:
            at = self._line_end(at + 1)
        return at

    def _break(self, at: int) -> str:
        return "" if at == 0 or self.text[at - 1] == "\n" else "\n"


class _Loader(yaml.SafeLoader):
    """Tells where list items begin, and keeps an alias apart from what it stands for: it has a place of its own in the text."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.dashes: list[int] = []

    def fetch_block_entry(self) -> None:
        self.dashes.append(int(self.index))
        super().fetch_block_entry()

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        node: Any = super().compose_node(parent, index)
        if isinstance(event, yaml.AliasEvent):
            node = copy.copy(node)
            node.start_mark, node.end_mark, node.alias = event.start_mark, event.end_mark, True
        return node


def parse(text: str, canonical: Canonical = _as_written) -> YamlText:
    """Any text."""
    loader = None
    try:
        loader = _Loader(text)
        roots: list[Any] = []
        while loader.check_node():
            roots.append(loader.get_node())
        if any(_contains_itself(root, ()) for root in roots):
            return YamlText(text, None, "an alias stands inside what it names", 1, canonical)
        value = _value(roots[0], loader, {}) if roots else None
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        return YamlText(text, None, str(problem.problem or problem.context), mark.line + 1 if mark else 1, canonical)
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        return YamlText(text, None, str(problem).splitlines()[0], 1, canonical)
    finally:
        if loader is not None:
            loader.dispose()
    further = roots[1].start_mark.line + 1 if len(roots) > 1 else 0
    return YamlText(text, value, canonical=canonical, root=roots[0] if roots else None, further=further, dashes=tuple(loader.dashes))


def render(value: Any, comment: str = "") -> str:
    """A fresh document. comment: lines of text for its head."""
    return "".join(f"# {line}\n" for line in comment.splitlines()) + _dump(value)


def _value(node: Any, loader: _Loader, known: dict[int, Any]) -> Any:
    """What a node means, without changing it as PyYAML's own reading of merge keys does. known: what aliases stand for."""
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_object(node)
    if id(node.value) in known:
        return known[id(node.value)]
    result: Any
    if isinstance(node, yaml.SequenceNode):
        result = [_value(each, loader, known) for each in node.value]
    else:
        merged: dict[Any, Any] = {}
        own: dict[Any, Any] = {}
        for key, each in node.value:
            if key.tag == MERGE:
                for source in reversed(each.value) if isinstance(each, yaml.SequenceNode) else (each,):
                    merged |= _merged(source, loader, known)
            else:
                own[_key(key, loader)] = _value(each, loader, known)
        result = {**merged, **own}
    known[id(node.value)] = result
    return result


def _merged(node: Any, loader: _Loader, known: dict[int, Any]) -> dict[Any, Any]:
    if not isinstance(node, yaml.MappingNode):
        raise yaml.constructor.ConstructorError(None, None, "a merge key (<<) needs a mapping", node.start_mark)
    found: dict[Any, Any] = _value(node, loader, known)
    return found


def _key(node: Any, loader: _Loader) -> Any:
    if not isinstance(node, yaml.ScalarNode):
        raise yaml.constructor.ConstructorError(None, None, "a key is no plain value", node.start_mark)
    return loader.construct_object(node)


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict) and value:
        for key, each in value.items():
            yield from _leaves(each, (*path, *str(key).split(".")))
    elif isinstance(value, list) and value:
        for index, each in enumerate(value):
            yield from _leaves(each, (*path, index))
    else:
        yield path, value


def _contains_itself(node: Any, above: tuple[int, ...]) -> bool:
    if not isinstance(node, yaml.CollectionNode):
        return False
    below = [each for member in node.value for each in (member if isinstance(member, tuple) else (member,))]
    return id(node.value) in above or any(_contains_itself(each, (*above, id(node.value))) for each in below)


def _is_alias(node: Any) -> bool:
    return bool(getattr(node, "alias", False))


def _is_empty(node: Any) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == NULL


def _end(node: Any) -> int:
    """Where the text of a node ends; marks of block collections go on to the next token."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value and not _is_alias(node):
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):
        text = str(node.end_mark.buffer or "")[: node.end_mark.index]
        return len(text.rstrip())
    return int(node.end_mark.index)


def _words(path: Sequence[str | int]) -> str:
    """A path as people write it: ``oauth.issuers[0].audiences``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def _nested(path: Sequence[str | int], value: Any) -> Any:
    for part in reversed(path):
        value = {str(part): value}
    return value


def _dump(value: Any) -> str:
    return str(yaml.dump(value, Dumper=_Dumper, sort_keys=False, default_flow_style=False, width=10**6, allow_unicode=True))


class _Dumper(yaml.SafeDumper):
    """Lists are indented below their key, short ones of plain values stand in one line, as people write them; no anchors."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:
        return super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> Any:
        plain = [each for each in sequence if isinstance(each, str | int | float)]
        short = len(plain) == len(sequence) and sum(len(str(each)) + 2 for each in plain) < SHORT
        return super().represent_sequence(tag, sequence, True if short else flow_style)


# Values that come through Ansible are of classes derived from the plain ones.
_Dumper.add_multi_representer(str, _Dumper.represent_str)
_Dumper.add_multi_representer(int, _Dumper.represent_int)
_Dumper.add_multi_representer(dict, _Dumper.represent_dict)
_Dumper.add_multi_representer(list, _Dumper.represent_list)


def _inline(value: Any) -> str:
    """A value on one line; a text within braces needs quotes more often than one that stands alone."""
    alone, within = (
        str(yaml.dump(each, Dumper=_Dumper, default_flow_style=True, width=10**6, sort_keys=False, allow_unicode=True)).strip()
        for each in (value, [value])
    )
    alone = alone.removesuffix("...").strip()
    return alone if f"[{alone}]" == within or not isinstance(value, str) else within[1:-1]


def _indented(text: str, column: int) -> str:
    return "".join(f"{' ' * column}{line}\n" for line in text.splitlines())


def _block_item(item: Any, column: int) -> str:
    lines = _dump(item).removesuffix("...\n").splitlines()
    head = " " * column
    return f"{head}- {lines[0]}\n" + "".join(f"{head}  {line}\n" for line in lines[1:])
