"""Commits are left that nobody wants in the history.

A fixup, a commit called WIP, a merge of the main branch into this one: they stay for ever, and
whoever looks for the cause of an error by halves stops at commits that never worked. Tidy up
with `git rebase -i --autosquash` before the merge.

Silent where pull requests are squashed into one commit, and where the commits are not known.

Before:
```python shop/orders.py
def close(order):
    order.close()
```
Bad:
```text @commits
Close orders with their parcels
  shop/orders.py

fixup! Close orders with their parcels
  shop/orders.py

Merge branch 'main' into close-parcels
```
```python shop/orders.py flagged
def close(order):
    order.close()
    order.parcel.close()
```
Good:
```text @commits
Close orders with their parcels
  shop/orders.py
```
```python shop/orders.py
def close(order):
    order.close()
    order.parcel.close()
```
Good: a merge of another branch that this one is built on, and words that only begin alike.
```text @commits
Merge branch 'parcels' into close-parcels

Squash lines of an order that are alike
  shop/orders.py

Wipe closed orders
  shop/orders.py
```
```python shop/orders.py
def close(order):
    order.close()
    order.parcel.close()
```
"""

import re
from collections.abc import Iterator

from rules.facts.pull_requests import chief
from rules.kit import Change, Commit, Flag, Here, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="WFL104",
    severity=Severity.NOTICE,
    checklist=("workflow.commits",),
    scope="pr",
)

_UNFINISHED = re.compile(
    r"^(fixup!|squash!|amend!|\[?wip\]?\b(?!e))|^(wip|tmp|temp)$", re.IGNORECASE
)
_FROM_BASE = re.compile(
    r"^Merge (remote-tracking )?branch '(upstream/|origin/)?(main|master|develop|dev|trunk|staging)'"
)


@rule.on(Change)
def check(change: Change, _here: Here) -> Iterator[Flag]:
    left = [each.subject for each in change.commits if _is_left_over(each)]
    place = chief(change)
    if not left or place is None:
        return
    shown = f"`{left[0][:60]}`" + (f" and {len(left) - 1} more" if len(left) > 1 else "")
    yield Flag(
        0,
        f"This branch still holds {shown}: commits that tell nobody anything once they are merged. "
        "Fold them into those that they belong to, and rebase instead of merging the main branch.",
        path=place.path,
        identity="commits left to tidy up",
    )


def _is_left_over(commit: Commit) -> bool:
    if _UNFINISHED.match(commit.subject):
        return True
    return commit.parents > 1 and bool(_FROM_BASE.match(commit.subject))
