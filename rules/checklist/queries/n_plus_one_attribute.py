"""A loop over a query reads a relation that the query does not load.

Django then asks the database again for every row: a list of 200 orders costs 201 queries. Name
the relation in `select_related` (one row at the other end) or `prefetch_related` (several), and
all of it comes with the query itself. If only the key is needed, `book.author_id` costs nothing.

Bad:
```python shop/models.py
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
    editor = models.OneToOneField("Author", models.CASCADE, related_name="edits")
```
```python shop/views.py
from shop.models import Book


def names():
    return [book.author.name for book in Book.objects.filter(editor=None)]  # flagged
```
Good:
```python shop/models.py
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
    editor = models.OneToOneField("Author", models.CASCADE, related_name="edits")
```
```python shop/views.py
from shop.models import Book


def names():
    return [book.author.name for book in Book.objects.filter(editor=None).select_related("author")]
```
Bad: the rows at the other end, and what hangs on them.
```python shop/catalogue.py
from django.db import models


class Author(models.Model):
    pass


class Publisher(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
    publisher = models.ForeignKey(Publisher, models.CASCADE)


def catalogue():
    authors = Author.objects.all()
    for author in authors:
        for book in author.books.all():  # flagged
            yield book.author, book.publisher.name
```
Good:
```python shop/catalogue.py
from django.db import models


class Author(models.Model):
    pass


class Publisher(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
    publisher = models.ForeignKey(Publisher, models.CASCADE)


def catalogue():
    authors = Author.objects.prefetch_related("books__publisher")
    for author in authors:
        for book in author.books.all():
            yield book.author, book.publisher.name
```
Good: one row, fetched with all that the loop needs.
```python shop/catalogue.py
from django.db import models


class Author(models.Model):
    pass


class Publisher(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
    publisher = models.ForeignKey(Publisher, models.CASCADE)


def catalogue(pk):
    author = Author.objects.prefetch_related("books__publisher").get(pk=pk)
    return [(book.author, book.publisher.name) for book in author.books.all()]
```
Good: keys, one row, loaded relations, and a loop that ends at its first row.
```python shop/views.py
from django.db import models
from django.db.models import Prefetch


class Author(models.Model):
    name = models.CharField(max_length=50)
    agent = models.ForeignKey("self", models.CASCADE, null=True)


class BookQuerySet(models.QuerySet):
    def listed(self):
        return self.filter(listed=True).select_related("author")


class Book(models.Model):
    listed = models.BooleanField()
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
    objects = BookQuerySet.as_manager()


def keys():
    return [book.author_id for book in Book.objects.all()]


def one(pk):
    return [book.author.name for book in Book.objects.filter(pk=pk)]


def loaded():
    books = Book.objects.order_by("pk")
    books = books.select_related("author__agent")
    return [(book.author.name, book.author.agent) for book in books[:50]]


def listed():
    return [book.author.name for book in Book.objects.listed().iterator()]


def prefetched():
    books = Book.objects.select_related("author__agent")
    for author in Author.objects.prefetch_related(Prefetch("books", queryset=books)):
        yield author.agent_id, [book.author.agent for book in author.books.all()]


def first():
    for book in Book.objects.all():
        return book.author.name
```
"""

from collections.abc import Iterator

from rules.flow.orm.findings import Unloaded
from rules.kit import Confidence, Flag, Here, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="DBQ101",
    severity=Severity.WARNING,
    checklist=("database.query-efficiency", "database.n-plus-one"),
    scope="project",
    fix="suggestion",
    peers=(),
)


@rule.on(Unloaded)
def check(found: Unloaded, here: Here) -> Iterator[Flag]:
    if found.kind != "python" or found.alchemy or found.first.how in ("count", "exists"):
        return
    yield Flag(
        found.where,
        found.told(here),
        fix=found.fix(),
        confidence=Confidence.HOTSPOT if found.doubt else None,
        related=found.related(),
    )
