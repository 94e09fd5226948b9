"""The Python code that a change adds: its expressions on added lines, and what is around them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from rules.engine.downlevel import parse_any
from rules.kit import FileChange, walk_syntax
from rules.kit.paths import is_generated, is_python, is_test

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_BLOCKS = ("body", "handlers", "orelse", "finalbody", "cases")
_WEB = (
    "django.views", "django.shortcuts", "django.http", "rest_framework", "ninja", "flask",
    "fastapi", "starlette", "strawberry", "graphene", "quart", "sanic", "litestar",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Call:
    """A call on an added line. `chain` are the names that lead to it, `inside` the function."""

    node: ast.Call
    inside: str
    chain: tuple[str, ...]


@dataclass(frozen=True)
class AddedCode:
    """What a change adds to one Python file that is neither a test nor written by a program.

    `is_worth` tells from the added lines and the whole file whether a parse is worth its time.
    """

    change: FileChange
    is_worth: Callable[[bytes, bytes], bool]

    @classmethod
    def of(cls, change: FileChange, is_worth: Callable[[bytes, bytes], bool]) -> AddedCode | None:
        path = change.path
        spared = is_test(path) or is_generated(path) or not is_python(path)
        return None if spared or not change.added or change.after is None else cls(change, is_worth)

    @property
    def path(self) -> str:
        return self.change.path

    @cached_property
    def imports(self) -> Mapping[str, str]:
        """What the file imports, by the name it has here."""
        found: dict[str, str] = {}
        for node, _ in self._statements:
            if isinstance(node, ast.Import):
                for each in node.names:
                    found[each.asname or each.name.partition(".")[0]] = each.name
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for each in node.names:
                    found[each.asname or each.name] = f"{node.module}.{each.name}"
        return found

    @cached_property
    def answers_requests(self) -> bool:
        """Whether the file imports what views and routes are made of."""
        return any(each.startswith(_WEB) for each in self.imports.values())

    @cached_property
    def nodes(self) -> Sequence[tuple[ast.AST, str]]:
        """Everything that begins on an added line, with the function around it, in order."""
        added = self.change.added
        return [
            (node, inside)
            for statement, inside in self._statements
            if not added.isdisjoint(_lines(statement))
            for node in _own(statement)
            if line_of(node) in added
        ]

    @cached_property
    def calls(self) -> Sequence[Call]:
        """The calls among the nodes."""
        return [
            Call(node, inside, chain(node.func))
            for node, inside in self.nodes
            if isinstance(node, ast.Call)
        ]

    @cached_property
    def _statements(self) -> Sequence[tuple[ast.AST, str]]:
        """Statements, handlers and cases, each with the name of the function around it."""
        data = self.change.after or b""
        if not self.is_worth(lines_at(data, self.change.added), data):
            return ()
        tree = parse_any(data)
        found: list[tuple[ast.AST, str]] = []
        stack: list[tuple[ast.AST, str]] = [
            (each, "") for each in reversed(tree.body if tree else [])
        ]
        while stack:
            node, inside = stack.pop()
            found.append((node, inside))
            within = node.name if isinstance(node, _FUNCTIONS) else inside
            below = [each for block in _BLOCKS for each in _block(node, block)]
            stack.extend((each, within) for each in reversed(below))
        return found


def lines_at(data: bytes | None, numbers: Collection[int]) -> bytes:
    """The lines with these numbers, one below the other."""
    if data is None or not numbers:
        return b""
    lines = data.split(b"\n")
    return b"\n".join(lines[each - 1] for each in sorted(numbers) if each <= len(lines))


def line_of(node: ast.AST) -> int:
    """The line that a node begins on; 0 for one that has no place, such as a context."""
    if isinstance(node, ast.match_case):
        return node.pattern.lineno
    line: int = getattr(node, "lineno", 0)
    return line


def _lines(statement: ast.AST) -> range:
    """The lines of a statement; of a compound one, those before its first block."""
    first = line_of(statement)
    below = next((found[0] for block in _BLOCKS if (found := _block(statement, block))), None)
    last = line_of(below) if below is not None else getattr(statement, "end_lineno", None)
    return range(first, max(first, last or first) + 1)


def _block(node: ast.AST, name: str) -> Sequence[ast.AST]:
    found = getattr(node, name, ())
    return found if isinstance(found, list) else ()


def _own(statement: ast.AST) -> Iterator[ast.AST]:
    """A statement and its expressions, without the statements in it."""
    yield statement
    for each in ast.iter_child_nodes(statement):
        if not isinstance(each, ast.stmt | ast.ExceptHandler | ast.match_case):
            yield from walk_syntax(each)


def chain(node: ast.expr) -> tuple[str, ...]:
    """`("Order", "objects", "filter")`, through calls and subscripts; first "" for no name."""
    names: list[str] = []
    while True:
        match node:
            case ast.Attribute(value=value, attr=name):
                names.append(name)
                node = value
            case ast.Call(func=value) | ast.Subscript(value=value) | ast.Await(value=value):
                node = value
            case ast.Name(id=name):
                return (*reversed([*names, name]),)
            case _:
                return (*reversed([*names, ""]),)
