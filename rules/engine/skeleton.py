"""Python source without what is written in its strings and comments."""

from __future__ import annotations

import re
from dataclasses import dataclass

_OPENING = re.compile(r"[#'\"]")
_OPENING_IN_FIELD = re.compile(r"[#'\"()\[\]{}:]")
_COMMENT = re.compile(r"[^\n\r]*+")
_QUOTE = re.compile(r"'''|\"\"\"|'|\"")
# What is not closed ends with its line, or with the file.
# Unrolled instead of possessive: Python before 3.11.4 loses its way in possessive groups.
_REST = {
    "'": re.compile(r"[^\\'\n\r]*(?:\\(?:\r\n|.)[^\\'\n\r]*)*(?:'|\\?\Z|(?=[\n\r]))", re.DOTALL),
    '"': re.compile(r'[^\\"\n\r]*(?:\\(?:\r\n|.)[^\\"\n\r]*)*(?:"|\\?\Z|(?=[\n\r]))', re.DOTALL),
    "'''": re.compile(r"[^\\']*(?:(?:\\.|'(?!''))[^\\']*)*(?:'''|\\?\Z)", re.DOTALL),
    '"""': re.compile(r'[^\\"]*(?:(?:\\.|"(?!""))[^\\"]*)*(?:"""|\\?\Z)', re.DOTALL),
}
_IN_TEXT = {
    "'": re.compile(r"\\.|\{\{|\}\}|[{'\n\r]", re.DOTALL),
    '"': re.compile(r'\\.|\{\{|\}\}|[{"\n\r]', re.DOTALL),
    "'''": re.compile(r"\\.|\{\{|\}\}|\{|'''", re.DOTALL),
    '"""': re.compile(r'\\.|\{\{|\}\}|\{|"""', re.DOTALL),
}
_IN_FORMAT = re.compile(r"[{}\n\r]")
_LETTERS = frozenset("fFtTrR")
_FIELDS = frozenset("fFtT")
_LONGEST_PREFIX = 2


@dataclass
class _Field:
    """A replacement field of an f-string. `depth` counts brackets open in it."""

    depth: int = 0
    in_format: bool = False


def _plain(quote: str) -> str:
    body = rf"[^\\{quote}\n\r]*(?:\\(?:\r\n|.)[^\\{quote}\n\r]*)*"
    long = rf"[^\\{quote}]*(?:(?:\\.|{quote}(?!{quote * 2}))[^\\{quote}]*)*"
    return f"{quote * 3}{long}{quote * 3}|{quote}(?!{quote * 2}){body}{quote}"


def _with_fields(quote: str, other: str) -> str:
    """An f-string whose fields hold no braces, and no strings but short ones."""
    code = r"[^{}\"'#\\\n\r]*"
    field = rf"\{{{code}(?:{other}[^{{}}\"'\\\n\r]*{other}{code})*\}}"
    text = rf"[^\\{quote}\n\r{{}}]*"
    long = rf"[^\\{quote}{{}}]*"
    mark = r"\\.|\{\{|\}\}"
    return (
        rf"{quote * 3}{long}(?:(?:{mark}|{quote}(?!{quote * 2})|\{{{code}\}}){long})*{quote * 3}"
        rf"|{quote}(?!{quote * 2}){text}(?:(?:{mark}|{field}){text})*{quote}"
    )


_EASY = f"""{_with_fields('"', "'")}|{_with_fields("'", '"')}"""
_OTHER = f"""{_plain('"')}|{_plain("'")}"""
# Code, and what ends it: a comment, an f-string that is easy to read, any other string, or the
# quote of something else, with all that follows: it is read in another way. A piece begins with
# code because the search for a quote is slow.
_PIECE = re.compile(
    r"([^#'\"]*)(?:(#)[^\n\r]*"
    rf"|(?:(?<=[fFtT])|(?<=[fFtT][rR]))({_EASY})"
    rf"|(?<![fFtT])(?<![fFtT][rR])(?:{_OTHER})"
    r"|([\"']).*|\Z)",
    re.DOTALL,
)


def skeleton(text: str) -> str:
    """The code of a file: strings emptied, comments gone, continued lines joined, ends LF.

    Replacement fields of f-strings and t-strings are code in braces, nested ones too.
    """
    code = _at_once(text)
    if code is None:
        code = "".join(_Stripper(text).parts())
    if "\r" in code:
        code = code.replace("\r\n", "\n").replace("\r", "\n")
    return code.replace("\\\n", " ") if "\\" in code else code


def _at_once(text: str) -> str | None:
    """What `_Stripper` gives, several times as fast; None where a string is hard to read."""
    found = []
    pieces = _PIECE.findall(f"{text}#")[:-1]  # the last is nothing
    for code, comment, field, odd in pieces:
        found.append(code)
        if odd:
            return None
        if field:
            kept = _fields_of(code, field)
            if kept is None:
                return None
            found.append(kept)
        elif not comment:
            found.append('""')
    return "".join(found)


def _fields_of(before: str, string: str) -> str | None:
    """The fields of an f-string in braces; None if it is not certain to be one."""
    if not _has_fields(before, len(before)):
        return None
    if "{" not in string:
        return '""'
    stripper = _Stripper(f"f{string}")
    found = "".join(stripper.parts())
    return found[1:] if stripper.is_at_end else None


class _Stripper:
    """Reads a text once from left to right. The stack holds open f-strings and their fields."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._stack: list[str | _Field] = []
        self._parts: list[str] = []

    def parts(self) -> list[str]:
        while self._at < len(self._text):
            top = self._stack[-1] if self._stack else None
            if isinstance(top, str):
                self._in_text(top)
            elif isinstance(top, _Field) and top.in_format:
                self._in_format()
            else:
                self._in_code(top)
        return self._parts

    @property
    def is_at_end(self) -> bool:
        """Whether every string and field has ended."""
        return not self._stack

    def _in_code(self, field: _Field | None) -> None:
        text = self._text
        match = (_OPENING if field is None else _OPENING_IN_FIELD).search(text, self._at)
        if match is None:
            self._parts.append(text[self._at :])
            self._at = len(text)
            return
        start, sign = match.start(), match[0]
        self._parts.append(text[self._at : start])
        if sign == "#":
            self._at = _end(_COMMENT, text, start)
        elif sign in "'\"":
            self._string(start)
        elif field is not None:
            self._at = start + 1
            self._in_field(field, sign)

    def _string(self, start: int) -> None:
        text = self._text
        end = _end(_QUOTE, text, start)
        quote = text[start:end]
        if _has_fields(text, start):
            self._stack.append(quote)
            self._at = end
        else:
            self._parts.append('""')
            self._at = _end(_REST[quote], text, end)

    def _in_field(self, field: _Field, sign: str) -> None:
        self._parts.append(sign)
        if sign == ":":
            if not field.depth:
                field.in_format = True
        elif sign in "([{":
            field.depth += 1
        elif field.depth:
            field.depth -= 1
        elif sign == "}":
            self._stack.pop()

    def _in_text(self, quote: str) -> None:
        match = _IN_TEXT[quote].search(self._text, self._at)
        if match is None:
            self._at = len(self._text)
            return
        sign = match[0]
        self._at = match.end()
        if sign == "{":
            self._parts.append("{")
            self._stack.append(_Field())
        elif sign == quote or sign in "\n\r":
            self._parts.append('""' if sign == quote else '""\n')
            self._stack.pop()

    def _in_format(self) -> None:
        match = _IN_FORMAT.search(self._text, self._at)
        self._at = match.end() if match else len(self._text)
        if match is None:
            return
        if match[0] == "{":
            self._parts.append("{")
            self._stack.append(_Field())
        else:
            self._parts.append("}")
            self._stack.pop()


def _end(pattern: re.Pattern[str], text: str, start: int) -> int:
    match = pattern.match(text, start)
    return match.end() if match else start


def _has_fields(text: str, start: int) -> bool:
    """Whether the string that opens at `start` has an f or t in its prefix."""
    at = start
    while at > 0 and start - at < _LONGEST_PREFIX and text[at - 1] in _LETTERS:
        at -= 1
    is_name = at > 0 and (text[at - 1].isalnum() or text[at - 1] == "_")
    return not is_name and any(each in _FIELDS for each in text[at:start])
