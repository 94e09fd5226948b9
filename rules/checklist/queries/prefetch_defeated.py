"""A prefetched relation is filtered again for every row.

`prefetch_related("books")` has fetched all books, but `author.books.filter(...)` is another
question: Django asks the database once more for each author, and the prefetch was for nothing.
Filter in Python over `.all()`, or prefetch just those rows with
`Prefetch("books", queryset=..., to_attr=...)`.

Bad:
```python shop/models.py
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    title = models.CharField(max_length=50)
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
```
```python shop/reports.py
from shop.models import Author


def report():
    for author in Author.objects.prefetch_related("books"):
        yield author.books.order_by("title")[:3], author.books.filter(title__gt="m").count()  # flagged
```
Good:
```python shop/models.py
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    title = models.CharField(max_length=50)
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
```
```python shop/reports.py
from django.db.models import Prefetch

from shop.models import Author, Book


def report():
    for author in Author.objects.prefetch_related("books"):
        yield [book for book in author.books.all() if book.title > "m"], author.books.count()
```
Good: the prefetch serves, or fetches what is wanted.
```python shop/models.py
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    title = models.CharField(max_length=50)
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
```
```python shop/reports.py
from django.db.models import Prefetch

from shop.models import Author, Book


def late():
    late = Prefetch("books", queryset=Book.objects.filter(title__gt="m"), to_attr="late")
    for author in Author.objects.prefetch_related(late):
        yield author.late
```
"""

from collections.abc import Iterator

from rules.flow.orm.findings import Again
from rules.kit import Flag, Here, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="DBQ110",
    severity=Severity.WARNING,
    frameworks=("django",),
    checklist=("database.query-efficiency",),
    scope="project",
    peers=(),
)


@rule.on(Again)
def check(again: Again, here: Here) -> Iterator[Flag]:
    if not again.defeats or again.found.ran.writes:
        return
    yield Flag(
        again.where,
        f"`{again.relation}` is prefetched, but `{again.code(here)}` asks the database again for "
        f"every row. Filter over `.all()` in Python, or prefetch these rows with "
        f'`Prefetch("{again.relation}", queryset=..., to_attr=...)`.',
        related=again.related(),
    )
