"""The change makes modules import each other in a circle.

Which of them is imported first decides whether it works: in the other order Python finds a module
that is half made, and raises `ImportError`. Move what both need into a third module, or import it in
the function that uses it.

Before:
```python shop/__init__.py
```
```python shop/orders.py
from shop.books import Book


def order(key):
    return Book(key)
```
```python shop/books.py
class Book:
    pass
```
Bad:
```python shop/__init__.py
```
```python shop/orders.py
from shop.books import Book


def order(key):
    return Book(key)
```
```python shop/books.py
from shop.orders import order  # flagged


class Book:
    def order(self):
        return order(self)
```
Good:
```python shop/__init__.py
```
```python shop/orders.py
from shop.books import Book


def order(key):
    return Book(key)
```
```python shop/books.py
class Book:
    def order(self):
        from shop.orders import order

        return order(self)
```
Good: only a type checker reads it.
```python shop/__init__.py
```
```python shop/orders.py
from shop.books import Book


def order(key):
    return Book(key)
```
```python shop/books.py
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shop.orders import order


class Book:
    pass
```
Before:
```python shop/__init__.py
```
```python shop/orders.py
from shop.books import Book
```
```python shop/books.py
from shop.orders import order
```
Good: they did so before.
```python shop/__init__.py
```
```python shop/orders.py
from shop.books import Book
```
```python shop/books.py
from shop.orders import order


class Book: ...
```
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

import libcst as cst

from rules.facts.bodies import Bodies
from rules.facts.python_modules import Modules, absolute_target
from rules.kit import Change, Flag, Here, Project, PythonFile, Related, Rule, Severity, dotted
from rules.kit.paths import is_migration, is_test, name_of

rule = Rule(
    __name__,
    __doc__,
    code="FWK103",
    severity=Severity.WARNING,
    checklist=("django.circular-imports",),
    scope="project",
    peers=("pylint:R0401",),
)

_MOST_MODULES = 600  # of one search
_MOST_NEW = 60  # imports of one change that are followed


@rule.on(PythonFile, words=("import",))
def keep_tree(_file: PythonFile, _here: Here) -> Iterator[Flag]:
    """Says nothing: a change holds the trees of those files that some rule looks at."""
    yield from ()


@rule.on(Change)
def check(change: Change, here: Here) -> Iterator[Flag]:
    said: set[frozenset[str]] = set()
    followed = 0
    for each in change.files:
        before, after = change.trees.get(each.path, (None, None))
        if after is None or is_test(each.path) or is_migration(each.path):
            continue
        modules: Modules = change.after.facts(Modules)
        new = _edges(after, each.path, modules)
        old = set(_edges(before, each.old_path, change.before.facts(Modules))) if before else set()
        for target, node in new.items():
            followed += 1
            if target in old or followed > _MOST_NEW:
                continue
            way = _way(target, each.path, change.after, modules)
            if not way or frozenset(way) in said:
                continue
            said.add(frozenset(way))
            yield _flag(each.path, node, way)


def _flag(path: str, node: cst.CSTNode, way: tuple[str, ...]) -> Flag:
    names = " -> ".join(f"`{name_of(one)}`" for one in (path, *way)[:5])
    return Flag(
        node,
        f"This import closes a circle: {names}. Which is imported first decides whether it works. Move what "
        "both need elsewhere, or import it in the function that uses it.",
        path=path,
        related=tuple(Related(one, 1, "in the circle") for one in way[:3]),
    )


def _edges(module: cst.Module, path: str, modules: Modules) -> Mapping[str, cst.CSTNode]:
    """The files that a module imports while it is imported, with the statements."""
    found: dict[str, cst.CSTNode] = {}
    for line in module.body:
        for each in line.body if isinstance(line, cst.SimpleStatementLine) else ():
            for name in _imported(each, path, modules):
                target = _file(name, modules)
                if target and target != path:
                    found.setdefault(target, each)
    return found


def _imported(node: cst.CSTNode, path: str, modules: Modules) -> Iterator[str]:
    if isinstance(node, cst.Import):
        yield from (dotted(each.name) for each in node.names)
    elif isinstance(node, cst.ImportFrom) and not isinstance(node.names, cst.ImportStar):
        written = "." * len(node.relative) + dotted(node.module)
        home = absolute_target(
            written, modules.name_of.get(path, ""), is_package=path.endswith("__init__.py")
        )
        yield from (f"{home}.{dotted(each.name)}" for each in node.names)


def _file(name: str, modules: Modules) -> str:
    """The module that a name is imported from: itself, or the one that holds it."""
    return modules.path_of.get(name) or modules.path_of.get(name.rpartition(".")[0], "")


def _way(start: str, goal: str, project: Project, modules: Modules) -> tuple[str, ...]:
    """The modules from one to the other, as their imports lead; nothing if none do."""
    bodies: Bodies = project.facts(Bodies)
    came: dict[str, str] = {start: ""}
    queue = [start]
    for at in queue:
        if at == goal:
            return _back(at, came)
        if len(came) > _MOST_MODULES:
            return ()
        for following in _targets(at, bodies, modules):
            if following not in came:
                came[following] = at
                queue.append(following)
    return ()


def _back(at: str, came: Mapping[str, str]) -> tuple[str, ...]:
    way = []
    while at:
        way.append(at)
        at = came[at]
    return tuple(reversed(way))


def _targets(path: str, bodies: Bodies, modules: Modules) -> Iterator[str]:
    """Imports at the top of a module that no condition stands around."""
    tree = bodies.tree(path)
    package = path.endswith("__init__.py")
    for node in tree.body if tree is not None else ():
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            written = "." * node.level + (node.module or "")
            home = absolute_target(written, modules.name_of.get(path, ""), is_package=package)
            names = [f"{home}.{each.name}" for each in node.names]
        for name in names:
            target = _file(name, modules)
            if target and target != path:
                yield target
