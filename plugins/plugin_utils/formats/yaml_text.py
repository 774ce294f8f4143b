# Copyright: (c) 2026, the escape.datalake authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""YAML that people write: values with their place in the text, so that one value is changed and every other byte stays.

The text is read as YAML 1.1 by PyYAML, as by SnakeYAML, the reader of Spring applications. Changes are put into the text itself,
so that comments, order, quotes and blank lines survive; only what is added is written in the block style of yaml.safe_dump.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

Path = tuple[str | int, ...]
SHORT = 80  # characters
MERGE = "tag:yaml.org,2002:merge"
Canonical = Callable[[str], str]


def _as_written(key: str) -> str:
    return key


def relaxed(key: str) -> str:
    """A key as Spring's relaxed binding compares it: ``max-connections``, ``maxConnections`` and ``max_connections`` are one."""
    return key.replace("-", "").replace("_", "").lower()


@dataclass(frozen=True)
class YamlText:
    """text: as read. value: what it means, None when it is not YAML. problem, problem_line: why it is not, and where.

    canonical: how keys are compared. A dotted key (``storm.authz.policies``) is the same as nested ones.
    """

    text: str
    value: Any = None
    problem: str = ""
    problem_line: int = 0
    canonical: Canonical = field(default=_as_written, compare=False)
    root: Any = field(default=None, compare=False, repr=False)

    def render(self) -> str:
        return self.text

    def find(self, path: Sequence[str | int], merged: bool = False) -> Any:
        """The node at a path, None when there is none. merged: also one that a mapping takes over by ``<<``."""
        node = self.root
        rest = list(path)
        while rest and node is not None:
            node, used = self._child(node, rest, merged)
            rest = rest[used:]
        return node

    def get(self, path: Sequence[str | int], default: Any = None) -> Any:
        """The value at a path."""
        node = self.find(path, merged=True)
        return default if node is None else _value(node)

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
            yield from _leaves(self.root, ())

    def repeated(self) -> Iterator[tuple[int, str]]:
        """Line and name of every key that stood in its mapping already."""
        return _repeated(self.root)

    def set(self, path: Sequence[str | int], value: Any) -> YamlText:
        """The document with a value at a path: replaced where one stands, else added with the mappings that are missing."""
        node = self.find(path)
        if node is not None and not _is_null(node):
            if _value(node) == value:
                return self
            # The items of a list may stand right below their key; another value may not.
            indent = "  " if isinstance(node, yaml.SequenceNode) and not node.flow_style else ""
            return self._spliced(node.start_mark.index, _end(node), indent + _inline(value))
        return self._added(list(path), value)

    def append(self, path: Sequence[str | int], item: Any) -> YamlText:
        """The document with one more item at the end of the list at a path, which is made when it is not there."""
        node = self.find(path)
        if node is None or _is_null(node):
            return self._added(list(path), [item])
        return self.insert(path, len(node.value), item)

    def insert(self, path: Sequence[str | int], index: int, item: Any) -> YamlText:
        """The document with an item before the one that has the index. Raises TypeError when there is no list at the path."""
        node = self.find(path)
        if not isinstance(node, yaml.SequenceNode):
            raise TypeError(f"{'.'.join(map(str, path))} is no list")
        members = node.value
        if node.flow_style or not members:
            return self._into_flow(node, index, _inline(item))
        column = node.start_mark.column
        if index >= len(members):
            at = self._line_end(_end(members[-1]))
            return self._spliced(at, at, self._break(at) + _block_item(item, column))
        at = self._line_start(members[index].start_mark.index)
        while at and self._line_at(self._line_start(at - 1)).lstrip().startswith("#"):
            at = self._line_start(at - 1)  # a comment above an item stays above it
        return self._spliced(at, at, _block_item(item, column))

    def remove_item(self, path: Sequence[str | int], index: int) -> YamlText:
        """The document without one item of the list at a path. An empty list is left when it was the last one."""
        node = self.find(path)
        members = node.value
        if len(members) == 1:
            return self.set(path, [])
        if node.flow_style:
            start = members[index].start_mark.index if index == 0 else _end(members[index - 1])
            end = members[1].start_mark.index if index == 0 else _end(members[index])
            return self._spliced(start, end, "")
        start = self._line_start(members[index].start_mark.index)
        end = self._line_end(_end(members[index]))
        if index == 0 and self._line_start(node.start_mark.index) != start:
            start = node.start_mark.index
        return self._spliced(start, end, "")

    def _added(self, path: list[str | int], value: Any) -> YamlText:
        """A value at a path that has none."""
        if self.root is None or (_is_null(self.root) and not self.text[self.root.start_mark.index : _end(self.root)]):
            text = self.text if self.text.endswith("\n") or not self.text else self.text + "\n"
            return parse(text + _dump(_nested(path, value)), self.canonical)
        node, depth = self.root, 0
        while depth < len(path):
            child, used = self._child(node, path[depth:])
            if child is None or _is_null(child):
                break
            node, depth = child, depth + used
        child, used = self._child(node, path[depth:])
        if child is not None:  # a key without a value
            inner = _nested(path[depth + used :], value)
            column = node.start_mark.column + 2
            text = f" {_inline(inner)}" if not isinstance(inner, dict | list) else "\n" + _indented(_dump(inner), column).rstrip("\n")
            at = child.start_mark.index
            return self._spliced(at, _end(child), text)
        if not isinstance(node, yaml.MappingNode):
            raise TypeError(f"{'.'.join(map(str, path[:depth]))} is no mapping")
        if node.flow_style or not node.value:
            key, inner = str(path[depth]), _nested(path[depth + 1 :], value)
            return self._into_flow(node, len(node.value), f"{_inline(key)}: {_inline(inner)}")
        at = self._line_end(_end(node))
        return self._spliced(at, at, self._break(at) + _indented(_dump(_nested(path[depth:], value)), node.start_mark.column))

    def _into_flow(self, node: Any, index: int, text: str) -> YamlText:
        members = node.value
        if not members:
            return self._spliced(node.start_mark.index + 1, _end(node) - 1, text)
        if index >= len(members):
            last = members[-1][1] if isinstance(node, yaml.MappingNode) else members[-1]
            return self._spliced(_end(last), _end(last), f", {text}")
        at = members[index].start_mark.index
        return self._spliced(at, at, f"{text}, ")

    def _child(self, node: Any, rest: Sequence[str | int], merged: bool = False) -> tuple[Any, int]:
        """The node below, and how many parts of the path its key uses up."""
        if isinstance(node, yaml.SequenceNode):
            index = rest[0]
            return (node.value[index] if isinstance(index, int) and index < len(node.value) else None), 1
        pair, used = self._entry(node, rest, merged)
        return (pair[1] if pair else None), used

    def _entry(self, node: Any, rest: Sequence[str | int], merged: bool = False) -> tuple[Any, int]:
        if isinstance(node, yaml.MappingNode):
            names = [self.canonical(str(part)) for part in rest]
            for length in range(1, len(rest) + 1):
                wanted = ".".join(names[:length])
                for pair in node.value:
                    if self.canonical(str(pair[0].value)) == wanted:
                        return pair, length
            for other in _merged(node) if merged else ():
                found = self._entry(other, rest, merged)
                if found[0]:
                    return found
        return None, 1

    def _pair(self, path: Sequence[str | int]) -> Any:
        """The node that stands for a path in messages: the key of a mapping's entry, an item of a list."""
        node, rest, found = self.root, list(path), None
        while rest and node is not None:
            if isinstance(node, yaml.SequenceNode):
                found, used = self._child(node, rest)
                node = found
            else:
                pair, used = self._entry(node, rest, merged=True)
                found, node = pair if pair else (None, None)
            rest = rest[used:]
        return found

    def _spliced(self, start: int, end: int, text: str) -> YamlText:
        return parse(self.text[:start] + text + self.text[end:], self.canonical)

    def _line_start(self, at: int) -> int:
        return self.text.rfind("\n", 0, at) + 1

    def _line_end(self, at: int) -> int:
        """Behind the line that holds the character before the place."""
        found = self.text.find("\n", max(at - 1, 0))
        return len(self.text) if found < 0 else found + 1

    def _line_at(self, start: int) -> str:
        return self.text[start : self._line_end(start + 1)]

    def _break(self, at: int) -> str:
        return "" if at == 0 or self.text[at - 1] == "\n" else "\n"


def parse(text: str, canonical: Canonical = _as_written) -> YamlText:
    """Any text."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if _contains_itself(root, ()):
            return YamlText(text, None, "an alias stands inside what it names", 1, canonical)
        value = yaml.safe_load(text)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        return YamlText(text, None, str(problem.problem or problem.context), mark.line + 1 if mark else 1, canonical)
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        return YamlText(text, None, str(problem).splitlines()[0], 1, canonical)
    return YamlText(text, value, canonical=canonical, root=root)


def render(value: Any, comment: str = "") -> str:
    """A fresh document. comment: lines of text for its head."""
    return "".join(f"# {line}\n" for line in comment.splitlines()) + _dump(value)


def _value(node: Any) -> Any:
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_document(copy.deepcopy(node))  # which puts what is merged into the nodes themselves
    finally:
        loader.dispose()


def _merged(node: Any) -> list[Any]:
    """Mappings that one takes over, the one that counts first in front."""
    found = [value for key, value in node.value if key.tag == MERGE]
    return [each for value in found for each in (value.value if isinstance(value, yaml.SequenceNode) else [value])]


def _leaves(node: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(node, yaml.MappingNode) and node.value:
        for key, value in node.value:
            if key.tag != MERGE:
                yield from _leaves(value, (*path, *str(key.value).split(".")))
        for other in _merged(node):
            yield from _leaves(other, path)
    elif isinstance(node, yaml.SequenceNode) and node.value:
        for index, value in enumerate(node.value):
            yield from _leaves(value, (*path, index))
    else:
        yield path, _value(node)


def _repeated(node: Any) -> Iterator[tuple[int, str]]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield key.start_mark.line + 1, str(key.value)
            seen.add(str(key.value))
            yield from _repeated(value)
    elif isinstance(node, yaml.SequenceNode):
        for each in node.value:
            yield from _repeated(each)


def _contains_itself(node: Any, above: tuple[int, ...]) -> bool:
    if not isinstance(node, yaml.CollectionNode):
        return False
    below = [each for member in node.value for each in (member if isinstance(member, tuple) else (member,))]
    return id(node) in above or any(_contains_itself(each, (*above, id(node))) for each in below)


def _is_null(node: Any) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _end(node: Any) -> int:
    """Where the text of a node ends; marks of block collections go on to the next token."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):
        text = str(node.end_mark.buffer or "")[: node.end_mark.index]
        return len(text.rstrip())
    return int(node.end_mark.index)


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
