"""The change is larger than anybody reviews with care.

The more lines a review has, the fewer of its mistakes are found: a reader tires after a few
hundred and nods through the rest. Send the preparations first, such as moves and renames, and
then the parts that work by themselves.

The limit is the option `max_lines`. It counts lines that were added by hand: lock files, data,
translations, migrations and generated code do not count, and of tests each line counts as half.

Before:
```python shop/orders.py
def close(order):
    order.close()
```
Bad:
```python shop/rates.py x250 flagged


def rate(table, name):
    found = table.get(name)
    return found.rate if found else 1
```
```python shop/orders.py
def close(order):
    order.close()
```
Good:
```python shop/rates.py
def rate(table, name):
    found = table.get(name)
    return found.rate if found else 1
```
```python shop/orders.py
def close(order):
    order.close()
```
Good: nobody reads lock files, data and migrations.
```text uv.lock x2000
package = "1.0"
```
```python shop/migrations/0001_initial.py x500
first = 1
second = 2
```
```python shop/orders.py
def close(order):
    order.close()
```
Good: tests may be long.
```python tests/test_rates.py x200


def test_rate(table):
    assert rate(table, "eur") == 1
    assert rate(table, "usd") > 1
```
```python shop/orders.py
def close(order):
    order.close()
```
"""

from collections.abc import Iterator
from dataclasses import dataclass

from rules.facts.pull_requests import added_lines, chief, is_by_program
from rules.kit import Change, Flag, Here, Rule, Severity


@dataclass(frozen=True)
class Options:
    """`max_lines` is the highest number of added lines that is not reported."""

    max_lines: int = 1000


_DEFAULT = Options()

rule = Rule(
    __name__,
    __doc__,
    code="WFL103",
    severity=Severity.NOTICE,
    checklist=("workflow.code-review",),
    scope="pr",
    options=_DEFAULT,
)


@rule.on(Change)
def check(change: Change, here: Here) -> Iterator[Flag]:
    most = (here.options or _DEFAULT).max_lines
    lines = added_lines(change)
    place = chief(change)
    if lines <= most or place is None or is_by_program(change):
        return
    yield Flag(
        0,
        f"This change adds some {round(lines, -2) or lines} lines to be read, more than the {most} "
        "that are reviewed with care. Send parts that stand by themselves one after the other.",
        path=place.path,
        identity="oversized change",
    )
