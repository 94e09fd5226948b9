"""The comments of a Python file: where they stand, and blocks of them that are code."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from textwrap import dedent

_COMMENT = re.compile(r"^([ \t]*)#(?!!)(.*)$")
_FAILURES = (SyntaxError, ValueError, RecursionError, MemoryError)
_OPENING = re.compile(r"#[^\r\n]*|\"\"\"|'''|[\"']")
_CLOSING: Mapping[str, re.Pattern[str]] = {
    sign: re.compile(rf"\\.|{sign}" + (r"|\n" if len(sign) == 1 else ""), re.DOTALL)
    for sign in ('"""', "'''", '"', "'")
}
_LONGEST = 100  # lines; a longer block is not left behind by accident
_DEEPEST = 30  # brackets in it
_SIGN = re.compile(r"[(\[{]")


def comments_of(text: str) -> Mapping[int, str]:
    """Comments by line; those only that stand in no string. Empty where the text is broken.

    Looks for strings and comments alone: all tokens would cost a tenth of the parse.
    """
    found: dict[int, str] = {}
    line, counted, at = 1, 0, 0
    while (opening := _OPENING.search(text, at)) is not None:
        start, at = opening.span()
        if opening[0][0] == "#":
            line += text.count("\n", counted, start)
            counted = start
            found[line] = opening[0]
        else:
            at = _end_of_string(text, at, opening[0])
            if at < 0:
                return {}
    return found


def _end_of_string(text: str, start: int, sign: str) -> int:
    for each in _CLOSING[sign].finditer(text, start):
        if each[0] == sign:
            return each.end()
        if each[0] == "\n":
            break
    return -1


def blocks(lines: Sequence[str]) -> Iterator[tuple[int, int]]:
    """First and last line of each run of lines that are comments of one indentation."""
    first, indent = 0, ""
    for number, line in enumerate([*lines, ""], start=1):
        code = line.lstrip(" \t")
        is_comment = code.startswith("#") and not code.startswith("#!")
        before = line[: len(line) - len(code)] if is_comment else ""
        if first and (not is_comment or before != indent):
            yield first, number - 1
            first = 0
        if is_comment and not first:
            first, indent = number, before


def is_code(lines: Sequence[str]) -> bool:
    """Whether comment lines are statements that do something, and nothing else."""
    if len(lines) > _LONGEST or sum(len(_SIGN.findall(each)) for each in lines) > _DEEPEST * 10:
        return False
    texts = [match[2] for each in lines if (match := _COMMENT.match(each.rstrip("\r")))]
    code = dedent("\n".join(texts).replace("\t", "    "))
    body = _parsed(code) or _parsed(f"if 0:\n    pass\n{code}")
    telling = sum(1 for each in body if _tells(each))
    return bool(telling) and telling * 2 >= len(body) and not any(_is_prose(e) for e in body)


def _parsed(code: str) -> list[ast.stmt]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes are the author's affair
        try:
            return ast.parse(code).body
        except _FAILURES:
            return []


def _tells(node: ast.stmt) -> bool:
    """Whether nobody would write this statement as prose."""
    match node:
        case ast.Expr(value=ast.Call() | ast.Await()):
            return True
        case ast.Assign(value=value) | ast.AugAssign(value=value):
            return not isinstance(value, ast.Name)
        case ast.Return(value=value):
            return isinstance(value, ast.Call | ast.Attribute | ast.Dict | ast.Constant)
        case ast.Expr() | ast.AnnAssign() | ast.Pass() | ast.Continue() | ast.Break():
            return False
        case _:
            return True


def _is_prose(node: ast.stmt) -> bool:
    """`Note: this`, `word` and `a, b`: sentences that happen to parse."""
    match node:
        case ast.AnnAssign(value=None):
            return True
        case ast.Expr(value=value):
            return not isinstance(value, ast.Call | ast.Await | ast.Yield | ast.YieldFrom)
        case _:
            return False
