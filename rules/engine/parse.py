"""LibCST's parser at two thirds of its price.

Its native part makes a tree by calling a frozen dataclass of `libcst` for each node, which
sets every field by name and then validates it: what the grammar has accepted is checked once
more with regular expressions, and most of the nodes are a single blank. While the native part
runs, the module that it looks these classes up in is a stand-in, whose constructors fill the
same classes without that. Nodes of blank space are shared, so their identity means nothing.

It also imports `libcst` anew for each node, in the name of the function that called it, and
drops what that gives for what `sys.modules` holds: so the caller has an import that does nothing.

Where the stand-in does not give the same tree as LibCST for a specimen, LibCST is left alone.
"""

from __future__ import annotations

import builtins
import dataclasses
import inspect
import sys
from collections.abc import Callable
from functools import cache
from threading import Lock
from types import FunctionType, ModuleType, new_class
from typing import Any, TypeGuard

import libcst as cst
from libcst import native  # type: ignore[attr-defined]  # compiled, without types
from libcst._parser.detect_config import convert_to_utf8
from libcst._parser.types.config import PartialParserConfig

_MOST_SHARED = 1000  # different blanks; a file has a few dozen
_LONGEST_SHARED = 100
_TURN = Lock()
SPECIMEN = b'''# A bit of everything.
from a.b import (c as d, e)  # aside
import os.path as p, sys

class A(B, metaclass=C):
    """Text."""
    x: int = 1; y = [*a, -b ** 2, (c, d)]

    @p.q(1, *a, k=2, **kw)
    async def f(self, a, /, b: str = "x", *c, d=None, **e) -> "A":
        async with a as b, c: await d
        try:
            return {1: a[1:2, ::3], **b} if not c else {d for d in e if d is not f}
        except (A, B) as problem:
            raise C from problem
        finally:
            del x.y; global z
        for a, b in c:
            while True and a <= b: a += 1
        else:
            yield f"{a!r:>{b}}" "c" \\
                + (lambda x, *y: (n := x))(1)
        match a:
            case [A(x=1), *_] | {"k": None, **r} if b: pass
    assert x, y
'''


def parse_module(source: str | bytes) -> cst.Module:
    """As LibCST's; also in what it raises.

    A thread that imports `libcst` meanwhile finds the stand-in, which serves for all but asking
    what class a node has.
    """
    return _parse(source, _checked_stand_in())


def _parse(source: str | bytes, stand_in: ModuleType | None) -> cst.Module:
    # Another thread parses, or did when this process was forked: no reason to wait for it.
    if stand_in is None or not _TURN.acquire(blocking=False):
        return cst.parse_module(source)
    real = sys.modules["libcst"]
    sys.modules["libcst"] = stand_in
    try:
        encoding, text = convert_to_utf8(source, partial=_DETECTED)
        return _PARSE(native.parse_module, text, encoding)
    finally:
        sys.modules["libcst"] = real
        _TURN.release()


def _call(parse: Callable[..., cst.Module], text: str, encoding: str) -> cst.Module:
    return parse(text, encoding=encoding)


def _hasty(function: Callable[..., cst.Module]) -> Callable[..., cst.Module]:
    """The same function where `import` takes anything and does nothing."""
    builtin = vars(builtins) | {"__import__": sys.audit}  # takes anything; nobody listens: nothing
    return FunctionType(function.__code__, {"__builtins__": builtin})


_DETECTED = PartialParserConfig()
_PARSE = _hasty(_call)


@cache
def _checked_stand_in() -> ModuleType | None:
    """The stand-in, if it holds what it promises with this version of LibCST."""
    stand_in = _stand_in()
    expected = cst.parse_module(SPECIMEN)
    try:
        found = _parse(SPECIMEN, stand_in)
        return stand_in if found.deep_equals(expected) and found.bytes == SPECIMEN else None
    except Exception:  # noqa: BLE001 - whatever a future LibCST does not like, its own way works
        return None


def _stand_in() -> ModuleType:
    """Has all that `libcst` has; in place of the classes of nodes, constructors when asked for.

    A bare module: the native part looks up each node's class in it, and a class of modules of
    ours would be asked first.
    """
    made = ModuleType("libcst")

    def find(name: str) -> object:
        found = getattr(cst, name)
        if _is_node_class(found):
            found = _constructor(found)
        vars(made)[name] = found
        return found

    vars(made).update(
        (name, value) for name, value in vars(cst).items() if not _is_node_class(value)
    )
    vars(made).update(
        __getattr__=find,
        SimpleWhitespace=_shared(cst.SimpleWhitespace),
        Newline=_shared(cst.Newline),
        TrailingWhitespace=_shared_line_end(_constructor(cst.TrailingWhitespace)),
    )
    return made


def _is_node_class(value: object) -> TypeGuard[type[cst.CSTNode]]:
    # `issubclass` asks every class below an abstract one before it says no.
    return isinstance(value, type) and cst.CSTNode in value.__mro__


def _constructor(node_class: type[cst.CSTNode]) -> Callable[..., Any]:
    """A function that makes a node of a class by its fields, as the native parser calls it.

    It fills a twin of the class, whose instances may be written to, and makes that the class.
    """
    if inspect.isabstract(node_class):
        return node_class
    # Both are one slot of a class in C: alone, neither would make it quick.
    by_object = {"__setattr__": object.__setattr__, "__delattr__": object.__delattr__}
    body = {"__slots__": ()} | by_object
    twin = new_class(node_class.__name__, (node_class,), exec_body=lambda its: its.update(body))
    names: dict[str, Any] = {"make": object.__new__, "twin": twin, "node_class": node_class}
    parameters, lines = [], ["    node = make(twin)"]
    for each in dataclasses.fields(node_class):
        default = ""
        if each.default is not dataclasses.MISSING:
            names[f"default_{each.name}"], default = each.default, f"=default_{each.name}"
        elif each.default_factory is not dataclasses.MISSING:
            names[f"make_{each.name}"], default = each.default_factory, "=None"
            lines.append(f"    if {each.name} is None: {each.name} = make_{each.name}()")
        parameters.append(f"{each.name}{default}")
        lines.append(f"    node.{each.name} = {each.name}")
    head = f"def construct({', '.join(['*', *parameters] if parameters else [])}):"
    lines += ["    node.__class__ = node_class", "    return node"]
    exec("\n".join([head, *lines]), names)  # noqa: S102 - LibCST's own fields
    return names["construct"]  # type: ignore[no-any-return]


def _shared(node_class: Callable[..., Any]) -> Callable[..., Any]:
    """A constructor that gives the same node for the same text. The text is validated once."""
    known: dict[str | None, Any] = {}

    def construct(*, value: str | None = None) -> object:
        found = known.get(value)
        if found is None:
            found = node_class(value=value)
            if len(known) < _MOST_SHARED and len(value or "") <= _LONGEST_SHARED:
                known[value] = found
        return found

    return construct


def _shared_line_end(node_class: Callable[..., Any]) -> Callable[..., Any]:
    """The same for the ends of lines, of those without a comment."""
    known: dict[tuple[object, object], Any] = {}

    def construct(*, whitespace: object, newline: object, comment: object | None = None) -> object:
        if comment is not None:
            return node_class(whitespace=whitespace, newline=newline, comment=comment)
        found = known.get((whitespace, newline))
        if found is None:
            found = node_class(whitespace=whitespace, newline=newline, comment=None)
            if len(known) < _MOST_SHARED:
                known[whitespace, newline] = found
        return found

    return construct
