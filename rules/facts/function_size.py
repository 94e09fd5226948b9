"""How large a function is: its statements, its ways through, the blocks it consists of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import libcst as cst

_LEAVES = (cst.SimpleStatementLine, cst.FunctionDef, cst.ClassDef)
_FEW = 6


@dataclass(frozen=True, slots=True)
class Size:
    """`ways` is McCabe's number without comprehensions; a table of single lines counts once.

    `blocks` are the compound statements directly in the function. Nested functions and classes
    count as one statement.
    """

    statements: int
    ways: int
    blocks: int


SMALL = Size(1, 1, 0)


def size_of(function: cst.FunctionDef) -> Size:
    """Counts statements only: a walk into expressions would cost ten times as much."""
    body = function.body.body
    blocks = sum(1 for each in body if each.__class__ not in _LEAVES)
    if not blocks and len(body) < _FEW:
        return SMALL
    counter = _Counter()
    counter.run(body)
    return Size(counter.statements, counter.ways, blocks)


class _Counter:
    def __init__(self) -> None:
        self.statements = 0
        self.ways = 1

    def run(self, body: Sequence[cst.CSTNode]) -> None:
        stack = list(body)
        while stack:
            node = stack.pop()
            kind = node.__class__
            self.statements += 1
            if kind in _LEAVES:
                continue
            stack += self._below(node)

    def _below(self, node: cst.CSTNode) -> list[cst.CSTNode]:
        match node:
            case cst.If():
                return self._of_if(node)
            case cst.For(body=body, orelse=other) | cst.While(body=body, orelse=other):
                self.ways += 1
                return [*body.body, *(other.body.body if other is not None else ())]
            case cst.Try() | cst.TryStar():
                self.ways += len(node.handlers)
                parts = [node.body, *(each.body for each in node.handlers)]
                parts += [each.body for each in (node.orelse, node.finalbody) if each is not None]
                return [each for part in parts for each in part.body]
            case cst.With(body=body):
                return list(body.body)
            case cst.Match(cases=cases):
                self.ways += 1 if _is_table([each.body for each in cases]) else len(cases)
                return [each for case in cases for each in case.body.body]
            case _:
                return []

    def _of_if(self, node: cst.If) -> list[cst.CSTNode]:
        bodies: list[cst.BaseSuite] = [node.body]
        ways, other = 1, node.orelse
        while isinstance(other, cst.If):
            bodies.append(other.body)
            ways, other = ways + 1, other.orelse
        if other is not None:
            bodies.append(other.body)
        self.ways += 1 if ways > 2 and _is_table(bodies) else ways
        return [each for body in bodies for each in body.body]


def _is_table(bodies: Sequence[cst.BaseSuite]) -> bool:
    """Whether each branch is one simple statement: it reads like the rows of a table."""
    return all(
        len(each.body) == 1 and not isinstance(each.body[0], cst.BaseCompoundStatement)
        for each in bodies
    )
