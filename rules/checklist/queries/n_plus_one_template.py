"""A template reads a relation of each row that the query of its view does not load.

`{{ book.author.name }}` in a loop asks the database for an author on every turn, and nothing in
the view shows it. Load the relation in the query that the view gives the template, or count
and pick in the query (`annotate`) what a method of the row would ask for.

Bad:
```python shop/models.py
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    title = models.CharField(max_length=50)
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
```
```html templates/books.html
{% for book in books %}
  <li>{{ book.title }} by {{ book.author.name }}</li>
{% endfor %}
```
```python shop/views.py
from django.shortcuts import render

from shop.models import Book


def books(request):
    rows = Book.objects.order_by("title")  # flagged
    return render(request, "books.html", {"books": rows})
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
```html templates/books.html
{% for book in books %}
  <li>{{ book.title }} by {{ book.author.name }}</li>
{% endfor %}
```
```python shop/views.py
from django.shortcuts import render

from shop.models import Book


def books(request):
    rows = Book.objects.order_by("title").select_related("author")
    return render(request, "books.html", {"books": rows})
```
Bad: a page view, an included template, and a method of the row.
```python shop/models.py
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    title = models.CharField(max_length=50)
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")

    def label(self):
        return f"{self.title} ({self.author.name})"
```
```html templates/shop/book_list.html
{% extends "base.html" %}
{% block content %}
{% for book in book_list %}{% include "shop/card.html" with item=book only %}{% endfor %}
{% endblock %}
```
```html templates/shop/card.html
<p>{{ item.label }}</p>
```
```python shop/views.py
from django.views.generic import ListView

from shop.models import Book


class BookList(ListView):
    template_name = "shop/book_list.html"
    queryset = Book.objects.filter(title__gt="")  # flagged
```
Bad: a query in the template itself.
```python shop/models.py
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    title = models.CharField(max_length=50)
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
```
```html templates/shop/author.html
{% for author in authors %}
  {% if author.books.exists %}{{ author.name }}{% endif %} # flagged
{% endfor %}
```
```python shop/views.py
from django.shortcuts import render

from shop.models import Author


def authors(request):
    return render(request, "shop/author.html", {"authors": Author.objects.all()})
```
Good: loaded, keys only, and one row.
```python shop/models.py
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    title = models.CharField(max_length=50)
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
```
```html templates/shop/book.html
{{ book.author.name }}
{% for each in others %}{{ each.author.name }} {{ each.author_id }}{% endfor %}
```
```python shop/views.py
from django.shortcuts import get_object_or_404, render

from shop.models import Book


def book(request, pk):
    shown = get_object_or_404(Book, pk=pk)
    others = Book.objects.select_related("author").exclude(pk=pk)
    return render(request, "shop/book.html", {"book": shown, "others": others})
```
"""

from collections.abc import Iterator

from rules.flow.orm.findings import Unloaded
from rules.flow.orm.pages import ENDINGS, in_template
from rules.kit import Confidence, Flag, Here, Related, Rule, Severity, TextFile

rule = Rule(
    __name__,
    __doc__,
    code="DBQ104",
    severity=Severity.WARNING,
    frameworks=("django",),
    checklist=("database.n-plus-one",),
    scope="project",
    fix="suggestion",
    files=ENDINGS,
    peers=(),
)


@rule.on(Unloaded)
def check(found: Unloaded, here: Here) -> Iterator[Flag]:
    if found.kind != "template" or found.first.how in ("count", "exists"):
        return
    at = found.first.at
    yield Flag(
        found.where,
        f"`{at.path.rpartition('/')[2]}` reads {found.names} of each `{found.model}` (line "
        f"{at.line}), and this query does not load it: one more query for every row. "
        f"Add `{found.cure}`.",
        fix=found.fix(),
        confidence=Confidence.HOTSPOT if found.doubt else None,
        related=(Related(at.path, at.line, "the loop of the template"), *found.related()),
        identity=found.identity,
    )


@rule.on(TextFile)
def check_template(file: TextFile, here: Here) -> Iterator[Flag]:
    for each in in_template(file, here):
        yield Flag(
            each.span,
            each.message,
            confidence=Confidence.HOTSPOT if each.doubt else None,
            related=each.related,
        )
