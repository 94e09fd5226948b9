"""A public class or function has no docstring, in a project that writes them.

The documentation of this project is made from docstrings, or its linter asks for them. Say in one
line what it is for, and what it gives or raises.

Bad:
```text pyproject.toml
[tool.pydocstyle]
convention = "google"
```
```python shop/orders.py
class Order:  # flagged
    def close(self):  # flagged
        self.closed = True
        self.save()
        self.tell()


def total(lines):  # flagged
    found = 0
    for line in lines:
        found += line.price
    return found
```
Good:
```text pyproject.toml
[tool.pydocstyle]
convention = "google"
```
```python shop/orders.py
def total(lines):
    'The price of all lines together, in cents.'
    found = 0
    for line in lines:
        found += line.price
    return found
```
Good: what is private, inherited, small or special, and tests.
```text pyproject.toml
[tool.pydocstyle]
convention = "google"
```
```python shop/orders.py
def _total(lines):
    found = 0
    for line in lines:
        found += line.price
    return found


def first(lines):
    return lines[0]
```
```python tests/test_orders.py
def test_total(lines):
    lines.append(1)
    lines.append(2)
    assert sum(lines) == 3
```
Good: a project whose linter was told to ask for none.
```text pyproject.toml
[tool.ruff.lint]
select = ["ALL"]
ignore = ["D101", "D102", "D103"]
```
```python shop/orders.py
def total(lines):
    found = 0
    for line in lines:
        found += line.price
    return found
```
Good: a project that writes none.
```python shop/orders.py
def total(lines):
    found = 0
    for line in lines:
        found += line.price
    return found
```
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from rules.facts.linters import Linters
from rules.facts.typed_project import TypedProject
from rules.kit import Flag, Here, PythonFile, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="QLT103",
    severity=Severity.NOTICE,
    checklist=("quality.docstrings",),
    default=False,
    peers=("ruff:D101", "ruff:D102", "ruff:D103"),
)

_FEWEST = 3  # statements: a shorter function says it itself


@rule.on(PythonFile)
def check(file: PythonFile, here: Here) -> Iterator[Flag]:
    if here.is_test or here.is_script or here.is_migration or here.path.endswith(".pyi"):
        return
    typed: TypedProject = here.project.facts(TypedProject)
    linters: Linters = here.project.facts(Linters)
    if typed.documents or linters.covering(here.path, rule.peers):
        yield from _lacking(file.module)


def _lacking(module: cst.Module) -> Iterator[Flag]:
    for each in module.body:
        if not isinstance(each, cst.ClassDef | cst.FunctionDef) or each.name.value.startswith("_"):
            continue
        if _lacks(each):
            yield _flag(each)
        inside = each.body.body if isinstance(each, cst.ClassDef) and not each.bases else ()
        for inner in inside:
            if not isinstance(inner, cst.FunctionDef) or inner.name.value.startswith("_"):
                continue
            if _lacks(inner):
                yield _flag(inner)


def _lacks(node: cst.ClassDef | cst.FunctionDef) -> bool:
    if node.get_docstring() is not None or node.decorators:
        return False
    if isinstance(node, cst.ClassDef):
        return not node.bases
    return len(node.body.body) >= _FEWEST


def _flag(node: cst.ClassDef | cst.FunctionDef) -> Flag:
    return Flag(node, f"`{node.name.value}` is public and has no docstring. Say what it is for.")
