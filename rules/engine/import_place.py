"""Where a new import belongs in a module."""

from __future__ import annotations

import re

import libcst as cst

from rules.kit import children
from rules.kit.names import dotted
from rules.kit.positions import positions

_PROLOGUE = re.compile(r"#!|coding[:=]|copyright|licen[cs]e|spdx", re.IGNORECASE)


def last_line_before_imports(module: cst.Module) -> int:
    """The line after which a new import goes: what must or should come first is above it.

    That is a shebang, a coding cookie, a licence, the docstring, `__future__` and the first
    import, in the order of the file. 0 for the top.
    """
    last: cst.CSTNode | None = None
    for statement in module.body:
        if not isinstance(statement, cst.SimpleStatementLine):
            break
        small = statement.body[0]
        is_import = isinstance(small, cst.Import | cst.ImportFrom)
        is_docstring = last is None and isinstance(small, cst.Expr) and _is_text(small.value)
        if not is_import and not is_docstring:
            break
        last = statement
        if is_import and not _is_future(small):
            break
    if last is None:
        return _prologue(module)
    return positions(module, [last])[id(last)].end_line


def is_for_types(node: cst.CSTNode) -> bool:
    """Whether this is `if TYPE_CHECKING:`, whose imports do not exist when the module runs."""
    return isinstance(node, cst.If) and dotted(node.test).rpartition(".")[2] == "TYPE_CHECKING"


def _prologue(module: cst.Module) -> int:
    """The lines of comments at the top that are about the file and not about what follows."""
    last, is_about_file = 0, False
    for number, line in enumerate(module.header, start=1):
        if line.comment is None:
            last = number if is_about_file else last
            is_about_file = False
        elif is_about_file or _PROLOGUE.search(line.comment.value):
            last, is_about_file = number, True
    return last


def _is_text(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.SimpleString | cst.ConcatenatedString)


def _is_future(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.ImportFrom) and "__future__" in {
        each.value for each in children(node) if isinstance(each, cst.Name)
    }
