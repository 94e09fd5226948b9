"""A comment silences a rule that has nothing to say there.

The code was repaired, or the code in brackets is misspelt. A comment that is left behind
would hide the fault if it came back.

Bad:
```python
def total(order):
    return order.total  # stet: ignore[ERR101] old  # flagged
```
Good:
```python
def total(order):
    return order.total
```
Good: it silences a finding.
```python
def total(order):
    try:
        return order.total
    except:  # stet: ignore[ERR101] the caller stops the worker by a flag
        return 0
```
"""

from collections.abc import Iterator

from rules.kit import Fix, Flag, Here, ReplaceLines, Rule, Severity, SilencingComment, Span

rule = Rule(
    __name__,
    __doc__,
    code="SUP103",
    severity=Severity.NOTICE,
    checklist=("security.warnings-ignored",),
    scope="file",
    fix="safe",
)


@rule.on(SilencingComment)
def check(comment: SilencingComment, here: Here) -> Iterator[Flag]:
    wanted = here.options is None or here.options.report_unused
    if not comment.codes or not wanted or (comment.until and comment.until < comment.today):
        return
    span = Span(comment.line, comment.start + 1, comment.line, len(comment.text) + 1)
    if comment.unknown:
        named = ", ".join(f"`{each}`" for each in comment.unknown)
        yield Flag(span, f"No rule is called {named}; `stet rules` lists them.", identity=named)
    elif comment.in_question and not comment.used:
        codes = ", ".join(comment.codes)
        message = (
            f"Nothing here is silenced any more: `{codes}` finds nothing. Take the comment away."
        )
        yield Flag(span, message, fix=_without(comment), identity=codes)


def _without(comment: SilencingComment) -> Fix:
    kept = comment.text[: comment.start].rstrip()
    return Fix((ReplaceLines(comment.line, comment.line, (kept,) if kept else ()),), safe=True)
