"""Values with their places: what the readers of data files have in common."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rules.kit.spans import Span

Key = str | int
Path = tuple[Key, ...]
MAX_DEPTH = 64
MAX_VALUES = 100_000
_NEWLINE = re.compile(r"\r\n?|\n")


class BrokenFileError(Exception):
    """Why a data file cannot be read, in words; `line` is 1-based, 0 where it is not known."""

    def __init__(self, problem: str, line: int = 0) -> None:
        super().__init__(f"{problem}, line {line}" if line else problem)
        self.problem = problem
        self.line = line


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """A value of a data file and where it stands.

    `data` is the plain Python value, with all below it; `text` a scalar as it is written, its
    quotes taken off (`3.10` has the data 3.1). `key` is the place of its key, None in a list.
    `items` are the values directly below, by key or by number. `size` counts it and all below.
    """

    data: Any
    span: Span
    text: str = ""
    key: Span | None = None
    items: Mapping[Key, Value] = field(default_factory=dict)
    size: int = 1

    @property
    def line(self) -> int:
        return self.span.line

    @property
    def column(self) -> int:
        return self.span.column

    def get(self, *path: Key) -> Value | None:
        """The value at a path below this one."""
        at: Value | None = self
        for each in path:
            at = at.items.get(each) if at is not None else None
        return at

    def walk(self, path: Path = ()) -> Iterator[tuple[Path, Value]]:
        """Everything below with its path, in the order of the file, parents first."""
        stack = [((*path, key), value) for key, value in reversed(list(self.items.items()))]
        while stack:
            here, value = stack.pop()
            yield here, value
            stack += [((*here, key), below) for key, below in reversed(list(value.items.items()))]

    def under(self, key: Span | None) -> Value:
        """The same value at another key."""
        return replace(self, key=key)


def scalar(data: Any, span: Span, text: str, key: Span | None = None) -> Value:
    return Value(data, span, text, key)


def table(items: Mapping[Key, Value], span: Span, key: Span | None = None) -> Value:
    """A mapping."""
    data = {name: each.data for name, each in items.items()}
    return Value(data, span, "", key, items, _size(items.values()))


def array(items: Iterable[Value], span: Span, key: Span | None = None) -> Value:
    """A list."""
    every = tuple(items)
    numbered: dict[Key, Value] = dict(enumerate(every))
    return Value([each.data for each in every], span, "", key, numbered, _size(every))


def _size(values: Iterable[Value]) -> int:
    size = 1 + sum(each.size for each in values)
    if size > MAX_VALUES:
        raise BrokenFileError("it holds too many values")
    return size


class Offsets:
    """Turns offsets in a text into lines and columns."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(each.end() for each in _NEWLINE.finditer(text))]
        self._end = len(text)

    def line(self, offset: int) -> int:
        return bisect_right(self._starts, offset)

    def span(self, start: int, end: int) -> Span:
        """The stretch between two offsets."""
        first, last = self.line(start), self.line(end)
        return Span(
            first, start - self._starts[first - 1] + 1, last, end - self._starts[last - 1] + 1
        )

    @property
    def whole(self) -> Span:
        return self.span(0, self._end)
