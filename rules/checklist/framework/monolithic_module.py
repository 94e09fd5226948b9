"""A module of views, models or routes has grown past what one file can hold.

Everybody who changes anything changes this file: branches conflict, imports go in circles, and
nobody finds what is already there. Make it a package, with a module for each area.

The limit is the option `max_lines`; the change that passes it is told of, and no later one.

Before:
```python shop/views.py x240
def index(request):
    found = request.GET.get("q")
    return found

```
Bad:
```python shop/views.py x260 flagged
def index(request):
    found = request.GET.get("q")
    return found

```
Good:
```python shop/views/orders.py x20
def index(request):
    found = request.GET.get("q")
    return found

```
```python shop/views.py x240
def index(request):
    found = request.GET.get("q")
    return found

```
Before:
```python shop/models.py x300
class Book:
    title = ""
    price = 0

```
Good: it was too long before, and what is no such module.
```python shop/models.py x301
class Book:
    title = ""
    price = 0

```
```python shop/countries.py x300
DE = 1
FR = 2
IT = 3
ES = 4
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from rules.kit import Change, FileChange, Flag, Here, Rule, Severity
from rules.kit.paths import is_generated, is_migration, is_test, name_of


@dataclass(frozen=True)
class Options:
    """How long such a module may be."""

    max_lines: Annotated[
        int, Meta(description="The most lines of a module of views, models or routes.")
    ] = 1000


_DEFAULT = Options()

rule = Rule(
    __name__,
    __doc__,
    code="FWK134",
    severity=Severity.NOTICE,
    checklist=("quality.modular-structure", "fastapi.routers", "starlette.structure"),
    scope="project",
    options=_DEFAULT,
)

_MODULE = re.compile(
    r"(^|/)(views?|viewsets|models?|routes?|routers?|api|apis|urls|serializers|schemas|forms|services?|main|app"
    r"|resolvers|endpoints|handlers)\.py$"
)


@rule.on(Change)
def check(change: Change, here: Here) -> Iterator[Flag]:
    most = (here.options or _DEFAULT).max_lines
    for each in change.files:
        if not _MODULE.search(each.path) or is_test(each.path) or is_migration(each.path):
            continue
        if is_generated(each.path) or not _passes(each, most):
            continue
        yield Flag(
            0,
            f"`{name_of(each.path)}` passes {most} lines with this change. Make it a package with a module "
            "for each area, before everybody meets in this file.",
            path=each.path,
            identity="too many lines",
        )


def _passes(file: FileChange, most: int) -> bool:
    return _lines(file.before) <= most < _lines(file.after)


def _lines(data: bytes | None) -> int:
    return data.count(b"\n") if data is not None else 0
