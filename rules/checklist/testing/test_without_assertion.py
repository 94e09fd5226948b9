"""A test asserts nothing.

It runs the code and is green whatever comes out, so it counts as covered what nobody looks
at. Assert the result, the state or the call that the test is about; if the promise is only
that nothing is raised, say so in the name (`test_import_does_not_raise`).

Bad:
```python tests/test_orders.py
def test_total(client, order):  # flagged
    response = client.get(f"/orders/{order.pk}/total")
    print(response.json())
```
Good:
```python tests/test_orders.py
def test_total(client, order):
    response = client.get(f"/orders/{order.pk}/total")
    assert response.json() == {"total": 12}
```
Bad: a helper that only prepares.
```python shop/tests.py
from django.test import TestCase


def make_order(lines):
    return {"lines": lines}


class OrderTests(TestCase):
    def setUp(self):
        self.order = make_order([])

    def test_empty_order(self):  # flagged
        make_order([1]).update(self.order)
```
Good: helpers that assert, also through one another and in base classes.
```python tests/base.py
class Checks:
    def look_at(self, order):
        self.look_closely_at(order)

    def look_closely_at(self, order):
        assert order["total"] >= 0
```
```python tests/test_orders.py
import unittest

from tests.base import Checks


class OrderTests(Checks, unittest.TestCase):
    def test_empty_order(self):
        self.look_at({"total": 0})

    def test_full_order(self):
        self.assertEqual({"total": 1}["total"], 1)
```
Good: assertions that do not look like it.
```python tests/test_more.py
import pytest
from hypothesis import given, strategies


def test_refuses():
    with pytest.raises(ValueError):
        int("x")


def test_called(mailer):
    mailer.send("hello")
    mailer.send.assert_called_once_with("hello")


def test_page(snapshot):
    snapshot.write("page")


def test_speed(benchmark):
    benchmark(sum, [1, 2])


@given(strategies.text())
def test_any_text(text):
    text.encode()


def test_stops():
    if sum([1, 1]) != 2:
        raise AssertionError("arithmetic broke")


def test_status(client):
    client.get("/orders").raise_for_status()
```
Good: smoke tests that say so.
```python tests/test_smoke.py
import importlib


def test_import_does_not_raise():
    importlib.import_module("json")


def test_starts():
    # Must not raise.
    importlib.import_module("shop")
```
Good: look-ups that raise where nothing is found, and functions that refuse.
```python tests/test_rows.py
from shop.models import Order


def test_order_is_stored(client):
    client.post("/orders", {"lines": 1})
    Order.objects.get(lines=1)


def test_an_order_without_lines_is_clean(order):
    order.clean_lines()


def test_order_stays(order, clear):
    clear()
    order.refresh_from_db()


def test_table_is_made(connection, make_table):
    make_table(connection)
    connection.execute("SELECT 1 FROM orders")
```
Good: what is no test.
```python tests/conftest.py
import pytest


@pytest.fixture
def test_client():
    return object()
```
"""

import re
from collections.abc import Iterator, Sequence

import libcst as cst

from rules.facts.collected_tests import TestFunction
from rules.facts.tests import SAYS_ASSERT, Suite
from rules.kit import Flag, Here, Rule, Severity, dotted, find, string, walk

rule = Rule(
    __name__,
    __doc__,
    code="TST103",
    severity=Severity.WARNING,
    checklist=("tests.api-assertions", "tests.meaningful"),
    yields_to=("TST107",),
)

_SMOKE = re.compile(
    r"(?i)smoke|raise|exception|crash|import|error|doesnt|does_not|do_not|dont|isnt|is_not|without"
    r"|_no_|never|noop|no_op|ignore|silent|accept|allow|valid|succe|_ok(_|$)|works|runs?(_|$)|safe"
    r"|_can_|harmless|tolerat|idempot|graceful|handles|pass(es)?(_|$)|compiles|loads|starts?(_|$)|can(_be)?_|coverage|abstract"
)
_SAID = re.compile(
    r"(?i)(\bnot|n't|\bno|\bwithout|\bnever|\bnothing)\s+(\w+\s+){0,3}"
    r"(rais|error|crash|fail|excep|throw|break|blow|explo|assert)"
    r"|smoke|sanity|assertion|graceful|(will|would|should|must) (raise|fail|crash)"
)
# Stand-ins that raise on whatever is done to them: passing them on asserts that nothing is done.
_STRICT_DOUBLE = re.compile(r"\bsentinel\b|\bpretend\.stub\(\)")
_TELLING_FIXTURE = re.compile(
    r"(?i)snapshot|benchmark|regression|regtest|approv|golden|baseline|httpx_mock|expect|assert|verify"
    r"|check|validate"
)
_TELLING_DECORATOR = re.compile(
    r"(?i)fixture|skip|xfail|given|expect|raises|check|assert|verify|image_comparison|snapshot|vcr_assert"
    r"|overload|abstract|property|limit|timeout|example|schema|parametrize_with_checks"
)
_REFUSES = re.compile(r"(^|\.)_*(clean|full_clean|require|enforce|authori[sz]e|forbid)(_\w*)?$")
_ASSERTING_CALLS = frozenset({"raise_for_status", "abort", "exit", "unraisable", "full_clean"})
_REQUESTS = frozenset(
    {"get", "post", "put", "patch", "delete", "head", "options", "submit", "click"}
)
_LIBRARIES = re.compile(
    r"(^|\.)(testing|testtools|hamcrest|sure|approvaltests|doctest|playwright)\b"
)


@rule.on(TestFunction)
def check(test: TestFunction, here: Here) -> Iterator[Flag]:
    function, holder = test.node, test.holder
    if _SMOKE.search(test.name) or (holder is None and not test.name.startswith("test_")):
        return
    decorated = (*function.decorators, *(holder.decorators if holder is not None else ()))
    if any(_TELLING_DECORATOR.search(here.source(each)) for each in decorated):
        return
    if any(_asserts(each, here) for each in walk(function.body)):
        return
    if _is_told(function, here) or (holder is not None and _only_passes(function)):
        return
    message = (
        f"`{test.name}` asserts nothing, so it is green whatever the code does; assert the result or "
        "the effect that it is about, or say in its name that nothing may be raised."
    )
    yield Flag(function, message)


def _is_told(function: cst.FunctionDef, here: Here) -> bool:
    """Whether fixtures assert, or the words around the code say that running it is the point."""
    suite: Suite = here.project.facts(Suite)
    every = [*function.params.params, *function.params.kwonly_params]
    for each in every:
        fixture = each.name.value
        if _TELLING_FIXTURE.search(fixture) or fixture in suite.asserting:
            return True
    source = here.source(function)
    return bool(_SAID.search(source)) or bool(_STRICT_DOUBLE.search(source))


def _only_passes(function: cst.FunctionDef) -> bool:
    """An inherited test that a class switches off, or a place that is kept."""
    return not any(
        isinstance(each, cst.BaseSmallStatement) and not _is_idle(each)
        for each in walk(function.body)
    )


def _is_idle(node: cst.BaseSmallStatement) -> bool:
    if isinstance(node, cst.Expr):
        return isinstance(node.value, cst.SimpleString | cst.ConcatenatedString | cst.Ellipsis)
    return isinstance(node, cst.Pass)


def _asserts(node: cst.CSTNode, here: Here) -> bool:
    match node:
        case cst.Assert() | cst.Raise() | cst.Yield():
            return True
        case cst.Expr(value=cst.Call(func=cst.Attribute() as func, args=args)) if _looks_up(
            func, args
        ):
            return True
        case cst.Call():
            return _call_asserts(node, here)
        case cst.Expr(value=value):
            return _reaches_should(value)
    return False


def _looks_up(func: cst.Attribute, args: Sequence[cst.Arg]) -> bool:
    """A look-up whose result is not wanted: it raises where the row is not there."""
    match func.attr.value:
        case "get" | "latest" | "earliest":
            return ".objects" in f".{dotted(func.value)}"
        case "one" | "scalar_one" | "refresh_from_db":
            return True
        case "execute":
            text = string(args[0].value) if args else None
            return (text or "").lstrip().upper().startswith("SELECT")
    return False


def _call_asserts(node: cst.Call, here: Here) -> bool:
    func = node.func
    if isinstance(func, cst.Name):
        last = func.value
    elif isinstance(func, cst.Attribute):
        last = func.attr.value
    else:
        return True
    if SAYS_ASSERT.search(last) or last in _ASSERTING_CALLS or _reaches_should(func):
        return True
    suite: Suite = here.project.facts(Suite)
    if last in suite.asserting or (last in _REQUESTS and _expects_status(node)):
        return True
    if any(_LIBRARIES.search(name) for name in here.names(func)):
        return True
    return _is_unknown_method(func, last, suite, here) or _is_parameter(func, here)


def _expects_status(node: cst.Call) -> bool:
    """WebTest: `app.post(url, status=403)` fails where the answer has another status."""
    return any(each.keyword is not None and each.keyword.value == "status" for each in node.args)


def _reaches_should(node: cst.CSTNode) -> bool:
    """The style of `result.should.equal(1)`."""
    return any(
        each.attr.value in ("should", "should_not", "must", "to_be", "expect")
        for each in find(node, cst.Attribute)
    )


def _is_unknown_method(func: cst.BaseExpression, last: str, suite: Suite, here: Here) -> bool:
    """A method of the test's own class that this project does not define: it may assert."""
    match func:
        case cst.Attribute(value=cst.Name(value="self" | "cls")):
            return last not in suite.helpers and last not in _UNITTEST
        case cst.Attribute(value=cst.Call(func=cst.Name(value="super"))):
            return True
    return False


_UNITTEST = frozenset(
    {"setUp", "tearDown", "subTest", "addCleanup", "skipTest", "settings", "id", "modify_settings"}
    | {"enterContext", "doCleanups", "override_settings", "login", "enterAsyncContext", "client"}
)


def _is_parameter(func: cst.BaseExpression, here: Here) -> bool:
    """A callable that the test is given: a fixture's function may assert."""
    function = here.function(func)
    if not isinstance(func, cst.Name) or function is None:
        return False
    return any(each.name.value == func.value for each in function.params.params)
