"""Walking LibCST trees without their whitespace, at a fraction of a parse.

LibCST's own visitors and providers cost one to fifteen parses each, because six of ten
nodes are whitespace. Here the fields that can hold code are listed once per node class.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import libcst as cst

N = TypeVar("N", bound=cst.CSTNode)

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


def _source_of(node_class: type[cst.CSTNode]) -> str:
    """A function that lists the children of one class, written for its fields."""
    hints = get_type_hints(node_class)
    lines: list[str] = []
    head: list[str] = []
    for name in _code_fields(node_class):
        kind = _kind_of(hints[name])
        if not lines and kind in ("one", "many"):
            head.append(f"node.{name}" if kind == "one" else f"*node.{name}")
        else:
            lines += [f"    value = node.{name}", *_ADDING[kind]]
    body = [f"    found = [{', '.join(head)}]", *lines, "    return found"]
    return "\n".join(
        ["def list_children(node):", *(body if lines else [f"    return [{', '.join(head)}]"])]
    )


_ADDING = {
    "one": ("    found.append(value)",),
    "many": ("    found += value",),
    "one or none": ("    if value is not None:", "        found.append(value)"),
    "any": (
        "    kind = value.__class__",
        "    if kind is tuple or kind is list:",
        "        found += value",
        "    elif kind not in not_nodes:",
        "        found.append(value)",
    ),
}
_NOT_NODES = frozenset({str, bool, int, type(None), cst.MaybeSentinel})


def _kind_of(hint: Any) -> str:
    """How many nodes a field holds, by its type: a key of `_ADDING`."""
    if isinstance(hint, type):
        return "one" if issubclass(hint, cst.CSTNode) else "any"
    if get_origin(hint) is Sequence:
        return "many"
    if get_origin(hint) is not Union:
        return "any"
    parts = [_kind_of(each) for each in get_args(hint) if each is not type(None)]
    if any(each != "one" for each in parts):
        return "any"
    return "one or none" if type(None) in get_args(hint) else "one"


def _lister(node_class: type[cst.CSTNode]) -> Callable[[Any], list[cst.CSTNode]]:
    names: dict[str, Any] = {"not_nodes": _NOT_NODES}
    exec(_source_of(node_class), names)  # noqa: S102 - of the fields of LibCST's own classes
    return names["list_children"]  # type: ignore[no-any-return]


class _Listers(dict[type[cst.CSTNode], Callable[[Any], list[cst.CSTNode]]]):
    """How to list the children of each class, written when it is first met."""

    def __missing__(self, node_class: type[cst.CSTNode]) -> Callable[[Any], list[cst.CSTNode]]:
        self[node_class] = made = _lister(node_class)
        return made


_LISTERS = _Listers()
# The most frequent of those that hold no code: not to ask them saves a third of a walk.
_LEAVES = frozenset({cst.Name, cst.SimpleString, cst.Integer, cst.Pass, cst.EmptyLine})


def children(node: cst.CSTNode) -> list[cst.CSTNode]:
    """The nodes directly below, in the order of the source, without whitespace and punctuation."""
    return _LISTERS[node.__class__](node)


def walk(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """`node` and all below it, parents first, in the order of the source."""
    stack = [node]
    pop, extend, listers = stack.pop, stack.extend, _LISTERS
    while stack:
        at = pop()
        yield at
        below = listers[at.__class__](at)
        if below:
            below.reverse()
            extend(below)


def find(node: cst.CSTNode, *kinds: type[N]) -> Iterator[N]:
    """The nodes of these classes at or below `node`."""
    wanted = concrete(kinds)
    for each in walk(node):
        if each.__class__ in wanted:
            yield each  # type: ignore[misc]


@cache
def concrete(kinds: tuple[type[cst.CSTNode], ...]) -> frozenset[type[cst.CSTNode]]:
    """The classes themselves and all below them: asking an abstract class is slow where it says no."""
    wanted = set(kinds)
    return frozenset(each for each in _every_class() if not wanted.isdisjoint(each.__mro__))


@cache
def _every_class() -> tuple[type[cst.CSTNode], ...]:
    return tuple(_node_classes(cst.CSTNode))  # type: ignore[type-abstract]


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
    return survey(module, frozenset())[0]


def survey(
    module: cst.Module, kinds: Collection[type]
) -> tuple[dict[int, cst.CSTNode], list[cst.CSTNode]]:
    """Each node's parent, and the nodes of exactly these classes in the order of the source."""
    parents: dict[int, cst.CSTNode] = {}
    found: list[cst.CSTNode] = []
    stack: list[cst.CSTNode] = [module]
    pop, extend, listers, keep = stack.pop, stack.extend, _LISTERS, found.append
    while stack:
        at = pop()
        kind = at.__class__
        if kind in kinds:
            keep(at)
        if kind in _LEAVES:
            continue
        below = listers[kind](at)
        if below:
            for each in below:
                parents[id(each)] = at
            below.reverse()
            extend(below)
    return parents, found
