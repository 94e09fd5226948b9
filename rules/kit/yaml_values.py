"""YAML with places, from the events of the parser: no tag is obeyed, no object is built.

Read as YAML 1.2 does: `on`, `yes` and `0644` are texts, and so is every key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from rules.kit.spans import Span
from rules.kit.values import (
    MAX_DEPTH,
    MAX_VALUES,
    BrokenFileError,
    Key,
    Value,
    array,
    scalar,
    table,
)

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# YAML counts these as ends of lines, editors and GitHub do not.
_ODD_BREAKS = str.maketrans("\x85\u2028\u2029", "   ")
_CONSTANTS: Mapping[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBERS: tuple[tuple[re.Pattern[str], Callable[[str], Any]], ...] = (
    (re.compile(r"[-+]?(?:0|[1-9]\d{0,30})"), int),
    (re.compile(r"0x[0-9a-fA-F]{1,30}"), lambda text: int(text, 16)),
    (re.compile(r"0o[0-7]{1,30}"), lambda text: int(text, 8)),
    (re.compile(r"[-+]?(?:\.\d{1,30}|\d{1,30}\.\d{0,30})(?:[eE][-+]?\d{1,4})?"), float),
)
_MERGE = "<<"


@dataclass
class _Open:
    """A collection whose end has not come yet."""

    event: Any
    values: list[Value] = field(default_factory=list)
    keys: list[tuple[str, Span, bool]] = field(default_factory=list)

    @property
    def awaits_key(self) -> bool:
        is_mapping = isinstance(self.event, yaml.MappingStartEvent)
        return is_mapping and len(self.keys) == len(self.values)


def read(text: str) -> tuple[Value, ...]:
    """The documents of a file. Raises BrokenFileError."""
    composer = _Composer()
    try:
        for event in yaml.parse(text.translate(_ODD_BREAKS), Loader=_LOADER):
            composer.take(event)
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        words = getattr(problem, "problem", None) or "it cannot be read as YAML"
        raise BrokenFileError(str(words), mark.line + 1 if mark else 0) from None
    return tuple(composer.documents)


class _Composer:
    """Puts values together from events, without recursion."""

    def __init__(self) -> None:
        self.documents: list[Value] = []
        self._stack: list[_Open] = []
        self._anchors: dict[str, Value] = {}
        self._count = 0

    def take(self, event: Any) -> None:
        match event:
            case yaml.DocumentStartEvent():
                self._anchors.clear()
            case yaml.ScalarEvent():
                self._add(event, scalar(_plain(event), _span(event), event.value), 1)
            case yaml.AliasEvent():
                known = self._anchors.get(event.anchor or "")
                if known is None:
                    raise BrokenFileError("an alias has no anchor before it", _span(event).line)
                self._add(None, replace(known, span=_span(event)), known.size)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                if len(self._stack) >= MAX_DEPTH:
                    raise BrokenFileError("it is nested too deeply", _span(event).line)
                self._stack.append(_Open(event))
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                done = self._stack.pop()
                self._add(done.event, self._closed(done, event), 1)

    def _add(self, event: Any, value: Value, weight: int) -> None:
        self._weigh(weight)
        if event is not None and event.anchor is not None:
            self._anchors[event.anchor] = value
        if not self._stack:
            self.documents.append(value)
            return
        around = self._stack[-1]
        if around.awaits_key:
            merges = value.text == _MERGE and event is not None and not event.style
            around.keys.append((value.text or str(value.data)[:80], value.span, merges))
        else:
            around.values.append(value)

    def _weigh(self, weight: int) -> None:
        self._count += weight
        if self._count > MAX_VALUES:
            raise BrokenFileError("it holds, or its aliases unfold to, too many values")

    def _closed(self, done: _Open, end: Any) -> Value:
        span = _span(done.event, end)
        if done.values and not done.event.flow_style:
            last = done.values[-1].span  # the mark of a block stands before what follows it
            span = Span(span.line, span.column, last.end_line, last.end_column)
        if isinstance(done.event, yaml.SequenceStartEvent):
            return array(done.values, span)
        own: dict[Key, Value] = {}
        merged: dict[Key, Value] = {}
        for (name, key, merges), value in zip(done.keys, done.values, strict=True):
            if not merges:
                own[name] = value.under(key)
                continue
            for each in value.items.values() if isinstance(value.data, list) else (value,):
                self._weigh(each.size)
                for key_below, below in each.items.items():
                    merged.setdefault(key_below, below)
        return table({**merged, **own}, span)


def _span(event: Any, end: Any = None) -> Span:
    first, last = event.start_mark, (end or event).end_mark
    return Span(first.line + 1, first.column + 1, last.line + 1, last.column + 1)


def _plain(event: Any) -> Any:
    """What a scalar stands for: a text, but for the plain ones that look like more."""
    text: str = event.value
    if event.style or event.tag == "tag:yaml.org,2002:str" or (event.tag or "").startswith("!"):
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    return next((read(text) for form, read in _NUMBERS if form.fullmatch(text)), text)
