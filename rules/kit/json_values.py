"""JSON with places."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from rules.kit.values import (
    MAX_DEPTH,
    MAX_VALUES,
    BrokenFileError,
    Key,
    Offsets,
    Value,
    array,
    scalar,
    table,
)

_TOKEN = re.compile(r'"[^"\\]*(?:\\[\s\S][^"\\]*)*(?:"|\\?\Z)|[\[\]{},:]|[^\s\[\]{},:"]+')
_BRACKET = re.compile(r'"[^"\\]*(?:\\[\s\S][^"\\]*)*(?:"|\\?\Z)|[\[\]{}]')


@dataclass
class _Open:
    start: int
    is_table: bool
    keys: list[re.Match[str]] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)


def read(text: str) -> Value:
    """The value of a file. Raises BrokenFileError."""
    if text.count(",") > MAX_VALUES:
        raise BrokenFileError("it holds too many values")
    _hold_to_depth(text)
    try:
        json.loads(text)
    except json.JSONDecodeError as problem:
        raise BrokenFileError(problem.msg, problem.lineno) from None
    except (ValueError, RecursionError):
        raise BrokenFileError("it cannot be read as JSON") from None
    return next(_values(text))


def _hold_to_depth(text: str) -> None:
    """Before `json` sees it: how deep that can go depends on the interpreter's stack."""
    depth = 0
    for token in _BRACKET.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                line = text.count("\n", 0, token.start()) + 1
                raise BrokenFileError("it is nested too deeply", line)
        elif token[0] in "]}":
            depth -= 1


def _values(text: str) -> Iterator[Value]:
    """The one value of a text that is known to be JSON, put together without recursion."""
    offsets = Offsets(text)
    stack: list[_Open] = []
    for token in _TOKEN.finditer(text):
        sign = token[0]
        if sign in "[{":
            stack.append(_Open(token.start(), sign == "{"))
            continue
        if sign in ",:":
            continue
        if sign in "]}":
            value = _closed(stack.pop(), token.end(), offsets)
        elif stack and stack[-1].is_table and len(stack[-1].keys) == len(stack[-1].values):
            stack[-1].keys.append(token)
            continue
        else:
            data = json.loads(sign)
            span = offsets.span(token.start(), token.end())
            value = scalar(data, span, data if isinstance(data, str) else sign)
        if stack:
            stack[-1].values.append(value)
        else:
            yield value


def _closed(done: _Open, end: int, offsets: Offsets) -> Value:
    span = offsets.span(done.start, end)
    if not done.is_table:
        return array(done.values, span)
    items: dict[Key, Value] = {
        json.loads(key[0]): value.under(offsets.span(key.start(), key.end()))
        for key, value in zip(done.keys, done.values, strict=True)
    }
    return table(items, span)
