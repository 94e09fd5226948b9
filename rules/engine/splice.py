"""The tree of an edited module, for the price of the top-level statements that the edit touches.

Parsing is most of what a review costs, and a fix changes a few lines. The statements around
these are parsed alone and put in place of the old ones. The tree is the one that parsing the
whole text would give; where that is not certain there is none, and the caller parses.
"""

from __future__ import annotations

import ast
import re
import warnings
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import libcst as cst

from rules.engine.finding import TextEdit
from rules.engine.guard import reason_to_skip
from rules.engine.parse import parse_module
from rules.kit.positions import is_plain

_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+\Z")
_BREAK = re.compile(r"\r\n?|\n")
# What follows a bracket or belongs to a statement above is not the beginning of one.
_AT_MARGIN = re.compile(r"^(?![ \t#)\]}]|(?:else|elif|except|finally)\b)[^\r\n]", re.MULTILINE)
_UNREADABLE = (cst.ParserSyntaxError, SyntaxError, ValueError, RecursionError, MemoryError)
Statement = cst.SimpleStatementLine | cst.BaseCompoundStatement
Piece = Statement | cst.EmptyLine


@dataclass(frozen=True, slots=True)
class _Window:
    """Statements that are touched, by number, and by how many lines they grow."""

    first: int
    last: int
    growth: int


class Splicer:
    """Edits of one module, whose text is `text`."""

    def __init__(self, module: cst.Module, text: str) -> None:
        self._module = module
        self._text = text
        self._lines: list[str] = _LINE.findall(text)

    def edited(self, edits: Iterable[TextEdit], text: str) -> cst.Module | None:
        """The module after `edits`, which make it `text`; None if that must be parsed as a whole."""
        if not self._starts or not (self._text.endswith("\n") and text.endswith("\n")):
            return None
        module, new = self._module, _LINE.findall(text)
        header, pieces = module.header, list[Piece]()
        done = shift = 0
        for each in self._windows(edits):
            start, end = self._starts[each.first], self._starts[each.last + 1]
            old_end, shift = end + shift, shift + each.growth
            same = slice(self._starts[done], start)
            if new[same.start + old_end - end : start + old_end - end] != self._lines[same]:
                return None
            parsed = self._parsed(each, new[start + old_end - end : end + shift])
            if parsed is None:
                return None
            above = () if each.first == 0 else parsed.header
            header = parsed.header if each.first == 0 else header
            pieces += [*module.body[done : each.first], *above, *parsed.body, *parsed.footer]
            done = each.last + 1
        pieces += [*module.body[done:], *(module.footer if done < len(module.body) else ())]
        kept = self._starts[done]
        if new[kept + shift :] != self._lines[kept:]:
            return None
        body, footer = _joined(pieces)
        return module.with_changes(header=header, body=body, footer=footer)

    @cached_property
    def _starts(self) -> list[int]:
        """The line, 0-based, on which each statement begins with the comments above it, and the end.

        Nothing if that is not known.
        """
        body = self._module.body
        starts = _lines_at_the_margin(self._module, self._text) or _first_lines(self._text)
        if not body or len(starts) != len(body):
            return []
        found = [start - len(each.leading_lines) for start, each in zip(starts, body, strict=True)]
        return [0, *found[1:], len(self._lines)]

    def _windows(self, edits: Iterable[TextEdit]) -> list[_Window]:
        found: list[_Window] = []
        for each in sorted(edits, key=lambda one: one.span):
            span = each.span
            end = span.end_line - (span.end_column == 1 and span.end_line > span.line)
            first, last = self._statement_at(span.line), self._statement_at(end)
            growth = len(_BREAK.findall(each.text)) - (span.end_line - span.line)
            if found and found[-1].last >= first - 1:
                before = found.pop()
                first, last = before.first, max(before.last, last)
                growth += before.growth
            found.append(_Window(first, last, growth))
        return found

    def _statement_at(self, line: int) -> int:
        return min(bisect_right(self._starts, line - 1), len(self._module.body)) - 1

    def _parsed(self, window: _Window, new: Sequence[str]) -> cst.Module | None:
        """The new statements of a window, if they are sure to be the same within the module."""
        if not _stands_alone(new, self._lines[self._starts[window.last + 1] :]):
            return None
        text = "".join(new)
        parsed = _parse(text)
        if parsed is None or not parsed.body or not parsed.has_trailing_newline:
            return None
        same = _layout(parsed) == _layout(self._module)
        pieces = (*parsed.header, *parsed.body, *parsed.footer)
        return parsed if same or self._code(pieces) == text else None

    def _code(self, nodes: Iterable[cst.CSTNode]) -> str:
        """The code of nodes with the module's own indentation and line ends."""
        return "".join(self._module.code_for_node(each) for each in nodes)


def _joined(pieces: Iterable[Piece]) -> tuple[list[Statement], list[cst.EmptyLine]]:
    """Statements with the loose lines above them, and the lines below the last."""
    body: list[Statement] = []
    above: list[cst.EmptyLine] = []
    for each in pieces:
        if isinstance(each, cst.EmptyLine):
            above.append(each)
            continue
        lines = [*above, *each.leading_lines]
        body.append(each.with_changes(leading_lines=lines) if above else each)
        above = []
    return body, above


def _lines_at_the_margin(module: cst.Module, text: str) -> list[int]:
    """As `_first_lines`, at a twentieth of its price; nothing where that is not certain.

    Each top-level statement and each decorator of it begins at the margin, so that where no more
    lines begin there than are needed, these are the ones.
    """
    if not module.body or not is_plain(text) or "\n\\" in f"\n{text}":
        return []
    found = [match.start() for match in _AT_MARGIN.finditer(text)]
    title = _docstring(module)
    if found and title and text.startswith(title, found[0]):
        found = [found[0], *found[bisect_left(found, found[0] + len(title)) :]]
    needed = [1 + len(getattr(each, "decorators", ())) for each in module.body]
    if len(found) != sum(needed):
        return []
    lines, line, before = list[int](), 0, 0
    for at in found:
        line += text.count("\n", before, at)
        before = at
        lines.append(line)
    return [lines[at] for at in accumulate(needed[:-1], initial=0)]


def _docstring(module: cst.Module) -> str:
    match module.body[0]:
        case cst.SimpleStatementLine(body=[cst.Expr(value=cst.SimpleString(value=text)), *_]):
            return text
        case _:
            return ""


def _first_lines(text: str) -> list[int]:
    """The lines, 0-based, on which the top-level statements begin, decorators included."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes are the author's affair
        try:
            body = ast.parse(text).body
        except _UNREADABLE:
            return []
    # What stands further right shares the line of the statement before it.
    return [_first_line(each) for each in body if each.col_offset == 0]


def _first_line(node: ast.stmt) -> int:
    decorators: Sequence[ast.expr] = getattr(node, "decorator_list", ())
    return min([node.lineno, *(each.lineno for each in decorators)]) - 1


def _stands_alone(window: Sequence[str], behind: Sequence[str]) -> bool:
    """Whether no line can belong to a block or a line across the edges of a window."""
    ends = bool(window) and not window[-1].rstrip("\r\n").endswith("\\")
    return ends and not (
        _is_loose(window, of_code=True)
        or _is_loose(behind, of_code=True)
        or _is_loose(reversed(window), of_code=False)
    )


def _is_loose(lines: Iterable[str], *, of_code: bool) -> bool:
    """Whether a comment or space before the first line of code, or that line, is further right.

    The parser gives such a line to the block above or the one below, whatever they are.
    """
    for each in lines:
        words = each.strip()
        is_aside = not words or words.startswith("#")
        if (is_aside or of_code) and each.startswith((" ", "\t", "\f", "\\")):
            return True
        if not is_aside:
            break
    return False


def _layout(module: cst.Module) -> tuple[str, str]:
    """What the nodes of a module take for granted."""
    return module.default_indent, module.default_newline


def _is_continued(line: cst.EmptyLine) -> bool:
    """Whether an empty line is several."""
    return "\\" in line.whitespace.value


def _parse(text: str) -> cst.Module | None:
    # A cookie counts in the first two lines of a file only, and this may be the middle of one.
    if reason_to_skip(b"\n\n" + text.encode("utf-8", "surrogatepass")) is not None:
        return None
    try:
        return parse_module(text)
    except _UNREADABLE:
        return None
