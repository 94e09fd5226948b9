"""A comment silences a rule until a day that has passed, or that is too far away.

A date is a promise to come back. When it has passed the finding speaks again, and this says
why. A date further away than `max_days` (180) is no promise; 0 allows any.

Bad:
```python
def total(order):
    return order.total  # stet: ignore[ERR101] until the new ledger (until=2020-01-01)  # flagged
```
Good:
```python
def total(order):
    return order.total
```
Good: no date, no promise.
```python
def total(order):
    try:
        return order.total
    except:  # stet: ignore[ERR101] the caller stops the worker by a flag
        return 0
```
"""

from collections.abc import Iterator
from datetime import timedelta

from rules.kit import Flag, Here, Rule, Severity, SilencingComment, Span

rule = Rule(
    __name__,
    __doc__,
    code="SUP104",
    severity=Severity.WARNING,
    checklist=("security.warnings-ignored",),
    scope="file",
)

_DEFAULT_DAYS = 180


@rule.on(SilencingComment)
def check(comment: SilencingComment, here: Here) -> Iterator[Flag]:
    if comment.until is None or not comment.codes:
        return
    days = _DEFAULT_DAYS if here.options is None else here.options.max_days
    span = Span(comment.line, comment.start + 1, comment.line, len(comment.text) + 1)
    codes = ", ".join(comment.codes)
    if comment.until < comment.today:
        message = f"The date of this comment has passed, so `{codes}` speaks again. Repair it, or decide anew."
        yield Flag(span, message, identity=codes)
    elif days and comment.until > comment.today + timedelta(days=days):
        message = f"`{codes}` is silenced for more than {days} days. Choose a nearer day, or none."
        yield Flag(span, message, identity=codes)
