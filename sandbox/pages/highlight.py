"""Colours for code. The page pays for a bounded amount of it; the rest stays plain."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import takewhile
from pathlib import PurePosixPath

from markupsafe import Markup
from pygments import lex
from pygments.lexer import Lexer
from pygments.lexers import find_lexer_class_for_filename, get_lexer_by_name
from pygments.token import STANDARD_TYPES, Token, _TokenType
from pygments.util import ClassNotFound

from sandbox.pages.plain import visible, visible_line

Lines = tuple[Markup, ...]
MOST_LINE = 500  # a longer line is data, not code to be read
# The families that the style sheet colours; finer kinds take the colour of their family.
_COLOURED = (
    "k",
    "s",
    "c",
    "n",
    "nf",
    "nc",
    "nd",
    "nb",
    "nt",
    "na",
    "m",
    "o",
    "kc",
    "si",
    "se",
    "bp",
)


def plain(lines: Sequence[str]) -> Lines:
    return tuple(visible_line(line) for line in lines)


def highlighted(lines: tuple[str, ...], path: str) -> Lines:
    """The lines as HTML, coloured by the language that the path's name tells."""
    name = PurePosixPath(path).name
    if max(map(len, lines), default=0) > MOST_LINE:
        return plain(lines)
    return _highlighted(lines, name, None)


def highlighted_block(text: str, language: str) -> Markup:
    """A fenced block of a comment."""
    lines = tuple(text.removesuffix("\n").split("\n"))
    if max(map(len, lines), default=0) > MOST_LINE or len(text) > 20_000:
        return Markup("\n").join(plain(lines))
    return Markup("\n").join(_highlighted(lines, "", language))


def highlighted_pair(old: tuple[str, ...], new: tuple[str, ...], path: str) -> tuple[Lines, Lines]:
    """Lines and what they become; where a line changes a little, that part is marked."""
    before, after = highlighted(old, path), highlighted(new, path)
    if len(old) != len(new):
        return before, after
    pairs = [
        _marked(*lines) or shown
        for *lines, shown in zip(old, new, zip(before, after, strict=True), strict=True)
    ]
    return tuple(one for one, _ in pairs), tuple(other for _, other in pairs)


def _marked(old: str, new: str) -> tuple[Markup, Markup] | None:
    """Both lines with the part that differs marked; None where too little is the same."""
    if old == new or max(len(old), len(new)) > MOST_LINE:
        return None
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    if (start + end) * 2 < max(len(old), len(new)):
        return None
    return _mark(old, start, len(old) - end), _mark(new, start, len(new) - end)


def _common(one: str, other: str) -> int:
    """How many characters both begin with."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _mark(line: str, start: int, end: int) -> Markup:
    if start == end:
        return visible_line(line)
    form = Markup("{}<mark>{}</mark>{}")
    return form.format(visible(line[:start]), visible(line[start:end]), visible_line(line[end:]))


@lru_cache(maxsize=2048)
def _highlighted(lines: tuple[str, ...], name: str, language: str | None) -> Lines:
    lexer = _by_language(language) if language is not None else _by_name(name)
    if lexer is None:
        return plain(lines)
    done: list[list[str]] = [[]]
    for kind, value in lex("\n".join(lines), lexer):
        style = _style(kind)
        for number, part in enumerate(value.split("\n")):
            if number:
                done.append([])
            if part:
                done[-1].append(_span(style, part))
    found = tuple(Markup("".join(pieces)) for pieces in done[: len(lines)])  # noqa: S704 - escaped above
    return found + (Markup(""),) * (len(lines) - len(found))


def _span(style: str, text: str) -> str:
    shown = visible(text.removesuffix("\r"))
    return f'<span class="{style}">{shown}</span>' if style else shown


@lru_cache(maxsize=512)
def _style(kind: _TokenType) -> str:
    while kind is not Token:
        if (name := STANDARD_TYPES.get(kind, "")) in _COLOURED and name != "n":
            return name
        if kind.parent is None:
            break
        kind = kind.parent
    return ""


@lru_cache(maxsize=256)
def _by_name(name: str) -> Lexer | None:
    found = find_lexer_class_for_filename(name)
    return found(stripnl=False, ensurenl=False) if found else None


@lru_cache(maxsize=64)
def _by_language(language: str) -> Lexer | None:
    if not language:
        return None
    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None
