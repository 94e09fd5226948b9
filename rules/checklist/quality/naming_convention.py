"""A name is not written as Python writes its kind of name.

Classes are `CapWords`, functions, methods and arguments `lower_case`. Where a name breaks this,
readers take a class for a function, and the other way round.

Bad:
```python
class shop_order:  # flagged
    def closeAll(self):  # flagged
        return []


def TotalPrice(lines):  # flagged
    return sum(lines)
```
Good:
```python
class ShopOrder:
    def close_all(self):
        return []


def total_price(lines):
    return sum(lines)
```
Bad:
```python
def close(orderNumber, *, force=False):  # flagged
    return orderNumber, force
```
Good:
```python
def close(order_number, *, force=False):
    return order_number, force
```
Good: methods whose name another class gave them, and handlers called by their name.
```python
import ast
from http.server import BaseHTTPRequestHandler
from unittest import TestCase


class Names(ast.NodeVisitor):
    def visit_FunctionDef(self, node):
        return node.name


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)


class OrderTest(TestCase):
    def setUp(self):
        self.orders = []
```
Good: a context manager that is used like a function, a decorator, a factory of a class.
```python
class freeze_time:
    def __enter__(self):
        return self

    def __exit__(self, *details):
        return None


def OrderFactory():
    class Order:
        pass

    return Order
```
Good: private names and single letters.
```python
class _cached:
    pass


def multiply(A, B):
    return A @ B
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.kit import Flag, Here, Rule, Severity, find

rule = Rule(
    __name__,
    __doc__,
    code="QLT108",
    severity=Severity.NOTICE,
    checklist=("quality.pep8",),
    default=False,
    peers=("ruff:N801", "ruff:N802", "ruff:N803", "pylint:C0103", "flake8:N801", "flake8:N802"),
)

_CLASS = re.compile(r"^_?[A-Z][A-Za-z0-9]*_*$|^_")
_FUNCTION = re.compile(r"^_*[a-z0-9][a-z0-9_]*$|^_+$|^__\w+__$")
_CALLED_BY_NAME = re.compile(
    r"^(visit|leave|depart|generic_visit|do|test|on|handle|convert|parse|prepare|clean|get|resolve)_"
    r"|^(setUp|tearDown|runTest|maxDiff|asyncSetUp|asyncTearDown)"
)


@rule.on(cst.ClassDef)
def check_class(node: cst.ClassDef, here: Here) -> Iterator[Flag]:
    name = node.name.value
    if _CLASS.match(name) or here.is_migration or _is_used_as_function(node):
        return
    better = "".join(part[:1].upper() + part[1:] for part in name.split("_"))
    yield Flag(node.name, f"The class `{name}` is named like a function: `{better}`.")


def _is_used_as_function(node: cst.ClassDef) -> bool:
    methods = {each.name.value for each in find(node.body, cst.FunctionDef)}
    return bool(methods & {"__enter__", "__aenter__", "__call__", "__get__", "__new__"}) or any(
        True for _ in node.bases
    )


@rule.on(cst.FunctionDef)
def check_function(node: cst.FunctionDef, here: Here) -> Iterator[Flag]:
    if here.is_migration:
        return
    name = node.name.value
    if not _FUNCTION.match(name) and not _is_given(node, here):
        yield Flag(node.name, f"`{name}` is written like a class: `{_snake(name)}`.")
    given = (*node.params.posonly_params, *node.params.params, *node.params.kwonly_params)
    odd = [each for each in given if _is_odd(each.name.value)]
    if not odd or isinstance(here.around(node, cst.ClassDef, cst.FunctionDef), cst.ClassDef):
        return
    for each in odd:
        own = each.name.value
        yield Flag(each.name, f"The argument `{own}` of `{name}`: `{_snake(own)}`.")


def _is_odd(name: str) -> bool:
    return len(name) > 1 and not name.isupper() and not _FUNCTION.match(name)


def _is_given(node: cst.FunctionDef, here: Here) -> bool:
    """Whether the name comes from elsewhere, or the function makes a class."""
    name = node.name.value
    owner = here.around(node, cst.ClassDef, cst.FunctionDef)
    if isinstance(owner, cst.ClassDef):
        return bool(owner.bases) or bool(_CALLED_BY_NAME.match(name)) or bool(node.decorators)
    makes_class = any(True for _ in find(node.body, cst.ClassDef))
    return makes_class or bool(_CALLED_BY_NAME.match(name)) or bool(node.decorators)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
