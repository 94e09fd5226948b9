"""Parse with `ast` also what this Python's `ast` does not know yet.

`ast` of Python 3.11 refuses newer syntax that LibCST reads. Such a file is rewritten line by line into
older syntax of the same meaning for our purposes, and parsed again. LibCST stays the
parser of record; this serves facts only.
"""

from __future__ import annotations

import ast
import warnings

import libcst as cst

from rules.engine.confined import Limits, bytes_confined
from rules.engine.guard import reason_to_skip

_FAILURES = (SyntaxError, ValueError, RecursionError, MemoryError, LookupError)
_HARMLESS_BYTES = 16 * 1024
_MAX_FIELDS = 10_000
_LIMITS = Limits(memory=1024**3)


def parse_any(data: bytes) -> ast.Module | None:
    """The `ast` tree of a file; None if neither parser can read it."""
    return read_any(data)[0]


def read_any(data: bytes) -> tuple[ast.Module | None, str | None]:
    """The `ast` tree of a file, and the text it was read from if the file had to be rewritten.

    `ast` neither crashes nor hangs, but takes gigabytes or minutes for a large file made for
    that. LibCST may do both with a small one, so it runs in a child that can be killed.
    """
    if len(data) > _HARMLESS_BYTES and (
        data.count(b"{") > _MAX_FIELDS or reason_to_skip(data) is not None
    ):
        return None, None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes are the author's affair
        try:
            return ast.parse(data), None
        except _FAILURES:
            pass
        if reason_to_skip(data) is not None:
            return None, None
        older = bytes_confined(lambda: _older(data), _LIMITS)
        try:
            text = older.decode("utf-8", "surrogatepass") if older else ""
            return (ast.parse(text), text) if text else (None, None)
        except _FAILURES:
            return None, None


def _older(data: bytes) -> bytes:
    """The same file in older syntax, as UTF-8 whatever its cookie says; nothing if LibCST cannot read it either."""
    try:
        code = cst.parse_module(data).visit(_Downlevel()).code
    except (*_FAILURES, cst.ParserSyntaxError):
        return b""
    return code.encode("utf-8", "surrogatepass")


class _Downlevel(cst.CSTTransformer):
    """Takes away what is newer than Python 3.11, keeping every line where it is."""

    def leave_FunctionDef(  # noqa: N802 - LibCST's naming
        self, _original: cst.FunctionDef, updated_node: cst.FunctionDef
    ) -> cst.FunctionDef:
        return updated_node.with_changes(type_parameters=None)

    def leave_ClassDef(  # noqa: N802
        self, _original: cst.ClassDef, updated_node: cst.ClassDef
    ) -> cst.ClassDef:
        return updated_node.with_changes(type_parameters=None)

    def leave_TypeAlias(  # noqa: N802
        self, _original: cst.TypeAlias, updated_node: cst.TypeAlias
    ) -> cst.BaseSmallStatement:
        target = cst.AssignTarget(updated_node.name)
        return cst.Assign([target], updated_node.value, semicolon=updated_node.semicolon)

    def leave_FormattedString(  # noqa: N802
        self, original_node: cst.FormattedString, updated_node: cst.FormattedString
    ) -> cst.BaseExpression:
        if _is_known(updated_node):
            return updated_node
        for quotes in ('"""', "'''", updated_node.end):
            around = updated_node.with_changes(start=f"{updated_node.prefix}{quotes}", end=quotes)
            requoted = around.visit(_Requoted(around))
            if isinstance(requoted, cst.FormattedString) and _is_known(requoted):
                return requoted
        return _plain_string(original_node)

    def leave_TemplatedString(  # noqa: N802
        self, original_node: cst.TemplatedString, _updated: cst.TemplatedString
    ) -> cst.BaseExpression:
        return _plain_string(original_node)

    def leave_ExceptHandler(  # noqa: N802
        self, _original: cst.ExceptHandler, updated_node: cst.ExceptHandler
    ) -> cst.ExceptHandler:
        kind = updated_node.type
        if isinstance(kind, cst.Tuple) and not kind.lpar:
            whole = kind.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
            return updated_node.with_changes(type=whole)
        return updated_node


class _Requoted(cst.CSTTransformer):
    """Writes the strings inside an f-string with quotes that the string around them leaves free.

    Characters that the older syntax forbids there are left out.
    """

    def __init__(self, around: cst.FormattedString) -> None:
        super().__init__()
        self._around = around
        self._free = [each for each in ('"', "'") if each != around.end]

    def leave_SimpleString(  # noqa: N802
        self, _original: cst.SimpleString, updated_node: cst.SimpleString
    ) -> cst.BaseExpression:
        held = updated_node.evaluated_value
        text = held.decode("latin-1") if isinstance(held, bytes) else held
        kept = "".join(each for each in text if each not in "\\\n\r#")
        prefix = "b" if isinstance(held, bytes) else ""
        quote = next((each for each in self._free if each not in kept), "")
        if not quote:
            quote = self._free[0]
            kept = kept.replace(quote, "")
        return cst.SimpleString(f"{prefix}{quote}{kept}{quote}")

    def leave_FormattedString(  # noqa: N802
        self, original_node: cst.FormattedString, updated_node: cst.FormattedString
    ) -> cst.BaseExpression:
        if original_node is self._around:
            return updated_node
        return updated_node.with_changes(start=f"f{self._free[-1]}", end=self._free[-1])


def _is_known(node: cst.FormattedString) -> bool:
    try:
        ast.parse(f"({cst.Module([]).code_for_node(node)})")
    except _FAILURES:
        return False
    return True


def _plain_string(node: cst.CSTNode) -> cst.SimpleString:
    """A string on as many lines as the f-string had."""
    lines = cst.Module([]).code_for_node(node).count("\n")
    return cst.SimpleString('"""' + "\n" * lines + '"""' if lines else '""')
