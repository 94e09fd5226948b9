"""A serializer reads a relation that the query of its view does not load.

The serializer follows `author` for each book that it shows, and the view's query did not bring
the authors along: a list of 100 books costs 101 queries. Neither file is wrong alone. Load what
the serializer reads in the view's query: `select_related` for one row at the other end,
`prefetch_related` for several.

Bad: a method field that goes through related rows, in a view of one function.
```python shop/models.py
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    title = models.CharField(max_length=50)
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
```
```python shop/serializers.py
from rest_framework import serializers

from shop.models import Author


class AuthorSerializer(serializers.ModelSerializer):
    titles = serializers.SerializerMethodField()

    class Meta:
        model = Author
        fields = ["name", "titles"]

    def get_titles(self, author):
        return [book.title for book in author.books.all()]
```
```python shop/views.py
from rest_framework.decorators import api_view
from rest_framework.response import Response

from shop.models import Author
from shop.serializers import AuthorSerializer


@api_view(["GET"])
def authors(request):
    rows = Author.objects.order_by("name")  # flagged
    return Response(AuthorSerializer(rows, many=True).data)
```
Bad: one serializer in another: it is told of the query, too.
```python shop/models.py
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    author = models.ForeignKey(Author, models.CASCADE)
```
```python shop/serializers.py
from rest_framework import serializers

from shop.models import Author, Book


class AuthorSerializer(serializers.ModelSerializer):
    class Meta:
        model = Author
        fields = ["name"]


class BookSerializer(serializers.ModelSerializer):
    author = AuthorSerializer(read_only=True)  # flagged

    class Meta:
        model = Book
        fields = ["author"]
```
```python shop/views.py
from rest_framework.generics import ListAPIView

from shop.models import Book
from shop.serializers import BookSerializer


class BookList(ListAPIView):
    serializer_class = BookSerializer
    queryset = Book.objects.order_by("pk")  # flagged
```
Bad:
```python shop/models.py
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    title = models.CharField(max_length=50)
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
```
```python shop/serializers.py
from rest_framework import serializers

from shop.models import Author, Book


class AuthorSerializer(serializers.ModelSerializer):
    class Meta:
        model = Author
        fields = ["name"]


class BookSerializer(serializers.ModelSerializer):
    author = AuthorSerializer()  # flagged

    class Meta:
        model = Book
        fields = ["title", "author"]
```
```python shop/views.py
from rest_framework import viewsets

from shop.models import Book
from shop.serializers import BookSerializer


class BookViewSet(viewsets.ModelViewSet):
    queryset = Book.objects.filter(title__gt="")  # flagged
    serializer_class = BookSerializer
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
```python shop/serializers.py
from rest_framework import serializers

from shop.models import Author, Book


class AuthorSerializer(serializers.ModelSerializer):
    class Meta:
        model = Author
        fields = ["name"]


class BookSerializer(serializers.ModelSerializer):
    author = AuthorSerializer()

    class Meta:
        model = Book
        fields = ["title", "author"]
```
```python shop/views.py
from rest_framework import viewsets

from shop.models import Book
from shop.serializers import BookSerializer


class BookViewSet(viewsets.ModelViewSet):
    queryset = Book.objects.filter(title__gt="").select_related("author")
    serializer_class = BookSerializer
```
Good: loaded in `get_queryset`, and a serializer that shows keys alone.
```python shop/models.py
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    title = models.CharField(max_length=50)
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
```
```python shop/views.py
from rest_framework import generics, serializers

from shop.models import Author, Book


class AuthorSerializer(serializers.ModelSerializer):
    class Meta:
        model = Author
        fields = ["name"]


class BookSerializer(serializers.ModelSerializer):
    author = AuthorSerializer()

    class Meta:
        model = Book
        fields = ["title", "author"]


class KeySerializer(serializers.ModelSerializer):
    writer = serializers.IntegerField(source="author_id")

    class Meta:
        model = Book
        fields = ["title", "author", "writer"]


class BookList(generics.ListAPIView):
    queryset = Book.objects.all()
    serializer_class = BookSerializer

    def get_queryset(self):
        return super().get_queryset().select_related("author")


class KeyList(generics.ListAPIView):
    queryset = Book.objects.all()
    serializer_class = KeySerializer


class OneBook(generics.RetrieveAPIView):
    queryset = Book.objects.all()
    serializer_class = BookSerializer
```
"""

from collections.abc import Iterator

from rules.flow.orm.findings import Unloaded
from rules.kit import Confidence, Flag, Here, Rule, Severity

rule = Rule(
    __name__,
    __doc__,
    code="DBQ103",
    severity=Severity.WARNING,
    frameworks=("drf",),
    checklist=("database.query-efficiency", "database.n-plus-one"),
    scope="project",
    fix="suggestion",
    peers=(),
)


@rule.on(Unloaded)
def check(found: Unloaded, here: Here) -> Iterator[Flag]:
    if found.kind != "serializer" or found.alchemy:
        return
    yield Flag(
        found.where,
        f"The serializer reads {found.names} of each `{found.model}`, and {_query(found, here)} does "
        f"not load it: one more query for every row. Add `{found.cure}`.",
        fix=found.fix(),
        confidence=Confidence.HOTSPOT if found.doubt else None,
        related=found.related(),
        identity=found.identity,
    )


def _query(found: Unloaded, here: Here) -> str:
    return f"the query {found.at_query(here)}" if found.is_asked_elsewhere(here) else "this query"
