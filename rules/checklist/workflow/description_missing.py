"""The pull request does not say what it is for.

A reviewer then reads the change without knowing what it should do, and whoever comes here in a
year from a line of blame finds nothing. Two sentences are enough: what was wrong or missing, and
how this cures it. Small changes, whose title says it all, are spared, and so is a reference to the
issue that tells it. Off by default: many teams keep the talk elsewhere.

Before:
```python shop/orders.py
def close(shop):
    pass
```
Bad: nothing at all.
```text @pull-request
Close all orders of a shop at once
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
    shop.close(19)
    shop.close(20)
    shop.close(21)
    shop.close(22)
    shop.close(23)
    shop.close(24)
    shop.close(25)
    shop.close(26)
    shop.close(27)
    shop.close(28)
    shop.close(29)
    shop.close(30)
```
Good:
```text @pull-request
Close all orders of a shop at once

Shops that move need all their orders closed on one day; until now somebody clicked each.
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
    shop.close(19)
    shop.close(20)
    shop.close(21)
    shop.close(22)
    shop.close(23)
    shop.close(24)
    shop.close(25)
    shop.close(26)
    shop.close(27)
    shop.close(28)
    shop.close(29)
    shop.close(30)
```
Bad: the template as it came.
```text @pull-request
Close all orders of a shop at once

## Description
<!-- What does this change, and why? -->

## Checklist
- [ ] I have added tests
- [ ] Fixes #
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
    shop.close(19)
    shop.close(20)
    shop.close(21)
    shop.close(22)
    shop.close(23)
    shop.close(24)
    shop.close(25)
    shop.close(26)
    shop.close(27)
    shop.close(28)
    shop.close(29)
    shop.close(30)
```
Good: a small change, and one of a bot.
```text @pull-request
Close the last order too
```
```python shop/orders.py
def close(shop):
    shop.close(1)
```
Good: the issue tells it.
```text @pull-request
Close all orders of a shop at once

Fixes: #945
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
    shop.close(19)
    shop.close(20)
    shop.close(21)
    shop.close(22)
    shop.close(23)
    shop.close(24)
    shop.close(25)
    shop.close(26)
    shop.close(27)
    shop.close(28)
    shop.close(29)
    shop.close(30)
```
Good: outside of a pull request there is no description to write.
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
    shop.close(19)
    shop.close(20)
    shop.close(21)
    shop.close(22)
    shop.close(23)
    shop.close(24)
    shop.close(25)
    shop.close(26)
    shop.close(27)
    shop.close(28)
    shop.close(29)
    shop.close(30)
```
"""

import re
from collections.abc import Iterator

from rules.facts.pull_requests import added_lines, chief, is_by_program, words_of
from rules.kit import Change, Flag, Here, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="WFL107",
    severity=Severity.NOTICE,
    checklist=("workflow.code-review",),
    scope="pr",
    default=False,
)

_SMALL = 25
_FEWEST_CHARACTERS = 12
_ISSUE = re.compile(r"#\d+|https?://\S+|\b[A-Z][A-Z\d]{1,9}-\d+\b")


@rule.on(Change)
def check(change: Change, _here: Here) -> Iterator[Flag]:
    if not change.title or is_by_program(change) or added_lines(change) < _SMALL:
        return
    written = words_of(change.body)
    if len(written) >= _FEWEST_CHARACTERS or _ISSUE.search(written):
        return
    place = chief(change)
    if place is not None:
        what = "is the unfilled template" if change.body.strip() else "is empty"
        yield Flag(
            0,
            f"The description of this pull request {what}. Say in a sentence or two what it is for "
            "and how it goes about it.",
            path=place.path,
            identity="description missing",
        )
