"""Colours for code. The page pays for a bounded amount of it; the rest stays plain."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import PurePosixPath

from markupsafe import Markup
from pygments import lex
from pygments.lexer import Lexer
from pygments.lexers import find_lexer_class_for_filename, get_lexer_by_name
from pygments.token import STANDARD_TYPES, Token, _TokenType
from pygments.util import ClassNotFound

from sandbox.pages.plain import visible_line

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


@lru_cache(maxsize=2048)
def _highlighted(lines: tuple[str, ...], name: str, language: str | None) -> Lines:
    lexer = _by_language(language) if language is not None else _by_name(name)
    if lexer is None:
        return plain(lines)
    done: list[list[Markup]] = [[]]
    for kind, value in lex("\n".join(lines), lexer):
        style = _style(kind)
        for number, part in enumerate(value.split("\n")):
            if number:
                done.append([])
            if part:
                done[-1].append(_span(style, part))
    found = tuple(Markup("").join(pieces) for pieces in done[: len(lines)])
    return found + (Markup(""),) * (len(lines) - len(found))


def _span(style: str, text: str) -> Markup:
    shown = visible_line(text)
    return Markup('<span class="{}">{}</span>').format(style, shown) if style else shown


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
