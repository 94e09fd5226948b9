"""The tests come only after the code that they test.

Tests that are written for finished code tend to say what the code does, not what it should do. A
team that writes them first finds them in the commit of the code, or before it.

Silent where pull requests are squashed into one commit, and where the commits are not known.

Before:
```python shop/orders.py
def close(order):
    order.close()
```
Bad:
```text @commits
Close the parcel of an order with it
  shop/orders.py

Test that the parcel is closed
  tests/test_orders.py
```
```python shop/orders.py
def close(order):
    order.close()
    order.parcel.close()
```
```python tests/test_orders.py flagged
from shop.orders import close


def test_the_parcel_is_closed(order):
    close(order)
    assert order.parcel.is_closed
```
Good:
```text @commits
Close the parcel of an order with it
  shop/orders.py
  tests/test_orders.py
```
```python shop/orders.py
def close(order):
    order.close()
    order.parcel.close()
```
```python tests/test_orders.py
from shop.orders import close


def test_the_parcel_is_closed(order):
    close(order)
    assert order.parcel.is_closed
```
Good: the test first, and a commit that needs none.
```text @commits
Expect the parcel of an order to be closed
  tests/test_orders.py

Close the parcel of an order with it
  shop/orders.py

Explain how orders are closed
  docs/orders.md
```
```python shop/orders.py
def close(order):
    order.close()
    order.parcel.close()
```
```python tests/test_orders.py
from shop.orders import close


def test_the_parcel_is_closed(order):
    close(order)
    assert order.parcel.is_closed
```
"""

from collections.abc import Iterator

from rules.kit import Change, Commit, Flag, Here, Rule, Severity
from rules.kit.paths import is_migration, is_test

rule = Rule(
    __name__,
    __doc__,
    code="WFL106",
    severity=Severity.NOTICE,
    checklist=("workflow.tdd",),
    scope="pr",
    default=False,
)


@rule.on(Change)
def check(change: Change, _here: Here) -> Iterator[Flag]:
    own = [each for each in change.commits if each.parents < 2]
    if len(own) < 2:
        return
    code = [number for number, each in enumerate(own) if _holds_code(each)]
    tests = [number for number, each in enumerate(own) if any(is_test(p) for p in each.paths)]
    if not code or not tests or tests[0] <= code[-1]:
        return
    changed = {each.path for each in change.files if each.status != "removed"}
    first = next((path for path in own[tests[0]].paths if is_test(path) and path in changed), "")
    if first:
        yield Flag(
            0,
            f"The tests come in `{own[tests[0]].subject[:60]}`, after all the code that they test. "
            "Write them first, or commit them with the code.",
            path=first,
            identity="tests after the implementation",
        )


def _holds_code(commit: Commit) -> bool:
    return any(
        path.endswith(".py") and not is_test(path) and not is_migration(path)
        for path in commit.paths
    )
