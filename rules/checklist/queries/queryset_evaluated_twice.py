"""A query set is asked twice for what it could tell once.

`orders.count()` or `orders.exists()` is a query of its own, and the loop over the same `orders` after
it runs the whole query again. Where all rows are fetched anyway, fetch them first: `len(rows)` and
`if rows` of the fetched list cost nothing.

Bad:
```python shop/views.py
from django.db import models


class Order(models.Model):
    paid = models.BooleanField()


def summary():
    orders = Order.objects.filter(paid=True)
    if orders.exists():  # flagged
        for order in orders:
            print(order.pk)
```
Good:
```python shop/views.py
from django.db import models


class Order(models.Model):
    paid = models.BooleanField()


def summary():
    orders = list(Order.objects.filter(paid=True))
    if orders:
        for order in orders:
            print(order.pk)
```
Good: only counted, counted of another query, a part of the rows, or rows that are there by then.
```python shop/views.py
from django.db import models


class Order(models.Model):
    paid = models.BooleanField()


def counted():
    orders = Order.objects.filter(paid=True)
    return orders.count(), orders.filter(pk__gt=9)


def page():
    orders = Order.objects.filter(paid=True)
    print(orders.count())
    for order in orders[:20]:
        print(order.pk)


def after():
    orders = Order.objects.filter(paid=True)
    for order in orders:
        print(order.pk)
    return orders.count()
```
"""

from collections.abc import Iterator

import libcst as cst

from rules.facts.querysets import QueryReader, may_hold_queries
from rules.kit import Flag, Here, Rule, Severity, walk_own

rule = Rule(
    __name__,
    __doc__,
    code="DBQ113",
    severity=Severity.NOTICE,
    frameworks=("django",),
    checklist=("database.query-efficiency",),
    scope="diff",
    peers=(),
)


@rule.on(cst.Call, calls=("count", "exists"))
def check(node: cst.Call, here: Here) -> Iterator[Flag]:
    asked = node.func.value if isinstance(node.func, cst.Attribute) else None
    if not isinstance(asked, cst.Name) or node.args or here.is_test or not may_hold_queries(here):
        return
    function = here.function(node)
    if function is None or len(here.bindings(asked)) != 1:
        return
    loop = _loop_after(node, asked, function)
    if loop is None:
        return
    query = QueryReader(here).query(asked)
    if query is None or query.sliced or query.single or query.is_list:
        return
    what = "len(rows)" if here.source(node).endswith("count()") else "if rows"
    yield Flag(
        node,
        f"`{here.source(node)}` is one query, and the loop over `{asked.value}` after it runs the "
        f"whole query again. Fetch the rows first (`rows = list({asked.value})`), then `{what}` "
        "costs nothing.",
    )


def _loop_after(node: cst.Call, asked: cst.Name, function: cst.FunctionDef) -> cst.For | None:
    """The loop over the same variable that runs after a call."""
    seen = False
    for each in walk_own(function.body):
        if each is node:
            seen = True
        elif isinstance(each, cst.For) and _goes_through(each, asked.value):
            return each if seen else None
    return None


def _goes_through(loop: cst.For, name: str) -> bool:
    return isinstance(loop.iter, cst.Name) and loop.iter.value == name
