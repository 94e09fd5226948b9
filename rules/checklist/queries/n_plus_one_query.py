"""A query is run again for every turn of a loop.

`get`, `first`, `count` or `exists` for each row, here or in a function that the loop calls, makes
the time grow with the table. Ask once before the loop: `in_bulk` or a filter with `__in` for
rows, `annotate(Count(...))` for counts, `Exists(...)` for tests, a dictionary by key for both.

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
from shop.models import Author, Book


def report():
    for author in Author.objects.all():
        yield author.name, Book.objects.filter(author=author).count()  # flagged
```
Bad: in a function that the loop calls, and through the related rows.
```python shop/models.py
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    title = models.CharField(max_length=50)
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
```
```python shop/reports.py
from shop.models import Author, Book


def newest(author):
    return author.books.order_by("-pk").first()


def report():
    authors = Author.objects.order_by("name")
    return [(newest(author), author.books.count()) for author in authors]  # flagged
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
from django.db.models import Count

from shop.models import Author, Book


def report():
    for author in Author.objects.annotate(size=Count("books")):
        yield author.name, author.size
```
Good: once for all, only where it is not known yet, and a few that are written down.
```python shop/models.py
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    title = models.CharField(max_length=50)
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
```
```python shop/reports.py
from django.db.models import Count

from shop.models import Author, Book


def titles(keys):
    known = Book.objects.in_bulk(keys)
    return [known[key].title for key in keys]


def of_authors(rows):
    known = {}
    for author in Author.objects.all():
        if author.name not in known:
            known[author.name] = Author.objects.filter(name=author.name).first()
    return known


def kinds():
    return [Book.objects.filter(title=kind).count() for kind in ("new", "old")]
```
"""

from collections.abc import Iterator

from rules.flow.orm.findings import Again, Unloaded
from rules.kit import Confidence, Flag, Here, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="DBQ102",
    severity=Severity.WARNING,
    frameworks=("django",),
    checklist=("database.n-plus-one",),
    scope="project",
    peers=(),
)


@rule.on(Again)
def check(again: Again, here: Here) -> Iterator[Flag]:
    if again.kind in ("admin", "template", "resolver") or again.found.ran.writes or again.defeats:
        return
    yield Flag(
        again.where,
        again.told(here),
        confidence=Confidence.HOTSPOT if again.doubt else None,
        related=again.related(),
    )


@rule.on(Unloaded)
def check_counts(found: Unloaded, here: Here) -> Iterator[Flag]:
    if found.kind != "python" or found.first.how not in ("count", "exists"):
        return
    name = "Count" if found.first.how == "count" else "Exists"
    yield Flag(
        found.where,
        f"`{found.code(here)}` asks the database on every turn of this loop. Let the query on "
        f"`{found.model}` {found.at_query(here)} do it: `annotate` with `{name}`.",
        confidence=Confidence.HOTSPOT if found.doubt or found.is_deed else None,
        related=found.related(),
    )
