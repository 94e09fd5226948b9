"""The message of a commit does not say what it does.

`fix`, `update`, `changes`: whoever finds this commit as the cause of a line has to work out from
the difference what it was for, and a list of such subjects tells nothing. Say what changes, and
why, in the words of the one who will look for it.

Silent where pull requests are squashed into one commit, and where the commits are not known.

Before:
```python shop/orders.py
def close(order):
    order.close()
```
Bad:
```text @commits
fix
  shop/orders.py
```
```python shop/orders.py flagged
def close(order):
    order.close()
    order.parcel.close()
```
Good:
```text @commits
Close the parcel of an order with it
  shop/orders.py
```
```python shop/orders.py
def close(order):
    order.close()
    order.parcel.close()
```
Bad:
```text @commits
Close the parcel of an order with it
  shop/orders.py

address review comments
  shop/orders.py
```
```python shop/orders.py flagged
def close(order):
    order.close()
    order.parcel.close()
```
Good:
```text @commits
Close the parcel of an order with it
  shop/orders.py

Name the parcel in the error
  shop/orders.py
```
```python shop/orders.py
def close(order):
    order.close()
    order.parcel.close()
```
Good: a merge, a release, and few words that say it all.
```text @commits
Merge branch 'parcels' into close-parcels

v2.4.1

Update Django
  requirements.txt

Fix typo
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
    code="WFL105",
    severity=Severity.NOTICE,
    checklist=("workflow.commits",),
    scope="pr",
    default=False,
)

_VAGUE = re.compile(
    r"(?i)^\W*(fix(es|ed)?|update[sd]?|change[sd]?|changes|wip|stuff|misc|minor|cleanup|clean up|tweaks?"
    r"|refactor(ing)?|work|more( work)?|test(s|ing)?|commit|save|done|improve(ments?)?|small (fix|changes?)"
    r"|(minor|some|more|small|quick|bug) ?(fix(es)?|changes?|updates?|improvements?|tweaks?)"
    r"|(fix|address|apply)(ed|es)? (bugs?|issues?|it|this|(the |code |pr )*(review|comments?|feedback)"
    r"( comments?| feedback)?|lint(ing|er)?|tests?|ci)|update (code|files?|it|this)|\w+\.py)\W*$"
)
_VERSION = re.compile(r"^\W*v?\d")


@rule.on(Change)
def check(change: Change, _here: Here) -> Iterator[Flag]:
    vague = [each.subject for each in change.commits if _is_vague(each)]
    place = chief(change)
    if vague and place is not None:
        yield Flag(
            0,
            f"A commit called `{vague[0][:40]}` tells nobody what it does, nor why. Say what changes, "
            "in the words of the one who will look for it.",
            path=place.path,
            identity="vague commit message",
        )


def _is_vague(commit: Commit) -> bool:
    if commit.parents > 1 or _VERSION.match(commit.subject):
        return False
    is_bare = commit.message.strip() == commit.subject
    return is_bare and (bool(_VAGUE.match(commit.subject)) or " " not in commit.subject)
