"""A test changes what other tests share, and does not put it back.

The tests that run after it see the change: they pass or fail by their order, and fail alone on
another machine. Let `monkeypatch`, `mock.patch` or `override_settings` change it and put it back.

Bad:
```python tests/test_orders.py
import os

from django.conf import settings

from shop.orders import Basket


def test_currency(order):
    os.environ["CURRENCY"] = "EUR"  # flagged
    settings.TAX = 7  # flagged
    Basket.limit = 3  # flagged
    assert order.total
```
Good: put back.
```python tests/test_orders.py
import os

import pytest

from shop.orders import Basket


def test_currency(order, monkeypatch, settings):
    monkeypatch.setenv("CURRENCY", "EUR")
    settings.TAX = 7
    monkeypatch.setattr(Basket, "limit", 3)
    assert order.total


def test_limit(order):
    old = Basket.limit
    try:
        Basket.limit = 3
        assert order.total
    finally:
        Basket.limit = old


def test_own(order):
    basket = Basket()
    basket.limit = 3
    assert basket.limit
```
```python shop/tests.py
import os
import unittest


class OrderTests(unittest.TestCase):
    def tearDown(self):
        os.environ.pop("CURRENCY", None)

    def test_currency(self):
        os.environ["CURRENCY"] = "EUR"
        self.assertTrue(self.order.total)
```
Good: mocks are the test's own.
```python tests/test_mocks.py
from unittest import mock

from shop import orders


@mock.patch("shop.orders.Client")
def test_client(Client):
    Client.limit = 3
    with mock.patch.dict("os.environ", {"CURRENCY": "EUR"}):
        assert orders.total()
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.collected_tests import TestFunction
from rules.kit import Flag, Here, Rule, Severity, find

rule = Rule(
    __name__,
    __doc__,
    code="TST110",
    severity=Severity.NOTICE,
    checklist=("tests.organisation", "tests.fixtures", "tests.deterministic"),
)

_RESTORES = re.compile(
    r"finally|addCleanup|tearDown|teardown|patch\.dict|addfinalizer|mock_environ|restore"
)


@rule.on(TestFunction)
def check(test: TestFunction, here: Here) -> Iterator[Flag]:
    for target in _assigned(test.node):
        what = _shared(target, test.node, here)
        if what and not _is_restored(target, test.node, here):
            message = (
                f"`{test.name}` changes {what} and does not put it back: the tests after it see the "
                "change. Let `monkeypatch`, `mock.patch` or `override_settings` do it."
            )
            yield Flag(target, message)


def _assigned(function: cst.FunctionDef) -> Iterator[cst.Attribute | cst.Subscript]:
    """What the statements of a test assign to, at its top."""
    for line in function.body.body:
        for each in line.body if isinstance(line, cst.SimpleStatementLine) else ():
            target = each.targets[0].target if isinstance(each, cst.Assign) else None
            if isinstance(target, cst.Attribute | cst.Subscript):
                yield target


def _shared(target: cst.Attribute | cst.Subscript, function: cst.FunctionDef, here: Here) -> str:
    """What of all tests the assignment changes, in words."""
    if isinstance(target, cst.Subscript):
        return f"`{here.source(target)}`" if here.name(target.value) == "os.environ" else ""
    owner = target.value
    if not isinstance(owner, cst.Name) or _is_local(owner.value, function):
        return ""
    full = here.name(owner)
    if full == "django.conf.settings":
        return f"the setting `{target.attr.value}`"
    imported = "." in full and not full.startswith(("builtins.", f"{here.module_name}."))
    is_class = owner.value[:1].isupper() and not owner.value.isupper()
    return f"`{here.source(target)}`" if imported and is_class else ""


def _is_local(name: str, function: cst.FunctionDef) -> bool:
    """Whether the function has a variable or parameter of this name."""
    params = function.params
    given = (*params.params, *params.kwonly_params, *params.posonly_params)
    if any(each.name.value == name for each in given):
        return True
    if any(
        isinstance(t.target, cst.Name) and t.target.value == name
        for t in find(function, cst.AssignTarget)
    ):
        return True
    bound = (each.asname.name for each in find(function, cst.WithItem) if each.asname is not None)
    return any(isinstance(each, cst.Name) and each.value == name for each in bound)


def _is_restored(
    target: cst.Attribute | cst.Subscript, function: cst.FunctionDef, here: Here
) -> bool:
    if _RESTORES.search(here.source(function)):
        return True
    holder = here.around(function, cst.ClassDef)
    if holder is not None and _RESTORES.search(here.source(holder)):
        return True
    text = here.source(target)
    same = [each for each in find(function, cst.AssignTarget) if here.source(each.target) == text]
    deleted = any(here.source(each.target) == text for each in find(function, cst.Del))
    return len(same) > 1 or deleted or _is_a_mock(target, here)


def _is_a_mock(target: cst.Attribute | cst.Subscript, here: Here) -> bool:
    return isinstance(target, cst.Attribute) and "mock" in here.source(target.value).lower()
