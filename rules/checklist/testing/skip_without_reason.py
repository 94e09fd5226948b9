"""A test is switched off and nobody says why.

In a year nobody knows whether it may be switched on again, or what it would take. Give the
reason, best with the issue: `@pytest.mark.skip(reason="waits for #123")`.

Bad:
```python tests/test_orders.py
import unittest

import pytest


@pytest.mark.skip  # flagged
def test_total():
    assert 1 == 2


@pytest.mark.xfail()  # flagged
def test_tax():
    assert 1 == 2


def test_later():
    pytest.skip()  # flagged


class OrderTests(unittest.TestCase):
    def test_more(self):
        self.skipTest("")  # flagged
```
Good:
```python tests/test_orders.py
import sys

import pytest


@pytest.mark.skip(reason="waits for #123")
def test_total():
    assert 1 == 2


@pytest.mark.skip("the server of the bank is gone")
def test_bank():
    assert 1 == 2


@pytest.mark.skipif(sys.platform == "win32", reason="no signals there")
def test_signal():
    assert 1 == 2


@pytest.mark.xfail(raises=NotImplementedError)
def test_tax():
    assert 1 == 2


# The sandbox of the bank answers on weekdays only.
@pytest.mark.skip
def test_weekday():
    assert 1 == 2
```
Good: unittest.
```python tests/test_more.py
import unittest


class OrderTests(unittest.TestCase):
    @unittest.skip("waits for #123")
    def test_more(self):
        self.fail()
```
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from rules.kit import Flag, Here, Rule, Severity, dotted, string

rule = Rule(
    __name__,
    __doc__,
    code="TST106",
    severity=Severity.NOTICE,
    checklist=("tests.meaningful",),
)

_MARKS = frozenset(
    {"pytest.mark.skip", "pytest.mark.xfail", "mark.skip", "mark.xfail", "unittest.skip"}
)
_CALLS = frozenset({"pytest.skip", "pytest.xfail"})


@rule.on(cst.Decorator, words=("skip", "xfail"))
def check_mark(node: cst.Decorator, here: Here) -> Iterator[Flag]:
    call = node.decorator if isinstance(node.decorator, cst.Call) else None
    name = dotted(call.func if call is not None else node.decorator)
    if name not in _MARKS or (call is not None and not _is_silent(call)) or _is_told(node, here):
        return
    around = here.parent(node)
    what = around.name.value if isinstance(around, cst.FunctionDef | cst.ClassDef) else "this test"
    message = (
        f"`{what}` is switched off and nothing says why or until when; give the reason: "
        f'`@{name}(reason="...")`.'
    )
    yield Flag(node, message)


@rule.on(cst.Call, calls=("skip", "xfail", "skipTest"))
def check_call(node: cst.Call, here: Here) -> Iterator[Flag]:
    name = dotted(node.func)
    if name not in _CALLS and name != "self.skipTest":
        return
    if not _is_silent(node) or isinstance(here.parent(node), cst.Decorator):
        return
    if not here.is_test:
        return
    message = (
        f"`{name}` switches the test off and nothing says why; give the reason as its argument."
    )
    yield Flag(node, message)


def _is_silent(call: cst.Call) -> bool:
    """Whether no argument holds a word of reason."""
    for each in call.args:
        keyword = each.keyword.value if each.keyword is not None else "reason"
        if each.star or keyword in ("raises", "condition", "run"):
            return False
        if keyword in ("reason", "msg") and string(each.value) != "":
            return False
    return True


def _is_told(node: cst.Decorator, here: Here) -> bool:
    """Whether a comment above or beside gives the reason."""
    above = [each.comment for each in node.leading_lines]
    around = here.parent(node)
    if isinstance(around, cst.FunctionDef | cst.ClassDef) and around.decorators[0] is node:
        above += [each.comment for each in around.leading_lines]
    return any(above) or node.trailing_whitespace.comment is not None
