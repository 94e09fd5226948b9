"""How large a function is: its statements, its ways through, the blocks it consists of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import libcst as cst

from rules.kit import Here
from rules.kit.paths import is_migration, is_test
from rules.kit.subjects import DerivedSubject

_FEW = 6
_LARGE = 20  # statements


@dataclass(frozen=True, slots=True)
class Size:
    """`ways` is McCabe's number without comprehensions; tables count once.

    A table is a `match`, or branches of one simple line each.

    `blocks` are the compound statements directly in the function. Nested functions and classes
    count as one statement.
    """

    statements: int
    ways: int
    blocks: int


SMALL = Size(1, 1, 0)


@dataclass(frozen=True, eq=False)
class LargeFunction(DerivedSubject):
    """A function that is large enough to be looked at, outside tests and migrations."""

    node: cst.FunctionDef
    size: Size

    @classmethod
    def lives_in(cls, path: str) -> bool:
        return not is_test(path) and not is_migration(path)

    @classmethod
    def found_in(cls, module: cst.Module, _here: Here) -> Iterator[LargeFunction]:
        """Looks at statements only: a walk into expressions would cost ten times as much."""
        bodies: Bodies = [module.body]
        while bodies:
            for node in bodies.pop():
                if node.__class__ is cst.SimpleStatementLine:
                    continue  # most are; classes are slow to say no
                if isinstance(node, cst.FunctionDef):
                    size = measure(node)
                    if size.statements >= _LARGE:
                        yield cls(node, size)
                        bodies.append(node.body.body)
                elif isinstance(node, cst.ClassDef):
                    bodies.append(node.body.body)
                elif (below := _BELOW.get(node.__class__)) is not None:
                    below(node, bodies)


def measure(function: cst.FunctionDef) -> Size:
    """The size of a function."""
    body = function.body.body
    blocks = sum(1 for each in body if each.__class__ in _BELOW)
    if not blocks:
        return Size(len(body), 1, 0) if len(body) >= _FEW else SMALL
    statements, ways = 0, 1
    bodies: list[Sequence[cst.CSTNode]] = [body]
    while bodies:
        held = bodies.pop()
        statements += len(held)
        for node in held:
            below = _BELOW.get(node.__class__)
            if below is not None:
                ways += below(node, bodies)
    return Size(statements, ways, blocks)


Bodies = list[Sequence[cst.CSTNode]]


def _of_loop(node: cst.For | cst.While, bodies: Bodies) -> int:
    bodies.append(node.body.body)
    if node.orelse is not None:
        bodies.append(node.orelse.body.body)
    return 1


def _of_try(node: cst.Try | cst.TryStar, bodies: Bodies) -> int:
    bodies.append(node.body.body)
    bodies += [each.body.body for each in node.handlers]
    bodies += [each.body.body for each in (node.orelse, node.finalbody) if each is not None]
    return len(node.handlers)


def _of_with(node: cst.With, bodies: Bodies) -> int:
    bodies.append(node.body.body)
    return 0


def _of_match(node: cst.Match, bodies: Bodies) -> int:
    bodies += [each.body.body for each in node.cases]
    return 1


def _of_if(node: cst.If, bodies: Bodies) -> int:
    found: list[cst.BaseSuite] = [node.body]
    ways, other = 1, node.orelse
    while isinstance(other, cst.If):
        found.append(other.body)
        ways, other = ways + 1, other.orelse
    if other is not None:
        found.append(other.body)
    bodies += [each.body for each in found]
    return 1 if ways > 2 and _is_table(found) else ways


# What each compound statement holds, and how many ways it adds.
_BELOW: Mapping[type, Callable[[Any, Bodies], int]] = {
    cst.If: _of_if,
    cst.For: _of_loop,
    cst.While: _of_loop,
    cst.Try: _of_try,
    cst.TryStar: _of_try,
    cst.With: _of_with,
    cst.Match: _of_match,
}


def _is_table(bodies: Sequence[cst.BaseSuite]) -> bool:
    """Whether each branch is one simple statement: it reads like the rows of a table."""
    return all(
        len(each.body) == 1 and not isinstance(each.body[0], cst.BaseCompoundStatement)
        for each in bodies
    )
