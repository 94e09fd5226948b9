"""A comment wants to silence Stet without saying which rule.

It silences nothing: a bare `ignore` would also hide what nobody has thought of yet. Name the
code in brackets, and say why.

Bad:
```python
import os

os.system("date")  # stet: ignore  # flagged
```
Good:
```python
import os

os.system("date")
```
Good: the rule is named.
```python
def total(order):
    try:
        return order.total
    except:  # stet: ignore[ERR101] the caller stops the worker by a flag
        return 0
```
Good: a string is no comment.
```python
HELP = "write # stet: ignore to see what happens"
```
"""

from collections.abc import Iterator

from rules.kit import Flag, Here, Rule, Severity, SilencingComment, Span

rule = Rule(
    __name__,
    __doc__,
    code="SUP101",
    severity=Severity.WARNING,
    checklist=("security.warnings-ignored",),
    scope="file",
)


@rule.on(SilencingComment)
def check(comment: SilencingComment, here: Here) -> Iterator[Flag]:
    if not comment.codes:
        span = Span(comment.line, comment.start + 1, comment.line, len(comment.text) + 1)
        yield Flag(
            span,
            f"`stet: {comment.kind}` names no rule, so it silences nothing. "
            f"Write `stet: {comment.kind}[CODE] reason`.",
            identity=comment.kind,
        )
