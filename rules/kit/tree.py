"""Walking LibCST trees without their whitespace, at a fraction of a parse.

LibCST's own visitors and providers cost one to fifteen parses each, because six of ten
nodes are whitespace. Here the fields that can hold code are listed once per node class.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar

import libcst as cst

N = TypeVar("N", bound=cst.CSTNode)
Fields = tuple[Any, ...]

_TRIVIA_FIELD = re.compile(
    r"whitespace|^(leading_lines|lines_after_decorators|header|footer|[lr]par|[lr]bracket|[lr]brace"
    r"|semicolon|comma|first_line|last_line|newline|indent|comment|colon|equal|dot|empty_lines"
    r"|empty|type_comment|asynchronous_whitespace)$"
)
# LibCST declares the fields of these in another order than they are written in.
_WRITTEN: Mapping[str, tuple[str, ...]] = {
    "Arg": ("keyword", "value"),
    "ClassDef": ("decorators", "name", "type_parameters", "bases", "keywords", "body"),
    "CompFor": ("asynchronous", "target", "iter", "ifs", "inner_for_in"),
    "ExceptHandler": ("type", "name", "body"),
    "ExceptStarHandler": ("type", "name", "body"),
    "For": ("asynchronous", "target", "iter", "body", "orelse"),
    "FunctionDef": (
        "decorators", "asynchronous", "name", "type_parameters", "params", "returns", "body",
    ),
    "IfExp": ("body", "test", "orelse"),
    "MatchCase": ("pattern", "guard", "body"),
    "Parameters": (
        "posonly_params", "posonly_ind", "params", "star_arg", "kwonly_params", "star_kwarg",
    ),
    "TypeAlias": ("name", "type_parameters", "value"),
    "With": ("asynchronous", "items", "body"),
}  # fmt: skip
_SCALAR_TYPE = re.compile(r"^(Optional\[)?(str|bool|int|Literal\[.*\])\]?$|MaybeSentinel$")


def _code_fields(node_class: type[cst.CSTNode]) -> tuple[str, ...]:
    names = []
    for each in dataclasses.fields(node_class):
        kind = each.type if isinstance(each.type, str) else getattr(each.type, "__name__", "")
        if _TRIVIA_FIELD.search(each.name) or _SCALAR_TYPE.match(kind.replace("typing.", "")):
            continue
        names.append(each.name)
    written = _WRITTEN.get(node_class.__name__, ())
    return (*(each for each in written if each in names), *(n for n in names if n not in written))


def _node_classes(base: type[cst.CSTNode]) -> Iterator[type[cst.CSTNode]]:
    for child in base.__subclasses__():
        yield child
        yield from _node_classes(child)


def _getter(names: tuple[str, ...]) -> Callable[[Any], Fields] | None:
    if not names:
        return None
    if len(names) == 1:
        one = attrgetter(names[0])
        return lambda node: (one(node),)
    return attrgetter(*names)


_GETTERS: Mapping[type[cst.CSTNode], Callable[[Any], Fields] | None] = {
    each: _getter(_code_fields(each))
    for each in _node_classes(cst.CSTNode)  # type: ignore[type-abstract]
}
_NOT_NODES = frozenset({str, bool, int, type(None), cst.MaybeSentinel})


def children(node: cst.CSTNode) -> list[cst.CSTNode]:
    """The nodes directly below, in the order of the source, without whitespace and punctuation."""
    get = _GETTERS[node.__class__]
    if get is None:
        return []
    found: list[cst.CSTNode] = []
    for value in get(node):
        kind = value.__class__
        if kind is tuple or kind is list:
            found.extend(value)
        elif kind not in _NOT_NODES:
            found.append(value)
    return found


def walk(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """`node` and all below it, parents first, in the order of the source."""
    stack = [node]
    pop, extend = stack.pop, stack.extend
    while stack:
        at = pop()
        yield at
        below = children(at)
        if below:
            below.reverse()
            extend(below)


def find(node: cst.CSTNode, *kinds: type[N]) -> Iterator[N]:
    """The nodes of these classes at or below `node`."""
    wanted = _concrete(kinds)
    for each in walk(node):
        if each.__class__ in wanted:
            yield each  # type: ignore[misc]


@cache
def _concrete(kinds: tuple[type[cst.CSTNode], ...]) -> frozenset[type[cst.CSTNode]]:
    """The classes themselves and all below them: asking an abstract class is slow where it says no."""
    return frozenset(each for each in _GETTERS if issubclass(each, kinds))


_SCOPES = frozenset({cst.FunctionDef, cst.ClassDef, cst.Lambda})


def walk_own(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """As `walk`, but not into functions and classes defined below: what runs when `node` runs."""
    stack = children(node)[::-1]
    yield node
    while stack:
        at = stack.pop()
        yield at
        if at.__class__ not in _SCOPES:
            stack.extend(children(at)[::-1])


def parents_of(module: cst.Module) -> dict[int, cst.CSTNode]:
    """Each node's parent, by `id` of the node. Holds while the tree is alive."""
    parents: dict[int, cst.CSTNode] = {}
    stack: list[cst.CSTNode] = [module]
    pop, extend, update = stack.pop, stack.extend, parents.update
    while stack:
        at = pop()
        below = children(at)
        if below:
            update(dict.fromkeys(map(id, below), at))
            extend(below)
    return parents
