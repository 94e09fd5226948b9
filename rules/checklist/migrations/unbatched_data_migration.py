"""A data migration loads a whole table and saves it row by row.

On a table of a million rows it fills the memory and runs for hours, in one transaction. Let
the database do it (`update()` with expressions), or go through the rows in pieces:
`iterator(chunk_size=...)` and `bulk_update`.

Bad:
```python shop/migrations/0002_fill.py
from django.db import migrations


def fill(apps, schema_editor):
    Book = apps.get_model("shop", "Book")
    for book in Book.objects.all():  # flagged
        book.slug = book.title.lower()
        book.save()


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
```
Bad:
```python alembic/versions/0002_fill.py
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    connection = op.get_bind()
    rows = connection.execute(sa.text("SELECT id, title FROM book")).fetchall()
    for row in rows:  # flagged
        connection.execute(sa.text("UPDATE book SET slug = :s WHERE id = :i"), {"s": row[1], "i": row[0]})


def downgrade():
    raise NotImplementedError
```
Good: in pieces, or in the database.
```python shop/migrations/0002_fill.py
from django.db import migrations
from django.db.models.functions import Lower


def fill(apps, schema_editor):
    Book = apps.get_model("shop", "Book")
    Book.objects.update(slug=Lower("title"))
    for book in Book.objects.all().iterator(chunk_size=500):
        book.slug = book.title.lower()
        book.save()
    books = list(Book.objects.all()[:500])
    for book in books:
        book.slug = book.title.lower()
    Book.objects.bulk_update(books, ["slug"])


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
```
Good: few rows, and rows that are only read.
```python shop/migrations/0003_names.py
from django.db import migrations


def fill(apps, schema_editor):
    Book = apps.get_model("shop", "Book")
    for name in ["a", "b"]:
        Book.objects.create(title=name)
    for book in Book.objects.filter(pk__in=[1, 2]):
        book.save()
    for book in Book.objects.all():
        print(book.title)


class Migration(migrations.Migration):
    dependencies = [("shop", "0002_fill")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
```
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from rules.kit import Flag, Here, Rule, Severity, dotted, find

rule = Rule(
    __name__,
    __doc__,
    code="MIG108",
    severity=Severity.WARNING,
    checklist=("database.migration-performance",),
    scope="file",
)

_MANAGERS = frozenset({"objects", "all_objects", "_base_manager", "_default_manager"})
_WHOLE = frozenset(
    {"all", "order_by", "select_related", "prefetch_related", "only", "defer", "using"}
)
_ROWS = frozenset({"fetchall", "all", "execute", "mappings", "scalars", "query", "select"})
_NARROW = frozenset(
    {"where", "filter", "filter_by", "limit", "yield_per", "fetchmany", "partitions"}
)


@rule.on(cst.For, words=("get_model", "get_bind"))
def check(loop: cst.For, here: Here) -> Iterator[Flag]:
    if not here.is_migration or here.function(loop) is None:
        return
    names = _chain(here.value_of(loop.iter))
    row = dotted(loop.target)
    if _is_whole_table(names) and row and _saves(loop, row):
        message = (
            f"This loads every row of `{names[0]}` and saves them one by one, in one transaction; "
            "let `update()` do it in the database, or go through them with `iterator(chunk_size=...)` "
            "and `bulk_update`."
        )
        yield Flag(loop, message)
    elif _is_result(loop, names, here) and _executes(loop):
        message = (
            "This loads every row of the result and writes them back one statement each; let one "
            "UPDATE do it, or go through the table in pieces."
        )
        yield Flag(loop, message)


def _chain(node: cst.CSTNode) -> list[str]:
    """`a.b().c()` as its names from the left; empty for what is sliced or computed."""
    names: list[str] = []
    while True:
        if isinstance(node, cst.Call):
            plain = isinstance(node.func, cst.Name) and node.func.value in ("list", "tuple", "iter")
            node = node.args[0].value if plain and node.args else node.func
        elif isinstance(node, cst.Attribute):
            names.append(node.attr.value)
            node = node.value
        elif isinstance(node, cst.Name):
            return [node.value, *reversed(names)]
        else:
            return []


def _is_whole_table(names: list[str]) -> bool:
    if len(names) < 3 or names[1] not in _MANAGERS:
        return False
    return set(names[2:]) <= _WHOLE


def _saves(loop: cst.For, row: str) -> bool:
    """Whether the row of each round is saved by itself."""
    return any(dotted(each.func) == f"{row}.save" for each in find(loop.body, cst.Call))


def _is_result(loop: cst.For, names: list[str], here: Here) -> bool:
    if not names or names[-1] not in _ROWS or _NARROW & set(names):
        return False
    last = here.value_of(loop.iter)
    source = here.source(last)
    return not any(f"{each}(" in source for each in _NARROW) and not _has_where(last, here)


def _has_where(node: cst.CSTNode, here: Here) -> bool:
    """Whether the statement behind a result names a condition or a limit."""
    text = here.source(node)
    for each in find(node, cst.Name):
        text += here.source(here.value_of(each))
    upper = text.upper()
    return "WHERE" in upper or "LIMIT" in upper


def _executes(loop: cst.For) -> bool:
    return any(
        isinstance(each.func, cst.Attribute) and each.func.attr.value == "execute"
        for each in find(loop.body, cst.Call)
    )
