"""Small builders of nodes, for fixes and for comparing."""

from __future__ import annotations

import libcst as cst


def expression(code: str) -> cst.BaseExpression:
    """Parse one expression."""
    return cst.parse_expression(code)


def call(name: str, *args: cst.BaseExpression, **keywords: cst.BaseExpression) -> cst.Call:
    """`name(*args, **keywords)`; `name` may be dotted."""
    plain = cst.MaybeSentinel.DEFAULT
    given = [cst.Arg(each, comma=plain) for each in args]
    given += [
        cst.Arg(value, keyword=cst.Name(key), equal=_TIGHT) for key, value in keywords.items()
    ]
    return cst.Call(func=cst.parse_expression(name), args=given)


_TIGHT = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))


def with_keyword(node: cst.Call, name: str, value: cst.BaseExpression | str) -> cst.Call:
    """The call with one more keyword argument at its end, the layout of the others kept."""
    given = cst.parse_expression(value) if isinstance(value, str) else value
    added = cst.Arg(given, keyword=cst.Name(name), equal=_TIGHT)
    if not node.args:
        return node.with_changes(args=[added])
    *first, last = node.args
    if isinstance(last.comma, cst.Comma):
        added = added.with_changes(comma=last.comma)
        between = first[-1].comma if first else None
        if not isinstance(between, cst.Comma):
            between = last.comma.with_changes(whitespace_after=node.whitespace_before_args)
        return node.with_changes(args=[*first, last.with_changes(comma=between), added])
    comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    return node.with_changes(args=[*first, last.with_changes(comma=comma), added])


def keyword(node: cst.Call, name: str) -> cst.BaseExpression | None:
    """The value of a keyword argument."""
    for each in node.args:
        if each.keyword is not None and each.keyword.value == name:
            return each.value
    return None


def has_star_kwargs(node: cst.Call) -> bool:
    """Whether `**something` may hold any further keyword."""
    return any(each.star == "**" for each in node.args)


def argument(node: cst.Call, position: int, name: str) -> cst.BaseExpression | None:
    """An argument given by position (0-based) or by keyword."""
    named = keyword(node, name)
    if named is not None:
        return named
    plain = [each for each in node.args if each.keyword is None]
    if any(each.star for each in plain[: position + 1]):
        return None
    return plain[position].value if position < len(plain) else None


def string(node: cst.CSTNode | None) -> str | None:
    """The value of a string literal, implicit concatenation included; None for all else."""
    if isinstance(node, cst.SimpleString | cst.ConcatenatedString):
        value = node.evaluated_value
        return value if isinstance(value, str) else None
    return None
