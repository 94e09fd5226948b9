"""Which functions of a file are worth interpreting from their beginning.

Following every function of a file, and all that it calls, takes several times as long as
parsing it. Data of a caller comes in through few: those that speak of a request, or that a
decorator hands to a framework. What they call is interpreted when they call it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator

from rules.flow.values import FunctionCode
from rules.kit import walk_syntax

_SPEAKS = re.compile(
    r"request|^req$|websocket|cleaned_data|validated_data|^\.(kwargs|query_params)$",
    re.IGNORECASE,
)
_PLAIN = frozenset(
    {"property", "staticmethod", "classmethod", "cached_property", "abstractmethod", "override"}
    | {"contextmanager", "asynccontextmanager", "overload", "wraps", "lru_cache", "cache", "setter"}
)


def entries(codes: Iterable[FunctionCode], sinks: Collection[str]) -> Iterator[FunctionCode]:
    """Functions through which data may come in, and, where `sinks` are given, that name one.

    One that calls such a function of the same file is worth it, too: it may hand on its answer.
    """
    every = [(code, _words(code.node)) for code in codes]
    speaking = {
        getattr(code.node, "name", "")
        for code, words in every
        if any(_SPEAKS.search(each) for each in words)
    }
    for code, words in every:
        name = getattr(code.node, "name", "")
        if (
            name in speaking
            or not speaking.isdisjoint(words)
            or not words.isdisjoint(sinks)
            or _is_handed_over(code.node)
        ):
            yield code


def _words(node: ast.AST) -> frozenset[str]:
    """The names in a function; those of attributes once more with their dot."""
    found = set()
    for each in walk_syntax(node):
        if isinstance(each, ast.Name):
            found.add(each.id)
        elif isinstance(each, ast.Attribute):
            found |= {each.attr, f".{each.attr}"}
        elif isinstance(each, ast.arg):
            found.add(each.arg)
    return frozenset(found)


def _is_handed_over(node: ast.AST) -> bool:
    """Whether a decorator may give the function to a framework."""
    for each in getattr(node, "decorator_list", ()):
        func = each.func if isinstance(each, ast.Call) else each
        last = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
        if last not in _PLAIN:
            return True
    return False
