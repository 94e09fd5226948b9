"""Files of one setting a line, with places: INI, systemd units, `.env`, Procfiles."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from rules.kit.spans import Span
from rules.kit.values import BrokenFileError, Key, Offsets, Value, array, scalar, table

_SECTION = re.compile(r"^\[(?P<name>[^\]]+)\]")
_SIGN = re.compile(r"[=:]")
_ENV = re.compile(
    r"^[ \t]*+(?:export[ \t]++)?(?P<key>[A-Za-z_][\w.]*+)[ \t]*+=[ \t]*+"
    r"(?P<value>'[^']*+'|\"[^\"\\]*(?:\\.[^\"\\]*)*\"|(?:[^\s#]|(?<=\S)#|[ \t]++(?![\s#]))*)",
    re.MULTILINE,
)
_PROCESS = re.compile(r"^(?P<key>[\w-]++):[ \t]*+(?P<value>[^\s][^\r\n]*+)", re.MULTILINE)
_NEWLINE = re.compile(r"\r\n?|\n")


@dataclass
class _Option:
    key: str
    at: Span
    lines: list[str]
    first: Span
    last: Span

    @property
    def value(self) -> Value:
        text = "\n".join(self.lines).strip()
        one, end = self.first, self.last
        span = Span(one.line, one.column, end.end_line, end.end_column)
        return scalar(text, span, text, self.at)


@dataclass
class _Section:
    """One or several sections of a name."""

    at: Span
    options: dict[str, list[Value]] = field(default_factory=dict)


def read_ini(text: str) -> Value:
    """Sections of options, as `configparser` reads them; of a repeated option the last counts.

    Options before any section are in the section without a name. Raises BrokenFileError.
    """
    return _by_section(_options(text, _goes_on_indented), lambda values: values[-1])


def read_unit(text: str) -> Value:
    """A unit of systemd: each value is a list, for options may be given several times."""
    return _by_section(_options(text, _goes_on_after_backslash), _listed)


def _listed(values: list[Value]) -> Value:
    return array((each.under(None) for each in values), values[-1].span, values[-1].key)


def _goes_on_indented(line: str, before: _Option) -> bool:
    return bool(before.key) and line[0] in " \t"


def _goes_on_after_backslash(line: str, before: _Option) -> bool:
    goes_on = bool(line) and before.lines[-1].endswith("\\")
    if goes_on:
        before.lines[-1] = before.lines[-1][:-1].rstrip()
    return goes_on


def _by_section(
    options: Iterator[_Option | tuple[str, Span]], chosen: Callable[[list[Value]], Value]
) -> Value:
    sections: dict[str, _Section] = {}
    nowhere = Span(1, 1, 1, 1)
    at, end = "", nowhere
    for each in tuple(options):
        if isinstance(each, tuple):
            at, end = each
            sections.setdefault(at, _Section(end))
        else:
            section = sections.setdefault(at, _Section(nowhere))
            section.options.setdefault(each.key, []).append(each.value)
            end = each.last
    items: dict[Key, Value] = {
        name: table({key: chosen(v) for key, v in one.options.items()}, one.at, one.at)
        for name, one in sections.items()
    }
    return table(items, Span(1, 1, end.end_line, end.end_column))


def _options(
    text: str, goes_on: Callable[[str, _Option], bool]
) -> Iterator[_Option | tuple[str, Span]]:
    """Options in order, and the names of sections where they begin."""
    last: _Option | None = None
    for number, line in enumerate(_NEWLINE.split(text), start=1):
        bare = line.strip()
        if not bare or bare[0] in "#;":
            continue
        place = _place(number, line, bare)
        if last is not None and goes_on(line, last):
            last.lines.append(bare)
            last.last = place
            continue
        named = _SECTION.match(bare)
        if named is not None:
            last = None
            yield named["name"], place
        elif bare[0] in "[=:":
            raise BrokenFileError("a line is neither a section nor an option", number)
        else:
            last = _option(bare, number, place.column)
            yield last


def _option(bare: str, number: int, column: int) -> _Option:
    sign = _SIGN.search(bare)
    key = bare[: sign.start()].rstrip() if sign else bare
    value = bare[sign.end() :].lstrip() if sign else ""
    at = Span(number, column, number, column + len(key))
    start = column + len(bare) - len(value)
    first = Span(number, start, number, start + len(value))
    return _Option(key, at, [value], first, first)


def _place(number: int, line: str, bare: str) -> Span:
    column = len(line) - len(line.lstrip()) + 1
    return Span(number, column, number, column + len(bare))


def read_env(text: str) -> Value:
    """Variables by name, their quotes taken off. What is no assignment is passed over."""
    return _matches(text, _ENV)


def read_procfile(text: str) -> Value:
    """Commands by process type."""
    return _matches(text, _PROCESS)


def _matches(text: str, form: re.Pattern[str]) -> Value:
    offsets = Offsets(text)
    items: dict[Key, Value] = {}
    for found in form.finditer(text):
        raw = found["value"].rstrip()
        quoted = len(raw) > 1 and raw[0] == raw[-1] and raw[0] in "'\""
        value = raw[1:-1] if quoted else raw
        start = found.start("value")
        key = offsets.span(found.start("key"), found.end("key"))
        items[found["key"]] = scalar(value, offsets.span(start, start + len(raw)), value, key)
    return table(items, offsets.whole)
