"""Rows are put in random order by the database.

`ORDER BY RANDOM()` gives every row of the table a number and sorts them all, for the few that
are shown. Pick random keys in Python, or sample the table.

Bad:
```python shop/services.py
from shop.models import Book


def tip():
    return Book.objects.filter(listed=True).order_by("?").first()  # flagged
```
Bad:
```python app/services.py
import random

from sqlalchemy import func, select


def tips(session):
    return session.scalars(select(Book).order_by(func.random()).limit(3)).all()  # flagged


def more(cursor):
    cursor.execute("SELECT id FROM book ORDER BY RANDOM() LIMIT 3")  # flagged
```
Good:
```python shop/services.py
import random

from shop.models import Book


def tip():
    keys = list(Book.objects.filter(listed=True).values_list("pk", flat=True)[:10_000])
    return Book.objects.get(pk=random.choice(keys)) if keys else None
```
Good: the rows are sorted by a column.
```python shop/services.py
from shop.models import Book


def newest():
    return Book.objects.order_by("-published", "pk")
```
Good: tests and commands.
```python tests/test_books.py
from shop.models import Book


def test_any_book_has_a_title():
    assert Book.objects.order_by("?").first().title
```
Good: a random number that nothing is sorted by.
```python shop/services.py
from sqlalchemy import func, select


def dice(session):
    return session.scalar(select(func.random()))
```
"""

import re
from collections.abc import Iterator

import libcst as cst

from rules.facts.call_chain import makes_up_data
from rules.kit import Flag, Here, Rule, Severity, dotted, find, string

rule = Rule(
    __name__,
    __doc__,
    code="DBQ120",
    severity=Severity.WARNING,
    checklist=("database.query-efficiency",),
)

_RANDOM = re.compile(r"order\s+by\s+(?:random|rand|newid)\s*\(", re.IGNORECASE)
_FUNCTIONS = re.compile(
    r"(^|\.)func\.(random|rand|newid|RANDOM|RAND)$|functions\.Random$|(^|\.)Random$"
)


@rule.on(cst.Call, calls=("order_by",))
def in_order(node: cst.Call, here: Here) -> Iterator[Flag]:
    for each in node.args:
        value = each.value
        by_text = string(value) in ("?", "-?")
        if isinstance(value, cst.Name):
            bound = here.value_of(value)
            value = bound if isinstance(bound, cst.Call) else value
        by_call = isinstance(value, cst.Call) and _FUNCTIONS.search(dotted(value.func))
        random = by_text or by_call or _RANDOM.search(f"order by {string(value) or ''}")
        if random and not _is_spared(here):
            yield Flag(each.value, _said())
            return


@rule.on(cst.Call, calls=("execute", "raw", "text", "fetch", "fetchrow", "fetch_all", "read_sql"))
def in_sql(node: cst.Call, here: Here) -> Iterator[Flag]:
    if not node.args:
        return
    first = here.value_of(node.args[0].value)
    text = string(first)
    if text is None and isinstance(first, cst.FormattedString):
        text = "".join(each.value for each in find(first, cst.FormattedStringText))
    if text is not None and _RANDOM.search(text) and not _is_spared(here):
        yield Flag(node, _said())


def _is_spared(here: Here) -> bool:
    return here.is_test or here.is_script or here.is_migration or makes_up_data(here.path)


def _said() -> str:
    return (
        "The database gives every row that fits a random number and sorts them all; pick random "
        "keys instead, or sample the table."
    )
