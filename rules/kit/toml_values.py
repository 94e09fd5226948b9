"""TOML with places: `tomllib` says what the values are, a scan of the text where they stand."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from rules.kit.spans import Span
from rules.kit.values import (
    MAX_DEPTH,
    BrokenFileError,
    Key,
    Offsets,
    Path,
    Value,
    array,
    scalar,
    table,
)

_BLANK = re.compile(r"[ \t\r\n]*(?:#[^\n]*(?:\n[ \t\r\n]*|\Z))*")
_KEY = re.compile(
    r'(?:"([^"\\\n]*(?:\\.[^"\\\n]*)*)(?:"|\\?\Z|(?=\n))|\'([^\'\n]*+)(?:\'|\Z|(?=\n))|([\w-]++))[ \t]*+\.?'
)
_SCALAR = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}|\'{3}.*?\'{3,5}|"(?:[^"\\]|\\.)*"|\'[^\']*\''
    r"|\d{4}-\d\d-\d\d \d\d:[^\s,\]}#]+|[^\s,\]}#]+",
    re.DOTALL,
)
# How deep `tomllib` can go depends on the interpreter's stack.
_BRACKETS = re.compile(r"(?:\[[ \t\r\n]*+){65}")
# Dotted keys of more parts than any real file has: `tomllib` takes time with their square.
_DEEP = re.compile(r"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){64}""")
_ERROR_LINE = re.compile(r"^(.*?) \(at line (\d+), column \d+\)$")
Place = tuple[Span | None, int, int]  # of the key; where the value begins and ends


def read(text: str) -> Value:
    """The table of a file. Raises BrokenFileError."""
    deep = _DEEP.search(text) or _BRACKETS.search(text)
    if deep is not None:
        raise BrokenFileError("it is nested too deeply", text.count("\n", 0, deep.start()) + 1)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        told = _ERROR_LINE.match(str(problem))
        raise BrokenFileError(
            told[1] if told else str(problem), int(told[2]) if told else 0
        ) from None
    except (ValueError, RecursionError):
        raise BrokenFileError("it cannot be read as TOML") from None
    scanner = _Scanner(text)
    scanner.run()
    return _placed(data, (), scanner)


def _placed(data: Any, path: Path, scanner: _Scanner) -> Value:
    if len(path) > MAX_DEPTH:
        raise BrokenFileError("it is nested too deeply")
    key, start, end = scanner.places.get(path, (None, 0, 0))
    span = scanner.offsets.span(start, end)
    if isinstance(data, Mapping):
        items: dict[Key, Value] = {
            name: _placed(below, (*path, name), scanner) for name, below in data.items()
        }
        return table(items, span if path else scanner.offsets.whole, key)
    if isinstance(data, list):
        return array((_placed(e, (*path, n), scanner) for n, e in enumerate(data)), span, key)
    return scalar(data, span, data if isinstance(data, str) else scanner.text[start:end], key)


class _Scanner:
    """Notes the place of every path of a text that is known to be TOML."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.offsets = Offsets(text)
        self.places: dict[Path, Place] = {}
        self._at = 0
        self._counts: dict[Path, int] = {}

    def run(self) -> None:
        header: Path = ()
        while self._skip() < len(self.text):
            if self.text[self._at] == "[":
                header = self._header()
            else:
                self._pair(header)

    def _skip(self) -> int:
        found = _BLANK.match(self.text, self._at)
        self._at = found.end() if found else self._at
        return self._at

    def _header(self) -> Path:
        start = self._at
        many = self.text.startswith("[[", start)
        self._at += 2 if many else 1
        first = self._at
        path = self._keys(())
        key = self.offsets.span(first, self._at)
        self._at = self.text.index("]", self._at) + (2 if many else 1)
        if many:
            number = self._counts.get(path, 0)
            self._counts[path] = number + 1
            self._note(path, key, start)
            path = (*path, number)
        for size in range(1, len(path)):
            self.places.setdefault(path[:size], (key, start, start))
        self._note(path, key, start)
        return path

    def _pair(self, header: Path) -> None:
        start = self._at
        path = self._keys(header)
        key = self.offsets.span(start, self._trimmed(start))
        self._at = self.text.index("=", self._at) + 1
        self._skip()
        begin = self._at
        for size in range(len(header) + 1, len(path)):
            self.places.setdefault(path[:size], (key, start, start))
        self._value(path)
        self._note(path, key, begin)

    def _trimmed(self, start: int) -> int:
        return start + len(self.text[start : self._at].rstrip(" \t"))

    def _note(self, path: Path, key: Span | None, start: int) -> None:
        self.places.setdefault(path, (key, start, self._at))

    def _after_space(self) -> int:
        at = self._at
        while self.text[at : at + 1] in (" ", "\t"):
            at += 1
        return at

    def _keys(self, header: Path) -> Path:
        """A dotted key below a table; tables of an array are the last ones that were begun."""
        path = header
        while found := _KEY.match(self.text, self._after_space()):
            quoted, literal, bare = found[1], found[2], found[3]
            name = bare if bare is not None else literal
            if quoted is not None:
                name = next(iter(tomllib.loads(f'"{quoted}" = 0')))
            path = (*path, name or "")
            if len(path) > MAX_DEPTH:
                raise BrokenFileError("it is nested too deeply", self.offsets.line(self._at))
            self._at = found.end()
            if not found[0].endswith("."):
                break
            if path in self._counts:
                path = (*path, self._counts[path] - 1)
        return path

    def _value(self, path: Path) -> None:
        if len(path) > MAX_DEPTH:
            raise BrokenFileError("it is nested too deeply", self.offsets.line(self._at))
        opening = self.text[self._at]
        if opening not in "[{":
            found = _SCALAR.match(self.text, self._at)
            self._at = found.end() if found else len(self.text)
            return
        self._at += 1
        number = 0
        while self.text[self._skip()] not in "]}":
            if self.text[self._at] == ",":
                self._at += 1
            elif opening == "{":
                self._pair(path)
            else:
                begin = self._at
                self._value((*path, number))
                self._note((*path, number), None, begin)
                number += 1
        self._at += 1
