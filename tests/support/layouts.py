"""Other layouts of the same code, as formatters and people make them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import libcst as cst

BREAK = cst.ParenthesizedWhitespace(
    first_line=cst.TrailingWhitespace(), indent=True, last_line=cst.SimpleWhitespace("        ")
)
TIGHT = cst.SimpleWhitespace("")
SPACE = cst.SimpleWhitespace(" ")


def _comments_in(node: cst.CSTNode) -> bool:
    return any(isinstance(each, cst.Comment) or _comments_in(each) for each in node.children)


class _Joined(cst.CSTTransformer):
    """What stands in brackets comes onto one line."""

    def leave_ParenthesizedWhitespace(  # noqa: N802 - LibCST names it
        self,
        original_node: cst.ParenthesizedWhitespace,
        updated_node: cst.ParenthesizedWhitespace,  # noqa: ARG002 - as above
    ) -> cst.BaseParenthesizableWhitespace:
        return original_node if _comments_in(original_node) else SPACE


class _Exploded(cst.CSTTransformer):
    """Each argument and element on a line of its own, with a comma behind the last."""

    def leave_Call(  # noqa: N802
        self, original_node: cst.Call, updated_node: cst.Call
    ) -> cst.Call:
        lonely = len(updated_node.args) == 1 and isinstance(
            updated_node.args[0].value, cst.GeneratorExp
        )
        if not updated_node.args or lonely or _comments_in(original_node):
            return updated_node
        comma = cst.Comma(whitespace_after=BREAK)
        args = [each.with_changes(comma=comma) for each in updated_node.args]
        return updated_node.with_changes(args=args, whitespace_before_args=BREAK)

    def leave_List(  # noqa: N802
        self, original_node: cst.List, updated_node: cst.List
    ) -> cst.List:
        if not updated_node.elements or _comments_in(original_node):
            return updated_node
        comma = cst.Comma(whitespace_after=BREAK)
        elements = [each.with_changes(comma=comma) for each in updated_node.elements]
        bracket = cst.LeftSquareBracket(BREAK)
        return updated_node.with_changes(elements=elements, lbracket=bracket)

    def visit_FormattedString(self, node: cst.FormattedString) -> bool:  # noqa: N802, ARG002
        return False  # before 3.12 it must stay on its line


class _Parenthesised(cst.CSTTransformer):
    """Values in brackets of their own."""

    def leave_Assign(  # noqa: N802
        self,
        original_node: cst.Assign,  # noqa: ARG002
        updated_node: cst.Assign,
    ) -> cst.Assign:
        return updated_node.with_changes(value=_in_brackets(updated_node.value))

    def leave_Return(  # noqa: N802
        self,
        original_node: cst.Return,  # noqa: ARG002
        updated_node: cst.Return,
    ) -> cst.Return:
        value = updated_node.value
        return updated_node.with_changes(value=_in_brackets(value)) if value else updated_node

    def leave_Arg(  # noqa: N802
        self,
        original_node: cst.Arg,  # noqa: ARG002
        updated_node: cst.Arg,
    ) -> cst.Arg:
        if updated_node.star or isinstance(updated_node.value, cst.GeneratorExp):
            return updated_node
        return updated_node.with_changes(value=_in_brackets(updated_node.value))

    def visit_FormattedString(self, node: cst.FormattedString) -> bool:  # noqa: N802, ARG002
        return False


def _in_brackets(node: cst.BaseExpression) -> cst.BaseExpression:
    if node.lpar or isinstance(node, cst.Yield | cst.StarredElement):
        return node
    return node.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])


class _Spread(cst.CSTTransformer):
    """Blank lines and comments between the statements of every block."""

    def leave_SimpleStatementLine(  # noqa: N802
        self,
        original_node: cst.SimpleStatementLine,  # noqa: ARG002
        updated_node: cst.SimpleStatementLine,
    ) -> cst.SimpleStatementLine:
        above = [cst.EmptyLine(), cst.EmptyLine(comment=cst.Comment("# A remark."))]
        return updated_node.with_changes(leading_lines=[*above, *updated_node.leading_lines])


class _Deeper(cst.CSTTransformer):
    """Two more spaces for every block."""

    def leave_IndentedBlock(  # noqa: N802
        self,
        original_node: cst.IndentedBlock,  # noqa: ARG002
        updated_node: cst.IndentedBlock,
    ) -> cst.IndentedBlock:
        return updated_node.with_changes(indent="      ")


def _by(transformer: type[cst.CSTTransformer]) -> Callable[[str], str]:
    return lambda text: cst.parse_module(text).visit(transformer()).code


LAYOUTS: Mapping[str, Callable[[str], str]] = {
    "on one line": _by(_Joined),
    "a line each": _by(_Exploded),
    "in brackets": _by(_Parenthesised),
    "spread": _by(_Spread),
    "indented deeper": _by(_Deeper),
    "other ends of line": lambda text: text.replace("\r\n", "\n").replace("\n", "\r\n"),
    "a byte order mark": lambda text: "\ufeff" + text,
    "no end of the last line": lambda text: text.rstrip("\n"),
}
