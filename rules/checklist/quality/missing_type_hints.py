"""A new function says nothing of its types, in a project that declares them.

The checker of this project reads nothing in a function without hints, and takes whatever it returns
for anything: mistakes pass through it unseen. Declare parameters and result.

Bad:
```text pyproject.toml
[tool.mypy]
strict = true
```
```python shop/orders.py
def total(lines, country):  # flagged
    return sum(line.price for line in lines)


def close(order: str):
    print(order)
```
Good:
```text pyproject.toml
[tool.mypy]
strict = true
```
```python shop/orders.py
from collections.abc import Sequence


def total(lines: Sequence[int], country: str) -> int:
    return sum(lines)
```
Good: what is private, nested, inherited or special, and tests.
```text pyproject.toml
[tool.mypy]
strict = true
```
```python shop/orders.py
from shop.base import Base


def _total(lines):
    return sum(lines)


class Order(Base):
    def __init__(self, lines):
        self.lines = lines

    def save(self, commit):
        return commit


def start():
    pass
```
```python tests/test_orders.py
def test_total(lines):
    assert sum(lines) == 3
```
Good: a project that checks no types.
```python shop/orders.py
def total(lines):
    return sum(lines)
```
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from rules.facts.typed_project import TypedProject
from rules.kit import Flag, Here, PythonFile, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="QLT102",
    severity=Severity.NOTICE,
    checklist=("quality.type-hints",),
    default=False,
    peers=("ruff:ANN001", "ruff:ANN201"),
)


@rule.on(PythonFile)
def check(file: PythonFile, here: Here) -> Iterator[Flag]:
    if here.is_test or here.is_script or here.is_migration or here.path.endswith(".pyi"):
        return
    typed: TypedProject = here.project.facts(TypedProject)
    if not typed.checks:
        return
    for function in _public(file.module):
        given = [*function.params.posonly_params, *function.params.params]
        own = [each for each in given if each.name.value not in ("self", "cls")]
        if function.returns is None and own and all(each.annotation is None for each in own):
            yield Flag(
                function,
                f"`{function.name.value}` declares no types, so the checker reads nothing in it. Declare its "
                "parameters and its result.",
            )


def _public(module: cst.Module) -> Iterator[cst.FunctionDef]:
    """Public functions, and public methods of classes that inherit nothing."""
    for each in module.body:
        if isinstance(each, cst.FunctionDef) and not each.name.value.startswith("_"):
            yield each
        elif isinstance(each, cst.ClassDef) and not each.bases:
            for inner in each.body.body:
                if isinstance(inner, cst.FunctionDef) and not inner.name.value.startswith("_"):
                    yield inner
