"""The change alters what the program does, and the changelog does not say so.

This project has a changelog that is open for changes. What is missing now is missing in the notes
of the release, or somebody has to find it again among hundreds of commits. Add a line. Off by
default: for most projects with such a file, only some changes are worth a line.

Before:
```python shop/orders.py
def total(lines):
    return sum(line.price for line in lines)
```
```text CHANGELOG.md
# Changelog

## Unreleased

- Orders can be closed.
```
Bad:
```python shop/orders.py flagged
def total(lines, shop):
    if any(line.price < 0 for line in lines):
        raise ValueError("negative price")
    for line in lines:
        if line.is_gift:
            shop.note(line)
    return sum(line.price for line in lines if not line.is_gift)
```
```text CHANGELOG.md
# Changelog

## Unreleased

- Orders can be closed.
```
Good:
```python shop/orders.py
def total(lines, shop):
    if any(line.price < 0 for line in lines):
        raise ValueError("negative price")
    for line in lines:
        if line.is_gift:
            shop.note(line)
    return sum(line.price for line in lines if not line.is_gift)
```
```text CHANGELOG.md
# Changelog

## Unreleased

- Gifts cost nothing.
- Orders can be closed.
```
Good: nothing that a user could notice.
```text @pull-request
Refactor the sum of an order
```
```python shop/orders.py
def total(lines, shop):
    if any(line.price < 0 for line in lines):
        raise ValueError("negative price")
    for line in lines:
        if line.is_gift:
            shop.note(line)
    return sum(line.price for line in lines if not line.is_gift)
```
```text CHANGELOG.md
# Changelog

## Unreleased

- Orders can be closed.
```
Before:
```python shop/orders.py
def total(lines):
    return sum(line.price for line in lines)
```
```text CHANGELOG.md
# Changelog

## 1.0 (2019-03-02)

- Orders can be closed.
```
Good: the changelog is written at the time of a release, if at all.
```python shop/orders.py
def total(lines, shop):
    if any(line.price < 0 for line in lines):
        raise ValueError("negative price")
    for line in lines:
        if line.is_gift:
            shop.note(line)
    return sum(line.price for line in lines if not line.is_gift)
```
```text CHANGELOG.md
# Changelog

## 1.0 (2019-03-02)

- Orders can be closed.
```
"""

import re
from collections.abc import Iterator

from rules.facts.behaviour import changes
from rules.facts.changelogs import Changelog, is_changelog
from rules.facts.pull_requests import is_by_program
from rules.kit import Change, Flag, Here, PythonFile, Rule, Severity
from rules.kit.paths import is_generated, is_migration, is_script, is_test

rule = Rule(
    __name__,
    __doc__,
    code="WFL102",
    severity=Severity.NOTICE,
    checklist=("workflow.documentation",),
    scope="pr",
    default=False,
)

_LEAST_SCORE = 6
_UNSEEN = re.compile(
    r"(?i)^\W*(refactor|chore|docs?|style|build|ci|tests?|typing|types|rename|clean|lint|format|wip"
    r"|move|perf|reformat|tidy|dedup|simplify|extract|typo|internal|cleanup|logging|log )"
)
_INTERNAL = re.compile(r"(^|/)(_\w+|internal|dev|conftest|pytest_\w+)(/|\.py$)|(^|/)\.")


@rule.on(PythonFile)
def parse(_file: PythonFile, _here: Here) -> Iterator[Flag]:
    """Ask for the trees of all changed files; what they mean is said of the change."""
    yield from ()


@rule.on(Change)
def check(change: Change, _here: Here) -> Iterator[Flag]:
    if _UNSEEN.match(change.title) or is_by_program(change):
        return
    if any(is_changelog(each.path) or is_changelog(each.old_path) for each in change.files):
        return
    kept: Changelog = change.before.facts(Changelog)
    if not kept.place:
        return
    sources = {
        each.path: change.trees.get(each.path, (None, None))
        for each in change.files
        if each.path.endswith(".py") and _is_seen(each.path) and kept.speaks_of(each.path)
    }
    found = [each for each in changes(sources) if not each.function.qualname.startswith("_")]
    if sum(each.score for each in found) < _LEAST_SCORE:
        return
    chief = max(found, key=lambda each: each.score)
    yield Flag(
        0,
        f"`{chief.function.qualname}` does something new, and `{kept.place}`, which this project "
        "writes as it goes, has no entry for it.",
        path=chief.path,
        identity="changelog entry missing",
    )


def _is_seen(path: str) -> bool:
    """Whether users may notice what changes here."""
    aside = is_test(path) or is_script(path) or is_migration(path) or is_generated(path)
    return not aside and not _INTERNAL.search(path)
