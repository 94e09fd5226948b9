"""The `ast` of the project's modules, parsed when first asked for."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass
class Trees:
    """Functions, classes and module variables by name; `read` gives the tree of a path."""

    read: Callable[[str], ast.Module | None]
    _known: dict[str, dict[str, ast.stmt]] = field(default_factory=dict)

    def named(self, path: str) -> dict[str, ast.stmt]:
        """What a module defines: `func`, `Class`, `Class.method`, `variable`."""
        if path not in self._known:
            tree = self.read(path)
            found: dict[str, ast.stmt] = {}
            _collect(tree.body if tree is not None else [], "", found)
            self._known[path] = found
        return self._known[path]

    def function(self, path: str, name: str) -> FunctionNode | None:
        found = self.named(path).get(name)
        return found if isinstance(found, _FUNCTIONS) else None

    def variable(self, path: str, name: str) -> ast.expr | None:
        """The value of `name` or `Class.name`, where it is assigned."""
        found = self.named(path).get(name)
        return found.value if isinstance(found, ast.Assign | ast.AnnAssign) else None

    def functions(self, path: str) -> list[tuple[str, FunctionNode]]:
        named = self.named(path)
        return [(n, each) for n, each in named.items() if isinstance(each, _FUNCTIONS)]


def _collect(body: list[ast.stmt], prefix: str, found: dict[str, ast.stmt]) -> None:
    for each in body:
        if isinstance(each, _FUNCTIONS):
            setter = any(
                isinstance(d, ast.Attribute) and d.attr in ("setter", "deleter")
                for d in each.decorator_list
            )
            if not setter:
                found[prefix + each.name] = each
        elif isinstance(each, ast.ClassDef):
            inner = f"{prefix}{each.name}."
            before = found.get(prefix + each.name)
            if isinstance(before, ast.ClassDef):  # a second class of this name takes its place
                lost: dict[str, ast.stmt] = {}
                _collect(before.body, inner, lost)
                for name in lost:
                    found.pop(name, None)
            found[prefix + each.name] = each
            _collect(each.body, inner, found)
        elif isinstance(each, ast.Assign):
            for target in each.targets:
                if isinstance(target, ast.Name):
                    found[prefix + target.id] = each
        elif isinstance(each, ast.AnnAssign):
            if isinstance(each.target, ast.Name):
                found[prefix + each.target.id] = each
        elif isinstance(each, ast.If | ast.Try):
            _collect(each.body, prefix, found)
            _collect(each.orelse, prefix, found)
