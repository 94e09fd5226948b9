"""Constants computed as Python computes them, as long as that is cheap."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Sequence
from typing import Any

from rules.flow.values import Const, Scalar

_MAX_LENGTH = 20_000
_MAX_NUMBER = 10**18
_FAILURES = (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, MemoryError)

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
    ast.BitXor: operator.xor,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.eq,
    ast.IsNot: operator.ne,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
    ast.Not: operator.not_,
}
_METHODS = frozenset(
    [
        "capitalize",
        "casefold",
        "count",
        "decode",
        "encode",
        "endswith",
        "find",
        "hex",
        "index",
        "isalnum",
        "isalpha",
        "isascii",
        "isdecimal",
        "isdigit",
        "isidentifier",
        "islower",
        "isnumeric",
        "isprintable",
        "isspace",
        "istitle",
        "isupper",
        "lower",
        "lstrip",
        "removeprefix",
        "removesuffix",
        "replace",
        "rfind",
        "rindex",
        "rstrip",
        "startswith",
        "strip",
        "swapcase",
        "title",
        "upper",
        "zfill",
    ]
)
_BUILTINS: dict[str, Callable[..., Any]] = {
    "len": len,
    "ord": ord,
    "chr": chr,
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "abs": abs,
    "min": min,
    "max": max,
    "hex": hex,
    "round": round,
    "repr": repr,
}


def binary(op: ast.operator, left: Scalar, right: Scalar) -> Const | None:
    """The result of an operation; None where it is an error, too large or not known."""
    compute = _BINARY.get(op.__class__)
    if compute is None or _is_too_large(op, left, right):
        return None
    return _kept(compute, left, right)


def _is_too_large(op: ast.operator, left: Scalar, right: Scalar) -> bool:
    if not isinstance(op, ast.Mult | ast.Mod):
        return False
    sizes = [
        len(each) if isinstance(each, str | bytes) else abs(each)
        for each in (left, right)
        if isinstance(each, str | bytes | int | float)
    ]
    has_text = any(isinstance(each, str | bytes) for each in (left, right))
    if isinstance(op, ast.Mod):
        return has_text  # formatting is text's affair
    return has_text and len(sizes) == 2 and sizes[0] * sizes[1] > _MAX_LENGTH


def compare(op: ast.cmpop, left: Scalar, right: Scalar) -> bool | None:
    """Whether a comparison of constants holds."""
    try:
        return bool(_COMPARE[op.__class__](left, right))
    except _FAILURES:
        return None


def unary(op: ast.unaryop, value: Scalar) -> Const | None:
    return _kept(_UNARY[op.__class__], value)


def method(owner: Scalar, name: str, args: Sequence[Scalar]) -> Const | None:
    """The result of a method of text, bytes or numbers that has no effects."""
    if name not in _METHODS or not isinstance(owner, str | bytes):
        return None
    return _kept(lambda: getattr(owner, name)(*args))


def builtin(name: str, args: Sequence[Scalar]) -> Const | None:
    """The result of a built-in function of constants."""
    compute = _BUILTINS.get(name)
    return _kept(lambda: compute(*args)) if compute is not None and args else None


def _kept(compute: Callable[..., Any], *args: Scalar) -> Const | None:
    try:
        result = compute(*args)
    except _FAILURES:
        return None
    match result:
        case str() | bytes():
            return Const(result) if len(result) <= _MAX_LENGTH else None
        case bool() | float() | complex() | None:
            return Const(result)
        case int():
            return Const(result) if abs(result) <= _MAX_NUMBER else None
        case _:
            return None
