"""A test of a read endpoint looks at the status code only.

An empty list, somebody else's rows and a wrong field all come with 200. Assert what the answer
holds, or at least one thing that only the right answer has.

Bad:
```python tests/test_orders.py
def test_orders(client, order):
    response = client.get("/orders/")  # flagged
    assert response.status_code == 200
```
Bad:
```python shop/tests.py
from django.test import TestCase


class OrderTests(TestCase):
    def test_orders(self):
        response = self.client.get("/orders/")  # flagged
        self.assertEqual(response.status_code, 200)
```
Good:
```python tests/test_orders.py
def test_orders(client, order):
    response = client.get("/orders/")
    assert response.status_code == 200
    assert response.json() == [{"id": order.id}]


def test_orders_need_a_login(client):
    assert client.get("/orders/").status_code == 401


def test_orders_are_allowed_for_staff(client):
    response = client.get("/orders/")
    assert response.status_code == 200


def test_new_order(client):
    response = client.post("/orders/", {})
    assert response.status_code == 201
```
Good: the answer is looked at by a helper.
```python tests/test_more.py
def test_orders(client, check_orders):
    response = client.get("/orders/")
    assert response.status_code == 200
    check_orders(response)
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.collected_tests import TestFunction
from rules.kit import Flag, Here, Rule, Severity, dotted, find

rule = Rule(
    __name__,
    __doc__,
    code="TST105",
    severity=Severity.NOTICE,
    checklist=("tests.api-assertions",),
    default=False,
)

_ABOUT_STATUS = re.compile(
    r"(?i)permission|allow|forbid|auth|login|access|status|redirect|denied|anonymous|can_|cannot"
    r"|smoke|render|load|exist|health|ping|cors|header|throttl|rate|cache"
)
_STATUS = frozenset({"status_code", "status", "HTTP_200_OK"})


@rule.on(TestFunction, words=("status_code",))
def check(test: TestFunction, here: Here) -> Iterator[Flag]:
    if _ABOUT_STATUS.search(test.name):
        return
    body = test.node.body
    asked = [(target, call) for target, call in _answers(body)]
    if len(asked) != 1:
        return
    name, call = asked[0]
    if not _is_ok_expected(body, name, here):
        return
    uses = [each for each in find(body, cst.Name) if each.value == name]
    read = [here.parent(each) for each in uses]
    if any(not isinstance(p, cst.Attribute | cst.AssignTarget) for p in read):
        return
    attributes = {p.attr.value for p in read if isinstance(p, cst.Attribute)}
    if attributes and attributes <= _STATUS and _asserts(body) == 1:
        message = (
            f"`{test.name}` looks at the status of the answer only: an empty or a wrong answer has "
            "200 too. Assert what it holds."
        )
        yield Flag(call, message)


def _answers(body: cst.BaseSuite) -> Iterator[tuple[str, cst.Call]]:
    """The variables that hold the answer to a GET."""
    for each in find(body, cst.Assign):
        value = each.value.expression if isinstance(each.value, cst.Await) else each.value
        target = each.targets[0].target
        if isinstance(value, cst.Call) and isinstance(target, cst.Name):
            called = dotted(value.func)
            if called.endswith(".get") and "client" in called.lower():
                yield target.value, value


def _is_ok_expected(body: cst.BaseSuite, name: str, here: Here) -> bool:
    text = here.source(body)
    form = rf"{re.escape(name)}\.status_code\s*(==|,)\s*(200|\w*\.?HTTP_200_OK|HTTPStatus\.OK)"
    return bool(re.search(form, text))


def _asserts(body: cst.BaseSuite) -> int:
    """How many assertions stand in the body."""
    plain = sum(1 for _ in find(body, cst.Assert))
    calls = (dotted(each.func) for each in find(body, cst.Call))
    return plain + sum(bool(re.search(r"(?i)assert|check|expect|verify", each)) for each in calls)
