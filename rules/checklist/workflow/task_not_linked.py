"""The pull request names no task.

Where a team plans in issues, a change without one is hard to find again: nobody sees that the
task is done, nor later why the change was made. Name it in the title or the description.

Before:
```python shop/orders.py
def close(shop):
    pass
```
Bad:
```text @pull-request
Close all orders of a shop at once

Shops that move need all their orders closed on one day.
```
```python shop/orders.py flagged
def close(shop):
    shop.close(1)
    shop.close(2)
    shop.close(3)
    shop.close(4)
    shop.close(5)
    shop.close(6)
    shop.close(7)
    shop.close(8)
    shop.close(9)
    shop.close(10)
    shop.close(11)
    shop.close(12)
    shop.close(13)
    shop.close(14)
    shop.close(15)
    shop.close(16)
    shop.close(17)
    shop.close(18)
```
Good:
```text @pull-request
Close all orders of a shop at once

Shops that move need all their orders closed on one day. Closes #412.
```
```python shop/orders.py
def close(shop):
    shop.close(1)
    shop.close(2)
    shop.close(3)
    shop.close(4)
    shop.close(5)
    shop.close(6)
    shop.close(7)
    shop.close(8)
    shop.close(9)
    shop.close(10)
    shop.close(11)
    shop.close(12)
    shop.close(13)
    shop.close(14)
    shop.close(15)
    shop.close(16)
    shop.close(17)
    shop.close(18)
```
Good: a task of another tracker, or a link to one.
```text @pull-request
SHOP-412 Close all orders of a shop at once

See https://tasks.example.org/shop/412
```
```python shop/orders.py
def close(shop):
    shop.close(1)
    shop.close(2)
    shop.close(3)
    shop.close(4)
    shop.close(5)
    shop.close(6)
    shop.close(7)
    shop.close(8)
    shop.close(9)
    shop.close(10)
    shop.close(11)
    shop.close(12)
    shop.close(13)
    shop.close(14)
    shop.close(15)
    shop.close(16)
    shop.close(17)
    shop.close(18)
```
Good: the work of a bot.
```text @pull-request
Bump django from 5.2 to 5.2.1
```
```python shop/orders.py
def close(shop):
    shop.close(1)
    shop.close(2)
    shop.close(3)
    shop.close(4)
    shop.close(5)
    shop.close(6)
    shop.close(7)
    shop.close(8)
    shop.close(9)
    shop.close(10)
    shop.close(11)
    shop.close(12)
    shop.close(13)
    shop.close(14)
    shop.close(15)
    shop.close(16)
    shop.close(17)
    shop.close(18)
```
"""

import re
from collections.abc import Iterator

from rules.facts.pull_requests import added_lines, chief, is_by_program
from rules.kit import Change, Flag, Here, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="WFL108",
    severity=Severity.NOTICE,
    checklist=("workflow.task-management",),
    scope="pr",
    default=False,
)

_TASK = re.compile(
    r"(^|[^&\w])#\d+\b|\bGH-\d+\b|\b[A-Z][A-Z0-9]{1,9}-\d+\b|https?://[^\s/]{1,260}/[^\s\d]{0,500}\d"
)
_SMALL = 15


@rule.on(Change)
def check(change: Change, _here: Here) -> Iterator[Flag]:
    if not change.title or is_by_program(change) or added_lines(change) < _SMALL:
        return
    place = chief(change)
    if place is not None and not _TASK.search(f"{change.title}\n{change.body}"):
        yield Flag(
            0,
            "This pull request names no task: nobody will see that it is done, nor find why this "
            "was changed. Write its number into the description.",
            path=place.path,
            identity="task not linked",
        )
