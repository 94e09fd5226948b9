"""A list of the admin reads a relation for every row.

A column that is a method, or the `__str__` of a row, may go through foreign keys: each row of
the page then costs a query of its own. Name them in `list_select_related`, or load them in
`get_queryset`. Inlines have only `get_queryset`.

Bad:
```python shop/models.py
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    title = models.CharField(max_length=50)
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
```
```python shop/admin.py
from django.contrib import admin

from shop.models import Book


@admin.register(Book)
class BookAdmin(admin.ModelAdmin):
    list_display = ["title", "writer"]

    def writer(self, book):  # flagged
        return book.author.name
```
Bad: `__str__` of the rows, and a query in a column.
```python shop/models.py
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    title = models.CharField(max_length=50)
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")

    def __str__(self):
        return f"{self.title} by {self.author.name}"
```
```python shop/admin.py
from django.contrib import admin

from shop.models import Author, Book


class BookAdmin(admin.ModelAdmin):
    list_display = ["__str__", "title"]  # flagged


class AuthorAdmin(admin.ModelAdmin):
    list_display = ["name", "titles"]

    def titles(self, author):  # flagged
        return ", ".join(book.title for book in author.books.all())


admin.site.register(Book, BookAdmin)
admin.site.register(Author, AuthorAdmin)
```
Good: said in `list_select_related`.
```python shop/models.py
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    title = models.CharField(max_length=50)
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
```
```python shop/admin.py
from django.contrib import admin

from shop.models import Book


@admin.register(Book)
class BookAdmin(admin.ModelAdmin):
    list_display = ["title", "writer"]
    list_select_related = ["author"]

    def writer(self, book):
        return book.author.name
```
Good: loaded, joined by Django because a column is the foreign key itself, or read for one row.
```python shop/models.py
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    title = models.CharField(max_length=50)
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
```
```python shop/admin.py
from django.contrib import admin

from shop.models import Author, Book


@admin.register(Book)
class BookAdmin(admin.ModelAdmin):
    list_display = ["title", "writer"]
    list_select_related = ["author"]
    readonly_fields = ["shelf"]

    def writer(self, book):
        return book.author.name

    def shelf(self, book):
        return book.author.name[0]


class OtherAdmin(admin.ModelAdmin):
    list_display = ["title", "author"]


@admin.register(Author)
class AuthorAdmin(admin.ModelAdmin):
    list_display = ["name", "titles"]

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("books")

    def titles(self, author):
        return ", ".join(book.title for book in author.books.all())


admin.site.register(Book, OtherAdmin)
```
"""

from collections.abc import Iterator

from rules.flow.orm.findings import Again, Unloaded
from rules.kit import Confidence, Flag, Here, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="DBQ105",
    severity=Severity.WARNING,
    frameworks=("django",),
    checklist=("database.query-efficiency", "database.n-plus-one", "django.admin"),
    scope="project",
    peers=(),
)


@rule.on(Unloaded)
def check(found: Unloaded, here: Here) -> Iterator[Flag]:
    if found.kind != "admin":
        return
    joined = all(each in found.joins for each in found.paths)
    quoted = ", ".join(f'"{each}"' for each in found.paths[:3])
    cure = f"`list_select_related = [{quoted}]`" if joined else f"`{found.cure}` in `get_queryset`"
    yield Flag(
        found.where,
        f"The list of `{found.model}` in the admin reads {found.names} for every row, and its "
        f"query does not load it: one more query each. Add {cure}.",
        confidence=Confidence.HOTSPOT if found.doubt else None,
        related=found.related(),
        identity=found.identity,
    )


@rule.on(Again)
def check_queries(again: Again, here: Here) -> Iterator[Flag]:
    if again.kind != "admin" or again.found.row is None or again.found.ran.writes:
        return
    yield Flag(
        again.where,
        f"The list in the admin runs a query for `{again.model}` for every row "
        f"(`{again.what}`). Count or pick it in `get_queryset` with `annotate`, or prefetch it.",
        related=again.related(),
    )
