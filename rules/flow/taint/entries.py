"""Which functions of a file are worth interpreting from their beginning.

Following every function of a file, and all that it calls, takes several times as long as
parsing it. Data of a caller comes in through few: those that speak of a request, or that a
decorator makes a route. What they call is interpreted when they call it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator

from rules.flow.taint.sources import ROUTE_NAMES
from rules.flow.values import FunctionCode
from rules.kit import Here, walk_syntax

_SPEAKS = re.compile(
    r"(?<!pull_)request(?!s$|ed|er|_?(count|method|rate))|^req$|websocket|cleaned_data|validated_data|^\.(kwargs|query_params)$",
    re.IGNORECASE,
)
_ROUTES = ROUTE_NAMES | {"api_view"}
# What `_SPEAKS` looks for in names, as a text holds it in small letters.
_REQUEST = re.compile(r"(?<!urllib\.)request(?!s\b|ed)")
_SPOKEN = ("websocket", "cleaned_data", "validated_data", ".kwargs", ".query_params")
_DECORATED = re.compile(rf"@[^\n]{{0,200}}?\b({'|'.join(sorted(_ROUTES))})\b")


def may_enter(text: str, here: Here) -> bool:
    """A quick look whether data may come in through a file at all: mostly it may not."""
    small = text.lower()
    if here.mentions(("req", "REQ", "Req")) or any(each in small for each in _SPOKEN):
        return True
    if _REQUEST.search(small) is not None:
        return True
    return "@" in text and _DECORATED.search(text) is not None


def entries(
    codes: Iterable[FunctionCode], sinks: Collection[str]
) -> Iterator[tuple[FunctionCode, bool]]:
    """Functions through which data may come in, and, where `sinks` are given, that call one.

    With each, whether data may come in through it. One that calls such a function of the same
    file is worth it, too: it may hand on its answer.
    """
    every = [(code, *_words(code.node)) for code in codes]
    speaking = {
        getattr(code.node, "name", "")
        for code, words, _ in every
        if any(_SPEAKS.search(each) for each in words)
    }
    for code, words, called in every:
        name = getattr(code.node, "name", "")
        enters = name in speaking or not speaking.isdisjoint(words) or _is_route(code.node)
        if enters or not called.isdisjoint(sinks):
            yield code, enters


def _words(node: ast.AST) -> tuple[frozenset[str], frozenset[str]]:
    """The names in a function, those of attributes once more with their dot; and the called."""
    found, called = set(), set()
    for each in walk_syntax(node):
        if isinstance(each, ast.Name):
            found.add(each.id)
        elif isinstance(each, ast.Attribute):
            if not _is_client(each):
                found |= {each.attr, f".{each.attr}"}
        elif isinstance(each, ast.arg):
            found.add(each.arg)
        elif isinstance(each, ast.Call):
            called.add(_last(each.func))
    return frozenset(found), frozenset(called)


def _is_client(node: ast.Attribute) -> bool:
    """`urllib.request`, which is no request of anybody."""
    return isinstance(node.value, ast.Name) and node.value.id == "urllib"


def _is_route(node: ast.AST) -> bool:
    """Whether a decorator makes the function answer requests."""
    return any(
        isinstance(each, ast.Call) and _last(each.func) in _ROUTES
        for each in getattr(node, "decorator_list", ())
    )


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
