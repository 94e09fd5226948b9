"""Rows are written one at a time in a loop where one statement would do.

Each `save()` or `create()` is a round trip and, without a transaction, a commit. `bulk_create` and
`bulk_update` write all rows at once; `update()` and `delete()` of a query set need not fetch them.
Note that bulk operations call no `save()` and send no signals: where the loop is there for
these, say so in a comment with `stet: ignore`.

Bad:
```python shop/models.py
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    title = models.CharField(max_length=50)
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
```
```python shop/jobs.py
from shop.models import Book


def rename():
    for book in Book.objects.filter(title=""):
        book.title = "untitled"
        book.save()  # flagged
```
Bad: rows that are made, one for each of others.
```python shop/models.py
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    title = models.CharField(max_length=50)
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
```
```python shop/jobs.py
from shop.models import Author, Book


def first_books():
    for author in Author.objects.all():
        Book.objects.create(author=author, title="first")  # flagged
```
Good:
```python shop/models.py
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    title = models.CharField(max_length=50)
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")


class Page(models.Model):
    text = models.TextField()

    def save(self, *args, **kwargs):
        self.text = self.text.strip()
        super().save(*args, **kwargs)
```
```python shop/jobs.py
from django.db import DatabaseError

from shop.models import Author, Book, Page


def rename():
    Book.objects.filter(title="").update(title="untitled")
```
Good: all at once, and rows that handle their own errors or have a `save` of their own.
```python shop/models.py
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    title = models.CharField(max_length=50)
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")


class Page(models.Model):
    text = models.TextField()

    def save(self, *args, **kwargs):
        self.text = self.text.strip()
        super().save(*args, **kwargs)
```
```python shop/jobs.py
from django.db import DatabaseError

from shop.models import Author, Book, Page


def first_books():
    rows = [Book(author=author, title="first") for author in Author.objects.all()]
    Book.objects.bulk_create(rows)


def strip():
    for page in Page.objects.all():
        page.save()


def careful(log):
    for book in Book.objects.all():
        try:
            book.save()
        except DatabaseError as problem:
            log.warning("%s: %s", book.pk, problem)
```
"""

from collections.abc import Iterator

from rules.flow.orm.findings import Again
from rules.kit import Confidence, Flag, Here, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="DBQ109",
    severity=Severity.WARNING,
    checklist=("database.n-plus-one", "database.f-and-q"),
    scope="project",
    peers=(),
)


@rule.on(Again)
def check(again: Again, here: Here) -> Iterator[Flag]:
    if not again.found.ran.writes or again.is_special(here):
        return
    if again.what.startswith("set "):
        message = (
            f"This loop loads every `{again.model}` to give `{again.code(here)}` the same value, and "
            f"each row is written by itself. One `update()` statement does it in the database."
        )
    elif again.is_of_relation:
        message = (
            f"`{again.code(here)}` writes to the database on every turn of this loop. If nothing "
            f"waits for its signals, {again.bulk}."
        )
    else:
        message = (
            f"`{again.code(here)}` writes one `{again.model}` on every turn of this loop. Does it "
            f"need `save()` and its signals? If not, {again.bulk}."
        )
    yield Flag(
        again.where,
        message,
        confidence=Confidence.HOTSPOT if again.doubt else None,
        related=again.related(),
    )
