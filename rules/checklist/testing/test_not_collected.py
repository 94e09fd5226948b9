"""A test is there that no run of the tests ever takes up.

pytest goes by names: of the file, the class and the function, as its settings say. What does
not fit is not run, and is green for ever. A second test of the same name takes the place of the
first.

Bad:
```toml pyproject.toml
[tool.pytest.ini_options]
testpaths = ["tests"]
```
```python tests/orders_tests.py flagged
def test_total():
    assert 1 + 1 == 2
```
```python tests/test_orders.py
class OrderTests:  # flagged
    def test_total(self):
        assert 1 + 1 == 2


class TestMore:  # flagged
    def __init__(self):
        self.total = 2

    def test_total(self):
        assert self.total == 2


def test_tax():  # flagged
    assert 1 == 1


def test_tax():
    assert 2 == 2
```
Good:
```toml pyproject.toml
[tool.pytest.ini_options]
testpaths = ["tests"]
python_files = ["test_*.py", "*_tests.py"]
```
```python tests/orders_tests.py
def test_total():
    assert 1 + 1 == 2
```
```python tests/test_orders.py
class TestOrders:
    def test_total(self):
        assert 1 + 1 == 2
```
Good: bases, mixins, helpers and unittest.
```toml pyproject.toml
[tool.pytest.ini_options]
testpaths = ["tests"]
```
```python tests/test_orders.py
import sys
import unittest


class OrderChecks:
    def test_total(self):
        assert self.total == 2


class TestOrders(OrderChecks):
    total = 2


class OrderMixin:
    def test_total(self):
        assert self.total == 2


class OrderTests(unittest.TestCase):
    def __init__(self, *args):
        super().__init__(*args)

    def test_total(self):
        self.assertEqual(1, 1)


if sys.platform == "win32":

    def test_path():
        assert 1 == 1

else:

    def test_path():
        assert 2 == 2
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import libcst as cst

from rules.facts.pytest_setup import PytestRecord, PytestSetup, collects, takes
from rules.facts.python_classes import Classes
from rules.kit import Flag, Here, PythonFile, Rule, Severity, dotted

rule = Rule(
    __name__,
    __doc__,
    code="TST113",
    severity=Severity.WARNING,
    checklist=("tests.organisation", "tests.pytest-config"),
    scope="project",
    peers=("ruff:F811",),
    defers=False,
)

_ALIKE = re.compile(r"(^|/)(tests_[^/]*|[^/]*_?tests?)\.py$")
_BASE = re.compile(r"(?i)mixin|base|abstract|helper|suite|case$|common|contract")


@rule.on(PythonFile)
def check(file: PythonFile, here: Here) -> Iterator[Flag]:
    if not here.is_test:
        return
    setup: PytestSetup = here.project.facts(PytestSetup)
    settings = setup.over(file.path)
    body = file.module.body
    if settings is not None and not collects(settings, file.path):
        if _ALIKE.search(file.path) and _holds_tests(body) and not _is_imported(here):
            message = (
                "pytest collects files by `python_files`, and this name does not fit it: its tests "
                "never run. Name the file `test_...py`."
            )
            yield Flag(0, message, identity="file not collected")
        return
    if settings is not None:
        yield from _classes(body, settings, here)
    yield from _doubled(body)
    for each in body:
        if isinstance(each, cst.ClassDef):
            yield from _doubled(each.body.body)


def _holds_tests(body: Sequence[cst.CSTNode]) -> bool:
    return any(_is_test(each) for each in body) or any(
        isinstance(each, cst.ClassDef) and any(_is_test(one) for one in each.body.body)
        for each in body
    )


def _is_test(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.FunctionDef) and node.name.value.startswith("test_")


def _is_imported(here: Here) -> bool:
    """Whether another module takes the tests from here, where they are collected."""
    classes: Classes = here.project.facts(Classes)
    own = classes.modules.name_of.get(here.path, "")
    last = own.rpartition(".")[2]
    for record in classes.modules.by_path.values():
        every = (*record.imports.values(), *record.stars)
        if any(last in each.split(".") for each in every):
            return True
    return not own


def _classes(body: Sequence[cst.CSTNode], settings: PytestRecord, here: Here) -> Iterator[Flag]:
    for each in body:
        if not isinstance(each, cst.ClassDef) or not any(_is_test(one) for one in each.body.body):
            continue
        name = each.name.value
        if any(dotted(base.value) not in ("", "object") for base in each.bases):
            continue  # what it descends from may make it a test case
        if _BASE.search(name) or _has_heirs(name, here):
            continue
        if not takes(settings.classes, "Test", name):
            message = (
                f"pytest collects classes by `python_classes`, and `{name}` does not fit it: its tests "
                f"never run. Call it `Test{name.removesuffix('Tests').removesuffix('Test')}`."
            )
            yield Flag(each, message)
        elif _has_init(each):
            message = (
                f"`{name}` has an `__init__`, so pytest passes it over: its tests never run. Prepare in "
                "a fixture or in `setup_method`."
            )
            yield Flag(each, message)


def _has_init(node: cst.ClassDef) -> bool:
    return any(
        isinstance(each, cst.FunctionDef) and each.name.value == "__init__"
        for each in node.body.body
    )


def _has_heirs(name: str, here: Here) -> bool:
    classes: Classes = here.project.facts(Classes)
    return any(
        base.rpartition(".")[2] == name
        for record in classes.modules.by_path.values()
        for each in record.classes
        for base in each.bases
    )


def _doubled(body: Sequence[cst.CSTNode]) -> Iterator[Flag]:
    """Tests that a later one of the same name takes the place of."""
    seen: dict[str, cst.FunctionDef] = {}
    for each in body:
        if not isinstance(each, cst.FunctionDef) or not _is_test(each):
            continue
        name = each.name.value
        if name in seen and not seen[name].decorators and not each.decorators:
            message = (
                f"A second `{name}` stands below and takes the place of this one, which never runs; "
                "give one of them another name."
            )
            yield Flag(seen[name], message, identity=f"{name} doubled")
        seen[name] = each
