"""A rule is silenced without a reason.

The next reader cannot tell whether the place was looked at or only made quiet. Write the
reason after the bracket; `require_reason = false` under `[suppressions]` turns this off.

Bad:
```python
def total(order):
    try:
        return order.total
    except:  # stet: ignore[ERR101]  # flagged
        return 0
```
Good:
```python
def total(order):
    try:
        return order.total
    except Exception:
        return 0
```
Good: the reason stands in the comment.
```python
def total(order):
    try:
        return order.total
    except:  # stet: ignore[ERR101] the caller stops the worker by a flag
        return 0
```
"""

from collections.abc import Iterator

from rules.kit import Flag, Here, Rule, Severity, SilencingComment, Span

rule = Rule(
    __name__,
    __doc__,
    code="SUP102",
    severity=Severity.WARNING,
    checklist=("security.warnings-ignored",),
    scope="file",
)


@rule.on(SilencingComment)
def check(comment: SilencingComment, here: Here) -> Iterator[Flag]:
    required = here.options is None or here.options.require_reason
    if comment.codes and not comment.reason and required:
        codes = ", ".join(comment.codes)
        span = Span(comment.line, comment.start + 1, comment.line, len(comment.text) + 1)
        message = (
            f"`{codes}` is silenced without a reason. Say after the bracket why that is right."
        )
        yield Flag(span, message, identity=codes)
