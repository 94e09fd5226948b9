"""A note of work to be done belongs to no task.

`TODO` and `FIXME` without a number are read by nobody who plans: they stay for years, and whoever
meets them does not know whether they still hold. Open a task and name it in the comment, or do it.

Bad:
```python
def total(cart):
    # TODO: taxes  # flagged
    return sum(line.price for line in cart.lines)  # FIXME rounding  # flagged
```
Good:
```python
def total(cart):
    # TODO(#214): taxes
    return sum(line.price for line in cart.lines)  # FIXME SHOP-31 rounding
```
Good: a name, a text, and a link.
```python
TODO = "todo"
LABELS = {"# TODO": "to do"}


def label(state):
    # TODO: https://bugs.example.org/214
    return LABELS.get(state, TODO)  # the todo list of a user
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.facts.comments import comments_of
from rules.kit import Flag, Here, PythonFile, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="CLN119",
    severity=Severity.NOTICE,
    checklist=("cleanup.leftovers", "workflow.task-management"),
    default=False,
    peers=("ruff:TD003", "ruff:FIX002", "pylint:W0511"),
)

_NOTE = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
_REFERENCE = re.compile(
    r"#\d+|\b[A-Z][A-Z0-9]{1,9}-\d+\b|https?://|\bgh-\d+|issue \d+", re.IGNORECASE
)


@rule.on(PythonFile, words=("TODO", "FIXME", "XXX", "HACK"))
def check(_file: PythonFile, here: Here) -> Iterator[Flag]:
    comments = comments_of(here.text)
    for line, text in comments.items():
        found = _NOTE.search(text)
        around = text + comments.get(line + 1, "")
        if found and not _REFERENCE.search(around):
            message = f"This {found[1]} names no task, so nobody plans it. Add the number of one."
            yield Flag(line, message)
