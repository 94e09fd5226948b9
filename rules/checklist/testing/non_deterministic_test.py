"""The result of a test depends on the clock, on chance or on how fast the machine is.

It fails at midnight, once in a hundred runs or on a busy machine, and then nobody believes it
any more. Freeze the time (`freezegun`, `time-machine`), seed the generator, wait for the event
instead of a while.

Bad:
```python tests/test_orders.py
import random
import time
from datetime import date, datetime


def test_due(order):
    assert order.due == date.today()  # flagged


def test_stamp(order):
    assert order.created == datetime.now()  # flagged


def test_sent(queue, order):
    queue.send(order)
    time.sleep(2)  # flagged
    assert order.is_sent


def test_draw(draw):
    assert draw(random.randint(1, 6)) > 1  # flagged
```
Bad:
```python shop/tests.py
from django.test import TestCase
from django.utils import timezone


class OrderTests(TestCase):
    def test_due(self):
        self.assertEqual(self.order.due, timezone.now().date())  # flagged
```
Good: time stands still.
```python tests/test_frozen.py
import random
import time
from datetime import date, datetime, timedelta

from freezegun import freeze_time


@freeze_time("2026-01-01")
def test_due(order):
    assert order.due == date.today()
```
Good: for all tests of the file.
```python tests/test_marked.py
from datetime import date

import pytest

pytestmark = pytest.mark.freeze_time("2026-01-01")


def test_due(order):
    assert order.due == date.today()
```
Good: it is only near, seeded, or waited for.
```python tests/test_near.py
import random
import time
from datetime import date, datetime, timedelta


def test_stamp(order):
    assert order.created <= datetime.now()
    assert datetime.now() - order.created < timedelta(seconds=5)


def test_draw(draw):
    random.seed(1)
    assert draw(random.randint(1, 6)) > 1


def test_waits(queue):
    while not queue.is_empty():
        time.sleep(0.1)
    assert queue.sent


def test_yields(worker):
    time.sleep(0)
    assert worker.runs
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from rules.kit import Flag, Here, Rule, Severity, dotted, find

rule = Rule(
    __name__,
    __doc__,
    code="TST109",
    severity=Severity.WARNING,
    checklist=("tests.deterministic",),
)

_FROZEN = re.compile(
    r"freeze|time_machine|travel\(|patch[^\n]{0,250}?(now|time|today|random|sleep)"
    r"|mock_(time|now|sleep)|mocker"
)
_FOR_ALL = re.compile(r"pytestmark\s*=[^\n]*|autouse=True[^\n]*\n[^\n]*\n[^\n]*")
_SEEDED = re.compile(r"seed\(|Random\(\d")
_NOW = re.compile(
    r"^(datetime\.(datetime|date)\.(now|today|utcnow)|django\.utils\.timezone\.(now|localdate|localtime)"
    r"|time\.time|pendulum\.(now|today)|arrow\.(now|utcnow))$"
)
_DRAWS = frozenset(
    f"random.{each}" for each in ("random", "randint", "choice", "sample", "uniform", "randrange")
)
_EQUAL = frozenset({"assertEqual", "assertEquals", "assertListEqual", "assertDictEqual"})
_LEAST_SLEEP = 0.2


@rule.on(cst.Call, calls=("now", "today", "utcnow", "time", "localdate", "localtime"))
def check_clock(call: cst.Call, here: Here) -> Iterator[Flag]:
    if not here.is_test or not _in_test(call, here) or not _NOW.match(here.name(call.func)):
        return
    if not _is_compared(call, here) or _is_held(call, here, _FROZEN):
        return
    message = (
        f"The test compares with `{here.source(call)}`, which is another value a moment later, or "
        "at midnight; freeze the time, or take the moment once and pass it in."
    )
    yield Flag(call, message)


@rule.on(cst.Call, calls=("random", "randint", "choice", "sample", "uniform", "randrange"))
def check_chance(call: cst.Call, here: Here) -> Iterator[Flag]:
    if not here.is_test or not _in_test(call, here) or here.name(call.func) not in _DRAWS:
        return
    if here.around(call, cst.Assert) is None or _is_held(call, here, _SEEDED):
        return
    if _is_held(call, here, _FROZEN):
        return
    message = (
        f"The assertion depends on chance (`{here.source(call.func)}`): a failure cannot be repeated. "
        "Seed the generator, or write the value out."
    )
    yield Flag(call, message)


@rule.on(cst.Call, calls=("sleep",))
def check_sleep(call: cst.Call, here: Here) -> Iterator[Flag]:
    if not here.is_test or here.name(call.func) != "time.sleep" or not _in_test(call, here):
        return
    given = call.args[0].value if call.args else None
    if not isinstance(given, cst.Integer | cst.Float) or given.evaluated_value < _LEAST_SLEEP:
        return
    if here.around(call, cst.While, cst.For) is not None or _is_held(call, here, _FROZEN):
        return
    message = (
        f"The test waits `{here.source(given)}` s and hopes that it is enough: it is slow always and "
        "fails on a busy machine. Wait for the event itself, or move the clock."
    )
    yield Flag(call, message)


def _in_test(node: cst.CSTNode, here: Here) -> bool:
    """Whether it runs as part of a test, not of a helper defined in one."""
    function = here.function(node)
    return function is not None and function.name.value.startswith("test")


def _is_held(node: cst.CSTNode, here: Here, form: re.Pattern[str]) -> bool:
    """Whether the test, its class or the imports of the file hold time or chance still."""
    function = here.function(node)
    holder = here.around(node, cst.ClassDef)
    texts = [here.source(each) for each in (function,) if each is not None]
    if holder is not None:
        texts += [here.source(each) for each in holder.decorators]
        texts += [
            here.source(each)
            for each in find(holder.body, cst.FunctionDef)
            if each.name.value in ("setUp", "setup_method", "setUpClass", "setUpTestData")
        ]
    whole = here.module.code if here.module is not None else ""
    return any(form.search(each) for each in (*texts, *_FOR_ALL.findall(whole)))


def _is_compared(call: cst.Call, here: Here) -> bool:
    """Whether the moment is an operand of an equality that is asserted."""
    node: cst.CSTNode = call
    for _ in range(6):
        parent = here.parent(node)
        match parent:
            case cst.Attribute() | cst.Call(func=cst.Attribute()) if (
                isinstance(parent, cst.Attribute) or parent.func is node
            ):
                node = parent
            case cst.ComparisonTarget(operator=cst.Equal()):
                return here.around(parent, cst.Assert) is not None
            case cst.Comparison(
                left=left, comparisons=[cst.ComparisonTarget(operator=cst.Equal())]
            ):
                return left is node and here.around(parent, cst.Assert) is not None
            case cst.Arg():
                owner = here.parent(parent)
                called = dotted(owner.func) if isinstance(owner, cst.Call) else ""
                return called.rpartition(".")[2] in _EQUAL
            case _:
                return False
    return False
